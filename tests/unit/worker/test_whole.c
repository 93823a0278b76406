/*
 * Whole transactions: whatever order the lanes come in, every poll gives all events of a
 * transaction or none, every record once and in the order of its lane, and stands at the same
 * transaction in all lanes.
 */
#include "check.h"

#include "log.h"
#include "whole.h"

#define LANES 4 /* the last is that of the markers */
#define LOG_LIMIT 2000
#define TRANSACTIONS 60

static const char *const topics[LANES] = {"p.s.a", "p.s.b", "p.message", "p.transaction"};

struct entry {
    int transaction; /* from 1; 0: none */
    bool marker, ends;
    char text[600];
};

static struct world {
    struct arena arena;
    struct config config;
    struct fault fault;
    struct source inner;
    struct lane lane[LANES];
    struct entry log[LANES][LOG_LIMIT];
    size_t count[LANES], at[LANES], given[LANES];
    int expected[TRANSACTIONS + 2], got[TRANSACTIONS + 2];
    uint32_t seed;
    size_t piece, ahead; /* records a poll; one lane may be read this far before the others */
    bool stopped;
} world;

static uint32_t chance(uint32_t below)
{
    world.seed = world.seed * 1664525 + 1013904223;
    return (world.seed >> 8) % below;
}

/* ---- the log ---- */

static struct entry *add(size_t lane, int transaction)
{
    assert_true(world.count[lane] < LOG_LIMIT);
    struct entry *entry = &world.log[lane][world.count[lane]++];
    *entry = (struct entry){.transaction = transaction};
    return entry;
}

static void add_event(size_t lane, int transaction, int order)
{
    struct entry *entry = add(lane, transaction);
    const char *table = lane == 0 ? "a" : lane == 1 ? "b" : "";
    snprintf(entry->text, sizeof(entry->text),
             "{\"op\":\"%s\",\"after\":{\"id\":1},\"source\":{\"connector\":\"postgresql\","
             "\"schema\":\"%s\",\"table\":\"%s\"},\"transaction\":{\"id\":\"%d:%d\","
             "\"total_order\":%d,\"data_collection_order\":%d}}",
             lane == 2 ? "m" : "c", lane == 2 ? "" : "s", table, transaction, order * 7, order,
             order);
}

static void add_marker(int transaction, const int *counts)
{
    static const char message[] = "io.debezium.connector.postgresql.LogicalDecodingMessageMonitor"
                                  "$LogicalDecodingMessageId@5b7fe888";
    static const char *const names[] = {"s.a", "s.b", message};
    struct entry *entry = add(LANES - 1, transaction);
    entry->marker = true;
    entry->ends = counts != NULL;
    int used = snprintf(entry->text, sizeof(entry->text),
                        "{\"status\":\"%s\",\"id\":\"%d:%d\",\"event_count\":null,"
                        "\"data_collections\":%s",
                        counts ? "END" : "BEGIN", transaction, counts ? 900 : 100,
                        counts ? "[" : "null}");
    for (int i = 0; counts && i < 3; i++)
        if (counts[i] > 0)
            used += snprintf(entry->text + used, sizeof(entry->text) - (size_t)used,
                             "{\"data_collection\":\"%s\",\"event_count\":%d},", names[i],
                             counts[i]);
    /* One that nobody subscribed to is not waited for. */
    if (counts)
        snprintf(entry->text + used, sizeof(entry->text) - (size_t)used,
                 "{\"data_collection\":\"s.other\",\"event_count\":3}]}");
}

/* `overlap`: two transactions at a time, their events mixed. */
static void make_log(bool overlap)
{
    int counts[TRANSACTIONS + 2][3] = {{0}};
    for (int first = 1; first <= TRANSACTIONS; first += 1 + overlap) {
        int last = first + overlap;
        for (int each = first; each <= last; each++)
            add_marker(each, NULL);
        for (uint32_t events = chance(12); events > 0; events--) {
            int each = first + (int)chance(1 + overlap);
            size_t lane = chance(3);
            add_event(lane, each, ++counts[each][lane]);
            world.expected[each]++;
            if (chance(5) == 0)
                add(chance(3), 0); /* a tombstone */
        }
        for (int each = last; each >= first; each--)
            add_marker(each, counts[each]);
    }
}

