/*
 * What errors of PostgreSQL mean: the environment's, the record's, or a person's to mend.
 */
#include "check.h"

#include "sqlstate.h"

struct state_case {
    const char *state;
    enum fault_kind named, unnamed; /* with and without the name of a constraint */
};

#define BOTH(state, kind)                                                                          \
    {                                                                                              \
        state, kind, kind                                                                          \
    }

static const struct state_case cases[] = {
    /* Values and constraints: this record will never do. */
    BOTH("22000", FAULT_RECORD), /* data exception */
    BOTH("22P02", FAULT_RECORD), /* invalid text representation */
    BOTH("22021", FAULT_RECORD), /* character not in repertoire */
    BOTH("22P05", FAULT_RECORD), /* untranslatable character */
    BOTH("22012", FAULT_RECORD), /* division by zero */
    BOTH("23000", FAULT_RECORD),
    BOTH("23502", FAULT_RECORD),
    BOTH("23503", FAULT_RECORD),
    BOTH("23505", FAULT_RECORD),
    BOTH("23P01", FAULT_RECORD),
    BOTH("44000", FAULT_RECORD),
    BOTH("P0001", FAULT_RECORD),
    BOTH("P0002", FAULT_RECORD),
    BOTH("21000", FAULT_RECORD),
    BOTH("54000", FAULT_RECORD),
    /* A check without a name is a partition that is missing: it may be made any time. */
    {"23514", FAULT_RECORD, FAULT_RETRY},
    /* A person must act. */
    BOTH("28000", FAULT_CONFIG),
    BOTH("28P01", FAULT_CONFIG),
    BOTH("3D000", FAULT_CONFIG),
    BOTH("3F000", FAULT_CONFIG),
    BOTH("42501", FAULT_CONFIG),
    BOTH("42601", FAULT_CONFIG),
    BOTH("42703", FAULT_CONFIG),
    BOTH("42P01", FAULT_CONFIG),
    BOTH("0A000", FAULT_CONFIG),
    BOTH("0LP01", FAULT_CONFIG),
    /* All else passes, or may: */
    BOTH("25006", FAULT_RETRY), /* a standby */
    BOTH("25000", FAULT_RETRY),
    BOTH("25P02", FAULT_RETRY),
    BOTH("08000", FAULT_RETRY),
    BOTH("08006", FAULT_RETRY),
    BOTH("08P01", FAULT_RETRY),
    BOTH("40001", FAULT_RETRY),
    BOTH("40P01", FAULT_RETRY),
    BOTH("53000", FAULT_RETRY),
    BOTH("53100", FAULT_RETRY), /* disk full */
    BOTH("53200", FAULT_RETRY),
    BOTH("53300", FAULT_RETRY),
    BOTH("54001", FAULT_RETRY), /* too complex: no limit of a row */
    BOTH("54011", FAULT_RETRY),
    BOTH("55000", FAULT_RETRY),
    BOTH("55006", FAULT_RETRY),
    BOTH("55P03", FAULT_RETRY),
    BOTH("57014", FAULT_RETRY),
    BOTH("57P01", FAULT_RETRY),
    BOTH("57P02", FAULT_RETRY),
    BOTH("57P03", FAULT_RETRY),
    BOTH("57P05", FAULT_RETRY),
    BOTH("58030", FAULT_RETRY),
    BOTH("58P01", FAULT_RETRY),
    BOTH("XX000", FAULT_RETRY),
    BOTH("XX001", FAULT_RETRY),
    BOTH("00000", FAULT_RETRY),
    BOTH("0L000", FAULT_RETRY),
    BOTH("P1000", FAULT_RETRY),
    BOTH("HV000", FAULT_RETRY),
    /* No state at all: the connection broke. */
    BOTH("", FAULT_RETRY),
    BOTH("2", FAULT_RETRY),
    BOTH("9", FAULT_RETRY)};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_number(cases[i].state, sqlstate_kind(cases[i].state, true), cases[i].named);
        check_number(cases[i].state, sqlstate_kind(cases[i].state, false), cases[i].unnamed);
    }
}

/* What the table does not know may be one record's doing. */
static void test_known(void **state)
{
    (void)state;
    static const char *const known[] = {"",      "22001", "23514", "P0001", "42P01",
                                        "08006", "40001", "53100", "57P01", "58030",
                                        "XX001", "25006", "55P03"};
    static const char *const unknown[] = {"XX000", "FT001", "38000", "39P01",
                                          "HV000", "2F002", "72000"};
    for (size_t i = 0; i < COUNT(known); i++)
        check_number(known[i], sqlstate_is_known(known[i]), true);
    for (size_t i = 0; i < COUNT(unknown); i++)
        check_number(unknown[i], sqlstate_is_known(unknown[i]), false);
}

/* Nothing ends the process, and nothing is no fault: of every class there could be. */
static void test_every_class(void **state)
{
    (void)state;
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char code[6] = "00000";
    for (size_t i = 0; i < 36; i++) {
        for (size_t j = 0; j < 36; j++) {
            code[0] = digits[i];
            code[1] = digits[j];
            enum fault_kind kind = sqlstate_kind(code, true);
            assert_true(kind == FAULT_RETRY || kind == FAULT_RECORD || kind == FAULT_CONFIG);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_every_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
