/*
 * The Debezium decoder: records into changes, and everything that stands on its topics and is none.
 */
#include "check.h"

#include "debezium.h"

struct bench {
    struct arena arena;
    struct config config;
    struct decoder *decoder;
    struct batch batch;
    struct fault fault;
};

static void bench_start(struct bench *bench)
{
    *bench = (struct bench){0};
    arena_init(&bench->arena, TEST_BYTES);
    batch_init(&bench->batch, TEST_BYTES);
    config_init(&bench->config, &bench->arena);
    bench->decoder = debezium_decoder.create(&bench->config, &bench->fault);
    assert_non_null(bench->decoder);
}

static void bench_stop(struct bench *bench)
{
    decoder_free(bench->decoder);
    batch_release(&bench->batch);
    arena_release(&bench->arena);
}

static const struct record plain_record = {
    .partition = -1, .offset = -1, .time_us = TIME_UNKNOWN, .has_value = true};

/* "u s.t 5 | name need before>after | ..." of a change; times in microseconds. */
static void put_change(struct buf *out, const struct change *change)
{
    buf_format(out, "%c %.*s.%.*s", "rcudtm"[change->op], STR_ARG(change->schema),
               STR_ARG(change->table));
    if (change->source_us != TIME_UNKNOWN)
        buf_format(out, " %lld", (long long)change->source_us);
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        buf_format(out, " | %.*s%c ", STR_ARG(field->name), "-or"[field->need]);
        put_value(out, field->before);
        buf_char(out, '>');
        put_value(out, field->after);
    }
    for (size_t i = 0; i < change->key_count; i++) {
        buf_format(out, " key %.*s ", STR_ARG(change->key[i].name));
        put_value(out, change->key[i].value);
    }
}

static void check_record(struct bench *bench, const struct record *record, const char *want)
{
    struct change_list changes;
    struct buf got;
    buf_init(&got, 100000);
    bool good = decoder_decode(bench->decoder, record, &bench->batch, &changes, &bench->fault);
    check_good(want, good, &bench->fault);
    for (size_t i = 0; i < changes.count; i++)
        put_change(&got, &changes.item[i]);
    check_text("change", buf_view(&got), want);
    buf_release(&got);
}

static void check_next(struct bench *bench, const char *value, const char *want)
{
    struct record record = plain_record;
    record.value = str_from(value);
    check_record(bench, &record, want);
}

static void check_change(const char *value, const char *want)
{
    struct bench bench;
    bench_start(&bench);
    check_next(&bench, value, want);
    bench_stop(&bench);
}

static void check_bytes_refused(str value, const char *part)
{
    struct bench bench;
    struct record record = plain_record;
    struct change_list changes;
    bench_start(&bench);
    record.value = value;
    check_fault(part, decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
                &bench.fault, FAULT_RECORD, part);
    check_number("changes", (int64_t)changes.count, 0);
    bench_stop(&bench);
}

static void check_refused(const char *value, const char *part)
{
    check_bytes_refused(str_from(value), part);
}

#define SOURCE "\"source\":{\"schema\":\"s\",\"table\":\"t\",\"ts_us\":5}"
#define EVENT(before, after, op)                                                                   \
    "{\"before\":" before ",\"after\":" after "," SOURCE ",\"op\":\"" op "\"}"

