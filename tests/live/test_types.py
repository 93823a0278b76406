"""The database as judge: what a trigger in PostgreSQL wrote down of every change, column by column
as column::text, against the rows that fieldtrail makes of Debezium's events of the same changes.

Three tables of the same columns (REPLICA IDENTITY FULL, DEFAULT, USING INDEX) are changed at
random; eight connectors with other settings each capture all of them. What must differ is said in
type_columns.py, by column and setting; all else must be equal.

FIELDTRAIL_TYPES_CHANGES  changes a table (80; 1,000 compare more than four million values)
FIELDTRAIL_TYPES_SEED     another random run (1)
"""
import collections
import concurrent.futures
import decimal
import json
import os
import re
import subprocess
import time

import pytest

import type_columns as judged
from servers_kit import TOP
from worker_kit import Stack, bench_of, wait_until

CHANGES = int(os.environ.get("FIELDTRAIL_TYPES_CHANGES", "80"))
SEED = int(os.environ.get("FIELDTRAIL_TYPES_SEED", "1"))

COLUMNS = [judged.Column("k", "integer", [], None, "number"),
           judged.Column("req", "text", [], None), judged.Column("cnt", "integer", [], None, "number"),
           judged.Column("made", "timestamptz", [], None)] + judged.columns()
BY_NAME = {column.name: column for column in COLUMNS}
ADDED = judged.columns()

COMBINATIONS = {
    "a": dict(schemas=True),
    "b": {"schemas": False, "decimal.handling.mode": "string", "time.precision.mode": "isostring",
          "interval.handling.mode": "string", "binary.handling.mode": "hex", "hstore.handling.mode": "map"},
    "c": {"schemas": True, "decimal.handling.mode": "double", "time.precision.mode": "connect",
          "interval.handling.mode": "string", "binary.handling.mode": "base64", "hstore.handling.mode": "map"},
    "d": {"schemas": True, "decimal.handling.mode": "string", "time.precision.mode": "nanoseconds",
          "binary.handling.mode": "base64-url-safe", "column.propagate.source.type": ".*"},
    "e": {"schemas": True, "time.precision.mode": "isostring", "interval.handling.mode": "string",
          "binary.handling.mode": "hex"},
    "f": {"schemas": True, "time.precision.mode": "microseconds", "interval.handling.mode": "string",
          "hstore.handling.mode": "map"},
    "g": dict(schemas=False),
    "h": {"schemas": True, "decimal.handling.mode": "string", "time.precision.mode": "adaptive_time_microseconds",
          "binary.handling.mode": "base64", "hstore.handling.mode": "map"},
}
COMBINATIONS = {name: judged.Settings(settings) for name, settings in COMBINATIONS.items()}

TABLES = {"full": "full", "dflt": "default", "indexed": "index(k)"}
IDENTITY = {"full": "full", "dflt": "default", "indexed": "using index indexed_k"}

# --------------------------------------------------------------------------
# The source: tables, the trigger's truth, and random changes
# --------------------------------------------------------------------------


def source_sql():
    listed = ", ".join("%s %s" % (column.name, column.kind) for column in ADDED)
    out = ["drop schema if exists judge cascade; create schema judge;",
           "create extension if not exists hstore; create extension if not exists citext;",
           "create extension if not exists ltree; create type judge.mood as enum ('sad', 'ok', 'happy');",
           "create sequence judge.k start 1000000;",
           "create table judge.truth (seq bigserial primary key, tbl text, op text, id bigint, old text[], new text[]);"]
    def texts(row):
        return "array[%s]" % ", ".join("%s.%s::text" % (row, column.name) for column in COLUMNS)
    for table, identity in IDENTITY.items():
        out.append("create table judge.%s (id bigint primary key, k integer not null, req text not null default 'dflt', "
                   "cnt integer not null default 5, made timestamptz not null default '2001-01-01 00:00+00', %s);" % (table, listed))
        out.append("alter table judge.%s alter big set storage external;" % table)
        out.append("create unique index %s_k on judge.%s (k);" % (table, table))
        out.append("alter table judge.%s replica identity %s;" % (table, identity))
        out.append("""
            create function judge.note_%(t)s() returns trigger language plpgsql as $$ begin
                insert into judge.truth (tbl, op, id, old, new) values ('%(t)s', lower(left(tg_op, 1)),
                    case when tg_op = 'DELETE' then old.id else new.id end,
                    case when tg_op <> 'INSERT' then %(old)s end, case when tg_op <> 'DELETE' then %(new)s end);
                return null;
            end $$;
            create trigger note after insert or update or delete on judge.%(t)s
                for each row execute function judge.note_%(t)s();""" % {"t": table, "old": texts("old"), "new": texts("new")})
    return "\n".join(out)


