"""What PostgreSQL would print for a value of a Debezium event.

Written from Debezium's and PostgreSQL's documentation for the judge alone: plain Python, Fractions
and repetition where the program under test has arithmetic of its own.  A value is a node of the
judge's JSON reader; a type is the JSON of its Connect schema, as nodes too.
"""

import base64
import binascii
import datetime
import math
import re
import struct
from fractions import Fraction


class Unreadable(Exception):
    """The value is not what its type says."""


def words(schema, name):
    """A text in a schema, or ''."""
    node = schema.value.get(name) if schema is not None and schema.kind == "object" else None
    return node.value if node is not None and node.kind == "string" else ""


def inner(schema, name):
    node = schema.value.get(name) if schema is not None and schema.kind == "object" else None
    return node if node is not None and node.kind == "object" else None


def parameter(schema, name):
    parameters = inner(schema, "parameters")
    text = words(parameters, name)
    return int(text) if re.fullmatch(r"-?[0-9]+", text) else 0


def is_text_map(schema):
    return all(words(inner(schema, part), "type") == "string" and not words(inner(schema, part), "name")
               for part in ("keys", "values"))


# --------------------------------------------------------------------------
# Numbers
# --------------------------------------------------------------------------

def read_bytes(node):
    if node.kind != "string":
        raise Unreadable("bytes are a text in base64")
    text = node.value.replace("-", "+").replace("_", "/")
    if len(text) % 4 and "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise Unreadable("no base64: %s" % node.value[:40])


def decimal_text(unscaled, scale):
    """12345 with scale 2 as 123.45, exactly."""
    digits = str(abs(unscaled))
    if scale <= 0:
        digits += "0" * -scale if unscaled else ""
    else:
        digits = digits.rjust(scale + 1, "0")
        digits = digits[:-scale] + "." + digits[-scale:]
    return ("-" if unscaled < 0 else "") + digits


def decimal_of(node, scale):
    if node.kind == "number":
        return "number", node.value
    data = read_bytes(node)
    if not data:
        raise Unreadable("a decimal without bytes")
    return "number", decimal_text(int.from_bytes(data, "big", signed=True), scale)


def variable_decimal(node):
    if node.kind == "number":
        return "number", node.value
    if node.kind != "object" or "value" not in node.value or "scale" not in node.value:
        raise Unreadable("no decimal with a scale")
    return decimal_of(node.value["value"], int(node.value["scale"].value))


def neighbours(number, single):
    """The floats below and above a positive one, as fractions."""
    if not single:
        return Fraction(math.nextafter(number, 0.0)), Fraction(math.nextafter(number, math.inf))
    bits = struct.unpack("<I", struct.pack("<f", number))[0]
    def at(pattern):
        return Fraction(struct.unpack("<f", struct.pack("<I", pattern))[0])
    above = 2 * at(bits) - at(bits - 1) if bits + 1 == 0x7F800000 else at(bits + 1)
    return at(bits - 1), above


def shortest(number, single):
    """The fewest digits that lie strictly nearer to this float than to any other."""
    exact = Fraction(number)
    if not single and number == 1.7976931348623157e308:
        low, high = Fraction(math.nextafter(number, 0.0)), 2 * exact - Fraction(math.nextafter(number, 0.0))
    else:
        low, high = neighbours(number, single)
    low, high = (low + exact) / 2, (high + exact) / 2
    for precision in range(0, 17):
        middle = "%.*e" % (precision, number)
        mantissa, exponent = middle.split("e")
        unit = Fraction(10) ** (int(exponent) - precision)
        # The correctly rounded one, or where the gaps differ its neighbour further out.
        for candidate in (Fraction(middle), Fraction(middle) + unit):
            if low < candidate < high:
                scaled = candidate / Fraction(10) ** (int(exponent) - precision)
                return str(int(scaled)).rstrip("0"), int(exponent) + len(str(int(scaled))) - precision - 1
    raise AssertionError("seventeen digits are always enough")


def float_text(digits, single):
    number = float(digits)
    if single:
        try:
            number = struct.unpack("<f", struct.pack("<f", number))[0]
        except OverflowError:
            return digits
    if math.isinf(number):
        return digits
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number == 0:
        return sign + "0"
    figures, power = shortest(abs(number), single)
    if not -4 <= power < (6 if single else 15):
        rest = "." + figures[1:] if len(figures) > 1 else ""
        return "%s%s%se%s%02d" % (sign, figures[0], rest, "-" if power < 0 else "+", abs(power))
    if power < 0:
        return sign + "0." + "0" * (-power - 1) + figures
    figures = figures.ljust(power + 1, "0")
    return sign + figures[:power + 1] + ("." + figures[power + 1:] if figures[power + 1:] else "")