static void test_bare(void **state)
{
    (void)state;
    check_change(EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c"), "c s.t 5 | id- ~>#1 | a- ~>'x");
    check_change(EVENT("null", "{\"id\":1,\"a\":null}", "r"), "r s.t 5 | id- ~>#1 | a- ~>~");
    check_change(EVENT("{\"id\":1,\"a\":\"x\"}", "{\"id\":1,\"a\":\"y\"}", "u"),
                 "u s.t 5 | id- #1>#1 | a- 'x>'y");
    check_change(EVENT("null", "{\"id\":1,\"a\":\"y\"}", "u"), "u s.t 5 | id- _>#1 | a- _>'y");
    check_change(EVENT("{\"id\":1,\"a\":true}", "null", "d"), "d s.t 5 | id- #1>~ | a- !true>~");
    check_change(EVENT("null", "null", "d"), "d s.t 5");
    check_change("{" SOURCE ",\"op\":\"t\"}", "t s.t 5");
    check_change("{" SOURCE ",\"op\":\"m\",\"message\":{\"prefix\":\"p\",\"content\":\"Zg==\"}}",
                 "m s.t 5");
    check_change(" \t" EVENT("null", "{\"id\":1}", "c") "\r\n", "c s.t 5 | id- ~>#1");
    /* Columns that one image lacks: DDL in between. */
    check_change(EVENT("{\"id\":1,\"old\":2}", "{\"new\":3,\"id\":1}", "u"),
                 "u s.t 5 | new- _>#3 | id- #1>#1 | old- #2>_");
    check_change(EVENT("{}", "{}", "u"), "u s.t 5");
    /* An image that the op does not have says nothing. */
    check_change(EVENT("{\"id\":9}", "{\"id\":1}", "c"), "c s.t 5 | id- ~>#1");
    check_change(EVENT("{\"id\":9}", "{\"id\":1}", "d"), "d s.t 5 | id- #9>~");
}

static void test_values(void **state)
{
    (void)state;
    check_change(EVENT("null",
                       "{\"n\":12345678901234567890123456789012345678.50,\"b\":false,"
                       "\"l\":[1, null],\"o\":{\"a\":[]},\"e\":\"\",\"u\":\"\\u0061\\n\"}",
                       "c"),
                 "c s.t 5 | n- ~>#12345678901234567890123456789012345678.50 | b- ~>!false"
                 " | l- ~>%[1, null] | o- ~>%{\"a\":[]} | e- ~>' | u- ~>'a\n");
}

/* Of members that stand twice the last counts, everywhere. */
static void test_duplicates(void **state)
{
    (void)state;
    check_change("{\"op\":\"d\",\"after\":{\"id\":1,\"a\":2,\"id\":3}," SOURCE
                 ",\"op\":\"c\",\"ts_ms\":1}",
                 "c s.t 5 | id- ~>#3 | a- ~>#2");
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *times;
        int64_t want;
    } cases[] = {
        {"\"ts_ms\":1,\"ts_us\":2,\"ts_ns\":3000", 2},
        {"\"ts_ms\":1,\"ts_ns\":3999", 3},
        {"\"ts_ns\":1559033904863123000", 1559033904863123},
        {"\"ts_ns\":-1", -1},
        {"\"ts_ms\":1580390884335", 1580390884335000},
        {"\"ts_ms\":\"1580390884335\"", 1580390884335000},
        {"\"ts_us\":\"7\"", 7},
        {"\"ts_us\":null,\"ts_ms\":1", 1000},
        {"\"ts_us\":\"soon\",\"ts_ms\":1", 1000},
        {"\"ts_ms\":9223372036854775807", TIME_UNKNOWN},
        {"\"ts_us\":1.5", TIME_UNKNOWN},
        {"\"x\":1", TIME_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        struct change_list changes;
        struct record record = plain_record;
        struct buf text;
        bench_start(&bench);
        buf_init(&text, 10000);
        buf_format(&text, "{\"after\":{\"id\":1},\"source\":{%s},\"op\":\"c\",%s}", cases[i].times,
                   cases[i].times);
        record.value = buf_view(&text);
        check_good(cases[i].times,
                   decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
                   &bench.fault);
        check_number(cases[i].times, changes.item[0].source_us, cases[i].want);
        check_number(cases[i].times, changes.item[0].connector_us, cases[i].want);
        buf_release(&text);
        bench_stop(&bench);
    }
}

static void check_counts(struct bench *bench, const char *want)
{
    const struct decoder_counts *counts = &bench->decoder->counts;
    char got[100];
    snprintf(got, sizeof(got), "%d %d %d %d %d %d", (int)counts->tombstones,
             (int)counts->heartbeats, (int)counts->transactions, (int)counts->schema_changes,
             (int)counts->notifications, (int)counts->signals);
    check_text("counts", str_from(got), want);
}

static void check_counted(const char *value, const char *want)
{
    struct bench bench;
    bench_start(&bench);
    check_next(&bench, value, "");
    check_counts(&bench, want);
    bench_stop(&bench);
}

static void test_tombstones(void **state)
{
    (void)state;
    struct bench bench;
    struct record record = plain_record;
    record.has_value = false;
    bench_start(&bench);
    check_record(&bench, &record, "");
    check_counts(&bench, "1 0 0 0 0 0");
    bench_stop(&bench);
    check_counted("null", "1 0 0 0 0 0");
    check_counted(" null ", "1 0 0 0 0 0");
    check_counted("{\"schema\":null,\"payload\":null}", "1 0 0 0 0 0");
    check_counted("{\"schema\":{\"type\":\"struct\",\"fields\":[]},\"payload\":null}",
                  "1 0 0 0 0 0");
}

static void test_other_messages(void **state)
{
    (void)state;
    check_counted("{\"ts_ms\":1}", "0 1 0 0 0 0");
    check_counted("{\"schema\":{\"type\":\"struct\"},\"payload\":{\"ts_ms\":1}}", "0 1 0 0 0 0");
    check_counted("{\"status\":\"BEGIN\",\"id\":\"571:1\",\"ts_ms\":1,\"event_count\":null,"
                  "\"data_collections\":null}",
                  "0 0 1 0 0 0");
    check_counted("{\"status\":\"END\",\"id\":\"571:2\",\"ts_ms\":1,\"event_count\":2,"
                  "\"data_collections\":[{\"data_collection\":\"s.a\",\"event_count\":1}]}",
                  "0 0 1 0 0 0");
    check_counted("{\"source\":{\"db\":\"i\"},\"ts_ms\":1,\"databaseName\":\"i\","
                  "\"ddl\":\"ALTER TABLE t\",\"tableChanges\":[]}",
                  "0 0 0 1 0 0");
    check_counted("{\"id\":\"x\",\"aggregate_type\":\"Initial Snapshot\",\"type\":\"COMPLETED\","
                  "\"additional_data\":{\"connector_name\":\"c\"},\"timestamp\":\"1\"}",
                  "0 0 0 0 1 0");
    check_counted(
        "{\"id\":\"x\",\"type\":\"execute-snapshot\",\"data\":{\"type\":\"INCREMENTAL\"}}",
        "0 0 0 0 0 1");
}

static void test_signal_rows(void **state)
{
    (void)state;
    check_counted(
        EVENT("null", "{\"id\":\"1\",\"type\":\"snapshot-window-open\",\"data\":\"{}\"}", "c"),
        "0 0 0 0 0 1");
    /* The user's own tables of that shape, or nearly. */
    check_change(EVENT("null", "{\"id\":\"1\",\"type\":\"log\",\"data\":\"x\"}", "c"),
                 "c s.t 5 | id- ~>'1 | type- ~>'log | data- ~>'x");
    check_change(
        EVENT("null", "{\"id\":\"1\",\"type\":\"stop-snapshot\",\"data\":\"x\",\"more\":1}", "c"),
        "c s.t 5 | id- ~>'1 | type- ~>'stop-snapshot | data- ~>'x | more- ~>#1");
    check_change(EVENT("null", "{\"ts_ms\":1}", "c"), "c s.t 5 | ts_ms- ~>#1");
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused(EVENT("null", "{\"id\":1}", "x"), "unknown op \"x\"");
    check_refused(EVENT("null", "{\"id\":1}", "cc"), "unknown op \"cc\"");
    check_refused(EVENT("null", "{\"id\":1}", ""), "unknown op \"\"");
    check_refused(EVENT("null", "{\"id\":1}", "\\u0000"), "unknown op");
    check_refused(EVENT("null", "[1]", "c"), "before or after is neither an object nor null");
    check_refused(EVENT("5", "{\"id\":1}", "u"), "before or after is neither an object nor null");
    check_refused("{\"op\":7,\"after\":{}}", "no Debezium event");
    check_refused("{\"id\":1,\"name\":\"x\"}", "members (id, name)");
    check_refused("[]", "it is an array");
    check_refused("\"x\"", "it is a text");
    check_refused("5", "it is a number");
    check_refused("true", "it is true or false");
    check_refused("{}", "no Debezium event");
    check_refused("  ", "the text is empty");
    check_refused("{\"schema\":5,\"payload\":{}}", "no Kafka Connect schema");
    check_refused("{\"payload\":{\"id\":1}}", "members (id)");
    check_refused(EVENT("null", "{\"a\":\"\\ud800\"}", "c"), "lone surrogate");
    check_refused(EVENT("null", "{\"a\":\"\\udc00\"}", "c"), "lone surrogate");
    check_refused(EVENT("null", "{\"a\":\"\xff\"}", "c"), "not JSON");
    check_refused(EVENT("null", "{\"a\":1}", "c") "x", "not JSON");
    check_refused("{\"before\":null,\"after\":{\"id\"", "ends in the middle");
}

static void test_framing(void **state)
{
    (void)state;
    static const char framed[] = "\0\0\0\0\x07" EVENT("null", "{\"id\":1}", "c");
    struct bench bench;
    struct record record = plain_record;
    record.value = (str){framed, sizeof(framed) - 1};
    bench_start(&bench);
    check_record(&bench, &record, "c s.t 5 | id- ~>#1");
    /* The number of the schema may look like anything. */
    static const char tricky[] = "\0{\n\"[" EVENT("null", "{\"id\":1}", "c");
    record.value = (str){tricky, sizeof(tricky) - 1};
    check_record(&bench, &record, "c s.t 5 | id- ~>#1");
    bench_stop(&bench);
    check_bytes_refused(STR("\0\0\0\0\x07\x02\x06"), "Avro and Protobuf are not read");
    check_bytes_refused(STR("\0\0\0\0\x07"), "framing of a schema registry");
    check_bytes_refused(STR("\0"), "framing of a schema registry");
}

static void check_key(const char *key, const char *want_text, const char *want)
{
    struct bench bench;
    struct record record = plain_record;
    struct change_list changes;
    struct buf got;
    bench_start(&bench);
    buf_init(&got, 10000);
    record.keyed = record.has_key = true;
    record.key = str_from(key);
    record.value = STR(EVENT("null", "{\"id\":1}", "c"));
    check_good(key, decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
               &bench.fault);
    check_text("key text", changes.item[0].key_text, want_text);
    put_change(&got, &changes.item[0]);
    check_text(key, buf_view(&got), want);
    buf_release(&got);
    bench_stop(&bench);
}

static void test_keys(void **state)
{
    (void)state;
    check_key("{\"id\":1}", "{\"id\":1}", "c s.t 5 | id- ~>#1 key id #1");
    check_key("{\"schema\":{\"type\":\"struct\"},\"payload\":{\"id\":1,\"k\":\"\\n\"}}",
              "{\"id\":1,\"k\":\"\\n\"}", "c s.t 5 | id- ~>#1 key id #1 key k '\n");
    check_key("{\"schema\":null,\"payload\":{\"id\":1}}", "{\"id\":1}",
              "c s.t 5 | id- ~>#1 key id #1");
    check_key("{\"k\":[1,{\"a\":2}]}", "{\"k\":[1,{\"a\":2}]}",
              "c s.t 5 | id- ~>#1 key k %[1,{\"a\":2}]");
    struct bench bench;
    struct change_list changes;
    struct record record = plain_record;
    bench_start(&bench);
    record.keyed = record.has_key = true;
    record.key = STR("Struct{id=1}");
    record.value = STR(EVENT("null", "{\"id\":1}", "c"));
    /* A key of StringConverter tells no columns: it is as if there were none. */
    assert_true(decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault));
    check_number("changes", (int64_t)changes.count, 1);
    assert_false(changes.item[0].keyed);
    check_number("key columns", (int64_t)changes.item[0].key_count, 0);
    bench_stop(&bench);
}

