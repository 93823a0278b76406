"""MariaDB as judge: what triggers wrote down of every change, column by column, against the rows that
fieldtrail makes of the events of Debezium's connector for MariaDB. As test_types.py, and smaller: one
table, four settings of the connector.

FIELDTRAIL_TYPES_CHANGES  changes of the table (80)
FIELDTRAIL_TYPES_SEED     another random run (1)
"""
import collections
import decimal
import json
import struct
import subprocess
import time

import pytest

from servers_kit import TOP, instance
import test_types
import type_columns as judged
from test_types import CHANGES, SEED
from type_columns import RANDOM, Column, Loss, literal, quoted


class Settings(judged.Settings):
    """The connector's own defaults differ from those of PostgreSQL's."""

    def mode(self, name):
        if name == "time":
            return self.get("time.precision.mode", "adaptive_time_microseconds")
        if name == "unsigned":
            return self.get("bigint.unsigned.handling.mode", "long")
        return super().mode(name)


COMBINATIONS = {name: Settings(settings) for name, settings in {
    "a": dict(schemas=True),
    "b": dict(schemas=False),
    "c": {"schemas": True, "decimal.handling.mode": "string", "time.precision.mode": "connect",
          "binary.handling.mode": "hex", "bigint.unsigned.handling.mode": "precise"},
    "d": {"schemas": False, "decimal.handling.mode": "double", "time.precision.mode": "isostring",
          "binary.handling.mode": "base64"},
}.items()}


# --------------------------------------------------------------------------
# Columns: what the trigger writes down is made the text that is to be printed
# --------------------------------------------------------------------------

PLAIN = "cast(%s as char)"
BYTES = r"concat('\\x', lower(hex(%s)))"


