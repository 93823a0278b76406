"""check and offsets against real servers: what they say of good and of broken set-ups, and where a
run that follows goes on."""
import json
import re
import struct
import subprocess
import tempfile
import time

import pytest

import worker_kit
from servers_kit import TOP
from worker_kit import pack_list, pack_text, produce, wait_until


def command(bench, name, *arguments, properties=None):
    return subprocess.run([bench.binary, name, "-w", properties or bench.properties,
                           *map(str, arguments)], text=True, capture_output=True, timeout=60,
                          env=bench.stack.environment)


# ---- offsets ----

def positions(bench, path):
    """partition -> the cells of `offsets list`, by their heads."""
    run = command(bench, "offsets", path, "list")
    assert run.returncode == 0, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    return {int(cells[1]): dict(zip(lines[0], cells)) for cells in lines[1:]}


def delivered(bench, path):
    """One run until everything is read."""
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0, worker.log()


def offsets_of(bench, partition):
    rows = bench.sql("select distinct kafka_offset from holding_pivot where kafka_partition = "
                     f"{partition} order by 1")
    return [int(row) for row in rows]


def test_offsets_set_moves_a_stopped_connector_and_the_next_run_starts_there(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 600)
    ends, path = stack.ends(bench.topic), bench.connector()
    before = positions(bench, path)
    assert [before[i]["LOG-END"] for i in before] == [str(end) for end in ends]
    assert {before[i]["STORED"] for i in before} == {before[i]["GROUP"] for i in before} == {"-"}
    assert bench.sql("select to_regclass('fieldtrail_offset') is null") == ["t"]  # list makes nothing

    worker = bench.worker(path)
    bench.caught_up()
    wait_until(lambda: positions(bench, path)[0]["GROUP"] == str(ends[0]), "the group's offset")
    refused = command(bench, "offsets", path, "set", f"{bench.topic}:0=3")
    assert refused.returncode == 1
    assert "the connector runs" in refused.stderr and "1 member;" in refused.stderr
    assert bench.stored()[0][0] == ends[0]
    assert worker.stop() == 0

    there = positions(bench, path)
    assert [(there[i]["STORED"], there[i]["LAG"]) for i in there] == [(str(end), "0") for end in ends]
    assert {there[i]["WORKER"] for i in there} == {worker.id}
    assert all(re.fullmatch(r"\d{4}-.*Z", there[i]["RECORD-TIME"]) for i in there)
    bench.sql("delete from holding_pivot")
    epoch = bench.stored()[2][1]
    moved = command(bench, "offsets", path, "set", f"{bench.topic}:2={ends[2] - 7}",
                    f"{bench.topic}:4={ends[4] - 1}")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout.splitlines() == [f"{bench.topic}:2={ends[2] - 7}",
                                         f"{bench.topic}:4={ends[4] - 1}"]
    assert bench.stored()[2][:2] == (ends[2] - 7, epoch + 1)
    assert bench.sql("select record_time, held_offset from fieldtrail_offset where partition = 2") \
        == ["|"]
    assert stack.committed("connect-" + bench.name, bench.topic) == [
        end - {2: 7, 4: 1}.get(i, 0) for i, end in enumerate(ends)]
    delivered(bench, path)
    bench.equal(wanted=lambda record: record["offset"] >= {
        2: ends[2] - 7, 4: ends[4] - 1}.get(record["partition"], ends[record["partition"]]))


@pytest.mark.parametrize("argument, message", [
    ("{topic}:0={beyond}", "outside the log: say a number from 0 to"),
    ("{topic}:0=-1", "outside the log"),
    ("{topic}:77=0", "has no partition 77"),
    ("elsewhere:0=0", "reads no topic elsewhere"),
    ("{topic}=0", "expected TOPIC:PARTITION=OFFSET"),
    ("{topic}:0=x", "expected TOPIC:PARTITION=OFFSET"),
    ("{topic}:0", "expected TOPIC:PARTITION=OFFSET"),
], ids="beyond negative partition topic no_partition no_number no_offset".split())
def test_offsets_that_cannot_be_are_refused_and_nothing_moves(bench, stack, argument, message):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 100)
    ends, path = stack.ends(bench.topic), bench.connector()
    delivered(bench, path)
    before = bench.stored()
    # The first is good: it must not move either.
    run = command(bench, "offsets", path, "set", f"{bench.topic}:1=0",
                  argument.format(topic=bench.topic, beyond=ends[0] + 1))
    assert run.returncode == 2
    assert message in run.stderr
    assert bench.stored() == before
    assert stack.committed("connect-" + bench.name, bench.topic) == ends


