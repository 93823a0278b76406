/*
 * Which worker gets which task: agreement whatever the order, balance, and that nothing moves
 * without need.
 */
#include "check.h"
#include "placement.h"

#define WORKERS 5
#define CONNECTORS 400
#define TASKS 5

static char names[WORKERS][32];
static str workers[WORKERS];

static void name_workers(void)
{
    for (int i = 0; i < WORKERS; i++) {
        snprintf(names[i], sizeof(names[i]), "10.0.0.%d:8083", i + 1);
        workers[i] = str_from(names[i]);
    }
}

/* The owner's name of each task; `skip` is a worker that is not there, -1: all are. */
static void place(int skip, str owner[CONNECTORS][TASKS])
{
    str there[WORKERS];
    size_t count = 0;
    for (int i = 0; i < WORKERS; i++)
        if (i != skip)
            there[count++] = workers[i];
    for (int i = 0; i < CONNECTORS; i++) {
        char connector[32];
        snprintf(connector, sizeof(connector), "connector-%d", i);
        for (int task = 0; task < TASKS; task++)
            owner[i][task] = there[placement_of(there, count, str_from(connector), task)];
    }
}

static void test_nobody_is_nowhere(void **state)
{
    (void)state;
    assert_true(placement_of(NULL, 0, STR("c"), 0) == PLACEMENT_NOWHERE);
}

static void test_one_gets_all(void **state)
{
    (void)state;
    for (int task = PLACEMENT_CONNECTOR; task < 300; task++)
        assert_int_equal(placement_of(workers, 1, STR("c"), task), 0);
}

static void test_the_order_of_workers_means_nothing(void **state)
{
    (void)state;
    str turned[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        turned[i] = workers[WORKERS - 1 - i];
    for (int task = PLACEMENT_CONNECTOR; task < 300; task++)
        check_str("owner", turned[placement_of(turned, WORKERS, STR("c"), task)],
                  workers[placement_of(workers, WORKERS, STR("c"), task)]);
}

static void test_a_lost_worker_moves_only_its_tasks(void **state)
{
    static str before[CONNECTORS][TASKS], after[CONNECTORS][TASKS];
    (void)state;
    place(-1, before);
    for (int lost = 0; lost < WORKERS; lost++) {
        place(lost, after);
        for (int i = 0; i < CONNECTORS; i++)
            for (int task = 0; task < TASKS; task++)
                if (!str_eq(before[i][task], workers[lost]))
                    check_str("kept", after[i][task], before[i][task]);
                else
                    assert_false(str_eq(after[i][task], workers[lost]));
    }
}

/* 2,000 tasks on five workers: 400 each, give or take four deviations of a fair draw (18). */
static void test_tasks_are_spread_evenly(void **state)
{
    static str owner[CONNECTORS][TASKS];
    int count[WORKERS] = {0};
    (void)state;
    place(-1, owner);
    for (int i = 0; i < CONNECTORS; i++)
        for (int task = 0; task < TASKS; task++)
            for (int worker = 0; worker < WORKERS; worker++)
                count[worker] += str_eq(owner[i][task], workers[worker]);
    for (int worker = 0; worker < WORKERS; worker++)
        assert_in_range(count[worker], 328, 472);
}

/* The tasks of one connector do not cling together: of 400 connectors with five tasks none should
   be wholly on one worker but by a chance of 0.6. */
static void test_tasks_of_one_connector_part(void **state)
{
    static str owner[CONNECTORS][TASKS];
    int together = 0;
    (void)state;
    place(-1, owner);
    for (int i = 0; i < CONNECTORS; i++) {
        bool same = true;
        for (int task = 1; task < TASKS; task++)
            same = same && str_eq(owner[i][task], owner[i][0]);
        together += same;
    }
    assert_in_range(together, 0, 5);
}

/* Workers of different builds must agree: these were worked out once, and must never change. */
static void test_placement_is_part_of_the_contract(void **state)
{
    (void)state;
    static const int want[] = {0, 3, 4, 4, 4, 1, 0, 3};
    for (int task = 0; task < (int)COUNT(want); task++)
        check_number("owner", (int64_t)placement_of(workers, WORKERS, STR("holding"), task),
                     want[task]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_nowhere),
        cmocka_unit_test(test_one_gets_all),
        cmocka_unit_test(test_the_order_of_workers_means_nothing),
        cmocka_unit_test(test_a_lost_worker_moves_only_its_tasks),
        cmocka_unit_test(test_tasks_are_spread_evenly),
        cmocka_unit_test(test_tasks_of_one_connector_part),
        cmocka_unit_test(test_placement_is_part_of_the_contract),
    };
    name_workers();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
