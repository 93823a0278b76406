/*
 * One bad record among 50,000: found by few flushes, whichever it is, and all others are written
 * once, in order.
 */
#include "check.h"

#include "log.h"
#include "task.h"

#define RECORDS 50000
/* 50,000 is below two to the 16th; then it alone is tried, and what stands behind it is written. */
#define TRIES_BY_HALVES 18
/* What stands before it, it alone, and the position behind it. */
#define TRIES_BY_NAME 3

struct lab {
    struct source source;
    struct lane lane[1];
    int64_t read_at;
    struct sink sink;
    struct decoder decoder;
    struct dead_letters letters;
    struct task task;
    struct arena arena;
    struct config config;
    struct fault fault;
    int64_t bad[2];
    bool named;
    int64_t stored, put_at, pending_bad;
    int64_t bad_every; /* besides: one in so many, 0 for none */
    uint64_t written, letters_kept, refused, claims, assigns;
    size_t per_poll;
};

static struct lab lab;

static bool is_bad(int64_t offset)
{
    return offset == lab.bad[0] || offset == lab.bad[1]
           || (lab.bad_every > 0 && offset % lab.bad_every == 0);
}

/* ---- source ---- */

static bool lab_poll(struct source *source, struct batch *batch, int timeout_ms,
                     struct fault *fault)
{
    (void)timeout_ms;
    for (size_t i = 0; i < lab.per_poll && lab.read_at < RECORDS; i++) {
        struct record *record = batch_add_record(batch, fault);
        assert_non_null(record);
        record->at = (struct position){0, lab.read_at};
        record->has_value = true;
        lab.lane[0].next = ++lab.read_at;
    }
    if (source->turn == SOURCE_STEADY && lab.stored == RECORDS)
        lab.task.stop = true;
    return true;
}

static bool lab_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                       struct fault *fault)
{
    (void)source, (void)reach, (void)count, (void)wait, (void)fault;
    return true;
}

static bool lab_beat(struct source *source, struct fault *fault)
{
    (void)source, (void)fault;
    return true;
}

static void lab_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    buf_format(out, "t@%lld", (long long)record->at.mark);
}

static bool lab_describe(struct source *source, struct fault *fault)
{
    (void)source, (void)fault;
    lab.lane[0].low = 0;
    lab.lane[0].high = RECORDS;
    return true;
}

static bool lab_assign(struct source *source, struct fault *fault)
{
    (void)fault;
    lab.assigns++;
    lab.read_at = lab.lane[0].next;
    lab.lane[0].assigned = true;
    lab.lane[0].incoming = false;
    source->turn = SOURCE_STEADY;
    return true;
}

static bool lab_pause(struct source *source, bool paused, struct fault *fault)
{
    (void)source, (void)paused, (void)fault;
    return true;
}

static const struct source_type lab_source = {.name = "lab",
                                              .rewinds = true,
                                              .poll = lab_poll,
                                              .commit = lab_commit,
                                              .beat = lab_beat,
                                              .place = lab_place,
                                              .describe = lab_describe,
                                              .assign = lab_assign,
                                              .pause = lab_pause};

/* ---- decoder: a row a record ---- */

static bool lab_decode(struct decoder *decoder, const struct record *record, struct batch *batch,
                       struct change_list *changes, struct fault *fault)
{
    (void)decoder;
    struct change *change = ARENA_NEW(&batch->arena, struct change, 1);
    if (!change)
        return fault_memory(fault, "a change");
    change->record = record;
    *changes = (struct change_list){change, 1};
    return true;
}

static const struct decoder_type lab_decoder = {.name = "lab", .decode = lab_decode};

static bool lab_rows(void *context, struct change *change, struct batch *batch, struct fault *fault)
{
    (void)context;
    return batch_add_row(batch, (struct row){change, NULL}, fault);
}

/* ---- sink ---- */

static void forget(void)
{
    lab.put_at = lab.stored;
    lab.pending_bad = -1;
}

static bool lab_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                       size_t count, struct fault *fault)
{
    (void)sink, (void)lane, (void)count, (void)fault;
    lab.claims++;
    forget();
    memory[0] = (struct memory){lab.stored, TIME_UNKNOWN, 1, OFFSET_NONE};
    return true;
}

static bool lab_put(struct sink *sink, const struct batch *batch, const struct row *row,
                    size_t count, struct fault *fault)
{
    int64_t offset = row->change->record->at.mark;
    (void)sink, (void)batch, (void)fault;
    check_number("rows", (int64_t)count, 1);
    assert_true(offset >= lab.put_at); /* only letters are passed over */
    lab.put_at = offset + 1;
    if (is_bad(offset) && lab.pending_bad < 0)
        lab.pending_bad = offset;
    return true;
}

static bool lab_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                      size_t count, struct fault *fault)
{
    (void)lane;
    if (lab.pending_bad >= 0) {
        sink->blames = lab.named;
        sink->blamed = (struct position){0, lab.pending_bad};
        lab.refused++;
        forget();
        return fault_set(fault, FAULT_RECORD, "refused");
    }
    for (size_t i = 0; i < count; i++) {
        for (int64_t offset = lab.stored; offset < reach[i].next; offset++)
            lab.written += !is_bad(offset);
        lab.stored = reach[i].next;
    }
    forget();
    return true;
}

