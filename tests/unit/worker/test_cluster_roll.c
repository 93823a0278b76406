/*
 * Who is taken for alive: by what was heard, and by no clock of somebody else.
 */
#include "check.h"
#include "cluster_roll.h"

static struct cluster_roll roll;
static int64_t clock_ms;

static void begin(void)
{
    assert_true(cluster_roll_init(&roll, STR("a:1"), STR("one")));
    clock_ms = 1000000;
}

static void hear(const char *id, const char *instance, int64_t age_ms)
{
    assert_true(cluster_roll_hear(&roll, str_from(id), str_from(instance), age_ms, clock_ms));
}

/* So many seconds pass in which only we are heard. */
static void alone(int seconds)
{
    for (int i = 0; i < seconds; i += 3) {
        clock_ms += 3000;
        hear("a:1", "one", 0);
    }
}

static void check_live(const char *want)
{
    str id[CLUSTER_MEMBER_LIMIT];
    char got[1000] = "";
    size_t count = cluster_roll_live(&roll, id), used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%.*s", i ? " " : "",
                                 STR_ARG(id[i]));
    check_text("live", str_from(got), want);
}

static void test_who_was_not_heard_is_not_there(void **state)
{
    (void)state;
    begin();
    check_live("");
    hear("a:1", "one", 0);
    check_live("a:1");
    hear("b:1", "x", 0);
    check_live("a:1 b:1");
}

static void test_silence_for_15_seconds_is_death(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    hear("b:1", "x", 0);
    alone(12);
    check_live("a:1 b:1");
    alone(3);
    check_live("a:1");
    hear("b:1", "x", 0);
    check_live("a:1 b:1");
}

static void test_what_was_there_before_counts_by_its_age(void **state)
{
    (void)state;
    begin();
    hear("b:1", "x", 4000);
    hear("c:1", "x", 15000);
    hear("a:1", "one", 0);
    check_live("a:1 b:1");
    alone(9);
    check_live("a:1 b:1");
    alone(3);
    check_live("a:1");
}

static void test_an_outage_kills_nobody(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    hear("b:1", "x", 0);
    clock_ms += 600000;
    check_live("a:1 b:1");
    hear("a:1", "one", 0);
    check_live("a:1 b:1");
    alone(6);
    check_live("a:1 b:1");
    alone(3);
    check_live("a:1");
}

static void test_who_leaves_is_gone_at_once(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    hear("b:1", "x", 0);
    cluster_roll_leave(&roll, STR("b:1"));
    check_live("a:1");
    cluster_roll_leave(&roll, STR("a:1")); /* nobody else can say that of us */
    cluster_roll_leave(&roll, STR("d:1"));
    check_live("a:1");
    hear("b:1", "y", 0);
    check_live("a:1 b:1");
}

static void test_what_another_instance_said_does_not_count(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    hear("b:1", "x", 0);
    assert_true(cluster_roll_lives(&roll, STR("b:1"), STR("x")));
    assert_true(cluster_roll_lives(&roll, STR("a:1"), STR("one")));
    assert_false(cluster_roll_lives(&roll, STR("a:1"), STR("zero")));
    hear("b:1", "y", 0);
    assert_false(cluster_roll_lives(&roll, STR("b:1"), STR("x")));
    assert_true(cluster_roll_lives(&roll, STR("b:1"), STR("y")));
    assert_false(cluster_roll_lives(&roll, STR("c:1"), STR("y")));
}

static void test_two_under_one_name_are_noticed(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    assert_false(cluster_roll_hear(&roll, STR("a:1"), STR("two"), 0, clock_ms));
    check_live("a:1");
}

static void test_changes_are_counted(void **state)
{
    (void)state;
    begin();
    hear("a:1", "one", 0);
    hear("b:1", "x", 0);
    uint64_t before = roll.changes;
    alone(12);
    hear("b:1", "x", 0);
    check_number("none", (int64_t)(roll.changes - before), 0);
    alone(15);
    check_number("a death", (int64_t)(roll.changes - before), 1);
    hear("b:1", "x", 0);
    check_number("a birth", (int64_t)(roll.changes - before), 2);
}

static void test_names_without_end_find_their_limit(void **state)
{
    char id[CLUSTER_ID_LIMIT + 100];
    (void)state;
    begin();
    hear("a:1", "one", 0);
    for (int i = 0; i < 3 * CLUSTER_MEMBER_LIMIT; i++) {
        snprintf(id, sizeof(id), "w%d:1", i);
        hear(id, "x", 0);
    }
    str live[CLUSTER_MEMBER_LIMIT];
    check_number("live", (int64_t)cluster_roll_live(&roll, live), CLUSTER_MEMBER_LIMIT);
    alone(15);
    check_live("a:1");
    hear("late:1", "x", 0);
    check_live("a:1 late:1");
    memset(id, 'x', sizeof(id) - 1);
    id[sizeof(id) - 1] = '\0';
    hear(id, "x", 0);
    check_live("a:1 late:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_was_not_heard_is_not_there),
        cmocka_unit_test(test_silence_for_15_seconds_is_death),
        cmocka_unit_test(test_what_was_there_before_counts_by_its_age),
        cmocka_unit_test(test_an_outage_kills_nobody),
        cmocka_unit_test(test_who_leaves_is_gone_at_once),
        cmocka_unit_test(test_what_another_instance_said_does_not_count),
        cmocka_unit_test(test_two_under_one_name_are_noticed),
        cmocka_unit_test(test_changes_are_counted),
        cmocka_unit_test(test_names_without_end_find_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
