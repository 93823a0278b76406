#!/usr/bin/env python3
"""What one would write in an afternoon: changed fields of Debezium events as CSV, with orjson.

    orjson_changes.py KEY,... FIELD,... < EVENTS
"""
import csv
import sys

import orjson

keys, fields = (names.split(",") for names in sys.argv[1:3])
write = csv.writer(sys.stdout, lineterminator="\n").writerow
for line in sys.stdin.buffer:
    event = orjson.loads(line)
    event = event.get("payload", event)
    before, after = event["before"] or {}, event["after"] or {}
    row = after or before
    for field in fields:
        old, new = before.get(field), after.get(field)
        if old != new:
            write([row[key] for key in keys] + [field, old, new, event["op"], event["source"]["ts_us"]])
