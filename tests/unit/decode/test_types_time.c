/*
 * Dates, times and intervals. What is wanted was printed by PostgreSQL 15 (select '...'::date::text
 * with TimeZone UTC and IntervalStyle postgres), what is read stood in events of Debezium 3.3.1.
 */
#include "type_kit.h"

static void check_cases(const char *name, const char *wire, const char *const (*cases)[2],
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_named(name, wire, cases[i][0], cases[i][1]);
}

#define CHECK_CASES(name, wire, cases) check_cases(name, wire, cases, COUNT(cases))

static void test_dates(void **state)
{
    (void)state;
    static const char *const days[][2] = {
        {"20778", "'2026-11-21"},
        {"0", "'1970-01-01"},
        {"-1", "'1969-12-31"},
        {"-719528", "'0001-01-01 BC"},
        {"-719162", "'0001-01-01"},
        {"-719163", "'0001-12-31 BC"},
        {"-2440550", "'4713-01-01 BC"},
        {"3789391", "'12345-01-01"},
        {"2145042905", "'5874897-12-31"},
        {"-2147472692", "'infinity"},
        {"-2147472691", "'-infinity"},
        {"\"20778\"", "'2026-11-21"},
        {"2147483648", "data: the value 2147483648 cannot be read as days since 1970"},
        {"1.5", "data: the value 1.5 cannot be read as days since 1970"},
        {"\"2026-11-21\"", "data: the value 2026-11-21 cannot be read as days since 1970"},
    };
    CHECK_CASES("io.debezium.time.Date", "int32", days);
    CHECK_CASES("org.apache.kafka.connect.data.Date", "int32", days);
    static const char *const iso[][2] = {
        {"\"2026-11-21Z\"", "'2026-11-21"},
        {"\"2026-11-21\"", "'2026-11-21"},
        {"\"0000-12-31Z\"", "'0001-12-31 BC"},
        {"\"0000-01-01Z\"", "'0001-01-01 BC"},
        {"\"-4712-01-01Z\"", "'4713-01-01 BC"},
        {"\"+12345-01-01Z\"", "'12345-01-01"},
        {"\"-5877611-06-21Z\"", "'infinity"},
        {"\"-5877611-06-22Z\"", "'-infinity"},
        {"\"2024-02-29Z\"", "'2024-02-29"},
        /* no dates: texts as they came */
        {"\"2023-02-29Z\"", "'2023-02-29Z"},
        {"\"0000-00-00\"", "'0000-00-00"},
        {"\"infinity\"", "'infinity"},
        {"\"2026-11-21x\"", "'2026-11-21x"},
        {"7", "'1970-01-08"},
    };
    CHECK_CASES("io.debezium.time.IsoDate", "string", iso);
}

static void test_times(void **state)
{
    (void)state;
    static const char *const ms[][2] = {
        {"3723123", "'01:02:03.123"}, {"86399999", "'23:59:59.999"}, {"86400000", "'24:00:00"},
        {"0", "'00:00:00"},           {"1", "'00:00:00.001"},        {"45296700", "'12:34:56.7"},
    };
    CHECK_CASES("io.debezium.time.Time", "int32", ms);
    CHECK_CASES("org.apache.kafka.connect.data.Time", "int32", ms);
    static const char *const us[][2] = {
        {"47655123456", "'13:14:15.123456"},
        {"86400000000", "'24:00:00"},
        {"1", "'00:00:00.000001"},
        {"45296700000", "'12:34:56.7"},
        /* MySQL's TIME */
        {"-3020399000000", "'-838:59:59"},
        {"3020399000001", "'838:59:59.000001"},
    };
    CHECK_CASES("io.debezium.time.MicroTime", "int64", us);
    static const char *const ns[][2] = {
        {"86399999999000", "'23:59:59.999999"},
        {"86399999999999", "'23:59:59.999999999"},
        {"-9223372036854775808", "'-2562047:47:16.854775808"},
    };
    CHECK_CASES("io.debezium.time.NanoTime", "int64", ns);
    static const char *const iso[][2] = {
        {"\"13:14:15.123456Z\"", "'13:14:15.123456"},
        {"\"12:34:56.700Z\"", "'12:34:56.7"},
        {"\"00:00:00Z\"", "'00:00:00"},
        {"\"12:34Z\"", "'12:34:00"},
        {"\"24:00:00Z\"", "'24:00:00"},
        {"\"noon\"", "'noon"},
    };
    CHECK_CASES("io.debezium.time.IsoTime", "string", iso);
    static const char *const zoned[][2] = {
        {"\"02:05:06.789Z\"", "'02:05:06.789+00"},
        {"\"10:59:59.999999Z\"", "'10:59:59.999999+00"},
        {"\"12:00:00+02:00\"", "'12:00:00+02"},
        {"\"12:00:00-05:30\"", "'12:00:00-05:30"},
        {"\"12:00:00+05:30:15\"", "'12:00:00+05:30:15"},
        {"true", "data: the value true cannot be read as a time with a zone"},
    };
    CHECK_CASES("io.debezium.time.ZonedTime", "string", zoned);
}

