"""What the tests of this folder share: running the program, making events, reading rows."""

import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CAPTURES = HERE.parent / "captures"
BIN = Path(os.environ.get("FIELDTRAIL_BIN", ROOT / "build" / "fieldtrail")).resolve()

# The columns behind the keys, where nothing else was asked for.
CHANGE_FIELD, OLD, NEW, CREATED, UPDATED, DELETED, INSERTED, OP, OLD_KNOWN = range(-9, 0)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
# datetime_inserted by its place: in front of op and old_known, or by its name.
INSERTED_TIME = re.compile(
    r"%s(?=[,\t][crudt][,\t](?:true|false)$)|(?<=\"datetime_inserted\":\")%s" % (TIME, TIME),
    re.MULTILINE)


# --------------------------------------------------------------------------
# Running
# --------------------------------------------------------------------------

@dataclass
class Result:
    status: int
    raw: bytes
    err: str

    @property
    def out(self):
        return self.raw.decode("utf-8")

    @property
    def rows(self):
        return read_csv(self.out)

    @property
    def stats(self):
        return dict(re.findall(r"^([a-z_]+)=(\d+)$", self.err, re.MULTILINE))

    def changes(self):
        """keys…, change_field, old, new, op, old_known: what does not depend on times."""
        return [row[:CREATED] + row[OP:] for row in self.rows]


def run(command, stdin=b"", cwd=None, timeout=60):
    """Runs a command; a large input comes from a file, for subprocess feeds pipes slowly."""
    if isinstance(stdin, str):
        stdin = stdin.encode("utf-8")
    with tempfile.TemporaryFile() as file:
        given = {"input": stdin}
        if len(stdin) > 1000000:
            file.write(stdin)
            file.seek(0)
            given = {"stdin": file}
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, **given)
    return Result(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def fieldtrail(*arguments, **more):
    return run([str(BIN)] + [str(a) for a in arguments], **more)


# Flags that every run of pivot gets first: the suite runs once with the fast decoder off.
MORE_FLAGS = os.environ.get("FIELDTRAIL_FLAGS", "").split()


def pivot(*arguments, **more):
    return fieldtrail("pivot", *MORE_FLAGS, *arguments, **more)


def good_pivot(*arguments, **more):
    """Runs that must succeed."""
    result = pivot(*arguments, **more)
    assert result.status == 0, result.err
    return result


def start(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more):
    """A running `pivot`."""
    return subprocess.Popen([str(BIN), "pivot"] + [str(a) for a in arguments], stdin=stdin,
                            stdout=stdout, stderr=subprocess.PIPE, **more)


def wait_for(condition, seconds=5.0):
    """The first true answer of `condition`, or its last answer when time is up."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.005)


def catches_signal(process, number):
    """Has the program put its handler in place yet?"""
    for line in Path("/proc/%d/status" % process.pid).read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


# --------------------------------------------------------------------------
# Events
# --------------------------------------------------------------------------

SOURCE = {"name": "src", "connector": "postgresql", "schema": "s", "table": "t",
          "ts_us": 1000000, "txId": 7, "lsn": 8}


def event(op="c", after=None, before=None, source=None, **more):
    """A bare envelope."""
    return dict({"before": before, "after": after, "source": dict(SOURCE, **(source or {})),
                 "op": op, "ts_us": 2000000}, **more)


def create(identity, value="x", **more):
    return event("c", {"id": identity, "a": value}, **more)


def wrapped(payload, columns=()):
    """With its schema: columns are (name, type, more members…)."""
    fields = [dict({"field": name, "type": kind, "optional": True}, **more)
              for name, kind, more in columns]
    images = [{"field": image, "type": "struct", "optional": True, "fields": fields}
              for image in ("before", "after")]
    return {"schema": {"type": "struct", "fields": images, "optional": False}, "payload": payload}


def kcat(payload, key=None, offset=0, topic="src.s.t", partition=0, headers=()):
    """An object of kcat -J around the message."""
    return {"topic": topic, "partition": partition, "offset": offset, "tstype": "create",
            "ts": 3000, "headers": list(headers),
            "key": None if key is None else json.dumps(key, separators=(",", ":")),
            "payload": None if payload is None else json.dumps(payload)}


def line(value):
    """One line of input; bytes and texts pass as they are."""
    if isinstance(value, str):
        value = value.encode("utf-8")
    if not isinstance(value, bytes):
        value = json.dumps(value).encode("utf-8")
    return value + b"\n"


def lines(*values):
    return b"".join(line(value) for value in values)


# --------------------------------------------------------------------------
# Captures
# --------------------------------------------------------------------------

def capture(name):
    return CAPTURES / (name + ".kcat.jsonl")


def records(name):
    with open(capture(name), encoding="utf-8") as file:
        return [json.loads(text) for text in file]


def raw_capture(name):
    """The values of the messages, one a line, as `jq -r '.payload // ""'` prints them."""
    return lines(*(record["payload"] or "" for record in records(name)))


def key_columns(name):
    """The columns of the first message key of a capture, by its own JSON."""
    for record in records(name):
        if record.get("key"):
            key = json.loads(record["key"])
            return list(key["payload"] if "payload" in key else key)
    return []


# --------------------------------------------------------------------------
# Output
# --------------------------------------------------------------------------

CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,"\n\r]*))([,\n])')


def read_csv(text):
    """CSV in PostgreSQL's reading: an empty cell without quotes is NULL (None), "" is ''."""
    rows, row, at = [], [], 0
    while at < len(text):
        cell = CELL.match(text, at)
        assert cell, "not CSV at %r" % text[at:at + 60]
        quoted, plain, end = cell.groups()
        row.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        at = cell.end()
        if end == "\n":
            rows.append(row)
            row = []
    assert not row, "the last line has no end"
    return rows


def settled(text):
    """The output with the wall clock taken out."""
    return INSERTED_TIME.sub("INSERTED", text)


def without_clock(rows):
    return [row[:INSERTED] + ["INSERTED"] + row[OP:] for row in rows]
