"""Every option of pivot, each against an expectation written by hand."""

import csv
import hashlib
import hmac
import io
import json
import re

import pytest

from helpers import (CHANGE_FIELD, CREATED, DELETED, NEW, OLD, OLD_KNOWN, OP, UPDATED, capture,
                     create, event, fieldtrail, good_pivot, kcat, lines, pivot, settled, wrapped)

SOURCE_TIME, CONNECTOR_TIME = "1970-01-01T00:00:01.000000Z", "1970-01-01T00:00:02.000000Z"


def rows(*arguments, events):
    return good_pivot(*arguments, stdin=lines(*events)).rows


def changes(*arguments, events):
    return good_pivot(*arguments, stdin=lines(*events)).changes()


def cells(columns, *arguments, events):
    """The rows with only the columns asked for."""
    return rows("--columns", columns, *arguments, events=events)


def update(before, after, **more):
    return event("u", after, before, **more)


# --------------------------------------------------------------------------
# Fields and keys
# --------------------------------------------------------------------------

WIDE = create(1, "x", source={})
WIDE["after"].update({"b": 2, "c": True, "d": None, "e": {"k": [1, 2]}})


@pytest.mark.parametrize("arguments, fields", [
    (["--fields", "a"], ["a"]), (["-f", "b,a"], ["b", "a"]), (["--fields", "a,a"], ["a"]),
    (["--fields=a , c"], ["a", "c"]), (["--fields", "*"], ["a", "b", "c", "e"]),
    (["--fields", "*", "--ignore", "b,e"], ["a", "c"]),
    (["--fields", "a", "--fields", "c"], ["a", "c"]),
])
def test_fields_and_ignore(arguments, fields):
    assert [row[1] for row in rows("-k", "id", *arguments, events=[WIDE])] == fields


def test_values_are_text():
    assert [row[NEW] for row in rows("--fields", "*", "--keys", "id", events=[WIDE])] == [
        "x", "2", "true", '{"k": [1, 2]}']


def test_keys_come_from_the_message_key():
    record = kcat(event(after={"b": "y", "a": "x", "v": 1}), key={"a": "x", "b": "y"})
    out = good_pivot("--fields", "*", "--header", stdin=lines(record)).out
    assert out.startswith("a,b,change_field,") and "\nx,y,v,,1," in out


def test_named_keys_outside_the_message_key_are_pivoted_too():
    """A change is never hidden."""
    change = update({"id": 1, "user": 5, "v": 1}, {"id": 1, "user": 6, "v": 1})
    assert changes("--fields", "*", "--keys", "user,id", "--identity", "full",
                   events=[kcat(change, key={"id": 1})]) == [
        ["6", "1", "user", "5", "6", "u", "true"]]


def test_keys_of_a_delete_come_from_before():
    gone = event("d", before={"id": 1, "user": 5, "v": 1})
    options = ["--fields", "v", "--keys", "id,user"]
    record = kcat(gone, key={"id": 1})
    assert changes(*options, "--identity", "full", events=[record]) == [
        ["1", "5", "v", "1", None, "d", "true"]]
    assert changes(*options, "--identity", "default", events=[record]) == [
        ["1", None, "v", None, None, "d", "false"]]
    # without message keys those named are taken to be the primary key
    assert changes(*options, "--identity", "default", events=[gone]) == [
        ["1", "5", "v", None, None, "d", "false"]]


def test_a_key_that_is_a_field_makes_one_row():
    assert changes("--fields", "id,a", "--keys", "id", events=[create(1)]) == [
        ["1", "id", None, "1", "c", "true"], ["1", "a", None, "x", "c", "true"]]


# --------------------------------------------------------------------------
# Columns
# --------------------------------------------------------------------------

def test_columns_in_any_order_and_renamed():
    out = good_pivot("--fields", "a", "--keys", "id", "--columns",
                     "what=change_field,new_value,op,ident=id,b", "--header",
                     stdin=lines(WIDE)).out
    assert out == "what,new_value,op,ident,b\na,x,c,1,2\n"


