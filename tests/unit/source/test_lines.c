/*
 * Lines from files: ends of lines, blocks, lengths, several files.
 */
#include "temp.h"

#include "lines.h"

#define FILES 3

struct bench {
    struct arena arena;
    struct config config;
    struct temp temp[FILES];
    const char *name[FILES];
    struct source *source;
    struct batch batch;
    struct fault fault;
    struct buf got;
};

static void bench_start(struct bench *bench, const str *content, size_t count, const char *options)
{
    *bench = (struct bench){0};
    arena_init(&bench->arena, TEST_BYTES);
    batch_init(&bench->batch, TEST_BYTES);
    buf_init(&bench->got, TEST_BYTES);
    config_from(&bench->config, &bench->arena, options);
    for (size_t i = 0; i < count; i++) {
        temp_make(&bench->temp[i], content[i]);
        bench->name[i] = bench->temp[i].name;
    }
    bench->source = lines_new(bench->name, count, &bench->config, &bench->fault);
    check_good("source", bench->source != NULL, &bench->fault);
}

static void bench_stop(struct bench *bench)
{
    bench->source->type->stop(bench->source);
    for (size_t i = 0; i < FILES && bench->name[i]; i++)
        temp_remove(&bench->temp[i]);
    buf_release(&bench->got);
    batch_release(&bench->batch);
    arena_release(&bench->arena);
}

/* Reads all of it as "FILE:LINE=VALUE|"; a tombstone is ~, a record that is broken has a ! in front
   of its length's place. */
static void bench_read(struct bench *bench)
{
    for (int polls = 0; !bench->source->ended; polls++) {
        assert_true(polls < 10000);
        batch_reset(&bench->batch);
        check_good("poll", source_poll(bench->source, &bench->batch, 500, &bench->fault),
                   &bench->fault);
        for (size_t i = 0; i < bench->batch.record_count; i++) {
            const struct record *record = &bench->batch.record[i];
            buf_format(&bench->got, "%u:%lld=%s", record->at.lane, (long long)record->at.mark,
                       record->broken.len ? "!" : "");
            buf_str(&bench->got, record->has_value ? record->value : STR("~"));
            buf_char(&bench->got, '|');
        }
    }
}

static void check_lines(str content, const char *want)
{
    struct bench bench;
    bench_start(&bench, &content, 1, "");
    bench_read(&bench);
    check_text("lines", buf_view(&bench.got), want);
    bench_stop(&bench);
}

static void test_ends(void **state)
{
    (void)state;
    check_lines(STR(""), "");
    check_lines(STR("\n"), "0:1=~|");
    check_lines(STR("a"), "0:1=a|");
    check_lines(STR("a\n"), "0:1=a|");
    check_lines(STR("a\nb"), "0:1=a|0:2=b|");
    check_lines(STR("a\r\nb\r\n"), "0:1=a|0:2=b|");
    check_lines(STR("a\r"), "0:1=a|");
    check_lines(STR("a\r\r\n"), "0:1=a\r|");
    check_lines(STR("a\rb\n"), "0:1=a\rb|");
    check_lines(STR("\r\n"), "0:1=~|");
    check_lines(STR("\n\na\n"), "0:1=~|0:2=~|0:3=a|");
}

static void test_tombstones(void **state)
{
    (void)state;
    check_lines(STR("NULL\nnull\n\nNull\nnull \n null\n"),
                "0:1=~|0:2=~|0:3=~|0:4=Null|0:5=~|0:6=~|");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    check_lines(STR("\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n"), "0:1={}|0:2=\xef\xbb\xbf{}|");
    check_lines(STR("\xef\xbb\xbf"), "0:1=~|");
    check_lines(STR("\xef\xbb\xbf\r\n"), "0:1=~|");
    check_lines(STR("\xef\xbb{}\n"), "0:1=\xef\xbb{}|");
}

static void test_files(void **state)
{
    (void)state;
    const str content[] = {STR("a\nb"), STR(""), STR("\xef\xbb\xbf{}\nd\n")};
    struct bench bench;
    bench_start(&bench, content, 3, "");
    bench_read(&bench);
    check_text("lines", buf_view(&bench.got), "0:1=a|0:2=b|2:1={}|2:2=d|");
    bench_stop(&bench);
}

/* Lines of these lengths, each of its own letter, come back whole and in order, with the line end
   `end`; blocks are 128 KiB. */
