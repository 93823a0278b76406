/*
 * Replay into a target in memory: what is written, and what is not.
 */
#include "temp.h"

#include "dead_letter.h"
#include "log.h"
#include "replay.h"

#define OFFSETS 2000

/* What the target holds of each offset. */
static struct {
    struct sink sink;
    bool left_out[OFFSETS], replayed[OFFSETS], put[OFFSETS];
    unsigned rows[OFFSETS], waiting[OFFSETS], said[OFFSETS];
    int64_t bad;
} target;

static bool target_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                          size_t count, struct fault *fault)
{
    (void)sink, (void)fault;
    memset(target.waiting, 0, sizeof(target.waiting));
    for (size_t i = 0; i < count; i++) {
        check_text("topic", lane[i].topic, "t");
        memory[i] = (struct memory){target.replayed[lane[i].next] ? lane[i].next : OFFSET_NONE,
                                    TIME_UNKNOWN, 0,
                                    target.left_out[lane[i].next] ? lane[i].next : OFFSET_NONE};
    }
    return true;
}

static bool target_put(struct sink *sink, const struct batch *batch, const struct row *row,
                       size_t count, struct fault *fault)
{
    (void)sink, (void)batch, (void)fault;
    target.waiting[row->change->record->offset] += (unsigned)count;
    return true;
}

static bool target_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                         size_t count, struct fault *fault)
{
    (void)sink;
    if (target.bad >= 0 && target.waiting[target.bad] > 0)
        return fault_set(fault, FAULT_RECORD, "bad");
    for (size_t i = 0; i < count; i++) {
        int64_t offset = lane[reach[i].lane].next;
        assert_false(target.replayed[offset]);
        target.replayed[offset] = true;
        target.rows[offset] += target.waiting[offset];
        target.waiting[offset] = 0;
    }
    return true;
}

static void target_stop(struct sink *sink)
{
    (void)sink;
}

static const struct sink_type target_type = {.name = "memory",
                                             .remembers = true,
                                             .recall = target_recall,
                                             .claim = target_recall,
                                             .put = target_put,
                                             .flush = target_flush,
                                             .stop = target_stop};

static struct sink *target_create(const struct sink_context *context, struct fault *fault)
{
    (void)context, (void)fault;
    return &target.sink;
}

static const struct sink_class class = {.name = "MemorySink", .create_replay = target_create};

/* A letter of each of these offsets, in this order. */
static void write_letters(const struct temp *file, const int64_t *offset, size_t count)
{
    struct fault fault = {0}, cause = {0};
    fault_set(&cause, FAULT_RECORD, "it was bad");
    struct dead_letters *letters = dead_letters_open(str_from(file->name), &fault);
    check_good("open", letters != NULL, &fault);
    letters->connector = STR("c");
    for (size_t i = 0; i < count; i++) {
        struct record record = {
            .topic = STR("t"),
            .offset = offset[i],
            .time_us = TIME_UNKNOWN,
            .has_value = true,
            .value = STR("{\"after\":{\"id\":1,\"a\":1,\"b\":2},\"op\":\"c\"}")};
        struct dead_letter letter = {&record, STR("t[0]"), STAGE_PUT, "memory", &cause};
        check_good("add", dead_letters_add(letters, &letter, &fault), &fault);
    }
    check_good("flush", dead_letters_flush(letters, &fault), &fault);
    dead_letters_close(letters);
}

static void say(const struct letter *letter, const struct fault *cause)
{
    if (!cause)
        target.said[letter->record.offset]++;
}

static struct replay_counts replay(const struct temp *file)
{
    struct connector connector = {.name = STR("c"), .sink_class = &class};
    struct replay_counts counts;
    struct fault fault = {0};
    char options[5000];
    snprintf(options, sizeof(options),
             "pivot.fields=a,b;pivot.keys=id;errors.deadletterqueue.file=%s", file->name);
    arena_init(&connector.arena, TEST_BYTES);
    config_from(&connector.config, &connector.arena, options);
    check_good("replay", replay_run(&connector, say, &counts, &fault), &fault);
    arena_release(&connector.arena);
    return counts;
}

static void start(struct temp *file)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    memset(&target, 0, sizeof(target));
    target.sink.type = &target_type;
    target.bad = -1;
    temp_make(file, STR_EMPTY);
}

/* The connector is not past 2, and has written 3 after its letter: neither is the replay's. */
static void test_only_what_was_left_out(void **state)
{
    (void)state;
    static const int64_t letters[] = {0, 1, 1, 2, 3};
    struct temp file;
    start(&file);
    write_letters(&file, letters, COUNT(letters));
    target.left_out[0] = target.left_out[1] = true;
    struct replay_counts counts = replay(&file);
    check_number("letters", (int64_t)counts.letters, 5);
    check_number("written", (int64_t)counts.written, 2);
    check_number("known", (int64_t)counts.known, 1);
    check_number("not left out", (int64_t)counts.not_left_out, 2);
    check_number("row", target.rows[1], 2);
    assert_true(target.said[2] == 1 && target.said[3] == 1 && target.said[0] == 0);
    assert_true(target.rows[2] == 0 && target.rows[3] == 0);
    target.left_out[2] = true; /* the connector got there, and it is still bad */
    counts = replay(&file);
    check_number("written then", (int64_t)counts.written, 1);
    check_number("known then", (int64_t)counts.known, 3);
    check_number("not left out then", (int64_t)counts.not_left_out, 1);
    for (int64_t i = 0; i < 4; i++)
        check_number("rows", target.rows[i], i < 3 ? 2 : 0);
    temp_remove(&file);
}

/* Over several chunks, with one that is still refused in the middle. */
static void test_many(void **state)
{
    (void)state;
    static int64_t letters[OFFSETS];
    struct temp file;
    start(&file);
    for (size_t i = 0; i < OFFSETS; i++) {
        letters[i] = (int64_t)i;
        target.left_out[i] = i % 3 != 0;
    }
    write_letters(&file, letters, OFFSETS);
    target.bad = 1000;
    struct replay_counts counts = replay(&file);
    check_number("refused", (int64_t)counts.refused, 1);
    check_number("not left out", (int64_t)counts.not_left_out, 667);
    check_number("written", (int64_t)counts.written, OFFSETS - 667 - 1);
    target.bad = -1;
    check_number("the refused one", (int64_t)replay(&file).written, 1);
    for (size_t i = 0; i < OFFSETS; i++)
        check_number("rows", target.rows[i], i % 3 != 0 ? 2 : 0);
    temp_remove(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_was_left_out),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
