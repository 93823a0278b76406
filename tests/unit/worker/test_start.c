/*
 * Where reading begins: every rule, and its edges.
 */
#include "check.h"

#include "start.h"

#define NONE OFFSET_NONE
#define LANES 4

/* A lane of topic `topic` (0: no lane); `mine` is a for assigned, i for incoming, - for neither. */
struct spec {
    char topic, mine;
    int64_t low, high, committed, stored, want;
};

/* Of sinks; false and true below are the first two. */
enum kind { FORGETS, REMEMBERS, LEADS };

struct start_case {
    const char *what;
    enum kind kind;
    enum start_reset reset;
    struct spec lane[LANES];
    const char *part; /* of the fault; NULL: there is none */
};

static const struct start_case cases[] = {
    {"no lane at all", true, START_NONE, {{0}}, NULL},
    /* Nobody knows anything: the reset. */
    {"earliest", true, START_EARLIEST, {{'t', 'i', 3, 9, NONE, NONE, 3}}, NULL},
    {"latest", true, START_LATEST, {{'t', 'i', 3, 9, NONE, NONE, 9}}, NULL},
    {"none", true, START_NONE, {{'t', 'i', 3, 9, NONE, NONE, 0}}, "t[0]: no offset is stored and"},
    {"earliest, nothing remembered",
     false,
     START_EARLIEST,
     {{'t', 'i', 3, 9, NONE, NONE, 3}},
     NULL},
    {"latest, nothing remembered", false, START_LATEST, {{'t', 'i', 3, 9, NONE, NONE, 9}}, NULL},
    {"none, nothing remembered",
     false,
     START_NONE,
     {{'t', 'i', 3, 9, NONE, NONE, 0}},
     "auto.offset.reset=none"},
    {"an empty log", true, START_EARLIEST, {{'t', 'i', 0, 0, NONE, NONE, 0}}, NULL},
    {"an empty log, latest", true, START_LATEST, {{'t', 'a', 7, 7, NONE, NONE, 7}}, NULL},
    /* The sink's position wins over everything else. */
    {"stored", true, START_LATEST, {{'t', 'i', 3, 9, NONE, 5, 5}}, NULL},
    {"stored and committed", true, START_NONE, {{'t', 'i', 3, 9, 8, 5, 5}}, NULL},
    {"stored at zero", true, START_LATEST, {{'t', 'i', 0, 9, 8, 0, 0}}, NULL},
    {"stored by a sink that need not", false, START_LATEST, {{'t', 'i', 3, 9, 8, 5, 5}}, NULL},
    /* One that leads is never behind what the source was told. */
    {"leads, ahead", LEADS, START_NONE, {{'t', 'i', 3, 9, 5, 8, 8}}, NULL},
    {"leads, level", LEADS, START_NONE, {{'t', 'i', 3, 9, 8, 8, 8}}, NULL},
    {"leads, nothing committed", LEADS, START_NONE, {{'t', 'i', 3, 9, NONE, 8, 8}}, NULL},
    {"leads, behind, not ours", LEADS, START_NONE, {{'t', '-', 3, 9, 8, 5, 5}}, NULL},
    {"leads, behind",
     LEADS,
     START_NONE,
     {{'t', 'i', 3, 9, 8, 5, 0}},
     "t[0]: the target stands at offset 5, behind the consumer group's 8: other or restored "
     "target"},
    {"leads, behind, already ours",
     LEADS,
     START_NONE,
     {{'t', 'a', 3, 9, 8, 7, 0}},
     "other or restored target"},
    /* It must lie within the log, both ends included. */
    {"stored at the beginning", true, START_NONE, {{'t', 'i', 3, 9, NONE, 3, 3}}, NULL},
    {"stored at the end", true, START_NONE, {{'t', 'i', 3, 9, NONE, 9, 9}}, NULL},
    {"stored before the beginning",
     true,
     START_EARLIEST,
     {{'t', 'i', 3, 9, NONE, 2, 0}},
     "t[0]: the stored offset 2 is outside the log (3 to 9)"},
    {"stored after the end",
     true,
     START_LATEST,
     {{'t', 'a', 3, 9, NONE, 10, 0}},
     "t[0]: the stored offset 10 is outside the log (3 to 9)"},
    {"stored outside, but not ours",
     true,
     START_NONE,
     {{'t', '-', 3, 9, NONE, 2, 2}, {'t', 'i', 3, 9, NONE, 4, 4}},
     NULL},
    {"an emptied log", true, START_EARLIEST, {{'t', 'i', 9, 9, NONE, 5, 0}}, "outside the log"},
    /* A partition without a position in a topic that has some is new. */
    {"new partition",
     true,
     START_LATEST,
     {{'t', 'i', 3, 9, NONE, 5, 5}, {'t', 'i', 2, 8, NONE, NONE, 2}},
     NULL},
    {"new partition, in front",
     true,
     START_NONE,
     {{'t', 'i', 2, 8, NONE, NONE, 2}, {'t', '-', 3, 9, NONE, 5, 5}},
     NULL},
    {"new partition, group ahead",
     true,
     START_LATEST,
     {{'t', 'i', 3, 9, 7, 5, 5}, {'t', 'i', 2, 8, 6, NONE, 2}},
     NULL},
    {"another topic has some",
     true,
     START_LATEST,
     {{'t', 'i', 3, 9, NONE, 5, 5}, {'u', 'i', 2, 8, NONE, NONE, 8}},
     NULL},
    {"new partition by the group",
     false,
     START_LATEST,
     {{'t', 'i', 3, 9, 5, NONE, 5}, {'t', 'i', 2, 8, NONE, NONE, 2}},
     NULL},
    {"another topic by the group",
     false,
     START_LATEST,
     {{'t', 'i', 3, 9, 5, NONE, 5}, {'u', 'i', 2, 8, NONE, NONE, 8}},
     NULL},
    {"none is for topics, not for partitions",
     false,
     START_NONE,
     {{'t', '-', 3, 9, 5, NONE, 5}, {'t', 'i', 2, 8, NONE, NONE, 2}},
     NULL},
    /* The group knows the topic and the sink does not: another target. */
    {"another target",
     true,
     START_EARLIEST,
     {{'t', 'i', 3, 9, 5, NONE, 0}},
     "the consumer group has offsets of t, but the target has none"},
    {"another target, by another partition",
     true,
     START_LATEST,
     {{'t', 'i', 3, 9, NONE, NONE, 0}, {'t', '-', 3, 9, 5, NONE, 0}},
     "other or restored target"},
    {"another target, by a group at zero",
     true,
     START_LATEST,
     {{'t', 'i', 0, 9, 0, NONE, 0}},
     "other or restored target"},
    {"another topic is no other target",
     true,
     START_EARLIEST,
     {{'t', 'i', 3, 9, 5, 4, 4}, {'u', 'i', 2, 8, NONE, NONE, 2}},
     NULL},
    {"another topic is another target",
     true,
     START_EARLIEST,
     {{'t', 'i', 3, 9, 5, 4, 4}, {'u', 'i', 2, 8, 5, NONE, 0}},
     "offsets of u,"},
    /* The group's word counts where the sink remembers nothing. */
    {"committed", false, START_LATEST, {{'t', 'i', 3, 9, 5, NONE, 5}}, NULL},
    {"committed at the ends",
     false,
     START_NONE,
     {{'t', 'i', 3, 9, 3, NONE, 3}, {'t', 'a', 3, 9, 9, NONE, 9}},
     NULL},
    {"committed before the beginning",
     false,
     START_EARLIEST,
     {{'t', 'i', 3, 9, 2, NONE, 0}},
     "the stored offset 2 is outside the log (3 to 9)"},
    {"committed after the end",
     false,
     START_EARLIEST,
     {{'t', 'i', 3, 9, 10, NONE, 0}},
     "the stored offset 10 is outside the log (3 to 9)"},
    {"committed outside, but not ours",
     false,
     START_EARLIEST,
     {{'t', '-', 3, 9, 2, NONE, 2}, {'t', 'i', 3, 9, 4, NONE, 4}},
     NULL},
    /* A topic that is not described now is left alone. */
    {"not described",
     true,
     START_NONE,
     {{'u', '-', NONE, NONE, 5, NONE, NONE}, {'t', 'i', 3, 9, NONE, 5, 5}},
     NULL},
};

