/*
 * Lines of QuestDB's ingestion protocol. The expectations were read back from QuestDB 9.3.4.
 */
#include "encode_kit.h"
#include "ilp.h"

#define EVENT_US 1700000000000000

struct case_of_type {
    enum ilp_type type;
    const char *value; /* as value_from reads it */
    const char *want;  /* what stands behind "c="; NULL: the column is left out */
};

/* One line with a single column c of this type, or the fault. */
static bool encode_one(enum ilp_type type, struct value value, int64_t event_us, struct buf *out,
                       struct fault *fault)
{
    struct encode_kit kit;
    kit_row(&kit, &csv_encoder, "", &value, 1);
    kit.change.source_us = event_us;
    struct ilp_column column = {.column = kit.column[0], .type = type, .lead = STR(",c=")};
    struct ilp ilp = {.table = STR("t"), .column = &column, .count = 1};
    buf_clear(out);
    return ilp_row(&ilp, &kit.row, &kit.batch, out, fault);
}

static void check_value(enum ilp_type type, struct value value, const char *want)
{
    struct fault fault = {0};
    struct buf out, line;
    buf_init(&out, 100000);
    buf_init(&line, 100000);
    check_good(want, encode_one(type, value, EVENT_US, &out, &fault), &fault);
    buf_format(&line, "t%s%s%s 1700000000000000\n", type == ILP_SYMBOL ? "," : " ",
               want ? "c=" : "", want ? want : "");
    if (!want) {
        buf_clear(&line);
        buf_format(&line, "t 1700000000000000\n");
    }
    buf_char(&line, '\0');
    check_text("the line", buf_view(&out), line.ptr);
    buf_release(&out);
    buf_release(&line);
}

static void check_refused(enum ilp_type type, struct value value, const char *part)
{
    struct fault fault = {0};
    struct buf out;
    buf_init(&out, 100000);
    check_fault(part, encode_one(type, value, EVENT_US, &out, &fault), &fault, FAULT_RECORD, part);
    buf_release(&out);
}

