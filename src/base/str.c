/*
 * Slices of bytes: cutting, searching, reading numbers. Nothing here allocates.
 */
#include <fieldtrail/str.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

const char str_two_digits[] = "00010203040506070809101112131415161718192021222324"
                              "25262728293031323334353637383940414243444546474849"
                              "50515253545556575859606162636465666768697071727374"
                              "75767778798081828384858687888990919293949596979899";

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str str_trim_blanks(str text)
{
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool str_split(str *rest, char at, str *head)
{
    if (rest->len == 0)
        return false;
    const char *cut = memchr(rest->ptr, at, rest->len);
    if (!cut) {
        *head = *rest;
        *rest = STR_EMPTY;
        return true;
    }
    size_t len = (size_t)(cut - rest->ptr);
    *head = (str){rest->ptr, len};
    *rest = (str){cut + 1, rest->len - len - 1};
    return true;
}

#ifdef __x86_64__
#define WIDTH ((size_t)32)
#define LOOK ((size_t)4) /* pieces of WIDTH bytes that one test tells of */

__attribute__((target("avx2"))) static inline __m256i load(const char *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

__attribute__((target("avx2"))) static inline __m256i same_bytes(const char *a, const char *b)
{
    return _mm256_cmpeq_epi8(load(a), load(b));
}

/* Looks at no more than `least` bytes, and may leave the last of them out. */
__attribute__((target("avx2"))) static size_t common_avx2(const char *a, const char *b,
                                                          size_t least)
{
    size_t at = 0;
    for (; at + 2 * LOOK * WIDTH <= least; at += 2 * LOOK * WIDTH) {
        __m256i same = same_bytes(a + at, b + at);
        for (size_t i = WIDTH; i < 2 * LOOK * WIDTH; i += WIDTH)
            same = _mm256_and_si256(same, same_bytes(a + at + i, b + at + i));
        if (_mm256_movemask_epi8(same) != -1)
            break;
    }
    for (; at + WIDTH <= least; at += WIDTH) {
        uint32_t others = ~(uint32_t)_mm256_movemask_epi8(same_bytes(a + at, b + at));
        if (others)
            return at + (size_t)__builtin_ctz(others);
    }
    return at;
}

/* Gives the line feed, or where the last bytes begin, fewer than WIDTH. */
__attribute__((target("avx2"))) static const char *line_avx2(const char *at, const char *end)
{
    const __m256i feed = _mm256_set1_epi8('\n');
    while ((size_t)(end - at) >= LOOK * WIDTH) {
        __m256i found = _mm256_cmpeq_epi8(load(at), feed);
        for (size_t i = WIDTH; i < LOOK * WIDTH; i += WIDTH)
            found = _mm256_or_si256(found, _mm256_cmpeq_epi8(load(at + i), feed));
        if (_mm256_movemask_epi8(found) != 0)
            break;
        at += LOOK * WIDTH;
    }
    for (; (size_t)(end - at) >= WIDTH; at += WIDTH) {
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(at), feed));
        if (bits)
            return at + __builtin_ctz(bits);
    }
    return at;
}
#endif

size_t str_common(str a, str b)
{
    size_t at = 0, least = a.len < b.len ? a.len : b.len;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        at = common_avx2(a.ptr, b.ptr, least);
#endif
    while (at < least && a.ptr[at] == b.ptr[at])
        at++;
    return at;
}

size_t str_line(str text)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        at = line_avx2(at, end);
#endif
    if (at < end && *at != '\n')
        at = memchr(at, '\n', (size_t)(end - at));
    return at ? (size_t)(at - text.ptr) : text.len;
}

ptrdiff_t str_find(str text, str part)
{
    if (part.len == 0)
        return 0;
    const char *found = text.len ? memmem(text.ptr, text.len, part.ptr, part.len) : NULL;
    return found ? found - text.ptr : -1;
}

