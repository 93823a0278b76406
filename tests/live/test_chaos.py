"""Workers that join, leave and are killed at random, outages of the servers, and a long backlog.
Small by default; the sizes are environment variables:

    FIELDTRAIL_CHAOS_EVENTS    events of a run with kills (60000)
    FIELDTRAIL_CHAOS_KILLS     kills that must count (10)
    FIELDTRAIL_CHAOS_CRASHES   crashes of PostgreSQL in the run with outages (4)
    FIELDTRAIL_OUTAGE_SECONDS  how long PostgreSQL is down (15)
    FIELDTRAIL_KAFKA_SECONDS   how long Kafka is (20)
    FIELDTRAIL_BACKLOG_BYTES   bytes of the backlog (100000000)
    FIELDTRAIL_LIVE=all        the run with kills alone, too
"""
import random
import subprocess
import threading
import time

import pytest

import worker_kit
from worker_kit import (Watch, assert_flat, produce, resident_kib, size, wait_until,
                        watch_memory)


class Outages:
    """Crashes of PostgreSQL, and some restarts of the broker, until it is told to end."""

    def __init__(self, stack, chance):
        self.stack, self.chance, self.count, self.restarts = stack, chance, 0, 0
        self.lock, self.halt = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.halt.wait(self.chance.uniform(2, 7)):
            with self.lock:  # nobody else asks the database then
                self.stack.control("stop", "postgres", "--immediate")
                self.halt.wait(self.chance.random())
                self.stack.control("start", "postgres")
                self.count += 1
            if self.count % 8 == 3:
                self.stack.control("restart", "kafka")
                self.restarts += 1

    def end(self):
        self.halt.set()
        self.thread.join()


class Herd:
    """Three workers of one connector, and the kills of them that count: the worker had flushed
    since its start, and had lag."""

    def __init__(self, bench, path, chance, lock):
        self.bench, self.path, self.chance, self.lock = bench, path, chance, lock
        self.watch = Watch(bench)
        self.workers = [bench.worker(path) for _ in range(3)]
        self.counted = self.kills = self.left = 0

    def look(self):
        with self.lock:
            try:
                self.watch.look()
                return sum(self.counts(worker) for worker in self.workers)
            except (subprocess.CalledProcessError, OSError, AssertionError):
                return 0  # a server is away

    def counts(self, worker):
        return self.watch.flushed[worker.id] > 0 and self.watch.lag(worker) > 0

    def strike(self):
        """Kills two or three at about the same time: all wait for the session of one that died."""
        for place in self.chance.sample(range(3), self.chance.choice([2, 3, 3])):
            worker = self.workers[place]
            if self.chance.random() < 0.1:
                worker.stop(60)
                self.left += 1
            else:
                with self.lock:
                    try:
                        self.watch.look()
                        self.counted += self.counts(worker)
                    except (subprocess.CalledProcessError, OSError, AssertionError):
                        pass
                self.kills += 1
                worker.kill()
            self.workers[place] = self.bench.worker(self.path)
            time.sleep(self.chance.choice([0, 0, 0.1, 0.5]))


@pytest.mark.parametrize("trouble", worker_kit.cases(["kills and outages"], ["kills"]))
def test_every_row_once(bench, stack, trouble):
    total, wanted = size("CHAOS_EVENTS", 60_000), size("CHAOS_KILLS", 10)
    crashes = size("CHAOS_CRASHES", 4) if trouble != "kills" else 0
    seed = size("CHAOS_SEED", random.randrange(1_000_000))
    chance = random.Random(seed)
    stack.create_topic(bench.topic)
    rate = max(1200, total / (5 * wanted))
    path = bench.connector(batch__rows__max=str(int(rate / 15)))
    bench.make_table()
    bench.slow_down(0.2)
    producer = bench.producer(rate=rate)
    outages = Outages(stack, chance) if crashes else None
    herd = Herd(bench, path, chance, outages.lock if outages else threading.Lock())
    deadline = time.monotonic() + 60 + 12 * wanted
    while herd.counted < wanted or (outages and outages.count < crashes):
        assert time.monotonic() < deadline, f"{herd.counted} of {herd.kills} kills counted"
        if herd.look() >= 2:
            time.sleep(chance.random())
            herd.strike()
        time.sleep(0.1)
    assert producer.alive(), "the last kill must fall before the producer's end"
    at_last_kill = producer.sent
    if outages:
        outages.end()
        wait_until(lambda: stack.sql("select 1"), "PostgreSQL is back")
    producer.rate = None
    wait_until(lambda: producer.sent >= total, "the rest is sent", 600)
    bench.speed_up()
    sent = producer.finish()
    bench.caught_up(seconds=300)
    assert [worker.stop() for worker in herd.workers] == [0, 0, 0]
    rows = bench.equal()
    print(f"\nseed {seed}: {sent} events, {herd.counted} of {herd.kills} kills counted, "
          f"{herd.left} left, the last at event {at_last_kill}"
          + (f", {outages.count} crashes of PostgreSQL, {outages.restarts} restarts of the broker"
             if outages else "") + f": {rows} rows equal both ways")
    assert herd.counted >= wanted