static void test_timestamps(void **state)
{
    (void)state;
    static const char *const ms[][2] = {
        {"1529507596945", "'2018-06-20 15:13:16.945"},
        {"-1", "'1969-12-31 23:59:59.999"},
        {"0", "'1970-01-01 00:00:00"},
        {"-210863520000000", "'4713-01-01 00:00:00 BC"},
        {"9223372036825200", "'infinity"},
        {"-9223372036832400", "'-infinity"},
    };
    CHECK_CASES("io.debezium.time.Timestamp", "int64", ms);
    CHECK_CASES("org.apache.kafka.connect.data.Timestamp", "int64", ms);
    static const char *const us[][2] = {
        {"1529507596945104", "'2018-06-20 15:13:16.945104"},
        {"-1", "'1969-12-31 23:59:59.999999"},
        {"-63517780799500000", "'0044-03-15 12:00:00.5 BC"},
        {"9223372036825200000", "'infinity"},
        {"-9223372036832400000", "'-infinity"},
        {"-9223372036854775808", "'290309-12-21 19:59:05.224192 BC"},
        {"9223372036854775807", "'294247-01-10 04:00:54.775807"},
        {"9223372036854775808",
         "data: the value 9223372036854775808 cannot be read as a timestamp in ticks since 1970"},
    };
    CHECK_CASES("io.debezium.time.MicroTimestamp", "int64", us);
    static const char *const ns[][2] = {
        {"1559033904863123000", "'2019-05-28 08:58:24.863123"},
        {"1559033904863123007", "'2019-05-28 08:58:24.863123007"},
        {"-1000", "'1969-12-31 23:59:59.999999"},
        {"9223372036854775807", "'infinity"},
        {"-9223372036854775808", "'-infinity"},
    };
    CHECK_CASES("io.debezium.time.NanoTimestamp", "int64", ns);
    static const char *const iso[][2] = {
        {"\"2018-06-20T15:13:16.945104Z\"", "'2018-06-20 15:13:16.945104"},
        {"\"1000-01-01T00:00:00Z\"", "'1000-01-01 00:00:00"},
        {"\"-0043-03-15T12:00:00.5Z\"", "'0044-03-15 12:00:00.5 BC"},
        {"\"+294247-01-10T04:00:25.2Z\"", "'infinity"},
        {"\"-290308-12-21T19:59:27.6Z\"", "'-infinity"},
        {"\"0000-00-00 00:00:00\"", "'0000-00-00 00:00:00"},
    };
    CHECK_CASES("io.debezium.time.IsoTimestamp", "string", iso);
}

