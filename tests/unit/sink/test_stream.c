/*
 * Rows to a descriptor: the head line, large writes, a closed pipe, memory.
 */
#include "temp.h"

#include <errno.h>
#include <signal.h>

#include "encoders.h"
#include "mem.h"
#include "stream.h"

static struct column column = {.name = {"c", 1}, .kind = COLUMN_COPY};
static struct layout layout = {.column = &column, .count = 1, .copied_count = 1, .ready = true};
static const struct encoder encoder = {.type = &csv_encoder, .layout = &layout, .header = true};
static const struct batch batch;

static bool put_text(struct sink *sink, str text, struct fault *fault)
{
    struct value copied = {VALUE_TEXT, text};
    struct change change = {.op = CHANGE_CREATE, .copied = &copied};
    const struct row rows[] = {{&change, NULL}, {&change, NULL}};
    return sink_put(sink, &batch, rows, 2, fault);
}

static void check_file(const struct temp *file, const char *want)
{
    struct buf got;
    buf_init(&got, TEST_BYTES);
    temp_read(file, &got);
    check_text("file", buf_view(&got), want);
    buf_release(&got);
}

static void test_rows(void **state)
{
    (void)state;
    struct temp file;
    struct fault fault = {0};
    temp_make(&file, STR_EMPTY);
    int fd = open(file.name, O_WRONLY | O_CLOEXEC);
    struct sink *sink = stream_new(fd, &encoder, &fault);
    assert_true(put_text(sink, STR("a"), &fault));
    check_file(&file, "");
    assert_int_equal(sink->pending_bytes, 4);
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    check_file(&file, "c\na\na\n");
    assert_int_equal(sink->pending_bytes, 0);
    /* Nothing of a record that cannot be written is kept; the others are. */
    assert_true(put_text(sink, STR("b"), &fault));
    check_fault("U+0000", put_text(sink, STR("x\0"), &fault), &fault, FAULT_RECORD, "U+0000");
    assert_true(put_text(sink, STR("d"), &fault));
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    check_file(&file, "c\na\na\nb\nb\nd\nd\n");
    assert_true(put_text(sink, STR("not flushed"), &fault));
    sink->type->stop(sink);
    check_file(&file, "c\na\na\nb\nb\nd\nd\n");
    close(fd);
    temp_remove(&file);
}

/* The columns may be known only from the first row on. */
static void test_head_waits(void **state)
{
    (void)state;
    struct temp file;
    struct fault fault = {0};
    temp_make(&file, STR_EMPTY);
    int fd = open(file.name, O_WRONLY | O_CLOEXEC);
    struct sink *sink = stream_new(fd, &encoder, &fault);
    layout.ready = false;
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    check_file(&file, "");
    layout.ready = true;
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    assert_true(put_text(sink, STR("a"), &fault));
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    check_file(&file, "c\na\na\n");
    sink->type->stop(sink);
    close(fd);
    temp_remove(&file);
}

/* Rows wait for the flush, however many: dead letters must be durable before them. */
static void test_large(void **state)
{
    (void)state;
    static char text[100000];
    struct temp file;
    struct fault fault = {0};
    struct buf got;
    temp_make(&file, STR_EMPTY);
    buf_init(&got, TEST_BYTES);
    int fd = open(file.name, O_WRONLY | O_CLOEXEC);
    struct sink *sink = stream_new(fd, &encoder, &fault);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 10; i++)
        assert_true(put_text(sink, (str){text, sizeof(text)}, &fault));
    temp_read(&file, &got);
    check_number("before the flush", (int64_t)got.len, 0);
    check_number("pending", (int64_t)sink->pending_bytes, 20 * ((int64_t)sizeof(text) + 1));
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    buf_clear(&got);
    temp_read(&file, &got);
    check_number("bytes", (int64_t)got.len, 2 + 20 * ((int64_t)sizeof(text) + 1));
    sink->type->stop(sink);
    close(fd);
    buf_release(&got);
    temp_remove(&file);
}

static void test_closed_pipe(void **state)
{
    (void)state;
    struct fault fault = {0};
    int end[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(end), 0);
    close(end[0]);
    struct sink *sink = stream_new(end[1], &encoder, &fault);
    assert_true(put_text(sink, STR("a"), &fault));
    check_fault("pipe", sink_flush(sink, NULL, NULL, 0, &fault), &fault, FAULT_FATAL,
                "cannot write the output");
    check_number("code", fault.code, EPIPE);
    sink->type->stop(sink);
    close(end[1]);
}

/* A head line that found no memory is a fault of that call, or stands there later; it is never
   lost and never cut. */
static void check_head_without_memory(bool by_put)
{
    struct temp file;
    struct fault fault = {0};
    temp_make(&file, STR_EMPTY);
    int fd = open(file.name, O_WRONLY | O_CLOEXEC);
    struct sink *sink = stream_new(fd, &encoder, &fault);
    mem_fail_at(1);
    bool good = by_put ? put_text(sink, STR("a"), &fault) : sink_flush(sink, NULL, NULL, 0, &fault);
    mem_fail_at(0);
    if (by_put)
        check_fault("put", good, &fault, FAULT_RETRY, "out of memory");
    assert_true(put_text(sink, STR("b"), &fault));
    assert_true(sink_flush(sink, NULL, NULL, 0, &fault));
    check_file(&file, "c\nb\nb\n");
    sink->type->stop(sink);
    close(fd);
    temp_remove(&file);
}

static void test_head_without_memory_at_put(void **state)
{
    (void)state;
    check_head_without_memory(true);
}

static void test_head_without_memory_at_flush(void **state)
{
    (void)state;
    check_head_without_memory(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_head_waits),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_closed_pipe),
        cmocka_unit_test(test_head_without_memory_at_put),
        cmocka_unit_test(test_head_without_memory_at_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