def test_postgres_down(bench, stack):
    """Memory stays flat, the group's membership is kept, nothing is lost, and it catches up by
    itself."""
    seconds = size("OUTAGE_SECONDS", 15)
    stack.create_topic(bench.topic)
    producer = bench.producer(rate=2000)
    worker = bench.worker(bench.connector(tasks__max="2"))
    bench.begun()
    members = stack.members("connect-" + bench.name)
    assert len(members) == 2
    stack.control("stop", "postgres", "--immediate")
    samples = watch_memory(worker, seconds)
    stack.control("start", "postgres")
    producer.finish()
    bench.caught_up()
    assert stack.members("connect-" + bench.name) == members
    assert worker.stop() == 0
    print(f"\ndown for {seconds} s: {assert_flat(samples)}; {bench.equal()} rows equal")


def test_kafka_down(bench, stack):
    """Its partitions have no leader then: nothing is lost, doubled or left out, memory stays flat, and
    reading goes on by itself."""
    seconds = size("KAFKA_SECONDS", 20)
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 20_000)
    bench.make_table()
    bench.slow_down(0.2)
    worker = bench.worker(bench.connector(
        batch__rows__max="2000", errors__tolerance="all",
        errors__deadletterqueue__topic__name=bench.name + "_dlq"))
    bench.begun()
    stack.control("stop", "kafka", "--immediate")
    samples = watch_memory(worker, seconds)
    stack.control("start", "kafka")
    bench.speed_up()
    produce(stack, bench.topic, 5_000, seed=2)
    bench.caught_up(seconds=120)
    assert bench.name + "_dlq" not in stack.run("kcat", "-L", "-b", stack.bootstrap).stdout
    assert worker.stop() == 0
    print(f"\naway for {seconds} s: {assert_flat(samples)}; {bench.equal()} rows equal")


def test_backlog(bench, stack):
    """A long backlog, with the settings of the speed figures: memory is bounded."""
    wanted = size("BACKLOG_BYTES", 100_000_000)
    stack.create_topic(bench.topic)
    count, written, rows = worker_kit.produce_corpus(stack, bench.topic, wanted)
    bench.sql("create unlogged table holding_pivot (holding_id text, user_id text, change_field "
              "text, old_value text, new_value text, datetime_created timestamptz, "
              "datetime_updated timestamptz, datetime_deleted timestamptz, datetime_inserted "
              "timestamptz, op text, old_known boolean, event_time timestamptz, source_table text, "
              "row_key text, tx_id text, lsn text, kafka_topic text, kafka_partition integer, "
              "kafka_offset bigint, field_no bigint)")
    began = time.monotonic()
    worker = bench.worker(bench.connector())
    bench.caught_up(seconds=120 + wanted / 10e6)
    seconds = time.monotonic() - began
    peak = resident_kib(worker, "VmHWM")
    assert worker.stop() == 0
    print(f"\n{count} events, {written / 1e6:.0f} MB: {seconds:.1f} s, {count / seconds:,.0f} "
          f"events/s, {written / seconds / 1e6:.0f} MB/s, peak {peak / 1024:.1f} MB")
    assert bench.sql("select count(*), count(distinct (kafka_partition, kafka_offset)) "
                     "from holding_pivot") == [f"{rows}|{count}"]
    assert peak < 128 * 1024
