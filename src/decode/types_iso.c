/*
 * Dates and times that come as ISO 8601 texts, rewritten as PostgreSQL spells them. A text in
 * another spelling (infinity, MySQL's 0000-00-00) passes as it came.
 */
#include "type_readers.h"

#define ZONED true

/* What a text says; the fraction is kept as digits, for no unit holds all of them. */
struct iso {
    struct civil date;
    int64_t seconds; /* of the day */
    str fraction;
    int64_t offset; /* of the zone, in seconds */
};

static bool take(str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = str_from_at(*text, 1);
    return true;
}

static bool take_number(str *text, size_t least, size_t most, int64_t *number)
{
    size_t i = 0;
    *number = 0;
    for (; i < text->len && i < most && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++)
        *number = *number * 10 + (text->ptr[i] - '0');
    *text = str_from_at(*text, i);
    return i >= least;
}

static bool take_date(str *text, struct iso *iso)
{
    int64_t month, day;
    bool negative = take(text, '-');
    if (!negative)
        take(text, '+');
    if (!take_number(text, 4, 9, &iso->date.year) || !take(text, '-')
        || !take_number(text, 2, 2, &month) || !take(text, '-') || !take_number(text, 2, 2, &day))
        return false;
    if (negative)
        iso->date.year = -iso->date.year;
    iso->date.month = (int)month;
    iso->date.day = (int)day;
    return month >= 1 && month <= 12 && day >= 1 && day <= days_of_month(iso->date.year, month);
}

/* Java leaves seconds out where they are zero. */
static bool take_clock(str *text, struct iso *iso)
{
    int64_t hours, minutes, seconds = 0;
    if (!take_number(text, 2, 2, &hours) || !take(text, ':') || !take_number(text, 2, 2, &minutes))
        return false;
    if (take(text, ':') && !take_number(text, 2, 2, &seconds))
        return false;
    if (take(text, '.')) {
        size_t len = 0;
        while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
            len++;
        iso->fraction = str_head(*text, len);
        *text = str_from_at(*text, len);
        while (iso->fraction.len > 0 && iso->fraction.ptr[iso->fraction.len - 1] == '0')
            iso->fraction.len--;
    }
    iso->seconds = hours * 3600 + minutes * 60 + seconds;
    return hours <= 24 && minutes < 60 && seconds <= 60 && iso->fraction.len <= 12;
}

/* Z, +hh, +hh:mm, +hh:mm:ss, or the end. */
static bool take_zone(str *text, struct iso *iso)
{
    int64_t hours, minutes = 0, seconds = 0;
    if (text->len == 0 || take(text, 'Z'))
        return text->len == 0;
    bool west = take(text, '-');
    if (!west && !take(text, '+'))
        return false;
    if (!take_number(text, 2, 2, &hours))
        return false;
    if ((take(text, ':') || text->len > 0) && !take_number(text, 2, 2, &minutes))
        return false;
    if (take(text, ':') && !take_number(text, 2, 2, &seconds))
        return false;
    iso->offset = hours * 3600 + minutes * 60 + seconds;
    iso->offset = west ? -iso->offset : iso->offset;
    return text->len == 0 && hours <= 24 && minutes < 60 && seconds < 60;
}

static bool pass(const struct json *json, struct value *value)
{
    *value = type_plain(json);
    return true;
}

static char *put_time(char *out, const struct iso *iso)
{
    out = put_clock(out, (uint64_t)iso->seconds, 0, 0);
    if (iso->fraction.len > 0) {
        *out++ = '.';
        memcpy(out, iso->fraction.ptr, iso->fraction.len);
        out += iso->fraction.len;
    }
    return out;
}

/* Dates at which Debezium's infinities land, beyond all that PostgreSQL can store. */
static bool infinite(str text, struct value *value)
{
    static const char *const words[][2] = {
        {"-5877611-06-21Z", "infinity"},
        {"-5877611-06-22Z", "-infinity"},
        {"+294247-01-10T04:00:25.2Z", "infinity"},
        {"-290308-12-21T19:59:27.6Z", "-infinity"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!str_is(text, words[i][0]))
            continue;
        *value = (struct value){VALUE_TEXT, str_from(words[i][1])};
        return true;
    }
    return false;
}

