/*
 * CSV as RFC 4180 has it, with the two conventions of PostgreSQL's COPY … csv: NULL is the null
 * text without quotes, and a value that looks like it stands in quotes.
 */
#include "encoders.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define WIDTH 16

/* A bit for each of 16 bytes that must stand in quotes, or cannot be written. */
static inline unsigned odd_bytes(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(',')),
                               _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    return (unsigned)_mm_movemask_epi8(odd);
}
#endif

/* Whether the text holds a byte that must stand in quotes, or U+0000. */
static bool has_odd_byte(str text)
{
    static const bool odd[256] = {
        [0] = true, [','] = true, ['"'] = true, ['\n'] = true, ['\r'] = true};
    size_t i = 0;
#ifdef __SSE2__
    if (text.len >= WIDTH) {
        unsigned found = 0;
        for (; i + WIDTH <= text.len; i += WIDTH)
            found |= odd_bytes(text.ptr + i);
        return (found | odd_bytes(text.ptr + text.len - WIDTH)) != 0;
    }
#endif
    while (i < text.len && !odd[(unsigned char)text.ptr[i]])
        i++;
    return i < text.len;
}

/* Texts that would be read as something else without quotes. */
static inline bool is_mistakable(str text, str null_text)
{
    return (text.len == null_text.len && str_eq(text, null_text))
           || (text.len == 2 && text.ptr[0] == '\\' && text.ptr[1] == '.');
}

static bool needs_quotes(str text, str null_text)
{
    return is_mistakable(text, null_text) || has_odd_byte(text);
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

static bool put_guarded(const struct encoder *encoder, struct value value, struct buf *out,
                        struct fault *fault)
{
    if (value.text.len > 0 && memchr(value.text.ptr, '\0', value.text.len))
        return fault_set(
            fault, FAULT_RECORD,
            "a value holds U+0000, which csv and PostgreSQL cannot hold: leave the column "
            "out, or use format=jsonl");
    size_t start = out->len;
    put_quoted(out, value.text);
    if (encoder->formula_guard && is_formula(value) && buf_reserve(out, 1)) {
        /* The apostrophe goes behind the opening quote. */
        memmove(out->ptr + start + 2, out->ptr + start + 1, out->len - start - 1);
        out->ptr[start + 1] = '\'';
        out->len++;
    }
    return true;
}

static inline bool put_cell(const struct encoder *encoder, struct value value, struct buf *out,
                            struct fault *fault)
{
    if (!value_has_text(value)) {
        buf_str(out, encoder->null_text);
        return true;
    }
    if (needs_quotes(value.text, encoder->null_text)
        || (encoder->formula_guard && is_formula(value)))
        return put_guarded(encoder, value, out, fault);
    buf_str(out, value.text);
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
