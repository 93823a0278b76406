"""check and offsets of QuestDB connectors: what they say of good and of broken set-ups, that they
change nothing, and that the statements they name mend what they name."""
import http.server
import re
import threading

import pytest

import questdb_kit
import worker_kit
from questdb_kit import KEYS, QuestBench, basic, statement_in
from test_commands import bad, check, command, positions
from test_questdb import awkward_event
from worker_kit import produce, produce_message, wait_until


@pytest.fixture(scope="module")
def stack():
    with questdb_kit.start_stack() as started:
        yield started


@pytest.fixture
def bench(stack, binary, tmp_path, request):
    yield from worker_kit.bench_of(stack, binary, tmp_path, request, QuestBench)


@pytest.fixture
def ready(bench, stack):
    bench.create_topic()
    produce(stack, bench.topic, 300)
    return bench


@pytest.fixture
def server(stack):
    """Restarts QuestDB with settings of its own; at the end it is as before."""
    given = []

    def restart(**settings):
        given.extend(settings)
        stack.environment.update(settings)
        stack.control("restart", "questdb", "--immediate")
    yield restart
    for name in given:
        stack.environment.pop(name, None)
    stack.control("restart", "questdb", "--immediate")


def tables(bench):
    return bench.quest.sql(f"select count() from tables() where table_name like '{bench.table}%'")[0][0]


def test_check_of_a_good_setup_changes_nothing(ready, stack):
    path = ready.connector(table__create="true")
    status, lines = check(ready, path)
    assert status == 0, lines
    assert any(f"table {ready.table} is not there yet; table.create=true makes it" in line
               for line in lines)
    assert tables(ready) == 0
    worker = ready.worker(path)
    ready.caught_up()
    assert worker.stop() == 0
    ready.quest.settled(ready.table)
    count = ready.quest.count(ready.table)
    status, lines = check(ready, ready.connector())
    assert status == 0 and bad(lines) == []
    assert [text for text in bad(lines, "warn") if "cairo.commit.mode is nosync" in text] \
        == bad(lines, "warn")
    for part in ("QuestDB 9", "rows may be written", "has all 20 columns",
                 "rows of the topics' last events were made, and not sent"):
        assert any("target: " in line and part in line for line in lines), (part, lines)
    assert ready.quest.count(ready.table) == count


def test_check_says_when_commits_reach_the_disk(ready, server):
    server(QDB_CAIRO_COMMIT_MODE="sync")
    status, lines = check(ready, ready.connector(table__create="true"))
    assert status == 0 and bad(lines, "warn") == []
    assert any("target: cairo.commit.mode=sync" in line for line in lines)


GOOD = ("event_time timestamp, kafka_topic symbol, kafka_partition int, kafka_offset long, field_no "
        "long, change_field symbol, old_value varchar, new_value varchar, holding_id varchar")
TAIL = f"timestamp(event_time) partition by day wal dedup upsert keys({KEYS})"
COLUMNS = ("event_time,kafka_topic,kafka_partition,kafka_offset,field_no,change_field,old_value,"
           "new_value,holding_id")