def test_offsets_reset_means_what_auto_offset_reset_says_now(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 600)
    ends, path = stack.ends(bench.topic), bench.connector()
    delivered(bench, path)
    middle = time.time()
    time.sleep(0.05)
    produce(stack, bench.topic, 300, seed=2)
    later, starts = stack.ends(bench.topic), [end // 3 for end in ends]
    stack.delete_records(bench.topic, starts)

    def reset(*arguments):
        run = command(bench, "offsets", path, "reset", *arguments)
        assert run.returncode == 0, run.stderr
        return [bench.stored()[i][0] for i in range(len(ends))]

    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle)) + f".{int(middle % 1 * 1000):03}Z"
    assert reset("--to-latest") == later
    assert reset("--to-datetime", when) == ends
    assert reset(f"{bench.topic}:3") == ends[:3] + [starts[3]] + ends[4:]
    assert reset() == starts
    path = bench.connector(auto__offset__reset="latest")
    assert reset(bench.topic) == later
    assert reset("--to-earliest") == starts
    path = bench.connector(auto__offset__reset="none")
    run = command(bench, "offsets", path, "reset")
    assert run.returncode == 2 and "--to-earliest" in run.stderr
    bench.sql("delete from holding_pivot")
    delivered(bench, bench.connector())
    bench.equal()  # of what the log still holds


def test_the_remedy_of_a_restored_target_works_as_printed(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 300)
    delivered(bench, bench.connector())
    bench.uri = stack.database(bench.name + "_2")
    bench.make_table()
    path = bench.connector()
    worker = bench.worker(path)
    said = worker.says(r"fieldtrail offsets CONNECTOR\.json set (\S+)=OFFSET").group(1)
    worker.stop()
    assert re.fullmatch(bench.topic + r":\d", said)
    checked = command(bench, "check", path)
    assert checked.returncode == 1
    assert re.search("^fail  positions: .*other or restored target", checked.stdout, re.M)
    run = command(bench, "offsets", path, "reset")
    assert run.returncode == 0, run.stderr
    delivered(bench, path)
    bench.equal()


# ---- check ----

def check(bench, *paths, properties=None):
    run = command(bench, "check", *paths, properties=properties)
    lines = run.stdout.splitlines()
    assert all(re.match("(ok|warn|fail) ", line) for line in lines), run.stdout
    assert run.stderr == "", run.stderr
    # The exit status follows from the findings.
    if run.returncode != 2:
        assert run.returncode == any(line.startswith("fail") for line in lines)
    return run.returncode, lines


def bad(lines, level="fail"):
    return [line.split(None, 1)[1] for line in lines if line.startswith(level)]


def good_bench(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 200)
    bench.make_table()
    return bench


def test_check_of_a_good_setup_finds_nothing_and_changes_nothing(bench, stack):
    good_bench(bench, stack)
    status, lines = check(bench, bench.connector(table__create="false"))
    assert status == 0, lines
    assert bad(lines) == bad(lines, "warn") == []
    assert any(re.search(r"rows of the topics' last events were tried, and taken back", line)
               for line in lines)
    assert bench.sql("select count(*) from holding_pivot") == ["0"]
    assert bench.sql("select count(*) from fieldtrail_offset") == ["0"]
    assert stack.committed("connect-" + bench.name, bench.topic) == [-1] * 6


def test_check_before_the_tables_are_made(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 200)
    status, lines = check(bench, bench.connector())
    assert status == 0 and sum("table.create=true makes it" in line for line in lines) == 2
    assert bench.sql("select count(*) from pg_class where relname in ('holding_pivot', "
                     "'fieldtrail_offset')") == ["0"]
    status, lines = check(bench, bench.connector(table__create="false"))
    assert status == 1
    assert [re.search(r"table (\w+) is not there; run", text).group(1) for text in bad(lines)] == [
        "fieldtrail_offset", "holding_pivot"]


