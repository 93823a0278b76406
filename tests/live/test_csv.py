"""The worker into files, against a real Kafka: row for row what the log says, byte for byte what
another run with other kills wrote, and a clear word where the files are not as they were left."""
import csv
import gzip
import io
import json
import os
import pathlib
import random
import re
import subprocess
import time

import pytest

import worker_kit
from worker_kit import COLUMNS, TOP, Watch, produce, wait_until

EVENTS = int(os.environ.get("FIELDTRAIL_CSV_EVENTS", "60000"))
KILLS = int(os.environ.get("FIELDTRAIL_CSV_KILLS", "5"))
NAMES = [name for name, _ in COLUMNS]


class Files(worker_kit.Bench):
    """A connector that writes files, each group of workers into a directory of its own."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.path = self.folder / "out"
        self.path.mkdir()

    def connector(self, name=None, path=None, **settings):
        config = {"connector__class": "CsvSink", "connection__uri": None, "table": None,
                  "table__create": None, "format__header": "true", "file__path": str(path or self.path),
                  "pivot__columns": ",".join(NAMES), "linger__ms": "100"}
        return super().connector(name, **{**config, **settings})

    def beside(self, name):
        """The same topic into another directory, by another connector."""
        made = Files.at(self, self.uri.rsplit("/", 1)[1])
        made.name, made.path = name, self.folder / name
        made.path.mkdir()
        return made

    def stored(self, connector=None):
        """partition -> (next, epoch, worker) of the side files."""
        found = {}
        for file in self.path.glob("*.side"):
            side = json.loads(file.read_text())
            found[side["partition"]] = (side["next"], side["epoch"], side["worker"])
        return found

    def files(self):
        """Name and content of all files of rows."""
        return {file.name: file.read_bytes() for file in sorted(self.path.iterdir())
                if file.suffix not in (".side", ".start", ".lock")}

    def texts(self):
        """The files of rows, uncompressed, in the order of partitions and offsets."""
        for name, content in self.files().items():
            yield name, gzip.decompress(content) if name.endswith(".gz") else content

    def load(self, table="holding_pivot"):
        """COPY … csv reads what was written."""
        types = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
        self.sql(f"drop table if exists {table}; create table {table} ({types})")
        head, rows = (",".join(NAMES) + "\n").encode(), []
        for name, content in self.texts():
            assert content.startswith(head), name
            rows.append(content[len(head):])
        # One COPY for all of them: there may be thousands.
        copy_csv(self, f"{table} ({', '.join(NAMES)})", head + b"".join(rows))

    def equal(self, **keywords):
        self.load()
        return super().equal(**keywords)


def copy_csv(bench, target, content):
    """By the server's own reader of CSV: psql's \\copy stumbles over a value's line \\."""
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", bench.uri, "-c",
                           f"copy {target} from stdin csv header"], input=content,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def bench(stack, binary, tmp_path, request):
    yield from worker_kit.bench_of(stack, binary, tmp_path, request, Files)


def test_shipped_connector_runs(bench, stack):
    """As it is, but for the servers' addresses; exactly the two files a user would look for."""
    topic = "bankserver1.bank.holding"
    stack.create_topic(topic, 1)
    produce(stack, topic, 1000)
    os.environ["FIELDTRAIL_CSV_DIR"] = str(bench.path)
    worker = bench.worker(TOP / "connectors" / "holding-csv.json")
    worker.says("reading from offset 0")
    end = stack.ends(topic, 1)[0]
    wait_until(lambda: bench.stored().get(0, (0,))[0] == end, "caught up")
    assert worker.stop() == 0, worker.log()
    assert list(bench.files()) == [topic + "-0.00000000000000000000.csv.part"]
    header = next(iter(bench.files().values())).split(b"\n")[0]
    assert header.startswith(b"holding_id,user_id,change_field,old_value,new_value,datetime_created")


