"""The worker against real servers: row-for-row what the log says, after kills, outages, stopped
processes, refused records and people's mistakes."""
import json
import pathlib
import random
import re
import time

import pytest

import worker_kit
from worker_kit import produce, produce_message


def test_plain_run_is_equal_row_for_row(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 100_000)
    worker = bench.worker(bench.connector(tasks__max="2"))
    bench.caught_up()
    assert len({state[2] for state in bench.stored().values()}) == 1
    assert worker.stop() == 0, worker.log()
    assert stack.committed("connect-" + bench.name, bench.topic) == stack.ends(bench.topic)
    assert bench.equal() > 90_000
    assert "reading from offset 0" in worker.log()


def test_a_refused_record_stops_the_task_after_everything_before_it(bench, stack):
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad "
              "check (new_value is distinct from 'BAD')")
    produce(stack, bench.topic, 3000)
    bad = stack.ends(bench.topic)[2]
    key, value = next(worker_kit.events(random.Random(5)))
    value["after"]["holding_stock"] = "BAD"
    produce_message(stack, bench.topic, 2, key, value)
    produce(stack, bench.topic, 3000, seed=2)
    worker = bench.worker(bench.connector())
    assert worker.wait(30) == 1
    assert f"{bench.topic}[2]@{bad}" in worker.log()
    assert "nothing_bad" in worker.log()
    stored = {partition: state[0] for partition, state in bench.stored().items()}
    assert stored[2] == bad
    bench.equal(wanted=lambda record: record["offset"] < stored[record["partition"]])
    bench.sql("alter table holding_pivot drop constraint nothing_bad")
    bench.worker(bench.connector())
    bench.caught_up()
    bench.equal()


def require_password(stack, role):
    """Of this role alone; all others are trusted."""
    hba = pathlib.Path(stack.sql("show hba_file")[0])
    hba.write_text(f"host all {role} 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    stack.sql("select pg_reload_conf()")


def test_mistakes_are_named_and_once_mended_it_goes_on_by_itself(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 500)
    bench.make_table()
    bench.sql("create role reader login; create role keeper login password 'right'; "
              "grant select, insert, update on fieldtrail_offset to reader, keeper; "
              "grant insert, select on holding_pivot to keeper")
    require_password(stack, "keeper")
    strict = {"table__create": "false"}
    wrong = {
        "table": (dict(table="later"), r"later.*does not exist"),
        "right": (dict(connection__uri=bench.uri_as("reader")),
                  r"permission denied for table holding_pivot"),
        "password": (dict(connection__uri=bench.uri_as("keeper", "wrong")),
                     r"password authentication failed for user \"keeper\""),
        "database": (dict(connection__uri=bench.uri + "_later"), r"_later\" does not exist"),
    }
    for name, (settings, _) in wrong.items():
        bench.worker(bench.connector("no_" + name, **strict, **settings))
    for worker, (_, message) in zip(bench.workers, wrong.values()):
        worker.says(message, 10)
        assert worker.process.poll() is None
    bench.sql("create table later (like holding_pivot); "
              "grant insert, select on holding_pivot to reader; alter role keeper password 'wrong'")
    stack.sql(f"create database {bench.name}_later template template0")
    later = worker_kit.Bench.at(bench, bench.name + "_later")
    later.make_table()
    for name in ("table", "right", "password"):
        bench.caught_up("no_" + name, 30)
    later.caught_up("no_database")
    assert [worker.stop() for worker in bench.workers] == [0] * len(wrong)
    later.equal()
    bench.equal("later")


def test_a_missing_topic_is_named_and_read_once_it_is_there(bench, stack):
    worker = bench.worker(bench.connector(consumer__override__metadata__max__age__ms="1000"))
    try:
        worker.says(bench.topic + ".*(not exist|[Uu]nknown topic)", 10)
    finally:
        stack.create_topic(bench.topic)
        produce(stack, bench.topic, 500)
        bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


def test_wrong_settings_end_at_once(bench):
    worker = bench.worker(bench.connector(pivot__feilds="a"))
    assert worker.wait(10) == 2
    assert "pivot.feilds" in worker.log() and "pivot.fields" in worker.log()


def test_a_broker_that_is_not_there_is_named(bench):
    bench.properties.write_text("bootstrap.servers=127.0.0.1:1\n")
    worker = bench.worker(bench.connector())
    worker.says(r"127\.0\.0\.1:1\b.*(refused|down)", 10)
    assert worker.stop(10) == 0


def run_once(bench, path, count):
    """A worker that reads `count` events and is stopped; the rows there are then."""
    produce(bench.stack, bench.topic, count)
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    return bench.sql("select count(*) from holding_pivot")


def refuses(bench, path, message):
    """A worker says this and neither writes a row nor moves a position."""
    before = bench.sql("select count(*) from holding_pivot")
    stored = {partition: state[0] for partition, state in bench.stored().items()}
    worker = bench.worker(path)
    said = worker.says(message + ".*").group()
    assert re.search(rf"fieldtrail offsets CONNECTOR.json set {bench.topic}:\d+=OFFSET", said)
    time.sleep(1)
    assert bench.sql("select count(*) from holding_pivot") == before
    assert {partition: state[0] for partition, state in bench.stored().items()} == stored
    worker.stop()


@pytest.mark.parametrize("events", [30, 9000], ids=["shorter", "grown past"])
def test_a_topic_made_anew_is_not_read_on(bench, stack, events):
    stack.create_topic(bench.topic)
    path = bench.connector()
    run_once(bench, path, 3000)
    stack.delete_topic(bench.topic)
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, events, seed=3)
    refuses(bench, path, "topic recreated or retention passed")


