"""Records that the target refuses, on real servers: exactly those become dead letters, whole, with
Connect's headers, and everything else is written; and what only looks like poison is waited for."""
import json
import random
import re
import time

import pytest

import worker_kit
from worker_kit import events, produce, produce_message, wait_until


@pytest.fixture(scope="module")
def stack():
    yield from worker_kit.start_stack()


@pytest.fixture
def bench(stack, binary, tmp_path, request):
    name = re.sub(r"\W+", "_", request.node.name[len("test_"):])[:60]
    made = worker_kit.Bench(stack, binary, tmp_path, name)
    yield made
    made.close()


def letters_of(stack, topic):
    """What stands in the topic: kcat's objects, headers as a dictionary."""
    letters = [json.loads(line) for line in stack.topic(topic, "-J").splitlines()]
    for letter in letters:
        names = letter["headers"][::2]
        assert len(names) == len(set(names))
        letter["headers"] = dict(zip(names, letter["headers"][1::2]))
    return letters


def origin_of(letter):
    return tuple(letter["headers"]["__connect.errors." + name]
                 for name in ("topic", "partition", "offset"))


def one_event(**fields):
    """A create with these values; its key and value."""
    key, value = next(events(random.Random(5)))
    value["after"].update(fields)
    return key, value


def put_bad(bench, stack, partition=2, **fields):
    """One event more in the log; its origin."""
    offset = stack.ends(bench.topic)[partition]
    produce_message(stack, bench.topic, partition, *one_event(**fields))
    return bench.topic, str(partition), str(offset)


def without(origins):
    """Of the log's records those that are not dead letters."""
    return lambda record: (record["topic"], str(record["partition"]),
                           str(record["offset"])) not in origins


def tolerant(bench, **settings):
    return bench.connector(errors__tolerance="all",
                           errors__deadletterqueue__topic__name=bench.name + "_dlq", **settings)


def test_one_bad_record_of_fifty_thousand(bench, stack):
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad "
              "check (new_value is distinct from 'BAD')")
    produce(stack, bench.topic, 25_000)
    bad = put_bad(bench, stack, holding_stock="BAD")
    produce(stack, bench.topic, 24_999, seed=2)
    worker = bench.worker(tolerant(bench, batch__rows__max="100000", flush__interval__ms="5000"))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal(wanted=without({bad}))
    letter, = letters_of(stack, bench.name + "_dlq")
    headers = {name.removeprefix("__connect.errors."): value
               for name, value in letter["headers"].items()}
    assert origin_of(letter) == bad
    assert headers["connector.name"] == bench.name and headers["task.id"] == "0"
    assert headers["stage"] == "TASK_PUT" and headers["class.name"] == "fieldtrail.postgres"
    assert "nothing_bad" in headers["exception.message"]
    assert headers["exception.class.name"] == "fieldtrail.RecordFault"
    assert "nothing_bad" in headers["exception.stacktrace"]
    key, value = one_event(holding_stock="BAD")
    assert json.loads(letter["key"]) == key and json.loads(letter["payload"]) == value
    tries = int(re.search(r"is the one refused of \d+: found by (\d+) tries", worker.log())[1])
    print(f"{tries} tries; " + re.search(r"is the one refused of \d+", worker.log())[0])
    assert tries <= 2, "COPY names the line"


def test_a_deferred_constraint_is_found_by_halves(bench, stack):
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("""
create table stocks (name text primary key); insert into stocks values ('good');
alter table holding_pivot add column stock text
    generated always as (case when new_value = 'BAD' then 'bad' else 'good' end) stored;
alter table holding_pivot add foreign key (stock) references stocks deferrable initially deferred;
""")
    produce(stack, bench.topic, 5_000)
    bad = {put_bad(bench, stack, partition, holding_stock="BAD") for partition in (1, 4)}
    produce(stack, bench.topic, 5_000, seed=2)
    worker = bench.worker(tolerant(bench))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal(wanted=without(bad))
    assert {origin_of(letter) for letter in letters_of(stack, bench.name + "_dlq")} == bad
    for among, tries in re.findall(r"is the one refused of (\d+): found by (\d+) tries", worker.log()):
        print(f"{tries} tries among {among}")
        assert int(tries) <= int(among).bit_length() + 1
