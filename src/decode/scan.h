/*
 * scan: runs over JSON's tokens, many bytes at a time where the processor can. It takes what
 * RFC 8259 allows and nothing else; what it does not take, yajl judges.
 */
#ifndef FIELDTRAIL_SCAN_H
#define FIELDTRAIL_SCAN_H

#include <fieldtrail/str.h>

/* Bytes that are looked at together; not defined where the processor cannot. */
#ifdef __SSE2__
#define SCAN_WIDTH 32
#include "scan_x86.h"
#elif defined(__AARCH64EL__)
#define SCAN_WIDTH 32
#include "scan_neon.h"
#endif

/* Containers within a value that scan_value goes into; deeper ones are left to yajl. */
#define SCAN_DEPTH_LIMIT 32

static inline bool scan_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool scan_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *scan_blanks(const char *at, const char *end)
{
    while (at < end && scan_is_blank(*at))
        at++;
    return at;
}

/* False for what cannot simply be passed over in a string: quotes, backslashes, control characters
   and whatever is no ASCII. */
static inline bool scan_is_plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

#ifdef SCAN_WIDTH
/* Passes over many plain bytes, as many at a time as this processor can: what it gives stands
   before the first byte that is not plain, or is it. */
const char *scan_plain_text(const char *at, const char *end);

/* Texts that go on behind so many bytes are long. */
#define SCAN_LONG ((ptrdiff_t)8 * SCAN_WIDTH)
#endif

/* The first byte that is not plain, or `end`. */
static inline const char *scan_plain(const char *at, const char *end)
{
#ifdef SCAN_WIDTH
    const char *far = end - at > SCAN_LONG ? at + SCAN_LONG : end;
    for (; end - at >= SCAN_WIDTH; at += SCAN_WIDTH) {
        uint32_t odd = scan_odd_bits(at);
        if (odd)
            return at + __builtin_ctz(odd);
        if (at >= far) {
            at = scan_plain_text(at, end) - SCAN_WIDTH;
            far = end;
        }
    }
#endif
    while (at < end && scan_is_plain(*at))
        at++;
    return at;
}

/* The first byte that is no digit, or `end`. */
static inline const char *scan_digits(const char *at, const char *end)
{
#ifdef SCAN_WIDTH
    for (; end - at >= SCAN_WIDTH; at += SCAN_WIDTH) {
        uint32_t others = scan_other_bits(at);
        if (others)
            return at + __builtin_ctz(others);
    }
#endif
    while (at < end && scan_is_digit(*at))
        at++;
    return at;
}

/* The closing quote of the string whose opening one stands before `at`; NULL where its end is
   missing, or anything in it is not allowed. */
const char *scan_string_with_care(const char *at, const char *end, bool *escaped);

static inline const char *scan_string(const char *at, const char *end, bool *escaped)
{
    *escaped = false;
    at = scan_plain(at, end);
    return at < end && *at == '"' ? at : scan_string_with_care(at, end, escaped);
}

/* Behind the number that begins at `at`, or NULL. */
const char *scan_number_with_care(const char *at, const char *end);

static inline const char *scan_number(const char *at, const char *end)
{
    const char *behind = scan_digits(at, end);
    bool whole = behind > at && *at != '0' && behind < end
                 && (*behind == ',' || *behind == '}' || *behind == ']');
    return whole ? behind : scan_number_with_care(at, end);
}

/* Behind the word at `at`, or NULL. */
static inline const char *scan_word(const char *at, const char *end, const char *word, size_t len)
{
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0 ? at + len : NULL;
}

/* Behind the value that begins at `at`, or NULL where it is none or nests deeper than `depth`. */
const char *scan_value(const char *at, const char *end, unsigned depth);

/* Writes a string's text without its escapes, at most as many bytes as it has, and gives where it
   ends; NULL for a lone surrogate. The escapes are known to be well formed. */
char *scan_unescape(str raw, char *out);

#endif
