/*
 * CSV as RFC 4180 has it, with the two conventions of PostgreSQL's COPY … csv: NULL is the null
 * text without quotes, and a value that looks like it stands in quotes.
 */
#include "encoders.h"

static bool needs_quotes(str text, str null_text)
{
    if (str_eq(text, null_text) || str_eq(text, STR("\\.")))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == ',' || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static void put_quoted(struct buf *out, str text)
{
    str part;
    buf_char(out, '"');
    /* Each quote is doubled: once at the end of the part before it, once in front of the next. */
    for (bool first = true; text.len > 0 || first; first = false) {
        const char *quote = text.len ? memchr(text.ptr, '"', text.len) : NULL;
        part = str_head(text, quote ? (size_t)(quote - text.ptr) + 1 : text.len);
        buf_str(out, part);
        if (quote)
            buf_char(out, '"');
        text = str_from_at(text, part.len);
    }
    buf_char(out, '"');
}

/* What spreadsheets take for a formula. Numbers are what they are. */
static bool is_formula(struct value value)
{
    return value.kind != VALUE_NUMBER && value.text.len > 0 && strchr("=+-@\t\r", value.text.ptr[0])
           && value.text.ptr[0] != '\0';
}

static bool put_cell(const struct encoder *encoder, struct value value, struct buf *out,
                     struct fault *fault)
{
    if (!value_has_text(value)) {
        buf_str(out, encoder->null_text);
        return true;
    }
    if (value.text.len > 0 && memchr(value.text.ptr, '\0', value.text.len))
        return fault_set(
            fault, FAULT_RECORD,
            "a value holds U+0000, which csv and PostgreSQL cannot hold: leave the column "
            "out, or use format=jsonl");
    bool guard = encoder->formula_guard && is_formula(value);
    if (!guard && !needs_quotes(value.text, encoder->null_text)) {
        buf_str(out, value.text);
        return true;
    }
    size_t start = out->len;
    put_quoted(out, value.text);
    if (guard && buf_reserve(out, 1)) {
        /* The apostrophe goes behind the opening quote. */
        memmove(out->ptr + start + 2, out->ptr + start + 1, out->len - start - 1);
        out->ptr[start + 1] = '\'';
        out->len++;
    }
    return true;
}

static void csv_head(const struct encoder *encoder, struct buf *out)
{
    const struct layout *layout = encoder->layout;
    for (size_t i = 0; i < layout->count; i++) {
        str name = layout->column[i].name;
        if (i > 0)
            buf_char(out, ',');
        if (needs_quotes(name, encoder->null_text))
            put_quoted(out, name);
        else
            buf_str(out, name);
    }
    buf_char(out, '\n');
}

static bool csv_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                    struct buf *out, struct fault *fault)
{
    const struct layout *layout = encoder->layout;
    char scratch[CELL_SCRATCH];
    for (size_t i = 0; i < layout->count; i++) {
        struct value value = row_cell(row, &layout->column[i], batch, scratch);
        if (i > 0)
            buf_char(out, ',');
        if (!put_cell(encoder, value, out, fault))
            return fault_in(fault, "column %.*s", STR_ARG(layout->column[i].name));
    }
    buf_char(out, '\n');
    return encoder_end(out, fault);
}

const struct encoder_type csv_encoder = {
    .name = "csv", .null_text = "", .can_head = true, .head = csv_head, .row = csv_row};