def test_plain_run_is_equal_row_for_row(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 30_000)
    worker = bench.worker(bench.connector(tasks__max="2", file__compression="gzip",
                                          file__roll__bytes="100000"))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    assert stack.committed("connect-" + bench.name, bench.topic) == stack.ends(bench.topic)
    names = list(bench.files())
    assert sum(name.endswith(".csv.gz") for name in names) > 20
    assert sum(name.endswith(".csv.part") for name in names) == worker_kit.PARTITIONS
    assert all(len(content) <= 100_000 for _, content in bench.texts())
    assert bench.equal() > 25_000


class Fleet:
    """Two workers of one connector that are killed at random."""

    def __init__(self, bench, path):
        self.bench, self.path, self.watch = bench, path, Watch(bench)
        self.workers = [bench.worker(path) for _ in range(2)]
        self.counted = self.kills = 0

    def countable(self, worker):
        return self.watch.flushed[worker.id] > 0 and self.watch.lag(worker) > 0

    def ready(self):
        self.watch.look()
        return all(self.countable(worker) for worker in self.workers)

    def kill(self, chance):
        for place in chance.sample(range(2), chance.choice([1, 2, 2])):
            self.watch.look()
            self.counted += self.countable(self.workers[place])
            self.kills += 1
            self.workers[place].kill()
            self.workers[place] = self.bench.worker(self.path)
            time.sleep(chance.random() * 0.3)


def test_kills_leave_every_row_once_and_every_byte_in_its_place(bench, stack):
    stack.create_topic(bench.topic)
    chance, other = random.Random(), bench.beside("other")
    rolling = {"file__roll__bytes": "50000", "file__compression": "zstd", "batch__rows__max": "500",
               "linger__ms": "1000"}
    fleets = [Fleet(each, each.connector(each.name, each.path, **rolling)) for each in (bench, other)]
    producer = bench.producer(count=EVENTS, rate=EVENTS / (30 + 6 * KILLS) / worker_kit.PATIENCE)
    deadline = time.monotonic() + 600 * worker_kit.PATIENCE
    while min(fleet.counted for fleet in fleets) < KILLS and time.monotonic() < deadline:
        time.sleep(chance.random())
        for fleet in fleets:
            if fleet.ready():
                fleet.kill(chance)
    counted = [f"{fleet.counted} of {fleet.kills}" for fleet in fleets]
    print(f"kills counted: {counted}")
    assert min(fleet.counted for fleet in fleets) >= KILLS
    assert producer.alive(), "the last kill must fall before the producer's end"
    assert producer.finish(now=False) == EVENTS
    for fleet in fleets:
        fleet.bench.caught_up()
        assert [worker.stop() for worker in fleet.workers] == [0, 0]
    assert sorted(bench.files()) == sorted(other.files())
    assert bench.files() == other.files()
    assert sum(name.endswith(".zst") for name in bench.files()) > 10
    unpack(bench)
    print(f"{bench.equal()} rows equal in {len(bench.files())} files")


def unpack(bench):
    for file in bench.path.glob("*.zst"):
        subprocess.run(["zstd", "-q", "-d", "--rm", str(file)], check=True)


def test_a_second_worker_takes_over_at_once(bench, stack):
    stack.create_topic(bench.topic)
    path = bench.connector()
    producer = bench.producer(rate=3000)
    first = bench.worker(path)
    wait_until(lambda: len(bench.stored()) == 6, "the first reads")
    second = bench.worker(path)
    wait_until(lambda: {state[2] for state in bench.stored().values()} == {first.id, second.id},
               "both own some", 30)
    assert first.stop() == 0
    began = time.monotonic()
    wait_until(lambda: {state[2] for state in bench.stored().values()} == {second.id},
               "the second owns all", 10)
    print(f"taken over {time.monotonic() - began:.1f} s after the stop")
    producer.finish()
    bench.caught_up()
    assert second.stop() == 0
    assert "held by another" not in first.log()
    bench.equal()


