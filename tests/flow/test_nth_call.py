"""Every call that changes a file fails once, or ends the process: over a whole run of the worker into
files, with records that are left out, and over a whole run of the pipe. nth_call.c stands between the
program and libc."""

import collections
import concurrent.futures
import errno
import json
import os
import shutil
import subprocess

import pytest

from helpers import BIN, HERE, create, lines
from test_bad_input import header_of
from test_demo import ROWS

CALLS_LIMIT = 400
AT_ONCE = 8
# The creates: what is to be their time is none.
BAD = {1, 2, 8}
GOOD = [row for row in ROWS if row[5] != "c"]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("there is no compiler")
    made = tmp_path_factory.mktemp("nth_call") / "nth_call.so"
    subprocess.run([compiler, "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-o", made, HERE / "nth_call.c", "-ldl"], check=True)
    return made


class Case:
    """A folder in which the n-th call fails."""

    def __init__(self, folder, library, how, error):
        self.folder, self.mark = folder / "files", folder / "mark"
        self.environment = dict(os.environ, LD_PRELOAD=str(library), NTH_CALL_HOW=how,
                                NTH_CALL_FOLDER=str(self.folder), NTH_CALL_MARK=str(self.mark),
                                NTH_CALL_ERROR=str(error),
                                ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")

    def begin(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.mark.unlink(missing_ok=True)
        self.folder.mkdir(parents=True)

    def run(self, nth, *command, stdout=subprocess.PIPE):
        """The exit status, and whether it came to the n-th call."""
        done = subprocess.run([str(BIN), *map(str, command)], timeout=60, stdout=stdout,
                              stderr=subprocess.PIPE,
                              env=dict(self.environment, NTH_CALL_AT=str(nth)))
        self.said = done.stderr.decode(errors="replace")
        return done.returncode, self.mark.exists()


def letters_in(path):
    """The letters that are whole, and how many lines are not."""
    whole, torn = [], 0
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            whole.append(json.loads(line))
        except ValueError:
            torn += 1
    return whole, torn


def rows_in(folder):
    """The rows of all files, in the order of their names."""
    rows = []
    for path in sorted(folder.glob("*.csv*")):
        rows += [line.split(",")[:6] for line in path.read_text().splitlines()]
    return rows


def check_letters_first(folder, what):
    """Whatever the side file says is passed has its rows, or its letter."""
    side = folder / "t-0.side"
    passed = json.loads(side.read_text())["next"] if side.exists() else 0
    kept = {letter["offset"] for letter in letters_in(folder / "letters")[0]}
    assert {at for at in BAD if at < passed} <= kept, what


TROUBLES = [("fail", errno.ENOSPC), ("fail", errno.EIO), ("half", errno.ENOSPC), ("kill", 0)]


def try_call(folder, library, how, error, nth):
    """A run with that trouble, and a sound one. The first's exit status, and whether it came to it."""
    case = Case(folder / str(nth), library, how, error)
    config = {"connector.class": "CsvSink", "topics": "t", "file.path": str(case.folder),
              "file.roll.bytes": "100", "pivot.fields": "holding_stock,holding_quantity",
              "pivot.keys": "holding_id,user_id", "pivot.created": "after.holding_stock",
              "pivot.columns": "holding_id,user_id,change_field,old_value,new_value,op",
              "errors.tolerance": "all", "errors.deadletterqueue.file": str(case.folder / "letters"),
              "batch.rows.max": "1", "linger.ms": "0"}
    case.begin()
    connector = folder / str(nth) / "connector.json"
    connector.write_text(json.dumps({"name": "n", "config": config}))
    status, came = case.run(nth, "demo", "--to", connector)
    what = f"call {nth}, {how}: status {status}\n{case.said}"
    assert status in ((0, 1, 2) if how != "kill" else (0, -9)), what
    check_letters_first(case.folder, what)
    again = 0 if status == 0 else case.run(0, "demo", "--to", connector)[0]
    assert again == 0, what + case.said
    letters, torn = letters_in(case.folder / "letters")
    assert rows_in(case.folder) == GOOD, what
    assert {letter["offset"] for letter in letters} == BAD and torn <= 1, what
    return status, came


@pytest.mark.parametrize("how, error", TROUBLES)
def test_worker_into_files(tmp_path, library, how, error):
    """Most of a run is waiting: some go at the same time."""
    done = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while len(done) < CALLS_LIMIT and (not done or done[-1][1]):
            done += pool.map(lambda nth: try_call(tmp_path, library, how, error, nth),
                             range(len(done) + 1, len(done) + 1 + AT_ONCE))
    came = [status for status, came in done if came]
    print(f"{len(came)} calls, how the runs ended: {dict(collections.Counter(came))}")
    assert 40 < len(came) < CALLS_LIMIT and {status for status, came in done if not came} == {0}


@pytest.mark.parametrize("how, error", TROUBLES)
def test_pipe(tmp_path, library, how, error):
    """No row stands behind a bad line whose letter is not kept."""
    case = Case(tmp_path, library, how, error)
    events = [create(number) for number in range(1, 4)]
    given = tmp_path / "in"
    given.write_bytes(lines(events[0], "bad", events[1], "bad as well", events[2]))
    letters = case.folder / "letters"
    for nth in range(1, CALLS_LIMIT):
        case.begin()
        with open(case.folder / "out", "wb") as out:
            status, came = case.run(nth, "pivot", "--keys", "id", "--fields", "*", "--errors", "skip",
                                    "--dead-letters", letters, given, stdout=out)
        rows = (case.folder / "out").read_text().splitlines()
        what = f"call {nth}, {how}: status {status}, {rows}\n{case.said}"
        assert status in ((1, 2) if how in ("fail", "half") else (1, -9)), what
        kept = [header_of(letter, "__fieldtrail.errors.place") for letter in letters_in(letters)[0]]
        assert len(kept) >= min(len(rows) - 1, 2), what
        if not came:
            assert len(rows) == 3 and len(kept) == 2, what
            break
    assert 4 < nth < CALLS_LIMIT and not came
