/*
 * Debezium's envelope into a change. It recognises what else stands on Debezium's topics (heart-
 * beats, transaction markers, schema changes, notifications, signals) and counts it. It decides
 * nothing over what is believed or shown: that is the pivot's business.
 */
#include "debezium.h"

#include "columns.h"
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
    bool split;           /* the schema block of the record at `last` was known by its bytes */
    struct position last;
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
    struct shape *shape; /* of the payload, or NULL */
    str text;            /* of the payload, where its shape may be learned */
    uint64_t group;
    const struct change *common; /* what all changes of the shape say; NULL where that is unknown */
    /* Of a row's change: */
    const struct wants *wants;        /* what somebody looks at; NULL: everything */
    const struct columns_note *known; /* of its columns as they are wanted, or NULL */
    bool noted;                       /* there is a note of them, if with other wants */
    bool wrapped;
    bool op_known; /* `common` says the op, too */
};

/* One by one: cleared whole, it would cost a string instruction. */
static inline void begin_message(struct message *message, str text)
{
    message->schema = NULL;
    message->payload = NULL;
    message->shape = NULL;
    message->text = text;
    message->common = NULL;
    message->wants = NULL;
    message->known = NULL;
    message->noted = message->wrapped = message->op_known = false;
}

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

/* Takes off a schema block that is known. */
static bool split(struct debezium *self, const struct record *record, str text,
                  struct message *message)
{
    bool whole = text.ptr == record->value.ptr;
    bool like = whole && self->split && record->at.lane == self->last.lane
                && record->at.mark - 1 == self->last.mark;
    self->split = whole
                  && schema_cache_split_like(self->schemas, text, like ? record->like_last : 0,
                                             &message->schema, &message->text);
    self->last = record->at;
    return self->split
           || (!whole && schema_cache_split(self->schemas, text, &message->schema, &message->text));
}

