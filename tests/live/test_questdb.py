"""The QuestDB sink against a real QuestDB and a real Kafka: what the log says is in the table once,
after kills, lost answers, tables made anew under it, and people's mistakes.

FIELDTRAIL_QUESTDB_EVENTS and FIELDTRAIL_QUESTDB_KILLS make the test of kills longer."""
import json
import os
import random
import re
import ssl
import subprocess
import time

import pytest

import questdb_kit
import worker_kit
from servers_kit import TOP
from questdb_kit import KEYS, QuestBench, basic, statement_in
from worker_kit import produce, produce_message, wait_until

EVENTS = int(os.environ.get("FIELDTRAIL_QUESTDB_EVENTS", "40000"))
KILLS = int(os.environ.get("FIELDTRAIL_QUESTDB_KILLS", "4"))
SHIPPED = TOP / "connectors" / "holding-questdb.json"


@pytest.fixture(scope="module")
def stack():
    with questdb_kit.start_stack() as started:
        yield started


@pytest.fixture
def bench(stack, binary, tmp_path, request):
    yield from worker_kit.bench_of(stack, binary, tmp_path, request, QuestBench)


def shipped(bench, name, *variables):
    """A script of schemas/questdb, as the program prints it."""
    return bench.stack.run(str(bench.binary), "sql", name, str(SHIPPED), *variables).stdout


def test_plain_run_is_equal_row_for_row(bench, stack):
    """Into the shipped table, by the shipped connector, whose keys are numbers there."""
    bench.quest.sql(shipped(bench, "table", "keys=holding_id LONG, user_id LONG,"))
    bench.create_topic()
    produce(stack, bench.topic, 20_000)
    config = json.loads((TOP / "connectors" / "holding-questdb.json").read_text())["config"]
    worker = bench.worker(bench.connector(**{
        **{key.replace(".", "__"): value for key, value in config.items()},
        "topics": bench.topic, "tasks__max": "2", "connection__uri": bench.quest.url}))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert bench.equal("holding_pivot") > 18_000
    assert bench.quest.sql(
        "select count() from holding_pivot where change_field = 'holding_quantity' and "
        "(old_number <> old_value::double or new_number <> new_value::double or "
        "(old_number is null) <> (old_value is null) or (new_number is null) <> (new_value is null))"
    ) == [[0]]
    assert bench.quest.sql("select count() from holding_pivot where change_field = 'holding_stock' "
                           "and (old_number is not null or new_number is not null)") == [[0]]


