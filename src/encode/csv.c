/*
 * CSV as RFC 4180 has it, with the two conventions of PostgreSQL's COPY … csv: NULL is the null
 * text without quotes, and a value that looks like it stands in quotes.
 */
#include "encoders.h"

#include "clock.h"

/* Bytes that must stand in quotes, and U+0000, which cannot be written. */
static inline bool is_odd(char c)
{
    return c == ',' || c == '"' || c == '\n' || c == '\r' || c == '\0';
}

#ifdef __SSE2__
#include <emmintrin.h>

#define WIDTH 16

/* Whether one of the bytes is odd. Most texts have only bytes beyond the comma, which no odd byte
   is. */
static inline bool are_odd(__m128i bytes)
{
    const __m128i comma = _mm_set1_epi8(',');
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, comma), bytes)) == 0)
        return false;
    __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, comma),
                               _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
    odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
    return _mm_movemask_epi8(odd) != 0;
}

static inline bool copy_block(char *out, const char *text)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
    return !are_odd(bytes);
}

/* The last block overlaps the one before it. */
static inline bool copy_long(char *out, const char *text, size_t len)
{
    for (size_t i = 0; i + WIDTH < len; i += WIDTH)
        if (!copy_block(out + i, text + i))
            return false;
    return copy_block(out + len - WIDTH, text + len - WIDTH);
}

/* A high bit where a byte is at most the comma, as all odd ones are; exact for the lowest of them,
   so zero says that there is none. */
static inline uint64_t low_bytes(uint64_t bytes)
{
    return (bytes - 0x2d2d2d2d2d2d2d2dULL) & ~bytes & 0x8080808080808080ULL;
}

static inline bool are_plain(uint64_t first, uint64_t last)
{
    return (low_bytes(first) | low_bytes(last)) == 0
           || !are_odd(_mm_set_epi64x((int64_t)first, (int64_t)last));
}

/* Between 8 and 16 bytes: the first and the last of them, which overlap. */
static inline bool copy_words(char *out, const char *text, size_t len)
{
    uint64_t first, last;
    memcpy(&first, text, sizeof(first));
    memcpy(&last, text + len - sizeof(last), sizeof(last));
    memcpy(out, &first, sizeof(first));
    memcpy(out + len - sizeof(last), &last, sizeof(last));
    return are_plain(first, last);
}

/* The same between 4 and 8. */
static inline bool copy_halves(char *out, const char *text, size_t len)
{
    uint32_t first, last;
    memcpy(&first, text, sizeof(first));
    memcpy(&last, text + len - sizeof(last), sizeof(last));
    memcpy(out, &first, sizeof(first));
    memcpy(out + len - sizeof(last), &last, sizeof(last));
    uint64_t both = (uint64_t)last << 32 | first;
    return are_plain(both, both);
}

/* Copies the text while it looks for odd bytes; false where it has found one. */
static inline bool copy_plain(char *out, const char *text, size_t len)
{
    if (len >= WIDTH)
        return copy_long(out, text, len);
    if (len >= 8)
        return copy_words(out, text, len);
    if (len >= 4)
        return copy_halves(out, text, len);
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
        || (text.len > 0 && buf_reserve(out, text.len)
            && !copy_plain(out->ptr + out->len, text.ptr, text.len)))
        return false;
    out->len += out->failed ? 0 : text.len;
    return true;
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
    buf_quoted(out, '"', value.text);
    if (encoder->formula_guard && is_formula(value) && buf_reserve(out, 1)) {
        /* The apostrophe goes behind the opening quote. */
        memmove(out->ptr + start + 2, out->ptr + start + 1, out->len - start - 1);
        out->ptr[start + 1] = '\'';
        out->len++;
    }
    return true;
}

static bool put_value(const struct encoder *encoder, struct value value, struct buf *out,
                      struct fault *fault)
{
    if (!value_has_text(value)) {
        buf_str(out, encoder->null_text);
        return true;
    }
    bool guarded = encoder->formula_guard && is_formula(value);
    return (!guarded && put_plain(out, value.text, encoder->null_text))
           || put_guarded(encoder, value, out, fault);
}

static void csv_head(const struct encoder *encoder, struct buf *out)
{
    const struct layout *layout = encoder->layout;
    for (size_t i = 0; i < layout->count; i++) {
        str name = layout->column[i].name;
        if (i > 0)
            buf_char(out, ',');
        if (!put_plain(out, name, encoder->null_text))
            buf_quoted(out, '"', name);
    }
    buf_char(out, '\n');
}

/* ---- rows ---- */