def test_default_columns():
    out = good_pivot("--fields", "a", "--keys", "id", "--header", stdin=b"").out
    assert out == ("id,change_field,old_value,new_value,datetime_created,datetime_updated,"
                   "datetime_deleted,datetime_inserted,op,old_known\n")


def test_every_other_column():
    payload = event(after={"id": 1, "a": "x"}, source={"query": "insert", "user_name": "eve",
                                                             "thread": 12},
                    transaction={"id": "7:8", "total_order": 3, "data_collection_order": 1})
    expected = [
        ("event_time", SOURCE_TIME), ("source_table", "s.t"), ("row_key", '{"id":1}'),
        ("tx_id", "7"), ("lsn", "8"), ("kafka_topic", "src.s.t"), ("kafka_partition", "2"),
        ("kafka_offset", "40"), ("field_no", "2"), ("source_name", "src"),
        ("connector_time", CONNECTOR_TIME), ("tx_order", "3"), ("query", "insert"),
        ("user_name", "eve"), ("thread", "12")]
    got = cells(",".join(name for name, _ in expected), "--fields", "a",
                events=[kcat(payload, key={"id": 1}, offset=40, partition=2)])
    assert got == [[value for _, value in expected]]


def test_two_columns_of_one_name_are_refused():
    result = pivot("--fields", "a", "--keys", "id", "--columns", "op,op", stdin=b"")
    assert result.status == 2 and "op" in result.err


def test_several_tables_into_one_output():
    """row_key stands for keys of different names."""
    events = [kcat(event(after={name: 1, "v": 2}, source={"table": name}), key={name: 1})
              for name in ("one", "two")]
    assert cells("source_table,row_key,change_field,new_value", "--fields", "v",
                 events=events) == [["s.one", '{"one":1}', "v", "2"],
                                    ["s.two", '{"two":1}', "v", "2"]]


# --------------------------------------------------------------------------
# Which rows
# --------------------------------------------------------------------------

SAME = update({"id": 1, "a": 1, "b": 1}, {"id": 1, "a": 1, "b": 2})
READ = event("r", {"id": 1, "a": "x"})


@pytest.mark.parametrize("choice, fields", [("skip", ["b"]), ("emit", ["a", "b"])])
def test_unchanged(choice, fields):
    got = rows("--fields", "a,b", "--keys", "id", "--identity", "full", "--unchanged", choice,
               events=[SAME])
    assert [row[CHANGE_FIELD] for row in got] == fields


@pytest.mark.parametrize("choice, count", [("skip", 0), ("emit", 1)])
def test_snapshot(choice, count):
    got = rows("--fields", "a", "--keys", "id", "--snapshot", choice, events=[READ])
    assert [(row[NEW], row[CREATED], row[OP]) for row in got] == [("x", SOURCE_TIME, "r")] * count


def test_unknown():
    blind = update(None, {"id": 1, "a": 1})
    gone = event("d", before=None)
    options = ["--fields", "a", "--keys", "id"]
    assert changes(*options, events=[blind]) == [["1", "a", None, "1", "u", "false"]]
    assert changes(*options, "--unknown", "skip", events=[blind]) == []
    # a delete always leaves a row
    assert changes(*options, "--unknown", "skip", events=[kcat(gone, key={"id": 1})]) == [
        ["1", "a", None, None, "d", "false"]]


