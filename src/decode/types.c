/*
 * The types of Connect schemas: the table of semantic names, what a wire type alone means, and what
 * all readers share. A value that its type cannot read makes the record bad, for a wrong value in
 * an audit is worse than none; only texts of times in a foreign spelling pass as they came, because
 * they are texts already.
 */
#include "types.h"

#include "type_readers.h"

const struct type type_as_it_came = {.reader = NULL};

static bool read_document(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    (void)type;
    (void)context;
    (void)fault;
    *value = type_plain(json);
    if (value->kind == VALUE_TEXT)
        value->kind = VALUE_JSON;
    return true;
}

/* PostgreSQL's text of a host has its full mask, its own output (and Debezium's) has not. */
static bool read_inet(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    (void)type;
    struct text out = {.arena = context->texts};
    *value = type_plain(json);
    if (json->kind != JSON_STRING || str_find(json->text, STR("/")) >= 0)
        return true;
    text_str(&out, json->text);
    text_str(&out, str_find(json->text, STR(":")) >= 0 ? STR("/128") : STR("/32"));
    return text_value(&out, VALUE_TEXT, value, fault);
}

const struct type_reader type_inet = {"inet", read_inet};
const struct type_reader type_document = {"a JSON document", read_document};

#define MS 1000
#define US 1000000
#define NS 1000000000

/* Semantic names whose values are not what stands in the message. Those that are (Uuid, Xml, Enum,
   EnumSet, Tsvector, Ltree, Year) need no row. */
static const struct {
    const char *name;
    const struct type_reader *reader;
    int32_t parameter;
    const char *from; /* the schema's parameter that says it instead */
} named[] = {
    {"io.debezium.time.MicroTimestamp", &type_timestamp, US, NULL},
    {"io.debezium.time.Timestamp", &type_timestamp, MS, NULL},
    {"io.debezium.time.NanoTimestamp", &type_timestamp, NS, NULL},
    {"io.debezium.time.ZonedTimestamp", &type_zoned_timestamp, 0, NULL},
    {"io.debezium.time.IsoTimestamp", &type_iso_timestamp, 0, NULL},
    {"io.debezium.time.Date", &type_date, 0, NULL},
    {"io.debezium.time.IsoDate", &type_iso_date, 0, NULL},
    {"io.debezium.time.Time", &type_time, MS, NULL},
    {"io.debezium.time.MicroTime", &type_time, US, NULL},
    {"io.debezium.time.NanoTime", &type_time, NS, NULL},
    {"io.debezium.time.ZonedTime", &type_zoned_time, 0, NULL},
    {"io.debezium.time.IsoTime", &type_iso_time, 0, NULL},
    {"io.debezium.time.MicroDuration", &type_duration, US, NULL},
    {"io.debezium.time.NanoDuration", &type_duration, NS, NULL},
    {"io.debezium.time.Interval", &type_interval, 0, NULL},
    {"io.debezium.time.StructuredDate", &type_structured_date, 0, NULL},
    {"io.debezium.time.StructuredTime", &type_structured_time, 0, NULL},
    {"io.debezium.time.StructuredTimestamp", &type_structured_timestamp, 0, NULL},
    {"io.debezium.time.StructuredZonedTime", &type_structured_zoned_time, 0, NULL},
    {"io.debezium.time.StructuredZonedTimestamp", &type_structured_zoned_timestamp, 0, NULL},
    {"io.debezium.time.StructuredDuration", &type_structured_duration, 0, NULL},
    {"org.apache.kafka.connect.data.Decimal", &type_decimal, 0, "scale"},
    {"org.apache.kafka.connect.data.Date", &type_date, 0, NULL},
    {"org.apache.kafka.connect.data.Time", &type_time, MS, NULL},
    {"org.apache.kafka.connect.data.Timestamp", &type_timestamp, MS, NULL},
    {"io.debezium.data.VariableScaleDecimal", &type_variable_decimal, 0, NULL},
    {"io.debezium.data.Json", &type_document, 0, NULL},
    {"io.debezium.data.Bits", &type_bits, 0, "length"},
    {"io.debezium.data.geometry.Point", &type_point, 0, NULL},
    {"io.debezium.data.geometry.Geometry", &type_geometry, 0, NULL},
    {"io.debezium.data.geometry.Geography", &type_geometry, 0, NULL},
    {"io.debezium.data.DoubleVector", &type_vector, 0, NULL},
    {"io.debezium.data.FloatVector", &type_vector, 0, NULL},
    {"io.debezium.data.SparseDoubleVector", &type_sparse_vector, 0, NULL},
    {"io.debezium.data.SparseVector", &type_sparse_vector, 0, NULL},
};

