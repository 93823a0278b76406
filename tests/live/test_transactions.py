"""Transactions of the source by real Debezium: with flush.on=transaction a reader of the target never
sees half of one, through kills; and each says by a logical message who made it and why."""
import json
import random
import subprocess
import threading
import time

import pytest

from servers_kit import TOP
from worker_kit import Stack, bench_of, sql

TRANSACTIONS = 2000
TABLES = """
create schema ledger;
create table ledger.account (id int primary key, balance int not null);
create table ledger.entry (id bigserial primary key, account int not null, amount int not null);
alter table ledger.account replica identity full;
alter table ledger.entry replica identity full;
insert into ledger.account select i, 1000 from generate_series(1, 50) i;
"""

# Moves money: two accounts, an entry each, and who did it. The sum of the balances stays.
WORKLOAD = """
\\set a random(1, 25)
\\set b random(26, 50)
\\set amount random(1, 90)
begin;
update ledger.account set balance = balance - :amount where id = :a;
insert into ledger.entry (account, amount) values (:a, -:amount);
update ledger.account set balance = balance + :amount where id = :b;
insert into ledger.entry (account, amount) values (:b, :amount);
select pg_logical_emit_message(true, 'audit', '{"user": "teller :client_id", "reason": "' || :amount || '"}');
commit;
"""

SOURCE = {"topic.prefix": "ledger", "table.include.list": "ledger.account,ledger.entry",
          "slot.name": "fieldtrail_ledger", "publication.name": "fieldtrail_ledger",
          "provide.transaction.metadata": "true"}
TOPICS = ["ledger.ledger.account", "ledger.ledger.entry", "ledger.message", "ledger.transaction"]
# A transaction with a part missing: two accounts (one row each, op u), two entries (two fields each).
HALVES = """
select tx_id, sum(account), sum(entry), sum(message) from (
  select tx_id, (source_table = 'ledger.account')::int as account,
         (source_table = 'ledger.entry')::int as entry, 0 as message from ledger_pivot
  union all select tx_id, 0, 0, 1 from fieldtrail_message) x
group by tx_id having (sum(account), sum(entry), sum(message)) <> (2, 4, 1)"""


@pytest.fixture
def bench(servers, binary, tmp_path, request):
    yield from bench_of(Stack(servers.environment), binary, tmp_path, request)


class Reader:
    """Looks at the target all the time, each look one statement."""

    def __init__(self, uri):
        self.uri, self.looks, self.seen, self.halt = uri, 0, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.halt.is_set():
            self.seen += sql(self.uri, HALVES + " limit 3")
            self.looks += 1
            time.sleep(0.02)

    def stop(self):
        self.halt.set()
        self.thread.join()


