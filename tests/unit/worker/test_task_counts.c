/*
 * Numbers of tasks and their sums.
 */
#include "check.h"

#include "task_counts.h"

static void test_histogram(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    histogram_add(&histogram, flush_rows_bound, 0);
    histogram_add(&histogram, flush_rows_bound, 1);
    histogram_add(&histogram, flush_rows_bound, 2);
    histogram_add(&histogram, flush_rows_bound, 10);
    histogram_add(&histogram, flush_rows_bound, 1000001);
    check_number("up to 0", (int64_t)histogram.bucket[0], 1);
    check_number("up to 1", (int64_t)histogram.bucket[1], 1);
    check_number("up to 10", (int64_t)histogram.bucket[2], 2);
    check_number("above all", (int64_t)histogram.bucket[HISTOGRAM_BOUNDS], 1);
    check_number("sum", (int64_t)histogram.sum, 1000014);
}

static void test_bounds_rise(void **state)
{
    (void)state;
    for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++) {
        assert_true(flush_seconds_bound[i] > flush_seconds_bound[i - 1]);
        assert_true(flush_rows_bound[i] > flush_rows_bound[i - 1]);
    }
}

/* Every number of a sum is the sum: all bytes of two alike, added, are twice as much. */
static void test_sum(void **state)
{
    (void)state;
    struct task_counts one, sum;
    task_counts_init(&one);
    for (size_t i = 0; i < CHANGE_OP_COUNT; i++)
        one.changes[i] = i + 1;
    for (size_t i = 0; i < CAUSE_COUNT; i++)
        one.letters[i] = 10 + i;
    one.unknown_old = 20;
    one.unavailable = 21;
    one.altered = 22;
    one.split = 23;
    one.rows = 24;
    one.bytes = 25;
    one.retries = 26;
    one.rebalances = 27;
    one.skipped = (struct decoder_counts){30, 31, 32, 33, 34, 35};
    histogram_add(&one.flush_rows, flush_rows_bound, 5);
    histogram_add(&one.flush_seconds, flush_seconds_bound, 0.5);
    task_counts_init(&sum);
    task_counts_add(&sum, &one);
    assert_memory_equal(&sum, &one, sizeof(sum));
    task_counts_add(&sum, &one);
    check_number("read", (int64_t)sum.changes[CHANGE_READ], 2);
    check_number("messages", (int64_t)sum.changes[CHANGE_MESSAGE], 12);
    check_number("target", (int64_t)sum.letters[CAUSE_TARGET], 26);
    check_number("rows", (int64_t)sum.rows, 48);
    check_number("bytes", (int64_t)sum.bytes, 50);
    check_number("retries", (int64_t)sum.retries, 52);
    check_number("rebalances", (int64_t)sum.rebalances, 54);
    check_number("signals", (int64_t)sum.skipped.signals, 70);
    check_number("sum of rows", (int64_t)sum.flush_rows.sum, 10);
}

/* Of several tasks the slowest leg is shown, and none where no time is known. */
static void test_legs(void **state)
{
    (void)state;
    struct task_counts sum, more;
    task_counts_init(&sum);
    task_counts_init(&more);
    more.leg_us[LEG_BROKER_SINK] = 5;
    task_counts_add(&sum, &more);
    more.leg_us[LEG_BROKER_SINK] = 3;
    task_counts_add(&sum, &more);
    check_number("the longer one", sum.leg_us[LEG_BROKER_SINK], 5);
    assert_true(sum.leg_us[LEG_CONNECTOR_BROKER] == TIME_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_bounds_rise),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_legs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
