/*
 * The array of forms: a new one is one more row. Debezium's envelope is tried first: for it nothing
 * is read twice.
 */
#include "decoders.h"

#include "debezium.h"
#include "mem.h"
#include "form.h"

#define SCRATCH_BYTES_LIMIT ((size_t)512 * 1024 * 1024)

static const struct form *const forms[] = {&flattened_form, &cloudevents_form, &canal_form,
                                           &maxwell_form,   &wal2json1_form,   &wal2json2_form};

#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

/* In the order of `forms`, behind the two that are none. */
static const char *const names[] = {"auto",    "debezium",    "flattened",   "cloudevents", "canal",
                                    "maxwell", "wal2json-v1", "wal2json-v2", NULL};

enum { DECODER_AUTO, DECODER_DEBEZIUM, DECODER_FORM };

struct settings {
    int decoder;
};

static const struct option_spec option[] = {
    {.key = "decoder",
     .flag = "decoder",
     .type = OPTION_ENUM,
     .choices = names,
     .preset = "auto",
     .offset = offsetof(struct settings, decoder),
     .importance = OPTION_MEDIUM,
     .help = "The form of the events: Debezium's envelope, its flattened form "
             "(ExtractNewRecordState), its CloudEvents, or those of Canal, Maxwell and wal2json. "
             "auto tells them apart, event by event."},
};

const struct option_table decoder_options = {
    .title = "Decoder", .option = option, .count = sizeof(option) / sizeof(option[0])};

struct formed {
    struct decoder decoder;
    struct decoder *debezium;
    const struct form *only; /* NULL: auto */
    const struct form *last; /* auto: what the record before was; NULL: Debezium's */
    struct schema_cache *schemas;
    struct arena scratch;
};

static void formed_destroy(struct decoder *decoder)
{
    struct formed *self = (struct formed *)decoder;
    decoder_free(self->debezium);
    schema_cache_free(self->schemas);
    arena_release(&self->scratch);
    mem_free(self);
}

static bool is_wrapper(const struct json *root)
{
    return json_member(root, "payload") && json_member(root, "schema")
           && json_child_count(root) == 2;
}

static bool read_message(struct formed *self, str text, struct form_reader *reader,
                         struct fault *fault)
{
    struct json_memory memory = {&self->scratch, &reader->batch->arena};
    struct json *root;
    str payload;
    if (text.len > 5 && text.ptr[0] == '\0')
        text = str_from_at(text, 5); /* a schema registry's framing */
    text = str_trim(text);
    if (schema_cache_split(self->schemas, text, &reader->schema, &payload)
        && json_parse(payload, FORM_DEPTH, memory, &root, fault)) {
        reader->payload = root;
        return true;
    }
    reader->schema = NULL;
    if (!json_parse(text, FORM_DEPTH + 1, memory, &root, fault))
        return false;
    reader->payload = root;
    if (!is_wrapper(root))
        return true;
    const struct json *schema = json_member(root, "schema");
    reader->payload = json_member(root, "payload");
    return schema->kind == JSON_NULL
           || schema_cache_add(self->schemas, text, schema->text, &reader->schema, fault);
}

/* What Debezium's decoder knows is its own, in whatever order things are tried. */
static const struct form *find_form(const struct formed *self, const struct json *payload,
                                    enum message_kind kind)
{
    if (self->only || kind != MESSAGE_UNKNOWN || payload->kind != JSON_OBJECT)
        return self->only;
    for (size_t i = 0; i < FORM_COUNT; i++)
        if (forms[i]->is_like(payload))
            return forms[i];
    return NULL;
}

/* The flattened form is any object, where the configuration says so. */
static bool check_like(const struct form *form, const struct json *payload, struct fault *fault)
{
    bool like = payload->kind == JSON_OBJECT && (form == &flattened_form || form->is_like(payload));
    return like
           || fault_set(fault, FAULT_RECORD, "no event of %s (decoder=%s)", form->name, form->name);
}

