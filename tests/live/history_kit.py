"""A table that changes at random, kept in Python: what its pivot rows must be, its copies at some
moments, and the state that an undo must reach. It shares no code with fieldtrail or its SQL."""
import datetime
import glob
import json
import random
import subprocess

FIELDS = ["a", "b", "c"]
BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
COLUMNS = ("user_id, change_field, old_value, new_value, op, old_known, event_time, source_table, "
           "row_key, tx_id, lsn, kafka_topic, kafka_partition, kafka_offset, field_no")
# Debian's /usr/bin/psql is a script in front of this one, and takes several times as long to start.
PSQL = max(glob.glob("/usr/lib/postgresql/*/bin/psql"), default="psql")
VALUES = [None, "", "x", "y", "it's", "back\\slash", "tab\there", "z\u00fcrich \U0001f600"]


def psql(uri, text, check=True):
    done = subprocess.run([PSQL, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", uri], input=text,
                          text=True, capture_output=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines() if check else done


def ask(uri, query):
    """The rows of a query as objects of Python: texts, None, numbers, lists."""
    return [json.loads(line) for line in psql(
        uri, f"set timezone = 'UTC'; select to_json(q) from ({query}) q;\n")]


def literal(text):
    return "null" if text is None else "'" + str(text).replace("'", "''") + "'"


def copy_cell(value):
    if value is None:
        return "\\N"
    if value is True or value is False:
        return "t" if value else "f"
    return str(value).translate(str.maketrans(
        {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}))


class Table:
    """Rows by id, in three partitions by key; `lsn` says whether the source has one."""

    def __init__(self, seed, name="s.t", lsn=True, moves=0.14, truncates=0.005, users=4, ids=60):
        self.chance, self.name, self.lsn = random.Random(seed), name, lsn
        self.moves, self.truncates, self.users, self.ids = moves, truncates, users, ids
        self.rows, self.pivot, self.events, self.copies = {}, [], [], []
        self.offsets, self.place, self.tx, self.at = [0, 0, 0], 1000, 0, BEGIN

    def key(self, number):
        return None if number is None else '{"id":%d}' % number

    def emit(self, number, op, user, changes, skip=0):
        self.place += self.chance.randint(1, 50)
        lane = 0 if number is None else (number * 2654435761 >> 3) % 3
        offset = self.offsets[lane]
        self.offsets[lane] += 1 + skip
        self.events.append((self.tx, number, op, user, list(changes)))
        for field, old, new in changes or [(None, None, None)]:
            place = 65536 + (["id", *FIELDS].index(field) + 1 if field else 0)
            self.pivot.append([user, field, old, new, op, True, self.at.isoformat(), self.name,
                               self.key(number), str(self.tx),
                               str(self.place) if self.lsn else None, "topic", lane, offset, place])

    def value(self):
        return self.chance.choice([*VALUES, str(self.chance.randint(0, 99))])

    def changed(self, row, likely):
        changes = []
        for field in FIELDS:
            new = self.value()
            if self.chance.random() < likely and new != row[field]:
                changes.append((field, row[field], new))
                row[field] = new
        return changes

    def one_change(self, user):
        kind, number = self.chance.random(), self.chance.randint(1, self.ids)
        taken = self.chance.choice(list(self.rows)) if self.rows else None
        if taken is None or kind < 0.3:
            if number not in self.rows:
                row = self.rows[number] = {field: self.value() for field in FIELDS}
                self.emit(number, "c", user, [(f, None, row[f]) for f in FIELDS
                                              if row[f] is not None])
        elif kind < 0.3 + self.truncates:
            self.rows.clear()
            self.emit(None, "t", user, [])
        elif kind < 0.4:
            row = self.rows.pop(taken)
            self.emit(taken, "d", user, [(f, row[f], None) for f in FIELDS
                                         if row[f] is not None], skip=1)
        elif kind < 0.4 + self.moves:
            if number not in self.rows:
                row = self.rows.pop(taken)
                changes = [("id", str(taken), str(number))] + self.changed(row, 0.2)
                self.rows[number] = row
                self.offsets[(taken * 2654435761 >> 3) % 3] += 2
                self.emit(number, "u", user, changes)
        else:
            changes = self.changed(self.rows[taken], 0.5)
            if changes:
                self.emit(taken, "u", user, changes)

    def run(self, transactions, copies=20):
        moments = set(self.chance.sample(range(transactions), min(copies, transactions)))
        for i in range(transactions):
            self.tx, self.at = self.tx + 1, BEGIN + datetime.timedelta(seconds=i)
            user = self.chance.randint(1, self.users)
            for _ in range(self.chance.choice([1, 1, 1, 2, 5])):
                self.one_change(user)
            if i in moments:
                self.copies.append((self.at.isoformat(), {n: dict(r) for n, r in self.rows.items()}))
        return self

    def send_twice(self, share):
        """What Debezium does after a restart: the same records at later offsets, mixed."""
        again = sorted({(row[12], row[13]) for row in self.pivot if self.chance.random() < share})
        for lane, offset in again:
            self.pivot += [[*row[:13], row[13] + 1_000_000, row[14]] for row in self.pivot
                           if (row[12], row[13]) == (lane, offset)]

    def pack(self):
        """As wal2json's first format has it: a transaction is one record, in one partition, and its
        changes have numbers. Its lsn is no number."""
        number = place = last = 0
        for row in self.pivot:
            number = 1 if row[9] != last else number + (row[10] != place)
            last, place = row[9], row[10]
            row[10:] = [f"0/{int(last):X}", "topic", 0, int(last), number * 65536 + row[14] % 65536]

    def load(self, uri, pivot):
        """Into the pivot table, in an order that has nothing to do with time."""
        rows = list(self.pivot)
        self.chance.shuffle(rows)
        lines = "".join("\t".join(map(copy_cell, row)) + "\n" for row in rows)
        psql(uri, f"copy {pivot} ({COLUMNS}) from stdin;\n{lines}\\.\n")

    def make_source(self, uri):
        """The table itself, as it stands at the end."""
        lines = "".join("\t".join(map(copy_cell, [n, *(row[f] for f in FIELDS)])) + "\n"
                        for n, row in self.rows.items())
        psql(uri, "create schema if not exists s; drop table if exists s.t;"
                  "create table s.t (id integer primary key, a text, b text, c text);"
                  f"copy s.t from stdin;\n{lines}\\.\n")


def source_rows(uri):
    return {row.pop("id"): row for row in ask(uri, "select * from s.t")}


class Row:
    """One row of the source from its creation to its end, under whatever keys."""

    def __init__(self):
        self.blocked, self.barred, self.seen, self.key = set(), False, False, None


def owners(table):
    """Each event with the row that it happened to, and the rows that are there in the end."""
    live, walked = {}, []
    for event in table.events:
        _, number, op, _, changes = event
        row = None
        if op == "t":
            live.clear()
        elif op == "c":
            row = live[number] = Row()
        else:
            row = live.pop(next((int(old) for field, old, _ in changes if field == "id"), number))
            if op == "u":
                live[number] = row
        walked.append((event, row))
    return walked, live


class Undone:
    """The rows after an undo of the chosen events, and how many fields or rows must be refused: the
    events are walked back from the last one, each on the row that it happened to. Refused is what may
    not be touched: a field that others changed since, a row that is gone, or whose key was given to a
    new row since, a key that another row has by then, and a truncate."""

    def __init__(self, table, chosen):
        self.rows, self.refused, self.barred_keys, self.emptied = {}, 0, set(), False
        walked, live = owners(table)
        for number, row in live.items():
            row.key = number
            self.rows[number] = dict(table.rows[number])
        for event, row in reversed(walked):
            if row is None:
                self.barred_keys, self.emptied = set(), True
                self.refused += chosen(event)
            else:
                self.walk(row, chosen(event), *event[1:3], event[4])

    def walk(self, row, chosen, number, op, changes):
        if not row.seen:
            row.barred = row.key is None and (self.emptied or number in self.barred_keys)
        row.seen = True
        if not chosen or row.barred:
            self.refused += chosen
            row.blocked |= {field for field, _, _ in changes} if op == "u" else set()
            row.barred |= op == "d"
            self.barred_keys |= {number} if op == "c" else set()
        elif op == "u":
            for field, old, _ in changes:
                self.put_back(row, field, old)
        elif op == "c":
            self.uncreate(row, number)
        elif number in self.rows:
            self.refused, row.barred = self.refused + 1, True
        else:
            row.key, row.blocked = number, set()
            self.rows[number] = {**dict.fromkeys(FIELDS), **{field: old for field, old, _ in changes}}
        for field, old, _ in changes:
            if field == "id":
                self.barred_keys -= {number, int(old)}

    def put_back(self, row, field, old):
        if field in row.blocked or (field == "id" and int(old) in self.rows):
            self.refused += 1
            row.blocked.add(field)
        elif field == "id":
            self.rows[int(old)] = self.rows.pop(row.key)
            row.key = int(old)
        else:
            self.rows[row.key][field] = old

    def uncreate(self, row, number):
        if row.blocked:
            self.refused += 1
            self.barred_keys.add(number)
        else:
            del self.rows[row.key]
            self.barred_keys.discard(number)
