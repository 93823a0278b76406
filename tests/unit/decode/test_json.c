/*
 * The JSON reader: what it takes, what it refuses and where, and its limits.
 */
#include "check.h"

#include "json.h"

struct read {
    struct arena arena;
    struct json *root;
    struct fault fault;
    bool good;
};

static void check_same_tree(const struct json *a, const struct json *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_int_equal(a->kind, b->kind);
        assert_true(str_eq(a->name, b->name) && str_eq(a->text, b->text));
        check_same_tree(a->child, b->child);
    }
    assert_true(!a && !b);
}

/* Every text goes through yajl too, which must say the same. */
static void read_text(struct read *read, str text, unsigned keep_depth)
{
    struct json *slow = NULL;
    struct fault fault = {0};
    *read = (struct read){0};
    arena_init(&read->arena, TEST_BYTES * 4);
    struct json_memory memory = {&read->arena, &read->arena};
    read->good = json_parse(text, keep_depth, memory, &read->root, &read->fault);
    assert_int_equal(json_parse_slowly(text, keep_depth, memory, &slow, &fault), read->good);
    if (read->good)
        check_same_tree(read->root, slow);
    else
        assert_string_equal(fault.text, read->fault.text);
}

/* One text value that stands in an array. */
static void check_string(const char *quoted, str want)
{
    struct read read;
    struct buf text;
    buf_init(&text, 10000);
    buf_format(&text, "[%s]", quoted);
    read_text(&read, buf_view(&text), 5);
    check_good(quoted, read.good, &read.fault);
    check_str(quoted, json_string(read.root->child), want);
    arena_release(&read.arena);
    /* The same text as the name of a member. */
    buf_clear(&text);
    buf_format(&text, "{%s:0}", quoted);
    read_text(&read, buf_view(&text), 5);
    check_good(quoted, read.good, &read.fault);
    check_str(quoted, read.root->child->name, want);
    arena_release(&read.arena);
    buf_release(&text);
}

static void test_strings(void **state)
{
    (void)state;
    check_string("\"\"", STR(""));
    check_string("\"abc\"", STR("abc"));
    check_string("\"\\u0061\"", STR("a"));
    check_string("\"\\\"\"", STR("\""));
    check_string("\"\\\\\"", STR("\\"));
    check_string("\"\\\\\\\"\"", STR("\\\""));
    check_string("\"x\\\\\\\\\"", STR("x\\\\"));
    check_string("\"\\/\\b\\f\\n\\r\\t\"", STR("/\b\f\n\r\t"));
    check_string("\"a\\u0000b\"", STR("a\0b"));
    check_string("\"\\u00e9\\u20AC\"", STR("\xc3\xa9\xe2\x82\xac"));
    check_string("\"\\ud83d\\ude00!\"", STR("\xf0\x9f\x98\x80!"));
    check_string("\"\\uDBFF\\uDFFF\"", STR("\xf4\x8f\xbf\xbf"));
    check_string("\"\\ud7ff\\ue000\"", STR("\xed\x9f\xbf\xee\x80\x80"));
    check_string("\"\\uffff\\u07ff\\u0800\"", STR("\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80"));
    check_string("\"\xe2\x82\xac\\n\xe2\x82\xac\"", STR("\xe2\x82\xac\n\xe2\x82\xac"));
    check_string("\",\\\":[{\"", STR(",\":[{"));
}

/* Texts of every length around those that are looked at together, with something odd in every
   place. */
static void test_long_strings(void **state)
{
    (void)state;
    static const char odd[] = {'"', '\\', '\n', '\x1f', '\x7f', '\x80', ','};
    char text[450];
    for (size_t len = 200; len < sizeof(text); len += 7) {
        memset(text, 'x', len);
        text[0] = text[len - 1] = '"';
        for (size_t at = 1; at + 1 < len; at++) {
            struct read read;
            text[at] = odd[(at + len) % sizeof(odd)];
            read_text(&read, (str){text, len}, 5);
            if (read.good)
                check_number("bytes", (int64_t)read.root->text.len, (int64_t)len - 2);
            arena_release(&read.arena);
            text[at] = 'x';
        }
    }
}

static void check_refused(const char *text, const char *part)
{
    struct read read;
    read_text(&read, str_from(text), 5);
    check_fault(text, read.good, &read.fault, FAULT_RECORD, part);
    arena_release(&read.arena);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const cases[] = {
        " ",        "{",        "[1,2",
        "{\"a\":1", "\"abc",    "tru",
        "nul",      "{a:1}",    "{'a':1}",
        "[1,]",     "{\"a\":}", "01",
        "1.",       ".5",       "1e",
        "+1",       "-",        "NaN",
        "Infinity", "[1] x",    "{} {}",
        "1 2",      "\"\\x\"",  "\"\\u12g4\"",
        "\"a\nb\"", "/* */ 1",  "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_refused(cases[i], "not JSON");
    check_refused("", "the text is empty");
    struct read nothing;
    read_text(&nothing, STR_EMPTY, 5);
    check_fault("no pointer", nothing.good, &nothing.fault, FAULT_RECORD, "the text is empty");
    arena_release(&nothing.arena);
    check_refused("[1,2", "the text ends in the middle, at byte 4");
    check_refused("[1,2] x", "at byte");
}

/* Bytes that are no UTF-8: out of place, cut short, overlong, surrogates, beyond U+10FFFF. */
static void test_utf8(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\xff",         "\x80",         "\xe2\x82",         "\xc3(",           "\xc0\xaf",
        "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"};
    size_t taken = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf text;
        struct read read;
        buf_init(&text, 100);
        buf_format(&text, "[\"%s\"]", cases[i]);
        read_text(&read, buf_view(&text), 5);
        if (read.good)
            print_error("taken for UTF-8: %02x %02x ...\n", (unsigned char)cases[i][0],
                        (unsigned char)cases[i][1]);
        taken += read.good;
        arena_release(&read.arena);
        buf_release(&text);
    }
    assert_int_equal(taken, 0);
}

