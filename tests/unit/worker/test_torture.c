/*
 * Torture in curl's manner: the n-th allocation fails, for every n, until a whole run succeeds. A
 * run ends with success and all of its output, or with a fault for want of memory and no more than
 * whole lines of it; nothing is dead-lettered, nothing crashes, nothing leaks (AddressSanitizer).
 */
#include "temp.h"

#include <fieldtrail/decoder.h>

#include "debezium.h"
#include "encoders.h"
#include "lines.h"
#include "log.h"
#include "mem.h"
#include "pivot.h"
#include "stream.h"
#include "task.h"

#define RUNS_LIMIT 2000

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

struct run {
    struct arena arena;
    struct config config;
    struct pivot *pivot;
    struct encoder encoder;
    struct task task;
};

static bool set_option(struct run *run, const char *key, const char *value, struct fault *fault)
{
    return config_set(&run->config, str_from(key), str_from(value), STR("t"), fault);
}

static bool run_whole(struct run *run, const char *const *file, const char *letters, int fd,
                      struct fault *fault)
{
    if (!set_option(run, "pivot.fields", "*", fault) || !set_option(run, "pivot.keys", "id", fault)
        || !set_option(run, "pivot.mask", "m:hash", fault)
        || !set_option(run, "format.header", "true", fault)
        || !set_option(run, "errors.tolerance", "all", fault)
        || !set_option(run, "errors.deadletterqueue.file", letters, fault))
        return false;
    run->pivot = pivot_new(&run->config, PIVOT_PIPE_COLUMNS, no_warning, NULL, fault);
    run->task.rows = rows_by_pivot;
    run->task.rows_context = run->pivot;
    return run->pivot && encoder_load(&run->encoder, &run->config, pivot_layout(run->pivot), fault)
           && (run->task.decoder = debezium_decoder.create(&run->config, fault))
           && (run->task.sink = stream_new(fd, &run->encoder, fault))
           && (run->task.source = lines_new(file, 1, &run->config, fault))
           && task_init(&run->task, &run->config, fault) && task_run(&run->task, fault);
}

static void tear_down(struct run *run)
{
    if (run->task.source)
        run->task.source->type->stop(run->task.source);
    if (run->task.sink)
        run->task.sink->type->stop(run->task.sink);
    decoder_free(run->task.decoder);
    task_release(&run->task);
    pivot_free(run->pivot);
    arena_release(&run->arena);
}

/* Whether the failure has not come yet: then one of the next n allocations fails. */
static bool still_waits(uint64_t nth)
{
    bool waits = false;
    for (uint64_t i = 0; i < nth && !waits; i++) {
        void *piece = mem_alloc(1);
        waits = !piece;
        mem_free(piece);
    }
    mem_fail_at(0);
    return waits;
}

static size_t file_length(const struct temp *temp)
{
    struct buf text;
    buf_init(&text, TEST_BYTES);
    temp_read(temp, &text);
    size_t len = text.len;
    buf_release(&text);
    return len;
}

/* Runs with the n-th allocation failing. True where that allocation never came. */
static bool run_once(uint64_t nth, const struct temp *input, struct buf *out, bool *good,
                     size_t *letters)
{
    struct run run = {0};
    struct fault fault = {0};
    struct temp result, dead;
    const char *const files[] = {input->name};
    temp_make(&result, STR_EMPTY);
    temp_make(&dead, STR_EMPTY);
    int fd = open(result.name, O_RDWR | O_CLOEXEC);
    arena_init(&run.arena, TEST_BYTES);
    config_init(&run.config, &run.arena);
    mem_fail_at(nth);
    *good = run_whole(&run, files, dead.name, fd, &fault);
    bool waits = still_waits(nth);
    if (!*good && fault.kind != FAULT_RETRY)
        print_error("allocation %d: %s: %s\n", (int)nth, fault_kind_name(fault.kind), fault.text);
    bool kind_good = *good || fault.kind == FAULT_RETRY;
    tear_down(&run);
    buf_clear(out);
    temp_read(&result, out);
    *letters = file_length(&dead);
    close(fd);
    temp_remove(&result);
    temp_remove(&dead);
    assert_true(kind_good);
    return waits;
}