static void check_lengths(const size_t *len, size_t count, const char *end, bool end_last)
{
    struct bench bench;
    struct buf content, want;
    buf_init(&content, TEST_BYTES);
    buf_init(&want, TEST_BYTES);
    for (size_t i = 0; i < count; i++) {
        buf_format(&want, "0:%zu=", i + 1);
        for (size_t k = 0; k < len[i]; k++) {
            buf_char(&content, (char)('a' + i % 26));
            buf_char(&want, (char)('a' + i % 26));
        }
        if (i + 1 < count || end_last)
            buf_str(&content, str_from(end));
        buf_char(&want, '|');
    }
    str text = buf_view(&content);
    bench_start(&bench, &text, 1, "");
    bench_read(&bench);
    check_number("bytes", (int64_t)bench.got.len, (int64_t)want.len);
    assert_true(str_eq(buf_view(&bench.got), buf_view(&want)));
    bench_stop(&bench);
    buf_release(&content);
    buf_release(&want);
}

#define BLOCK ((size_t)128 * 1024)

static void test_blocks(void **state)
{
    (void)state;
    /* From half a block on, what is read behind a line's beginning stands there. */
    static const size_t lengths[] = {BLOCK / 2 - 1, BLOCK / 2, BLOCK - 3,     BLOCK - 2,
                                     BLOCK - 1,     BLOCK,     BLOCK + 1,     BLOCK + 2,
                                     2 * BLOCK - 1, 2 * BLOCK, 3 * BLOCK - 1, 3 * BLOCK + 7};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        const size_t len[] = {lengths[i], 1, lengths[i], 5, BLOCK, 2};
        check_lengths(len, COUNT(len), "\n", true);
        check_lengths(len, COUNT(len), "\r\n", true);
        check_lengths(len, COUNT(len), "\n", false);
        check_lengths(len, 1, "\n", false);
        check_lengths(len, 1, "\r\n", true);
    }
}

/* A long line that ends far beyond the limit, and the good one behind it. */
static void check_overlong(size_t bytes_max, size_t len, bool want_broken)
{
    struct bench bench;
    struct buf content;
    char options[100];
    buf_init(&content, TEST_BYTES);
    buf_str(&content, STR("first\n"));
    for (size_t i = 0; i < len; i++)
        buf_char(&content, 'x');
    buf_str(&content, STR("\nlast\n"));
    str text = buf_view(&content);
    snprintf(options, sizeof(options), "record.bytes.max=%zu", bytes_max);
    bench_start(&bench, &text, 1, options);
    bench_read(&bench);
    str got = buf_view(&bench.got);
    assert_true(str_starts(got, STR("0:1=first|0:2=")));
    assert_true(str_ends(got, STR("|0:3=last|")));
    str line = str_from_at(got, strlen("0:1=first|0:2="));
    line = str_head(line, line.len - strlen("|0:3=last|"));
    bool broken = str_starts(line, STR("!"));
    if (broken != want_broken)
        fail_msg("a line of %zu bytes with record.bytes.max=%zu: broken %d", len, bytes_max,
                 broken);
    if (!broken)
        check_number("bytes", (int64_t)line.len, (int64_t)len);
    else if (!str_starts(line, STR("!x")) || line.len - 1 > bytes_max)
        fail_msg("of a line of %zu bytes %zu are kept as its beginning", len, line.len - 1);
    bench_stop(&bench);
    buf_release(&content);
}

static void test_long_lines(void **state)
{
    (void)state;
    check_overlong(10 * BLOCK, 10 * BLOCK, false);
    check_overlong(10 * BLOCK, 10 * BLOCK + 1, true);
    check_overlong(2 * BLOCK, 20 * BLOCK, true);
}

/* The limit holds wherever the blocks end. */
static void test_long_line_in_one_block(void **state)
{
    (void)state;
    check_overlong(1024, 1024, false);
    check_overlong(1024, 1025, true);
    check_overlong(1024, BLOCK / 2, true);
}

/* "Its beginning is kept", also where the first block alone goes over the limit. */
static void test_beginning_is_kept(void **state)
{
    (void)state;
    check_overlong(1024, 3 * BLOCK, true);
    check_overlong(BLOCK, BLOCK + 1, true);
}