static void test_surrogates(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\"\\ud800\"",        "[\"\\udfff\"]",   "\"\\ud83dx\"",
        "\"\\ude00\\ud83d\"", "\"\\ud83d\\n\"",  "\"\\ud83d\\u0041\"",
        "\"\\ud83d\\ud83d\"", "{\"\\ud800\":1}", "\"\\ud83d\\ude0\"",
    };
    for (size_t i = 0; i + 1 < COUNT(cases); i++)
        check_refused(cases[i], "lone surrogate");
    check_refused(cases[COUNT(cases) - 1], "not JSON");
}

static void test_numbers(void **state)
{
    (void)state;
    static const char *const cases[] = {"0",
                                        "-0",
                                        "1.50",
                                        "1e3",
                                        "-1.5E-7",
                                        "9223372036854775808",
                                        "12345678901234567890123456789012345678.90",
                                        "1e999999999999"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct read read;
        read_text(&read, str_from(cases[i]), 5);
        check_good(cases[i], read.good, &read.fault);
        assert_int_equal(read.root->kind, JSON_NUMBER);
        check_text("its digits", read.root->text, cases[i]);
        arena_release(&read.arena);
    }
}

static bool nested(size_t levels, unsigned keep_depth, struct read *read)
{
    static char text[1000];
    memset(text, '[', levels);
    memset(text + levels, ']', levels);
    read_text(read, (str){text, 2 * levels}, keep_depth);
    arena_release(&read->arena);
    return read->good;
}

static void test_depth(void **state)
{
    (void)state;
    struct read read;
    assert_true(nested(1, 100, &read));
    assert_true(nested(100, 100, &read));
    assert_true(nested(100, 3, &read));
    assert_true(nested(99, 2, &read));
    check_fault("100 levels", nested(100, 2, &read), &read.fault, FAULT_RECORD, "nested deeper");
    check_fault("101 levels", nested(101, 100, &read), &read.fault, FAULT_RECORD,
                "nested deeper than 100 levels");
    check_fault("101 levels", nested(101, 2, &read), &read.fault, FAULT_RECORD, "nested deeper");
    check_fault("400 levels", nested(400, 0, &read), &read.fault, FAULT_RECORD, "nested deeper");
}

/* An array of `count` zeros is count + 1 values. */
static bool zeros(size_t count, struct read *read)
{
    char *text = malloc(2 * count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = ',';
        text[2 * i + 1] = '0';
    }
    text[0] = '[';
    text[2 * count] = ']';
    read_text(read, (str){text, 2 * count + 1}, 1);
    arena_release(&read->arena);
    free(text);
    return read->good;
}

static void test_nodes(void **state)
{
    (void)state;
    struct read read;
    assert_true(zeros(JSON_NODE_LIMIT - 1, &read));
    check_fault("one more", zeros(JSON_NODE_LIMIT, &read), &read.fault, FAULT_RECORD,
                "more than 1000000 JSON values");
}

static void test_memory(void **state)
{
    (void)state;
    struct arena none;
    struct json *root;
    struct fault fault = {0};
    arena_init(&none, 0);
    check_fault("no memory",
                json_parse(STR("{}"), 1, (struct json_memory){&none, &none}, &root, &fault), &fault,
                FAULT_RETRY, "out of memory");
    check_fault("no memory",
                json_parse(STR("1"), 1, (struct json_memory){&none, &none}, &root, &fault), &fault,
                FAULT_RETRY, "out of memory");
    arena_release(&none);
}

static void test_keep_depth(void **state)
{
    (void)state;
    struct read read;
    read_text(&read, STR(" {\"a\" : { \"b\" : [1, {\"c\":\"\\n\"}] } , \"d\":[ ]} "), 1);
    check_good("document", read.good, &read.fault);
    const struct json *a = json_member(read.root, "a");
    check_text("whole", read.root->text, "{\"a\" : { \"b\" : [1, {\"c\":\"\\n\"}] } , \"d\":[ ]}");
    check_text("kept as text", a->text, "{ \"b\" : [1, {\"c\":\"\\n\"}] }");
    assert_null(a->child);
    check_text("the one behind it", json_member(read.root, "d")->text, "[ ]");
    check_number("children", (int64_t)json_child_count(read.root), 2);
    arena_release(&read.arena);
}

static void test_members(void **state)
{
    (void)state;
    struct read read;
    int64_t number = 7;
    read_text(&read, STR("{\"a\":1,\"b\":\"-5\",\"a\":\"x\",\"n\":null,\"f\":1.5,\"t\":true}"), 1);
    check_good("document", read.good, &read.fault);
    check_text("of several the last", json_string(json_member(read.root, "a")), "x");
    assert_true(json_int64(json_member(read.root, "b"), &number) && number == -5);
    assert_false(json_int64(json_member(read.root, "f"), &number));
    assert_false(json_int64(json_member(read.root, "t"), &number));
    assert_false(json_int64(json_member(read.root, "n"), &number));
    assert_false(json_int64(NULL, &number));
    assert_null(json_member(read.root, "none"));
    assert_null(json_member(json_member(read.root, "a"), "a"));
    assert_null(json_member(NULL, "a"));
    assert_true(json_member_is(read.root, "a", "x"));
    assert_false(json_member_is(read.root, "f", "1.5"));
    check_text("no string", json_string(json_member(read.root, "f")), "");
    check_text("null", json_member(read.root, "n")->text, "null");
    arena_release(&read.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),    cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_surrogates), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_keep_depth),
        cmocka_unit_test(test_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
