"""Records that the target refuses, on real servers: exactly those become dead letters, whole, with
Connect's headers, and everything else is written; and what only looks like poison is waited for."""
import json
import random
import re

import pytest

import worker_kit
from pg_proxy import REPLAY_STEPS
from worker_kit import assert_flat, events, produce, produce_message, size, watch_memory


def letters_of(stack, topic):
    """What stands in the topic: kcat's objects, headers as a dictionary."""
    done = worker_kit.subprocess.run(["kcat", "-C", "-e", "-q", "-J", "-b", stack.bootstrap, "-t",
                                      topic], check=True, capture_output=True)
    letters = [json.loads(line.decode(errors="replace")) for line in done.stdout.splitlines()]
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


def written(bench):
    """The origins of all rows."""
    return {tuple(row.split("|")) for row in bench.sql(
        "select distinct kafka_topic, kafka_partition, kafka_offset from holding_pivot")}


def tolerant(bench, **settings):
    return bench.connector(errors__tolerance="all",
                           errors__deadletterqueue__topic__name=bench.name + "_dlq", **settings)


# COPY names the line of the one; the other is found at the commit, which names none.
CONSTRAINTS = {"named": ("alter table holding_pivot add constraint nothing_bad "
                         "check (new_value is distinct from 'BAD')", 3),
               "by halves": ("""
create function at_the_end() returns trigger language plpgsql as $$ begin
    if new.new_value = 'BAD' then
        raise 'nothing_bad' using errcode = 'check_violation', constraint = 'nothing_bad'; end if;
    return null; end $$;
create constraint trigger at_the_end after insert on holding_pivot deferrable initially deferred
    for each row execute function at_the_end()""", 18)}


@pytest.mark.parametrize("how", CONSTRAINTS)
def test_one_bad_record_of_fifty_thousand(bench, stack, how):
    constraint, most = CONSTRAINTS[how]
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql(constraint)
    produce(stack, bench.topic, 25_000)
    bad = put_bad(bench, stack, holding_stock="BAD")
    produce(stack, bench.topic, 24_999, seed=2)
    worker = bench.worker(tolerant(bench, batch__rows__max="100000", flush__interval__ms="5000"))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert bad not in written(bench)
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
    found, = re.findall(r"is the one refused of (\d+): found by (\d+) tries", worker.log())
    assert sum(stack.ends(bench.topic)) == 50_000
    print(f"\n49,999 of 50,000 written, 1 letter; found among {found[0]} by {found[1]} flushes")
    assert int(found[1]) <= most


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


def produce_bytes(stack, topic, partition, key, value, folder):
    """A message of any bytes; its offset."""
    offset = stack.ends(topic)[partition]
    path = folder / "message"
    path.write_bytes(value)
    stack.run("kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", str(partition), "-k", key,
              "-X", "message.max.bytes=20000000", str(path))
    return topic, str(partition), str(offset)


GUARDS = r"""
alter table holding_pivot alter column new_value type varchar(200);
alter table holding_pivot add constraint small check (holding_id::smallint > 0);
alter table holding_pivot add constraint nothing_bad check (new_value is distinct from 'BAD');
create function guard() returns trigger language plpgsql as $$ begin
    if new.new_value = 'RAISE' then raise exception 'guard says no'; end if;
    if new.new_value = 'PUZZLE' then raise exception 'guard is puzzled' using errcode = 'FT001'; end if;
    return new; end $$;
create trigger guard before insert on holding_pivot for each row execute function guard();
"""
UNGUARD = r"""
drop trigger guard on holding_pivot;
alter table holding_pivot drop constraint small, drop constraint nothing_bad;
alter table holding_pivot alter column new_value type text;
"""
# What the target refuses, and what it says.
REFUSED = {"too long": (dict(holding_stock="x" * 201), r"varying\(200\).*22001"),
           "out of range": (dict(holding_id=99999), r"smallint.*22003"),
           "check": (dict(holding_stock="BAD"), r"nothing_bad.*23514"),
           "raises": (dict(holding_stock="RAISE"), r"guard says no.*P0001"),
           "puzzles": (dict(holding_stock="PUZZLE"), r"guard is puzzled.*FT001")}
# What no target can hold, or nobody can read.
HOPELESS = {"nul": json.dumps(one_event(holding_stock="a\0b")[1]).encode(),
            "too many nodes": b'{"op":"c","after":{"a":[' + b"0," * 1_000_000 + b"0]}}",
            "too many columns": json.dumps({"op": "c", "after": {
                f"c{i}": i for i in range(9000)}}).encode(),
            "no UTF-8": b'{"op":"c","after":{"holding_id":1,"s":"\xff\xfe"}}', "no JSON": b"{",
            "too deep": b'{"op":"c","after":' + b'{"a":' * 200 + b"1" + b"}" * 201}
ODD = ["\\.", "\n\\.\n", "\\N", "\r\n", "\t", "\\", '"', "'", "\u2028", "\U0001f600"]


