"""What people and servers do to a worker that runs: partitions are added, a backup is restored, a
disk fills, a server falls silent, another claims its partitions. Each record's rows are there once."""
import json
import os
import random
import subprocess
import tempfile
import time

import pytest

import worker_kit
from relay import Link, Relay
from worker_kit import produce, wait_until


def test_partitions_added_while_it_runs(bench, stack):
    """A partition that is new begins at its beginning, also where new topics begin at their end."""
    stack.create_topic(bench.topic, 3)
    produce(stack, bench.topic, 500)
    worker = bench.worker(bench.connector(consumer__override__metadata__max__age__ms="1000",
                                          consumer__override__auto__offset__reset="latest"))
    worker.says(r"\[2\]: reading from offset")
    begun = {partition: state[0] for partition, state in bench.stored().items()}
    assert list(begun.values()) == stack.ends(bench.topic, 3)
    stack.add_partitions(bench.topic, 6)
    produce(stack, bench.topic, 2000, seed=2)
    bench.caught_up()
    assert worker.stop() == 0
    assert all(offset > 0 for offset in stack.ends(bench.topic)[3:])
    bench.equal(wanted=lambda record: record["offset"] >= begun.get(record["partition"], 0))


def test_a_restored_database_is_read_on_from_where_it_stands(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 2000)
    worker = bench.worker(bench.connector())
    bench.caught_up()
    bench.sql("create table rows_then as table holding_pivot; "
              "create table stood_then as table fieldtrail_offset")
    produce(stack, bench.topic, 2000, seed=2)
    bench.caught_up()
    bench.sql("begin; truncate holding_pivot; insert into holding_pivot table rows_then; "
              "delete from fieldtrail_offset; insert into fieldtrail_offset table stood_then; commit")
    produce(stack, bench.topic, 2000, seed=3)
    worker.says("offsets were altered or the database was restored")
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


def test_a_claim_by_somebody_else_is_taken_back_where_the_group_says_so(bench, stack):
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=1000)
    worker = bench.worker(bench.connector())
    bench.begun()
    for _ in range(3):
        before = bench.stored()
        bench.sql("update fieldtrail_offset set epoch = epoch + 1, worker_id = 'stray:1'")
        wait_until(lambda: all(state[2] == worker.id and state[0] > before[partition][0]
                               for partition, state in bench.stored().items()), "taken back", 15)
    worker.says("stray:1 has claimed")
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


@pytest.mark.parametrize("step", worker_kit.cases(["closing query sent"],
                                                  ["claim not sent", "in copy"]))
def test_a_server_that_falls_silent(bench, stack, proxy, step):
    """The connection stays, and nothing comes any more."""
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=3000)
    proxy.arm(step, "hush")
    worker = bench.worker(bench.connector(connection__uri=bench.uri_by(proxy),
                                          answer__timeout__ms="2000", linger__ms="50"))
    assert proxy.struck.wait(30 * worker_kit.PATIENCE)
    worker.says("no answer while", 10)
    bench.begun()
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


@pytest.mark.parametrize("how", worker_kit.cases(["fast"], ["--immediate"]))
def test_a_server_shut_down_in_the_middle_of_copy(bench, stack, proxy, how):
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=3000)
    proxy.arm("in copy", lambda: stack.control("stop", "postgres", *[how] * (how != "fast")))
    worker = bench.worker(bench.connector(connection__uri=bench.uri_by(proxy), linger__ms="50"))
    assert proxy.struck.wait(30 * worker_kit.PATIENCE)
    stack.control("start", "postgres")
    bench.begun()
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


def test_a_claim_that_fails_holds_nobody_up(bench, stack, proxy):
    """One worker cannot reach the database: others that come get their share all the same."""
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 1000)
    proxy.refusing = True
    lame = bench.worker(bench.connector(connection__uri=bench.uri_by(proxy)))
    lame.says("trying again")
    sound = bench.worker(bench.connector())
    began = time.monotonic()
    sound.says("reading from offset", 12)
    print(f"its share after {time.monotonic() - began:.1f} s")
    proxy.refusing = False
    bench.caught_up()
    assert [lame.stop(), sound.stop()] == [0, 0]
    bench.equal()


