/*
 * Alterations of a source table, seen from its events: told once, whatever the order.
 */
#include "change_kit.h"

#include "pivot.h"

struct bench {
    struct arena arena;
    struct config config;
    struct pivot *pivot;
    struct batch batch;
    struct fault fault;
    struct change_kit kit;
    char told[1000];
};

static void note_warning(void *context, const char *text)
{
    struct bench *bench = context;
    if (strstr(text, "was altered"))
        snprintf(bench->told, sizeof(bench->told), "%s", text);
}

static void bench_start(struct bench *bench)
{
    *bench = (struct bench){0};
    arena_init(&bench->arena, TEST_BYTES);
    batch_init(&bench->batch, TEST_BYTES);
    config_from(&bench->config, &bench->arena, "pivot.fields=*;pivot.keys=id");
    bench->pivot = pivot_new(&bench->config, PIVOT_PIPE_COLUMNS, note_warning, bench,
                             &bench->fault);
}

static void bench_stop(struct bench *bench)
{
    pivot_free(bench->pivot);
    batch_release(&bench->batch);
    arena_release(&bench->arena);
}

/* Types are the letters, one a column, - for none; `shape` is the number of the columns. */
static void check_told(struct bench *bench, char op, uint64_t shape, const char *columns,
                       const char *types, const char *want)
{
    kit_make(&bench->kit, op, "id #1", columns);
    for (size_t i = 0; types[i]; i++)
        bench->kit.field[i].type = types[i] == '-' ? 0 : (uint64_t)types[i];
    bench->kit.change.columns = shape;
    bench->told[0] = '\0';
    check_good(columns, pivot_rows(bench->pivot, &bench->kit.change, &bench->batch, &bench->fault),
               &bench->fault);
    check_text(columns, str_from(bench->told), want);
    batch_reset(&bench->batch);
}

static void check_count(struct bench *bench, uint64_t want)
{
    check_number("altered", (int64_t)pivot_get_counts(bench->pivot)->altered, (int64_t)want);
}

static void test_columns(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    check_told(&bench, 'c', 0, "id r ~ #1;a o ~ #1", "ii", "");
    check_told(&bench, 'u', 0, "id r #1 #1;a o #1 #2", "ii", "");
    check_told(&bench, 'u', 0, "id r #1 #1;a o #1 #2;b o _ #3", "iit",
               "table s.t was altered: column b appeared");
    check_told(&bench, 'u', 0, "id r #1 #1;c o _ #3;a o #1 #2", "iii",
               "table s.t was altered: column c appeared, column b vanished");
    check_told(&bench, 'u', 0, "id r #1 #1;a o #1 #2;c o #1 #2", "ibi",
               "table s.t was altered: column a has another type");
    check_count(&bench, 3);
    bench_stop(&bench);
}

/* Two partitions in which the events of before and after take turns. */
static void test_turns(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    check_told(&bench, 'c', 0, "id r ~ #1;a o ~ #1;b o ~ #1", "iii", "");
    for (int turn = 0; turn < 5; turn++) {
        check_told(&bench, 'c', 0, "id r ~ #1;a o ~ #1;c o ~ #1", "ibi",
                   turn ? ""
                        : "table s.t was altered: column a has another type, column c appeared, "
                          "column b vanished");
        check_told(&bench, 'c', 0, "id r ~ #1;a o ~ #1;b o ~ #1", "iii",
                   turn ? "" : "table s.t was altered: column c vanished");
    }
    check_count(&bench, 2);
    bench_stop(&bench);
}

/* What is no complete row says nothing of the table. */
static void test_incomplete(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    check_told(&bench, 'c', 0, "id - ~ #1;a - ~ #1", "--", "");
    check_told(&bench, 'd', 0, "id - #1 ~", "-", "");
    check_told(&bench, 'd', 0, "id - #1 ~;z - #1 ~", "--", "");
    check_told(&bench, 't', 0, "", "", "");
    kit_make(&bench.kit, 'u', "id #1", "id - #1 #1");
    bench.kit.change.proof = PROOF_SENT;
    assert_true(pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault));
    check_count(&bench, 0);
    check_told(&bench, 'u', 0, "id - #1 #1", "-", "table s.t was altered: column a vanished");
    check_count(&bench, 1);
    bench_stop(&bench);
}

/* Columns of one number are looked at once. */
static void test_shapes(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench);
    check_told(&bench, 'c', 7, "id r ~ #1;a o ~ #1", "ii", "");
    check_told(&bench, 'c', 7, "id r ~ #1;a o ~ #1", "ii", "");
    check_told(&bench, 'c', 8, "id r ~ #1;a o ~ #1;b o ~ #1", "iii",
               "table s.t was altered: column b appeared");
    check_told(&bench, 'c', 7, "id r ~ #1;a o ~ #1", "ii", "");
    check_told(&bench, 'c', 8, "id r ~ #1;a o ~ #1;b o ~ #1", "iii", "");
    check_count(&bench, 1);
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
