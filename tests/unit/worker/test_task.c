/*
 * The loop, with a source and a sink in memory that fail at the n-th call.
 */
#include "temp.h"

#include "debezium.h"
#include "log.h"
#include "pivot.h"
#include "task.h"

#define EVENTS 12

/* Gives `per_poll` records a call. */
struct memory_source {
    struct source source;
    size_t at, count, per_poll;
    size_t bad;         /* this record is no event; from 1, 0 for none */
    size_t polls, fail; /* the n-th poll fails */
};

static bool memory_poll(struct source *source, struct batch *batch, int timeout_ms,
                        struct fault *fault)
{
    struct memory_source *self = (struct memory_source *)source;
    (void)timeout_ms;
    if (++self->polls == self->fail)
        return fault_set(fault, FAULT_FATAL, "the input broke");
    for (size_t i = 0; i < self->per_poll && self->at < self->count; i++) {
        struct record *record = batch_add_record(batch, fault);
        size_t number = ++self->at;
        assert_non_null(record);
        record->at = (struct position){0, (int64_t)number};
        record->has_value = true;
        record->value = number == self->bad
                            ? STR("bad")
                            : arena_format(&batch->arena,
                                           "{\"after\":{\"id\":%zu,\"a\":1,\"b\":2},\"op\":\"c\"}",
                                           number);
    }
    source->ended = self->at == self->count;
    return true;
}

static void memory_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    buf_format(out, "memory:%lld", (long long)record->at.mark);
}

static const struct source_type memory_source = {
    .name = "memory", .poll = memory_poll, .place = memory_place};

/* Keeps the ids of the rows: those that were put, and how many of them a flush made durable. */
struct memory_sink {
    struct sink sink;
    int64_t id[10 * EVENTS];
    size_t put, durable;
    size_t puts, fail_put, flushes, fail_flush;
    enum fault_kind put_kind;
    const struct temp *letters; /* at every flush it must hold this many lines */
    const uint64_t *bad_seen;
};

static bool memory_put(struct sink *sink, const struct batch *batch, const struct row *row,
                       size_t count, struct fault *fault)
{
    struct memory_sink *self = (struct memory_sink *)sink;
    char scratch[CELL_SCRATCH];
    const struct column id = {STR("id"), COLUMN_COPY, STR("id"), 0};
    check_number("the rows of one record", (int64_t)count, 2);
    if (++self->puts == self->fail_put)
        return fault_set(fault, self->put_kind, "the target refused");
    for (size_t i = 0; i < count; i++)
        assert_true(
            str_to_int64(row_cell(&row[i], &id, batch, scratch).text, &self->id[self->put++]));
    return true;
}

static void check_letters(const struct memory_sink *self)
{
    struct buf text;
    size_t lines = 0;
    buf_init(&text, 1000000);
    temp_read(self->letters, &text);
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    check_number("letters on disk when the sink flushes", (int64_t)lines, (int64_t)*self->bad_seen);
    buf_release(&text);
}

static bool memory_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                         size_t count, struct fault *fault)
{
    struct memory_sink *self = (struct memory_sink *)sink;
    (void)lane;
    (void)reach;
    check_number("positions of a source without lanes", (int64_t)count, 0);
    if (self->letters)
        check_letters(self);
    if (++self->flushes == self->fail_flush) {
        self->put = self->durable;
        return fault_set(fault, FAULT_RETRY, "the target is away");
    }
    self->durable = self->put;
    return true;
}

static const struct sink_type memory_sink = {
    .name = "memory", .put = memory_put, .flush = memory_flush};

struct bench {
    struct arena arena;
    struct config config;
    struct memory_source source;
    struct memory_sink sink;
    struct pivot *pivot;
    struct task task;
    struct fault fault;
};