def test_the_retry_timeout_ends_a_task_and_the_restart_policy_begins_it_anew(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 1000)
    relay = Relay(stack.postgres_port())
    settings = dict(connection__uri=bench.uri_by(relay), errors__retry__timeout="2000")
    worker = bench.worker(bench.connector(**settings))
    bench.caught_up()
    before = stack.ends(bench.topic)
    relay.refusing = True
    relay.each(Link.reset)
    produce(stack, bench.topic, 1000, seed=2)
    assert worker.wait(30 * worker_kit.PATIENCE) == 1
    assert "given up after errors.retry.timeout" in worker.log()
    bench.equal(wanted=lambda record: record["offset"] < before[record["partition"]])
    worker = bench.worker(bench.connector(**settings, restart__policy="on-failure",
                                          restart__delay__ms="100"))
    wait_until(lambda: worker.log().count("given up after errors.retry.timeout") >= 3, "it tries on", 60)
    relay.refusing = False
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()
    relay.close()


def test_a_task_that_ended_at_a_bad_record_begins_anew(bench, stack):
    """It ends there again and again, after everything before it; once the cause is mended it goes on."""
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad "
              "check (kafka_partition <> 2 or kafka_offset <> 77)")
    produce(stack, bench.topic, 2000)
    worker = bench.worker(bench.connector(restart__policy="on-failure", restart__delay__ms="100"))
    wait_until(lambda: worker.log().count("which the target refuses (errors.tolerance=all") >= 3,
               "it ends there three times", 60)
    assert bench.stored()[2][0] == 77
    assert bench.sql("select count(*) from holding_pivot where kafka_partition = 2 and "
                     "kafka_offset >= 77") == ["0"]
    bench.sql("alter table holding_pivot drop constraint nothing_bad")
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


def test_static_membership(bench, stack):
    """Two tasks share a configured instance and are told apart; a restart moves no partition; a
    second worker of the same name takes the place of the first, which ends."""
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=1000)
    path = bench.connector(tasks__max="2", consumer__override__group__instance__id="here",
                           consumer__override__session__timeout__ms="20000")
    worker = bench.worker(path)
    bench.begun()
    assert len(stack.members("connect-" + bench.name)) == 2
    worker.kill()
    began = time.monotonic()
    worker = bench.worker(path)
    wait_until(lambda: all(state[2] == worker.id for state in bench.stored().values()),
               "the same partitions at once", 10)
    assert time.monotonic() - began < 10
    second = bench.worker(path)
    assert worker.wait(30) == 1
    assert "instance" in worker.log().lower()
    producer.finish()
    bench.caught_up()
    assert second.stop() == 0
    bench.equal()


