"""Logical messages through the worker: rows of their own table or file, with the changes' own
certainty. The broker and QuestDB are those of this process; tests/live has the real ones. A group
of that broker takes three seconds to form: so all connectors run in one worker, side by side."""
import csv
import json
import re

import pytest

from broker_kit import Broker
from helpers import CAPTURES, event, fieldtrail, wait_for
from quest_kit import Quest
from rest_kit import Worker

# Of tests/captures/statements.sql, whose messages were caught: what was said, and when.
SAID = ['{"user":"alice","reason":"ticket 42"}', "not transactional"]
AT_US, AT = 1795220938089910, "2026-11-21T00:28:58.089910Z"
COLUMNS = ["source_name", "tx_id", "lsn", "prefix", "content", "event_time", "kafka_topic",
           "kafka_partition", "kafka_offset"]
KEYS = ["event_time", "kafka_topic", "kafka_partition", "kafka_offset", "field_no"]

# wal2json, format 1: a whole transaction in one record, which says things, too
BOTH = {"xid": 7, "timestamp": "2026-11-21 01:00:00+00", "change": [
    {"kind": "message", "transactional": True, "prefix": "audit", "content": "one"},
    {"kind": "message", "transactional": True, "prefix": "audit", "content": "two"},
    {"kind": "insert", "schema": "s", "table": "t", "columnnames": ["id", "a"],
     "columntypes": ["integer", "text"], "columnvalues": [1, "x"]},
    {"kind": "insert", "schema": "s", "table": "u", "columnnames": ["id", "a"],
     "columntypes": ["integer", "text"], "columnvalues": [2, "y"]}]}


def caught(form="schema"):
    lines = (CAPTURES / f"message.{form}.kcat.jsonl").read_text().splitlines()
    return [json.loads(line)["payload"] for line in lines]


def change(identity):
    return event("c", {"id": identity, "a": "x"})


class Bench:
    """What the tests look at: the folder of the files, QuestDB's tables, what the worker says."""

    def __init__(self, folder):
        self.folder, self.broker, self.quest = folder, Broker(), Quest()
        self.paths, self.worker, self.logs = {}, None, []

    def connector(self, name, topics, **settings):
        config = {"topics": topics, "pivot.fields": "a", "pivot.keys": "id", "linger.ms": "20",
                  "consumer.override.session.timeout.ms": "6000",
                  "consumer.override.heartbeat.interval.ms": "500", **settings}
        self.paths[name] = self.folder / f"{name}.json"
        self.paths[name].write_text(json.dumps({"name": name, "config": config}))
        return self.paths[name]

    def quest_sink(self, name, topics, **settings):
        return self.connector(name, topics, **{
            "connector.class": "QuestDBSink", "connection.uri": self.quest.url, "table.create": "true",
            "table": f"{name}_pivot", "message.table": f"{name}_said", **settings})

    def csv_sink(self, name, topics, **settings):
        (self.folder / f"{name}.files").mkdir()
        return self.connector(name, topics, **{
            "connector.class": "CsvSink", "file.path": str(self.folder / f"{name}.files"),
            "format.header": "true", **settings})

    def run(self, *names):
        self.worker = Worker(self.folder, *(self.paths[name] for name in names),
                             bootstrap_servers=self.broker.servers)
        self.logs.append(self.worker.log)

    def log(self):
        return "".join(log.read_text() for log in self.logs)

    def until(self, condition):
        assert wait_for(condition, 30), self.log()

    def count(self, name, metric, labels=""):
        status, _, text = self.worker.ask("GET", "/metrics")
        assert status == 200
        found = re.findall(rf'^{metric}\{{([^}}]*)\}} (\S+)$', text.decode(), re.MULTILINE)
        return sum(float(value) for which, value in found
                   if f'connector="{name}"' in which and labels in which)

    def is_through(self, name, messages):
        return (self.count(name, "fieldtrail_events_total", 'op="m"') == messages
                and self.count(name, "fieldtrail_lag_records") == 0)

    def rows(self, table):
        return self.quest.rows(table)

    def read(self, connector, name):
        path = self.folder / f"{connector}.files" / name
        return list(csv.reader(path.open(newline=""))) if path.exists() else []

    def close(self):
        if self.worker:
            self.worker.stop()
        self.quest.close()
        self.broker.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("messages"))
    try:
        prepare(bench)
        yield bench
    finally:
        bench.close()


