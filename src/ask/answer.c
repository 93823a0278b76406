/*
 * Tables, CSV and JSON out of a result of libpq.
 */
#include "answer.h"

#include <libpq-fe.h>

/* Types by the numbers that PostgreSQL gives them for good (catalog/pg_type.dat). */
enum { TYPE_BOOL = 16, TYPE_INT8 = 20, TYPE_INT4 = 23, TYPE_JSON = 114, TYPE_JSONB = 3802 };

/* Wider columns are cut in no table; this bounds what is filled with blanks. */
#define WIDTH_LIMIT 60
#define COLUMNS_LIMIT 50

size_t answer_rows(const struct pg_result *result)
{
    return (size_t)PQntuples(result);
}

str answer_cell(const struct pg_result *result, size_t row, size_t column)
{
    if (PQgetisnull(result, (int)row, (int)column))
        return STR_EMPTY;
    return (str){PQgetvalue(result, (int)row, (int)column),
                 (size_t)PQgetlength(result, (int)row, (int)column)};
}

/* ---- CSV ---- */

static bool is_bare(str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(",\"\n\r", text.ptr[i]))
            return false;
    return text.len > 0;
}

static void put_csv_cell(struct buf *out, str text)
{
    if (!text.ptr)
        return;
    if (is_bare(text))
        buf_str(out, text);
    else
        buf_quoted(out, '"', text);
}

static void put_csv(const PGresult *result, struct buf *out)
{
    int columns = PQnfields(result);
    for (int column = 0; column < columns; column++) {
        if (column > 0)
            buf_char(out, ',');
        put_csv_cell(out, str_from(PQfname(result, column)));
    }
    buf_char(out, '\n');
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < columns; column++) {
            str cell = answer_cell(result, (size_t)row, (size_t)column);
            if (column > 0)
                buf_char(out, ',');
            if (cell.ptr && PQftype(result, column) == TYPE_BOOL)
                cell = cell.ptr[0] == 't' ? STR("true") : STR("false");
            put_csv_cell(out, cell);
        }
        buf_char(out, '\n');
    }
}

/* ---- JSON ---- */

static void put_json_cell(struct buf *out, str text, unsigned type)
{
    if (!text.ptr)
        buf_str(out, STR("null"));
    else if (type == TYPE_BOOL)
        buf_str(out, text.ptr[0] == 't' ? STR("true") : STR("false"));
    else if (type == TYPE_INT4 || type == TYPE_INT8 || type == TYPE_JSON || type == TYPE_JSONB)
        buf_str(out, text);
    else
        buf_json_string(out, text);
}

static void put_json(const PGresult *result, struct buf *out)
{
    buf_char(out, '[');
    for (int row = 0; row < PQntuples(result); row++) {
        buf_str(out, row > 0 ? STR(",\n{") : STR("\n{"));
        for (int column = 0; column < PQnfields(result); column++) {
            if (column > 0)
                buf_char(out, ',');
            buf_json_string(out, str_from(PQfname(result, column)));
            buf_char(out, ':');
            put_json_cell(out, answer_cell(result, (size_t)row, (size_t)column),
                          PQftype(result, column));
        }
        buf_char(out, '}');
    }
    buf_str(out, STR("\n]\n"));
}

/* ---- the table ---- */

/* Appends what can be shown of the text; gives how wide it is. */
static size_t put_shown(struct buf *out, str text)
{
    size_t width = 0;
    if (!text.ptr)
        return 0;
    if (text.len == 0)
        text = STR("\"\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte == '\n' || byte == '\t') {
            buf_str(out, byte == '\n' ? STR("\\n") : STR("\\t"));
            width += 2;
        } else if (byte < 0x20 || byte == 0x7f) {
            buf_format(out, "\\x%02x", byte);
            width += 4;
        } else if (byte == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0) {
            buf_format(out, "\\x%02x", (unsigned char)text.ptr[++i]); /* the other controls */
            width += 4;
        } else {
            buf_char(out, (char)byte);
            width += (byte & 0xc0) != 0x80; /* one for every character of UTF-8 */
        }
    }
    return width;
}

struct grid {
    const PGresult *result;
    size_t width[COLUMNS_LIMIT];
    int columns;
    bool colour;
};

static void put_cell(const struct grid *grid, int column, str text, str colour, struct buf *out)
{
    bool painted = grid->colour && colour.len > 0 && text.len > 0;
    if (column > 0)
        buf_str(out, STR("  "));
    buf_str(out, painted ? colour : STR_EMPTY);
    size_t width = put_shown(out, text);
    buf_str(out, painted ? STR("\033[0m") : STR_EMPTY);
    for (; width < grid->width[column] && column + 1 < grid->columns; width++)
        buf_char(out, ' ');
}

static void measure(struct grid *grid)
{
    struct buf scratch;
    buf_init(&scratch, (size_t)1024 * 1024 * 1024);
    for (int column = 0; column < grid->columns; column++) {
        size_t widest = put_shown(&scratch, str_from(PQfname(grid->result, column)));
        for (int row = 0; row < PQntuples(grid->result); row++) {
            buf_clear(&scratch);
            size_t width = put_shown(&scratch,
                                     answer_cell(grid->result, (size_t)row, (size_t)column));
            widest = width > widest ? width : widest;
        }
        grid->width[column] = widest < WIDTH_LIMIT ? widest : WIDTH_LIMIT;
    }
    buf_release(&scratch);
}

/* Old values red, new ones green: by the columns' names. */
static str colour_of(const char *name)
{
    bool old = strncmp(name, "old", 3) == 0 || strncmp(name, "earlier", 7) == 0;
    bool new = strncmp(name, "new", 3) == 0 || strncmp(name, "later", 5) == 0;
    bool bad = strcmp(name, "conflict") == 0;
    return old || bad ? STR("\033[31m") : new ? STR("\033[32m") : STR_EMPTY;
}

static void put_table(const PGresult *result, bool colour, struct buf *out)
{
    struct grid grid = {.result = result, .columns = PQnfields(result), .colour = colour};
    if (grid.columns > COLUMNS_LIMIT)
        grid.columns = COLUMNS_LIMIT;
    measure(&grid);
    for (int column = 0; column < grid.columns; column++)
        put_cell(&grid, column, str_from(PQfname(result, column)), STR("\033[1m"), out);
    buf_char(out, '\n');
    for (int row = 0; row < PQntuples(result); row++) {
        for (int column = 0; column < grid.columns; column++)
            put_cell(&grid, column, answer_cell(result, (size_t)row, (size_t)column),
                     colour_of(PQfname(result, column)), out);
        buf_char(out, '\n');
    }
}

void answer_put(const struct pg_result *result, enum answer_format format, bool colour,
                struct buf *out)
{
    switch (format) {
    case ANSWER_TABLE:
        put_table(result, colour, out);
        return;
    case ANSWER_CSV:
        put_csv(result, out);
        return;
    case ANSWER_JSON:
        put_json(result, out);
        return;
    }
}
