/*
 * The rows that people see: the last ones, newest first, as JSON, and never many bytes.
 */
#include "check.h"

#include "latest.h"
#include "mem.h"

static struct column columns[] = {{STR("change_field"), COLUMN_CHANGE_FIELD, STR_EMPTY, 0},
                                  {STR("old_value"), COLUMN_OLD_VALUE, STR_EMPTY, 0},
                                  {STR("new_value"), COLUMN_NEW_VALUE, STR_EMPTY, 0}};
static const struct layout layout = {.column = columns, .count = COUNT(columns), .ready = true};

struct bench {
    struct batch batch;
    struct latest latest;
    struct change change;
    struct field field[200];
    struct buf out;
};

static void bench_start(struct bench *bench)
{
    *bench = (struct bench){.change = {.op = CHANGE_UPDATE}};
    batch_init(&bench->batch, TEST_BYTES);
    buf_init(&bench->out, TEST_BYTES);
    latest_begin(&bench->latest);
}

static void bench_stop(struct bench *bench)
{
    latest_release(&bench->latest);
    batch_release(&bench->batch);
    buf_release(&bench->out);
}

static void add(struct bench *bench, str old_value, str new_value)
{
    struct fault fault;
    struct field *field = &bench->field[bench->batch.row_count];
    *field = (struct field){
        .name = STR("a"), .before = {VALUE_TEXT, old_value}, .after = {VALUE_NUMBER, new_value}};
    assert_true(batch_add_row(&bench->batch, (struct row){&bench->change, field}, &fault));
}

static void check_latest(struct bench *bench, const char *want)
{
    buf_clear(&bench->out);
    latest_write(&bench->latest, &bench->out);
    check_text("rows", buf_view(&bench->out), want);
}

static void test_rows(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    check_latest(&bench, "");
    add(&bench, STR("x\"y"), STR("1.50"));
    add(&bench, STR("z"), STR("2"));
    latest_take(&bench.latest, &bench.batch, &layout, 1);
    check_latest(
        &bench, "{\"n\":2,\"change_field\":\"a\",\"old_value\":\"z\",\"new_value\":\"2\"},"
                "{\"n\":1,\"change_field\":\"a\",\"old_value\":\"x\\\"y\",\"new_value\":\"1.50\"}");
    bench_stop(&bench);
}

/* Of many the last ones are kept, and more only when time has passed. */
static void test_many(void **state)
{
    (void)state;
    struct bench bench;
    char number[200][4];
    bench_start(&bench);
    for (int i = 0; i < 200; i++) {
        snprintf(number[i], sizeof(number[i]), "%d", i);
        add(&bench, STR("x"), str_from(number[i]));
    }
    latest_take(&bench.latest, &bench.batch, &layout, 1000);
    check_number("kept", (int64_t)bench.latest.count, LATEST_ROWS);
    latest_take(&bench.latest, &bench.batch, &layout, 1001);
    check_number("too soon", (int64_t)bench.latest.count, LATEST_ROWS);
    latest_write(&bench.latest, &bench.out);
    assert_true(str_find(buf_view(&bench.out), STR("\"new_value\":\"199\"")) > 0);
    assert_true(str_find(buf_view(&bench.out), STR("\"new_value\":\"160\"")) > 0);
    assert_true(str_find(buf_view(&bench.out), STR("\"new_value\":\"159\"")) < 0);
    latest_take(&bench.latest, &bench.batch, &layout, 2000);
    check_number("later", (int64_t)bench.latest.count, 2 * LATEST_ROWS);
    bench_stop(&bench);
}

/* Values are cut between characters, and what is written stays JSON. */
static void test_long(void **state)
{
    (void)state;
    struct bench bench;
    char text[5000];
    bench_start(&bench);
    text[0] = 'x'; /* so that the cut goes through a character */
    for (size_t i = 1; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    add(&bench, (str){text, 4001}, STR("1"));
    latest_take(&bench.latest, &bench.batch, &layout, 1);
    latest_write(&bench.latest, &bench.out);
    str got = buf_view(&bench.out);
    assert_true(str_is_utf8(got));
    assert_true(str_ends(got, STR("\xe2\x80\xa6\",\"new_value\":\"1\"}")));
    assert_true(got.len < 400);
    bench_stop(&bench);
}

/* More columns than fit: those that do. */
static void test_wide(void **state)
{
    (void)state;
    struct bench bench;
    static struct column wide[2000];
    bench_start(&bench);
    for (size_t i = 0; i < COUNT(wide); i++)
        wide[i] = columns[1];
    const struct layout many = {.column = wide, .count = COUNT(wide), .ready = true};
    add(&bench, STR("value"), STR("1"));
    latest_take(&bench.latest, &bench.batch, &many, 1);
    latest_write(&bench.latest, &bench.out);
    assert_true(bench.out.len <= LATEST_ROW_BYTES);
    assert_true(str_ends(buf_view(&bench.out), STR("\"old_value\":\"value\"}")));
    bench_stop(&bench);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    latest_release(&bench.latest);
    mem_fail_at(1);
    latest_begin(&bench.latest);
    mem_fail_at(0);
    add(&bench, STR("x"), STR("1"));
    latest_take(&bench.latest, &bench.batch, &layout, 1);
    check_latest(&bench, "");
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_many),      cmocka_unit_test(test_long),
        cmocka_unit_test(test_wide), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
