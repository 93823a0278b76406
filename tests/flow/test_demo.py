"""demo: the worker on an in-process broker; and what check and offsets say without any server."""

import json
import os
import time

import pytest

from helpers import capture, fieldtrail, good_pivot

# Written by hand from the tutorial's seven statements.
ROWS = [
    ["1001", "2", "holding_stock", "", "SP500", "c"], ["1001", "2", "holding_quantity", "", "1", "c"],
    ["1002", "3", "holding_stock", "", "SP500", "c"], ["1002", "3", "holding_quantity", "", "1", "c"],
    ["1000", "1", "holding_quantity", "10", "100", "u"],
    ["1002", "3", "holding_stock", "SP500", "", "d"], ["1002", "3", "holding_quantity", "1", "", "d"],
    ["1001", "2", "holding_stock", "SP500", "", "d"], ["1001", "2", "holding_quantity", "1", "", "d"],
    ["1003", "3", "holding_stock", "", "VTSAX", "c"], ["1003", "3", "holding_quantity", "", "100", "c"],
    ["1003", "3", "holding_quantity", "100", "10", "u"],
]


def connector(tmp_path, **settings):
    config = {"connector.class": "StdoutSink", "topics": "t", "pivot.fields": "*", **settings}
    path = tmp_path / "connector.json"
    path.write_text(json.dumps({"name": "n", "config": {
        key.replace("__", "."): value for key, value in config.items() if value is not None}}))
    return path


def test_demo_prints_the_tutorials_rows_and_ends_by_itself():
    began = time.monotonic()
    result = fieldtrail("demo", timeout=20)
    assert result.status == 0, result.err
    assert time.monotonic() - began < 15
    head, *rows = result.rows
    assert head[:5] == ["holding_id", "user_id", "change_field", "old_value", "new_value"]
    at = {name: i for i, name in enumerate(head)}
    assert [[cell or "" for cell in row[:5]] + [row[at["op"]]] for row in rows] == ROWS
    assert all(row[at["old_known"]] == "true" for row in rows)
    assert "10 events on an in-process broker, 12 rows delivered" in result.err


def test_demo_equals_the_pipe():
    piped = good_pivot("--keys", "holding_id,user_id", "--fields", "holding_stock,holding_quantity",
                       "--identity", "full", "--header", capture("tutorial.schema"))
    shown = fieldtrail("demo")

    def settled(rows):
        at = rows[0].index("datetime_inserted")
        return [row[:at] + row[at + 1:] for row in rows]
    assert settled(shown.rows) == settled(piped.rows)


def test_demo_needs_no_file_of_ours(tmp_path):
    assert fieldtrail("demo", cwd=tmp_path).status == 0
    assert os.listdir(tmp_path) == []


def test_demo_takes_the_sink_of_a_connector(tmp_path):
    path = connector(tmp_path, format="jsonl", pivot__columns="kafka_topic,kafka_offset,change_field",
                     topics="elsewhere.bank.holding", consumer__override__security__protocol="ssl")
    result = fieldtrail("demo", "--to", path)
    assert result.status == 0, result.err
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert {row["kafka_topic"] for row in rows} == {"elsewhere.bank.holding"}
    assert [row["kafka_offset"] for row in rows if row["change_field"] == "holding_stock"] == [
        1, 2, 4, 6, 8]


def test_demo_into_a_database_that_is_away_gives_up(tmp_path):
    path = connector(tmp_path, connector__class="PostgresSink",
                     connection__uri="postgresql://127.0.0.1:1/none")
    began = time.monotonic()
    result = fieldtrail("demo", "--to", path, timeout=60)
    assert result.status == 1 and "refused" in result.err
    assert time.monotonic() - began < 40


@pytest.mark.parametrize("arguments, message", [
    (["demo", "x"], "takes no arguments"),
    (["demo", "--to", "/no/such/file.json"], "/no/such/file.json"),
    (["check"], "name a connector's file"),
    (["check", "-w", "/no/such/file"], "name a connector's file"),
    (["offsets"], "list, set or reset"),
    (["offsets", "c.json"], "list, set or reset"),
    (["offsets", "c.json", "move"], "list, set or reset"),
    (["offsets", "c.json", "list", "x"], "list takes no arguments"),
    (["offsets", "c.json", "set"], "TOPIC:PARTITION=OFFSET"),
    (["offsets", "c.json", "list", "--to-latest"], "belong to reset"),
    (["offsets", "/no/such/file.json", "list"], "/no/such/file.json"),
])
def test_wrong_usage(arguments, message):
    result = fieldtrail(*arguments)
    assert result.status == 2 and message in result.err and result.out == ""


@pytest.mark.parametrize("command", ["check", "demo", "offsets"])
def test_help_names_the_flags_and_the_program_lists_the_command(command):
    text = fieldtrail(command, "--help")
    assert text.status == 0 and f"Usage: fieldtrail {command} " in text.out
    assert f"  {command} " in fieldtrail("--help").out


def test_check_without_servers_still_looks_at_the_configuration(tmp_path):
    properties = tmp_path / "worker.properties"
    properties.write_text("bootstrap.servers=127.0.0.1:1\nconsumer.socket.timeout.ms=1000\n")
    path = connector(tmp_path, consumer__override__sasl__password="plain")
    result = fieldtrail("check", "-w", properties, path)
    assert result.status == 1
    assert [line.split()[0] for line in result.out.splitlines()[:3]] == ["warn", "ok", "fail"]
    assert "consumer.override.sasl.password" in result.out and "plain" not in result.out
    path = connector(tmp_path, pivot__nonsense="1")
    result = fieldtrail("check", "-w", properties, path)
    assert result.status == 2 and "pivot.nonsense" in result.out
