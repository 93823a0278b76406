/*
 * Arrays, hstore, points and vectors. Quoting as PostgreSQL 15 prints it.
 */
#include "type_kit.h"

#define ARRAY(items) "{\"type\":\"array\",\"items\":" items "}"
#define ITEM(wire, name) ARRAY("{\"type\":\"" wire "\",\"name\":\"" name "\"}")

static void test_quoting(void **state)
{
    (void)state;
    const char *texts = ARRAY("{\"type\":\"string\"}");
    check_schema_value(texts, "[]", "'{}");
    check_schema_value(texts, "[ ]", "'{}");
    check_schema_value(texts, "[\"x\",\"y z\",null]", "'{x,\"y z\",NULL}");
    check_schema_value(texts, "[\"\",\"NULL\",\"null\",\"nul\"]", "'{\"\",\"NULL\",\"null\",nul}");
    check_schema_value(texts, "[\"a,b\",\"{}\",\"\\\"q\\\"\",\"b\\\\s\",\" x\"]",
                       "'{\"a,b\",\"{}\",\"\\\"q\\\"\",\"b\\\\s\",\" x\"}");
    check_schema_value(texts, "[\"\\t\",\"\\u000b\",\"\\u00e9\",\"a'b\"]",
                       "'{\"\t\",\"\v\",\xc3\xa9,a'b}");
    check_schema_value(texts, "7", "data: the value 7 cannot be read as an array");
}

static void test_elements(void **state)
{
    (void)state;
    check_schema_value(ARRAY("{\"type\":\"int32\"}"), "[1,null,3]", "'{1,NULL,3}");
    check_schema_value(ARRAY("{\"type\":\"boolean\"}"), "[true,false,null]", "'{t,f,NULL}");
    check_schema_value(ARRAY("{\"type\":\"double\"}"), "[0.1,\"Infinity\",1.0E20]",
                       "'{0.1,Infinity,1e+20}");
    check_schema_value(ARRAY("{\"type\":\"bytes\"}"), "[\"3q0=\",null]", "'{\"\\\\xdead\",NULL}");
    check_schema_value(ITEM("int32", "io.debezium.time.Date"), "[18262]", "'{2020-01-01}");
    check_schema_value(ITEM("int64", "io.debezium.time.MicroTimestamp"), "[1577880000500000]",
                       "'{\"2020-01-01 12:00:00.5\"}");
    check_schema_value(ITEM("string", "io.debezium.time.ZonedTimestamp"),
                       "[\"2020-01-01T12:00:00.500000Z\"]", "'{\"2020-01-01 12:00:00.5+00\"}");
    check_schema_value(ITEM("string", "io.debezium.data.Json"), "[\"{\\\"a\\\": 1}\"]",
                       "'{\"{\\\"a\\\": 1}\"}");
    check_schema_value(ITEM("struct", "io.debezium.data.VariableScaleDecimal"),
                       "[{\"scale\":1,\"value\":\"Dw==\"},null,{\"scale\":0,\"value\":\"Ag==\"}]",
                       "'{1.5,NULL,2}");
    check_schema_value(ARRAY("{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal"
                             "\",\"parameters\":{\"scale\":\"2\"}}"),
                       "[\"AJY=\",\"/zg=\"]", "'{1.50,-2.00}");
    check_schema_value(ARRAY(ARRAY("{\"type\":\"int32\"}")), "[[1,2],[3,null]]",
                       "'{{1,2},{3,NULL}}");
    /* Without the type of its items it stays the document that came. */
    check_schema_value("{\"type\":\"array\"}", "[1, 2]", "%[1, 2]");
}

static void test_hstore(void **state)
{
    (void)state;
    const char *map = "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},"
                      "\"values\":{\"type\":\"string\"}}";
    check_schema_value(map, "{}", "'");
    check_schema_value(map, "{\"x y\":\"q\\\"r\",\"b\":null,\"a\":\"1\"}",
                       "'\"a\"=>\"1\", \"b\"=>NULL, \"x y\"=>\"q\\\"r\"");
    check_schema_value(map, "{\"NULL\":\"NULL\"}", "'\"NULL\"=>\"NULL\"");
    check_schema_value(map, "{\"a\":1}", "data: the value {\"a\":1} cannot be read as an hstore");
    /* Of another map nothing is known: it stays the document. */
    check_schema_value("{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":{\"type\":"
                       "\"int32\"}}",
                       "{\"a\": 1}", "%{\"a\": 1}");
}

static void test_points_and_vectors(void **state)
{
    (void)state;
    check_named("io.debezium.data.geometry.Point", "struct",
                "{\"x\":1.5,\"y\":2.0,\"wkb\":\"AQEAAAAAAAAAAAD4PwAAAAAAAABA\",\"srid\":null}",
                "'(1.5,2)");
    check_named("io.debezium.data.geometry.Point", "struct", "{\"x\":1.0E20,\"y\":-0.0}",
                "'(1e+20,-0)");
    check_named("io.debezium.data.geometry.Point", "struct", "{\"x\":\"NaN\",\"y\":\"Infinity\"}",
                "'(NaN,Infinity)");
    check_named("io.debezium.data.geometry.Point", "struct", "{\"x\":1}",
                "data: the value {\"x\":1} cannot be read as a point");
    check_named("io.debezium.data.DoubleVector", "array", "[1.0,2.5,0.1]", "'[1,2.5,0.1]");
    check_named("io.debezium.data.FloatVector", "array", "[0.1,1.0E-7]", "'[0.1,1e-07]");
    check_named("io.debezium.data.SparseDoubleVector", "struct",
                "{\"dimensions\":25,\"vector\":[[20,1.5],[1,-0.5]]}", "'{1:-0.5,20:1.5}/25");
    check_named("io.debezium.data.SparseDoubleVector", "struct",
                "{\"dimensions\":5,\"vector\":{\"3\":1.0}}", "'{3:1}/5");
    check_named("io.debezium.data.SparseDoubleVector", "struct", "{\"dimensions\":5,\"vector\":[]}",
                "'{}/5");
    check_named("io.debezium.data.SparseDoubleVector", "struct",
                "{\"dimensions\":5,\"vector\":[[1]]}",
                "data: a place in a sparse vector is no number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_hstore),
        cmocka_unit_test(test_points_and_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
