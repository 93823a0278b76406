/*
 * Faults: one printable line, cut at a character's border.
 */
#include "check.h"

static void test_set(void **state)
{
    (void)state;
    struct fault fault = {.code = 7};
    assert_false(fault_set(&fault, FAULT_RECORD, "no %s at %d", "thing", 5));
    check_text("text", str_from(fault.text), "no thing at 5");
    assert_int_equal(fault.kind, FAULT_RECORD);
    assert_int_equal(fault.code, 0);
    fault.code = 9;
    assert_false(fault_in(&fault, "file %s", "x"));
    check_text("context", str_from(fault.text), "file x: no thing at 5");
    assert_int_equal(fault.kind, FAULT_RECORD);
    assert_int_equal(fault.code, 9);
    assert_false(fault_memory(&fault, "a thing"));
    assert_int_equal(fault.kind, FAULT_RETRY);
    check_text("memory", str_from(fault.text), "out of memory for a thing");
    fault_set(&fault, FAULT_CONFIG, "a\nb\x1b[31m\x7f\t");
    check_text("control characters", str_from(fault.text), "a?b?[31m??");
}

/* Characters of two, three and four bytes at every place around the limit. */
static void test_cut(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t c = 0; c < COUNT(characters); c++) {
        for (int lead = 0; lead < 8; lead++) {
            char text[2000];
            size_t len = (size_t)lead;
            struct fault fault = {0};
            memset(text, 'a', len);
            for (; len < 1000; len += strlen(characters[c]))
                memcpy(text + len, characters[c], strlen(characters[c]));
            text[len] = '\0';
            fault_set(&fault, FAULT_RECORD, "%s", text);
            assert_true(strlen(fault.text) < FAULT_TEXT_LIMIT);
            assert_true(strlen(fault.text) >= FAULT_TEXT_LIMIT - 9);
            assert_true(str_is_utf8(str_from(fault.text)));
            fault_set(&fault, FAULT_RECORD, "%.400s", text);
            fault_in(&fault, "%s", text);
            assert_true(strlen(fault.text) < FAULT_TEXT_LIMIT);
            assert_true(str_is_utf8(str_from(fault.text)));
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    check_text("name", str_from(fault_kind_name(FAULT_RETRY)), "environment");
    check_text("name", str_from(fault_kind_name(FAULT_RECORD)), "data");
    check_text("name", str_from(fault_kind_name(FAULT_CONFIG)), "configuration");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