def short_fraction(text):
    """MariaDB prints as many digits as the column has."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def no_date(text):
    return None if text.startswith("0000-00-00") else text


def signed(text):
    return str(int(text) - 2**64) if int(text) >= 2**63 else text


def long(settings):
    return settings.mode("unsigned") == "long"


ZERO = Loss("zero dates", lambda s: True, no_date)
DATETIME = (ZERO, *judged.TIMESTAMP_LOSSES)


def dates():
    return literal("%04d-%02d-%02d" % (RANDOM.randint(1000, 9999), RANDOM.randint(1, 12), RANDOM.randint(1, 28)))


def datetimes(low, high):
    def value():
        return "%s %s" % (literal("%04d" % RANDOM.randint(low, high) + dates()[5:-1])[:-1], judged.clocks()()[1:])
    return value


def columns():
    made = []

    def add(name, kind, edge, random_value, same="text", losses=(), hint=None, truth=PLAIN, finish=None):
        column = Column(name, kind, edge, random_value, same, losses, hint)
        column.truth, column.finish = truth, finish or (lambda text: text)
        made.append(column)

    numeric = (Loss("decimal as a text of string mode", lambda s: s.mode("decimal") == "string", str),)
    add("t1", "tinyint", ["-128", "127"], judged.integers(6), "number", hint="smallint")
    add("flag", "boolean", ["0", "1"], lambda: RANDOM.choice(["0", "1"]), "number", hint="smallint")
    add("i2", "smallint", ["-32768", "32767"], judged.integers(14), "number")
    add("u2", "smallint unsigned", ["65535"], lambda: str(RANDOM.randint(0, 65535)), "number", hint="integer")
    add("i3", "mediumint", ["-8388608", "8388607"], judged.integers(22), "number", hint="integer")
    add("i4", "int", ["-2147483648", "2147483647"], judged.integers(30), "number", hint="integer")
    add("u4", "int unsigned", ["4294967295"], lambda: str(RANDOM.getrandbits(32)), "number", hint="bigint")
    add("i8", "bigint", ["-9223372036854775808", "9223372036854775807"], judged.integers(62), "number")
    add("u8", "bigint unsigned", ["18446744073709551615", "9223372036854775808", "9223372036854775807"],
        lambda: str(RANDOM.getrandbits(64)), "number", [Loss("bigint unsigned as long", long, signed)], hint="bigint")
    add("f4", "float", ["3.402823e38", "-0.1", "16777216", "1e-38"], lambda: repr(RANDOM.uniform(-1, 1) * 10 ** RANDOM.randint(-30, 30)),
        "single", hint="real", truth="cast(cast(%s as double) as char)")
    add("f8", "double", ["1.7976931348623157e308", "5e-324", "0.1", "-1e23"], judged.floats(False), "double", hint="double precision")
    add("n", "decimal(10,2)", ["27.10", "-99999999.99", "0"], judged.decimals(10, 2), "decimal", numeric, hint="numeric(10,2)")
    add("n65", "decimal(65,30)", ["9" * 35 + "." + "9" * 30, "-0." + "0" * 29 + "1"], judged.decimals(60, 30), "decimal", numeric,
        hint="numeric(65,30)")
    add("c", "char(5)", quoted("", "ab", "abcde", " a"), judged.short(5), hint="text")
    add("vc", "varchar(400)", quoted(*judged.HARD_TEXTS[:3], "caf\u00e9 \U0001f600", "a,b", '"q"', "1.50", "\u00a0x"),
        judged.short(20), hint="text")
    add("tx", "text", quoted("", "NULL", "x" * 300), judged.short(30), hint="text")
    add("lt", "longtext", quoted("y" * 70000), judged.short(30), hint="text")
    add("bi", "binary(4)", ["x'deadbeef'", "x'00000000'"], lambda: "x'%08x'" % RANDOM.getrandbits(32), truth=BYTES, hint="bytea",
        losses=(Loss(judged.BYTES_AS_TEXT, judged.bytes_as_text, judged.encoded),))
    add("vb", "varbinary(20)", ["x''", "x'00ff'"], lambda: judged.bytes_().replace("'\\x", "x'"), truth=BYTES, hint="bytea",
        losses=(Loss(judged.BYTES_AS_TEXT, judged.bytes_as_text, judged.encoded),))
    add("bl", "blob", ["x''", "x'%s'" % ("ab" * 300)], lambda: judged.bytes_().replace("'\\x", "x'"), truth=BYTES, hint="bytea",
        losses=(Loss(judged.BYTES_AS_TEXT, judged.bytes_as_text, judged.encoded),))
    add("b1", "bit(1)", ["b'0'", "b'1'"], lambda: "b'%d'" % RANDOM.randint(0, 1), truth="lpad(bin(%s + 0), 1, '0')", hint="bit(1)",
        losses=(Loss("bit(1) as boolean", lambda s: s.schemas, lambda text: "true" if text == "1" else "false"),))
    add("b9", "bit(9)", ["b'100000001'", "b'0'"], lambda: "b'%s'" % format(RANDOM.getrandbits(9), "b"),
        truth="lpad(bin(%s + 0), 9, '0')", hint="bit(9)")
    add("b64", "bit(64)", ["b'%s'" % ("1" * 64), "b'0'"], lambda: "b'%s'" % format(RANDOM.getrandbits(64), "b"),
        truth="lpad(bin(%s + 0), 64, '0')", hint="bit(64)")
    add("d", "date", quoted("1000-01-01", "9999-12-31", "1970-01-01", "0000-00-00"), dates, losses=[ZERO])
    add("ti", "time", quoted("00:00:00", "23:59:59"), lambda: literal(judged.clocks()()[1:9]), hint="time")
    add("ti6", "time(6)", quoted("23:59:59.999999"), judged.clocks(), hint="time", finish=short_fraction, losses=judged.CLOCK_LOSSES[:1])
    add("dt", "datetime", quoted("1000-01-01 00:00:00", "9999-12-31 23:59:59", "0000-00-00 00:00:00"),
        datetimes(1000, 9999), losses=DATETIME, hint="timestamp(0)")
    add("dt6", "datetime(6)", quoted("9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"), datetimes(1000, 9999),
        finish=short_fraction, losses=DATETIME, hint="timestamp(6)")
    add("ts", "timestamp(6) null", quoted("1970-01-01 00:00:01", "2038-01-19 03:14:07.999999"), datetimes(1971, 2037),
        finish=lambda text: short_fraction(text) + "+00", hint="timestamptz")
    add("y", "year", ["1901", "2155"], lambda: str(RANDOM.randint(1901, 2155)), "number", hint="integer")
    add("e", "enum('sad','ok','it''s')", quoted("sad", "it's"), lambda: RANDOM.choice(quoted("sad", "ok", "it's")), hint="text")
    add("st", "set('a','b','c')", quoted("", "a,c"), lambda: RANDOM.choice(quoted("a", "a,b", "a,b,c")), hint="text")
    add("j", "json", quoted("null", "{}", '{"b": 1, "a": [1, {"c": null}]}'), lambda: mariadb_text(judged.documents()), "json", hint="json")
    return made


def mariadb_text(text):
    """A backslash is an escape in MariaDB's literals."""
    return text.replace("\\", "\\\\")


COLUMNS = columns()

# --------------------------------------------------------------------------
# The source
# --------------------------------------------------------------------------


