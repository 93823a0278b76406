/*
 * JSON values into column values: kinds, semantic types, the placeholder in each of its shapes.
 */
#include "check.h"

#include "types.h"

static void check_type(const char *name, const char *json, const char *want)
{
    struct arena arena;
    struct json *root;
    struct fault fault = {0};
    struct buf got;
    arena_init(&arena, TEST_BYTES);
    buf_init(&got, 1000);
    check_good(json,
               json_parse(str_from(json), 1, (struct json_memory){&arena, &arena}, &root, &fault),
               &fault);
    put_value(&got, type_read(type_by_name(str_from(name)), root));
    check_text(json, buf_view(&got), want);
    buf_release(&got);
    arena_release(&arena);
}

static void test_kinds(void **state)
{
    (void)state;
    check_type("", "null", "~");
    check_type("", "1.50", "#1.50");
    check_type("", "true", "!true");
    check_type("", "\"\"", "'");
    check_type("", "\"1\"", "'1");
    check_type("", "[1, 2]", "%[1, 2]");
    check_type("", "{\"a\":1}", "%{\"a\":1}");
    check_type("io.debezium.data.Json", "\"{\\\"a\\\":1}\"", "%{\"a\":1}");
    check_type("io.debezium.data.Json", "null", "~");
    check_type("io.debezium.data.Json", "\"__debezium_unavailable_value\"", "?");
    check_type("io.debezium.data.Uuid", "\"x\"", "'x");
    check_type("io.debezium.data.JsonX", "\"{}\"", "'{}");
}

#define NAME "__debezium_unavailable_value"
#define BASE64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define CODES                                                                                      \
    "95,95,100,101,98,101,122,105,117,109,95,117,110,97,118,97,105,108,97,98,108,101,95,118,"      \
    "97,108,117,101"

static void test_placeholder(void **state)
{
    (void)state;
    check_type("", "\"" NAME "\"", "?");
    check_type("", "\"" BASE64 "\"", "?");
    check_type("", "\"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565\"", "?");
    check_type("", "[\"" NAME "\"]", "?");
    check_type("", "[\"" BASE64 "\"]", "?");
    check_type("", "[" CODES "]", "?");
    check_type("", "{\"" NAME "\":\"" NAME "\"}", "?");
    check_type("", "\"{\\\"" NAME "\\\":\\\"" NAME "\\\"}\"", "?");
    check_type("", "\"" NAME " \"", "'" NAME " ");
    check_type("", "[\"" NAME "\",\"" NAME "\"]", "%[\"" NAME "\",\"" NAME "\"]");
    check_type("", "[95,95,100]", "%[95,95,100]");
}

/* uuid[]: the name-based UUID (version 3) of the placeholder's bytes. */
static void test_placeholder_of_uuids(void **state)
{
    (void)state;
    check_type("", "[\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\"]", "?");
}

static void test_ticks(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t want;
    } cases[] = {
        {"io.debezium.time.Timestamp", 1000},
        {"io.debezium.time.MicroTimestamp", 1000000},
        {"io.debezium.time.NanoTimestamp", 1000000000},
        {"org.apache.kafka.connect.data.Timestamp", 1000},
        {"io.debezium.time.ZonedTimestamp", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_number(cases[i].name, type_by_name(str_from(cases[i].name))->ticks_per_second,
                     cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_placeholder),
        cmocka_unit_test(test_placeholder_of_uuids),
        cmocka_unit_test(test_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
