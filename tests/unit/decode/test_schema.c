/*
 * Connect schemas, and the memory of them.
 */
#include "check.h"

#include "schema.h"

static bool read_schema(const char *text, struct arena *arena, struct schema **schema,
                        struct fault *fault)
{
    struct json *root;
    check_good(text,
               json_parse(str_from(text), 100, (struct json_memory){arena, arena}, &root, fault),
               fault);
    return schema_read(root, arena, schema, fault);
}

#define TEXT                                                                                       \
    "{\"type\":\"struct\",\"name\":\"t.Envelope\",\"fields\":[{\"type\":\"int64\",\"optional\":"   \
    "true,\"name\":\"io.debezium.time.MicroTimestamp\",\"default\":0,\"field\":\"at\"},"           \
    "{\"type\":\"array\",\"optional\":false,\"items\":{\"type\":\"string\",\"optional\":true},"    \
    "\"field\":\"tags\"},{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":{\"type\":"   \
    "\"int32\"},\"field\":\"m\"},{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect."         \
    "data.Decimal\",\"default\":null,\"parameters\":{\"scale\":\"2\"},\"field\":\"d\"}]}"

static void test_read(void **state)
{
    (void)state;
    struct arena arena;
    struct schema *schema;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_good("schema", read_schema(TEXT, &arena, &schema, &fault), &fault);
    check_text("name", schema->name, "t.Envelope");
    check_number("fields", (int64_t)schema->child_count, 4);
    const struct schema *at = schema_field(schema, STR("at"));
    assert_true(at->optional && at->reads.parameter == 1000000);
    assert_int_equal(at->preset.kind, VALUE_TEXT);
    check_text("default", at->preset.text, "1970-01-01 00:00:00");
    const struct schema *tags = schema_field(schema, STR("tags"));
    assert_false(tags->optional);
    assert_int_equal(tags->preset.kind, VALUE_ABSENT);
    check_text("items", schema_field(tags, STR("items"))->type, "string");
    check_text("values", schema_field(schema_field(schema, STR("m")), STR("values"))->type,
               "int32");
    const struct schema *d = schema_field(schema, STR("d"));
    assert_int_equal(d->preset.kind, VALUE_NULL);
    check_number("scale", d->reads.parameter, 2);
    assert_null(schema_field(schema, STR("none")));
    assert_null(schema_field(NULL, STR("at")));
    arena_release(&arena);
}

static void check_refused(const char *text)
{
    struct arena arena;
    struct schema *schema;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_fault(text, read_schema(text, &arena, &schema, &fault), &fault, FAULT_RECORD,
                "no Kafka Connect schema");
    arena_release(&arena);
}

static void nest(struct buf *out, int levels)
{
    buf_clear(out);
    for (int i = 0; i < levels; i++)
        buf_str(out, STR("{\"items\":"));
    buf_str(out, STR("{}"));
    for (int i = 0; i < levels; i++)
        buf_char(out, '}');
    buf_char(out, '\0');
}

static void test_refusals(void **state)
{
    (void)state;
    struct arena arena;
    struct schema *schema;
    struct fault fault = {0};
    struct buf text;
    check_refused("5");
    check_refused("\"struct\"");
    check_refused("[]");
    check_refused("{\"fields\":[5]}");
    check_refused("{\"items\":\"string\"}");
    arena_init(&arena, TEST_BYTES);
    buf_init(&text, 10000);
    nest(&text, SCHEMA_DEPTH_LIMIT);
    check_good("32 levels", read_schema(text.ptr, &arena, &schema, &fault), &fault);
    nest(&text, SCHEMA_DEPTH_LIMIT + 1);
    check_refused(text.ptr);
    buf_release(&text);
    arena_release(&arena);
}

/* Learns the schema of the message; gives where the payload begins, or -1. */
static void check_split(struct schema_cache *cache, const char *message, const char *want)
{
    const struct schema *schema = NULL;
    str payload = STR("no");
    if (!schema_cache_split(cache, str_from(message), &schema, &payload))
        payload = STR("-");
    else
        assert_non_null(schema);
    check_text(message, payload, want);
}

static void learn(struct schema_cache *cache, const char *message, const char *raw)
{
    struct fault fault = {0};
    const struct schema *schema, *again;
    str text = str_from(message);
    ptrdiff_t at = str_find(text, str_from(raw));
    assert_true(at >= 0);
    str slice = str_head(str_from_at(text, (size_t)at), strlen(raw));
    check_good(message, schema_cache_add(cache, text, slice, &schema, &fault), &fault);
    check_good(message, schema_cache_add(cache, text, slice, &again, &fault), &fault);
    assert_ptr_equal(schema, again);
}

static void test_cache(void **state)
{
    (void)state;
    struct schema_cache *cache = schema_cache_new();
    check_split(cache, "{\"schema\":{},\"payload\":1}", "-");
    learn(cache, "{\"schema\":{},\"payload\":1}", "{}");
    check_split(cache, "{\"schema\":{},\"payload\":1}", "1");
    check_split(cache, "{\"schema\":{},\"payload\":{\"a\":2}}", "{\"a\":2}");
    check_split(cache, "{\"schema\":{},\"payload\":}", "");
    check_split(cache, "{\"schema\":{},\"payload\":", "-");
    check_split(cache, "{\"schema\":{} ,\"payload\":1}", "-");
    check_split(cache, "{\"schema\":{\"type\":\"a\"},\"payload\":1}", "-");
    learn(cache, "{\"schema\":{\"type\":\"a\"},\"payload\":1}", "{\"type\":\"a\"}");
    check_split(cache, "{\"schema\":{\"type\":\"a\"},\"payload\":7}", "7");
    check_split(cache, "{\"schema\":{},\"payload\":8}", "8");
    check_split(cache, "", "-");
    /* Not in the usual place: remembered by its own text, but not as a beginning. */
    learn(cache, "{\"payload\":1,\"schema\":{\"type\":\"b\"}}", "{\"type\":\"b\"}");
    check_split(cache, "{\"payload\":1,\"schema\":{\"type\":\"b\"}}", "-");
    schema_cache_free(cache);
    schema_cache_free(NULL);
}

static void test_bad_schema(void **state)
{
    (void)state;
    struct fault fault = {0};
    const struct schema *schema;
    struct schema_cache *cache = schema_cache_new();
    str message = STR("{\"schema\":[],\"payload\":1}");
    check_fault("array",
                schema_cache_add(cache, message, (str){message.ptr + 10, 2}, &schema, &fault),
                &fault, FAULT_RECORD, "no Kafka Connect schema");
    check_split(cache, "{\"schema\":[],\"payload\":1}", "-");
    schema_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_bad_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
