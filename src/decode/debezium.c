/*
 * Debezium's envelope into a change. It recognises what else stands on Debezium's topics (heart-
 * beats, transaction markers, schema changes, notifications, signals) and counts it. It decides
 * nothing over what is believed or shown: that is the pivot's business.
 */
#include "debezium.h"

#include <assert.h>

#include "envelope.h"
#include "json.h"
#include "mem.h"
#include "schema.h"

/* Nodes of one message: a record of 128 MiB may consist of values of two bytes each. */
#define SCRATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)
#define COLUMN_LIMIT 8192

struct debezium {
    struct decoder decoder;
    struct schema_cache *schemas;
    struct arena scratch; /* trees of one record */
};

static void debezium_destroy(struct decoder *decoder)
{
    struct debezium *self = (struct debezium *)decoder;
    schema_cache_free(self->schemas);
    arena_release(&self->scratch);
    mem_free(self);
}

static struct decoder *debezium_create(const struct config *config, struct fault *fault)
{
    (void)config; /* it has no options */
    struct debezium *self = mem_alloc(sizeof(*self));
    if (self)
        *self = (struct debezium){.decoder = {.type = &debezium_decoder}};
    if (self && (self->schemas = schema_cache_new())) {
        arena_init(&self->scratch, SCRATCH_BYTES_LIMIT);
        return &self->decoder;
    }
    mem_free(self);
    fault_memory(fault, "the decoder");
    return NULL;
}

/* One message taken apart: its schema (NULL without one) and its payload. */
struct message {
    const struct schema *schema;
    const struct json *payload;
    bool wrapped;
};

/* Children of the columns are not needed: payload, image, column. */
#define PAYLOAD_DEPTH 2

/* {"schema":…,"payload":…}; some converters leave the schema away. */
static bool is_wrapper(const struct json *root)
{
    size_t members = json_child_count(root);
    return root->kind == JSON_OBJECT && json_member(root, "payload")
           && (members == 1 || (members == 2 && json_member(root, "schema")));
}

static bool read_message(struct debezium *self, str text, struct arena *texts,
                         struct message *message, struct fault *fault)
{
    struct json_memory memory = {&self->scratch, texts};
    struct json *root;
    str payload;
    if (schema_cache_split(self->schemas, text, &message->schema, &payload)
        && json_parse(payload, PAYLOAD_DEPTH, memory, &root, fault)) {
        message->payload = root;
        message->wrapped = true;
        return true;
    }
    /* One level more: the payload may stand in a wrapper. */
    if (!json_parse(text, PAYLOAD_DEPTH + 1, memory, &root, fault))
        return false;
    *message = (struct message){NULL, root, is_wrapper(root)};
    if (!message->wrapped)
        return true;
    const struct json *schema = json_member(root, "schema");
    message->payload = json_member(root, "payload");
    return !schema || schema->kind == JSON_NULL
           || schema_cache_add(self->schemas, text, schema->text, &message->schema, fault);
}

/* The wire format of Confluent's schema registry: a zero, four bytes of schema number, the data. */
static bool take_framing(str *text, struct fault *fault)
{
    if (text->len == 0 || text->ptr[0] != '\0')
        return true;
    str data = str_trim(str_from_at(*text, 5));
    if (data.len > 0 && (data.ptr[0] == '{' || data.ptr[0] == '[')) {
        *text = data;
        return true;
    }
    return fault_set(
        fault, FAULT_RECORD,
        "the message has the framing of a schema registry (first byte 0) and is no JSON: "
        "Avro and Protobuf are not read; use JsonConverter or JsonSchemaConverter (and "
        "kcat -J where the schema's number holds a line feed)");
}

