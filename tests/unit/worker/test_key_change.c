/*
 * Key changes over restarts, losses of the lanes and batches of every size: the rows are always
 * those of one run over the whole log, and a position never moves back.
 */
#include "check.h"

#include "debezium.h"
#include "log.h"
#include "pivot.h"
#include "task.h"

#define LANES 2
#define LOG_LIMIT 16
#define RUNS_LIMIT 100

/* What stands in a lane's log: D and C are halves of a key change of row 2 to 10, E the create half
   of one from row 7; T is a tombstone, x another row's event, - a record that is none to us. */
struct log {
    const char *lane[LANES];
    const char *rows[LANES]; /* those of one run, as "offset field old>new" */
};

static const struct log logs[] = {
    {{"DTC", "x"}, {"2 id 2>10;2 v 5>6;", "0 v ~>1;"}},
    {{"DC", "DTx"}, {"1 id 2>10;1 v 5>6;", "2 v ~>1;"}},
    {{"xDT-Cx", "C"}, {"0 v ~>1;4 id 2>10;4 v 5>6;5 v ~>1;", "0 id 2>10;0 v !>6;"}},
    {{"DT", "C"}, {"", "0 id 2>10;0 v !>6;"}},
    {{"D-T-C", "DTE"}, {"4 id 2>10;4 v 5>6;", "2 id 7>10;2 v !>6;"}},
    {{"DTxC", "DxTC"}, {"2 v ~>1;3 id 2>10;3 v !>6;", "1 v ~>1;3 id 2>10;3 v !>6;"}},
    {{"DTCDTC", "DTDTC"}, {"2 id 2>10;2 v 5>6;5 id 2>10;5 v 5>6;", "4 id 2>10;4 v 5>6;"}},
};

enum trouble {
    TROUBLE_NONE,
    TROUBLE_STOP,
    TROUBLE_CRASH,
    TROUBLE_LOSE,
    TROUBLE_REVOKE,
    TROUBLE_FAIL
};

struct world {
    struct source source;
    struct sink sink;
    struct lane lane[LANES];
    const struct log *log;
    int64_t read_at[LANES];
    size_t per_poll, next_lane;
    unsigned polls, trouble_at, idle_polls;
    enum trouble trouble;
    bool crashed;   /* nothing becomes durable any more */
    bool remembers; /* else the source's own memory is all there is */
    bool compacted; /* the delete halves are gone from the log when it is read a second time */
    struct memory stored[LANES];
    struct buf durable[LANES], pending[LANES];
    struct task task;
    struct pivot *pivot;
    struct arena arena;
    struct config config;
    struct fault fault;
};

static struct world world;

/* ---- the source ---- */

static const struct header new_key[] = {{STR("__debezium.newkey"), STR("{\"id\":10}"), true}};
static const struct header old_key[] = {{STR("__debezium.oldkey"), STR("{\"id\":2}"), true}};
static const struct header foreign_key[] = {{STR("__debezium.oldkey"), STR("{\"id\":7}"), true}};

#define TAIL ",\"source\":{\"ts_us\":1,\"schema\":\"s\",\"table\":\"t\"}}"

static void fill(struct record *record, char kind)
{
    bool arrives = kind == 'C' || kind == 'E';
    record->has_key = record->keyed = true;
    record->key = arrives       ? STR("{\"id\":10}")
                  : kind == 'x' ? STR("{\"id\":3}")
                                : STR("{\"id\":2}");
    record->has_value = kind != 'T';
    record->header_count = kind != 'x';
    record->header = kind == 'C' ? old_key : kind == 'E' ? foreign_key : new_key;
    if (kind == 'D')
        record->value = STR("{\"op\":\"d\",\"before\":{\"id\":2,\"v\":5}" TAIL);
    if (arrives)
        record->value = STR("{\"op\":\"c\",\"after\":{\"id\":10,\"v\":6}" TAIL);
    if (kind == 'x')
        record->value = STR("{\"op\":\"c\",\"after\":{\"id\":3,\"v\":1}" TAIL);
}

