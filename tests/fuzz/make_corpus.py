#!/usr/bin/env python3
"""Makes tests/fuzz/corpus/ from the captures: one trimmed message of every shape, and edge cases.

A shape is (capture, table, operation, which images there are). Of schemas and source blocks only
what fieldtrail reads is kept, so that a mutation has a chance to hit something. Run it after the
captures changed; its output is committed.
"""

import json
import pathlib
import shutil

HERE = pathlib.Path(__file__).resolve().parent
CAPTURES = HERE.parent / "captures"
CORPUS = HERE / "corpus"

SOURCE_MEMBERS = ("connector", "name", "ts_ms", "ts_us", "db", "schema", "table", "txId", "lsn")
COLUMN_LIMIT = 10
TEXT_LIMIT = 60

# The option bytes of fuzz_pivot; see its table of choices. One set per seed, in turn.
OPTIONS = [
    bytes(8),
    bytes([0x00, 0x11, 0x00, 0x00, 0x00, 0x00, 0x55, 0x05]),
    bytes([0x20, 0x22, 0x00, 0x00, 0x00, 0x00, 0x15, 0x85]),
    bytes([0x31, 0x01, 0x31, 0x03, 0x33, 0x44, 0x15, 0x05]),
    bytes([0x40, 0x13, 0x40, 0x44, 0x54, 0x64, 0x55, 0x85]),
    bytes([0x06, 0x20, 0x50, 0x54, 0x44, 0x00, 0x55, 0x75]),
]


