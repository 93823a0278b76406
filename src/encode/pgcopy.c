/*
 * PostgreSQL's COPY, text format: tab between columns, backslash escapes (documentation of COPY,
 * "Text Format").
 */
#include "encoders.h"

static char escape_of(char c)
{
    switch (c) {
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\v':
        return 'v';
    case '\\':
        return '\\';
    default:
        return 0;
    }
}

#ifdef __SSE2__
#include <emmintrin.h>

#define WIDTH 16

/* Whether one of 16 bytes is a backslash or a control character. Bytes beyond ASCII are neither. */
static inline bool has_odd_byte(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i blank = _mm_set1_epi8(0x20);
    __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, blank),
                                       _mm_cmpeq_epi8(_mm_max_epu8(bytes, blank), blank));
    return _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))))
           != 0;
}

/* How many bytes at the beginning surely need no escape. */
static size_t plain_length(str text)
{
    size_t len = 0;
    while (len + WIDTH <= text.len && !has_odd_byte(text.ptr + len))
        len += WIDTH;
    return len;
}
#else
static size_t plain_length(str text)
{
    (void)text;
    return 0;
}
#endif

static bool put_text(str text, struct buf *out, struct fault *fault)
{
    size_t done = 0;
    for (size_t i = plain_length(text); i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x20 && text.ptr[i] != '\\')
            continue;
        char escape = escape_of(text.ptr[i]);
        if (text.ptr[i] == '\0')
            return fault_set(
                fault, FAULT_RECORD,
                "a value holds U+0000, which PostgreSQL cannot hold: leave the column out, "
                "or use format=jsonl");
        if (!escape)
            continue;
        buf_str(out, (str){text.ptr + done, i - done});
        buf_char(out, '\\');
        buf_char(out, escape);
        done = i + 1;
    }
    buf_str(out, str_from_at(text, done));
    return true;
}

/* A value that reads like the null text must not: its first letter is escaped, which COPY undoes
   for every letter that means nothing behind a backslash. The usual \N needs none of it, for a
   value's own backslash is doubled. */
static bool put_cell(const struct encoder *encoder, struct value value, struct buf *out,
                     struct fault *fault)
{
    if (!value_has_text(value)) {
        buf_str(out, encoder->null_text);
        return true;
    }
    if (encoder->null_text.len > 0 && str_eq(value.text, encoder->null_text)
        && value.text.ptr[0] != '\\') {
        buf_format(out, "\\%03o", (unsigned char)value.text.ptr[0]);
        return put_text(str_from_at(value.text, 1), out, fault);
    }
    if (value.text.len == 0 && encoder->null_text.len == 0)
        return fault_set(fault, FAULT_RECORD,
                         "an empty text would be read as NULL: with format=copy choose another "
                         "format.null");
    return put_text(value.text, out, fault);
}

static void pgcopy_head(const struct encoder *encoder, struct buf *out)
{
    const struct layout *layout = encoder->layout;
    struct fault fault;
    for (size_t i = 0; i < layout->count; i++) {
        if (i > 0)
            buf_char(out, '\t');
        /* Names come from the configuration or from JSON that was checked; they hold no U+0000. */
        if (!put_text(layout->column[i].name, out, &fault))
            continue;
    }
    buf_char(out, '\n');
}

static bool pgcopy_row(const struct encoder *encoder, const struct row *row,
                       const struct batch *batch, struct buf *out, struct fault *fault)
{
    const struct layout *layout = encoder->layout;
    char scratch[CELL_SCRATCH];
    for (size_t i = 0; i < layout->count; i++) {
        struct value value = row_cell(row, &layout->column[i], batch, scratch);
        if (i > 0)
            buf_char(out, '\t');
        if (!put_cell(encoder, value, out, fault))
            return fault_in(fault, "column %.*s", STR_ARG(layout->column[i].name));
    }
    buf_char(out, '\n');
    return encoder_end(out, fault);
}

const struct encoder_type pgcopy_encoder = {
    .name = "copy", .null_text = "\\N", .can_head = true, .head = pgcopy_head, .row = pgcopy_row};
