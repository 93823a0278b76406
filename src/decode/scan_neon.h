/*
 * scan_neon: SCAN_WIDTH bytes at a time with NEON, which every 64-bit ARM has; scan_x86.h says what
 * each of them gives. Internal to scan.
 */
#ifndef FIELDTRAIL_SCAN_NEON_H
#define FIELDTRAIL_SCAN_NEON_H

#include <arm_neon.h>

#include <fieldtrail/str.h>

static inline uint8x16_t scan_half(const void *at)
{
    return vld1q_u8(at);
}

/* A bit for each byte of two halves, all of whose bits are set or none. */
static inline uint32_t scan_bits(uint8x16_t low, uint8x16_t high)
{
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t bit = scan_half(bits);
    uint8x16_t sums = vpaddq_u8(vandq_u8(low, bit), vandq_u8(high, bit));
    sums = vpaddq_u8(sums, sums);
    sums = vpaddq_u8(sums, sums);
    return vgetq_lane_u32(vreinterpretq_u32_u8(sums), 0);
}

static inline uint8x16_t scan_odd_half(const char *at)
{
    uint8x16_t bytes = scan_half(at);
    uint8x16_t odd = vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('"')), vceqq_u8(bytes, vdupq_n_u8('\\')));
    return vorrq_u8(odd, vcltq_s8(vreinterpretq_s8_u8(bytes), vdupq_n_s8(0x20)));
}

static inline uint32_t scan_odd_bits(const char *at)
{
    return scan_bits(scan_odd_half(at), scan_odd_half(at + SCAN_WIDTH / 2));
}

static inline uint8x16_t scan_other_half(const char *at)
{
    return vcgtq_u8(vsubq_u8(scan_half(at), vdupq_n_u8('0')), vdupq_n_u8(9));
}

static inline uint32_t scan_other_bits(const char *at)
{
    return scan_bits(scan_other_half(at), scan_other_half(at + SCAN_WIDTH / 2));
}

static inline uint8x16_t scan_beyond(const char *at, const unsigned char *low,
                                     const unsigned char *span)
{
    return vqsubq_u8(vsubq_u8(scan_half(at), scan_half(low)), scan_half(span));
}

static inline uint32_t scan_within_bits(const char *at, const unsigned char *low,
                                        const unsigned char *span)
{
    const size_t half = SCAN_WIDTH / 2;
    return scan_bits(vceqzq_u8(scan_beyond(at, low, span)),
                     vceqzq_u8(scan_beyond(at + half, low + half, span + half)));
}

static inline bool scan_are_within(const char *at, const unsigned char *low,
                                   const unsigned char *span, size_t len)
{
    const size_t half = SCAN_WIDTH / 2;
    size_t last = len - half;
    uint8x16_t beyond = scan_beyond(at + last, low + last, span + last);
    for (size_t i = 0; i < last; i += half)
        beyond = vorrq_u8(beyond, scan_beyond(at + i, low + i, span + i));
    return vmaxvq_u8(beyond) == 0;
}

#endif