def value_of(column):
    chance = judged.RANDOM.random()
    if chance < 0.12:
        return "NULL"
    return judged.RANDOM.choice(column.edge) if chance < 0.45 else column.random_value()


def insert(table, number):
    names = ["id", "k"] + [column.name for column in ADDED]
    values = [str(number), str(number)] + [value_of(column) for column in ADDED]
    if judged.RANDOM.random() < 0.5:
        names += ["req", "cnt", "made"]
        values += [judged.texts(), str(judged.RANDOM.randint(0, 9)), "'2020-02-02 02:02:02+00'"]
    return "insert into judge.%s (%s) values (%s);" % (table, ", ".join(names), ", ".join(values))


def update(table, number):
    chosen = judged.RANDOM.sample(ADDED, judged.RANDOM.choice([1, 1, 2, 3, 8, 25]))
    changes = ["%s = %s" % (column.name, value_of(column)) for column in chosen]
    if judged.RANDOM.random() < 0.2:
        changes.append("cnt = %d" % judged.RANDOM.randint(0, 9))
    # By an index on it, the log then has the old k, and Debezium makes up the rest of the old row.
    if judged.RANDOM.random() < 0.25:
        changes.append("k = nextval('judge.k')")
    return "update judge.%s set %s where id = %d;" % (table, ", ".join(changes), number)


def random_changes():
    """Statements that each change one row, the tables in turn."""
    judged.RANDOM.seed(SEED)
    alive = {table: [] for table in TABLES}
    number = 0
    for _ in range(CHANGES):
        for table in TABLES:
            chance = judged.RANDOM.random()
            if len(alive[table]) < 3 or chance < 0.4:
                number += 1
                alive[table].append(number)
                yield insert(table, number)
            elif chance < 0.85:
                yield update(table, judged.RANDOM.choice(alive[table]))
            else:
                gone = alive[table].pop(judged.RANDOM.randrange(len(alive[table])))
                yield "delete from judge.%s where id = %d;" % (table, gone)


PROLOGUE = ("set datestyle = 'ISO'; set intervalstyle = 'postgres'; set timezone = 'UTC'; "
            "set bytea_output = 'hex'; set lc_monetary = 'C'; set synchronous_commit = off;\n")


def connector(name, settings, folder, top):
    config = json.loads((top / "connectors" / "holding-source.json").read_text())["config"]
    config.update({"topic.prefix": "judge_" + name, "table.include.list": "judge.full,judge.dflt,judge.indexed",
                   "slot.name": "judge_" + name, "publication.name": "judge_" + name,
                   "snapshot.mode": "no_data", "heartbeat.interval.ms": "0",
                   "key.converter.schemas.enable": str(settings.schemas).lower(),
                   "value.converter.schemas.enable": str(settings.schemas).lower()})
    config.update({key: value for key, value in settings.items() if key != "schemas"})
    path = folder / ("judge_%s.json" % name)
    path.write_text(json.dumps({"name": "judge_" + name, "config": config}))
    return path


def offsets(servers, topic):
    run = subprocess.run(["kcat", "-Q", "-b", servers.bootstrap, "-t", topic + ":0:-1"], text=True, capture_output=True)
    return int(run.stdout.split("offset")[1].split()[0]) if run.returncode == 0 and "offset" in run.stdout else 0