static bool read_key(struct debezium *self, const struct record *record, struct arena *texts,
                     struct change *change, struct fault *fault)
{
    struct json_memory memory = {&self->scratch, texts};
    struct json *root;
    struct fault unreadable;
    str text = record->key;
    change->keyed = record->keyed;
    if (!record->has_key)
        return true;
    /* A key that is no JSON (StringConverter) tells no columns: it is as if there were none, and
       the configuration must name them. */
    change->keyed = take_framing(&text, &unreadable)
                    && json_parse(text, 2, memory, &root, &unreadable);
    if (!change->keyed)
        return unreadable.kind == FAULT_RECORD
               || fault_set(fault, unreadable.kind, "%s", unreadable.text);
    const struct json *key = json_member(root, "payload");
    /* A key column may itself be called payload. */
    if (!is_wrapper(root) || (!json_member(root, "schema") && key->kind != JSON_OBJECT))
        key = root;
    if (key->kind != JSON_OBJECT) {
        change->keyed = key->kind == JSON_NULL; /* a bare 7 or "x" tells no column either */
        return true;
    }
    change->key_text = key->text;
    struct member *members = ARENA_NEW(texts, struct member, json_child_count(key));
    if (!members)
        return fault_memory(fault, "a message key");
    change->key = members;
    const struct type *plain = type_by_name(STR_EMPTY);
    for (const struct json *child = key->child; child; child = child->next)
        members[change->key_count++] = (struct member){child->name, type_read(plain, child)};
    return true;
}

/* Columns of both images, joined into fields by name. They are looked up by hash: images usually
   agree in their order, but nothing makes them. */
struct join {
    struct field *field;
    size_t count, limit;
    uint32_t *slot; /* number of a field plus one, by the hash of its name */
    size_t slot_mask;
    const struct schema *row; /* of the image, or NULL */
};

static bool join_init(struct join *join, struct arena *fields, struct arena *scratch)
{
    size_t slots = 8;
    while (slots < 2 * join->limit)
        slots *= 2;
    join->slot_mask = slots - 1;
    join->slot = ARENA_NEW(scratch, uint32_t, slots);
    join->field = ARENA_NEW(fields, struct field, join->limit);
    return join->slot && join->field;
}

static struct field *join_field(struct join *join, str name, size_t expected)
{
    if (expected < join->count && str_eq(join->field[expected].name, name))
        return &join->field[expected];
    size_t at = str_hash(STR_HASH_START, name) & join->slot_mask;
    for (; join->slot[at]; at = (at + 1) & join->slot_mask)
        if (str_eq(join->field[join->slot[at] - 1].name, name))
            return &join->field[join->slot[at] - 1];
    if (join->count == join->limit)
        return NULL;
    struct field *field = &join->field[join->count++];
    *field = (struct field){.name = name, .place = (uint32_t)join->count};
    join->slot[at] = (uint32_t)join->count;
    return field;
}

/* `nth` is where the schema is expected to have the column: images follow its order. */
static const struct schema *column_schema(const struct join *join, str name, size_t nth)
{
    const struct schema *row = join->row;
    if (row && nth < row->child_count && str_eq(row->child[nth].field, name))
        return &row->child[nth];
    return schema_field(row, name);
}

static void describe(struct field *field, const struct schema *column)
{
    if (!column || field->need != FIELD_UNDESCRIBED)
        return;
    field->need = column->optional ? FIELD_OPTIONAL : FIELD_REQUIRED;
    field->preset = column->preset;
    field->ticks_per_second = column->plug->ticks_per_second;
}

static void join_image(struct join *join, const struct json *image, bool is_after)
{
    const struct type *plain = type_by_name(STR_EMPTY);
    size_t nth = 0;
    for (const struct json *column = image->child; column; column = column->next, nth++) {
        const struct schema *schema = column_schema(join, column->name, nth);
        struct field *field = join_field(join, column->name, nth);
        assert(field); /* there is room for all */
        describe(field, schema);
        struct value value = type_read(schema ? schema->plug : plain, column);
        if (is_after)
            field->after = value;
        else
            field->before = value;
    }
}

/* A row that came without any image still has the columns that the schema names. */
static bool join_schema(struct join *join, struct arena *arena, struct fault *fault)
{
    for (size_t i = 0; join->row && i < join->row->child_count; i++) {
        str name;
        /* The schema may be forgotten before the batch is. */
        if (!arena_copy(arena, join->row->child[i].field, &name))
            return fault_memory(fault, "columns");
        struct field *field = join_field(join, name, i);
        if (field)
            describe(field, &join->row->child[i]);
    }
    return true;
}

/* Room for all columns that images and schema can name. */
static bool count_columns(const struct json *before, const struct json *after,
                          const struct schema *row, size_t *most, struct fault *fault)
{
    size_t old = json_child_count(before), new = json_child_count(after);
    size_t described = row ? row->child_count : 0;
    *most = old + new + described;
    if (old <= COLUMN_LIMIT && new <= COLUMN_LIMIT && described <= COLUMN_LIMIT)
        return true;
    return fault_set(fault, FAULT_RECORD, "more than %d columns", COLUMN_LIMIT);
}