BROKEN_TARGETS = {
    "no such column": ("alter table holding_pivot drop column lsn",
                       r"has no column lsn; alter table holding_pivot add column lsn"),
    "wrong type": ("alter table holding_pivot alter column old_known type integer using 1",
                   r"column old_known of holding_pivot is integer, .*type boolean"),
    "wrong type of a time": ("alter table holding_pivot alter column event_time type date",
                             r"column event_time of holding_pivot is date, .*type timestamp with"),
    "wrong type of a key": ("alter table holding_pivot alter column holding_id type date using null",
                            r"were tried and are refused: .*invalid input syntax for type date"),
    "not null": ("alter table holding_pivot alter column old_value set not null",
                 r"column old_value of holding_pivot is NOT NULL, .*drop not null"),
    "another column": ("alter table holding_pivot add column note text not null",
                       r"column note of holding_pivot is NOT NULL and gets no value"),
    "constraint": ("alter table holding_pivot add constraint only_u check (op = 'u')",
                   r"were tried and are refused: .*only_u"),
    "trigger": ("create function no() returns trigger language plpgsql as $$ begin raise 'no'; "
                "end $$; create trigger no before insert on holding_pivot execute function no()",
                r"were tried and are refused: .*no"),
    "no right to insert": ("grant select on holding_pivot to $role",
                           r"user \w+ lacks the right to insert into column holding_id"),
    # to insert is all that a writer needs
    "no right on positions": ("grant insert on holding_pivot to $role; "
                              "revoke update on fieldtrail_offset from $role",
                              r"lacks the right to update fieldtrail_offset; grant"),
    "read-only": ("grant select, insert on holding_pivot to $role; "
                  "alter role $role set default_transaction_read_only = on",
                  r"the session is read-only"),
}


@pytest.mark.parametrize("mistake", BROKEN_TARGETS)
def test_check_names_what_is_wrong_with_the_target(bench, stack, mistake):
    statement, message = BROKEN_TARGETS[mistake]
    good_bench(bench, stack)
    role = bench.name.lower()[-50:].strip("_")
    settings = {"table__create": "false"}
    if "$role" in statement:
        bench.sql(f"create role {role} login; "
                  f"grant select, insert, update on fieldtrail_offset to {role}")
        settings["connection__uri"] = bench.uri_as(role)
    bench.sql(statement.replace("$role", role))
    status, lines = check(bench, bench.connector(**settings))
    assert status == 1, lines
    assert any(re.search("^target: .*" + message, text) for text in bad(lines)), lines
    assert bench.sql("select count(*) from holding_pivot") == ["0"]


def test_check_names_what_is_lost_in_a_crash(bench, stack):
    good_bench(bench, stack)
    bench.sql(f"alter database {bench.name} set synchronous_commit = off")
    status, lines = check(bench, bench.connector())
    assert status == 0
    assert [text for text in bad(lines, "warn") if "synchronous_commit=off" in text]


def test_check_of_a_server_that_is_not_there(bench, stack):
    good_bench(bench, stack)
    status, lines = check(bench, bench.connector(connection__uri="postgresql://127.0.0.1:1/x"))
    assert status == 1
    assert [text for text in bad(lines) if re.search("^target: .*refused", text)] == bad(lines)
    status, lines = check(bench, bench.connector(connection__uri=bench.uri + "_not"))
    assert status == 1 and "does not exist" in bad(lines)[0]


def test_check_of_a_wrong_password_and_of_secrets(bench, stack):
    from test_worker import require_password
    good_bench(bench, stack)
    bench.sql("create role locked login password 'right'")
    require_password(stack, "locked")
    status, lines = check(bench, bench.connector(connection__uri=bench.uri_as("locked", "wr0ng")))
    assert status == 1
    assert re.search('^target: .*password authentication failed for user "locked"', bad(lines)[0])
    assert any("connection.uri" in text and "${env:NAME}" in text for text in bad(lines, "warn"))
    assert not any("wr0ng" in line for line in lines)
    status, lines = check(bench, bench.connector(connection__uri="${env:FIELDTRAIL_PG_URI}"))
    assert not any("is a secret" in line for line in lines)


def test_check_of_brokers_that_are_not_there(bench):
    bench.properties.write_text("bootstrap.servers=127.0.0.1:1\nconsumer.sasl.password=hidden\n")
    began = time.monotonic()
    status, lines = check(bench, bench.connector())
    assert status == 1 and time.monotonic() - began < 20
    assert re.search(r"^brokers 127\.0\.0\.1:1: .*refused.*; start Kafka, or correct bootstrap", bad(lines)[0])
    assert re.search(r"consumer\.sasl\.password in .*worker\.properties is a secret", "\n".join(lines))
    assert not any("hidden" in line for line in lines)
    assert any("target: database" in line for line in lines)  # the rest is looked at all the same


