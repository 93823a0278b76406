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

bool envelope_is_wrapper(const struct json *root)
{
    size_t members = json_child_count(root);
    return root->kind == JSON_OBJECT && json_member(root, "payload")
           && (members == 1 || (members == 2 && json_member(root, "schema")));
}

/* Debezium's messages of their own have just these members: first those that all versions send. A
   row of a table that has columns of such names has others too, or lacks some. */
struct members {
    const char *name[6];
    size_t always;
};

static const struct members marker = {{"status", "id", "event_count", "data_collections", "ts_ms"},
                                      4};
static const struct members notification = {
    {"id", "aggregate_type", "type", "additional_data", "timestamp"}, 4};
static const struct members signal_row = {{"id", "type", "data"}, 3};

static bool is_made_of(const struct json *payload, const struct members *members)
{
    size_t found = 0, always = 0;
    for (size_t i = 0; members->name[i]; i++) {
        bool here = json_member(payload, members->name[i]) != NULL;
        found += here;
        always += here && i < members->always;
    }
    return always == members->always && found == json_child_count(payload);
}

/* What add.fields can name. Not all that begins so: others' objects have such members, too. */
static bool is_mark(str name)
{
    static const char *const marks[] = {"__op",  "__deleted", "__table", "__schema", "__db",
                                        "__lsn", "__txId",    "__ts_ms", "__ts_us",  "__ts_ns"};
    if (!str_starts(name, STR("__")))
        return false;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (str_is(name, marks[i]))
            return true;
    return str_starts(name, STR("__source_")) || str_starts(name, STR("__transaction_"));
}

bool envelope_is_flattened(const struct json *payload)
{
    for (const struct json *member = payload->child; member; member = member->next)
        if (is_mark(member->name))
            return true;
    return false;
}

/* Not log, which tables of the user's with such columns have too: better a row too many. */
static const char *const signal_types[] = {
    "execute-snapshot",     "stop-snapshot",         "pause-snapshot", "resume-snapshot",
    "snapshot-window-open", "snapshot-window-close", "schema-changes"};

static bool is_signal(const struct json *row)
{
    str type = json_string(json_member(row, "type"));
    if (!is_made_of(row, &signal_row))
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
    return row && is_signal(row);
}

static bool is_odd(const struct json *image)
{
    return image && image->kind != JSON_OBJECT && image->kind != JSON_NULL;
}

static struct source_members find_source(const struct json *source, const struct json *transaction)
{
    return (struct source_members){
        .connector = json_member(source, "connector"),
        .name = json_member(source, "name"),
        .schema = json_member(source, "schema"),
        .db = json_member(source, "db"),
        .table = json_member(source, "table"),
        .ts_us = json_member(source, "ts_us"),
        .ts_ns = json_member(source, "ts_ns"),
        .ts_ms = json_member(source, "ts_ms"),
        .tx_id = json_member(source, "txId"),
        .file = json_member(source, "file"),
        .pos = json_member(source, "pos"),
        .lsn = json_member(source, "lsn"),
        .commit_lsn = json_member(source, "commit_lsn"),
        .scn = json_member(source, "scn"),
        .thread = json_member(source, "thread"),
        .query = json_member(source, "query"),
        .user_name = json_member(source, "user_name"),
        .transaction_id = json_member(transaction, "id"),
        .total_order = json_member(transaction, "total_order"),
    };
}

static struct envelope_places find_places(const struct json *payload)
{
    struct envelope_places places = {
        .op = json_member(payload, "op"),
        .before = json_member(payload, "before"),
        .after = json_member(payload, "after"),
        .source = json_member(payload, "source"),
        .transaction = json_member(payload, "transaction"),
        .ts_ms = json_member(payload, "ts_ms"),
        .ts_us = json_member(payload, "ts_us"),
        .ts_ns = json_member(payload, "ts_ns"),
    };
    places.of = find_source(places.source, places.transaction);
    places.may_be_other = json_child_count(places.before) == 3
                          || json_child_count(places.after) == 3 || envelope_is_flattened(payload);
    return places;
}

static void fill(const struct envelope_places *places, struct envelope *envelope)
{
    *envelope = (struct envelope){
        .op = present(places->op),
        .before = object_or_null(places->before),
        .after = object_or_null(places->after),
        .source = object_or_null(places->source),
        .transaction = object_or_null(places->transaction),
        .ts_ms = places->ts_ms,
        .ts_us = places->ts_us,
        .ts_ns = places->ts_ns,
        .of = &places->of,
        .odd_image = is_odd(places->before) || is_odd(places->after),
    };
}

bool envelope_at(const struct envelope_places *places, struct envelope *envelope)
{
    fill(places, envelope);
    return !places->may_be_other && places->op && places->op->kind == JSON_STRING
           && (envelope->source || places->before || places->after);
}

static bool is_envelope(const struct json *payload, const struct envelope *envelope)
{
    return envelope->op && envelope->op->kind == JSON_STRING
           && (envelope->source || json_member(payload, "before") || json_member(payload, "after"));
}