@pytest.mark.parametrize("identity, expected", [
    ("full", [["a", "1", "2", "true"], ["b", "1", "2", "true"]]),
    ("default", [["a", None, "2", "false"], ["b", None, "2", "false"]]),
    ("index(b)", [["a", None, "2", "false"], ["b", "1", "2", "true"]]),
    ("index( a , b )", [["a", "1", "2", "true"], ["b", "1", "2", "true"]]),
    ("auto", [["a", None, "2", "false"], ["b", None, "2", "false"]]),
])
def test_identity(identity, expected):
    got = cells("change_field,old_value,new_value,old_known", "--fields", "a,b", "--keys", "id",
                "--identity", identity,
                events=[update({"id": 1, "a": 1, "b": 1}, {"id": 1, "a": 2, "b": 2})])
    assert got == expected


def test_identity_index_hides_message_key_columns_in_deletes():
    gone = event("d", before={"id": 0, "code": "c", "a": 1})
    assert cells("id,code,row_key,change_field,old_value,old_known", "--fields", "a", "--keys",
                 "id,code", "--identity", "index(code)", events=[kcat(gone, key={"id": 0})]) == [
        [None, "c", None, "a", None, "false"]]


# auto: (name, before, after, believed) of (id, NOT NULL q, optional n with default 7)
QN = [("id", "int32", {"optional": False}), ("q", "int32", {"optional": False, "default": 5}),
      ("n", "int32", {"default": 7})]


@pytest.mark.parametrize("op, before, after, known", [
    ("u", {"q": 5, "n": 3}, {"q": 6, "n": 3}, "true"),     # an optional value of its own
    ("u", {"q": 5, "n": 7}, {"q": 6, "n": 8}, "false"),    # only what can be made up
    ("u", {"q": 5, "n": None}, {"q": 6, "n": 8}, "false"),
    ("u", {"q": 5, "n": None}, {"q": 5, "n": 8}, "true"),  # no NOT NULL column differs
    ("d", {"q": 5, "n": 3}, None, "true"),
    ("d", {"q": 9, "n": 7}, None, "false"),
    ("d", {"q": 9, "n": None}, None, "false"),
])
def test_identity_auto_with_schema(op, before, after, known):
    images = [image and dict(image, id=1) for image in (after, before)]
    record = kcat(wrapped(event(op, *images), QN), key={"id": 1})
    got = rows("--fields", "*", "--unchanged", "emit", events=[record])
    assert {row[OLD_KNOWN] for row in got} == {known}
    assert known == "true" or {row[OLD] for row in got} == {None}


@pytest.mark.parametrize("before, after, known", [
    ({"a": 3, "b": 1}, {"a": 3, "b": 2}, "true"),
    ({"a": 0, "b": 1}, {"a": 0, "b": 2}, "false"),
    ({"a": "", "b": 1}, {"a": "", "b": 2}, "false"),
    ({"a": False, "b": 1}, {"a": False, "b": 2}, "false"),
    ({"a": None, "b": 1}, {"a": None, "b": 2}, "false"),
    ({"a": "1970-01-01T00:00:00Z", "b": 1}, {"a": "1970-01-01T00:00:00Z", "b": 2}, "false"),
    ({"a": 3, "b": 1}, {"a": 4, "b": 2}, "false"),
])
def test_identity_auto_without_schema(before, after, known):
    got = rows("--fields", "b", "--keys", "id",
               events=[update(dict(before, id=1), dict(after, id=1))])
    assert [row[OLD_KNOWN] for row in got] == [known]


def test_the_remedy_is_told_once_for_each_table():
    events = [update(None, {"id": 1, "a": 1}, source={"table": name}) for name in "ababa"]
    err = good_pivot("--fields", "a", "--keys", "id", stdin=lines(*events)).err
    for table in ("s.a", "s.b"):
        assert err.count("ALTER TABLE %s REPLICA IDENTITY FULL" % table) == 1


