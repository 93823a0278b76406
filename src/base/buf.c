/*
 * Bounded byte buffer. Growth doubles up to the limit; the first append that does not fit sets the
 * sticky error.
 */
#include <fieldtrail/buf.h>

#include <stdarg.h>
#include <stdio.h>

#include "mem.h"

#define FIRST_CAPACITY ((size_t)4096)

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_release(struct buf *buf)
{
    mem_free(buf->ptr);
    *buf = (struct buf){.limit = buf->limit};
}

void buf_clear(struct buf *buf)
{
    buf_cut(buf, 0);
}

void buf_cut(struct buf *buf, size_t len)
{
    if (len < buf->len)
        buf->len = len;
    buf->failed = buf->full = false;
}

bool buf_grow(struct buf *buf, size_t more)
{
    if (buf->failed || more > buf->limit || buf->len > buf->limit - more) {
        buf->full = buf->full || !buf->failed;
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->capacity ? buf->capacity : FIRST_CAPACITY;
    while (wanted < buf->len + more)
        wanted *= 2;
    if (wanted > buf->limit)
        wanted = buf->limit;
    char *ptr = mem_realloc(buf->ptr, wanted);
    if (!ptr) {
        buf->failed = true;
        return false;
    }
    buf->ptr = ptr;
    buf->capacity = wanted;
    return true;
}

void buf_int64(struct buf *buf, int64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    /* The magnitude as unsigned: INT64_MIN has no positive twin. */
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    for (; left >= 100; left /= 100)
        memcpy(digits + (at -= 2), str_two_digits + left % 100 * 2, 2);
    if (left >= 10)
        memcpy(digits + (at -= 2), str_two_digits + left * 2, 2);
    else
        digits[--at] = (char)('0' + left);
    if (number < 0)
        buf_char(buf, '-');
    buf_str(buf, (str){digits + at, sizeof(digits) - at});
}

void buf_format(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (wanted >= 0 && buf_reserve(buf, (size_t)wanted + 1)) {
        vsnprintf(buf->ptr + buf->len, (size_t)wanted + 1, format, again);
        buf->len += (size_t)wanted;
    }
    va_end(again);
}

void buf_quoted(struct buf *buf, char quote, str text)
{
    buf_char(buf, quote);
    /* Each quote is doubled: once at the end of the part before it, once in front of the next. */
    for (bool first = true; text.len > 0 || first; first = false) {
        const char *found = text.len ? memchr(text.ptr, quote, text.len) : NULL;
        str part = str_head(text, found ? (size_t)(found - text.ptr) + 1 : text.len);
        buf_str(buf, part);
        if (found)
            buf_char(buf, quote);
        text = str_from_at(text, part.len);
    }
    buf_char(buf, quote);
}

/* What stands behind the backslash for `byte`, 'u' for the long form, 0 where none is needed. */
static char json_escape(unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return (char)byte;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return byte < 0x20 ? 'u' : 0;
    }
}

void buf_json_string(struct buf *buf, str text)
{
    buf_char(buf, '"');
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        char escape = json_escape((unsigned char)text.ptr[i]);
        if (!escape)
            continue;
        buf_str(buf, (str){text.ptr + done, i - done});
        done = i + 1;
        if (escape == 'u') {
            buf_format(buf, "\\u%04x", (unsigned char)text.ptr[i]);
        } else {
            buf_char(buf, '\\');
            buf_char(buf, escape);
        }
    }
    buf_str(buf, str_from_at(text, done));
    buf_char(buf, '"');
}

void buf_base64(struct buf *buf, str bytes)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned long group = (unsigned long)in[i] << 16;
        group |= left > 1 ? (unsigned long)in[i + 1] << 8 : 0;
        group |= left > 2 ? in[i + 2] : 0;
        char out[4] = {digit[group >> 18], digit[group >> 12 & 63], '=', '='};
        if (left > 1)
            out[2] = digit[group >> 6 & 63];
        if (left > 2)
            out[3] = digit[group & 63];
        buf_str(buf, (str){out, 4});
    }
}