/* ---- the source around which it stands ---- */

static bool inner_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    (void)source;
    (void)timeout_ms;
    for (size_t n = 0; n < world.piece; n++) {
        size_t lane = chance(LANES);
        for (size_t burst = chance((uint32_t)world.ahead + 1) + 1; burst > 0; burst--) {
            if (world.at[lane] == world.count[lane] || world.lane[lane].resting)
                break;
            const struct entry *entry = &world.log[lane][world.at[lane]];
            struct record *record = batch_add_record(batch, fault);
            assert_non_null(record);
            record->at = (struct position){(uint32_t)lane, (int64_t)world.at[lane]};
            record->topic = world.lane[lane].topic;
            record->partition = 0;
            record->offset = record->at.mark;
            record->has_value = entry->text[0] != '\0';
            /* The bytes do not outlive the batch. */
            assert_true(arena_copy(&batch->arena, str_from(entry->text), &record->value));
            world.lane[lane].next = (int64_t)++world.at[lane];
        }
    }
    return true;
}

static bool inner_good(struct source *source, struct fault *fault)
{
    (void)source;
    (void)fault;
    return true;
}

static bool inner_assign(struct source *source, struct fault *fault)
{
    (void)fault;
    for (size_t i = 0; i < LANES; i++) {
        world.lane[i].assigned = true;
        world.lane[i].incoming = false;
        world.at[i] = (size_t)world.lane[i].next;
    }
    source->turn = SOURCE_STEADY;
    return true;
}

static bool inner_pause(struct source *source, bool paused, struct fault *fault)
{
    (void)source;
    (void)fault;
    assert_false(paused);
    return true;
}

static void inner_stop(struct source *source)
{
    (void)source;
    world.stopped = true;
}

static const struct source_type inner_type = {.name = "log",
                                              .rewinds = true,
                                              .poll = inner_poll,
                                              .beat = inner_good,
                                              .describe = inner_good,
                                              .assign = inner_assign,
                                              .pause = inner_pause,
                                              .stop = inner_stop};

/* ---- checking ---- */

static void setup(uint32_t seed, bool overlap, const char *options)
{
    world = (struct world){.seed = seed};
    log_setup(LOG_ERROR, LOG_TEXT);
    arena_init(&world.arena, TEST_BYTES);
    config_from(&world.config, &world.arena, options);
    world.inner = (struct source){.type = &inner_type, .lane = world.lane, .lane_count = LANES};
    for (size_t i = 0; i < LANES; i++)
        world.lane[i] = (struct lane){.topic = str_from(topics[i]),
                                      .incoming = true,
                                      .high = LOG_LIMIT,
                                      .held = OFFSET_NONE,
                                      .last_us = TIME_UNKNOWN};
    make_log(overlap);
}

static struct source *start(void)
{
    struct source *source = whole_wrap(&world.inner, &world.config, 1, &world.fault);
    check_good("wrap", source != NULL, &world.fault);
    check_good("describe", source->type->describe(source, &world.fault), &world.fault);
    for (size_t i = 0; i < source->lane_count; i++)
        source->lane[i].next = (int64_t)world.given[i];
    check_good("assign", source->type->assign(source, &world.fault), &world.fault);
    return source;
}

/* Whole where `whole`; the records of each lane come in order, each once. */
static void check_poll(struct source *source, struct batch *batch, bool whole)
{
    batch_reset(batch);
    check_good("poll", source_poll(source, batch, 0, &world.fault), &world.fault);
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct record *record = &batch->record[i];
        size_t lane = record->at.lane;
        check_number("in order", record->at.mark, (int64_t)world.given[lane]++);
        const struct entry *entry = &world.log[lane][record->at.mark];
        check_text("bytes", record->value, entry->text);
        if (!entry->marker && entry->transaction > 0)
            world.got[entry->transaction]++;
    }
    for (int i = 1; whole && i <= TRANSACTIONS; i++)
        if (world.got[i] != 0)
            check_number("all events of a transaction", world.got[i], world.expected[i]);
    for (size_t i = 0; i < LANES; i++)
        check_number("stands behind them", source->lane[i].next, (int64_t)world.given[i]);
}

