/*
 * Lines: table,symbol=value,… field=value,… time. Texts stand in quotes, in which quote, backslash
 * and line ends are escaped, so no value can end its line.
 */
#include "ilp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"

#define YEAR_10000_US ((int64_t)253402300800000000)

/* ---- names ---- */

/* Both kinds of name: control characters, DEL, and what a file's name must not hold. */
static bool is_forbidden(unsigned char byte, const char *more)
{
    return byte < 0x10 || byte == 0x7f || strchr("?,'\"\\/:)(+*%~", byte) || strchr(more, byte);
}

static void put_permitted(struct buf *out, str name, const char *more)
{
    static const str mark = {"\xef\xbb\xbf", 3}; /* U+FEFF */
    while (name.len > 0) {
        if (str_starts(name, mark)) {
            buf_char(out, '_');
            name = str_from_at(name, mark.len);
            continue;
        }
        bool forbidden = is_forbidden((unsigned char)name.ptr[0], more);
        buf_char(out, forbidden ? '_' : name.ptr[0]);
        name = str_from_at(name, 1);
    }
}

void ilp_put_column_name(struct buf *out, str name)
{
    put_permitted(out, name, "-.");
}

/* A table's name may hold single dots, but neither dot nor blank may begin or end it. */
void ilp_put_table_name(struct buf *out, str name)
{
    size_t start = out->len;
    put_permitted(out, name, "");
    if (out->failed || out->len == start)
        return;
    for (size_t i = start; i < out->len; i++) {
        bool edge = i == start || i + 1 == out->len;
        bool dot = out->ptr[i] == '.' && (edge || out->ptr[i - 1] == '.');
        if (dot || (edge && out->ptr[i] == ' '))
            out->ptr[i] = '_';
    }
}

void ilp_put_name(struct buf *out, str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == ' ' || name.ptr[i] == '=')
            buf_char(out, '\\');
        buf_char(out, name.ptr[i]);
    }
}

void ilp_sort(struct ilp_column *column, size_t count)
{
    size_t symbols = 0;
    for (size_t i = 0; i < count; i++) {
        if (column[i].type != ILP_SYMBOL)
            continue;
        struct ilp_column symbol = column[i];
        memmove(&column[symbols + 1], &column[symbols], (i - symbols) * sizeof(symbol));
        column[symbols++] = symbol;
    }
}

/* ---- values ---- */

/* Texts up to this length may take twice as much room before they take what they need. */
#define SHORT_TEXT ((size_t)256)

/* Copies the text with a backslash before each byte that `special` marks: every byte is written
   behind a backslash that the next one overwrites, or not. */
static void put_short(struct buf *out, str text, const bool special[256])
{
    if (!buf_reserve(out, 2 * text.len))
        return;
    char *at = out->ptr + out->len;
    for (size_t i = 0; i < text.len; i++) {
        *at = '\\';
        at += special[(unsigned char)text.ptr[i]];
        *at++ = text.ptr[i];
    }
    out->len = (size_t)(at - out->ptr);
}

static void put_escaped(struct buf *out, str text, const bool special[256])
{
    size_t from = 0;
    if (text.len <= SHORT_TEXT && out->limit - out->len > 2 * SHORT_TEXT) {
        put_short(out, text, special);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!special[(unsigned char)text.ptr[i]])
            continue;
        buf_str(out, (str){text.ptr + from, i - from});
        buf_char(out, '\\');
        from = i;
    }
    buf_str(out, str_from_at(text, from));
}

static bool put_symbol(struct buf *out, str text, struct fault *fault)
{
    static const bool special[256] = {
        [' '] = true, [','] = true, ['='] = true, ['\n'] = true, ['\r'] = true, ['\\'] = true};
    if (text.len > 0 && memchr(text.ptr, '\0', text.len))
        return fault_set(fault, FAULT_RECORD,
                         "the value holds U+0000, which a SYMBOL cannot hold: make the column a "
                         "VARCHAR");
    put_escaped(out, text, special);
    return true;
}

static void put_text(struct buf *out, str text)
{
    static const bool special[256] = {['"'] = true, ['\n'] = true, ['\r'] = true, ['\\'] = true};
    buf_char(out, '"');
    put_escaped(out, text, special);
    buf_char(out, '"');
}

static bool refuse(str text, const char *type, struct fault *fault)
{
    return fault_set(fault, FAULT_RECORD,
                     "'%.*s' does not fit the type %s: make the column a VARCHAR",
                     STR_ARG(str_whole(str_head(text, 60))), type);
}

static bool put_integer(struct buf *out, str text, int64_t least, const char *type,
                        struct fault *fault)
{
    int64_t number;
    /* The least of all stands for NULL. */
    if (!str_to_int64(text, &number) || number <= least || -number <= least)
        return refuse(text, type, fault);
    /* Neither sign nor zeros in front: these are the digits. */
    if (text.ptr[0] >= '1' && text.ptr[0] <= '9')
        buf_str(out, text);
    else
        buf_int64(out, number);
    buf_char(out, 'i');
    return true;
}

/* Few enough digits that no reader rounds them. */
static bool is_short_number(str text)
{
    if (text.len == 0 || text.len > 15)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '.' && text.ptr[i] != '-')
            return false;
    return true;
}

/* Bytes of a double's digits. */
#define DOUBLE_SIZE 32

