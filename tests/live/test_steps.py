"""Faults at every step of the delivery protocol, on real servers: a relay in front of PostgreSQL
strikes at the step (pg_proxy.py). Each record's rows are there once, whatever the step."""
import signal
import subprocess
import threading
import time

import pytest

import worker_kit
from pg_proxy import STEPS, Proxy
from worker_kit import Watch, produce, wait_until


def start(bench, proxy, path):
    worker = bench.worker(path)
    proxy.pid = worker.process.pid
    return worker


@pytest.mark.parametrize("deed", ["kill", "cut"])
def test_every_step(bench, stack, proxy, deed):
    stack.create_topic(bench.topic)
    # The second piece of a COPY is somewhere in the middle of it.
    path = bench.connector(connection__uri=bench.uri_by(proxy), batch__rows__max="1500",
                           linger__ms="50", consumer__override__session__timeout__ms="6000",
                           consumer__override__group__instance__id="one")
    producer = bench.producer(rate=4000)
    worker = start(bench, proxy, path)
    for step in STEPS:
        before = sum(state[0] for state in stored(bench).values())
        proxy.arm(step, deed, nth=2 if step == "in copy" else 1)
        if deed == "cut" and step.startswith("claim"):
            bench.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where application_name like 'fieldtrail%'")
        elif step.startswith("claim") and step != next(iter(STEPS)):
            worker.kill()
            worker = start(bench, proxy, path)
        assert proxy.struck.wait(30 * worker_kit.PATIENCE), f"{step} never came\n" + worker.log()[-2000:]
        if deed == "kill":
            assert worker.process.wait(10) == -signal.SIGKILL
            worker = start(bench, proxy, path)
        wait_until(lambda: sum(state[0] for state in stored(bench).values()) > before + 2000,
                   f"goes on after {step}", 30)
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    rows = bench.equal()
    print(f"{deed}: {len(STEPS)} steps, {rows} rows equal")


@pytest.mark.parametrize("step", worker_kit.cases(["claim not sent", "in copy"],
                                                  ["claim sent", "closing query not sent"]))
def test_stopped_at(bench, stack, proxy, step):
    """A worker that is stopped (SIGSTOP) beyond its session blocks nobody; awake again it writes
    nothing, and every partition has a reader."""
    stack.create_topic(bench.topic)
    settings = dict(batch__rows__max="1500", linger__ms="50", claim__timeout__ms="2000")
    producer = bench.producer(rate=4000)
    new = bench.worker(bench.connector(**settings))
    bench.begun()
    audit(bench)
    if step.startswith("claim"):
        proxy.arm(step, "stop")
    old = start(bench, proxy, bench.connector(**settings, connection__uri=bench.uri_by(proxy)))
    if not step.startswith("claim"):
        watch = Watch(bench)

        def both():
            watch.look()
            return watch.flushed[old.id] and watch.flushed[new.id]
        wait_until(both, "both flush")
        proxy.arm(step, "stop", nth=2 if step == "in copy" else 1)
    assert proxy.struck.wait(30 * worker_kit.PATIENCE), f"{step} never came"
    stopped = time.monotonic()
    time.sleep(0.3)  # what the server had been given to commit
    kept = bench.stored()

    def all_move():
        now = bench.stored()
        return all(now[partition][0] > kept[partition][0] for partition in kept)
    wait_until(all_move, "the new owner commits in every partition", 6 + 2 + 10)
    print(f"{step}: every partition moved within {time.monotonic() - stopped:.1f} s of the stop")
    proxy.release()
    old.signal(signal.SIGCONT)
    wait_until(lambda: any(state[2] == old.id and state[1] > kept[partition][1] + 1
                           for partition, state in bench.stored().items()), "it has lanes again")
    if step.startswith("claim"):
        # Of the claim that it was stopped in nothing came: what it claimed later is the group's.
        first = "(select min(epoch) from audit b where b.worker = a.worker and b.partition = a.partition)"
        assert bench.sql(f"select count(*) > 0, count(*) filter (where moved <> 0) from audit a "
                         f"where worker = '{old.id}' and epoch = {first}") == ["t|0"]
    producer.finish()
    bench.caught_up()
    produce(stack, bench.topic, 2000, seed=2)
    bench.caught_up()
    assert [old.stop(), new.stop()] == [0, 0], old.log()
    bench.equal()