def test_every_value_comes_back_as_the_same_text(bench, stack):
    """By PostgreSQL's COPY and by Python's csv, against what COPY's text format brought."""
    columns = "row_key,change_field,old_value,new_value,op,old_known,kafka_offset,field_no"
    for form in ("plain", "schema"):
        topic = f"{bench.topic}_{form}"
        stack.create_topic(topic, 1)
        for line in (TOP / "tests/captures" / f"every_type.{form}.kcat.jsonl").read_text().splitlines():
            record = json.loads(line)
            stack.run("kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-K", "\x01", "-Z",
                      input=record["key"] + "\x01" + (record["payload"] or ""))
        path = bench.folder / form
        path.mkdir()
        chosen = {"topics": topic, "pivot__keys": None, "pivot__fields": "*", "pivot__columns": columns}
        files = bench.connector(form + "_files", path, **chosen)
        table = worker_kit.Bench.connector(bench, form + "_table", table="by_sink_" + form, **chosen)
        end = stack.ends(topic, 1)[0]
        worker = bench.worker(files, table)
        wait_until(lambda: all(side["next"] == end for side in
                               map(json.loads, map(pathlib.Path.read_text, path.glob("*.side"))))
                   and list(path.glob("*.side")), "files")
        wait_until(lambda: bench.sql("select next_offset from fieldtrail_offset where connector = "
                                     f"'{form}_table'") == [str(end)], "table")
        assert worker.stop() == 0
        content = next(path.glob("*.csv")).read_bytes()
        bench.sql(f"create table by_copy_{form} (like by_sink_{form})")
        copy_csv(bench, f"by_copy_{form} ({columns})", content)
        assert bench.sql(f"(table by_copy_{form} except all table by_sink_{form}) union all "
                         f"(table by_sink_{form} except all table by_copy_{form})") == []
        texts = ", ".join(f"coalesce({name}::text, '')" for name in columns.split(","))
        wanted = [json.loads(row) for row in bench.sql(
            f"select to_json(array[{texts}]) from by_sink_{form} order by kafka_offset, field_no")]
        got = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
        assert sorted(got, key=lambda row: (int(row[6]), int(row[7]))) == wanted
        assert len(got) > 50


def awkward_event(stock, number):
    key, value = next(worker_kit.events(random.Random(5)))
    value["after"]["holding_stock"] = stock
    value["after"]["holding_id"] = key["holding_id"] = number
    return key, value


def test_awkward_values_stand_in_the_file_as_they_were(bench, stack):
    """Those that CSV cannot hold go to the dead letters, alone."""
    stack.create_topic(bench.topic, 1)
    letters = bench.folder / "letters.jsonl"
    texts = ["", "a,b", 'quo"te', '"', "back\\slash\\", "tab\t", "cr\rlf\n\r\n", "\u2028\u2029\ufeff",
             "\U0001f600\u00e9", "\x01\x1f\x7f", "x" * 1_000_000, "\\.", "\\N", "NULL", " ",
             '1,2,holding_stock,,evil\n', 'x"\n1,2,holding_stock,,evil\n"', "=1+1"]
    bad = ["nul\0nul", "\ud800", "\udc00x"]
    for number, text in enumerate(bad + texts):
        worker_kit.produce_message(stack, bench.topic, 0, *awkward_event(text, number))
    worker = bench.worker(bench.connector(errors__tolerance="all",
                                          errors__deadletterqueue__file=str(letters)))
    wait_until(lambda: bench.stored().get(0, (0,))[0] == len(bad + texts), "all are read")
    assert worker.stop() == 0, worker.log()
    kept = [json.loads(line)["offset"] for line in letters.read_text().splitlines()]
    assert kept == list(range(len(bad)))
    # Read by PostgreSQL, and by Python, for which no field of any row is what the attacker wrote.
    assert bench.equal(wanted=lambda record: record["offset"] >= len(bad)) == 2 * len(texts)
    csv.field_size_limit(2_000_000)
    rows = list(csv.reader(io.StringIO(bench.files()[bench.topic + "-0.csv"].decode(), newline=""),
                           strict=True))[1:]
    assert [row[NAMES.index("new_value")] for row in rows[::2]] == texts
    assert all(len(row) == len(NAMES) and "evil" not in row for row in rows)


