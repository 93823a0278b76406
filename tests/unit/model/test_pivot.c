/*
 * The pivot: which rows a change makes, and what stands in them.
 */
#include "change_kit.h"

#include "pivot.h"

#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_1 "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

struct bench {
    struct arena arena;
    struct config config;
    struct pivot *pivot;
    struct batch batch;
    struct fault fault;
    struct change_kit kit;
    int warnings;
};

static void count_warning(void *context, const char *text)
{
    (void)text;
    ((struct bench *)context)->warnings++;
}

static void bench_start(struct bench *bench, const char *options)
{
    *bench = (struct bench){0};
    arena_init(&bench->arena, TEST_BYTES);
    batch_init(&bench->batch, TEST_BYTES);
    config_from(&bench->config, &bench->arena, options);
    bench->pivot = pivot_new(&bench->config, PIVOT_PIPE_COLUMNS, count_warning, bench,
                             &bench->fault);
}

static void bench_stop(struct bench *bench)
{
    pivot_free(bench->pivot);
    batch_release(&bench->batch);
    arena_release(&bench->arena);
}

static bool bench_take(struct bench *bench, char op, const char *key, const char *columns)
{
    kit_make(&bench->kit, op, key, columns);
    return pivot_rows(bench->pivot, &bench->kit.change, &bench->batch, &bench->fault);
}

static struct value cell(const struct bench *bench, const struct row *row, const char *column,
                         char scratch[CELL_SCRATCH])
{
    struct column wanted = {.name = str_from(column)};
    assert_true(column_kind_by_name(wanted.name, &wanted.kind));
    return row_cell(row, &wanted, &bench->batch, scratch);
}

/* A row as "u KEYS field old>new", with ! in front of an old value that is not known. */
static void put_row(const struct bench *bench, const struct row *row, struct buf *out)
{
    char scratch[CELL_SCRATCH];
    const struct layout *layout = pivot_layout(bench->pivot);
    buf_str(out, cell(bench, row, "op", scratch).text);
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->column[i].kind != COLUMN_COPY)
            continue;
        buf_char(out, ' ');
        put_value(out, row_cell(row, &layout->column[i], &bench->batch, scratch));
    }
    struct value name = cell(bench, row, "change_field", scratch);
    buf_char(out, ' ');
    buf_str(out, value_has_text(name) ? name.text : STR("-"));
    buf_char(out, ' ');
    if (str_is(cell(bench, row, "old_known", scratch).text, "false"))
        buf_char(out, '!');
    put_value(out, cell(bench, row, "old_value", scratch));
    buf_char(out, '>');
    put_value(out, cell(bench, row, "new_value", scratch));
}

static void check_batch(const struct bench *bench, const char *what, const char *want)
{
    struct buf got;
    buf_init(&got, 100000);
    for (size_t i = 0; i < bench->batch.row_count; i++) {
        buf_str(&got, i ? STR("; ") : STR(""));
        put_row(bench, &bench->batch.row[i], &got);
    }
    check_text(what, buf_view(&got), want);
    buf_release(&got);
}

static void check_rows(const char *options, char op, const char *key, const char *columns,
                       const char *want)
{
    struct bench bench;
    bench_start(&bench, options);
    check_good(options, bench.pivot != NULL, &bench.fault);
    check_good(columns, bench_take(&bench, op, key, columns), &bench.fault);
    check_batch(&bench, columns, want);
    bench_stop(&bench);
}

static void check_refused(const char *options, char op, const char *key, const char *columns,
                          enum fault_kind kind, const char *part)
{
    struct bench bench;
    bench_start(&bench, options);
    check_good(options, bench.pivot != NULL, &bench.fault);
    check_fault(columns, bench_take(&bench, op, key, columns), &bench.fault, kind, part);
    check_number("rows left behind", (int64_t)bench.batch.row_count, 0);
    check_number("counted", (int64_t)pivot_get_counts(bench.pivot)->rows, 0);
    bench_stop(&bench);
}

