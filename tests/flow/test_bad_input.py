"""Bad input, bad usage, and a world that goes away: nothing crashes, no good line is lost."""

import base64
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

from helpers import (BIN, catches_signal, create, event, fieldtrail, good_pivot, kcat, line,
                     lines, pivot, start, wait_for)

OPTIONS = ["--fields", "a", "--keys", "id"]
STDIN_2 = re.compile(r"\bstdin:2\b")


def envelope_with(text):
    """An envelope whose value of column a is written as given."""
    if isinstance(text, str):
        text = text.encode("utf-8")
    whole = json.dumps(create(2, "MARK")).encode("ascii")
    return whole.replace(b'"MARK"', text)


def nested(opening, closing, depth, inner=""):
    return opening * depth + inner + closing * depth


# name: (the line, what the message must say beside place and remedy)
BAD_LINES = {
    "not_json": ("hello", "not JSON"),
    "half_a_number": ("12.", "not JSON"),
    "two_values": (json.dumps(create(2)) + " {}", ""),
    "an_array": ("[1,2]", "no Debezium event"),
    "a_number": ("17", "no Debezium event"),
    "an_object_without_op": ('{"id":1,"a":"x"}', "no Debezium event"),
    "op_alone": ('{"op":"c"}', "no Debezium event"),
    "truncated": (json.dumps(create(2))[:-20], "not JSON"),
    "truncated_in_a_text": (json.dumps(create(2))[:30], "not JSON"),
    "truncated_kcat": (json.dumps(kcat(create(2)))[:-30], "not JSON"),
    "kcat_of_garbage": (json.dumps(dict(kcat(create(2)), payload="garbage")), "not JSON"),
    "arrays_10000_deep": (nested("[", "]", 10000), "nest"),
    "objects_10000_deep": (nested('{"a":', "}", 10000, "1"), "nest"),
    "a_value_10000_deep": (envelope_with(nested("[", "]", 10000)), "nest"),
    "a_schema_10000_deep": ('{"schema":%s,"payload":%s}' % (
        nested("[", "]", 10000), json.dumps(create(2))), "nest"),
    "never_closed": ("[" * 10000, ""),
    "nul_alone": (b"\0", ""),
    "nul_in_front": (b"\0" + line(create(2))[:-1], ""),
    "nul_in_a_text": (envelope_with(b'"x\0y"'), "not JSON"),
    "nul_between_members": (line(create(2))[:-1].replace(b', "op"', b',\0"op"'), "not JSON"),
    "utf8_stray_byte": (envelope_with(b'"\xff"'), "UTF"),
    "utf8_cut_short": (envelope_with(b'"\xe2\x82"'), "UTF"),
    "utf8_overlong": (envelope_with(b'"\xc0\x80"'), "UTF"),
    "utf8_surrogate": (envelope_with(b'"\xed\xa0\x80"'), "UTF"),
    "utf8_beyond_unicode": (envelope_with(b'"\xf4\x90\x80\x80"'), "UTF"),
    "lone_high_surrogate": (envelope_with('"\\ud800"'), "surrogate"),
    "lone_low_surrogate": (envelope_with('"\\udc00 x"'), "surrogate"),
    "two_high_surrogates": (envelope_with('"\\ud800\\ud800"'), "surrogate"),
    "control_character": (envelope_with(b'"x\ty"'), "not JSON"),
    "escaped_nul": (envelope_with('"x\\u0000y"'), "U+0000"),
    "unknown_op": (json.dumps(event("x", {"id": 2, "a": "x"})), 'unknown op "x"'),
    "long_op": (json.dumps(event("create", {"id": 2, "a": "x"})), "unknown op"),
    "create_without_after": (json.dumps(event("c")), "after"),
    "update_without_after": (json.dumps(event("u", before={"id": 2, "a": "x"})), "after"),
    "after_is_no_object": (json.dumps(event("c", [1])), "after"),
    "key_column_missing": (json.dumps(event("c", {"other": 2, "a": "x"})), "pivot.keys"),
}


