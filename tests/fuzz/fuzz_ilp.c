/*
 * Lines of QuestDB's ingestion protocol, of CSV and of COPY: rows of random cells are encoded and
 * read back by parsers that share nothing with the encoders. For lines it follows the protocol's
 * description: a backslash gives the next byte its face value, a bare line end ends the line.
 */
#include "fuzz.h"

#include <math.h>

#include "encoders.h"
#include "ilp.h"
#include "readback.h"

#define COLUMNS 6

/* ---- the reader ---- */

struct read_cell {
    char name[64];
    char *text; /* without escapes */
    size_t len;
    bool symbol, quoted;
};

struct read_line {
    char table[64];
    struct read_cell cell[COLUMNS];
    size_t count;
    char time[32];
};

struct reader {
    const char *at, *end;
};

static bool is_at(const struct reader *reader, char byte)
{
    return reader->at < reader->end && *reader->at == byte;
}

/* Reads up to one of the `ends`, or to a quote where it began with one. Gives the length. */
static size_t read_text(struct reader *reader, const char *ends, bool quoted, char *text,
                        size_t capacity)
{
    size_t len = 0;
    for (;; reader->at++) {
        CHECK(reader->at < reader->end);
        char byte = *reader->at;
        bool ended = quoted ? byte == '"' : byte != '\0' && strchr(ends, byte);
        if (ended)
            return len;
        CHECK(byte != '\n'); /* a line end that nothing escapes */
        if (byte == '\\') {
            reader->at++;
            CHECK(reader->at < reader->end);
            byte = *reader->at;
        }
        CHECK(len < capacity);
        text[len++] = byte;
    }
}

static void read_name(struct reader *reader, const char *ends, char name[64])
{
    size_t len = read_text(reader, ends, false, name, 63);
    name[len] = '\0';
}

static void read_cells(struct reader *reader, struct read_line *line, bool symbols)
{
    do {
        CHECK(line->count < COLUMNS);
        struct read_cell *cell = &line->cell[line->count++];
        size_t capacity = (size_t)(reader->end - reader->at);
        reader->at++;
        read_name(reader, "=", cell->name);
        reader->at++;
        cell->symbol = symbols;
        cell->quoted = !symbols && is_at(reader, '"');
        cell->text = malloc(capacity + 1);
        CHECK(cell->text);
        reader->at += cell->quoted;
        cell->len = read_text(reader, ", \n", cell->quoted, cell->text, capacity);
        cell->text[cell->len] = '\0';
        reader->at += cell->quoted;
    } while (is_at(reader, ','));
}

static void read_line(str text, struct read_line *line)
{
    struct reader reader = {text.ptr, text.ptr + text.len};
    *line = (struct read_line){0};
    read_name(&reader, ", ", line->table);
    if (is_at(&reader, ','))
        read_cells(&reader, line, true);
    CHECK(is_at(&reader, ' '));
    read_cells(&reader, line, false);
    CHECK(is_at(&reader, ' '));
    reader.at++;
    size_t len = read_text(&reader, "\n", false, line->time, sizeof(line->time) - 1);
    line->time[len] = '\0';
    CHECK(is_at(&reader, '\n') && reader.at + 1 == reader.end);
}

/* ---- random rows ---- */

struct random_row {
    struct column column[COLUMNS];
    struct ilp_column line_column[COLUMNS];
    char lead[COLUMNS][5];
    struct value value[COLUMNS];
    struct record record;
    struct change change;
    size_t count;
};

static const enum ilp_type types[] = {ILP_SYMBOL, ILP_TEXT,   ILP_INT, ILP_LONG,
                                      ILP_DOUBLE, ILP_NUMBER, ILP_TEXT};

/* Up to the byte 0xff, which no text holds. */
static str take_text(str *input)
{
    const char *end = input->len ? memchr(input->ptr, 0xff, input->len) : NULL;
    str text = str_head(*input, end ? (size_t)(end - input->ptr) : input->len);
    *input = str_from_at(*input, text.len + 1);
    return copy_exact(text);
}

static void make_row(struct random_row *row, str *input)
{
    *row = (struct random_row){.count = 1 + take_byte(input) % COLUMNS};
    for (size_t i = 0; i < row->count; i++) {
        unsigned choice = take_byte(input);
        static const enum value_kind kinds[] = {VALUE_NULL, VALUE_TEXT, VALUE_NUMBER, VALUE_TEXT};
        row->column[i] = (struct column){.kind = COLUMN_COPY, .copied = i};
        row->value[i].kind = kinds[choice / 16 % 4];
        if (row->value[i].kind != VALUE_NULL)
            row->value[i].text = take_text(input);
        /* No other text is ever called one. */
        if (row->value[i].kind == VALUE_NUMBER && !is_number(row->value[i].text))
            row->value[i].kind = VALUE_TEXT;
        memcpy(row->lead[i], ",c0=", sizeof(row->lead[i]));
        row->lead[i][2] = (char)('0' + i);
        row->line_column[i] = (struct ilp_column){row->column[i],
                                                  types[choice % (sizeof(types) / sizeof(*types))],
                                                  str_from(row->lead[i])};
    }
    /* A line has one field at least, as every line of the sink has. */
    row->line_column[0].type = ILP_TEXT;
    if (row->value[0].kind == VALUE_NULL)
        row->value[0] = (struct value){VALUE_TEXT, copy_exact(STR("x"))};
    ilp_sort(row->line_column, row->count);
    row->change = (struct change){.record = &row->record, .copied = row->value};
}

/* ---- comparison ---- */

