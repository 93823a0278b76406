/*
 * JSON lines: one object a row. old_value and new_value are always texts or null, for one column
 * must not change its type from row to row; all others keep theirs.
 */
#include "encoders.h"

static void put_cell(struct value value, enum column_kind kind, struct buf *out)
{
    bool always_text = kind == COLUMN_OLD_VALUE || kind == COLUMN_NEW_VALUE;
    if (!value_has_text(value))
        buf_str(out, STR("null"));
    else if (!always_text && (value.kind == VALUE_NUMBER || value.kind == VALUE_BOOL))
        buf_str(out, value.text);
    else
        buf_json_string(out, value.text);
}

static void jsonl_head(const struct encoder *encoder, struct buf *out)
{
    (void)encoder; /* every line names its columns */
    (void)out;
}

static bool jsonl_row(const struct encoder *encoder, const struct row *row,
                      const struct batch *batch, struct buf *out, struct fault *fault)
{
    const struct layout *layout = encoder->layout;
    char scratch[CELL_SCRATCH];
    buf_char(out, '{');
    for (size_t i = 0; i < layout->count; i++) {
        const struct column *column = &layout->column[i];
        if (i > 0)
            buf_char(out, ',');
        buf_json_string(out, column->name);
        buf_char(out, ':');
        put_cell(row_cell(row, column, batch, scratch), column->kind, out);
    }
    buf_str(out, STR("}\n"));
    return encoder_end(out, fault);
}

const struct encoder_type jsonl_encoder = {
    .name = "jsonl", .null_text = NULL, .can_head = false, .head = jsonl_head, .row = jsonl_row};
