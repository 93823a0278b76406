/*
 * A ring of rows as JSON, filled at a bounded rate.
 */
#include "latest.h"

#include "mem.h"

/* At most all of the ring is replaced in so many milliseconds. */
#define WINDOW_MS 500
/* Bytes of a value that are shown. */
#define VALUE_BYTES 200

void latest_begin(struct latest *latest)
{
    if (!latest->row)
        latest->row = mem_alloc(LATEST_ROWS * sizeof(*latest->row));
    for (size_t i = 0; latest->row && i < LATEST_ROWS; i++)
        latest->row[i].number = 0;
}

void latest_release(struct latest *latest)
{
    mem_free(latest->row);
    *latest = (struct latest){0};
}

/* A value that is no text is shown as what it is, unless it is too long to be. */
static void put_cell(struct value value, enum column_kind kind, struct buf *out)
{
    bool bare = value.kind == VALUE_NUMBER || value.kind == VALUE_BOOL;
    bool text = kind == COLUMN_OLD_VALUE || kind == COLUMN_NEW_VALUE;
    if (!value_has_text(value))
        buf_str(out, STR("null"));
    else if (bare && !text && value.text.len <= VALUE_BYTES)
        buf_str(out, value.text);
    else if (value.text.len <= VALUE_BYTES)
        buf_json_string(out, value.text);
    else {
        buf_json_string(out, str_whole(str_head(value.text, VALUE_BYTES)));
        out->len--; /* the quote comes behind the ellipsis */
        buf_str(out, STR("…\""));
    }
}

/* Columns that do not fit any more are left out. */
static void put_row(struct latest_row *kept, const struct row *row, const struct batch *batch,
                    const struct layout *layout)
{
    struct buf out = {
        .ptr = kept->text, .capacity = sizeof(kept->text) - 1, .limit = sizeof(kept->text) - 1};
    char scratch[CELL_SCRATCH];
    buf_format(&out, "{\"n\":%llu", (unsigned long long)kept->number);
    for (size_t i = 0; i < layout->count; i++) {
        const struct column *column = &layout->column[i];
        size_t before = out.len;
        buf_char(&out, ',');
        buf_json_string(&out, column->name);
        buf_char(&out, ':');
        put_cell(row_cell(row, column, batch, scratch), column->kind, &out);
        if (out.failed) {
            buf_cut(&out, before);
            break;
        }
    }
    kept->text[out.len] = '}';
    kept->len = out.len + 1;
}

void latest_take(struct latest *latest, const struct batch *batch, const struct layout *layout,
                 int64_t now_ms)
{
    if (!latest->row || !layout->ready || batch->row_count == 0)
        return;
    if (now_ms - latest->window_ms >= WINDOW_MS) {
        latest->window_ms = now_ms;
        latest->taken = 0;
    }
    size_t left = LATEST_ROWS - latest->taken;
    size_t count = batch->row_count < left ? batch->row_count : left;
    for (size_t i = batch->row_count - count; i < batch->row_count; i++) {
        if (batch->row[i].change->op == CHANGE_MESSAGE)
            continue; /* its columns are others */
        struct latest_row *kept = &latest->row[latest->count % LATEST_ROWS];
        kept->number = ++latest->count;
        put_row(kept, &batch->row[i], batch, layout);
    }
    latest->taken += count;
}

void latest_write(const struct latest *latest, struct buf *out)
{
    for (uint64_t i = 0; latest->row && i < LATEST_ROWS && i < latest->count; i++) {
        const struct latest_row *kept = &latest->row[(latest->count - 1 - i) % LATEST_ROWS];
        if (i > 0)
            buf_char(out, ',');
        buf_str(out, (str){kept->text, kept->len});
    }
}
