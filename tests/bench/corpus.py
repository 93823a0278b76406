#!/usr/bin/env python3
"""Writes Debezium events of the tutorial's table to standard output, one a line.

    corpus.py EVENTS [--plain] [--tombstones]

The events are those of a captured update, create and delete with other numbers in them: 70 %
updates of one field, 20 % creates, 10 % deletes, always the same for the same count. Without
--plain each carries its schema block, as Kafka Connect sends it by default.
"""
import argparse
import json
import pathlib
import random
import sys

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "captures"
STOCKS = ["VFIAX", "SP500", "VTSAX", "AAPL", "MSFT", "TSLA"]


def template(plain):
    """The text of a captured message, cut at the payload, and the payload as an object."""
    name = "tutorial.plain" if plain else "tutorial.schema"
    with open(CAPTURES / f"{name}.kcat.jsonl", encoding="utf-8") as lines:
        message = next(json.loads(line)["payload"] for line in lines if '\\"op\\":\\"u\\"' in line)
    if plain:
        return "", json.loads(message), ""
    cut = message.index('"payload":') + len('"payload":')
    return message[:cut], json.loads(message)["payload"], "}"


def row(chance, number, at):
    return {
        "holding_id": number,
        "user_id": chance.randrange(1, 500),
        "holding_stock": chance.choice(STOCKS),
        "holding_quantity": chance.randrange(1, 100000),
        "datetime_created": at,
        "datetime_updated": at,
    }


def events(count, payload, chance):
    """Payloads of a plausible history: rows are created, changed and deleted."""
    rows, number, at = [], 1000, payload["source"]["ts_us"]
    for _ in range(count):
        at += 137
        kind = chance.random()
        before = after = None
        if not rows or kind < 0.2:
            number += 1
            after = row(chance, number, at)
            rows.append(after)
        elif kind < 0.3:
            before = rows.pop(chance.randrange(len(rows)))
        else:
            place = chance.randrange(len(rows))
            before = rows[place]
            after = dict(before, holding_quantity=before["holding_quantity"] + 1)
            rows[place] = after
        payload["before"], payload["after"] = before, after
        payload["op"] = "u" if before and after else "c" if after else "d"
        payload["source"].update(ts_ms=at // 1000, ts_us=at, ts_ns=at * 1000, lsn=at - 1795223000000000)
        payload.update(ts_ms=at // 1000 + 3, ts_us=at + 3000, ts_ns=(at + 3000) * 1000)
        yield payload


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--tombstones", action="store_true", help="an empty line after each delete")
    options = parser.parse_args()
    head, payload, tail = template(options.plain)
    out = sys.stdout
    for event in events(options.count, payload, random.Random(1)):
        out.write(head + json.dumps(event, separators=(",", ":")) + tail + "\n")
        if options.tombstones and event["op"] == "d":
            out.write("\n")


if __name__ == "__main__":
    main()
