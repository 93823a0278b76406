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

/* Copies the text with a backslash before each byte that `special` marks. */
static void put_escaped(struct buf *out, str text, const bool special[256])
{
    size_t from = 0;
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
static bool print_double(struct value value, char digits[DOUBLE_SIZE], str *text)
{
    char whole[1024], *end;
    *text = value.text;
    if (value.kind != VALUE_NUMBER || value.text.len >= sizeof(whole))
        return false;
    if (is_short_number(value.text))
        return true;
    memcpy(whole, value.text.ptr, value.text.len);
    whole[value.text.len] = '\0';
    double number = strtod(whole, &end);
    if (*end || end == whole || !isfinite(number))
        return false;
    *text = (str){digits, (size_t)snprintf(digits, DOUBLE_SIZE, "%.17g", number)};
    return true;
}

static bool put_double(struct buf *out, struct value value, struct fault *fault)
{
    char digits[DOUBLE_SIZE];
    str text;
    if (!print_double(value, digits, &text))
        return refuse(value.text, "DOUBLE", fault);
    buf_str(out, text);
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

static bool put_value(const struct ilp_column *column, struct value value, struct buf *out,
                      struct fault *fault)
{
    switch (column->type) {
    case ILP_SYMBOL:
        return put_symbol(out, value.text, fault);
    case ILP_TEXT:
        put_text(out, value.text);
        return true;
    case ILP_INT:
        return put_integer(out, value.text, INT32_MIN, "INT", fault);
    case ILP_LONG:
        return put_integer(out, value.text, INT64_MIN, "LONG", fault);
    case ILP_DOUBLE:
    case ILP_NUMBER:
        return put_double(out, value, fault);
    case ILP_BOOLEAN:
        buf_char(out, str_is(value.text, "true") ? 't' : 'f');
        return true;
    case ILP_TIME:
        return put_time(out, value.text, fault);
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

static bool is_missing(const struct ilp_column *column, struct value value)
{
    char digits[DOUBLE_SIZE];
    str text;
    return !value_has_text(value)
           || (column->type == ILP_NUMBER && !print_double(value, digits, &text));
}

/* Appends one column, where it has a value; `fields` tells whether the line has a field yet. */
static bool put_column(const struct ilp_column *column, const struct row *row,
                       const struct batch *batch, bool *fields, struct buf *out,
                       struct fault *fault)
{
    char scratch[CELL_SCRATCH];
    /* Times that are known as numbers need no text between. */
    bool is_time = column->type == ILP_TIME && column->column.kind != COLUMN_COPY;
    int64_t time_us = is_time ? row_time(row, column->column.kind, batch) : 0;
    struct value value = {VALUE_NULL, {NULL, 0}};
    if (!is_time)
        value = row_cell(row, &column->column, batch, scratch);
    if (is_time ? time_us == TIME_UNKNOWN : is_missing(column, value))
        return true;
    bool first = column->type != ILP_SYMBOL && !*fields;
    *fields = *fields || first;
    buf_char(out, first ? ' ' : ',');
    buf_str(out, column->lead);
    if (!is_time)
        return put_value(column, value, out, fault);
    put_microseconds(out, time_us);
    return true;
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
