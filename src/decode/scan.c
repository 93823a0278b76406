/*
 * The rarer turns of the scanner: escapes, characters beyond ASCII, fractions, nested values.
 */
#include "scan.h"

static bool is_hex(char c)
{
    return scan_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static uint32_t hex_unit(const char *digits)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        unit = unit * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return unit;
}

static bool is_unicode_escape(const char *at, const char *end)
{
    return end - at >= 6 && at[0] == '\\' && at[1] == 'u' && is_hex(at[2]) && is_hex(at[3])
           && is_hex(at[4]) && is_hex(at[5]);
}

/* Behind the escape at `at`, or NULL. A lone surrogate is allowed in what is not kept, and only
   there: yajl's side knows. */
static const char *escape_end(const char *at, const char *end)
{
    if (end - at < 2)
        return NULL;
    if (at[1] != 'u')
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    if (!is_unicode_escape(at, end))
        return NULL;
    uint32_t unit = hex_unit(at + 2);
    if ((unit & 0xf800) != 0xd800)
        return at + 6;
    at += 6;
    bool twins = (unit & 0xfc00) == 0xd800 && is_unicode_escape(at, end)
                 && (hex_unit(at + 2) & 0xfc00) == 0xdc00;
    return twins ? at + 6 : NULL;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static inline __m256i odd_bytes(const char *at)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i odd = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"')),
                                  _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
    return _mm256_or_si256(odd, _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), bytes));
}

__attribute__((target("avx2"))) static const char *plain_text_avx2(const char *at, const char *end)
{
    for (; end - at >= 64; at += 64) {
        __m256i odd = _mm256_or_si256(odd_bytes(at), odd_bytes(at + 32));
        if (_mm256_movemask_epi8(odd) != 0)
            break;
    }
    return at;
}

#endif

#ifdef SCAN_WIDTH
const char *scan_plain_text(const char *at, const char *end)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return plain_text_avx2(at, end);
#endif
    (void)end;
    return at;
}
#endif

const char *scan_string_with_care(const char *at, const char *end, bool *escaped)
{
    while ((at = scan_plain(at, end)) < end) {
        if (*at == '"')
            return at;
        if (*at == '\\') {
            *escaped = true;
            at = escape_end(at, end);
            if (!at)
                return NULL;
        } else if ((signed char)*at < 0) {
            size_t len = str_utf8_length((str){at, (size_t)(end - at)});
            if (len == 0)
                return NULL;
            at += len;
        } else {
            return NULL;
        }
    }
    return NULL;
}

/* Behind at least one digit, or NULL. */
static const char *some_digits(const char *at, const char *end)
{
    const char *behind = scan_digits(at, end);
    return behind > at ? behind : NULL;
}

const char *scan_number_with_care(const char *at, const char *end)
{
    if (at < end && *at == '-')
        at++;
    if (at < end && *at == '0')
        at++;
    else
        at = some_digits(at, end);
    if (at && at < end && *at == '.')
        at = some_digits(at + 1, end);
    if (at && at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = some_digits(at, end);
    }
    return at;
}

/* Behind the name, the colon and the blanks around them; NULL where they do not stand there. */
static const char *scan_name(const char *at, const char *end)
{
    bool escaped;
    if (at == end || *at != '"')
        return NULL;
    at = scan_string(at + 1, end, &escaped);
    if (!at)
        return NULL;
    at = scan_blanks(at + 1, end);
    return at < end && *at == ':' ? scan_blanks(at + 1, end) : NULL;
}

static const char *scan_container(const char *at, const char *end, unsigned depth)
{
    bool named = *at == '{';
    char close = named ? '}' : ']';
    at = scan_blanks(at + 1, end);
    if (at < end && *at == close)
        return at + 1;
    while (at && at < end) {
        if (named && !(at = scan_name(at, end)))
            return NULL;
        at = scan_value(at, end, depth);
        if (!at)
            return NULL;
        at = scan_blanks(at, end);
        if (at < end && *at == close)
            return at + 1;
        if (at == end || *at != ',')
            return NULL;
        at = scan_blanks(at + 1, end);
    }
    return NULL;
}

const char *scan_value(const char *at, const char *end, unsigned depth)
{
    bool escaped;
    if (at == end)
        return NULL;
    switch (*at) {
    case '"':
        at = scan_string(at + 1, end, &escaped);
        return at ? at + 1 : NULL;
    case '{':
    case '[':
        return depth > 0 ? scan_container(at, end, depth - 1) : NULL;
    case 'n':
        return scan_word(at, end, "null", 4);
    case 't':
        return scan_word(at, end, "true", 4);
    case 'f':
        return scan_word(at, end, "false", 5);
    default:
        return scan_number(at, end);
    }
}

/* Reads the escape \uXXXX at `at` (and its twin where it is a surrogate); NULL where the twin is
   missing. */
static const char *read_unicode(const char *at, const char *end, char **out)
{
    uint32_t unit = hex_unit(at + 2);
    at += 6;
    if ((unit & 0xf800) == 0xd800) {
        if ((unit & 0xfc00) != 0xd800 || end - at < 6 || at[0] != '\\' || at[1] != 'u')
            return NULL;
        uint32_t low = hex_unit(at + 2);
        if ((low & 0xfc00) != 0xdc00)
            return NULL;
        unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
        at += 6;
    }
    *out = str_put_utf8(*out, unit);
    return at;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

char *scan_unescape(str raw, char *out)
{
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape ? escape : end) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (!escape)
            break;
        if (at[1] == 'u') {
            at = read_unicode(at, end, &out);
            if (!at)
                return NULL;
        } else {
            *out++ = simple_escape(at[1]);
            at += 2;
        }
    }
    return out;
}