def float_of(node, single=False):
    if node.kind == "string":
        return "string", node.value
    if node.kind != "number":
        raise Unreadable("no number")
    return "number", float_text(node.value, single)


# --------------------------------------------------------------------------
# Times
# --------------------------------------------------------------------------

CYCLE = 146097  # days of 400 years, after which the calendar repeats itself


def civil(days):
    """Year (0 is 1 BC), month and day, by moving into the years that Python knows."""
    cycles, within = divmod(days, CYCLE)
    date = datetime.date(2000, 1, 1) + datetime.timedelta(days=within - 10957 % CYCLE)
    return date.year + 400 * cycles, date.month, date.day


def date_words(year, month, day):
    return "%04d-%02d-%02d" % (year if year > 0 else 1 - year, month, day), " BC" if year < 1 else ""


def clock(seconds, fraction):
    """`fraction` are the digits behind the point."""
    fraction = fraction.rstrip("0")
    text = "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return text + ("." + fraction if fraction else "")


def integer(node):
    if node.kind in ("number", "string") and re.fullmatch(r"-?[0-9]+", node.value):
        number = int(node.value)
        if -2**63 <= number < 2**63:
            return number
    raise Unreadable("no integer: %s" % node.raw[:40])


def places(per_second):
    return len(str(per_second)) - 1


def date_of(node):
    days = integer(node)
    if days in (-2147472692, -2147472691):
        return "string", "infinity" if days == -2147472692 else "-infinity"
    if not -2**31 <= days < 2**31:
        raise Unreadable("no date")
    return "string", "".join(date_words(*civil(days)))


def time_of(node, per_second):
    ticks = integer(node)
    seconds, rest = divmod(abs(ticks), per_second)
    return "string", ("-" if ticks < 0 else "") + clock(seconds, "%0*d" % (places(per_second), rest))


INFINITE = {1000: (9223372036825200, -9223372036832400),
            1000000: (9223372036825200000, -9223372036832400000),
            1000000000: (2**63 - 1, -2**63)}


def timestamp_of(node, per_second):
    ticks = integer(node)
    if ticks in INFINITE[per_second]:
        return "string", "infinity" if ticks > 0 else "-infinity"
    seconds, rest = divmod(ticks, per_second)
    days, of_day = divmod(seconds, 86400)
    date, era = date_words(*civil(days))
    return "string", "%s %s%s" % (date, clock(of_day, "%0*d" % (places(per_second), rest)), era)


def duration_of(node, per_second):
    return "string", interval_words(0, 0, integer(node), places(per_second))


def interval_words(months, days, ticks, digits):
    """IntervalStyle postgres."""
    words_, before = [], False
    sign = -1 if months < 0 else 1
    years, months = sign * (abs(months) // 12), sign * (abs(months) % 12)
    for amount, unit in ((years, "year"), (months, "mon"), (days, "day")):
        if amount:
            words_.append("%s%d %s%s" % ("+" if before and amount > 0 else "", amount, unit,
                                         "" if amount == 1 else "s"))
            before = amount < 0
    if ticks or not words_:
        seconds, rest = divmod(abs(ticks), 10**digits)
        mark = "-" if ticks < 0 else "+" if before else ""
        words_.append(mark + clock(seconds, "%0*d" % (digits, rest)))
    return " ".join(words_)


NUMBER = r"([+-]?[0-9]+(?:\.[0-9]+)?)"
INTERVAL = re.compile("P(?:%sY)?(?:%sM)?(?:%sD)?(?:T(?:%sH)?(?:%sM)?(?:%sS)?)?\\Z" % ((NUMBER,) * 6))


def interval_of(node):
    if node.kind == "number":
        return duration_of(node, 1000000)
    if node.kind != "string":
        raise Unreadable("no interval")
    match = INTERVAL.match(node.value)
    if not match or not any(match.groups()):
        return "string", node.value
    years, months, days, hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    micros = ((hours * 60 + minutes) * 60 + seconds) * 1000000
    months += years * 12
    if any(part.denominator != 1 for part in (months, days, micros)):
        return "string", node.value
    return "string", interval_words(int(months), int(days), int(micros), 6)


ISO_DATE = r"([+-]?[0-9]{4,9})-([0-9]{2})-([0-9]{2})"
ISO_CLOCK = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?:\.([0-9]*))?"
ISO_ZONE = r"(Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?\Z"
ISO_INFINITE = {"-5877611-06-21Z": "infinity", "-5877611-06-22Z": "-infinity",
                "+294247-01-10T04:00:25.2Z": "infinity", "-290308-12-21T19:59:27.6Z": "-infinity"}