def test_records_that_retention_took_are_not_skipped(bench, stack):
    stack.create_topic(bench.topic)
    path = bench.connector()
    run_once(bench, path, 600)
    produce(stack, bench.topic, 3000, seed=3)
    stack.delete_records(bench.topic, [end - 10 for end in stack.ends(bench.topic)])
    refuses(bench, path, "topic recreated or retention passed")


def test_another_target_under_an_old_group_is_refused(bench, stack):
    stack.create_topic(bench.topic)
    run_once(bench, bench.connector(), 600)
    bench.uri = stack.database(bench.name + "_2")
    bench.make_table()
    refuses(bench, bench.connector(), "other or restored target")


def test_a_record_of_several_tables_and_messages_goes_to_each(bench, stack):
    """wal2json's first format has a whole transaction in one message. Of one that has a value which
    cannot be stored, or not even be sent, no table gets a row."""
    bad = {140: "a\0b", 150: "too long"}

    def insert(table, number, text):
        return {"kind": "insert", "schema": "public", "table": table, "columnnames": ["a", "b"],
                "columntypes": ["integer", "text"], "columnvalues": [number, text],
                "pk": {"pknames": ["a"], "pktypes": ["integer"]}}

    def transaction(number, *changes):
        return {"xid": number, "timestamp": "2018-03-27 11:58:28.988414-03", "change": [
            *changes, {"kind": "message", "transactional": True, "prefix": "who",
                       "content": f"user {number}"}]}
    stack.create_topic(bench.topic)
    for number in range(1, 201):
        produce_message(stack, bench.topic, 0, "k", transaction(
            number, insert("one", number, "a"), insert("two", number, bad.get(number, "x")),
            insert("one", -number, "c")))
    for table in ("one", "two"):
        bench.sql(f"create table audit_{table} (a text, change_field text, new_value varchar(5))")
    worker = bench.worker(bench.connector(
        decoder="wal2json-v1", pivot__keys="a", pivot__fields="*", table="audit_${table}",
        pivot__columns="a,change_field,new_value", message__table="audit_message", errors__tolerance="all",
        errors__deadletterqueue__file=str(bench.folder / "letters")))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    good = [number for number in range(1, 201) if number not in bad]
    assert sorted(bench.sql("select a, change_field, new_value from audit_one")) == sorted(
        row for number in good for row in (f"{number}|b|a", f"{-number}|b|c"))
    assert sorted(bench.sql("select a, change_field, new_value from audit_two")) == sorted(
        f"{number}|b|x" for number in good)
    assert sorted(bench.sql("select tx_id, content from audit_message")) == sorted(
        f"{number}|user {number}" for number in good)
    letters = (bench.folder / "letters").read_text().splitlines()
    assert [json.loads(letter)["offset"] for letter in letters] == [number - 1 for number in bad]


def test_two_connectors_and_several_tables_share_a_database(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 10_000)
    produce(stack, bench.topic, 10_000, seed=2, table="wallet")
    first, second = bench.connector("first"), bench.connector("second", table="audit_${table}")
    worker = bench.worker(first, second)
    bench.caught_up("first")
    bench.caught_up("second")
    assert worker.stop() == 0, worker.log()
    bench.equal()
    for table in ("holding", "wallet"):
        bench.equal("audit_" + table, wanted=lambda record, name=table: record["payload"]
                    and f'"table":"{name}"' in record["payload"])
