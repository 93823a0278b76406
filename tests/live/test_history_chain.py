"""The whole way: PostgreSQL, Debezium, Kafka, the worker, the shipped table and functions. A random
workload, full copies of the source's table kept at 20 moments, and asof equals the copies; an undo
of all since a copy makes the source that copy again. FIELDTRAIL_HISTORY_TRANSACTIONS says how many
transactions (2000)."""
import json
import os
import random
import subprocess

import pytest

from servers_kit import TOP
from history_kit import ask
from worker_kit import Stack, bench_of, sql, wait_until

TRANSACTIONS = int(os.environ.get("FIELDTRAIL_HISTORY_TRANSACTIONS", "2000"))
COPIES, IDS = 20, 200
SOURCE = {"topic.prefix": "chain", "table.include.list": "chain.t", "slot.name": "fieldtrail_chain",
          "publication.name": "fieldtrail_chain"}


@pytest.fixture
def bench(servers, binary, tmp_path, request):
    yield from bench_of(Stack(servers.environment), binary, tmp_path, request)


def statement(chance, truncates):
    number, other = chance.randint(1, IDS), chance.randint(1, IDS)
    text = chance.choice(["null", "''", "'x'", "'it''s'", "E'a\\\\b\\tc'", "'z\u00fcrich'"])
    amount = chance.choice(["null", "0", "1.50", "-99999.99", str(chance.randint(0, 999))])
    kind = chance.random()
    if kind < 0.25:
        return (f"insert into chain.t values ({number}, {text}, {amount}, "
                f"date '2020-01-01' + {other}) on conflict do nothing;")
    if kind < 0.35:
        return f"delete from chain.t where id = {number};"
    if kind < 0.45:
        return (f"update chain.t set id = {other} where id = {number} "
                f"and not exists (select from chain.t where id = {other});")
    if kind < 0.452 and truncates:
        return "truncate chain.t;"
    if kind < 0.7:
        return f"update chain.t set a = {text} where id between {number} and {number + 3};"
    return f"update chain.t set n = {amount}, d = null where id = {number};"


def workload(chance):
    """All transactions as one script; between some of them the table is copied."""
    moments = sorted(chance.sample(range(TRANSACTIONS), COPIES))
    yield "set client_min_messages = warning;"
    for i in range(TRANSACTIONS):
        yield "begin;"
        for _ in range(chance.choice([1, 1, 2, 4])):
            yield statement(chance, i < TRANSACTIONS * 0.6)
        yield "commit;"
        if i in moments:
            yield ("select pg_sleep(0.005); insert into chain.moment values "
                   f"({moments.index(i)}, clock_timestamp()); select pg_sleep(0.005);"
                   f"insert into chain.copy select {moments.index(i)}, t.* from chain.t;")
    yield "insert into chain.t values (999999, 'end', 0, null);"


def state(rows):
    return {row["id"]: (row["a"], row["n"], row["d"]) for row in rows}


def test_asof_equals_the_copies_and_undo_brings_them_back(servers, bench):
    servers.sql("""
create schema chain;
create table chain.t (id integer primary key, a text, n numeric(10,2), d date);
alter table chain.t replica identity full;
create table chain.moment (no integer, at timestamptz);
create table chain.copy (no integer, id integer, a text, n numeric(10,2), d date);""")
    config = json.loads((TOP / "connectors" / "holding-source.json").read_text())
    config["name"] = "chain-source"
    config["config"].update(SOURCE)
    (bench.folder / "source.json").write_text(json.dumps(config))
    servers.run(TOP / "compose" / "connector", "apply", bench.folder / "source.json")
    path = bench.connector(topics="chain.chain.t", table="pivot", pivot__keys="id",
                           pivot__fields="*", table__create="false")
    for name in ("fieldtrail_offset", "fieldtrail_message", "table", "functions", "partitions"):
        more = ["keys=id integer,"] if name == "table" else []
        sql(bench.uri, servers.run(str(bench.binary), "sql", name, str(path), *more).stdout)
    source = servers.environment["FIELDTRAIL_PG_URI"]
    sql(source, "\n".join(workload(random.Random(7))))
    worker = bench.worker(path)
    wait_until(lambda: worker.process.poll() is not None or bench.sql(
        "select 1 from pivot where row_key = '{\"id\":999999}' limit 1"), "the last row",
        120 + TRANSACTIONS / 100)
    assert worker.stop() == 0, worker.log()[-2000:]
    assert bench.sql("select count(*) from pivot where not old_known") == ["0"], worker.log()[-2000:]
    moments = ask(source, "select * from chain.moment order by no")
    assert len(moments) == COPIES
    for moment in moments:
        rows = ask(bench.uri, f"select row_key::json -> 'id' as id, jsonb_object_agg(change_field, value)"
                   " as fields, bool_and(known) as known from fieldtrail_asof('pivot', 'chain.t', "
                   f"'{moment['at']}') group by row_key")
        assert all(row["known"] for row in rows)
        copy = ask(source, "select id, a, n::text, d::text from chain.copy "
                   f"where no = {moment['no']}")
        assert {row["id"]: tuple(row["fields"].get(f) for f in "and") for row in rows} == state(copy), moment
    total = int(bench.sql("select count(*) from pivot")[0])
    moved = int(bench.sql("select count(*) from pivot where change_field = 'id'")[0])
    print(f"{TRANSACTIONS} transactions, {total} rows, {moved} changes of keys, {COPIES} copies equal")
    assert moved > TRANSACTIONS / 100

    last = moments[-3]
    script = subprocess.run([bench.binary, "undo", "-c", path, "chain.t", "--since", last["at"]],
                            text=True, capture_output=True, timeout=600)
    assert script.returncode == 0, script.stderr
    assert sql(source, script.stdout) == []
    assert (ask(source, "select id, a, n::text, d::text from chain.t order by id")
            == ask(source, f"select id, a, n::text, d::text from chain.copy where no = {last['no']} order by id"))