static void deliver(size_t i, struct batch *batch)
{
    struct lane *lane = &world.lane[i];
    int64_t offset = world.read_at[i]++;
    char kind = world.log->lane[i][offset];
    bool gone = kind == 'D' && world.compacted && offset < lane->next;
    if (kind != '-' && !gone) {
        struct record *record = batch_add_record(batch, &world.fault);
        assert_non_null(record);
        record->at = (struct position){(uint32_t)i, offset};
        record->topic = lane->topic;
        record->partition = lane->partition;
        record->offset = offset;
        record->time_us = 1000 + offset;
        fill(record, kind);
    }
    if (offset >= lane->next)
        lane->next = offset + 1;
}

static void make_trouble(void)
{
    if (world.trouble == TROUBLE_STOP || world.trouble == TROUBLE_CRASH)
        world.task.stop = true;
    world.crashed = world.crashed || world.trouble == TROUBLE_CRASH;
    if (world.trouble != TROUBLE_LOSE && world.trouble != TROUBLE_REVOKE)
        return;
    for (size_t i = 0; i < LANES; i++)
        world.lane[i].outgoing = world.lane[i].assigned;
    world.source.turn = world.trouble == TROUBLE_LOSE ? SOURCE_LOST : SOURCE_REVOKED;
}

static bool world_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    (void)timeout_ms;
    world.task.last_commit_ms = -1000000;
    bool none = !world.lane[0].assigned;
    for (size_t i = 0; none && i < LANES; i++)
        world.lane[i].incoming = true;
    if (none)
        source->turn = SOURCE_ASSIGNED;
    bool any = none;
    for (size_t tried = 0; batch->record_count < world.per_poll && tried < 2 * LOG_LIMIT; tried++) {
        size_t i = world.next_lane++ % LANES;
        if (!world.lane[i].assigned || world.read_at[i] >= world.lane[i].high)
            continue;
        deliver(i, batch);
        any = true;
    }
    if (++world.polls == world.trouble_at) {
        make_trouble();
        any = true;
        if (world.trouble == TROUBLE_FAIL)
            return fault_set(fault, FAULT_FATAL, "the client is of no more use");
    }
    world.idle_polls = any ? 0 : world.idle_polls + 1;
    if (world.idle_polls > 2)
        world.task.stop = true;
    return true;
}

static bool world_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                         struct fault *fault)
{
    (void)source;
    (void)wait;
    (void)fault;
    for (size_t i = 0; i < count && !world.crashed; i++) {
        struct lane *lane = &world.lane[reach[i].lane];
        assert_true(reach[i].next >= lane->committed);
        lane->committed = reach[i].next;
        lane->committed_held = reach[i].held;
    }
    return true;
}

static bool world_beat(struct source *source, struct fault *fault)
{
    (void)source;
    (void)fault;
    return true;
}

static void world_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    (void)record;
    (void)out;
}

static bool world_describe(struct source *source, struct fault *fault)
{
    (void)fault;
    source->lane_count = LANES;
    for (size_t i = 0; i < LANES; i++) {
        world.lane[i].low = 0;
        world.lane[i].high = (int64_t)strlen(world.log->lane[i]);
    }
    return true;
}

static bool world_assign(struct source *source, struct fault *fault)
{
    (void)fault;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &world.lane[i];
        int64_t stored = world.remembers ? world.stored[i].next : lane->committed;
        if (stored != OFFSET_NONE)
            check_number("reads on where it stood", lane->next, stored);
        assert_true(lane->held < lane->next);
        world.read_at[i] = lane->held != OFFSET_NONE ? lane->held : lane->next;
        lane->assigned = true;
        lane->incoming = false;
    }
    source->turn = SOURCE_STEADY;
    return true;
}

static bool world_unassign(struct source *source, struct fault *fault)
{
    (void)fault;
    for (size_t i = 0; i < LANES; i++)
        lane_give_up(&world.lane[i]);
    source->turn = SOURCE_STEADY;
    return true;
}

static bool world_pause(struct source *source, bool paused, struct fault *fault)
{
    (void)source;
    (void)paused;
    (void)fault;
    return true;
}

