/*
 * Dates, times and intervals in parts. Names of parts are those of Debezium's StructuredTemporal;
 * what is wanted is PostgreSQL's text of the same date, time or interval.
 */
#include "type_kit.h"

static void check_cases(const char *name, const char *hint, const char *const (*cases)[2],
                        size_t count)
{
    char full[80];
    snprintf(full, sizeof(full), "io.debezium.time.%s", name);
    for (size_t i = 0; i < count; i++) {
        check_named(full, "struct", cases[i][0], cases[i][1]);
        if (cases[i][1][0] == '\'')
            check_hint((struct type_modes){.time = TIME_STRUCTURED}, hint, cases[i][0],
                       cases[i][1]);
    }
}

#define CHECK_CASES(name, hint, cases) check_cases(name, hint, cases, COUNT(cases))
#define DATE(year, month, day) "\"year\":" #year ",\"month\":" #month ",\"day\":" #day
#define CLOCK(hour, minute, second, nanos)                                                         \
    "\"hour\":" #hour ",\"minute\":" #minute ",\"second\":" #second ",\"nanos\":" #nanos
#define SPECIAL(word) "{\"year\":null,\"month\":null,\"specialValue\":\"" word "\"}"

static void test_dates(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{" DATE(2026, 11, 21) ",\"specialValue\":null}", "'2026-11-21"},
        {"{ \"day\" : 29 , \"month\" : 2 , \"year\" : 2024 }", "'2024-02-29"},
        {"{" DATE(0, 3, 15) "}", "'0001-03-15 BC"},
        {"{" DATE(-43, 3, 15) "}", "'0044-03-15 BC"},
        {"{" DATE(12345, 1, 1) "}", "'12345-01-01"},
        {"{" DATE("2026", "11", "21") "}", "'2026-11-21"},
        {SPECIAL("POSITIVE_INFINITY"), "'infinity"},
        {SPECIAL("NEGATIVE_INFINITY"), "'-infinity"},
        /* MySQL */
        {"{" DATE(0, 0, 0) "}", "'0000-00-00"},
        {"{" DATE(2026, 11, 0) "}", "'2026-11-00"},
        {"{" DATE(2023, 2, 29) "}", "data: the value {\"year\":2023,\"month\":2,\"day\":29} cannot "
                                    "be read as a date in parts"},
        {"{" DATE(2023, 13, 1) "}", "data: the value {\"year\":2023,\"month\":13,\"day\":1} cannot "
                                    "be read as a date in parts"},
        {"{\"year\":2023}", "data: the value {\"year\":2023} cannot be read as a date in parts"},
        {SPECIAL("NAN"), "data: the value {\"year\":null,\"month\":null,\"specialValue\":\"NAN\"} "
                         "cannot be read as a date in parts"},
        {"18000", "data: the value 18000 cannot be read as a date in parts"},
        {"[1]", "data: the value [1] cannot be read as a date in parts"},
        {"null", "~"},
    };
    CHECK_CASES("StructuredDate", "date", cases);
}

static void test_times(void **state)
{
    (void)state;
    static const char *const plain[][2] = {
        {"{" CLOCK(13, 14, 15, 123456000) ",\"precision\":6}", "'13:14:15.123456"},
        {"{" CLOCK(0, 0, 0, 0) "}", "'00:00:00"},
        {"{" CLOCK(23, 59, 59, 999999999) "}", "'23:59:59.999999999"},
        {"{" CLOCK(1, 2, 3, 500000000) "}", "'01:02:03.5"},
        {"{" CLOCK(24, 0, 0, 0) "}", "'24:00:00"},
        {"{" CLOCK(1, 60, 0, 0) "}", "data: the value {\"hour\":1,\"minute\":60,\"second\":0,"
                                     "\"nanos\":0} cannot be read as a time in parts"},
        {"{}", "data: the value {} cannot be read as a time in parts"},
    };
    CHECK_CASES("StructuredTime", "time", plain);
    static const char *const zoned[][2] = {
        {"{" CLOCK(2, 5, 6, 789000000) ",\"offsetSeconds\":0}", "'02:05:06.789+00"},
        {"{" CLOCK(2, 5, 6, 0) ",\"offsetSeconds\":-28800}", "'02:05:06-08"},
        {"{" CLOCK(2, 5, 6, 0) ",\"offsetSeconds\":20700}", "'02:05:06+05:45"},
        {"{" CLOCK(24, 0, 0, 0) ",\"offsetSeconds\":-12345}", "'24:00:00-03:25:45"},
    };
    CHECK_CASES("StructuredZonedTime", "timetz", zoned);
}

