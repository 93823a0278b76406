/*
 * CSV: RFC 4180, and what PostgreSQL's COPY csv makes of it.
 */
#include "encode_kit.h"

static void check_csv(str text, const char *want)
{
    check_cell(&csv_encoder, "", (struct value){VALUE_TEXT, text}, false, want);
}

static void test_quoting(void **state)
{
    (void)state;
    check_csv(STR("plain"), "plain\n");
    check_csv(STR("two words "), "two words \n");
    check_csv(STR("a,b"), "\"a,b\"\n");
    check_csv(STR("a\"b"), "\"a\"\"b\"\n");
    check_csv(STR("\""), "\"\"\"\"\n");
    check_csv(STR("\"\""), "\"\"\"\"\"\"\n");
    check_csv(STR("\"a\""), "\"\"\"a\"\"\"\n");
    check_csv(STR("a\nb"), "\"a\nb\"\n");
    check_csv(STR("a\rb"), "\"a\rb\"\n");
    check_csv(STR("\r\n"), "\"\r\n\"\n");
    check_csv(STR("a\tb\\n"), "a\tb\\n\n");
    check_csv(STR("\\N"), "\\N\n");
    check_csv(STR("\\."), "\"\\.\"\n");
    check_csv(STR("\\.."), "\\..\n");
    check_csv(STR("\xf0\x9f\x98\x80,"), "\"\xf0\x9f\x98\x80,\"\n");
    check_csv(STR(""), "\"\"\n");
}

static void test_null(void **state)
{
    (void)state;
    const struct value null = {VALUE_NULL, STR_EMPTY}, absent = {VALUE_ABSENT, STR_EMPTY};
    check_cell(&csv_encoder, "", null, false, "\n");
    check_cell(&csv_encoder, "", absent, false, "\n");
    check_cell(&csv_encoder, "NULL", null, false, "NULL\n");
    /* A value that reads like the null text stands in quotes; the empty one no longer must. */
    check_cell(&csv_encoder, "NULL", value_from(STR("'NULL")), false, "\"NULL\"\n");
    check_cell(&csv_encoder, "NULL", value_from(STR("'null")), false, "null\n");
    check_cell(&csv_encoder, "NULL", value_from(STR("'")), false, "\n");
    check_cell(&csv_encoder, "0", value_from(STR("#0")), false, "\"0\"\n");
    check_cell(&csv_encoder, "", value_from(STR("?placeholder")), false, "\n");
}

static void test_kinds(void **state)
{
    (void)state;
    check_cell(&csv_encoder, "", value_from(STR("#1.50")), false, "1.50\n");
    check_cell(&csv_encoder, "", value_from(STR("!true")), false, "true\n");
    check_cell(&csv_encoder, "", value_from(STR("%{\"a\":1}")), false, "\"{\"\"a\"\":1}\"\n");
    check_cell(&csv_encoder, "", value_from(STR("%[1]")), false, "[1]\n");
}

static void test_formula_guard(void **state)
{
    (void)state;
    check_cell(&csv_encoder, "", value_from(STR("'=1+1")), false, "=1+1\n");
    check_cell(&csv_encoder, "", value_from(STR("'=1+1")), true, "\"'=1+1\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'+a")), true, "\"'+a\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'-a")), true, "\"'-a\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'@a")), true, "\"'@a\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'\ta")), true, "\"'\ta\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'\ra")), true, "\"'\ra\"\n");
    check_cell(&csv_encoder, "", value_from(STR("'=\"x\",1")), true, "\"'=\"\"x\"\",1\"\n");
    check_cell(&csv_encoder, "", value_from(STR("#-1")), true, "-1\n");
    check_cell(&csv_encoder, "", value_from(STR("'a=1")), true, "a=1\n");
    check_cell(&csv_encoder, "", value_from(STR("'")), true, "\"\"\n");
    check_cell(&csv_encoder, "", value_from(STR("~")), true, "\n");
}

static void test_zero(void **state)
{
    (void)state;
    check_unencodable(&csv_encoder, "", (struct value){VALUE_TEXT, STR("a\0b")}, FAULT_RECORD,
                      "column c1: a value holds U+0000");
    check_unencodable(&csv_encoder, "", (struct value){VALUE_TEXT, STR("\0")}, FAULT_RECORD,
                      "U+0000");
}

static void test_line(void **state)
{
    (void)state;
    const struct value values[] = {{VALUE_NUMBER, STR("1")},
                                   {VALUE_NULL, STR_EMPTY},
                                   {VALUE_TEXT, STR("")},
                                   {VALUE_TEXT, STR("x,y")}};
    struct encode_kit kit;
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, 1000);
    kit_row(&kit, &csv_encoder, "", values, COUNT(values));
    kit.column[1].name = STR("a,b");
    kit.column[2].name = STR("say \"c\"");
    encoder_head(&kit.encoder, &out);
    assert_true(encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault));
    assert_true(encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault));
    check_text("lines", buf_view(&out),
               "c1,\"a,b\",\"say \"\"c\"\"\",c4\n1,,\"\",\"x,y\"\n1,,\"\",\"x,y\"\n");
    buf_release(&out);
}

static void test_limits(void **state)
{
    (void)state;
    check_limits(&csv_encoder, "", false);
    check_limits(&csv_encoder, "", true);
    check_limits(&csv_encoder, "NULL", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting), cmocka_unit_test(test_null),
        cmocka_unit_test(test_kinds),   cmocka_unit_test(test_formula_guard),
        cmocka_unit_test(test_zero),    cmocka_unit_test(test_line),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
