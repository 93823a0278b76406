"""Golden cases: CASE/cmd is run, its output compared with what a person wrote down.

    cmd        the arguments, one shell-like line; relative paths are those of the case's
               folder, $CAPTURES is tests/captures; `< FILE` at the end is standard input
    in.jsonl   standard input where cmd names no other; nothing where it is missing
    want.csv   the output, datetime_inserted as INSERTED
    want.err   texts that standard error must hold, one a line; without the file it is empty
    status     the exit status
"""

import shlex

import pytest

from helpers import CAPTURES, HERE, pivot, settled

CASES = sorted(path.parent for path in HERE.glob("*/cmd"))


def read_command(case):
    words = [word.replace("$CAPTURES", str(CAPTURES))
             for word in shlex.split((case / "cmd").read_text(encoding="utf-8"))]
    if "<" in words:
        at = words.index("<")
        return words[:at], (case / words[at + 1]).read_bytes()
    stdin = case / "in.jsonl"
    return words, stdin.read_bytes() if stdin.exists() else b""


def read_wanted_errors(case):
    file = case / "want.err"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def says(wanted, err):
    """Are all the texts there, and nothing at all where none is wanted?"""
    return all(text in err for text in wanted) and (bool(wanted) or err == "")


def write_want(case, result):
    (case / "want.csv").write_bytes(settled(result.out).encode("utf-8"))
    (case / "status").write_text("%d\n" % result.status)
    if not says(read_wanted_errors(case), result.err):
        (case / "want.err").write_text(result.err, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case, accept):
    arguments, stdin = read_command(case)
    result = pivot(*arguments, stdin=stdin, cwd=case)
    if accept:
        write_want(case, result)
    assert settled(result.out) == (case / "want.csv").read_bytes().decode("utf-8")
    assert result.status == int((case / "status").read_text())
    assert says(read_wanted_errors(case), result.err), result.err
