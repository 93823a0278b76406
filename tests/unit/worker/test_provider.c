/*
 * Placeholders in values: the environment, .properties files, folders of secrets.
 */
#include "temp.h"

#include <sys/stat.h>

#include "provider.h"

struct place {
    char folder[40];
};

static struct place place;

static void put_file(const char *name, str content)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/%s", place.folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(content.len == 0 || fwrite(content.ptr, 1, content.len, file) == content.len);
    fclose(file);
}

static const char *const file_names[] = {"db.properties", "plain",  "line",  "crlf", "two",
                                         "empty",         "nested", "large", "a b",  "ends"};

static int make_place(void **state)
{
    (void)state;
    static char large[60000];
    memset(large, 'x', sizeof(large));
    snprintf(place.folder, sizeof(place.folder), "/tmp/fieldtrail-unit-XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    put_file("db.properties", STR("# secrets\nuser=ann\npassword = p@ss:w\\u0020\nempty=\n"
                                  "password=last\na.b:c=deep\n"));
    put_file("plain", STR("s3cret"));
    put_file("line", STR("s3cret\n"));
    put_file("crlf", STR("s3cret\r\n"));
    put_file("two", STR("a\nb\n"));
    put_file("ends", STR("a\n\n"));
    put_file("empty", STR_EMPTY);
    put_file("nested", STR("${env:FIELDTRAIL_A}"));
    put_file("large", (str){large, sizeof(large)});
    put_file("a b", STR("blank"));
    setenv("FIELDTRAIL_A", "alpha", 1);
    setenv("FIELDTRAIL_B", "", 1);
    setenv("FIELDTRAIL_N", "${env:FIELDTRAIL_A}", 1);
    unsetenv("FIELDTRAIL_NONE");
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    char path[100];
    for (size_t i = 0; i < COUNT(file_names); i++) {
        snprintf(path, sizeof(path), "%s/%s", place.folder, file_names[i]);
        unlink(path);
    }
    return rmdir(place.folder);
}

/* @ stands for the folder. */
static void put_at_place(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (*text == '@')
            buf_str(out, str_from(place.folder));
        else
            buf_char(out, *text);
}

static bool expand_one(struct arena *arena, const char *value, str *got, struct fault *fault)
{
    struct config config;
    struct buf text;
    arena_init(arena, TEST_BYTES);
    buf_init(&text, TEST_BYTES);
    config_init(&config, arena);
    put_at_place(&text, value);
    assert_true(config_set(&config, STR("some.key"), buf_view(&text), STR("c.json"), fault));
    bool good = provider_expand(&config, fault);
    *got = config.entry[0].value;
    buf_release(&text);
    return good;
}

static void check_value(const char *value, const char *want)
{
    struct arena arena;
    struct fault fault = {0};
    struct buf text;
    str got;
    buf_init(&text, TEST_BYTES);
    put_at_place(&text, want);
    check_good(value, expand_one(&arena, value, &got, &fault), &fault);
    check_str(value, got, buf_view(&text));
    buf_release(&text);
    arena_release(&arena);
}

/* Key and origin are named, and the part that is missing. */
static void check_refused(const char *value, const char *part)
{
    struct arena arena;
    struct fault fault = {0};
    str got;
    bool good = expand_one(&arena, value, &got, &fault);
    check_fault(value, good, &fault, FAULT_CONFIG, part);
    check_fault(value, good, &fault, FAULT_CONFIG, "c.json: some.key: ");
    arena_release(&arena);
}

static void test_environment(void **state)
{
    (void)state;
    check_value("${env:FIELDTRAIL_A}", "alpha");
    check_value("${env:FIELDTRAIL_B}", "");
    check_value("<${env:FIELDTRAIL_A}>", "<alpha>");
    check_refused("${env:FIELDTRAIL_NONE}", "no variable FIELDTRAIL_NONE");
    check_refused("${env:FIELDTRAIL_A }", "no variable FIELDTRAIL_A ");
    check_refused("ok ${env:FIELDTRAIL_A} ${env:FIELDTRAIL_NONE}", "FIELDTRAIL_NONE");
}

/* A long name is not cut down to that of another variable. */
static void test_long_name(void **state)
{
    (void)state;
    char name[301], value[320];
    memset(name, 'X', 300);
    name[255] = 0;
    setenv(name, "of another", 1);
    name[255] = 'X';
    name[300] = 0;
    snprintf(value, sizeof(value), "${env:%s}", name);
    check_refused(value, "no variable XXX");
    name[255] = 0;
    unsetenv(name);
}

