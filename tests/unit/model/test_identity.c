/*
 * Which old values are believed: each sentence of the contract's paragraph on identity.
 */
#include "change_kit.h"

#include "identity.h"

/* The old values that are left, in the columns' order. A key with a minus before it was named by
   the user, and came with no message. */
static void check_settled(const char *identity_text, char op, const char *key, const char *columns,
                          const char *want)
{
    struct arena arena;
    struct identity identity;
    struct change_kit kit;
    struct fault fault = {0};
    struct buf got;
    buf_init(&got, 10000);
    arena_init(&arena, TEST_BYTES);
    check_good(identity_text, identity_parse(str_from(identity_text), &arena, &identity, &fault),
               &fault);
    bool named = key && key[0] == '-';
    kit_make(&kit, op, named ? key + 1 : key, columns);
    kit.change.keyed = key && !named;
    for (size_t i = 0; i < kit.change.field_count; i++)
        for (size_t k = 0; k < kit.change.key_count; k++)
            kit.field[i].key = kit.field[i].key || str_eq(kit.key[k].name, kit.field[i].name);
    identity_settle(&identity, &kit.change, &arena);
    for (size_t i = 0; i < kit.change.field_count; i++) {
        buf_str(&got, i ? STR(" ") : STR(""));
        put_value(&got, kit.field[i].before);
    }
    check_text(columns, buf_view(&got), want);
    buf_release(&got);
    arena_release(&arena);
}

static void test_full(void **state)
{
    (void)state;
    check_settled("full", 'd', "id #1", "id r #1 ~;a r #0 ~;b o ~ ~", "#1 #0 ~");
    check_settled("full", 'u', "id #1", "id r #1 #1;a r 'x 'y", "#1 'x");
    check_settled("full", 'd', NULL, "id - #1 ~;a - ' ~", "#1 '");
}

static void test_default(void **state)
{
    (void)state;
    check_settled("default", 'd', "id #1", "id r #1 ~;a r #0 ~;b o 'x ~", "#1 _ _");
    check_settled("default", 'u', "id #1", "id r #1 #1;a r 'x 'x;b o 'y 'z", "#1 _ _");
    check_settled("default", 'd', "", "id r #1 ~;a r #0 ~", "_ _");
}

static void test_index(void **state)
{
    (void)state;
    check_settled("index(a,b)", 'd', "id #1", "id r #0 ~;a r 'x ~;b r #2 ~;c o 'y ~", "_ 'x #2 _");
    check_settled("index(a)", 'u', "id #1", "id r #1 #1;a r 'x 'y;c o 'z 'z", "_ 'x _");
}

/* An optional column outside the key with a value of its own proves FULL. */
static void test_auto_optional(void **state)
{
    (void)state;
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #0 ~;b o 'x ~", "#1 #0 'x");
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o ~ ~", "#1 _ _");
    /* Zero and the empty text are values too: an optional column is never made up. */
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o #0 ~", "#1 #7 #0");
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o ' ~", "#1 #7 '");
    /* Its schema's default may be made up; 5.0 is the default 5 as well. */
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o #5 ~ #5", "#1 _ _");
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o #5.0 ~ #5", "#1 _ _");
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o #6 ~ #5", "#1 #7 #6");
    /* An optional column of the key proves nothing. */
    check_settled("auto", 'd', "id #1;k 'x", "id r #1 ~;k o 'x ~;a r #7 ~", "#1 'x _");
    /* Without a proof a key that may be made up is none: there may be another index. */
    check_settled("auto", 'd', "id #0", "id r #0 ~;a r #7 ~;b o ~ ~", "_ _ _");
    check_settled("auto", 'd', "id '", "id r ' ~;a r #7 ~;b o ~ ~", "_ _ _");
    check_settled("auto", 'd', "id #5", "id r #5 ~ #5;a r #7 ~;b o ~ ~", "_ _ _");
    check_settled("auto", 'd', "id #0", "id r #0 ~;a r #7 ~;b o 'x ~", "#0 #7 'x");
    check_settled("default", 'd', "id #0", "id r #0 ~;a r #7 ~;b o ~ ~", "#0 _ _");
    /* The placeholder is no value. */
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r #7 ~;b o ? ~", "#1 _ _");
}

