/*
 * Reading dead letters.
 */
#include "letters.h"

#include "dead_letter.h"
#include "kafka_apart.h"
#include "lines.h"
#include "stop.h"

#define CONFIG_BYTES_LIMIT ((size_t)16 * 1024 * 1024)
#define BROKER_WAIT_MS 15000
#define POLL_WAIT_MS 200

static str value_of(const struct config *config, const char *key)
{
    const struct config_entry *entry = config_find(config, str_from(key));
    return entry ? entry->value : STR_EMPTY;
}

static bool open_topic(struct letters *letters, str topic, struct fault *fault)
{
    struct kafka_topics topics;
    if (!config_set(&letters->config, STR("topics"), topic, STR("the dead letters"), fault)
        || !config_set(&letters->config, STR("topics.regex"), STR_EMPTY, STR("the dead letters"),
                       fault))
        return false;
    letters->source = kafka_apart_new(&letters->config, fault);
    if (!letters->source || !kafka_apart_topics(letters->source, &topics, BROKER_WAIT_MS, fault))
        return false;
    if (topics.count == 0 || topics.item[0].partition_count == 0)
        return fault_set(fault, FAULT_CONFIG, "there is no topic %.*s: nothing was dead-lettered",
                         STR_ARG(topic));
    if (!kafka_apart_describe(letters->source, BROKER_WAIT_MS, fault))
        return false;
    for (size_t i = 0; i < letters->source->lane_count; i++) {
        letters->source->lane[i].next = letters->source->lane[i].low;
        letters->source->lane[i].last_us = TIME_UNKNOWN;
    }
    return letters->source->type->assign(letters->source, fault);
}

static bool open_file(struct letters *letters, str file, struct fault *fault)
{
    snprintf(letters->file, sizeof(letters->file), "%.*s", STR_ARG(file));
    letters->files[0] = letters->file;
    letters->source = lines_new(letters->files, 1, &letters->config, fault);
    return letters->source != NULL;
}

bool letters_open(struct letters *letters, const struct connector *connector, struct fault *fault)
{
    *letters = (struct letters){0};
    arena_init(&letters->arena, CONFIG_BYTES_LIMIT);
    config_init(&letters->config, &letters->arena);
    str topic = value_of(&connector->config, "errors.deadletterqueue.topic.name");
    str file = value_of(&connector->config, "errors.deadletterqueue.file");
    if (topic.len == 0 && file.len == 0)
        return fault_set(fault, FAULT_CONFIG,
                         "connector %.*s has neither errors.deadletterqueue.topic.name nor "
                         "errors.deadletterqueue.file",
                         STR_ARG(connector->name));
    return config_add(&letters->config, &connector->config, fault)
           && (topic.len > 0 ? open_topic(letters, topic, fault) : open_file(letters, file, fault));
}

void letters_close(struct letters *letters)
{
    if (letters->source)
        letters->source->type->stop(letters->source);
    arena_release(&letters->arena);
}

/* The ends that the topic had at the beginning. */
static bool is_at_end(const struct letters *letters)
{
    if (!letters->source->type->rewinds)
        return letters->source->ended;
    for (size_t i = 0; i < letters->source->lane_count; i++)
        if (letters->source->lane[i].next < letters->source->lane[i].high)
            return false;
    return true;
}

bool letters_read(struct letters *letters, struct batch *batch, struct fault *fault)
{
    letters->ended = is_at_end(letters);
    while (!letters->ended && batch->record_count == 0 && !stop_requested()) {
        if (!source_poll(letters->source, batch, POLL_WAIT_MS, fault))
            return false;
        letters->ended = batch->record_count == 0 && is_at_end(letters);
    }
    return true;
}

/* ---- one letter ---- */

static bool take_text(const struct header *header, const char *name, str *text)
{
    if (!str_is(header->name, name))
        return false;
    *text = header->value;
    return true;
}

static bool take_number(const struct header *header, const char *name, int64_t *number)
{
    str text;
    return take_text(header, name, &text) && str_to_int64(text, number);
}

/* A header that tells the cause; all others were the record's own. */
static bool take_header(struct letter *letter, const struct header *header, int64_t *partition)
{
    if (!str_starts(header->name, STR(LETTER_HEADER_PREFIX))
        && !str_is(header->name, LETTER_PLACE_HEADER))
        return false;
    if (!take_text(header, LETTER_HEADER_PREFIX "topic", &letter->record.topic)
        && !take_number(header, LETTER_HEADER_PREFIX "partition", partition)
        && !take_number(header, LETTER_HEADER_PREFIX "offset", &letter->record.offset)
        && !take_text(header, LETTER_HEADER_PREFIX "connector.name", &letter->connector)
        && !take_text(header, LETTER_HEADER_PREFIX "stage", &letter->stage)
        && !take_text(header, LETTER_HEADER_PREFIX "class.name", &letter->class_name))
        take_text(header, LETTER_HEADER_PREFIX "exception.message", &letter->message);
    return true;
}

bool letter_of_record(const struct record *record, struct arena *arena, struct letter *letter,
                      struct fault *fault)
{
    struct header *own = ARENA_NEW(arena, struct header, record->header_count);
    int64_t partition = -1;
    if (!own)
        return fault_memory(fault, "a dead letter");
    *letter = (struct letter){.record = *record};
    letter->record.header = own;
    letter->record.header_count = 0;
    letter->record.topic = STR_EMPTY;
    letter->record.offset = -1;
    for (size_t i = 0; i < record->header_count; i++)
        if (!take_header(letter, &record->header[i], &partition))
            own[letter->record.header_count++] = record->header[i];
    letter->record.partition = partition >= 0 && partition <= INT32_MAX ? (int32_t)partition : -1;
    letter->has_origin = letter->record.topic.len > 0 && letter->record.partition >= 0
                         && letter->record.offset >= 0;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Names of what refused it belong to the cause; what was refused does not. */
static bool follows_kind(str before)
{
    static const char *const kinds[] = {"constraint ", "relation ", "column ",
                                        "table ",      "type ",     "function "};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_ends(before, str_from(kinds[i])))
            return true;
    return false;
}

/* The end of a value in quotes or parentheses that begins here, or NULL. */
static const char *value_end(str message, size_t at)
{
    char open = message.ptr[at], close = open == '"' ? '"' : ')';
    if ((open != '"' && open != '(') || follows_kind(str_head(message, at)))
        return NULL;
    const char *end = memchr(message.ptr + at + 1, close, message.len - at - 1);
    return end && end - message.ptr > (ptrdiff_t)at + 1 ? end : NULL;
}

void letter_put_cause(const struct letter *letter, struct buf *out)
{
    str message = letter->message;
    ptrdiff_t state = str_find(message, STR("(SQLSTATE "));
    /* What stands behind a state are particulars. */
    size_t end = state >= 0 ? (size_t)state : message.len;
    for (size_t at = 0; at < end; at++) {
        const char *close = value_end(str_head(message, end), at);
        if (close) {
            buf_format(out, "%c…%c", message.ptr[at], *close);
            at = (size_t)(close - message.ptr);
        } else if (is_digit(message.ptr[at])) {
            buf_char(out, '#');
            while (at + 1 < end && is_digit(message.ptr[at + 1]))
                at++;
        } else {
            buf_char(out, message.ptr[at]);
        }
    }
    buf_str(out, str_head(str_from_at(message, end), strlen("(SQLSTATE 22001)")));
}
