/*
 * COPY's binary form: a text is written as a value of some type, and where it is, the bytes are
 * read as PostgreSQL's receive functions do, by code that shares nothing with the encoder. They
 * must say what the text says.
 */
#include "fuzz.h"

#include <time.h>

#include <fieldtrail/buf.h>

#include "pgbinary.h"

enum {
    BOOL = 16,
    INT8 = 20,
    INT2 = 21,
    INT4 = 23,
    TEXT = 25,
    DATE = 1082,
    TIMESTAMP = 1114,
    TIMESTAMPTZ = 1184,
    NUMERIC = 1700,
    UUID = 2950,
    JSONB = 3802
};

static const int64_t oids[] = {BOOL,      INT8,        INT2,    INT4, TEXT, DATE,
                               TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB};
#define OID_COUNT (sizeof(oids) / sizeof(oids[0]))

#define EPOCH INT64_C(946684800) /* 2000-01-01 */

static int64_t number_of(str bytes)
{
    int64_t number = (signed char)bytes.ptr[0];
    for (size_t i = 1; i < bytes.len; i++)
        number = number * 256 + (unsigned char)bytes.ptr[i];
    return number;
}

static void check_integer(str bytes, str text, size_t size)
{
    char digits[64];
    CHECK(bytes.len == size && text.len > 0);
    /* Zeros in front, as many as there are, mean nothing. */
    size_t sign = text.ptr[0] == '-' || text.ptr[0] == '+', first = sign;
    while (first + 1 < text.len && text.ptr[first] == '0')
        first++;
    CHECK(text.len - first < 20);
    for (size_t i = sign; i < text.len; i++)
        CHECK(is_digit(text.ptr[i]));
    snprintf(digits, sizeof(digits), "%s%.*s", text.ptr[0] == '-' ? "-" : "",
             STR_ARG(str_from_at(text, first)));
    CHECK(strtoll(digits, NULL, 10) == number_of(bytes));
}

/* The digit of the place 10^`place`. */
static char numeric_digit(str bytes, int place)
{
    int count = (int)number_of(str_head(bytes, 2));
    int weight = (int)number_of(str_head(str_from_at(bytes, 2), 2));
    int power = place >= 0 ? place / 4 : -((3 - place) / 4), index = weight - power;
    if (index < 0 || index >= count)
        return '0';
    int64_t group = number_of(str_head(str_from_at(bytes, 8 + 2 * (size_t)index), 2));
    CHECK(group >= 0 && group < 10000);
    for (int within = place - power * 4; within > 0; within--)
        group /= 10;
    return (char)('0' + group % 10);
}

static void check_numeric(str bytes, str text)
{
    CHECK(bytes.len >= 8 && bytes.len == 8 + 2 * (size_t)number_of(str_head(bytes, 2)));
    bool negative = text.len > 0 && text.ptr[0] == '-', zero = true;
    ptrdiff_t point = str_find(text, STR("."));
    int scale = point < 0 ? 0 : (int)(text.len - (size_t)point) - 1;
    CHECK(number_of(str_head(str_from_at(bytes, 6), 2)) == scale);
    /* Beyond both ends of the text there are zeros alone. */
    int place = point < 0 ? (int)text.len - negative : (int)point - negative;
    for (int beyond = 1; beyond < 9; beyond++) {
        CHECK(numeric_digit(bytes, place - 1 + beyond) == '0');
        CHECK(numeric_digit(bytes, -scale - beyond) == '0');
    }
    for (size_t i = negative; i < text.len; i++) {
        if ((ptrdiff_t)i == point)
            continue;
        CHECK(is_digit(text.ptr[i]) && numeric_digit(bytes, --place) == text.ptr[i]);
        zero = zero && text.ptr[i] == '0';
    }
    CHECK(number_of(str_head(str_from_at(bytes, 4), 2)) == (negative && !zero ? 0x4000 : 0));
    CHECK(!zero || bytes.len == 8);
}

/* What the number means, printed by libc; the text may leave out zeros of its fraction, and says T
   or a blank, and Z, +00 or nothing. */
