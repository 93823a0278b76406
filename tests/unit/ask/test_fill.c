/*
 * fill: variables, their defaults, and where there are none.
 */
#include "check.h"

#include "fill.h"

static void check_fill(const char *script, const char *want)
{
    static const struct fill_value value[] = {
        {{"table", 5}, {"\"a\".\"b\"", 7}},
        {{"from", 4}, {"it's", 4}},
        {{"from", 4}, {"never", 5}}, /* the first of a name counts */
        {{"no", 2}, {"", 0}},
    };
    struct buf out;
    buf_init(&out, 10000);
    fill_script(str_from(script), value, sizeof(value) / sizeof(value[0]), &out);
    buf_char(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.ptr, want);
    buf_release(&out);
}

static void test_variables(void **state)
{
    (void)state;
    check_fill("select * from :table;", "select * from \"a\".\"b\";");
    check_fill("select :'from', :\"from\"", "select 'it''s', \"it's\"");
    check_fill("select :\"table\"", "select \"\"\"a\"\".\"\"b\"\"\"");
    check_fill("(:no)", "()");
    check_fill("x=:from", "x=it's");
}

static void test_what_is_no_variable(void **state)
{
    (void)state;
    static const char *const same[] = {"select 1::text",
                                       "select a::from",
                                       "select ':table'",
                                       "select \":table\"",
                                       "select $$ :table $$, $x$ $$ :table $x$",
                                       "-- :table\n",
                                       "/* :table */",
                                       "select :unknown, :'unknown', :\"unknown\", :, :'from",
                                       "select $1 + a[1:2] ",
                                       "ends in :",
                                       "'open :table",
                                       ""};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        check_fill(same[i], same[i]);
    check_fill("select 'it''s', :no 1 -- ' \n:table", "select 'it''s',  1 -- ' \n\"a\".\"b\"");
}

static void test_lines_of_psql(void **state)
{
    (void)state;
    check_fill(
        "-- head\n\n\\set ON_ERROR_STOP on\n\\if :{?a}\n\\else\n  \\set a 'x ''y'''\n\\endif\n"
        "select :'a', :a;\n",
        "-- head\nselect 'x ''y''', x 'y';\n");
    check_fill("\\set table t\nselect :table;\n", "select \"a\".\"b\";\n");
    check_fill("\\echo 'How often?'\nselect 1;\n\\echo end", "-- How often?\nselect 1;\n-- end\n");
    check_fill("select '\n\\set a 1\n';\n", "select '\n\\set a 1\n';\n");
    check_fill("\\set last value", "");
}

static void test_defaults(void **state)
{
    (void)state;
    struct arena arena;
    struct buf names;
    str script = STR("\\set ON_ERROR_STOP on\n  \\set a ''\n\\set b 'it''s'\n\\set a 2\n"), value;
    arena_init(&arena, TEST_BYTES);
    buf_init(&names, 1000);
    assert_true(fill_default(script, STR("a"), &arena, &value));
    assert_int_equal(value.len, 0);
    assert_true(fill_default(script, STR("b"), &arena, &value));
    assert_true(str_is(value, "it's"));
    assert_false(fill_default(script, STR("c"), &arena, &value));
    fill_names(script, &names);
    assert_true(str_is(buf_view(&names), "a, b, a"));
    buf_release(&names);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_what_is_no_variable),
        cmocka_unit_test(test_lines_of_psql),
        cmocka_unit_test(test_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
