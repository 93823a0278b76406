/*
 * COPY's binary form (documentation of COPY, "Binary Format"; the types' own forms are what their
 * send functions write). Every value is written as PostgreSQL would hold it after reading our text,
 * or not at all: only the plainest spelling of each type is read here.
 */
#include "pgbinary.h"

#include <endian.h>

#include "clock.h"

#define DAY_US INT64_C(86400000000)
/* PostgreSQL counts from 2000-01-01. */
#define EPOCH_US INT64_C(946684800000000)
/* The years 0001 to 9999, which its texts have four digits for. */
#define YEAR_1_US INT64_C(-62135596800000000)
#define YEAR_10000_US INT64_C(253402300800000000)
/* Longer numbers are left to the server. */
#define NUMERIC_SIZE 200

/* The oids of its catalog, which never change. */
static const struct {
    int64_t oid;
    enum pgbinary_way way;
} types[] = {
    {25, PGBINARY_TEXT},   {1043, PGBINARY_TEXT},        {1042, PGBINARY_TEXT},
    {114, PGBINARY_TEXT},  {3802, PGBINARY_JSONB},       {16, PGBINARY_BOOL},
    {21, PGBINARY_INT2},   {23, PGBINARY_INT4},          {20, PGBINARY_INT8},
    {1082, PGBINARY_DATE}, {1700, PGBINARY_NUMERIC},     {1114, PGBINARY_TIMESTAMP},
    {2950, PGBINARY_UUID}, {1184, PGBINARY_TIMESTAMPTZ},
};

static bool is_time(enum pgbinary_way way)
{
    return way == PGBINARY_TIMESTAMP || way == PGBINARY_TIMESTAMPTZ;
}

enum pgbinary_way pgbinary_way(int64_t oid, enum column_kind kind)
{
    enum pgbinary_way way = PGBINARY_NONE;
    enum column_content content = column_content(kind);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].oid == oid)
            way = types[i].way;
    if (content == CONTENT_TIME && is_time(way))
        return PGBINARY_OWN_TIME;
    if (content == CONTENT_INT && way == PGBINARY_INT4)
        return PGBINARY_OWN_INT4;
    return content == CONTENT_LONG && way == PGBINARY_INT8 ? PGBINARY_OWN_INT8 : way;
}

/* ---- bytes ---- */

