/*
 * Reading the envelope's own members. Names and meanings are those of Debezium's documentation of
 * change events, transaction metadata, notifications and signalling.
 */
#include "envelope.h"

#include <stdio.h>

/* NULL for what is missing and for JSON null alike. */
static const struct json *present(const struct json *json)
{
    return json && json->kind != JSON_NULL ? json : NULL;
}

static const struct json *object_or_null(const struct json *json)
{
    return json && json->kind == JSON_OBJECT ? json : NULL;
}

static const char *const signal_types[] = {
    "execute-snapshot",     "stop-snapshot",         "pause-snapshot", "resume-snapshot",
    "snapshot-window-open", "snapshot-window-close", "schema-changes"};

static bool is_signal(const struct json *row)
{
    str type = json_string(json_member(row, "type"));
    if (!json_member(row, "id") || !json_member(row, "data"))
        return false;
    for (size_t i = 0; i < sizeof(signal_types) / sizeof(signal_types[0]); i++)
        if (str_is(type, signal_types[i]))
            return true;
    return false;
}

/* The signal table has just these columns. Its name is free, so only the signal tells it: a table
   of that shape whose rows are no signals is the user's. */
static bool is_signal_row(const struct envelope *envelope)
{
    const struct json *row = envelope->after ? envelope->after : envelope->before;
    return json_child_count(row) == 3 && is_signal(row);
}

static bool is_odd(const struct json *image)
{
    return image && image->kind != JSON_OBJECT && image->kind != JSON_NULL;
}

static void read_members(const struct json *payload, struct envelope *envelope)
{
    *envelope = (struct envelope){
        .op = present(json_member(payload, "op")),
        .before = object_or_null(json_member(payload, "before")),
        .after = object_or_null(json_member(payload, "after")),
        .source = object_or_null(json_member(payload, "source")),
        .transaction = object_or_null(json_member(payload, "transaction")),
        .odd_image = is_odd(json_member(payload, "before"))
                     || is_odd(json_member(payload, "after")),
        .ts_ms = present(json_member(payload, "ts_ms")),
        .ts_us = present(json_member(payload, "ts_us")),
        .ts_ns = present(json_member(payload, "ts_ns")),
    };
}

static bool is_envelope(const struct json *payload, const struct envelope *envelope)
{
    return envelope->op && envelope->op->kind == JSON_STRING
           && (envelope->source || json_member(payload, "before") || json_member(payload, "after"));
}

enum message_kind envelope_read(const struct json *payload, struct envelope *envelope)
{
    if (payload->kind == JSON_NULL)
        return MESSAGE_TOMBSTONE;
    if (payload->kind != JSON_OBJECT)
        return MESSAGE_UNKNOWN;
    read_members(payload, envelope);
    if (is_envelope(payload, envelope))
        return is_signal_row(envelope) ? MESSAGE_SIGNAL : MESSAGE_ENVELOPE;
    if (json_child_count(payload) == 1 && envelope->ts_ms)
        return MESSAGE_HEARTBEAT;
    if (json_member(payload, "id")
        && (json_member_is(payload, "status", "BEGIN") || json_member_is(payload, "status", "END")))
        return MESSAGE_TRANSACTION;
    if (envelope->source && (json_member(payload, "ddl") || json_member(payload, "tableChanges")))
        return MESSAGE_SCHEMA_CHANGE;
    if (json_member(payload, "aggregate_type") && json_member(payload, "type"))
        return MESSAGE_NOTIFICATION;
    return is_signal(payload) ? MESSAGE_SIGNAL : MESSAGE_UNKNOWN;
}

bool envelope_op(const struct envelope *envelope, enum change_op *op, struct fault *fault)
{
    if (envelope->odd_image)
        return fault_set(fault, FAULT_RECORD, "before or after is neither an object nor null");
    static const char letters[CHANGE_OP_COUNT + 1] = "rcudtm"; /* in the order of enum change_op */
    str text = envelope->op->text;
    const char *found = text.len == 1 && text.ptr[0] ? strchr(letters, text.ptr[0]) : NULL;
    if (!found)
        return fault_set(fault, FAULT_RECORD,
                         "unknown op \"%.*s\": Debezium has c, r, u, d, t and m",
                         STR_ARG(str_head(text, 40)));
    *op = (enum change_op)(found - letters);
    return true;
}