def letters_of(path):
    return [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", sorted(BAD_LINES))
def test_stop_delivers_what_came_before(name):
    bad, says = BAD_LINES[name]
    result = pivot(*OPTIONS, stdin=lines(create(1), bad, create(3)))
    assert result.status == 1
    assert [row[0] for row in result.rows] == ["1"]
    assert STDIN_2.search(result.err) and "--errors skip" in result.err
    assert says in result.err
    assert "\n" not in result.err.rstrip("\n"), "one message for one error"
    assert len(result.err) < 2000


@pytest.mark.parametrize("name", sorted(BAD_LINES))
def test_skip_keeps_the_others_and_a_letter(name, tmp_path):
    bad, says = BAD_LINES[name]
    letters = tmp_path / "letters.jsonl"
    result = pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters, "--stats",
                   stdin=lines(create(1), bad, create(3), bad, create(5)))
    assert result.status == 1
    assert [row[0] for row in result.rows] == ["1", "3", "5"]
    assert result.stats["errors"] == "2"
    assert len(STDIN_2.findall(result.err)) == 1
    assert [place_of(letter) for letter in letters_of(letters)] == ["stdin:2", "stdin:4"]


def header_of(letter, name):
    return letter["headers"][letter["headers"].index(name) + 1]


def place_of(letter):
    return header_of(letter, "__fieldtrail.errors.place").split(" ")[0]


@pytest.mark.parametrize("name", ["truncated", "utf8_stray_byte", "nul_in_a_text", "not_json",
                                  "arrays_10000_deep", "unknown_op"])
def test_letters_hold_the_very_bytes(name, tmp_path):
    bad = line(BAD_LINES[name][0])[:-1]
    letters = tmp_path / "letters.jsonl"
    pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters, stdin=lines(bad))
    letter, = letters_of(letters)
    if "payload_base64" in letter:
        assert base64.b64decode(letter["payload_base64"]) == bad
    else:
        assert letter["payload"].encode("utf-8") == bad


def test_letters_are_read_again_after_a_fix_of_the_options(tmp_path):
    """A wrong --keys made the letters; with the right one they are the rows that missed."""
    letters = tmp_path / "letters.jsonl"
    first = [kcat(create(1, "é\n"), key={"id": 1}, offset=7, headers=["h", "v", "n", None]),
             create(2, "raw"), event("u", {"id": 3, "a": "new"}, {"id": 3, "a": "old"})]
    result = pivot("--fields", "a", "--keys", "nope", "--errors", "skip",
                   "--dead-letters", letters, stdin=lines(*first))
    assert (result.status, result.out) == (1, "")
    again = good_pivot(*OPTIONS, "--identity", "full", "--columns",
                       "id,a=new_value,old=old_value,kafka_topic,kafka_offset", letters)
    assert again.rows == [["1", "é\n", None, "src.s.t", "7"], ["2", "raw", None, None, None],
                          ["3", "new", "old", None, None]]
    assert "h" in letters_of(letters)[0]["headers"]


@pytest.mark.parametrize("form", [lambda payload: payload,
                                  lambda payload: kcat(payload, key={"id": 2}, offset=9)],
                         ids=["raw", "kcat"])
def test_letters_are_read_again_after_a_fix_of_the_payload(form, tmp_path):
    letters, fixed = tmp_path / "letters.jsonl", tmp_path / "fixed.jsonl"
    pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters,
          stdin=lines(create(1), form(event("X", {"id": 2, "a": "x"})), create(3)))
    fixed.write_text(letters.read_text().replace('\\"op\\": \\"X\\"', '\\"op\\": \\"c\\"'))
    assert [row[:4] for row in good_pivot(*OPTIONS, fixed).rows] == [["2", "a", None, "x"]]


def test_letters_of_broken_kcat_objects_are_read_again(tmp_path):
    """The object around the message was cut short: the letter holds its text, to be completed."""
    letters, fixed = tmp_path / "letters.jsonl", tmp_path / "fixed.jsonl"
    whole = json.dumps(kcat(create(2), key={"id": 2}, offset=9))
    pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters,
          stdin=lines(create(1), whole[:-1], create(3)))
    letter, = letters_of(letters)
    fixed.write_bytes(lines(dict(letter, payload=letter["payload"] + "}")))
    result = good_pivot(*OPTIONS, "--columns", "id,new_value,kafka_offset", fixed)
    assert result.rows == [["2", "x", "9"]]


