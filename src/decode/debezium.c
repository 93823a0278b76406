/*
 * Debezium's envelope into a change. It recognises what else stands on Debezium's topics (heart-
 * beats, transaction markers, schema changes, notifications, signals) and counts it. It decides
 * nothing over what is believed or shown: that is the pivot's business.
 */
#include "debezium.h"

#include <assert.h>

#include "envelope.h"
#include "json.h"
#include "key_half.h"
#include "logical_message.h"
#include "mem.h"
#include "message_key.h"
#include "reading.h"
#include "shape.h"

/* Nodes of one message: a record of 128 MiB may consist of values of two bytes each. */
#define SCRATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)
/* Hints and the placeholder. */
#define OWN_BYTES_LIMIT ((size_t)64 * 1024 * 1024)
#define COLUMN_LIMIT 8192
/* Children of the columns are not needed: payload, image, column. */
#define PAYLOAD_DEPTH 2

struct debezium {
    struct decoder decoder;
    bool fast; /* decoder.fast */
    struct reading_rules rules;
    struct message_keys keys;
    struct schema_cache *schemas;
    struct shapes *payloads;
    uint64_t joins;       /* counts the notes of shapes */
    struct arena arena;   /* lives as long as the decoder */
    struct arena scratch; /* trees of one record */
};

static void debezium_destroy(struct decoder *decoder)
{
    struct debezium *self = (struct debezium *)decoder;
    schema_cache_free(self->schemas);
    message_keys_release(&self->keys);
    shapes_free(self->payloads);
    arena_release(&self->arena);
    arena_release(&self->scratch);
    mem_free(self);
}

static const struct option_spec option[] = {
    {.key = "decoder.fast",
     .type = OPTION_BOOL,
     .preset = "true",
     .offset = offsetof(struct debezium, fast),
     .importance = OPTION_LOW,
     .help = "Learns the shape of messages and reads them by it. false reads every message with "
             "the general JSON parser: the same rows, slowly."},
};

const struct option_table debezium_options = {
    .title = "Debezium decoder", .option = option, .count = sizeof(option) / sizeof(option[0])};

static struct decoder *debezium_create(const struct config *config, struct fault *fault)
{
    struct debezium *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the decoder");
        return NULL;
    }
    *self = (struct debezium){.decoder = {.type = &debezium_decoder},
                              .schemas = schema_cache_new(),
                              .payloads = shapes_new(PAYLOAD_DEPTH)};
    arena_init(&self->arena, OWN_BYTES_LIMIT);
    arena_init(&self->scratch, SCRATCH_BYTES_LIMIT);
    bool whole = self->schemas && self->payloads;
    if ((whole || fault_memory(fault, "the decoder"))
        && option_load(&debezium_options, config, self, fault)
        && (message_keys_init(&self->keys, self->fast) || fault_memory(fault, "the decoder"))
        && reading_load(&self->rules, config, &self->arena, fault))
        return &self->decoder;
    debezium_destroy(&self->decoder);
    return NULL;
}

static bool parse(const struct debezium *self, str text, unsigned keep_depth,
                  struct json_memory memory, struct json **root, struct fault *fault)
{
    return self->fast ? json_parse(text, keep_depth, memory, root, fault)
                      : json_parse_slowly(text, keep_depth, memory, root, fault);
}

/* One message taken apart: its schema (NULL without one) and its payload. */
struct message {
    const struct schema *schema;
    const struct json *payload;
    bool wrapped;
    struct shape *shape; /* of the payload, or NULL */
    str text;            /* of the payload, where its shape may be learned */
    uint64_t group;
};

/* Tables are told apart by their topic, where there is one. */
static uint64_t topic_group(const struct record *record)
{
    return str_hash(STR_HASH_START, record->topic) | (uint64_t)1 << 63;
}

static bool recall(struct debezium *self, struct arena *texts, struct message *message)
{
    if (!self->fast)
        return false;
    message->shape = shapes_recall(self->payloads, message->group, message->text, texts);
    if (message->shape)
        message->payload = message->shape->root;
    return message->shape != NULL;
}

