/*
 * Timestamps. The calendar is computed here (days from civil after Hinnant), because
 * libc's is slow, and wrong outside its range; only named zones are libc's business.
 */
#include "clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

int64_t days_from_civil(struct civil date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    uint32_t day_of_era = (uint32_t)(days - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    struct civil date = {.day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
    date.month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static int64_t days_of(int64_t time_us)
{
    return time_us / DAY_US - (time_us % DAY_US < 0);
}

static int64_t of_day_us(int64_t time_us)
{
    int64_t rest = time_us % DAY_US;
    return rest < 0 ? rest + DAY_US : rest;
}

static char *put_digits(char *out, int64_t number, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return out + width;
}

/* A number below 100. */
static char *put_two(char *out, uint32_t number)
{
    memcpy(out, str_two_digits + 2 * (size_t)number, 2);
    return out + 2;
}

static char *put_year(char *out, int64_t year)
{
    if (year >= 0 && year <= 9999)
        return put_two(put_two(out, (uint32_t)year / 100), (uint32_t)year % 100);
    *out++ = year < 0 ? '-' : '+';
    int64_t magnitude = year < 0 ? -year : year;
    return put_digits(out, magnitude, magnitude > 99999 ? 6 : magnitude > 9999 ? 5 : 4);
}

size_t timestamp_print(char out[TIMESTAMP_SIZE], int64_t time_us)
{
    int64_t days = days_of(time_us), of_day = of_day_us(time_us);
    struct civil date = civil_from_days(days);
    uint32_t seconds = (uint32_t)(of_day / SECOND_US);
    uint32_t micros = (uint32_t)(of_day - (int64_t)seconds * SECOND_US);
    char *end = put_year(out, date.year);
    *end++ = '-';
    end = put_two(end, (uint32_t)date.month);
    *end++ = '-';
    end = put_two(end, (uint32_t)date.day);
    *end++ = 'T';
    end = put_two(end, seconds / 3600);
    *end++ = ':';
    end = put_two(end, seconds / 60 % 60);
    *end++ = ':';
    end = put_two(end, seconds % 60);
    *end++ = '.';
    end = put_two(end, micros / 10000);
    end = put_two(end, micros / 100 % 100);
    end = put_two(end, micros % 100);
    *end++ = 'Z';
    return (size_t)(end - out);
}

size_t timestamp_print_like(struct timestamp_memory *memory, char out[TIMESTAMP_SIZE],
                            int64_t time_us)
{
    int64_t second = time_us / SECOND_US - (time_us % SECOND_US < 0);
    if (memory->len == 0 || memory->second != second) {
        memory->second = second;
        memory->len = timestamp_print(memory->text, time_us) - strlen("000000Z");
    }
    uint32_t micros = (uint32_t)((uint64_t)time_us - (uint64_t)second * (uint64_t)SECOND_US);
    memcpy(out, memory->text, TIMESTAMP_SIZE);
    char *end = out + memory->len;
    end = put_two(put_two(put_two(end, micros / 10000), micros / 100 % 100), micros % 100);
    *end++ = 'Z';
    return (size_t)(end - out);
}

/* Takes between `least` and `most` digits off the text. */
static bool take_number(str *text, size_t least, size_t most, int64_t *number)
{
    size_t i = 0;
    *number = 0;
    for (; i < text->len && i < most && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++)
        *number = *number * 10 + (text->ptr[i] - '0');
    *text = str_from_at(*text, i);
    return i >= least;
}

static bool take_char(str *text, char c)
{
    if (text->len == 0 || text->ptr[0] != c)
        return false;
    *text = str_from_at(*text, 1);
    return true;
}

int days_of_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(str *text, bool before_christ, int64_t *days)
{
    int64_t year, month, day;
    bool negative = take_char(text, '-');
    if (!negative)
        take_char(text, '+');
    if (!take_number(text, 4, 6, &year) || !take_char(text, '-') || !take_number(text, 2, 2, &month)
        || !take_char(text, '-') || !take_number(text, 2, 2, &day))
        return false;
    year = negative ? -year : before_christ ? 1 - year : year;
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *days = days_from_civil((struct civil){year, (int)month, (int)day});
    return true;
}

static bool take_fraction(str *text, int64_t *micros)
{
    *micros = 0;
    if (!take_char(text, '.'))
        return true;
    int64_t scale = SECOND_US / 10;
    size_t i = 0;
    for (; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9'; i++) {
        *micros += (text->ptr[i] - '0') * scale;
        scale /= 10;
    }
    *text = str_from_at(*text, i);
    return i > 0;
}

static bool take_time(str *text, int64_t *of_day)
{
    int64_t hours, minutes, seconds = 0, micros = 0;
    if (!take_number(text, 2, 2, &hours) || !take_char(text, ':')
        || !take_number(text, 2, 2, &minutes))
        return false;
    if (take_char(text, ':')
        && (!take_number(text, 2, 2, &seconds) || !take_fraction(text, &micros)))
        return false;
    *of_day = hours * HOUR_US + minutes * MINUTE_US + seconds * SECOND_US + micros;
    return minutes < 60 && seconds <= 60 && *of_day <= DAY_US;
}

static bool take_zone(str *text, int64_t *offset, enum timestamp_zone *zone)
{
    *offset = 0;
    *zone = TIMESTAMP_UTC_OFFSET;
    if (text->len == 0) {
        *zone = TIMESTAMP_ZONELESS;
        return true;
    }
    if (take_char(text, 'Z'))
        return true;
    bool west = take_char(text, '-');
    if (!west && !take_char(text, '+'))
        return false;
    int64_t hours, minutes = 0, seconds = 0;
    if (!take_number(text, 2, 2, &hours) || hours > 23)
        return false;
    bool colon = take_char(text, ':');
    if ((colon || text->len > 0) && (!take_number(text, 2, 2, &minutes) || minutes > 59))
        return false;
    if (colon && take_char(text, ':') && (!take_number(text, 2, 2, &seconds) || seconds > 59))
        return false;
    int64_t magnitude = hours * HOUR_US + minutes * MINUTE_US + seconds * SECOND_US;
    *offset = west ? -magnitude : magnitude;
    return true;
}

bool timestamp_parse(str text, int64_t *time_us, enum timestamp_zone *zone)
{
    int64_t days, of_day = 0, offset = 0;
    bool before_christ = str_ends(text, STR(" BC"));
    if (before_christ)
        text.len -= strlen(" BC");
    if (!take_date(&text, before_christ, &days))
        return false;
    bool has_time = take_char(&text, 'T') || take_char(&text, ' ');
    if ((has_time && !take_time(&text, &of_day)) || !take_zone(&text, &offset, zone)
        || text.len > 0)
        return false;
    /* The first day that fits begins before the first microsecond that does. */
    __int128 sum = (__int128)days * (__int128)DAY_US + of_day - offset;
    *time_us = (int64_t)sum;
    return sum == *time_us;
}

/* The zone for zoneless times: a fixed offset, or libc's zone where `named`. */
static _Atomic int64_t zone_offset_us;
static atomic_bool zone_is_named;

/* A file of the tz database begins with these letters; folders are no zones. */
static bool zone_file_exists(str name)
{
    char path[300], magic[4] = "";
    if (name.len == 0 || name.len > 200 || name.ptr[0] == '/' || str_find(name, STR("..")) >= 0)
        return false;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(name));
    FILE *file = fopen(path, "re");
    bool found = file && fread(magic, 1, sizeof(magic), file) == sizeof(magic)
                 && memcmp(magic, "TZif", sizeof(magic)) == 0;
    if (file)
        fclose(file);
    return found;
}

bool clock_set_zone(str name)
{
    int64_t offset;
    enum timestamp_zone zone;
    str rest = name;
    if (name.len == 0 || str_is(name, "UTC") || str_is(name, "Z")) {
        zone_offset_us = 0;
        zone_is_named = false;
        return true;
    }
    if ((name.ptr[0] == '+' || name.ptr[0] == '-') && take_zone(&rest, &offset, &zone)) {
        if (rest.len > 0)
            return false;
        zone_offset_us = offset;
        zone_is_named = false;
        return true;
    }
    if (!zone_file_exists(name))
        return false;
    char copy[256];
    snprintf(copy, sizeof(copy), "%.*s", STR_ARG(name));
    setenv("TZ", copy, 1);
    tzset();
    zone_is_named = true;
    return true;
}

/* The nearest time that fits. */
static int64_t fit(__int128 time_us)
{
    return time_us > INT64_MAX ? INT64_MAX : time_us < INT64_MIN ? INT64_MIN : (int64_t)time_us;
}

int64_t clock_zone_to_utc(int64_t local_us)
{
    if (!zone_is_named)
        return fit((__int128)local_us - zone_offset_us);
    int64_t of_day = of_day_us(local_us);
    struct civil date = civil_from_days(days_of(local_us));
    struct tm local = {.tm_year = (int)(date.year - 1900),
                       .tm_mon = date.month - 1,
                       .tm_mday = date.day,
                       .tm_hour = (int)(of_day / HOUR_US),
                       .tm_min = (int)(of_day / MINUTE_US % 60),
                       .tm_sec = (int)(of_day / SECOND_US % 60),
                       .tm_isdst = -1};
    return fit((__int128)mktime(&local) * (__int128)SECOND_US + of_day % SECOND_US);
}