static const struct sink_type lab_sink = {.name = "lab",
                                          .remembers = true,
                                          .recall = lab_recall,
                                          .claim = lab_recall,
                                          .put = lab_put,
                                          .flush = lab_flush};

/* ---- letters ---- */

static bool lab_add(struct dead_letters *letters, const struct dead_letter *letter,
                    struct fault *fault)
{
    (void)letters, (void)fault;
    assert_true(is_bad(letter->record->at.mark));
    lab.letters_kept++;
    return true;
}

static bool lab_keep(struct dead_letters *letters, struct fault *fault)
{
    (void)letters, (void)fault;
    return true;
}

static void lab_close(struct dead_letters *letters)
{
    (void)letters;
}

static const struct dead_letters_type lab_letters = {
    .add = lab_add, .flush = lab_keep, .close = lab_close};

/* ---- the runs ---- */

static void run(int64_t first, int64_t second, bool named, const char *tolerance)
{
    char options[200];
    memset(&lab, 0, sizeof(lab));
    log_setup(LOG_ERROR, LOG_TEXT);
    lab.bad[0] = first;
    lab.bad[1] = second;
    lab.named = named;
    lab.per_poll = 1999;
    lab.pending_bad = -1;
    lab.lane[0] = (struct lane){.topic = STR("t"),
                                .incoming = true,
                                .low = OFFSET_NONE,
                                .high = OFFSET_NONE,
                                .committed = OFFSET_NONE,
                                .next = OFFSET_NONE,
                                .last_us = TIME_UNKNOWN};
    lab.source = (struct source){
        .type = &lab_source, .turn = SOURCE_ASSIGNED, .lane = lab.lane, .lane_count = 1};
    lab.sink = (struct sink){.type = &lab_sink};
    lab.decoder = (struct decoder){.type = &lab_decoder};
    lab.letters = (struct dead_letters){.type = &lab_letters};
    arena_init(&lab.arena, TEST_BYTES);
    snprintf(options, sizeof(options),
             "errors.tolerance=%s;batch.rows.max=%d;flush.interval.ms=60000", tolerance, RECORDS);
    config_from(&lab.config, &lab.arena, options);
    lab.task = (struct task){.source = &lab.source,
                             .sink = &lab.sink,
                             .decoder = &lab.decoder,
                             .rows = lab_rows,
                             .letters = &lab.letters};
    check_good("task", task_init(&lab.task, &lab.config, &lab.fault), &lab.fault);
}

static void end(void)
{
    task_release(&lab.task);
    arena_release(&lab.arena);
}

static const int64_t places[] = {0, 1, 2, 12345, 24999, 25000, 25001, 49998, 49999};

static void test_one_of_fifty_thousand(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        for (int named = 0; named < 2; named++) {
            run(places[i], -1, named, "all");
            check_good("run", task_run(&lab.task, &lab.fault), &lab.fault);
            check_number("written", (int64_t)lab.written, RECORDS - 1);
            check_number("letters", (int64_t)lab.letters_kept, 1);
            assert_in_range(lab.task.status.tries, 1, named ? TRIES_BY_NAME : TRIES_BY_HALVES);
            assert_true(lab.claims <= 2 * (TRIES_BY_HALVES + 2));
            end();
        }
    }
}

static void test_two(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT(places); i++) {
        run(places[i], places[i + 1], i % 2, "all");
        check_good("run", task_run(&lab.task, &lab.fault), &lab.fault);
        check_number("written", (int64_t)lab.written, RECORDS - 2);
        check_number("letters", (int64_t)lab.letters_kept, 2);
        assert_true(lab.task.status.tries <= 2 * TRIES_BY_HALVES);
        end();
    }
}

/* Where many are bad, hardly anything is read again: that is what takes time. */
static void test_many(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        run(-1, -1, named, "all");
        lab.bad_every = 20;
        check_good("run", task_run(&lab.task, &lab.fault), &lab.fault);
        check_number("written", (int64_t)lab.written, RECORDS - RECORDS / 20);
        check_number("letters", (int64_t)lab.letters_kept, RECORDS / 20);
        assert_in_range(lab.assigns, 1, 20);
        end();
    }
}

/* Without tolerance everything before the record is written, and it is named. */
static void test_stops_at_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        char place[50];
        run(places[i], -1, i % 2, "none");
        snprintf(place, sizeof(place), "t@%lld", (long long)places[i]);
        check_fault("run", task_run(&lab.task, &lab.fault), &lab.fault, FAULT_RECORD, place);
        check_number("written", (int64_t)lab.written, places[i]);
        check_number("position", lab.stored, places[i]);
        assert_true(lab.task.status.tries <= TRIES_BY_HALVES);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_of_fifty_thousand),
                                       cmocka_unit_test(test_two), cmocka_unit_test(test_many),
                                       cmocka_unit_test(test_stops_at_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