/* A schema of two images with one column more, and its events. */
#define COLUMN(type, optional, name, rest)                                                         \
    "{\"type\":\"" type "\",\"optional\":" optional rest ",\"field\":\"" name "\"}"
#define ROW(field, columns)                                                                        \
    "{\"type\":\"struct\",\"fields\":[" columns "],\"optional\":true,\"field\":\"" field "\"}"
#define SCHEMA(columns)                                                                            \
    "{\"type\":\"struct\",\"fields\":[" ROW("before", columns) "," ROW("after", columns) "]}"
#define WRAPPED(schema, payload) "{\"schema\":" schema ",\"payload\":" payload "}"
#define ID COLUMN("int32", "false", "id", "")
#define ONE SCHEMA(ID "," COLUMN("string", "true", "a", ""))
#define TWO                                                                                        \
    SCHEMA(ID "," COLUMN("string", "false", "a", ",\"default\":\"x\"") "," COLUMN("int32", "true", \
                                                                                  "b", ""))

static const char *const want_one = "c s.t 5 | idr ~>#1 | ao ~>'x";

static void test_wrapped(void **state)
{
    (void)state;
    check_change(WRAPPED(ONE, EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c")), want_one);
    check_change("{\"payload\":" EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c") ",\"schema\":" ONE
                                                                              "}",
                 want_one);
    check_change("{ \"schema\" : " ONE
                 " , \"payload\" : " EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c") " } ",
                 want_one);
    check_change(WRAPPED("null", EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c")),
                 "c s.t 5 | id- ~>#1 | a- ~>'x");
    /* Columns in another order than the schema's. */
    check_change(WRAPPED(ONE, EVENT("null", "{\"a\":\"x\",\"id\":1}", "c")),
                 "c s.t 5 | ao ~>'x | idr ~>#1");
    /* A column that the schema does not have. */
    check_change(WRAPPED(ONE, EVENT("null", "{\"id\":1,\"z\":2}", "c")),
                 "c s.t 5 | idr ~>#1 | z- ~>#2");
    /* A delete without any image still has the columns of the schema. */
    check_change(WRAPPED(ONE, EVENT("null", "null", "d")), "d s.t 5 | idr _>~ | ao _>~");
}

/* Another schema in between, and the first again: each message is read with its own. */
static void test_learning(void **state)
{
    (void)state;
    static const char *const one = WRAPPED(ONE, EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c"));
    static const char *const two = WRAPPED(
        TWO, EVENT("{\"id\":1,\"a\":\"x\",\"b\":1}", "{\"id\":1,\"a\":\"y\",\"b\":2}", "u"));
    static const char *const want_two = "u s.t 5 | idr #1>#1 | ar 'x>'y | bo #1>#2";
    static const char *const bare = EVENT("null", "{\"id\":2}", "c");
    struct bench bench;
    bench_start(&bench);
    for (int round = 0; round < 3; round++) {
        check_next(&bench, one, want_one);
        check_next(&bench, one, want_one);
        check_next(&bench, two, want_two);
        check_next(&bench, two, want_two);
        check_next(&bench, bare, "c s.t 5 | id- ~>#2");
        check_next(&bench,
                   "{\"payload\":" EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c") ",\"schema\":" ONE
                                                                                "}",
                   want_one);
        batch_reset(&bench.batch);
    }
    bench_stop(&bench);
}

static void check_next_refused(struct bench *bench, const char *value, const char *part)
{
    struct record record = plain_record;
    struct change_list changes;
    record.value = str_from(value);
    check_fault(value,
                decoder_decode(bench->decoder, &record, &bench->batch, &changes, &bench->fault),
                &bench->fault, FAULT_RECORD, part);
}

/* A learned prefix must not let through what would be refused without it. */
static void test_learned_and_wrong(void **state)
{
    (void)state;
    static const char *const one = WRAPPED(ONE, EVENT("null", "{\"id\":1,\"a\":\"x\"}", "c"));
    for (int learned = 0; learned < 2; learned++) {
        struct bench bench;
        bench_start(&bench);
        if (learned)
            check_next(&bench, one, want_one);
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":{\"ts_ms\":1},\"more\":1}",
                           "members (schema, payload, more)");
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":}", "not JSON");
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":{\"ts_ms\":1}}}", "not JSON");
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":{\"ts_ms\":1}", "not JSON");
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":1 2}", "not JSON");
        check_next_refused(&bench, "{\"schema\":" ONE ",\"payload\":5}", "it is a number");
        check_next(&bench, "{\"schema\":" ONE ",\"payload\":null}", "");
        check_next(&bench, one, want_one);
        bench_stop(&bench);
    }
}