static int64_t read_time(const struct json *ts_us, const struct json *ts_ns,
                         const struct json *ts_ms)
{
    int64_t time;
    if (json_int64(ts_us, &time))
        return time;
    if (json_int64(ts_ns, &time))
        return time / 1000 - (time % 1000 < 0);
    if (json_int64(ts_ms, &time) && !__builtin_mul_overflow(time, 1000, &time))
        return time;
    return TIME_UNKNOWN;
}

/* A member of the source block as text, NULL where it is missing. */
static struct value source_text(const struct json *source, const char *name)
{
    const struct json *member = present(json_member(source, name));
    return member ? (struct value){VALUE_TEXT, member->text}
                  : (struct value){VALUE_NULL, STR_EMPTY};
}

/* PostgreSQL writes "571:53195832" (number, LSN); elsewhere the whole id names the transaction. */
static struct value transaction_number(const struct envelope *envelope)
{
    struct value id = source_text(envelope->transaction, "id");
    str head;
    if (json_member_is(envelope->source, "connector", "postgresql")
        && str_split(&id.text, ':', &head))
        id.text = head;
    return id;
}

/* The position in the source's log, by whatever that database calls it. */
static bool log_position(const struct json *source, struct arena *arena, struct value *lsn,
                         struct fault *fault)
{
    static const char *const names[] = {"lsn", "commit_lsn", "scn"};
    const struct json *file = present(json_member(source, "file"));
    const struct json *pos = present(json_member(source, "pos"));
    *lsn = (struct value){VALUE_NULL, STR_EMPTY};
    if (file && pos) {
        str text = arena_format(arena, "%.*s:%.*s", STR_ARG(file->text), STR_ARG(pos->text));
        *lsn = (struct value){VALUE_TEXT, text};
        return text.ptr || fault_memory(fault, "a log position");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && lsn->kind == VALUE_NULL; i++)
        *lsn = source_text(source, names[i]);
    return true;
}

static bool check_name(str name, struct fault *fault)
{
    return name.len == 0 || !memchr(name.ptr, '\0', name.len)
           || fault_set(fault, FAULT_RECORD, "the name of a table or schema holds U+0000");
}

bool envelope_source(const struct envelope *envelope, struct arena *arena, struct change *change,
                     struct fault *fault)
{
    const struct json *source = envelope->source;
    change->source_name = json_string(json_member(source, "name"));
    change->schema = json_string(json_member(source, "schema"));
    if (change->schema.len == 0)
        change->schema = json_string(json_member(source, "db"));
    change->table = json_string(json_member(source, "table"));
    change->source_us = read_time(json_member(source, "ts_us"), json_member(source, "ts_ns"),
                                  json_member(source, "ts_ms"));
    change->connector_us = read_time(envelope->ts_us, envelope->ts_ns, envelope->ts_ms);
    change->connector_ms = envelope->ts_ms ? envelope->ts_ms->text : STR_EMPTY;
    change->tx_id = source_text(source, "txId");
    if (change->tx_id.kind == VALUE_NULL)
        change->tx_id = transaction_number(envelope);
    change->tx_order = source_text(envelope->transaction, "total_order");
    change->query = source_text(source, "query");
    change->user_name = source_text(source, "user_name");
    return check_name(change->schema, fault) && check_name(change->table, fault)
           && log_position(source, arena, &change->lsn, fault);
}

bool envelope_refuse(const struct json *payload, struct fault *fault)
{
    static const char *const kind_name[] = {"null",   "true or false", "a number",
                                            "a text", "an array",      "an object"};
    char names[200];
    size_t used = 0;
    if (payload->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_RECORD, "no Debezium event: it is %s",
                         kind_name[payload->kind]);
    names[0] = '\0';
    for (const struct json *child = payload->child; child && used < sizeof(names);
         child = child->next)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", used ? ", " : "",
                                 STR_ARG(child->name));
    return fault_set(
        fault, FAULT_RECORD,
        "no Debezium event: the object has the members (%s), expected op, source, before "
        "and after",
        names);
}
