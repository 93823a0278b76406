/*
 * What PostgreSQL calls the types of Connect and Debezium.
 */
#include "check.h"

#include "sql_type.h"

static const struct {
    const char *type, *name, *want;
} cases[] = {
    {"int8", "", "smallint"},
    {"int16", "", "smallint"},
    {"int32", "", "integer"},
    {"int64", "", "bigint"},
    {"float", "", "real"},
    {"double", "", "double precision"},
    {"float32", "", "real"},
    {"float64", "", "double precision"},
    {"boolean", "", "boolean"},
    {"string", "", "text"},
    {"bytes", "", "text"},
    {"array", "", "text"},
    {"", "", "text"},
    {"bytes", "org.apache.kafka.connect.data.Decimal", "numeric"},
    {"struct", "io.debezium.data.VariableScaleDecimal", "numeric"},
    {"int32", "io.debezium.time.Date", "date"},
    {"int32", "org.apache.kafka.connect.data.Date", "date"},
    {"int64", "io.debezium.time.MicroTime", "time"},
    {"int64", "io.debezium.time.MicroTimestamp", "timestamp"},
    {"string", "io.debezium.time.ZonedTimestamp", "timestamptz"},
    {"string", "io.debezium.data.Uuid", "uuid"},
    {"string", "io.debezium.data.Enum", "text"},
    /* A name that is not known says nothing of the type beneath it. */
    {"int64", "com.example.Money", "text"},
};

static void test_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_text(cases[i].name[0] ? cases[i].name : cases[i].type,
                   str_from(sql_type(str_from(cases[i].type), str_from(cases[i].name))),
                   cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
