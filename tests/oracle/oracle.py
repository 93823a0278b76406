#!/usr/bin/env python3
"""The independent judge of fieldtrail.

Reads Debezium change events and prints the pivot rows that the written
contract demands, one row per changed field.  It is slow and plain on purpose
and shares nothing with the C program: where the two disagree, one is wrong.
"""

import argparse
import base64
import datetime
import itertools
import json
import os
import re
import sys
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pgtext  # noqa: E402  (it lies beside this file)

# Deeper nesting than this is refused, so that hostile input cannot exhaust
# the interpreter's stack.  Each level costs two Python frames.
MAX_DEPTH = 500
sys.setrecursionlimit(10000)

# Numbers in JSON may have any length; newer interpreters limit int() instead.
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


class BadLine(Exception):
    """This line cannot be turned into rows; the others still can."""


class BadUsage(Exception):
    """The options do not fit together or do not fit the input."""


# --------------------------------------------------------------------------
# JSON that remembers its own text
#
# Values must come out with their very digits and nested documents with their
# very text, so every node keeps the slice of the message it was read from.
# --------------------------------------------------------------------------

class Node:
    """One JSON value: its kind, what it means, and how it was written."""

    __slots__ = ("kind", "value", "raw")

    def __init__(self, kind: str, value, raw: str):
        self.kind = kind      # object, array, string, number, bool or null
        self.value = value    # dict, list, str, the digits, bool or None
        self.raw = raw        # the text as it stood in the message


BLANKS = re.compile(r"[ \t\n\r]*")
PLAIN_TEXT = re.compile(r'[^"\\\x00-\x1f]*')
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
HEX4 = re.compile(r"[0-9a-fA-F]{4}")
SHORT_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f",
                 "n": "\n", "r": "\r", "t": "\t"}
WORDS = (("true", "bool", True), ("false", "bool", False), ("null", "null", None))


