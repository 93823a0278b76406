/*
 * The decoder, twice: every record goes through a slow decoder (decoder.fast=false) that has seen
 * nothing and through a fast one that has seen all records before it, and then all of them once.
 * Both must say the same, or rows would depend on where a run began.
 */
#include "fuzz.h"

#include "debezium.h"

#define BATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)

static struct batch lone_batch, learned_batch;
static struct arena config_arena;

struct outcome {
    bool good;
    struct change_list changes;
    struct fault fault;
    struct decoder_counts counts;
};

static bool same_value(struct value a, struct value b)
{
    return a.kind == b.kind && str_eq(a.text, b.text);
}

static void check_text(str text)
{
    CHECK(text.len == 0 || text.ptr);
    CHECK(is_utf8(text));
}

static void check_value(struct value value)
{
    check_text(value.text);
    CHECK(value.kind <= VALUE_JSON);
    CHECK(value.kind > VALUE_NULL || value.text.len == 0);
    CHECK(value.kind != VALUE_BOOL || str_is(value.text, "true") || str_is(value.text, "false"));
}

static void compare_fields(const struct change *a, const struct change *b)
{
    CHECK(a->field_count == b->field_count);
    CHECK(a->has_before == b->has_before && a->has_after == b->has_after);
    for (size_t i = 0; i < a->field_count; i++) {
        const struct field *x = &a->field[i], *y = &b->field[i];
        CHECK(str_eq(x->name, y->name));
        CHECK(same_value(x->before, y->before) && same_value(x->after, y->after));
        CHECK(same_value(x->preset, y->preset));
        CHECK(x->need == y->need && x->place == y->place && x->place == i + 1);
        check_text(x->name);
        check_value(x->before);
        check_value(x->after);
    }
}

static void compare_keys(const struct change *a, const struct change *b)
{
    CHECK(a->key_count == b->key_count && str_eq(a->key_text, b->key_text));
    for (size_t i = 0; i < a->key_count; i++) {
        CHECK(str_eq(a->key[i].name, b->key[i].name));
        CHECK(same_value(a->key[i].value, b->key[i].value));
        check_text(a->key[i].name);
        check_value(a->key[i].value);
    }
}

static void compare_change(const struct change *a, const struct change *b)
{
    CHECK(a->op == b->op && a->number == b->number);
    CHECK(str_eq(a->source_name, b->source_name));
    CHECK(str_eq(a->schema, b->schema) && str_eq(a->table, b->table));
    CHECK(a->source_us == b->source_us && a->connector_us == b->connector_us);
    CHECK(str_eq(a->connector_ms, b->connector_ms));
    CHECK(same_value(a->tx_id, b->tx_id) && same_value(a->lsn, b->lsn));
    CHECK(same_value(a->tx_order, b->tx_order) && same_value(a->query, b->query));
    CHECK(same_value(a->user_name, b->user_name));
    CHECK(same_value(a->thread, b->thread));
    CHECK(same_value(a->prefix, b->prefix));
    CHECK(same_value(a->content, b->content));
    compare_fields(a, b);
    compare_keys(a, b);
}

static void compare(const struct outcome *lone, const struct outcome *learned)
{
    CHECK(lone->good == learned->good);
    CHECK(lone->changes.count == learned->changes.count);
    CHECK(memcmp(&lone->counts, &learned->counts, sizeof(lone->counts)) == 0);
    CHECK(lone->good || lone->changes.count == 0);
    if (!lone->good) {
        check_fault(&lone->fault);
        check_fault(&learned->fault);
        CHECK(lone->fault.kind == learned->fault.kind);
    }
    for (size_t i = 0; i < lone->changes.count; i++)
        compare_change(&lone->changes.item[i], &learned->changes.item[i]);
}

static void run(struct decoder *decoder, str line, struct batch *batch, struct outcome *outcome)
{
    *outcome = (struct outcome){0};
    struct record *record = batch_add_record(batch, &outcome->fault);
    CHECK(record);
    fuzz_record(line, &batch->arena, record);
    decoder->counts = (struct decoder_counts){0};
    outcome->good = decoder_decode(decoder, record, batch, &outcome->changes, &outcome->fault);
    outcome->counts = decoder->counts;
}

static struct decoder *new_decoder(str fast)
{
    struct fault fault = {0};
    struct config config;
    config_init(&config, &config_arena);
    CHECK(config_set(&config, STR("decoder.fast"), fast, STR("fuzz"), &fault));
    struct decoder *decoder = debezium_decoder.create(&config, &fault);
    CHECK(decoder);
    return decoder;
}

static void run_line(struct decoder *learned, str line)
{
    struct outcome a, b;
    struct decoder *lone = new_decoder(STR("false"));
    str text = copy_exact(line);
    run(lone, text, &lone_batch, &a);
    run(learned, text, &learned_batch, &b);
    compare(&a, &b);
    decoder_free(lone);
    batch_reset(&lone_batch);
    batch_reset(&learned_batch);
    free((char *)(uintptr_t)text.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!lone_batch.arena.limit) {
        batch_init(&lone_batch, BATCH_BYTES_LIMIT);
        batch_init(&learned_batch, BATCH_BYTES_LIMIT);
        arena_init(&config_arena, BATCH_BYTES_LIMIT);
    }
    struct decoder *learned = new_decoder(STR("true"));
    for (int pass = 0; pass < 2; pass++) {
        str rest = {(const char *)data, size}, line;
        while (str_split(&rest, '\n', &line))
            run_line(learned, line);
    }
    decoder_free(learned);
    arena_reset(&config_arena);
    return 0;
}
