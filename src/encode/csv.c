/*
 * CSV as RFC 4180 has it, with the two conventions of PostgreSQL's COPY … csv: NULL is the null
 * text without quotes, and a value that looks like it stands in quotes.
 */
#include "encoders.h"

/* Bytes that must stand in quotes, and U+0000, which cannot be written. */
static inline bool is_odd(char c)
{
    return c == ',' || c == '"' || c == '\n' || c == '\r' || c == '\0';
}

#ifdef __SSE2__
#include <emmintrin.h>

#define WIDTH 16

/* Whether all bytes are beyond the comma, as in words, numbers and times. All odd bytes are not. */
static inline bool is_beyond(__m128i bytes)
{
    const __m128i comma = _mm_set1_epi8(',');
    return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, comma), bytes)) == 0;
}

static bool has_odd_byte(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && !is_odd(text[i]))
        i++;
    return i < len;
}

static inline bool copy_long(char *out, const char *text, size_t len)
{
    bool beyond = true;
    for (size_t i = 0; i + WIDTH < len; i += WIDTH) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        beyond = is_beyond(bytes) && beyond;
        _mm_storeu_si128((__m128i *)(void *)(out + i), bytes);
    }
    __m128i last = _mm_loadu_si128((const __m128i *)(const void *)(text + len - WIDTH));
    _mm_storeu_si128((__m128i *)(void *)(out + len - WIDTH), last);
    return (beyond && is_beyond(last)) || !has_odd_byte(text, len);
}

/* Between 4 and 15 bytes: the first and the last of them, which overlap. */
static inline bool copy_medium(char *out, const char *text, size_t len)
{
    uint64_t first = 0, last = 0;
    size_t half = len < 8 ? 4 : 8;
    if (half == 4) {
        memcpy(&first, text, 4);
        memcpy(&last, text + len - 4, 4);
        memcpy(out, &first, 4);
        memcpy(out + len - 4, &last, 4);
        first |= first << 32;
        last |= last << 32;
    } else {
        memcpy(&first, text, 8);
        memcpy(&last, text + len - 8, 8);
        memcpy(out, &first, 8);
        memcpy(out + len - 8, &last, 8);
    }
    return is_beyond(_mm_set_epi64x((int64_t)first, (int64_t)last)) || !has_odd_byte(text, len);
}

/* Copies the text while it looks for odd bytes; false where it has found one. */
static inline bool copy_plain(char *out, const char *text, size_t len)
{
    if (len >= WIDTH)
        return copy_long(out, text, len);
    if (len >= 4)
        return copy_medium(out, text, len);
    bool odd = false;
    for (size_t i = 0; i < len; i++) {
        out[i] = text[i];
        odd |= is_odd(text[i]);
    }
    return !odd;
}
#else
static inline bool copy_plain(char *out, const char *text, size_t len)
{
    size_t i = 0;
    for (; i < len && !is_odd(text[i]); i++)
        out[i] = text[i];
    return i == len;
}
#endif

/* Texts that would be read as something else without quotes. */
static inline bool is_mistakable(str text, str null_text)
{
    return (text.len == null_text.len && str_eq(text, null_text))
           || (text.len == 2 && text.ptr[0] == '\\' && text.ptr[1] == '.');
}

/* Writes the text as it is, unless it must stand in quotes: false, and nothing is written. */
static inline bool put_plain(struct buf *out, str text, str null_text)
{
    /* Where there is no room the buffer has failed, and nothing more is written in either way. */
    if (is_mistakable(text, null_text)
        || (buf_reserve(out, text.len) && !copy_plain(out->ptr + out->len, text.ptr, text.len)))
        return false;
    out->len += out->failed ? 0 : text.len;
    return true;
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

static bool put_rare_cell(const struct encoder *encoder, struct value value, char behind,
                          struct buf *out, struct fault *fault)
{
    bool good = true;
    if (!value_has_text(value))
        buf_str(out, encoder->null_text);
    else if ((encoder->formula_guard && is_formula(value))
             || !put_plain(out, value.text, encoder->null_text))
        good = put_guarded(encoder, value, out, fault);
    buf_char(out, behind);
    return good;
}

/* Most cells are NULL, or stand as they are: those go straight into the buffer. */
static inline bool put_cell(const struct encoder *encoder, struct value value, char behind,
                            struct buf *out, struct fault *fault)
{
    size_t len = value_has_text(value) ? value.text.len : 0;
    bool rare = value_has_text(value)
                    ? encoder->formula_guard || is_mistakable(value.text, encoder->null_text)
                    : encoder->null_text.len > 0;
    if (rare || !buf_reserve(out, len + 1) || !copy_plain(out->ptr + out->len, value.text.ptr, len))
        return put_rare_cell(encoder, value, behind, out, fault);
    out->ptr[out->len + len] = behind;
    out->len += len + 1;
    return true;
}

static void csv_head(const struct encoder *encoder, struct buf *out)
{
    const struct layout *layout = encoder->layout;
    for (size_t i = 0; i < layout->count; i++) {
        str name = layout->column[i].name;
        if (i > 0)
            buf_char(out, ',');
        if (!put_plain(out, name, encoder->null_text))
            put_quoted(out, name);
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
        if (!put_cell(encoder, value, i + 1 < layout->count ? ',' : '\n', out, fault))
            return fault_in(fault, "column %.*s", STR_ARG(layout->column[i].name));
    }
    return encoder_end(out, fault);
}

const struct encoder_type csv_encoder = {
    .name = "csv", .null_text = "", .can_head = true, .head = csv_head, .row = csv_row};
