"""The columns of the judged tables: a type each, literals at its limits, random ones, how two texts
of it are compared, and what Debezium loses of it.

A loss is a function (name, when, text): in a combination of settings in which `when` holds, a value
that PostgreSQL prints as X is printed by fieldtrail as text(X).  The published table of losses in
src/decode/README.md says the same in words; whatever is not listed here must be equal.
"""
import datetime
import decimal
import json
import random
import re
import string

EPOCH = datetime.datetime(1970, 1, 1)
HARD_TEXTS = ["", " ", "NULL", "null", "\\N", "\\.", "a,b", '"q"', "it's", "caf\u00e9 \U0001f600",
              "line\nfeed", "tab\tback\\slash", "{}", "__debezium", "1.50", "\r\n", "\u00a0x", "x" * 300]


class Loss:
    def __init__(self, name, when, text):
        self.name, self.when, self.text = name, when, text


class Column:
    def __init__(self, name, kind, edge, random_value, same="text", losses=(), hint=None):
        self.name, self.kind, self.edge, self.random_value = name, kind, edge, random_value
        self.same, self.losses, self.hint = same, losses, hint or kind


class Settings(dict):
    """One combination; the names are the connector's."""

    def mode(self, name):
        defaults = {"decimal": "precise", "time": "adaptive", "interval": "numeric",
                    "binary": "bytes", "hstore": "json"}
        key = "time.precision.mode" if name == "time" else name + ".handling.mode"
        return self.get(key, defaults[name])

    @property
    def schemas(self):
        return self["schemas"]

    @property
    def typed(self):
        """Does a message or the configuration name the database's own type?"""
        return not self.schemas or "column.propagate.source.type" in self


# --------------------------------------------------------------------------
# Losses
# --------------------------------------------------------------------------

def mode(name, *values):
    return lambda s: s.mode(name) in values