def test_kills_leave_every_row_once(bench, stack):
    bench.create_topic()
    chance, front = random.Random(), bench.front()
    front.delay = 0.02  # a worker always has lag, and is mostly in the middle of a flush
    path = bench.connector(table__create="true", batch__rows__max="200", connection__uri=front.url)
    producer = bench.producer(count=EVENTS, rate=2000)
    worker, counted, seen = bench.worker(path), {"worker": 0, "questdb": 0}, 0
    deadline = time.monotonic() + (20 * KILLS + 20) * worker_kit.PATIENCE
    while sum(counted.values()) < KILLS and time.monotonic() < deadline:
        time.sleep(0.05)
        # Whoever is killed has flushed since the last kill, and has more to flush.
        if front.acknowledged == seen or bench.lag() <= 0:
            continue
        time.sleep(chance.random() / 5)
        if counted["worker"] <= counted["questdb"]:
            worker.kill()
            worker = bench.worker(path)
            counted["worker"] += 1
        else:
            stack.control("stop", "questdb", "--immediate")
            time.sleep(chance.random())
            stack.control("start", "questdb")
            counted["questdb"] += 1
        seen = front.acknowledged
    print(f"killed {counted}")
    assert sum(counted.values()) >= KILLS and min(counted.values()) > 0
    assert bench.lag() > 0, "the last kill must fall before the end"
    front.delay = 0
    producer.finish(now=False)
    bench.caught_up(seconds=max(60, EVENTS // 500))
    assert worker.stop() == 0, worker.log()
    print(f"{bench.equal()} rows equal")


def test_two_topics_of_equal_times_and_offsets_lose_nothing(bench, stack):
    topics = [bench.topic + "_a", bench.topic + "_b"]
    for topic in topics:
        bench.create_topic(topic)
        produce(stack, topic, 3000)
    worker = bench.worker(bench.connector(topics=",".join(topics), table__create="true"))
    for bench.topic in topics:
        bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert [bench.equal(topic=topic) > 3000 for topic in topics] == [True, True]


@pytest.mark.parametrize("when", ["between two flushes", "in the middle of one"])
def test_a_table_made_anew_gets_everything_since(bench, stack, when):
    """On a connection that is kept, QuestDB answers 204 for the first rows after that, and has lost
    them."""
    bench.create_topic()
    front = bench.front()
    worker = bench.worker(bench.connector(table__create="true", connection__uri=front.url))
    produce(stack, bench.topic, 2000)
    bench.caught_up()
    before = stack.ends(bench.topic)
    if when.startswith("between"):
        bench.make_again()
    else:
        front.before = [bench.make_again]
    produce(stack, bench.topic, 2000, seed=2)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert bench.equal(wanted=lambda record: record["offset"] >= before[record["partition"]]) > 1000
    assert "made anew" in worker.log()


def test_a_table_made_anew_again_and_again(bench, stack):
    bench.create_topic()
    path = bench.connector(table__create="true", batch__rows__max="300")
    producer, worker = bench.producer(rate=4000), bench.worker(path)
    for _ in range(3):
        wait_until(lambda: bench.quest.sql("select count() from tables() where table_name = "
                                           f"'{bench.table}'") == [[1]]
                   and bench.quest.count(bench.table) > 0, "rows", 30)
        time.sleep(random.random())
        bench.make_again()
    time.sleep(2.5)  # what the group knows by then was flushed into the last table
    start = stack.committed("connect-" + bench.name, bench.topic)
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert sum(stack.ends(bench.topic)) > sum(start)
    questdb_kit.rows_at_least(stack, bench.quest, bench.table, bench.topic, start)


def test_answers_that_are_lost_and_requests_that_break_off(bench, stack):
    bench.create_topic()
    front = bench.front()
    front.faults = [None, "half", "half", None, "answer", "answer", "answer", None, "half", "answer"]
    worker = bench.worker(bench.connector(table__create="true", batch__rows__max="300",
                                          connection__uri=front.url))
    for seed in range(20):
        produce(stack, bench.topic, 1000, seed=seed)
        bench.caught_up()
        if not front.faults:
            break
    assert worker.stop() == 0, worker.log()
    assert not front.faults and bench.equal() > 1000


@pytest.mark.parametrize("seconds", worker_kit.cases([8], [130]))
def test_a_server_that_is_busy_or_says_nothing(bench, stack, seconds):
    """It is asked again, and whoever waits for it stays in the group. A stop does not wait for ever,
    and its exit status tells that a flush was left undone."""
    bench.create_topic()
    front = bench.front()
    front.faults = ["busy", "busy"]
    path = bench.connector(table__create="true", connection__uri=front.url,
                           consumer__override__max__poll__interval__ms="6000")
    worker = bench.worker(path)
    produce(stack, bench.topic, 500)
    bench.caught_up()
    assert not front.faults
    worker.says("answers 503.*trying again")
    front.faults = ["hang"]
    produce(stack, bench.topic, 500, seed=2)
    wait_until(lambda: not front.faults, "the request that hangs")
    time.sleep(seconds)
    assert len(stack.members("connect-" + bench.name)) == 1
    assert ("too slow" in worker.log()) == (seconds > 120)
    began = time.monotonic()
    assert worker.stop() == 1 and "stopped while waiting for 127.0.0.1" in worker.log()
    assert time.monotonic() - began < 15 * worker_kit.PATIENCE  # it waits for 10 s
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0
    assert bench.equal() > 900


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_holds_the_group_back(bench, stack):
    """The server's disk is full in the middle: it refuses rows, or takes them and suspends the table.
    Either way nothing is passed, and all is there once somebody has made room."""
    folder = stack.environment["FIELDTRAIL_DATA"] + "/questdb/db"
    pages = {"QDB_CAIRO_WRITER_DATA_APPEND_PAGE_SIZE": "65536",
             "QDB_CAIRO_WAL_WRITER_DATA_APPEND_PAGE_SIZE": "65536",
             "QDB_CAIRO_O3_COLUMN_MEMORY_SIZE": "65536"}
    stack.control("stop", "questdb", "--immediate")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m", "tmpfs", folder], check=True)
    try:
        stack.environment.update(pages)
        stack.control("start", "questdb")
        bench.create_topic()
        produce(stack, bench.topic, 2000)
        worker = bench.worker(bench.connector(table__create="true"))
        bench.caught_up()
        before = bench.equal()
        subprocess.run(["dd", "if=/dev/zero", f"of={folder}/ballast", "bs=64K"], capture_output=True)
        producer = bench.producer(count=60_000, seed=2)
        said = worker.says(r"is suspended.*RESUME WAL|questdb at \S+ answers 5.*|No space left.*", 60)
        producer.finish(now=False)
        time.sleep(2)
        assert worker.process.poll() is None and bench.lag() > 0
        os.remove(folder + "/ballast")
        subprocess.run(["mount", "-o", "remount,size=2g", folder], check=True)
        time.sleep(1)
        print(said.group()[:300])
        wait_until(lambda: resumed(bench) and bench.lag() == 0, "caught up", 120, pause=1)
        assert worker.stop() == 0, worker.log()
        assert bench.equal() > before + 60_000
    finally:
        for name in pages:
            del stack.environment[name]
        stack.control("stop", "questdb", "--immediate")
        subprocess.run(["umount", folder], check=True)
        stack.control("start", "questdb")


def resumed(bench):
    """What the message asks for, where it does."""
    suspended = bench.quest.sql(f"select suspended from wal_tables() where name = '{bench.table}'")
    if suspended == [[True]]:
        bench.quest.sql(f'alter table "{bench.table}" resume wal')
    return suspended == [[False]]


def test_a_suspended_table_holds_the_group_back(bench, stack):
    bench.create_topic()
    worker = bench.worker(bench.connector(table__create="true"))
    produce(stack, bench.topic, 1000)
    bench.caught_up()
    bench.quest.suspend(bench.table)
    produce(stack, bench.topic, 1000, seed=2)
    said = worker.says(r"is suspended.*RESUME WAL").group()
    time.sleep(2.5)
    assert bench.lag() > 900
    bench.quest.sql(statement_in(said))
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


GOOD = ("event_time timestamp, kafka_topic symbol, kafka_partition int, kafka_offset long, field_no "
        "long, change_field symbol, old_value varchar, new_value varchar, holding_id varchar")
WRONG = {
    "keys": (f"({GOOD}) timestamp(event_time) partition by day wal dedup upsert "
             "keys(event_time, kafka_offset)", "has other deduplication keys"),
    "none": (f"({GOOD}) timestamp(event_time) partition by day wal", "has no deduplication"),
    "column": (f"({GOOD.replace(', old_value varchar', '')}) timestamp(event_time) partition by "
               f"hour wal dedup upsert keys({KEYS})", "has no column old_value"),
    "type": (f"({GOOD.replace('new_value varchar', 'new_value timestamp')}) timestamp(event_time) "
             f"partition by day wal dedup upsert keys({KEYS})", "column new_value is TIMESTAMP"),
    "missing": (None, "does not exist"),
}


def test_wrong_tables_are_named_with_the_statement_that_mends_them(bench, stack):
    bench.create_topic()
    produce(stack, bench.topic, 300)
    settings = {"pivot__columns": "event_time,kafka_topic,kafka_partition,kafka_offset,field_no,"
                                  "change_field,old_value,new_value,holding_id"}
    for name, (ddl, _) in WRONG.items():
        if ddl:
            bench.quest.sql(f"create table wrong_{name} {ddl}")
    worker = bench.worker(*[bench.connector(name, table="wrong_" + name, **settings)
                            for name in WRONG])
    for name, (_, message) in WRONG.items():
        worker.says(f"table wrong_{name}.*{message}")
        part = f"wrong_{name}" if name != "missing" else 'EXISTS "wrong_missing"'
        line = next(line for line in worker.log().splitlines()
                    if part in line and re.search(r"(ALTER|RENAME|CREATE) TABLE", line))
        bench.quest.sql(statement_in(line))
    assert worker.stop() == 0
    worker = bench.worker(*[bench.folder / f"{name}.json" for name in WRONG])
    for name in WRONG:
        bench.caught_up(name)
    assert worker.stop() == 0
    count = {bench.quest.count("wrong_" + name) for name in WRONG}
    assert len(count) == 1 and count.pop() > 300


@pytest.mark.parametrize("ddl, message", [
    ("(ts timestamp, x int) timestamp(ts) partition by day wal",
     "its designated timestamp is ts and not event_time"),
    (f"({GOOD}) timestamp(event_time) partition by day bypass wal", "has no write-ahead log"),
], ids=["designated", "bypass"])
def test_tables_that_must_be_made_anew(bench, stack, ddl, message):
    bench.create_topic()
    produce(stack, bench.topic, 10)
    bench.quest.sql(f"create table \"{bench.table}\" {ddl}")
    worker = bench.worker(bench.connector(table__create="true"))
    said = worker.says(message + ".*").group()
    assert "TABLE \"" + bench.table in said
    assert worker.stop() == 0 and bench.quest.count(bench.table) == 0


def awkward_event(stock, number=7):
    key, value = next(worker_kit.events(random.Random(5)))
    value["after"]["holding_stock"] = stock
    value["after"]["holding_id"] = key["holding_id"] = number
    return key, value


def test_awkward_values_come_back_as_they_were(bench, stack):
    bench.create_topic(partitions=1)
    front = bench.front()
    texts = ["", "a,b=c d", 'quo"te', "back\\slash\\", "\\\"", "tab\t", "cr\rlf\n\r\n", "nul\0nul",
             "\u2028\u2029\ufeff", "\U0001f600\u00e9", "\x01\x1f\x7f", "x" * 1_000_000,
             'x"\n' + f'{bench.table},change_field=evil kafka_offset=1i 1\n', "\\N", "NULL", " "]
    for number, text in enumerate(texts):
        produce_message(stack, bench.topic, 0, *awkward_event(text, number))
    worker = bench.worker(bench.connector(table__create="true", connection__uri=front.url,
                                          connection__gzip="true"))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert bench.equal() == 2 * len(texts)
    assert bench.quest.sql(f'select count() from "{bench.table}" where change_field = \'evil\'') == [[0]]
    assert front.packed > 0


def test_a_text_that_is_none_is_left_out_and_its_neighbours_are_written(bench, stack):
    """Half of a pair of surrogates is no character."""
    bench.create_topic(partitions=1)
    letters = bench.folder / "letters.jsonl"
    for number, text in enumerate(["before", "\ud800", "between", "\udc00x", "after"]):
        produce_message(stack, bench.topic, 0, *awkward_event(text, number))
    worker = bench.worker(bench.connector(table__create="true", errors__tolerance="all",
                                          errors__deadletterqueue__file=str(letters)))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    kept = [json.loads(line) for line in letters.read_text().splitlines()]
    assert [letter["offset"] for letter in kept] == [1, 3]
    assert "lone surrogate" in letters.read_text()
    assert bench.equal(wanted=lambda record: record["offset"] not in (1, 3)) == 6


def produce_capture(stack, topic, capture):
    for line in (TOP / "tests" / "captures" / capture).read_text().splitlines():
        record = json.loads(line)
        headers = zip(record["headers"][::2], record["headers"][1::2])
        subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0", "-K", "\x01",
                        "-Z", *[part for name, value in headers for part in ("-H", f"{name}={value}")]],
                       input=(record["key"] or "") + "\x01" + (record["payload"] or "") + "\n",
                       text=True, check=True, capture_output=True)