/* 0 and false where the schema does not say it. */
static bool parameter_of(const struct json *parameters, const char *name, int32_t *parameter)
{
    int64_t number;
    bool good = parameters && json_int64(json_member(parameters, name), &number);
    *parameter = !good                ? 0
                 : number > INT32_MAX ? INT32_MAX
                 : number < INT32_MIN ? INT32_MIN
                                      : (int32_t)number;
    return good;
}

/* What column.propagate.source.type says, where a column's own schema says less: PostgreSQL's names
   of types, and MySQL's. */
static const struct {
    const char *source, *wire;
    struct type type;
} sources[] = {
    {"NUMERIC", "string", {.reader = &type_numeric}},
    {"DECIMAL", "string", {.reader = &type_numeric}},
    {"MONEY", "string", {.reader = &type_numeric}},
    {"BPCHAR", "string", {.reader = &type_char}},
    {"HSTORE", "string", {.reader = &type_hstore}},
    {"INET", "string", {.reader = &type_inet}},
    {"BIT", "boolean", {.reader = &type_bits, .parameter = 1}},
};

static const struct type numeric_item = {.reader = &type_numeric};

static bool type_of_source(const struct type_terms *terms, struct type *type)
{
    str source = json_string(json_member(terms->parameters, "__debezium.source.column.type"));
    if (source.len == 0)
        return false;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (!str_is(source, sources[i].source) || !str_is(terms->wire, sources[i].wire))
            continue;
        *type = sources[i].type;
        return true;
    }
    if (!str_is(source, "_NUMERIC") || !terms->item || terms->item->reader)
        return false;
    *type = (struct type){.reader = &type_array, .item = &numeric_item};
    return true;
}

static struct type type_of_wire(const struct type_terms *terms)
{
    struct type type = {.item = terms->item};
    if (str_is(terms->wire, "bytes"))
        type.reader = &type_bytea;
    else if (str_is(terms->wire, "double"))
        type.reader = &type_float8;
    else if (str_is(terms->wire, "float"))
        type.reader = &type_float4;
    else if (str_is(terms->wire, "array") && terms->item)
        type.reader = &type_array;
    else if (str_is(terms->wire, "map") && terms->text_map)
        type.reader = &type_hstore;
    return type;
}

struct type type_of_terms(const struct type_terms *terms)
{
    struct type source;
    bool vague = terms->name.len == 0 || str_is(terms->name, "io.debezium.data.Json");
    if (vague && terms->parameters && type_of_source(terms, &source))
        return source;
    for (size_t i = 0; terms->name.len > 0 && i < sizeof(named) / sizeof(named[0]); i++) {
        if (!str_is(terms->name, named[i].name))
            continue;
        struct type type = {.reader = named[i].reader, .parameter = named[i].parameter};
        if (named[i].from && !parameter_of(terms->parameters, named[i].from, &type.parameter)
            && type.reader == &type_decimal)
            type.reader = &type_scaleless_decimal;
        if (type.reader == &type_vector)
            type.precision = str_is(terms->name, "io.debezium.data.FloatVector");
        return type;
    }
    return type_of_wire(terms);
}

bool type_refuse(const struct type *type, const struct json *json, struct fault *fault)
{
    return fault_set(fault, FAULT_RECORD, "the value %.*s cannot be read as %s",
                     STR_ARG(str_head(json->text, 60)), type->reader->what);
}

bool type_text(const struct type_context *context, enum value_kind kind, const char *ptr,
               size_t len, struct value *value, struct fault *fault)
{
    value->kind = kind;
    return arena_copy(context->texts, (str){ptr, len}, &value->text)
           || fault_memory(fault, "a value");
}

bool type_children(const struct type_context *context, const struct json *json,
                   const struct json **parent, struct fault *fault)
{
    /* The decoder keeps the columns of an image and nothing below them; few columns need it. */
    struct json_memory memory = {context->scratch, context->scratch};
    struct json *root = NULL;
    *parent = json;
    if (json->child || json->text.len <= 2)
        return true;
    if (!json_parse(json->text, JSON_DEPTH_LIMIT, memory, &root, fault))
        return false;
    *parent = root;
    return true;
}

void text_put(struct text *text, const char *ptr, size_t len)
{
    if (text->failed)
        return;
    if (text->capacity - text->len < len) {
        size_t wanted = 2 * (text->len + len) + 32;
        char *grown = arena_grow(text->arena, text->ptr, text->capacity, wanted);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->ptr = grown;
        text->capacity = wanted;
    }
    memcpy(text->ptr + text->len, ptr, len);
    text->len += len;
}

bool text_value(const struct text *text, enum value_kind kind, struct value *value,
                struct fault *fault)
{
    *value = (struct value){kind, {text->ptr, text->len}};
    return !text->failed || fault_memory(fault, "a value");
}
