"""What the worker's live tests are made of: private servers, a few requests of Kafka's protocol, a
producer that lasts, workers that can be killed, and the expectation: Python over `kcat -J`, which
shares no code with fieldtrail."""
import collections
import copy
import datetime
import itertools
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import zlib

from servers_kit import TOP, Servers, instance

PARTITIONS = 6
# For machines that have much else to do: every wait may take so many times as long.
PATIENCE = float(os.environ.get("FIELDTRAIL_PATIENCE", "1"))


def size(name, preset):
    """A size of a test, from the environment."""
    return int(os.environ.get("FIELDTRAIL_" + name, preset))


def cases(always, thorough):
    """Of a test's cases those that every run has, and with FIELDTRAIL_LIVE=all the others too."""
    return always + thorough if os.environ.get("FIELDTRAIL_LIVE") == "all" else always


def start_stack(*services, **settings):
    """PostgreSQL, Kafka and these, with these variables, as a Stack: a context."""
    return instance("postgres", "kafka", *services, kind=Stack, **settings)


def bench_of(stack, binary, folder, request, kind=None):
    """A bench named after the test; where the test fails, its workers' last words are shown. A
    generator."""
    failed = request.session.testsfailed
    made = (kind or Bench)(stack, binary, folder, name_of(request))
    try:
        yield made
    finally:
        made.close(tell=request.session.testsfailed > failed)


def name_of(request, limit=60):
    """The test's name, as a topic, a group and a database can have it."""
    name = re.sub(r"\W+", "_", request.node.name.removeprefix("test_"))
    if len(name) > limit:
        name = f"{name[:limit - 9]}_{zlib.crc32(name.encode()):08x}"
    return name.strip("_").lower()


def resident_kib(worker, what="VmRSS"):
    with open(f"/proc/{worker.process.pid}/status", encoding="ascii") as status:
        return int(re.search(what + r":\s+(\d+)", status.read()).group(1))


def watch_memory(worker, seconds):
    """Samples of the worker's memory, which must live so long."""
    samples, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.25)
        samples.append(resident_kib(worker))
        assert worker.process.poll() is None, worker.log()[-3000:]
    return samples


def assert_flat(samples):
    """What is held is no more in the second half than in the first."""
    half = len(samples) // 2
    said = (f"VmRSS {min(samples)} to {max(samples)} KiB, in the second half {min(samples[half:])} to "
            f"{max(samples[half:])}")
    assert max(samples[half:]) < max(samples[:half]) * 1.05 + 1024, said
    return said