def test_no_reader_sees_half_a_transaction(servers, bench):
    servers.sql(TABLES)
    config = json.loads((TOP / "connectors" / "holding-source.json").read_text())
    config["name"] = "ledger-source"
    config["config"].update(SOURCE)
    (bench.folder / "source.json").write_text(json.dumps(config))
    servers.run(TOP / "compose" / "connector", "apply", bench.folder / "source.json")
    settings = {"topics": ",".join(TOPICS), "flush__on": "transaction", "table": "ledger_pivot",
                "batch__rows__max": "7", "pivot__keys": None, "pivot__fields": "*",
                "pivot__columns": "source_table,row_key,change_field,old_value,new_value,old_known,op,"
                                  "tx_id,tx_order,kafka_topic,kafka_partition,kafka_offset,field_no"}
    path = bench.connector(**settings)
    workload = bench.folder / "workload.sql"
    workload.write_text(WORKLOAD)
    pgbench = servers.run("pg_config", "--bindir").stdout.strip() + "/pgbench"
    # The topics come with the first transactions.
    servers.run(pgbench, "-n", "-f", workload, "-c", "4", "-t", "5",
                servers.environment["FIELDTRAIL_PG_URI"])
    worker, chance, kills = bench.worker(path), random.Random(), 0
    worker.says("reading from offset", 120)
    bench_tables = "ledger_pivot", "fieldtrail_message"
    deadline = time.monotonic() + 60
    while len(bench.sql("select 1 from pg_tables where tablename in "
                        f"{bench_tables}")) < 2:
        assert time.monotonic() < deadline, worker.log()
        time.sleep(0.1)
    reader = Reader(bench.uri)
    load = subprocess.Popen([pgbench, "-n", "-f", workload, "-c", "4", "-R", "60", "-t",
                             str(TRANSACTIONS // 4 - 5), servers.environment["FIELDTRAIL_PG_URI"]],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while load.poll() is None:
        time.sleep(chance.choice([1, 4, 8]))
        worker.kill()
        kills += 1
        worker = bench.worker(path)
    assert load.wait() == 0
    deadline = time.monotonic() + 120
    while int(bench.sql("select count(distinct tx_id) from ledger_pivot")[0]) < TRANSACTIONS:
        assert time.monotonic() < deadline, worker.log()[-2000:]
        time.sleep(0.5)
    reader.stop()
    assert worker.stop() == 0
    assert reader.seen == [] and bench.sql(HALVES) == []
    assert "in parts" not in "".join(each.log() for each in bench.workers)
    print(f"{reader.looks} looks, {kills} kills, no half of {TRANSACTIONS} transactions")
    assert reader.looks > 0 and kills >= 2
    # Whoever looked at whatever time: all of a transaction was inserted by one of the target's.
    assert bench.sql("select count(*) filter (where split > 1), count(*) from (select tx_id, "
                     "count(distinct xmin::text) as split from (select tx_id, xmin from ledger_pivot "
                     "union all select tx_id, xmin from fieldtrail_message) x group by tx_id) y") == [
        f"0|{TRANSACTIONS}"]
    flushes = int(bench.sql("select count(distinct xmin::text) from ledger_pivot")[0])
    print(f"{flushes} flushes")
    assert flushes > 20
    # Money is neither made nor lost between what the rows say was before and after.
    assert bench.sql("select sum(new_value::int - old_value::int) from ledger_pivot "
                     "where op = 'u'") == ["0"]
    assert bench.sql("select count(*), count(distinct (kafka_topic, kafka_offset, field_no)) "
                     "from ledger_pivot") == [f"{6 * TRANSACTIONS}|{6 * TRANSACTIONS}"]
    # tx_order: its events in their order.
    assert bench.sql("select count(*) from (select tx_id from ledger_pivot group by tx_id having "
                     "array_agg(distinct tx_order::int) <> '{1,2,3,4}') x") == ["0"]
    for name in "fieldtrail_message", "holding_pivot_who":
        subprocess.run(["psql", "-X", "-q", "-v", "table=ledger_pivot", bench.uri, "-f",
                        TOP / "schemas" / "postgres" / f"{name}.sql"], check=True)
    assert bench.sql("select count(*), count(*) filter (where said_by like 'teller _'), "
                     "count(*) filter (where source_table = 'ledger.entry' and change_field = 'amount' "
                     "and abs(new_value::int) = said_why::int) from ledger_pivot_who") == [
        f"{6 * TRANSACTIONS}|{6 * TRANSACTIONS}|{2 * TRANSACTIONS}"]


@pytest.mark.parametrize("settings, says", [
    ({"tasks__max": "2"}, "tasks.max=1"), ({"topics": TOPICS[0]}, "<prefix>.transaction")])
def test_where_it_cannot_be_true_it_is_refused(bench, settings, says):
    given = {"topics": ",".join(TOPICS), "flush__on": "transaction"}
    given.update(settings)
    worker = bench.worker(bench.connector(**given))
    assert worker.wait() == 2
    assert says in worker.log()


def test_all_topics_of_a_source(servers, bench):
    """A pattern takes in what is no table: heartbeats, transaction markers, notifications, a table of
    signals, logical messages. Those outside of a transaction are there at once, and have no tx_id."""
    servers.sql("create schema notes; create table notes.t (id int primary key, a text); "
                "create table notes.signals (id text primary key, type text, data text); "
                "alter table notes.t replica identity full")
    config = json.loads((TOP / "connectors" / "holding-source.json").read_text())
    config["name"] = "notes-source"
    config["config"].update({
        "topic.prefix": "notes", "table.include.list": "notes.t,notes.signals", "slot.name": "fieldtrail_notes",
        "publication.name": "fieldtrail_notes", "provide.transaction.metadata": "true",
        "heartbeat.interval.ms": "300", "signal.data.collection": "notes.signals",
        "notification.enabled.channels": "sink", "notification.sink.topic.name": "notes.notifications"})
    (bench.folder / "source.json").write_text(json.dumps(config))
    servers.run(TOP / "compose" / "connector", "apply", bench.folder / "source.json")
    servers.sql("insert into notes.t values (1, 'x'); update notes.t set a = 'y'; "
                "insert into notes.signals values ('1', 'execute-snapshot', "
                "'{\"type\": \"incremental\", \"data-collections\": [\"notes.t\"]}'); "
                "begin; select pg_logical_emit_message(false, 'audit', 'outside'); rollback; "
                "begin; select pg_logical_emit_message(true, 'audit', 'never'); rollback; "
                "begin; select pg_logical_emit_message(true, 'audit', 'inside'); delete from notes.t; commit;")
    wanted = {"notes.notes.t", "notes.notes.signals", "notes.message", "notes.transaction", "notes.notifications",
              "__debezium-heartbeat.notes"}
    deadline, there = time.monotonic() + 120, set()
    while there < wanted:
        listed = servers.run("kcat", "-L", "-J", "-b", servers.bootstrap).stdout
        there = {topic["topic"] for topic in json.loads(listed)["topics"]} & wanted
        assert time.monotonic() < deadline, wanted - there
        time.sleep(0.5)
    path = bench.connector(topics=None, topics__regex=r"(__debezium-heartbeat\.)?notes.*", table="notes_pivot",
                           pivot__keys=None, pivot__fields="*",
                           pivot__columns="source_table,row_key,change_field,old_value,new_value,op,tx_id")
    worker = bench.worker(path)
    deadline = time.monotonic() + 90
    while True:
        made = bench.sql("select count(*) from pg_tables where tablename in ('notes_pivot', 'fieldtrail_message')")
        if made == ["2"] and bench.sql("select count(*) from notes_pivot where op = 'd'") == ["1"] \
                and bench.sql("select count(*) from fieldtrail_message") == ["2"]:
            break
        assert time.monotonic() < deadline, worker.log()[-2000:]
        time.sleep(0.5)
    assert worker.stop() == 0
    assert bench.sql("select source_table, row_key, change_field, old_value, new_value, op from notes_pivot "
                     "order by tx_id::bigint") == [
        'notes.t|{"id":1}|a||x|c', 'notes.t|{"id":1}|a|x|y|u', 'notes.t|{"id":1}|a|y||d']
    assert bench.sql("select prefix, content, source_name, tx_id is null, lsn is not null, event_time is not null, "
                     "m.tx_id = (select tx_id from notes_pivot where op = 'd') from fieldtrail_message m order by content") == [
        "audit|inside|notes|f|t|t|t", "audit|outside|notes|t|t|t|"]
    assert "ERROR" not in worker.log() and "WARN" not in worker.log(), worker.log()