static size_t fill(const struct start_case *test, struct lane *lane, struct memory *memory)
{
    size_t count = 0;
    for (; count < LANES && test->lane[count].topic; count++) {
        const struct spec *spec = &test->lane[count];
        lane[count] = (struct lane){.topic = {&spec->topic, 1},
                                    .partition = (int32_t)count,
                                    .assigned = spec->mine == 'a',
                                    .incoming = spec->mine == 'i',
                                    .low = spec->low,
                                    .high = spec->high,
                                    .committed = spec->committed,
                                    .next = spec->low == NONE ? NONE : 12345,
                                    .last_us = 999};
        memory[count] = (struct memory){spec->stored, TIME_UNKNOWN, 1, OFFSET_NONE};
        if (spec->stored != NONE)
            memory[count].last_us = 1000 + (int64_t)count;
    }
    return count;
}

static void check_case(const struct start_case *test)
{
    struct lane lane[LANES] = {0};
    struct memory memory[LANES] = {0};
    struct fault fault = {0};
    size_t count = fill(test, lane, memory);
    const struct sink_type sink = {.remembers = test->kind != FORGETS,
                                   .leads = test->kind == LEADS};
    bool good = start_resolve(lane, memory, count, &sink, test->reset, &fault);
    if (test->part) {
        check_fault(test->what, good, &fault, FAULT_CONFIG, test->part);
        return;
    }
    check_good(test->what, good, &fault);
    for (size_t i = 0; i < count; i++) {
        const struct spec *spec = &test->lane[i];
        check_number(test->what, lane[i].next, spec->want);
        /* A timestamp is believed of the sink's own position alone. */
        if (spec->low != NONE)
            check_number(test->what, lane[i].last_us,
                         spec->stored == NONE ? TIME_UNKNOWN : 1000 + (int64_t)i);
    }
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_case(&cases[i]);
}

