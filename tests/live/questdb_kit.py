"""What the tests of the QuestDB sink are made of: the server, a front in front of it that can be
slow, lose answers and ask for passwords, and the comparison with what the log says."""
import base64
import collections
import contextlib
import datetime
import http.client
import http.server
import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import worker_kit
from worker_kit import EPOCH, rows_of, wait_until

KEYS = "event_time, kafka_topic, kafka_partition, kafka_offset, field_no, change_field"
NAMES = [name for name, _ in worker_kit.COLUMNS]


@contextlib.contextmanager
def start_stack():
    """QuestDB too. Without its development mode no table can be suspended by hand."""
    with worker_kit.start_stack("questdb", QDB_DEV_MODE_ENABLED="true") as started:
        yield started
        # Their orderly end takes longer than some of the tests.
        started.control("stop", "questdb", "kafka", "postgres", "--immediate")


class Quest:
    """The server's SQL."""

    def __init__(self, url):
        self.url = url

    def sql(self, text):
        """Rows of the answer. QuestDB writes control characters into its JSON as they are."""
        url = self.url + "/exec?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=120) as answer:
                return json.loads(answer.read(), strict=False).get("dataset")
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{text}: {refused.read().decode()}") from None

    def count(self, table):
        return self.sql(f'select count() from "{table}"')[0][0]

    def settled(self, table):
        """Waits until everything that the server took can be seen."""
        def applied():
            done, given = self.sql("select writerTxn, sequencerTxn from wal_tables() "
                                   f"where name = '{table}'")[0]
            return done == given
        wait_until(applied, f"{table}: the write-ahead log is applied", 60)

    def suspend(self, table):
        """Also where rows are being applied just then: when those are through, QuestDB forgets that
        the table was suspended meanwhile."""
        def stays():
            self.settled(table)
            self.sql(f'alter table "{table}" suspend wal')
            time.sleep(0.5)
            return self.sql(f"select suspended from wal_tables() where name = '{table}'") == [[True]]
        wait_until(stays, f"{table} is suspended", 60)

    def is_up(self):
        try:
            return self.sql("select 1") == [[1]]
        except OSError:
            return False


