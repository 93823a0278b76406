/*
 * Comparing values: what counts as "the same" in the audit. Numbers are compared digit by digit,
 * so a numeric with 38 digits loses nothing.
 */
#include <fieldtrail/value.h>

#include "json_document.h"

/* A number taken apart: its digits without the point and without zeros at either end, and the
   power of ten of the first digit. */
struct number {
    bool negative;
    const char *digit; /* first significant digit, or NULL for zero */
    const char *end;   /* behind the last significant digit */
    int64_t power;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* No database has numbers with exponents beyond this; they are compared as text. */
#define EXPONENT_LIMIT 1000000000

static int64_t read_exponent(const char *at, const char *end)
{
    int64_t exponent = 0;
    bool negative = at < end && *at == '-';
    for (at += at < end && (*at == '-' || *at == '+'); at < end && is_digit(*at); at++)
        if (exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

static bool has_huge_exponent(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != 'e' && text.ptr[i] != 'E')
            continue;
        int64_t exponent = read_exponent(text.ptr + i + 1, text.ptr + text.len);
        return exponent >= EXPONENT_LIMIT || exponent <= -EXPONENT_LIMIT;
    }
    return false;
}

static struct number number_parts(str text)
{
    struct number number = {.negative = text.len > 0 && text.ptr[0] == '-'};
    const char *end = text.ptr + text.len;
    const char *at = text.ptr + (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'));
    int64_t whole_digits = 0, before_first = 0;
    bool behind_point = false;
    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        whole_digits += !behind_point;
        if (*at != '0') {
            if (!number.digit)
                number.digit = at;
            number.end = at + 1;
        }
        before_first += !number.digit;
    }
    if (!number.digit)
        return (struct number){0};
    number.power = whole_digits - before_first - 1;
    if (at < end && (*at == 'e' || *at == 'E'))
        number.power += read_exponent(at + 1, end);
    return number;
}

/* The next digit of a number, or 0 behind its end. */
static char next_digit(struct number *number)
{
    if (number->digit < number->end && *number->digit == '.')
        number->digit++;
    if (number->digit == number->end)
        return '\0';
    return *number->digit++;
}

/* Eight bytes of text that are shorter than that: its ends, which overlap, or "0" behind it. */
static inline uint64_t short_bytes(str text)
{
    uint32_t first, last;
    const unsigned char *byte = (const unsigned char *)text.ptr;
    if (text.len < sizeof(first))
        return 0x3030303030000000ULL | byte[0] | (uint64_t)byte[text.len / 2] << 8
               | (uint64_t)byte[text.len - 1] << 16;
    memcpy(&first, text.ptr, sizeof(first));
    memcpy(&last, text.ptr + text.len - sizeof(last), sizeof(last));
    return (uint64_t)last << 32 | first;
}

static bool are_digits(str text)
{
    size_t i = 0;
    while (i < text.len && is_digit(text.ptr[i]))
        i++;
    return i == text.len;
}

/* An integer that has but one spelling. */
static inline bool is_plain_integer(str text)
{
    if (text.len == 0 || text.ptr[0] == '0')
        return false;
    if (text.len > sizeof(uint64_t))
        return are_digits(text);
    uint64_t bytes = short_bytes(text);
    /* The high bits of what is above '9', and below '0'. */
    uint64_t others = (bytes + 0x4646464646464646ULL) | (bytes - 0x3030303030303030ULL);
    return (others & 0x8080808080808080ULL) == 0;
}

/* Of numbers that may be spelt in more than one way. */
SELDOM static bool is_same_number(str a, str b)
{
    struct number x = number_parts(a), y = number_parts(b);
    if (!x.digit || !y.digit)
        return !x.digit && !y.digit;
    if (has_huge_exponent(a) || has_huge_exponent(b))
        return false;
    if (x.negative != y.negative || x.power != y.power)
        return false;
    for (;;) {
        char p = next_digit(&x), q = next_digit(&y);
        if (p != q)
            return false;
        if (p == '\0')
            return true;
    }
}

/* Of numbers that are not written alike. */
static inline bool is_same_otherwise(str a, str b)
{
    return !(is_plain_integer(a) && is_plain_integer(b)) && is_same_number(a, b);
}

bool value_number_same(str a, str b)
{
    return str_eq(a, b) || is_same_otherwise(a, b);
}

bool value_same_with_care(const struct value *a, const struct value *b, struct arena *scratch)
{
    /* Of different kinds (a decimal as number, then as text) only what is printed counts. */
    if (a->kind != b->kind)
        return value_has_text(*a) && value_has_text(*b) && str_eq(a->text, b->text);
    switch (a->kind) {
    case VALUE_ABSENT:
    case VALUE_UNAVAILABLE:
    case VALUE_UNREAD:
        return false;
    case VALUE_NULL:
        return true;
    case VALUE_NUMBER:
        return is_same_otherwise(a->text, b->text);
    case VALUE_JSON:
        return json_document_same(a->text, b->text, scratch);
    case VALUE_BOOL:
    case VALUE_TEXT:
        return false;
    }
    return false;
}

/* Digits, signs, points and an exponent of zeros only: 0, -0.00, 0E-10. */
static bool is_zero_text(str text)
{
    bool zero = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (zero && (c == 'e' || c == 'E'))
            return true;
        zero = zero || c == '0';
        if (c != '0' && c != '.' && !(i == 0 && (c == '-' || c == '+')))
            return false;
    }
    return zero;
}

/* 00:00:00, 00:00:00.000Z, 00:00:00+00. */
static bool is_midnight(str text)
{
    if (!str_starts(text, STR("00:00:00")))
        return false;
    for (size_t i = 8; i < text.len; i++)
        if (!strchr("0.:Z+", text.ptr[i]))
            return false;
    return true;
}

bool value_is_invention(struct value value)
{
    switch (value.kind) {
    case VALUE_ABSENT:
    case VALUE_NULL:
    case VALUE_UNAVAILABLE:
    case VALUE_UNREAD:
        return true;
    case VALUE_BOOL:
        return str_eq(value.text, STR("false"));
    case VALUE_NUMBER:
        return is_zero_text(value.text);
    case VALUE_JSON:
        return str_eq(value.text, STR("[]")) || str_eq(value.text, STR("{}"))
               || str_eq(value.text, STR("{\"scale\":0,\"value\":\"AA==\"}"));
    case VALUE_TEXT:
        break;
    }
    return value.text.len == 0 || is_zero_text(value.text) || is_midnight(value.text)
           || str_starts(value.text, STR("1970-01-01")) || str_eq(value.text, STR("PT0S"))
           || str_eq(value.text, STR("P0Y0M0DT0H0M0S")) || str_eq(value.text, STR("{}"))
           || str_eq(value.text, STR("[]")) || str_eq(value.text, STR("AA=="));
}