def prepare(bench):
    send = bench.broker.send
    send("lab2.s.t", change(1), change(2))
    send("lab2.message", *caught())
    send("plain.message", *caught("plain"))
    send("both", BOTH)
    send("mixed", change(1), *caught(), change(2))
    bench.quest_sink("usual", "lab2.s.t,lab2.message", **{"message.table": "fieldtrail_message"})
    bench.quest_sink("plain", "plain.message")
    bench.quest_sink("less", "lab2.s.t,lab2.message", **{"message.table": ""})
    bench.quest_sink("same", "lab2.s.t,lab2.message", **{"message.table": "Same_Pivot"})
    bench.quest_sink("both", "both", table="${table}_both")
    for name in ("missing", "shipped", "fewer", "none"):
        bench.quest_sink(name, "lab2.message", **{"table.create": "false"})
    for name in ("shipped", "fewer", "none"):
        script = fieldtrail("sql", "fieldtrail_message", bench.paths[name])
        assert script.status == 0, script.err
        bench.quest.create(script.out)
    bench.quest.tables["fewer_said"].keys = KEYS[:4]
    bench.quest.tables["none_said"].keys = []
    bench.csv_sink("own", "lab2.s.t,lab2.message")
    bench.csv_sink("lines", "lab2.message", **{"format": "jsonl", "format.header": "false"})
    bench.csv_sink("silent", "lab2.s.t,lab2.message", **{"file.messages": "false"})
    bench.csv_sink("turns", "mixed")
    bench.csv_sink("refused", "both")
    bench.csv_sink("taken", "both", **{"file.messages": "false"})
    bench.run(*bench.paths)


# ---- QuestDB ----

def wanted(name, topic):
    both = {"source_name": name, "prefix": "audit", "event_time": AT_US, "field_no": 0,
            "kafka_topic": topic, "kafka_partition": 0}
    return [{**both, "tx_id": "90531", "lsn": "424587488", "content": SAID[0], "kafka_offset": 0},
            {**both, "lsn": "424587616", "content": SAID[1], "kafka_offset": 1}]


def test_questdb_has_a_table_of_messages(bench):
    bench.until(lambda: len(bench.rows("fieldtrail_message")) == 2
                and len(bench.rows("usual_pivot")) == 2)
    table = bench.quest.tables["fieldtrail_message"]
    assert sorted(table.columns) == sorted(COLUMNS + ["field_no"]) and table.keys == KEYS
    assert {name: kind for name, kind in table.columns.items() if kind != "VARCHAR"} == {
        "event_time": "TIMESTAMP", "kafka_topic": "SYMBOL", "kafka_partition": "INT",
        "kafka_offset": "LONG", "field_no": "LONG"}
    assert table.time == "event_time"
    assert bench.rows("fieldtrail_message") == wanted("lab2", "lab2.message")
    assert [row["new_value"] for row in bench.rows("usual_pivot")] == ["x", "x"]
    assert bench.count("usual", "fieldtrail_events_total", 'op="m"') == 2


def test_questdb_has_messages_without_schemas(bench):
    bench.until(lambda: len(bench.rows("plain_said")) == 2)
    assert bench.rows("plain_said") == wanted("lab2plain", "plain.message")


def test_questdb_may_do_without_messages(bench):
    bench.until(lambda: bench.is_through("less", 2) and len(bench.rows("less_pivot")) == 2)
    assert "" not in bench.quest.tables
    assert [name for name in bench.quest.tables if name.startswith("less")] == ["less_pivot"]


def test_questdb_takes_the_shipped_table(bench):
    bench.until(lambda: len(bench.rows("shipped_said")) == 2)
    assert bench.quest.tables["shipped_said"].columns == bench.quest.tables[
        "fieldtrail_message"].columns
    assert bench.rows("shipped_said") == wanted("lab2", "lab2.message")


