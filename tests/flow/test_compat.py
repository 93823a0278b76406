"""`pivot --compat stream.py` prints what the tutorial's script prints, the clock apart."""

import json
import random
import re
import sys

import pytest

from helpers import (HERE, capture, create, good_pivot, line, lines, pivot, records, run,
                     wrapped)

CLOCK = re.compile(rb"\d{4}(?:-\d\d){5}(?=,[cud]$)", re.MULTILINE)
COLUMNS = [("holding_id", "int64", {"optional": False}), ("user_id", "int64", {}),
           ("holding_stock", "string", {}), ("holding_quantity", "int64", {}),
           ("datetime_created", "int64", {"name": "io.debezium.time.MicroTimestamp"}),
           ("datetime_updated", "int64", {"name": "io.debezium.time.MicroTimestamp"})]
TEXTS = ["VFIAX", "", "a,b", 'say "hi"', "caf\u00e9", "\U0001F600 \u4e2d", "back\\slash",
         "tab\there", "two\nlines", "\r", "None", "'", "/", "\u2028", "\x7f", "\x01",
         "__debezium_unavailable_value"]
NUMBERS = [0, 1, -1, 100, -2**31, 2**63 - 1, -2**63, 10**30]


def without_clock(output):
    return CLOCK.sub(b"CLOCK", output)


def stream_py(stdin):
    return run([sys.executable, str(HERE / "stream_reference.py")], stdin)


def reference(stdin):
    done = stream_py(stdin)
    assert done.status == 0, done.err
    return without_clock(done.raw)


def compat(stdin, *more):
    result = good_pivot("--compat", "stream.py", *more, stdin=stdin)
    return without_clock(result.raw), result


def same(*events):
    stdin = lines(*events)
    ours, result = compat(stdin)
    assert result.err == ""
    assert ours == reference(stdin)
    return ours


def test_tutorial():
    """Its tombstones apart, on which the script dies."""
    values = [record["payload"] for record in records("tutorial.schema") if record["payload"]]
    ours = same(*values)
    assert ours.splitlines()[4:10] == [
        b"1000,1,holding_stock,VFIAX,VFIAX,None,1795223450352,None,CLOCK,u",
        b"1000,1,holding_quantity,10,100,None,1795223450352,None,CLOCK,u",
        b"1002,3,holding_stock,SP500,None,None,1795223450352,CLOCK,d",
        b"1002,3,holding_quantity,1,None,None,1795223450352,CLOCK,d",
        b"1001,2,holding_stock,SP500,None,None,1795223450352,CLOCK,d",
        b"1001,2,holding_quantity,1,None,None,1795223450352,CLOCK,d"]


def test_tutorial_as_kcat_prints_it():
    values = [record["payload"] for record in records("tutorial.schema") if record["payload"]]
    ours, result = compat(capture("tutorial.schema").read_bytes(), "--stats")
    assert ours == reference(lines(*values))
    assert result.stats["tombstones"] == "2"


def test_local_clock():
    out = good_pivot("--compat", "stream.py", stdin=lines(holding("c", None, {"user_id": 1}))).raw
    assert CLOCK.search(out)


def holding(op, before, after, **more):
    payload = dict({"before": before, "after": after, "source": {"schema": "bank",
                    "table": "holding"}, "op": op, "ts_ms": 1795223450352}, **more)
    return wrapped(payload, COLUMNS)


def row(chance):
    return {"holding_id": chance.choice(NUMBERS), "user_id": chance.choice(NUMBERS + [None]),
            "holding_stock": chance.choice(TEXTS + [None, True, False]),
            "holding_quantity": chance.choice(NUMBERS + TEXTS + [None, True, False]),
            "datetime_created": chance.choice([None, 1795223450172740, -1, "2026-11-21"])}


IMAGES = {"c": (False, True), "r": (False, True), "u": (True, True), "d": (True, False)}


def generated(count):
    """Lines of events; a short schema leaves the time to the images."""
    chance = random.Random(3)
    head = json.dumps(wrapped(None, COLUMNS[:1])["schema"])
    for _ in range(count):
        op = chance.choice("ccuuddr")
        before, after = (row(chance) if there else None for there in IMAGES[op])
        payload = {"before": before, "after": after, "op": op, "ts_ms": chance.choice([1, 10**12]),
                   "source": {"schema": "bank", "table": "holding"}}
        yield '{"schema":%s,"payload":%s}' % (
            head, json.dumps(payload, ensure_ascii=chance.random() < 0.5))


def test_100000_generated_events():
    ours = same(*generated(100000))
    assert ours.count(b",CLOCK,") > 150000


@pytest.mark.parametrize("event", [
    holding("c", None, {}),
    holding("u", {}, {}),
    holding("c", {"holding_id": 9}, {"holding_id": 1}),
    holding("u", {}, {"holding_id": 1}),
    holding("u", {"holding_id": 1}, {"holding_id": 2}, ts_ms=None),
    holding("d", {"user_id": 1}, None),
    holding("d", {"holding_id": 1}, {"holding_id": 2}),
    holding("r", None, {"holding_id": 1}),
    holding("t", None, None),
], ids=lambda event: "%(op)s-%(before)s-%(after)s" % event["payload"])
def test_lean_images(event):
    same(event)


def test_a_bare_event_prints_nothing():
    """The script looks for the payload and finds no op."""
    assert same(create(1)) == b""


@pytest.mark.parametrize("wrapper", [{"schema": None}, {}], ids=["null_schema", "payload_alone"])
def test_wrapped_without_schema(wrapper):
    payload = holding("c", None, {"holding_id": 1, "holding_stock": "x"})["payload"]
    assert same(dict(wrapper, payload=payload)).startswith(b"1,None,holding_stock,None,x,")




@pytest.mark.parametrize("fatal", [
    holding("u", None, {"holding_id": 1}), holding("d", None, None),
    holding("c", None, None),
    holding("u", {"holding_id": 1}, None),
], ids=lambda event: "%(op)s-%(before)s-%(after)s" % event["payload"])
def test_what_it_dies_on_is_skipped_and_counted(fatal):
    good = holding("c", None, {"holding_id": 1})
    assert stream_py(line(fatal)).status == 1
    ours, result = compat(lines(good, fatal, good), "--stats")
    assert ours == reference(lines(good, good))
    assert result.stats["died"] == "1"


@pytest.mark.parametrize("tombstone", ["", "null", '{"schema":null,"payload":null}'])
def test_tombstones_are_skipped_and_counted(tombstone):
    good = holding("c", None, {"holding_id": 1})
    ours, result = compat(lines(good, tombstone, good), "--stats")
    assert ours == reference(lines(good, good))
    assert result.stats["tombstones"] == "1"


@pytest.mark.parametrize("value", [1.5, 1e300, [1], {"a": 1}], ids=str)
def test_other_values_are_refused(value):
    """Python spells them in ways of its own: better no line than a wrong one."""
    good = holding("c", None, {"holding_id": 1})
    odd = holding("c", None, {"holding_id": 2, "holding_quantity": value})
    result = pivot("--compat", "stream.py", stdin=lines(good, odd))
    assert result.status == 1 and "stdin:2" in result.err and "--compat stream.py" in result.err
    assert without_clock(result.raw) == reference(lines(good))