/* Without FULL an update carries `before` only when NOT NULL columns changed. */
static void test_auto_update(void **state)
{
    (void)state;
    check_settled("auto", 'u', "id #1", "id r #1 #1;a r #7 #7;b o ~ 'x", "#1 #7 ~");
    check_settled("auto", 'u', "id #1", "id r #1 #1;a r #0 #7;b o ~ ~", "#1 _ _");
    check_settled("auto", 'u', "id #1", "id r #1 #1;a r #0 #7;b o 'y 'x", "#1 #0 'y");
    check_settled("auto", 'u', "id #1", "id r #1 #1;a r #7.0 #7;b o ~ 'x", "#1 #7.0 ~");
    /* Debezium would have sent another key as a delete and a create: USING INDEX, it made one up.
       */
    check_settled("auto", 'u', "id #7", "id r #0 #7;a r #7 #7;b o ~ 'x", "_ _ _");
    check_settled("auto", 'u', "id #7", "id r #0 #7;a r #7 #7;b o 'y 'x", "_ _ _");
    check_settled("auto", 'u', "id #7", "id - #0 #7;a - #7 #7;b - #5 #9", "_ _ _");
    check_settled("default", 'u', "id #7", "id r #0 #7;a r #7 #7;b o ~ 'x", "_ _ _");
    check_settled("index(a)", 'u', "id #7", "id r #0 #7;a r #5 #7;b o ~ 'x", "_ #5 _");
    check_settled("full", 'u', "id #7", "id r #0 #7;a r #5 #7;b o ~ 'x", "#0 #5 ~");
    /* Of columns named by the user nothing of the kind is known. */
    check_settled("auto", 'u', "-id #2", "id r #1 #2;a r #7 #7;b o ~ 'x", "#1 #7 ~");
    /* The delete of the same columns proves nothing. */
    check_settled("auto", 'd', "id #1", "id r #1 ~;a r ~ ~;b o ~ ~", "#1 _ _");
}

static void test_auto_schemaless(void **state)
{
    (void)state;
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - 'x 'x;b - #1 #2", "#1 'x #1");
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - 'x 'y;b - #1 #2", "#1 _ _");
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - #0 #0;b - #1 #2", "#1 _ _");
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - ' ';b - #1 #2", "#1 _ _");
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - !false !false;b - #1 #2", "#1 _ _");
    check_settled("auto", 'u', "id #1", "id - #1 #1;a - ~ ~;b - #1 #2", "#1 _ _");
    check_settled("auto", 'u', "id #1",
                  "id - #1 #1;a - '1970-01-01T00:00:00Z '1970-01-01T00:00:00Z;b - #1 #2", "#1 _ _");
    check_settled("auto", 'd', "id #1", "id - #1 ~;a - 'x ~;b - #1 ~", "#1 _ _");
}

/* Other ops have no old row, and one that was not sent needs no settling. */
static void test_untouched(void **state)
{
    (void)state;
    check_settled("default", 'c', "id #1", "id r ~ #1;a r ~ 'x", "~ ~");
    check_settled("default", 'r', "id #1", "id r ~ #1;a r ~ 'x", "~ ~");
    check_settled("auto", 'U', "id #1", "id r _ #1;a r _ 'x", "_ _");
    check_settled("full", 'D', "id #1", "id r _ ~;a r _ ~", "_ _");
}

static void test_parse(void **state)
{
    (void)state;
    struct arena arena;
    struct identity identity;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    static const char *const bad[] = {"",        "FULL",      "nothing",  "index",
                                      "index()", "index(,)",  "index( )", "index(a",
                                      "full ",   "index(a)b", "indexa)"};
    for (size_t i = 0; i < COUNT(bad); i++)
        check_fault(bad[i], identity_parse(str_from(bad[i]), &arena, &identity, &fault), &fault,
                    FAULT_CONFIG, "must be auto, full, default or index(column,...)");
    assert_true(identity_parse(STR("index( a ,b,)"), &arena, &identity, &fault));
    assert_int_equal(identity.kind, IDENTITY_INDEX);
    assert_int_equal(identity.columns.count, 2);
    assert_true(identity_names(&identity, STR("a")) && identity_names(&identity, STR("b")));
    assert_false(identity_names(&identity, STR("id")));
    assert_true(identity_parse(STR("auto"), &arena, &identity, &fault));
    assert_int_equal(identity.kind, IDENTITY_AUTO);
    assert_true(identity_names(&identity, STR("id")));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),        cmocka_unit_test(test_default),
        cmocka_unit_test(test_index),       cmocka_unit_test(test_auto_optional),
        cmocka_unit_test(test_auto_update), cmocka_unit_test(test_auto_schemaless),
        cmocka_unit_test(test_untouched),   cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