#define AB "pivot.fields=a,b;pivot.keys=id;replica.identity=full"

static void test_ops(void **state)
{
    (void)state;
    check_rows(AB, 'u', "id #1", "id r #1 #1;a r 'x 'y;b o #1 #1", "u #1 a 'x>'y");
    check_rows(AB, 'u', "id #1", "id r #1 #1;a r 'x 'x;b o #1 #1.0", "");
    check_rows(AB, 'u', "id #1", "id r #1 #1;b o ~ ';a r 'x ~", "u #1 a 'x>~; u #1 b ~>'");
    check_rows(AB, 'c', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~", "c #1 a ~>'x");
    check_rows(AB, 'c', "id #1", "id r ~ #1;a r ~ ~;b o ~ ~", "c #1 - ~>~");
    check_rows(AB, 'd', "id #1", "id r #1 ~;a r 'x ~;b o ~ ~", "d #1 a 'x>~");
    check_rows(AB, 'd', "id #1", "id r #1 ~;a r ~ ~;b o ~ ~", "d #1 - ~>~");
    check_rows(AB, 'r', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~", "");
    check_rows(AB ";pivot.snapshot=emit", 'r', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~",
               "r #1 a ~>'x");
    check_rows(AB, 't', NULL, "", "t ~ - ~>~");
    check_rows(AB, 'm', NULL, "", "");
}

static void test_unknown(void **state)
{
    (void)state;
    check_rows(AB, 'U', "id #1", "id r _ #1;a r _ 'x;b o _ ~", "u #1 a !~>'x; u #1 b !~>~");
    check_rows(AB ";pivot.unknown=skip", 'U', "id #1", "id r _ #1;a r _ 'x;b o _ ~", "");
    /* A delete is told whatever is known. */
    check_rows(AB ";pivot.unknown=skip", 'D', "id #1", "id r _ ~;a r _ ~;b o _ ~",
               "d #1 a !~>~; d #1 b !~>~");
    check_rows(AB, 'D', "id #1", "", "d #1 a !~>~; d #1 b !~>~");
    /* The old value was the placeholder: unknown, the new one was sent. */
    check_rows(AB, 'u', "id #1", "id r #1 #1;a r ? 'x;b o 'y 'y", "u #1 a !~>'x");
    check_rows("pivot.fields=*;replica.identity=full", 'D', "id #1", "", "d #1 - !~>~");
}

/* The column was not touched: no row, whatever the options. */
static void test_unavailable(void **state)
{
    (void)state;
    static const char *const columns = "id r #1 #1;a r 'x ?;b o #1 #2";
    check_rows(AB, 'u', "id #1", columns, "u #1 b #1>#2");
    check_rows(AB ";pivot.unchanged=emit", 'u', "id #1", columns, "u #1 b #1>#2");
    check_rows(AB, 'U', "id #1", "id r _ #1;a r _ ?;b o _ #2", "u #1 b !~>#2");
}

static void test_unchanged(void **state)
{
    (void)state;
    check_rows(AB ";pivot.unchanged=emit", 'u', "id #1", "id r #1 #1;a r 'x 'x;b o ~ ~",
               "u #1 a 'x>'x; u #1 b ~>~");
    check_rows(AB ";pivot.unchanged=emit", 'c', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~",
               "c #1 a ~>'x; c #1 b ~>~");
}

#define ALL "pivot.fields=*;replica.identity=full"

static void test_every_field(void **state)
{
    (void)state;
    static const char *const columns = "id r #1 #1;a r 'x 'y;b o #1 #2";
    check_rows(ALL, 'u', "id #1", columns, "u #1 a 'x>'y; u #1 b #1>#2");
    check_rows(ALL ";pivot.ignore=a", 'u', "id #1", columns, "u #1 b #1>#2");
    /* Named in --keys but outside the message key: a change is never hidden. */
    check_rows(ALL ";pivot.keys=a", 'u', "id #1", columns, "u 'y a 'x>'y; u 'y b #1>#2");
    /* Without message keys the named ones are the key; one that moved is a row. */
    check_rows(ALL ";pivot.keys=a", 'u', NULL, columns, "u 'y a 'x>'y; u 'y b #1>#2");
    check_rows(ALL ";pivot.keys=a", 'u', NULL, "a r 'x 'x;b o #1 #2", "u 'x b #1>#2");
    check_rows(ALL ";pivot.keys=a", 'u', NULL, "a r _ 'x;b o #1 #2", "u 'x b #1>#2");
    check_rows(ALL ";pivot.keys=id", 'u', NULL, columns, "u #1 a 'x>'y; u #1 b #1>#2");
    /* --ignore leaves a field that was named by itself alone. */
    check_rows(AB ";pivot.ignore=a", 'u', "id #1", columns, "u #1 a 'x>'y; u #1 b #1>#2");
    /* Columns of one image only: DDL in between. */
    check_rows(ALL, 'u', "id #1", "id r #1 #1;new o _ 'n;old o 'o _", "u #1 new !~>'n");
}

static void test_named_fields(void **state)
{
    (void)state;
    check_rows("pivot.fields=b,a,b;pivot.keys=id;replica.identity=full", 'u', "id #1",
               "id r #1 #1;a r 'x 'y;b o #1 #2", "u #1 b #1>#2; u #1 a 'x>'y");
    /* A key column that is also a pivoted field makes one row. */
    check_rows("pivot.fields=id;pivot.keys=id;replica.identity=full", 'c', "id #1",
               "id r ~ #1;a r ~ 'x", "c #1 id ~>#1");
    struct bench bench;
    bench_start(&bench, "pivot.fields=none,a;pivot.keys=id;replica.identity=full");
    assert_true(bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x"));
    assert_true(bench_take(&bench, 'c', "id #2", "id r ~ #2;a r ~ 'x"));
    check_number("rows", (int64_t)bench.batch.row_count, 2);
    check_number("told once", bench.warnings, 1);
    bench_stop(&bench);
}

/* Not FULL: what stands in `before` is made up. */
static void test_identity(void **state)
{
    (void)state;
    static const char *const columns = "id r #1 ~;a r ' ~;b r #0 ~";
    check_rows("pivot.fields=a,b", 'd', "id #1", columns, "d #1 a !~>~; d #1 b !~>~");
    check_rows("pivot.fields=a,b;replica.identity=full", 'd', "id #1", columns,
               "d #1 a '>~; d #1 b #0>~");
    check_rows("pivot.fields=a,b;replica.identity=full;replica.identity.s.t=default", 'd', "id #1",
               columns, "d #1 a !~>~; d #1 b !~>~");
    /* Under an index identity even the message key of a delete is made up. */
    check_rows("pivot.fields=*;replica.identity=index(a)", 'd', "id #0", "id r #0 ~;a r 'x ~",
               "d ~ a 'x>~");
    check_rows("pivot.fields=*;replica.identity=index(id)", 'd', "id #7", "id r #7 ~;a r 'x ~",
               "d #7 a !~>~");
    struct bench bench;
    bench_start(&bench, "pivot.fields=a,b");
    assert_true(bench_take(&bench, 'd', "id #1", columns));
    assert_true(bench_take(&bench, 'd', "id #2", columns));
    check_number("told once", bench.warnings, 1);
    check_number("unknown", (int64_t)pivot_get_counts(bench.pivot)->unknown_old, 4);
    bench_stop(&bench);
}

/* "A delete with unknown before has one row per pivoted field", also where the image holds the key
   alone, as Debezium documents it. */
static void test_delete_of_key_only(void **state)
{
    (void)state;
    check_rows("pivot.fields=a,b;pivot.keys=id;replica.identity=default", 'd', "id #1", "id - #1 ~",
               "d #1 a !~>~; d #1 b !~>~");
}

static void test_keys(void **state)
{
    (void)state;
    check_rows("pivot.fields=a;replica.identity=full", 'u', "id #1;k 'b",
               "id r #1 #1;k r 'b 'b;a r 'x 'y", "u #1 'b a 'x>'y");
    /* A copied column outside the message key, of a delete that is not believed, is NULL. */
    check_rows("pivot.fields=a;pivot.keys=id,b;replica.identity=default", 'd', "id #1",
               "id r #1 ~;a r 'x ~;b r 'y ~", "d #1 ~ a !~>~");
    check_rows("pivot.fields=a;pivot.keys=id,b;replica.identity=full", 'd', "id #1",
               "id r #1 ~;a r 'x ~;b r 'y ~", "d #1 'y a 'x>~");
    /* The images lack the key column (filtered at the source): the message key has it. */
    check_rows("pivot.fields=a;replica.identity=full", 'c', "id #1", "a r ~ 'x", "c #1 a ~>'x");
    check_rows("pivot.fields=a;pivot.keys=id;replica.identity=full", 'D', "id #1", "",
               "d #1 a !~>~");
    /* A table without a key: nothing of a delete is believed. */
    check_rows("pivot.fields=a;pivot.keys=id", 'd', "", "id r #1 ~;a r 'x ~", "d ~ a !~>~");
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("pivot.fields=a", 'c', NULL, "id r ~ #1;a r ~ 'x", FAULT_CONFIG,
                  "an event of s.t has no message key");
    check_refused("pivot.fields=a;pivot.keys=key", 'c', NULL, "id r ~ #1;a r ~ 'x", FAULT_RECORD,
                  "no key column key, it has id, a");
    check_refused("pivot.keys=id", 'c', NULL, "id r ~ #1;a r ~ 'x", FAULT_CONFIG,
                  "no fields to pivot for s.t");
    check_refused("pivot.fields=a;pivot.created=after.at", 'c', "id #1", "id r ~ #1;a r ~ 'x",
                  FAULT_RECORD, "no column at");
    check_refused("pivot.fields=a;pivot.created=after.at", 'c', "id #1",
                  "id r ~ #1;a r ~ 'x;at r ~ 'soon", FAULT_RECORD, "column at holds no timestamp");
    check_refused("pivot.fields=a;pivot.created=after.at", 'c', "id #1",
                  "id r ~ #1;a r ~ 'x;at - ~ #1000", FAULT_RECORD, "bare number");
}

static void check_config_refused(const char *options, const char *part)
{
    struct bench bench;
    bench_start(&bench, options);
    check_fault(options, bench.pivot != NULL, &bench.fault, FAULT_CONFIG, part);
    bench_stop(&bench);
}

static void test_bad_options(void **state)
{
    (void)state;
    check_config_refused("replica.identity=FULL", "must be auto, full");
    check_config_refused("replica.identity.s.t=index()", "must be auto, full");
    check_config_refused("pivot.mask.s.t=a:md5", "must be COLUMN:hash or COLUMN:drop");
    check_config_refused("pivot.created=now", "pivot.created=now: must be source");
    check_config_refused("pivot.deleted=before.", "must be source");
    check_config_refused("pivot.timezone=Mars/Olympus", "pivot.timezone=Mars/Olympus");
    check_config_refused("pivot.unknown=maybe", "must be one of skip, emit");
    check_config_refused("pivot.fields.s.t=\"a", "no closing double quote");
    check_config_refused("pivot.keys=op", "two columns named op");
    check_config_refused("pivot.keys=id;pivot.columns=a=id,a", "two columns named a");
}

/* Options of one table go over the general ones. */
static void test_overrides(void **state)
{
    (void)state;
    static const char *const columns = "id r #1 #1;k r 'k 'k;a r 'x 'y;b o #1 #2";
    check_rows(AB ";pivot.fields.s.t=b", 'u', "id #1", columns, "u #1 b #1>#2");
    check_rows(AB ";pivot.fields.s.other=b", 'u', "id #1", columns, "u #1 a 'x>'y; u #1 b #1>#2");
    check_rows(AB ";pivot.keys.s.t=k", 'u', "id #1", columns, "u 'k a 'x>'y; u 'k b #1>#2");
    check_rows(AB ";pivot.fields.s.t=*;pivot.ignore.s.t=a,k", 'u', "id #1", columns,
               "u #1 b #1>#2");
    check_rows(AB ";pivot.mask.s.t=a:drop,b:drop", 'u', "id #1", columns, "u #1 a ~>~; u #1 b ~>~");
    check_refused("pivot.fields=a;pivot.keys=id,b;pivot.keys.s.t=k", 'u', "id #1", columns,
                  FAULT_CONFIG, "names 1 columns, but pivot.keys names 2");
}

/* Two tables whose keys are named only per table: each row carries its own table's key, or the
   configuration is refused; never another column that happens to have the same name. */
static void test_keys_per_table_only(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench,
                "pivot.fields=a;replica.identity=full;pivot.keys.s.t=id;pivot.keys.s.u=uid");
    assert_true(bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x"));
    struct change_kit kit;
    kit_make(&kit, 'c', "uid #9", "id r ~ #2;uid r ~ #9;a r ~ 'z");
    kit.change.table = STR("u");
    if (pivot_rows(bench.pivot, &kit.change, &bench.batch, &bench.fault))
        check_batch(&bench, "keys of table u", "c #1 a ~>'x; c #9 a ~>'z");
    else
        check_number("kind", bench.fault.kind, FAULT_CONFIG);
    bench_stop(&bench);
}

/* Where message keys decide the columns, another table's other key is an error. */
static void test_other_key(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "pivot.fields=a;replica.identity=full");
    assert_true(bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x"));
    struct change_kit kit;
    kit_make(&kit, 'c', "uid #9", "uid r ~ #9;a r ~ 'z");
    kit.change.table = STR("u");
    check_fault("another key", pivot_rows(bench.pivot, &kit.change, &bench.batch, &bench.fault),
                &bench.fault, FAULT_CONFIG, "table s.u has the key (uid)");
    check_batch(&bench, "the rows before it", "c #1 a ~>'x");
    bench_stop(&bench);
}

/* A truncate has no key. Where the columns do not depend on one, it makes its row even when it is
   the first event of its table. */
static void test_truncate_first(void **state)
{
    (void)state;
    check_rows("pivot.fields=a;pivot.columns=row_key,change_field,old_value,new_value,op", 't', "",
               "", "t - ~>~");
}

static void check_cell(const struct bench *bench, size_t row, const char *column, const char *want)
{
    char scratch[CELL_SCRATCH];
    struct buf got;
    assert_true(row < bench->batch.row_count);
    buf_init(&got, 10000);
    put_value(&got, cell(bench, &bench->batch.row[row], column, scratch));
    check_text(column, buf_view(&got), want);
    buf_release(&got);
}

static void test_masks(void **state)
{
    (void)state;
    check_rows(AB ";pivot.mask=a:hash,b:drop", 'u', "id #1", "id r #1 #1;a r 'x 'abc;b o #1 #2",
               "u #1 a '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881>'" SHA_ABC
               "; u #1 b ~>~");
    check_rows(AB ";pivot.mask=a:hash", 'u', "id #1", "id r #1 #1;a r 'x 'x;b o ~ ~", "");
    check_rows(AB ";pivot.mask=a:drop", 'U', "id #1", "id r _ #1;a r _ 'x;b o _ ?", "u #1 a !~>~");
    check_rows(AB ";pivot.mask=id:hash", 'c', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~",
               "c '" SHA_1 " a ~>'x");
}

/* The row's key is the message key, also where one of its columns is masked. */
/* It is composed only where it is shown. */
#define WITH_ROW_KEY ";pivot.columns=row_key,change_field"

static void test_row_key(void **state)
{
    (void)state;
    struct bench bench;
    static const char *const columns = "id r ~ #1;a r ~ 'x;b o ~ ~";
    bench_start(&bench, AB WITH_ROW_KEY);
    assert_true(bench_take(&bench, 'c', "id #1", columns));
    check_cell(&bench, 0, "row_key", "'{\"the\":\"key\"}");
    assert_true(bench_take(&bench, 't', NULL, ""));
    check_cell(&bench, 1, "row_key", "~");
    bench_stop(&bench);
    bench_start(&bench, AB WITH_ROW_KEY);
    assert_true(bench_take(&bench, 'c', NULL, columns));
    check_cell(&bench, 0, "row_key", "'{\"id\":1}");
    bench_stop(&bench);
    bench_start(&bench, AB WITH_ROW_KEY ";pivot.mask=id:hash");
    assert_true(bench_take(&bench, 'c', "id #1", columns));
    check_cell(&bench, 0, "row_key", "'{\"id\":\"" SHA_1 "\"}");
    bench_stop(&bench);
}

static void test_row_key_masked_with_other_keys(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "pivot.fields=a;pivot.keys=a;replica.identity=full;"
                        "pivot.mask=id:hash" WITH_ROW_KEY);
    assert_true(bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x"));
    check_cell(&bench, 0, "row_key", "'{\"id\":\"" SHA_1 "\"}");
    bench_stop(&bench);
}

static void test_row_key_of_delete(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "pivot.fields=*;replica.identity=index(a)" WITH_ROW_KEY);
    assert_true(bench_take(&bench, 'd', "id #0", "id r #0 ~;a r 'x ~"));
    check_cell(&bench, 0, "row_key", "~");
    bench_stop(&bench);
    bench_start(&bench, "pivot.fields=*;replica.identity=default" WITH_ROW_KEY);
    assert_true(bench_take(&bench, 'd', "id #0", "id r #0 ~;a r 'x ~"));
    check_cell(&bench, 0, "row_key", "'{\"the\":\"key\"}");
    bench_stop(&bench);
}

static void check_time(const char *options, char op, const char *columns, const char *column,
                       const char *want)
{
    struct bench bench;
    bench_start(&bench, options);
    check_good(options, bench.pivot != NULL, &bench.fault);
    bench.batch.inserted_us = 3000000;
    check_good(columns, bench_take(&bench, op, "id #1", columns), &bench.fault);
    static const char *const all[] = {"datetime_created", "datetime_updated", "datetime_deleted"};
    for (size_t i = 0; i < COUNT(all); i++)
        check_cell(&bench, 0, all[i], strcmp(all[i], column) == 0 ? want : "~");
    check_cell(&bench, 0, "datetime_inserted", "'1970-01-01T00:00:03.000000Z");
    bench_stop(&bench);
}

#define TIMED AB ";pivot.snapshot=emit;"

static void test_times(void **state)
{
    (void)state;
    static const char *const created = "datetime_created", *const updated = "datetime_updated",
                             *const deleted = "datetime_deleted";
    static const char *const one = "'1970-01-01T00:00:01.000000Z",
                             *const two = "'1970-01-01T00:00:02.000000Z";
    static const char *const now = "id r ~ #1;a r ~ 'x;b o ~ ~", *const both =
                                                                     "id r #1 #1;a r 'w 'x";
    check_time(TIMED, 'c', now, created, one);
    check_time(TIMED, 'r', now, created, one);
    check_time(TIMED, 'u', both, updated, one);
    check_time(TIMED, 'd', "id r #1 ~;a r 'w ~", deleted, one);
    check_time(TIMED, 't', "", deleted, one);
    check_time(TIMED "pivot.created=connector", 'c', now, created, two);
    /* A snapshot's rows have the snapshot's time. */
    check_time(TIMED "pivot.created=connector", 'r', now, created, one);
    check_time(TIMED "pivot.updated=connector", 'u', both, updated, two);
    check_time(TIMED "pivot.updated=connector", 'c', now, created, one);
    check_time(TIMED "pivot.deleted=before.a", 't', "", deleted, one);
    check_time(TIMED "pivot.created=after.b", 'r', "id r ~ #1;a r ~ 'x;b r ~ '2000-02-29", created,
               "'2000-02-29T00:00:00.000000Z");
    check_time(TIMED "pivot.created=after.b", 'c', now, created, "~");
    check_time(TIMED "pivot.deleted=before.a", 'd', "id r #1 ~;a r '2026-11-21T01:00+01:00 ~",
               deleted, "'2026-11-21T00:00:00.000000Z");
    check_time(TIMED "pivot.updated=after.a;pivot.timezone=+03:30", 'u',
               "id r #1 #1;a r '2026-11-21T00:00:00 '2026-11-21T12:00:00", updated,
               "'2026-11-21T08:30:00.000000Z");
    check_time(TIMED "pivot.timezone=UTC", 'c', now, created, one);
}

/* Times as the types print them, and a number that nobody says the unit of. */
static void test_texts_of_times(void **state)
{
    (void)state;
    static const struct {
        const char *column, *want;
    } cases[] = {
        {"at o ~ '2018-06-20_15:13:16.945", "'2018-06-20T15:13:16.945000Z"},
        {"at o ~ '2018-06-20_15:13:16.945104999", "'2018-06-20T15:13:16.945104Z"},
        {"at o ~ '1969-12-31_23:59:59.999999", "'1969-12-31T23:59:59.999999Z"},
        {"at o ~ '2018-06-20_15:13:16+00", "'2018-06-20T15:13:16.000000Z"},
        {"at o ~ '0044-03-15_12:00:00.5_BC", "'-0043-03-15T12:00:00.500000Z"},
        {"at o ~ '12345-01-02", "'+12345-01-02T00:00:00.000000Z"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        char at[80];
        bench_start(&bench, "pivot.fields=at;pivot.keys=at;pivot.created=after.at");
        kit_make(&bench.kit, 'c', "id #1", cases[i].column);
        str text = bench.kit.field[0].after.text;
        for (size_t c = 0; c < text.len; c++)
            at[c] = text.ptr[c] == '_' ? ' ' : text.ptr[c];
        bench.kit.field[0].after.text = (str){at, text.len};
        assert_true(pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault));
        check_cell(&bench, 0, "datetime_created", cases[i].want);
        kit_make(&bench.kit, 'c', "id #1", "at o ~ #1529507596945");
        check_fault("no unit",
                    pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault),
                    &bench.fault, FAULT_RECORD, "pivot.type.at=timestamp");
        kit_make(&bench.kit, 'c', "id #1", "at o ~ 'infinity");
        check_fault("infinity",
                    pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault),
                    &bench.fault, FAULT_RECORD, "holds no timestamp");
        bench_stop(&bench);
    }
}

