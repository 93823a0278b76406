"""The same events by other ways, and by another judge, give the same rows."""

import importlib.util
import itertools
import json
import os
import re
import sys

import pytest

from helpers import (CAPTURES, HERE, NEW, OLD, OLD_KNOWN, CHANGE_FIELD, OP, capture, create, event,
                     good_pivot, kcat, key_columns, lines, pivot, raw_capture, read_csv, records,
                     settled, start, without_clock)

NAMES = sorted(path.name[:-len(".kcat.jsonl")] for path in CAPTURES.glob("*.kcat.jsonl"))

# Fields worth naming, and keys where the capture has no message keys of its own.
NAMED_FIELDS = {"tutorial": "holding_quantity,holding_stock", "composite": "v",
                "ident_default": "qty,name,at", "ident_full": "tarr,note,qty,big",
                "null_default": "n,qty", "no_key": "b", "every_type": "jb,n,t,vc,f8"}
KEYS = {"no_key": "a", "message": "id", "transaction": "id", "heartbeat": "id"}


def table_of(name):
    return name.split(".")[0]


def keys_of(name):
    return KEYS.get(table_of(name)) or ",".join(key_columns(name))


# --------------------------------------------------------------------------
# Against the judge
# --------------------------------------------------------------------------

def load_oracle():
    path = HERE.parent / "oracle" / "oracle.py"
    spec = importlib.util.spec_from_file_location("oracle", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["oracle"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


ORACLE = load_oracle()


def judge(*arguments):
    """What the judge prints; in this process, for it is asked often."""
    printed = []
    options = ORACLE.read_options([str(a) for a in arguments] + ["--inserted", "INSERTED"])
    status = ORACLE.run(options, printed.append)
    return status, read_csv("".join(printed))


def by_event(rows):
    """Events in order, the rows of each sorted: named fields come in the order of --fields in the
    program, in the event's order from the judge."""
    def outside_field(row):
        return row[:CHANGE_FIELD] + row[NEW + 1:OLD_KNOWN]
    return [sorted(group, key=str) for _, group in itertools.groupby(rows, outside_field)]


@pytest.mark.parametrize("form", ["kcat", "raw"])
@pytest.mark.parametrize("fields", ["all", "named"])
@pytest.mark.parametrize("identity", ["full", "default", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_judge_agrees(name, identity, fields, form, tmp_path):
    file = capture(name)
    keys = [] if form == "kcat" and table_of(name) not in KEYS else ["--keys", keys_of(name)]
    if form == "raw":
        file = tmp_path / "raw.jsonl"
        file.write_bytes(raw_capture(name))
    chosen = "*" if fields == "all" else NAMED_FIELDS.get(table_of(name), "a")
    arguments = ["--identity", identity, "--fields", chosen] + keys + [file]
    result = good_pivot(*arguments)
    status, wanted = judge(*arguments)
    assert status == 0
    assert by_event(without_clock(result.rows)) == by_event(wanted)


# --------------------------------------------------------------------------
# With schemas and without
# --------------------------------------------------------------------------

# What the plain captures do not say of themselves.
HINTS = {
    "tutorial": {"datetime_created": "timestamp", "datetime_updated": "timestamp without time zone"},
    "ident_default": {"at": "timestamptz"},
    "ident_full": {"arr": "integer[]", "tarr": "text[]", "bb": "bytea"},
    "every_type": {
        "f4": "real", "f8": "double precision", "n": "numeric", "n52": "numeric(5,2)",
        "n38": "numeric(38,10)", "m": "money", "ba": "bytea", "d": "date",
        "tm": "time without time zone", "tm3": "time(3) without time zone", "tmtz": "timetz",
        "ts": "timestamp", "ts3": "timestamp(3)", "tstz": "timestamp with time zone",
        "iv": "interval", "j": "json", "jb": "jsonb", "bt": "bit(8)", "vb": "bit(12)",
        "hs": "json", "pt": "point", "ia": "int[]", "ta": "text[]", "na": "numeric[]"}}

# Lost on the one side or the other: see the table of losses in src/decode/README.md.
LOST = {"iv", "tm", "n", "na"}


def hints(table):
    """The columns' types, and how the plain captures were made."""
    words = [word for name, kind in HINTS.get(table, {}).items()
             for word in ("-o", "pivot.type.%s=%s" % (name, kind))]
    modes = ["-o", "decimal.handling.mode=string", "-o", "time.precision.mode=isostring",
             "-o", "binary.handling.mode=hex"]
    return words + ([] if table == "tutorial" else modes)


@pytest.mark.parametrize("table, identity, more", [
    ("tutorial", "full", []), ("ident_default", "default", []), ("composite", "full", []),
    ("no_key", "full", ["--keys", "a"]), ("ident_full", "full", []),
    ("every_type", "full", ["--ignore", ",".join(sorted(LOST))]),
])
def test_schema_makes_no_difference(table, identity, more):
    """Types named in the configuration do what the schema does."""
    def changes(form, *options):
        name = "%s.%s" % (table, form)
        return good_pivot("--fields", "*", "--identity", identity, capture(name), *more,
                          *options).changes()
    with_schema = changes("schema")
    assert with_schema
    assert with_schema == changes("plain", *hints(table))


# What Debezium makes up in ident_default for the NOT NULL columns that were not logged.
INVENTED = {"name": "anon", "qty": "5", "at": "1970-01-01T00:00:00.000000Z"}
INVENTED_TEXT = dict(INVENTED, at="1970-01-01 00:00:00+00")


@pytest.mark.parametrize("form", ["schema", "plain"])
@pytest.mark.parametrize("raw", [False, True], ids=["kcat", "raw"])
def test_no_invented_value_is_believed(form, raw):
    name = "ident_default." + form
    stdin = raw_capture(name) if raw else capture(name).read_bytes()
    rows = good_pivot("--fields", "*", "--keys", "id", stdin=stdin).rows
    olds = [(row[CHANGE_FIELD], row[OLD]) for row in rows if row[OLD] is not None]
    assert [old for old in olds if old[1] in (INVENTED.get(old[0]), INVENTED_TEXT.get(old[0]))] == []
    # Nothing but the key was ever sent as an old value.
    assert {field for field, _ in olds} <= {"id"}
    assert any(row[OP] == "d" and row[OLD_KNOWN] == "false" for row in rows)


def test_tutorial_deletes_are_known_with_schema():
    rows = good_pivot("--fields", "*", capture("tutorial.schema")).rows
    assert [row[OLD_KNOWN] for row in rows if row[OP] == "d"] == ["true"] * 10


# --------------------------------------------------------------------------
# The ways in
# --------------------------------------------------------------------------

def byte_by_byte(stdin, *arguments):
    process = start(*arguments)
    for byte in stdin:
        os.write(process.stdin.fileno(), bytes([byte]))
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return settled(out.decode("utf-8"))


@pytest.mark.parametrize("name", ["tutorial.schema", "tutorial.plain", "composite.plain",
                                  "every_type.plain", "null_default.schema"])
def test_slow_pipe_and_kcat_are_the_same(name):
    options = ["--fields", "*", "--keys", keys_of(name), "--identity", "full"]
    raw = raw_capture(name)
    whole = settled(good_pivot(*options, stdin=raw).out)
    assert whole
    assert byte_by_byte(raw, *options) == whole
    as_kcat = settled(good_pivot(*options, stdin=capture(name).read_bytes()).out)
    assert byte_by_byte(capture(name).read_bytes(), *options) == as_kcat
    if not any("__debezium." + half in str(record) for record in records(name)
               for half in ("newkey", "oldkey")):
        assert as_kcat == whole  # without headers a key change is a delete and a create


def test_members_of_a_kcat_object_may_come_in_any_order():
    """As `kcat -J | jq -S` leaves them."""
    sorted_members = "".join(json.dumps(record, sort_keys=True) + "\n"
                             for record in records("tutorial.plain"))
    options = ["--fields", "*"]
    wanted = settled(good_pivot(*options, capture("tutorial.plain")).out)
    result = pivot(*options, stdin=sorted_members)
    assert (result.status, settled(result.out)) == (0, wanted), result.err


def test_lines_at_block_borders():
    """Lines of every length around the size of a read, in one file."""
    lengths = [65536 * (i % 4) + i + 1 for i in range(12)]
    events = [create(i, "x" * length) for i, length in enumerate(lengths)]
    rows = good_pivot("--fields", "a", "--keys", "id", stdin=lines(*events)).rows
    assert [len(row[NEW]) for row in rows] == lengths


# --------------------------------------------------------------------------
# Files and configuration
# --------------------------------------------------------------------------

def test_files_and_standard_input_in_order(tmp_path):
    for number in (1, 2):
        (tmp_path / ("%d.jsonl" % number)).write_bytes(lines(create(number)))
    options = ["--fields", "a", "--keys", "id"]
    result = good_pivot(*options, tmp_path / "1.jsonl", "-", tmp_path / "2.jsonl",
                        tmp_path / "1.jsonl", stdin=lines(create(9)))
    assert [row[0] for row in result.rows] == ["1", "9", "2", "1"]


def test_place_names_the_file_and_its_own_line(tmp_path):
    (tmp_path / "good.jsonl").write_bytes(lines(create(1), create(2)))
    (tmp_path / "bad.jsonl").write_bytes(lines(create(3), "bad"))
    result = pivot("--fields", "a", "--keys", "id", tmp_path / "good.jsonl",
                   tmp_path / "bad.jsonl")
    assert result.status == 1
    assert "bad.jsonl:2:" in result.err
    assert [row[0] for row in result.rows] == ["1", "2", "3"]


def test_every_line_of_files_without_a_last_line_end(tmp_path):
    file = tmp_path / "in.jsonl"
    file.write_bytes(lines(create(1)).rstrip(b"\n"))
    rows = good_pivot("--fields", "a", "--keys", "id", file, file).rows
    assert [row[0] for row in rows] == ["1", "1"]


CONNECTOR = {"name": "to-postgres", "config": {
    "connector.class": "PostgresSink", "topics": "src.s.t", "pivot.fields": "a",
    "pivot.keys": "id", "format.header": True, "tasks.max": 1}}
PROPERTIES = """# as connect-standalone takes it
name=to-postgres
! the other comment
topics = src.s.t
pivot.fields: a
pivot.keys=\\
    id
format.header true
"""
HEADER = "id,change_field,old_value,new_value,datetime_created,datetime_updated,datetime_deleted," \
         "datetime_inserted,op,old_known\n"
EVENT = event(after={"id": 1, "a": "x", "b": "y"})


@pytest.mark.parametrize("name, text", [
    ("connector.json", json.dumps(CONNECTOR)), ("bare.json", json.dumps(CONNECTOR["config"])),
    ("connector.properties", PROPERTIES)])
def test_configuration_files(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    out = good_pivot("--config", tmp_path / name, stdin=lines(EVENT)).out
    assert out.startswith(HEADER)
    assert [row[1] for row in read_csv(out)[1:]] == ["a"]


def test_the_file_of_the_worker_is_taken_as_it_is(tmp_path):
    """--config takes the file that `run` takes: what is said there of its delivery is let be."""
    delivery = {"connection.uri": "postgresql:///x", "table": "holding_pivot",
                "delivery": "exactly-once", "batch.rows.max": "1000", "flush.interval.ms": "500",
                "consumer.override.fetch.max.bytes": "1000000"}
    (tmp_path / "c.json").write_text(json.dumps(
        dict(CONNECTOR, config=dict(CONNECTOR["config"], **delivery))))
    assert len(good_pivot("-c", tmp_path / "c.json", stdin=lines(EVENT)).rows) == 2


@pytest.mark.parametrize("arguments, field", [
    (["-c", "FILE"], "a"),
    (["-c", "FILE", "--fields", "b"], "b"),
    (["--fields", "b", "-c", "FILE"], "b"),
    (["-o", "pivot.fields=b", "-c", "FILE"], "b"),
    (["-c", "FILE", "-o", "pivot.fields=b"], "b"),
    (["-c", "FILE", "--set", "pivot.fields=b"], "b"),
])
def test_flags_win_over_the_file(arguments, field, tmp_path):
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(CONNECTOR))
    arguments = [str(file) if word == "FILE" else word for word in arguments]
    assert [row[1] for row in good_pivot(*arguments, stdin=lines(EVENT)).rows[1:]] == [field]


EQUIVALENT_KEYS = {
    "--fields": "pivot.fields", "--keys": "pivot.keys", "--ignore": "pivot.ignore",
    "--columns": "pivot.columns", "--unchanged": "pivot.unchanged",
    "--snapshot": "pivot.snapshot", "--unknown": "pivot.unknown", "--created": "pivot.created",
    "--updated": "pivot.updated", "--deleted": "pivot.deleted", "--timezone": "pivot.timezone",
    "--identity": "replica.identity", "--mask": "pivot.mask", "--mask-key": "pivot.mask.key",
    "--format": "format", "--null": "format.null", "--errors": "errors.tolerance",
    "--dead-letters": "errors.deadletterqueue.file"}


def test_help_ties_every_flag_to_its_key():
    text = good_pivot("--help").out
    for flag, key in EQUIVALENT_KEYS.items():
        entry = r"%s\s.*?\n(?:      .*\n)*?      key %s" % (flag, re.escape(key))
        assert re.search(entry, text), flag


def test_kafka_position_columns_of_kcat():
    record = kcat(create(1), key={"id": 1}, offset=41, partition=3)
    rows = good_pivot("--fields", "a", "--columns",
                      "row_key,kafka_topic,kafka_partition,kafka_offset,field_no",
                      stdin=lines(record)).rows
    assert rows == [['{"id":1}', "src.s.t", "3", "41", "2"]]