class JsonReader:
    """A strict reader of one JSON text."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def read_all(self) -> Node:
        node = self.read_value(0)
        self.skip_blanks()
        if self.at != len(self.text):
            raise self.error("text after the end of the JSON value")
        return node

    def error(self, reason: str) -> BadLine:
        return BadLine("not JSON: %s at character %d" % (reason, self.at + 1))

    def skip_blanks(self) -> None:
        self.at = BLANKS.match(self.text, self.at).end()

    def peek(self) -> str:
        return self.text[self.at:self.at + 1]

    def take(self, char: str) -> bool:
        if self.peek() != char:
            return False
        self.at += 1
        return True

    def expect(self, char: str) -> None:
        if not self.take(char):
            raise self.error("expected %s" % char)

    def read_value(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self.error("nested deeper than %d" % MAX_DEPTH)
        self.skip_blanks()
        start = self.at
        kind, value = self.read_kind(depth)
        return Node(kind, value, self.text[start:self.at])

    def read_kind(self, depth: int):
        if self.take("{"):
            return "object", self.read_members(depth)
        if self.take("["):
            return "array", self.read_items(depth)
        if self.take('"'):
            return "string", self.read_string()
        for word, kind, value in WORDS:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return kind, value
        return "number", self.read_number()

    def read_members(self, depth: int) -> Dict[str, Node]:
        members: Dict[str, Node] = {}
        self.skip_blanks()
        if self.take("}"):
            return members
        while True:
            self.skip_blanks()
            self.expect('"')
            name = self.read_string()
            self.skip_blanks()
            self.expect(":")
            members[name] = self.read_value(depth + 1)
            self.skip_blanks()
            if self.take("}"):
                return members
            self.expect(",")

    def read_items(self, depth: int) -> List[Node]:
        items: List[Node] = []
        self.skip_blanks()
        if self.take("]"):
            return items
        while True:
            items.append(self.read_value(depth + 1))
            self.skip_blanks()
            if self.take("]"):
                return items
            self.expect(",")

    def read_number(self) -> str:
        match = NUMBER.match(self.text, self.at)
        if not match:
            raise self.error("expected a value")
        self.at = match.end()
        return match.group()

    def read_string(self) -> str:
        """The string whose opening quote has just been taken."""
        parts = []
        while True:
            match = PLAIN_TEXT.match(self.text, self.at)
            parts.append(match.group())
            self.at = match.end()
            if self.take('"'):
                return "".join(parts)
            if not self.take("\\"):
                raise self.error("the string does not end, or holds a control character")
            parts.append(self.read_escape())

    def read_escape(self) -> str:
        letter = self.peek()
        self.at += 1
        if letter == "u":
            return self.read_unicode()
        if letter not in SHORT_ESCAPES:
            raise self.error("unknown escape")
        return SHORT_ESCAPES[letter]

    def read_unicode(self) -> str:
        high = self.read_hex4()
        if 0xDC00 <= high <= 0xDFFF:
            raise self.error("lone surrogate")
        if not 0xD800 <= high <= 0xDBFF:
            return chr(high)
        # Characters beyond 16 bits are written as two escapes in a row.
        if not self.text.startswith("\\u", self.at):
            raise self.error("lone surrogate")
        self.at += 2
        low = self.read_hex4()
        if not 0xDC00 <= low <= 0xDFFF:
            raise self.error("lone surrogate")
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    def read_hex4(self) -> int:
        match = HEX4.match(self.text, self.at)
        if not match:
            raise self.error("expected four hexadecimal digits")
        self.at = match.end()
        return int(match.group(), 16)


def parse_json(text: str) -> Node:
    return JsonReader(text).read_all()


def member(node: Optional[Node], name: str) -> Optional[Node]:
    """A member that is there and not null, else None."""
    if node is None or node.kind != "object":
        return None
    child = node.value.get(name)
    return None if is_null(child) else child


def is_null(node: Optional[Node]) -> bool:
    return node is None or node.kind == "null"


def text_of(node: Optional[Node]) -> Optional[str]:
    """What a row prints for a value."""
    if is_null(node):
        return None
    if node.kind == "string":
        return node.value
    return node.raw


def text_member(node: Optional[Node], name: str) -> Optional[str]:
    return text_of(member(node, name))


# --------------------------------------------------------------------------
# When are two values the same?
# --------------------------------------------------------------------------

def number_value(digits: str) -> Tuple[bool, str, int]:
    """A number as sign, digits and power of ten, in one form per value.

    Written out by hand because neither float nor Decimal holds every number
    that JSON can carry.
    """
    mantissa, _, exponent = digits.lower().partition("e")
    negative = mantissa.startswith("-")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    power = int(exponent or "0") - len(fraction)
    significant = (whole + fraction).lstrip("0")
    shortest = significant.rstrip("0")
    if not shortest:
        return (False, "", 0)
    return (negative, shortest, power + len(significant) - len(shortest))


def canonical(node: Node):
    """A form that is equal exactly where two JSON values mean the same."""
    if node.kind == "number":
        return ("number", number_value(node.value))
    if node.kind == "array":
        return ("array", tuple(canonical(item) for item in node.value))
    if node.kind == "object":
        pairs = ((name, canonical(child)) for name, child in node.value.items())
        return ("object", frozenset(pairs))
    return (node.kind, node.value)


def comparable(node: Node, is_json: bool):
    """Like canonical, but reads the text of a JSON column as a document."""
    if is_json and node.kind == "string":
        try:
            return ("document", canonical(parse_json(node.value)))
        except BadLine:
            pass  # Not JSON after all: it is compared as the text it is.
    return canonical(node)


def same_value(left: Optional[Node], right: Optional[Node], is_json: bool = False) -> bool:
    if is_null(left) or is_null(right):
        return is_null(left) and is_null(right)
    a, b = comparable(left, is_json), comparable(right, is_json)
    if a[0] == b[0]:
        return a == b
    # A column that changed its type in flight: the printed text decides, so
    # that no row shows a change from a text to the same text.
    return text_of(left) == text_of(right)


PLACEHOLDER = "__debezium_unavailable_value"
PLACEHOLDER_TEXTS = (
    PLACEHOLDER,
    base64.b64encode(PLACEHOLDER.encode()).decode(),
    PLACEHOLDER.encode().hex(),
)
# In arrays also the UUID made of the placeholder's bytes (version 3, without a name space).
PLACEHOLDER_ITEMS = PLACEHOLDER_TEXTS + ("b68a35a7-17ad-35b3-af2a-ae46edb4545a",)
# PostGIS columns: a point far out for geometry, another for geography.
PLACEHOLDER_POINTS = tuple(base64.b64encode(bytes.fromhex(point)).decode() for point in (
    "0101000020E6100000000000FC83D797C1000000FC83D797C1",
    "0101000020E61000000C21E7FDFF7F66401842CEFBFF7F5640"))
PLACEHOLDER_CODES = [str(ord(char)) for char in PLACEHOLDER]


def is_unavailable(node: Optional[Node]) -> bool:
    """Does the value say 'unchanged, and too large to be sent again'?"""
    if is_null(node):
        return False
    if node.kind == "string":
        return node.value in PLACEHOLDER_TEXTS or is_placeholder_map_text(node.value)
    if node.kind == "array":
        return is_placeholder_array(node.value)
    return node.kind == "object" and is_placeholder_map(node)


def is_placeholder_array(items: List[Node]) -> bool:
    if len(items) == 1:
        return items[0].kind == "string" and items[0].value in PLACEHOLDER_ITEMS
    if len(items) != len(PLACEHOLDER_CODES):
        return False
    return all(item.kind == "number" and item.value == code
               for item, code in zip(items, PLACEHOLDER_CODES))


def is_placeholder_map(node: Node) -> bool:
    if text_of(node.value.get("wkb")) in PLACEHOLDER_POINTS:
        return True
    if list(node.value) != [PLACEHOLDER]:
        return False
    return text_of(node.value[PLACEHOLDER]) == PLACEHOLDER


def is_placeholder_map_text(text: str) -> bool:
    # Only a short text that starts like a map is worth parsing.
    if not text.lstrip().startswith("{") or PLACEHOLDER not in text:
        return False
    try:
        return is_placeholder_map(parse_json(text))
    except BadLine:
        return False


# --------------------------------------------------------------------------
# Times
# --------------------------------------------------------------------------

EPOCH = datetime.datetime(1970, 1, 1)
INTEGER = re.compile(r"-?[0-9]+\Z")
ISO_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})"
    r"(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?\Z")

def format_time(microseconds: int) -> str:
    """Microseconds since 1970 as 2026-11-21T00:15:22.812277Z."""
    try:
        moment = EPOCH + datetime.timedelta(microseconds=microseconds)
    except OverflowError:
        raise BadLine("a time is infinite or out of range: %d" % microseconds)
    return moment.isoformat(timespec="microseconds") + "Z"


def integer_member(node: Optional[Node], name: str) -> Optional[int]:
    """An integer, which some sources write as a string."""
    text = text_member(node, name)
    if text is None:
        return None
    if not INTEGER.match(text):
        raise BadLine("%s is not an integer: %s" % (name, text))
    return int(text)


def microseconds_of(block: Optional[Node]) -> Optional[int]:
    """The best of ts_us, ts_ns and ts_ms in an envelope or a source block."""
    for name, to_micro in (("ts_us", lambda value: value),
                           ("ts_ns", lambda value: value // 1000),
                           ("ts_ms", lambda value: value * 1000)):
        value = integer_member(block, name)
        if value is not None:
            return to_micro(value)
    return None


def optional_time(microseconds: Optional[int]) -> Optional[str]:
    return None if microseconds is None else format_time(microseconds)


def offset_seconds(zone: Optional[str]) -> int:
    """The distance of a zone from UTC; a text without a zone is UTC."""
    if zone in (None, "Z"):
        return 0
    digits = zone[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -seconds if zone[0] == "-" else seconds


def time_from_iso(text: str) -> Optional[int]:
    """Microseconds since 1970, or None where the text is no such time."""
    match = ISO_TIME.match(text)
    if not match:
        return None
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second = int(match.group(6) or "0")
    fraction = int((match.group(7) or "").ljust(6, "0")[:6])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second, fraction)
    except ValueError:
        return None
    since = (moment - EPOCH) // datetime.timedelta(microseconds=1)
    return since - offset_seconds(match.group(8)) * 1000000


def column_time(node: Optional[Node], column: str) -> Optional[str]:
    """The time in a column of the row itself; types have made texts of numbers that say one."""
    if is_null(node) or is_unavailable(node):
        return None
    since = time_from_iso(node.value) if node.kind == "string" else None
    if since is None:
        raise BadLine("column %s holds no finite time: %s" % (column, text_of(node)))
    try:
        return format_time(since)
    except BadLine as error:
        raise BadLine("column %s: %s" % (column, error))


# --------------------------------------------------------------------------
# From a line to a change
# --------------------------------------------------------------------------

@dataclass
class Column:
    """What the schema says of a column."""
    optional: bool
    default: Optional[Node]
    semantic: Optional[str]
    schema: Optional[Node] = None


@dataclass
class Change:
    """One change of one row, as the event tells it."""
    where: str                              # FILE:LINE, for messages
    op: str
    before: Optional[Dict[str, Node]]
    after: Optional[Dict[str, Node]]
    schema: Optional[Dict[str, Column]]     # None for schemaless events
    envelope: Node
    kafka: Optional[Node]                   # the kcat -J object around it
    key: Optional[Node]                     # the payload of the message key
    key_text: Optional[str]
    old_key: Optional[Dict[str, Node]] = None   # of a key change: the key before
    half: Optional["Change"] = None             # of a key change: its delete, where that is known

    def source(self) -> Optional[Node]:
        return member(self.envelope, "source")

    def message_key(self) -> Dict[str, Node]:
        if self.key is None or self.key.kind != "object":
            return {}
        return self.key.value


@dataclass
class Message:
    """One line, unwrapped but not yet understood."""
    kafka: Optional[Node]
    key: Optional[Node]
    key_text: Optional[str]
    schema: Optional[Node]
    payload: Optional[Node]                 # None is a tombstone
    key_schema: Optional[Node] = None


def is_kcat(node: Node) -> bool:
    wanted = ("topic", "partition", "offset", "payload")
    return node.kind == "object" and all(name in node.value for name in wanted)


def unwrap(node: Node) -> Tuple[Optional[Node], Node]:
    """Schema and payload of a message with schemas, else (None, the node)."""
    if node.kind != "object" or set(node.value) != {"schema", "payload"}:
        return None, node
    if node.value["schema"].kind not in ("object", "null"):
        return None, node
    return member(node, "schema"), node.value["payload"]


def is_no_value(text: str) -> bool:
    """What kcat prints for a message without a value."""
    return text.strip(" \t\r\n") in ("", "NULL")


def parse_message_value(text: str) -> Tuple[Optional[Node], Optional[Node]]:
    """Schema and payload; the payload is None for every form of tombstone."""
    if is_no_value(text):
        return None, None
    schema, payload = unwrap(parse_json(text))
    return schema, None if is_null(payload) else payload


def parse_message_key(node: Optional[Node]) \
        -> Tuple[Optional[Node], Optional[str], Optional[Node]]:
    """The key's payload, its text and its schema."""
    if is_null(node):
        return None, None, None
    if node.kind != "string":
        schema, payload = unwrap(node)
        return payload, payload.raw, schema
    try:
        schema, payload = unwrap(parse_json(node.value))
    except BadLine:
        return None, node.value, None  # A key that a string converter wrote.
    if is_null(payload):
        return None, None, None
    return payload, payload.raw, schema


