/*
 * JSON values into column values: kinds, names, the placeholder in each of its shapes.
 */
#include "type_kit.h"

static void test_kinds(void **state)
{
    (void)state;
    check_named("", "int32", "null", "~");
    check_named("", "int32", "-7", "#-7");
    check_named("", "string", "\"1\"", "'1");
    check_named("", "string", "\"\"", "'");
    check_named("", "boolean", "true", "!true");
    check_named("", "struct", "{\"a\":1}", "%{\"a\":1}");
    check_named("io.debezium.data.Json", "string", "\"{\\\"a\\\":1}\"", "%{\"a\":1}");
    check_named("io.debezium.data.Json", "string", "null", "~");
    check_named("io.debezium.data.Json", "string", "\"__debezium_unavailable_value\"", "?");
    check_named("io.debezium.data.Uuid", "string", "\"x\"", "'x");
    check_named("io.debezium.data.Xml", "string", "\"<a/>\"", "'<a/>");
    check_named("io.debezium.data.Enum", "string", "\"sad\"", "'sad");
    check_named("io.debezium.data.EnumSet", "string", "\"a,b\"", "'a,b");
    check_named("io.debezium.data.Tsvector", "string", "\"'a' 'b':1\"", "''a' 'b':1");
    check_named("io.debezium.data.Ltree", "string", "\"a.b\"", "'a.b");
    check_named("io.debezium.time.Year", "int32", "2026", "#2026");
    check_named("io.debezium.data.JsonX", "string", "\"{}\"", "'{}");
}

#define NAME "__debezium_unavailable_value"
#define BASE64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define HEX "5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"
#define CODES                                                                                      \
    "95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,"      \
    "97,108,117,101"

/* Every shape stands for "not touched" whatever the column's type is. */
static void test_placeholder(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "\"" NAME "\"",
        "\"" BASE64 "\"",
        "\"" HEX "\"",
        "[\"" NAME "\"]",
        "[\"" BASE64 "\"]",
        "[\"" HEX "\"]",
        "[" CODES "]",
        "{\"" NAME "\":\"" NAME "\"}",
        "\"{\\\"" NAME "\\\":\\\"" NAME "\\\"}\"",
        /* uuid[]: the name-based UUID (version 3) of the placeholder's bytes. */
        "[\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\"]",
        /* PostGIS: two points, the first for geometry, as EWKB. */
        "{\"wkb\":\"AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==\",\"srid\":4326}",
        "{\"wkb\":\"AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==\",\"srid\":4326}",
    };
    static const char *const schemas[] = {
        "{\"type\":\"string\"}",
        "{\"type\":\"bytes\"}",
        "{\"type\":\"array\",\"items\":{\"type\":\"int32\"}}",
        "{\"type\":\"struct\",\"name\":\"io.debezium.data.geometry.Geometry\"}",
    };
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (size_t j = 0; j < COUNT(schemas); j++)
            check_schema_value(schemas[j], shapes[i], "?");
    check_named("", "string", "\"" NAME " \"", "'" NAME " ");
    check_named("", "struct", "[\"" NAME "\",\"" NAME "\"]", "%[\"" NAME "\",\"" NAME "\"]");
    check_named("", "struct", "[95,95,100]", "%[95,95,100]");
}

static void check_custom(const char *configured, const char *json, const char *want)
{
    struct type_kit kit;
    type_kit_start(&kit);
    check_good(configured,
               placeholder_init(&kit.placeholder, str_from(configured), &kit.arena, &kit.fault),
               &kit.fault);
    type_kit_check(&kit, &type_as_it_came, json, want);
    arena_release(&kit.arena);
}

static void test_configured_placeholder(void **state)
{
    (void)state;
    check_custom("gone", "\"gone\"", "?");
    check_custom("gone", "\"Z29uZQ==\"", "?");
    check_custom("gone", "\"676f6e65\"", "?");
    check_custom("gone", "[103,111,110,101]", "?");
    check_custom("gone", "{\"gone\":\"gone\"}", "?");
    check_custom("gone", "\"" NAME "\"", "'" NAME);
    /* Bytes above 127 are negative in Java, and URLs have another base64. */
    check_custom("hex:FFfe", "\"//4=\"", "?");
    check_custom("hex:FFfe", "\"__4=\"", "?");
    check_custom("hex:FFfe", "[-1,-2]", "?");
    check_custom("say \"so\"", "{\"say \\\"so\\\"\":\"say \\\"so\\\"\"}", "?");
}

static void test_refused_placeholders(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "hex:", "hex:1", "hex:zz"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct type_kit kit;
        type_kit_start(&kit);
        check_fault(wrong[i],
                    placeholder_init(&kit.placeholder, str_from(wrong[i]), &kit.arena, &kit.fault),
                    &kit.fault, FAULT_CONFIG, "unavailable.value.placeholder");
        arena_release(&kit.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_placeholder),
        cmocka_unit_test(test_configured_placeholder),
        cmocka_unit_test(test_refused_placeholders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
