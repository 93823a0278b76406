"""History, as of, difference and undo over a real PostgreSQL: the shipped functions against a model
of their own (history_kit.py), their plans, and hostile names."""
import collections
import datetime
import json
import os
import re
import subprocess
import uuid

import pytest

from servers_kit import TOP, instance
from history_kit import BEGIN, COLUMNS, FIELDS, Table, Undone, ask, literal, psql, source_rows


@pytest.fixture(scope="module")
def server():
    """PostgreSQL alone; its URI without the database."""
    with instance("postgres", FIELDTRAIL_PG_FAST="1") as started:
        yield started.environment["FIELDTRAIL_PG_URI"].rsplit("/", 1)[0]


class Base:
    """One database, and the program with a connector that points to it."""

    def __init__(self, server, binary, folder):
        self.binary, self.folder = binary, folder
        name = "t" + uuid.uuid4().hex
        psql(server + "/postgres", f"create database {name}")
        self.uri = server + "/" + name
        self.path = self.connector()

    def connector(self, name="connector", **settings):
        config = {"connector.class": "PostgresSink", "topics": "t", "connection.uri": self.uri,
                  "table": "pivot", "pivot.keys": "user_id", "pivot.fields": "*",
                  **{key.replace("__", "."): value for key, value in settings.items()}}
        path = self.folder / (name + ".json")
        path.write_text(json.dumps({"name": name, "config": config}))
        return path

    def run(self, command, *arguments, path=None, environment=None):
        return subprocess.run([self.binary, command, *map(str, arguments)], text=True,
                              capture_output=True, timeout=120,
                              env={**os.environ, **(environment or {})})

    def install(self, path=None):
        """All of the shipped SQL, as the program prints it; twice, for it may be run again."""
        path = path or self.path
        for name in ("fieldtrail_offset", "table", "functions", "views", "partitions", "roles"):
            done = self.run("sql", name, path)
            assert done.returncode == 0, done.stderr
            psql(self.uri, done.stdout)
            psql(self.uri, done.stdout)
        return self

    def partition(self, pivot, low, high):
        psql(self.uri, f"create table {pivot}_{low.replace('-', '')} partition of {pivot} "
                       f"for values from ('{low}') to ('{high}')")


@pytest.fixture
def base(server, binary, tmp_path):
    return Base(server, binary, tmp_path)


@pytest.fixture
def ready(base):
    base.install()
    base.partition("pivot", "2026-01-01", "2026-02-01")
    return base


def state_of(rows):
    """What an answer of asof says: id -> fields. Every field of it must be known."""
    state = {}
    for row in rows:
        assert row["known"], row
        fields = state.setdefault(json.loads(row["row_key"])["id"], {})
        if row["change_field"] != "id":
            fields[row["change_field"]] = row["value"]
    return state


def filled(rows):
    return {number: {field: row.get(field) for field in FIELDS} for number, row in rows.items()}


# ---- against the model ----

@pytest.mark.parametrize("seed, options", [
    (1, {}), (2, {}), (3, {"truncates": 0}), # without an lsn, a truncate and the changes of its transaction have no order
    (4, {"lsn": False, "moves": 0, "truncates": 0}),
    (5, {"lsn": False, "moves": 0, "truncates": 0, "ids": 20}), (6, {"moves": 0.3, "ids": 20})])
def test_asof_equals_the_copies(ready, seed, options):
    table = Table(seed, **options).run(600)
    if table.lsn:
        table.send_twice(0.2)
    table.load(ready.uri, "pivot")
    Table(seed + 100, name="s.other").run(100).load(ready.uri, "pivot")  # must not be seen
    assert len(table.copies) == 20
    for moment, rows in table.copies:
        answer = ask(ready.uri, f"select * from fieldtrail_asof('pivot', 's.t', '{moment}')")
        assert filled(state_of(answer)) == rows, moment
        for number in table.chance.sample(range(1, table.ids + 1), 5):
            answer = ask(ready.uri, "select * from fieldtrail_asof('pivot', 's.t', "
                         f"'{moment}', array['{table.key(number)}'])")
            want = {number: rows[number]} if number in rows else {}
            assert filled(state_of(answer)) == want, (moment, number)


def test_several_changes_of_a_row_in_one_record_keep_their_order(ready):
    """Created, changed, deleted and created again by one record."""
    table = Table(17, moves=0, truncates=0, ids=4).run(200)
    table.pack()
    ops = collections.defaultdict(set)
    for row in table.pivot:
        ops[row[13], row[8]].add(row[4])
    assert {"c", "u", "d"} in ops.values()
    table.load(ready.uri, "pivot")
    for moment, rows in table.copies:
        answer = ask(ready.uri, f"select * from fieldtrail_asof('pivot', 's.t', '{moment}')")
        assert filled(state_of(answer)) == rows, moment
    for user in (1, 2):
        want = Undone(table, lambda event: event[3] == user)
        table.make_source(ready.uri)
        done, found = run_undo(ready, ["--by", f"user_id={user}"])
        assert found == [] and source_rows(ready.uri) == want.rows
        assert done.stdout.count("\n-- conflict") == want.refused