class Stack(Servers):
    """The servers, and Kafka's administration."""

    def postgres_port(self):
        return urllib.parse.urlsplit(self.environment["FIELDTRAIL_PG_URI"]).port

    def database(self, name):
        """A new database; its URI."""
        self.sql(f"create database {name}")
        return self.environment["FIELDTRAIL_PG_URI"].rsplit("/", 1)[0] + "/" + name

    def create_topic(self, name, partitions=PARTITIONS, **settings):
        """Waits out the deletion of a former topic of the name."""
        configs = [pack_text(key.replace("__", ".")) + pack_text(value)
                   for key, value in settings.items()]
        body = (pack_list([pack_text(name) + struct.pack(">ih", partitions, 1) + pack_list([])
                           + pack_list(configs)]) + struct.pack(">i?", 30000, False))
        for _ in range(100):
            error = struct.unpack_from(">h", self.ask(19, 4, body), 4 + 4 + 2 + len(name))[0]
            if error == 0:
                break
            assert error == 36, f"topic {name}: Kafka's error {error}"
            time.sleep(0.1)
        wait_until(lambda: f"with {partitions} partitions" in self.run(
            "kcat", "-L", "-b", self.bootstrap, "-t", name).stdout, "topic " + name)

    def delete_topic(self, name):
        answer = self.ask(20, 3, pack_list([pack_text(name)]) + struct.pack(">i", 30000))
        assert struct.unpack_from(">h", answer, 4 + 4 + 2 + len(name))[0] == 0

    def delete_records(self, topic, before):
        """What retention does: the log of each partition then begins at the offset given."""
        answer = self.ask(21, 1, pack_list([pack_text(topic) + pack_list(
            [struct.pack(">iq", i, offset) for i, offset in enumerate(before)])])
            + struct.pack(">i", 30000))
        at = 4 + 4 + 2 + len(topic) + 4
        for i in range(len(before)):
            assert struct.unpack_from(">iqh", answer, at + 14 * i)[2] == 0

    def ends(self, topic, partitions=PARTITIONS):
        """The end of each partition's log."""
        body = struct.pack(">i", -1) + pack_list([pack_text(topic) + pack_list(
            [struct.pack(">iq", i, -1) for i in range(partitions)])])
        answer = self.ask(2, 1, body)
        at, ends = 4 + 2 + len(topic) + 4, [0] * partitions
        for _ in range(partitions):
            number, error, _, offset = struct.unpack_from(">ihqq", answer, at)
            assert error == 0, f"{topic}[{number}]: Kafka's error {error}"
            ends[number], at = offset, at + 22
        return ends

    def committed(self, group, topic, partitions=PARTITIONS):
        """The group's offset of each partition, -1 where it has none."""
        return [offset for offset, _ in self.commits(group, topic, partitions)]

    def commits(self, group, topic, partitions=PARTITIONS):
        """Offset and metadata of each partition."""
        body = pack_text(group) + pack_list([pack_text(topic) + pack_list(
            [struct.pack(">i", i) for i in range(partitions)])])
        # Until the group's coordinator is there the answer names no topic.
        answer = wait_until(lambda: next((a for a in [self.ask(9, 1, body)] if len(a) > 4), None),
                            "the group's coordinator")
        at, offsets = 4 + 2 + len(topic) + 4, [(-1, "")] * partitions
        if struct.unpack_from(">i", answer)[0] == 0:
            return offsets  # the broker has no topic of groups yet
        for _ in range(partitions):
            number, offset, size = struct.unpack_from(">iqh", answer, at)
            text = answer[at + 14:at + 14 + max(size, 0)].decode()
            at += 14 + max(size, 0)
            assert struct.unpack_from(">h", answer, at)[0] == 0
            offsets[number], at = (offset, text), at + 2
        return offsets

    def set_topic(self, name, **settings):
        """Alters settings of the topic."""
        configs = [pack_text(key.replace("__", ".")) + b"\0" + pack_text(value)
                   for key, value in settings.items()]
        answer = self.ask(44, 0, pack_list([b"\2" + pack_text(name) + pack_list(configs)]) + b"\0")
        assert struct.unpack_from(">h", answer, 4 + 4)[0] == 0, answer

    def add_partitions(self, topic, count):
        """The topic then has so many partitions."""
        answer = self.ask(37, 0, pack_list([pack_text(topic) + struct.pack(">ii", count, -1)])
                          + struct.pack(">i?", 30000, False))
        assert struct.unpack_from(">h", answer, 4 + 4 + 2 + len(topic))[0] == 0

    def members(self, group):
        """The ids of the group's members."""
        answer = self.ask(15, 0, pack_list([pack_text(group)]))
        error, = struct.unpack_from(">h", answer, 4)
        assert error == 0, f"group {group}: Kafka's error {error}"
        at, ids = 6, set()
        for _ in range(4):  # group, state, type and name of the protocol
            at = skip_text(answer, at)
        count, = struct.unpack_from(">i", answer, at)
        at += 4
        for _ in range(count):
            end = skip_text(answer, at)
            ids.add(answer[at + 2:end].decode())
            at = skip_text(answer, skip_text(answer, end))
            for _ in range(2):  # metadata and assignment
                at += 4 + max(0, struct.unpack_from(">i", answer, at)[0])
        return ids

    def ask(self, api, version, body):
        host, port = self.bootstrap.split(":")
        request = struct.pack(">hhi", api, version, 7) + pack_text("test") + body
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            stream = connection.makefile("rb")
            size = struct.unpack(">i", stream.read(4))[0]
            return stream.read(size)[4:]