static bool put_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                    struct buf *out, struct fault *fault)
{
    const struct layout *layout = encoder->layout;
    char scratch[CELL_SCRATCH];
    for (size_t i = 0; i < layout->count; i++) {
        struct value value = row_cell(row, &layout->column[i], batch, scratch);
        if (!put_value(encoder, value, out, fault))
            return fault_in(fault, "column %.*s", STR_ARG(layout->column[i].name));
        buf_char(out, i + 1 < layout->count ? ',' : '\n');
    }
    return encoder_end(out, fault);
}

/* Between 1 and 3 bytes: the first, the one in the middle, the last. */
static inline bool copy_short(char *out, const char *text, size_t len)
{
    out[0] = text[0];
    out[len / 2] = text[len / 2];
    out[len - 1] = text[len - 1];
    return !is_odd(out[0]) && !is_odd(out[len / 2]) && !is_odd(out[len - 1]);
}

/* The short ones may be mistakable: the empty text and \. */
static inline bool copy_quick(char *out, str text)
{
    return text.len > 2
               ? copy_plain(out, text.ptr, text.len)
               : text.len > 0 && text.ptr[0] != '\\' && copy_short(out, text.ptr, text.len);
}

/* A value that is NULL or stands as it is, and a comma. NULL where it must stand in quotes, or has
   no room before `end`. */
static char *put_quick_value(char *at, const char *end, const struct value *value)
{
    str text = value_has_text(*value) ? value->text : STR_EMPTY;
    if (!at || end - at <= (ptrdiff_t)text.len || (value_has_text(*value) && !copy_quick(at, text)))
        return NULL;
    at[text.len] = ',';
    return at + text.len + 1;
}

/* What follows the values of a usual row: four times, op and old_known. */
#define SMALL_CELLS ((size_t)4 * TIMESTAMP_SIZE)

/* A time as timestamp_print has it, between 16 and 32 bytes; nothing in it needs quotes. */
static inline char *put_quick_time(char *at, str time)
{
    memcpy(at, time.ptr, 16);
    memcpy(at + time.len - 16, time.ptr + time.len - 16, 16);
    at[time.len] = ',';
    return at + time.len + 1;
}

/* One of the three times, and the others NULL. */
static inline char *put_quick_event(char *at, const struct change *change)
{
    size_t before = row_event_column(change->op) - COLUMN_DATETIME_CREATED;
    at[0] = at[1] = ',';
    at = put_quick_time(at + before, change->event_text);
    at[0] = at[1] = ',';
    return at + 2 - before;
}

/* The columns that layouts usually begin with. The row has a field, and its times are printed. */
static inline char *put_usual_columns(char *at, const char *end, const struct row *row,
                                      const struct layout *layout, const struct batch *batch)
{
    const struct change *change = row->change;
    const struct field *field = row->field;
    const struct value name = {VALUE_TEXT, field->name};
    for (size_t i = 0; i < layout->copied_count; i++)
        at = put_quick_value(at, end, &change->copied[i]);
    at = put_quick_value(at, end, &name);
    at = put_quick_value(at, end, &field->before);
    at = put_quick_value(at, end, &field->after);
    if (!at || (size_t)(end - at) < SMALL_CELLS)
        return NULL;
    at = put_quick_event(at, change);
    at = put_quick_time(at, batch->inserted_text);
    *at++ = change_op_letters[change->op];
    *at++ = ',';
    static const char flag[2][8] = {"false,", "true,"};
    bool known = row_old_known(row);
    memcpy(at, flag[known], sizeof(flag[0]));
    return at + (known ? 5 : 6);
}

/* Most rows have only cells that are NULL or stand as they are. The buffer knows nothing of the row
   until it is whole. */
static bool put_quick_row(const struct layout *layout, const struct row *row,
                          const struct batch *batch, struct buf *out)
{
    const struct column *column = layout->column, *last = column + layout->count;
    const char *end = out->ptr + out->capacity;
    char *at = out->ptr + out->len;
    if (layout->usual_count > 0 && row->field && row->change->event_text.len > 0
        && batch->inserted_text.len > 0) {
        at = put_usual_columns(at, end, row, layout, batch);
        column += layout->usual_count;
    }
    for (; at && column < last; column++) {
        char scratch[CELL_SCRATCH];
        struct value value = row_cell(row, column, batch, scratch);
        at = put_quick_value(at, end, &value);
    }
    if (!at)
        return false;
    at[-1] = '\n';
    out->len = (size_t)(at - out->ptr);
    return true;
}

static bool csv_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                    struct buf *out, struct fault *fault)
{
    bool usual = encoder->null_text.len == 0 && !encoder->formula_guard && !out->failed;
    return (usual && out->capacity > 0 && put_quick_row(encoder->layout, row, batch, out))
           || put_row(encoder, row, batch, out, fault);
}

const struct encoder_type csv_encoder = {
    .name = "csv", .null_text = "", .can_head = true, .head = csv_head, .row = csv_row};