static const struct source_type source_type = {.name = "log",
                                               .rewinds = true,
                                               .poll = world_poll,
                                               .commit = world_commit,
                                               .beat = world_beat,
                                               .place = world_place,
                                               .describe = world_describe,
                                               .assign = world_assign,
                                               .unassign = world_unassign,
                                               .pause = world_pause};

/* ---- the sink ---- */

static void drop_pending(void)
{
    for (size_t i = 0; i < LANES; i++)
        buf_clear(&world.pending[i]);
}

static bool world_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                         size_t count, struct fault *fault)
{
    (void)sink;
    (void)lane;
    (void)fault;
    for (size_t i = 0; i < count; i++)
        memory[i] = world.remembers ? world.stored[i]
                                    : (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    return true;
}

static bool world_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                        size_t count, struct fault *fault)
{
    drop_pending();
    for (size_t i = 0; i < count && world.remembers; i++)
        if (world.stored[i].next == OFFSET_NONE)
            world.stored[i] = (struct memory){lane[i].next, TIME_UNKNOWN, 0, OFFSET_NONE};
    return world_recall(sink, lane, memory, count, fault);
}

static void put_cell(struct buf *out, const struct row *row, const struct batch *batch,
                     enum column_kind kind)
{
    char scratch[CELL_SCRATCH];
    const struct column column = {.kind = kind};
    struct value value = row_cell(row, &column, batch, scratch);
    bool hidden = kind == COLUMN_OLD_VALUE && !row_old_known(row);
    buf_str(out, hidden ? STR("!") : value_has_text(value) ? value.text : STR("~"));
}

static bool world_put(struct sink *sink, const struct batch *batch, const struct row *row,
                      size_t count, struct fault *fault)
{
    (void)sink;
    (void)fault;
    for (size_t i = 0; i < count; i++) {
        struct buf *out = &world.pending[row[i].change->record->at.lane];
        put_cell(out, &row[i], batch, COLUMN_KAFKA_OFFSET);
        buf_char(out, ' ');
        put_cell(out, &row[i], batch, COLUMN_CHANGE_FIELD);
        buf_char(out, ' ');
        put_cell(out, &row[i], batch, COLUMN_OLD_VALUE);
        buf_char(out, '>');
        put_cell(out, &row[i], batch, COLUMN_NEW_VALUE);
        buf_char(out, ';');
    }
    return true;
}

static bool world_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                        size_t count, struct fault *fault)
{
    (void)sink;
    (void)lane;
    if (world.crashed)
        return fault_set(fault, FAULT_RETRY, "the worker is gone");
    for (size_t i = 0; i < count; i++) {
        struct memory *stored = &world.stored[reach[i].lane];
        assert_true(reach[i].next > stored->next || !world.remembers);
        assert_true(reach[i].held < reach[i].next);
        *stored = (struct memory){reach[i].next, reach[i].last_us, 0, reach[i].held};
    }
    for (size_t i = 0; i < LANES; i++)
        buf_str(&world.durable[i], buf_view(&world.pending[i]));
    drop_pending();
    return true;
}

static const struct sink_type sink_types[] = {{.name = "forgets",
                                               .recall = world_recall,
                                               .claim = world_recall,
                                               .put = world_put,
                                               .flush = world_flush},
                                              {.name = "remembers",
                                               .remembers = true,
                                               .recall = world_recall,
                                               .claim = world_claim,
                                               .put = world_put,
                                               .flush = world_flush}};

/* ---- runs ---- */