def pack_text(text):
    return struct.pack(">h", len(text)) + text.encode()


def skip_text(data, at):
    return at + 2 + max(0, struct.unpack_from(">h", data, at)[0])


def pack_list(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def wait_until(condition, what, seconds=30.0, pause=0.05):
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(pause)


def sql(uri, text):
    """Rows of the answer, one text a line, columns separated by a bar."""
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", uri], input=text,
                          check=True, text=True, capture_output=True).stdout.splitlines()


# ---- events ----

STOCKS = ["VFIAX", "SP500", "", "tab\there", "a\\b", "line\nend", "caf\u00e9 \U0001f600", "\\N", None]


def events(chance, table="holding"):
    """Key and value, as Debezium sends them, of a plausible history without an end."""
    rows, number, at = {}, 1000, 1795223436195872
    living = []
    while True:
        at += chance.randrange(1, 300)
        kind = chance.random()
        before = after = None
        if not living or kind < 0.2:
            number += 1
            after = {"holding_id": number, "user_id": chance.randrange(1, 500),
                     "holding_stock": chance.choice(STOCKS),
                     "holding_quantity": chance.choice([None, 0, -1, chance.randrange(100000)])}
            living.append(number)
            rows[number] = after
            op, key = "c", number
        elif kind < 0.28:
            place = chance.randrange(len(living))
            key, living[place] = living[place], living[-1]
            living.pop()
            before, op = rows.pop(key), "d"
        else:
            key = chance.choice(living)
            before, op = rows[key], "u"
            after = dict(before, holding_quantity=chance.randrange(1000))
            if kind < 0.4:
                after["holding_stock"] = chance.choice(STOCKS)
            if kind > 0.98:
                after = dict(before)
            rows[key] = after
        value = {"before": before, "after": after,
                 "source": {"version": "3.3.1.Final", "connector": "postgresql", "name": "live",
                            "ts_ms": at // 1000, "snapshot": "false", "db": "bank", "ts_us": at,
                            "ts_ns": at * 1000, "schema": "bank", "table": table,
                            "txId": at % 1000003, "lsn": at - 1795223000000000, "xmin": None},
                 "transaction": None, "op": op, "ts_ms": at // 1000 + 3, "ts_us": at + 3000}
        yield {"holding_id": key}, value
        if op == "d":
            yield {"holding_id": key}, None


def message(key, value):
    compact = {"separators": (",", ":")}
    return (json.dumps(key, **compact) + "\x01"
            + ("" if value is None else json.dumps(value, **compact)) + "\n").encode()


class Producer:
    """Sends events by key, `rate` a second or as fast as they can be made, until it is told to end
    or `count` is reached. A broker that goes away is waited for."""

    def __init__(self, stack, topic, count=None, rate=None, seed=1, table="holding"):
        self.process = subprocess.Popen(
            ["kcat", "-P", "-E", "-b", stack.bootstrap, "-t", topic, "-K", "\x01", "-Z",
             "-X", "linger.ms=20", "-X", "enable.idempotence=true"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.count, self.rate = count, rate
        self.source = events(random.Random(seed), table)
        self.sent, self.halt = 0, threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        began = time.monotonic()
        while not self.halt.is_set() and (self.count is None or self.sent < self.count):
            piece = 1000
            if self.rate:
                due = int((time.monotonic() - began) * self.rate) - self.sent
                piece = min(max(due, 1), 1000)
                time.sleep(0.01)
            if self.count is not None:
                piece = min(piece, self.count - self.sent)
            try:
                self.process.stdin.write(b"".join(
                    message(*each) for each in itertools.islice(self.source, piece)))
                self.process.stdin.flush()
            except BrokenPipeError:
                return
            self.sent += piece

    def alive(self):
        return self.thread.is_alive() and self.process.poll() is None

    def finish(self, now=True):
        """Ends, at once or when the count is reached; all that was sent is in the log then."""
        if now:
            self.halt.set()
        self.thread.join()
        _, said = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, said.decode(errors="replace")[-500:]
        return self.sent

    def kill(self):
        self.halt.set()
        self.process.kill()
        self.thread.join()
        self.process.wait()


def produce(stack, topic, count, seed=1, table="holding"):
    return Producer(stack, topic, count, seed=seed, table=table).finish(now=False)


def produce_corpus(stack, topic, wanted, piece=20_000, plain=False):
    """Sends the bench's events, with their schema blocks or plain, until so many bytes are there; how
    many events, bytes and rows that are."""
    made = subprocess.run(["python3", str(TOP / "tests" / "bench" / "corpus.py"), str(piece),
                           *(["--plain"] if plain else [])], check=True, capture_output=True).stdout
    with tempfile.NamedTemporaryFile() as lines:
        lines.write(made)
        lines.flush()
        rounds = -(-wanted // len(made))
        for _ in range(rounds):
            subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-l", lines.name,
                            "-X", "linger.ms=50", "-X", "batch.size=1000000",
                            "-X", "sticky.partitioning.linger.ms=0"], check=True, capture_output=True)
    record = {"key": None, "topic": topic, "partition": 0, "offset": 0}
    events = map(json.loads, made.splitlines())
    rows = sum(1 for event in events
               for _ in rows_of(dict(record, payload=json.dumps(event if plain else event["payload"]))))
    return rounds * piece, rounds * len(made), rounds * rows


def produce_message(stack, topic, partition, key, value):
    subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", str(partition), "-K",
                    "\x01", "-Z", "-X", "message.max.bytes=20000000"], input=message(key, value),
                   check=True, capture_output=True)


