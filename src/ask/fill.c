/*
 * A small scanner of SQL: it knows comments, quotes and the variables of psql, and nothing of SQL.
 * Escapes with a backslash (E'\'') are not known; the shipped scripts have none.
 */
#include "fill.h"

#define DEFAULTS_LIMIT ((size_t)1024 * 1024)

struct scan {
    str script, rest;
    const struct fill_value *value;
    size_t count;
    struct buf *out;
    struct arena defaults;
};

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || byte == '_';
}

static size_t name_length(str text)
{
    size_t len = 0;
    while (len < text.len && is_name_byte(text.ptr[len]))
        len++;
    return len;
}

/* ---- psql's own lines ---- */

/* Takes the word from a line of psql, and leaves what follows it without blanks. */
static str take_word(str *line)
{
    str word = STR_EMPTY;
    *line = str_trim(*line);
    str_split(line, ' ', &word);
    *line = str_trim(*line);
    return word;
}

static str unquote(str text, struct arena *arena)
{
    if (text.len < 2 || text.ptr[0] != '\'' || text.ptr[text.len - 1] != '\'')
        return text;
    char *copy = ARENA_NEW(arena, char, text.len);
    size_t len = 0;
    for (size_t i = 1; copy && i < text.len - 1; i++) {
        copy[len++] = text.ptr[i];
        if (text.ptr[i] == '\'' && text.ptr[i + 1] == '\'' && i + 1 < text.len - 1)
            i++;
    }
    return copy ? (str){copy, len} : STR_EMPTY;
}

/* The next `\set NAME VALUE` of the script; false where there is none. */
static bool next_set(str *script, str *name, str *value)
{
    str line;
    while (str_split(script, '\n', &line)) {
        line = str_trim(line);
        if (!str_is(take_word(&line), "\\set"))
            continue;
        *name = take_word(&line);
        *value = line;
        return true;
    }
    return false;
}

bool fill_default(str script, str name, struct arena *arena, str *value)
{
    str found;
    while (next_set(&script, &found, value))
        if (str_eq(found, name)) {
            *value = unquote(*value, arena);
            return true;
        }
    return false;
}

void fill_names(str script, struct buf *out)
{
    size_t begin = out->len;
    str name, value;
    while (next_set(&script, &name, &value)) {
        if (str_is(name, "ON_ERROR_STOP"))
            continue;
        if (out->len > begin)
            buf_str(out, STR(", "));
        buf_str(out, name);
    }
}

/* A line for psql: gone, but for what it would say to people. */
static void drop_line(struct scan *scan)
{
    str line = STR_EMPTY;
    str_split(&scan->rest, '\n', &line);
    if (str_is(take_word(&line), "\\echo")) {
        str said = unquote(line, &scan->defaults);
        buf_format(scan->out, "-- %.*s\n", STR_ARG(said));
    }
}

/* ---- SQL ---- */

static void copy_bytes(struct scan *scan, size_t len)
{
    buf_str(scan->out, str_head(scan->rest, len));
    scan->rest = str_from_at(scan->rest, len);
}

/* Copies to the end of the next `close` behind the first `skip` bytes, or to the script's end. */
static void copy_through(struct scan *scan, size_t skip, str close)
{
    ptrdiff_t at = str_find(str_from_at(scan->rest, skip), close);
    copy_bytes(scan, at < 0 ? scan->rest.len : skip + (size_t)at + close.len);
}

/* "$$" or "$name$" at the beginning; 0 where it is none. */
static size_t dollar_length(str text)
{
    size_t len = 1 + name_length(str_from_at(text, 1));
    return len < text.len && text.ptr[len] == '$' ? len + 1 : 0;
}

static bool find_value(struct scan *scan, str name, str *value)
{
    for (size_t i = 0; i < scan->count; i++)
        if (str_eq(scan->value[i].name, name)) {
            *value = scan->value[i].value;
            return true;
        }
    return fill_default(scan->script, name, &scan->defaults, value);
}

/* :name, :'name' or :"name"; everything else behind a colon is not ours. */
static void copy_colon(struct scan *scan)
{
    str text = str_from_at(scan->rest, 1), value;
    char quote = text.len > 0 && (text.ptr[0] == '\'' || text.ptr[0] == '"') ? text.ptr[0] : '\0';
    size_t begin = quote ? 1 : 0, len = name_length(str_from_at(text, begin));
    bool closed = !quote || (begin + len < text.len && text.ptr[begin + len] == quote);
    str name = str_head(str_from_at(text, begin), len);
    if (text.len > 0 && text.ptr[0] == ':') {
        copy_bytes(scan, 2); /* a cast */
        return;
    }
    if (len == 0 || !closed || !find_value(scan, name, &value)) {
        copy_bytes(scan, 1);
        return;
    }
    if (quote)
        buf_quoted(scan->out, quote, value);
    else
        buf_str(scan->out, value);
    scan->rest = str_from_at(text, 2 * begin + len);
}

static void copy_piece(struct scan *scan)
{
    str rest = scan->rest;
    size_t dollar = rest.ptr[0] == '$' ? dollar_length(rest) : 0;
    if (str_starts(rest, STR("--")))
        copy_through(scan, 2, STR("\n"));
    else if (str_starts(rest, STR("/*")))
        copy_through(scan, 2, STR("*/"));
    else if (rest.ptr[0] == '\'')
        copy_through(scan, 1, STR("'"));
    else if (rest.ptr[0] == '"')
        copy_through(scan, 1, STR("\""));
    else if (dollar > 0)
        copy_through(scan, dollar, str_head(rest, dollar));
    else if (rest.ptr[0] == ':')
        copy_colon(scan);
    else
        copy_bytes(scan, 1);
}

static bool at_line_begin(const struct buf *out, size_t begin)
{
    return out->len == begin || out->ptr[out->len - 1] == '\n';
}

void fill_script(str script, const struct fill_value *value, size_t count, struct buf *out)
{
    struct scan scan = {
        .script = script, .rest = script, .value = value, .count = count, .out = out};
    size_t begin = out->len;
    arena_init(&scan.defaults, DEFAULTS_LIMIT);
    while (scan.rest.len > 0 && !out->failed) {
        if (at_line_begin(out, begin) && str_starts(str_trim(scan.rest), STR("\\")))
            drop_line(&scan);
        else
            copy_piece(&scan);
    }
    arena_release(&scan.defaults);
}