static bool is_done(void)
{
    for (size_t i = 0; i < LANES; i++)
        if (world.given[i] < world.count[i])
            return false;
    return true;
}

static void run(uint32_t seed, bool overlap, size_t piece, size_t ahead, unsigned restart_at)
{
    struct batch batch;
    batch_init(&batch, TEST_BYTES);
    setup(seed, overlap, "flush.on=transaction;topics=p.s.a,p.s.b,p.message,p.transaction");
    world.piece = piece;
    world.ahead = ahead;
    struct source *source = start();
    for (unsigned polls = 0; !is_done(); polls++) {
        assert_true(polls < 20000);
        check_poll(source, &batch, true);
        if (polls != restart_at)
            continue;
        batch_reset(&batch);
        source->type->stop(source);
        assert_true(world.stopped);
        for (size_t i = 0; i < LANES; i++)
            world.lane[i].incoming = true;
        source = start();
    }
    batch_release(&batch);
    source->type->stop(source);
    arena_release(&world.arena);
}

static void test_whole(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++)
        for (int overlap = 0; overlap < 2; overlap++)
            for (size_t piece = 1; piece <= 64; piece *= 4)
                run(seed, overlap, piece, seed % 3 * 20, seed * 3);
}

/* Lanes that run ahead rest, so that small transactions stay whole in little memory. */
static void test_lanes_rest(void **state)
{
    (void)state;
    struct batch batch;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        batch_init(&batch, TEST_BYTES);
        setup(seed, false,
              "flush.on=transaction;topics.regex=p.(s.[ab]|message|transaction);batch.bytes.max="
              "30000");
        world.piece = 1;
        world.ahead = 40;
        struct source *source = start();
        for (unsigned polls = 0; !is_done(); polls++) {
            assert_true(polls < 20000);
            check_poll(source, &batch, true);
        }
        batch_release(&batch);
        source->type->stop(source);
        arena_release(&world.arena);
    }
}

/* Transactions above the limit are given in parts: nothing waits for ever. Each counts once. */
static void test_too_large(void **state)
{
    (void)state;
    struct batch batch;
    int counts[3] = {400, 0, 0}, few[3] = {3, 0, 0};
    batch_init(&batch, TEST_BYTES);
    setup(1, false, "flush.on=transaction;topics=p.s.a,p.transaction;batch.bytes.max=1000");
    memset(world.count, 0, sizeof(world.count));
    memset(world.expected, 0, sizeof(world.expected));
    for (int each = 1; each <= 4; each++) {
        const int *size = each == 2 ? few : counts;
        add_marker(each, NULL);
        for (int i = 1; i <= size[0]; i++)
            add_event(0, each, i);
        add_marker(each, size);
    }
    world.piece = 4;
    struct source *source = start();
    size_t parts = 0;
    for (unsigned polls = 0; !is_done(); polls++) {
        assert_true(polls < 20000);
        check_poll(source, &batch, false);
        parts += batch.record_count > 0;
    }
    assert_true(parts > 30);
    check_number("transactions in parts", (int64_t)source->split, 3);
    batch_release(&batch);
    source->type->stop(source);
    arena_release(&world.arena);
}

/* What a killed connector sends a second time waits for no second END. */
static void test_sent_twice(void **state)
{
    (void)state;
    struct batch batch;
    int counts[3] = {2, 0, 0};
    batch_init(&batch, TEST_BYTES);
    setup(1, false, "flush.on=transaction;topics=p.s.a,p.transaction");
    memset(world.count, 0, sizeof(world.count));
    memset(world.expected, 0, sizeof(world.expected));
    add_marker(1, NULL);
    add_event(0, 1, 1);
    add_event(0, 1, 2);
    add_marker(1, counts);
    add_event(0, 1, 1);
    add_event(0, 1, 2);
    world.piece = 4;
    struct source *source = start();
    for (unsigned polls = 0; !is_done(); polls++) {
        assert_true(polls < 200);
        check_poll(source, &batch, false);
    }
    batch_release(&batch);
    source->type->stop(source);
    arena_release(&world.arena);
}