static void test_place(void **state)
{
    (void)state;
    const str content =
        STR("a\n{\"topic\":\"t\",\"partition\":1,\"offset\":7,\"payload\":\"x\"}\n");
    struct bench bench;
    struct buf place, want;
    buf_init(&place, 1000);
    buf_init(&want, 1000);
    bench_start(&bench, &content, 1, "");
    assert_true(source_poll(bench.source, &bench.batch, 0, &bench.fault));
    assert_int_equal(bench.batch.record_count, 2);
    bench.source->type->place(bench.source, &bench.batch.record[0], &place);
    buf_char(&place, ' ');
    bench.source->type->place(bench.source, &bench.batch.record[1], &place);
    buf_format(&want, "%s:1 %s:2 (t[1]@7)", bench.name[0], bench.name[0]);
    check_str("places", buf_view(&place), buf_view(&want));
    bench_stop(&bench);
    buf_release(&place);
    buf_release(&want);
}

/* Memory that runs out in the middle of a line of kcat's is a fault, not another kind of line. */
static void test_kcat_without_memory(void **state)
{
    (void)state;
    struct bench bench;
    struct buf content;
    buf_init(&content, TEST_BYTES);
    buf_str(&content, STR("{\"topic\":\"t\",\"partition\":0,\"offset\":7,\"key\":null,"
                          "\"payload\":\"\\n"));
    for (size_t i = 0; i < BLOCK - 2000; i++)
        buf_char(&content, 'x');
    buf_str(&content, STR("\"}\n"));
    str text = buf_view(&content);
    bench_start(&bench, &text, 1, "");
    /* One block of the arena: enough for the input, not for its payload without the escapes. */
    batch_release(&bench.batch);
    batch_init(&bench.batch, 256 * 1024);
    if (source_poll(bench.source, &bench.batch, 0, &bench.fault)) {
        assert_int_equal(bench.batch.record_count, 1);
        check_text("topic", bench.batch.record[0].topic, "t");
    } else {
        check_number("kind", bench.fault.kind, FAULT_RETRY);
    }
    bench_stop(&bench);
    buf_release(&content);
}

static void test_refusals(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    static const char *const missing[] = {"/dev/null", "/nowhere/at/all"};
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, "");
    check_fault("missing file", lines_new(missing, 2, &config, &fault) != NULL, &fault,
                FAULT_CONFIG, "cannot read /nowhere/at/all: No such file");
    config_from(&config, &arena, "record.bytes.max=1023");
    check_fault("too small", lines_new(missing, 1, &config, &fault) != NULL, &fault, FAULT_CONFIG,
                "record.bytes.max=1023");
    arena_release(&arena);
}

/* A directory opens and fails at the first read: it is refused beforehand. */
static void test_directory(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    static const char *const names[] = {"/tmp"};
    arena_init(&arena, TEST_BYTES);
    config_from(&config, &arena, "");
    struct source *source = lines_new(names, 1, &config, &fault);
    check_fault("directory", source != NULL, &fault, FAULT_CONFIG,
                "cannot read /tmp: Is a directory");
    arena_release(&arena);
}

/* A pipe gives what is there, and waits no longer than it was told. */
static void test_pipe(void **state)
{
    (void)state;
    struct arena arena;
    struct config config;
    struct batch batch;
    struct fault fault = {0};
    char name[50];
    int end[2];
    assert_int_equal(pipe(end), 0);
    snprintf(name, sizeof(name), "/dev/fd/%d", end[0]);
    const char *const names[] = {name};
    arena_init(&arena, TEST_BYTES);
    batch_init(&batch, TEST_BYTES);
    config_from(&config, &arena, "");
    struct source *source = lines_new(names, 1, &config, &fault);
    assert_non_null(source);
    assert_true(source_poll(source, &batch, 0, &fault));
    assert_int_equal(batch.record_count, 0);
    assert_int_equal(write(end[1], "a\nb", 3), 3);
    assert_true(source_poll(source, &batch, 0, &fault));
    assert_int_equal(batch.record_count, 1);
    assert_int_equal(write(end[1], "c\n", 2), 2);
    assert_true(source_poll(source, &batch, 0, &fault));
    assert_int_equal(batch.record_count, 2);
    check_text("in two parts", batch.record[1].value, "bc");
    close(end[1]);
    assert_false(source->ended);
    assert_true(source_poll(source, &batch, 500, &fault));
    assert_true(source->ended);
    source->type->stop(source);
    close(end[0]);
    batch_release(&batch);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_line_in_one_block),
        cmocka_unit_test(test_beginning_is_kept),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_kcat_without_memory),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