def test_letters_of_letters_stay_readable(tmp_path):
    """A letter that fails again becomes one letter, with its origin."""
    letters, again = tmp_path / "letters.jsonl", tmp_path / "again.jsonl"
    pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters,
          stdin=lines(envelope_with(b'"\xff"'), kcat(event("X", {"id": 1}), offset=4)))
    result = pivot(*OPTIONS, "--errors", "skip", "--dead-letters", again, letters)
    assert result.status == 1
    for old, new in zip(letters_of(letters), letters_of(again)):
        assert new.get("payload") == old.get("payload")
        assert new.get("payload_base64") == old.get("payload_base64")
        assert new.get("offset") == old.get("offset")


def test_letters_tell_the_cause_in_any_language(tmp_path):
    letters = tmp_path / "letters.jsonl"
    for length in range(36, 41):
        pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters,
              stdin=lines(event("x" * length + "é€😀", {"id": 1})))
    causes = [header_of(letter, "__connect.errors.exception.message")
              for letter in letters_of(letters)]
    assert len(causes) == 5 and all("unknown op" in cause for cause in causes)


def test_letters_are_appended_and_private(tmp_path):
    letters = tmp_path / "letters.jsonl"
    for _ in range(2):
        pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters, stdin=lines("bad"))
    assert len(letters_of(letters)) == 2
    assert stat.S_IMODE(letters.stat().st_mode) == 0o600


def test_letters_that_cannot_be_kept_are_an_error(tmp_path):
    options = OPTIONS + ["--errors", "skip", "--dead-letters"]
    result = pivot(*options, tmp_path / "no" / "letters", stdin=lines(create(1)))
    assert result.status == 2 and "no/letters" in result.err
    result = pivot(*options, "/dev/full", stdin=lines(create(1), "bad", create(2)))
    assert result.status == 1 and "No space left" in result.err


def test_skip_without_letters_says_so():
    result = pivot(*OPTIONS, "--errors", "skip", stdin=lines("bad", create(1), "bad"))
    assert (result.status, len(result.rows)) == (1, 1)
    assert "stdin:1:" in result.err and "--dead-letters" in result.err


def test_dead_letters_need_skip():
    result = pivot(*OPTIONS, "--dead-letters", "letters", stdin=b"")
    assert result.status == 2 and "--errors skip" in result.err


# --------------------------------------------------------------------------
# Odd, but no error
# --------------------------------------------------------------------------

def test_a_field_that_never_appears_is_told_once_for_each_table():
    events = [create(i, source={"table": table}) for i in range(3) for table in ("one", "two")]
    result = good_pivot("--fields", "a,nope", "--keys", "id", stdin=lines(*events))
    assert len(result.rows) == 6
    warnings = [text for text in result.err.splitlines() if "nope" in text]
    assert len(warnings) == 2
    for text, table in zip(warnings, ("s.one", "s.two")):
        assert table in text and re.search(r"\bid\b.*\ba\b", text)


def test_every_field_that_never_appears_is_named():
    result = good_pivot("--fields", "nope,nada", "--keys", "id", stdin=lines(create(1), create(2)))
    assert "nope" in result.err and "nada" in result.err


def test_before_and_after_with_different_columns():
    """A column that was added has an old value nobody sent; one that was dropped has no new."""
    change = event("u", {"id": 1, "kept": 2, "added": 9}, {"id": 1, "kept": 1, "dropped": 5})
    result = good_pivot("--fields", "*", "--keys", "id", "--identity", "full", stdin=lines(change))
    assert result.changes() == [["1", "kept", "1", "2", "u", "true"],
                                ["1", "added", None, "9", "u", "false"]]


# --------------------------------------------------------------------------
# Large lines
# --------------------------------------------------------------------------

HUNDRED_MB = 100 * 1000 * 1000