def deadletter(bench, path, *arguments, status=0):
    done = worker_kit.subprocess.run(
        [bench.binary, "deadletter", "-w", str(bench.properties), str(path), *arguments],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def replayed(bench, path, status=0):
    return dict(line.split("=") for line in
                deadletter(bench, path, "replay", status=status).splitlines())


def test_poison_is_left_out_and_replayed_after_the_fix(bench, stack, tmp_path):
    stack.create_topic(bench.topic, max__message__bytes="20000000")
    stack.create_topic(bench.name + "_dlq", 1, max__message__bytes="20000000")
    bench.make_table()
    bench.sql(GUARDS)
    produce(stack, bench.topic, 300)
    for text in ODD:
        put_bad(bench, stack, 0, holding_stock=text)  # they are good
    refused = {name: put_bad(bench, stack, number % 6, **fields)
               for number, (name, (fields, _)) in enumerate(REFUSED.items())}
    hopeless = {name: produce_bytes(stack, bench.topic, 3, '{"holding_id":1}', value, tmp_path)
                for name, value in HOPELESS.items()}
    produce(stack, bench.topic, 300, seed=2)
    path = tolerant(bench)
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bad = {*refused.values(), *hopeless.values()}
    bench.equal(wanted=without(bad))
    letters = {origin_of(letter): letter for letter in letters_of(stack, bench.name + "_dlq")}
    assert set(letters) == bad
    for name, (_, message) in REFUSED.items():
        assert re.search(message, letters[refused[name]]["headers"]["__connect.errors.exception.message"])
    for name, origin in hopeless.items():
        put = name == "nul"
        assert letters[origin]["headers"]["__connect.errors.stage"] == (
            "TASK_PUT" if put else "VALUE_CONVERTER")
    listed = deadletter(bench, path, "list")
    assert f"{len(bad)}  records of {len(bad)} causes" in listed, listed
    topic, partition, offset = refused["check"]
    shown = deadletter(bench, path, "show", f"{topic}[{partition}]@{offset}")
    assert 'holding_stock: null -> "BAD"' in shown or "BAD" in shown
    bench.sql(UNGUARD)
    for turn in range(2):
        counts = replayed(bench, path, status=1)
        assert int(counts["refused"]) == len(hopeless)
        assert int(counts["written"]) == (0 if turn else len(refused))
        bench.equal(wanted=without(set(hopeless.values())))


def start_replay(bench, path):
    return worker_kit.subprocess.Popen([bench.binary, "deadletter", "-w", str(bench.properties),
                                        str(path), "replay"])


def test_replay_that_is_killed_writes_nothing_twice(bench, stack, proxy):
    """At every step of it, and by two at once."""
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad "
              "check (new_value is distinct from 'VFIAX')")
    produce(stack, bench.topic, 1500)
    path = tolerant(bench)
    worker = bench.worker(path)
    bench.caught_up(seconds=90)
    assert worker.stop() == 0, worker.log()
    bad = {origin_of(letter) for letter in letters_of(stack, bench.name + "_dlq")}
    assert len(bad) > 40
    bench.equal(wanted=without(bad))
    bench.sql("alter table holding_pivot drop constraint nothing_bad")
    path, kills = tolerant(bench, connection__uri=bench.uri_by(proxy)), []
    for step in REPLAY_STEPS:
        proxy.arm(step, "kill")
        process = start_replay(bench, path)
        proxy.pid = process.pid
        kills.append((process.wait(60), step))
        assert bad & written(bench) in (set(), bad), step
        bench.equal(wanted=without(bad - written(bench)))
        if step in ("replay sent", "replay's answer lost", "replayed"):
            done = bench.sql("select count(*) from fieldtrail_replay")
            bench.sql("truncate fieldtrail_replay; delete from holding_pivot where (kafka_partition, "
                      "kafka_offset) in (values " + ",".join(
                          f"({partition},{offset})" for _, partition, offset in sorted(bad)) + ")")
            assert done == [str(len(bad))] or step == "replay sent"
    assert {status for status, _ in kills} == {-9}, kills
    proxy.arm("replay not sent", "cut")
    assert start_replay(bench, path).wait(60) == 1  # it ends by itself, and has written nothing
    assert not bad & written(bench)
    two = [start_replay(bench, tolerant(bench)) for _ in range(2)]
    assert {process.wait(60) for process in two} <= {0, 1}
    replayed(bench, path)
    bench.equal()
    again = replayed(bench, path)
    assert again["written"] == "0"
    assert bench.sql("select count(*) from fieldtrail_replay") == [str(len(bad))]
    print(f"\n{len(bad)} letters, {len(kills)} kills, two at once; again {again}; "
          f"{bench.equal()} rows equal")