def test_check_of_brokers_that_speak_otherwise(bench, stack):
    bench.properties.write_text(f"bootstrap.servers={stack.bootstrap}\n"
                                "consumer.security.protocol=SASL_PLAINTEXT\n"
                                "consumer.sasl.mechanism=PLAIN\nconsumer.sasl.username=a\n"
                                "consumer.sasl.password=${env:HOME}\n")
    status, lines = check(bench, bench.connector())
    assert status == 1 and re.search("^brokers .*(SASL|security.protocol)", bad(lines)[0]), lines


def test_check_of_topics(bench, stack):
    stack.create_topic(bench.topic)
    status, lines = check(bench, bench.connector(topics=bench.topic[:-1]))
    assert status == 1
    assert f"topic {bench.topic[:-1]}: it is not there, but there is {bench.topic}; " in bad(lines)[0]
    status, lines = check(bench, bench.connector())
    assert status == 0 and any("events: there are none yet" in text for text in bad(lines, "warn"))
    status, lines = check(bench, bench.connector(topics=None, topics__regex="nothing_of.*this"))
    assert status == 0 and any("topics.regex matches none" in text for text in bad(lines, "warn"))
    status, lines = check(bench, bench.connector(topics=None, topics__regex=bench.topic[:-2] + ".+"))
    assert any(f"topic {bench.topic}: 6 partitions" in line for line in lines)


def set_topic(stack, topic, **settings):
    """AlterConfigs of Kafka's protocol."""
    pairs = [pack_text(name.replace("_", ".")) + pack_text(value) for name, value in settings.items()]
    stack.ask(33, 0, pack_list([struct.pack(">b", 2) + pack_text(topic) + pack_list(pairs)])
              + struct.pack(">?", False))


def test_check_of_a_topic_that_forgets(bench, stack):
    good_bench(bench, stack)
    set_topic(stack, bench.topic, cleanup_policy="compact")
    _, lines = check(bench, bench.connector())
    assert any("cleanup.policy=compact" in text for text in bad(lines, "warn")), lines
    set_topic(stack, bench.topic, cleanup_policy="delete", retention_ms="7200000")
    _, lines = check(bench, bench.connector())
    assert any("within 2.0 hours is lost" in text for text in bad(lines, "warn")), lines
    stack.delete_records(bench.topic, [3] * 6)
    _, lines = check(bench, bench.connector())
    assert any("the first 18 records" in text for text in bad(lines, "warn")), lines


def test_check_of_dead_letters(bench, stack, tmp_path):
    good_bench(bench, stack)
    name = "errors__deadletterqueue__topic__name"
    _, lines = check(bench, bench.connector(errors__tolerance="all", **{name: "letters"}))
    assert any(line.endswith("dead letters: topic letters is made with the first one") for line in lines)
    stack.create_topic("letters", 1)
    status, lines = check(bench, bench.connector(errors__tolerance="all", **{name: "letters"}))
    assert status == 0 and any(line.endswith("dead letters: topic letters is there") for line in lines)
    _, lines = check(bench, bench.connector(**{name: "letters"}))
    assert any("errors.tolerance=none" in text for text in bad(lines, "warn"))
    status, lines = check(bench, bench.connector(errors__tolerance="all", **{name: bench.topic}))
    assert status == 1 and "dead letters: the connector reads the topic" in bad(lines)[0]
    status, lines = check(bench, bench.connector(
        errors__tolerance="all", errors__deadletterqueue__file=str(tmp_path / "not" / "there")))
    assert status == 1 and "cannot be written" in bad(lines)[0]