def run_once(bench, count, **settings):
    """A worker that reads `count` events and is stopped."""
    produce(bench.stack, bench.topic, count)
    worker = bench.worker(bench.connector(**settings))
    bench.caught_up()
    assert worker.stop() == 0, worker.log()


def refuses(bench, message, **settings):
    """A worker says this and moves nothing; it goes on trying."""
    before = bench.stored()
    worker = bench.worker(bench.connector(**settings))
    worker.says(message)
    time.sleep(0.5)
    assert worker.process.poll() is None
    assert bench.stored() == before
    return worker


def test_a_missing_directory_is_named_and_used_once_it_is_there(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 500)
    bench.path.rmdir()
    worker = bench.worker(bench.connector())
    worker.says(f"cannot open {bench.path}: No such file or directory: make the directory")
    bench.path.mkdir()
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_is_waited_for(bench, stack):
    stack.create_topic(bench.topic)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(bench.path)], check=True)
    try:
        produce(stack, bench.topic, 20_000)
        worker = bench.worker(bench.connector())
        worker.says("No space left on device; trying again")
        subprocess.run(["mount", "-o", "remount,size=50m", str(bench.path)], check=True)
        bench.caught_up()
        assert worker.stop() == 0
        bench.equal()
    finally:
        subprocess.run(["umount", str(bench.path)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_directory_is_named(bench, stack):
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 500)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(bench.path)], check=True)
    try:
        worker = bench.worker(bench.connector())
        worker.says("Read-only file system: mount it for writing")
        subprocess.run(["mount", "-o", "remount,rw", str(bench.path)], check=True)
        bench.caught_up()
        assert worker.stop() == 0
        bench.equal()
    finally:
        subprocess.run(["umount", str(bench.path)], check=True)


def test_a_removed_file_is_noticed_and_never_begun_anew(bench, stack):
    stack.create_topic(bench.topic, 1)
    worker = bench.worker(bench.connector())
    produce(stack, bench.topic, 200)
    wait_until(lambda: bench.stored().get(0, (0,))[0] == stack.ends(bench.topic, 1)[0], "read")
    rows = next(bench.path.glob("*.csv"))
    aside = bench.folder / "aside"
    rows.rename(aside)
    produce(stack, bench.topic, 200, seed=2)
    worker.says("was removed, replaced or written to by somebody else")
    worker.says("is not there, while its side file counts on .* put the file back")
    assert not rows.exists()
    aside.rename(rows)
    wait_until(lambda: bench.stored()[0][0] == stack.ends(bench.topic, 1)[0], "goes on", 40)
    assert worker.stop() == 0
    bench.equal()


def test_files_that_are_not_as_they_were_left_are_refused(bench, stack):
    stack.create_topic(bench.topic)
    run_once(bench, 600)
    side = sorted(bench.path.glob("*.side"))[0]
    rows = side.with_suffix(".csv")
    kept = {side: side.read_bytes(), rows: rows.read_bytes()}
    rows.write_bytes(kept[rows][:-1])
    refuses(bench, "is shorter, while its side file counts on").stop()
    rows.write_bytes(kept[rows])
    side.unlink()
    refuses(bench, "has no side file").stop()
    side.write_bytes(kept[side])
    refuses(bench, "belongs to the connector " + bench.name, name="thief").stop()
    rows.write_bytes(kept[rows] + b"half a li")  # what a crash leaves
    produce(stack, bench.topic, 600, seed=2)
    worker = bench.worker(bench.connector())
    bench.caught_up()
    assert worker.stop() == 0
    assert "cut from" in worker.log()
    bench.equal()