static void check_number(const struct read_cell *cell, const struct ilp_column *column, str text)
{
    char *end, want[2000];
    CHECK(!cell->quoted && text.len < sizeof(want));
    memcpy(want, text.ptr, text.len);
    want[text.len] = '\0';
    if (column->type == ILP_INT || column->type == ILP_LONG) {
        CHECK(cell->len > 1 && cell->text[cell->len - 1] == 'i');
        CHECK(strtoll(cell->text, &end, 10) == strtoll(want, NULL, 10) && *end == 'i');
        return;
    }
    double number = strtod(cell->text, &end);
    CHECK(*end == '\0' && end > cell->text && isfinite(number));
    CHECK(strtod(want, NULL) == number);
}

static bool is_left_out(const struct ilp_column *column, struct value value)
{
    char digits[2000], *end;
    if (value.kind == VALUE_NULL)
        return true;
    if (column->type != ILP_NUMBER)
        return false;
    if (value.kind != VALUE_NUMBER || value.text.len >= 1024 || value.text.len == 0)
        return true;
    memcpy(digits, value.text.ptr, value.text.len);
    digits[value.text.len] = '\0';
    double number = strtod(digits, &end);
    return end != digits + value.text.len || !isfinite(number);
}

static void compare(const struct random_row *row, const struct read_line *line)
{
    size_t found = 0;
    CHECK(strcmp(line->table, "a b") == 0);
    for (size_t i = 0; i < row->count; i++) {
        const struct ilp_column *column = &row->line_column[i];
        struct value value = row->value[column->column.copied];
        if (is_left_out(column, value))
            continue;
        CHECK(found < line->count);
        const struct read_cell *cell = &line->cell[found++];
        CHECK(cell->name[0] == 'c' && (size_t)(cell->name[1] - '0') == column->column.copied);
        CHECK(cell->symbol == (column->type == ILP_SYMBOL));
        if (column->type != ILP_SYMBOL && column->type != ILP_TEXT) {
            check_number(cell, column, value.text);
            continue;
        }
        CHECK(cell->quoted == (column->type == ILP_TEXT));
        CHECK(str_eq((str){cell->text, cell->len}, value.text));
    }
    CHECK(found == line->count);
}

static void check_row(const struct random_row *row, int64_t time_us)
{
    struct fault fault = {0};
    struct batch batch = {0};
    struct buf out;
    struct row view = {&row->change, NULL};
    struct ilp ilp = {.table = STR("a\\ b"), .column = row->line_column, .count = row->count};
    buf_init(&out, (size_t)1024 * 1024);
    if (ilp_row(&ilp, &view, &batch, &out, &fault)) {
        struct read_line line;
        read_line(buf_view(&out), &line);
        compare(row, &line);
        CHECK(strtoll(line.time, NULL, 10) == time_us);
        for (size_t i = 0; i < line.count; i++)
            free(line.cell[i].text);
    } else {
        check_fault(&fault);
        CHECK(fault.kind == FAULT_RECORD);
    }
    buf_release(&out);
}

/* ---- the same cells in a file ---- */

static bool is_all_text(const struct random_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        if (!is_utf8(row->value[i].text))
            return false;
    return true;
}

/* What went in comes out, cell for cell, however the file is set up. */
static void check_file(struct random_row *row, unsigned choice)
{
    static const char *const nulls[] = {"", "\\N", "NULL"};
    struct fault fault = {0};
    struct batch batch = {0};
    struct buf out;
    struct row view = {&row->change, NULL};
    struct layout layout = {
        .column = row->column, .count = row->count, .copied_count = row->count, .ready = true};
    struct encoder encoder = {.type = choice & 1 ? &pgcopy_encoder : &csv_encoder,
                              .layout = &layout,
                              .null_text = str_from(choice & 1 ? "\\N" : nulls[choice / 2 % 3]),
                              .formula_guard = !(choice & 1) && choice / 8 % 2};
    buf_init(&out, (size_t)1024 * 1024);
    if (encoder_row(&encoder, &view, &batch, &out, &fault)) {
        readback_row(&encoder, &view, &batch, buf_view(&out));
    } else {
        check_fault(&fault);
        CHECK(fault.kind == FAULT_RECORD && readback_may_refuse(&encoder, &view, &batch));
    }
    buf_release(&out);
}

/* A name holds nothing that QuestDB forbids, whatever it was made from. */
static void check_names(str name)
{
    for (int table = 0; table < 2; table++) {
        struct buf out;
        buf_init(&out, (size_t)1024 * 1024);
        (table ? ilp_put_table_name : ilp_put_column_name)(&out, name);
        for (size_t i = 0; i < out.len; i++) {
            unsigned char byte = (unsigned char)out.ptr[i];
            CHECK(byte >= 0x10 && byte != 0x7f && !strchr("?,'\"\\/:)(+*%~", byte));
            CHECK(table || (byte != '-' && byte != '.'));
            bool edge = i == 0 || i + 1 == out.len;
            CHECK(byte != '.' || (!edge && out.ptr[i - 1] != '.'));
            CHECK(!table || !edge || byte != ' ');
        }
        CHECK(out.len <= name.len && (name.len == 0 || out.len > 0));
        buf_release(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str input = {(const char *)data, size};
    struct random_row row;
    check_names(input);
    int64_t time_us = 1 + (int64_t)take_byte(&input) * 1000000007;
    make_row(&row, &input);
    row.change.source_us = time_us;
    check_row(&row, time_us);
    if (is_all_text(&row))
        check_file(&row, size ? data[size - 1] : 0);
    for (size_t i = 0; i < row.count; i++)
        free((char *)(uintptr_t)row.value[i].text.ptr);
    return 0;
}
