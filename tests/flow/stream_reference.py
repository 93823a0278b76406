#!/usr/bin/env python3
"""What people pipe kcat into when they have followed the tutorial, written anew for comparison.

Reads wrapped Debezium events of the table bank.holding, one a line, and prints ten values for
each of the two fields of a create or an update, nine for a delete: no quoting, None for NULL,
whether the field changed or not. Like the tutorial's script it dies on a line it does not expect.
"""

import json
import sys
import time

FIELDS = ("holding_stock", "holding_quantity")


def times(op, event):
    """Created, updated and deleted; a delete has one value less, its time in the second place."""
    if op == "c":
        return [event["after"].get("datetime_created"), None, None]
    if op == "u":
        return [None, event.get("ts_ms"), None]
    return [None, event.get("ts_ms")]


def values(event):
    """The values of every line that an event makes."""
    op = event.get("op")
    if op not in ("c", "u", "d"):
        return
    old = {} if op == "c" else event.get("before", {})
    new = {} if op == "d" else event.get("after", {})
    row = old if op == "d" else new
    clock = time.strftime("%Y-%m-%d-%H-%M-%S")
    for field in FIELDS:
        head = [row.get("holding_id"), row.get("user_id"), field, old.get(field), new.get(field)]
        yield head + times(op, event) + [clock, op]


def main():
    # Opened anew: its buffer is the same whatever the environment says of Python's own.
    with open(1, "w", encoding="utf-8", newline="\n", buffering=65536, closefd=False) as out:
        for text in sys.stdin.buffer:
            for row in values(json.loads(text).get("payload", {})):
                out.write(",".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
