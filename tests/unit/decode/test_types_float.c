/*
 * Floating point numbers. What is wanted was printed by PostgreSQL 15 (select '1e23'::float8).
 */
#include "type_kit.h"

static void test_float8(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0.1", "#0.1"},
        {"1.0", "#1"},
        {"0.0", "#0"},
        {"-0.0", "#-0"},
        {"-0", "#-0"},
        {"123456789.12345679", "#123456789.12345679"},
        {"1.2345678912345679E8", "#123456789.12345679"},
        {"1.0E23", "#9.999999999999999e+22"},
        {"9.5E22", "#9.5e+22"},
        {"1.0E22", "#1e+22"},
        {"4.9E-324", "#5e-324"},
        {"2.2250738585072014E-308", "#2.2250738585072014e-308"},
        {"1.7976931348623157E308", "#1.7976931348623157e+308"},
        {"1.0E-5", "#1e-05"},
        {"1.0E-4", "#0.0001"},
        {"1.0E14", "#100000000000000"},
        {"1.0E15", "#1e+15"},
        {"9.007199254740992E15", "#9.007199254740992e+15"},
        {"5.684341886080802E-14", "#5.684341886080802e-14"},
        {"5.6843418860808015E-14", "#5.684341886080802e-14"},
        {"0.30000000000000004", "#0.30000000000000004"},
        {"0.300000000000000044", "#0.30000000000000004"},
        {"-999999999999999.9", "#-999999999999999.9"},
        {"100", "#100"},
        {"120e-2", "#1.2"},
        {"\"NaN\"", "'NaN"},
        {"\"-Infinity\"", "'-Infinity"},
        {"null", "~"},
        /* No float is so large: the number that came. */
        {"1e400", "#1e400"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_schema_value("{\"type\":\"double\"}", cases[i][0], cases[i][1]);
    check_schema_value("{\"type\":\"double\"}", "true",
                       "data: the value true cannot be read as a float8");
}

static void test_float4(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"0.1", "#0.1"},
        {"1.5", "#1.5"},
        {"1.0E-45", "#1e-45"},
        {"1.4E-45", "#1e-45"},
        {"3.4028235E38", "#3.4028235e+38"},
        {"1000000.0", "#1e+06"},
        {"100000.0", "#100000"},
        {"123456.7", "#123456.7"},
        {"1.6777216E7", "#1.6777216e+07"},
        {"1.0E10", "#1e+10"},
        {"1.0E-4", "#0.0001"},
        {"-1.17549435E-38", "#-1.1754944e-38"},
        {"0.30000001192092896", "#0.3"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_schema_value("{\"type\":\"float\"}", cases[i][0], cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float8),
        cmocka_unit_test(test_float4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
