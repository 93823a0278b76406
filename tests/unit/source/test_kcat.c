/*
 * kcat's objects, told apart from events that merely look like them.
 */
#include "check.h"

#include "kcat.h"

/* "topic[partition]@offset ts key value headers", or "-" where the line is none. */
static void check_kcat(const char *line, const char *want)
{
    struct arena arena;
    struct record record = {.partition = -1, .offset = -1, .time_us = TIME_UNKNOWN};
    struct buf got;
    struct fault fault = {0};
    bool is_kcat;
    arena_init(&arena, TEST_BYTES);
    buf_init(&got, 10000);
    assert_true(kcat_read(str_from(line), &arena, &record, &is_kcat, &fault));
    if (is_kcat) {
        buf_format(&got, "%.*s[%d]@%lld", STR_ARG(record.topic), record.partition,
                   (long long)record.offset);
        if (record.time_us != TIME_UNKNOWN)
            buf_format(&got, " %lld", (long long)record.time_us);
        buf_format(&got, " %s", !record.keyed ? "unkeyed" : record.has_key ? "" : "null");
        buf_str(&got, record.key);
        buf_char(&got, ' ');
        buf_str(&got, record.has_value ? record.value : STR("null"));
        for (size_t i = 0; i < record.header_count; i++) {
            buf_format(&got, " %.*s=", STR_ARG(record.header[i].name));
            buf_str(&got, record.header[i].has_value ? record.header[i].value : STR("null"));
        }
    } else {
        assert_int_equal(record.offset, -1);
        assert_false(record.keyed);
        buf_char(&got, '-');
    }
    check_text(line, buf_view(&got), want);
    buf_release(&got);
    arena_release(&arena);
}

static void test_objects(void **state)
{
    (void)state;
    check_kcat("{\"topic\":\"t\",\"partition\":2,\"offset\":7,\"tstype\":\"create\",\"ts\":5,"
               "\"broker\":1,\"key\":\"k\",\"payload\":\"v\"}",
               "t[2]@7 5000 k v");
    check_kcat(" { \"topic\" : \"t\" , \"offset\" : 7, \"key\":null, \"payload\":null}",
               "t[-1]@7 null null");
    check_kcat("{\"topic\":\"t\",\"offset\":7,\"payload\":\"{\\\"a\\\":\\\"\\\\n\\\"}\"}",
               "t[-1]@7 unkeyed {\"a\":\"\\n\"}");
    check_kcat("{\"topic\":\"t\",\"offset\":7,\"headers\":[\"a\",\"1\",\"b\",null,\"c\"],"
               "\"key\":\"\",\"payload\":\"\"}",
               "t[-1]@7   a=1 b=null");
    check_kcat("{\"topic\":\"t\",\"offset\":7,\"key_base64\":\"aWQ=\",\"payload_base64\":\"eA==\"}",
               "t[-1]@7 id x");
    check_kcat("{\"offset\":7,\"topic\":\"t\",\"payload\":\"v\"}", "t[-1]@7 unkeyed v");
    /* With -s kcat decodes the payload itself. */
    check_kcat("{\"topic\":\"t\",\"offset\":7,\"payload\":{\"a\": 1}}",
               "t[-1]@7 unkeyed {\"a\": 1}");
    check_kcat("{\"topic\":null,\"key\":\"k\",\"payload\":\"v\"}", "[-1]@-1 k v");
    check_kcat("{\"topic\":\"t\",\"partition\":-1,\"offset\":-1,\"ts\":-1,\"payload\":\"v\"}",
               "t[-1]@-1 unkeyed v");
    check_kcat("{\"topic\":\"t\",\"partition\":2147483648,\"offset\":9223372036854775807,"
               "\"payload\":\"v\"}",
               "t[-1]@9223372036854775807 unkeyed v");
}

static void test_other_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"topic\":\"t\",\"offset\":7}",
        "{\"topic\":\"t\",\"offset\":7,\"payload\":[5]}",
        "{\"topic\":\"t\",\"payload\":\"v\"}",
        "{\"topic\":\"t\",\"offset\":7,\"payload\":\"v\"",
        "{\"topic\":\"t\",\"offset\":7,\"payload_base64\":\"*\"}",
        "{\"topics\":\"t\",\"offset\":7,\"payload\":\"v\"}",
        "{\"before\":null,\"after\":{\"topic\":\"t\"},\"op\":\"c\"}",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        check_kcat(lines[i], "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_other_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
