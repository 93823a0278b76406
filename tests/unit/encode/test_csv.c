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

#define FIELDS 6

/* Old values that are known and unknown in turn, beside new ones that read like old_known: each row
   tells of its own, through the quick way and the other, wherever the buffer has to grow. */
static void test_old_known(void **state)
{
    (void)state;
    static const char *const changes[FIELDS][3] = {
        {"_", "!true", "f0,,true,false\n"},  {"!false", "!true", "f1,false,true,true\n"},
        {"_", "'true", "f2,,true,false\n"},  {"~", "'true", "f3,,true,true\n"},
        {"?x", "!true", "f4,,true,false\n"}, {"'", "'tr,ue", "f5,\"\",\"tr,ue\",true\n"},
    };
    static const char *const names[FIELDS] = {"f0", "f1", "f2", "f3", "f4", "f5"};
    static const enum column_kind kinds[] = {COLUMN_CHANGE_FIELD, COLUMN_OLD_VALUE,
                                             COLUMN_NEW_VALUE, COLUMN_OLD_KNOWN};
    const struct value none = {VALUE_NULL, STR_EMPTY};
    for (size_t repeat = 1; repeat < 200; repeat++) {
        struct encode_kit kit;
        struct buf out, want;
        struct fault fault = {0};
        buf_init(&out, 1000000);
        buf_init(&want, 1000000);
        kit_row(&kit, &csv_encoder, "", &none, 1);
        kit.encoder.formula_guard = repeat % 2; /* the slow way */
        for (size_t i = 0; i < COUNT(kinds); i++)
            kit.column[i] = (struct column){.name = STR("c"), .kind = kinds[i]};
        kit.layout.count = COUNT(kinds);
        for (size_t i = 0; i < repeat; i++) {
            const char *const *change = changes[i % FIELDS];
            kit.field = (struct field){.name = str_from(names[i % FIELDS]),
                                       .before = value_from(str_from(change[0])),
                                       .after = value_from(str_from(change[1]))};
            check_good("row", encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault),
                       &fault);
            buf_str(&want, str_from(change[2]));
        }
        check_str("lines", buf_view(&out), buf_view(&want));
        buf_release(&want);
        buf_release(&out);
    }
}

static void test_limits(void **state)
{
    (void)state;
    check_limits(&csv_encoder, "", false);
    check_limits(&csv_encoder, "", true);
    check_limits(&csv_encoder, "NULL", true);
}

/* A layout as the pipe has it, of one key. */
static const struct column usual_column[] = {
    {{"id", 2}, COLUMN_COPY, {"id", 2}, 0},
    {.name = {"f", 1}, .kind = COLUMN_CHANGE_FIELD},
    {.name = {"o", 1}, .kind = COLUMN_OLD_VALUE},
    {.name = {"n", 1}, .kind = COLUMN_NEW_VALUE},
    {.name = {"c", 1}, .kind = COLUMN_DATETIME_CREATED},
    {.name = {"u", 1}, .kind = COLUMN_DATETIME_UPDATED},
    {.name = {"d", 1}, .kind = COLUMN_DATETIME_DELETED},
    {.name = {"i", 1}, .kind = COLUMN_DATETIME_INSERTED},
    {.name = {"op", 2}, .kind = COLUMN_OP},
    {.name = {"k", 1}, .kind = COLUMN_OLD_KNOWN},
    {.name = {"t", 1}, .kind = COLUMN_SOURCE_TABLE},
};

#define EVENT "2026-11-21T00:15:22.812277Z"
#define INSERTED "+12026-11-21T00:15:23.000000Z"

/* The row, in a buffer of just that room at first. */
static void check_usual(enum change_op op, struct value id, struct value before, struct value after,
                        size_t room, const char *want)
{
    struct encode_kit kit;
    struct fault fault = {0};
    struct buf out;
    buf_init(&out, 1000);
    assert_true(room == 0 || buf_reserve(&out, room));
    kit_row(&kit, &csv_encoder, "", &id, 1);
    kit.layout.column = (struct column *)(uintptr_t)usual_column;
    kit.layout.count = COUNT(usual_column);
    kit.layout.usual_count = COUNT(usual_column) - 1;
    kit.change.op = op;
    kit.change.event_text = STR(EVENT);
    kit.change.source_table = STR("bank.holding");
    kit.batch.inserted_text = STR(INSERTED);
    kit.field = (struct field){.name = STR("stock"), .before = before, .after = after};
    check_good(want, encoder_row(&kit.encoder, &kit.row, &kit.batch, &out, &fault), &fault);
    check_text(want, buf_view(&out), want);
    buf_release(&out);
}

static void test_usual_row(void **state)
{
    (void)state;
    const struct value id = value_from(STR("#7")), null = {VALUE_NULL, STR_EMPTY};
    const struct value old = value_from(STR("'AAPL")), new = value_from(STR("'a text of twenty b"));
    const struct value comma = value_from(STR("'a,b")), empty = value_from(STR("'"));
    const struct value unknown = {VALUE_ABSENT, STR_EMPTY};
#define REST(op, known) INSERTED "," op "," known ",bank.holding\n"
    for (size_t room = 0; room < 400; room++) {
        check_usual(CHANGE_READ, id, null, new, room,
                    "7,stock,,a text of twenty b," EVENT ",,," REST("r", "true"));
        check_usual(CHANGE_CREATE, id, null, old, room,
                    "7,stock,,AAPL," EVENT ",,," REST("c", "true"));
        check_usual(CHANGE_UPDATE, id, old, new, room,
                    "7,stock,AAPL,a text of twenty b,," EVENT ",," REST("u", "true"));
        check_usual(CHANGE_DELETE, id, old, null, room,
                    "7,stock,AAPL,,,," EVENT "," REST("d", "true"));
        check_usual(CHANGE_UPDATE, id, unknown, old, room,
                    "7,stock,,AAPL,," EVENT ",," REST("u", "false"));
        check_usual(CHANGE_UPDATE, comma, old, empty, room,
                    "\"a,b\",stock,AAPL,\"\",," EVENT ",," REST("u", "true"));
        check_usual(CHANGE_UPDATE, null, empty, comma, room,
                    ",stock,\"\",\"a,b\",," EVENT ",," REST("u", "true"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting),   cmocka_unit_test(test_null),
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_formula_guard),
        cmocka_unit_test(test_zero),      cmocka_unit_test(test_line),
        cmocka_unit_test(test_old_known), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_usual_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