static void no_warning(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static bool rows_by_pivot(void *context, struct change *change, struct batch *batch,
                          struct fault *fault)
{
    return pivot_rows(context, change, batch, fault);
}

static void bench_start(struct bench *bench, size_t per_poll, bool tolerant, const char *letters)
{
    *bench = (struct bench){0};
    log_setup(LOG_ERROR, LOG_TEXT);
    arena_init(&bench->arena, TEST_BYTES);
    config_from(&bench->config, &bench->arena, "pivot.fields=a,b;pivot.keys=id");
    struct fault *fault = &bench->fault;
    if (tolerant)
        assert_true(
            config_set(&bench->config, STR("errors.tolerance"), STR("all"), STR("t"), fault));
    if (letters)
        assert_true(config_set(&bench->config, STR("errors.deadletterqueue.file"),
                               str_from(letters), STR("t"), fault));
    bench->source = (struct memory_source){
        .source = {.type = &memory_source}, .count = EVENTS, .per_poll = per_poll};
    bench->sink = (struct memory_sink){.sink = {.type = &memory_sink}, .put_kind = FAULT_RECORD};
    bench->pivot = pivot_new(&bench->config, PIVOT_PIPE_COLUMNS, no_warning, NULL, fault);
    bench->task = (struct task){.source = &bench->source.source,
                                .sink = &bench->sink.sink,
                                .decoder = debezium_decoder.create(&bench->config, fault),
                                .rows = rows_by_pivot,
                                .rows_context = bench->pivot,
                                .changes = pivot_get_counts(bench->pivot)};
    check_good("task", task_init(&bench->task, &bench->config, fault), fault);
}

static void bench_stop(struct bench *bench)
{
    decoder_free(bench->task.decoder);
    task_release(&bench->task);
    pivot_free(bench->pivot);
    arena_release(&bench->arena);
}

/* Two rows of each event from 1 to `last` are durable, in order, but for the one `left_out`. */
static void check_durable(const struct bench *bench, size_t last, size_t left_out)
{
    size_t at = 0;
    for (size_t id = 1; id <= last; id++) {
        if (id == left_out)
            continue;
        for (int i = 0; i < 2; i++, at++) {
            assert_true(at < bench->sink.durable);
            check_number("event", bench->sink.id[at], (int64_t)id);
        }
    }
    check_number("durable rows", (int64_t)bench->sink.durable, (int64_t)at);
}

static void test_all_good(void **state)
{
    (void)state;
    for (size_t per_poll = 1; per_poll <= EVENTS + 1; per_poll++) {
        struct bench bench;
        bench_start(&bench, per_poll, false, NULL);
        check_good("run", task_run(&bench.task, &bench.fault), &bench.fault);
        check_durable(&bench, EVENTS, 0);
        check_number("records", (int64_t)bench.task.status.records, EVENTS);
        bench_stop(&bench);
    }
}

/* Nothing at all still ends with a flush: a sink may have a head line to write. */
static void test_empty(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, 1, false, NULL);
    bench.source.count = 0;
    check_good("run", task_run(&bench.task, &bench.fault), &bench.fault);
    assert_true(bench.sink.flushes > 0);
    bench_stop(&bench);
}

/* The n-th record is no event, or the sink refuses it. */
static void run_with_bad(struct bench *bench, size_t bad, bool by_sink, bool tolerant)
{
    bench->source.bad = by_sink ? 0 : bad;
    bench->sink.fail_put = by_sink ? bad : 0;
    char place[50];
    snprintf(place, sizeof(place), "memory:%zu: ", bad);
    bool good = task_run(&bench->task, &bench->fault);
    if (tolerant)
        check_good("run", good, &bench->fault);
    else
        check_fault("run", good, &bench->fault, FAULT_RECORD, place);
    check_durable(bench, tolerant ? EVENTS : bad - 1, tolerant ? bad : 0);
    check_number("errors", (int64_t)bench->task.errors, tolerant);
}

static void test_bad_record(void **state)
{
    (void)state;
    for (size_t bad = 1; bad <= EVENTS; bad++) {
        for (int how = 0; how < 4; how++) {
            for (size_t per_poll = 1; per_poll <= EVENTS; per_poll += 4) {
                struct bench bench;
                bench_start(&bench, per_poll, how & 1, NULL);
                run_with_bad(&bench, bad, how & 2, how & 1);
                bench_stop(&bench);
            }
        }
    }
}

/* A record of which some field cannot be pivoted leaves none of its rows behind. */
static void test_broken_record(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, 5, true, NULL);
    bench.source.bad = 3;
    assert_true(
        config_set(&bench.config, STR("pivot.created"), STR("after.none"), STR("t"), &bench.fault));
    pivot_free(bench.pivot);
    bench.pivot = pivot_new(&bench.config, PIVOT_PIPE_COLUMNS, no_warning, NULL, &bench.fault);
    bench.task.rows_context = bench.pivot;
    bench.task.changes = pivot_get_counts(bench.pivot);
    check_good("run", task_run(&bench.task, &bench.fault), &bench.fault);
    check_number("durable", (int64_t)bench.sink.durable, 0);
    check_number("errors", (int64_t)bench.task.errors, EVENTS);
    bench_stop(&bench);
}

/* Dead letters are on disk before the sink is flushed past them. */
static void test_letters_first(void **state)
{
    (void)state;
    for (size_t bad = 1; bad <= EVENTS; bad++) {
        for (size_t per_poll = 1; per_poll <= EVENTS; per_poll += 3) {
            struct bench bench;
            struct temp letters;
            temp_make(&letters, STR_EMPTY);
            bench_start(&bench, per_poll, true, letters.name);
            bench.sink.letters = &letters;
            bench.sink.bad_seen = &bench.task.errors;
            run_with_bad(&bench, bad, bad % 2, true);
            check_letters(&bench.sink);
            bench_stop(&bench);
            temp_remove(&letters);
        }
    }
}