def test_a_line_of_100_mb_is_an_ordinary_line(tmp_path):
    file, out = tmp_path / "in.jsonl", tmp_path / "out.csv"
    with open(file, "wb") as stream:
        stream.write(line(create(1)))
        stream.write(envelope_with(b'"' + b"y" * HUNDRED_MB + b'"') + b"\n")
        stream.write(line(create(3)))
    with open(out, "wb") as stream:
        process = start(*OPTIONS, file, stdout=stream)
        assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0
    text = out.read_bytes()
    first, second, third, end = text.split(b"\n")
    assert (first[:5], third[:5], end) == (b"1,a,,", b"3,a,,", b"")
    assert second.startswith(b"2,a,,yyy") and second.count(b"y") == HUNDRED_MB


def test_a_long_key_stops_nobody():
    """row_key is not even printed; at worst the one record could be left out."""
    result = pivot(*OPTIONS, "--errors", "skip",
                   stdin=lines(create(1), create("k" * 1100000), create(3)))
    got = [row[0] for row in result.rows]
    assert (got[0], got[-1]) == ("1", "3")


def test_100_mb_of_garbage_in_one_line(tmp_path):
    file, letters = tmp_path / "in.jsonl", tmp_path / "letters.jsonl"
    with open(file, "wb") as stream:
        stream.write(line(create(1)) + b"g" * HUNDRED_MB + b"\n" + line(create(3)))
    result = pivot(*OPTIONS, "--errors", "skip", "--dead-letters", letters, file)
    assert result.status == 1 and len(result.err) < 2000
    assert [row[0] for row in result.rows] == ["1", "3"]
    with open(letters, "rb") as stream:
        text = stream.read()
    assert text.count(b"\n") == 1 and text.count(b"g") > HUNDRED_MB


@pytest.mark.parametrize("length, piece", [
    (3000000, None), (200000, None), (2000, 500), (2000, None)])
def test_over_record_bytes_max(length, piece, tmp_path):
    """The same line is too long, however it came."""
    letters = tmp_path / "letters.jsonl"
    stdin = lines(create(1), create(2, "y" * length), create(3))
    process = start(*OPTIONS, "--record-bytes-max", 1024, "--errors", "skip",
                    "--dead-letters", letters)
    for at in range(0, len(stdin), piece or len(stdin)):
        process.stdin.write(stdin[at:at + (piece or len(stdin))])
        process.stdin.flush()
        time.sleep(0.02)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert [text.split(b",")[0] for text in out.splitlines()] == [b"1", b"3"]
    assert b"stdin:2:" in err and b"record.bytes.max" in err
    assert len(letters_of(letters)) == 1


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path):
    file = tmp_path / "in.jsonl"
    with open(file, "wb") as stream:
        stream.write(lines(*(create(i, "v" * 100) for i in range(1000))) * 200)
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (64 * 2**20, 64 * 2**20))
    process = start(*OPTIONS, file, stdout=subprocess.DEVNULL,
                    preexec_fn=None if is_sanitized() else limit)
    assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == 0


def is_sanitized():
    """Sanitizers reserve memory beyond any limit, and slow things down."""
    return b"__asan_init" in BIN.read_bytes()


