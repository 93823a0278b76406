/*
 * answer: tables, CSV and JSON of results that libpq makes without a server.
 */
#include "check.h"

#include <libpq-fe.h>

#include "answer.h"

enum { BOOL = 16, INT8 = 20, INT4 = 23, TEXT = 25, FLOAT8 = 701, NUMERIC = 1700, JSONB = 3802 };

/* libpq copies what it takes as char *. */
static char *lent(const char *text)
{
    union {
        const char *given;
        char *taken;
    } both = {text};
    return both.taken;
}

/* Cells are row by row; NULL is NULL. */
static PGresult *make(int columns, const char *const *names, const Oid *types, int rows,
                      const char *const *cells)
{
    PGresAttDesc about[8] = {0};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(result);
    for (int i = 0; i < columns; i++)
        about[i] = (PGresAttDesc){.name = lent(names[i]), .typid = types[i]};
    assert_int_equal(PQsetResultAttrs(result, columns, about), 1);
    for (int i = 0; i < rows * columns; i++)
        assert_int_equal(PQsetvalue(result, i / columns, i % columns, lent(cells[i]),
                                    cells[i] ? (int)strlen(cells[i]) : -1),
                         1);
    return result;
}

static void check_answer(const PGresult *result, enum answer_format format, bool colour,
                         const char *want)
{
    struct buf out;
    buf_init(&out, 100000);
    answer_put(result, format, colour, &out);
    buf_char(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.ptr, want);
    buf_release(&out);
}

static const char *const three[] = {"n", "old_value", "new_value"};
static const Oid types[] = {INT4, TEXT, TEXT};

static void check_all(int rows, const char *const *cells, const char *table, const char *csv,
                      const char *json)
{
    PGresult *result = make(3, three, types, rows, cells);
    assert_int_equal(answer_rows(result), rows);
    check_answer(result, ANSWER_TABLE, false, table);
    check_answer(result, ANSWER_CSV, false, csv);
    check_answer(result, ANSWER_JSON, false, json);
    PQclear(result);
}

static void test_no_rows(void **state)
{
    (void)state;
    check_all(0, NULL, "n  old_value  new_value\n", "n,old_value,new_value\n", "[\n]\n");
}

static void test_null_and_empty_are_told_apart(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", NULL, "", NULL, "a", NULL};
    check_all(2, cells, "n  old_value  new_value\n1             \"\"\n   a          \n",
              "n,old_value,new_value\n1,,\"\"\n,a,\n",
              "[\n{\"n\":1,\"old_value\":null,\"new_value\":\"\"},\n"
              "{\"n\":null,\"old_value\":\"a\",\"new_value\":null}\n]\n");
}

static void test_what_means_something_is_quoted(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "a,\"b\"", "c\nd\re\\"};
    check_all(1, cells, "n  old_value  new_value\n1  a,\"b\"      c\\nd\\x0de\\\n",
              "n,old_value,new_value\n1,\"a,\"\"b\"\"\",\"c\nd\re\\\"\n",
              "[\n{\"n\":1,\"old_value\":\"a,\\\"b\\\"\",\"new_value\":\"c\\nd\\re\\\\\"}\n]\n");
}

/* ESC, DEL, and the controls of two bytes, of which 9b begins a sequence, too. */
static void test_no_value_moves_the_cursor(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "\033[2J\177\t", "\xc2\2332J\xc2\xa0"};
    PGresult *result = make(3, three, types, 1, cells);
    check_answer(result, ANSWER_TABLE, false,
                 "n  old_value      new_value\n1  \\x1b[2J\\x7f\\t  \\x9b2J\xc2\xa0\n");
    PQclear(result);
}

static void test_columns_are_as_wide_as_characters(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "z\xc3\xbcrich \xe2\x82\xac", "x", "22", "b", "y"};
    PGresult *result = make(3, three, types, 2, cells);
    check_answer(
        result, ANSWER_TABLE, false,
        "n   old_value  new_value\n1   z\xc3\xbcrich \xe2\x82\xac   x\n22  b          y\n");
    PQclear(result);
}

/* A value of a hundred characters is shown whole, and the others are not filled up to it. */
static void test_a_long_value_does_not_spread_the_others(void **state)
{
    (void)state;
    char text[101] = {0}, want[400];
    memset(text, 'x', 100);
    const char *const cells[] = {"1", text, "a", "2", "b", "c"};
    PGresult *result = make(3, three, types, 2, cells);
    snprintf(want, sizeof(want), "n  %-60s  new_value\n1  %s  a\n2  %-60s  c\n", "old_value", text,
             "b");
    check_answer(result, ANSWER_TABLE, false, want);
    PQclear(result);
}

static void test_colours(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "a", "b"};
    PGresult *result = make(3, three, types, 1, cells);
    check_answer(result, ANSWER_TABLE, true,
                 "\033[1mn\033[0m  \033[1mold_value\033[0m  \033[1mnew_value\033[0m\n"
                 "1  \033[31ma\033[0m          \033[32mb\033[0m\n");
    PQclear(result);
}

static void test_types(void **state)
{
    (void)state;
    static const char *const columns[] = {"b", "i", "f", "d", "j", "t"};
    static const Oid kinds[] = {BOOL, INT8, FLOAT8, NUMERIC, JSONB, TEXT};
    static const char *const cells[] = {
        "t", "-9007199254740993", "NaN", "1.50", "{\"a\": [1]}", "t", "f", NULL, "1.5", NULL, NULL,
        "0"};
    PGresult *result = make(6, columns, kinds, 2, cells);
    check_answer(result, ANSWER_JSON, false,
                 "[\n{\"b\":true,\"i\":-9007199254740993,\"f\":\"NaN\",\"d\":\"1.50\","
                 "\"j\":{\"a\": [1]},\"t\":\"t\"},\n"
                 "{\"b\":false,\"i\":null,\"f\":\"1.5\",\"d\":null,\"j\":null,\"t\":\"0\"}\n]\n");
    check_answer(result, ANSWER_CSV, false,
                 "b,i,f,d,j,t\ntrue,-9007199254740993,NaN,1.50,\"{\"\"a\"\": [1]}\",t\n"
                 "false,,1.5,,,0\n");
    PQclear(result);
}

/* The buffer's limit is an error of the buffer, never a half answer that looks whole. */
static void test_an_answer_too_large_fails(void **state)
{
    (void)state;
    static const char *const cells[] = {"1", "a", "b"};
    PGresult *result = make(3, three, types, 1, cells);
    for (int format = ANSWER_TABLE; format <= ANSWER_JSON; format++) {
        struct buf out;
        buf_init(&out, 10);
        answer_put(result, (enum answer_format)format, false, &out);
        assert_true(out.failed);
        buf_release(&out);
    }
    PQclear(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_null_and_empty_are_told_apart),
        cmocka_unit_test(test_what_means_something_is_quoted),
        cmocka_unit_test(test_no_value_moves_the_cursor),
        cmocka_unit_test(test_columns_are_as_wide_as_characters),
        cmocka_unit_test(test_a_long_value_does_not_spread_the_others),
        cmocka_unit_test(test_colours),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_an_answer_too_large_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