# What is wrong, and what each of the findings says; their statements mend it.
WRONG = {
    "not there": (None, ["is not there; set table.create=true, or run CREATE TABLE"]),
    "other keys": (f"({GOOD}) timestamp(event_time) partition by day wal dedup upsert "
                   "keys(event_time, kafka_offset)", ["has other deduplication keys"]),
    "a key too many": (f"({GOOD}) {TAIL[:-1]}, holding_id)", ["has other deduplication keys"]),
    "no keys": (f"({GOOD}) timestamp(event_time) partition by day wal", ["has no deduplication"]),
    "columns": (f"({GOOD.replace(', old_value varchar, new_value varchar', '')}) {TAIL}",
                ["has no column old_value", "has no column new_value"]),
    "types and keys": (f"({GOOD.replace('new_value varchar', 'new_value timestamp')}) "
                       "timestamp(event_time) partition by day wal",
                       ["column new_value is TIMESTAMP", "has no deduplication"]),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_check_names_all_that_is_wrong_with_a_table(ready, mistake):
    ddl, messages = WRONG[mistake]
    if ddl:
        ready.quest.sql(f'create table "{ready.table}" {ddl}')
    path = ready.connector(pivot__columns=COLUMNS)
    status, lines = check(ready, path)
    found = [text for text in bad(lines) if text.startswith("target: ")]
    assert status == 1 and len(found) == len(messages), lines
    assert not [part for part in messages if not any(part in text for text in found)]
    for text in found:
        ready.quest.sql(statement_in(text))
    status, lines = check(ready, path)
    assert status == 0, lines


@pytest.mark.parametrize("ddl, message", [
    ("(ts timestamp, x int) timestamp(ts) partition by day wal",
     "its designated timestamp is ts and not event_time"),
    (f"({GOOD}) timestamp(event_time) partition by day bypass wal", "has no write-ahead log"),
], ids=["designated", "bypass"])
def test_check_names_tables_that_must_be_made_anew(ready, ddl, message):
    ready.quest.sql(f'create table "{ready.table}" {ddl}')
    status, lines = check(ready, ready.connector(pivot__columns=COLUMNS, table__create="true"))
    assert status == 1
    assert any(text.startswith("target: ") and message in text for text in bad(lines)), lines


def test_check_names_a_suspended_table(ready):
    ready.quest.sql(f'create table "{ready.table}" ({GOOD}) {TAIL}')
    ready.quest.suspend(ready.table)
    path = ready.connector(pivot__columns=COLUMNS)
    status, lines = check(ready, path)
    assert status == 1 and len(bad(lines)) == 1 and "is suspended" in bad(lines)[0], lines
    ready.quest.sql(statement_in(bad(lines)[0]))
    assert check(ready, path)[0] == 0


@pytest.mark.parametrize("settings, message", [
    ({"QDB_HTTP_SECURITY_READONLY": "true"}, r"answers 421.*it is read-only"),
    ({"QDB_LINE_HTTP_ENABLED": "false"}, r"answers 405.*set line\.http\.enabled=true"),
], ids=["readonly", "no lines"])
def test_check_names_missing_rights(ready, server, settings, message):
    ready.quest.sql(f'create table "{ready.table}" ({GOOD}) {TAIL}')
    server(**settings)
    status, lines = check(ready, ready.connector(pivot__columns=COLUMNS))
    assert status == 1 and len(bad(lines)) == 1, lines
    assert re.search("^target: .*" + message, bad(lines)[0]), lines


def test_check_names_a_wrong_password_and_never_shows_it(ready):
    front = ready.front()
    front.authorization = basic("ann", "right")
    given = {"connection__uri": front.url, "connection__user": "ann", "table__create": "true"}
    status, lines = check(ready, ready.connector(connection__password="wr0ng", **given))
    assert status == 1 and re.search(r"^target: .*answers 401.*connection\.password", bad(lines)[0])
    assert not any("wr0ng" in line for line in lines)
    assert check(ready, ready.connector(connection__password="right", **given))[0] == 0


def test_check_of_a_server_that_is_not_there(ready):
    status, lines = check(ready, ready.connector(connection__uri="http://127.0.0.1:1"))
    assert status == 1
    assert [text for text in bad(lines) if re.search("^target: .*connection.uri says", text)] \
        == bad(lines)


class Stranger(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"dataset": [["hello"]]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_check_of_a_server_that_is_no_questdb(ready):
    stranger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        status, lines = check(ready, ready.connector(
            connection__uri=f"http://127.0.0.1:{stranger.server_address[1]}"))
    finally:
        stranger.shutdown()
        stranger.server_close()
    assert status == 1 and "is no QuestDB" in bad(lines)[0], lines


def test_check_of_tables_by_name(ready, stack):
    for table in ("wal:let", "holding"):
        produce(stack, ready.topic, 6, table=table)
    path = ready.connector(table=ready.table + "_${table}", table__create="true")
    status, lines = check(ready, path)
    assert status == 0
    assert {re.search(r"table (\S+) is not there yet", line).group(1) for line in lines
            if "not there yet" in line} == {ready.table + "_holding", ready.table + "_wal_let"}
    produce(stack, ready.topic, 6, table="wal/let")
    status, lines = check(ready, path)
    assert status == 1 and "would both be" in bad(lines)[0], lines


def test_check_of_an_event_whose_time_questdb_cannot_hold(bench):
    bench.create_topic(partitions=1)
    key, value = awkward_event("A")
    value["source"].update(ts_us=-1, ts_ms=-1, ts_ns=None)
    produce_message(bench.stack, bench.topic, 0, key, value)
    status, lines = check(bench, bench.connector(table__create="true"))
    assert status == 1, lines
    assert re.search("^target: .*cannot be written: .*1970 to 9999", bad(lines)[0])


# ---- offsets ----

def test_offsets_are_the_groups_and_move_a_stopped_connector(ready, stack):
    path = ready.connector(table__create="true")
    ends = stack.ends(ready.topic)
    before = positions(ready, path)
    assert {before[i]["STORED"] for i in before} == {before[i]["GROUP"] for i in before} == {"-"}
    worker = ready.worker(path)
    ready.caught_up()
    refused = command(ready, "offsets", path, "set", f"{ready.topic}:0=3")
    assert refused.returncode == 1 and "the connector runs" in refused.stderr
    assert worker.stop() == 0
    there = positions(ready, path)
    assert [(there[i]["STORED"], there[i]["GROUP"], there[i]["LAG"]) for i in there] \
        == [("-", str(end), "0") for end in ends]
    total = ready.equal()

    # Read a second time, rows are there once; and it is the offset given where reading begins.
    moved = command(ready, "offsets", path, "set", f"{ready.topic}:2={ends[2] - 7}")
    assert moved.returncode == 0, moved.stderr
    assert positions(ready, path)[2]["LAG"] == "7"
    worker = ready.worker(path)
    ready.caught_up()
    assert worker.stop() == 0 and ready.equal() == total
    ready.quest.sql(f'truncate table "{ready.table}"')
    moved = command(ready, "offsets", path, "set", f"{ready.topic}:2={ends[2] - 7}")
    assert moved.returncode == 0, moved.stderr
    worker = ready.worker(path)
    ready.caught_up()
    assert worker.stop() == 0
    ready.equal(wanted=lambda record: record["partition"] == 2 and record["offset"] >= ends[2] - 7)

    reset = command(ready, "offsets", path, "reset")
    assert reset.returncode == 0, reset.stderr
    assert stack.committed("connect-" + ready.name, ready.topic) == [0] * 6
    worker = ready.worker(path)
    wait_until(lambda: ready.lag() == 0, "read anew")
    assert worker.stop() == 0 and ready.equal() == total


def test_offsets_outside_the_log_are_refused(ready, stack):
    path = ready.connector(table__create="true")
    run = command(ready, "offsets", path, "set", f"{ready.topic}:0={stack.ends(ready.topic)[0] + 1}")
    assert run.returncode == 2 and "outside the log" in run.stderr
    assert stack.committed("connect-" + ready.name, ready.topic) == [-1] * 6
