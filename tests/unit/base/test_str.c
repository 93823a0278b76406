/*
 * Slices.
 */
#include "check.h"

static void test_trim_and_cut(void **state)
{
    (void)state;
    check_text("trim", str_trim(STR(" \t\r\na b\n ")), "a b");
    check_text("trim", str_trim(STR(" \n ")), "");
    check_text("trim", str_trim(STR_EMPTY), "");
    check_text("head", str_head(STR("abc"), 2), "ab");
    check_text("head", str_head(STR("abc"), 9), "abc");
    check_text("from", str_from_at(STR("abc"), 1), "bc");
    check_text("from", str_from_at(STR("abc"), 3), "");
    check_text("from", str_from_at(STR("abc"), 9), "");
    assert_true(str_starts(STR("abc"), STR("ab")) && str_starts(STR("abc"), STR_EMPTY));
    assert_false(str_starts(STR("ab"), STR("abc")) || str_starts(STR("abc"), STR("b")));
    assert_true(str_ends(STR("abc"), STR("bc")) && str_ends(STR_EMPTY, STR_EMPTY));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_true(str_eq(STR_EMPTY, STR("")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
}

static void check_split(const char *text, const char *want)
{
    str rest = str_from(text), part;
    struct buf got;
    buf_init(&got, 1000);
    while (str_split(&rest, ',', &part)) {
        buf_char(&got, '[');
        buf_str(&got, part);
        buf_char(&got, ']');
    }
    check_text(text, buf_view(&got), want);
    buf_release(&got);
}

static void test_split(void **state)
{
    (void)state;
    check_split("", "");
    check_split("a", "[a]");
    check_split("a,b", "[a][b]");
    check_split("a,", "[a]");
    check_split(",a", "[][a]");
    check_split("a,,b", "[a][][b]");
}

static void test_find(void **state)
{
    (void)state;
    check_number("find", str_find(STR("abcabc"), STR("ca")), 2);
    check_number("find", str_find(STR("abc"), STR("abcd")), -1);
    check_number("find", str_find(STR_EMPTY, STR("a")), -1);
    check_number("find", str_find(STR("abc"), STR_EMPTY), 0);
}

static void test_int64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+5", 5},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"1559033904863123000", 1559033904863123000},
    };
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "--1",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    int64_t number = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(str_to_int64(str_from(good[i].text), &number));
        check_number(good[i].text, number, good[i].want);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_to_int64(str_from(bad[i]), &number))
            fail_msg("taken for a number: %s", bad[i]);
}

static void test_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xc2",
                                      "\xc2\x7f",
                                      "\xe0\x9f\xbf",
                                      "\xe2\x82",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xc2",
                                      "\xf0\x90\x80"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(str_is_utf8(str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (str_is_utf8(str_from(bad[i])))
            fail_msg("taken for UTF-8: case %zu", i);
    assert_true(str_is_utf8(STR("a\0b")));
}

/* The test vectors of the FNV reference. */
static void test_hash(void **state)
{
    (void)state;
    assert_true(str_hash(STR_HASH_START, STR("")) == 0xcbf29ce484222325ULL);
    assert_true(str_hash(STR_HASH_START, STR("a")) == 0xaf63dc4c8601ec8cULL);
    assert_true(str_hash(STR_HASH_START, STR("foobar")) == 0x85944171f73967e8ULL);
    assert_true(str_hash(str_hash(STR_HASH_START, STR("foo")), STR("bar"))
                == 0x85944171f73967e8ULL);
}

/* Every length around the widths that are compared at once, and every place of a difference. */
static void test_common(void **state)
{
    (void)state;
    char a[700], b[700];
    for (size_t len = 0; len <= sizeof(a); len += len < 300 ? 1 : 57) {
        memset(a, 'x', sizeof(a));
        memset(b, 'x', sizeof(b));
        assert_int_equal(str_common((str){a, len}, (str){b, sizeof(b)}), len);
        assert_int_equal(str_common((str){a, sizeof(a)}, (str){b, len}), len);
        for (size_t at = 0; at < len; at += 1 + at / 20) {
            b[at] = 'y';
            assert_int_equal(str_common((str){a, len}, (str){b, len}), at);
            b[at] = 'x';
        }
    }
}

/* The same for line feeds, the first of which counts. */
static void test_line(void **state)
{
    (void)state;
    char text[700];
    for (size_t len = 0; len <= sizeof(text); len += len < 300 ? 1 : 57) {
        memset(text, 'x', sizeof(text));
        assert_int_equal(str_line((str){text, len}), len);
        for (size_t at = 0; at < len; at += 1 + at / 20) {
            text[at] = text[len - 1] = '\n';
            assert_int_equal(str_line((str){text, len}), at);
            text[at] = text[len - 1] = '\v';
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trim_and_cut), cmocka_unit_test(test_split),
        cmocka_unit_test(test_find),         cmocka_unit_test(test_int64),
        cmocka_unit_test(test_utf8),         cmocka_unit_test(test_hash),
        cmocka_unit_test(test_common),       cmocka_unit_test(test_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
