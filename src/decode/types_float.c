/*
 * Floating point numbers as PostgreSQL prints them: the shortest digits that read back as the same
 * number, after Steele and White with exact integers. Java writes the same digits in another form,
 * and before version 19 sometimes more of them; a decimal that is short enough is proven shortest
 * by its length and only written anew.
 */
#include <stdlib.h>

#include "type_readers.h"

/* A decimal: digits d1d2d3... with the point behind the first, times 10^power. */
struct digits {
    bool negative;
    char digit[FLOAT_SIZE];
    int count; /* 0 for zero */
    int power;
};

#define LEXEME_LIMIT 400

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a JSON number apart, without zeros at either end. False where it has too many digits. */
static bool take_apart(str number, struct digits *out)
{
    *out = (struct digits){0};
    size_t i = number.len > 0 && (number.ptr[0] == '-' || number.ptr[0] == '+');
    out->negative = i && number.ptr[0] == '-';
    int point = 0, zeros = 0;
    bool behind = false;
    for (; i < number.len && (is_digit(number.ptr[i]) || number.ptr[i] == '.'); i++) {
        char c = number.ptr[i];
        if (c == '.') {
            behind = true;
            continue;
        }
        if (c == '0') {
            zeros++;
        } else {
            if (out->count == 0)
                zeros = 0;
            if (out->count + zeros >= FLOAT_SIZE)
                return false;
            for (; zeros > 0; zeros--)
                out->digit[out->count++] = '0';
            out->digit[out->count++] = c;
        }
        /* The power of the first digit: places before the point that follow it. */
        if (!behind)
            point += out->count > 0;
        else if (out->count == 0)
            point--;
    }
    out->power = point - 1;
    if (i < number.len) {
        int64_t exponent;
        str rest = str_from_at(number, i + 1);
        if (rest.len > 0 && rest.ptr[0] == '+')
            rest = str_from_at(rest, 1);
        if (!str_to_int64(rest, &exponent) || exponent > 100000 || exponent < -100000)
            return false;
        out->power += (int)exponent;
    }
    return true;
}

/* Integers that hold the largest double, or the smallest times a power of ten. */
#define LIMB_COUNT 40

struct big {
    uint32_t limb[LIMB_COUNT];
    int count;
};

static void big_trim(struct big *a)
{
    while (a->count > 0 && a->limb[a->count - 1] == 0)
        a->count--;
}

static struct big big_from(uint64_t number)
{
    struct big a = {{(uint32_t)number, (uint32_t)(number >> 32)}, 2};
    big_trim(&a);
    return a;
}

static void big_multiply(struct big *a, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < a->count; i++) {
        carry += (uint64_t)a->limb[i] * factor;
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        a->limb[a->count++] = (uint32_t)carry;
}

static void big_multiply_ten(struct big *a, int power)
{
    for (; power >= 9; power -= 9)
        big_multiply(a, 1000000000);
    uint32_t rest = 1;
    for (; power > 0; power--)
        rest *= 10;
    big_multiply(a, rest);
}

static void big_shift(struct big *a, int bits)
{
    int limbs = bits / 32;
    big_multiply(a, (uint32_t)1 << (bits % 32));
    if (limbs == 0 || a->count == 0)
        return;
    memmove(a->limb + limbs, a->limb, (size_t)a->count * sizeof(a->limb[0]));
    memset(a->limb, 0, (size_t)limbs * sizeof(a->limb[0]));
    a->count += limbs;
}