# --------------------------------------------------------------------------
# Bad usage
# --------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, says", [
    (["-o", "pivot.feilds=a"], ["pivot.feilds", "pivot.fields"]),
    (["--fields", "a", "-o", "error.tolerance=all"], ["error.tolerance", "errors.tolerance"]),
    (["--fields", "a", "-o", "pivot.fields"], ["KEY=VALUE"]),
    (["--feilds", "a"], ["--feilds", "--fields"]),
    (["--fields", "a", "--mask-kye", "k"], ["--mask-kye", "--mask-key"]),
    ([], ["--fields"]),
    (["--fields"], ["--fields"]),
    (["--fields", "a", "--errors", "ignore"], ["--errors", "ignore", "stop", "skip"]),
    (["--fields", "a", "--format", "xml"], ["format", "xml", "csv", "jsonl", "copy"]),
    (["--fields", "a", "--unchanged", "yes"], ["skip", "emit"]),
    (["--fields", "a", "--identity", "some"], ["some", "auto", "full", "default", "index("]),
    (["--fields", "a", "--identity", "index()"], ["index("]),
    (["--fields", "a", "--mask", "a:blur"], ["a:blur", "hash", "drop"]),
    (["--fields", "a", "--created", "yesterday"], ["pivot.created", "after.COLUMN"]),
    (["--fields", "a", "--timezone", "Mars/Olympus"], ["Mars/Olympus"]),
    (["--fields", "a", "--record-bytes-max", "many"], ["record.bytes.max", "many"]),
    (["--fields", "a", "--record-bytes-max", "1"], ["record.bytes.max", "1024"]),
    (["--fields", "a", "--format", "jsonl", "--header"], ["jsonl"]),
    (["--fields", "a", "--null", "a,b"], ["format.null"]),
    (["--fields", "a", "--null", 'a"b'], ["format.null"]),
    (["--fields", "a", "--config", "missing.json"], ["missing.json", "No such file"]),
    (["--compat", "stream.rb"], ["stream.py"]),
    (["--compat", "stream.py", "--fields", "a"], ["pivot.fields"]),
])
def test_bad_usage(arguments, says, tmp_path):
    result = pivot(*arguments, stdin=lines(create(1)), cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert [text for text in says if text not in result.err] == []


@pytest.mark.parametrize("text, says", [
    ('{"pivot.fields": "a", "pivot.kyes": "id"}', ["pivot.kyes", "pivot.keys"]),
    ('{"pivot.fields": "a", ', ["connector.json"]),
    ('["pivot.fields"]', ["connector.json", "object"]),
    ('{"pivot.fields": ["a"]}', ["connector.json", "pivot.fields"]),
    ('{"pivot.fields": "a", "pivot.unchanged": "maybe"}', ["connector.json", "pivot.unchanged",
                                                            "maybe", "skip", "emit"]),
])
def test_bad_configuration_files(text, says, tmp_path):
    (tmp_path / "connector.json").write_text(text)
    result = pivot("-c", "connector.json", stdin=b"", cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    assert [word for word in says if word not in result.err] == []


@pytest.mark.parametrize("arguments", [["pvt"], []])
def test_unknown_command(arguments):
    result = fieldtrail(*arguments)
    assert (result.status, result.out) == (2, "")
    assert "fieldtrail --help" in result.err


def test_keys_are_needed_where_messages_have_none():
    result = pivot("--fields", "a", stdin=lines(create(1)))
    assert result.status == 2 and result.out == ""
    assert "--keys" in result.err and "s.t" in result.err


def test_a_truncate_that_comes_first_needs_named_keys():
    """It has no message key to tell the columns: the run says so, and goes on with --keys."""
    stdin = lines(kcat(event("t"), offset=0), kcat(create(1), {"id": 1}, 1))
    refused = pivot("--fields", "a", stdin=stdin)
    assert refused.status == 2 and "--keys" in refused.err
    result = pivot("--fields", "a", "--keys", "id", stdin=stdin)
    assert result.status == 0, result.err
    assert [(row[0], row[-2]) for row in result.rows] == [(None, "t"), ("1", "c")]


def test_a_message_key_that_is_no_json_tells_no_columns():
    """The key of a StringConverter: the named keys take its place."""
    stdin = lines(dict(kcat(create(1), {"id": 1}), key="Struct{id=1}"))
    assert pivot("--fields", "a", stdin=stdin).status == 2
    result = pivot("--fields", "*", "--keys", "id", stdin=stdin)
    assert [(row[0], row[1], row[3]) for row in result.rows] == [("1", "a", "x")]


# --------------------------------------------------------------------------
# Files that are none
# --------------------------------------------------------------------------

def test_missing_file_is_found_before_anything_is_written(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_bytes(lines(create(1)))
    result = pivot(*OPTIONS, file, tmp_path / "missing.jsonl")
    assert result.status in (1, 2) and result.out == ""
    assert "missing.jsonl" in result.err and "No such file" in result.err


def test_directory_as_a_file(tmp_path):
    result = pivot(*OPTIONS, tmp_path)
    assert result.status == 2
    assert str(tmp_path) in result.err and "directory" in result.err


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"),
                    reason="the superuser may read everything")
def test_unreadable_file(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_bytes(lines(create(1)))
    file.chmod(0)
    command = [str(BIN), "pivot"] + OPTIONS + [str(file)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"] + command
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=10)
    assert done.returncode in (1, 2)
    assert b"in.jsonl" in done.stderr and b"Permission denied" in done.stderr


def through_fifo(path):
    """What comes of one line from a writer that opens the named pipe once."""
    os.mkfifo(str(path))

    def write():
        with open(path, "wb") as stream:
            stream.write(line(create(1)))
    threading.Thread(target=write, daemon=True).start()
    process = start(*OPTIONS, path, stdin=subprocess.DEVNULL)
    try:
        return process.communicate(timeout=2)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return b"it waits for ever"


def test_named_pipe(tmp_path):
    """Opened twice, what came between is lost, and the second open waits for ever."""
    for number in range(60):
        assert through_fifo(tmp_path / str(number)).startswith(b"1,a,,x,")


def test_signal_while_waiting_for_a_writer(tmp_path):
    os.mkfifo(str(tmp_path / "fifo"))
    process = waiting(tmp_path / "fifo")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=2) == 0


# --------------------------------------------------------------------------
# Output that fails
# --------------------------------------------------------------------------

@pytest.mark.parametrize("count", [1, 20000])
def test_full_disk(count):
    with open("/dev/full", "wb") as full:
        process = start(*OPTIONS, stdout=full)
        _, err = process.communicate(lines(create(1)) * count, timeout=20)
    assert process.returncode == 1
    assert b"No space left on device" in err and len(err.splitlines()) == 1


def test_help_to_a_full_disk():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(BIN), "pivot", "--help"], stdout=full, stderr=subprocess.PIPE,
                              timeout=10)
    assert done.returncode == 1 and b"No space left" in done.stderr