@pytest.fixture
def tiny_disk(stack):
    """A disk of 4 MB that belongs to the server's user."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    owner = os.stat(stack.sql("show data_directory")[0]).st_uid
    place = tempfile.mkdtemp(prefix="fieldtrail-", dir="/var/tmp")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=4m,mode=700,uid={owner}", "tmpfs",
                           place], capture_output=True, text=True)
    if done.returncode != 0:
        os.rmdir(place)
        pytest.skip("a small disk cannot be mounted here: " + done.stderr)
    yield place
    subprocess.run(["umount", "-l", place], check=True)
    os.rmdir(place)


def test_a_full_disk(bench, stack, tiny_disk):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 20_000)
    stack.sql(f"create tablespace tiny location '{tiny_disk}'")
    bench.make_table()
    bench.sql("alter table holding_pivot set tablespace tiny")
    worker = bench.worker(bench.connector())
    worker.says(r"SQLSTATE 53100", 20)
    subprocess.run(["mount", "-o", "remount,size=400m", tiny_disk], check=True)
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()
    bench.sql("drop table holding_pivot")
    stack.sql("drop tablespace tiny")


def test_a_full_disk_under_the_dead_letters(bench, stack, tiny_disk):
    """It is waited for as a target is; nothing passes a record whose letter is not kept."""
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad check (kafka_offset % 2 = 0)")
    letters = f"{tiny_disk}/letters"
    filler = f"{tiny_disk}/filler"
    with open(filler, "wb") as out:
        out.write(b"x" * ((4 << 20) - 3 * 4096))
    produce(stack, bench.topic, 60)
    worker = bench.worker(bench.connector(errors__tolerance="all", errors__deadletterqueue__file=letters))
    worker.says("cannot write dead letters: No space left on device; trying again", 60)
    os.unlink(filler)
    bench.caught_up()
    assert worker.stop() == 0
    kept = set()
    with open(letters, encoding="utf-8") as lines:
        for line in lines:
            try:
                letter = json.loads(line)
                kept.add((letter["partition"], letter["offset"]))
            except ValueError:
                continue  # written in part
    assert kept and all(offset % 2 for _, offset in kept)
    assert bench.sql("select count(*) from holding_pivot where kafka_offset % 2 = 1") == ["0"]
    bench.equal(wanted=lambda record: (record["partition"], record["offset"]) not in kept)


def test_at_least_once(bench, stack):
    """Kills leave some rows twice and none missing; the positions are the group's alone, and they
    move behind the rows: a kill in the middle of a flush loses nothing."""
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=4000)
    # A static member is back at once.
    path = bench.connector(delivery="at-least-once", batch__rows__max="1000",
                           consumer__override__group__instance__id="one")
    worker, group = bench.worker(path), "connect-" + bench.name
    wait_until(lambda: min(stack.committed(group, bench.topic)) > 0, "the first flushes")
    bench.slow_down(0.3)
    for _ in range(5):
        before = sum(stack.committed(group, bench.topic))
        wait_until(lambda: sum(stack.committed(group, bench.topic)) > before + 1000, "flushes")
        time.sleep(random.random())
        worker.kill()
        worker = bench.worker(path)
    bench.speed_up()
    producer.finish()
    wait_until(lambda: stack.committed(group, bench.topic) == stack.ends(bench.topic), "caught up")
    assert worker.stop() == 0, worker.log()
    assert bench.sql("select to_regclass('fieldtrail_offset') is null") == ["t"]
    rows = bench.sql("select count(*) from holding_pivot")[0]
    names = ", ".join(name for name, _ in worker_kit.COLUMNS)
    bench.sql(f"create table once as select distinct {names} from holding_pivot")
    print(f"{rows} rows, of them {bench.equal('once')} different")


KEY_TYPES = {"id": ("int64", None, 9007199254740993, "bigint"),
             "small": ("int16", None, 7, "smallint"),
             "good": ("boolean", None, True, "boolean"),
             "half": ("double", None, 0.5, "double precision"),
             "word": ("string", None, "a", "text"),
             "mark": ("string", "io.debezium.data.Uuid", "b68a35a7-17ad-35b3-af2a-ae46edb4545a", "uuid"),
             "at": ("string", "io.debezium.time.ZonedTimestamp", "2026-11-21T00:15:22.812277Z",
                    "timestamp with time zone")}


def typed_event():
    def field(name, kind, semantic):
        made = {"type": kind, "optional": False, "field": name}
        return dict(made, name=semantic, version=1) if semantic else made
    row = {"type": "struct", "optional": True,
           "fields": [field(name, kind, semantic) for name, (kind, semantic, *_) in KEY_TYPES.items()]
           + [field("amount", "int32", None)]}
    after = {name: value for name, (_, _, value, _) in KEY_TYPES.items()}
    schema = {"type": "struct", "optional": False, "name": "t.bank.typed.Envelope",
              "fields": [dict(row, field="before"), dict(row, field="after")]}
    _, plain = next(worker_kit.events(random.Random(1)))
    payload = dict(plain, before=None, after=dict(after, amount=1))
    return {"schema": schema, "payload": payload}


def test_tables_are_made_with_the_types_of_the_source(bench, stack):
    stack.create_topic(bench.topic)
    worker_kit.produce_message(stack, bench.topic, 0, {"id": 1}, typed_event())
    worker = bench.worker(bench.connector(pivot__keys=",".join(KEY_TYPES), pivot__fields="amount"))
    bench.caught_up()
    assert worker.stop() == 0
    types = bench.sql("select column_name, data_type from information_schema.columns "
                      "where table_name = 'holding_pivot' order by ordinal_position")
    assert types[:len(KEY_TYPES)] == [f"{name}|{sql}" for name, (*_, sql) in KEY_TYPES.items()]
    assert bench.sql("select id, small, good, half, word, mark, at at time zone 'UTC' "
                     "from holding_pivot") == [
        "9007199254740993|7|t|0.5|a|b68a35a7-17ad-35b3-af2a-ae46edb4545a|2026-11-21 00:15:22.812277"]