# ---- the expectation ----

COLUMNS = [("holding_id", "text"), ("user_id", "text"), ("change_field", "text"),
           ("old_value", "text"), ("new_value", "text"), ("datetime_created", "timestamptz"),
           ("datetime_updated", "timestamptz"), ("datetime_deleted", "timestamptz"),
           ("op", "text"), ("old_known", "boolean"), ("event_time", "timestamptz"),
           ("source_table", "text"), ("row_key", "text"), ("tx_id", "text"), ("lsn", "text"),
           ("kafka_topic", "text"), ("kafka_partition", "integer"), ("kafka_offset", "bigint"),
           ("field_no", "bigint")]
EPOCH = datetime.datetime(1970, 1, 1)
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_line(values):
    return "\t".join("\\N" if value is None else str(value).translate(ESCAPES)
                     for value in values) + "\n"


def rows_of(record):
    """The rows of one message, as the README tells them; `record` is what kcat -J printed."""
    if record["payload"] is None:
        return
    event = json.loads(record["payload"])
    before, after, op, source = event["before"], event["after"], event["op"], event["source"]
    old, new = before or {}, after or {}
    image = after or before
    changed = [name for name in ("holding_stock", "holding_quantity")
               if old.get(name) != new.get(name)]
    if not changed and op != "u":
        changed = [None]
    at = (EPOCH + datetime.timedelta(microseconds=source["ts_us"])).isoformat() + "Z"
    for name in changed:
        yield (image["holding_id"], image["user_id"], name, old.get(name), new.get(name),
               at if op == "c" else None, at if op == "u" else None, at if op == "d" else None,
               op, "t", at, source["schema"] + "." + source["table"], record["key"],
               source["txId"], source["lsn"], record["topic"], record["partition"], record["offset"],
               1 + list(image).index(name) if name else 0)


def expectation(stack, topic, path, wanted=lambda record: True):
    """Writes the rows of the whole topic to a file for \\copy; their number."""
    count = 0
    kcat = subprocess.Popen(["kcat", "-C", "-e", "-q", "-J", "-b", stack.bootstrap, "-t", topic],
                            stdout=subprocess.PIPE)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for line in kcat.stdout:
            record = json.loads(line.decode(errors="replace"))
            if wanted(record):
                for row in rows_of(record):
                    out.write(copy_line(row))
                    count += 1
    assert kcat.wait() == 0
    return count


