/*
 * Decimals. The base64 of large numbers was made with Python's int.to_bytes.
 */
#include <stdlib.h>

#include "type_kit.h"
#include "type_readers.h"

#define DECIMAL(scale)                                                                             \
    "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{"      \
    "\"scale\":\"" #scale "\"}}"
#define VARIABLE "io.debezium.data.VariableScaleDecimal"

static void test_bytes(void **state)
{
    (void)state;
    check_schema_value(DECIMAL(3), "\"adw=\"", "#27.100");
    check_schema_value(DECIMAL(4), "\"BAg=\"", "#0.1032");
    check_schema_value(DECIMAL(0), "\"/w==\"", "#-1");
    check_schema_value(DECIMAL(2), "\"/w==\"", "#-0.01");
    check_schema_value(DECIMAL(2), "\"AA==\"", "#0.00");
    check_schema_value(DECIMAL(0), "\"AA==\"", "#0");
    check_schema_value(DECIMAL(-2), "\"AA==\"", "#0");
    check_schema_value(DECIMAL(-2), "\"AQ==\"", "#100");
    check_schema_value(DECIMAL(-3), "\"/w==\"", "#-1000");
    check_schema_value(DECIMAL(1), "\"AA\"", "#0.0"); /* without padding */
    check_schema_value(DECIMAL(0), "\"f/////////8=\"", "#9223372036854775807");
    check_schema_value(DECIMAL(0), "\"/4AAAAAAAAAA\"", "#-9223372036854775808");
    check_schema_value(DECIMAL(0), "\"AP//////////\"", "#18446744073709551615");
    check_schema_value(DECIMAL(2), "\"AQAAAAAAAAAA\"", "#184467440737095516.16");
    check_schema_value(DECIMAL(5), "\"/wAAAAAAAAAA\"", "#-184467440737095.51616");
    check_schema_value(DECIMAL(1), "\"AQAAAAA=\"", "#429496729.6");
    check_schema_value(DECIMAL(0), "\"/wAAAAE=\"", "#-4294967295");
    check_schema_value(DECIMAL(0), "\"DeC2s6dkAAA=\"", "#1000000000000000000");
    check_schema_value(DECIMAL(9), "\"AzsuPJ/QgDzoAAAA\"", "#1000000000000000000.000000000");
    check_schema_value(DECIMAL(28), "\"/MTRw2Avf8MYAAAB\"", "#-0.0999999999999999999999999999");
    check_schema_value(DECIMAL(10), "\"B4XuENXaRtkSFkeUfemBFQ==\"",
                       "#1000000000000000000123456789.0123456789");
    check_schema_value(DECIMAL(10), "\"+HoR7yoluSbt6bhrghZ+6w==\"",
                       "#-1000000000000000000123456789.0123456789");
    check_schema_value(DECIMAL(0), "\"AIAAAAAAAAAAAAAAAAAAAAA=\"",
                       "#170141183460469231731687303715884105728");
    check_schema_value(DECIMAL(0), "\"/4AAAAAAAAAAAAAAAAAAAAA=\"",
                       "#-170141183460469231731687303715884105728");
    check_schema_value(DECIMAL(40), "\"HWMp8cNcpL+rufVg//////8=\"",
                       "#0.9999999999999999999999999999999999999999");
    check_schema_value(DECIMAL(0), "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                       "#1461501637330902918203684832716283019655932542976");
    check_schema_value(DECIMAL(3), "\"/wAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
                       "#-1461501637330902918203684832716283019655932542.976");
}

#define SCALELESS(parameters)                                                                      \
    "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\"" parameters "}"

/* 27.100, 2.7100, 27100: nobody can tell. */
static void test_bytes_without_scale(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        SCALELESS(""),
        SCALELESS(",\"parameters\":null"),
        SCALELESS(",\"parameters\":{}"),
        SCALELESS(",\"parameters\":{\"scale\":\"x\"}"),
        SCALELESS(",\"parameters\":{\"scale\":\"\"}"),
        SCALELESS(",\"parameters\":{\"scale\":null}"),
        SCALELESS(",\"parameters\":{\"scale\":1.5}"),
    };
    for (size_t i = 0; i < COUNT(schemas); i++) {
        check_schema_value(schemas[i], "\"adw=\"",
                           "data: the value adw= cannot be read as a decimal: its schema has no "
                           "parameter scale that is a number");
        check_schema_value(schemas[i], "27.10", "#27.10");
        check_schema_value(schemas[i], "null", "~");
    }
    check_schema_value(SCALELESS(",\"parameters\":{\"scale\":3}"), "\"adw=\"", "#27.100");
}

static void test_numbers(void **state)
{
    (void)state;
    /* decimal.format=NUMERIC of the converter */
    check_schema_value(DECIMAL(2), "27.10", "#27.10");
    check_schema_value(DECIMAL(2), "12345678901234567890123456789012345678.90",
                       "#12345678901234567890123456789012345678.90");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"\"",  "\"?\"",    "\"AAAAA\"", "\"27.10\"",
                                        "true",  "[]",       "{}",        "\"A=AA\"",
                                        "\"=\"", "\"A===\"", "\"AA=A\""};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct type_kit kit;
        struct type_context context = {&kit.arena, &kit.arena, NULL};
        struct value value;
        type_kit_start(&kit);
        struct type type = type_of_terms(
            &(struct type_terms){.name = STR("org.apache.kafka.connect.data.Decimal")});
        check_fault(
            wrong[i],
            type_read(&type, &context, type_kit_parse(&kit, wrong[i], 1), &value, &kit.fault),
            &kit.fault, FAULT_RECORD, "cannot be read as a decimal");
        arena_release(&kit.arena);
    }
    check_named(VARIABLE, "struct", "{\"scale\":1}",
                "data: the value {\"scale\":1} cannot be read as a decimal with its scale");
    check_named(VARIABLE, "struct", "{\"scale\":200000,\"value\":\"AQ==\"}",
                "data: a decimal of 1 bytes and scale 200000 is too large");
}

static void test_variable_scale(void **state)
{
    (void)state;
    check_named(VARIABLE, "struct", "{\"scale\":0,\"value\":\"AQ==\"}", "#1");
    check_named(VARIABLE, "struct", "{\"scale\":3,\"value\":\"AeJA\"}", "#123.456");
    check_named(VARIABLE, "struct", "{\"value\":\"/w==\",\"scale\":30}",
                "#-0.000000000000000000000000000001");
    check_named(VARIABLE, "struct", "{ \"scale\" : -2, \"value\" : \"AQ==\" }", "#100");
    check_named(VARIABLE, "struct", "null", "~");
}

/* As long as PostgreSQL's longest: it takes its time, and comes back whole. */
static void test_longest(void **state)
{
    (void)state;
    struct type_kit kit;
    struct value value;
    type_kit_start(&kit);
    char *bytes = malloc(61300);
    struct type_context context = {&kit.arena, &kit.arena, NULL};
    assert_non_null(bytes);
    memset(bytes, 0xff, 61300);
    bytes[0] = 0x00;
    check_good("longest", decimal_text((str){bytes, 61300}, 16383, &context, &value, &kit.fault),
               &kit.fault);
    /* 256^61299 has 147623 digits, and there is the point */
    check_number("digits", (int64_t)value.text.len, 147624);
    free(bytes);
    arena_release(&kit.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),          cmocka_unit_test(test_bytes_without_scale),
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_variable_scale), cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
