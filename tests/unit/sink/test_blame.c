/*
 * Lines and the records they came from.
 */
#include "check.h"

#include "blame.h"
#include "mem.h"

static void check_line(const struct blame *blame, int64_t line, int64_t mark)
{
    struct position at = {9, -1};
    bool found = blame_find(blame, line, &at);
    check_number("found", found, mark >= 0);
    check_number("record", at.mark, mark);
}

static void test_lines(void **state)
{
    (void)state;
    struct blame blame = {0};
    check_line(&blame, 1, -1);
    blame_add(&blame, (struct position){0, 10}, 1);
    blame_add(&blame, (struct position){0, 11}, 0);
    blame_add(&blame, (struct position){1, 12}, 3);
    blame_add(&blame, (struct position){0, 13}, 2);
    static const int64_t want[] = {-1, 10, 12, 12, 12, 13, 13, -1};
    for (size_t i = 0; i < COUNT(want); i++)
        check_line(&blame, (int64_t)i, want[i]);
    check_line(&blame, -5, -1);
    blame_clear(&blame);
    check_line(&blame, 1, -1);
    blame_add(&blame, (struct position){0, 20}, 1);
    check_line(&blame, 1, 20);
    blame_release(&blame);
}

/* Many records, against a walk; and the n-th allocation fails: then nothing behind it is known, and
   nothing wrong is said. */
static void test_many(void **state)
{
    (void)state;
    for (uint64_t nth = 0; nth < 6; nth++) {
        struct blame blame = {0};
        int64_t line = 0;
        mem_fail_at(nth);
        for (int64_t i = 0; i < 3000; i++)
            blame_add(&blame, (struct position){0, i}, (size_t)(i % 4));
        mem_fail_at(0);
        for (int64_t i = 0; i < 3000; i++) {
            for (int64_t copy = 0; copy < i % 4; copy++) {
                struct position at;
                line++;
                if (blame_find(&blame, line, &at))
                    check_number("record", at.mark, i);
                else
                    assert_true(nth > 0 && blame.lost);
            }
        }
        assert_true(nth == 0 || blame.lost || nth > 4);
        blame_release(&blame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