def assert_equal(stack, uri, topic, folder, table="holding_pivot", wanted=lambda record: True):
    """The table holds the rows of the topic, each once: compared both ways, duplicates counted, over
    all columns but datetime_inserted. The number of rows."""
    path = folder / (table + ".expected")
    count = expectation(stack, topic, path, wanted)
    names = ", ".join(name for name, _ in COLUMNS)
    types = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    answer = sql(uri, f"""
create temp table expected ({types});
\\copy expected from '{path}'
create temp table missing as select {names} from expected except all select {names} from {table};
create temp table surplus as select {names} from {table} except all select {names} from expected;
select (select count(*) from missing), (select count(*) from surplus), (select count(*) from {table});
select 'missing', m.* from missing m order by kafka_partition, kafka_offset limit 3;
select 'surplus', m.* from surplus m order by kafka_partition, kafka_offset limit 3;
select 'twice', kafka_partition, kafka_offset, field_no, count(*) from {table}
group by 1, 2, 3, 4 having count(*) > 1 limit 3;
""")
    assert answer == [f"0|0|{count}"], f"missing|surplus|rows, of {count} expected:\n" + "\n".join(answer)
    return count


# ---- workers ----

class Worker:
    """One process of `fieldtrail run`, its log in a file."""
    numbers = itertools.count()

    def __init__(self, binary, folder, properties, *connectors):
        self.path = folder / f"worker-{next(self.numbers)}.log"
        self.command = [binary, "run", "-w", str(properties), *map(str, connectors)]
        self.began = time.monotonic()
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out,
                                            stdin=subprocess.DEVNULL)
        self.id = f"{socket.gethostname()}:{self.process.pid}"

    def log(self):
        return self.path.read_text(errors="replace")

    def says(self, pattern, seconds=30.0):
        """Waits until the log holds the pattern; the match."""
        try:
            return wait_until(lambda: re.search(pattern, self.log()), f"{pattern!r} in the log", seconds)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log()[-3000:]}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        return self.process.wait()

    def stop(self, seconds=30.0):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=30.0):
        try:
            status = self.process.wait(seconds)
            # So says libpq of a connection that is asked for two things at once.
            assert "already in progress" not in self.log(), self.log()[-3000:]
            return status
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s\n{self.log()[-3000:]}") from None