static void test_timestamps(void **state)
{
    (void)state;
    static const char *const plain[][2] = {
        {"{" DATE(2018, 6, 20) "," CLOCK(15, 13, 16, 945104000) "}", "'2018-06-20 15:13:16.945104"},
        {"{" DATE(0, 1, 1) "," CLOCK(0, 0, 0, 0) "}", "'0001-01-01 00:00:00 BC"},
        {"{" DATE(2018, 12, 31) "," CLOCK(24, 0, 0, 0) "}", "'2019-01-01 00:00:00"},
        {SPECIAL("POSITIVE_INFINITY"), "'infinity"},
        {SPECIAL("NEGATIVE_INFINITY"), "'-infinity"},
        {"{" DATE(0, 0, 0) "," CLOCK(0, 0, 0, 0) "}", "'0000-00-00 00:00:00"},
        {"{" DATE(2018, 6, 20) "}", "data: the value {\"year\":2018,\"month\":6,\"day\":20} cannot "
                                    "be read as a timestamp in parts"},
    };
    CHECK_CASES("StructuredTimestamp", "timestamp", plain);
    static const char *const zoned[][2] = {
        {"{" DATE(2019, 7, 9) "," CLOCK(2, 28, 57, 123456000) ",\"offsetSeconds\":0}",
         "'2019-07-09 02:28:57.123456+00"},
        {"{" DATE(2019, 12, 31) "," CLOCK(23, 28, 57, 0) ",\"offsetSeconds\":-19800}",
         "'2020-01-01 04:58:57+00"},
        {"{" DATE(1, 1, 1) "," CLOCK(0, 0, 0, 0) ",\"offsetSeconds\":3600,\"zoneId\":\"x\"}",
         "'0001-12-31 23:00:00+00 BC"},
        {SPECIAL("POSITIVE_INFINITY"), "'infinity"},
    };
    CHECK_CASES("StructuredZonedTimestamp", "timestamptz", zoned);
}

#define SPAN(years, months, days, hours, minutes, seconds, nanos)                                  \
    "{\"years\":" #years ",\"months\":" #months ",\"days\":" #days ",\"hours\":" #hours            \
    ",\"minutes\":" #minutes ",\"seconds\":" #seconds ",\"nanos\":" #nanos ",\"precision\":6}"

static void test_durations(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {SPAN(1, 2, 3, 4, 5, 6, 780000000), "'1 year 2 mons 3 days 04:05:06.78"},
        {SPAN(0, -1, 2, 0, 0, 0, -1000), "'-1 mons +2 days -00:00:00.000001"},
        {SPAN(-1, -2, 3, -4, -5, -6, -780000000), "'-1 years -2 mons +3 days -04:05:06.78"},
        {SPAN(0, 0, 0, 0, 0, 0, 0), "'00:00:00"},
        {SPAN(178000000, 0, 0, 0, 0, 0, 0), "'178000000 years"},
        {SPAN(0, 0, 0, 2147483647, 0, 0, 500000000), "'2147483647:00:00.5"},
        {SPAN(0, 0, 0, 0, 0, 37091106, 780000000), "'10303:05:06.78"},
        {SPAN(0, 0, 0, -838, -59, -59, 0), "'-838:59:59"}, /* MySQL's time */
        {SPAN(0, 0, 0, 0, 0, 1, 123456789), "'00:00:01.123456789"},
        {"{\"days\":1}", "'1 day"},
        {SPAN(0, 0, 0, 0, 0, 9223372036854775807, 0),
         "data: the value {\"years\":0,\"months\":0,\"days\":0,\"hours\":0,\"minutes\":0,\"second "
         "cannot be read as an interval in parts"},
        {"{\"days\":1.5}", "data: the value {\"days\":1.5} cannot be read as an interval in parts"},
    };
    CHECK_CASES("StructuredDuration", "interval", cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