/* The n-th flush fails: what was durable before stays, and nothing is claimed beyond it. */
static void test_flush_fails(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t n = 1; n <= 4; n++) {
        for (size_t per_poll = 1; per_poll <= EVENTS; per_poll++) {
            struct bench bench;
            bench_start(&bench, per_poll, true, NULL);
            bench.sink.fail_flush = n;
            bool good = task_run(&bench.task, &bench.fault);
            assert_int_equal(good, bench.sink.flushes < n);
            if (good) {
                check_durable(&bench, EVENTS, 0);
            } else {
                check_fault("flush", good, &bench.fault, FAULT_RETRY, "the target is away");
                check_durable(&bench, bench.sink.durable / 2, 0);
                failed++;
            }
            bench_stop(&bench);
        }
    }
    assert_true(failed > 0);
}

/* An environment error of the sink ends the task and never dead-letters a record. */
static void test_put_fails(void **state)
{
    (void)state;
    for (size_t n = 1; n <= EVENTS; n++) {
        struct bench bench;
        bench_start(&bench, 5, true, NULL);
        bench.sink.fail_put = n;
        bench.sink.put_kind = FAULT_RETRY;
        check_fault("put", task_run(&bench.task, &bench.fault), &bench.fault, FAULT_RETRY,
                    "the target refused");
        check_number("errors", (int64_t)bench.task.errors, 0);
        check_durable(&bench, bench.sink.durable / 2, 0);
        bench_stop(&bench);
    }
}

/* What people are told: rows that are durable, flushes, and why records were left out. */
static void test_counts(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, 5, true, NULL);
    bench.source.bad = 3;
    bench.sink.fail_put = 7; /* the eighth event: the third is none */
    check_good("run", task_run(&bench.task, &bench.fault), &bench.fault);
    struct task_status status = task_get_status(&bench.task);
    const struct task_counts *counts = &status.counts;
    uint64_t flushes = 0;
    double rows = 0;
    check_number("creates", (int64_t)counts->changes[CHANGE_CREATE], EVENTS - 1);
    check_number("updates", (int64_t)counts->changes[CHANGE_UPDATE], 0);
    check_number("rows", (int64_t)counts->rows, 2 * (EVENTS - 2));
    check_number("decode", (int64_t)counts->letters[CAUSE_DECODE], 1);
    check_number("encode", (int64_t)counts->letters[CAUSE_ENCODE], 1);
    check_number("target", (int64_t)counts->letters[CAUSE_TARGET], 0);
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        flushes += counts->flush_rows.bucket[i];
    rows = counts->flush_rows.sum;
    check_number("flushes", (int64_t)flushes, (int64_t)bench.sink.flushes);
    check_number("rows of all flushes", (int64_t)rows, 2 * (EVENTS - 2));
    check_number("nothing waits", status.undurable_since_ms, 0);
    assert_true(counts->leg_us[LEG_BROKER_SINK] == TIME_UNKNOWN);
    bench_stop(&bench);
}

/* "False with the fault that ended it; everything before that place was flushed." */
static void test_poll_fails(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 4; n++) {
        struct bench bench;
        bench_start(&bench, 3, false, NULL);
        bench.source.fail = n;
        check_fault("poll", task_run(&bench.task, &bench.fault), &bench.fault, FAULT_FATAL,
                    "the input broke");
        check_durable(&bench, 3 * (n - 1), 0);
        bench_stop(&bench);
    }
}

/* Letters of records that were left out survive an input that breaks, too. */
static void test_poll_fails_with_letters(void **state)
{
    (void)state;
    struct bench bench;
    struct temp letters;
    temp_make(&letters, STR_EMPTY);
    bench_start(&bench, 3, true, letters.name);
    bench.source.bad = 2;
    bench.source.fail = 3;
    check_fault("poll", task_run(&bench.task, &bench.fault), &bench.fault, FAULT_FATAL,
                "the input broke");
    task_release(&bench.task);
    bench.sink.letters = &letters;
    bench.sink.bad_seen = &bench.task.errors;
    check_letters(&bench.sink);
    bench_stop(&bench);
    temp_remove(&letters);
}

static void check_refused(const char *options, const char *part)
{
    struct arena arena;
    struct config config;
    struct source source = {.type = &memory_source};
    struct sink sink = {.type = &memory_sink};
    struct task task = {.source = &source, .sink = &sink};
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, options);
    check_fault(options, task_init(&task, &config, &fault), &fault, FAULT_CONFIG, part);
    task_release(&task);
    arena_release(&arena);
}

static void test_options(void **state)
{
    (void)state;
    check_refused("errors.deadletterqueue.file=/tmp/x", "needs errors.tolerance=all");
    check_refused("errors.tolerance=some", "must be one of none, all");
    check_refused("errors.tolerance=all;errors.deadletterqueue.file=/nowhere/at/all",
                  "cannot write dead letters to /nowhere/at/all: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_good),      cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bad_record),    cmocka_unit_test(test_broken_record),
        cmocka_unit_test(test_letters_first), cmocka_unit_test(test_flush_fails),
        cmocka_unit_test(test_put_fails),     cmocka_unit_test(test_counts),
        cmocka_unit_test(test_poll_fails),    cmocka_unit_test(test_poll_fails_with_letters),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
