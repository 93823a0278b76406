/*
 * Types that the configuration names: what they are called, what they read, which one holds.
 */
#include "type_kit.h"

#include "hints.h"

static void test_forms(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"numeric(5,2)", "\"CpY=\"", "#27.10"},
        {"NUMERIC(5, 2)", "\"CpY=\"", "#27.10"},
        {"numeric(5,2)", "\"27.10\"", "#27.10"},
        {"numeric(5,2)", "27.1", "#27.1"},
        {"numeric(5,2)", "\"NAN\"", "'NaN"},
        {"decimal(38,10)", "\"CUmw9vACMxPESZBOzGdFFQ==\"",
         "#1234567890123456789012345678.0123456789"},
        /* Bytes, unless the number would not fit: then digits. */
        {"numeric(10,0)", "\"1234\"", "#-2658824"},
        {"numeric(5,0)", "\"1234\"", "#1234"},
        {"numeric(10,0)", "\"255\"", "#255"},
        {"numeric(5,2)", "\"%\"", "data: the value % cannot be read as numeric"},
        {"numeric", "{\"scale\":3,\"value\":\"AeJA\"}", "#123.456"},
        {"numeric", "\"123\"", "#123"},
        {"numeric", "\"POSITIVE_INFINITY\"", "'Infinity"},
        {"numeric", "\"-0.50\"", "#-0.50"},
        {"money", "\"AeJA\"", "#1234.56"},
        {"integer", "7", "#7"},
        {"boolean", "true", "!true"},
        {"double precision", "1.0E20", "#1e+20"},
        {"real", "1000000.0", "#1e+06"},
        {"text", "\"x \"", "'x "},
        {"character varying(20)", "\"x \"", "'x "},
        {"character(5)", "\"ab   \"", "'ab"},
        {"bpchar", "\"     \"", "'"},
        {"bytea", "\"3q2+7w==\"", "'\\xdeadbeef"},
        {"bytea", "\"3q2-7w==\"", "'\\xdeadbeef"},
        {"inet", "\"10.0.0.1\"", "'10.0.0.1/32"},
        {"inet", "\"::1\"", "'::1/128"},
        {"inet", "\"10.0.0.0/8\"", "'10.0.0.0/8"},
        {"date", "20778", "'2026-11-21"},
        {"date", "\"2026-11-21Z\"", "'2026-11-21"},
        {"time", "47655123456", "'13:14:15.123456"},
        {"time(3)", "3723123", "'01:02:03.123"},
        {"time(3) without time zone", "3723123", "'01:02:03.123"},
        {"time without time zone", "\"13:14:15Z\"", "'13:14:15"},
        {"time with time zone", "\"02:05:06.789Z\"", "'02:05:06.789+00"},
        {"timestamp", "1529507596945104", "'2018-06-20 15:13:16.945104"},
        {"timestamp(3)", "1529507596945", "'2018-06-20 15:13:16.945"},
        {"timestamp(4)", "1529507596945100", "'2018-06-20 15:13:16.9451"},
        {"timestamp without time zone", "\"2018-06-20T15:13:16.945104Z\"",
         "'2018-06-20 15:13:16.945104"},
        {"timestamptz", "\"2019-07-09T02:28:57.123456Z\"", "'2019-07-09 02:28:57.123456+00"},
        {"timestamp(6) with time zone", "\"2019-07-09T02:28:57.5Z\"", "'2019-07-09 02:28:57.5+00"},
        {"interval", "37091106780000", "'10303:05:06.78"},
        {"interval", "\"P1Y2M3DT4H5M6.78S\"", "'1 year 2 mons 3 days 04:05:06.78"},
        {"bit(8)", "\"AQ==\"", "'00000001"},
        {"bit", "true", "'1"},
        {"bit(1)", "false", "'0"},
        {"bit varying(12)", "\"BQ==\"", "'101"},
        {"jsonb", "\"{\\\"a\\\": 1}\"", "%{\"a\": 1}"},
        {"hstore", "\"{\\\"b\\\":null,\\\"a\\\":\\\"1\\\"}\"", "'\"a\"=>\"1\", \"b\"=>NULL"},
        {"hstore", "{\"a\":\"1\"}", "'\"a\"=>\"1\""},
        {"point", "{\"x\":1.5,\"y\":2.0}", "'(1.5,2)"},
        {"integer[]", "[1,null]", "'{1,NULL}"},
        {"text[][]", "[[\"a b\"]]", "'{{\"a b\"}}"},
        {"numeric(5,2)[]", "[\"AJY=\"]", "'{1.50}"},
        {"timestamp(3) without time zone[]", "[0]", "'{\"1970-01-01 00:00:00\"}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_hint((struct type_modes){0}, cases[i][0], cases[i][1], cases[i][2]);
}