/* More schemas than are compared in front of the full reading. */
static void test_many_schemas(void **state)
{
    (void)state;
    struct bench bench;
    struct buf text, want;
    bench_start(&bench);
    buf_init(&text, 10000);
    buf_init(&want, 10000);
    for (int i = 0; i < 90; i++) {
        int nth = i % 30;
        buf_clear(&text);
        buf_clear(&want);
        buf_format(&text,
                   "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":["
                   "{\"type\":\"int32\",\"optional\":%s,\"field\":\"c%d\"}],\"field\":\"after\"}]},"
                   "\"payload\":{\"after\":{\"c%d\":1},\"op\":\"c\"}}",
                   nth % 2 ? "true" : "false", nth, nth);
        buf_format(&want, "c . | c%d%c ~>#1", nth, nth % 2 ? 'o' : 'r');
        buf_char(&text, '\0');
        buf_char(&want, '\0');
        check_next(&bench, text.ptr, want.ptr);
    }
    buf_release(&text);
    buf_release(&want);
    bench_stop(&bench);
}

static void test_sources(void **state)
{
    (void)state;
    static const struct {
        const char *members, *want_schema, *want_tx, *want_lsn, *want_order;
    } cases[] = {
        {"\"source\":{\"connector\":\"postgresql\",\"schema\":\"p\",\"db\":\"d\",\"txId\":555,"
         "\"lsn\":24023128}",
         "p", "'555", "'24023128", "~"},
        {"\"source\":{\"connector\":\"postgresql\",\"schema\":\"p\",\"txId\":null,\"lsn\":null},"
         "\"transaction\":{\"id\":\"571:53195832\",\"total_order\":\"1\"}",
         "p", "'571", "~", "'1"},
        {"\"source\":{\"connector\":\"mysql\",\"db\":\"inventory\",\"file\":\"mysql-bin.000003\","
         "\"pos\":484,\"gtid\":null},\"transaction\":{\"id\":\"a-b:10\",\"total_order\":2}",
         "inventory", "'a-b:10", "'mysql-bin.000003:484", "'2"},
        {"\"source\":{\"connector\":\"sqlserver\",\"db\":\"d\",\"schema\":\"dbo\","
         "\"commit_lsn\":\"00000027:00000ac0:0002\"}",
         "dbo", "~", "'00000027:00000ac0:0002", "~"},
        {"\"source\":{\"connector\":\"oracle\",\"schema\":\"H\",\"txId\":\"6.28\",\"scn\":\"42\"}",
         "H", "'6.28", "'42", "~"},
        {"\"source\":null", "", "~", "~", "~"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        struct record record = plain_record;
        struct change_list changes;
        struct buf text;
        bench_start(&bench);
        buf_init(&text, 10000);
        buf_format(&text, "{\"after\":{\"id\":1},\"op\":\"c\",%s}", cases[i].members);
        record.value = buf_view(&text);
        check_good(cases[i].members,
                   decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
                   &bench.fault);
        const struct change *change = &changes.item[0];
        check_text("schema", change->schema, cases[i].want_schema);
        const struct value got[] = {change->tx_id, change->lsn, change->tx_order};
        const char *const want[] = {cases[i].want_tx, cases[i].want_lsn, cases[i].want_order};
        for (size_t k = 0; k < COUNT(got); k++) {
            buf_clear(&text);
            put_value(&text, got[k]);
            check_text(cases[i].members, buf_view(&text), want[k]);
        }
        buf_release(&text);
        bench_stop(&bench);
    }
}

/* ---- what is wanted ---- */

static const struct wants *wants_b(void *context, const struct change *change)
{
    (void)change;
    return context;
}

#define WIDE(a, b, c) "{\"a\":" a ",\"b\":" b ",\"c\":" c "}"

/* Columns that nobody wants are not read, and where the images are known not even carried; their
   names are told all the same. */
static void test_wanted(void **state)
{
    (void)state;
    struct bench bench;
    str name = STR("b");
    struct wants wants = {.columns = {&name, 1}};
    struct record record = plain_record;
    struct change_list changes;
    bench_start(&bench);
    decoder_ask(bench.decoder, wants_b, &wants);
    const char *joined = "u s.t 5 | a- ->- | b- #2>#3 | c- ->-";
    check_next(&bench, EVENT(WIDE("1", "2", "\"x\""), WIDE("1", "3", "\"x\""), "u"), joined);
    check_next(&bench, EVENT(WIDE("2", "2", "\"y\""), WIDE("1", "3", "\"y\""), "u"), joined);
    check_next(&bench, EVENT(WIDE("34", "4", "null"), WIDE("34", "555", "\"z\""), "u"),
               "u s.t 5 | b- #4>#555");
    record.value = str_from(EVENT(WIDE("5", "6", "true"), WIDE("5", "6", "{}"), "u"));
    check_good("left out",
               decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
               &bench.fault);
    struct field_list whole = change_columns(changes.item);
    check_number("columns", (int64_t)whole.count, 3);
    check_text("columns", whole.item[0].name, "a");
    check_text("columns", whole.item[2].name, "c");
    check_number("never absent", whole.item[2].after.kind == VALUE_ABSENT, 0);
    /* A column that another image lacks is no column of it. */
    check_next(&bench, EVENT("{\"a\":1}", "{\"a\":1}", "u"), "u s.t 5 | a- ->-");
    bench_stop(&bench);
}

/* One shape that is read with other columns in turns: of either op only what is wanted, and all of
   a half of a key change. */
static void test_wanted_in_turns(void **state)
{
    (void)state;
    struct bench bench;
    struct change_list changes;
    str name = STR("b");
    struct wants wants = {.columns = {&name, 1}};
    const struct header header = {STR("__debezium.newkey"), STR("{\"a\":1}"), true};
    char value[300], want[100];
    bench_start(&bench);
    decoder_ask(bench.decoder, wants_b, &wants);
    for (int i = 10; i < 90; i++) {
        struct record record = plain_record;
        char op = i % 8 == 7 ? 'r' : 'c';
        bool half = i % 16 == 13;
        snprintf(value, sizeof(value),
                 "{\"before\":null,\"after\":{\"a\":%d,\"b\":\"x%d\",\"c\":%d,\"d\":0}," SOURCE
                 ",\"op\":\"%c\"}",
                 i, i, 99 - i, op);
        if (half)
            snprintf(want, sizeof(want), "%c s.t 5 | a- ~>#%d | b- ~>'x%d | c- ~>#%d | d- ~>#0", op,
                     i, i, 99 - i);
        else
            snprintf(want, sizeof(want), "%c s.t 5 | b- ~>'x%d", op, i);
        record.value = str_from(value);
        record.header = &header;
        record.header_count = half;
        if (i < 30 && !half) /* it is learned meanwhile */
            check_good(value,
                       decoder_decode(bench.decoder, &record, &bench.batch, &changes, &bench.fault),
                       &bench.fault);
        else
            check_record(&bench, &record, want);
    }
    bench_stop(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_other_messages),
        cmocka_unit_test(test_signal_rows),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_wrapped),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_learned_and_wrong),
        cmocka_unit_test(test_many_schemas),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_wanted_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
