#!/usr/bin/env python3
"""Writes Debezium events of the tutorial's table to standard output, one a line.

    corpus.py EVENTS [--plain] [--tombstones] [--worst tables|escapes|schemas|orders]
              [--columns N] [--bytes N]

The events are those of a captured update, create and delete with other numbers in them: 70 %
updates of one field, 20 % creates, 10 % deletes, always the same for the same count. Without
--plain each carries its schema block, as Kafka Connect sends it by default.

--worst makes what cannot be learned: every event of another table, every text full of escapes,
another schema in every event, the columns in another order each time. --columns adds columns that
nobody asks for, --bytes a text of that length that changes with each event.
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


def widen(event, chance, columns, size):
    """More columns, and a long text; the same in both images, but for the text."""
    for image in (event["before"], event["after"]):
        if image is not None:
            image.update((f"column_{i}", 1000000 + i) for i in range(columns))
            if size:
                image["document"] = chance.choice("abc") * size


def worsen(event, number, kind):
    """Gives the event, and how to spell the schema block, such that nothing learned helps."""
    event = json.loads(json.dumps(event))
    images = [name for name in ("before", "after") if event[name] is not None]
    if kind == "tables":
        event["source"]["table"] = f"holding{number}"
        for name in images:
            event[name][f"column_{number}"] = number
    elif kind == "escapes":
        for name in images:
            event[name]["holding_stock"] = f'"{number}"\t\\\u00e9\n' * 3
    elif kind == "orders":
        shuffle = random.Random(number).sample
        for name in images:
            event[name] = dict(shuffle(sorted(event[name].items()), len(event[name])))
        event["source"] = dict(shuffle(sorted(event["source"].items()), len(event["source"])))
    return event


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--tombstones", action="store_true", help="an empty line after each delete")
    parser.add_argument("--worst", choices=["tables", "escapes", "schemas", "orders"])
    parser.add_argument("--columns", type=int, default=0)
    parser.add_argument("--bytes", type=int, default=0)
    options = parser.parse_args()
    head, payload, tail = template(options.plain)
    learned, out, chance = head, sys.stdout, random.Random(2)
    for number, event in enumerate(events(options.count, payload, random.Random(1))):
        widen(event, chance, options.columns, options.bytes)
        if options.worst:
            event = worsen(event, number, options.worst)
        if options.worst == "schemas":
            head = learned.replace('"version":2', f'"version":{number + 2}')
        out.write(head + json.dumps(event, separators=(",", ":")) + tail + "\n")
        if options.tombstones and event["op"] == "d":
            out.write("\n")


if __name__ == "__main__":
    main()