static void test_file(void **state)
{
    (void)state;
    check_value("${file:@/db.properties:user}", "ann");
    check_value("${file:@/db.properties:password}", "last");
    check_value("${file:@/db.properties:empty}", "");
    check_refused("${file:@/db.properties:none}", "has no key none");
    check_refused("${file:@/none.properties:user}", "No such file or directory");
    check_refused("${file:@:user}", "");
}

static void test_folder(void **state)
{
    (void)state;
    check_value("${dir:@:plain}", "s3cret");
    check_value("${dir:@:line}", "s3cret");
    check_value("${dir:@:crlf}", "s3cret");
    check_value("${dir:@:two}", "a\nb");
    check_value("${dir:@:empty}", "");
    check_value("${dir:@:a b}", "blank");
    check_value("${dir:@/../..@:plain}", "s3cret");
    check_refused("${dir:@:none}", "No such file or directory");
    check_refused("${dir:/nowhere:plain}", "No such file or directory");
    check_refused("${dir:@:../plain}", "is no name of a file");
    check_refused("${dir:/:tmp/x}", "is no name of a file");
    check_refused("${dir:/:/etc/passwd}", "is no name of a file");
}

/* "Its text without the last line end": one of them. */
static void test_one_line_end(void **state)
{
    (void)state;
    check_value("${dir:@:ends}", "a\n");
}

/* A folder is no secret, and no empty one either. */
static void test_folder_of_folders(void **state)
{
    (void)state;
    check_refused("${dir:@:..}", "");
    check_refused("${dir:@:.}", "");
    check_refused("${dir:/:tmp}", "");
}

/* A secret is given whole or not at all. */
static void test_large_secret(void **state)
{
    (void)state;
    static const size_t lengths[] = {60000, 65536, 65537, 100000};
    static char text[100000];
    struct arena arena;
    struct fault fault = {0};
    str got;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT(lengths); i++) {
        put_file("large", (str){text, lengths[i]});
        if (expand_one(&arena, "${dir:@:large}", &got, &fault))
            check_number("bytes", (int64_t)got.len, (int64_t)lengths[i]);
        else
            check_fault("large", false, &fault, FAULT_CONFIG, "large");
        arena_release(&arena);
    }
}

static void test_not_ours(void **state)
{
    (void)state;
    static const char *const values[] = {"",
                                         "$",
                                         "${",
                                         "}",
                                         "${}",
                                         "${:}",
                                         "${topic}",
                                         "$env:FIELDTRAIL_A",
                                         "{env:FIELDTRAIL_A}",
                                         "${env}",
                                         "${env:}",
                                         "${ENV:FIELDTRAIL_A}",
                                         "${vault:a:b}",
                                         "${env:FIELDTRAIL_A",
                                         "${file:/etc/hostname}",
                                         "${file:/etc/hostname:}",
                                         "${file:}",
                                         "${dir:/etc}",
                                         "${dir:}",
                                         "a ${x} b ${y:z}"};
    for (size_t i = 0; i < COUNT(values); i++)
        check_value(values[i], values[i]);
}

static void test_several(void **state)
{
    (void)state;
    check_value("${env:FIELDTRAIL_A}${env:FIELDTRAIL_A}", "alphaalpha");
    check_value("postgres://${file:@/db.properties:user}:${dir:@:line}@/${env:FIELDTRAIL_A}",
                "postgres://ann:s3cret@/alpha");
    check_value("${x}${env:FIELDTRAIL_A}${y", "${x}alpha${y");
    check_value("$${env:FIELDTRAIL_A}}", "$alpha}");
}

/* What a secret says is text: it is not looked into again. */
static void test_once(void **state)
{
    (void)state;
    check_value("${env:FIELDTRAIL_N}", "${env:FIELDTRAIL_A}");
    check_value("${dir:@:nested}-${env:FIELDTRAIL_A}", "${env:FIELDTRAIL_A}-alpha");
}

/* All values are looked through, keys are not. */
static void test_all_values(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena,
                "a=1;b=${env:FIELDTRAIL_A};${env:FIELDTRAIL_A}=2;"
                "c=x${env:FIELDTRAIL_A}");
    check_good("all", provider_expand(&config, &fault), &fault);
    check_text("a", config_find(&config, STR("a"))->value, "1");
    check_text("b", config_find(&config, STR("b"))->value, "alpha");
    check_text("key", config_find(&config, STR("${env:FIELDTRAIL_A}"))->value, "2");
    check_text("c", config_find(&config, STR("c"))->value, "xalpha");
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environment),  cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_file),         cmocka_unit_test(test_folder),
        cmocka_unit_test(test_one_line_end), cmocka_unit_test(test_folder_of_folders),
        cmocka_unit_test(test_large_secret), cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_several),      cmocka_unit_test(test_once),
        cmocka_unit_test(test_all_values),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
