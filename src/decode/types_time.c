/*
 * Dates, times and timestamps that come as numbers: days, or ticks since midnight or 1970. They are
 * written by hand, for most tables have some in every row.
 */
#include "type_readers.h"

#define DAY_SECONDS 86400

char *put_number(char *out, uint64_t number, int width)
{
    char digits[20];
    int count = 0;
    while (number > 0 || count < width) {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    }
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

static inline char *put_two(char *out, unsigned number)
{
    *out++ = (char)('0' + number / 10);
    *out++ = (char)('0' + number % 10);
    return out;
}

char *put_date(char *out, int64_t year, int month, int day)
{
    /* PostgreSQL has no year 0: the year before 1 is 1 BC. */
    uint64_t shown = (uint64_t)(year > 0 ? year : 1 - year);
    if (shown < 10000)
        out = put_two(put_two(out, (unsigned)shown / 100), (unsigned)shown % 100);
    else
        out = put_number(out, shown, 5);
    *out++ = '-';
    out = put_two(out, (unsigned)month);
    *out++ = '-';
    return put_two(out, (unsigned)day);
}

char *put_era(char *out, int64_t year)
{
    if (year > 0)
        return out;
    *out++ = ' ';
    *out++ = 'B';
    *out++ = 'C';
    return out;
}

char *put_clock(char *out, uint64_t seconds, uint64_t fraction, int digits)
{
    uint64_t hours = seconds / 3600;
    unsigned rest = (unsigned)(seconds - hours * 3600), below = (unsigned)fraction;
    out = hours < 100 ? put_two(out, (unsigned)hours) : put_number(out, hours, 2);
    *out++ = ':';
    out = put_two(out, rest / 60);
    *out++ = ':';
    out = put_two(out, rest % 60);
    if (below == 0)
        return out;
    *out++ = '.';
    if (digits == 6) {
        out = put_two(put_two(put_two(out, below / 10000), below / 100 % 100), below % 100);
    } else {
        out = put_number(out, below, digits);
    }
    while (out[-1] == '0')
        out--;
    return out;
}

char *put_offset(char *out, int64_t seconds)
{
    uint64_t left = (uint64_t)(seconds < 0 ? -seconds : seconds);
    *out++ = seconds < 0 ? '-' : '+';
    out = put_number(out, left / 3600, 2);
    if (left % 3600 != 0) {
        *out++ = ':';
        out = put_number(out, left / 60 % 60, 2);
    }
    if (left % 60 != 0) {
        *out++ = ':';
        out = put_number(out, left % 60, 2);
    }
    return out;
}

void clock_to_utc(struct civil *date, int64_t *seconds, int64_t offset)
{
    *seconds -= offset;
    int64_t days = *seconds / DAY_SECONDS - (*seconds % DAY_SECONDS < 0);
    if (days != 0)
        *date = civil_from_days(days_from_civil(*date) + days);
    *seconds -= days * DAY_SECONDS;
}

/* Digits of a fraction of a second: 3, 6 or 9. */
static int fraction_digits(int32_t ticks_per_second)
{
    return ticks_per_second == 1000 ? 3 : ticks_per_second == 1000000 ? 6 : 9;
}

/* Numbers may come as texts; what is neither a number nor a text of one is refused. */
static bool read_ticks(const struct type *type, const struct json *json, int64_t *ticks,
                       struct fault *fault)
{
    return json_int64(json, ticks) || type_refuse(type, json, fault);
}

static void infinity(bool positive, struct value *value)
{
    *value = (struct value){VALUE_TEXT, positive ? STR("infinity") : STR("-infinity")};
}

static bool read_date(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    int64_t days;
    char text[40];
    if (!read_ticks(type, json, &days, fault))
        return false;
    if (days == DATE_INFINITY || days == DATE_MINUS_INFINITY) {
        infinity(days == DATE_INFINITY, value);
        return true;
    }
    if (days > INT32_MAX || days < INT32_MIN)
        return type_refuse(type, json, fault);
    struct civil date = civil_from_days(days);
    char *end = put_era(put_date(text, date.year, date.month, date.day), date.year);
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

/* MySQL's TIME goes beyond a day and below zero. */
static bool read_time(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    int64_t ticks;
    char text[40], *end = text;
    if (!read_ticks(type, json, &ticks, fault))
        return false;
    uint64_t left = ticks < 0 ? 0 - (uint64_t)ticks : (uint64_t)ticks;
    uint64_t per_second = (uint64_t)type->parameter;
    if (ticks < 0)
        *end++ = '-';
    end = put_clock(end, left / per_second, left % per_second, fraction_digits(type->parameter));
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

/* Debezium's numbers for infinity, in each of its units; what it cannot express in nanoseconds
   wraps and is lost. */
static bool is_infinite(int64_t ticks, int32_t per_second, bool *positive)
{
    *positive = ticks > 0;
    switch (per_second) {
    case 1000:
        return ticks == TIMESTAMP_INFINITY_US / 1000 || ticks == TIMESTAMP_MINUS_INFINITY_US / 1000;
    case 1000000:
        return ticks == TIMESTAMP_INFINITY_US || ticks == TIMESTAMP_MINUS_INFINITY_US;
    default:
        return ticks == INT64_MAX || ticks == INT64_MIN;
    }
}

static bool read_timestamp(const struct type *type, const struct type_context *context,
                           const struct json *json, struct value *value, struct fault *fault)
{
    int64_t ticks;
    bool positive;
    char text[60];
    if (!read_ticks(type, json, &ticks, fault))
        return false;
    if (is_infinite(ticks, type->parameter, &positive)) {
        infinity(positive, value);
        return true;
    }
    int64_t per_second = type->parameter;
    int64_t seconds = ticks / per_second - (ticks % per_second < 0);
    int64_t days = seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
    uint64_t fraction = (uint64_t)ticks - (uint64_t)seconds * (uint64_t)per_second;
    struct civil date = civil_from_days(days);
    char *end = put_date(text, date.year, date.month, date.day);
    *end++ = ' ';
    end = put_clock(end, (uint64_t)(seconds - days * DAY_SECONDS), fraction,
                    fraction_digits(type->parameter));
    end = put_era(end, date.year);
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

static bool read_duration(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    int64_t ticks;
    char text[INTERVAL_SIZE];
    if (!read_ticks(type, json, &ticks, fault))
        return false;
    size_t len = interval_print(text, 0, 0, ticks, fraction_digits(type->parameter));
    return type_text(context, VALUE_TEXT, text, len, value, fault);
}

const struct type_reader type_date = {"days since 1970", read_date};
const struct type_reader type_time = {"a time of day in ticks", read_time};
const struct type_reader type_timestamp = {"a timestamp in ticks since 1970", read_timestamp};
const struct type_reader type_duration = {"an interval in ticks", read_duration};