enum message_kind envelope_read(const struct json *payload, struct envelope_places *places,
                                struct envelope *envelope)
{
    if (payload->kind == JSON_NULL)
        return MESSAGE_TOMBSTONE;
    if (payload->kind != JSON_OBJECT)
        return MESSAGE_UNKNOWN;
    *places = find_places(payload);
    fill(places, envelope);
    /* A column may be called op, and another one source: that is a text, or a number. */
    bool flattened = places->may_be_other && envelope_is_flattened(payload);
    if (is_envelope(payload, envelope) && (!flattened || envelope->source))
        return is_signal_row(envelope) ? MESSAGE_SIGNAL : MESSAGE_ENVELOPE;
    if (flattened)
        return MESSAGE_UNKNOWN;
    if (json_child_count(payload) == 1 && present(envelope->ts_ms))
        return MESSAGE_HEARTBEAT;
    if (is_made_of(payload, &marker)
        && (json_member_is(payload, "status", "BEGIN") || json_member_is(payload, "status", "END")))
        return MESSAGE_TRANSACTION;
    if (envelope->source && (json_member(payload, "ddl") || json_member(payload, "tableChanges")))
        return MESSAGE_SCHEMA_CHANGE;
    if (is_made_of(payload, &notification))
        return MESSAGE_NOTIFICATION;
    return is_signal(payload) ? MESSAGE_SIGNAL : MESSAGE_UNKNOWN;
}

SELDOM static bool refuse_op(str text, struct fault *fault)
{
    return fault_set(fault, FAULT_RECORD, "unknown op \"%.*s\": Debezium has c, r, u, d, t and m",
                     STR_ARG(str_head(text, 40)));
}

bool envelope_op(const struct envelope *envelope, enum change_op *op, struct fault *fault)
{
    if (envelope->odd_image)
        return fault_set(fault, FAULT_RECORD, "before or after is neither an object nor null");
    str text = envelope->op->text;
    for (unsigned i = 0; text.len == 1 && i < CHANGE_OP_COUNT; i++) {
        if (text.ptr[0] == change_op_letters[i]) {
            *op = (enum change_op)i;
            return true;
        }
    }
    return refuse_op(text, fault);
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

/* Containers have no text for certain. */
static bool is_scalar(const struct json *json)
{
    return json && json->kind != JSON_NULL && json->kind < JSON_ARRAY;
}

/* A member of the source block as text, NULL where it is missing. */
static struct value member_text(const struct json *member)
{
    member = present(member);
    return member ? (struct value){VALUE_TEXT, member->text}
                  : (struct value){VALUE_NULL, STR_EMPTY};
}

/* PostgreSQL writes "571:53195832" (number, LSN); elsewhere the whole id names the transaction. */
static struct value transaction_number(const struct source_members *of)
{
    struct value id = member_text(of->transaction_id);
    str head;
    if (str_is(json_string(of->connector), "postgresql") && str_split(&id.text, ':', &head))
        id.text = head;
    return id;
}

/* The position in the source's log, by whatever that database calls it. */
static bool log_position(const struct source_members *of, struct arena *arena, struct value *lsn,
                         struct fault *fault)
{
    const struct json *const names[] = {of->lsn, of->commit_lsn, of->scn};
    const struct json *file = present(of->file);
    const struct json *pos = present(of->pos);
    *lsn = (struct value){VALUE_NULL, STR_EMPTY};
    if (file && pos) {
        str text = arena_format(arena, "%.*s:%.*s", STR_ARG(file->text), STR_ARG(pos->text));
        *lsn = (struct value){VALUE_TEXT, text};
        return text.ptr || fault_memory(fault, "a log position");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && lsn->kind == VALUE_NULL; i++)
        *lsn = member_text(names[i]);
    return true;
}

static bool check_name(str name, struct fault *fault)
{
    return name.len == 0 || !memchr(name.ptr, '\0', name.len)
           || fault_set(fault, FAULT_RECORD, "the name of a table or schema holds U+0000");
}

bool envelope_names(const struct envelope *envelope, struct change *change, struct fault *fault)
{
    const struct source_members *of = envelope->of;
    if (str_is(json_string(of->connector), "mongodb"))
        return fault_set(fault, FAULT_RECORD,
                         "an event of MongoDB's connector: its documents are texts and are not "
                         "read; only what ExtractNewDocumentState flattens is");
    change->source_name = json_string(of->name);
    change->schema = json_string(of->schema);
    if (change->schema.len == 0)
        change->schema = json_string(of->db);
    change->table = json_string(of->table);
    return check_name(change->schema, fault) && check_name(change->table, fault);
}

void envelope_moment(const struct envelope *envelope, const struct wants *wants,
                     struct change *change)
{
    const struct source_members *of = envelope->of;
    change->source_us = read_time(of->ts_us, of->ts_ns, of->ts_ms);
    if (wants && !wants->connector_time)
        return;
    change->connector_us = read_time(envelope->ts_us, envelope->ts_ns, envelope->ts_ms);
    change->connector_ms = is_scalar(envelope->ts_ms) ? envelope->ts_ms->text : STR_EMPTY;
}

bool envelope_origin(const struct envelope *envelope, struct arena *arena, struct change *change,
                     struct fault *fault)
{
    const struct source_members *of = envelope->of;
    change->tx_id = member_text(of->tx_id);
    if (change->tx_id.kind == VALUE_NULL)
        change->tx_id = transaction_number(of);
    change->tx_order = member_text(of->total_order);
    change->query = member_text(of->query);
    change->user_name = member_text(of->user_name);
    change->thread = member_text(of->thread);
    return log_position(of, arena, &change->lsn, fault);
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