/* A row that does not exist yet, or no longer, has NULL in every column. */
static void fill_missing_row(struct change *change)
{
    const struct value null = {VALUE_NULL, STR_EMPTY};
    for (size_t i = 0; i < change->field_count; i++) {
        if (change->op == CHANGE_DELETE)
            change->field[i].after = null;
        else if (change->op != CHANGE_UPDATE)
            change->field[i].before = null;
    }
}

static bool read_fields(const struct envelope *envelope, const struct schema *schema,
                        struct arena *arena, struct arena *scratch, struct change *change,
                        struct fault *fault)
{
    /* An image that the op does not have says nothing, whatever stands there. */
    bool gone = change->op == CHANGE_DELETE;
    const struct json *after = gone ? NULL : envelope->after;
    const struct json *before = gone || change->op == CHANGE_UPDATE ? envelope->before : NULL;
    struct join join = {.row = schema_field(schema, gone ? STR("before") : STR("after"))};
    change->has_before = before != NULL;
    change->has_after = after != NULL;
    if (!count_columns(before, after, join.row, &join.limit, fault))
        return false;
    if (!join_init(&join, arena, scratch))
        return fault_memory(fault, "columns");
    if (after)
        join_image(&join, after, true);
    if (before)
        join_image(&join, before, false);
    /* A delete need not say every column; those it leaves out are unknown, not absent. */
    if (gone && !join_schema(&join, arena, fault))
        return false;
    change->field = join.field;
    change->field_count = join.count;
    fill_missing_row(change);
    return true;
}

static bool decode_change(struct debezium *self, const struct message *message,
                          const struct envelope *envelope, const struct record *record,
                          struct arena *arena, struct change *change, struct fault *fault)
{
    *change = (struct change){.record = record,
                              .wrapped = message->wrapped,
                              .keyed = record->keyed,
                              .event_us = TIME_UNKNOWN};
    if (!envelope_op(envelope, &change->op, fault)
        || !envelope_source(envelope, arena, change, fault))
        return false;
    if (change->op == CHANGE_TRUNCATE || change->op == CHANGE_MESSAGE)
        return true;
    return read_fields(envelope, message->schema, arena, &self->scratch, change, fault)
           && read_key(self, record, arena, change, fault);
}

static bool count_other(struct debezium *self, enum message_kind kind, const struct json *payload,
                        struct fault *fault)
{
    struct decoder_counts *counts = &self->decoder.counts;
    switch (kind) {
    case MESSAGE_TOMBSTONE:
        counts->tombstones++;
        return true;
    case MESSAGE_HEARTBEAT:
        counts->heartbeats++;
        return true;
    case MESSAGE_TRANSACTION:
        counts->transactions++;
        return true;
    case MESSAGE_SCHEMA_CHANGE:
        counts->schema_changes++;
        return true;
    case MESSAGE_NOTIFICATION:
        counts->notifications++;
        return true;
    case MESSAGE_SIGNAL:
        counts->signals++;
        return true;
    case MESSAGE_ENVELOPE:
    case MESSAGE_UNKNOWN:
        break;
    }
    return envelope_refuse(payload, fault);
}

static bool debezium_decode(struct decoder *decoder, const struct record *record,
                            struct batch *batch, struct change_list *changes, struct fault *fault)
{
    struct debezium *self = (struct debezium *)decoder;
    struct message message;
    struct envelope envelope;
    str text = record->value;
    if (!record->has_value) {
        decoder->counts.tombstones++;
        return true;
    }
    arena_reset(&self->scratch);
    if (!take_framing(&text, fault)
        || !read_message(self, str_trim(text), &batch->arena, &message, fault))
        return false;
    enum message_kind kind = envelope_read(message.payload, &envelope);
    if (kind != MESSAGE_ENVELOPE)
        return count_other(self, kind, message.payload, fault);
    struct change *change = arena_alloc(&batch->arena, sizeof(*change));
    if (!change)
        return fault_memory(fault, "a change");
    if (!decode_change(self, &message, &envelope, record, &batch->arena, change, fault))
        return false;
    *changes = (struct change_list){change, 1};
    return true;
}

static const struct option_table no_options = {.title = "Debezium decoder"};

const struct decoder_type debezium_decoder = {
    .name = "debezium",
    .options = &no_options,
    .create = debezium_create,
    .destroy = debezium_destroy,
    .decode = debezium_decode,
};