def zone_seconds(zone):
    if zone in (None, "Z"):
        return 0
    digits = zone[1:].replace(":", "").ljust(6, "0")
    total = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -total if zone[0] == "-" else total


def day_number(year, month, day):
    """Days since 1970, or None where there is no such day."""
    cycles, within = divmod(year - 2000, 400)
    try:
        date = datetime.date(2000 + within, month, day)
    except ValueError:
        return None
    return (date - datetime.date(1970, 1, 1)).days + cycles * CYCLE


def iso_date(text):
    match = re.match(ISO_DATE + ISO_ZONE, text)
    days = day_number(*(int(part) for part in match.groups()[:3])) if match else None
    return text if days is None else "".join(date_words(*civil(days)))


def iso_clock(text, zoned):
    match = re.match(ISO_CLOCK + ISO_ZONE, text)
    if not match:
        return text
    hour, minute, second, fraction, zone = match.groups()
    out = clock(int(hour) * 3600 + int(minute) * 60 + int(second or 0), fraction or "")
    if zoned:
        offset = zone_seconds(zone)
        out += "%s%02d" % ("-" if offset < 0 else "+", abs(offset) // 3600)
        out += ":%02d" % (abs(offset) // 60 % 60) if offset % 3600 else ""
        out += ":%02d" % (abs(offset) % 60) if offset % 60 else ""
    return out


def iso_moment(text, zoned):
    match = re.match(ISO_DATE + "[T ]" + ISO_CLOCK + ISO_ZONE, text)
    days = day_number(*(int(part) for part in match.groups()[:3])) if match else None
    if days is None:
        return text
    hour, minute, second, fraction, zone = match.groups()[3:]
    total = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second or 0) - zone_seconds(zone)
    days, of_day = divmod(total, 86400)
    date, era = date_words(*civil(days))
    return "%s %s%s%s" % (date, clock(of_day, fraction or ""), "+00" if zoned else "", era)


def iso_of(rewrite):
    def read(node):
        if node.kind != "string":
            raise Unreadable("no text of a time")
        return "string", ISO_INFINITE.get(node.value) or rewrite(node.value)
    return read


# --------------------------------------------------------------------------
# Bytes, and values made of values
# --------------------------------------------------------------------------

def bytea_of(node):
    return "string", "\\x" + read_bytes(node).hex()


def bits_of(node, length):
    number = int.from_bytes(read_bytes(node), "little")
    if length < 1 or length > 83886080:
        return "string", bin(number)[2:] if number else ""
    if number.bit_length() > length:
        raise Unreadable("more bits than the column has")
    return "string", bin(number)[2:].rjust(length, "0") if number else "0" * length


def geometry_of(node):
    if node.kind != "object" or "wkb" not in node.value:
        raise Unreadable("no geometry")
    wkb = read_bytes(node.value["wkb"])
    if len(wkb) < 5:
        raise Unreadable("no geometry")
    srid = node.value.get("srid")
    order = "<" if wkb[0] == 1 else ">"
    kind = struct.unpack(order + "I", wkb[1:5])[0]
    if srid is not None and srid.kind == "number" and int(srid.value) > 0 and not kind & 0x20000000:
        wkb = wkb[:1] + struct.pack(order + "II", kind | 0x20000000, int(srid.value)) + wkb[5:]
    return "string", wkb.hex().upper()


def point_of(node):
    if node.kind != "object" or "x" not in node.value or "y" not in node.value:
        raise Unreadable("no point")
    return "string", "(%s,%s)" % (float_of(node.value["x"])[1], float_of(node.value["y"])[1])


def vector_of(node, single):
    if node.kind != "array":
        raise Unreadable("no vector")
    return "string", "[%s]" % ",".join(float_of(item, single)[1] for item in node.value)


def sparse_of(node):
    entries = node.value["vector"]
    if entries.kind == "object":
        pairs = [(int(key), value) for key, value in entries.value.items()]
    else:
        pairs = [(int(pair.value[0].value), pair.value[1]) for pair in entries.value]
    inside = ",".join("%d:%s" % (key, float_of(value)[1])
                      for key, value in sorted(pairs, key=lambda pair: pair[0]))
    return "string", "{%s}/%s" % (inside, node.value["dimensions"].value)


def quoted(text):
    return '"%s"' % re.sub(r'(["\\])', r"\\\1", text)


def hstore_of(node):
    if node.kind != "object":
        raise Unreadable("no map")
    def order(key):
        return len(key.encode()), key.encode()
    return "string", ", ".join(
        "%s=>%s" % (quoted(key), "NULL" if node.value[key].kind == "null"
                    else quoted(node.value[key].value))
        for key in sorted(node.value, key=order))


def array_of(node, item):
    if node.kind != "array":
        raise Unreadable("no array")
    return "string", "{%s}" % ",".join(element(child, item) for child in node.value)


def element(node, item):
    if node.kind == "null":
        return "NULL"
    if node.kind == "array" and "Vector" not in words(item, "name"):
        nested = inner(item, "items") if words(item, "type") == "array" else item
        return array_of(node, nested)[1]
    kind, text = text_of(node, item)
    if kind == "bool":
        return text[0]
    if text == "" or text.lower() == "null" or re.search(r'["\\{}, \t\n\r\v\f]', text):
        return quoted(text)
    return text


SEMANTIC = {
    "org.apache.kafka.connect.data.Decimal": lambda n, s: decimal_of(n, parameter(s, "scale")),
    "org.apache.kafka.connect.data.Date": lambda n, s: date_of(n),
    "org.apache.kafka.connect.data.Time": lambda n, s: time_of(n, 1000),
    "org.apache.kafka.connect.data.Timestamp": lambda n, s: timestamp_of(n, 1000),
    "io.debezium.time.Date": lambda n, s: date_of(n),
    "io.debezium.time.Time": lambda n, s: time_of(n, 1000),
    "io.debezium.time.MicroTime": lambda n, s: time_of(n, 1000000),
    "io.debezium.time.NanoTime": lambda n, s: time_of(n, 1000000000),
    "io.debezium.time.Timestamp": lambda n, s: timestamp_of(n, 1000),
    "io.debezium.time.MicroTimestamp": lambda n, s: timestamp_of(n, 1000000),
    "io.debezium.time.NanoTimestamp": lambda n, s: timestamp_of(n, 1000000000),
    "io.debezium.time.MicroDuration": lambda n, s: duration_of(n, 1000000),
    "io.debezium.time.NanoDuration": lambda n, s: duration_of(n, 1000000000),
    "io.debezium.time.Interval": lambda n, s: interval_of(n),
    "io.debezium.time.IsoDate": lambda n, s: iso_of(iso_date)(n),
    "io.debezium.time.IsoTime": lambda n, s: iso_of(lambda text: iso_clock(text, False))(n),
    "io.debezium.time.IsoTimestamp": lambda n, s: iso_of(lambda text: iso_moment(text, False))(n),
    "io.debezium.time.ZonedTime": lambda n, s: iso_of(lambda text: iso_clock(text, True))(n),
    "io.debezium.time.ZonedTimestamp": lambda n, s: iso_of(lambda text: iso_moment(text, True))(n),
    "io.debezium.data.VariableScaleDecimal": lambda n, s: variable_decimal(n),
    "io.debezium.data.Bits": lambda n, s: bits_of(n, parameter(s, "length")),
    "io.debezium.data.geometry.Point": lambda n, s: point_of(n),
    "io.debezium.data.geometry.Geometry": lambda n, s: geometry_of(n),
    "io.debezium.data.geometry.Geography": lambda n, s: geometry_of(n),
    "io.debezium.data.DoubleVector": lambda n, s: vector_of(n, False),
    "io.debezium.data.FloatVector": lambda n, s: vector_of(n, True),
    "io.debezium.data.SparseDoubleVector": lambda n, s: sparse_of(n),
}


def text_of(node, schema):
    """Kind and text of a value that is neither NULL nor the placeholder."""
    name, wire = words(schema, "name"), words(schema, "type")
    if name in SEMANTIC:
        return SEMANTIC[name](node, schema)
    if wire == "bytes":
        return bytea_of(node)
    if wire in ("float", "double"):
        return float_of(node, wire == "float")
    if wire == "array" and inner(schema, "items") is not None and node.kind == "array":
        return array_of(node, inner(schema, "items"))
    if wire == "map" and is_text_map(schema) and node.kind == "object":
        return hstore_of(node)
    return node.kind, node.value if node.kind == "string" else node.raw