@pytest.mark.parametrize("old, new, differ", [
    ("1.50", "1.5", False), ("-0", "0", False), ("-0.0e7", "0", False), ("1E+2", "100", False),
    ("1e999999999", "10e999999998", False), ("1e999999999", "1e999999998", True),
    ("123456789012345678901234567890.0", "123456789012345678901234567890", False),
    ("123456789012345678901234567890", "123456789012345678901234567891", True),
    ("1e99999999999999999999", "1e99999999999999999998", True),
    ('"1.50"', '"1.5"', True), ('"NaN"', '"NaN"', False), ("[1.0]", "[1]", False),
    ('{"a":1,"b":[2]}', '{ "b": [ 2 ], "a": 1.0 }', False), ("null", '""', True),
])
def test_what_differs(old, new, differ):
    text = json.dumps(update({"id": 1, "a": "OLD"}, {"id": 1, "a": "NEW"}))
    text = text.replace('"OLD"', old).replace('"NEW"', new)
    got = rows("--fields", "a", "--keys", "id", "--identity", "full", events=[text])
    assert len(got) == differ


# --------------------------------------------------------------------------
# Times
# --------------------------------------------------------------------------

ID_A = {"id": 1, "a": "x"}


@pytest.mark.parametrize("source, expected", [
    ({"ts_us": 1795223450173153, "ts_ms": 1, "ts_ns": 1}, "2026-11-21T01:10:50.173153Z"),
    ({"ts_us": None, "ts_ns": 1795223450173153999, "ts_ms": 1}, "2026-11-21T01:10:50.173153Z"),
    ({"ts_us": None, "ts_ms": 1795223450173}, "2026-11-21T01:10:50.173000Z"),
    ({"ts_us": -1}, "1969-12-31T23:59:59.999999Z"),
    ({"ts_us": None}, None),
])
def test_time_of_the_source(source, expected):
    got = rows("--fields", "a", "--keys", "id", events=[event(after=ID_A, source=source)])
    assert [row[CREATED] for row in got] == [expected]


@pytest.mark.parametrize("flag, change, place", [
    ("--created", event("c", ID_A), CREATED),
    ("--updated", update({"id": 1, "a": "w"}, ID_A), UPDATED),
    ("--deleted", event("d", before=ID_A), DELETED),
    ("--deleted", event("t"), DELETED)])
def test_time_of_the_connector(flag, change, place):
    got, = rows("--fields", "a", "--keys", "id", "--identity", "full", flag, "connector",
                events=[change])
    times = {CREATED: None, UPDATED: None, DELETED: None, place: CONNECTOR_TIME}
    assert {at: got[at] for at in times} == times


def test_a_snapshot_keeps_its_time_unless_a_column_is_named():
    read = event("r", {"id": 1, "a": "x", "at": "2020-01-01T00:00:00Z"})
    options = ["--fields", "a", "--keys", "id", "--snapshot", "emit", "--created"]
    assert rows(*options, "connector", events=[read])[0][CREATED] == SOURCE_TIME
    assert rows(*options, "after.at", events=[read])[0][CREATED] == "2020-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("semantic, number, expected", [
    ("io.debezium.time.MicroTimestamp", 1795223450172740, "2026-11-21T01:10:50.172740Z"),
    ("io.debezium.time.Timestamp", 1795223450172, "2026-11-21T01:10:50.172000Z"),
    ("io.debezium.time.NanoTimestamp", 1795223450172740999, "2026-11-21T01:10:50.172740Z"),
    ("io.debezium.time.MicroTimestamp", -1, "1969-12-31T23:59:59.999999Z"),
    ("io.debezium.time.NanoTimestamp", -1, "1969-12-31T23:59:59.999999Z"),
    ("io.debezium.time.MicroTimestamp", None, None),
])
def test_time_of_a_column_with_schema(semantic, number, expected):
    columns = [("id", "int64", {}), ("a", "string", {}), ("at", "int64", {"name": semantic})]
    got = rows("--fields", "a", "--keys", "id", "--created", "after.at",
               events=[wrapped(event(after=dict(ID_A, at=number)), columns)])
    assert [row[CREATED] for row in got] == [expected]


