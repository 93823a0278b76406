"""History, as of, difference and undo over a real PostgreSQL: the shipped functions against a model
of their own (history_kit.py), their plans, and hostile names."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import uuid

import pytest

from conftest import TOP, local
from history_kit import COLUMNS, FIELDS, Table, ask, literal, psql, source_rows, undone


@pytest.fixture(scope="module")
def server():
    """PostgreSQL alone; its URI without the database."""
    data = tempfile.mkdtemp(prefix="fieldtrail-live-")
    environment = dict(os.environ, FIELDTRAIL_DATA=data, FIELDTRAIL_PORTS="auto",
                       FIELDTRAIL_PG_FAST="1")
    fetched = local(environment, "fetch", "postgres")
    if fetched.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        pytest.skip("PostgreSQL cannot be had here: " + (fetched.stderr or fetched.stdout)[-300:])
    try:
        started = local(environment, "up", "postgres")
        assert started.returncode == 0, started.stdout + started.stderr
        values = dict(line.removeprefix("export ").split("=", 1)
                      for line in local(environment, "env").stdout.splitlines())
        yield shlex.split(values["FIELDTRAIL_PG_URI"])[0].rsplit("/", 1)[0]
    finally:
        local(environment, "down")
        shutil.rmtree(data, ignore_errors=True)


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

    def install(self, path=None, since="2025-12-31", piece="day", until="2026-02-01"):
        """All of the shipped SQL, as the program prints it; twice, for it may be run again. The
        partitions cover the time of the test."""
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


@pytest.mark.parametrize("seed", [41, 42, 43, 44])
@pytest.mark.parametrize("what", ["user", "transaction"])
def test_undo_of_a_choice_leaves_what_others_changed_since(ready, seed, what):
    table = Table(seed, moves=0, truncates=0, ids=40).run(250)
    table.load(ready.uri, "pivot")
    chosen_tx = table.chance.choice([event[0] for event in table.events[-40:]])
    chosen, arguments = {
        "user": (lambda event: event[3] == 2, ["--by", "user_id=2"]),
        "transaction": (lambda event: event[0] == chosen_tx, ["--transaction", chosen_tx]),
    }[what]
    want, refused = undone(table, chosen)
    table.make_source(ready.uri)
    done, found = run_undo(ready, arguments)
    assert source_rows(ready.uri) == want and found == []
    assert done.returncode == (1 if refused else 0)
    assert done.stdout.count("\n-- conflict") == refused
    assert len(re.findall(r"^conflict", done.stderr, re.MULTILINE)) == refused
    steps = ready.run("undo", "-c", ready.path, "s.t", *arguments, "--dry-run", "--format", "json")
    assert steps.returncode == done.returncode
    listed = json.loads(steps.stdout)
    assert len([step for step in listed if step["conflict"]]) == refused


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