def test_difference_is_what_the_copies_differ_in(ready):
    table = Table(11).run(400)
    table.load(ready.uri, "pivot")
    for (early, before), (late, after) in zip(table.copies, table.copies[1:]):
        want = set()
        for number in set(before) | set(after):
            old, new = before.get(number, {}), after.get(number, {})
            word = "created" if not old else "deleted" if not new else "changed"
            want |= {(number, word, f, old.get(f), new.get(f)) for f in FIELDS
                     if old.get(f) != new.get(f)}
        answer = ask(ready.uri, f"select * from fieldtrail_diff('pivot', 's.t', '{early}', '{late}')")
        got = {(json.loads(row["row_key"])["id"], row["difference"], row["change_field"],
                row["earlier_value"], row["later_value"]) for row in answer
               if row["earlier_value"] != row["later_value"] and row["change_field"] != "id"}
        assert got == want and all(row["known"] for row in answer)


def test_history_follows_a_key_that_changed(ready):
    table = Table(21, moves=0.35, truncates=0, ids=25).run(400)
    table.load(ready.uri, "pivot")
    lines = {}  # number -> what happened under it, and on the way of the row that came last
    for tx, number, op, user, changes in table.events:
        moved = [int(old) for field, old, _ in changes if field == "id"]
        if op == "u" and moved:
            lines[number] = list(lines[moved[0]])
        lines.setdefault(number, []).extend(
            (tx, op, field, old, new, number) for field, old, new in changes or [(None,) * 3])
    assert any(len({line[-1] for line in events}) > 2 for events in lines.values())
    for number, events in lines.items():
        answer = ask(ready.uri,
                     f"select * from fieldtrail_history('pivot', 's.t', '{table.key(number)}')")
        assert [(int(row["tx_id"]), row["op"], row["change_field"], row["old_value"],
                 row["new_value"], json.loads(row["key"])["id"]) for row in answer] == events


def run_undo(base, arguments):
    """The program's script, run on the source; its conflicts and what the script itself found."""
    done = base.run("undo", "-c", base.path, "s.t", *arguments)
    assert done.stdout.endswith("commit;\n"), done.stderr
    ran = psql(base.uri, done.stdout, check=False)
    assert ran.returncode == 0, ran.stderr + done.stdout[:500]
    return done, ran.stdout.splitlines()


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_undo_of_everything_since_a_moment(ready, seed):
    table = Table(seed, truncates=0).run(300)
    table.load(ready.uri, "pivot")
    for moment, rows in table.copies[-3:]:
        table.make_source(ready.uri)
        done, found = run_undo(ready, ["--since", moment.replace("+00:00", ".000001+00:00")])
        assert done.returncode == 0, done.stderr
        assert found == [] and source_rows(ready.uri) == rows


@pytest.mark.parametrize("seed, options", [
    (41, {"moves": 0, "truncates": 0}), (42, {"moves": 0, "truncates": 0, "ids": 15}), (43, {"truncates": 0}),
    (44, {"moves": 0.4, "truncates": 0, "ids": 20}), (45, {"truncates": 0.01}), (46, {"moves": 0.4, "ids": 12})])
@pytest.mark.parametrize("what", ["user", "transaction", "time"])
def test_undo_of_a_choice_leaves_what_others_changed_since(ready, seed, options, what):
    table = Table(seed, **{"ids": 40, **options}).run(250)
    table.load(ready.uri, "pivot")
    tx = table.chance.choice([event[0] for event in table.events[-40:]])
    since, until = ((BEGIN + datetime.timedelta(seconds=tx - back)).isoformat() for back in (31, 1))
    chosen, arguments = {
        "user": (lambda event: event[3] == 2, ["--by", "user_id=2"]),
        "transaction": (lambda event: event[0] == tx, ["--transaction", tx]),
        "time": (lambda event: tx - 30 <= event[0] <= tx, ["--since", since, "--until", until]),
    }[what]
    want = Undone(table, chosen)
    table.make_source(ready.uri)
    done, found = run_undo(ready, arguments)
    assert found == [] and source_rows(ready.uri) == want.rows
    assert done.returncode == (1 if want.refused else 0)
    assert done.stdout.count("\n-- conflict") == want.refused
    assert len(re.findall(r"^conflict", done.stderr, re.MULTILINE)) == want.refused
    steps = ready.run("undo", "-c", ready.path, "s.t", *arguments, "--dry-run", "--format", "json")
    assert steps.returncode == done.returncode
    listed = json.loads(steps.stdout)
    assert len([step for step in listed if step["conflict"]]) == want.refused


def test_undo_touches_nothing_that_the_pivot_table_has_not_seen(ready):
    table = Table(51, moves=0, truncates=0).run(120)
    table.load(ready.uri, "pivot")
    table.make_source(ready.uri)
    last = [event for event in table.events if event[2] == "u" and event[1] in table.rows][-1]
    (field, old, new), *_ = last[4]
    psql(ready.uri, f"update s.t set {field} = 'by hand' where id = {last[1]}")
    before = source_rows(ready.uri)
    done, found = run_undo(ready, ["--transaction", last[0]])
    assert any("by hand" in row.values() for row in source_rows(ready.uri).values())
    assert [line for line in found if f'{{"id":{last[1]}}}' in line], found
    untouched = {number for number in before if before[number] == source_rows(ready.uri).get(number)}
    assert last[1] in untouched and done.returncode in (0, 1)


# ---- what people type ----

HOSTILE = 'we"ird.ta\'ble; drop'  # schema we"ird, table ta'ble; drop
HOSTILE_KEY = {"k\u00e9y \"1\"": 7, "b.c": "it's, \\ x"}


