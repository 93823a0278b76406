/*
 * Back-off: bounds, the cap, jitter and the timeout.
 */
#include "check.h"

#include "retry.h"

/* Doublings of 100 ms, as a person would count them. */
static int64_t whole_delay(unsigned attempt, int64_t cap)
{
    int64_t delay = 100;
    for (unsigned i = 0; i < attempt && delay < cap; i++)
        delay *= 2;
    return delay < cap ? delay : cap;
}

static void test_bounds(void **state)
{
    (void)state;
    static const int64_t caps[] = {1, 100, 101, 150, 1000, 60000, 3600000};
    for (size_t c = 0; c < COUNT(caps); c++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            struct retry retry = {.delay_max_ms = caps[c], .timeout_ms = -1, .seed = seed};
            for (unsigned i = 0; i < 100; i++) {
                int64_t wait = -1, whole = whole_delay(i, caps[c]);
                assert_true(retry_after_failure(&retry, 1000 * (int64_t)i, &wait));
                assert_in_range(wait, whole / 2, whole);
            }
        }
    }
}

/* Both ends of the range come up, and waits spread over it: tasks do not come back all at once. */
static void test_jitter(void **state)
{
    (void)state;
    bool seen[101] = {false};
    size_t different = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct retry retry = {
            .delay_max_ms = 60000, .timeout_ms = -1, .seed = seed * 2654435761u + 12345};
        int64_t wait = 0;
        assert_true(retry_after_failure(&retry, 0, &wait));
        seen[wait] = true;
    }
    for (size_t i = 0; i <= 100; i++) {
        different += seen[i];
        assert_true(i >= 50 || !seen[i]);
    }
    check_number("waits of the first failure", (int64_t)different, 51);
}

/* One task's waits differ from attempt to attempt at the cap. */
static void test_jitter_at_cap(void **state)
{
    (void)state;
    struct retry retry = {.delay_max_ms = 100, .timeout_ms = -1, .seed = 7};
    bool seen[101] = {false};
    size_t different = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t wait = 0;
        assert_true(retry_after_failure(&retry, i, &wait));
        seen[wait] = true;
    }
    for (size_t i = 0; i <= 100; i++)
        different += seen[i];
    assert_true(different > 40);
}

static void test_success_starts_over(void **state)
{
    (void)state;
    struct retry retry = {.delay_max_ms = 60000, .timeout_ms = 1000, .seed = 3};
    int64_t wait = 0;
    for (int round = 0; round < 3; round++) {
        int64_t began = 5000 * round;
        for (unsigned i = 0; i < 5; i++) {
            assert_true(retry_after_failure(&retry, began + 199 * (int64_t)i, &wait));
            assert_in_range(wait, whole_delay(i, 60000) / 2, whole_delay(i, 60000));
        }
        retry_succeeded(&retry);
        retry_succeeded(&retry);
    }
}

/* The timeout counts from the first failure of a row of them. */
static void test_timeout(void **state)
{
    (void)state;
    static const struct {
        int64_t timeout, began, now;
        bool good;
    } cases[] = {{-1, 0, INT64_MAX / 2, true}, {0, 500, 500, false},
                 {1, 500, 500, true},          {1, 500, 501, false},
                 {1000, 0, 999, true},         {1000, 0, 1000, false},
                 {1000, 0, 1001, false},       {1000, -700, 299, true},
                 {1000, -700, 300, false},     {INT64_MAX / 2, 0, INT64_MAX / 4, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct retry retry = {.delay_max_ms = 1000, .timeout_ms = cases[i].timeout};
        int64_t wait = 0;
        bool good = retry_after_failure(&retry, cases[i].began, &wait)
                    && retry_after_failure(&retry, cases[i].now, &wait);
        check_number("case", good ? (int64_t)i : -1, cases[i].good ? (int64_t)i : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),        cmocka_unit_test(test_jitter),
        cmocka_unit_test(test_jitter_at_cap), cmocka_unit_test(test_success_starts_over),
        cmocka_unit_test(test_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
