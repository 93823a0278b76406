#!/usr/bin/env python3
"""The same rows by DuckDB: the columns declared, one scan, CSV out.

    duckdb_changes.py THREADS schema|plain KEY,... FIELD,... EVENTS.jsonl
"""
import sys

import duckdb

threads, form, keys, fields, path = sys.argv[1:6]
keys, fields = keys.split(","), fields.split(",")
# As the source table has them; texts where it has texts.
TYPES = {"holding_id": "BIGINT", "user_id": "BIGINT", "holding_stock": "VARCHAR",
         "holding_quantity": "BIGINT", "datetime_created": "BIGINT", "datetime_updated": "BIGINT"}
image = "STRUCT(" + ", ".join(f"{name} {TYPES[name]}" for name in keys + fields) + ")"
columns = {"before": image, "after": image, "op": "VARCHAR", "source": "STRUCT(ts_us BIGINT)"}
event = "*"
if form == "schema":
    columns = {"payload": "STRUCT(" + ", ".join(f'"{n}" {t}' for n, t in columns.items()) + ")"}
    event = "unnest(payload)"
declared = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
pairs = ", ".join(f"{{'field': '{f}', 'old': before.{f}::VARCHAR, 'new': after.{f}::VARCHAR}}"
                  for f in fields)
shown = ", ".join(f"coalesce(after.{key}, before.{key})" for key in keys)
duckdb.sql(f"SET threads TO {int(threads)}")
duckdb.sql(f"""
    COPY (
        SELECT {shown}, change.field, change.old, change.new, op, source.ts_us
        FROM (
            SELECT *, unnest([{pairs}]) AS change
            FROM (SELECT {event} FROM read_json('{path}', format = 'newline_delimited',
                  maximum_object_size = 10000000, columns = {{{declared}}}))
        )
        WHERE change.old IS DISTINCT FROM change.new
    ) TO '/dev/stdout' (FORMAT csv, HEADER false)
""")