def parse_line(text: str) -> Message:
    if is_no_value(text):
        return Message(None, None, None, None, None)
    node = parse_json(text)
    if not is_kcat(node):
        schema, payload = unwrap(node)
        return Message(None, None, None, schema, None if is_null(payload) else payload)
    key, key_text, key_schema = parse_message_key(node.value.get("key"))
    value = member(node, "payload")
    if value is None:
        return Message(node, key, key_text, None, None, key_schema)
    text = value.value if value.kind == "string" else value.raw
    schema, payload = parse_message_value(text)
    return Message(node, key, key_text, schema, payload, key_schema)


def schema_field(schema: Optional[Node], name: str) -> Optional[Node]:
    fields = member(schema, "fields")
    if fields is None or fields.kind != "array":
        return None
    for field in fields.value:
        if text_member(field, "field") == name:
            return field
    return None


def read_schema(schema: Optional[Node]) -> Optional[Dict[str, Column]]:
    """The columns of the row, in order, or None where there is no schema."""
    row = schema_field(schema, "before") or schema_field(schema, "after")
    fields = member(row, "fields")
    if fields is None or fields.kind != "array":
        return None
    columns = {}
    for field in fields.value:
        optional = member(field, "optional")
        columns[text_member(field, "field") or ""] = Column(
            optional=optional is not None and optional.value is True,
            default=typed_default(member(field, "default"), field),
            semantic=text_member(field, "name"), schema=field)
    return columns