def seconds_of(text):
    """Microseconds since 1970 of PostgreSQL's text, any year; None where it is infinite."""
    match = re.match(r"(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(\+00)?( BC)?\Z", text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    year = 1 - year if match.group(9) else year
    cycles, within = divmod(year - 2000, 400)
    days = (datetime.date(2000 + within, month, day) - EPOCH.date()).days + cycles * 146097
    micros = int((match.group(7) or "").ljust(6, "0"))
    return (days * 86400 + hour * 3600 + minute * 60 + second) * 1000000 + micros


def moment_text(micros):
    days, rest = divmod(micros, 86400 * 1000000)
    cycles, within = divmod(days - 10957, 146097)
    date = datetime.date(2000, 1, 1) + datetime.timedelta(days=within)
    year = date.year + 400 * cycles
    clock = "%02d:%02d:%02d" % (rest // 3600000000, rest // 60000000 % 60, rest // 1000000 % 60)
    fraction = ("%06d" % (rest % 1000000)).rstrip("0")
    return "%04d-%02d-%02d %s%s%s" % (year if year > 0 else 1 - year, date.month, date.day, clock,
                                      "." + fraction if fraction else "", "" if year > 0 else " BC")


def microseconds(text):
    """64 bits of microseconds end in 294247, PostgreSQL's timestamps 29 years later. Java's seconds
    stop at the end, and the fraction added to them begins again at the other."""
    micros = seconds_of(text)
    if micros is None or micros < 2**63:
        return text
    return moment_text(2**63 - 1 + micros % 1000000 - 2**64)


def milliseconds(text):
    micros = seconds_of(text)
    return text if micros is None else moment_text(micros // 1000 * 1000)


def nanoseconds(text):
    """64 bits of nanoseconds end in 2262; what lies beyond comes round again."""
    micros = {"infinity": 9223372036825200000, "-infinity": -9223372036832400000}.get(text)
    micros = seconds_of(text) if micros is None else micros
    wrapped = (micros * 1000 + 2**63) % 2**64 - 2**63
    assert wrapped % 1000 == 0 or abs(micros) > 2**53
    text = moment_text(wrapped // 1000)
    rest = wrapped % 1000
    if rest:
        whole, _, fraction = text.partition(".")
        text = whole + "." + (fraction.ljust(6, "0") + "%03d" % rest).rstrip("0")
    return text


def clock_milliseconds(text):
    return re.sub(r"(\.\d{1,3})\d*", r"\1", text).rstrip("0").rstrip(".") if "." in text else text


def midnight(text):
    return "00:00:00" if text == "24:00:00" else text


def in_utc(text):
    """The zone of a timetz is lost; the moment of the day is not."""
    match = re.match(r"(\d\d):(\d\d):(\d\d)(\.\d+)?([+-])(\d\d)(?::(\d\d))?\Z", text)
    hour, minute, second = (int(part) for part in match.groups()[:3])
    offset = int(match.group(6)) * 60 + int(match.group(7) or 0)
    total = hour * 60 + minute - (offset if match.group(5) == "+" else -offset)
    return "%02d:%02d:%02d%s+00" % (total // 60 % 24, total % 60, second, match.group(4) or "")


def interval_parts(text):
    """Months, days and microseconds of an interval as PostgreSQL prints it."""
    months = days = 0
    for amount, unit in re.findall(r"([+-]?\d+) (year|mon|day)s?", text):
        if unit == "day":
            days += int(amount)
        else:
            months += int(amount) * (12 if unit == "year" else 1)
    clock = re.search(r"([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?", text)
    if not clock:
        return months, days, 0
    seconds = (int(clock.group(2)) * 60 + int(clock.group(3))) * 60 + int(clock.group(4))
    micros = seconds * 1000000 + int((clock.group(5) or "").ljust(6, "0"))
    return months, days, -micros if clock.group(1) == "-" else micros


def as_hours(text):
    """Debezium's microseconds: a month has 30.4375 days."""
    months, days, micros = interval_parts(text)
    total = months * 2629800000000 + days * 86400000000 + micros
    seconds, rest = divmod(abs(total), 1000000)
    fraction = ("%06d" % rest).rstrip("0")
    return "%s%02d:%02d:%02d%s" % ("-" if total < 0 else "", seconds // 3600, seconds // 60 % 60,
                                   seconds % 60, "." + fraction if fraction else "")


def plain_money(text):
    return re.sub(r"[$,]", "", text)


def no_number(text):
    return None if text in ("NaN", "Infinity", "-Infinity") else text


def java_words(text):
    return {"NaN": "NAN", "Infinity": "POSITIVE_INFINITY", "-Infinity": "NEGATIVE_INFINITY"}.get(text, text)


def encoded(s):
    import base64
    def text(value):
        data = bytes.fromhex(value[2:])
        if s.mode("binary") == "hex":
            return data.hex()
        return (base64.urlsafe_b64encode if s.mode("binary") == "base64-url-safe"
                else base64.b64encode)(data).decode()
    return text


BYTES_AS_TEXT = "bytes as a text of another mode"


def bytes_as_text(s):
    return s.schemas and s.mode("binary") != "bytes"


def array_words(text):
    """The elements of a one-dimensional array's text; None is NULL."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', text[1:-1])
    return [re.sub(r"\\(.)", r"\1", quoted) if not plain else None if plain == "NULL" else plain
            for quoted, plain in found]


def array_text(words):
    def element(word):
        if word is None:
            return "NULL"
        if word == "" or word.lower() == "null" or re.search(r'["\\{}, \t\n\r\v\f]', word):
            return '"%s"' % re.sub(r'(["\\])', r"\\\1", word)
        return word
    return "{%s}" % ",".join(element(word) for word in words)


def each(text):
    return lambda array: array_text([word if word is None else text(word) for word in array_words(array)])


def hstore_document(text):
    pairs = re.findall(r'"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|(NULL))', text)
    def plain(part):
        return re.sub(r"\\(.)", r"\1", part)
    return json.dumps({plain(key): None if null else plain(value) for key, value, null in pairs},
                      ensure_ascii=False)


IN_MICROSECONDS = ("adaptive", "adaptive_time_microseconds", "microseconds")
TIMESTAMP_LOSSES = (Loss("timestamps after the year 294247", mode("time", *IN_MICROSECONDS), microseconds),
                    Loss("microseconds in connect mode", mode("time", "connect"), milliseconds),
                    Loss("times beyond 1677 to 2262 in nanoseconds", mode("time", "nanoseconds"), nanoseconds))
CLOCK_LOSSES = (Loss("microseconds in connect mode", mode("time", "connect"), clock_milliseconds),
                Loss("24:00 in isostring mode", mode("time", "isostring"), midnight))

# --------------------------------------------------------------------------
# Random values, as literals
# --------------------------------------------------------------------------

RANDOM = random.Random()


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def integers(bits):
    return lambda: str(RANDOM.getrandbits(RANDOM.randint(1, bits)) - RANDOM.getrandbits(bits) // 2)


def floats(single):
    import struct
    def value():
        if RANDOM.random() < 0.5:
            return repr(RANDOM.uniform(-1, 1) * 10 ** RANDOM.randint(-30, 30))
        number = float("nan")
        while number != number or number in (float("inf"), float("-inf")):
            number = struct.unpack("<f" if single else "<d",
                                   RANDOM.getrandbits(32 if single else 64).to_bytes(4 if single else 8, "little"))[0]
        return repr(number)
    return lambda: literal(value())


def decimals(digits, scale):
    def value():
        number = decimal.Decimal(RANDOM.randint(-10**digits + 1, 10**digits - 1)).scaleb(-scale)
        return format(number / 10 ** RANDOM.randint(0, 2) if RANDOM.random() < 0.3 else number, "f")
    return value


def free_numeric():
    number = decimal.Decimal(RANDOM.randint(-10**RANDOM.randint(1, 60), 10**RANDOM.randint(1, 60)))
    return format(number.scaleb(-RANDOM.randint(0, 30), decimal.Context(prec=200)), "f")


def texts():
    letters = string.ascii_letters + string.digits + " ,\"'\\{}\n\t\u00e9\u4e2d\U0001f600"
    return literal("".join(RANDOM.choice(letters) for _ in range(RANDOM.randint(0, 30))))


def short(count):
    return lambda: literal("".join(RANDOM.choice(string.ascii_letters + " ") for _ in range(RANDOM.randint(0, count))))


def bytes_():
    return "'\\x%s'" % bytes(RANDOM.getrandbits(8) for _ in range(RANDOM.randint(0, 20))).hex()


def bits(length):
    return lambda: "B'%s'" % "".join(RANDOM.choice("01") for _ in range(length))


def varbits(most):
    return lambda: "B'%s'" % "".join(RANDOM.choice("01") for _ in range(RANDOM.randint(0, most)))


def dates():
    if RANDOM.random() < 0.2:
        return "(date '0001-01-01' + %d)" % RANDOM.randint(-1700000, 1000000)
    return "(date '2000-01-01' + %d)" % RANDOM.randint(-40000, 40000)


def clocks(digits=6):
    return lambda: literal("%02d:%02d:%02d.%0*d" % (RANDOM.randint(0, 23), RANDOM.randint(0, 59),
                                                    RANDOM.randint(0, 59), digits,
                                                    RANDOM.randint(0, 10**digits - 1)))


def zoned_clocks():
    return "%s%s%02d:%02d'" % (clocks()()[:-1], RANDOM.choice("+-"), RANDOM.randint(0, 14), RANDOM.choice([0, 30, 45]))


def moments(zone=""):
    def value():
        year = RANDOM.randint(1680, 2260) if RANDOM.random() < 0.8 else RANDOM.randint(1, 9999)
        era = " BC" if year < 4700 and RANDOM.random() < 0.05 else ""
        return "'%04d-%02d-%02d %s%s%s'" % (year, RANDOM.randint(1, 12), RANDOM.randint(1, 28),
                                            clocks()()[1:-1], zone, era)
    return value


def intervals():
    parts = ["%d %s" % (RANDOM.randint(-50, 50), unit) for unit in ("year", "mon", "day", "hour", "min")
             if RANDOM.random() < 0.6]
    parts.append("%d.%06d sec" % (RANDOM.randint(0, 59), RANDOM.randint(0, 999999)))
    return literal(" ".join(parts))


def uuids():
    digits = "%032x" % RANDOM.getrandbits(128)
    return literal("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def document(depth=0):
    kind = RANDOM.randint(0, 5 if depth < 3 else 3)
    if kind == 0:
        return RANDOM.choice([None, True, False])
    if kind == 1:
        return RANDOM.choice([RANDOM.randint(-10**12, 10**12), round(RANDOM.uniform(-9, 9), 6)])
    if kind in (2, 3):
        return texts()[1:-1].replace("''", "'")
    if kind == 4:
        return [document(depth + 1) for _ in range(RANDOM.randint(0, 3))]
    return {short(6)()[1:-1]: document(depth + 1) for _ in range(RANDOM.randint(0, 4))}


def documents():
    return literal(json.dumps(document(), ensure_ascii=RANDOM.random() < 0.5))


def pairs():
    def word():
        text = "".join(RANDOM.choice("ab\"\\ ,=>\u00e9") for _ in range(RANDOM.randint(0, 5)))
        return '"%s"' % re.sub(r'(["\\])', r"\\\1", text)
    return literal(",".join("%s=>%s" % (word(), RANDOM.choice(["NULL", word()])) for _ in range(RANDOM.randint(0, 4))))


def points():
    return "'(%s,%s)'" % (floats(False)()[1:-1], floats(False)()[1:-1])


def ranges(low, high):
    def value():
        a, b = sorted((RANDOM.randint(low, high), RANDOM.randint(low, high)))
        return "'%s%s,%s%s'" % (RANDOM.choice("[("), RANDOM.choice([a, ""]), RANDOM.choice([b, ""]), RANDOM.choice("])"))
    return value


def arrays(element, kind):
    def value():
        return "array[%s]::%s[]" % (",".join("NULL" if RANDOM.random() < 0.15 else element()
                                             for _ in range(RANDOM.randint(0, 5))), kind)
    return value


def quoted(*values):
    return [literal(value) for value in values]


def columns():
    c = []
    def add(*arguments, **more):
        c.append(Column(*arguments, **more))

    add("b", "boolean", ["true", "false"], lambda: RANDOM.choice(["true", "false"]))
    add("i2", "smallint", ["-32768", "32767", "0"], integers(14), "number")
    add("i4", "integer", ["-2147483648", "2147483647"], integers(30), "number")
    add("i8", "bigint", ["-9223372036854775808", "9223372036854775807"], integers(62), "number")
    add("f4", "real", quoted("NaN", "Infinity", "-Infinity", "-0", "3.4028235e38", "1e-45", "1e6", "16777216", "0.1"),
        floats(True), "number")
    add("f8", "double precision",
        quoted("NaN", "Infinity", "-Infinity", "-0", "1.7976931348623157e308", "5e-324", "1e23", "1e15", "1e-5"),
        floats(False), "number")
    numeric = (Loss("numeric NaN and infinity in precise mode", mode("decimal", "precise"), no_number),
               Loss("numeric as a text of string mode", lambda s: s.mode("decimal") == "string" and not s.typed,
                    java_words))
    finite = numeric[1:]
    add("n", "numeric", quoted("NaN", "Infinity", "-Infinity", "0", "-0.000000000000000000000000000001", "1e30", "1.50",
                               "1.5", "9" * 100 + "." + "9" * 50), free_numeric, "decimal", numeric)
    add("n52", "numeric(5,2)", ["27.10", "-999.99", "0", "0.01"], decimals(5, 2), "decimal", finite)
    add("n100", "numeric(10,0)", ["0", "-1", "9999999999", "128", "-128", "255", "256"], decimals(10, 0), "decimal", finite)
    add("n38", "numeric(38,10)", ["1234567890123456789012345678.0123456789", "-1"], decimals(38, 10), "decimal", finite)
    add("m", "money", quoted("$0", "-$0.01", "$92,233,720,368,547,758.07"),
        lambda: literal("%d.%02d" % (RANDOM.randint(-10**9, 10**9), RANDOM.randint(0, 99))), "decimal",
        (Loss("the format of money", lambda s: True, plain_money),))
    add("c", "char(5)", quoted("", "ab", "abcde", " a"), short(5), losses=(
        Loss("the blanks of char(n)", lambda s: not s.typed, lambda text: text.ljust(5)),))
    add("vc", "varchar(20)", quoted("", "vc", "x "), short(20))
    add("t", "text", quoted(*HARD_TEXTS), texts)
    add("ba", "bytea", ["''", "'\\xdeadbeef00ff'", "'\\x00'"], bytes_, losses=(
        Loss(BYTES_AS_TEXT, bytes_as_text, encoded),))
    add("d", "date", quoted("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "0001-12-31 BC", "1582-10-10",
                            "1970-01-01"), dates)
    add("tm", "time", quoted("24:00", "00:00", "23:59:59.999999", "12:34:56.7"), clocks(), losses=CLOCK_LOSSES,
        hint="time without time zone")
    add("tm3", "time(3)", quoted("24:00", "00:00", "23:59:59.999"), clocks(3), losses=CLOCK_LOSSES)
    add("tmtz", "timetz", quoted("04:05:06.789+02", "23:59:59.999999-14:30", "00:00+00"), zoned_clocks,
        losses=(Loss("the zone of timetz", lambda s: True, in_utc),))
    add("ts", "timestamp", quoted("infinity", "-infinity", "4713-01-01 BC", "294276-12-31 23:59:59.999999",
                                  "1969-12-31 23:59:59.999999", "0044-03-15 12:00:00.5 BC", "1970-01-01"), moments(),
        losses=TIMESTAMP_LOSSES)
    add("ts3", "timestamp(3)", quoted("infinity", "-infinity", "1969-12-31 23:59:59.999"), moments(),
        losses=TIMESTAMP_LOSSES)
    add("tstz", "timestamptz", quoted("infinity", "-infinity", "4713-01-02 00:00+00 BC", "9999-12-31 23:59:59.999999+00",
                                      "294276-12-31 23:59:59.999999+00", "0001-01-01 00:00+00", "1970-01-01 00:00+00"),
        moments("+05:30"))
    add("iv", "interval", quoted("0", "1 year 2 mons 3 days 04:05:06.78", "-1 mon +2 days -00:00:00.000001", "-1 day +1 hour",
                                 "100 hours"), intervals,
        losses=(Loss("months and days of intervals in microseconds", mode("interval", "numeric"), as_hours),))
    add("u", "uuid", quoted("00000000-0000-0000-0000-000000000000"), uuids)
    add("j", "json", quoted("null", "[]", '{"b":1, "a":2}', '{"a":2,"b":1}', '"x"', "1.50"), documents, "json")
    add("jb", "jsonb", quoted("null", "{}", '{"b":1, "a":[1,2,{"c":null}]}', "1e400"), documents, "json")
    add("x", "xml", quoted("<a/>", "<a b=\"c\">d</a>"), lambda: "'<x>%d</x>'" % RANDOM.randint(0, 99))
    add("bt", "bit(8)", ["B'10101010'", "B'00000000'", "B'11111111'"], bits(8))
    add("bt70", "bit(70)", ["B'1" + "0" * 68 + "1'", "B'%s'" % ("0" * 70)], bits(70))
    add("vb", "bit varying(12)", ["B''", "B'101'", "B'000'"], varbits(12), losses=(
        Loss("the length of bit varying", lambda s: s.schemas, lambda text: text.rjust(12, "0")),
        Loss("the length of bit varying", lambda s: not s.schemas, lambda text: text.lstrip("0"))))
    add("vbu", "bit varying", ["B''", "B'%s'" % ("1" * 100)], varbits(40), losses=(
        Loss("the length of bit varying", lambda s: True, lambda text: text.lstrip("0")),))
    add("b1", "bit(1)", ["B'0'", "B'1'"], bits(1), losses=(
        Loss("bit(1) as boolean", lambda s: not s.typed, lambda text: "true" if text == "1" else "false"),))
    add("ip", "inet", quoted("192.168.0.1/24", "10.0.0.1", "::1", "2001:db8::/32"),
        lambda: literal("10.%d.%d.1" % (RANDOM.randint(0, 255), RANDOM.randint(0, 255))), losses=(
            Loss("the full mask of inet", lambda s: not s.typed, lambda text: re.sub(r"(?<=\.\d)/32\Z|(?<=\.\d\d)/32\Z|(?<=\.\d\d\d)/32\Z|/128\Z", "", text)),))
    add("cd", "cidr", quoted("10.0.0.0/8", "2001:db8::/32"), lambda: "'10.%d.0.0/16'" % RANDOM.randint(0, 255))
    add("mac", "macaddr", quoted("08:00:2b:01:02:03"), lambda: "'08:00:2b:01:02:%02x'" % RANDOM.randint(0, 255))
    add("mac8", "macaddr8", quoted("08:00:2b:01:02:03:04:05"), lambda: "'08:00:2b:01:02:03:04:%02x'" % RANDOM.randint(0, 255))
    add("pt", "point", quoted("(1.5,2)", "(-0,1e20)", "(NaN,Infinity)"), points)
    add("e", "judge.mood", quoted("sad", "ok", "happy"), lambda: literal(RANDOM.choice(["sad", "ok", "happy"])), hint="text")
    add("hs", "hstore", quoted("", "a=>1,b=>NULL", '"x y"=>"q\\"r",NULL=>"NULL"'), pairs, "hstore", losses=(
        Loss("hstore as a document", lambda s: s.mode("hstore") == "json" and not s.typed, hstore_document),))
    add("cit", "citext", quoted("CiText", ""), texts)
    add("lt", "ltree", quoted("a.b.c", ""), lambda: literal("a.b%d" % RANDOM.randint(0, 9)))
    add("tsv", "tsvector", ["to_tsvector('simple', 'a fat cat')", "''"], lambda: "to_tsvector('simple', %s)" % texts())
    add("o", "oid", ["0", "4294967295"], lambda: str(RANDOM.randint(0, 2**32 - 1)), "number")
    add("r4", "int4range", quoted("empty", "[1,5)", "(,)"), ranges(-99, 99))
    add("rn", "numrange", quoted("empty", "[1.50,2.5)"), ranges(-99, 99))
    add("rt", "tstzrange", ["'[\"2020-01-01 00:00+00\",\"2021-01-01 00:00+00\")'", "'(,)'"],
        lambda: "tstzrange(timestamptz '2020-01-01 00:00+00', timestamptz '2020-01-01 00:00+00' + interval '%d hour')" % RANDOM.randint(0, 999))
    add("rd", "daterange", ["'[2020-01-01,2020-02-01)'"], lambda: "daterange(date '2020-01-01', date '2020-01-01' + %d)" % RANDOM.randint(0, 99))

    number_array = "numbers"
    add("a4", "integer[]", quoted("{}", "{1,NULL,3}"), arrays(integers(30), "integer"))
    add("a2", "smallint[]", quoted("{}", "{-32768,32767}"), arrays(integers(14), "smallint"))
    add("a8", "bigint[]", quoted("{9223372036854775807}"), arrays(integers(62), "bigint"))
    add("ab", "boolean[]", quoted("{t,f,NULL}"), arrays(lambda: RANDOM.choice(["true", "false"]), "boolean"))
    add("af4", "real[]", quoted("{1.5,NaN,-Infinity}"), arrays(floats(True), "real"))
    add("af8", "double precision[]", quoted("{0.1,Infinity,1e23}"), arrays(floats(False), "double precision"))
    add("an", "numeric[]", quoted("{1.50,NULL,1e10}", "{}"), arrays(free_numeric, "numeric"), number_array)
    add("an52", "numeric(5,2)[]", quoted("{1.50,-2}"), arrays(decimals(5, 2), "numeric(5,2)"), number_array)
    add("at", "text[]", ["array['','NULL',NULL,'a,b','{}','\"q\"','b\\s',' x',E'\\t']", "'{}'"], arrays(texts, "text"))
    add("avc", "varchar(20)[]", quoted("{}", '{"a b"}'), arrays(short(20), "varchar(20)"))
    add("aba", "bytea[]", ["array['\\xdead'::bytea,NULL]"], arrays(bytes_, "bytea"), losses=(
        Loss(BYTES_AS_TEXT, bytes_as_text, lambda s: each(encoded(s))),))
    add("ad", "date[]", quoted("{2020-01-01,NULL}", "{}"),
        arrays(lambda: "(date '2000-01-01' + %d)" % RANDOM.randint(-40000, 40000), "date"))
    add("atm", "time[]", quoted("{12:00,24:00}"), arrays(clocks(), "time"), losses=(
        Loss("24:00 in an array", lambda s: True, each(midnight)),
        Loss("microseconds of times in an array", lambda s: True, each(clock_milliseconds))))
    add("ats", "timestamp[]", ["'{2020-01-01 12:00:00.5,NULL}'"],
        arrays(lambda: "timestamp '2000-01-01' + interval '%d sec'" % RANDOM.randint(-10**9, 10**9), "timestamp"))
    add("atstz", "timestamptz[]", ["'{2020-01-01 12:00:00.5+00,NULL}'"],
        arrays(lambda: "timestamptz '2000-01-01 00:00+00' + interval '%d.25 sec'" % RANDOM.randint(-10**9, 10**9), "timestamptz"))
    add("au", "uuid[]", quoted("{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"), arrays(uuids, "uuid"))
    add("ajb", "jsonb[]", ["array['{\"a\": 1}'::jsonb]"], arrays(documents, "jsonb"))
    add("ai", "inet[]", quoted("{192.168.0.1/24}"), arrays(lambda: "'10.0.%d.0/24'" % RANDOM.randint(0, 255), "inet"))
    add("ar", "int4range[]", ["'{\"[1,5)\",empty}'"], arrays(ranges(-99, 99), "int4range"))
    add("big", "text", [literal("x" * 9000)],
        lambda: literal("".join(RANDOM.choice(string.ascii_letters) for _ in range(4000))))
    return c