static bool read_message(struct debezium *self, const struct record *record, str text,
                         struct arena *texts, struct message *message, struct fault *fault)
{
    struct json_memory memory = {&self->scratch, texts};
    struct json *root;
    *message = (struct message){.group = topic_group(record), .text = text};
    if (schema_cache_split(self->schemas, text, &message->schema, &message->text)) {
        message->wrapped = true;
        message->group = message->schema->number;
        if (recall(self, texts, message))
            return true;
        if (parse(self, message->text, PAYLOAD_DEPTH, memory, &root, fault)) {
            message->payload = root;
            return true;
        }
        message->text = STR_EMPTY;
    } else if (recall(self, texts, message)) {
        return true;
    }
    /* One level more: the payload may stand in a wrapper. */
    if (!parse(self, text, PAYLOAD_DEPTH + 1, memory, &root, fault))
        return false;
    message->payload = root;
    message->schema = NULL;
    message->wrapped = envelope_is_wrapper(root);
    if (!message->wrapped)
        return true;
    const struct json *schema = json_member(root, "schema");
    message->payload = json_member(root, "payload");
    message->text = STR_EMPTY;
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

static bool read_key(struct debezium *self, const struct message *message,
                     const struct record *record, struct arena *texts, struct change *change,
                     struct fault *fault)
{
    struct json_memory memory = {&self->scratch, texts};
    struct message_key key;
    struct fault unreadable;
    str text = record->key;
    change->keyed = record->keyed;
    if (!record->has_key)
        return true;
    /* A key that is no JSON (StringConverter) tells no columns: it is as if there were none, and
       the configuration must name them. */
    change->keyed = take_framing(&text, &unreadable)
                    && message_key_parse(&self->keys, message->group, str_trim(text), memory, &key,
                                         &unreadable);
    if (!change->keyed)
        return unreadable.kind == FAULT_RECORD
               || fault_set(fault, unreadable.kind, "%s", unreadable.text);
    if (key.payload->kind != JSON_OBJECT) {
        /* a bare 7 or "x" tells no column either */
        change->keyed = key.payload->kind == JSON_NULL;
        return true;
    }
    change->key_text = key.payload->text;
    struct reading reading = reading_of(&self->rules, change, texts, &self->scratch);
    return reading_members(&reading, key.schema, key.payload, &change->key, &change->key_count,
                           fault);
}

/* Columns of both images, joined into fields by name. They are looked up by hash: images usually
   agree in their order, but nothing makes them. */
struct join {
    struct field *field;
    size_t count, limit;
    uint32_t *slot; /* number of a field plus one, by the hash of its name */
    size_t slot_mask;
    const struct schema *row;  /* of the image, or NULL */
    const struct json **after; /* by number of the field: what it is in the image read first */
};

static bool join_init(struct join *join, struct arena *fields, struct arena *scratch)
{
    size_t slots = 8;
    while (slots < 2 * join->limit)
        slots *= 2;
    join->slot_mask = slots - 1;
    join->slot = ARENA_NEW(scratch, uint32_t, slots);
    join->field = ARENA_NEW(fields, struct field, join->limit);
    join->after = ARENA_NEW(scratch, const struct json *, join->limit);
    return join->slot && join->field && join->after;
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
    field->sql_type = column->sql_type;
    field->type = column->type_number;
}

/* The old value of a column whose new one is read: what stands in both images in the same letters
   is the same value, and made once. */
static bool read_before(const struct reading *reading, const struct schema *schema,
                        const struct json *after, const struct json *before, struct field *field,
                        struct fault *fault)
{
    const struct type *type = reading_type(reading, schema, before->name);
    if (type->reader && after && after->kind == before->kind && str_eq(after->text, before->text)) {
        field->before = field->after;
        return true;
    }
    return type_read(type, &reading->context, before, &field->before, fault)
           || reading_fault(reading, before->name, fault);
}

static bool join_image(struct join *join, const struct reading *reading, const struct json *image,
                       bool is_after, struct fault *fault)
{
    size_t nth = 0;
    for (const struct json *column = image->child; column; column = column->next, nth++) {
        const struct schema *schema = column_schema(join, column->name, nth);
        struct field *field = join_field(join, column->name, nth);
        assert(field); /* there is room for all */
        describe(field, schema);
        const struct json **after = &join->after[field - join->field];
        if (is_after) {
            *after = column;
            if (!reading_value(reading, schema, column, &field->after, fault))
                return false;
        } else if (!read_before(reading, schema, *after, column, field, fault)) {
            return false;
        }
    }
    return true;
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

/* What is worked out once for all payloads of a shape. Where the fields of its columns stand, and
   all of them but the values. */
struct note {
    struct envelope_places places;
    uint64_t columns; /* 0: the fields are not worked out yet */
    bool gone, has_before, has_after;
    struct field *field;
    size_t field_count;
    struct place *after, *before; /* of the images' columns */
};

struct place {
    size_t field;
    const struct schema *schema;
};

static struct place *find_places(const struct join *join, const struct json *image,
                                 struct arena *arena)
{
    struct place *places = ARENA_NEW(arena, struct place, json_child_count(image) + 1);
    size_t nth = 0;
    for (const struct json *column = image ? image->child : NULL; places && column;
         column = column->next, nth++) {
        size_t at = 0;
        while (!str_eq(join->field[at].name, column->name))
            at++;
        places[nth] = (struct place){at, column_schema(join, column->name, nth)};
    }
    return places;
}

/* Where memory ends, it is worked out each time. */
static void note_fields(struct debezium *self, const struct join *join, const struct json *before,
                        const struct json *after, const struct change *change, struct note *note)
{
    struct arena *arena = shapes_arena(self->payloads);
    struct field *fields = ARENA_NEW(arena, struct field, join->count);
    struct place *old = find_places(join, before, arena), *new = find_places(join, after, arena);
    if (!fields || !old || !new)
        return;
    for (size_t i = 0; i < join->count; i++) {
        fields[i] = join->field[i];
        fields[i].before = fields[i].after = (struct value){VALUE_ABSENT, STR_EMPTY};
        if (!arena_copy(arena, fields[i].name, &fields[i].name))
            return;
    }
    *note = (struct note){.places = note->places,
                          .columns = ++self->joins,
                          .gone = change->op == CHANGE_DELETE,
                          .has_before = before != NULL,
                          .has_after = after != NULL,
                          .field = fields,
                          .field_count = join->count,
                          .after = new,
                          .before = old};
}

/* Images of a shape have their columns in one order, most often the same one. */
static bool recall_values(const struct note *note, const struct reading *reading,
                          const struct json *before, const struct json *after, struct field *fields,
                          struct fault *fault)
{
    const struct json *column = after ? after->child : NULL, *twin = column;
    for (const struct place *place = note->after; column; column = column->next, place++)
        if (!reading_value(reading, place->schema, column, &fields[place->field].after, fault))
            return false;
    const struct place *place = note->before, *other = note->after;
    for (column = before ? before->child : NULL; column; column = column->next, place++, other++) {
        const struct json *same = twin && other->field == place->field ? twin : NULL;
        if (!read_before(reading, place->schema, same, column, &fields[place->field], fault))
            return false;
        twin = twin ? twin->next : NULL;
    }
    return true;
}

/* The fields as they were noted, with the values of these images. */
static bool recall_fields(const struct note *note, const struct reading *reading,
                          const struct json *before, const struct json *after,
                          struct change *change, struct fault *fault)
{
    size_t bytes = note->field_count * sizeof(struct field);
    struct field *fields = arena_alloc(reading->context.texts, bytes);
    if (!fields)
        return fault_memory(fault, "columns");
    memcpy(fields, note->field, bytes);
    if (!recall_values(note, reading, before, after, fields, fault))
        return false;
    change->field = fields;
    change->field_count = note->field_count;
    change->columns = note->columns;
    fill_missing_row(change);
    return true;
}

static bool join_fields(struct join *join, const struct reading *reading, const struct json *before,
                        const struct json *after, struct change *change, struct fault *fault)
{
    struct arena *arena = reading->context.texts;
    if (!count_columns(before, after, join->row, &join->limit, fault))
        return false;
    if (!join_init(join, arena, reading->context.scratch))
        return fault_memory(fault, "columns");
    if ((after && !join_image(join, reading, after, true, fault))
        || (before && !join_image(join, reading, before, false, fault)))
        return false;
    /* A delete need not say every column; those it leaves out are unknown, not absent. */
    if (change->op == CHANGE_DELETE && !join_schema(join, arena, fault))
        return false;
    change->field = join->field;
    change->field_count = join->count;
    fill_missing_row(change);
    return true;
}

static bool read_fields(struct debezium *self, const struct message *message,
                        const struct envelope *envelope, struct arena *arena, struct change *change,
                        struct fault *fault)
{
    /* An image that the op does not have says nothing, whatever stands there. */
    bool gone = change->op == CHANGE_DELETE;
    const struct json *after = gone ? NULL : envelope->after;
    const struct json *before = gone || change->op == CHANGE_UPDATE ? envelope->before : NULL;
    struct note *note = message->shape ? message->shape->note : NULL;
    struct reading reading = reading_of(&self->rules, change, arena, &self->scratch);
    change->has_before = before != NULL;
    change->has_after = after != NULL;
    if (note && note->columns && note->gone == gone && note->has_before == change->has_before
        && note->has_after == change->has_after)
        return recall_fields(note, &reading, before, after, change, fault);
    struct join join = {.row = schema_field(message->schema, gone ? STR("before") : STR("after"))};
    if (!join_fields(&join, &reading, before, after, change, fault))
        return false;
    if (note && !note->columns)
        note_fields(self, &join, before, after, change, note);
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
    if (change->op == CHANGE_MESSAGE)
        return logical_message_read(message->payload, message->schema, arena, change, fault);
    if (change->op == CHANGE_TRUNCATE)
        return true;
    struct reading reading = reading_of(&self->rules, change, arena, &self->scratch);
    return read_fields(self, message, envelope, arena, change, fault)
           && read_key(self, message, record, arena, change, fault)
           && key_half_read(schema_field(message->schema, STR("after")), &reading, change, fault);
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
    envelope_refuse(payload, fault);
    fault->code = DEBEZIUM_FOREIGN;
    return false;
}

/* Tells what the message is. Of a shape that is known, only the values are looked at. */
static enum message_kind read_envelope(struct debezium *self, const struct message *message,
                                       struct envelope_places *places, struct envelope *envelope)
{
    struct shape *shape = message->shape;
    struct note *note = shape ? shape->note : NULL;
    if (note && envelope_at(&note->places, envelope))
        return MESSAGE_ENVELOPE;
    enum message_kind kind = envelope_read(message->payload, places, envelope);
    if (kind != MESSAGE_ENVELOPE)
        return kind;
    if (self->fast && !shape && message->text.len > 0)
        shapes_learn(self->payloads, message->group, message->text);
    if (shape && !note && (note = ARENA_NEW(shapes_arena(self->payloads), struct note, 1))) {
        note->places = *places;
        shape->note = note;
    }
    return kind;
}

static bool debezium_decode(struct decoder *decoder, const struct record *record,
                            struct batch *batch, struct change_list *changes, struct fault *fault)
{
    struct debezium *self = (struct debezium *)decoder;
    struct message message;
    struct envelope_places places;
    struct envelope envelope;
    str text = record->value;
    if (!record->has_value) {
        decoder->counts.tombstones++;
        return true;
    }
    arena_reset(&self->scratch);
    if (!take_framing(&text, fault)
        || !read_message(self, record, str_trim(text), &batch->arena, &message, fault))
        return false;
    enum message_kind kind = read_envelope(self, &message, &places, &envelope);
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

bool debezium_images(struct decoder *decoder, const struct envelope *envelope,
                     const struct schema *schema, struct arena *arena, struct change *change,
                     struct fault *fault)
{
    const struct message message = {.schema = schema};
    return read_fields((struct debezium *)decoder, &message, envelope, arena, change, fault);
}

bool debezium_key(struct decoder *decoder, const struct record *record, struct arena *arena,
                  struct change *change, struct fault *fault)
{
    struct debezium *self = (struct debezium *)decoder;
    struct reading reading = reading_of(&self->rules, change, arena, &self->scratch);
    const struct message message = {0};
    return read_key(self, &message, record, arena, change, fault)
           && key_half_read(NULL, &reading, change, fault);
}

const struct decoder_type debezium_decoder = {
    .name = "debezium",
    .options = &debezium_options,
    .create = debezium_create,
    .destroy = debezium_destroy,
    .decode = debezium_decode,
};
