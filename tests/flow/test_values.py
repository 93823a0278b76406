"""Edges of values, one a test: what stands in the event, and what the row must say. Expected texts
are PostgreSQL's, or follow from the arithmetic of the format."""

import base64
import json

import pytest

from helpers import (CHANGE_FIELD, NEW, OLD, capture, event, good_pivot, kcat, lines, pivot, wrapped)

DECIMAL = "org.apache.kafka.connect.data.Decimal"
PLACEHOLDER = "__debezium_unavailable_value"


def decimal_column(name, scale):
    return name, "bytes", {"name": DECIMAL, "parameters": {"scale": str(scale)}}


def values(before, after, *columns, options=(), op="u", keep=False):
    """{field: (old, new)} of one event of table s.t; columns are those of its schema, if any."""
    def row(cells):
        return None if cells is None else dict({"id": 1}, **cells)
    payload = event(op, row(after), row(before))
    message = wrapped(payload, [("id", "int32", {})] + list(columns)) if columns else payload
    result = good_pivot("--keys", "id", "--fields", "*", "--identity", "full", "--ignore", "id",
                        *(["--unchanged", "emit"] if keep else []), *options, stdin=lines(message))
    return {row[CHANGE_FIELD]: (row[OLD], row[NEW]) for row in result.rows}


def new_value(value, *column, options=()):
    """What a created value becomes."""
    return values(None, {"v": value}, *([("v",) + column] if column else []), options=options,
                  op="c")["v"][1]


# --- the unchanged placeholder ----------------------------------------------

SHAPES = {
    "text": PLACEHOLDER,
    "base64": base64.b64encode(PLACEHOLDER.encode()).decode(),
    "hex": PLACEHOLDER.encode().hex(),
    "text_array": [PLACEHOLDER],
    "bytes_array": [base64.b64encode(PLACEHOLDER.encode()).decode()],
    "uuid_array": ["b68a35a7-17ad-35b3-af2a-ae46edb4545a"],
    "number_array": list(PLACEHOLDER.encode()),
    "hstore_map": {PLACEHOLDER: PLACEHOLDER},
    "hstore_text": '{"%s":"%s"}' % (PLACEHOLDER, PLACEHOLDER),
    "geometry": {"wkb": "AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==", "srid": 4326},
    "geography": {"wkb": "AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==", "srid": 4326},
}


def compact(payload):
    return json.dumps(payload, separators=(",", ":"))


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("pivoted", [True, False], ids=["pivoted", "not pivoted"])
def test_placeholder_is_no_change(shape, pivoted):
    payload = event("u", {"id": 1, "a": SHAPES[shape], "b": 2}, {"id": 1, "a": "x", "b": 1})
    result = good_pivot("--keys", "id", "--fields", "a,b" if pivoted else "b", "--identity",
                        "full", "--stats", stdin=lines(compact(payload)))
    assert [row[CHANGE_FIELD] for row in result.rows] == ["b"]
    assert result.stats["unavailable"] == ("1" if pivoted else "0")