static void check_refused(const char *options, int64_t tasks, const char *why)
{
    setup(1, false, options);
    struct source *source = whole_wrap(&world.inner, &world.config, tasks, &world.fault);
    check_fault(options, source != NULL, &world.fault, FAULT_CONFIG, why);
    assert_true(world.stopped);
    arena_release(&world.arena);
}

static void test_refused(void **state)
{
    (void)state;
    check_refused("flush.on=transaction;topics=p.s.a,p.transaction", 2, "tasks.max=1");
    check_refused("flush.on=transaction;topics=p.s.a", 1, "<prefix>.transaction");
    check_refused("flush.on=sometimes", 1, "flush.on");
}

/* Without metadata there are no borders to keep. */
static void test_untold(void **state)
{
    (void)state;
    struct batch batch;
    batch_init(&batch, TEST_BYTES);
    setup(1, false, "flush.on=transaction;topics=p.s.a,p.transaction");
    snprintf(world.log[0][0].text, sizeof(world.log[0][0].text),
             "{\"op\":\"c\",\"after\":{\"id\":1},\"source\":{\"schema\":\"s\",\"table\":\"a\"},"
             "\"transaction\":null}");
    world.piece = 50;
    struct source *source = start();
    check_fault("poll", source_poll(source, &batch, 0, &world.fault), &world.fault, FAULT_CONFIG,
                "p.s.a[0]@0 does not say its transaction");
    batch_release(&batch);
    source->type->stop(source);
    arena_release(&world.arena);
}

static void check_lanes_refused(size_t lane, const char *topic, int32_t partition, bool incoming,
                                const char *why)
{
    setup(1, false, "flush.on=transaction;topics=p.s.a,p.transaction");
    if (topic)
        world.lane[lane].topic = str_from(topic);
    world.lane[lane].partition = partition;
    world.lane[lane].incoming = incoming;
    struct source *source = whole_wrap(&world.inner, &world.config, 1, &world.fault);
    check_fault(why, source->type->describe(source, &world.fault), &world.fault, FAULT_CONFIG, why);
    source->type->stop(source);
    arena_release(&world.arena);
}

static void test_lanes_refused(void **state)
{
    (void)state;
    check_lanes_refused(1, NULL, 1, true, "p.s.b has several partitions");
    check_lanes_refused(1, NULL, 1, false, "p.s.b has several partitions");
    check_lanes_refused(1, "q.transaction", 0, true, "topics of two sources");
}

/* Topics under other names cannot be matched with the markers. */
static void test_foreign_names(void **state)
{
    (void)state;
    struct batch batch;
    batch_init(&batch, TEST_BYTES);
    setup(1, false, "flush.on=transaction;topics.regex=p.*");
    world.lane[0].topic = STR("p.renamed");
    world.piece = 50;
    struct source *source = start();
    bool good = true;
    for (unsigned polls = 0; good && polls < 100; polls++) {
        batch_reset(&batch);
        good = source_poll(source, &batch, 0, &world.fault);
    }
    check_fault("poll", good, &world.fault, FAULT_CONFIG, "topic p.renamed holds events of s.a");
    batch_release(&batch);
    source->type->stop(source);
    arena_release(&world.arena);
}

static void test_by_size(void **state)
{
    (void)state;
    setup(1, false, "topics=a");
    assert_ptr_equal(whole_wrap(&world.inner, &world.config, 8, &world.fault), &world.inner);
    arena_release(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),         cmocka_unit_test(test_lanes_rest),
        cmocka_unit_test(test_too_large),     cmocka_unit_test(test_sent_twice),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_lanes_refused),
        cmocka_unit_test(test_foreign_names), cmocka_unit_test(test_by_size),
        cmocka_unit_test(test_untold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
