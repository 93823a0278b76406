/*
 * JSON documents compared by meaning.
 */
#include "check.h"

#include "json_document.h"

static void check_same(const char *a, const char *b, bool want)
{
    struct arena arena;
    arena_init(&arena, TEST_BYTES);
    bool there = json_document_same(str_from(a), str_from(b), &arena);
    bool back = json_document_same(str_from(b), str_from(a), &arena);
    arena_release(&arena);
    if (there != want || back != want)
        fail_msg("%s and %s: got %d, the other way round %d, want %d", a, b, there, back, want);
}

static void test_same(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"},
        {" { \"a\" :\t1 ,\r\n \"b\" : [ ] } ", "{\"b\":[],\"a\":1}"},
        {"{\"a\":1.50}", "{\"a\":1.5}"},
        {"[1e3,-0]", "[1000,0]"},
        {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
        {"{\"a\":2,\"b\":0,\"a\":1}", "{\"b\":0,\"a\":1}"},
        {"{\"\\u0061\":1}", "{\"a\":1}"},
        {"\"\\u00e9\"", "\"\xc3\xa9\""},
        {"\"\\u20AC\"", "\"\xe2\x82\xac\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\/\"", "\"/\""},
        {"\"\\n\\t\\\\\\\"\"", "\"\\u000a\\u0009\\u005c\\u0022\""},
        {"\"\\b\\f\\r\"", "\"\\u0008\\u000c\\u000d\""},
        {"{\"a\":{\"b\":[{\"c\":1,\"d\":2}]}}", "{\"a\":{\"b\":[{\"d\":2,\"c\":1}]}}"},
        {"null", " null "},
        {"{}", "{ }"},
        {"[]", "[ ]"},
        {"{\"\":1}", "{ \"\":1}"},
        {"\"\\ud800\"", "\"\\uD800\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_same(cases[i][0], cases[i][1], true);
}

static void test_different(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[1,2]", "[2,1]"},
        {"[1]", "[1,1]"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{\"a\":\"1\"}"},
        {"{\"a\":null}", "{}"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1}"},
        {"null", "\"null\""},
        {"true", "\"true\""},
        {"true", "false"},
        {"[]", "{}"},
        {"{\"ab\":1}", "{\"a\":1}"},
        {"\"a\"", "\"b\""},
        {"\"\\u0061\"", "\"\\u0062\""},
        {"\"\\ud83d\\ude00\"", "\"\\ud83d\\ude01\""},
        {"\"\\ud83d\"", "\"\\ude00\""},
        {"\"a\\u0000b\"", "\"a\""},
        {"{\"a\":[1,{\"b\":2}]}", "{\"a\":[1,{\"b\":3}]}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_same(cases[i][0], cases[i][1], false);
}

/* What is no JSON is the same as nothing, not even as itself. */
static void test_no_json(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",           " ",     "{",    "}",      "[1",      "[1,]",      "{\"a\"}",     "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "\"",   "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "[1] 2",
        "1 2",        "nul",   "True", "'a'",    "[1,,2]",  "{\"a\" 1}", "{1:2}",       "\"\\",
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_same(cases[i], cases[i], false);
}

/* Digits that are no number of JSON. */
static void test_no_number(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[-]", "[0]"},    {"[1x]", "[1]"}, {"[1.5.2]", "[1.5]"}, {"[1e]", "[1]"},
        {"[--1]", "[-1]"}, {"[01]", "[1]"}, {"[1.]", "[1]"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_same(cases[i][0], cases[i][1], false);
}

/* `levels` arrays around nothing, with blanks in front so that the texts differ. */
static bool nested_same(size_t levels)
{
    static char a[1000], b[1000];
    struct arena arena;
    arena_init(&arena, TEST_BYTES);
    memset(a, '[', levels);
    memset(a + levels, ']', levels);
    b[0] = ' ';
    memcpy(b + 1, a, 2 * levels);
    bool same = json_document_same((str){a, 2 * levels}, (str){b, 2 * levels + 1}, &arena);
    arena_release(&arena);
    return same;
}

static void test_depth(void **state)
{
    (void)state;
    assert_true(nested_same(1));
    assert_true(nested_same(99));
    assert_true(nested_same(100));
    assert_false(nested_same(102));
    assert_false(nested_same(400));
}

/* "False where one nests deeper than 100." */
static void test_depth_limit(void **state)
{
    (void)state;
    assert_false(nested_same(101));
}

static void test_scratch(void **state)
{
    (void)state;
    struct arena none;
    arena_init(&none, 0);
    assert_false(json_document_same(STR("{\"a\":1}"), STR("{\"a\":1}"), &none));
    arena_release(&none);
}

/* A thousand members in reverse order, some of them twice. */
static void test_many_members(void **state)
{
    (void)state;
    struct buf a, b;
    struct arena arena;
    arena_init(&arena, TEST_BYTES);
    buf_init(&a, 100000);
    buf_init(&b, 100000);
    buf_str(&a, STR("{\"k7\":\"old\""));
    buf_str(&b, STR("{\"k3\":\"old\""));
    for (int i = 0; i < 1000; i++) {
        buf_format(&a, ",\"k%d\":%d", i, i);
        buf_format(&b, ", \"k%d\":%d.0", 999 - i, 999 - i);
    }
    buf_char(&a, '}');
    buf_char(&b, '}');
    assert_true(json_document_same(buf_view(&a), buf_view(&b), &arena));
    buf_release(&a);
    buf_release(&b);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),    cmocka_unit_test(test_different),
        cmocka_unit_test(test_no_json), cmocka_unit_test(test_no_number),
        cmocka_unit_test(test_depth),   cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_scratch), cmocka_unit_test(test_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
