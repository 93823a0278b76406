/*
 * Logical messages: prefix and content, whatever binary.handling.mode made of the bytes.
 */
#include "check.h"

#include "debezium.h"

/* As the captures have it: Debezium 3.3.1 with schemas and without. */
#define HEAD                                                                                       \
    "{\"op\":\"m\",\"source\":{\"name\":\"lab2\",\"connector\":\"postgresql\",\"txId\":90531,"     \
    "\"lsn\":424587536,\"ts_us\":5},\"message\":"
#define SCHEMA                                                                                     \
    "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"field\":\"message\","     \
    "\"fields\":[{\"type\":\"string\",\"field\":\"prefix\"},{\"type\":\"bytes\",\"field\":"        \
    "\"content\"}]}]},\"payload\":"

static const struct {
    const char *message;
    bool schema;
    const char *prefix, *content; /* in the spelling of value_from */
} cases[] = {
    {"{\"prefix\":\"audit\",\"content\":\"eyJ1c2VyIjoiYWxpY2UifQ==\"}", true, "'audit",
     "'{\"user\":\"alice\"}"},
    {"{\"prefix\":\"audit\",\"content\":\"eyJ1c2VyIjoiYWxpY2UifQ==\"}", false, "'audit",
     "'{\"user\":\"alice\"}"},
    /* binary.handling.mode=hex */
    {"{\"prefix\":\"audit\",\"content\":\"6e6f74207472616e73616374696f6e616c\"}", false, "'audit",
     "'not transactional"},
    /* bytes are base64 even where they look like hex: 75 e6 9d */
    {"{\"prefix\":\"a\",\"content\":\"deadbeef\"}", true, "'a", "'\\x75e69d6de79f"},
    {"{\"prefix\":\"a\",\"content\":\"deadbeef\"}", false, "'a", "'\\xdeadbeef"},
    /* binary.handling.mode=base64-url-safe: fb ff */
    {"{\"prefix\":\"a\",\"content\":\"-_8=\"}", false, "'a", "'\\xfbff"},
    {"{\"prefix\":\"a\",\"content\":\"AA==\"}", true, "'a", "'\\x00"},
    {"{\"prefix\":\"a\",\"content\":\"w6k=\"}", true, "'a", "'\xc3\xa9"},
    {"{\"prefix\":\"a\",\"content\":\"\"}", true, "'a", "'"},
    {"{\"prefix\":\"a\",\"content\":\"no code!\"}", false, "'a", "'no code!"},
    {"{\"prefix\":\"a\",\"content\":null}", true, "'a", "~"},
    {"{\"content\":\"w6k=\"}", true, "~", "'\xc3\xa9"},
    {"null", false, "~", "~"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fault fault = {0};
        struct batch batch;
        struct change_list changes;
        struct buf text, got;
        struct arena arena;
        struct config config;
        arena_init(&arena, TEST_BYTES);
        config_from(&config, &arena, "");
        struct decoder *decoder = debezium_decoder.create(&config, &fault);
        batch_init(&batch, TEST_BYTES);
        buf_init(&text, TEST_BYTES);
        buf_init(&got, TEST_BYTES);
        buf_format(&text, "%s%s%s}%s", cases[i].schema ? SCHEMA : "", HEAD, cases[i].message,
                   cases[i].schema ? "}" : "");
        struct record record = {.has_value = true, .value = buf_view(&text)};
        check_good(cases[i].message, decoder_decode(decoder, &record, &batch, &changes, &fault),
                   &fault);
        check_number("changes", (int64_t)changes.count, 1);
        check_number("op", changes.item[0].op, CHANGE_MESSAGE);
        check_text("tx_id", changes.item[0].tx_id.text, "90531");
        put_value(&got, changes.item[0].prefix);
        check_text(cases[i].message, buf_view(&got), cases[i].prefix);
        buf_clear(&got);
        put_value(&got, changes.item[0].content);
        check_text(cases[i].message, buf_view(&got), cases[i].content);
        decoder_free(decoder);
        arena_release(&arena);
        batch_release(&batch);
        buf_release(&text);
        buf_release(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
