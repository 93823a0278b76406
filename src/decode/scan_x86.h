/*
 * scan_x86: SCAN_WIDTH bytes at a time with AVX2, or with SSE2, which every x86-64 has. Internal to
 * scan.
 */
#ifndef FIELDTRAIL_SCAN_X86_H
#define FIELDTRAIL_SCAN_X86_H

#include <immintrin.h>

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

#endif