@pytest.mark.parametrize("form", ["schema", "plain"])
def test_every_type_comes_back_as_the_same_text(bench, stack, form):
    bench.create_topic(partitions=1)
    produce_capture(stack, bench.topic, f"every_type.{form}.kcat.jsonl")
    settings = {"pivot__keys": "id", "pivot__fields": "*", "pivot__snapshot": "emit"}
    worker = bench.worker(bench.connector(table__create="true", questdb__numbers="true", **settings))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    columns = ["id", "change_field", "old_value", "new_value", "op", "old_known", "kafka_offset",
               "field_no"]
    piped = subprocess.run(
        [bench.binary, "pivot", "--keys", "id", "--fields", "*", "--identity", "full", "--snapshot",
         "emit", "--columns", ",".join(columns), "--format", "jsonl"], check=True, text=True,
        capture_output=True, input=stack.topic(bench.topic, "-J")).stdout
    want = [[str(row["id"]), *list(row.values())[1:]] for row in map(json.loads, piped.splitlines())]
    bench.quest.settled(bench.table)
    found = bench.quest.sql(f'select {", ".join(columns)} from "{bench.table}"')
    assert len(want) > 80 and sorted(found, key=str) == sorted(want, key=str)
    numbers = bench.quest.sql("select new_value, new_number from \"%s\" where new_number is not null"
                              % bench.table)
    assert numbers and all(float(text) == number for text, number in numbers)