@pytest.mark.parametrize("name, remedy", [
    ("missing", "table missing_said does not exist.*message.table= does without it"),
    ("fewer", r"table fewer_said has other deduplication keys.*"
              r'ALTER TABLE "fewer_said" DEDUP ENABLE UPSERT KEYS\(' + ", ".join(KEYS) + r"\)"),
    ("none", "table none_said has no deduplication"),
    ("same", "(?i)same_pivot and same_pivot would both be same_pivot")])
def test_questdb_refuses_another_table(bench, name, remedy):
    bench.until(lambda: re.search(remedy, bench.log()))
    assert not bench.rows(f"{name}_said") and len(bench.rows("same_pivot")) <= 2


def test_questdb_takes_a_record_of_messages_and_several_tables(bench):
    bench.until(lambda: len(bench.rows("both_said")) == 2)
    assert [(row["content"], row["field_no"]) for row in bench.rows("both_said")] == [
        ("one", 0), ("two", 65536)]
    for table, value in ("t", "x"), ("u", "y"):
        assert [(row["change_field"], row["new_value"]) for row in bench.rows(f"{table}_both")] == [
            ("a", value)]


# ---- files ----

def said(*places):
    return [["lab2", ["90531", ""][i], ["424587488", "424587616"][i], "audit", SAID[i], AT,
             "lab2.message", "0", str(offset)] for i, offset in places]


def test_files_hold_messages_under_their_own_columns(bench):
    bench.until(lambda: len(bench.read("own", "lab2.s.t-0.csv")) == 3
                and len(bench.read("own", "lab2.message-0.csv")) == 3)
    assert bench.read("own", "lab2.message-0.csv") == [COLUMNS] + said((0, 0), (1, 1))
    head, *rows = bench.read("own", "lab2.s.t-0.csv")
    assert head[:4] == ["id", "change_field", "old_value", "new_value"]
    assert [row[:4] for row in rows] == [["1", "a", "", "x"], ["2", "a", "", "x"]]


def test_files_in_json_lines(bench):
    path = bench.folder / "lines.files" / "lab2.message-0.jsonl"
    bench.until(lambda: path.exists() and len(path.read_text().splitlines()) == 2)
    first = json.loads(path.read_text().splitlines()[0])
    assert list(first) == COLUMNS and (first["content"], first["kafka_offset"]) == (SAID[0], 0)


def test_files_may_do_without_messages(bench):
    bench.until(lambda: bench.is_through("silent", 2)
                and len(bench.read("silent", "lab2.s.t-0.csv")) == 3)
    assert not bench.read("silent", "lab2.message-0.csv")


def test_files_begin_anew_where_messages_and_changes_take_turns(bench):
    names = [f"mixed-0.{offset:020}.csv" for offset in (0, 1)] + [f"mixed-0.{3:020}.csv.part"]
    bench.until(lambda: all(bench.read("turns", name) for name in names))
    assert [len(bench.read("turns", name)) for name in names] == [2, 3, 2]
    heads = [bench.read("turns", name)[0] for name in names]
    assert heads[1] == COLUMNS and heads[0] == heads[2] != COLUMNS


def test_files_refuse_a_record_that_holds_both(bench):
    bench.until(lambda: "both[0]@0: the record holds changes and logical messages, and a file takes "
                        "one of them: leave messages out by file.messages=false" in bench.log())
    assert not bench.read("refused", "both-0.csv")
    bench.until(lambda: len(bench.read("taken", "both-0.csv")) == 3)


# ---- another start, the last test: it ends the worker that the others look at ----

def test_each_message_is_there_once_after_a_kill(bench):
    bench.until(lambda: len(bench.read("own", "lab2.message-0.csv")) == 3)
    bench.worker.process.kill()
    bench.worker.process.wait()
    bench.worker = None
    lines = bench.quest.lines
    bench.broker.send("lab2.message", caught()[0])
    bench.quest_sink("again", "lab2.message", **{"message.table": "fieldtrail_message"})
    bench.run("own", "again")
    bench.until(lambda: len(bench.rows("fieldtrail_message")) == 3
                and len(bench.read("own", "lab2.message-0.csv")) == 4)
    assert bench.quest.lines == lines + 3
    assert [row["kafka_offset"] for row in bench.rows("fieldtrail_message")] == [0, 1, 2]
    assert bench.read("own", "lab2.message-0.csv") == [COLUMNS] + said((0, 0), (1, 1), (0, 2))