static int big_compare(const struct big *a, const struct big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

static void big_subtract(struct big *a, const struct big *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        borrow += (int64_t)a->limb[i] - (i < b->count ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    big_trim(a);
}

/* How a + b compares with c. */
static int big_compare_sum(const struct big *a, const struct big *b, const struct big *c)
{
    struct big sum = *a;
    uint64_t carry = 0;
    for (int i = 0; i < b->count || i < sum.count || carry; i++) {
        carry += (i < sum.count ? sum.limb[i] : 0) + (uint64_t)(i < b->count ? b->limb[i] : 0);
        sum.limb[i] = (uint32_t)carry;
        if (i >= sum.count)
            sum.count = i + 1;
        carry >>= 32;
    }
    return big_compare(&sum, c);
}

/* The number is rest/scale; up and down are half the distances to its neighbours over the same. */
struct fraction {
    struct big rest, scale, up, down;
};

/* One digit, at most 9. */
static int next_digit(struct fraction *f)
{
    int digit = 0;
    while (big_compare(&f->rest, &f->scale) >= 0) {
        big_subtract(&f->rest, &f->scale);
        digit++;
    }
    return digit;
}

static void times_ten(struct fraction *f)
{
    big_multiply(&f->rest, 10);
    big_multiply(&f->up, 10);
    big_multiply(&f->down, 10);
}

/* Digits until the number lies strictly between the middles to its neighbours. */
static void generate(struct fraction *f, struct digits *out)
{
    out->count = 0;
    for (;;) {
        int digit = next_digit(f);
        bool low = big_compare(&f->rest, &f->down) < 0;
        bool high = big_compare_sum(&f->rest, &f->up, &f->scale) > 0;
        if (!low && !high) {
            out->digit[out->count++] = (char)('0' + digit);
            times_ten(f);
            continue;
        }
        int half = big_compare_sum(&f->rest, &f->rest, &f->scale);
        if (high && (!low || half > 0 || (half == 0 && digit % 2 == 1)))
            digit++;
        out->digit[out->count++] = (char)('0' + digit);
        return;
    }
}

/* `mantissa` times 2^exponent; `lopsided` where the neighbour below is half as far away. */
static void shortest(uint64_t mantissa, int exponent, bool lopsided, struct digits *out)
{
    int extra = lopsided ? 2 : 1;
    struct fraction f = {big_from(mantissa), big_from(1), big_from(1), big_from(1)};
    big_shift(&f.rest, extra + (exponent > 0 ? exponent : 0));
    big_shift(&f.scale, extra + (exponent < 0 ? -exponent : 0));
    big_shift(&f.up, (lopsided ? 1 : 0) + (exponent > 0 ? exponent : 0));
    big_shift(&f.down, exponent > 0 ? exponent : 0);
    if (out->power >= 0) {
        big_multiply_ten(&f.scale, out->power);
    } else {
        big_multiply_ten(&f.rest, -out->power);
        big_multiply_ten(&f.up, -out->power);
        big_multiply_ten(&f.down, -out->power);
    }
    /* The power is that of the digits that came; another spelling may be one off. */
    struct fraction ten = f;
    big_multiply(&ten.scale, 10);
    if (big_compare(&ten.rest, &ten.scale) >= 0) {
        f = ten;
        out->power++;
    } else if (big_compare(&f.rest, &f.scale) < 0) {
        times_ten(&f);
        out->power--;
    }
    generate(&f, out);
    /* 9.99… that rounded up. */
    if (out->digit[0] > '9') {
        out->digit[0] = '1';
        out->power++;
    }
}

static bool double_digits(const char *text, struct digits *out)
{
    double number = strtod(text, NULL);
    uint64_t bits, mantissa;
    memcpy(&bits, &number, sizeof(bits));
    int exponent = (int)(bits >> 52 & 0x7ff);
    mantissa = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 0x7ff || (exponent == 0 && mantissa == 0))
        return false;
    bool lopsided = mantissa == 0 && exponent > 1;
    mantissa |= exponent ? UINT64_C(1) << 52 : 0;
    shortest(mantissa, (exponent ? exponent : 1) - 1075, lopsided, out);
    return true;
}

static bool float_digits(const char *text, struct digits *out)
{
    float number = strtof(text, NULL);
    uint32_t bits, mantissa;
    memcpy(&bits, &number, sizeof(bits));
    int exponent = (int)(bits >> 23 & 0xff);
    mantissa = bits & ((UINT32_C(1) << 23) - 1);
    if (exponent == 0xff || (exponent == 0 && mantissa == 0))
        return false;
    bool lopsided = mantissa == 0 && exponent > 1;
    mantissa |= exponent ? UINT32_C(1) << 23 : 0;
    shortest(mantissa, (exponent ? exponent : 1) - 150, lopsided, out);
    return true;
}

/* So many digits always come back from the type, unless the number is near its limits. */
static bool is_shortest(const struct digits *d, bool is_float4)
{
    if (is_float4)
        return d->count <= 6 && d->power >= -36 && d->power <= 6;
    return d->count <= 15 && d->power >= -306 && d->power <= 14;
}

/* PostgreSQL's form: a point where the power is small, an exponent of two digits or more else. */
static size_t print(const struct digits *d, bool is_float4, char out[FLOAT_SIZE])
{
    char *at = out;
    if (d->negative)
        *at++ = '-';
    if (d->count == 0) {
        *at++ = '0';
    } else if (d->power < -4 || d->power >= (is_float4 ? 6 : 15)) {
        *at++ = d->digit[0];
        if (d->count > 1) {
            *at++ = '.';
            memcpy(at, d->digit + 1, (size_t)d->count - 1);
            at += d->count - 1;
        }
        *at++ = 'e';
        *at++ = d->power < 0 ? '-' : '+';
        at = put_number(at, (uint64_t)(d->power < 0 ? -d->power : d->power), 2);
    } else if (d->power < 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = -1; i > d->power; i--)
            *at++ = '0';
        memcpy(at, d->digit, (size_t)d->count);
        at += d->count;
    } else {
        for (int i = 0; i < d->count || i <= d->power; i++) {
            if (i == d->power + 1)
                *at++ = '.';
            *at++ = i < d->count ? d->digit[i] : '0';
        }
    }
    return (size_t)(at - out);
}

size_t float_print(char out[FLOAT_SIZE], str number, bool is_float4)
{
    struct digits digits;
    char text[LEXEME_LIMIT + 1];
    if (number.len > LEXEME_LIMIT)
        return 0;
    bool taken = take_apart(number, &digits);
    if (taken && (digits.count == 0 || is_shortest(&digits, is_float4)))
        return print(&digits, is_float4, out);
    if (!taken || digits.power > 400 || digits.power < -400)
        return 0;
    memcpy(text, number.ptr, number.len);
    text[number.len] = '\0';
    bool good = is_float4 ? float_digits(text, &digits) : double_digits(text, &digits);
    return good ? print(&digits, is_float4, out) : 0;
}

static bool read_float(const struct type *type, const struct type_context *context,
                       const struct json *json, struct value *value, struct fault *fault)
{
    char text[FLOAT_SIZE];
    /* NaN, Infinity and -Infinity come as texts, and PostgreSQL writes them so. */
    *value = type_plain(json);
    if (json->kind == JSON_STRING)
        return true;
    if (json->kind != JSON_NUMBER)
        return type_refuse(type, json, fault);
    size_t len = float_print(text, json->text, type->reader == &type_float4);
    /* A number that no float is stays the number that came. */
    if (len == 0 || str_eq(json->text, (str){text, len}))
        return true;
    return type_text(context, VALUE_NUMBER, text, len, value, fault);
}

const struct type_reader type_float4 = {"a float4", read_float};
const struct type_reader type_float8 = {"a float8", read_float};