@pytest.mark.parametrize("settings, message", [
    (dict(errors__tolerance="all"), "errors.tolerance=all needs errors.deadletterqueue"),
    (dict(pivot__feilds="a"), "pivot.feilds.*pivot.fields"),
    (dict(pivot__fields=None), "no fields to pivot"),
    (dict(connection__uri="${env:NOT_THERE_AT_ALL}"), "NOT_THERE_AT_ALL"),
    (dict(errors__tolerance="some"), "errors.tolerance=some"),
    (dict(topics=None), "either topics or topics.regex"),
    (dict(replica__identity="most"), "replica.identity=most|replica.identity"),
    (dict(connector__class="NoSink"), "PostgresSink"),
    (dict(consumer__override__nonsense="1"), "nonsense"),
    (dict(consumer__override__enable__auto__commit="true"), "enable.auto.commit"),
])
def test_check_of_configurations_that_cannot_be_used(bench, settings, message):
    status, lines = check(bench, bench.connector(**settings))
    assert status == 2, lines
    assert len(bad(lines)) == 1 and re.search("^configuration: .*(" + message + ")", bad(lines)[0])


def test_check_of_several_connectors_names_each(bench, stack):
    good_bench(bench, stack)
    first, second = bench.connector("first"), bench.connector("second", pivot__fields=None)
    status, lines = check(bench, first, second)
    assert status == 2
    assert {line.split()[1] for line in lines} == {f"{first}:", f"{second}:"}


# ---- the events' form ----

def put(stack, topic, *pairs):
    """Messages as they are; None is a null, and a key of None is none."""
    for key, value in pairs:
        arguments = ["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0"]
        if key is not None:
            arguments += ["-k", key]
        with tempfile.NamedTemporaryFile() as file:  # kcat takes a whole file for one message
            file.write(value)
            file.flush()
            subprocess.run([*arguments, file.name], check=True, capture_output=True)


def captured(name):
    for line in (TOP / "tests" / "captures" / name).read_text().splitlines():
        record = json.loads(line)
        if record["payload"] is not None:
            yield record["key"], record["payload"].encode()


def form(bench, stack, messages, **settings):
    stack.create_topic(bench.topic)
    put(stack, bench.topic, *messages)
    settings = {"pivot__fields": "*", "pivot__keys": None, "replica__identity": None, **settings}
    return check(bench, bench.connector(**settings))


def test_check_of_events_with_defaults_that_hide_nulls(bench, stack):
    _, lines = form(bench, stack, captured("null_default.schema.kcat.jsonl"))
    assert any("replace.null.with.default=false" in text for text in bad(lines, "warn")), lines


def test_check_of_events_without_old_values(bench, stack):
    _, lines = form(bench, stack, captured("ident_default.schema.kcat.jsonl"))
    warned = "\n".join(bad(lines, "warn"))
    assert re.search("updates come without old values; .*replica identity full", warned), lines
    assert re.search(r"large values of \w+ come only when they change", warned), lines


def test_check_of_full_events_warns_of_nothing_of_the_kind(bench, stack):
    status, lines = form(bench, stack, captured("tutorial.schema.kcat.jsonl"))
    assert status == 0 and bad(lines, "warn") == [], lines


PLAIN = ('{"before":null,"after":{"id":1,"price":"CpY=","name":"VFIAX"},"source":{"schema":"s",'
         '"table":"t","ts_ms":1},"op":"c","ts_ms":1}')


def test_check_of_decimals_without_schema(bench, stack):
    _, lines = form(bench, stack, [('{"id":1}', PLAIN.encode())])
    assert any(re.search(r"s\.t: price look.*pivot\.type\.COLUMN", text) for text in bad(lines, "warn"))
    assert not any("name" in text for text in bad(lines, "warn"))
    assert any("events of s.t: without schema" in line for line in lines)