SPELLINGS = {
    "compact": compact,
    "blanks": json.dumps,
    "lines": lambda value: json.dumps(value, indent=2).replace("\n", "\r\t "),
    "escapes": lambda value: compact(value).replace("_", "\\u005f"),
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_placeholder_in_every_spelling(shape, spelling):
    text = SPELLINGS[spelling](event("u", {"id": 1, "a": SHAPES[shape], "b": 2}, {"id": 1, "a": "x", "b": 1}))
    result = good_pivot("--keys", "id", "--fields", "*", "--identity", "full", stdin=lines(*3 * [text]))
    assert [row[CHANGE_FIELD] for row in result.rows] == 3 * ["b"]


@pytest.mark.parametrize("almost", [
    [PLACEHOLDER, PLACEHOLDER], [PLACEHOLDER + " "], [[PLACEHOLDER]], {PLACEHOLDER: "x"}, {"x": PLACEHOLDER},
    {PLACEHOLDER: PLACEHOLDER, "x": "y"}, list(PLACEHOLDER.encode())[:-1], list(PLACEHOLDER.encode()) + [95],
    [95, 96], [], {}, [None], [str(code) for code in PLACEHOLDER.encode()]], ids=str)
def test_what_is_nearly_the_placeholder_is_a_value(almost):
    for text in compact, json.dumps:
        result = good_pivot("--keys", "id", "--fields", "a", "--identity", "full", stdin=lines(
            text(event("u", {"id": 1, "a": almost}, {"id": 1, "a": "x"}))))
        assert [json.loads(row[NEW]) for row in result.rows] == [almost]


def test_placeholder_of_another_text():
    payload = event("u", {"id": 1, "a": "gone", "b": PLACEHOLDER}, {"id": 1, "a": "x", "b": "y"})
    result = good_pivot("--keys", "id", "--fields", "*", "--ignore", "id", "--identity", "full", "-o",
                        "unavailable.value.placeholder=gone", stdin=lines(compact(payload)))
    assert [(row[CHANGE_FIELD], row[NEW]) for row in result.rows] == [("b", PLACEHOLDER)]


def test_placeholder_that_a_user_stored_counts_as_not_touched():
    """The same text: nobody can tell them apart; documented."""
    assert "v" not in values(None, {"v": PLACEHOLDER, "w": 1}, op="c")


# --- digits -----------------------------------------------------------------

def test_nanoseconds_beyond_a_double():
    assert new_value(1559033904863123000, "int64", {"name": "io.debezium.time.NanoTimestamp"}) \
        == "2019-05-28 08:58:24.863123"


@pytest.mark.parametrize("digits", ["9223372036854775807", "-9223372036854775808",
                                    "12345678901234567890123456789012345678"])
def test_long_integers_keep_their_digits(digits):
    line_ = json.dumps(event("c", {"id": 1, "v": 0})).replace('"v": 0', '"v": ' + digits)
    rows = good_pivot("--keys", "id", "--fields", "v", stdin=lines(line_)).rows
    assert rows[0][NEW] == digits


def test_numeric_of_38_digits():
    unscaled = 12345678901234567890123456789012345678
    data = base64.b64encode(unscaled.to_bytes(16, "big", signed=True)).decode()
    assert new_value(data, *decimal_column("v", 10)[1:]) == "1234567890123456789012345678.9012345678"


def test_numbers_as_texts():
    assert new_value("1529507596945104", "int64", {"name": "io.debezium.time.MicroTimestamp"}) \
        == "2018-06-20 15:13:16.945104"


@pytest.mark.parametrize("data, scale, text", [
    ("adw=", 3, "27.100"), ("/w==", 0, "-1"), ("AA==", 0, "0"), ("AA==", 2, "0.00"),
    ("BAg=", 4, "0.1032"), ("/w==", 3, "-0.001")])
def test_decimal(data, scale, text):
    assert new_value(data, *decimal_column("v", scale)[1:]) == text


def test_decimal_without_schema_stays_as_it_came():
    assert new_value("adw=") == "adw="


def test_decimal_without_schema_by_its_type():
    assert new_value("adw=", options=["-o", "pivot.type.v=numeric(8,3)"]) == "27.100"
    assert new_value("adw=", options=["-o", "pivot.type.s.t.v=numeric(8,3)"]) == "27.100"
    assert new_value("adw=", options=["-o", "pivot.type.s.u.v=numeric(8,3)"]) == "adw="


def test_variable_scale_decimal():
    fields = [{"type": "int32", "field": "scale"}, {"type": "bytes", "field": "value"}]
    assert new_value({"scale": 0, "value": "AQ=="}, "struct",
                     {"name": "io.debezium.data.VariableScaleDecimal", "fields": fields}) == "1"


# --- times ------------------------------------------------------------------

@pytest.mark.parametrize("micros, text", [
    (-1, "1969-12-31 23:59:59.999999"), (9223372036825200000, "infinity"),
    (-9223372036832400000, "-infinity"), (-63517780799500000, "0044-03-15 12:00:00.5 BC")])
def test_micro_timestamps(micros, text):
    assert new_value(micros, "int64", {"name": "io.debezium.time.MicroTimestamp"}) == text


@pytest.mark.parametrize("digits", range(10))
def test_fraction_of_zoned_timestamps(digits):
    fraction = "." + "123456789"[:digits] if digits else ""
    assert new_value("2019-07-09T02:28:57%sZ" % fraction, "string",
                     {"name": "io.debezium.time.ZonedTimestamp"}) \
        == "2019-07-09 02:28:57%s+00" % fraction


@pytest.mark.parametrize("kind, raw, at", [
    ("io.debezium.time.MicroTimestamp", 1529507596945104, "2018-06-20T15:13:16.945104Z"),
    ("io.debezium.time.Date", -1, "1969-12-31T00:00:00.000000Z"),
    ("io.debezium.time.MicroTimestamp", -63517780799500000, "-0043-03-15T12:00:00.500000Z")])
def test_time_of_a_row_from_a_typed_column(kind, raw, at):
    message = wrapped(event("c", {"id": 1, "v": raw}), [("id", "int32", {}),
                                                        ("v", "int64", {"name": kind})])
    rows = good_pivot("--keys", "id", "--fields", "v", "--created", "after.v", "--columns",
                      "datetime_created", stdin=lines(message)).rows
    assert rows == [[at]]


# --- when is it a change ----------------------------------------------------

JSON = ("v", "string", {"name": "io.debezium.data.Json"})


def test_order_of_members_is_no_change():
    assert values({"v": '{"b":1,"a":2}'}, {"v": '{"a": 2, "b": 1.0}'}, JSON) == {}
    assert values({"v": '{"b":1,"a":2}'}, {"v": '{"a":1,"b":2}'}, JSON) \
        == {"v": ('{"b":1,"a":2}', '{"a":1,"b":2}')}


def test_nan_is_nan():
    assert values({"v": "NaN"}, {"v": "NaN"}, ("v", "double", {})) == {}
    assert values({"v": "NaN"}, {"v": 1.5}, ("v", "double", {})) == {"v": ("NaN", "1.5")}


def test_numbers_by_value_whatever_their_scale():
    assert values({"v": {"scale": 1, "value": "Dw=="}}, {"v": {"scale": 2, "value": "AJY="}},
                  ("v", "struct", {"name": "io.debezium.data.VariableScaleDecimal"})) == {}
    assert values({"v": -0.0}, {"v": 0.0}, ("v", "double", {})) == {}


def test_null_and_empty_differ():
    assert values({"v": None}, {"v": ""}) == {"v": (None, "")}
    assert values({"v": None}, {"v": None}) == {}


def test_columns_that_appear_and_vanish_in_flight():
    before, after = {"id": 1, "old": 1, "v": 1}, {"id": 1, "new": 2, "v": 1}
    rows = good_pivot("--keys", "id", "--fields", "*", "--ignore", "id", "--identity", "full",
                      stdin=lines(event("u", after, before))).changes()
    assert rows == [["1", "new", None, "2", "u", "false"]]


def test_alteration_between_events():
    """A type changes, a column comes and one goes: each event is read by its own schema."""
    first = wrapped(event("c", {"id": 1, "n": "adw=", "gone": 1}),
                    [("id", "int32", {}), decimal_column("n", 3), ("gone", "int32", {})])
    second = wrapped(event("u", {"id": 1, "n": "adw=", "come": "x"}, {"id": 1, "n": "AA==", "come": None}),
                     [("id", "int32", {}), decimal_column("n", 1), ("come", "string", {})])
    result = good_pivot("--keys", "id", "--fields", "*", "--ignore", "id", "--identity", "full",
                        "--stats", stdin=lines(first, second, first, second))
    create = [["1", "n", None, "27.100", "c", "true"], ["1", "gone", None, "1", "c", "true"]]
    update = [["1", "n", "0.0", "2710.0", "u", "true"], ["1", "come", None, "x", "u", "true"]]
    assert result.changes() == create + update + create + update
    assert result.err.count("was altered") == 2  # and the column that came was gone again, once
    assert "column n has another type, column come appeared, column gone vanished" in result.err
    assert result.stats["altered"] == "2"


# --- awkward texts in composed values ---------------------------------------

@pytest.mark.parametrize("text", [",", '"', "\r\n", "\t", "\\", "\\N", "{", "NULL", "", "caf\u00e9"])
def test_array_elements_are_quoted_as_postgres_does(text):
    quoted = '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')
    plain = text == "caf\u00e9"
    assert new_value([text, None], "array", {"items": {"type": "string"}}) \
        == "{%s,NULL}" % (text if plain else quoted)


