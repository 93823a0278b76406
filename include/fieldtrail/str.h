/*
 * str: a borrowed slice of bytes. It owns nothing and is not NUL-terminated; whoever made it says
 * how long the bytes live. Functions here never allocate and never fail but by their return value.
 */
#ifndef FIELDTRAIL_STR_H
#define FIELDTRAIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct str {
    const char *ptr;
    size_t len;
} str;

/* A list of slices; the array belongs to the arena it was made in. */
struct str_list {
    str *item;
    size_t count;
};

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
#define STR_EMPTY ((str){NULL, 0})

/* For printf: "%.*s" with STR_ARG(s). Slices longer than an int are cut. */
#define STR_ARG(s) (int)((s).len < 0x7fffffff ? (s).len : 0x7fffffff), ((s).ptr ? (s).ptr : "")

#define MUST_CHECK __attribute__((warn_unused_result))

/* A function that ordinary events do not come to. It stays one, so that those that call it need
   none of its registers and stack. */
#define SELDOM __attribute__((cold, noinline))

static inline str str_from(const char *text)
{
    return (str){text, strlen(text)};
}

/* memcmp for names, most of which are short: up to twice the width of a word is compared by the
   words at both ends, which overlap. */
static inline bool str_same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t word[4];
    uint32_t half[4];
    if (len > 2 * sizeof(word[0]))
        return memcmp(a, b, len) == 0;
    if (len >= sizeof(word[0])) {
        memcpy(&word[0], a, sizeof(word[0]));
        memcpy(&word[1], b, sizeof(word[0]));
        memcpy(&word[2], a + len - sizeof(word[0]), sizeof(word[0]));
        memcpy(&word[3], b + len - sizeof(word[0]), sizeof(word[0]));
        return ((word[0] ^ word[1]) | (word[2] ^ word[3])) == 0;
    }
    if (len >= sizeof(half[0])) {
        memcpy(&half[0], a, sizeof(half[0]));
        memcpy(&half[1], b, sizeof(half[0]));
        memcpy(&half[2], a + len - sizeof(half[0]), sizeof(half[0]));
        memcpy(&half[3], b + len - sizeof(half[0]), sizeof(half[0]));
        return ((half[0] ^ half[1]) | (half[2] ^ half[3])) == 0;
    }
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static inline bool str_eq(str a, str b)
{
    return a.len == b.len && str_same_bytes(a.ptr, b.ptr, b.len);
}

static inline bool str_is(str a, const char *text)
{
    return str_eq(a, str_from(text));
}

/* Byte by byte; a text stands before those that begin with it. */
static inline int str_compare(str a, str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool str_starts(str text, str prefix)
{
    return text.len >= prefix.len
           && (prefix.len == 0 || memcmp(text.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(str text, str suffix)
{
    return text.len >= suffix.len
           && (suffix.len == 0
               || memcmp(text.ptr + text.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* The bytes from `from` to the end; an empty slice where `from` lies behind it. */
static inline str str_from_at(str text, size_t from)
{
    return from < text.len ? (str){text.ptr + from, text.len - from} : STR_EMPTY;
}

/* The first `len` bytes, or all of them where there are fewer. */
static inline str str_head(str text, size_t len)
{
    return (str){text.ptr, len < text.len ? len : text.len};
}

/* Without the white space of JSON (space, tab, CR, LF) at both ends. */
str str_trim_blanks(str text);

/* The same; most texts have none. */
static inline str str_trim(str text)
{
    bool bare = text.len > 0 && text.ptr[0] > ' ' && text.ptr[text.len - 1] > ' ';
    return bare ? text : str_trim_blanks(text);
}

/* Splits `rest` at the first `at`: gives what stands before it and moves `rest` behind it.
   Without `at`, gives all of `rest` and leaves it empty. False where `rest` is empty. */
bool str_split(str *rest, char at, str *head);

/* How many bytes at the beginning are the same in both. Made for long texts. */
size_t str_common(str a, str b);

/* How many bytes stand before the first line feed, or all of them. Made for texts that go on far
   behind it. */
size_t str_line(str text);

/* Where `part` begins in `text`, or -1. */
ptrdiff_t str_find(str text, str part);

/* "00" to "99", one behind the other. */
extern const char str_two_digits[];

/* Reads a decimal integer with an optional sign; false where the text is anything else or the
   number does not fit. */
bool str_to_int64(str text, int64_t *number) MUST_CHECK;

/* The bytes of the well-formed UTF-8 character that `text` begins with, or 0. */
size_t str_utf8_length(str text);

/* Writes a code point as UTF-8 (at most four bytes) and gives where it ends. A surrogate is written
   as the three bytes it would have. */
char *str_put_utf8(char *out, uint32_t point);

/* True where the list has an item of exactly this text. */
bool str_list_has(const struct str_list *list, str item);

/* Without the beginning of a character that was cut at the end. */
str str_whole(str text);

/* True where the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool str_is_utf8(str text);

/* A 64-bit FNV-1a hash, `seed` chains several slices (start with STR_HASH_START). */
#define STR_HASH_START 14695981039346656037ULL
uint64_t str_hash(uint64_t seed, str text);

#endif