/* Sets `form` to what the message is; NULL, and no fault, where it looks like none. */
SELDOM static bool read_form(struct formed *self, const struct record *record, struct batch *batch,
                             struct change_list *changes, const struct form **form,
                             struct fault *fault)
{
    struct form_reader reader = {.debezium = self->debezium,
                                 .record = record,
                                 .schemas = self->schemas,
                                 .batch = batch,
                                 .scratch = &self->scratch,
                                 .changes = changes};
    struct envelope_places places;
    struct envelope envelope;
    *form = NULL;
    arena_reset(&self->scratch);
    if (!read_message(self, record->value, &reader, fault))
        return false;
    enum message_kind kind = envelope_read(reader.payload, &places, &envelope);
    *form = find_form(self, reader.payload, kind);
    if (!*form)
        return true;
    if ((kind == MESSAGE_TOMBSTONE || (*form)->debezium) && debezium_count(self->debezium, kind))
        return true;
    if (!check_like(*form, reader.payload, fault))
        return false;
    reader.printed = (*form)->printed;
    if ((*form)->read(&reader, fault))
        return true;
    *changes = (struct change_list){NULL, 0};
    return false;
}

/* What Debezium's decoder holds to be foreign. */
SELDOM static bool read_foreign(struct formed *self, const struct record *record,
                                struct batch *batch, struct change_list *changes,
                                struct fault *fault)
{
    const struct form *form;
    struct fault foreign = *fault;
    if (!read_form(self, record, batch, changes, &form, fault))
        return false;
    self->last = form;
    if (!form)
        *fault = foreign;
    return form != NULL;
}

static bool read_any(struct formed *self, const struct record *record, struct batch *batch,
                     struct change_list *changes, struct fault *fault)
{
    const struct form *form = NULL;
    /* Where the record before was of a form, this one may be too: then it is parsed once. */
    if (self->only || self->last) {
        if (!read_form(self, record, batch, changes, &form, fault))
            return false;
        self->last = form;
        if (form)
            return true;
    }
    if (decoder_decode(self->debezium, record, batch, changes, fault))
        return true;
    return fault->kind == FAULT_RECORD && fault->code == DEBEZIUM_FOREIGN
           && read_foreign(self, record, batch, changes, fault);
}

static bool formed_decode(struct decoder *decoder, const struct record *record, struct batch *batch,
                          struct change_list *changes, struct fault *fault)
{
    struct formed *self = (struct formed *)decoder;
    decoder_ask(self->debezium, decoder->wants, decoder->wants_context);
    bool good = true;
    if (record->has_value)
        good = read_any(self, record, batch, changes, fault);
    else
        self->debezium->counts.tombstones++;
    if (changes->count == 0) /* only what makes no change is counted */
        decoder->counts = self->debezium->counts;
    return good;
}

static const struct decoder_type formed_decoder = {
    .name = "auto",
    .options = &decoder_options,
    .destroy = formed_destroy,
    .decode = formed_decode,
};

static struct decoder *make(const struct config *config, const struct form *only,
                            struct fault *fault)
{
    struct formed *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the decoder");
        return NULL;
    }
    *self = (struct formed){.decoder = {.type = &formed_decoder}, .only = only};
    arena_init(&self->scratch, SCRATCH_BYTES_LIMIT);
    self->debezium = debezium_decoder.create(config, fault);
    self->schemas = schema_cache_new();
    if (self->debezium && self->schemas)
        return &self->decoder;
    if (self->debezium)
        fault_memory(fault, "the decoder");
    formed_destroy(&self->decoder);
    return NULL;
}

struct decoder *decoder_new(const struct config *config, struct fault *fault)
{
    struct settings settings = {0};
    if (!option_load(&decoder_options, config, &settings, fault))
        return NULL;
    if (settings.decoder == DECODER_DEBEZIUM)
        return debezium_decoder.create(config, fault);
    return make(config,
                settings.decoder >= DECODER_FORM ? forms[settings.decoder - DECODER_FORM] : NULL,
                fault);
}