class Front(http.server.ThreadingHTTPServer):
    """Hands requests on to QuestDB, in its own way."""
    daemon_threads = True

    def __init__(self, url, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = urllib.parse.urlsplit(url).netloc
        self.delay = 0.0          # seconds before an answer to rows is handed back
        self.before = []          # called, one a request with rows, before it is handed on
        self.faults = []          # of the next requests with rows: "half", "answer", "busy", "hang"
        self.refuse = None        # lines with these bytes are refused, as QuestDB does
        self.authorization = None  # what must be in the header
        self.acknowledged = 0     # requests with rows
        self.packed = 0
        self.connections = 0
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Workers are killed in the middle: that is no error of the front."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def answer(self, status, body, content="application/json"):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", content)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.close_connection = True

    def do_GET(self):
        self.hand_on(b"")

    def do_POST(self):
        front, length = self.server, int(self.headers["Content-Length"])
        fault = front.faults.pop(0) if front.faults else None
        if fault == "half":
            self.rfile.read(length // 2)
            return self.hang_up()
        body = self.rfile.read(length)
        if fault == "hang":
            self.rfile.read(1)  # until the client gives up
            return self.hang_up()
        if fault == "busy":
            return self.answer(503, b"{}")
        if front.before:
            front.before.pop(0)()
        if front.refuse and front.refuse in body:
            line = next(i for i, text in enumerate(body.split(b"\n"), 1) if front.refuse in text)
            return self.answer(400, json.dumps({
                "code": "invalid", "line": line, "errorId": "front-1",
                "message": "failed to parse line protocol:errors encountered on line(s):\nerror in "
                           f"line {line}: the front does not like it"}).encode())
        self.hand_on(body, fault)

    def hand_on(self, body, fault=None):
        front = self.server
        if front.authorization and self.headers.get("Authorization") != front.authorization:
            return self.answer(401, b"Unauthorized\n", "text/plain")
        headers = {}
        if "Content-Encoding" in self.headers:
            headers["Content-Encoding"] = self.headers["Content-Encoding"]
            front.packed += 1
        # As the client does: one connection to the server as long as the client keeps its own.
        try:
            self.to = getattr(self, "to", None) or http.client.HTTPConnection(front.target, timeout=60)
            self.to.request(self.command, self.path, body or None, headers)
            said = self.to.getresponse()
            status, text = said.status, said.read()
        except OSError:
            return self.hang_up()
        if body and front.delay:
            threading.Event().wait(front.delay)
        if fault == "answer":
            return self.hang_up()
        if body and status == 204:
            front.acknowledged += 1
        if status == 204:
            self.send_response(204)
            self.end_headers()
        else:
            self.answer(status, text)
        return None


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def statement_in(text):
    """The statement that a message names."""
    return re.search(r"(ALTER TABLE|RENAME TABLE|CREATE TABLE) [^\n]*?(?=, and |; trying|\n|$)",
                     text).group()


# ---- the expectation ----

def as_shown(name, kind, value):
    """A value of worker_kit's expectation as QuestDB shows it."""
    if value is None:
        return None
    if kind == "timestamptz":
        moment = datetime.datetime.fromisoformat(value.rstrip("Z"))
        return moment.isoformat(timespec="microseconds") + "Z"
    if kind == "boolean":
        return value == "t"
    return int(value) if kind in ("integer", "bigint") else str(value)


def expected_rows(stack, topic, wanted=lambda record: True):
    """Rows of the whole topic, by partition."""
    rows = collections.defaultdict(collections.Counter)
    kcat = subprocess.Popen(["kcat", "-C", "-e", "-q", "-J", "-b", stack.bootstrap, "-t", topic],
                            stdout=subprocess.PIPE)
    for line in kcat.stdout:
        record = json.loads(line)
        if not wanted(record):
            continue
        for row in rows_of(record):
            shown = tuple(as_shown(*column, value)
                          for column, value in zip(worker_kit.COLUMNS, row))
            rows[record["partition"]][shown] += 1
    assert kcat.wait() == 0
    return rows


def table_rows(quest, table, topic, partition):
    found = quest.sql(f"select {', '.join(NAMES)} from \"{table}\" where kafka_topic = '{topic}' "
                      f"and kafka_partition = {partition}")
    texts = [i for i, (_, kind) in enumerate(worker_kit.COLUMNS) if kind == "text"]
    rows = collections.Counter()
    for row in found:
        for i in texts:  # keys may be numbers
            row[i] = row[i] if row[i] is None else str(row[i])
        rows[tuple(row)] += 1
    return rows


def assert_equal(stack, quest, table, topic, partitions, wanted=lambda record: True):
    """The table holds the rows of the topic, each once, in all columns but datetime_inserted. The
    number of rows."""
    expected = expected_rows(stack, topic, wanted)
    quest.settled(table)
    for partition in range(partitions):
        found = table_rows(quest, table, topic, partition)
        missing, surplus = expected[partition] - found, found - expected[partition]
        assert not missing and not surplus, (
            f"{table}[{partition}]: {missing.total()} missing, {surplus.total()} surplus of "
            f"{expected[partition].total()}:\n{list(missing)[:2]}\n{list(surplus)[:2]}")
    return sum(rows.total() for rows in expected.values())


def rows_at_least(stack, quest, table, topic, start):
    """No row that the log does not have, and all from the offset of each partition on."""
    expected = expected_rows(stack, topic)
    quest.settled(table)
    for partition, offset in enumerate(start):
        found, place = table_rows(quest, table, topic, partition), NAMES.index("kafka_offset")
        assert not found - expected[partition]
        missing = [row for row in expected[partition] - found if row[place] >= offset]
        assert not missing, f"{len(missing)} missing from {offset} on: {missing[:2]}"


def utc(microseconds):
    return (EPOCH + datetime.timedelta(microseconds=microseconds)).isoformat() + "Z"


# ---- connectors of one test ----

class QuestBench(worker_kit.Bench):
    def __init__(self, stack, binary, folder, name):
        super().__init__(stack, binary, folder, name)
        self.quest = Quest(stack.environment["FIELDTRAIL_QUESTDB_URL"])
        self.table = name
        self.fronts = []

    def create_topic(self, name=None, partitions=worker_kit.PARTITIONS):
        self.partitions = partitions
        self.stack.create_topic(name or self.topic, partitions)

    def connector(self, name=None, **settings):
        given = {"connector__class": "QuestDBSink", "connection__uri": self.quest.url,
                 "table": self.table, "table__create": "false"}
        return super().connector(name, **{**given, **settings})

    def front(self, **keywords):
        self.fronts.append(Front(self.quest.url, **keywords))
        return self.fronts[-1]

    def lag(self, connector=None):
        ends = self.stack.ends(self.topic, self.partitions)
        group = "connect-" + (connector or self.name)
        committed = self.stack.committed(group, self.topic, self.partitions)
        return sum(end - max(offset, 0) for end, offset in zip(ends, committed))

    def caught_up(self, connector=None, seconds=60.0):
        """Waits until the group has committed the end of the log."""
        try:
            wait_until(lambda: self.lag(connector) == 0, "caught up", seconds, pause=0.2)
        except AssertionError as late:
            logs = "\n".join(f"--- {each.path.name}\n{each.log()[-2500:]}" for each in self.workers[-4:])
            raise AssertionError(f"{late}\n{logs}") from None

    def equal(self, table=None, topic=None, **keywords):
        return assert_equal(self.stack, self.quest, table or self.table,
                                        topic or self.topic, self.partitions, **keywords)

    def make_again(self):
        """DROP and CREATE. A worker's lines may fall between, and QuestDB then makes a table of its
        own taste: it is dropped like the first."""
        ddl = self.quest.sql(f'show create table "{self.table}"')[0][0]
        while True:
            self.quest.sql(f'drop table if exists "{self.table}"')
            try:
                self.quest.sql(ddl)
                return
            except AssertionError as refused:
                assert "exists" in str(refused)

    def close(self, tell=False):
        super().close(tell)
        for front in self.fronts:
            front.shutdown()
            front.server_close()