BAD_FORMS = {
    "a row alone": (b'{"id":1,"name":"x"}', "no Debezium event"),
    "avro": (b"\0\0\0\0\1\2\3\4", "JsonConverter"),
    "no JSON": (b"hello", "not JSON"),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_check_of_events_that_are_none(bench, stack, name):
    value, message = BAD_FORMS[name]
    status, lines = form(bench, stack, [('{"id":1}', PLAIN.encode()), ('{"id":1}', value)])
    assert status == 1
    assert re.search(rf"^events: .*{bench.topic}\[0\]@1: .*{message}.* \(1 of the last 2 records\)",
                     bad(lines)[0]), lines


def test_check_of_events_without_keys(bench, stack):
    status, lines = form(bench, stack, captured("no_key.schema.kcat.jsonl"))
    assert status == 1 and any("pivot.keys" in text for text in bad(lines)), lines
    assert any("have no message key" in text for text in bad(lines, "warn")), lines


def test_check_of_fields_that_no_event_has(bench, stack):
    _, lines = form(bench, stack, captured("tutorial.schema.kcat.jsonl"),
                    pivot__fields="holding_stock,holding_quanttity")
    assert any(re.search("has no field holding_quanttity; it has .*holding_quantity", text)
               for text in bad(lines, "warn")), lines


# ---- the source database ----

IDENTITIES = {
    "full": ("alter table bank.holding replica identity full", "ok", "=full$"),
    "default": ("alter table bank.holding replica identity default", "warn",
                "IDENTITY DEFAULT.*ALTER TABLE bank.holding REPLICA IDENTITY FULL.*=default$"),
    "nothing": ("alter table bank.holding replica identity nothing", "warn",
                "IDENTITY NOTHING.*ALTER TABLE bank.holding REPLICA IDENTITY FULL"),
    "index": ("create unique index pair on bank.holding (user_id, holding_id); "
              "alter table bank.holding replica identity using index pair", "warn",
              r"USING INDEX.*=index\(user_id,holding_id\)$"),
}


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("configured", [None, "full"], ids=["auto", "believed"])
def test_check_reads_the_replica_identity(bench, stack, identity, configured):
    statement, level, message = IDENTITIES[identity]
    source = stack.database(bench.name + "_source")
    worker_kit.sql(source, "create schema bank; create table bank.holding (holding_id int primary "
                           "key, user_id int not null, price numeric(5,2)); " + statement)
    status, lines = form(bench, stack, captured("tutorial.schema.kcat.jsonl"),
                         source__connection__uri=source, replica__identity=configured)
    if configured and identity != "full":
        level = "fail"
    said = [text for text in bad(lines, level) if text.startswith("source: bank.holding ")]
    assert len(said) == 1 and (level == "fail" or re.search(message, said[0])), lines
    assert "replica.identity.bank.holding=" in said[0]
    assert status == (level == "fail")


def test_check_tells_types_that_schemaless_events_have_lost(bench, stack):
    source = stack.database(bench.name + "_source")
    worker_kit.sql(source, "create schema s; create table s.t (id int primary key, price "
                           "numeric(5,2), name text, at timestamptz); "
                           "alter table s.t replica identity full")
    settings = {"source__connection__uri": source, "pivot__fields": "price,name"}
    _, lines = form(bench, stack, [('{"id":1}', PLAIN.encode())], **settings)
    said = [text for text in bad(lines, "warn") if text.startswith("source:")]
    assert len(said) == 1 and said[0].endswith("configure pivot.type.price=numeric(5,2)"), lines


def source_event(**columns):
    return json.dumps({"before": None, "after": dict({"id": 1}, **columns), "op": "c", "ts_ms": 1,
                       "source": {"schema": "s", "table": "t", "ts_ms": 1}}).encode()


def check_source(bench, stack, ddl, *events, **settings):
    """Warnings and failures about the source database, where s.t is made so."""
    source = stack.database(bench.name + "_source")
    worker_kit.sql(source, "create schema s; " + ddl + "; alter table s.t replica identity full")
    _, lines = form(bench, stack, [('{"id":1}', event) for event in events], source__connection__uri=source, **settings)
    return [line for line in lines if re.match("(warn|fail) +source:", line)]


def types_told(lines):
    return {line.rpartition("configure pivot.type.")[2] for line in lines if "configure pivot.type." in line}


def test_check_tells_just_the_types_that_change_what_is_read(bench, stack):
    """Those of domains are what they are made of; enums, and what is read as it comes, need none."""
    lines = check_source(bench, stack, """
        create type s.mood as enum ('sad'); create domain s.price as numeric(9,3); create domain s.tall as s.price;
        create extension hstore schema s; create table s.t (id int primary key, i bigint, b boolean, x text, u uuid,
        m s.mood, ms s.mood[], p s.tall, h s.hstore, c char(5), j jsonb, tags text[], f real, d timestamp(3))""",
        source_event(i=1, b=True, x="", u="", m="sad", ms=[], p=None, h=None, c="", j="{}", tags=[], f=1.5, d=None))
    assert types_told(lines) == {"ms=text[]", "p=numeric(9,3)", "h=hstore", "c=character(5)", "j=jsonb", "tags=text[]",
                                 "f=real", "d=timestamp(3) without time zone"}


def test_check_knows_types_that_are_configured_for_a_table(bench, stack):
    ddl = "create table s.t (id int primary key, a date, b date, day date not null)"
    lines = check_source(bench, stack, ddl, source_event(a=1, b=2, day=3), pivot__type__s__t__a="date",
                         pivot__type__b="date", pivot__fields="a,b", pivot__keys="day")
    assert types_told(lines) == {"day=date"}  # a key is a column of every row


MODES = "create table s.t (id int primary key, n numeric(10,2), w numeric(6,0), at timestamp, day timestamp(3), data bytea)"
TOLD = {
    "defaults": (dict(n="CpY=", w="AeJA", at=1795223450175210, day=1795223450175, data="3q2+7w=="), {}, set()),
    "decimals as digits": (dict(n="27.10", w="1234"), {}, {("fail", "decimal.handling.mode=string")}),
    "digits or base64": (dict(w="1234"), {}, {("warn", "decimal.handling.mode=precise, or what else")}),
    "digits or base64, written down": (dict(w="1234"), {"decimal__handling__mode": "string"}, set()),
    "decimals as bytes after all": (dict(n="CpY="), {"decimal__handling__mode": "string"},
                                    {("fail", "decimal.handling.mode=precise")}),
    "nanoseconds": (dict(at=1795223450175210000), {}, {("fail", "time.precision.mode=nanoseconds")}),
    "milliseconds": (dict(at=1795223450175), {}, {("fail", "time.precision.mode=connect")}),
    "microseconds whatever the column": (dict(day=1795223450175210), {}, {("fail", "time.precision.mode=microseconds")}),
    "times that say nothing": (dict(at=5), {}, {("warn", "time.precision.mode=adaptive, or what else")}),
    "texts of times": (dict(at="2026-11-21T00:00:00Z"), {}, set()),
    "hexadecimal": (dict(data="deadbeef"), {}, {("fail", "binary.handling.mode=hex")}),
    "hexadecimal or base64": (dict(data="beef"), {}, {("warn", "binary.handling.mode=bytes, or what else")}),
    "no hexadecimal": (dict(data="3q2+7w=="), {"binary__handling__mode": "hex"}, {("fail", "binary.handling.mode=bytes")}),
}


@pytest.mark.parametrize("case", TOLD)
def test_check_tells_the_settings_that_values_show(bench, stack, case):
    columns, settings, wanted = TOLD[case]
    every = dict.fromkeys(("n", "w", "at", "day", "data"))
    lines = check_source(bench, stack, MODES, source_event(**dict(every, **columns)), **settings)
    told = {(line.split()[0], line.rpartition("configure ")[2].split(" the source")[0])
            for line in lines if "without schema, values" in line or "without schema the events" in line}
    assert told == wanted, lines


def test_check_names_columns_that_no_event_has(bench, stack):
    lines = check_source(bench, stack, "create table s.t (id int primary key, a text, area box)", source_event(a="x"))
    assert len(lines) == 1 and "area (box) is in no event of s.t" in lines[0], lines


def test_check_of_defaults_that_may_hide_nulls_without_schema(bench, stack):
    ddl = "create table s.t (id int primary key, a text default 'x', b text default 'y', c text not null default 'z')"
    lines = check_source(bench, stack, ddl, source_event(a="x", b=None, c="z"))
    assert len(lines) == 1 and "a of s.t may be NULL" in lines[0] \
        and "replace.null.with.default=false" in lines[0], lines


def test_the_shipped_connector_works_with_the_shipped_worker_properties(bench, stack):
    """As compose/local's users have it: its environment, the files as they are."""
    topic = "bankserver1.bank.holding"
    stack.create_topic(topic, 1)
    put(stack, topic, *captured("tutorial.schema.kcat.jsonl"))
    shipped = TOP / "connectors" / "holding-postgres.json"
    run = command(bench, "check", shipped, properties=TOP / "connectors" / "worker.properties")
    assert run.returncode == 0, run.stdout
    demo = [bench.binary, "demo", "--to", shipped]
    for rows in (12, 0):  # the second time everything is there
        run = subprocess.run(demo, env=stack.environment, text=True, capture_output=True, timeout=60)
        assert run.returncode == 0 and f"{rows} rows delivered" in run.stderr, run.stderr
    assert stack.sql("select count(*) from holding_pivot") == ["12"]
    assert stack.sql("select connector, next_offset from fieldtrail_offset") == [
        "holding-postgres-demo|10"]