def source_sql():
    def image(row):
        return "json_array(%s)" % ", ".join(column.truth % ("%s.%s" % (row, column.name)) for column in COLUMNS)
    out = ["drop database if exists judge; create database judge character set utf8mb4; use judge;",
           "create table truth (seq bigint auto_increment primary key, op char(1), id bigint, old longtext, new longtext);",
           "create table t (id bigint primary key, %s);" % ", ".join("%s %s" % (c.name, c.kind) for c in COLUMNS)]
    for event, op, old, new in (("insert", "c", "null", image("new")), ("update", "u", image("old"), image("new")),
                                ("delete", "d", image("old"), "null")):
        out.append("create trigger note_%s after %s on t for each row insert into truth (op, id, old, new) "
                   "values ('%s', %s.id, %s, %s);" % (event, event, op, "old" if op == "d" else "new", old, new))
    return "\n".join(out)


def value_of(column):
    chance = RANDOM.random()
    if chance < 0.12:
        return "NULL"
    return RANDOM.choice(column.edge) if chance < 0.45 else column.random_value()


def random_changes():
    RANDOM.seed(SEED)
    alive, number = [], 0
    for _ in range(CHANGES):
        chance = RANDOM.random()
        if len(alive) < 3 or chance < 0.4:
            number += 1
            alive.append(number)
            yield "insert into t (id, %s) values (%d, %s);" % (", ".join(c.name for c in COLUMNS), number,
                                                              ", ".join(map(value_of, COLUMNS)))
        elif chance < 0.85:
            chosen = RANDOM.sample(COLUMNS, RANDOM.choice([1, 1, 2, 3, 8, 25]))
            yield "update t set %s where id = %d;" % (", ".join("%s = %s" % (c.name, value_of(c)) for c in chosen),
                                                      RANDOM.choice(alive))
        else:
            yield "delete from t where id = %d;" % alive.pop(RANDOM.randrange(len(alive)))


def connector(servers, name, settings, folder):
    config = {"connector.class": "io.debezium.connector.mariadb.MariaDbConnector", "tasks.max": "1",
              "database.hostname": "127.0.0.1", "database.port": servers.environment["FIELDTRAIL_MARIADB_PORT"],
              "database.user": "debezium", "database.password": "debezium", "database.ssl.mode": "disable",
              "database.server.id": str(7000 + ord(name)), "topic.prefix": "judge_" + name,
              "database.include.list": "judge", "table.include.list": "judge.t", "snapshot.mode": "no_data",
              "include.schema.changes": "false", "schema.history.internal.kafka.topic": "history_" + name,
              "schema.history.internal.kafka.bootstrap.servers": servers.bootstrap}
    for side in ("key", "value"):
        config[side + ".converter"] = "org.apache.kafka.connect.json.JsonConverter"
        config[side + ".converter.schemas.enable"] = str(settings.schemas).lower()
    config.update({key: value for key, value in settings.items() if key != "schemas"})
    path = folder / ("judge_%s.json" % name)
    path.write_text(json.dumps({"name": "judge_" + name, "config": config}))
    return path


@pytest.fixture(scope="module")
def servers():
    with instance("mariadb", "kafka", "connect", FIELDTRAIL_CONNECTOR="mariadb") as started:
        yield started


def ask(servers, text):
    return servers.run("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", servers.environment["FIELDTRAIL_MARIADB_PORT"],
                       "-u", "debezium", "-pdebezium", "--default-character-set=utf8mb4", "-N", "-B", "--raw", input=text).stdout


@pytest.fixture(scope="module")
def run(servers, tmp_path_factory):
    """The changes are made, captured four times, and lie in files of kcat -J lines."""
    folder = tmp_path_factory.mktemp("types")
    ask(servers, source_sql())
    for name, settings in COMBINATIONS.items():
        servers.run(TOP / "compose" / "connector", "apply", connector(servers, name, settings, folder))
    ask(servers, "use judge; set sql_mode = ''; set time_zone = '+00:00';\n" + "\n".join(random_changes()))
    truth = []
    for line in ask(servers, "select json_array(op, id, old, new) from judge.truth order by seq").splitlines():
        op, key, old, new = json.loads(line)
        truth.append((op, key, *(image and [text if text is None else column.finish(text) for column, text
                                            in zip(COLUMNS, json.loads(image))] for image in (old, new))))
    # The trigger sees an update that changes nothing; the binary log does not.
    truth = [change for change in truth if change[0] != "u" or change[2] != change[3]]
    for name in COMBINATIONS:
        topic = "judge_%s.judge.t" % name
        wanted = len(truth) + sum(op == "d" for op, *_ in truth)  # and tombstones
        deadline = time.monotonic() + 120 + CHANGES / 5
        while test_types.offsets(servers, topic) < wanted:
            assert time.monotonic() < deadline, "%s has %d of %d" % (topic, test_types.offsets(servers, topic), wanted)
            time.sleep(0.3)
        (folder / topic).write_text(servers.topic(topic, "-J"))
    return folder, truth