@pytest.fixture(scope="module")
def run(servers, tmp_path_factory):
    """The changes are made, captured eight times, and lie in files of kcat -J lines."""
    folder = tmp_path_factory.mktemp("types")
    start = time.monotonic()
    servers.sql(source_sql())
    with concurrent.futures.ThreadPoolExecutor(len(COMBINATIONS)) as threads:
        list(threads.map(lambda item: servers.run(TOP / "compose" / "connector", "apply",
                                                  connector(*item, folder, TOP)), COMBINATIONS.items()))
    (folder / "changes.sql").write_text(PROLOGUE + "\n".join(random_changes()) + "\n")
    servers.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", servers.environment["FIELDTRAIL_PG_URI"],
                "-f", folder / "changes.sql")
    truth = collections.defaultdict(list)
    for line in servers.sql("select json_build_array(tbl, op, id, old, new) from judge.truth order by seq;"):
        table, *rest = json.loads(line)
        truth[table].append(rest)
    (folder / "truth.json").write_text(json.dumps(truth))
    print("\nchanged after %d s" % (time.monotonic() - start))
    for name in COMBINATIONS:
        for table, changes in truth.items():
            topic = "judge_%s.judge.%s" % (name, table)
            wanted = len(changes) + sum(op == "d" for op, *_ in changes)  # and tombstones
            deadline = time.monotonic() + 120 + CHANGES / 5
            while offsets(servers, topic) < wanted:
                assert time.monotonic() < deadline, "%s has %d of %d" % (topic, offsets(servers, topic), wanted)
                time.sleep(0.3)
            (folder / topic).write_text(servers.topic(topic, "-J"))
    print("captured after %d s" % (time.monotonic() - start))
    with concurrent.futures.ThreadPoolExecutor(len(COMBINATIONS)) as threads:
        list(threads.map(lambda name: servers.run(TOP / "compose" / "connector", "delete", "judge_" + name),
                         COMBINATIONS))
    return folder, truth


# --------------------------------------------------------------------------
# Comparing
# --------------------------------------------------------------------------

def hints(settings):
    if settings.schemas:
        return []
    kinds = {column.name: column.hint for column in COLUMNS}
    kinds["id"] = "bigint"
    words = ["pivot.type.judge.%%s.%s=%s" % item for item in kinds.items()]
    words += ["%s=%s" % (name, settings[name]) for name in ("decimal.handling.mode", "time.precision.mode",
                                                            "binary.handling.mode") if name in settings]
    return [option for word in words for option in ("-o", word)]