/* Eight decimal digits, or more than 99999999 where one is none. */
static uint32_t eight_digits(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof(eight));
    uint64_t beyond = eight + 0x4646464646464646ULL; /* sets the high bit of what is above '9' */
    eight -= 0x3030303030303030ULL;                  /* and this of what is below '0' */
    if ((eight | beyond) & 0x8080808080808080ULL)
        return UINT32_MAX;
    eight = eight * 10 + (eight >> 8);
    return (uint32_t)(((eight & 0x000000ff000000ffULL) * 0x000f424000000064ULL
                       + (eight >> 16 & 0x000000ff000000ffULL) * 0x0000271000000001ULL)
                      >> 32);
}

/* Up to 18 digits, which fit for certain; false for anything else. */
static bool to_positive(str text, int64_t *number)
{
    int64_t sum = 0;
    if (text.len == 0 || text.len > 18)
        return false;
    const char *at = text.ptr, *end = at + text.len;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Twice at the most: no loop, so that its constants need no registers of the caller's. */
    if (text.len >= 8) {
        uint32_t digits = eight_digits(at);
        if (digits == UINT32_MAX)
            return false;
        sum = digits;
        at += 8;
    }
    if (text.len >= 16) {
        uint32_t digits = eight_digits(at);
        if (digits == UINT32_MAX)
            return false;
        sum = sum * 100000000 + digits;
        at += 8;
    }
#endif
    for (; at < end; at++) {
        unsigned digit = (unsigned char)*at - (unsigned)'0';
        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

SELDOM static bool to_any_int64(str text, int64_t *number)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    size_t i = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    if (i == text.len)
        return false;
    /* Built up as a negative number: its range is the larger one. */
    int64_t sum = 0;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '0' || c > '9')
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, c - '0', &sum))
            return false;
    }
    if (!negative && sum == INT64_MIN)
        return false;
    *number = negative ? sum : -sum;
    return true;
}

bool str_to_int64(str text, int64_t *number)
{
    return to_positive(text, number) || to_any_int64(text, number);
}

/* The table of Unicode 15, section 3.9. */
size_t str_utf8_length(str text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    if (text.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (text.len < len)
        return 0;
    unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

str str_whole(str text)
{
    size_t start = text.len;
    while (start > 0 && text.len - start < 3 && ((unsigned char)text.ptr[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text.ptr[start - 1] < 0xc0)
        return text;
    return str_utf8_length(str_from_at(text, start - 1)) ? text : str_head(text, start - 1);
}

/* Eight bytes at a time where they are ASCII, as most of them are. */
static size_t ascii_length(str text)
{
    size_t len = 0;
    uint64_t eight;
    while (text.len - len >= sizeof(eight)) {
        memcpy(&eight, text.ptr + len, sizeof(eight));
        if (eight & 0x8080808080808080ULL)
            break;
        len += sizeof(eight);
    }
    return len;
}

bool str_is_utf8(str text)
{
    while (text.len > 0) {
        size_t len = ascii_length(text);
        if (len == 0)
            len = str_utf8_length(text);
        if (len == 0)
            return false;
        text = str_from_at(text, len);
    }
    return true;
}

char *str_put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) {
        *out++ = (char)point;
        return out;
    }
    if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *out++ = (char)(0xe0 | point >> 12);
        } else {
            *out++ = (char)(0xf0 | point >> 18);
            *out++ = (char)(0x80 | (point >> 12 & 63));
        }
        *out++ = (char)(0x80 | (point >> 6 & 63));
    }
    *out++ = (char)(0x80 | (point & 63));
    return out;
}

bool str_list_has(const struct str_list *list, str item)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->item[i], item))
            return true;
    return false;
}

uint64_t str_hash(uint64_t seed, str text)
{
    for (size_t i = 0; i < text.len; i++)
        seed = (seed ^ (unsigned char)text.ptr[i]) * 1099511628211ULL;
    return seed;
}