/* Numbers are what another time.precision.mode sends, objects what `structured` does: a hint may
   meet them. */
static bool by_other(const struct type_reader *reader, const struct type_reader *structured,
                     const struct type *type, const struct type_context *context,
                     const struct json *json, struct value *value, struct fault *fault)
{
    struct type ticks = {.reader = reader, .parameter = type->parameter};
    if (json->kind == JSON_OBJECT)
        return structured->read(type, context, json, value, fault);
    if (json->kind != JSON_NUMBER || (reader != &type_date && type->parameter == 0))
        return type_refuse(type, json, fault);
    return reader->read(&ticks, context, json, value, fault);
}

static bool read_date(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    struct iso iso = {0};
    char text[60];
    str rest = json->text;
    if (json->kind != JSON_STRING)
        return by_other(&type_date, &type_structured_date, type, context, json, value, fault);
    if (infinite(rest, value))
        return true;
    if (!take_date(&rest, &iso) || !take_zone(&rest, &iso))
        return pass(json, value);
    char *end = put_date(text, iso.date.year, iso.date.month, iso.date.day);
    end = put_era(end, iso.date.year);
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

static bool read_clock(const struct type *type, const struct type_context *context,
                       const struct json *json, bool zoned, struct value *value,
                       struct fault *fault)
{
    struct iso iso = {0};
    char text[60];
    str rest = json->text;
    if (json->kind != JSON_STRING)
        return by_other(&type_time, zoned ? &type_structured_zoned_time : &type_structured_time,
                        type, context, json, value, fault);
    if (!take_clock(&rest, &iso) || !take_zone(&rest, &iso))
        return pass(json, value);
    char *end = put_time(text, &iso);
    if (zoned)
        end = put_offset(end, iso.offset);
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

static bool read_moment(const struct type *type, const struct type_context *context,
                        const struct json *json, bool zoned, struct value *value,
                        struct fault *fault)
{
    struct iso iso = {0};
    char text[80];
    str rest = json->text;
    if (json->kind != JSON_STRING)
        return by_other(&type_timestamp,
                        zoned ? &type_structured_zoned_timestamp : &type_structured_timestamp, type,
                        context, json, value, fault);
    if (infinite(rest, value))
        return true;
    if (!take_date(&rest, &iso) || (!take(&rest, 'T') && !take(&rest, ' '))
        || !take_clock(&rest, &iso) || !take_zone(&rest, &iso))
        return pass(json, value);
    clock_to_utc(&iso.date, &iso.seconds, iso.offset);
    char *end = put_date(text, iso.date.year, iso.date.month, iso.date.day);
    *end++ = ' ';
    end = put_time(end, &iso);
    if (zoned) {
        memcpy(end, "+00", 3);
        end += 3;
    }
    end = put_era(end, iso.date.year);
    return type_text(context, VALUE_TEXT, text, (size_t)(end - text), value, fault);
}

static bool read_time(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    return read_clock(type, context, json, !ZONED, value, fault);
}

static bool read_zoned_time(const struct type *type, const struct type_context *context,
                            const struct json *json, struct value *value, struct fault *fault)
{
    return read_clock(type, context, json, ZONED, value, fault);
}

static bool read_timestamp(const struct type *type, const struct type_context *context,
                           const struct json *json, struct value *value, struct fault *fault)
{
    return read_moment(type, context, json, !ZONED, value, fault);
}

static bool read_zoned_timestamp(const struct type *type, const struct type_context *context,
                                 const struct json *json, struct value *value, struct fault *fault)
{
    return read_moment(type, context, json, ZONED, value, fault);
}

const struct type_reader type_iso_date = {"a date", read_date};
const struct type_reader type_iso_time = {"a time", read_time};
const struct type_reader type_iso_timestamp = {"a timestamp", read_timestamp};
const struct type_reader type_zoned_time = {"a time with a zone", read_zoned_time};
const struct type_reader type_zoned_timestamp = {"a timestamp with a zone", read_zoned_timestamp};