def typed(node: Optional[Node], schema: Optional[Node]) -> Optional[Node]:
    """The value as the database prints it, where a schema says what it is."""
    if is_null(node) or is_unavailable(node) or schema is None:
        return node
    try:
        kind, text = pgtext.text_of(node, schema)
    except pgtext.Unreadable as error:
        raise BadLine("column %s: %s" % (text_member(schema, "field"), error))
    if kind == "string":
        return Node(kind, text, json.dumps(text, ensure_ascii=False))
    return Node(kind, text, text) if kind == "number" else node


def typed_default(node: Optional[Node], schema: Node) -> Optional[Node]:
    try:
        return typed(node, schema)
    except BadLine:
        return None  # A default that cannot be read is none.


def typed_image(values: Optional[Dict[str, Node]],
                columns: Optional[Dict[str, Column]]) -> Optional[Dict[str, Node]]:
    if values is None or columns is None:
        return values
    return {name: typed(node, columns[name].schema if name in columns else None)
            for name, node in values.items()}


SIGNAL_TYPES = {"execute-snapshot", "stop-snapshot", "pause-snapshot", "resume-snapshot",
                "snapshot-window-open", "snapshot-window-close", "schema-changes"}


def is_envelope(payload: Node) -> bool:
    names = payload.value
    return "op" in names and any(name in names for name in ("before", "after", "source"))


def is_signal_row(payload: Node) -> bool:
    """Is the changed row one of the table that signals are written to?"""
    row = member(payload, "after") or member(payload, "before")
    if row is None or row.kind != "object" or set(row.value) != {"id", "type", "data"}:
        return False
    return text_member(row, "type") in SIGNAL_TYPES


def kind_of(message: Message) -> str:
    """What sort of message this is; only 'change' makes rows."""
    payload = message.payload
    if payload is None:
        return "tombstone"
    if payload.kind != "object":
        raise BadLine("no change event: the value is not an object")
    names = set(payload.value)
    if is_envelope(payload):
        if text_member(payload, "op") == "m":
            return "logical message"
        return "signal" if is_signal_row(payload) else "change"
    if names == {"ts_ms"}:
        return "heartbeat"
    if {"status", "id"} <= names and text_member(payload, "status") in ("BEGIN", "END"):
        return "transaction marker"
    if "ddl" in names or "tableChanges" in names:
        return "schema change"
    if {"aggregate_type", "type"} <= names:
        return "notification"
    if {"id", "type", "data"} <= names and text_member(payload, "type") in SIGNAL_TYPES:
        return "signal"
    raise BadLine("no change event: there is no op beside before, after or source")


def image(payload: Node, name: str) -> Optional[Dict[str, Node]]:
    node = member(payload, name)
    if node is None:
        return None
    if node.kind != "object":
        raise BadLine("%s is not an object" % name)
    return node.value


def make_change(message: Message, where: str) -> Change:
    payload = message.payload
    op = text_member(payload, "op") or ""
    if op not in ("c", "r", "u", "d", "t"):
        raise BadLine("unknown op: %s" % payload.value["op"].raw)
    after = image(payload, "after")
    if op in "cru" and after is None:
        raise BadLine("op %s without after" % op)
    schema = read_schema(message.schema)
    return Change(where=where, op=op, before=typed_image(image(payload, "before"), schema),
                  after=typed_image(after, schema), schema=schema, envelope=payload,
                  kafka=message.kafka, key=typed_key(message.key, message.key_schema),
                  key_text=message.key_text)


def typed_key(key: Optional[Node], schema: Optional[Node]) -> Optional[Node]:
    if key is None or key.kind != "object" or schema is None:
        return key
    values = {name: typed(node, schema_field(schema, name)) for name, node in key.value.items()}
    return Node("object", values, key.raw)


# --------------------------------------------------------------------------
# Key changes: two records, told by their headers
# --------------------------------------------------------------------------

def header(kafka: Optional[Node], name: str) -> Optional[Node]:
    listed = member(kafka, "headers")
    names = listed.value if listed is not None and listed.kind == "array" else []
    for at in range(0, len(names) - 1, 2):
        if text_of(names[at]) == name:
            return names[at + 1]
    return None


def read_old_key(node: Node) -> Dict[str, Node]:
    """The columns that the header tells; none where it cannot be read."""
    try:
        _, key = unwrap(parse_json(node.value)) if node.kind == "string" else (None, node)
    except BadLine:
        return {}
    return key.value if key.kind == "object" else {}