# --- keys and headers -------------------------------------------------------

def with_key(columns, payload):
    return {"schema": {"type": "struct", "fields": [dict({"field": name, "type": kind}, **more)
                                                    for name, kind, more in columns]},
            "payload": payload}


def test_key_columns_are_typed_like_the_columns():
    columns = [decimal_column("n", 2), ("d", "int32", {"name": "io.debezium.time.Date"})]
    raw = {"n": "CpY=", "d": 20778}
    created = kcat(wrapped(event("c", dict(raw, a=1)), columns + [("a", "int32", {})]),
                   key=with_key(columns, raw))
    # Under an identity that does not know them, a delete takes its key from the message key.
    deleted = kcat(wrapped(event("d", None, {"a": 1}), columns + [("a", "int32", {})]),
                   key=with_key(columns, raw), offset=1)
    rows = good_pivot("--fields", "a", "--identity", "full", stdin=lines(created, deleted)).rows
    assert [row[:3] for row in rows] == [["27.10", "2026-11-21", "a"]] * 2


def test_old_key_of_a_header_is_typed():
    columns = [("d", "int32", {"name": "io.debezium.time.Date"})]
    key = with_key(columns, {"d": 20778})
    moved = kcat(wrapped(event("c", {"d": 20778, "a": 1}), columns + [("a", "int32", {})]), key=key,
                 headers=["__debezium.oldkey", '{"d":0}'])
    rows = good_pivot("--fields", "a", "--identity", "full", stdin=lines(moved)).changes()
    assert ["2026-11-21", "d", "1970-01-01", "2026-11-21", "u", "true"] in rows