static void test_zoned_timestamps(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"2019-07-09T02:28:57Z\"", "'2019-07-09 02:28:57+00"},
        {"\"2019-07-09T02:28:57.1Z\"", "'2019-07-09 02:28:57.1+00"},
        {"\"2019-07-09T02:28:57.12Z\"", "'2019-07-09 02:28:57.12+00"},
        {"\"2019-07-09T02:28:57.123Z\"", "'2019-07-09 02:28:57.123+00"},
        {"\"2019-07-09T02:28:57.1234Z\"", "'2019-07-09 02:28:57.1234+00"},
        {"\"2019-07-09T02:28:57.12345Z\"", "'2019-07-09 02:28:57.12345+00"},
        {"\"2019-07-09T02:28:57.123456Z\"", "'2019-07-09 02:28:57.123456+00"},
        {"\"2019-07-09T02:28:57.1234567Z\"", "'2019-07-09 02:28:57.1234567+00"},
        {"\"2019-07-09T02:28:57.12345678Z\"", "'2019-07-09 02:28:57.12345678+00"},
        {"\"2019-07-09T02:28:57.123456789Z\"", "'2019-07-09 02:28:57.123456789+00"},
        {"\"2019-07-09T02:28:57.500000Z\"", "'2019-07-09 02:28:57.5+00"},
        {"\"2019-07-09T02:28Z\"", "'2019-07-09 02:28:00+00"},
        {"\"2019-07-09T00:28:57+02:00\"", "'2019-07-08 22:28:57+00"},
        {"\"2019-12-31T23:28:57.25-05:30\"", "'2020-01-01 04:58:57.25+00"},
        {"\"0001-01-01T00:00:00+01:00\"", "'0001-12-31 23:00:00+00 BC"},
        {"\"-4712-01-02T00:00:00.000000Z\"", "'4713-01-02 00:00:00+00 BC"},
        {"\"infinity\"", "'infinity"},
        {"\"-infinity\"", "'-infinity"},
        {"7", "data: the value 7 cannot be read as a timestamp with a zone"},
    };
    CHECK_CASES("io.debezium.time.ZonedTimestamp", "string", cases);
}

static void test_intervals(void **state)
{
    (void)state;
    static const char *const iso[][2] = {
        {"\"P1Y2M3DT4H5M6.78S\"", "'1 year 2 mons 3 days 04:05:06.78"},
        {"\"P0Y-1M2DT0H0M-0.000001S\"", "'-1 mons +2 days -00:00:00.000001"},
        {"\"P-1Y-2M3DT-4H-5M-6.78S\"", "'-1 years -2 mons +3 days -04:05:06.78"},
        {"\"P178000000Y0M0DT0H0M0S\"", "'178000000 years"},
        {"\"P0Y0M0DT2147483647H0M0.5S\"", "'2147483647:00:00.5"},
        {"\"P0Y0M1DT0H0M0S\"", "'1 day"},
        {"\"P0Y1M-1DT0H0M0S\"", "'1 mon -1 days"},
        {"\"P0Y0M0DT0H0M0S\"", "'00:00:00"},
        {"\"P0Y0M-1DT1H0M0S\"", "'-1 days +01:00:00"},
        {"\"PT0S\"", "'00:00:00"},
        {"\"P\"", "'P"},
        {"\"1 day\"", "'1 day"},
        {"\"P1.5D\"", "'P1.5D"},
        {"\"PT0.0000001S\"", "'00:00:00.0000001"},
        {"\"P0Y0M13DT0H0M6.951570999S\"", "'13 days 00:00:06.951571"}, /* by a double */
        {"\"P0Y0M0DT0H0M-6.951570999S\"", "'-00:00:06.951571"},
        {"\"P0DT1.123456789S\"", "'00:00:01.123456789"}, /* Oracle */
        {"\"P99999999999999999999Y\"", "'P99999999999999999999Y"},
        {"37091106780000", "'10303:05:06.78"},
    };
    CHECK_CASES("io.debezium.time.Interval", "string", iso);
    static const char *const us[][2] = {
        {"37091106780000", "'10303:05:06.78"},
        {"-2457000000001", "'-682:30:00.000001"},
        {"0", "'00:00:00"},
        {"9223372036854775807", "'2562047788:00:54.775807"},
    };
    CHECK_CASES("io.debezium.time.MicroDuration", "int64", us);
    static const char *const ns[][2] = {{"1000000001", "'00:00:01.000000001"}};
    CHECK_CASES("io.debezium.time.NanoDuration", "int64", ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),      cmocka_unit_test(test_times),
        cmocka_unit_test(test_timestamps), cmocka_unit_test(test_zoned_timestamps),
        cmocka_unit_test(test_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
