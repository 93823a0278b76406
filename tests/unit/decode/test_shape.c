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

static bool asks_for(const void *context, const struct json *node)
{
    return str_is(node->name, context);
}

/* The text of a member of the root; `shape` is what the text was recalled as. */
static str member_text(const struct shape *shape, const char *name)
{
    return json_member(shape->root, name)->text;
}

/* Scalars that nobody asks for have no text, unless they have never varied, until they are asked
   for again: also those that turned out to vary meanwhile. */
static void test_narrow(void **state)
{
    (void)state;
    struct bench bench;
    struct shape *shape;
    str text = STR("{\"a\":38,\"b\":\"xyz\",\"c\":5,\"d\":true}");
    set_up(&bench);
    shapes_learn(bench.shapes, 1, STR("{\"a\":17,\"b\":\"abc\",\"c\":4,\"d\":true}"));
    assert_true(is_recalled(&bench, 1, "{\"a\":18,\"b\":\"abd\",\"c\":4,\"d\":true}"));
    shape = shapes_recall(bench.shapes, 1, text, &bench.arena);
    shape_narrow(shape, asks_for, "b");
    text = STR("{\"a\":99,\"b\":\"klm\",\"c\":6,\"d\":true}");
    assert_ptr_equal(shapes_recall(bench.shapes, 1, text, &bench.arena), shape);
    check_str("asked", member_text(shape, "b"), STR("klm"));
    check_str("never varied", member_text(shape, "d"), STR("true"));
    check_str("not asked", member_text(shape, "a"), STR_EMPTY);
    check_str("not asked, and new to vary", member_text(shape, "c"), STR_EMPTY);
    assert_true(shape_widen(bench.shapes, shape, text, &bench.arena));
    check_str("a", member_text(shape, "a"), STR("99"));
    check_str("b", member_text(shape, "b"), STR("klm"));
    check_str("c", member_text(shape, "c"), STR("6"));
    assert_true(is_recalled(&bench, 1, "{\"a\":7,\"b\":\"abcd\",\"c\":1,\"d\":false}"));
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

static struct shape *recall(struct bench *bench, const char *text)
{
    struct shape *shape = shapes_recall(bench->shapes, 1, str_from(text), &bench->arena);
    assert_non_null(shape);
    return shape;
}

/* A node is settled until a text has another value there. Each text with a value that moved for the
   first time, or for the first time to something of another length, is a turn; others are none. */
static void test_settled(void **state)
{
    (void)state;
    struct bench bench;
    set_up(&bench);
    shapes_learn(bench.shapes, 1, STR("{\"a\":10,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}"));
    struct shape *shape = recall(&bench, "{\"a\":10,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}");
    const struct json *a = json_member(shape->root, "a"), *b = json_member(shape->root, "b");
    const struct json *c = json_member(b, "c"), *d = json_member(b, "d");
    const struct json *e = json_member(shape->root, "e");
    assert_int_equal(shape->turns, 0);
    assert_true(shape_is_settled(shape, a) && shape_is_settled(shape, c));
    assert_true(shape_is_settled(shape, NULL));

    assert_ptr_equal(recall(&bench, "{\"a\":11,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}"), shape);
    assert_int_equal(shape->turns, 1);
    assert_false(shape_is_settled(shape, a));
    assert_true(shape_is_settled(shape, b) && shape_is_settled(shape, c));
    assert_true(shape_is_settled(shape, d) && shape_is_settled(shape, e));
    recall(&bench, "{\"a\":99,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}");
    recall(&bench, "{\"a\":10,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}");
    assert_int_equal(shape->turns, 1);

    recall(&bench, "{\"a\":9,\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}");
    assert_int_equal(shape->turns, 2);
    recall(&bench, "{\"a\":\"longer\",\"b\":{\"c\":\"x\",\"d\":null},\"e\":20}");
    assert_int_equal(shape->turns, 2);

    recall(&bench, "{\"a\":10,\"b\":{\"c\":\"\",\"d\":true},\"e\":20}");
    assert_int_equal(shape->turns, 3);
    assert_false(shape_is_settled(shape, c) || shape_is_settled(shape, d));
    assert_true(shape_is_settled(shape, b) && shape_is_settled(shape, e));

    /* What is of another shape is no turn, whatever moved before it was seen to be another. */
    assert_null(shapes_recall(bench.shapes, 1, STR("{\"a\":10,\"b\":{\"c\":1,\"d\":1},\"e\":30]"),
                              &bench.arena));
    recall(&bench, "{\"a\":10,\"b\":{\"c\":\"\",\"d\":true},\"e\":20}");
    assert_int_equal(shape->turns, 3);
    assert_true(shape_is_settled(shape, e));
    tear_down(&bench);
}

/* Every byte in every place of a text whose numbers and strings have varied in their places: the
   tree of json_parse, or none. */
static void test_every_byte(void **state)
{
    (void)state;
    static const char *const learned[] = {
        "{\"number\":12345678,\"text\":\"ABC-x\",\"nested\":{\"digit\":0,\"long\":"
        "\"0123456789012345\"}}",
        "{\"number\":98765432,\"text\":\"ZYX+y\",\"nested\":{\"digit\":9,\"long\":"
        "\"9876543210987654\"}}",
    };
    struct bench bench;
    char text[200];
    size_t taken = 0, len = strlen(learned[0]);
    for (size_t i = 0; i < len * 255; i++) {
        /* 0 would end it */
        char byte = (char)(1 + i % 255);
        set_up(&bench);
        shapes_learn(bench.shapes, 1, str_from(learned[0]));
        assert_true(is_recalled(&bench, 1, learned[1]));
        memcpy(text, learned[0], len + 1);
        text[i / 255] = byte;
        bool good = is_recalled(&bench, 1, text);
        taken += good;
        assert_true(good || byte != learned[0][i / 255]);
        assert_true(is_recalled(&bench, 1, learned[0]));
        tear_down(&bench);
    }
    /* Digits in their places at least. */
    assert_true(taken > len + 7 * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_change), cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_others),        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_many),          cmocka_unit_test(test_lifetime),
        cmocka_unit_test(test_settled),       cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