static char *put_16(char *at, uint16_t number)
{
    number = htobe16(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static char *put_32(char *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static char *put_64(char *at, uint64_t number)
{
    number = htobe64(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

/* The length of a cell, and room for so many bytes behind it; NULL where the buffer failed. */
static char *begin_cell(struct buf *out, size_t len)
{
    if (len > INT32_MAX || !buf_reserve(out, sizeof(uint32_t) + len))
        return NULL;
    char *at = put_32(out->ptr + out->len, (uint32_t)len);
    out->len += sizeof(uint32_t) + len;
    return at;
}

static bool put_null(struct buf *out)
{
    if (!buf_reserve(out, sizeof(uint32_t)))
        return false;
    put_32(out->ptr + out->len, UINT32_MAX);
    out->len += sizeof(uint32_t);
    return true;
}

static bool put_int4(struct buf *out, int64_t number)
{
    char *at = begin_cell(out, sizeof(uint32_t));
    return at && put_32(at, (uint32_t)number);
}

static bool put_int8(struct buf *out, int64_t number)
{
    char *at = begin_cell(out, sizeof(uint64_t));
    return at && put_64(at, (uint64_t)number);
}

static bool put_time(struct buf *out, int64_t time_us)
{
    return time_us >= YEAR_1_US && time_us < YEAR_10000_US && put_int8(out, time_us - EPOCH_US);
}

/* ---- from texts ---- */

/* PostgreSQL cannot hold U+0000. */
static bool put_bytes(char *at, str text)
{
    if (at && text.len > 0)
        memcpy(at, text.ptr, text.len);
    return at && (text.len == 0 || !memchr(text.ptr, '\0', text.len));
}

/* A version and the document. */
static bool put_jsonb(struct buf *out, str text)
{
    char *at = begin_cell(out, text.len + 1);
    if (at)
        *at++ = 1;
    return put_bytes(at, text);
}

static bool put_bool(struct buf *out, str text)
{
    bool yes = str_is(text, "true") || str_is(text, "t");
    char *at = yes || str_is(text, "false") || str_is(text, "f") ? begin_cell(out, 1) : NULL;
    if (at)
        *at = yes;
    return at;
}

static bool put_int2(struct buf *out, int64_t number)
{
    char *at = begin_cell(out, sizeof(uint16_t));
    return at && put_16(at, (uint16_t)number);
}

static bool put_integer(struct buf *out, enum pgbinary_way way, str text)
{
    int64_t number;
    if (!str_to_int64(text, &number))
        return false;
    if (way == PGBINARY_INT8)
        return put_int8(out, number);
    if (way == PGBINARY_INT4)
        return number == (int32_t)number && put_int4(out, number);
    return number == (int16_t)number && put_int2(out, number);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* 8-4-4-4-12 digits. */
static bool put_uuid(struct buf *out, str text)
{
    char *at = text.len == 36 ? begin_cell(out, 16) : NULL;
    for (size_t i = 0; at && i < text.len; i += 2) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            if (text.ptr[i++] != '-')
                return false;
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *at++ = (char)(high * 16 + low);
    }
    return at;
}

static size_t count_digits(str text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9')
        count++;
    return count;
}

/* Four digits of a number from the place `at` on, which may lie before it, with zeros beyond. */
static unsigned group_at(str digits, ptrdiff_t at)
{
    unsigned group = 0;
    for (ptrdiff_t i = at; i < at + 4; i++)
        group = group * 10
                + (i >= 0 && i < (ptrdiff_t)digits.len ? (unsigned)(digits.ptr[i] - '0') : 0);
    return group;
}

/* Groups of four digits around the point, without those in front and at the end that are zero; how
   many stand before the point, less one; the sign; and the digits behind the point. */
static bool put_groups(struct buf *out, bool negative, str digits, size_t whole)
{
    ptrdiff_t first = whole % 4 ? (ptrdiff_t)(whole % 4) - 4 : 0;
    ptrdiff_t end = first + ((ptrdiff_t)digits.len - first + 3) / 4 * 4;
    int weight = (int)((whole + 3) / 4) - 1;
    for (; first < end && group_at(digits, first) == 0; first += 4)
        weight--;
    while (first < end && group_at(digits, end - 4) == 0)
        end -= 4;
    bool zero = first == end;
    size_t count = (size_t)(end - first) / 4;
    char *at = begin_cell(out, (4 + count) * sizeof(uint16_t));
    if (!at)
        return false;
    at = put_16(at, (uint16_t)count);
    at = put_16(at, (uint16_t)(zero ? 0 : weight));
    at = put_16(at, negative && !zero ? 0x4000 : 0);
    at = put_16(at, (uint16_t)(digits.len - whole));
    for (; first < end; first += 4)
        at = put_16(at, (uint16_t)group_at(digits, first));
    return true;
}

/* [-]digits[.digits] */
static bool put_numeric(struct buf *out, str text)
{
    char scratch[NUMERIC_SIZE];
    struct buf digits = {.ptr = scratch, .capacity = NUMERIC_SIZE, .limit = NUMERIC_SIZE};
    if (text.len == 0 || text.len > NUMERIC_SIZE)
        return false;
    bool negative = text.ptr[0] == '-';
    text = str_from_at(text, negative);
    size_t whole = count_digits(text);
    str point = str_from_at(text, whole), behind = str_from_at(point, 1);
    size_t scale = count_digits(behind);
    if (whole == 0 || scale < behind.len || (point.len > 0 && (point.ptr[0] != '.' || scale == 0)))
        return false;
    buf_str(&digits, str_head(text, whole));
    buf_str(&digits, behind);
    return put_groups(out, negative, buf_view(&digits), whole);
}

/* YYYY-MM-DD, and nothing that other readers of times may take for something else. */
static bool is_plain_date(str text)
{
    return text.len >= 10 && count_digits(text) == 4 && text.ptr[4] == '-' && text.ptr[7] == '-'
           && count_digits(str_from_at(text, 8)) == 2;
}

/* YYYY-MM-DD HH:MM:SS[.ffffff] below 24:00 and without a leap second; the zone that follows is UTC
   (Z, +00) where there is one, and `zoneless` where there is none. */
static bool is_plain_time(str text, bool zoneless)
{
    if (!is_plain_date(text) || text.len < 19 || (text.ptr[10] != ' ' && text.ptr[10] != 'T')
        || text.ptr[11] > '2' || (text.ptr[11] == '2' && text.ptr[12] > '3') || text.ptr[13] != ':'
        || text.ptr[16] != ':' || text.ptr[17] > '5')
        return false;
    size_t end = 19;
    if (text.len > end && text.ptr[end] == '.')
        end += 1 + count_digits(str_from_at(text, end + 1));
    str zone = str_from_at(text, end);
    return end <= 26 && (str_is(zone, "Z") || str_is(zone, "+00") || (zoneless && zone.len == 0));
}

static bool put_timestamp(struct buf *out, enum pgbinary_way way, str text)
{
    int64_t time_us;
    enum timestamp_zone zone;
    return is_plain_time(text, way == PGBINARY_TIMESTAMP) && timestamp_parse(text, &time_us, &zone)
           && put_time(out, time_us);
}

static bool put_date(struct buf *out, str text)
{
    int64_t time_us;
    enum timestamp_zone zone;
    return text.len == 10 && is_plain_date(text) && timestamp_parse(text, &time_us, &zone)
           && time_us >= YEAR_1_US && put_int4(out, (time_us - EPOCH_US) / DAY_US);
}

/* ---- rows ---- */

static bool put_value(struct buf *out, enum pgbinary_way way, str text)
{
    switch (way) {
    case PGBINARY_TEXT:
        return put_bytes(begin_cell(out, text.len), text);
    case PGBINARY_JSONB:
        return put_jsonb(out, text);
    case PGBINARY_BOOL:
        return put_bool(out, text);
    case PGBINARY_INT2:
    case PGBINARY_INT4:
    case PGBINARY_INT8:
        return put_integer(out, way, text);
    case PGBINARY_NUMERIC:
        return put_numeric(out, text);
    case PGBINARY_DATE:
        return put_date(out, text);
    case PGBINARY_TIMESTAMP:
    case PGBINARY_TIMESTAMPTZ:
        return put_timestamp(out, way, text);
    case PGBINARY_UUID:
        return put_uuid(out, text);
    case PGBINARY_NONE:
    case PGBINARY_OWN_TIME:
    case PGBINARY_OWN_INT4:
    case PGBINARY_OWN_INT8:
        break;
    }
    return false;
}

/* Times and numbers that need no text between. */
static bool put_own(struct buf *out, enum pgbinary_way way, enum column_kind kind,
                    const struct row *row, const struct batch *batch)
{
    if (way == PGBINARY_OWN_TIME) {
        int64_t time_us = row_time(row, kind, batch);
        return time_us == TIME_UNKNOWN ? put_null(out) : put_time(out, time_us);
    }
    int64_t number = row_number(row, kind);
    if (number < 0)
        return put_null(out);
    return way == PGBINARY_OWN_INT4 ? put_int4(out, number) : put_int8(out, number);
}

static bool put_cell(struct buf *out, enum pgbinary_way way, const struct column *column,
                     const struct row *row, const struct batch *batch)
{
    char scratch[CELL_SCRATCH];
    if (way >= PGBINARY_OWN_TIME)
        return put_own(out, way, column->kind, row, batch);
    const struct value value = row_cell(row, column, batch, scratch);
    return value_has_text(value) ? put_value(out, way, value.text) : put_null(out);
}

bool pgbinary_row(const struct pgbinary *form, const struct row *row, const struct batch *batch,
                  struct buf *out)
{
    const struct layout *layout = form->layout;
    if (!buf_reserve(out, sizeof(uint16_t)))
        return false;
    put_16(out->ptr + out->len, (uint16_t)layout->count);
    out->len += sizeof(uint16_t);
    for (size_t i = 0; i < layout->count; i++)
        if (!put_cell(out, form->way[i], &layout->column[i], row, batch))
            return false;
    return true;
}
