/* findings: counted and said one by one, each in one line. */
#include "check.h"

#include <fieldtrail/findings.h>

#include <stdlib.h>

struct said {
    enum finding_level level;
    char text[3000];
    unsigned times;
};

static void say(void *context, enum finding_level level, const char *text)
{
    struct said *said = context;
    said->level = level;
    said->times++;
    snprintf(said->text, sizeof(said->text), "%s", text);
}

static void test_levels(void **state)
{
    (void)state;
    struct said said = {0};
    struct findings findings = {.say = say, .context = &said};
    findings_add(&findings, FINDING_OK, "topic %s: %d", "a", 3);
    assert_string_equal(said.text, "topic a: 3");
    assert_int_equal(said.level, FINDING_OK);
    findings_add(&findings, FINDING_FAIL, "x");
    findings_add(&findings, FINDING_FAIL, "y");
    findings_add(&findings, FINDING_WARN, "z");
    assert_int_equal(said.times, 4);
    assert_int_equal(findings.count[FINDING_OK], 1);
    assert_int_equal(findings.count[FINDING_WARN], 1);
    assert_int_equal(findings.count[FINDING_FAIL], 2);
    assert_string_equal(finding_level_name(FINDING_OK), "ok");
    assert_string_equal(finding_level_name(FINDING_WARN), "warn");
    assert_string_equal(finding_level_name(FINDING_FAIL), "fail");
}

static void test_one_line(void **state)
{
    (void)state;
    struct said said = {0};
    struct findings findings = {.say = say, .context = &said};
    findings_add(&findings, FINDING_WARN, "%s",
                 "a\nb\tc\x7f"
                 "d caf\xc3\xa9");
    assert_string_equal(said.text, "a b c d caf\xc3\xa9");
}

/* A character that does not fit whole is not there. */
static void test_long(void **state)
{
    (void)state;
    struct said said = {0};
    struct findings findings = {.say = say, .context = &said};
    char text[3000];
    for (size_t i = 0; i + 2 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[2998] = '\0';
    findings_add(&findings, FINDING_OK, "%s", text);
    assert_int_equal(strlen(said.text), 1998);
    assert_true(str_is_utf8(str_from(said.text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