static void test_other_cells(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, AB);
    kit_make(&bench.kit, 'u', "id #1", "id r #1 #1;a r 'x 'y;b o #1 #2");
    bench.kit.change.number = 2;
    bench.kit.record.topic = STR("bank.t");
    bench.kit.record.partition = 0;
    bench.kit.record.offset = 9007199254740993;
    assert_true(pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault));
    check_cell(&bench, 1, "field_no", "#131075");
    check_cell(&bench, 1, "source_table", "'s.t");
    check_cell(&bench, 1, "kafka_topic", "'bank.t");
    check_cell(&bench, 1, "kafka_partition", "#0");
    check_cell(&bench, 1, "kafka_offset", "#9007199254740993");
    check_cell(&bench, 1, "event_time", "'1970-01-01T00:00:01.000000Z");
    check_cell(&bench, 1, "connector_time", "'1970-01-01T00:00:02.000000Z");
    check_cell(&bench, 1, "tx_id", "~");
    check_cell(&bench, 1, "query", "~");
    kit_make(&bench.kit, 't', NULL, "");
    bench.kit.change.source_us = TIME_UNKNOWN;
    bench.kit.record.time_us = 5000000;
    assert_true(pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault));
    check_cell(&bench, 2, "field_no", "#0");
    check_cell(&bench, 2, "kafka_topic", "~");
    check_cell(&bench, 2, "kafka_partition", "~");
    check_cell(&bench, 2, "event_time", "'1970-01-01T00:00:05.000000Z");
    bench_stop(&bench);
}

