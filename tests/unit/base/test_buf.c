/*
 * Buffers: the limit, the sticky error, numbers, JSON strings, base64.
 */
#include "check.h"

#include "mem.h"

static void test_limit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_str(&buf, STR("abc"));
    buf_str(&buf, STR("de"));
    assert_false(buf.failed);
    buf_char(&buf, 'f');
    assert_true(buf.failed);
    check_text("as it was", buf_view(&buf), "abcde");
    buf_cut(&buf, 3);
    assert_false(buf.failed);
    buf_str(&buf, STR("xyz"));
    assert_true(buf.failed);
    /* Sticky: what would fit is not written either. */
    buf_char(&buf, 'y');
    buf_format(&buf, "%d", 1);
    buf_int64(&buf, 1);
    check_text("sticky", buf_view(&buf), "abc");
    buf_clear(&buf);
    buf_str(&buf, STR("12345"));
    check_text("after clearing", buf_view(&buf), "12345");
    assert_false(buf.failed);
    buf_release(&buf);
    buf_init(&buf, 0);
    buf_str(&buf, STR_EMPTY);
    assert_false(buf.failed);
    buf_char(&buf, 'x');
    assert_true(buf.failed);
    buf_release(&buf);
}

static void test_growth(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    for (int i = 0; i < 100000; i++)
        buf_char(&buf, (char)('a' + i % 26));
    assert_false(buf.failed);
    assert_int_equal(buf.len, 100000);
    assert_true(buf.capacity <= 100000);
    for (int i = 0; i < 100000; i += 997)
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_release(&buf);
    mem_fail_at(1);
    buf_str(&buf, STR("abc"));
    mem_fail_at(0);
    assert_true(buf.failed && buf.len == 0);
    buf_clear(&buf);
    buf_str(&buf, STR("abc"));
    check_text("later", buf_view(&buf), "abc");
    buf_release(&buf);
}

static void test_numbers(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    buf_int64(&buf, 0);
    buf_char(&buf, ' ');
    buf_int64(&buf, INT64_MIN);
    buf_char(&buf, ' ');
    buf_int64(&buf, INT64_MAX);
    buf_char(&buf, ' ');
    buf_int64(&buf, -10);
    check_text("numbers", buf_view(&buf), "0 -9223372036854775808 9223372036854775807 -10");
    buf_release(&buf);
}

static void check_json(str text, const char *want)
{
    struct buf buf;
    buf_init(&buf, 1000);
    buf_json_string(&buf, text);
    check_text("JSON", buf_view(&buf), want);
    buf_release(&buf);
}

static void check_quoted(char quote, const char *text, const char *wanted)
{
    struct buf buf;
    buf_init(&buf, 100);
    buf_quoted(&buf, quote, str_from(text));
    check_text(text, buf_view(&buf), wanted);
    buf_release(&buf);
}

static void test_quoted(void **state)
{
    (void)state;
    check_quoted('"', "", "\"\"");
    check_quoted('"', "a'b", "\"a'b\"");
    check_quoted('\'', "a'b", "'a''b'");
    check_quoted('"', "\"", "\"\"\"\"");
    check_quoted('@', "@@x@", "@@@@@x@@@");
}

static void test_json(void **state)
{
    (void)state;
    check_json(STR(""), "\"\"");
    check_json(STR("abc"), "\"abc\"");
    check_json(STR("\"\\/"), "\"\\\"\\\\/\"");
    check_json(STR("\n\r\t\b\f"), "\"\\n\\r\\t\\b\\f\"");
    check_json(STR("a\0\x1f\x7f z"), "\"a\\u0000\\u001f\x7f z\"");
    check_json(STR("\xe2\x82\xac"), "\"\xe2\x82\xac\"");
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xef\xbe", "/+++"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf buf;
        buf_init(&buf, 100);
        buf_base64(&buf, str_from(cases[i][0]));
        check_text(cases[i][0], buf_view(&buf), cases[i][1]);
        buf_release(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),   cmocka_unit_test(test_growth),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
