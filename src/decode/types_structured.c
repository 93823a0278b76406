/*
 * Dates, times and intervals that come as structs of their parts (time.precision.mode=structured).
 * Names and meaning of the parts are those of Debezium's StructuredTemporal: years count as ISO's
 * (0 is 1 BC), all parts of an interval have the same sign or each its own, and an infinite value
 * has a name instead of parts.
 */
#include "type_readers.h"

#define DAY_SECONDS INT64_C(86400)
#define NANOS INT64_C(1000000000)

/* A part that is missing or null counts as `otherwise`. */
static bool take(const struct json *object, const char *name, int64_t least, int64_t most,
                 int64_t otherwise, int64_t *part)
{
    const struct json *member = json_member(object, name);
    *part = otherwise;
    if (member && member->kind != JSON_NULL && !json_int64(member, part))
        return false;
    return *part >= least && *part <= most;
}

#define MISSING INT64_MIN

struct moment {
    struct civil date;
    int64_t seconds, nanos; /* of the day */
    int64_t offset;
};

static bool take_date(const struct json *object, struct moment *moment)
{
    int64_t month, day;
    if (!take(object, "year", INT32_MIN, INT32_MAX, MISSING, &moment->date.year)
        || !take(object, "month", 0, 12, MISSING, &month)
        || !take(object, "day", 0, 31, MISSING, &day))
        return false;
    moment->date.month = (int)month;
    moment->date.day = (int)day;
    return month == 0 || day <= days_of_month(moment->date.year, month);
}

static bool take_clock(const struct json *object, struct moment *moment)
{
    int64_t hour, minute, second;
    if (!take(object, "hour", 0, 24, MISSING, &hour)
        || !take(object, "minute", 0, 59, MISSING, &minute)
        || !take(object, "second", 0, 60, MISSING, &second)
        || !take(object, "nanos", 0, NANOS - 1, 0, &moment->nanos)
        || !take(object, "offsetSeconds", -DAY_SECONDS, DAY_SECONDS, 0, &moment->offset))
        return false;
    moment->seconds = hour * 3600 + minute * 60 + second;
    return true;
}

/* True where the value is one of the infinities. */
static bool is_infinite(const struct json *object, struct value *value)
{
    str word = json_string(json_member(object, "specialValue"));
    bool positive = str_is(word, "POSITIVE_INFINITY");
    if (!positive && !str_is(word, "NEGATIVE_INFINITY"))
        return false;
    *value = (struct value){VALUE_TEXT, positive ? STR("infinity") : STR("-infinity")};
    return true;
}

/* MySQL's zero dates have no place in a calendar: they are printed as MySQL does. */
static bool is_zero(const struct moment *moment)
{
    return moment->date.month == 0 || moment->date.day == 0;
}

static char *put_day(char *out, const struct moment *moment)
{
    if (!is_zero(moment))
        return put_date(out, moment->date.year, moment->date.month, moment->date.day);
    out = put_number(out, (uint64_t)(moment->date.year < 0 ? 0 : moment->date.year), 4);
    *out++ = '-';
    out = put_number(out, (uint64_t)moment->date.month, 2);
    *out++ = '-';
    return put_number(out, (uint64_t)moment->date.day, 2);
}

static char *put_era_of(char *out, const struct moment *moment)
{
    return is_zero(moment) ? out : put_era(out, moment->date.year);
}

static char *put_seconds(char *out, const struct moment *moment)
{
    return put_clock(out, (uint64_t)moment->seconds, (uint64_t)moment->nanos, 9);
}