# --------------------------------------------------------------------------
# Comparing
# --------------------------------------------------------------------------

def single(text):
    return struct.pack("<f", float(text))


def same(column, settings, a, b):
    if a is None or b is None or a == b:
        return a == b
    if column.same == "single":
        return single(a) == single(b)
    if column.same == "double":
        return float(a) == float(b)  # PostgreSQL's digits of 1e23 are 9.999999999999999e+22
    if settings.mode("decimal") == "double" and column.same == "decimal":
        return float(a) == float(b)
    if column.same in ("number", "decimal"):
        return decimal.Decimal(a) == decimal.Decimal(b)
    if column.same == "json":
        return json.loads(a, parse_float=decimal.Decimal) == json.loads(b, parse_float=decimal.Decimal)
    return False


def pivot(binary, path, settings, *more):
    options = []
    if not settings.schemas:
        options = ["pivot.type.judge.t.%s=%s" % (column.name, column.hint) for column in COLUMNS]
        options += ["time.precision.mode=" + settings.mode("time")]
        options += ["%s=%s" % item for item in settings.items() if item[0] in ("decimal.handling.mode", "binary.handling.mode")]
    done = subprocess.run([binary, "pivot", "--fields", "*", "--identity", "full", "--format", "jsonl", "--columns",
                           "id,kafka_offset,op,change_field,old_value,new_value,old_known",
                           *(word for option in options for word in ("-o", option)), *more, path],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    events = collections.defaultdict(dict)
    for line in done.stdout.split("\n")[:-1]:
        row = json.loads(line)
        event = events[int(row["kafka_offset"])]
        assert row["change_field"] not in event, row
        event["op"], event["id"] = row["op"], str(row["id"])
        event[row["change_field"]] = row["old_value"], row["new_value"], row["old_known"] in (True, "true")
    return events


class Judge:
    def __init__(self, settings):
        self.settings, self.compared, self.losses, self.wrong = settings, 0, collections.Counter(), []

    def expected(self, column, text):
        for loss in column.losses:
            if text is None or not loss.when(self.settings):
                continue
            change = loss.text(self.settings) if loss.name == judged.BYTES_AS_TEXT else loss.text
            if change(text) != text:
                text = change(text)
                self.losses[loss.name] += 1
        return text

    def value(self, where, column, truth, printed):
        self.compared += 1
        wanted = self.expected(column, truth)
        if not same(column, self.settings, wanted, printed):
            self.wrong.append((where, column.name, "database %.80r" % truth, "wanted %.80r" % wanted, "printed %.80r" % printed))

    def event(self, number, change, event, moved):
        op, key, old, new = change
        assert (event["op"], event["id"]) == (op, str(key)), number
        for place, column in enumerate(COLUMNS):
            was, now, known = event[column.name]
            assert known, (number, column.name)
            self.value((number, op, "old"), column, old and old[place], was)
            self.value((number, op, "new"), column, new and new[place], now)
            # A row stands exactly where the two that are printed differ.
            if (column.name in moved) == same(column, self.settings, was, now):
                self.wrong.append((number, column.name, "moved" if column.name in moved else "did not move", was, now))


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_rows_are_what_mariadb_wrote_down(name, run, binary):
    folder, truth = run
    judge, path = Judge(COMBINATIONS[name]), folder / ("judge_%s.judge.t" % name)
    events = pivot(binary, path, judge.settings, "--unchanged", "emit")
    moved = pivot(binary, path, judge.settings)
    assert len(events) == len(truth)
    for offset, change in zip(sorted(events), truth):
        judge.event(offset, change, events[offset], moved.get(offset, {}))
    print("\n%s: %d values compared, lost in Debezium: %s" % (name, judge.compared, dict(judge.losses)))
    by_column = collections.Counter(entry[1] for entry in judge.wrong)
    assert not judge.wrong, "%d unexplained: %s\n%s" % (len(judge.wrong), dict(by_column), "\n".join(map(str, judge.wrong[:40])))
    assert judge.compared == len(truth) * len(COLUMNS) * 2 > 0