def test_a_restored_directory_is_refused(bench, stack):
    stack.create_topic(bench.topic)
    run_once(bench, 600)
    kept = {file: file.read_bytes() for file in bench.path.iterdir()}
    run_once(bench, 600)
    for file, content in kept.items():
        file.write_bytes(content)
    refuses(bench, r"other or restored target.*fieldtrail offsets CONNECTOR.json set").stop()
    # What the message says: the files hold up to there, so that is where to go on.
    path = bench.connector()
    for partition, state in bench.stored().items():
        wait_until(lambda: offsets(bench, path, "set", f"{bench.topic}:{partition}={state[0]}"),
                   "the group is empty", 20)
    worker = bench.worker(path)
    bench.caught_up()
    assert worker.stop() == 0
    bench.equal()


def test_another_machines_files_are_not_gone_on_with(bench, stack):
    """Two workers of one consumer group, each with a disk of its own: what the group was told is
    done is not done there, so whoever follows stops, and writes nothing."""
    stack.create_topic(bench.topic)
    other = bench.folder / "other"
    other.mkdir()
    first = bench.worker(bench.connector())
    produce(stack, bench.topic, 600)
    bench.caught_up()
    wait_until(lambda: stack.committed("connect-" + bench.name, bench.topic) == stack.ends(bench.topic),
               "the group knows")
    first.kill()
    produce(stack, bench.topic, 600, seed=2)
    second = bench.worker(bench.connector(path=other))
    second.says("other or restored target", 40)
    assert second.stop() == 0
    assert [file.name for file in other.iterdir() if file.suffix == ".csv"] == []
    run_once(bench, 100)
    bench.equal()


def offsets(bench, path, *command):
    done = subprocess.run([bench.binary, "offsets", "-w", str(bench.properties), str(path), *command],
                          capture_output=True, text=True, check=False)
    return done.returncode == 0


def test_two_workers_on_one_file(bench, stack):
    """Two groups of one name: Kafka keeps them apart no more, the lock does."""
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, 1000)
    first = bench.worker(bench.connector())
    bench.caught_up()
    name = bench.name
    second_file = bench.connector(consumer__override__group__id="elsewhere")
    assert bench.name == name
    second = bench.worker(second_file)
    second.says(r"held by another worker or task \(" + re.escape(first.id))
    assert {state[2] for state in bench.stored().values()} == {first.id}
    first.kill()
    second.says("reading from offset", 20)
    produce(stack, bench.topic, 1000, seed=2)
    bench.caught_up()
    assert second.stop() == 0
    bench.equal()


def test_wrong_settings_end_at_once(bench):
    for settings, message in (({"file__compression": "gzip"}, "file.compression needs"),
                              ({"file__path": ""}, "file.path is missing"),
                              ({"table": "x"}, "table")):
        worker = bench.worker(bench.connector(**settings))
        assert worker.wait(10) == 2
        assert message in worker.log()


def test_logical_messages_have_files_of_their_own(bench, stack):
    topic = f"{bench.topic}.message"
    stack.create_topic(topic, 1)
    caught = (TOP / "tests" / "captures" / "message.schema.kcat.jsonl").read_text().splitlines()
    text = "".join(json.loads(line)["payload"] + "\n" for line in caught)
    path = bench.connector(topics=topic, format__header="true", file__roll__bytes=None,
                           file__compression=None)
    for expected in 2, 4:
        subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0"], check=True,
                       input=text.encode())
        worker = bench.worker(path)
        wait_until(lambda: bench.stored().get(0, (0,))[0] == expected, "caught up")
        worker.kill() if expected == 2 else worker.stop()
    content = bench.files()[f"{topic}-0.csv"].decode()
    head, *rows = csv.reader(io.StringIO(content))
    assert head == ["source_name", "tx_id", "lsn", "prefix", "content", "event_time", "kafka_topic",
                    "kafka_partition", "kafka_offset"]
    assert [(row[1], row[4], row[-1]) for row in rows] == [
        ("", "not transactional", str(offset)) if offset % 2
        else ("90531", '{"user":"alice","reason":"ticket 42"}', str(offset)) for offset in range(4)]