def dump(value):
    """Without blanks, as Kafka Connect writes: the learned prefix is found only so."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def trim_row(row):
    def short(value):
        return value[:TEXT_LIMIT] if isinstance(value, str) else value[:3] \
            if isinstance(value, list) else value

    return {name: short(value) for name, value in list(row.items())[:COLUMN_LIMIT]}


def trim_schema(schema):
    """The fields of the images are cut as the images are; those of the source block go."""
    schema = dict(schema)
    for field in schema.get("fields", []):
        if field.get("field") in ("before", "after"):
            field["fields"] = field.get("fields", [])[:COLUMN_LIMIT]
        elif field.get("fields"):
            field["fields"] = []
    kept = ("before", "after", "op", "ts_us")
    if any(field.get("field") == "after" for field in schema.get("fields", [])):
        schema["fields"] = [f for f in schema["fields"] if f.get("field") in kept]
    return schema


def trim_payload(payload):
    payload = dict(payload)
    if isinstance(payload.get("source"), dict):
        payload["source"] = {k: v for k, v in payload["source"].items() if k in SOURCE_MEMBERS}
    for image in ("before", "after"):
        if isinstance(payload.get(image), dict):
            payload[image] = trim_row(payload[image])
    payload.pop("ts_ns", None)
    return payload


def trim_message(text):
    if text is None:
        return None
    message = json.loads(text)
    if isinstance(message, dict) and set(message) == {"schema", "payload"}:
        payload = message["payload"]
        if isinstance(payload, dict) and isinstance(message["schema"], dict):
            message = {"schema": trim_schema(message["schema"]), "payload": trim_payload(payload)}
    elif isinstance(message, dict):
        message = trim_payload(message)
    return dump(message)


def trim_line(line):
    outer = json.loads(line)
    headers = outer.get("headers") or []
    outer["headers"] = [h for i, h in enumerate(headers)
                        if headers[i - i % 2].startswith(("__debezium.newkey", "__debezium.oldkey"))]
    outer["payload"] = trim_message(outer.get("payload"))
    return dump(outer)


def shape(capture, line):
    outer = json.loads(line)
    if outer.get("payload") is None:
        return (capture, outer["topic"], None)
    message = json.loads(outer["payload"])
    payload = message.get("payload", message) if isinstance(message, dict) else message
    if not isinstance(payload, dict):
        return (capture, outer["topic"], "other")
    images = tuple(payload.get(name) is not None for name in ("before", "after"))
    return (capture, outer["topic"], payload.get("op"), images, len(outer.get("headers") or []))


def captured():
    """(name, lines) of every shape; two lines of a shape, so that a prefix can be learned."""
    for path in sorted(CAPTURES.glob("*.jsonl")):
        shapes = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            lines = shapes.setdefault(shape(path.name, line), [])
            if len(lines) < 2:
                lines.append(trim_line(line))
        for number, lines in enumerate(shapes.values()):
            yield f"{path.name.split('.kcat')[0]}-{number}", lines


def event(before, after, op="u", **more):
    body = {"before": before, "after": after,
            "source": {"connector": "postgresql", "name": "p", "schema": "s", "table": "t",
                       "ts_us": 1795220938088980}, "op": op, "ts_ms": 1795220938312}
    body.update(more)
    return body


def wrapped(payload, columns, key=None):
    """With a schema; columns are (name, type, semantic name or None, optional)."""
    fields = [{"type": t, "optional": o, "field": f, **({"name": n} if n else {})}
              for f, t, n, o in columns]
    images = [{"type": "struct", "fields": fields, "optional": True, "field": f}
              for f in ("before", "after")]
    text = dump({"schema": {"type": "struct", "fields": images}, "payload": payload})
    if key is None:
        return text
    return dump({"topic": "p.s.t", "partition": 0, "offset": 7, "key": dump(key), "payload": text})


TYPED = [("id", "int32", None, False), ("ts", "int64", "io.debezium.time.MicroTimestamp", True),
         ("doc", "string", "io.debezium.data.Json", True), ("txt", "string", None, True),
         ("n", "double", None, True)]


def edges():
    """Lines that no capture has: escapes, surrogates, depth, numbers, times, doubled members."""
    deep = "[" * 98 + "]" * 98
    yield "escapes", [dump(event({"a": "x"}, {"a": "t\t\"q\\ \x01 \u2028"})),
                      '{"before":null,"after":{"a":"\\u00e9\\ud83d\\ude00\\/\\b","\\u0062":"\\""},'
                      '"op":"c","source":{"table":"t"}}']
    yield "surrogates", ['{"before":null,"after":{"a":"\\ud83d"},"op":"c"}',
                         '{"before":null,"after":{"a":[["\\udc00"]]},"op":"c"}']
    yield "nul", ['{"before":null,"after":{"id":1,"a":"x\\u0000y","b\\u0000":2},"op":"c"}']
    yield "nul_key", [wrapped(event(None, {"k\0": 1}, "c"), TYPED, {"k\0": 1})]
    yield "overlong", [dump(event(None, {"a": "@"}, "c"))]
    yield "deep", ['{"before":null,"after":{"a":%s},"op":"c"}' % deep,
                   wrapped(event(None, {"a": 1}, "c"), TYPED),
                   wrapped(event(None, {"a": "@"}, "c"), TYPED).replace('"@"', deep)]
    yield "numbers", ['{"before":{"n":1.50,"a":-0,"id":1},"after":{"n":1.5,"a":0e5,"id":1},"op":"u"}',
                      '{"before":{"n":1e400},"after":{"n":123456789012345678901234567890.0},"op":"u"}']
    yield "documents", [wrapped(event({"id": 1, "doc": '{"a":1,"b":[1.0]}'},
                                      {"id": 1, "doc": '{"b": [1], "a": 1}'}), TYPED)]
    yield "times", [wrapped(event(None, {"id": 1, "ts": time}, "c"), TYPED, {"id": 1})
                    for time in (1795220938088980, -1, 9223372036854775807)]
    yield "unavailable", [wrapped(event({"id": 1, "txt": "x"},
                                        {"id": 1, "txt": "__debezium_unavailable_value"}), TYPED,
                                  {"id": 1})]
    yield "no_image", [wrapped(event(None, None, "d"), TYPED, {"id": 1}), "", "null"]
    yield "behind", ['{"before":null,"after":{"a":1},"op":"c"}"x',
                     wrapped(event(None, {"id": 1}, "c"), TYPED),
                     wrapped(event(None, {"id": 2}, "c"), TYPED)[:-1] + '"x}']
    yield "truncate", [dump(event(None, None, "t"))]
    yield "doubled", ['{"before":{"a":1,"a":2},"after":{"a":1,"b":1,"a":3},"op":"u"}']
    yield "others", [dump({"ts_ms": 1}), dump({"id": "571:1", "status": "BEGIN"}),
                     dump({"source": {}, "ddl": "x"}), dump({"aggregate_type": "x", "type": "y"}),
                     dump({"id": "1", "type": "execute-snapshot", "data": "{}"}), "17", "[]", "x"]
    yield "framed", ["\0abcd" + dump(event(None, {"a": 1}, "c")), "\0abcd\x02\x04"]
    yield "base64", ['{"topic":"t","partition":1,"offset":2,"ts":3,"headers":["a",null,"b","c"],'
                     '"key_base64":"eyJhIjoxfQ==","payload_base64":"e30="}']
    yield "formula", [dump(event({"a": "x"}, {"a": "=1+1", "b": "@\"", "id": -1}))]
    yield "flattened", [dump({"id": 1, "a": "x", "__op": op, "__deleted": gone, "__lsn": 5})
                        for op, gone in (("c", "false"), ("d", "true"))]
    yield "cloudevents", [dump({"id": "i", "source": "/s", "specversion": "1.0", "type": "t",
                                "iodebeziumop": "u", "iodebeziumtable": "t", "iodebeziumtsms": "15",
                                "data": {"before": {"id": 1, "a": 1}, "after": {"id": 1, "a": 2}}})]
    yield "maxwell", [dump({"database": "d", "table": "t", "type": "update", "ts": 14, "xid": 2,
                            "primary_key_columns": ["id"], "data": {"id": 1, "a": 2, "b": None},
                            "old": {"a": 1}})]
    yield "canal", [dump({"data": [{"id": "1", "a": "2"}, {"id": "2", "a": "3"}], "isDdl": False,
                          "old": [{"a": "1"}, {"a": None}], "pkNames": ["id"], "type": "UPDATE",
                          "database": "d", "table": "t", "es": 1589373560000})]
    yield "wal2json1", [dump({"xid": 1, "timestamp": "2018-03-27 11:58:28.98-03", "change": [
        {"kind": "insert", "schema": "s", "table": "t", "columnnames": ["id", "a"],
         "columnvalues": [1, 2.50], "pk": {"pknames": ["id"]}},
        {"kind": "delete", "schema": "s", "table": "t", "oldkeys": {"keynames": ["id"],
                                                                    "keyvalues": [1]}}]})]
    yield "wal2json2", [dump({"action": "U", "schema": "s", "table": "t", "pk": [{"name": "id"}],
                              "columns": [{"name": "id", "value": 1}, {"name": "a", "value": 2}],
                              "identity": [{"name": "id", "value": 1}]}), dump({"action": "T"})]
    yield "half", [dump({"topic": "p.s.t", "partition": 0, "offset": 7, "key": dump({"id": old}),
                         "headers": [name, dump({"id": other})],
                         "payload": dump(event(before, after, op))})
                   for old, name, other, before, after, op in (
                       (1, "__debezium.newkey", 2, {"id": 1, "a": 5}, None, "d"),
                       (2, "__debezium.oldkey", 1, None, {"id": 2, "a": 6}, "c"))]
    yield "specials", [dump(event({"a": "\\."}, {"a": "\\N", "b": "", "v": "a,b\r\n", "x": "NULL"}))]


CONFIGS = {
    "json": b'\0{"name":"c","config":{"pivot.fields":"a,\\"b,c\\"","pivot.keys":"id",'
            b'"replica.identity":"index(a, b)","pivot.mask":"a:hash","format.null":"\\\\N"}}',
    "bare": b'\0{"s":"x","b":true,"i":-5,"e":"r","l":"a,,\\"b,c\\" , d","n":null,"l.s.t":"q"}',
    "wrong": b'\0{"i":"9223372036854775808","b":"yes","pivot.created":"after.","config":[1]}',
    "columns": b'\0{"pivot.columns":"a=b,row_key,op","pivot.timezone":"+03:30","format":"copy",'
               b'"format.header":"true","pivot.keys.s.t":"k","pivot.mask.key":"s"}',
    "properties": b'\1# comment\n! comment\n\npivot.fields=a,b\ns : x\\ y\nl a,\\\n   b\r\n'
                  b'k\\=e\\:y=\\t\\n\\\\\npivot.mask=a:drop\npivot.timezone=Europe/Berlin\n',
    "cut": b"\1s=a\\",
}

LINES = {
    "ends": b"\x02\0\xef\xbb\xbfa\r\n\nnull\r\n\r\nNULL\nlast", "empty": b"\0\0",
    "overlong": b"\x40\0" + b"x" * 1030 + b"\ny\n" + b"z" * 1024 + b"\n",
    "overlong_whole": b"\xff\0" + b"x" * 1030 + b"\ny\n",
    "kcat": b'\x07\0{"topic":"t","offset":1,"payload":"a\\nb","key":null}\n{"topic":"t","payload":1}\n',
}

VALUES = {
    "numbers": b"\x001.50\n1.5", "zeros": b"\x00-0\n0e12", "exponent": b"\x00100e-2\n0.001E+3",
    "long": b"\x00123456789012345678901234567890.10\n123456789012345678901234567890.1",
    "documents": b'\x01{"a":1,"b":[true,null,"x"]}\n{"b": [true, null, "\\u0078"],"a":1.0}',
    "doubled": b'\x01{"a":1,"a":2}\n{"a":2}', "deep": b"\x01" + b"[" * 100 + b"]" * 100 + b"\n[]",
    "surrogates": b'\x01"\\ud83d\\ude00"\n"\xf0\x9f\x98\x80"', "escapes": b'\x01["\\b\\/\\n"]\n[""]',
    "any": b"\xa2[1, 2]\n[1,2]", "text": b"\xc2a\nb",
    "time": b"\xff\x00\x06\x60\xb9\x00\x00\x00\x00", "negative": b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "least": b"\xff\x80" + bytes(6) + b"\x01", "most": b"\xff\x7f" + b"\xff" * 7,
    "iso": b"\x032026-11-21T00:15:22.812277Z\n+03:30", "postgres": b"\x0f2019-07-09 02:28:57.1+00\n",
    "far": b"\x07+294247-01-10T04:00:54.775807-00:00:00\nEurope/Berlin",
    "near": b"\x07-290308-12-21T19:59:05.224193\nx", "midnight": b"\x032026-02-28 24:00\n-12",
}

JSONS = {
    "blanks": b' { "a" :\t[ 1 , true ,\r\n"x" ] , "b" : { } , "c" : [ ] } ',
    "numbers": b"[0,-0,10,1.5,-0.25e+10,1E5,12345678901234567890123,0.1e-7]",
    "bad_numbers": b"[01]", "dot": b"[1.]", "plus": b"[+1]", "minus": b"[-]", "exponent": b"[1e]",
    "words": b"[null,true,false]", "cut_word": b"[nul", "number": b"12", "string": b'"x"',
    "escapes": b'{"\\u0061\\"\\\\":"\\/\\b\\f\\n\\r\\t\\ud83d\\ude00"}', "wrong_escape": b'["\\x"]',
    "lone": b'[["\\ud800"],"\\ud800"]', "long": b'["' + b"x" * 40 + b'\\n' + b"\xd9\xbe" * 20 + b'"]',
    "comma": b"[1,]", "colon": b'{"a" 1}', "more": b"{} x", "nested": b"[" * 40 + b"]" * 40,
    "control": b'["a\tb"]', "overlong": b'["\xc0\x80"]', "surrogate": b'["\xed\xa0\x80"]',
}


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)

# Fuzz_pgbinary: a byte for the type, and the text of a value.
PGBINARY_TYPES = ["bool", "int8", "int2", "int4", "text", "date", "timestamp", "timestamptz", "numeric",
                  "uuid", "jsonb"]
PGBINARY_TEXTS = {
    "bool": ["true", "f"], "int8": ["-9223372036854775808"], "int2": ["32767"],
    "int4": ["-2147483648", "+007"], "text": ["a\u20ac\t\\N"], "date": ["0001-01-01", "2024-02-29"],
    "timestamp": ["2018-06-20 15:13:16.945104", "2026-11-21T00:15:22Z"],
    "timestamptz": ["2019-07-09 02:28:57.12+00", "1999-12-31T23:59:59.999999Z"],
    "numeric": ["-123456789012345.67890", "0.00001", "-0.0", "10000"],
    "uuid": ["c0ffee00-1234-4ABC-8def-0123456789aF"], "jsonb": ['{"a": 1}'],
}

# Fuzz_ilp: a byte for the time, one for the number of cells, then a byte and a text for each; the
# byte 0xff ends a text.
ILPS = {
    "texts": b"\x05\x05" + b"".join(b"\x11" + text + b"\xff" for text in (
        b'a"b\\c', b"line\nend\r", b"a, b=c d", b"\x00", b"", "\u2028\u00e9".encode())),
    "symbols": b"\x05\x05" + b"".join(b"\x10" + text + b"\xff" for text in (
        b"x", b"a b,c=d", b"line\nend\r\\", b'q"', b"", b"op")),
    "numbers": b"\x01\x05" + b"".join(bytes([kind]) + text + b"\xff" for kind, text in (
        (0x11, b"x"), (0x27, b"9223372036854775807"), (0x26, b"-2147483648"),
        (0x25, b"1.5e-7"), (0x26, b"1e400"), (0x22, b"-5"))),
    "attack": b"\x01\x00\x11x\"\nt,k=evil o=1i 1\n\xff",
    "name": b".a..b-c/d:e f.",
}


def schema_of(wire, name=None, items=None, **parameters):
    schema = {"type": wire}
    if name:
        schema["name"] = name
    if items:
        schema["items"] = items
    if parameters:
        schema["parameters"] = {key: str(value) for key, value in parameters.items()}
    return dump(schema)


TEXT_MAP = dump({"type": "map", "keys": {"type": "string"}, "values": {"type": "string"}})

# A schema, or a digit for the connector's settings and the name of a type; and a value.
TYPES = {
    "decimal": (schema_of("bytes", "org.apache.kafka.connect.data.Decimal", scale=3), '"adw="'),
    "variable": (schema_of("struct", "io.debezium.data.VariableScaleDecimal"),
                 '{"scale":-2,"value":"CUmw9vACMxPESZBOzGdFFQ=="}'),
    "float8": (schema_of("double"), "1.0E23"),
    "float4": (schema_of("float"), "1.4E-45"),
    "date": (schema_of("int32", "io.debezium.time.Date"), "-719528"),
    "micro_time": (schema_of("int64", "io.debezium.time.MicroTime"), "86400000000"),
    "timestamp": (schema_of("int64", "io.debezium.time.NanoTimestamp"), "-63517780799500000"),
    "zoned": (schema_of("string", "io.debezium.time.ZonedTimestamp"), '"-0043-03-15T12:00:00.5+05:30"'),
    "zoned_time": (schema_of("string", "io.debezium.time.ZonedTime"), '"23:59:59.999-11:30:15"'),
    "iso_date": (schema_of("string", "io.debezium.time.IsoDate"), '"+12345-01-01Z"'),
    "interval": (schema_of("string", "io.debezium.time.Interval"), '"P0Y-1M2DT0H0M-0.000001S"'),
    "duration": (schema_of("int64", "io.debezium.time.MicroDuration"), "37091106780000"),
    "bits": (schema_of("bytes", "io.debezium.data.Bits", length=12), '"AQg="'),
    "bytes": (schema_of("bytes"), '"3q2-7wD_"'),
    "geometry": (schema_of("struct", "io.debezium.data.geometry.Geometry"),
                 '{"wkb":"AQEAAAAAAAAAAADwPwAAAAAAAABA","srid":4326}'),
    "point": (schema_of("struct", "io.debezium.data.geometry.Point"), '{"x":1.0E20,"y":"NaN"}'),
    "sparse": (schema_of("struct", "io.debezium.data.SparseDoubleVector"),
               '{"dimensions":25,"vector":[[20,1.5],[1,-0.5]]}'),
    "vector": (schema_of("array", "io.debezium.data.FloatVector"), "[0.1,1.0E-7]"),
    "hstore": (TEXT_MAP, '{"x y":"q\\"r","b":null}'),
    "array": (schema_of("array", items={"type": "string"}), '["","NULL",null,"a,b","\\"q\\"","b\\\\s"]'),
    "matrix": (schema_of("array", items={"type": "array", "items": {"type": "double"}}), "[[1.5],[2,null]]"),
    "source": (schema_of("string", **{"__debezium.source.column.type": "NUMERIC"}), '"NAN"'),
    "hint_numeric": ("0numeric(5,2)", '"CpY="'),
    "hint_time": ("3timestamp(3) without time zone[]", '[0,"2018-06-20T15:13:16.945Z"]'),
    "hint_bytea": ("6bytea", '"00ff"'),
    "hint_bit": ("0bit varying(12)", '"BQ=="'),
}

# A byte that chooses who asks and where (see fuzz_request), then requests, the byte 0x1e between them.
CREATED = dump({"name": "n", "config": {
    "connector.class": "CsvSink", "topics": "s.t", "file.path": "/nowhere", "pivot.fields": "*",
    "tasks.max": 2, "pivot.keys.s.t": "id", "consumer.override.check.crcs": True}})
TYPE = "Content-Type: application/json\n\n"

REQUESTS = {
    "get": (0, [f"GET {path}" for path in (
        "/", "/connectors?expand=status&expand=info", "/connectors/one", "/metrics",
        "/connectors/a%2Fb%20%22%C3%BC/config", "/admin/loggers", "/fieldtrail/summary", "/health")]),
    "status": (0, [f"GET /connectors/one/{path}" for path in (
        "status", "tasks", "tasks/0/status", "topics", "offsets", "config")]),
    "others": (0, ["GET /nowhere", "OPTIONS /connectors", "TRACE /", "GET /ui/page.js", "GET /ui",
                   "GET /\nAccept: text/html", "GET /connectors\nAccept: text/*;q=0, a/b"]),
    "create": (0, ["POST /connectors\nHost: localhost:8083\n" + TYPE + CREATED,
                   "GET /connectors/n/status", "GET /fieldtrail/connectors/n",
                   "PUT /connectors/n/pause", "DELETE /connectors/n"]),
    "initial": (0, ["POST /connectors\n" + TYPE + CREATED[:-1] + ',"initial_state":"paused"}',
                    "POST /connectors/n/restart?includeTasks=true&onlyFailed=true",
                    "PUT /connectors/n/stop", "PUT /connectors/n/resume"]),
    "patch": (0, ["PATCH /connectors/one/config\n" + TYPE + '{"table":null,"tasks.max":"3"}',
                  "PUT /connectors/one/config\n" + TYPE + '{"connector.class":"No","name":"one"}']),
    "offsets": (0, ["PATCH /connectors/one/offsets\n" + TYPE + dump({"offsets": [
        {"partition": {"kafka_topic": "s.t", "kafka_partition": "3"},
         "offset": {"kafka_offset": 5}}, {"partition": {"kafka_topic": "s.t", "kafka_partition": 0},
                                          "offset": None}]}), "DELETE /connectors/one/offsets"]),
    "validate": (0, ["PUT /connector-plugins/PostgresSink/config/validate\n" + TYPE + dump(
        {"connector.class": "PostgresSink", "name": "v", "topics": "a,b", "topics.regex": "x.*",
         "tasks.max": "${env:FUZZ_BEHIND}", "nosuch": 1, "pivot.mask": "a:hash"}),
        "GET /connector-plugins/CsvSink/config", "GET /connector-plugins"]),
    "behind": (8, ["PATCH /connectors/one/config\n" + TYPE + dump({key: "${env:FUZZ_BEHIND}"})
                   for key in ("consumer.override.check.crcs", "pivot.columns", "delivery",
                               "connector.class", "topics", "consumer.override.x", "table")]),
    "reader": (3, ["GET /connectors/one", "GET /connectors/one/config", "DELETE /connectors/one",
                   "GET /connectors?expand=info", "GET /fieldtrail/connectors/one",
                   "PUT /connector-plugins/PostgresSink/config/validate\n" + TYPE + "{}"]),
    "writer": (13, ["GET /connectors/one/config", "PATCH /connectors/one/config\n" + TYPE
                    + '{"connection.uri":"postgresql://u:[hidden]@h/d","table":"[hidden]"}',
                    "PATCH /connectors/one/config\n" + TYPE + '{"connection.uri":"postgresql://["}']),
    "stranger": (1, ["GET /connectors\nAuthorization: Basic ZXZlOmV2ZQ==", "GET /health",
                     "GET /\nAuthorization: Bearer x", "GET /nowhere\nAuthorization: Basic !"]),
    "sites": (0, ["GET /\nHost: evil.example", "POST /connectors\nHost: localhost\n"
                  "Origin: http://localhost:1\n" + TYPE + CREATED, "PUT /connectors/one/pause\n"
                  "Host: [::1]:8083\nOrigin: http://[::1]:8083\nSec-Fetch-Site: cross-site"]),
    "loggers": (32, ["PUT /admin/loggers/root?scope=cluster\n" + TYPE + '{"level":"warn"}',
                     "GET /admin/loggers/root", "PUT /admin/loggers/x\n" + TYPE + "{}"]),
    "malformed": (16, ["GET /connectors/%zz", "GET /connectors/%00", "GET //", "POST /connectors\n"
                       + TYPE + "[[[", "POST /connectors\n\n{}", "GET /connectors/%ff/status",
                       "POST /connectors\n" + TYPE + '{"name":"\\ud800","config":{}}']),
}


def main():
    shutil.rmtree(CORPUS, ignore_errors=True)
    for number, (name, lines) in enumerate([*captured(), *edges()]):
        data = "\n".join(lines).encode("utf-8")
        if name == "overlong":
            data = data.replace(b"@", b"\xc0\x80\xed\xa0\x80\xf5\x80\x80\x80")
        write("fuzz_decode", name, data)
        if number % 8 == 0:
            write("fuzz_lines", name, bytes([number, 1]) + data)
            write("fuzz_json", name, data.split(b"\n")[0])
        # The pivot sees every change by itself; the second line only taught the decoder.
        data = data if len(data) < 2500 else data.split(b"\n")[0]
        write("fuzz_pivot", name, OPTIONS[number % len(OPTIONS)] + data)
    for name, data in CONFIGS.items():
        write("fuzz_config", name, data)
    for name, data in LINES.items():
        write("fuzz_lines", name, data)
    for name, data in JSONS.items():
        write("fuzz_json", name, data)
    for name, data in VALUES.items():
        write("fuzz_values", name, data)
    for name, data in ILPS.items():
        write("fuzz_ilp", name, data)
    for name, texts in PGBINARY_TEXTS.items():
        for number, text in enumerate(texts):
            write("fuzz_pgbinary", f"{name}_{number}", bytes([PGBINARY_TYPES.index(name)]) + text.encode())
    for name, (choice, requests) in REQUESTS.items():
        write("fuzz_request", name, bytes([choice]) + "\x1e".join(requests).encode("utf-8"))
    for name, lines in TYPES.items():
        write("fuzz_types", name, "\n".join(lines).encode("utf-8"))


if __name__ == "__main__":
    main()
