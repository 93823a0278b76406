/*
 * When two values are the same to a reader of the audit, and which values prove nothing.
 */
#include "check.h"

#include <fieldtrail/value.h>

static void check_number_same(const char *a, const char *b, bool want)
{
    bool there = value_number_same(str_from(a), str_from(b));
    bool back = value_number_same(str_from(b), str_from(a));
    if (there == want && back == want)
        return;
    fail_msg("%s and %s: got %d, the other way round %d, want %d", a, b, there, back, want);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool want;
    } cases[] = {
        {"1.50", "1.5", true},
        {"1.5", "1.51", false},
        {"1e3", "1000", true},
        {"1E+3", "1000.000", true},
        {"1000", "1e2", false},
        {"10", "1", false},
        {"100", "10", false},
        {"0.1", "1e-1", true},
        {"0.10", "0.01", false},
        {"12.5e1", "125", true},
        {"105e-2", "1.05", true},
        {"1.05", "1.5", false},
        {"-0", "0", true},
        {"-0.00", "0e10", true},
        {"0", "0.000000000000000000001", false},
        {"-1", "1", false},
        {"1", "1.0000000000000000000000000000000000001", false},
        {"12345678901234567890123456789012345678", "12345678901234567890123456789012345678.0",
         true},
        {"12345678901234567890123456789012345678", "12345678901234567890123456789012345679", false},
        /* A double would take these two for the same. */
        {"9007199254740993", "9007199254740992", false},
        {"9223372036854775807", "9223372036854775808", false},
        {"0.1234567890123456789012345678901234567", "1234567890123456789012345678901234567e-37",
         true},
        {"1e999999999999", "1", false},
        {"1e999999999999", "1e-999999999999", false},
        {"1e-999999999999", "0", false},
        {"0e999999999999", "0", true},
        {"1e10", "1e100", false},
        {"1e010", "1e10", true},
        {"10000000000000000000000e-22", "1", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_number_same(cases[i].a, cases[i].b, cases[i].want);
}

static void test_same(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool want;
    } cases[] = {
        {"~", "~", true},
        {"~", "'", false},
        {"'", "'", true},
        {"'a", "'A", false},
        {"'a", "'a ", false},
        {"'1.50", "'1.5", false}, /* text is compared as text */
        {"'NaN", "'NaN", true},
        {"#1.50", "#1.5", true},
        {"#-0", "#0", true},
        {"#1", "#2", false},
        {"!true", "!true", true},
        {"!true", "!false", false},
        {"#1", "'1", true}, /* of two kinds what is printed counts */
        {"#1.0", "'1", false},
        {"!true", "'true", true},
        {"#0", "~", false},
        {"!false", "~", false},
        {"_", "_", false},
        {"?", "?", false},
        {"_", "~", false},
        {"?", "~", false},
        {"?", "'x", false},
        {"%{\"a\":1,\"b\":2}", "%{ \"b\" : 2.0, \"a\":1 }", true},
        {"%[1,2]", "%[2,1]", false},
        {"%[]", "%{}", false},
        {"%not json", "%not json", true},
        {"%not json", "%not  json", false},
        {"%{\"a\":1}", "'{\"a\":1}", true},
        {"%{\"a\":1}", "'{\"a\": 1}", false},
    };
    struct arena arena;
    arena_init(&arena, TEST_BYTES);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct value a = value_from(str_from(cases[i].a)), b = value_from(str_from(cases[i].b));
        if (value_same(&a, &b, &arena) != cases[i].want
            || value_same(&b, &a, &arena) != cases[i].want)
            fail_msg("%s and %s: want %d", cases[i].a, cases[i].b, cases[i].want);
    }
    arena_release(&arena);
}

/* A document that does not fit the scratch is compared as text. */
static void test_same_without_scratch(void **state)
{
    (void)state;
    struct arena none;
    arena_init(&none, 0);
    struct value a = value_from(STR("%{\"a\":1}")), b = value_from(STR("%{\"a\": 1}"));
    assert_true(value_same(&a, &a, &none));
    assert_false(value_same(&a, &b, &none));
    arena_release(&none);
}

static void test_inventions(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool want;
    } cases[] = {
        {"_", true},
        {"~", true},
        {"?", true},
        {"'", true},
        {"!false", true},
        {"!true", false},
        {"#0", true},
        {"#-0.000", true},
        {"#0.0E+5", true},
        {"#0.1", false},
        {"#10", false},
        {"'0", true},
        {"'0.00", true},
        {"'00", true},
        {"'.", false},
        {"'-", false},
        {"'0x", false},
        {"'1970-01-01", true},
        {"'1970-01-01T00:00:00Z", true},
        {"'1970-01-02", false},
        {"'00:00:00", true},
        {"'00:00:00.000000Z", true},
        {"'00:00:00+00", true},
        {"'00:00:01", false},
        {"'00:00:00.1", false},
        {"'PT0S", true},
        {"'P0Y0M0DT0H0M0S", true},
        {"%[]", true},
        {"%{}", true},
        {"%[0]", false},
        {"'a", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (value_is_invention(value_from(str_from(cases[i].value))) != cases[i].want)
            fail_msg("%s: want %d", cases[i].value, cases[i].want);
}

/* What Debezium makes up for a NOT NULL numeric: zero in base64, with its scale where that is not
   in the schema. */
static void test_invented_decimals(void **state)
{
    (void)state;
    assert_true(value_is_invention(value_from(STR("'AA=="))));
    assert_true(value_is_invention(value_from(STR("%{\"scale\":0,\"value\":\"AA==\"}"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_same_without_scratch),
        cmocka_unit_test(test_inventions),
        cmocka_unit_test(test_invented_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
