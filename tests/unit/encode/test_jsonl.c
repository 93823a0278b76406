/*
 * JSON lines.
 */
#include "encode_kit.h"

static void check_jsonl(struct value value, const char *want)
{
    check_cell(&jsonl_encoder, "", value, false, want);
}

static void test_values(void **state)
{
    (void)state;
    check_jsonl(value_from(STR("~")), "{\"c1\":null}\n");
    check_jsonl(value_from(STR("_")), "{\"c1\":null}\n");
    check_jsonl(value_from(STR("'")), "{\"c1\":\"\"}\n");
    check_jsonl(value_from(STR("#1.50")), "{\"c1\":1.50}\n");
    check_jsonl(value_from(STR("#12345678901234567890123456789012345678")),
                "{\"c1\":12345678901234567890123456789012345678}\n");
    check_jsonl(value_from(STR("!true")), "{\"c1\":true}\n");
    check_jsonl(value_from(STR("'a\"b\\c\n\r\t\b\f/")),
                "{\"c1\":\"a\\\"b\\\\c\\n\\r\\t\\b\\f/\"}\n");
    check_jsonl((struct value){VALUE_TEXT, STR("\0\x01\x1f\x7f")},
                "{\"c1\":\"\\u0000\\u0001\\u001f\x7f\"}\n");
    check_jsonl(value_from(STR("%{\"a\":1}")), "{\"c1\":\"{\\\"a\\\":1}\"}\n");
    check_jsonl(value_from(STR("'\xe2\x82\xac")), "{\"c1\":\"\xe2\x82\xac\"}\n");
}

/* One column must not change its type from row to row. */
static void test_old_and_new(void **state)
{
    (void)state;
    struct encode_kit kit;
    struct buf out;
    struct fault fault = {0};
    const struct value none[] = {
        {VALUE_NULL, STR_EMPTY}, {VALUE_NULL, STR_EMPTY}, {VALUE_NULL, STR_EMPTY}};
    buf_init(&out, 1000);
    kit_row(&kit, &jsonl_encoder, "", none, COUNT(none));
    kit.column[0] = (struct column){STR("old \"value\""), COLUMN_OLD_VALUE, STR_EMPTY, 0};
    kit.column[1] = (struct column){STR("new"), COLUMN_NEW_VALUE, STR_EMPTY, 0};
    kit.column[2] = (struct column){STR("known"), COLUMN_OLD_KNOWN, STR_EMPTY, 0};
    kit.field.before = value_from(STR("#1"));
    kit.field.after = value_from(STR("!true"));
    assert_true(encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault));
    kit.field.before = value_from(STR("_"));
    assert_true(encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault));
    check_text("lines", buf_view(&out),
               "{\"old \\\"value\\\"\":\"1\",\"new\":\"true\",\"known\":true}\n"
               "{\"old \\\"value\\\"\":null,\"new\":\"true\",\"known\":false}\n");
    buf_release(&out);
}

static void test_limits(void **state)
{
    (void)state;
    check_limits(&jsonl_encoder, "", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_old_and_new),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
