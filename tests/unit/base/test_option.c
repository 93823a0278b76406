/*
 * Option tables and configurations.
 */
#include "check.h"

static void check_split(const char *text, const char *want)
{
    struct arena arena;
    struct str_list list;
    struct fault fault = {0};
    struct buf got;
    arena_init(&arena, TEST_BYTES);
    buf_init(&got, 1000);
    check_good(text, option_split(str_from(text), &arena, &list, &fault), &fault);
    for (size_t i = 0; i < list.count; i++) {
        buf_char(&got, '[');
        buf_str(&got, list.item[i]);
        buf_char(&got, ']');
    }
    check_text(text, buf_view(&got), want);
    buf_release(&got);
    arena_release(&arena);
}

static void check_split_refused(const char *text, const char *part)
{
    struct arena arena;
    struct str_list list;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_fault(text, option_split(str_from(text), &arena, &list, &fault), &fault, FAULT_CONFIG,
                part);
    arena_release(&arena);
}

static void test_lists(void **state)
{
    (void)state;
    check_split("", "");
    check_split("  ", "");
    check_split("a", "[a]");
    check_split(" a , b ,c", "[a][b][c]");
    check_split("a,,b,", "[a][b]");
    check_split(",", "");
    check_split("\"a,b\",c", "[a,b][c]");
    check_split("\" a \" , \"b\"", "[ a ][b]");
    check_split("\"\",a", "[a]");
    check_split("a\"b,c\"", "[a\"b][c\"]");
    check_split("*", "[*]");
    check_split_refused("\"a", "no closing double quote");
    check_split_refused("a,\"", "no closing double quote");
    check_split_refused("\"a\"b", "expected a comma after \"a\"");
    check_split_refused("\"a\" \"b\"", "expected a comma after \"a\"");
}

struct target {
    str text, other;
    bool flag;
    int64_t number;
    int choice;
    struct str_list list;
};

static const char *const choices[] = {"skip", "emit", NULL};
static const char *const flag_choices[] = {"no", "yes", NULL};

static const struct option_spec option[] = {
    {.key = "a.text",
     .type = OPTION_STRING,
     .preset = "usual",
     .offset = offsetof(struct target, text),
     .help = "A | B."},
    {.key = "a.other",
     .type = OPTION_STRING,
     .offset = offsetof(struct target, other),
     .help = "Other."},
    {.key = "a.flag",
     .flag = "flag",
     .type = OPTION_BOOL,
     .preset = "true",
     .offset = offsetof(struct target, flag),
     .help = "Flag."},
    {.key = "a.number",
     .type = OPTION_INT,
     .preset = "5",
     .min = -10,
     .max = 10,
     .offset = offsetof(struct target, number),
     .help = "Number."},
    {.key = "a.choice",
     .flag = "choice",
     .type = OPTION_ENUM,
     .choices = choices,
     .flag_choices = flag_choices,
     .preset = "skip",
     .offset = offsetof(struct target, choice),
     .help = "Choice."},
    {.key = "a.list",
     .flag = "list",
     .letter = 'l',
     .per_table = true,
     .type = OPTION_LIST,
     .offset = offsetof(struct target, list),
     .help = "List."},
    {.key = "--only",
     .flag = "only",
     .type = OPTION_BOOL,
     .offset = offsetof(struct target, flag),
     .help = "Only here."},
};

static const struct option_table table = {
    .title = "Test", .option = option, .count = COUNT(option) - 1};
static const struct option_table whole = {
    .title = "Test", .option = option, .count = COUNT(option)};
static const struct option_table *const tables[] = {&whole};

static bool load(const char *text, struct target *target, struct arena *arena, struct fault *fault)
{
    struct config config;
    *target = (struct target){0};
    config_from(&config, arena, text);
    return option_load(&table, &config, target, fault);
}

static void test_load(void **state)
{
    (void)state;
    struct arena arena;
    struct target target;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_good("presets", load("", &target, &arena, &fault), &fault);
    check_text("text", target.text, "usual");
    check_text("none", target.other, "");
    assert_true(target.flag && target.number == 5 && target.choice == 0 && target.list.count == 0);
    check_good(
        "all",
        load("a.text=x;a.flag=false;a.number=-10;a.choice=yes;a.list=p,q", &target, &arena, &fault),
        &fault);
    check_text("text", target.text, "x");
    assert_true(!target.flag && target.number == -10 && target.choice == 1);
    check_number("items", (int64_t)target.list.count, 2);
    arena_release(&arena);
}