def is_same_row(half: Change, change: Change) -> bool:
    """Is this the delete that came before this create?"""
    old, gone = change.old_key, half.message_key()
    tables = [(text_member(each.source(), "schema"), text_member(each.source(), "table"))
              for each in (half, change)]
    return tables[0] == tables[1] and set(old) == set(gone) and all(
        same_value(old[name], (half.before or {}).get(name, gone[name])) for name in old)


class KeyChanges:
    """Remembers the last delete half of each partition while nothing but tombstones follow."""

    def __init__(self) -> None:
        self.waiting: Dict[Tuple[Optional[str], Optional[str]], Change] = {}

    def join(self, message: Message, kind: str, change: Optional[Change]) -> Optional[Change]:
        if kind == "tombstone":
            return None
        place = (text_member(message.kafka, "topic"), text_member(message.kafka, "partition"))
        half = self.waiting.pop(place, None)
        if change is None or not change.message_key():
            return change
        if change.op == "d" and header(message.kafka, "__debezium.newkey") is not None:
            self.waiting[place] = change
            return None
        old_key = header(message.kafka, "__debezium.oldkey")
        if change.op == "c" and old_key is not None:
            change.op, change.old_key = "u", read_old_key(old_key)
            if half is not None and is_same_row(half, change):
                change.half = half
            change.before = dict((half.before or {}) if change.half else {}, **change.old_key)
        return change


# --------------------------------------------------------------------------
# Options
# --------------------------------------------------------------------------

@dataclass
class Options:
    files: List[str]
    fields: List[str]
    keys: List[str]
    ignore: List[str]
    columns: List[str]
    keep_unchanged: bool
    keep_snapshot: bool
    keep_unknown: bool
    time_from: Dict[str, str]      # op of the row -> where its time is
    identity: str
    index: Tuple[str, ...]
    inserted: str
    jsonl: bool
    header: bool
    stats: bool


# --------------------------------------------------------------------------
# Can `before` be believed?
# --------------------------------------------------------------------------

def primary_key(change: Change, options: Options) -> List[str]:
    """The columns of the message key; a raw line has only what --keys says."""
    if change.kafka is not None:
        return list(change.message_key())
    return options.keys


def is_json_column(change: Change, name: str) -> bool:
    column = (change.schema or {}).get(name)
    return column is not None and column.semantic == "io.debezium.data.Json"


def believes(change: Change, options: Options) -> Callable[[str], bool]:
    """A test that says of each column whether its value in before is real."""
    key = primary_key(change, options)
    if change.old_key is not None:
        told = [name for name in change.old_key if not key_is_hidden(name, options)]
        rest = believes(change.half, options) if change.half else lambda name: False
        return lambda name: name in told if name in key else rest(name)
    if options.identity == "full":
        return lambda name: True
    if options.identity == "index":
        return lambda name: name in options.index
    if options.identity == "auto" and proves_itself(change, key):
        return lambda name: True
    return lambda name: name in key


def proves_itself(change: Change, key: List[str]) -> bool:
    if change.before is None:
        return False
    if change.schema is None:
        return change.op == "u" and proved_without_schema(change, key)
    if holds_an_optional_value(change, key):
        return True
    return change.op == "u" and required_columns_rest(change, key)


def holds_an_optional_value(change: Change, key: List[str]) -> bool:
    """Only a full image can hold a value of a nullable column."""
    for name, column in change.schema.items():
        value = change.before.get(name)
        if name in key or not column.optional or is_null(value) or is_unavailable(value):
            continue
        if not same_value(value, column.default, is_json_column(change, name)):
            return True
    return False


def required_columns_rest(change: Change, key: List[str]) -> bool:
    """Without a full image, before comes only when a required column moved."""
    return not any(differs_in_images(change, name)
                   for name, column in change.schema.items()
                   if not column.optional and name not in key)


def differs_in_images(change: Change, name: str) -> bool:
    if (name in change.before) != (name in change.after):
        return True
    old, new = change.before.get(name), change.after.get(name)
    if is_unavailable(old) or is_unavailable(new):
        return True
    return not same_value(old, new, is_json_column(change, name))


def proved_without_schema(change: Change, key: List[str]) -> bool:
    for name, value in change.before.items():
        if name in key or name not in change.after or proves_nothing(value):
            continue
        if same_value(value, change.after[name]):
            return True
    return False


ZERO_NUMBER = re.compile(r"[+-]?(?:0+\.?0*|\.0+)(?:[eE][+-]?[0-9]+)?\Z")
ZERO_TIME = re.compile(r"00:00:00[0.:+\-Z]*\Z")


def proves_nothing(node: Node) -> bool:
    """Could Debezium have made this value up for a column it was not sent?"""
    if is_null(node) or is_unavailable(node):
        return True
    if node.kind == "bool":
        return node.value is False
    if node.kind == "number":
        return number_value(node.value)[1] == ""
    if node.kind == "string":
        return is_invented_text(node.value)
    return not node.value


def is_invented_text(text: str) -> bool:
    return (text in ("", "PT0S", "P0Y0M0DT0H0M0S", "{}", "[]") or text.startswith("1970-01-01")
            or bool(ZERO_NUMBER.match(text)) or bool(ZERO_TIME.match(text)))


# --------------------------------------------------------------------------
# Which fields changed?
# --------------------------------------------------------------------------

@dataclass
class FieldChange:
    name: Optional[str]       # None for the row that says only 'it happened'
    place: int
    old: Optional[Node]
    new: Optional[Node]
    old_known: bool


