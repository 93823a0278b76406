"""Key changes by real Debezium in six partitions, workers killed at random: the rows are those of the
independent judge over the log, and what they say of old values is what a trigger in the source saw."""
import collections
import csv
import io
import json
import random
import subprocess
import sys
import time

import pytest

from servers_kit import TOP
from worker_kit import PARTITIONS, Stack, bench_of, wait_until

CHANGES = 6000
COLUMNS = ["change_field", "old_value", "new_value", "old_known", "op", "row_key", "kafka_partition",
           "kafka_offset", "field_no", "tx_id", "datetime_updated", "datetime_deleted"]

TABLES = """
create schema moving;
create table moving.whole (id int primary key, name text not null default 'anon', note text);
alter table moving.whole replica identity full;
create table moving.blind (id int primary key, name text not null default 'anon', note text);
create table moving.truth (tx bigint, source text, old_id int, new_id int, old_note text, new_note text);
create function moving.see() returns trigger language plpgsql as $$ begin
  insert into moving.truth values (txid_current(), tg_table_schema || '.' || tg_table_name, old.id,
                                   new.id, old.note, new.note);
  return new; end $$;
create trigger see after update on moving.whole for each row execute function moving.see();
create trigger see after update on moving.blind for each row execute function moving.see();
insert into moving.whole select i, 'n' || i, 'first' from generate_series(1, 40) i;
insert into moving.blind select i, 'n' || i, 'first' from generate_series(1, 40) i;
"""

# One update a transaction: half of them move the key, some move it twice, with lines in between.
WORKLOAD = """
do $$ declare place text; this int; other int; begin
for i in 1..{count} loop
  place := case when random() < 0.5 then 'moving.whole' else 'moving.blind' end;
  execute 'select id from ' || place || ' order by random() limit 1' into this;
  other := this + 1000 * (1 + floor(random() * 50)::int);
  if other > 1000000 then other := i % 900 + 41; end if;
  begin
    if random() < 0.6 then
      execute format('update %s set id = %s, note = %L where id = %s', place, other,
                     case when random() < 0.5 then 'first' when random() < 0.2 then null
                          else 'note ' || i end, this);
    else
      execute format('update %s set note = %L where id = %s', place, 'plain ' || i, this);
    end if;
  exception when unique_violation then null; end;
  commit;
  if i % 8 = 0 then perform pg_sleep(0.05); end if;
end loop; end $$;
"""

SOURCE = {"topic.prefix": "moving", "table.include.list": "moving.whole,moving.blind",
          "slot.name": "fieldtrail_moving", "publication.name": "fieldtrail_moving",
          "topic.creation.default.partitions": str(PARTITIONS),
          "topic.creation.default.replication.factor": "1",
          "key.converter.schemas.enable": "false"}
TOPICS = ["moving.moving.whole", "moving.moving.blind"]


@pytest.fixture
def bench(servers, binary, tmp_path, request):
    yield from bench_of(Stack(servers.environment), binary, tmp_path, request)


def start_source(servers, folder):
    config = json.loads((TOP / "connectors" / "holding-source.json").read_text())
    config["name"] = "moving-source"
    config["config"].update(SOURCE)
    path = folder / "moving-source.json"
    path.write_text(json.dumps(config))
    servers.run(TOP / "compose" / "connector", "apply", path)


def settled(bench, seconds=120):
    """Debezium has sent all that the source did, and the workers have written it."""
    servers, deadline = bench.stack, time.monotonic() + seconds
    wanted = int(servers.sql("select pg_current_wal_lsn() - '0/0'::pg_lsn")[0])
    while int(servers.sql("select confirmed_flush_lsn - '0/0'::pg_lsn from pg_replication_slots "
                          "where slot_name = 'fieldtrail_moving'")[0]) < wanted:
        assert time.monotonic() < deadline, "Debezium is not through"
        servers.sql("insert into moving.whole values (-1) on conflict do nothing; "
                    "delete from moving.whole where id = -1")
        time.sleep(1)
    for bench.topic in TOPICS:
        bench.caught_up()


def rows_of_judge(bench, topic, identity):
    path = bench.folder / (topic + ".jsonl")
    path.write_text(bench.stack.topic(topic, "-J"))
    done = subprocess.run(
        [sys.executable, TOP / "tests" / "oracle" / "oracle.py", "--fields", "name,note", "--identity",
         identity, "--columns", ",".join(COLUMNS), path], check=True, text=True, capture_output=True)
    return read_csv(done.stdout)


def read_csv(text):
    return collections.Counter(tuple(row) for row in csv.reader(io.StringIO(text)))


def rows_of_table(bench, table):
    at = "to_char({0} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    shown = [at.format(name) if name.startswith("datetime") else name for name in COLUMNS]
    shown[3] = "case when old_known then 'true' else 'false' end"
    text = "\n".join(bench.sql(f"\\copy (select {', '.join(shown)} from key_pivot where source_table = "
                               f"'{table}') to stdout csv")) + "\n"
    return read_csv(text)


