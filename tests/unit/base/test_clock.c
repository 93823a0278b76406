/*
 * Timestamps as text, both ways. The pairs come from `date -u -d @SECONDS` and from the calendar.
 */
#include "check.h"

#include "clock.h"

#define DAY INT64_C(86400000000)

static const struct {
    int64_t time_us;
    const char *text;
} pairs[] = {
    {0, "1970-01-01T00:00:00.000000Z"},
    {1, "1970-01-01T00:00:00.000001Z"},
    {-1, "1969-12-31T23:59:59.999999Z"},
    {-1000000, "1969-12-31T23:59:59.000000Z"},
    {951782400000000, "2000-02-29T00:00:00.000000Z"},
    {951868799999999, "2000-02-29T23:59:59.999999Z"},
    {951868800000000, "2000-03-01T00:00:00.000000Z"},
    {1529507596945104, "2018-06-20T15:13:16.945104Z"},
    {1559033904863123, "2019-05-28T08:58:24.863123Z"},
    {1709164800000000, "2024-02-29T00:00:00.000000Z"},
    {4107542399000000, "2100-02-28T23:59:59.000000Z"},
    {4107542400000000, "2100-03-01T00:00:00.000000Z"},
    {-2208988800000000, "1900-01-01T00:00:00.000000Z"},
    {-2203891200000000, "1900-03-01T00:00:00.000000Z"},
    {-62135596800000000, "0001-01-01T00:00:00.000000Z"},
    {-62135596800000001, "0000-12-31T23:59:59.999999Z"},
    {-62167219200000000, "0000-01-01T00:00:00.000000Z"},
    {-62167219200000001, "-0001-12-31T23:59:59.999999Z"},
    {253402300799999999, "9999-12-31T23:59:59.999999Z"},
    {253402300800000000, "+10000-01-01T00:00:00.000000Z"},
    {9223372036825200000, "+294247-01-10T04:00:25.200000Z"},
    {INT64_MAX, "+294247-01-10T04:00:54.775807Z"},
};

static void check_print(int64_t time_us, const char *want)
{
    char out[TIMESTAMP_SIZE];
    check_text("printed", (str){out, timestamp_print(out, time_us)}, want);
}

static void check_parse(const char *text, int64_t want, enum timestamp_zone want_zone)
{
    int64_t got = 0;
    enum timestamp_zone zone;
    if (!timestamp_parse(str_from(text), &got, &zone))
        fail_msg("not taken: %s", text);
    check_number(text, got, want);
    check_number(text, zone, want_zone);
}

static void test_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        check_print(pairs[i].time_us, pairs[i].text);
        check_parse(pairs[i].text, pairs[i].time_us, TIMESTAMP_UTC_OFFSET);
    }
}

/* Every day of nine hundred years, against a calendar that counts one day after the other. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1600, month = 1, day = 1;
    int64_t days = -135140;
    for (; year < 2500; days++) {
        char want[64];
        snprintf(want, sizeof(want), "%04d-%02d-%02dT12:00:00.000000Z", year, month, day);
        check_print(days * DAY + DAY / 2, want);
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            year += month == 12;
            month = month % 12 + 1;
        }
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
        enum timestamp_zone zone;
    } cases[] = {
        {"1970-01-02", DAY, TIMESTAMP_ZONELESS},
        {"1970-01-01 00:00", 0, TIMESTAMP_ZONELESS},
        {"1970-01-01T00:01", 60000000, TIMESTAMP_ZONELESS},
        {"1970-01-01T00:00:01", 1000000, TIMESTAMP_ZONELESS},
        {"1970-01-01 00:00:01Z", 1000000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.1Z", 100000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.12Z", 120000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.123Z", 123000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.1234Z", 123400, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.12345Z", 123450, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.123456Z", 123456, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.1234567Z", 123456, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.12345678Z", 123456, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T00:00:00.999999999Z", 999999, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T24:00", DAY, TIMESTAMP_ZONELESS},
        {"1970-01-01T24:00:00.000Z", DAY, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01T23:59:60Z", DAY, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01 02:00:00+02", 0, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01 03:30:00+03:30", 0, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01 00:00:00-03:30", 12600000000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01 00:00:00+00:00:01", -1000000, TIMESTAMP_UTC_OFFSET},
        {"1970-01-01 00:00:00-0330", 12600000000, TIMESTAMP_UTC_OFFSET},
        {"1969-12-31 23:00-01", 0, TIMESTAMP_UTC_OFFSET},
        {"+10000-01-01", 253402300800000000, TIMESTAMP_ZONELESS},
        {"-0001-12-31", -62167219200000000 - DAY, TIMESTAMP_ZONELESS},
        {"2000-02-29", 951782400000000, TIMESTAMP_ZONELESS},
        /* as PostgreSQL prints them */
        {"10000-01-01", 253402300800000000, TIMESTAMP_ZONELESS},
        {"0001-12-31 BC", -62135596800000000 - DAY, TIMESTAMP_ZONELESS},
        {"0044-03-15 12:00:00.5+00 BC", -63517780799500000, TIMESTAMP_UTC_OFFSET},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_parse(cases[i].text, cases[i].want, cases[i].zone);
}

static void check_garbage(const char *const *text, size_t count)
{
    int64_t time_us;
    enum timestamp_zone zone;
    for (size_t i = 0; i < count; i++)
        if (timestamp_parse(str_from(text[i]), &time_us, &zone))
            fail_msg("taken for a time: %s", text[i]);
}