def pivoted(present: Iterable[str], change: Change, options: Options) -> List[Tuple[int, str]]:
    """The columns to pivot among those present, each with its place."""
    key = primary_key(change, options)
    chosen = []
    for place, name in enumerate(present, 1):
        by_star = "*" in options.fields and name not in key and name not in options.ignore
        moved = change.old_key is not None and name in key and not same_value(
            change.old_key.get(name), change.after.get(name))
        if by_star or name in options.fields or moved:
            chosen.append((place, name))
    return chosen


def changes_of(change: Change, options: Options, stats: Dict[str, int]) -> List[FieldChange]:
    if change.op == "t":
        return [FieldChange(None, 0, None, None, True)]
    if change.op == "u":
        return changes_of_update(change, options, stats)
    if change.op == "d":
        found = changes_of_delete(change, options)
        return found or [FieldChange(None, 0, None, None, change.before is not None)]
    found = changes_of_create(change, options, stats)
    return found or [FieldChange(None, 0, None, None, True)]


def available_news(change: Change, options: Options,
                   stats: Dict[str, int]) -> Iterator[Tuple[int, str, Node]]:
    """The new values that were sent; an unavailable one is unchanged."""
    for place, name in pivoted(change.after, change, options):
        new = change.after[name]
        if is_unavailable(new):
            stats["unavailable"] += 1
        else:
            yield place, name, new


def changes_of_create(change: Change, options: Options,
                      stats: Dict[str, int]) -> List[FieldChange]:
    return [FieldChange(name, place, None, new, True)
            for place, name, new in available_news(change, options, stats)
            if options.keep_unchanged or not is_null(new)]


def changes_of_update(change: Change, options: Options,
                      stats: Dict[str, int]) -> List[FieldChange]:
    believed = believes(change, options)
    before = change.before or {}
    found = []
    for place, name, new in available_news(change, options, stats):
        old = before.get(name)
        if name not in before or not believed(name) or is_unavailable(old):
            if options.keep_unknown:
                found.append(FieldChange(name, place, None, new, False))
        elif options.keep_unchanged or not same_value(old, new, is_json_column(change, name)):
            found.append(FieldChange(name, place, old, new, True))
    return found


def changes_of_delete(change: Change, options: Options) -> List[FieldChange]:
    if change.before is None:
        return changes_of_blind_delete(change, options)
    believed = believes(change, options)
    found = []
    for place, name in pivoted(change.before, change, options):
        old = change.before[name]
        if not believed(name) or is_unavailable(old):
            found.append(FieldChange(name, place, None, None, False))
        elif options.keep_unchanged or not is_null(old):
            found.append(FieldChange(name, place, old, None, True))
    return found


def changes_of_blind_delete(change: Change, options: Options) -> List[FieldChange]:
    """A delete that says nothing of the row: every field is gone, unseen.

    The schema still tells the columns and their places.  Named fields that it
    does not know come behind them, in the order in which they were named.
    """
    known = list(change.schema or {})
    named = [name for name in options.fields if name != "*" and name not in known]
    return [FieldChange(name, place, None, None, False)
            for place, name in pivoted(known + named, change, options)]


# --------------------------------------------------------------------------
# Rows
# --------------------------------------------------------------------------

def key_node(change: Change, options: Options, name: str) -> Optional[Node]:
    """The value of a --keys column, None where it cannot be known."""
    if change.op == "t":
        return None
    if change.op != "d":
        if name in change.after:
            return change.after[name]
        return change.message_key().get(name)
    if key_is_hidden(name, options):
        return None
    if name not in (change.before or {}):
        return change.message_key().get(name)
    if name in primary_key(change, options) or believes(change, options)(name):
        return change.before[name]
    return None


def key_is_hidden(name: str, options: Options) -> bool:
    return options.identity == "index" and name not in options.index


def row_key(change: Change, options: Options) -> Optional[str]:
    if change.op == "t":
        return None
    if change.kafka is not None:
        # Without its columns in the index, a delete's message key is made of invented values.
        hidden = change.op == "d" and any(key_is_hidden(name, options) for name in change.message_key())
        return None if hidden else change.key_text
    members = []
    for name in options.keys:
        node = key_node(change, options, name)
        members.append("%s:%s" % (json.dumps(name, ensure_ascii=False),
                                  "null" if node is None else node.raw))
    return "{%s}" % ",".join(members)


def tx_id(change: Change) -> Optional[str]:
    own = text_member(change.source(), "txId")
    if own is not None:
        return own
    whole = text_member(member(change.envelope, "transaction"), "id")
    if whole is None or text_member(change.source(), "connector") != "postgresql":
        return whole  # elsewhere the whole id names the transaction (MySQL: uuid:number)
    return whole.partition(":")[0]


def log_position(change: Change) -> Optional[str]:
    source = change.source()
    lsn = text_member(source, "lsn")
    if lsn is not None:
        return lsn
    file, position = text_member(source, "file"), text_member(source, "pos")
    if file is not None and position is not None:
        return "%s:%s" % (file, position)
    return text_member(source, "commit_lsn") or text_member(source, "scn")


def source_table(change: Change) -> Optional[str]:
    """schema.table; databases without schemas have their name there."""
    source = change.source()
    schema = text_member(source, "schema") or text_member(source, "db")
    table = text_member(source, "table")
    if table is None:
        return None
    return table if not schema else "%s.%s" % (schema, table)


