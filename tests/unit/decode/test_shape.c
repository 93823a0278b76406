/*
 * Shapes: texts like one that was learned give the tree that json_parse gives, and no others are
 * taken for it.
 */
#include "check.h"

#include "json.h"
#include "shape.h"

#define DEPTH 2

struct bench {
    struct shapes *shapes;
    struct arena arena;
};

static void set_up(struct bench *bench)
{
    bench->shapes = shapes_new(DEPTH);
    assert_non_null(bench->shapes);
    arena_init(&bench->arena, TEST_BYTES * 4);
}

static void tear_down(struct bench *bench)
{
    shapes_free(bench->shapes);
    arena_release(&bench->arena);
}

/* Of a tree that was recalled, nodes with children have no text, but the root. */
static void check_same_tree(const struct json *a, const struct json *b)
{
    for (; a && b; a = a->next, b = b->next) {
        assert_int_equal(a->kind, b->kind);
        assert_true(str_eq(a->name, b->name));
        if (!a->child)
            check_str("text", a->text, b->text);
        check_same_tree(a->child, b->child);
    }
    assert_true(!a && !b);
}

/* Whether the text is recalled; if so, the tree is that of json_parse. */
static bool is_recalled(struct bench *bench, uint64_t group, const char *text)
{
    struct fault fault = {0};
    struct json *want;
    struct json_memory memory = {&bench->arena, &bench->arena};
    struct shape *shape = shapes_recall(bench->shapes, group, str_from(text), &bench->arena);
    if (!shape)
        return false;
    bool good = json_parse_slowly(str_from(text), DEPTH, memory, &want, &fault);
    check_good(text, good, &fault);
    check_str("the root's text", shape->root->text, want->text);
    check_same_tree(shape->root, want);
    return true;
}

static void test_values_change(void **state)
{
    (void)state;
    static const char *const alike[] = {
        "{\"id\":7,\"a\":{\"x\":null,\"y\":[1,{\"z\":2}]},\"s\":\"text\",\"e\":{},\"l\":[]}",
        "{\"id\":8,\"a\":{\"x\":null,\"y\":[1,{\"z\":2}]},\"s\":\"text\",\"e\":{},\"l\":[]}",
        "{\"id\":-0.5e3,\"a\":{\"x\":true,\"y\":\"\"},\"s\":\"\",\"e\":{},\"l\":[]}",
        "{\"id\":0,\"a\":{\"x\":false,\"y\":{}},\"s\":null,\"e\":{},\"l\":[]}",
        "{\"id\":12345678901234567890123456789012345,\"a\":{\"x\":\"\\\"\\u00e9\\n\",\"y\":17},"
        "\"s\":"
        "\"\xc3\xa9 and a text that is longer than sixteen, and than thirty-two bytes\",\"e\":{},"
        "\"l\":[]}",
    };
    struct bench bench;
    set_up(&bench);
    assert_false(is_recalled(&bench, 1, alike[0]));
    shapes_learn(bench.shapes, 1, str_from(alike[0]));
    for (int pass = 0; pass < 3; pass++)
        for (size_t i = 0; i < COUNT(alike); i++)
            assert_true(is_recalled(&bench, 1, alike[i]));
    tear_down(&bench);
}

static void test_others(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "{}",
        "{\"id\":7,\"a\":{\"x\":1}",
        "{\"id\":7,\"a\":{\"x\":1}}}",
        "{\"id\":7,\"a\":{\"x\":1}}x",
        "{\"id\":7, \"a\":{\"x\":1}}",
        "{\"id\":7,\"a\":null}",
        "{\"id\":{},\"a\":{\"x\":1}}",
        "{\"id\":7,\"a\":{\"y\":1}}",
        "{\"id\":7,\"a\":{\"x\":1,\"y\":1}}",
        "{\"id\":,\"a\":{\"x\":1}}",
        "{\"id\":07,\"a\":{\"x\":1}}",
        "{\"id\":7.,\"a\":{\"x\":1}}",
        "{\"id\":nul,\"a\":{\"x\":1}}",
        "{\"id\":\"7,\"a\":{\"x\":1}}",
        "{\"id\":\"\x01\",\"a\":{\"x\":1}}",
        "{\"id\":\"\xc0\x80\",\"a\":{\"x\":1}}",
        "{\"id\":\"\\ud800\",\"a\":{\"x\":1}}",
        "{\"id\":\"\\x\",\"a\":{\"x\":1}}",
        "{\"id\":7,\"a\":{\"x\":[1,]}}",
        "{\"id\":7,\"a\":{\"x\":[01]}}",
        "{\"id\":7,\"a\":{\"x\":{\"y\" 1}}}",
    };
    struct bench bench;
    set_up(&bench);
    shapes_learn(bench.shapes, 1, STR("{\"id\":7,\"a\":{\"x\":1}}"));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < COUNT(others); i++)
            if (is_recalled(&bench, 1, others[i]))
                fail_msg("taken for the learned text: %s", others[i]);
        assert_true(is_recalled(&bench, 1, "{\"id\":8,\"a\":{\"x\":2}}"));
    }
    tear_down(&bench);
}

static void test_groups(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench);
    shapes_learn(bench.shapes, 1, STR("{\"a\":1}"));
    assert_false(is_recalled(&bench, 2, "{\"a\":1}"));
    assert_true(is_recalled(&bench, 1, "{\"a\":2}"));
    tear_down(&bench);
}

/* More shapes than a group keeps: the last learned are there, and the notes stay with them. */
static void test_many(void **state)
{
    (void)state;
    struct bench bench;
    char text[100];
    size_t kept = 0;
    set_up(&bench);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "{\"a%d\":1}", i);
        assert_false(is_recalled(&bench, 1, text));
        shapes_learn(bench.shapes, 1, str_from(text));
    }
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "{\"a%d\":2}", i);
        struct shape *shape = shapes_recall(bench.shapes, 1, str_from(text), &bench.arena);
        kept += shape != NULL;
        assert_true(shape || i < 10);
        if (shape)
            assert_null(shape->note);
    }
    assert_int_equal(kept, 16);
    tear_down(&bench);
}

/* Names and constant texts outlive the text they came from. */
static void test_lifetime(void **state)
{
    (void)state;
    struct bench bench;
    char text[] = "{\"name\":\"constant\",\"id\":1}";
    set_up(&bench);
    shapes_learn(bench.shapes, 1, str_from(text));
    text[sizeof(text) - 3] = '2';
    struct shape *shape = shapes_recall(bench.shapes, 1, str_from(text), &bench.arena);
    assert_non_null(shape);
    struct json *first = shape->root->child;
    memset(text, ' ', sizeof(text) - 1);
    check_str("name", first->name, STR("name"));
    check_str("text", first->text, STR("constant"));
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_change), cmocka_unit_test(test_others),
        cmocka_unit_test(test_groups),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_lifetime),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