@pytest.mark.parametrize("text, zone, expected", [
    ("2018-06-20T15:13:16.945104Z", "UTC", "2018-06-20T15:13:16.945104Z"),
    ("2018-06-20T15:13:16+02:00", "Europe/Berlin", "2018-06-20T13:13:16.000000Z"),
    ("2018-06-20T15:13:16", "UTC", "2018-06-20T15:13:16.000000Z"),
    ("2018-06-20T15:13:16", "+03:30", "2018-06-20T11:43:16.000000Z"),
    ("2018-06-20T15:13:16", "Europe/Berlin", "2018-06-20T13:13:16.000000Z"),
    ("2018-12-20T15:13:16", "Europe/Berlin", "2018-12-20T14:13:16.000000Z"),
    ("2018-06-20 15:13:16", "-11:00", "2018-06-21T02:13:16.000000Z"),
])
def test_time_of_a_column_as_text(text, zone, expected):
    got = rows("--fields", "a", "--keys", "id", "--created", "after.at", "--timezone", zone,
               events=[event(after=dict(ID_A, at=text))])
    assert [row[CREATED] for row in got] == [expected]


def test_time_of_a_zoneless_number_in_its_zone():
    """MicroTimestamp is a timestamp without zone: the zone applies to it as well."""
    columns = [("id", "int64", {}), ("a", "string", {}),
               ("at", "int64", {"name": "io.debezium.time.MicroTimestamp"})]
    got = rows("--fields", "a", "--keys", "id", "--created", "after.at", "--timezone", "+03:30",
               events=[wrapped(event(after=dict(ID_A, at=1795223450172740)), columns)])
    assert [row[CREATED] for row in got] == ["2026-11-20T21:40:50.172740Z"]


def test_time_of_a_tutorial_column():
    got = good_pivot("--fields", "holding_quantity", "--created", "after.datetime_created",
                     capture("tutorial.schema")).rows
    assert got[0][CREATED] == "2026-11-21T01:10:50.172740Z"


def test_time_from_before_is_not_invented():
    gone = event("d", before={"id": 1, "a": "x", "at": "1970-01-01T00:00:00Z"})
    options = ["--fields", "a", "--keys", "id", "--deleted", "before.at"]
    assert rows(*options, "--identity", "default", events=[gone])[0][DELETED] is None
    assert rows(*options, "--identity", "full", events=[gone])[0][DELETED] == \
        "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("value, says", [("soon", "no timestamp"), (17, "schema")])
def test_time_of_a_column_that_holds_none(value, says):
    result = pivot("--fields", "a", "--keys", "id", "--created", "after.at",
                   stdin=lines(event(after=dict(ID_A, at=value))))
    assert result.status == 1 and "stdin:1" in result.err
    assert says in result.err and "at" in result.err


# --------------------------------------------------------------------------
# Masks
# --------------------------------------------------------------------------