def test_awake_before_the_new_owners_first_flush(bench, stack, proxy):
    """Stopped before its closing query was sent; the new owner has claimed and not flushed yet when
    it goes on: the query fails by the epoch alone, for the position is the expected one."""
    other = Proxy(proxy.target[1])
    stack.create_topic(bench.topic)
    settings = dict(batch__rows__max="1500", linger__ms="50", rebalance__flush__timeout__ms="500")
    producer = bench.producer(rate=4000)
    new = start(bench, other, bench.connector(**settings, connection__uri=bench.uri_by(other)))
    bench.begun()
    old = start(bench, proxy, bench.connector(**settings, connection__uri=bench.uri_by(proxy)))
    watch = Watch(bench)

    def both():
        watch.look()
        return watch.flushed[old.id] and watch.flushed[new.id]
    wait_until(both, "both flush")
    lane = next(partition for partition, state in bench.stored().items() if state[2] == old.id)
    hold = threading.Event()
    proxy.arm("closing query not sent", "stop", text=f"'{bench.topic}',{lane},".encode())
    assert proxy.struck.wait(30 * worker_kit.PATIENCE)
    other.arm("closing query not sent", lambda: hold.wait(60), text=f"'{bench.topic}',{lane},".encode())
    wait_until(lambda: bench.stored()[lane][2] == new.id, "the new owner claims", 18)
    time.sleep(1)  # for its rows
    before = bench.stored()[lane]
    # The oldest transaction is that of the stopped one.
    transaction = bench.sql("select pid, xact_start from pg_stat_activity where datname = "
                            "current_database() and application_name like 'fieldtrail%' "
                            "order by xact_start limit 1")[0].split("|")
    proxy.release()
    old.signal(signal.SIGCONT)
    wait_until(lambda: bench.sql("select count(*) from pg_stat_activity where pid = %s and "
                                 "xact_start = '%s'" % tuple(transaction)) == ["0"], "it was judged", 10)
    assert bench.stored()[lane] == before
    # The group's word that the partition is another's may come before the server's.
    old.says("has claimed|stopped while waiting for an answer", 10)
    hold.set()
    producer.finish()
    bench.caught_up()
    assert [old.stop(), new.stop()] == [0, 0], old.log()
    bench.equal()
    other.close()


def test_locks_are_taken_in_order(bench, stack):
    """Also by a worker that got the partitions in another order: who waits for one lock holds those
    before it and none behind it, so no two can wait for each other."""
    stack.create_topic(bench.topic)
    path = bench.connector(linger__ms="2000", flush__interval__ms="2000")
    workers = [bench.worker(path), bench.worker(path)]
    wait_until(lambda: len({state[2] for state in stored(bench).values()}) == 2, "both have lanes")
    owner = {state[2]: partition for partition, state in sorted(bench.stored().items(), reverse=True)}
    first, last = sorted(workers, key=lambda worker: owner[worker.id])
    last.says(rf"\[{owner[last.id]}\]: reading from offset")
    assert owner[last.id] > 0 and first.stop() == 0
    wait_until(lambda: {state[2] for state in bench.stored().values()} == {last.id}, "it has all")
    # In the table the row of partition 1 is now the last.
    bench.sql("update fieldtrail_offset set updated_at = now() where partition = 1")
    locker = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", bench.uri], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    locker.stdin.write("begin; select 'locked' from fieldtrail_offset where partition = 4 for update;\n")
    locker.stdin.flush()
    assert locker.stdout.readline().strip() == "locked"
    produce(stack, bench.topic, 3000)
    wait_until(lambda: bench.sql("select count(*) from pg_stat_activity where wait_event_type = "
                                 "'Lock' and query like 'with want%'") == ["1"], "it waits for the lock")
    free = bench.sql("select partition from fieldtrail_offset order by 1 for update skip locked")
    locker.communicate("rollback;\n", timeout=10)
    assert free == ["5"]
    bench.caught_up()
    assert last.stop() == 0
    bench.equal()


def audit(bench):
    """Writes down every claim and every move of a position."""
    bench.sql("""
create table audit (partition integer, epoch bigint, worker text, moved bigint);
create function audit() returns trigger language plpgsql as $$ begin
insert into audit values (new.partition, new.epoch, new.worker_id, new.next_offset - old.next_offset);
return null; end $$;
create trigger audit after update on fieldtrail_offset for each row execute function audit();
""")


def stored(bench):
    try:
        return bench.stored() or {0: (0, 0, "")}
    except subprocess.CalledProcessError:  # the table is not there yet
        return {0: (0, 0, "")}