def check_truth(bench, table, identity):
    """Every row of an update against the trigger; how many old values beside the key were known."""
    truth = {}
    for line in bench.stack.sql("select tx, old_id, new_id, coalesce(old_note, '<null>'), "
                                "coalesce(new_note, '<null>') from moving.truth "
                                f"where source = '{table}'"):
        tx, *rest = line.split("|")
        truth[tx] = rest
    known = moved = 0
    seen = collections.defaultdict(set)
    for line in bench.sql("select tx_id, change_field, coalesce(old_value, '<null>'), "
                          "coalesce(new_value, '<null>'), old_known from key_pivot "
                          f"where op = 'u' and source_table = '{table}'"):
        tx, field, old, new, old_known = line.split("|")
        old_id, new_id, old_note, new_note = truth[tx]
        assert field not in seen[tx], f"{tx}: {field} twice"
        seen[tx].add(field)
        if field == "id":
            assert (old, new, old_known) == (old_id, new_id, "t") and old != new
            moved += 1
        elif field == "note":
            assert new == new_note
            assert old_known == "f" or (old == old_note and old != new)
            known += old_known == "t"
        else:
            assert field == "name" and old_known == "f"
    for tx, (old_id, new_id, old_note, new_note) in truth.items():
        assert ("id" in seen[tx]) == (old_id != new_id), tx
        assert old_note == new_note or "note" in seen[tx], tx
    if identity == "default":
        assert known == 0
    return moved, known


def test_key_changes_survive_kills(servers, bench):
    servers.sql(TABLES)
    start_source(servers, bench.folder)
    path = bench.connector(topics=",".join(TOPICS), table="key_pivot", batch__rows__max="40",
                           pivot__keys=None, pivot__fields="name,note",
                           pivot__columns=",".join(COLUMNS + ["source_table"]),
                           replica__identity__moving__blind="default")
    workload = subprocess.Popen(["psql", "-X", "-q", servers.environment["FIELDTRAIL_PG_URI"]],
                                stdin=subprocess.PIPE, text=True)
    workload.stdin.write(WORKLOAD.format(count=CHANGES))
    workload.stdin.close()
    workers, chance, kills = [bench.worker(path) for _ in range(3)], random.Random(), 0
    while workload.poll() is None or kills < 8:
        time.sleep(chance.choice([0.3, 1, 2, 4]))
        for place in chance.sample(range(3), chance.choice([1, 2, 3])):
            workers[place].kill()
            kills += 1
            workers[place] = bench.worker(path)
    assert workload.wait() == 0
    settled(bench)
    assert [worker.stop() for worker in workers] == [0, 0, 0]
    for topic, table, identity in zip(TOPICS, ["moving.whole", "moving.blind"], ["full", "default"]):
        wanted, found = rows_of_judge(bench, topic, identity), rows_of_table(bench, table)
        assert wanted - found == collections.Counter() and found - wanted == collections.Counter()
        moved, known = check_truth(bench, table, identity)
        print(f"{table}: {sum(found.values())} rows equal, {moved} keys moved, {known} old notes known, "
              f"{kills} kills")
        assert moved > CHANGES / 6
        assert known > 0 or identity == "default"
    held = bench.sql("select count(*) from fieldtrail_offset where held_offset is not null")
    print(f"{held[0]} partitions end in a delete half")


SENT = '"source":{"schema":"s","table":"t","name":"p","ts_us":1795223450175210}'
MOVED = [('{"id":2}', '{"op":"d","before":{"id":2,"note":"first"},"after":null,%s}' % SENT,
          '__debezium.newkey={"id":10}'),
         ('{"id":2}', None, '__debezium.newkey={"id":10}'),
         ('{"id":10}', '{"op":"c","before":null,"after":{"id":10,"note":"second"},%s}' % SENT,
          '__debezium.oldkey={"id":2}')]


def send(stack, topic, key, value, header):
    subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0", "-H", header, "-K", "|", "-Z"],
                   input=f"{key}|{value or ''}\n", text=True, check=True)


@pytest.mark.parametrize("there", [True, False], ids=["still there", "retention took it"])
def test_a_half_that_waits_is_named_in_the_groups_metadata(bench, there):
    """A sink that stores no positions has only the group's memory."""
    stack, group = bench.stack, "connect-" + bench.name
    stack.create_topic(bench.topic, 1)
    path = bench.connector(delivery="at-least-once", pivot__keys=None, pivot__fields="note", table="key_pivot",
                           pivot__columns="row_key,change_field,old_value,new_value,old_known,op")
    for message in MOVED[:2]:
        send(stack, bench.topic, *message)
    worker = bench.worker(path)
    wait_until(lambda: stack.commits(group, bench.topic, 1) == [(2, "held=0")], "the group's commit", 60)
    assert worker.stop() == 0
    assert stack.commits(group, bench.topic, 1) == [(2, "held=0")]
    if not there:
        stack.delete_records(bench.topic, [1])
    send(stack, bench.topic, *MOVED[2])
    worker = bench.worker(path)
    wait_until(lambda: stack.commits(group, bench.topic, 1) == [(3, "")], "the create half", 60)
    assert worker.stop() == 0
    assert sorted(bench.sql("select * from key_pivot")) == [
        '{"id":10}|id|2|10|t|u',
        '{"id":10}|note|first|second|t|u' if there else '{"id":10}|note||second|f|u']