def sha(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


CHANGED = update({"id": 1, "a": "secret", "b": None}, {"id": 1, "a": "sécret", "b": "new"})
MASK = ["--fields", "a,b", "--keys", "id", "--identity", "full"]


def test_mask_hash():
    assert changes(*MASK, "--mask", "a:hash", events=[CHANGED]) == [
        ["1", "a", sha("secret"), sha("sécret"), "u", "true"],
        ["1", "b", None, "new", "u", "true"]]


def test_mask_drop_keeps_the_fact():
    assert changes(*MASK, "--mask", "a:drop", "--mask", "b:hash", events=[CHANGED]) == [
        ["1", "a", None, None, "u", "true"], ["1", "b", None, sha("new"), "u", "true"]]


def test_mask_key():
    keyed = hmac.new(b"k", b"secret", hashlib.sha256).hexdigest()
    assert changes(*MASK, "--mask", "a:hash", "--mask-key", "k", events=[CHANGED])[0][2] == keyed


def test_masked_keys_are_masked_wherever_they_stand():
    columns = "id,user,row_key,change_field,new_value"
    record = kcat(event(after={"id": 1, "user": "eve", "v": 2}), key={"id": 1, "user": "eve"})
    options = ["--fields", "user,v", "--mask"]
    hashed = cells(columns, *options, "user:hash", events=[record])
    eve = sha("eve")
    assert hashed == [["1", eve, '{"id":1,"user":"%s"}' % eve, "user", eve],
                      ["1", eve, '{"id":1,"user":"%s"}' % eve, "v", "2"]]
    dropped = cells(columns, *options, "user:drop", events=[record])
    assert dropped == [["1", None, '{"id":1,"user":null}', "user", None],
                       ["1", None, '{"id":1,"user":null}', "v", "2"]]


def test_masked_row_key_without_message_key():
    assert cells("row_key", "--fields", "a", "--keys", "id", "--mask", "id:hash",
                 events=[create(1)]) == [['{"id":"%s"}' % sha("1")]]


@pytest.mark.parametrize("form", ["csv", "jsonl", "copy"])
def test_a_masked_value_is_nowhere_in_the_output(form):
    record = kcat(update({"id": "secret", "a": "secret"}, {"id": "secret", "a": "secret2"}),
                  key={"id": "secret"})
    names = "id,row_key,change_field,old_value,new_value,source_table,a,k=a"
    out = good_pivot("--fields", "*", "--identity", "full", "--mask", "a:hash,id:drop",
                     "--columns", names, "--format", form, stdin=lines(record)).out
    assert out.count("\n") == 1 and "secret" not in out


# --------------------------------------------------------------------------
# Overrides of a table
# --------------------------------------------------------------------------

def of_table(table, payload):
    payload["source"]["table"] = table
    return payload


def test_overrides_of_one_table():
    before, after = {"id": 1, "a": 1, "b": 1, "n": 1}, {"id": 1, "a": 2, "b": 2, "n": 2}
    events = [of_table(table, update(before, after)) for table in ("t", "u")]
    got = cells("source_table,id,change_field,old_value,new_value", "--fields", "a", "--keys", "id",
                "-o", "pivot.fields.s.u=*", "-o", "pivot.ignore.s.u=n",
                "-o", "pivot.mask.s.u=b:drop", "-o", "replica.identity.s.u=full", events=events)
    assert got == [["s.t", "1", "a", None, "2"], ["s.u", "1", "a", "1", "2"],
                   ["s.u", "1", "b", None, None]]


def test_keys_of_one_table_stand_in_the_columns_of_all():
    events = [create(1), of_table("u", event(after={"uid": 7, "a": "y"}))]
    assert changes("--fields", "a", "--keys", "id", "-o", "pivot.keys.s.u=uid", events=events) == [
        ["1", "a", None, "x", "c", "true"], ["7", "a", None, "y", "c", "true"]]


def test_fields_only_of_one_table(tmp_path):
    config = tmp_path / "c.json"
    config.write_text('{"pivot.fields.s.t": "a", "pivot.keys": "id"}')
    assert len(rows("-c", config, events=[create(1)])) == 1
    result = pivot("-c", config, stdin=lines(of_table("u", create(1))))
    assert result.status == 2 and "s.u" in result.err and "pivot.fields" in result.err


@pytest.mark.parametrize("fields", [{}, {"pivot.fields": " "}])
def test_a_connector_without_fields_does_not_start(tmp_path, fields):
    """It would run, commit and write nothing."""
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"name": "c", "connector.class": "CsvSink", "topics": "t",
                                  "file.path": str(tmp_path / "out"), "pivot.keys": "id",
                                  "bootstrap.servers": "127.0.0.1:1", **fields}))
    for command in ("run", "check"):
        result = fieldtrail(command, config, timeout=30)
        assert result.status == 2
        assert "pivot.fields=a,b" in result.out + result.err


# --------------------------------------------------------------------------
# Formats
# --------------------------------------------------------------------------