def event_time(change: Change) -> Optional[str]:
    since = microseconds_of(change.source())
    if since is None:
        milliseconds = integer_member(change.kafka, "ts")
        since = None if milliseconds is None else milliseconds * 1000
    return optional_time(since)


def row_time(change: Change, options: Options, kind: str) -> Optional[str]:
    """datetime_created, _updated or _deleted: only the fitting one is set."""
    fitting = {"c": "created", "r": "created", "u": "updated",
               "d": "deleted", "t": "deleted"}[change.op]
    if kind != fitting:
        return None
    origin = options.time_from[kind]
    if origin == "source":
        return optional_time(microseconds_of(change.source()))
    if origin == "connector":
        return optional_time(microseconds_of(change.envelope))
    which, _, column = origin.partition(".")
    return time_in_image(change, options, which, column)


def time_in_image(change: Change, options: Options, which: str, column: str) -> Optional[str]:
    # A before that is not believed may hold an invented epoch.
    if which == "before" and not believes(change, options)(column):
        return None
    values = (change.before if which == "before" else change.after) or {}
    return column_time(values.get(column), column)


# The columns that are the same in every row of one change.
CHANGE_COLUMNS: Dict[str, Callable[[Change, Options], Optional[str]]] = {
    "datetime_created": lambda change, options: row_time(change, options, "created"),
    "datetime_updated": lambda change, options: row_time(change, options, "updated"),
    "datetime_deleted": lambda change, options: row_time(change, options, "deleted"),
    "datetime_inserted": lambda change, options: options.inserted,
    "op": lambda change, options: change.op,
    "event_time": lambda change, options: event_time(change),
    "source_table": lambda change, options: source_table(change),
    "row_key": row_key,
    "tx_id": lambda change, options: tx_id(change),
    "lsn": lambda change, options: log_position(change),
    "kafka_topic": lambda change, options: text_member(change.kafka, "topic"),
    "kafka_partition": lambda change, options: text_member(change.kafka, "partition"),
    "kafka_offset": lambda change, options: text_member(change.kafka, "offset"),
    "source_name": lambda change, options: text_member(change.source(), "name"),
    "connector_time": lambda change, options: optional_time(microseconds_of(change.envelope)),
    "tx_order": lambda change, options: text_member(
        member(change.envelope, "transaction"), "total_order"),
    "query": lambda change, options: text_member(change.source(), "query"),
    "user_name": lambda change, options: text_member(change.source(), "user_name"),
    "thread": lambda change, options: text_member(change.source(), "thread"),
}

# The columns that tell the rows of one change apart.
FIELD_COLUMNS: Dict[str, Callable[[FieldChange], object]] = {
    "change_field": lambda field: field.name,
    "old_value": lambda field: text_of(field.old),
    "new_value": lambda field: text_of(field.new),
    "old_known": lambda field: field.old_known,
    # A Debezium record holds one change, number 0, so only the place counts.
    "field_no": lambda field: str(field.place),
}

DEFAULT_COLUMNS = ["keys", "change_field", "old_value", "new_value", "datetime_created",
                   "datetime_updated", "datetime_deleted", "datetime_inserted", "op",
                   "old_known"]


def output_columns(options: Options) -> List[Tuple[str, str, bool]]:
    """(printed name, what it shows, is that a key column) in order."""
    found: List[Tuple[str, str, bool]] = []
    for item in options.columns:
        name, renamed, shown = item.partition("=")
        shown = shown if renamed else name
        if shown == "keys":
            found.extend((key, key, True) for key in options.keys)
        elif shown in CHANGE_COLUMNS or shown in FIELD_COLUMNS:
            found.append((name, shown, False))
        elif shown in options.keys:
            found.append((name, shown, True))
        else:
            raise BadUsage("--columns: there is no column %s" % shown)
    return found


def rows_of(change: Change, options: Options, columns: List[Tuple[str, str, bool]],
            stats: Dict[str, int]) -> List[List[object]]:
    if change.op == "r" and not options.keep_snapshot:
        return []
    rows = []
    for field in changes_of(change, options, stats):
        row: List[object] = []
        for _, shown, is_key in columns:
            if is_key:
                row.append(text_of(key_node(change, options, shown)))
            elif shown in FIELD_COLUMNS:
                row.append(FIELD_COLUMNS[shown](field))
            else:
                row.append(CHANGE_COLUMNS[shown](change, options))
        rows.append(row)
        stats["unknown_old"] += not field.old_known
    return rows


# --------------------------------------------------------------------------
# Output
# --------------------------------------------------------------------------

def csv_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in ("", "\\.") or any(char in value for char in ',"\r\n'):
        return '"%s"' % value.replace('"', '""')
    return value


def csv_line(values: Iterable[object]) -> str:
    return ",".join(csv_value(value) for value in values) + "\n"


def jsonl_line(names: List[str], values: List[object]) -> str:
    return json.dumps(dict(zip(names, values)), ensure_ascii=False,
                      separators=(",", ":")) + "\n"


# --------------------------------------------------------------------------
# The program
# --------------------------------------------------------------------------

STATISTICS = ("lines", "events_c", "events_r", "events_u", "events_d", "events_t", "events_m",
              "rows", "tombstones", "heartbeats", "unavailable", "unknown_old", "errors")

COUNTED_KINDS = {"tombstone": "tombstones", "heartbeat": "heartbeats",
                 "logical message": "events_m"}


