/*
 * Which records have a letter: nothing is ever said to have one that has none.
 */
#include "check.h"

#include "letter_set.h"
#include "mem.h"

static struct position at(uint32_t lane, int64_t mark)
{
    return (struct position){lane, mark};
}

static void test_states(void **state)
{
    (void)state;
    struct letter_set set = {0};
    check_number("empty", letter_set_has(&set, at(0, 1)), false);
    letter_set_add(&set, at(0, 1));
    letter_set_add(&set, at(1, 1));
    check_number("added", letter_set_has(&set, at(0, 1)), true);
    check_number("another lane", letter_set_has(&set, at(2, 1)), false);
    letter_set_roll_back(&set);
    check_number("rolled back", letter_set_has(&set, at(0, 1)), false);
    letter_set_add(&set, at(0, 1));
    letter_set_commit(&set);
    letter_set_roll_back(&set);
    check_number("durable", letter_set_has(&set, at(0, 1)), true);
    letter_set_clear(&set);
    check_number("cleared", letter_set_has(&set, at(0, 1)), false);
    letter_set_release(&set);
}

/* Many more than there is room for: those added last are known, none that was not added is. */
static void test_many(void **state)
{
    (void)state;
    struct letter_set set = {0};
    for (int64_t i = 0; i < 5 * LETTER_SET_LIMIT; i++) {
        letter_set_add(&set, at((uint32_t)(i % 3), 2 * i));
        assert_true(letter_set_has(&set, at((uint32_t)(i % 3), 2 * i)));
        assert_false(letter_set_has(&set, at((uint32_t)(i % 3), 2 * i + 1)));
        assert_true(set.count <= LETTER_SET_LIMIT);
    }
    letter_set_release(&set);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct letter_set set = {0};
    mem_fail_at(1);
    letter_set_add(&set, at(0, 1));
    mem_fail_at(0);
    assert_false(letter_set_has(&set, at(0, 1)));
    letter_set_commit(&set);
    letter_set_roll_back(&set);
    letter_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_states), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