AWKWARD = ["", " ", "a,b", '"', '""', "line\nline", "\r\n", "\t", "\\", "\\N", "\\.", "NULL",
           "null", "'", "=1+1", "-1", "é😀", "\u2028", "\x01\x7f", "a\\nb", "\ufeff", " x "]
AWKWARD_EVENTS = [create(i, text) for i, text in enumerate(AWKWARD)]
AWKWARD_OPTIONS = ["--fields", "a", "--keys", "id", "--columns", "id,old_value,new_value"]


def test_csv_is_read_by_another_reader():
    out = good_pivot(*AWKWARD_OPTIONS, stdin=lines(*AWKWARD_EVENTS)).out
    read = list(csv.reader(io.StringIO(out, newline=""), strict=True))
    assert read == [[str(i), "", text] for i, text in enumerate(AWKWARD)]


def test_null_and_the_empty_text_differ():
    both = update({"id": 1, "a": "", "b": None}, {"id": 1, "a": None, "b": ""})
    out = good_pivot("--fields", "a,b", "--keys", "id", "--identity", "full", "--columns",
                     "change_field,old_value,new_value", stdin=lines(both)).out
    assert out == 'a,"",\nb,,""\n'


def test_jsonl():
    out = good_pivot(*AWKWARD_OPTIONS, "--format", "jsonl", stdin=lines(*AWKWARD_EVENTS)).out
    read = [json.loads(text) for text in out.split("\n")[:-1]]
    assert [item["new_value"] for item in read] == AWKWARD
    assert {item["old_value"] for item in read} == {None}


def test_jsonl_by_hand():
    out = good_pivot("--fields", "a", "--keys", "id", "--format", "jsonl",
                     stdin=lines(create(1, 'q"\n'))).out
    assert settled(out) == (
        '{"id":1,"change_field":"a","old_value":null,"new_value":"q\\"\\n",'
        '"datetime_created":"%s","datetime_updated":null,"datetime_deleted":null,'
        '"datetime_inserted":"INSERTED","op":"c","old_known":true}\n' % SOURCE_TIME)


def test_jsonl_holds_the_character_zero():
    out = good_pivot(*AWKWARD_OPTIONS, "--format", "jsonl", stdin=lines(create(1, "x\0y"))).out
    assert json.loads(out)["new_value"] == "x\0y"


# What PostgreSQL's manual says of COPY's text format.
COPY_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_copy(text):
    def cell(raw):
        if raw == "\\N":
            return None
        return re.sub(r"\\(.)", lambda found: COPY_ESCAPES.get(found[1], found[1]), raw)
    return [[cell(raw) for raw in row.split("\t")] for row in text.split("\n")[:-1]]


def test_copy():
    out = good_pivot(*AWKWARD_OPTIONS, "--format", "copy", stdin=lines(*AWKWARD_EVENTS)).out
    assert "\\." not in out.split("\n")
    assert "\r" not in out
    assert read_copy(out) == [[str(i), None, text] for i, text in enumerate(AWKWARD)]


def test_copy_by_hand():
    out = good_pivot(*AWKWARD_OPTIONS, "--format", "copy", "--header",
                     stdin=lines(create(1, "t\tn\nb\\N"), create(2, ""))).out
    assert out == "id\told_value\tnew_value\n1\t\\N\tt\\tn\\nb\\\\N\n2\t\\N\t\n"


@pytest.mark.parametrize("form, expected", [
    ("csv", '1,NULL,"NULL"\n2,NULL,x\n3,NULL,\n'),
    # COPY compares before it undoes escapes: any escape keeps the text from being NULL
    ("copy", "1\tNULL\t\\116ULL\n2\tNULL\tx\n3\tNULL\t\n")])
def test_null_text(form, expected):
    events = [create(1, "NULL"), create(2), create(3, "")]
    assert good_pivot(*AWKWARD_OPTIONS, "--null", "NULL", "--format", form,
                      stdin=lines(*events)).out == expected


