/*
 * The readers. A cell is handed out unescaped, with whether it stood there as NULL.
 */
#include "readback.h"

#include <yajl/yajl_parse.h>

#include "fuzz.h"

struct cell {
    bool is_null;
    char *text; /* malloc'd */
    size_t len;
};

static void put(struct cell *cell, char byte)
{
    cell->text[cell->len++] = byte;
}

static void start_cell(struct cell *cell, str rest)
{
    *cell = (struct cell){.text = malloc(rest.len + 1)};
    CHECK(cell->text);
}

/* One value of CSV with the rules of PostgreSQL: NULL is the null text outside of quotes. */
static void take_csv(str *rest, str null_text, struct cell *cell)
{
    bool inside = false, quoted = false;
    size_t i = 0;
    start_cell(cell, *rest);
    for (; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c == '"' && inside && i + 1 < rest->len && rest->ptr[i + 1] == '"') {
            put(cell, '"');
            i++;
        } else if (c == '"') {
            /* RFC 4180 has quotes only around a whole value. */
            CHECK(inside || (cell->len == 0 && !quoted));
            inside = !inside;
            quoted = true;
        } else if (!inside && c == ',') {
            break;
        } else {
            CHECK(inside || (c != '\n' && c != '\r'));
            CHECK(inside || !quoted);
            put(cell, c);
        }
    }
    CHECK(!inside);
    cell->is_null = !quoted && str_eq((str){cell->text, cell->len}, null_text);
    *rest = str_from_at(*rest, i);
}

static char copy_letter(char c)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *found = c ? strchr(from, c) : NULL;
    return found ? to[found - from] : c;
}

/* One value of COPY's text format. The null text is compared before anything is unescaped. */
static void take_copy(str *rest, str null_text, struct cell *cell)
{
    str raw = *rest;
    const char *tab = raw.len ? memchr(raw.ptr, '\t', raw.len) : NULL;
    if (tab)
        raw.len = (size_t)(tab - raw.ptr);
    start_cell(cell, raw);
    cell->is_null = str_eq(raw, null_text);
    for (size_t i = 0; i < raw.len; i++) {
        CHECK(raw.ptr[i] != '\n' && raw.ptr[i] != '\r');
        if (raw.ptr[i] != '\\') {
            put(cell, raw.ptr[i]);
            continue;
        }
        CHECK(++i < raw.len);
        unsigned octal = 0, digits = 0;
        while (digits < 3 && i < raw.len && raw.ptr[i] >= '0' && raw.ptr[i] <= '7') {
            octal = octal * 8 + (unsigned)(raw.ptr[i++] - '0');
            digits++;
        }
        put(cell, digits ? (char)octal : copy_letter(raw.ptr[i]));
        i -= digits > 0;
    }
    *rest = str_from_at(*rest, raw.len);
}

/* What a cell must read as: its text, and an apostrophe before what a spreadsheet would run. */
static bool is_guarded(const struct encoder *encoder, struct value value)
{
    char first = value.text.len ? value.text.ptr[0] : '\0';
    return encoder->formula_guard && value.kind != VALUE_NUMBER
           && (first == '=' || first == '+' || first == '-' || first == '@' || first == '\t'
               || first == '\r');
}

static void compare_cell(const struct encoder *encoder, struct value value, const struct cell *cell)
{
    str text = {cell->text, cell->len};
    CHECK(cell->is_null == (value.kind == VALUE_NULL));
    if (cell->is_null)
        return;
    if (is_guarded(encoder, value)) {
        CHECK(str_starts(text, STR("'")));
        text = str_from_at(text, 1);
    }
    CHECK(str_eq(text, value.text));
}

/* Takes the next column off the line, and the separator in front of it. */
static void take_column(const struct encoder *encoder, size_t nth, str null_text, str *rest,
                        struct cell *cell)
{
    bool copy = str_is(str_from(encoder->type->name), "copy");
    if (nth > 0) {
        CHECK(rest->len > 0 && rest->ptr[0] == (copy ? '\t' : ','));
        *rest = str_from_at(*rest, 1);
    }
    (copy ? take_copy : take_csv)(rest, null_text, cell);
}

static str without_end(str line)
{
    CHECK(str_ends(line, STR("\n")));
    return str_head(line, line.len - 1);
}

static void read_table(const struct encoder *encoder, const struct row *row,
                       const struct batch *batch, str line)
{
    char scratch[CELL_SCRATCH];
    line = without_end(line);
    for (size_t i = 0; i < encoder->layout->count; i++) {
        struct cell cell;
        take_column(encoder, i, encoder->null_text, &line, &cell);
        compare_cell(encoder, row_cell(row, &encoder->layout->column[i], batch, scratch), &cell);
        free(cell.text);
    }
    CHECK(line.len == 0);
}