def test_closed_output_pipe_is_quiet():
    process = start(*OPTIONS, stdin=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(process, lines(create(1)) * 50000), daemon=True)
    feeder.start()
    assert process.stdout.readline().startswith(b"1,a,,x,")
    process.stdout.close()
    assert process.wait(timeout=10) == 0
    assert process.stderr.read() == b""
    feeder.join(5)


def feed(process, data):
    try:
        process.stdin.write(data)
        process.stdin.close()
    except OSError:
        pass  # the program has ended, as it should


def test_closed_standard_output_never_writes_into_another_file(tmp_path):
    letters = tmp_path / "letters.jsonl"
    command = [str(BIN), "pivot"] + OPTIONS + ["--errors", "skip", "--dead-letters", str(letters)]
    done = subprocess.run(["/bin/sh", "-c", '"$@" >&-', "sh"] + command, input=lines(create(1)),
                          stderr=subprocess.PIPE, timeout=10)
    assert letters.read_bytes() == b""
    assert done.returncode == 1 and done.stderr != b""


def test_closed_standard_error_never_writes_into_another_file(tmp_path):
    letters = tmp_path / "letters.jsonl"
    command = [str(BIN), "pivot"] + OPTIONS + ["--errors", "skip", "--dead-letters", str(letters)]
    subprocess.run(["/bin/sh", "-c", '"$@" 2>&-', "sh"] + command, input=lines("bad"),
                   stdout=subprocess.DEVNULL, timeout=10)
    assert len(letters_of(letters)) == 1


# --------------------------------------------------------------------------
# Signals, and a pipe that lives
# --------------------------------------------------------------------------

def waiting(*arguments):
    """The program, past its start, waiting for input that does not come."""
    process = start(*OPTIONS, *arguments)
    assert wait_for(lambda: catches_signal(process, signal.SIGTERM))
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("sent", [b"", lines(create(1)), lines(create(1)) + b'{"half'],
                         ids=["nothing", "a_line", "half_a_line"])
def test_signal_while_waiting(number, sent):
    process = waiting()
    os.write(process.stdin.fileno(), sent)
    if sent:
        first = process.stdout.readline()
    process.send_signal(number)
    assert process.wait(timeout=5) == 0
    assert process.stderr.read() == b""
    assert not sent or first.startswith(b"1,a,,x,")