@pytest.mark.parametrize("step", ["closing query not sent", "closing query sent", "answer lost"])
@pytest.mark.parametrize("mended", [True, False], ids=["mended", "still bad"])
def test_a_letter_whose_flush_is_lost(bench, stack, proxy, step, mended):
    """The letter is there and the worker is killed in the flush that leaves its record out. Where the
    cause is mended by then, the record is written as any other when it is read again; replay must
    not write it too, neither before the connector gets there nor behind it."""
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql("alter table holding_pivot add constraint nothing_bad "
              "check (new_value is distinct from 'BAD')")
    mend = "alter table holding_pivot drop constraint nothing_bad"
    produce(stack, bench.topic, 300)
    bad = put_bad(bench, stack, holding_stock="BAD")
    produce(stack, bench.topic, 300, seed=2)
    proxy.arm(step, "kill", text=b"insert into fieldtrail_left_out")
    worker = bench.worker(tolerant(bench, connection__uri=bench.uri_by(proxy)))
    proxy.pid = worker.process.pid
    assert worker.wait(60) == -9
    path = tolerant(bench)
    assert {origin_of(letter) for letter in letters_of(stack, bench.name + "_dlq")} == {bad}
    # What was under way in the server is over once its locks can be had.
    bench.sql("begin; lock table fieldtrail_offset in exclusive mode; commit")
    passed = bench.stored()[int(bad[1])][0] > int(bad[2])
    assert passed == (step == "answer lost") or step == "closing query sent"
    if mended:
        bench.sql(mend)
        before = replayed(bench, path)
        assert (before["written"], before["not_left_out"]) == (("1", "0") if passed else ("0", "1"))
        assert (bad in written(bench)) == passed
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal(wanted=without(set() if mended else {bad}))
    if not mended:
        bench.sql(mend)
    after = replayed(bench, path)
    assert after["written"] == ("0" if mended else "1")
    assert after["not_left_out"] == ("1" if mended and not passed else "0")
    bench.equal()
    assert replayed(bench, path)["written"] == "0"
    bench.equal()


def test_a_large_record_is_kept_whole(bench, stack, tmp_path):
    """The topic of dead letters does not take it: a person must mend that, and nothing passes it."""
    key, value = (json.dumps(part).encode() for part in one_event(holding_stock="caf\u00e9 " * 400_000))
    stack.create_topic(bench.topic, max__message__bytes="20000000")
    bench.make_table()
    bench.sql("alter table holding_pivot alter column new_value type varchar(200)")
    produce(stack, bench.topic, 500)
    bad = produce_bytes(stack, bench.topic, 2, key.decode(), value, tmp_path)
    produce(stack, bench.topic, 500, seed=2)
    worker = bench.worker(tolerant(bench))
    worker.says("a letter is larger than topic .* takes: raise its max.message.bytes", 60)
    assert int(bad[2]) >= bench.stored()[2][0] and letters_of(stack, bench.name + "_dlq") == []
    stack.set_topic(bench.name + "_dlq", max__message__bytes="20000000")
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal(wanted=without({bad}))
    letters = letters_of(stack, bench.name + "_dlq")
    assert {origin_of(letter) for letter in letters} == {bad}
    assert all(letter["key"].encode() == key and letter["payload"].encode() == value
               for letter in letters)


def test_a_missing_partition_is_waited_for(bench, stack):
    stack.create_topic(bench.topic)
    columns = ", ".join(f"{name} {kind}" for name, kind in worker_kit.COLUMNS)
    bench.sql(f"create table holding_pivot ({columns}, datetime_inserted timestamptz not null) "
              "partition by range (kafka_offset)")
    bench.sql("create table first partition of holding_pivot for values from (0) to (200)")
    bench.sql((worker_kit.TOP / "schemas" / "postgres" / "fieldtrail_offset.sql").read_text())
    # Each attempt reads the backlog again, up to where the batch is full; librdkafka keeps 100,000
    # messages behind that (queued.min.messages), so that many more make memory full from the start.
    produce(stack, bench.topic, 200_000)
    producer = bench.producer(rate=100, seed=2)
    worker = bench.worker(tolerant(bench, table__create="false",
                                   errors__retry__delay__max__ms="5000"))
    worker.says("no partition of relation")
    members = stack.members("connect-" + bench.name)
    samples = watch_memory(worker, size("MISSING_SECONDS", 60))
    assert stack.members("connect-" + bench.name) == members and len(members) == 1
    assert bench.name + "_dlq" not in stack.run("kcat", "-L", "-b", stack.bootstrap).stdout
    bench.sql("create table rest partition of holding_pivot default")
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    tries = worker.log().count("no partition of relation")
    rows = bench.equal()
    print(f"\n{len(samples) / 4:.0f} s, {tries} tries: {assert_flat(samples)}; {rows} rows equal")


@pytest.mark.parametrize("altered, said", [("epoch = epoch + 1", "has claimed .* since"),
                                           ("next_offset = next_offset - 1", "is .* and not")])
def test_positions_that_somebody_altered_are_noticed(bench, stack, altered, said):
    """Nothing but the closing query's two comparisons stands between this and rows that double."""
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 200)
    worker = bench.worker(bench.connector())
    bench.caught_up()
    bench.sql(f"update fieldtrail_offset set {altered}")
    produce(stack, bench.topic, 200, seed=2)
    worker.says(said)
    worker.stop()
