/*
 * COPY text format. The expectations are those of its documentation.
 */
#include "encode_kit.h"

static void check_copy(str text, const char *want)
{
    check_cell(&pgcopy_encoder, "\\N", (struct value){VALUE_TEXT, text}, false, want);
}

static void test_escapes(void **state)
{
    (void)state;
    check_copy(STR("plain, \"quoted\""), "plain, \"quoted\"\n");
    check_copy(STR("a\tb"), "a\\tb\n");
    check_copy(STR("a\nb\r"), "a\\nb\\r\n");
    check_copy(STR("\b\f\v"), "\\b\\f\\v\n");
    check_copy(STR("\\"), "\\\\\n");
    check_copy(STR("\\N"), "\\\\N\n");
    check_copy(STR("\\."), "\\\\.\n");
    check_copy(STR("\x01\x1b\x7f"), "\x01\x1b\x7f\n");
    check_copy(STR(""), "\n");
    check_copy(STR("\xe2\x82\xac"), "\xe2\x82\xac\n");
    check_cell(&pgcopy_encoder, "\\N", value_from(STR("~")), false, "\\N\n");
    check_cell(&pgcopy_encoder, "\\N", value_from(STR("_")), false, "\\N\n");
    check_cell(&pgcopy_encoder, "\\N", value_from(STR("%{\"a\":\"\\n\"}")), false,
               "{\"a\":\"\\\\n\"}\n");
}

static void test_null_text(void **state)
{
    (void)state;
    check_cell(&pgcopy_encoder, "NULL", value_from(STR("~")), false, "NULL\n");
    check_cell(&pgcopy_encoder, "NULL", value_from(STR("'NULL")), false, "\\116ULL\n");
    check_cell(&pgcopy_encoder, "NULL", value_from(STR("'NULLS")), false, "NULLS\n");
    check_cell(&pgcopy_encoder, "0", value_from(STR("#0")), false, "\\060\n");
    check_cell(&pgcopy_encoder, "", value_from(STR("~")), false, "\n");
    check_unencodable(&pgcopy_encoder, "", value_from(STR("'")), FAULT_RECORD,
                      "an empty text would be read as NULL");
}

static void test_zero(void **state)
{
    (void)state;
    check_unencodable(&pgcopy_encoder, "\\N", (struct value){VALUE_TEXT, STR("a\0b")}, FAULT_RECORD,
                      "column c1: a value holds U+0000");
}

/* Every null text that the configuration lets through is told apart from every value. */
static void check_told_apart(const char *null_text, struct value value)
{
    struct arena arena;
    struct config config;
    struct encoder encoder;
    struct encode_kit kit;
    struct fault fault = {0};
    struct buf out;
    arena_init(&arena, TEST_BYTES);
    buf_init(&out, 1000);
    config_from(&config, &arena, "format=copy");
    assert_true(config_set(&config, STR("format.null"), str_from(null_text), STR("t"), &fault));
    kit_row(&kit, &pgcopy_encoder, null_text, &value, 1);
    /* Refusing the null text or the value is fine; writing the one as the other is not. */
    if (encoder_load(&encoder, &config, &kit.layout, &fault)
        && encoder_row(&encoder, &kit.row, &kit.batch, &out, &fault)
        && str_eq(str_head(buf_view(&out), out.len - 1), str_from(null_text)))
        fail_msg("the value is written as the null text %s", null_text);
    buf_release(&out);
    arena_release(&arena);
}

static void test_null_text_with_backslash(void **state)
{
    (void)state;
    check_told_apart("\\N", value_from(STR("'\\N")));
    check_told_apart("NULL", value_from(STR("'NULL")));
    check_told_apart("\\t", value_from(STR("'\t")));
    check_told_apart("\\\\", value_from(STR("'\\")));
}

static void test_line(void **state)
{
    (void)state;
    const struct value values[] = {{VALUE_NUMBER, STR("1")},
                                   {VALUE_NULL, STR_EMPTY},
                                   {VALUE_TEXT, STR("")},
                                   {VALUE_TEXT, STR("x\ty")}};
    struct encode_kit kit;
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, 1000);
    kit_row(&kit, &pgcopy_encoder, "\\N", values, COUNT(values));
    kit.column[1].name = STR("a\tb");
    encoder_head(&kit.encoder, &out);
    assert_true(encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault));
    check_text("lines", buf_view(&out), "c1\ta\\tb\tc3\tc4\n1\t\\N\t\tx\\ty\n");
    buf_release(&out);
}

static void test_limits(void **state)
{
    (void)state;
    check_limits(&pgcopy_encoder, "\\N", false);
    check_limits(&pgcopy_encoder, "plain", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes), cmocka_unit_test(test_null_text),
        cmocka_unit_test(test_zero),    cmocka_unit_test(test_null_text_with_backslash),
        cmocka_unit_test(test_line),    cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