/* Every refusal names a remedy; that of auto.offset.reset=none is part of its rule. */
static void test_remedies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct start_case test = cases[i];
        if (test.part)
            test.part = test.reset == START_NONE ? "" : "fieldtrail offsets CONNECTOR.json set ";
        check_case(&test);
    }
}

/* Who tells the group where a partition begins: t is told, w is waited for, - is neither. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum start_reset reset;
        struct spec lane[LANES];
        const char *want;
    } words[] = {
        {"its own",
         START_EARLIEST,
         {{'t', 'i', 0, 9, NONE, NONE, 0}, {'t', '-', 0, 9, NONE, NONE, 0}},
         "t-"},
        {"its own, not the first",
         START_EARLIEST,
         {{'t', '-', 0, 9, NONE, NONE, 0}, {'t', 'i', 0, 9, NONE, NONE, 0}},
         "-t"},
        {"all",
         START_LATEST,
         {{'t', 'a', 0, 9, NONE, NONE, 0}, {'t', '-', 0, 9, NONE, NONE, 0}},
         "tt"},
        {"all, by the first's owner",
         START_LATEST,
         {{'t', '-', 0, 9, NONE, NONE, 0},
          {'t', 'i', 0, 9, NONE, NONE, 0},
          {'t', 'a', 0, 9, NONE, NONE, 0}},
         "-ww"},
        {"those that are known",
         START_LATEST,
         {{'t', 'i', 0, 9, 4, NONE, 0},
          {'t', 'i', 0, 9, NONE, NONE, 0},
          {'t', '-', 0, 9, NONE, NONE, 0}},
         "-t-"},
        {"a new one",
         START_LATEST,
         {{'t', '-', 0, 9, 4, NONE, 0}, {'t', 'i', 0, 9, NONE, NONE, 0}},
         "-t"},
        {"another topic's",
         START_LATEST,
         {{'t', 'i', 0, 9, 4, NONE, 0}, {'u', '-', 0, 9, NONE, NONE, 0}},
         "--"},
        {"not described",
         START_LATEST,
         {{'t', 'i', 0, 9, NONE, NONE, 0}, {'t', '-', NONE, NONE, NONE, NONE, 0}},
         "t-"},
    };
    static const char letters[] = {
        [START_NOT_TOLD] = '-', [START_TOLD] = 't', [START_AWAITED] = 'w'};
    for (size_t i = 0; i < COUNT(words); i++) {
        struct start_case test = {.what = words[i].what};
        struct lane lane[LANES] = {0};
        struct memory memory[LANES] = {0};
        char got[LANES + 1] = "";
        memcpy(test.lane, words[i].lane, sizeof(test.lane));
        size_t count = fill(&test, lane, memory);
        for (size_t nth = 0; nth < count; nth++)
            got[nth] = letters[start_word(lane, count, nth, words[i].reset)];
        check_text(words[i].what, str_from(got), words[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_remedies),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
