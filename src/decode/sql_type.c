/*
 * The table of types. A semantic name counts before the type it is made of.
 */
#include "sql_type.h"

struct pair {
    const char *name, *sql;
};

static const struct pair semantic[] = {
    {"org.apache.kafka.connect.data.Decimal", "numeric"},
    {"io.debezium.data.VariableScaleDecimal", "numeric"},
    {"org.apache.kafka.connect.data.Date", "date"},
    {"io.debezium.time.Date", "date"},
    {"io.debezium.time.IsoDate", "date"},
    {"org.apache.kafka.connect.data.Time", "time"},
    {"io.debezium.time.Time", "time"},
    {"io.debezium.time.MicroTime", "time"},
    {"io.debezium.time.NanoTime", "time"},
    {"io.debezium.time.IsoTime", "time"},
    {"org.apache.kafka.connect.data.Timestamp", "timestamp"},
    {"io.debezium.time.Timestamp", "timestamp"},
    {"io.debezium.time.MicroTimestamp", "timestamp"},
    {"io.debezium.time.NanoTimestamp", "timestamp"},
    {"io.debezium.time.IsoTimestamp", "timestamp"},
    {"io.debezium.time.ZonedTimestamp", "timestamptz"},
    {"io.debezium.time.StructuredDate", "date"},
    {"io.debezium.time.StructuredTime", "time"},
    {"io.debezium.time.StructuredTimestamp", "timestamp"},
    {"io.debezium.time.StructuredZonedTimestamp", "timestamptz"},
    {"io.debezium.time.Year", "integer"},
    {"io.debezium.data.Uuid", "uuid"},
};

static const struct pair primitive[] = {
    {"int8", "smallint"},
    {"int16", "smallint"},
    {"int32", "integer"},
    {"int64", "bigint"},
    {"float", "real"},
    {"float32", "real"},
    {"double", "double precision"},
    {"float64", "double precision"},
    {"boolean", "boolean"},
};

static const char *find(const struct pair *pairs, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(name, pairs[i].name))
            return pairs[i].sql;
    return "text";
}

const char *sql_type(str type, str name)
{
    return name.len > 0 ? find(semantic, sizeof(semantic) / sizeof(semantic[0]), name)
                        : find(primitive, sizeof(primitive) / sizeof(primitive[0]), type);
}