def test_a_refused_record_is_named_and_its_neighbours_are_written(bench, stack):
    bench.create_topic(partitions=2)
    front, letters = bench.front(), bench.folder / "letters.jsonl"
    produce(stack, bench.topic, 3000)
    bad = stack.ends(bench.topic, 2)
    for partition in (0, 1):
        produce_message(stack, bench.topic, partition, *awkward_event("BAD"))
    produce(stack, bench.topic, 3000, seed=2)
    front.refuse = b"BAD"
    path = bench.connector(table__create="true", connection__uri=front.url)
    worker = bench.worker(path)
    assert worker.wait(30) == 1
    assert re.search(bench.topic + r"\[(0\]@%d|1\]@%d)\b.*the front does not like it" % tuple(bad),
                     worker.log()), worker.log()
    path = bench.connector(table__create="true", connection__uri=front.url, errors__tolerance="all",
                           errors__deadletterqueue__file=str(letters))
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal(wanted=lambda record: record["offset"] != bad[record["partition"]])
    kept = {(record["partition"], record["offset"])
            for record in map(json.loads, letters.read_text().splitlines())}
    assert kept == {(0, bad[0]), (1, bad[1])}


@pytest.mark.parametrize("ts_us, shown", [(-1, "1969-12-31T23:59:59.999999Z"),
                                          (253402300800000000, "10000-01-01"),
                                          (9223372036825200000, "294247-01-10")])