void readback_head(const struct encoder *encoder, str line)
{
    line = without_end(line);
    for (size_t i = 0; i < encoder->layout->count; i++) {
        struct cell cell;
        str name = encoder->layout->column[i].name;
        take_column(encoder, i, STR_EMPTY, &line, &cell);
        CHECK(str_eq((str){cell.text, cell.len}, name));
        free(cell.text);
    }
    CHECK(line.len == 0);
}

/* yajl's events beside the columns. */
struct object {
    const struct encoder *encoder;
    const struct row *row;
    const struct batch *batch;
    size_t names, values;
    bool open, closed;
};

static struct value next_value(struct object *object, enum column_kind *kind,
                               char scratch[CELL_SCRATCH])
{
    CHECK(object->open && !object->closed && object->values + 1 == object->names);
    const struct column *column = &object->encoder->layout->column[object->values++];
    *kind = column->kind;
    return row_cell(object->row, column, object->batch, scratch);
}

static int on_null(void *context)
{
    char scratch[CELL_SCRATCH];
    enum column_kind kind;
    CHECK(next_value(context, &kind, scratch).kind == VALUE_NULL);
    return 1;
}

static int on_boolean(void *context, int yes)
{
    char scratch[CELL_SCRATCH];
    enum column_kind kind;
    struct value value = next_value(context, &kind, scratch);
    CHECK(value.kind == VALUE_BOOL && str_is(value.text, yes ? "true" : "false"));
    CHECK(kind != COLUMN_OLD_VALUE && kind != COLUMN_NEW_VALUE);
    return 1;
}

static int on_number(void *context, const char *digits, size_t len)
{
    char scratch[CELL_SCRATCH];
    enum column_kind kind;
    struct value value = next_value(context, &kind, scratch);
    CHECK(value.kind == VALUE_NUMBER && str_eq(value.text, (str){digits, len}));
    CHECK(kind != COLUMN_OLD_VALUE && kind != COLUMN_NEW_VALUE);
    return 1;
}

static int on_string(void *context, const unsigned char *ptr, size_t len)
{
    char scratch[CELL_SCRATCH];
    enum column_kind kind;
    struct value value = next_value(context, &kind, scratch);
    CHECK(value.kind >= VALUE_BOOL && str_eq(value.text, (str){(const char *)ptr, len}));
    return 1;
}

static int on_name(void *context, const unsigned char *ptr, size_t len)
{
    struct object *object = context;
    CHECK(object->names == object->values && object->names < object->encoder->layout->count);
    str want = object->encoder->layout->column[object->names++].name;
    CHECK(str_eq(want, (str){(const char *)ptr, len}));
    return 1;
}

static int on_open(void *context)
{
    struct object *object = context;
    CHECK(!object->open);
    object->open = true;
    return 1;
}

static int on_close(void *context)
{
    struct object *object = context;
    object->closed = true;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open,
    .yajl_map_key = on_name,
    .yajl_end_map = on_close,
};

static void read_object(const struct encoder *encoder, const struct row *row,
                        const struct batch *batch, str line)
{
    struct object object = {.encoder = encoder, .row = row, .batch = batch};
    line = without_end(line);
    CHECK(!line.len || !memchr(line.ptr, '\n', line.len));
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, &object);
    CHECK(yajl);
    CHECK(yajl_parse(yajl, (const unsigned char *)line.ptr, line.len) == yajl_status_ok);
    CHECK(yajl_complete_parse(yajl) == yajl_status_ok);
    CHECK(object.closed && object.values == encoder->layout->count);
    yajl_free(yajl);
}

void readback_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                  str line)
{
    CHECK(is_utf8(line));
    if (str_is(str_from(encoder->type->name), "jsonl"))
        read_object(encoder, row, batch, line);
    else
        read_table(encoder, row, batch, line);
}

bool readback_may_refuse(const struct encoder *encoder, const struct row *row,
                         const struct batch *batch)
{
    char scratch[CELL_SCRATCH];
    if (str_is(str_from(encoder->type->name), "jsonl"))
        return false;
    for (size_t i = 0; i < encoder->layout->count; i++) {
        struct value value = row_cell(row, &encoder->layout->column[i], batch, scratch);
        if (value.kind == VALUE_NULL)
            continue;
        bool empty = value.text.len == 0 && encoder->null_text.len == 0;
        if (empty || memchr(value.text.ptr ? value.text.ptr : "", '\0', value.text.len))
            return true;
    }
    return false;
}
