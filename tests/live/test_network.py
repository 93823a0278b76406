"""A bad network between the worker and both servers, Kafka and PostgreSQL (relay.py): every kind of
trouble in turn, in any order. Each record's rows are there once.

    FIELDTRAIL_NETWORK_ROUNDS  how often each kind comes (1)
    FIELDTRAIL_NETWORK_SEED    the order, and how long each lasts (random)
"""
import os
import random
import time

import pytest

from relay import Link, Relay
from worker_kit import wait_until


@pytest.fixture
def relays(stack):
    made = {"Kafka": Relay(stack.bootstrap.split(":")[1], frames=True),
            "PostgreSQL": Relay(stack.postgres_port())}
    yield made
    for relay in made.values():
        relay.close()


def slow(relay, chance):
    for way in (relay.up, relay.down):
        way.latency = chance.uniform(0.02, 0.2)


def narrow(relay, chance):
    for way in (relay.up, relay.down):
        way.bytes_a_second = chance.uniform(30_000, 150_000)


def reset(relay, chance):
    relay.each(Link.reset)


def half_open(relay, chance):
    relay.each(Link.open_half)


def refuse(relay, chance):
    relay.refusing = True
    relay.each(Link.reset)


def deaf_up(relay, chance):
    relay.up.deaf = True


def deaf_down(relay, chance):
    relay.down.deaf = True


def deaf(relay, chance):
    relay.up.deaf = relay.down.deaf = True


TROUBLES = [slow, narrow, reset, half_open, refuse, deaf_up, deaf_down, deaf]


def test_every_trouble(bench, stack, relays):
    seed = int(os.environ.get("FIELDTRAIL_NETWORK_SEED", random.randrange(1_000_000)))
    rounds = int(os.environ.get("FIELDTRAIL_NETWORK_ROUNDS", 1))
    chance = random.Random(seed)
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.properties.write_text(f"bootstrap.servers=127.0.0.1:{relays['Kafka'].port}\n")
    path = bench.connector(connection__uri=bench.uri_by(relays["PostgreSQL"]), batch__rows__max="1500",
                           answer__timeout__ms="2000", claim__timeout__ms="2000", linger__ms="50",
                           consumer__override__socket__timeout__ms="3000")
    producer = bench.producer(rate=1500)
    workers = [bench.worker(path), bench.worker(path)]
    bench.begun()
    plan = [(name, trouble) for name in relays for trouble in TROUBLES] * rounds
    chance.shuffle(plan)
    for name, trouble in plan:
        # Sometimes the group is slower than the trouble, and sometimes faster: its session is 6 s.
        trouble(relays[name], chance)
        time.sleep(chance.choice([0.5, 1.5, 3, 8] if trouble in (deaf, deaf_up, refuse) else [0.5, 2]))
        relays[name].refusing = False
        relays[name].calm()
        assert all(worker.process.poll() is None for worker in workers)
        before = sum(state[0] for state in bench.stored().values())
        wait_until(lambda: sum(state[0] for state in bench.stored().values()) > before + 500,
                   f"goes on after {trouble.__name__} at {name}, seed {seed}", 45)
    sent = producer.finish()
    bench.caught_up(seconds=90)
    assert [worker.stop() for worker in workers] == [0, 0]
    passed = {name: f"{relay.passed // 1000} kB" for name, relay in relays.items()}
    assert all(relay.passed > 100_000 for relay in relays.values()), passed
    retries = sum(worker.log().count("trying again") for worker in workers)
    print(f"\nseed {seed}: {len(plan)} troubles, {sent} events, {retries} retries, {passed} by the relays: "
          f"{bench.equal()} rows equal")
