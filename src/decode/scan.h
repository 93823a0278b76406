/*
 * scan: runs over JSON's tokens, many bytes at a time where the processor can. It takes what
 * RFC 8259 allows and nothing else; what it does not take, yajl judges.
 */
#ifndef FIELDTRAIL_SCAN_H
#define FIELDTRAIL_SCAN_H

#include <fieldtrail/str.h>

#ifdef __SSE2__
#include <immintrin.h>

/* Bytes that are looked at together; not defined where the processor cannot. */
#define SCAN_WIDTH 32
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

#ifdef __AVX2__
/* A bit for each of the SCAN_WIDTH bytes that is not plain. */
static inline uint32_t scan_odd_bits(const char *at)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
                                  _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
    /* As signed numbers, bytes beyond ASCII are less than the blank too. */
    odd = _mm256_or_si256(odd, _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), bytes));
    return (uint32_t)_mm256_movemask_epi8(odd);
}

/* A bit for each of the SCAN_WIDTH bytes that is no digit. */
static inline uint32_t scan_other_bits(const char *at)
{
    __m256i bytes = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)at),
                                    _mm256_set1_epi8('0'));
    __m256i digits = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(9)), bytes);
    return ~(uint32_t)_mm256_movemask_epi8(digits);
}

/* Zeros for the bytes that are at least `low`, and at most by `span` above it. */
static inline __m256i scan_beyond(const char *at, const unsigned char *low,
                                  const unsigned char *span)
{
    __m256i above = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(const void *)at),
                                    _mm256_loadu_si256((const __m256i *)(const void *)low));
    return _mm256_subs_epu8(above, _mm256_loadu_si256((const __m256i *)(const void *)span));
}

/* A bit for each of the SCAN_WIDTH bytes that is within. */
static inline uint32_t scan_within_bits(const char *at, const unsigned char *low,
                                        const unsigned char *span)
{
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_cmpeq_epi8(scan_beyond(at, low, span), _mm256_setzero_si256()));
}

/* Whether all of `len` bytes are within, at least SCAN_WIDTH; the last look overlaps the one before
   it. */
static inline bool scan_are_within(const char *at, const unsigned char *low,
                                   const unsigned char *span, size_t len)
{
    size_t last = len - SCAN_WIDTH;
    __m256i beyond = scan_beyond(at + last, low + last, span + last);
#pragma GCC unroll 4
    for (size_t i = 0; i < last; i += SCAN_WIDTH)
        beyond = _mm256_or_si256(beyond, scan_beyond(at + i, low + i, span + i));
    return _mm256_testz_si256(beyond, beyond) != 0;
}
#elif defined(__SSE2__)
static inline uint32_t scan_odd_half(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                               _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    odd = _mm_or_si128(odd, _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
    return (uint32_t)_mm_movemask_epi8(odd);
}

static inline uint32_t scan_digit_half(const char *at)
{
    __m128i bytes = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                 _mm_set1_epi8('0'));
    __m128i digits = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(9)), bytes);
    return (uint32_t)_mm_movemask_epi8(digits);
}

static inline __m128i scan_beyond(const char *at, const unsigned char *low,
                                  const unsigned char *span)
{
    __m128i above = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                 _mm_loadu_si128((const __m128i *)(const void *)low));
    return _mm_subs_epu8(above, _mm_loadu_si128((const __m128i *)(const void *)span));
}

static inline uint32_t scan_within_half(const char *at, const unsigned char *low,
                                        const unsigned char *span)
{
    return (uint32_t)_mm_movemask_epi8(
        _mm_cmpeq_epi8(scan_beyond(at, low, span), _mm_setzero_si128()));
}

static inline uint32_t scan_odd_bits(const char *at)
{
    return scan_odd_half(at) | scan_odd_half(at + SCAN_WIDTH / 2) << SCAN_WIDTH / 2;
}

static inline uint32_t scan_other_bits(const char *at)
{
    return ~(scan_digit_half(at) | scan_digit_half(at + SCAN_WIDTH / 2) << SCAN_WIDTH / 2);
}

static inline uint32_t scan_within_bits(const char *at, const unsigned char *low,
                                        const unsigned char *span)
{
    const size_t half = SCAN_WIDTH / 2;
    return scan_within_half(at, low, span)
           | scan_within_half(at + half, low + half, span + half) << half;
}

static inline bool scan_are_within(const char *at, const unsigned char *low,
                                   const unsigned char *span, size_t len)
{
    const size_t half = SCAN_WIDTH / 2;
    size_t last = len - half;
    __m128i beyond = scan_beyond(at + last, low + last, span + last);
    for (size_t i = 0; i < last; i += half)
        beyond = _mm_or_si128(beyond, scan_beyond(at + i, low + i, span + i));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(beyond, _mm_setzero_si128())) == 0xffff;
}
#endif

#ifdef SCAN_WIDTH
/* Passes over many plain bytes, as many at a time as this processor can: what it gives stands
   before the first byte that is not plain, or is it. */
const char *scan_plain_text(const char *at, const char *end);

/* Texts that go on behind so many bytes are long. */
#define SCAN_LONG (8 * SCAN_WIDTH)
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