static void test_garbage(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "infinity",
        "-infinity",
        "2026",
        "2026-11",
        "2026-11-",
        "2026-1-01",
        "2026-13-01",
        "2026-00-01",
        "2026-11-00",
        "2026-11-31",
        "2025-02-29",
        "1900-02-29",
        "2100-02-29",
        "0044-03-15 AD",
        "0044-03-15BC",
        "+999999-01-01",
        "+1234567-01-01",
        "-5877611-06-21Z",
        "2026-11-21x",
        "2026-11-21T",
        "2026-11-21 ",
        "2026-11-21T1:00",
        "2026-11-21T12",
        "2026-11-21T12:",
        "2026-11-21T12:0",
        "2026-11-21T12:60",
        "2026-11-21T12:00:61",
        "2026-11-21T12:00:",
        "2026-11-21T12:00:00.",
        "2026-11-21T12:00:00,5",
        "2026-11-21T24:00:00.000001",
        "2026-11-21T24:01",
        "2026-11-21T25:00",
        "2026-11-21T12:00:00 Z",
        "2026-11-21T12:00:00z",
        "2026-11-21T12:00:00ZZ",
        "2026-11-21T12:00:00+",
        "2026-11-21T12:00:00+1",
        "2026-11-21T12:00:00+01:0",
        "2026-11-21T12:00:00+01:00:",
        "2026-11-21T12:00:00+01:00x",
        " 2026-11-21",
        "2026-11-21T12:00:00[Europe/Berlin]",
        "+294247-01-10T04:00:54.775808Z",
    };
    check_garbage(cases, COUNT(cases));
}

/* Offsets that no clock has, and one that is cut short. */
static void test_bad_offsets(void **state)
{
    (void)state;
    static const char *const cases[] = {"2026-11-21T12:00:00+99", "2026-11-21T12:00:00+01:99",
                                        "2026-11-21T12:00:00+01:00:99", "2026-11-21T12:00:00+01:"};
    int64_t time_us;
    enum timestamp_zone zone;
    size_t taken = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool good = timestamp_parse(str_from(cases[i]), &time_us, &zone);
        if (good)
            print_error("taken for a time: %s\n", cases[i]);
        taken += good;
    }
    assert_int_equal(taken, 0);
}

static void check_zone(const char *zone, const char *local, const char *want)
{
    int64_t time_us;
    enum timestamp_zone kind;
    if (!clock_set_zone(str_from(zone)))
        fail_msg("no zone: %s", zone);
    assert_true(timestamp_parse(str_from(local), &time_us, &kind));
    check_print(clock_zone_to_utc(time_us), want);
}

static void test_zones(void **state)
{
    (void)state;
    check_zone("UTC", "2026-07-01 12:00:00.5", "2026-07-01T12:00:00.500000Z");
    check_zone("+03:30", "2026-07-01 12:00", "2026-07-01T08:30:00.000000Z");
    check_zone("-08", "2026-07-01 12:00", "2026-07-01T20:00:00.000000Z");
    check_zone("Europe/Berlin", "2026-07-01 12:00:00.25", "2026-07-01T10:00:00.250000Z");
    check_zone("Europe/Berlin", "2026-01-01 12:00", "2026-01-01T11:00:00.000000Z");
    check_zone("Europe/Berlin", "1969-12-31 23:59:59.75", "1969-12-31T22:59:59.750000Z");
    check_zone("America/New_York", "2026-07-01 12:00", "2026-07-01T16:00:00.000000Z");
    check_zone("", "2026-07-01 12:00", "2026-07-01T12:00:00.000000Z");
    check_zone("Z", "2026-07-01 12:00", "2026-07-01T12:00:00.000000Z");
    static const char *const none[] = {"Mars/Olympus", "../etc/passwd", "/etc/passwd", "+3", "+",
                                       "utc+1",        "+03:30x"};
    for (size_t i = 0; i < COUNT(none); i++)
        if (clock_set_zone(str_from(none[i])))
            fail_msg("taken for a zone: %s", none[i]);
}

/* A refused zone changes nothing. */
static void test_refused_zone(void **state)
{
    (void)state;
    assert_true(clock_set_zone(STR("UTC")));
    assert_false(clock_set_zone(STR("+03:30x")));
    check_number("as before", clock_zone_to_utc(0), 0);
}

/* A folder of the tz database, and a file in it that is no zone. */
static void test_no_zone_file(void **state)
{
    (void)state;
    assert_false(clock_set_zone(STR("Europe")));
}

static void test_clocks(void **state)
{
    (void)state;
    int64_t first = clock_steady_ms();
    assert_true(clock_now_us() > 1700000000000000);
    assert_true(clock_steady_ms() >= first);
}

/* PostgreSQL's -infinity as Debezium sends it lies in the last day that 64 bits can hold. */
static void test_earliest(void **state)
{
    (void)state;
    check_print(-9223372036832400000, "-290308-12-21T19:59:27.600000Z");
    check_print(INT64_MIN + 1, "-290308-12-21T19:59:05.224193Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_parse),        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_bad_offsets),  cmocka_unit_test(test_zones),
        cmocka_unit_test(test_refused_zone), cmocka_unit_test(test_no_zone_file),
        cmocka_unit_test(test_clocks),       cmocka_unit_test(test_earliest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