static void test_layout(void **state)
{
    (void)state;
    static const char *const usual[] = {"id",
                                        "change_field",
                                        "old_value",
                                        "new_value",
                                        "datetime_created",
                                        "datetime_updated",
                                        "datetime_deleted",
                                        "datetime_inserted",
                                        "op",
                                        "old_known"};
    struct bench bench;
    bench_start(&bench, "pivot.fields=a");
    assert_false(pivot_layout(bench.pivot)->ready);
    assert_true(bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x"));
    assert_true(pivot_layout(bench.pivot)->ready);
    assert_int_equal(pivot_layout(bench.pivot)->count, COUNT(usual));
    for (size_t i = 0; i < COUNT(usual); i++)
        check_text("column", pivot_layout(bench.pivot)->column[i].name, usual[i]);
    bench_stop(&bench);
    bench_start(&bench, "pivot.keys=id;pivot.columns=when=event_time,op,who=id");
    const struct layout *layout = pivot_layout(bench.pivot);
    assert_true(layout->ready);
    assert_int_equal(layout->count, 3);
    assert_int_equal(layout->column[0].kind, COLUMN_EVENT_TIME);
    check_text("renamed", layout->column[0].name, "when");
    assert_int_equal(layout->column[2].kind, COLUMN_COPY);
    check_text("copied", layout->column[2].source, "id");
    bench_stop(&bench);
}

static void test_counts(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, AB);
    assert_true(bench_take(&bench, 'u', "id #1", "id r #1 #1;a r 'x ?;b o #1 #2"));
    assert_true(bench_take(&bench, 'U', "id #1", "id r _ #1;a r _ ?;b o _ #2"));
    assert_true(bench_take(&bench, 'r', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~"));
    const struct pivot_counts *counts = pivot_get_counts(bench.pivot);
    check_number("updates", (int64_t)counts->changes[CHANGE_UPDATE], 2);
    check_number("reads", (int64_t)counts->changes[CHANGE_READ], 1);
    check_number("unavailable", (int64_t)counts->unavailable, 2);
    check_number("unknown", (int64_t)counts->unknown_old, 1);
    bench_stop(&bench);
}

/* The n-th piece of the batch is refused: a fault for want of memory and no row left behind. */
static void test_memory(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, AB ";pivot.mask=id:hash");
    batch_release(&bench.batch);
    batch_init(&bench.batch, 0);
    check_fault("no memory", bench_take(&bench, 'c', "id #1", "id r ~ #1;a r ~ 'x;b o ~ ~"),
                &bench.fault, FAULT_RETRY, "out of memory");
    check_number("rows", (int64_t)bench.batch.row_count, 0);
    check_number("changes", (int64_t)pivot_get_counts(bench.pivot)->changes[CHANGE_CREATE], 0);
    bench_stop(&bench);
}

/* More tables than the first map holds; each keeps its own plan. */
static void test_many_tables(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, AB ";pivot.fields.s.t77=b");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            char name[20];
            snprintf(name, sizeof(name), "t%d", i);
            kit_make(&bench.kit, 'c', "id #1", "id r ~ #1;a r ~ 'x;b o ~ 'y");
            bench.kit.change.table = str_from(name);
            batch_reset(&bench.batch);
            assert_true(pivot_rows(bench.pivot, &bench.kit.change, &bench.batch, &bench.fault));
            check_number(name, (int64_t)bench.batch.row_count, i == 77 ? 1 : 2);
        }
    }
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ops),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_unavailable),
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_named_fields),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_delete_of_key_only),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_keys_per_table_only),
        cmocka_unit_test(test_other_key),
        cmocka_unit_test(test_truncate_first),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_row_key),
        cmocka_unit_test(test_row_key_masked_with_other_keys),
        cmocka_unit_test(test_row_key_of_delete),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_texts_of_times),
        cmocka_unit_test(test_other_cells),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_many_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
