/*
 * Samples of the last hour.
 */
#include "check.h"

#include <math.h>

#include <fieldtrail/record.h>

#include "history.h"
#include "mem.h"

static void take(struct history *history, int64_t second, uint64_t events, uint64_t rows,
                 int64_t delay_us)
{
    struct reading reading = {events, rows, (int64_t)(events / 10), delay_us};
    history_take(history, second * 1000, &reading);
}

static void check_sample(const struct history *history, size_t n, float events, float rows,
                         float behind)
{
    struct sample sample = history_at(history, n);
    check_number("events", (int64_t)sample.events, (int64_t)events);
    check_number("rows", (int64_t)sample.rows, (int64_t)rows);
    check_number("behind", (int64_t)sample.behind, (int64_t)behind);
}

static void test_rates(void **state)
{
    (void)state;
    struct history history = {0};
    take(&history, 100, 1000, 500, TIME_UNKNOWN);
    check_number("only begun", (int64_t)history.count, 0);
    take(&history, 104, 9999, 9999, TIME_UNKNOWN);
    check_number("too soon", (int64_t)history.count, 0);
    take(&history, 105, 1500, 600, 2500000);
    check_sample(&history, 0, 100, 20, 150);
    assert_true(history_at(&history, 0).delay == 2.5f);
    /* Nothing was written: no delay. The counters began anew. */
    take(&history, 110, 1500, 600, 2500000);
    check_sample(&history, 1, 0, 0, 150);
    assert_true(isnan(history_at(&history, 1).delay));
    take(&history, 115, 50, 10, TIME_UNKNOWN);
    check_sample(&history, 2, 10, 2, 5);
    assert_true(isnan(history_at(&history, 2).delay));
    history_release(&history);
}

/* Periods without a look are gaps, and the rate is over the whole time. */
static void test_gap(void **state)
{
    (void)state;
    struct history history = {0};
    take(&history, 100, 0, 0, TIME_UNKNOWN);
    take(&history, 120, 400, 200, TIME_UNKNOWN);
    check_number("samples", (int64_t)history.count, 4);
    for (size_t i = 0; i < 3; i++)
        assert_true(isnan(history_at(&history, i).events));
    check_sample(&history, 3, 20, 10, 40);
    take(&history, 1000000, 400, 200, TIME_UNKNOWN);
    check_number("all gaps but one", (int64_t)history.count, HISTORY_SAMPLES);
    assert_true(isnan(history_at(&history, HISTORY_SAMPLES - 2).rows));
    check_sample(&history, HISTORY_SAMPLES - 1, 0, 0, 40);
    history_release(&history);
}

/* An hour, and no more. */
static void test_full(void **state)
{
    (void)state;
    struct history history = {0};
    for (int i = 0; i <= 2 * HISTORY_SAMPLES + 3; i++)
        take(&history, 5 * i, (uint64_t)(i * i), 0, TIME_UNKNOWN);
    check_number("samples", (int64_t)history.count, HISTORY_SAMPLES);
    /* i*i grows by 2i-1 in five seconds. */
    for (size_t i = 0; i < HISTORY_SAMPLES; i++)
        check_sample(&history, i, (float)(2 * (HISTORY_SAMPLES + 4 + (int)i) - 1) / 5.0f, 0,
                     (float)((HISTORY_SAMPLES + 4 + (int)i) * (HISTORY_SAMPLES + 4 + (int)i) / 10));
    history_release(&history);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct history history = {0};
    mem_fail_at(1);
    take(&history, 5, 0, 0, TIME_UNKNOWN);
    mem_fail_at(0);
    check_number("samples", (int64_t)history.count, 0);
    take(&history, 10, 0, 0, TIME_UNKNOWN);
    take(&history, 15, 5, 0, TIME_UNKNOWN);
    check_number("later", (int64_t)history.count, 1);
    history_release(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
