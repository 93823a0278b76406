/*
 * Transaction metadata, read apart from the change itself.
 */
#include "transaction.h"

#include "envelope.h"

/* Payload in its wrapper, list of tables, table, member. */
#define MARKER_DEPTH 5

/* PostgreSQL writes "571:53195832", and another number behind the colon in BEGIN and in END. */
static str shared_part(str id)
{
    str rest = id, head;
    int64_t number;
    bool numbered = str_split(&rest, ':', &head) && str_to_int64(head, &number)
                    && str_to_int64(rest, &number);
    return numbered ? head : id;
}

/* Messages are a collection of their own, under the name of a Java class. */
static str topic_of(str collection)
{
    bool message = str_find(collection, STR("LogicalDecodingMessage")) >= 0;
    return message ? STR("message") : collection;
}

static bool read_parts(const struct json *list, struct arena *arena,
                       struct transaction *transaction)
{
    transaction->part = ARENA_NEW(arena, struct transaction_part, json_child_count(list));
    for (const struct json *each = list ? list->child : NULL; transaction->part && each;
         each = each->next) {
        struct transaction_part *part = &transaction->part[transaction->part_count++];
        part->topic = topic_of(json_string(json_member(each, "data_collection")));
        if (!json_int64(json_member(each, "event_count"), &part->count))
            part->count = 0;
    }
    return transaction->part != NULL;
}

static bool read_event(const struct envelope *envelope, struct arena *arena,
                       struct transaction *transaction)
{
    const struct json *id = json_member(envelope->transaction, "id");
    str schema = json_string(json_member(envelope->source, "schema"));
    str table = json_string(json_member(envelope->source, "table"));
    if (!id || id->kind == JSON_NULL
        || !json_int64(json_member(envelope->transaction, "data_collection_order"),
                       &transaction->order)) {
        /* Snapshots have none, nor have messages that were not transactional. */
        bool outside = str_is(envelope->op->text, "r") || str_is(envelope->op->text, "m");
        transaction->kind = outside ? TRANSACTION_NONE : TRANSACTION_UNTOLD;
        return true;
    }
    transaction->kind = TRANSACTION_EVENT;
    transaction->id = shared_part(id->text);
    if (schema.len == 0)
        schema = json_string(json_member(envelope->source, "db"));
    transaction->topic = table.len == 0
                             ? STR("message")
                             : arena_format(arena, "%.*s.%.*s", STR_ARG(schema), STR_ARG(table));
    return transaction->topic.ptr != NULL;
}

static bool read_payload(const struct json *payload, struct arena *arena,
                         struct transaction *transaction)
{
    struct envelope_places places;
    struct envelope envelope;
    enum message_kind kind = envelope_read(payload, &places, &envelope);
    if (kind == MESSAGE_ENVELOPE || kind == MESSAGE_SIGNAL)
        return read_event(&envelope, arena, transaction);
    if (kind != MESSAGE_TRANSACTION)
        return true;
    bool begin = json_member_is(payload, "status", "BEGIN");
    transaction->kind = begin ? TRANSACTION_BEGIN : TRANSACTION_END;
    transaction->id = shared_part(json_string(json_member(payload, "id")));
    return begin || read_parts(json_member(payload, "data_collections"), arena, transaction);
}

bool transaction_read(str message, struct arena *arena, struct transaction *transaction,
                      struct fault *fault)
{
    struct fault unreadable = {0};
    struct json *root;
    *transaction = (struct transaction){0};
    if (message.len > 5 && message.ptr[0] == '\0')
        message = str_from_at(message, 5); /* a schema registry's framing */
    if (!json_parse(message, MARKER_DEPTH, (struct json_memory){arena, arena}, &root, &unreadable))
        return unreadable.kind == FAULT_RECORD
               || fault_set(fault, unreadable.kind, "%s", unreadable.text);
    const struct json *payload = json_member(root, "payload");
    bool wrapped = payload && payload->kind == JSON_OBJECT && json_member(root, "schema");
    return read_payload(wrapped ? payload : root, arena, transaction)
           || fault_memory(fault, "a transaction");
}