static bool give(const struct type_context *context, const char *text, const char *end,
                 struct value *value, struct fault *fault)
{
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

/* The members; false with no fault set where the value is no object. */
static bool object_of(const struct type_context *context, const struct json *json,
                      const struct json **object, struct fault *fault)
{
    return json->kind == JSON_OBJECT && type_children(context, json, object, fault);
}

static bool refuse(const struct type *type, const struct json *json, struct fault *fault)
{
    return fault->kind == FAULT_RETRY ? false : type_refuse(type, json, fault);
}

static bool read_date(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object;
    struct moment moment = {0};
    char text[60];
    if (!object_of(context, json, &object, fault))
        return refuse(type, json, fault);
    if (is_infinite(object, value))
        return true;
    if (!take_date(object, &moment))
        return type_refuse(type, json, fault);
    return give(context, text, put_era_of(put_day(text, &moment), &moment), value, fault);
}

static bool read_clock(const struct type *type, const struct type_context *context,
                       const struct json *json, bool zoned, struct value *value,
                       struct fault *fault)
{
    const struct json *object;
    struct moment moment = {0};
    char text[60];
    if (!object_of(context, json, &object, fault))
        return refuse(type, json, fault);
    if (!take_clock(object, &moment))
        return type_refuse(type, json, fault);
    char *end = put_seconds(text, &moment);
    return give(context, text, zoned ? put_offset(end, moment.offset) : end, value, fault);
}

static bool read_moment(const struct type *type, const struct type_context *context,
                        const struct json *json, bool zoned, struct value *value,
                        struct fault *fault)
{
    const struct json *object;
    struct moment moment = {0};
    char text[80];
    if (!object_of(context, json, &object, fault))
        return refuse(type, json, fault);
    if (is_infinite(object, value))
        return true;
    if (!take_date(object, &moment) || !take_clock(object, &moment))
        return type_refuse(type, json, fault);
    if (!is_zero(&moment))
        clock_to_utc(&moment.date, &moment.seconds, moment.offset);
    char *end = put_day(text, &moment);
    *end++ = ' ';
    end = put_seconds(end, &moment);
    if (zoned) {
        memcpy(end, "+00", 3);
        end += 3;
    }
    return give(context, text, put_era_of(end, &moment), value, fault);
}

struct duration {
    int64_t years, months, days, hours, minutes, seconds, nanos;
};

/* Any of them may be far beyond its usual range: an interval of seconds alone has many. */
static bool take_duration(const struct json *object, struct duration *duration)
{
    return take(object, "years", INT32_MIN, INT32_MAX, 0, &duration->years)
           && take(object, "months", INT32_MIN, INT32_MAX, 0, &duration->months)
           && take(object, "days", INT32_MIN, INT32_MAX, 0, &duration->days)
           && take(object, "hours", INT32_MIN, INT32_MAX, 0, &duration->hours)
           && take(object, "minutes", INT32_MIN, INT32_MAX, 0, &duration->minutes)
           && take(object, "seconds", INT64_MIN, INT64_MAX, 0, &duration->seconds)
           && take(object, "nanos", -NANOS + 1, NANOS - 1, 0, &duration->nanos);
}

/* The time in microseconds, or where it has parts of them in nanoseconds. */
static bool clock_ticks(const struct duration *duration, int *digits, int64_t *ticks)
{
    int64_t per_second = duration->nanos % 1000 ? NANOS : 1000000;
    *digits = per_second == NANOS ? 9 : 6;
    return !__builtin_add_overflow(duration->seconds,
                                   duration->hours * 3600 + duration->minutes * 60, ticks)
           && !__builtin_mul_overflow(*ticks, per_second, ticks)
           && !__builtin_add_overflow(*ticks, duration->nanos / (NANOS / per_second), ticks);
}

static bool read_duration(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object;
    struct duration duration;
    char text[INTERVAL_SIZE];
    int digits;
    int64_t ticks;
    if (!object_of(context, json, &object, fault))
        return refuse(type, json, fault);
    if (!take_duration(object, &duration) || !clock_ticks(&duration, &digits, &ticks))
        return type_refuse(type, json, fault);
    size_t len = interval_print(text, duration.years * 12 + duration.months, duration.days, ticks,
                                digits);
    return give(context, text, text + len, value, fault);
}

static bool read_time(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    return read_clock(type, context, json, false, value, fault);
}

static bool read_zoned_time(const struct type *type, const struct type_context *context,
                            const struct json *json, struct value *value, struct fault *fault)
{
    return read_clock(type, context, json, true, value, fault);
}

static bool read_timestamp(const struct type *type, const struct type_context *context,
                           const struct json *json, struct value *value, struct fault *fault)
{
    return read_moment(type, context, json, false, value, fault);
}

static bool read_zoned_timestamp(const struct type *type, const struct type_context *context,
                                 const struct json *json, struct value *value, struct fault *fault)
{
    return read_moment(type, context, json, true, value, fault);
}

const struct type_reader type_structured_date = {"a date in parts", read_date};
const struct type_reader type_structured_time = {"a time in parts", read_time};
const struct type_reader type_structured_zoned_time = {"a time with a zone in parts",
                                                       read_zoned_time};
const struct type_reader type_structured_timestamp = {"a timestamp in parts", read_timestamp};
const struct type_reader type_structured_zoned_timestamp = {"a timestamp with a zone in parts",
                                                            read_zoned_timestamp};
const struct type_reader type_structured_duration = {"an interval in parts", read_duration};