/* The nearest double, in digits; false where the value is no number or lies beyond all doubles. */
static bool print_double(enum value_kind kind, str text, char digits[DOUBLE_SIZE], str *printed)
{
    char whole[1024], *end;
    *printed = text;
    if (kind != VALUE_NUMBER || text.len >= sizeof(whole))
        return false;
    if (is_short_number(text))
        return true;
    memcpy(whole, text.ptr, text.len);
    whole[text.len] = '\0';
    double number = strtod(whole, &end);
    if (*end || end == whole || !isfinite(number))
        return false;
    *printed = (str){digits, (size_t)snprintf(digits, DOUBLE_SIZE, "%.17g", number)};
    return true;
}

static bool put_double(struct buf *out, enum value_kind kind, str text, struct fault *fault)
{
    char digits[DOUBLE_SIZE];
    str printed;
    if (!print_double(kind, text, digits, &printed))
        return refuse(text, "DOUBLE", fault);
    buf_str(out, printed);
    return true;
}

static void put_microseconds(struct buf *out, int64_t time_us)
{
    buf_int64(out, time_us);
    buf_char(out, 't');
}

static bool put_time(struct buf *out, str text, struct fault *fault)
{
    int64_t time_us;
    enum timestamp_zone zone;
    if (!timestamp_parse(text, &time_us, &zone))
        return refuse(text, "TIMESTAMP", fault);
    put_microseconds(out, time_us);
    return true;
}

/* By its parts and not as a struct, which the processor would have to write before it can read. */
static bool put_value(const struct ilp_column *column, enum value_kind kind, str text,
                      struct buf *out, struct fault *fault)
{
    switch (column->type) {
    case ILP_SYMBOL:
        return put_symbol(out, text, fault);
    case ILP_TEXT:
        put_text(out, text);
        return true;
    case ILP_INT:
        return put_integer(out, text, INT32_MIN, "INT", fault);
    case ILP_LONG:
        return put_integer(out, text, INT64_MIN, "LONG", fault);
    case ILP_DOUBLE:
    case ILP_NUMBER:
        return put_double(out, kind, text, fault);
    case ILP_BOOLEAN:
        buf_char(out, str_is(text, "true") ? 't' : 'f');
        return true;
    case ILP_TIME:
        return put_time(out, text, fault);
    }
    return true;
}

/* ---- lines ---- */

static bool check_time(int64_t time_us, struct fault *fault)
{
    char text[TIMESTAMP_SIZE];
    if (time_us == TIME_UNKNOWN)
        return fault_set(
            fault, FAULT_RECORD,
            "the event has no time, and its message neither: QuestDB wants event_time");
    if (time_us >= 0 && time_us < YEAR_10000_US)
        return true;
    return fault_set(fault, FAULT_RECORD,
                     "event_time %.*s lies outside the years 1970 to 9999, which QuestDB holds",
                     (int)timestamp_print(text, time_us), text);
}

/* Appends ",name="; the first column that is no symbol stands behind a blank in place of it. */
static void put_lead(const struct ilp_column *column, bool *fields, struct buf *out)
{
    size_t at = out->len;
    buf_str(out, column->lead);
    if (column->type == ILP_SYMBOL || *fields || out->failed)
        return;
    out->ptr[at] = ' ';
    *fields = true;
}

/* Times that are known as numbers need no text between. */
static void put_known_time(const struct ilp_column *column, int64_t time_us, bool *fields,
                           struct buf *out)
{
    if (time_us == TIME_UNKNOWN)
        return;
    put_lead(column, fields, out);
    put_microseconds(out, time_us);
}

/* Values that are no numbers are left out, and stand in another column. */
static void put_number(const struct ilp_column *column, enum value_kind kind, str text,
                       bool *fields, struct buf *out)
{
    char digits[DOUBLE_SIZE];
    str printed;
    if (!print_double(kind, text, digits, &printed))
        return;
    put_lead(column, fields, out);
    buf_str(out, printed);
}

/* Appends one column, where it has a value; `fields` tells whether the line has a field yet. */
static bool put_column(const struct ilp_column *column, const struct row *row,
                       const struct batch *batch, bool *fields, struct buf *out,
                       struct fault *fault)
{
    char scratch[CELL_SCRATCH];
    if (column->type == ILP_TIME && column->column.kind != COLUMN_COPY) {
        put_known_time(column, row_time(row, column->column.kind, batch), fields, out);
        return true;
    }
    const struct value value = row_cell(row, &column->column, batch, scratch);
    if (!value_has_text(value))
        return true;
    if (column->type == ILP_NUMBER) {
        put_number(column, value.kind, value.text, fields, out);
        return true;
    }
    put_lead(column, fields, out);
    return put_value(column, value.kind, value.text, out, fault);
}

bool ilp_row(const struct ilp *ilp, const struct row *row, const struct batch *batch,
             struct buf *out, struct fault *fault)
{
    int64_t time_us = row_time(row, COLUMN_EVENT_TIME, batch);
    bool fields = false;
    if (!check_time(time_us, fault))
        return false;
    buf_str(out, ilp->table);
    for (size_t i = 0; i < ilp->count; i++)
        if (!put_column(&ilp->column[i], row, batch, &fields, out, fault))
            return fault_in(fault, "column %.*s", STR_ARG(ilp->column[i].column.name));
    buf_char(out, ' ');
    buf_int64(out, time_us);
    buf_char(out, '\n');
    return encoder_end(out, fault);
}