/* What the connector's settings change. */
static void test_modes(void **state)
{
    (void)state;
    static const struct {
        struct type_modes modes;
        const char *hint, *json, *want;
    } cases[] = {
        {{.decimal = DECIMAL_STRING}, "numeric(10,0)", "\"1234\"", "#1234"},
        {{.decimal = DECIMAL_STRING}, "numeric(10,0)[]", "[\"1234\"]", "'{1234}"},
        {{.decimal = DECIMAL_STRING}, "money", "\"-1234.56\"", "#-1234.56"},
        {{.decimal = DECIMAL_STRING},
         "numeric(5,2)",
         "\"CpY=\"",
         "data: the value CpY= cannot be read as numeric"},
        {{.decimal = DECIMAL_DOUBLE}, "numeric(5,2)", "27.1", "#27.1"},
        {{.binary = BINARY_HEX}, "bytea", "\"DEADbeef\"", "'\\xdeadbeef"},
        {{.binary = BINARY_HEX}, "bytea", "\"\"", "'\\x"},
        {{.binary = BINARY_HEX}, "bytea[]", "[\"00\"]", "'{\"\\\\x00\"}"},
        {{.binary = BINARY_HEX},
         "bytea",
         "\"abc\"",
         "data: the value abc cannot be read as bytes in hexadecimal"},
        {{.binary = BINARY_BASE64}, "bytea", "\"3q2+7w==\"", "'\\xdeadbeef"},
        {{.time = TIME_CONNECT}, "time", "3723123", "'01:02:03.123"},
        {{.time = TIME_CONNECT}, "timestamp", "1529507596945", "'2018-06-20 15:13:16.945"},
        {{.time = TIME_MICRO}, "time(3)", "3723123000", "'01:02:03.123"},
        {{.time = TIME_NANO}, "timestamp(3)", "1559033904863123000", "'2019-05-28 08:58:24.863123"},
        {{.time = TIME_ADAPTIVE_MICRO}, "time(3)", "3723123000", "'01:02:03.123"},
        {{.time = TIME_ADAPTIVE_MICRO}, "timestamp(3)", "0", "'1970-01-01 00:00:00"},
        {{.time = TIME_ISO}, "time(3)", "\"01:02:03.123Z\"", "'01:02:03.123"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_hint(cases[i].modes, cases[i].hint, cases[i].json, cases[i].want);
}

static void test_unknown(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "mood",
        "numeric(5,2",
        "numeric(5,2,1)",
        "numeric()",
        "bytea(x)",
        "varchar(x)",
        "int4]",
        "numeric(9999999999,0)",
        "timestmptz",
        "text[",
        "a very long name of a type that no database has ever had in its catalog",
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct type_kit kit;
        struct type type;
        type_kit_start(&kit);
        check_fault(wrong[i],
                    type_of_hint(str_from(wrong[i]), &(struct type_modes){0}, &kit.arena, &type,
                                 &kit.fault),
                    &kit.fault, FAULT_CONFIG, "is no type that is known");
        arena_release(&kit.arena);
    }
}

static void check_found(const struct hints *hints, const char *schema, const char *table,
                        const char *column, int want)
{
    struct change change = {.schema = str_from(schema), .table = str_from(table)};
    const struct type *type = hints_find(hints, &change, str_from(column), false);
    check_number(column, type ? type->parameter : -1, want);
}

static void test_which(void **state)
{
    (void)state;
    struct type_kit kit;
    struct config config;
    struct hints hints;
    type_kit_start(&kit);
    config_init(&config, &kit.arena);
    static const char *const entries[][2] = {
        {"pivot.type.a", "numeric(9,1)"},
        {"pivot.type.s.t.a", "numeric(9,2)"},
        {"pivot.type.t.a", "numeric(9,3)"},
        {"pivot.type.s.t.b.c", "numeric(9,4)"},
        {"pivot.fields", "x"},
    };
    for (size_t i = 0; i < COUNT(entries); i++)
        check_good(entries[i][0],
                   config_set(&config, str_from(entries[i][0]), str_from(entries[i][1]),
                              STR("test"), &kit.fault),
                   &kit.fault);
    check_good("load", hints_load(&hints, &config, &(struct type_modes){0}, &kit.arena, &kit.fault),
               &kit.fault);
    check_number("count", (int64_t)hints.count, 4);
    check_found(&hints, "s", "t", "a", 2);
    check_found(&hints, "s", "u", "a", 1);
    check_found(&hints, "", "t", "a", 3);
    check_found(&hints, "", "u", "a", 1);
    check_found(&hints, "s", "t", "b.c", 4);
    check_found(&hints, "s", "t", "b", -1);
    check_found(&hints, "s", "t.b", "c", 4); /* the same letters: names do not tell them apart */
    arena_release(&kit.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