static bool read_message(struct debezium *self, const struct record *record, str text,
                         struct arena *texts, struct message *message, struct fault *fault)
{
    struct json_memory memory = {&self->scratch, texts};
    struct json *root;
    begin_message(message, text);
    if (split(self, record, text, message)) {
        message->wrapped = true;
        message->group = message->schema->number;
        if (recall(self, texts, message))
            return true;
        if (parse(self, message->text, PAYLOAD_DEPTH, memory, &root, fault)) {
            message->payload = root;
            return true;
        }
        message->text = STR_EMPTY;
    } else {
        message->group = topic_group(record);
        if (recall(self, texts, message))
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

/* What is worked out once for all payloads of a shape. */
struct note {
    struct envelope_places places;
    struct envelope envelope; /* in these places */
    struct change common;     /* all but what each event says anew */
    bool settled;             /* those two hold until the shape takes another turn */
    bool op_settled;          /* and common.op does */
    unsigned turns;           /* of the shape, when that was found out */
    struct columns_note *columns[CHANGE_OP_COUNT]; /* by op, of some tables */
    unsigned tables;
    const struct columns_note *narrow; /* what the shape is narrowed to; NULL: it is filled whole */
    unsigned narrowings;
};

/* A shape that is read in turns with other columns or wants is narrowed no more often. */
#define NARROWINGS 8

/* More tables than so many do not stand in one topic and look the same. */
#define NOTED_TABLES 64

/* ---- narrow shapes ---- */

struct asked {
    const struct envelope_places *places;
    const struct columns_note *columns;
    const struct wants *wants;
};

static bool is_column(const struct json *image, const struct json *node)
{
    const struct json *column = image ? image->child : NULL;
    while (column && column != node)
        column = column->next;
    return column != NULL;
}

/* Whether a change with these columns and wants is made of the node. */
static bool is_asked(const void *context, const struct json *node)
{
    const struct asked *asked = context;
    const struct envelope_places *places = asked->places;
    if (is_column(places->before, node) || is_column(places->after, node))
        return columns_read(asked->columns, node);
    if (node == places->ts_ms || node == places->ts_us || node == places->ts_ns)
        return asked->wants->connector_time;
    return asked->wants->origin || node == places->op || node == places->of.ts_us
           || node == places->of.ts_ns || node == places->of.ts_ms;
}

static bool is_narrowed_otherwise(const struct note *note, const struct message *message)
{
    return note && note->narrow && note->narrow != message->known;
}

/* Fills all nodes of the message again. */
SELDOM static bool widen(const struct debezium *self, const struct message *message,
                         struct arena *texts, struct fault *fault)
{
    struct note *note = message->shape->note;
    note->narrow = NULL;
    return shape_widen(self->payloads, message->shape, message->text, texts)
           || fault_memory(fault, "a message");
}

/* The change has been made, and nobody looks at the nodes again. */
SELDOM static void narrow(struct note *note, const struct message *message)
{
    struct asked asked = {&note->places, message->known, message->wants};
    note->narrowings++;
    note->narrow = message->known;
    shape_narrow(message->shape, is_asked, &asked);
}

static bool may_be_narrowed(const struct note *note, const struct message *message)
{
    return note && !note->narrow && note->narrowings < NARROWINGS && message->common
           && message->wants && message->known;
}

/* ---- columns ---- */

/* Of halves of key changes, which headers tell, everything: they are joined by all columns. */
static const struct wants *find_wants(const struct debezium *self, const struct change *change)
{
    const struct decoder *decoder = &self->decoder;
    bool half = change->record->header_count > 0 && change->op != CHANGE_UPDATE;
    return half || !decoder->wants ? NULL : decoder->wants(decoder->wants_context, change);
}

/* What is wanted of the change, and known of its columns. By their number it is soon known what is
   wanted. */
static void find_columns(const struct debezium *self, struct message *message,
                         struct change *change)
{
    const struct note *note = message->shape ? message->shape->note : NULL;
    const struct columns_note *known = note ? note->columns[change->op] : NULL;
    if (!message->common) /* then it is of one table alone */
        known = columns_find(known, change);
    change->columns = known ? known->number : 0;
    message->noted = known != NULL;
    message->wants = find_wants(self, change);
    message->known = known && known->wants == message->wants ? known : NULL;
}

static void learn_columns(struct debezium *self, struct note *note, const struct images *images,
                          const struct reading *reading)
{
    if (note->tables >= NOTED_TABLES)
        return;
    struct columns_note *columns = columns_learn(images, reading, ++self->joins,
                                                 shapes_arena(self->payloads));
    note->tables++;
    if (!columns)
        return;
    struct columns_note **first = &note->columns[reading->change->op];
    columns->next = *first;
    *first = columns;
}

static bool read_fields(struct debezium *self, const struct message *message,
                        const struct envelope *envelope, struct arena *arena, struct change *change,
                        struct fault *fault)
{
    /* An image that the op does not have says nothing, whatever stands there. */
    bool gone = change->op == CHANGE_DELETE;
    struct images images = {.after = gone ? NULL : envelope->after, .wants = message->wants};
    if (gone || change->op == CHANGE_UPDATE)
        images.before = envelope->before;
    struct reading reading = reading_of(&self->rules, change, arena, &self->scratch);
    reading.printed = envelope->printed;
    change->has_before = images.before != NULL;
    change->has_after = images.after != NULL;
    if (message->known)
        return columns_recall(message->known, &reading, change, fault);
    change->columns = 0;
    images.row = schema_field(message->schema, gone ? STR("before") : STR("after"));
    if (!columns_join(&images, &reading, change, fault))
        return false;
    if (message->shape && message->shape->note && !message->noted)
        learn_columns(self, message->shape->note, &images, &reading);
    return true;
}

/* Whether the change is one half of a key change; only headers tell. */
static bool read_half(struct debezium *self, const struct message *message, struct arena *arena,
                      struct change *change, struct fault *fault)
{
    if (change->record->header_count == 0)
        return true;
    struct reading reading = reading_of(&self->rules, change, arena, &self->scratch);
    return key_half_read(schema_field(message->schema, STR("after")), &reading, change, fault);
}

static struct change common_change(const struct message *message)
{
    const struct value null = {VALUE_NULL, STR_EMPTY};
    return (struct change){.wrapped = message->wrapped,
                           .event_us = TIME_UNKNOWN,
                           .connector_us = TIME_UNKNOWN,
                           .tx_id = null,
                           .lsn = null,
                           .tx_order = null,
                           .query = null,
                           .user_name = null,
                           .thread = null};
}

static bool decode_change(struct debezium *self, struct message *message,
                          const struct envelope *envelope, const struct record *record,
                          struct arena *arena, struct change *change, struct fault *fault)
{
    *change = message->common ? *message->common : common_change(message);
    change->record = record;
    change->keyed = record->keyed;
    if ((!message->common && !envelope_names(envelope, change, fault))
        || (!message->op_known && !envelope_op(envelope, &change->op, fault)))
        return false;
    struct note *note = message->shape ? message->shape->note : NULL;
    if (change->op != CHANGE_MESSAGE && change->op != CHANGE_TRUNCATE) {
        if (!read_key(self, message, record, arena, change, fault))
            return false;
        find_columns(self, message, change);
    }
    const struct wants *wants = message->wants;
    if (is_narrowed_otherwise(note, message) && !widen(self, message, arena, fault))
        return false;
    envelope_moment(envelope, wants, change);
    if ((!wants || wants->origin) && !envelope_origin(envelope, arena, change, fault))
        return false;
    if (change->op == CHANGE_MESSAGE)
        return logical_message_read(message->payload, message->schema, arena, change, fault);
    if (change->op == CHANGE_TRUNCATE)
        return true;
    if (!read_fields(self, message, envelope, arena, change, fault)
        || !read_half(self, message, arena, change, fault))
        return false;
    if (may_be_narrowed(note, message))
        narrow(note, message);
    return true;
}

bool debezium_count(struct decoder *decoder, enum message_kind kind)
{
    struct decoder_counts *counts = &decoder->counts;
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
    return false;
}

static bool count_other(struct decoder *decoder, enum message_kind kind, const struct json *payload,
                        struct fault *fault)
{
    if (debezium_count(decoder, kind))
        return true;
    envelope_refuse(payload, fault);
    fault->code = DEBEZIUM_FOREIGN;
    return false;
}

/* Finds out what all events of the shape have in common. */
static void settle(struct note *note, const struct message *message)
{
    const struct envelope_places *places = &note->places;
    const struct json *const nodes[] = {places->before,  places->after,     places->source,
                                        places->of.name, places->of.schema, places->of.db,
                                        places->of.table};
    struct fault unnamed;
    note->turns = message->shape->turns;
    note->common = common_change(message);
    note->settled = envelope_at(places, &note->envelope)
                    && envelope_names(&note->envelope, &note->common, &unnamed);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        note->settled = note->settled && shape_is_settled(message->shape, nodes[i]);
    note->op_settled = note->settled && shape_is_settled(message->shape, places->op)
                       && envelope_op(&note->envelope, &note->common.op, &unnamed);
}

/* Whether the shape was narrowed when less was known to vary: what it is may have to be found out
   anew. */
static bool is_narrowed_before(const struct message *message)
{
    const struct note *note = message->shape ? message->shape->note : NULL;
    return note && note->narrow
           && (note->turns != message->shape->turns || note->places.op->kind != JSON_STRING);
}

/* Tells what the message is. Of a shape that is known, only the values are looked at, and of those
   only what has ever varied. */
static enum message_kind read_envelope(struct debezium *self, struct message *message,
                                       struct envelope_places *places, struct envelope *own,
                                       const struct envelope **envelope)
{
    struct shape *shape = message->shape;
    struct note *note = shape ? shape->note : NULL;
    if (note && note->turns != shape->turns)
        settle(note, message);
    if (note && note->settled && note->places.op->kind == JSON_STRING) {
        message->common = &note->common;
        message->op_known = note->op_settled;
        *envelope = &note->envelope;
        return MESSAGE_ENVELOPE;
    }
    *envelope = own;
    if (note && envelope_at(&note->places, own))
        return MESSAGE_ENVELOPE;
    enum message_kind kind = envelope_read(message->payload, places, own);
    if (kind != MESSAGE_ENVELOPE)
        return kind;
    if (self->fast && !shape && message->text.len > 0)
        shapes_learn(self->payloads, message->group, message->text);
    if (shape && !note && (note = ARENA_NEW(shapes_arena(self->payloads), struct note, 1))) {
        note->places = *places;
        shape->note = note;
        settle(note, message);
    }
    return kind;
}

static bool debezium_decode(struct decoder *decoder, const struct record *record,
                            struct batch *batch, struct change_list *changes, struct fault *fault)
{
    struct debezium *self = (struct debezium *)decoder;
    struct message message;
    struct envelope_places places;
    struct envelope own;
    const struct envelope *envelope;
    str text = record->value;
    if (!record->has_value) {
        decoder->counts.tombstones++;
        return true;
    }
    arena_reset(&self->scratch);
    if (!take_framing(&text, fault)
        || !read_message(self, record, str_trim(text), &batch->arena, &message, fault))
        return false;
    if (is_narrowed_before(&message) && !widen(self, &message, &batch->arena, fault))
        return false;
    enum message_kind kind = read_envelope(self, &message, &places, &own, &envelope);
    if (kind != MESSAGE_ENVELOPE)
        return count_other(decoder, kind, message.payload, fault);
    struct change *change = arena_alloc(&batch->arena, sizeof(*change));
    if (!change)
        return fault_memory(fault, "a change");
    if (!decode_change(self, &message, envelope, record, &batch->arena, change, fault))
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
    const struct message message = {0};
    return read_key(self, &message, record, arena, change, fault)
           && read_half(self, &message, arena, change, fault);
}

const struct decoder_type debezium_decoder = {
    .name = "debezium",
    .options = &debezium_options,
    .create = debezium_create,
    .destroy = debezium_destroy,
    .decode = debezium_decode,
};