/* The time of insertion differs from run to run: it is blotted out. */
static void blot_times(struct buf *text)
{
    for (size_t i = 0; i + 27 <= text->len; i++)
        if (text->ptr[i + 10] == 'T' && text->ptr[i + 26] == 'Z' && text->ptr[i + 19] == '.')
            memset(text->ptr + i, 't', 27);
}

/* What one run left behind, against the whole output; says what is wrong and counts it. */
static size_t count_wrong(uint64_t nth, bool good, str got, str whole, size_t letters)
{
    bool lost = good && !str_eq(got, whole);
    bool torn = !str_starts(whole, got) || (got.len > 0 && got.ptr[got.len - 1] != '\n');
    if (letters > 0)
        print_error("allocation %d: a good record was dead-lettered\n", (int)nth);
    if (lost)
        print_error("allocation %d: success, but %zu of %zu bytes\n", (int)nth, got.len, whole.len);
    if (torn)
        print_error("allocation %d: the output is no beginning of the right one\n", (int)nth);
    return letters > 0 || lost || torn;
}

static void check_torture(str content)
{
    struct temp input;
    struct buf whole, got;
    bool good, done = false;
    size_t letters, wrong = 0;
    temp_make(&input, content);
    log_setup(LOG_ERROR, LOG_TEXT);
    buf_init(&whole, TEST_BYTES);
    buf_init(&got, TEST_BYTES);
    assert_true(run_once(RUNS_LIMIT, &input, &whole, &good, &letters));
    assert_true(good);
    check_number("letters", (int64_t)letters, 0);
    blot_times(&whole);
    for (uint64_t nth = 1; !done; nth++) {
        assert_true(nth < RUNS_LIMIT);
        done = run_once(nth, &input, &got, &good, &letters);
        blot_times(&got);
        wrong += count_wrong(nth, good, buf_view(&got), buf_view(&whole), letters);
    }
    buf_release(&whole);
    buf_release(&got);
    temp_remove(&input);
    assert_true(good);
    assert_int_equal(wrong, 0);
}

#define SOURCE "\"source\":{\"db\":\"d\",\"table\":\"t\",\"ts_us\":5,\"file\":\"f\",\"pos\":7}"
#define PLAIN "{\"after\":{\"id\":1,\"m\":\"x\\n\",\"j\":{}}," SOURCE ",\"op\":\"c\"}\n"
#define WRAPPED                                                                                    \
    "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"field\":\"after\","       \
    "\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"id\"},{\"type\":\"string\","   \
    "\"optional\":true,\"field\":\"m\"}]}]},\"payload\":{\"after\":{\"id\":1,\"m\":\"x\"}," SOURCE \
    ",\"op\":\"c\"}}\n"

static void test_small(void **state)
{
    (void)state;
    check_torture(STR(PLAIN PLAIN));
    check_torture(STR(WRAPPED PLAIN "null\n" WRAPPED));
}

/* Nothing comes: the head line alone is the output. */
static void test_empty(void **state)
{
    (void)state;
    check_torture(STR_EMPTY);
}

static void put_long(struct buf *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_char(out, (char)('a' + i % 26));
}

/* Texts that are longer than the blocks of arenas and inputs, with escapes that force copies. */
static void test_large(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, TEST_BYTES);
    for (int i = 0; i < 3; i++) {
        buf_str(&text, STR("{\"after\":{\"id\":1,\"m\":\"\\n"));
        put_long(&text, 300000);
        buf_str(&text, STR("\",\"n\":\"\\t"));
        put_long(&text, 300000);
        buf_str(&text, STR("\"}," SOURCE ",\"op\":\"c\"}\n" PLAIN));
    }
    check_torture(buf_view(&text));
    buf_release(&text);
}

static void test_kcat(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, TEST_BYTES);
    for (int i = 0; i < 3; i++) {
        buf_format(&text,
                   "{\"topic\":\"t\",\"partition\":0,\"offset\":%d,\"headers\":[\"h\",\"v\"],"
                   "\"key_base64\":\"eyJpZCI6MX0=\",\"payload\":\"{\\\"after\\\":{\\\"id\\\":1,"
                   "\\\"m\\\":\\\"",
                   i);
        put_long(&text, 300000);
        buf_str(&text, STR("\\\"},\\\"op\\\":\\\"c\\\"}\"}\n"));
    }
    check_torture(buf_view(&text));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_kcat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
