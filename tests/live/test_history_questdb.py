"""The shipped questions to QuestDB, each as the program prints it, against the model of
history_kit.py; and what the commands answer that ask PostgreSQL alone."""
import collections
import json
import re
import subprocess

import pytest

from servers_kit import instance
from history_kit import COLUMNS, FIELDS, Table, literal
from questdb_kit import Quest


@pytest.fixture(scope="module")
def quest():
    with instance("questdb") as started:
        yield Quest(started.environment["FIELDTRAIL_QUESTDB_URL"])


class Asked:
    """A table of QuestDB with the rows of a model, and the program's scripts over it."""

    def __init__(self, quest, binary, folder, table):
        self.quest, self.binary, self.model = quest, binary, table
        self.path = folder / "connector.json"
        self.path.write_text(json.dumps({"name": "asked", "config": {
            "connector.class": "QuestDBSink", "topics": "t", "connection.uri": quest.url,
            "table": "asked", "pivot.keys": "user_id", "pivot.fields": "*"}}))
        quest.sql("drop table if exists asked")
        quest.sql(self.script("table", "keys=user_id LONG,"))
        rows = list(table.pivot)
        table.chance.shuffle(rows)
        for low in range(0, len(rows), 40):
            quest.sql(f"insert into asked ({COLUMNS}) values " + ", ".join(
                "(" + ", ".join(self.cell(value) for value in row) + ")" for row in rows[low:low + 40]))
        quest.settled("asked")

    @staticmethod
    def cell(value):
        if isinstance(value, (bool, int)):
            return str(value).lower()
        return literal(re.sub(r"\+00:00$", "Z", value) if value else value)

    def script(self, name, *variables):
        done = subprocess.run([self.binary, "sql", name, self.path, *variables], text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, comment, **variables):
        """The answer of the statement behind a comment."""
        script = self.script("history", "source=s.t", *(f"{k}={v}" for k, v in variables.items()))
        found = re.search("-- " + re.escape(comment) + r"[^;]*?\n((?:SELECT|WITH)[^;]*);", script)
        return self.quest.sql(found.group(1))


def state_of(rows):
    state = collections.defaultdict(lambda: dict.fromkeys(FIELDS))
    for key, field, value in rows:
        state[json.loads(key)["id"]][field] = value
    return state


@pytest.mark.parametrize("seed, options", [
    (1, {"moves": 0}), (2, {"moves": 0, "truncates": 0.03}), (3, {"moves": 0, "ids": 12})])
def test_asof_equals_the_copies(quest, binary, tmp_path, seed, options):
    table = Table(seed, **options).run(250)
    table.send_twice(0.2)
    table.pivot += Table(seed + 100, name="s.other").run(60).pivot  # must not be seen
    asked = Asked(quest, binary, tmp_path, table)
    assert len(table.copies) == 20
    for moment, rows in table.copies:
        at = moment.replace("+00:00", "Z")
        said = {n: row for n, row in rows.items() if any(v is not None for v in row.values())}
        assert state_of(asked.ask("What was the whole table at a time?", at=at)) == said, moment
        for number in table.chance.sample(range(1, table.ids + 1), 2):
            one = asked.ask("What was one row at a time?", at=at, key=table.key(number))
            assert {k: v for k, v in one if v is not None} == {
                k: v for k, v in rows.get(number, {}).items() if v is not None}, (moment, number)


def test_history_and_counts_are_the_models(quest, binary, tmp_path):
    table = Table(7, moves=0, truncates=0, ids=15).run(200)
    asked = Asked(quest, binary, tmp_path, table)
    fields, most, hours, graph = (collections.Counter() for _ in range(4))
    for row in table.pivot:
        _, field, old, new, op, _, at, _, key = row[:9]
        fields[key] += op == "u"
        most[(key, row[12], row[13])] += op == "u"
        hours[at[:13]] += op in "ud" and field is not None and field == "a"
        graph[(old, new)] += op == "u" and field == "a"
    for number in range(1, 16):
        want = [(row[4], row[1], row[2], row[3], row[9]) for row in table.pivot
                if row[8] == table.key(number)]
        got = asked.ask("What happened to one row?", key=table.key(number))
        assert [(op, field, old, new, tx) for _, op, field, old, new, _, tx in got] == want
    records = collections.Counter(key for (key, _, _), n in most.items() if n)
    want = sorted(((key, n, fields[key]) for key, n in records.items()), key=lambda e: (-e[1], e[0]))
    assert [tuple(row[:3]) for row in asked.ask("Which rows changed most?")] == want[:10]
    got = asked.ask("How often did each field change in each hour?")
    assert {row[0][:13]: row[2] for row in got if row[1] == "a"} == {
        hour: n for hour, n in hours.items() if n}
    got = asked.ask("From which value did the field go to which", field="a")
    assert {tuple(row[:2]): row[2] for row in got} == {edge: n for edge, n in graph.items() if n}
    steps = [row for row in table.pivot if row[8] == table.key(3) and (row[1] == "a" or row[4] == "d")]
    got = asked.ask("How long was the field of the row", key=table.key(3), field="a")
    assert [row[0] for row in got] == [row[3] for row in steps if row[4] != "d"]


@pytest.mark.parametrize("command", [["history", "s.t", "1"], ["asof", "s.t", "now"],
                                     ["diff", "s.t", "now", "now"], ["undo", "s.t", "--all"]])
def test_the_commands_say_that_they_ask_postgresql_alone(quest, binary, tmp_path, command):
    asked = Asked(quest, binary, tmp_path, Table(1).run(3))
    done = subprocess.run([binary, command[0], "-c", asked.path, *command[1:]], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert "only the table of a PostgresSink can be asked; `fieldtrail sql` has scripts" in done.stderr