def test_old_key_in_another_spelling_is_the_text_that_came():
    columns = [("d", "int32", {"name": "io.debezium.time.Date"})]
    moved = kcat(wrapped(event("c", {"d": 20778, "a": 1}), columns + [("a", "int32", {})]),
                 key=with_key(columns, {"d": 20778}), headers=["__debezium.oldkey", '{"d":"soon"}'])
    rows = good_pivot("--fields", "a", "--identity", "full", stdin=lines(moved)).changes()
    assert ["2026-11-21", "d", "soon", "2026-11-21", "u", "true"] in rows


# --- what cannot be read ----------------------------------------------------

def test_value_that_is_not_of_its_type_is_refused_by_name():
    message = wrapped(event("c", {"id": 1, "n": "?"}), [("id", "int32", {}), decimal_column("n", 2)])
    result = pivot("--keys", "id", "--fields", "n", stdin=lines(message))
    assert result.status == 1 and result.rows == []
    assert "column n of t: the value ? cannot be read as a decimal" in result.err


@pytest.mark.parametrize("option, says", [
    ("pivot.type.a=mood", "mood is no type that is known"),
    ("pivot.type=text", "names no column"),
    ("time.precision.mode=exact", "time.precision.mode"),
    ("unavailable.value.placeholder=hex:zz", "hexadecimal")])
def test_wrong_options_are_refused(option, says):
    result = pivot("--keys", "id", "--fields", "a", "-o", option, stdin=lines(event("c", {"id": 1})))
    assert result.status == 2 and says in result.err


def test_raw_values_stay_as_they_came():
    rows = good_pivot("--fields", "ts,n52,bt", "--values", "raw", capture("every_type.schema")).rows
    assert [row[NEW] for row in rows[:3]] == ["1529507596945104", "CpY=", "qg=="]


def structured(name, *parts):
    fields = [{"type": kind, "optional": True, "field": part} for part, kind in parts]
    return {"type": "struct", "fields": fields, "optional": True, "name": "io.debezium.time." + name, "version": 1}


DATE_PARTS = [("year", "int32"), ("month", "int8"), ("day", "int8")]
CLOCK_PARTS = [("hour", "int8"), ("minute", "int8"), ("second", "int8"), ("nanos", "int32")]
SPAN_PARTS = [(part, "int64" if part == "seconds" else "int32")
              for part in ("years", "months", "days", "hours", "minutes", "seconds", "nanos", "precision")]
SPECIAL, PRECISION, OFFSET = ("specialValue", "string"), ("precision", "int32"), ("offsetSeconds", "int32")

# Schemas as StructuredDate and its like build them, values in the order of their fields, PostgreSQL's text.
STRUCTURED = [
    (structured("StructuredDate", *DATE_PARTS, SPECIAL), [2026, 11, 21, None], "2026-11-21"),
    (structured("StructuredDate", *DATE_PARTS, SPECIAL), [None, None, None, "POSITIVE_INFINITY"], "infinity"),
    (structured("StructuredTime", *CLOCK_PARTS, PRECISION), [13, 14, 15, 123456000, 6], "13:14:15.123456"),
    (structured("StructuredTimestamp", *DATE_PARTS, *CLOCK_PARTS, SPECIAL, PRECISION),
     [2018, 6, 20, 15, 13, 16, 945104000, None, 6], "2018-06-20 15:13:16.945104"),
    (structured("StructuredZonedTime", *CLOCK_PARTS, OFFSET, PRECISION), [2, 5, 6, 789000000, -28800, 6], "02:05:06.789-08"),
    (structured("StructuredZonedTimestamp", *DATE_PARTS, *CLOCK_PARTS, OFFSET, ("zoneId", "string"), SPECIAL, PRECISION),
     [2019, 7, 9, 4, 28, 57, 123456000, 7200, "Europe/Paris", None, 6], "2019-07-09 02:28:57.123456+00"),
    (structured("StructuredDuration", *SPAN_PARTS), [1, 2, 3, 4, 5, 6, 780000000, 6], "1 year 2 mons 3 days 04:05:06.78"),
]


@pytest.mark.parametrize("schema, parts, want", STRUCTURED, ids=lambda value: value.get("name") if isinstance(value, dict) else "")
def test_times_in_parts(schema, parts, want):
    value = {field["field"]: part for field, part in zip(schema["fields"], parts)}
    fields = [("id", "int32", {}), ("v", "struct", {k: v for k, v in schema.items() if k != "type"})]
    payload = event("u", {"id": 1, "v": value, "w": 2}, {"id": 1, "v": None, "w": 1})
    for text in compact, json.dumps:
        got = good_pivot("--keys", "id", "--fields", "v", "--identity", "full", stdin=lines(
            *3 * [text(wrapped(payload, fields))]))
        assert [row[NEW] for row in got.rows] == 3 * [want]