static void warn(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static bool rows(void *context, struct change *change, struct batch *batch, struct fault *fault)
{
    return pivot_rows(context, change, batch, fault);
}

static void log_start(const struct log *log, size_t per_poll, bool remembers)
{
    world = (struct world){.log = log, .per_poll = per_poll, .remembers = remembers};
    log_setup(LOG_ERROR, LOG_TEXT);
    for (size_t i = 0; i < LANES; i++) {
        world.stored[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
        world.lane[i] = (struct lane){.committed = OFFSET_NONE, .committed_held = OFFSET_NONE};
        buf_init(&world.durable[i], TEST_BYTES);
        buf_init(&world.pending[i], TEST_BYTES);
    }
}

/* A source that nobody has read yet, and a group that remembers. */
static void connect_source(void)
{
    world.idle_polls = 0;
    world.next_lane = 0;
    for (size_t i = 0; i < LANES; i++)
        world.lane[i] = (struct lane){.topic = STR("t"),
                                      .partition = (int32_t)i,
                                      .low = OFFSET_NONE,
                                      .high = OFFSET_NONE,
                                      .committed = world.lane[i].committed,
                                      .committed_held = world.lane[i].committed_held,
                                      .next = OFFSET_NONE,
                                      .held = OFFSET_NONE,
                                      .last_us = TIME_UNKNOWN};
    world.source = (struct source){.type = &source_type, .lane = world.lane, .lane_count = LANES};
}

/* A task that failed goes on with another source (restart.policy). */
static bool renew(void)
{
    drop_pending();
    connect_source();
    check_good("renew", task_renew(&world.task, &world.config, &world.fault), &world.fault);
    return task_run(&world.task, &world.fault);
}

/* One life of a worker; it ends when all is read, or in trouble at that poll. */
static void live(const char *options, enum trouble trouble, unsigned at)
{
    char text[300];
    world.trouble = trouble;
    world.trouble_at = at;
    world.polls = 0;
    world.crashed = false;
    arena_init(&world.arena, TEST_BYTES);
    snprintf(text, sizeof(text), "pivot.fields=v;pivot.keys=id;replica.identity=full;%s", options);
    config_from(&world.config, &world.arena, text);
    connect_source();
    world.sink = (struct sink){.type = &sink_types[world.remembers]};
    world.pivot = pivot_new(&world.config, PIVOT_PIPE_COLUMNS, warn, NULL, &world.fault);
    world.task = (struct task){.source = &world.source,
                               .sink = &world.sink,
                               .decoder = debezium_decoder.create(&world.config, &world.fault),
                               .rows = rows,
                               .rows_context = world.pivot,
                               .halves = pivot_halves(world.pivot)};
    check_good("task", task_init(&world.task, &world.config, &world.fault), &world.fault);
    world.task.retry.delay_max_ms = 0;
    bool good = task_run(&world.task, &world.fault);
    if (!good && trouble == TROUBLE_FAIL)
        good = renew();
    assert_true(good || world.crashed);
    drop_pending();
    decoder_free(world.task.decoder);
    task_release(&world.task);
    pivot_free(world.pivot);
    arena_release(&world.arena);
}

static void log_stop(void)
{
    for (size_t i = 0; i < LANES; i++) {
        buf_release(&world.durable[i]);
        buf_release(&world.pending[i]);
    }
}

static const char *const batches[] = {"linger.ms=0", "linger.ms=60000;batch.rows.max=1",
                                      "linger.ms=60000"};

/* Whether the trouble came before all was read. */
static bool check_log(const struct log *log, size_t per_poll, const char *options,
                      enum trouble trouble, unsigned at)
{
    char what[200];
    log_start(log, per_poll, true);
    live(options, trouble, at);
    bool came = world.polls >= at;
    if (trouble == TROUBLE_STOP || trouble == TROUBLE_CRASH)
        live(options, TROUBLE_NONE, 0);
    for (size_t i = 0; i < LANES; i++) {
        snprintf(what, sizeof(what), "%s|%s lane %zu, %zu a poll, %s, trouble %d at %u",
                 log->lane[0], log->lane[1], i, per_poll, options, (int)trouble, at);
        check_text(what, buf_view(&world.durable[i]), log->rows[i]);
        check_number(what, world.stored[i].next, (int64_t)strlen(log->lane[i]));
    }
    log_stop();
    return came;
}

static void check_logs(enum trouble trouble)
{
    for (size_t i = 0; i < COUNT(logs); i++)
        for (size_t per_poll = 1; per_poll < 8; per_poll++)
            for (size_t batch = 0; batch < COUNT(batches); batch++)
                for (unsigned at = 1;
                     check_log(&logs[i], per_poll, batches[batch], trouble, at) && at < RUNS_LIMIT;
                     at++)
                    continue;
}

static void test_one_run(void **state)
{
    (void)state;
    check_logs(TROUBLE_NONE);
}

static void test_restart_anywhere(void **state)
{
    (void)state;
    check_logs(TROUBLE_STOP);
}

static void test_crash_anywhere(void **state)
{
    (void)state;
    check_logs(TROUBLE_CRASH);
}

static void test_lost_anywhere(void **state)
{
    (void)state;
    check_logs(TROUBLE_LOSE);
}

static void test_revoked_anywhere(void **state)
{
    (void)state;
    check_logs(TROUBLE_REVOKE);
}

static void test_renewed_anywhere(void **state)
{
    (void)state;
    check_logs(TROUBLE_FAIL);
}

/* A sink that remembers nothing: the source's memory names the half. */
static void test_sink_that_forgets(void **state)
{
    (void)state;
    static const struct log log = {{"DTC", "xDT"}, {"2 id 2>10;2 v 5>6;", "0 v ~>1;"}};
    for (unsigned at = 1; at < 10; at++) {
        log_start(&log, 1, false);
        live("linger.ms=0", TROUBLE_STOP, at);
        live("linger.ms=0", TROUBLE_NONE, 0);
        for (size_t i = 0; i < LANES; i++)
            check_text("rows", buf_view(&world.durable[i]), log.rows[i]);
        check_number("committed", world.lane[1].committed, 3);
        check_number("held", world.lane[1].committed_held, 1);
        check_number("nothing held", world.lane[0].committed_held, OFFSET_NONE);
        log_stop();
    }
}

/* What is stored names the half exactly while it waits. */
static void test_held_offset(void **state)
{
    (void)state;
    static const struct {
        const char *log;
        int64_t held;
    } cases[] = {{"D", 0},
                 {"DT", 0},
                 {"xD", 1},
                 {"xDT-", 1},
                 {"DTC", OFFSET_NONE},
                 {"DTx", OFFSET_NONE},
                 {"T", OFFSET_NONE},
                 {"DTD", 2},
                 {"x", OFFSET_NONE}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct log log = {{cases[i].log, "x"}, {NULL, NULL}};
        log_start(&log, 3, true);
        live("linger.ms=0", TROUBLE_NONE, 0);
        check_number(cases[i].log, world.stored[0].held, cases[i].held);
        check_number(cases[i].log, world.stored[0].next, (int64_t)strlen(cases[i].log));
        log_stop();
    }
}

/* The log was compacted between two runs: the delete half is gone, and the old values with it. */
static void test_compacted_half(void **state)
{
    (void)state;
    static const struct log before = {{"xDT", "x"}, {NULL, NULL}};
    static const struct log after = {{"xDTC", "x"}, {NULL, NULL}};
    log_start(&before, 3, true);
    live("linger.ms=0", TROUBLE_NONE, 0);
    world.log = &after;
    world.compacted = true;
    live("linger.ms=0", TROUBLE_NONE, 0);
    check_text("rows", buf_view(&world.durable[0]), "0 v ~>1;3 id 2>10;3 v !>6;");
    log_stop();
}

/* Whatever stands at the held offset of another log: what lies before the position makes no row. */
static void test_held_offset_of_another_log(void **state)
{
    (void)state;
    static const struct log before = {{"xDT", "x"}, {NULL, NULL}};
    static const struct log after = {{"xxxC", "x"}, {NULL, NULL}};
    log_start(&before, 3, true);
    live("linger.ms=0", TROUBLE_NONE, 0);
    world.log = &after;
    live("linger.ms=0", TROUBLE_NONE, 0);
    check_text("rows", buf_view(&world.durable[0]), "0 v ~>1;3 id 2>10;3 v !>6;");
    log_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_run),           cmocka_unit_test(test_restart_anywhere),
        cmocka_unit_test(test_crash_anywhere),    cmocka_unit_test(test_lost_anywhere),
        cmocka_unit_test(test_revoked_anywhere),  cmocka_unit_test(test_renewed_anywhere),
        cmocka_unit_test(test_sink_that_forgets), cmocka_unit_test(test_held_offset),
        cmocka_unit_test(test_compacted_half),    cmocka_unit_test(test_held_offset_of_another_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