def raw_lines(files: List[str]) -> Iterator[Tuple[str, bytes]]:
    """Every line with the name FILE:LINE."""
    for file in files or ["-"]:
        stream = sys.stdin.buffer if file == "-" else open(file, "rb")
        with stream:
            for number, line in enumerate(stream, 1):
                yield "%s:%d" % (file, number), line.rstrip(b"\n")


def report(where: str, error: Exception, stats: Dict[str, int]) -> None:
    stats["errors"] += 1
    print("%s: %s" % (where, error), file=sys.stderr)


def change_of_line(where: str, line: bytes, stats: Dict[str, int],
                   key_changes: KeyChanges) -> Optional[Change]:
    """The change in a line, None where it is something that makes no rows."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadLine("not UTF-8 at byte %d" % (error.start + 1))
    message = parse_line(text)
    kind = kind_of(message)
    if kind in COUNTED_KINDS:
        stats[COUNTED_KINDS[kind]] += 1
    change = make_change(message, where) if kind == "change" else None
    if change is not None:
        stats["events_" + change.op] += 1
    return key_changes.join(message, kind, change)


def read_changes(options: Options, stats: Dict[str, int]) -> Iterator[Change]:
    key_changes = KeyChanges()
    for where, line in raw_lines(options.files):
        stats["lines"] += 1
        try:
            change = change_of_line(where, line, stats, key_changes)
        except BadLine as error:
            report(where, error, stats)
            continue
        if change is not None:
            yield change


def find_keys(changes: Iterator[Change], options: Options) -> Iterator[Change]:
    """Without --keys the first message key decides; nothing is lost meanwhile."""
    if options.keys:
        return changes
    waiting = []
    for change in changes:
        waiting.append(change)
        if change.message_key():
            options.keys = list(change.message_key())
            return itertools.chain(waiting, changes)
    if waiting:
        raise BadUsage("--keys is needed: no message has a key")
    return iter(())


def run(options: Options, write: Callable[[str], object]) -> int:
    stats = dict.fromkeys(STATISTICS, 0)
    changes = find_keys(read_changes(options, stats), options)
    columns = output_columns(options)
    names = [name for name, _, _ in columns]
    if options.header and not options.jsonl:
        write(csv_line(names))
    for change in changes:
        try:
            rows = rows_of(change, options, columns, stats)
        except BadLine as error:
            report(change.where, error, stats)
            continue
        for row in rows:
            write(jsonl_line(names, row) if options.jsonl else csv_line(row))
        stats["rows"] += len(rows)
    if options.stats:
        for name in STATISTICS:
            print("%s=%d" % (name, stats[name]), file=sys.stderr)
    return 1 if stats["errors"] else 0


def names_list(text: str) -> List[str]:
    """A comma list without repetitions."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def time_origin(text: str) -> str:
    if text in ("source", "connector") or re.match(r"(after|before)\..", text):
        return text
    raise argparse.ArgumentTypeError("source, connector, after.COLUMN or before.COLUMN")


def identity(text: str) -> Tuple[str, Tuple[str, ...]]:
    if text in ("auto", "full", "default"):
        return text, ()
    match = re.match(r"index\((.*)\)\Z", text)
    if match and names_list(match.group(1)):
        return "index", tuple(names_list(match.group(1)))
    raise argparse.ArgumentTypeError("auto, full, default or index(a,b)")


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("files", nargs="*", help="default: standard input, also -")
    parser.add_argument("--fields", type=names_list, required=True)
    parser.add_argument("--keys", type=names_list, default=[])
    parser.add_argument("--ignore", type=names_list, default=[])
    parser.add_argument("--columns", type=names_list, default=DEFAULT_COLUMNS,
                        help="also NAME=SOURCE; keys stands for all key columns")
    parser.add_argument("--unchanged", choices=("skip", "emit"), default="skip")
    parser.add_argument("--snapshot", choices=("skip", "emit"), default="skip")
    parser.add_argument("--unknown", choices=("emit", "skip"), default="emit")
    for name in ("created", "updated", "deleted"):
        parser.add_argument("--" + name, type=time_origin, default="source")
    parser.add_argument("--identity", type=identity, default=("auto", ()))
    parser.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    parser.add_argument("--header", action="store_true")
    parser.add_argument("--inserted", default=None, metavar="TEXT",
                        help="what datetime_inserted shows; default: NULL")
    parser.add_argument("--stats", action="store_true")
    return parser


def read_options(arguments: List[str]) -> Options:
    given = argument_parser().parse_args(arguments)
    if not given.fields:
        raise BadUsage("--fields is empty")
    return Options(
        files=given.files, fields=given.fields, keys=given.keys, ignore=given.ignore,
        columns=given.columns, keep_unchanged=given.unchanged == "emit",
        keep_snapshot=given.snapshot == "emit", keep_unknown=given.unknown == "emit",
        time_from={"created": given.created, "updated": given.updated,
                   "deleted": given.deleted},
        identity=given.identity[0], index=given.identity[1],
        # An empty text stands for no text, so that it prints as NULL.
        inserted=given.inserted or None,
        jsonl=given.format == "jsonl", header=given.header, stats=given.stats)


def main(arguments: List[str]) -> int:
    # The values decide about line ends, never the platform.
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        return run(read_options(arguments), sys.stdout.write)
    except (BadUsage, OSError) as error:
        print("oracle: %s" % error, file=sys.stderr)
        return 2 if isinstance(error, BadUsage) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