static void check_time(str bytes, str text, bool date)
{
    char print[64];
    struct tm parts;
    CHECK(bytes.len == (date ? 4U : 8U));
    int64_t number = number_of(bytes), micros = date ? 0 : number % 1000000;
    if (micros < 0)
        micros += 1000000;
    time_t second = date ? number * 86400 + EPOCH : (number - micros) / 1000000 + EPOCH;
    CHECK(gmtime_r(&second, &parts));
    snprintf(print, sizeof(print), "%04d-%02d-%02d %02d:%02d:%02d.%06d", parts.tm_year + 1900,
             parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
             (int)micros);
    if (date) {
        CHECK(str_eq(text, str_head(str_from(print), 10)));
        return;
    }
    str rest = str_from_at(text, 19);
    CHECK(text.len >= 19 && str_eq(str_head(text, 10), str_head(str_from(print), 10)));
    CHECK(text.ptr[10] == 'T' || text.ptr[10] == ' ');
    CHECK(str_eq(str_head(str_from_at(text, 11), 8), (str){print + 11, 8}));
    size_t kept = 0; /* of the point and the fraction */
    while (kept < rest.len && (rest.ptr[kept] == '.' || is_digit(rest.ptr[kept])))
        kept++;
    CHECK(kept != 1 && kept <= 7 && str_eq(str_head(rest, kept), (str){print + 19, kept}));
    for (const char *left = kept ? print + 19 + kept : print + 20; *left; left++)
        CHECK(*left == '0');
    str zone = str_from_at(rest, kept);
    CHECK(zone.len == 0 || str_is(zone, "Z") || str_is(zone, "+00"));
}

static void check_uuid(str bytes, str text)
{
    char print[40];
    size_t len = 0;
    CHECK(bytes.len == 16 && text.len == 36);
    for (size_t i = 0; i < 16; i++)
        len += (size_t)snprintf(print + len, sizeof(print) - len, "%s%02x",
                                i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                                (unsigned char)bytes.ptr[i]);
    for (size_t i = 0; i < 36; i++)
        CHECK(print[i] == text.ptr[i] || print[i] == (text.ptr[i] | 0x20));
}

static void check_value(int64_t oid, str bytes, str text)
{
    switch (oid) {
    case BOOL:
        CHECK(bytes.len == 1 && bytes.ptr[0] == (text.ptr[0] == 't'));
        CHECK(str_is(text, "t") || str_is(text, "true") || str_is(text, "f")
              || str_is(text, "false"));
        break;
    case INT2:
    case INT4:
    case INT8:
        check_integer(bytes, text, oid == INT2 ? 2 : oid == INT4 ? 4 : 8);
        break;
    case NUMERIC:
        check_numeric(bytes, text);
        break;
    case DATE:
    case TIMESTAMP:
    case TIMESTAMPTZ:
        check_time(bytes, text, oid == DATE);
        CHECK(oid != TIMESTAMPTZ || text.ptr[text.len - 1] == 'Z' || str_ends(text, STR("+00")));
        break;
    case UUID:
        check_uuid(bytes, text);
        break;
    case JSONB:
        CHECK(bytes.len > 0 && bytes.ptr[0] == 1);
        check_value(TEXT, str_from_at(bytes, 1), text);
        break;
    default:
        CHECK(str_eq(bytes, text) && str_find(text, STR("\0")) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size};
    struct batch batch = {0};
    struct record record = {0};
    struct column column = {.name = STR("c"), .kind = COLUMN_COPY};
    int64_t oid = oids[take_byte(&input) % OID_COUNT];
    const enum pgbinary_way way = pgbinary_way(oid, COLUMN_COPY);
    struct value value = {VALUE_TEXT, copy_exact(input)};
    struct change change = {.record = &record, .copied = &value};
    const struct row row = {&change, NULL};
    const struct layout layout = {.column = &column, .count = 1, .copied_count = 1, .ready = true};
    const struct pgbinary form = {&layout, &way};
    struct buf out;
    buf_init(&out, size + 100);
    if (pgbinary_row(&form, &row, &batch, &out)) {
        str bytes = buf_view(&out);
        CHECK(bytes.len >= 6 && number_of(str_head(bytes, 2)) == 1);
        CHECK((size_t)number_of(str_head(str_from_at(bytes, 2), 4)) == bytes.len - 6);
        check_value(oid, str_from_at(bytes, 6), value.text);
    } else {
        /* Every text has a form but those with U+0000. */
        CHECK((oid != TEXT && oid != JSONB) || str_find(value.text, STR("\0")) >= 0);
    }
    buf_release(&out);
    free((char *)(uintptr_t)value.text.ptr);
    return 0;
}