def test_formula_guard():
    values = ["=1+1", "+1", "-1", "@x", "\tx", "plain", "", -5, 'a"=', '="q"']
    events = [create(i, value) for i, value in enumerate(values)]
    out = good_pivot(*AWKWARD_OPTIONS, "--csv-formula-guard", stdin=lines(*events)).out
    read = [row[2] for row in csv.reader(io.StringIO(out, newline=""), strict=True)]
    assert read == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain", "", "-5", 'a"=', "'=\"q\""]


# --------------------------------------------------------------------------
# About itself
# --------------------------------------------------------------------------

def test_stats():
    events = [create(1), update({"id": 1, "a": "x"}, {"id": 1, "a": "y"}),
              update(None, {"id": 1, "a": 1}),
              event("d", before={"id": 1, "a": "y"}), event("t"), event("m"), READ, "", "null",
              {"ts_ms": 1}, {"status": "BEGIN", "id": "1", "event_count": None, "data_collections": None}, "bad",
              update({"id": 1, "a": "x"}, {"id": 1, "a": "__debezium_unavailable_value"})]
    result = pivot("--fields", "a", "--keys", "id", "--identity", "full", "--stats",
                   "--errors", "skip", stdin=lines(*events))
    assert result.status == 1 and len(result.rows) == 5
    assert result.stats == dict(
        lines="13", events_c="1", events_u="3", events_d="1", events_t="1", events_m="1",
        events_r="1", rows="5", tombstones="2", heartbeats="1", transactions="1",
        schema_changes="0", notifications="0", signals="0", unavailable="1", unknown_old="1",
        altered="0", errors="1")


def test_stats_are_silent_without_the_flag():
    assert good_pivot("--fields", "a", "--keys", "id", stdin=lines(create(1))).err == ""


def test_version():
    text = fieldtrail("--version")
    assert text.status == 0
    assert re.match(r"fieldtrail \d+\.\d+\.\d+ "
                    r"\(librdkafka \d[^,]*, yajl \d[^,]*, libpq \d.*\)\n\Z", text.out)


FLAGS = """fields keys ignore columns unchanged snapshot unknown created updated deleted timezone
    identity mask mask-key format header null csv-formula-guard errors dead-letters stats compat
    config set help""".split()


def test_help_mentions_every_option():
    text = good_pivot("--help").out
    assert [flag for flag in FLAGS if not re.search(r"^  (-\w, )?--%s\b" % flag, text, re.M)] == []
    assert max(len(row) for row in text.splitlines()) <= 100


def test_help_of_the_program_names_the_commands():
    result = fieldtrail("--help")
    assert result.status == 0 and re.search(r"^  pivot ", result.out, re.M)


def test_no_input_no_output():
    result = good_pivot("--fields", "a", "--keys", "id", stdin=b"")
    assert (result.out, result.err) == ("", "")


@pytest.mark.parametrize("columns", [[], ["--columns", "id,change_field,old_value,new_value,op,old_known"]],
                         ids=["usual", "named"])
def test_old_known_is_told_by_each_row(columns):
    """Fields of one event whose old value is believed, and is not, take turns; many events, so that
    every way of reading and writing is gone."""
    names = ["f%d" % i for i in range(8)]
    believed = ",".join(names[::2])
    moved = update(dict.fromkeys(["id"] + names, False), dict.fromkeys(["id"] + names, True))
    moved["before"]["id"] = moved["after"]["id"] = 1
    got = good_pivot("--keys", "id", "--fields", ",".join(names), "--identity", "index(%s)" % believed, *columns,
                     stdin=lines(*2000 * [moved]))
    assert [row[:4] + row[-1:] for row in got.rows] == 2000 * [
        ["1", name, None if i % 2 else "false", "true", "false" if i % 2 else "true"] for i, name in enumerate(names)]
