/*
 * buf: bytes being written, with a stated maximum and a sticky error: after the first append that
 * does not fit nothing more is written and `failed` stays set, so writers check once at the end.
 */
#ifndef FIELDTRAIL_BUF_H
#define FIELDTRAIL_BUF_H

#include <fieldtrail/str.h>

struct buf {
    char *ptr;
    size_t len, capacity, limit;
    bool failed;
    bool full; /* it failed by its limit, and not for want of memory */
};

/* Empty, to hold `limit` bytes at the most. Allocates nothing yet. */
void buf_init(struct buf *buf, size_t limit);
void buf_release(struct buf *buf);

/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *buf);

/* Cuts back to `len` bytes, as they were when the buffer had that length, and forgets the error. */
void buf_cut(struct buf *buf, size_t len);

/* Makes room for `more` bytes; false (and sticky) where limit or memory ran out. */
bool buf_grow(struct buf *buf, size_t more);

static inline bool buf_reserve(struct buf *buf, size_t more)
{
    return (buf->capacity - buf->len >= more && !buf->failed) || buf_grow(buf, more);
}

static inline void buf_str(struct buf *buf, str text)
{
    if (text.ptr && text.len > 0 && buf_reserve(buf, text.len)) {
        memcpy(buf->ptr + buf->len, text.ptr, text.len);
        buf->len += text.len;
    }
}

static inline void buf_char(struct buf *buf, char byte)
{
    if (buf_reserve(buf, 1))
        buf->ptr[buf->len++] = byte;
}

void buf_int64(struct buf *buf, int64_t number);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text between these quotes, each of them in it doubled: as in SQL and CSV. */
void buf_quoted(struct buf *buf, char quote, str text);

/* The text as a JSON string with its quotes: the shortest form RFC 8259 allows. */
void buf_json_string(struct buf *buf, str text);

/* Standard base64 with padding (RFC 4648, section 4). */
void buf_base64(struct buf *buf, str bytes);

static inline str buf_view(const struct buf *buf)
{
    return (str){buf->ptr, buf->len};
}

#endif
