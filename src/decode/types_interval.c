/*
 * Intervals. Debezium writes "P1Y2M3DT4H5M6.78S", each part with a sign of its own; PostgreSQL
 * prints "1 year 2 mons 3 days 04:05:06.78" (IntervalStyle postgres, after its EncodeInterval).
 */
#include "type_readers.h"

struct parts {
    char *out;
    bool is_zero;   /* nothing was written yet */
    bool is_before; /* the part before was negative, so a positive one needs its sign */
};

static void put_part(struct parts *parts, int64_t number, const char *unit)
{
    if (number == 0)
        return;
    if (!parts->is_zero)
        *parts->out++ = ' ';
    if (parts->is_before && number > 0)
        *parts->out++ = '+';
    if (number < 0)
        *parts->out++ = '-';
    parts->out = put_number(parts->out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
    *parts->out++ = ' ';
    size_t len = strlen(unit);
    memcpy(parts->out, unit, len);
    parts->out += len;
    if (number != 1)
        *parts->out++ = 's';
    parts->is_before = number < 0;
    parts->is_zero = false;
}

size_t interval_print(char out[INTERVAL_SIZE], int64_t months, int64_t days, int64_t ticks,
                      int digits)
{
    struct parts parts = {.out = out, .is_zero = true};
    uint64_t per_second = digits == 3 ? 1000 : digits == 6 ? 1000000 : 1000000000;
    put_part(&parts, months / 12, "year");
    put_part(&parts, months % 12, "mon");
    put_part(&parts, days, "day");
    if (!parts.is_zero && ticks == 0)
        return (size_t)(parts.out - out);
    if (!parts.is_zero)
        *parts.out++ = ' ';
    if (ticks < 0 || parts.is_before)
        *parts.out++ = ticks < 0 ? '-' : '+';
    uint64_t left = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    parts.out = put_clock(parts.out, left / per_second, left % per_second, digits);
    return (size_t)(parts.out - out);
}

#define MICRO INT64_C(1000000)
#define NANO_DIGITS 3

/* Takes "-6.78" off the text, in microseconds and the nanoseconds beyond them. Debezium goes
   through a double, so 6.951571 seconds may come as 6.951570999. */
static bool take_amount(str *text, int64_t *micros, int64_t *nanos)
{
    size_t i = 0;
    bool negative = text->len > 0 && text->ptr[0] == '-';
    if (negative || (text->len > 0 && text->ptr[0] == '+'))
        i++;
    size_t first = i;
    int digits = 0; /* behind the microsecond */
    int64_t number = 0, scale = 0, below = 0;
    for (; i < text->len; i++) {
        char c = text->ptr[i];
        if (c == '.' && scale == 0) {
            scale = MICRO;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (scale == 1) {
            if (digits++ < NANO_DIGITS)
                below = below * 10 + (c - '0');
            continue;
        }
        if (__builtin_mul_overflow(number, 10, &number)
            || __builtin_add_overflow(number, c - '0', &number))
            return false;
        scale /= 10;
    }
    bool found = i > first;
    *text = str_from_at(*text, i);
    for (; digits < NANO_DIGITS; digits++)
        below *= 10;
    if (below == 999 && !__builtin_add_overflow(number, 1, &number))
        below = 0;
    *nanos = negative ? -below : below;
    return found
           && !__builtin_mul_overflow(negative ? -number : number, scale ? scale : MICRO, micros);
}

struct iso_interval {
    int64_t months, days, micros, nanos;
};

/* What one unit is worth, in microseconds of its own field. */
static bool add_part(struct iso_interval *interval, char unit, bool in_time, int64_t amount)
{
    int64_t product;
    if (unit == 'S' && in_time)
        return !__builtin_add_overflow(interval->micros, amount, &interval->micros);
    if (amount % MICRO != 0)
        return false;
    amount /= MICRO;
    switch (unit) {
    case 'Y':
        return !in_time && !__builtin_mul_overflow(amount, 12, &product)
               && !__builtin_add_overflow(interval->months, product, &interval->months);
    case 'M':
        if (!in_time)
            return !__builtin_add_overflow(interval->months, amount, &interval->months);
        return !__builtin_mul_overflow(amount, 60 * MICRO, &product)
               && !__builtin_add_overflow(interval->micros, product, &interval->micros);
    case 'W':
    case 'D':
        return !in_time && !__builtin_mul_overflow(amount, unit == 'W' ? 7 : 1, &product)
               && !__builtin_add_overflow(interval->days, product, &interval->days);
    case 'H':
        return in_time && !__builtin_mul_overflow(amount, 3600 * MICRO, &product)
               && !__builtin_add_overflow(interval->micros, product, &interval->micros);
    default:
        return false;
    }
}

static bool parse(str text, struct iso_interval *interval)
{
    bool in_time = false, any = false;
    if (text.len == 0 || text.ptr[0] != 'P')
        return false;
    text = str_from_at(text, 1);
    while (text.len > 0) {
        int64_t amount, nanos;
        if (text.ptr[0] == 'T' && !in_time) {
            in_time = true;
            text = str_from_at(text, 1);
            continue;
        }
        if (!take_amount(&text, &amount, &nanos) || text.len == 0
            || (nanos != 0 && text.ptr[0] != 'S')
            || !add_part(interval, text.ptr[0], in_time, amount))
            return false;
        interval->nanos += nanos;
        text = str_from_at(text, 1);
        any = true;
    }
    return any;
}

/* A text that is no interval, or none that PostgreSQL can hold, passes as it came. */
static bool read_interval(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    struct iso_interval interval = {0};
    char text[INTERVAL_SIZE];
    if (json->kind == JSON_NUMBER) {
        struct type micros = {.reader = &type_duration, .parameter = MICRO};
        return type_duration.read(&micros, context, json, value, fault);
    }
    if (json->kind == JSON_OBJECT)
        return type_structured_duration.read(type, context, json, value, fault);
    if (json->kind != JSON_STRING)
        return type_refuse(type, json, fault);
    *value = type_plain(json);
    if (!parse(json->text, &interval))
        return true;
    int64_t ticks = interval.micros;
    if (interval.nanos != 0
        && (__builtin_mul_overflow(ticks, 1000, &ticks)
            || __builtin_add_overflow(ticks, interval.nanos, &ticks)))
        return true;
    size_t len = interval_print(text, interval.months, interval.days, ticks,
                                interval.nanos ? 9 : 6);
    return type_text(context, VALUE_TEXT, text, len, value, fault);
}

const struct type_reader type_interval = {"an interval", read_interval};