class Bench:
    """A topic, a database and connectors of one test; ends all processes of the test."""

    def __init__(self, stack, binary, folder, name):
        self.stack, self.binary, self.folder, self.name = stack, binary, folder, name
        self.uri = stack.database(name)
        self.topic, self.partitions = name, PARTITIONS
        self.workers, self.producers = [], []
        self.properties = folder / "worker.properties"
        self.properties.write_text(f"bootstrap.servers={stack.bootstrap}\n")

    @classmethod
    def at(cls, other, database):
        """The same in another database that is there already."""
        made = copy.copy(other)
        made.uri = other.uri.rsplit("/", 1)[0] + "/" + database
        return made

    def make_table(self):
        """holding_pivot with our columns, and fieldtrail_offset, as table.create would."""
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        self.sql(f"create table holding_pivot ({columns}, datetime_inserted timestamptz not null)")
        self.sql((TOP / "schemas" / "postgres" / "fieldtrail_offset.sql").read_text())

    def slow_down(self, seconds):
        """Every COPY takes so long: a worker always has lag, and is mostly in the middle of a
        flush."""
        self.sql(f"""
create or replace function slow() returns trigger language plpgsql as
$$ begin perform pg_sleep({seconds}); return null; end $$;
create trigger slow after insert on holding_pivot for each statement execute function slow();
""")

    def speed_up(self):
        self.sql("drop trigger slow on holding_pivot")

    def connector(self, name=None, **settings):
        """Writes a connector's file; None takes a key out. Dots are double underscores."""
        name = name or self.name
        config = {"connector.class": "PostgresSink", "topics": self.topic, "tasks.max": "1",
                  "connection.uri": self.uri, "table": "holding_pivot", "table.create": "true",
                  "pivot.keys": "holding_id,user_id",
                  "pivot.fields": "holding_stock,holding_quantity", "replica.identity": "full",
                  "errors.retry.delay.max.ms": "300",
                  "consumer.override.session.timeout.ms": "6000",
                  "consumer.override.heartbeat.interval.ms": "500",
                  "consumer.override.reconnect.backoff.max.ms": "500"}
        for key, value in settings.items():
            config[key.replace("__", ".")] = value
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"name": name, "config": {
            key: value for key, value in config.items() if value is not None}}))
        return path

    def worker(self, *connectors, properties=None):
        self.workers.append(Worker(self.binary, self.folder, properties or self.properties, *connectors))
        return self.workers[-1]

    def producer(self, **keywords):
        self.producers.append(Producer(self.stack, self.topic, **keywords))
        return self.producers[-1]

    def sql(self, text):
        return sql(self.uri, text)

    def stored(self, connector=None):
        """partition -> (next_offset, epoch, worker_id) of fieldtrail_offset."""
        rows = self.sql("select partition, next_offset, epoch, worker_id from fieldtrail_offset "
                        f"where connector = '{connector or self.name}' and topic = '{self.topic}'")
        split = [row.split("|") for row in rows]
        return {int(row[0]): (int(row[1]), int(row[2]), row[3]) for row in split}

    def begun(self, connector=None):
        """Waits until every partition has moved."""
        def moved():
            try:
                stored = self.stored(connector)
            except subprocess.CalledProcessError:
                return False  # the table is not there yet
            return len(stored) == PARTITIONS and all(state[0] > 0 for state in stored.values())
        wait_until(moved, "the first flushes")

    def caught_up(self, connector=None, seconds=60.0):
        """Waits until the stored positions are the ends of the log."""
        self.state = "nothing is stored"

        def there():
            ends = self.stack.ends(self.topic, self.partitions)
            try:
                stored = self.stored(connector)
            except subprocess.CalledProcessError:
                return False
            self.state = f"stored {stored}, ends {ends}"
            return [stored.get(i, (0,))[0] for i in range(len(ends))] == ends
        try:
            wait_until(there, "caught up", seconds, pause=0.2)
        except AssertionError as late:
            logs = "\n".join(f"--- {each.path.name}\n{each.log()[-2500:]}" for each in self.workers[-4:])
            raise AssertionError(f"{late}: {self.state}\n{logs}") from None

    def equal(self, table="holding_pivot", **keywords):
        return assert_equal(self.stack, self.uri, self.topic, self.folder, table, **keywords)

    def uri_by(self, relay):
        """The database by way of the relay."""
        return re.sub(r"(127\.0\.0\.1|localhost):\d+", f"127.0.0.1:{relay.port}", self.uri)

    def uri_as(self, user, password=None):
        """The database as another role."""
        parts = urllib.parse.urlsplit(self.uri)
        who = user + (f":{password}" if password else "")
        return f"{parts.scheme}://{who}@{parts.hostname}:{parts.port}{parts.path}"

    def close(self, tell=False):
        """Ends all that is left; where a test failed, shows what the last workers said."""
        for producer in self.producers:
            producer.kill()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.signal(signal.SIGCONT)
                worker.kill()
        for worker in self.workers[-4:] if tell else []:
            print(f"--- {worker.path.name}, {worker.id}\n{worker.log()[-3000:]}")


class Watch:
    """Looks at the stored positions and knows which workers have flushed since their start: the
    position of a partition moved while the epoch was the one of that worker's claim."""

    def __init__(self, bench):
        self.bench = bench
        self.seen, self.flushed = {}, collections.Counter()
        self.now = {}

    def look(self):
        self.now = self.bench.stored()
        for partition, (offset, epoch, worker) in self.now.items():
            first = self.seen.setdefault((partition, epoch), offset)
            if offset > first:
                self.flushed[worker] += 1

    def lag(self, worker):
        """How many records wait in the partitions this worker claimed last."""
        ends = self.bench.stack.ends(self.bench.topic)
        return sum(ends[partition] - offset for partition, (offset, _, owner) in self.now.items()
                   if owner == worker.id)