def pivot(binary, path, table, identity, settings, *more):
    options = [word.replace("%s", table) for word in hints(settings)]
    done = subprocess.run([binary, "pivot", "--fields", "*", "--identity", identity, "--format", "jsonl", "--columns",
                           "id,kafka_offset,op,change_field,old_value,new_value,old_known", *options, *more, path],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    events = collections.defaultdict(dict)
    for line in done.stdout.split("\n")[:-1]:
        row = json.loads(line)
        event = events[int(row["kafka_offset"])]
        assert row["change_field"] not in event, row
        event["op"], event["key"] = row["op"], row["id"] if row["id"] is None else str(row["id"])
        event[row["change_field"]] = row["old_value"], row["new_value"], row["old_known"] in (True, "true")
    return events


def by_value(text):
    return text if text in ("NaN", "Infinity", "-Infinity") else decimal.Decimal(text)


def floats_of_decimal(settings, column):
    return settings.mode("decimal") == "double" and column.same in ("decimal", "numbers")


def same(column, settings, a, b):
    """The contract's equalities."""
    if a is None or b is None or a == b:
        return a == b
    if column.same == "decimal" and settings.mode("decimal") == "string" and not settings.typed:
        return False  # nobody said that the text is a number
    if floats_of_decimal(settings, column):
        return approach(a, column) == approach(b, column)
    if column.name == "iv" and settings.mode("interval") == "numeric":
        return abs(judged.interval_parts(a)[2] - judged.interval_parts(b)[2]) <= 1  # Debezium's double
    if column.same in ("number", "decimal"):
        return by_value(a) == by_value(b)
    if column.same == "numbers":
        return [word and by_value(word) for word in judged.array_words(a)] == \
               [word and by_value(word) for word in judged.array_words(b)]
    if column.same == "json" or (column.same == "hstore" and a[:1] == "{"):
        def read(text):
            return json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        return read(a) == read(b)
    return False


def approach(text, column):
    """The double that stands for a decimal in double mode."""
    if column.same == "numbers":
        return [word and float(word) for word in judged.array_words(text)]
    return str(float(text))


class Judge:
    def __init__(self, name):
        self.settings = COMBINATIONS[name]
        self.compared = 0
        self.losses = collections.Counter()
        self.wrong = []

    def expected(self, column, text):
        """What is to be printed for what the database holds, and the losses that make the difference."""
        lost = []
        for loss in column.losses:
            if text is None or not loss.when(self.settings):
                continue
            # How bytes are written depends on the settings.
            change = loss.text(self.settings) if loss.name == judged.BYTES_AS_TEXT else loss.text
            if change(text) != text:
                text = change(text)
                lost.append(loss.name)
        return text, lost

    def value(self, where, column, truth, printed):
        self.compared += 1
        wanted, lost = self.expected(column, truth)
        if not same(column, self.settings, wanted, printed):
            self.wrong.append((where, column.name, "database %r" % truth, "wanted %r" % wanted, "printed %r" % printed))
            return
        if truth is not None and printed is not None and floats_of_decimal(self.settings, column) \
                and not lost and by_numbers(column, truth) != by_numbers(column, printed):
            lost = ["a decimal as the nearest double"]
        self.losses.update(lost)


def by_numbers(column, text):
    if column.same == "numbers":
        return [word and by_value(word) for word in judged.array_words(text)]
    return by_value(text)


def in_order(events):
    return [events[offset] for offset in sorted(events)]


OPS = {"i": "c", "u": "u", "d": "d"}


def judge_table(judge, binary, path, table, changes, identity):
    """Every value of every change, changed or not. Gives the rows by event."""
    events = pivot(binary, path, table, identity, judge.settings, "--unchanged", "emit")
    assert len(events) == len(changes), (path, len(events), len(changes))
    for number, ((op, key, old, new), event) in enumerate(zip(changes, in_order(events))):
        # Of a delete by an index, the key is what the index has of it: nothing here, and Debezium
        # puts a zero into the message key, which only identity=index(...) knows not to believe.
        unseen = op == "d" and table == "indexed"
        keys = (None,) if unseen and identity != "auto" else ("0",) if unseen else (str(key),)
        assert event["op"] == OPS[op] and event["key"] in keys, (path, number, event["key"])
        # Its update comes with the key that the index has; none of these changes the key.
        if "id" in event and (event["id"][2] or table != "indexed" or op != "u"):
            judge.wrong.append(((str(path)[-20:], number, op), "id", "a key that did not change", event["id"]))
        for place, column in enumerate(COLUMNS):
            truth_old = old[place] if old else None
            truth_new = new[place] if new else None
            where = (str(path)[-20:], number, op)
            if column.name not in event:
                # Only what an update did not touch may be missing.
                if op != "u" or truth_old != truth_new or column.name != "big":
                    judge.wrong.append((where, column.name, "no row"))
                continue
            printed_old, printed_new, known = event[column.name]
            judge.value(where, column, truth_new, printed_new)
            if known:
                judge.value(where, column, truth_old, printed_old)
            elif printed_old is not None:
                judge.wrong.append((where, column.name, "unknown and not NULL", printed_old))
            if not old_may_be_known(identity, table, op, column) and known:
                judge.wrong.append((where, column.name, "claims an old value that was not sent", printed_old))
            if identity == "full" and not known:
                judge.wrong.append((where, column.name, "a full image is not known"))
    return events


def old_may_be_known(identity, table, op, column):
    """What the log can hold of the old row."""
    if op == "i" or table == "full":
        return True
    return table == "indexed" and op in "ud" and column.name == "k"


def judge_moved(judge, binary, path, table, events, identity):
    """Rows stand exactly where two printed values differ, or the old one is unknown."""
    moved = pivot(binary, path, table, identity, judge.settings)
    assert set(moved) <= set(events)  # an update may have changed nothing
    for number in sorted(events):
        whole, event = events[number], moved.get(number, {})
        for column in COLUMNS:
            judge.compared += 1
            should = column.name in whole and (not whole[column.name][2]
                                               or not same(column, judge.settings, *whole[column.name][:2]))
            if should != (column.name in event):
                judge.wrong.append((str(path)[-20:], number, column.name, "moved" if should else "did not move",
                                    whole.get(column.name)))
            elif should and event[column.name] != whole[column.name]:
                judge.wrong.append((str(path)[-20:], number, column.name, event[column.name], whole[column.name]))


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_rows_are_what_the_database_wrote_down(name, run, binary, record_property):
    folder, truth = run
    judge = Judge(name)
    for table, identity in TABLES.items():
        path = folder / ("judge_%s.judge.%s" % (name, table))
        events = judge_table(judge, binary, path, table, truth[table], identity)
        judge_moved(judge, binary, path, table, events, identity)
        # Left to themselves, records may prove their old values; none may claim a wrong one.
        judge_table(judge, binary, path, table, truth[table], "auto")
    print("\n%s: %d values compared, lost in Debezium: %s" % (name, judge.compared, dict(judge.losses)))
    record_property("compared", judge.compared)
    by_column = collections.Counter(entry[1] for entry in judge.wrong)
    assert not judge.wrong, "%d unexplained: %s\n%s" % (len(judge.wrong), dict(by_column),
                                                        "\n".join(map(str, judge.wrong[:40])))
    assert judge.compared > CHANGES * len(TABLES) * len(COLUMNS) * 3


@pytest.fixture
def bench(servers, binary, tmp_path, request):
    yield from bench_of(Stack(servers.environment), binary, tmp_path, request)

# --------------------------------------------------------------------------
# What `check` says of the types is enough
# --------------------------------------------------------------------------

@pytest.mark.parametrize("name", [name for name, settings in COMBINATIONS.items() if not settings.schemas])
def test_the_lines_that_check_prints_make_the_same_rows(name, run, binary, bench):
    """Events without schema: types and settings that a person knows, against those that check prints."""
    folder, settings = run[0], COMBINATIONS[name]
    path = bench.connector(topics="judge_%s.judge.full" % name, pivot__keys=None, pivot__fields="*",
                           source__connection__uri=bench.stack.environment["FIELDTRAIL_PG_URI"])
    done = subprocess.run([binary, "check", "-w", bench.properties, path], text=True, capture_output=True)
    said = [line.split(": configure ")[-1] for line in done.stdout.splitlines() if ": configure " in line
            and re.match("(warn|fail) +source: ", line)] + \
           [line.split("; configure ")[-1] for line in done.stdout.splitlines() if "; configure " in line
            and re.match("(warn|fail) +source: without schema", line)]
    lines = [line for line in said if re.match(r"pivot\.type\.\w+=|\w+\.(handling|precision)\.mode=\w+$", line)]
    typed = {line.split("=")[0].removeprefix("pivot.type.") for line in lines if line.startswith("pivot.type.")}
    assert {column.name for column in COLUMNS if column.name in ("c", "n52", "ts", "tm3", "a4", "jb", "hs", "bt")} <= typed
    modes = {line for line in lines if not line.startswith("pivot.type.")}
    assert modes == {"%s=%s" % (key, settings[key]) for key in ("decimal.handling.mode", "binary.handling.mode")
                     if key in settings}, done.stdout  # texts of times say all
    path = folder / ("judge_%s.judge.full" % name)
    def rows(options):
        return subprocess.run([binary, "pivot", "--fields", "*", "--identity", "full", "--format", "copy", "--columns",
                               "row_key,kafka_offset,change_field,old_value,new_value,old_known,op", *options, path],
                              capture_output=True, text=True, check=True).stdout
    by_check = rows([option for line in lines for option in ("-o", line)])
    assert by_check == rows([word.replace("%s", "full") for word in hints(settings)])
    assert by_check.count("\n") > CHANGES


# --------------------------------------------------------------------------
# The same rows by workers that are killed
# --------------------------------------------------------------------------

KILLS = 8
ROW = ["kafka_topic", "kafka_partition", "kafka_offset", "field_no", "change_field", "old_value", "new_value",
       "old_known", "op", "row_key"]


def kill_connectors(bench, slow):
    """One for all topics whose events have schemas, one for those of a combination without. `slow`: a
    few records at a time, for many flushes; librdkafka then rests a second after each of them."""
    shared = {"tasks__max": "1", "pivot__keys": None, "pivot__fields": "*", "pivot__columns": ",".join(ROW),
              "batch__rows__max": "300", "replica__identity": None,
              "consumer__override__partition__assignment__strategy": "roundrobin"}
    if slow:
        shared.update({"consumer__override__queued__min__messages": "1",
                       "consumer__override__fetch__message__max__bytes": "1000"})
    shared.update({"replica__identity__judge__" + table: identity for table, identity in TABLES.items()})
    typed = {word.partition("=")[0].replace("%s", table).replace(".", "__"): word.partition("=")[2]
             for word in hints(COMBINATIONS["g"]) if word != "-o" for table in TABLES}
    names = [name for name, settings in COMBINATIONS.items() if settings.schemas]
    def topics(*names):
        return ",".join("judge_%s.judge.%s" % (name, table) for name in names for table in TABLES)
    return [bench.connector("with_schemas", topics=topics(*names), **shared),
            bench.connector("without", topics=topics("g"), **shared, **typed)], names + ["g"]


class Positions:
    """Who has flushed since its claim, and has more to do."""

    def __init__(self, bench, ends):
        self.bench, self.ends, self.first, self.lag = bench, ends, {}, {}

    def look(self):
        flushed, self.lag = set(), collections.Counter()
        for row in self.bench.sql("select connector, topic, next_offset, epoch, worker_id from fieldtrail_offset"):
            connector, topic, offset, epoch, worker = row.split("|")
            if int(offset) > self.first.setdefault((connector, topic, epoch), int(offset)):
                flushed.add(worker)
            self.lag[worker] += self.ends[topic] - int(offset)
        return {worker for worker in flushed if self.lag[worker] > 0}

    def done(self):
        self.look()
        return len(self.lag) > 0 and sum(self.lag.values()) == 0


def rows_by_pivot(bench, folder, names):
    """Lines of COPY, as the pipe prints them: those that were judged."""
    rows = collections.Counter()
    for name in names:
        for table, identity in TABLES.items():
            options = [word.replace("%s", table) for word in hints(COMBINATIONS[name])]
            done = subprocess.run([bench.binary, "pivot", "--fields", "*", "--identity", identity, "--format", "copy",
                                   "--columns", ",".join(ROW), *options, folder / ("judge_%s.judge.%s" % (name, table))],
                                  capture_output=True, text=True, check=True)
            rows.update(done.stdout.split("\n")[:-1])
    return rows


def test_workers_that_are_killed_write_the_same_rows(run, bench, record_property):
    folder, truth = run
    chance = judged.random.Random(SEED)
    paths, names = kill_connectors(bench, slow=True)
    ends = {"judge_%s.judge.%s" % (name, table): offsets(bench.stack, "judge_%s.judge.%s" % (name, table))
            for name in names for table in TABLES}
    shown = ", ".join({"kafka_partition": "kafka_partition int", "kafka_offset": "kafka_offset bigint",
                       "field_no": "field_no bigint", "old_known": "old_known boolean"}.get(name, name + " text")
                      for name in ROW)
    bench.sql("create table holding_pivot (%s)" % shown)
    bench.slow_down(0.5)
    workers = [bench.worker(*paths) for _ in range(3)]
    wait_until(lambda: bench.sql("select to_regclass('fieldtrail_offset') is not null") == ["t"], "the first claim", 60)
    positions, kills, counted = Positions(bench, ends), 0, 0
    deadline = time.monotonic() + 400
    while counted < KILLS and not positions.done():
        assert time.monotonic() < deadline, "%d of %d kills counted" % (counted, kills)
        ready = positions.look()
        if not any(worker.id in ready for worker in workers):
            time.sleep(0.05)
            continue
        time.sleep(chance.random() * 0.5)
        for place in chance.sample(range(3), chance.choice([1, 2, 3])):
            counted += workers[place].id in positions.look()
            kills += 1
            workers[place].kill()
            workers[place] = bench.worker(*paths)
    assert counted >= KILLS, "%d of %d kills fell before the end" % (counted, kills)
    bench.speed_up()
    for worker in workers:
        worker.kill()
    paths, names = kill_connectors(bench, slow=False)
    workers = [bench.worker(*paths) for _ in range(3)]
    wait_until(positions.done, "all is read", 300, 0.2)
    assert [worker.stop() for worker in workers] == [0, 0, 0]
    listed = ", ".join("old_known::text" if name == "old_known" else name for name in ROW)
    found = collections.Counter(bench.stack.run("psql", "-X", "-q", bench.uri, "-c", "copy (select %s from holding_pivot) "
                                                "to stdout" % listed).stdout.split("\n")[:-1])
    wanted = rows_by_pivot(bench, folder, names)
    print("\n%d rows equal, %d of %d kills counted" % (sum(wanted.values()), counted, kills))
    record_property("rows", sum(wanted.values()))
    assert found == wanted, (list((found - wanted).items())[:5], list((wanted - found).items())[:5])
    assert sum(wanted.values()) > CHANGES * len(ends)