def test_signal_with_unread_lines_delivers_whole_rows():
    process = start(*OPTIONS)
    data = lines(*(create(i) for i in range(2000)))
    feeder = threading.Thread(target=feed, args=(process, data), daemon=True)
    feeder.start()
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(timeout=5) == 0
    assert rest == b"" or rest.endswith(b"\n")
    numbers = [int(text.split(b",")[0]) for text in rest.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    feeder.join(5)


def test_a_second_signal_stops_at_once():
    """The output is stuck: the first signal cannot end it, the second does."""
    process = start(*OPTIONS)
    feeder = threading.Thread(target=feed, args=(process, lines(create(1)) * 50000), daemon=True)
    feeder.start()
    time.sleep(0.2)  # nobody reads; the program sleeps in write once the pipe is full
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=2) != 0
    process.stdout.close()
    feeder.join(5)


def test_a_live_pipe_is_live():
    process = waiting()
    for number in range(5):
        began = time.monotonic()
        os.write(process.stdin.fileno(), line(create(number)))
        assert process.stdout.readline().startswith(b"%d,a,,x," % number)
        assert time.monotonic() - began < 1
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_the_head_line_is_live_too():
    process = waiting("--header")
    assert process.stdout.readline().startswith(b"id,change_field,")
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_dead_letters_are_live_too(tmp_path):
    letters = tmp_path / "letters.jsonl"
    process = waiting("--errors", "skip", "--dead-letters", str(letters))
    os.write(process.stdin.fileno(), lines("bad", create(1)))
    assert process.stdout.readline().startswith(b"1,a,,x,")
    assert len(letters_of(letters)) == 1, "a letter is durable before the rows behind it"
    process.communicate(timeout=5)
    assert process.returncode == 1


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_large_input_leaves_in_large_blocks(tmp_path):
    file, trace = tmp_path / "in.jsonl", tmp_path / "trace"
    file.write_bytes(lines(create(1, "z" * 50)) * 100000)
    with open(tmp_path / "out.csv", "wb") as out:
        subprocess.run(["strace", "-o", str(trace), "-e", "trace=write", str(BIN), "pivot"]
                       + OPTIONS + [str(file)], stdout=out, check=True, timeout=30,
                       env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    size = (tmp_path / "out.csv").stat().st_size
    writes = sum(text.startswith("write(1,") for text in trace.read_text().splitlines())
    assert size > 10**7
    assert size / writes > 64 * 1024


MONGO = {"connector": "mongodb", "name": "m", "db": "inventory", "collection": "c", "ts_ms": 1}


@pytest.mark.parametrize("message", [
    {"op": "c", "before": None, "after": '{"_id": 1, "a": "x"}', "source": MONGO, "updateDescription": None},
    {"op": "u", "before": None, "after": None, "source": MONGO,
     "updateDescription": {"removedFields": None, "updatedFields": '{"a": "y"}', "truncatedArrays": None}},
    {"op": "d", "before": None, "after": None, "source": MONGO, "updateDescription": None}],
    ids=["create", "update without its document", "delete"])
def test_mongodb_is_refused_by_name(message):
    result = pivot("--fields", "a", "--keys", "id", stdin=lines(message, message))
    assert (result.status, result.out) == (1, "") and "MongoDB" in result.err


SECRET = "S3CRET"
TYPED = ["--keys", "id", "--fields", "*", "-o", "pivot.type.a=numeric(5,2)"]


@pytest.mark.parametrize("mask", [["--mask", "b:drop,a:hash"], ["-o", "pivot.mask.s.t=a:drop"], []], ids=["all", "table", "none"])
@pytest.mark.parametrize("record", [
    create(1, SECRET), kcat(create(1, "7"), key={"a": SECRET}), create(1, [SECRET]), create(1, {SECRET: 1}),
    event("u", {"id": 1, "a": "1"}, {"id": 1, "a": SECRET})], ids=["value", "message key", "array", "object", "old value"])
def test_masked_values_are_not_in_messages(record, mask, tmp_path):
    """What cannot be read is named, but for its value; without a mask the value is shown."""
    letters = tmp_path / "letters.jsonl"
    for errors in ["stop"], ["skip", "--dead-letters", letters]:
        result = pivot(*TYPED, *mask, "--errors", *errors, stdin=lines(record))
        assert result.status == 1 and "column a of t" in result.err
        assert (SECRET in result.err) == (not mask)
    letter, = letters_of(letters)
    assert (SECRET in json.dumps(letter["headers"])) == (not mask)