static void test_values(void **state)
{
    static const struct case_of_type cases[] = {
        {ILP_TEXT, "'plain, a=b", "\"plain, a=b\""},
        {ILP_TEXT, "'", "\"\""},
        {ILP_TEXT, "~", NULL},
        {ILP_TEXT, "'a\"b\\c", "\"a\\\"b\\\\c\""},
        {ILP_TEXT, "'a\nb\rc\td", "\"a\\\nb\\\rc\td\""},
        {ILP_TEXT, "'x\"\nt,k=evil o=1i 1", "\"x\\\"\\\nt,k=evil o=1i 1\""},
        {ILP_TEXT, "#27.10", "\"27.10\""},
        {ILP_TEXT, "'\xe2\x80\xa8\xf0\x9f\x98\x80", "\"\xe2\x80\xa8\xf0\x9f\x98\x80\""},
        {ILP_SYMBOL, "'a b,c=d\"", "a\\ b\\,c\\=d\""},
        {ILP_SYMBOL, "'a\nb\rc\\", "a\\\nb\\\rc\\\\"},
        {ILP_SYMBOL, "'", ""},
        {ILP_SYMBOL, "~", NULL},
        {ILP_INT, "#-2147483647", "-2147483647i"},
        {ILP_INT, "#2147483647", "2147483647i"},
        {ILP_LONG, "#9223372036854775807", "9223372036854775807i"},
        {ILP_LONG, "#-9223372036854775807", "-9223372036854775807i"},
        {ILP_DOUBLE, "#27.10", "27.10"},
        {ILP_DOUBLE, "#-0", "-0"},
        {ILP_DOUBLE, "#1.5e-7", "1.4999999999999999e-07"},
        {ILP_DOUBLE, "#123456789012345678901234567890", "1.2345678901234568e+29"},
        {ILP_DOUBLE, "#1e-400", "0"},
        {ILP_NUMBER, "#1e400", NULL},
        {ILP_NUMBER, "'27.10", NULL},
        {ILP_NUMBER, "#-5", "-5"},
        {ILP_TIME, "'2026-11-21 01:10:50.17521", "1795223450175210t"},
        {ILP_TIME, "'1969-12-31T23:59:59.999995Z", "-5t"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_value(cases[i].type, value_from(str_from(cases[i].value)), cases[i].want);
    struct fault fault = {0};
    struct buf out;
    buf_init(&out, 1000);
    check_good(
        "zero",
        encode_one(ILP_TEXT, (struct value){VALUE_TEXT, STR("a\0b")}, EVENT_US, &out, &fault),
        &fault);
    assert_true(str_eq(buf_view(&out), STR("t c=\"a\0b\" 1700000000000000\n")));
    buf_release(&out);
}

/* What a column of the table cannot hold is told, and never becomes another value or NULL. */
static void test_refusals(void **state)
{
    static const struct case_of_type cases[] = {
        {ILP_INT, "#-2147483648", "'-2147483648' does not fit the type INT"},
        {ILP_INT, "#2147483648", "does not fit the type INT"},
        {ILP_INT, "#1.0", "does not fit the type INT"},
        {ILP_LONG, "#-9223372036854775808", "does not fit the type LONG"},
        {ILP_LONG, "#9223372036854775808", "does not fit the type LONG"},
        {ILP_LONG, "'", "column c1: '' does not fit the type LONG"},
        {ILP_DOUBLE, "#1e400", "does not fit the type DOUBLE"},
        {ILP_DOUBLE, "'NaN", "does not fit the type DOUBLE"},
        {ILP_TIME, "'infinity", "does not fit the type TIMESTAMP"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_refused(cases[i].type, value_from(str_from(cases[i].value)), cases[i].want);
    check_refused(ILP_SYMBOL, (struct value){VALUE_TEXT, STR("a\0b")}, "U+0000");
}

static void test_time_of_the_line(void **state)
{
    static const struct {
        int64_t event_us;
        const char *part; /* of the fault; NULL: the line is good */
    } cases[] = {
        {0, NULL},
        {253402300799999999, NULL},
        {-1, "event_time 1969-12-31T23:59:59.999999Z lies outside"},
        {253402300800000000, "event_time +10000-01-01T00:00:00.000000Z lies outside"},
        {INT64_MAX, "lies outside the years 1970 to 9999"},
    };
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fault fault = {0};
        bool good = encode_one(ILP_TEXT, value_from(STR("'x")), cases[i].event_us, &out, &fault);
        if (cases[i].part)
            check_fault(cases[i].part, good, &fault, FAULT_RECORD, cases[i].part);
        else
            check_good("a time", good, &fault);
    }
    buf_release(&out);
}

static void test_time_of_the_message(void **state)
{
    struct encode_kit kit;
    struct fault fault = {0};
    struct buf out;
    struct value value = value_from(STR("'x"));
    struct ilp_column column = {.type = ILP_TEXT, .lead = STR(",c=")};
    struct ilp ilp = {.table = STR("t"), .column = &column, .count = 1};
    (void)state;
    buf_init(&out, 1000);
    kit_row(&kit, &csv_encoder, "", &value, 1);
    column.column = kit.column[0];
    kit.change.source_us = TIME_UNKNOWN;
    kit.record.time_us = 77;
    check_good("a time", ilp_row(&ilp, &kit.row, &kit.batch, &out, &fault), &fault);
    check_text("the line", buf_view(&out), "t c=\"x\" 77\n");
    kit.record.time_us = TIME_UNKNOWN;
    check_fault("no time", ilp_row(&ilp, &kit.row, &kit.batch, &out, &fault), &fault, FAULT_RECORD,
                "the event has no time");
    buf_release(&out);
}

/* Times of the row go as numbers, and only the one that fits the operation is there. */
static void test_line(void **state)
{
    struct encode_kit kit;
    struct fault fault = {0};
    struct buf out;
    struct value value = value_from(STR("#7"));
    struct ilp_column columns[] = {
        {{.name = STR("n"), .kind = COLUMN_COPY}, ILP_LONG, STR(",n=")},
        {{.name = STR("op"), .kind = COLUMN_OP}, ILP_SYMBOL, STR(",op=")},
        {{.name = STR("created"), .kind = COLUMN_DATETIME_CREATED}, ILP_TIME, STR(",created=")},
        {{.name = STR("updated"), .kind = COLUMN_DATETIME_UPDATED}, ILP_TIME, STR(",updated=")},
        {{.name = STR("f"), .kind = COLUMN_CHANGE_FIELD}, ILP_SYMBOL, STR(",f=")},
        {{.name = STR("inserted"), .kind = COLUMN_DATETIME_INSERTED}, ILP_TIME, STR(",inserted=")},
        {{.name = STR("known"), .kind = COLUMN_OLD_KNOWN}, ILP_BOOLEAN, STR(",known=")},
    };
    struct ilp ilp = {.table = STR("a\\ b"), .column = columns, .count = COUNT(columns)};
    (void)state;
    buf_init(&out, 1000);
    kit_row(&kit, &csv_encoder, "", &value, 1);
    kit.change.source_us = EVENT_US;
    kit.change.event_us = EVENT_US + 1;
    kit.batch.inserted_us = EVENT_US + 2;
    kit.field.name = STR("x y");
    ilp_sort(columns, COUNT(columns));
    assert_true(str_is(columns[0].column.name, "op") && str_is(columns[1].column.name, "f"));
    assert_true(str_is(columns[2].column.name, "n") && str_is(columns[6].column.name, "known"));
    check_good("a line", ilp_row(&ilp, &kit.row, &kit.batch, &out, &fault), &fault);
    check_text("the line", buf_view(&out),
               "a\\ b,op=u,f=x\\ y n=7i,updated=1700000000000001t,inserted=1700000000000002t,"
               "known=f 1700000000000000\n");
    buf_release(&out);
}

static void check_name(void (*put)(struct buf *, str), str name, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    buf_str(&out, STR("<"));
    put(&out, name);
    buf_str(&out, STR(">"));
    check_text("the name", buf_view(&out), want);
    buf_release(&out);
}

static void test_names(void **state)
{
    (void)state;
    check_name(ilp_put_column_name, STR("a-b.c/d:e+f%g'h"), "<a_b_c_d_e_f_g_h>");
    check_name(ilp_put_column_name, STR("a?b,c\"d\\e(f)g*h~i"), "<a_b_c_d_e_f_g_h_i>");
    check_name(ilp_put_column_name, STR("a\tb\nc\x7f\x01\x0f"), "<a_b_c___>");
    check_name(ilp_put_column_name,
               STR("a\xef\xbb\xbf"
                   "b"),
               "<a_b>");
    check_name(ilp_put_column_name, STR("\xc3\xa9 =\x10"), "<\xc3\xa9 =\x10>");
    check_name(ilp_put_table_name, STR("bankserver1.bank.holding-2"),
               "<bankserver1.bank.holding-2>");
    check_name(ilp_put_table_name, STR(".a..b."), "<_a._b_>");
    check_name(ilp_put_table_name, STR(" a b "), "<_a b_>");
    check_name(ilp_put_table_name, STR("a/b"), "<a_b>");
    check_name(ilp_put_table_name, STR(""), "<>");
    check_name(ilp_put_name, STR("a b=c"), "<a\\ b\\=c>");
}

/* For every limit that is too small for the line: the record's fault, and never a byte more. */
static void test_limits(void **state)
{
    size_t whole = 0;
    (void)state;
    for (size_t limit = 0; limit <= 100 && !whole; limit++) {
        struct fault fault = {0};
        struct buf out;
        buf_init(&out, limit);
        if (encode_one(ILP_TEXT, value_from(STR("'a\"b\nc")), EVENT_US, &out, &fault))
            whole = out.len;
        else
            assert_int_equal(fault.kind, FAULT_RECORD);
        assert_true(out.len <= limit);
        buf_release(&out);
    }
    assert_true(whole > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_time_of_the_line),
        cmocka_unit_test(test_time_of_the_message),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
