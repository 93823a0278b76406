/*
 * Bytes and bits, geometry.
 */
#include "type_kit.h"

#define BITS(length)                                                                               \
    "{\"type\":\"bytes\",\"name\":\"io.debezium.data.Bits\",\"parameters\":{\"length\":"           \
    "\"" #length "\"}}"

static void test_bytea(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"3q2+7wD/\"", "'\\xdeadbeef00ff"},
        {"\"3q2-7wD_\"", "'\\xdeadbeef00ff"},
        {"\"\"", "'\\x"},
        {"\"AA==\"", "'\\x00"},
        {"\"AA\"", "'\\x00"},
        {"\"AAE=\"", "'\\x0001"},
        {"\"AAE\"", "'\\x0001"},
        {"\"A\"", "data: the value A cannot be read as bytes in base64"},
        {"\"AA E\"", "data: the value AA E cannot be read as bytes in base64"},
        {"7", "data: the value 7 cannot be read as bytes in base64"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_schema_value("{\"type\":\"bytes\"}", cases[i][0], cases[i][1]);
}

static void test_bits(void **state)
{
    (void)state;
    check_schema_value(BITS(8), "\"qg==\"", "'10101010");
    check_schema_value(BITS(8), "\"AQ==\"", "'00000001");
    check_schema_value(BITS(8), "\"\"", "'00000000");
    check_schema_value(BITS(12), "\"AQg=\"", "'100000000001");
    check_schema_value(BITS(12), "\"BQ==\"", "'000000000101");
    check_schema_value(BITS(12), "\"AQgA\"", "'100000000001"); /* padded to whole words */
    check_schema_value(BITS(70), "\"AQAAAAAAAAAg\"",
                       "'10000000000000000000000000000000000000000000000000000000000000000000"
                       "01");
    check_schema_value(BITS(2147483647), "\"BQ==\"", "'101");
    check_schema_value(BITS(2147483647), "\"\"", "'");
    check_schema_value(BITS(4), "\"/w==\"", "data: the value /w== cannot be read as a bit string");
    check_schema_value(BITS(1), "true", "'1");
    check_schema_value("{\"type\":\"boolean\"}", "true", "!true");
}

static void test_geometry(void **state)
{
    (void)state;
    /* POINT(1 2): PostGIS prints SRID 4326 within the bytes, MySQL's stands beside them. */
    check_named("io.debezium.data.geometry.Geometry", "struct",
                "{\"wkb\":\"AQEAACDmEAAAAAAAAAAA8D8AAAAAAAAAQA==\",\"srid\":4326}",
                "'0101000020E6100000000000000000F03F0000000000000040");
    check_named("io.debezium.data.geometry.Geography", "struct",
                "{\"wkb\":\"AQEAAAAAAAAAAADwPwAAAAAAAABA\",\"srid\":4326}",
                "'0101000020E6100000000000000000F03F0000000000000040");
    check_named("io.debezium.data.geometry.Geometry", "struct",
                "{\"wkb\":\"AQEAAAAAAAAAAADwPwAAAAAAAABA\",\"srid\":null}",
                "'0101000000000000000000F03F0000000000000040");
    check_named("io.debezium.data.geometry.Geometry", "struct",
                "{\"wkb\":\"AAAAAAE/8AAAAAAAAEAAAAAAAAAA\",\"srid\":4326}",
                "'0020000001000010E63FF00000000000004000000000000000");
    check_named("io.debezium.data.geometry.Geometry", "struct", "{\"wkb\":\"AQ==\"}",
                "data: the value {\"wkb\":\"AQ==\"} cannot be read as a geometry");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytea),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_geometry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