def test_hostile_names_keys_and_values(base):
    """Names with quotes, dots, blanks and letters of every kind: in the pivot table's name, in the
    source's, in keys, fields and values."""
    pivot, fields = 'au"dit.pi\'v ot', ["fi\"eld", "f'2; --"]
    psql(base.uri, 'create schema "au""dit"')
    path = base.connector(table=pivot, pivot__keys="user_id,o'wn")
    base.install(path)
    key = json.dumps(HOSTILE_KEY, separators=(",", ":"), ensure_ascii=False)
    moved = key.replace("7", "8")
    table = '"au""dit"."pi\'v ot"'
    rows = [(fields[0], None, "a'b\\\\", "c", key, 1, 65537), (fields[1], None, "\"x\"", "c", key, 1, 65538),
            (fields[0], "a'b\\\\", None, "u", key, 2, 65537),
            (list(HOSTILE_KEY)[0], "7", "8", "u", moved, 3, 65539),
            (fields[1], "\"x\"", "new\nline\x1b[31m", "u", moved, 4, 65538)]
    for field, old, new, op, row_key, at, no in rows:
        psql(base.uri, f"insert into {table} ({COLUMNS}) values ('1', {literal(field)}, {literal(old)},"
             f"{literal(new)}, '{op}', true, date_trunc('day', now()) + '{at} s', {literal(HOSTILE)}, {literal(row_key)},"
             f"'{at}', '{at}', 't', 0, {at}, {no})")
    typed = 'k\u00e9y "1"=8,b.c=' + "x"
    done = base.run("history", "-c", path, HOSTILE, moved, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [(r["change_field"], r["old_value"], r["new_value"], r["row_key"])
            for r in json.loads(done.stdout)] == [(r[0], r[1], r[2], r[4]) for r in rows]
    shown = base.run("history", "-c", path, HOSTILE, moved, "--format", "table").stdout
    assert "\x1b" not in shown and "new\\nline\\x1b[31m" in shown
    assert base.run("history", "-c", path, HOSTILE, typed, "--format", "json").stdout == "[\n]\n"
    now = base.run("asof", "-c", path, HOSTILE, moved, "infinity", "--format", "csv").stdout
    assert '"fi""eld",,true\n' in now and "f'2; --" in now
    undo = base.run("undo", "-c", path, HOSTILE, "--all")
    assert undo.returncode == 0, undo.stderr
    schema, name = HOSTILE.split(".")
    columns = [*HOSTILE_KEY, *fields]
    quoted = ['"' + column.replace('"', '""') + '"' for column in columns]
    source = '"we""ird"."ta\'ble; drop"'
    psql(base.uri, f'create schema "we""ird"; create table {source} ({quoted[0]} integer, '
                   f'{quoted[1]} text, {quoted[2]} text, {quoted[3]} text);'
                   f"insert into {source} values (8, {literal(HOSTILE_KEY['b.c'])}, null, "
                   f"{literal(rows[4][2])})")
    assert psql(base.uri, undo.stdout) == [] and psql(base.uri, f"select * from {source}") == []
    assert psql(base.uri, f"select count(*) from {table[:-1]}_once\"") == ["5"]


@pytest.fixture
def two_keys(ready):
    for text in ("0, 'EUR'", "1, 'USD'"):
        at, currency = text.split(", ")
        psql(ready.uri, f"insert into pivot ({COLUMNS}) values ('1', 'amount', null, '5', 'c', true, "
             f"'2026-01-02', 'bank.account', '{{\"account\":{at},\"currency\":\"{currency[1:-1]}\"}}', "
             f"'1', '{at}1', 't', 0, {at}, 65539)")
    Table(1, name="s.t").run(30).load(ready.uri, "pivot")
    Table(2, name="other.t").run(30).load(ready.uri, "pivot")
    return ready


@pytest.mark.parametrize("arguments, error", [
    (["nothing", "1"], "has no change of a table nothing; it has bank.account, other.t, s.t"),
    (["t", "1"], "has no change of a table t; it has"),
    (["account", "5"], "key of bank.account is account, currency: write account=…,currency=…"),
    (["account", "account=1"], "write account=…,currency=…"),
    (["account", "account=1,currency=EUR,more=2"], "write account=…,currency=…"),
    (["account", '{"account":1}'], "write account=…,currency=…"),
    (["account", "{account:1}"], "is no JSON object"),
    (["s.t"], "takes a table and a key"),
])
def test_what_cannot_be_meant_is_refused_with_what_can(two_keys, arguments, error):
    done = two_keys.run("history", "-c", two_keys.path, *arguments)
    assert done.returncode == 2 and done.stdout == "" and error in done.stderr, done.stderr


def test_keys_in_every_form(two_keys):
    for key in ("account=1,currency=USD", "currency=USD,account=1", '{"currency":"USD","account":1}',
                ' {"account": 1, "currency": "USD"}'):
        done = two_keys.run("asof", "-c", two_keys.path, "account", key, "2026-01-03")
        assert done.stdout == "field,value,known\namount,5,true\n", done.stderr
    answers = {two_keys.run("history", "-c", two_keys.path, "s.t", key).stdout
               for key in ("7", "id=7", '{"id":7}')}
    assert len(answers) == 1


def test_errors_say_what_to_do(base):
    def error(*arguments, path=base.path):
        done = base.run(arguments[0], "-c", path, *arguments[1:])
        assert done.returncode == 2, done.stderr
        return done.stderr
    assert 'pivot table: relation "pivot" does not exist' in error("history", "s.t", "1")
    psql(base.uri, base.run("sql", "table", base.path).stdout)
    assert "`fieldtrail sql functions connector.json | psql`" in error("history", "s.t", "1")
    base.install()
    assert "it has none at all" in error("history", "s.t", "1")
    base.partition("pivot", "2026-01-01", "2026-02-01")
    Table(1).run(20).load(base.uri, "pivot")
    assert "invalid input syntax for type timestamp" in error("asof", "s.t", "1", "teatime")
    assert "which changes?" in error("undo", "s.t")
    assert "expected COLUMN=VALUE" in error("undo", "s.t", "--by", "3")
    assert 'column "nobody" does not exist' in error("undo", "s.t", "--by", "nobody=3")
    assert "only the table of a PostgresSink" in error(
        "history", "s.t", "1", path=base.connector("q", connector__class="QuestDBSink"))
    assert "which database?" in base.run("history", "s.t", "1").stderr
    many = base.connector("many", table="${topic}")
    assert "say which by --pivot" in error("history", "s.t", "1", path=many)
    assert base.run("history", "-c", many, "s.t", "1", "--pivot", "pivot").returncode == 0
    each = base.connector("each", table="${table}ivot")
    psql(base.uri, "update pivot set source_table = 's.p'")
    assert base.run("history", "-c", each, "s.p", "1").returncode == 0


def test_unknown_is_shown_as_unknown_and_times_before_the_first_row_are_empty(ready):
    def put(op, field, old, new, known, at):
        psql(ready.uri, f"insert into pivot ({COLUMNS}) values ('1', {literal(field)}, {literal(old)}, "
             f"{literal(new)}, '{op}', {known}, '2026-01-{at:02}', 's.t', '{{\"id\":1}}', '{at}', "
             f"'{at}', 't', 0, {at}, 65537)")
    put("u", "a", None, "2", "false", 5)
    put("u", "b", "x", "y", "true", 6)

    def asof(moment):
        done = ready.run("asof", "-c", ready.path, "s.t", "1", moment, "--format", "json")
        return {row["field"]: (row["value"], row["known"]) for row in json.loads(done.stdout)}
    assert asof("2026-01-04") == {"a": (None, False), "b": ("x", True)}
    assert asof("2026-01-05") == {"a": ("2", True), "b": ("x", True)}
    assert asof("2026-01-07") == {"a": ("2", True), "b": ("y", True)}
    shown = ready.run("history", "-c", ready.path, "s.t", "1", "--format", "table").stdout
    assert re.search(r"\n2026-01-05T00:00:00.000000Z +u +a +\? +2 ", shown)
    done = ready.run("undo", "-c", ready.path, "s.t", "--key", "1")
    assert done.returncode == 1 and "the old value of a was not sent" in done.stderr
    psql(ready.uri, "delete from pivot")
    put("c", "a", None, "2", "true", 5)
    assert asof("2026-01-04T23:59:59.999999Z") == {} and asof("2026-01-05") == {"a": ("2", True)}
    put("d", "a", "2", None, "true", 6)
    assert asof("2026-01-05T12:00Z") == {"a": ("2", True)} and asof("2026-01-06") == {}
    assert psql(ready.uri, "select (select count(*) from pivot_known), "
                           "(select count(*) from pivot_unknown)") == ["2|0"]


def test_a_row_that_a_snapshot_read_is_known_from_then_on(ready):
    """Two rows of a snapshot, one of them read again later; a third was there before, unread."""
    put(ready, 1, "r", [("a", None, "1"), ("b", None, "x")], at="2026-01-05")
    put(ready, 2, "r", [("a", None, "7")], at="2026-01-05", key='{"id":2}')
    put(ready, 3, "u", [("a", "1", "2")], at="2026-01-06")
    put(ready, 4, "r", [("a", None, "3")], at="2026-01-07")
    put(ready, 5, "u", [("a", "8", "9")], at="2026-01-07", key='{"id":3}')
    call = lambda moment: {(json.loads(row["row_key"])["id"], row["change_field"]): (row["value"], row["known"])
                           for row in ask(ready.uri, f"select * from fieldtrail_asof('pivot', 's.t', '{moment}')")}
    unread = {(3, "a"): ("8", True), (3, "b"): (None, False)}
    assert call("2026-01-04") == unread
    assert call("2026-01-05") == unread | {(1, "a"): ("1", True), (1, "b"): ("x", True),
                                           (2, "a"): ("7", True), (2, "b"): (None, True)}
    assert call("2026-01-06")[1, "a"] == ("2", True)
    assert call("2026-01-07") == {(1, "a"): ("3", True), (1, "b"): (None, True), (2, "a"): ("7", True),
                                  (2, "b"): (None, True), (3, "a"): ("9", True), (3, "b"): (None, False)}
    assert "with put_back" not in ready.run("undo", "-c", ready.path, "s.t", "--key", "2").stdout


def test_what_came_later_under_a_key_tells_nothing_of_the_row_before(ready):
    """A row that no snapshot read leaves its key, or is lost, and others get that key: their old
    values are not its values."""
    put(ready, 2, "u", [("id", "1", "2")], at="2026-01-05", key='{"id":2}')
    put(ready, 3, "c", [("a", None, "of another")], at="2026-01-06")
    put(ready, 4, "u", [("a", "of another", "still")], at="2026-01-07")
    put(ready, 5, "u", [("b", "3rd", "4th")], at="2026-01-07", key='{"id":5}')
    put(ready, 6, "t", [(None, None, None)], at="2026-01-08", key=None)
    put(ready, 7, "c", [("b", None, "y")], at="2026-01-09", key='{"id":5}')
    put(ready, 8, "u", [("a", None, "x")], at="2026-01-10", key='{"id":5}')
    for keys in ("", ", array['{\"id\":5}']"):
        rows = ask(ready.uri, f"select * from fieldtrail_asof('pivot', 's.t', '2026-01-04'{keys})")
        said = {(json.loads(row["row_key"])["id"], row["change_field"]): (row["value"], row["known"]) for row in rows}
        assert said[5, "b"] == ("3rd", True) and said[5, "a"] == (None, False)
        assert {number for number, _ in said} == {5}


def put(base, no, op, changes, tx=None, at="2026-01-02", table="s.t", key='{"id":1}'):
    """One record: its number is its place in the log. A change is a field, its old and new value."""
    for place, (field, old, new) in enumerate(changes):
        psql(base.uri, f"insert into pivot ({COLUMNS}) values ('1', {literal(field)}, {literal(old)}, "
             f"{literal(new)}, '{op}', true, '{at}', {literal(table)}, {literal(key)}, '{tx or no}', '{no}', "
             f"'t', {no % 3}, {100 - no}, {65536 + place})")


def test_many_changes_in_one_transaction_are_one_time(ready):
    """Only the log's order tells them apart: partitions and offsets here run against it."""
    put(ready, 1, "c", [("a", None, "1"), ("b", None, "x")], at="2026-01-01")
    for no, (old, new) in enumerate([("1", "2"), ("2", "3"), ("3", "1"), ("1", "9")], 2):
        put(ready, no, "u", [("a", old, new)], tx=77)
    put(ready, 6, "d", [("a", "9", None), ("b", "x", None)], tx=77)
    put(ready, 7, "c", [("a", None, "10")], tx=77)
    rows = ask(ready.uri, """select * from fieldtrail_history('pivot', 's.t', '{"id":1}', 'a')""")
    assert [row["new_value"] for row in rows] == ["1", "2", "3", "1", "9", None, "10"]
    asof = lambda moment: ready.run("asof", "-c", ready.path, "s.t", "1", moment).stdout
    assert asof("2026-01-01T23:59:59.999999Z") == "field,value,known\na,1,true\nb,x,true\n"
    assert asof("2026-01-02") == "field,value,known\na,10,true\nb,,true\n"
    diff = ready.run("diff", "-c", ready.path, "s.t", "2026-01-01", "2026-01-02").stdout
    assert diff.splitlines()[1:] == ['"{""id"":1}",changed,a,1,10,true', '"{""id"":1}",changed,b,x,,true']
    psql(ready.uri, "create schema s; create table s.t (id integer primary key, a text, b text);"
                    "insert into s.t values (1, '10', null)")
    done, found = run_undo(ready, ["--transaction", "77"])
    assert done.returncode == 0 and found == []
    assert source_rows(ready.uri) == {1: {"a": "1", "b": "x"}}


def test_several_tables_in_one_pivot_table_do_not_mix(ready):
    """Equal keys, fields and transactions in three tables, two of one name."""
    for no, table in enumerate(["s.t", "other.t", "s.u"]):
        put(ready, 3 * no + 1, "c", [("a", None, table)], table=table, tx=5, at="2026-01-01")
        put(ready, 3 * no + 2, "u", [("a", table, "new"), ("id", "1", "2")], table=table, tx=6,
            key='{"id":2}')
        if table != "s.t":
            put(ready, 3 * no + 3, "t", [(None, None, None)], table=table, at="2026-01-03", tx=7,
                key=None)
    run = lambda *arguments: ready.run(arguments[0], "-c", ready.path, *arguments[1:])
    for table in ("s.t", "other.t", "s.u"):
        rows = run("history", table, "2", "--format", "json").stdout
        assert [row["new_value"] for row in json.loads(rows) if row["change_field"] == "a"] == [
            table, "new"], table
        now = run("asof", table, "infinity").stdout.splitlines()
        assert len(now) == (3 if table == "s.t" else 1), now
    assert run("history", "u", "2").returncode == 0 and run("history", "t", "2").returncode == 2
    script = run("undo", "s.t", "--all").stdout
    assert "other.t" not in script and "s.u" not in script and script.count("with put_back") == 2


def test_undo_says_what_a_deleted_row_comes_back_without(ready):
    """A column that is not pivoted comes back with its default, and the script and standard error
    say so; where no row was deleted standard error does not."""
    put(ready, 1, "c", [("a", None, "1")], at="2026-01-01")
    put(ready, 2, "d", [("a", "1", None)])
    put(ready, 3, "u", [("a", "1", "2")], key='{"id":2}')
    psql(ready.uri, "create schema s; create table s.t (id integer primary key, a text, "
                    "other text default 'default'); insert into s.t values (1, '1', 'lost'), "
                    "(2, '2', 'kept'); delete from s.t where id = 1")
    done, found = run_undo(ready, ["--since", "2026-01-02"])
    assert done.returncode == 0 and found == []
    assert source_rows(ready.uri) == {1: {"a": "1", "other": "default"}, 2: {"a": "1", "other": "kept"}}
    says = "only pivoted fields are put back: a deleted row comes back with its key and these"
    assert f"-- Note: {says}" in done.stdout and f"note: {says}" in done.stderr
    done = ready.run("undo", "-c", ready.path, "s.t", "--key", "2", "--dry-run")
    assert done.returncode == 0 and done.stderr == ""
    assert "fields are put\nback: a deleted row" in ready.run("undo", "--help").stdout


# ---- roles and versions ----

def test_the_writer_may_only_insert_and_the_reader_only_select(ready):
    Table(1).run(5).load(ready.uri, "pivot")
    for role, allowed in (("writer", "insert"), ("reader", "select")):
        deeds = {"select": "select * from pivot limit 1", "delete": "delete from pivot",
                 "update": "update pivot set op = 'u'", "truncate": "truncate pivot",
                 "insert": f"insert into pivot ({COLUMNS}) values (1, 'a', null, 'b', 'c', true, "
                           "now(), 's.t', null, '1', '1', 't', 0, 1, 1)"}
        for deed, text in deeds.items():
            ran = psql(ready.uri, f"set role fieldtrail_{role}; {text};", check=False)
            assert (ran.returncode == 0) == (deed == allowed), (role, deed, ran.stderr)
    psql(ready.uri, "set role fieldtrail_reader; select * from pivot_once; "
                    "select fieldtrail_source('pivot', 't')")


def test_a_table_of_the_pipe_is_migrated(base):
    script = (TOP / "schemas" / "postgres" / "holding_pivot.sql").read_text()
    psql(base.uri, script)
    psql(base.uri, "insert into holding_pivot (datetime_inserted, datetime_updated, op, old_known) "
                   "values (now(), '2026-01-01', 'u', true)")
    path = base.connector(table="holding_pivot", pivot__keys="holding_id,user_id")
    migration = base.run("sql", "001_worker_columns", path).stdout
    for _ in range(2):
        psql(base.uri, migration)
    assert psql(base.uri, "select obj_description('holding_pivot'::regclass) ~ 'version 1'") == ["t"]
    for _ in range(2):
        psql(base.uri, base.run("sql", "002_history_index", path).stdout)
        psql(base.uri, migration)  # must not bring an older version back
    assert psql(base.uri, "select obj_description('holding_pivot'::regclass) ~ 'version 2'") == ["t"]
    assert psql(base.uri, "select event_time = '2026-01-01'::timestamptz from holding_pivot") == ["t"]
    fixed = base.run("sql", "table", base.connector("fixed")).stdout
    psql(base.uri, fixed)
    columns = "select attname from pg_attribute where attrelid = '{}'::regclass and attnum > 0"
    assert (set(psql(base.uri, columns.format("pivot")))
            <= set(psql(base.uri, columns.format("holding_pivot"))))


FIRST_INDEX = """drop index pivot_brin; comment on table pivot is 'fieldtrail table version 1';
create index pivot_brin on pivot using brin (event_time, row_key text_bloom_ops (n_distinct_per_range = 5000))
with (pages_per_range = 64)"""
INDEXED = "select pg_get_indexdef('pivot_brin'::regclass)"


def test_the_index_of_version_1_is_made_anew(ready):
    new = psql(ready.uri, INDEXED)
    psql(ready.uri, FIRST_INDEX)
    Table(1).run(50).load(ready.uri, "pivot")
    refused = psql(ready.uri, ready.run("sql", "table", ready.path).stdout, check=False)
    assert refused.returncode != 0 and "is of version 1, and this makes version 2" in refused.stderr
    for _ in range(2):
        psql(ready.uri, ready.run("sql", "002_history_index", ready.path).stdout)
        assert psql(ready.uri, INDEXED) == new and "tx_id" in new[0]
    assert psql(ready.uri, "select count(*) from pg_index where indrelid = 'pivot_20260101'::regclass"
                " and pg_get_indexdef(indexrelid) ~ 'brin.*tx_id'") == ["1"]
    psql(ready.uri, ready.run("sql", "table", ready.path).stdout)
    psql(ready.uri, "comment on table pivot is 'fieldtrail table version 3'")
    refused = psql(ready.uri, ready.run("sql", "002_history_index", ready.path).stdout, check=False)
    assert refused.returncode != 0 and "is of version 3, and not 1" in refused.stderr


@pytest.mark.parametrize("version, remedy", [
    ("0", "`fieldtrail sql 001_worker_columns connector.json`"),
    ("1", "`fieldtrail sql 002_history_index connector.json`"),
    ("3", "install the fieldtrail that its migration came with"), ("2", None), (None, None)])
def test_the_worker_writes_into_tables_of_its_version_alone(base, version, remedy):
    """The worker's own task, by way of the demo; and check says the same."""
    path = base.connector("versions", topics="bankserver1.bank.holding",
                          pivot__keys="holding_id,user_id")
    base.install(path)
    psql(base.uri, "create table pivot_rest partition of pivot default")
    comment = literal(f"rows (fieldtrail table version {version})") if version else "null"
    psql(base.uri, f"comment on table pivot is {comment}")
    done = base.run("demo", "--to", path)
    found = [line for line in base.run("check", path).stdout.splitlines() if "it is of version" in line]
    rows = int(psql(base.uri, "select count(*) from pivot")[0])
    if remedy:
        assert done.returncode == 2 and rows == 0
        assert f"it is of version {version}, and version 2 is written" in done.stderr, done.stderr
        assert remedy in done.stderr and [line for line in found if line.startswith("fail")
                                          and remedy in line]
    else:
        assert done.returncode == 0 and rows > 0 and not found, done.stderr


def bounds(base):
    return [line.split("|") for line in psql(
        base.uri, "set timezone = 'UTC'; select part, low, high from fieldtrail_partitions('pivot')")]


def test_partitions_of_another_width_follow_without_gap_or_overlap(base):
    base.install()
    days = bounds(base)
    for piece, ahead in (("month", 2), ("hour", 90), ("week", 12), ("day", 90), ("year", 2)):
        psql(base.uri, f"select fieldtrail_make_partitions('pivot', '{piece}', {ahead}, "
                       "now() - interval '40 days')")
        found = bounds(base)
        assert all(one[2] == two[1] for one, two in zip(found, found[1:])), (piece, found)
        assert [part for part in found if part in days] == days
    assert found[-1][2].endswith("-01-01 00:00:00+00")


def test_tending_makes_finishes_and_detaches(base):
    """Retention: what is older than `keep` is a table of its own, whole; everything else stays."""
    base.install()
    days = "select generate_series(date_trunc('day', now()) - interval '6 days', now(), '1 day') as at"
    psql(base.uri, f"insert into pivot ({COLUMNS}) select '1', 'a', n - 1, n, 'u', true, at, 's.t', "
                   "'{\"id\":1}', n, n, 't', 0, n, 65537 "
                   f"from (select at, row_number() over (order by at) as n from ({days}) d) r")
    tend = lambda more: [line.split("|") for line in psql(
        base.uri, f"select * from fieldtrail_tend('pivot', 'day', 9{more})")]
    did = tend("")
    assert [what for what, _ in did].count("made") == 2  # seven were there
    finished = [part for what, part in did if what == "finished"]
    assert finished == sorted(finished) and len(finished) in (7, 8)  # one hour of grace
    closed = psql(base.uri, "select tablename from pg_indexes where indexname like '%\\_row' and indexdef like "
                            "'%btree (source_table, row_key)' order by 1")
    assert closed == finished and tend("") == []
    gone = tend(", keep => '3 days'")
    assert {what for what, _ in gone} == {"detached"} and len(gone) == 5
    names = [part for _, part in gone]
    kept = [row["new_value"] for row in ask(base.uri, "select * from fieldtrail_history('pivot', 's.t', '{\"id\":1}')")]
    away = [psql(base.uri, f"select new_value from {name}") for name in names]
    assert kept == ["4", "5", "6", "7"] and away == [[], [], ["1"], ["2"], ["3"]], (names, away)
    assert not [part for part, _, _ in bounds(base) if part in names]
    refused = psql(base.uri, f"insert into pivot ({COLUMNS}) select {COLUMNS} from {names[-1]}", check=False)
    assert "no partition of relation" in refused.stderr
    psql(base.uri, f"drop table {', '.join(names)}")
    assert tend(", keep => '3 days'") == []


# ---- plans ----

@pytest.fixture(scope="module")
def million(server, binary, tmp_path_factory):
    """Half of a million rows in a closed partition and half in the open one; every key has ten, its
    last one after a move. The tenth transaction from the end is the one asked for."""
    base = Base(server, binary, tmp_path_factory.mktemp("million")).install()
    psql(base.uri, f"""
set timezone = 'UTC';
insert into pivot ({COLUMNS})
select i % 50, 'a', i, i + 1, 'u', true, current_date - 1 + i * interval '172 ms',
       's.t', '{{"id":' || i % 100000 || '}}', i, i * 40, 'topic', i % 6, i, 65537
from generate_series(1, 1000000) i;
insert into pivot ({COLUMNS}) values ('1', 'id', '77', '1000077', 'u', true,
    current_date + interval '23:59', 's.t', '{{"id":1000077}}', '1000001', '1000000000', 'topic', 0,
    2000000, 65537);
select fieldtrail_close_partitions('pivot', '0 s');""")
    halves = psql(base.uri, "select count(*), tableoid::regclass from pivot group by 2 order by 2")
    assert [int(half.split("|")[0]) > 400000 for half in halves] == [True, True]
    assert [line for line in psql(base.uri, "select relname from pg_class where relname ~ '_row$'")
            if line.startswith(halves[0].split("|")[1])]
    return base


ASKED = {
    "history": """fieldtrail_history('pivot', 's.t', '{"id":1000077}')""",
    "asof": """fieldtrail_asof('pivot', 's.t', 'infinity', array['{"id":1000077}'])""",
    "diff": """fieldtrail_diff('pivot', 's.t', '-infinity', 'infinity', array['{"id":1000077}'])""",
    "undo of a row": """fieldtrail_undo('pivot', 's.t', array['{"id":1000077}'])""",
    "undo of a transaction": "fieldtrail_undo('pivot', 's.t', tx => '999991')",
    "undo of a time": "fieldtrail_undo('pivot', 's.t', since => current_date + interval '23:58')",
    "a table that is there": "fieldtrail_source('pivot', 's.t')",
    "a table without its schema": "fieldtrail_source('pivot', 't')",
    "a key": "fieldtrail_key('pivot', 's.t', '77')",
    "moves": "fieldtrail_moves('pivot', 's.t')",
    "truncates": "fieldtrail_truncates('pivot', 's.t')",
    "once": """pivot_once where row_key = '{"id":77}' and source_table = 's.t'"""}
FOUND = {"history": 11, "undo of a row": 1, "undo of a transaction": 1, "undo of a time": 1, "moves": 1,
         "truncates": 0, "once": 10}
PRICED_OUT = "set enable_seqscan = off;"


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("settings", [PRICED_OUT, ""])
def test_no_question_about_a_row_reads_a_million(million, settings, what):
    """With sequential scans priced out, one that is left is one that no index could replace; and a
    plan of the planner's own choice, whatever its kind, touches few of the pages."""
    pages = int(psql(million.uri, "select (sum(pg_relation_size(relid)) / 8192)::bigint "
                                  "from pg_partition_tree('pivot')")[0])
    assert pages > 15000
    # the first call reads catalogs, too
    ran = psql(million.uri, f"set timezone = 'UTC'; {settings} select count(*) is null from {ASKED[what]};"
               "load 'auto_explain'; set auto_explain.log_min_duration = 0;"
               "set auto_explain.log_analyze = on; set auto_explain.log_nested_statements = on;"
               f"set client_min_messages = log; explain (analyze, buffers, format json) select * from {ASKED[what]};"
               f"explain analyze select * from {ASKED[what]}", check=False)
    assert ran.returncode == 0, ran.stderr
    plan = json.loads(ran.stdout[ran.stdout.index("["):ran.stdout.index("\n]") + 2])[0]["Plan"]
    if what in FOUND:
        assert plan["Actual Rows"] == FOUND[what], ran.stdout
    touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    assert touched < pages / 6, f"{touched} of {pages}"
    scans = [line for line in (ran.stderr + ran.stdout).splitlines()
             if " on pivot" in line and "never executed" not in line]
    assert scans, ran.stderr[-3000:]
    if settings == PRICED_OUT:
        assert not [line for line in scans if "Seq Scan" in line], ran.stderr[-3000:]


# ---- counts ----

@pytest.mark.parametrize("seed, options", [(61, {}), (62, {"truncates": 0.03}), (63, {"moves": 0.4, "ids": 20})])
def test_longest_unchanged_are_the_rows_that_are_there(ready, seed, options):
    table = Table(seed, **options).run(300)
    table.load(ready.uri, "pivot")
    last = {event[1]: event[0] for event in table.events}
    want = sorted((last[number], number) for number in table.rows)
    got = ask(ready.uri, "select * from fieldtrail_longest_unchanged('pivot', 's.t', 1000)")
    seconds = [(datetime.datetime.fromisoformat(row["last"]) - BEGIN).seconds + 1 for row in got]
    assert sorted(zip(seconds, (json.loads(row["row_key"])["id"] for row in got))) == want
    assert seconds == sorted(seconds)


def test_counts_and_the_rest_by_hand(ready):
    def put(number, op, old, new, at, user):
        psql(ready.uri, f"insert into pivot ({COLUMNS}) values ('{user}', 'stock', {literal(old)}, "
             f"{literal(new)}, '{op}', true, '2026-01-01 {at}', 's.t', '{{\"id\":{number}}}', '1', "
             f"'{at.replace(':', '')}', 't', 0, {at.replace(':', '')}, 65537)")
    put(1, "c", None, "A", "10:00", 1)
    put(1, "u", "A", "B", "10:30", 1)
    put(1, "u", "B", "A", "11:00", 2)
    put(2, "c", None, "A", "10:05", 2)
    put(2, "u", "A", "B", "11:05", 2)
    put(2, "d", "B", None, "12:05", 2)
    call = lambda text: psql(ready.uri, f"set timezone = 'UTC'; select * from {text}")
    assert call("fieldtrail_counts('pivot', 'user_id', 'hour')") == [
        "s.t|stock|1|2026-01-01 10:00:00+00|1|0", "s.t|stock|2|2026-01-01 11:00:00+00|2|0",
        "s.t|stock|2|2026-01-01 12:00:00+00|1|0"]
    assert call("fieldtrail_most_changed('pivot', 's.t', 1)") == [
        '{"id":1}|2|2|2026-01-01 11:00:00+00']
    assert [row.split("|")[:2] for row in call("fieldtrail_longest_unchanged('pivot', 's.t')")] == [
        ['{"id":1}', "2026-01-01 11:00:00+00"]]
    assert call("fieldtrail_handover('pivot', 's.t', 'stock')") == ["A|B|2", "B|A|1"]
    assert call("""fieldtrail_periods('pivot', 's.t', 'stock', array['{"id":2}'])""") == [
        '{"id":2}|A|2026-01-01 10:05:00+00|2026-01-01 11:05:00+00',
        '{"id":2}|B|2026-01-01 11:05:00+00|2026-01-01 12:05:00+00']
    assert call("fieldtrail_time_at_value('pivot', 's.t', 'stock') where value = 'B'") == [
        "B|01:30:00|2"]
    assert call("fieldtrail_changes_of_user('pivot', 'user_id', '2', 'stock')") == ["3"]
    assert call("fieldtrail_given_up('pivot', 'stock', '2026-01-01', '2026-01-02')") == ["A|2"]