def test_times_that_questdb_cannot_hold_are_the_records_fault(bench, stack, ts_us, shown):
    bench.create_topic(partitions=1)
    key, value = awkward_event("A")
    value["source"].update(ts_us=ts_us, ts_ms=ts_us // 1000, ts_ns=None)
    produce_message(stack, bench.topic, 0, key, value)
    worker = bench.worker(bench.connector(table__create="true"))
    assert worker.wait(30) == 1
    said = worker.log()
    assert f"{bench.topic}[0]@0" in said and shown in said and "1970 to 9999" in said


def certificate(folder):
    """For 127.0.0.1, signed by itself."""
    names = [str(folder / "key.pem"), str(folder / "ca.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", names[0],
                    "-out", names[1], "-days", "2", "-subj", "/CN=test", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(names[1], names[0])
    return context, names[1]


def test_tls_tokens_and_passwords(bench, stack):
    bench.create_topic()
    produce(stack, bench.topic, 300)
    context, authority = certificate(bench.folder)
    token, user = bench.front(context=context), bench.front(context=context)
    token.authorization = "Bearer s3cret-token"
    user.authorization = basic("ann", "p@ss:w")
    with_token = {"connection__uri": token.url, "connection__ca__file": authority,
                  "connection__token": "${file:%s:token}" % (bench.folder / "secrets")}
    (bench.folder / "secrets").write_text("token=s3cret-token\n")
    with_user = {"connection__uri": user.url, "connection__ca__file": authority,
                 "connection__user": "ann", "connection__password": "p@ss:w"}
    in_uri = {"connection__uri": user.url.replace("//", "//ann:p%40ss%3Aw@"),
              "connection__ca__file": authority}
    cases = {"token": with_token, "user": with_user, "uri": in_uri,
             "untrusted": {**with_token, "connection__ca__file": None},
             "wrong": {**with_user, "connection__password": "wr0ng-one"}}
    worker = bench.worker(*[bench.connector(name, table="secure_" + name, table__create="true", **case)
                            for name, case in cases.items()])
    for name in ("token", "user", "uri"):
        bench.caught_up(name)
        bench.equal("secure_" + name)
    worker.says("answers 401")
    worker.says("connection.ca.file")
    assert worker.stop() == 0
    for secret in ("s3cret-token", "p@ss", "p%40ss", "wr0ng"):
        assert secret not in worker.log()
    assert token.connections < 20, "connections are kept"


def test_one_topic_into_several_targets(bench, stack):
    bench.create_topic()
    produce(stack, bench.topic, 5000)
    produce(stack, bench.topic, 5000, seed=2, table="wallet")
    postgres = worker_kit.Bench(stack, bench.binary, bench.folder, bench.name + "_pg")
    postgres.topic = bench.topic
    worker = bench.worker(postgres.connector("into_postgres"),
                          bench.connector("into_one", table="several_one", table__create="true"),
                          bench.connector("into_each", table="several/${table}", table__create="true"))
    postgres.caught_up("into_postgres")
    for name in ("into_one", "into_each"):
        bench.caught_up(name)
    assert worker.stop() == 0, worker.log()
    postgres.equal()
    bench.equal("several_one")
    for table in ("holding", "wallet"):
        bench.equal("several_" + table, wanted=lambda record, name=table: record["payload"]
                    and f'"table":"{name}"' in record["payload"])


def test_names_that_fall_together_are_refused(bench, stack):
    bench.create_topic()
    produce(stack, bench.topic, 10)
    produce(stack, bench.topic, 10, table="hold:ing")
    produce(stack, bench.topic, 10, table="hold/ing")
    worker = bench.worker(
        bench.connector("columns", table="names", table__create="true",
                        pivot__columns="a-b=op,A.B=lsn,new_value"),
        bench.connector("tables", table="${table}", table__create="true"))
    worker.says(r"column A\.B would be A_B in QuestDB, which another column is")
    worker.says(r"hold.ing and hold.ing would both be hold_ing in QuestDB")
    assert worker.stop() == 0


def test_a_server_that_is_not_there_is_waited_for(bench, stack):
    """That it goes on once the server is there, the test of kills shows."""
    bench.create_topic()
    produce(stack, bench.topic, 300)
    worker = bench.worker(bench.connector(table__create="true", connection__uri="http://127.0.0.1:1"))
    worker.says("127.0.0.1:1: .*(Connection refused|Couldn't connect).*trying again")
    assert worker.stop() == 0 and bench.lag() > 0


def statements(script):
    """The statements of a script, by the comment line in front of each."""
    found = {}
    for part in script.split(";\n"):
        lines = part.strip().splitlines()
        title = [line[3:] for line in lines if line.startswith("-- ")]
        text = "\n".join(line for line in lines if not line.startswith("--"))
        if text.strip():
            found[title[-1]] = text
    return found


def test_the_shipped_questions(bench, stack, monkeypatch):
    """The tutorial's own events, by the shipped connector; the answers are worked out by hand."""
    topic = "bankserver1.bank.holding"
    bench.quest.sql("drop table if exists holding_pivot")
    bench.create_topic(topic, 1)
    produce_capture(stack, topic, "tutorial.schema.kcat.jsonl")
    monkeypatch.setenv("FIELDTRAIL_QUESTDB_URL", bench.quest.url)
    worker = bench.worker(TOP / "connectors" / "holding-questdb.json")
    bench.name, bench.topic = "holding-questdb", topic
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.quest.settled("holding_pivot")
    # 1000 bought before the connector ran, its quantity from 10 to 100; 1001 and 1002 bought, both
    # sold; 1003 bought, its quantity from 100 to 10.
    assert bench.quest.count("holding_pivot") == 12
    ask = statements(shipped(bench, "tutorial-questions", "from=2020-01-01", "until=2030-01-01",
                             "at=2026-11-21T01:10:50.175300Z"))
    answers = [bench.quest.sql(text) for text in ask.values()]
    hour, second = "2026-11-21T01:00:00.000000Z", "2026-11-21T01:10:50."
    assert answers == [
        [["1", 0, 1], ["2", 1, 1], ["3", 1, 2]],
        [["SP500", 2]],
        [[hour, "holding_quantity", 7], [hour, "holding_stock", 5]],
        [["1000", "holding_quantity", "100", "u", second + "175210Z"],
         ["1001", "holding_quantity", None, "d", second + "175634Z"],
         ["1001", "holding_stock", None, "d", second + "175634Z"],
         ["1002", "holding_quantity", None, "d", second + "175498Z"],
         ["1002", "holding_stock", None, "d", second + "175498Z"],
         ["1003", "holding_quantity", "10", "u", second + "176382Z"],
         ["1003", "holding_stock", "VTSAX", "c", second + "175997Z"]],
        [["1000", 100.0, second + "175210Z"], ["1001", 1.0, second + "173153Z"],
         ["1002", 1.0, second + "173790Z"]],
        [[second + "175210Z", "1000", None, 10.0, 100.0],
         [second + "176382Z", "1003", "VTSAX", 100.0, 10.0]],
    ]


def say(stack, topic):
    """The messages of tests/captures, as they were caught."""
    caught = (TOP / "tests" / "captures" / "message.schema.kcat.jsonl").read_text().splitlines()
    text = "".join(json.loads(line)["payload"] + "\n" for line in caught)
    subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0"], check=True,
                   input=text.encode())


@pytest.mark.parametrize("made_by", ["table.create", "script"])
def test_logical_messages_have_a_table_of_their_own(bench, stack, made_by):
    said, topic = f"{bench.table}_said", f"{bench.topic}.message"
    path = bench.connector(topics=topic, message__table=said,
                           table__create=str(made_by == "table.create").lower())
    if made_by == "script":
        bench.quest.sql(stack.run(str(bench.binary), "sql", "fieldtrail_message", str(path)).stdout)
    stack.create_topic(topic, 1)
    for expected in 2, 4:
        say(stack, topic)
        worker = bench.worker(path)
        wait_until(lambda: stack.committed("connect-" + bench.name, topic, 1) == [expected],
                   "the messages are committed")
        assert worker.stop() == 0, worker.log()
    # and all of it once more
    bench.worker(bench.connector(f"{bench.name}_again", topics=topic, message__table=said))
    wait_until(lambda: stack.committed(f"connect-{bench.name}_again", topic, 1) == [4],
               "the messages are read again")
    bench.quest.settled(said)
    assert bench.quest.sql(f"select kafka_offset, tx_id, prefix, content, event_time from \"{said}\" "
                           "order by kafka_offset") == [
        [offset, None if offset % 2 else "90531", "audit",
         "not transactional" if offset % 2 else '{"user":"alice","reason":"ticket 42"}',
         "2026-11-21T00:28:58.089910Z"] for offset in range(4)]