static void check_refused(const char *text, const char *part)
{
    struct arena arena;
    struct target target;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_fault(text, load(text, &target, &arena, &fault), &fault, FAULT_CONFIG, part);
    arena_release(&arena);
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("a.flag=yes", "test: a.flag=yes: must be true or false");
    check_refused("a.flag=", "must be true or false");
    check_refused("a.number=11", "test: a.number=11: must be a whole number from -10 to 10");
    check_refused("a.number=-11", "must be a whole number");
    check_refused("a.number=1.0", "must be a whole number");
    check_refused("a.number=", "must be a whole number");
    check_refused("a.number=99999999999999999999", "must be a whole number");
    check_refused("a.choice=Skip", "test: a.choice=Skip: must be one of skip, emit");
    check_refused("a.list=\"x", "test: a.list: a list item has no closing double quote");
}

static void check_known(const char *text, const char *part)
{
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, text);
    bool good = option_check_known(tables, 1, &config, &fault);
    if (part)
        check_fault(text, good, &fault, FAULT_CONFIG, part);
    else
        check_good(text, good, &fault);
    arena_release(&arena);
}

static void test_known(void **state)
{
    (void)state;
    check_known("a.text=1;a.list.s.t=2;a.list.t=3", NULL);
    check_known("a.txet=1", "test: unknown key a.txet; the nearest known key is a.text");
    check_known("a.lis=1", "the nearest known key is a.list");
    check_known("a.list.=1", "unknown key a.list.");
    check_known("a.text.s.t=1", "unknown key a.text.s.t; the nearest known key is a.text");
    check_known("A.NUMBER=1", "unknown key A.NUMBER");
    check_known("number=1", "the nearest known key is a.number");
    check_known("-only=1", "unknown key -only; the nearest known key is a.");
}

static void test_find(void **state)
{
    (void)state;
    str name = STR_EMPTY;
    assert_ptr_equal(option_by_key(tables, 1, STR("a.flag")), &option[2]);
    assert_null(option_by_key(tables, 1, STR("a.fla")));
    assert_ptr_equal(option_by_table_key(tables, 1, STR("a.list.s.t"), &name), &option[5]);
    check_text("table", name, "s.t");
    assert_null(option_by_table_key(tables, 1, STR("a.list"), &name));
    assert_null(option_by_table_key(tables, 1, STR("a.listen"), &name));
    assert_null(option_by_table_key(tables, 1, STR("a.text.t"), &name));
}

static void test_config(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    char key[] = "k", value[] = "v";
    arena_init(&arena, TEST_BYTES);
    config_init(&config, &arena);
    assert_true(config_set(&config, str_from(key), str_from(value), STR("file"), &fault));
    key[0] = value[0] = 'x';
    check_text("copied", config_find(&config, STR("k"))->value, "v");
    assert_true(config_append(&config, STR("k"), STR("w"), STR("--k"), &fault));
    check_text("of another origin", config_find(&config, STR("k"))->value, "w");
    assert_true(config_append(&config, STR("k"), STR("z"), STR("--k"), &fault));
    check_text("of the same", config_find(&config, STR("k"))->value, "w,z");
    assert_null(config_find(&config, STR("none")));
    check_number("entries", (int64_t)config.count, 1);
    for (int i = 1; i < CONFIG_ENTRY_LIMIT; i++) {
        char name[20];
        snprintf(name, sizeof(name), "key%d", i);
        assert_true(config_set(&config, str_from(name), STR(""), STR(""), &fault));
    }
    check_fault("one more", config_set(&config, STR("one more"), STR(""), STR(""), &fault), &fault,
                FAULT_CONFIG, "more than 10000 configuration keys");
    assert_true(config_set(&config, STR("k"), STR("over"), STR(""), &fault));
    arena_release(&arena);
}

static void test_memory(void **state)
{
    (void)state;
    struct arena none;
    struct config config;
    struct str_list list;
    struct fault fault = {0};
    arena_init(&none, 0);
    config_init(&config, &none);
    check_fault("set", config_set(&config, STR("k"), STR("v"), STR("o"), &fault), &fault,
                FAULT_RETRY, "out of memory");
    check_fault("split", option_split(STR("a"), &none, &list, &fault), &fault, FAULT_RETRY,
                "out of memory");
    arena_release(&none);
}

static void test_help(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100000);
    option_help(&whole, &out);
    assert_true(str_find(buf_view(&out), STR("  -l, --list a,b\n      List.\n      key a.list"
                                             "[.SCHEMA.TABLE]\n"))
                >= 0);
    assert_true(str_find(buf_view(&out), STR("--choice no|yes\n")) >= 0);
    assert_true(str_find(buf_view(&out), STR("key a.choice; default no\n")) >= 0);
    buf_clear(&out);
    option_markdown(&whole, &out);
    assert_true(str_find(buf_view(&out), STR("| A \\| B. |\n")) >= 0);
    assert_true(str_find(buf_view(&out), STR("| `a.list`, per table | `--list` | a,b |")) >= 0);
    assert_false(out.failed);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),  cmocka_unit_test(test_load), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_known),  cmocka_unit_test(test_find), cmocka_unit_test(test_config),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
