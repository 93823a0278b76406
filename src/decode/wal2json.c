/*
 * wal2json, the output plugin of PostgreSQL, in its two formats: one object a transaction with its
 * changes in an array, or one object a change. Of old rows it sends the replica identity's
 * columns; other old values are unknown, and under REPLICA IDENTITY FULL it leaves columns that
 * are NULL away, which cannot be told from that. A large column that was not touched is left out
 * of the new row.
 * Format: eulerto/wal2json, README; keys are known with include-pk.
 */
#include "clock.h"
#include "form.h"

/* ---- what both have ---- */

struct parts {
    enum change_op op;
    const struct json *change;      /* names schema and table */
    struct json *before, *after;    /* objects, or NULL */
    struct json *key;               /* texts, in the manner of an array; or NULL */
    const struct json *transaction; /* names xid, lsn, timestamp */
    const char *lsn;
};

static bool add_message(struct form_reader *reader, struct change *change,
                        const struct json *message)
{
    (void)reader;
    change->prefix = form_text(message, "prefix");
    change->content = form_text(message, "content");
    return true;
}

static bool add_change(struct form_reader *reader, const struct parts *parts, struct fault *fault)
{
    enum timestamp_zone zone;
    struct form_row row = {.op = parts->op,
                           .schema = json_string(json_member(parts->change, "schema")),
                           .table = json_string(json_member(parts->change, "table")),
                           .before = parts->before,
                           .after = parts->after};
    struct change *change = form_add(reader, &row, fault);
    if (!change)
        return false;
    change->proof = PROOF_SENT;
    change->tx_id = form_text(parts->transaction, "xid");
    change->lsn = form_text(parts->transaction, parts->lsn);
    if (!timestamp_parse(json_string(json_member(parts->transaction, "timestamp")),
                         &change->source_us, &zone))
        change->source_us = TIME_UNKNOWN;
    if (parts->op == CHANGE_MESSAGE)
        return add_message(reader, change, parts->change);
    return !parts->key || parts->op == CHANGE_TRUNCATE
           || form_key(reader, change, parts->key, fault);
}

/* A member of a row. The plugin leaves the \\x of bytea away, and writes numbers as texts where
   numeric-data-types-as-string says so. False where memory ran out. */
static bool make_member(struct form_reader *reader, const struct json *name, str type,
                        const struct json *value, struct json ***link)
{
    static const char *const numbers[] = {"numeric", "smallint",         "integer", "bigint",
                                          "real",    "double precision", "oid"};
    struct json *copy = ARENA_NEW(reader->scratch, struct json, 1);
    if (!copy)
        return false;
    *copy = *value;
    copy->name = name->text;
    copy->next = NULL;
    **link = copy;
    *link = &copy->next;
    if (value->kind != JSON_STRING)
        return true;
    if (str_is(type, "bytea")) {
        copy->text = arena_format(&reader->batch->arena, "\\x%.*s", STR_ARG(value->text));
        return copy->text.ptr != NULL;
    }
    /* NaN and the infinities are no numbers to JSON. */
    char last = value->text.len ? value->text.ptr[value->text.len - 1] : ' ';
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && last >= '0' && last <= '9'; i++)
        if (str_starts(type, str_from(numbers[i])) && !str_ends(type, STR("]")))
            copy->kind = JSON_NUMBER;
    return true;
}

/* ---- format 1: {"xid":…,"change":[{"kind":"update","columnnames":[…],"columnvalues":[…],
   "oldkeys":{"keynames":[…],"keyvalues":[…]}}]} ---- */

static bool wal2json1_is_like(const struct json *payload)
{
    const struct json *change = json_member(payload, "change");
    return change && change->kind == JSON_ARRAY;
}

/* Names and values stand in two arrays. */
static bool make_row(struct form_reader *reader, const struct json *names, const struct json *types,
                     const struct json *values, struct json **row)
{
    const struct json *value = values ? values->child : NULL;
    const struct json *type = types ? types->child : NULL;
    *row = names ? form_object(reader) : NULL;
    struct json **link = *row ? &(*row)->child : NULL;
    for (const struct json *name = names ? names->child : NULL; link && name && value;
         name = name->next, value = value->next, type = type ? type->next : NULL)
        if (!make_member(reader, name, json_string(type), value, &link))
            return false;
    return !names || *row;
}

static bool read_kind(const struct json *change, const char *member, const char *const names[],
                      enum change_op *op, struct fault *fault)
{
    static const enum change_op ops[] = {CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE,
                                         CHANGE_TRUNCATE, CHANGE_MESSAGE};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        *op = ops[i];
        if (json_member_is(change, member, names[i]))
            return true;
    }
    return fault_set(fault, FAULT_RECORD, "a change of wal2json whose %s is unknown", member);
}

static bool has_image(enum change_op op, bool after)
{
    return op == CHANGE_UPDATE || op == (after ? CHANGE_CREATE : CHANGE_DELETE);
}

static bool read_change1(struct form_reader *reader, const struct json *change, struct fault *fault)
{
    static const char *const kinds[] = {"insert", "update", "delete", "truncate", "message"};
    const struct json *old = json_member(change, "oldkeys"), *pk = json_member(change, "pk");
    struct parts parts = {.change = change, .transaction = reader->payload, .lsn = "nextlsn"};
    struct json *before, *after;
    if (!read_kind(change, "kind", kinds, &parts.op, fault))
        return false;
    if (!make_row(reader, json_member(old, "keynames"), json_member(old, "keytypes"),
                  json_member(old, "keyvalues"), &before)
        || !make_row(reader, json_member(change, "columnnames"), json_member(change, "columntypes"),
                     json_member(change, "columnvalues"), &after)
        || !make_row(reader, json_member(pk, "pknames"), NULL, json_member(pk, "pknames"),
                     &parts.key))
        return fault_memory(fault, "a row");
    parts.before = has_image(parts.op, false) ? before : NULL;
    parts.after = has_image(parts.op, true) ? after : NULL;
    return add_change(reader, &parts, fault);
}

static bool wal2json1_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *list = json_member(reader->payload, "change");
    for (const struct json *change = list->child; change; change = change->next)
        if (!read_change1(reader, change, fault))
            return false;
    return true;
}

const struct form wal2json1_form = {
    .name = "wal2json-v1", .is_like = wal2json1_is_like, .read = wal2json1_read, .printed = true};

/* ---- format 2: {"action":"U","schema":…,"table":…,"columns":[{"name":…,"value":…}],
   "identity":[…]} ---- */

static bool wal2json2_is_like(const struct json *payload)
{
    str action = json_string(json_member(payload, "action"));
    return action.len == 1 && str_find(STR("BCIUDTM"), action) >= 0;
}

/* The columns' values as an object; their names as texts where `names_only`. */
static bool read_columns(struct form_reader *reader, const struct json *columns, bool names_only,
                         struct json **row)
{
    *row = columns ? form_object(reader) : NULL;
    struct json **link = *row ? &(*row)->child : NULL;
    for (const struct json *column = columns ? columns->child : NULL; link && column;
         column = column->next) {
        const struct json *name = json_member(column, "name");
        const struct json *value = names_only ? name : json_member(column, "value");
        str type = names_only ? STR_EMPTY : json_string(json_member(column, "type"));
        if (name && value && !make_member(reader, name, type, value, &link))
            return false;
    }
    return !columns || *row;
}

static bool wal2json2_read(struct form_reader *reader, struct fault *fault)
{
    static const char *const actions[] = {"I", "U", "D", "T", "M"};
    const struct json *change = reader->payload;
    struct parts parts = {.change = change, .transaction = change, .lsn = "lsn"};
    struct json *before, *after;
    if (json_member_is(change, "action", "B") || json_member_is(change, "action", "C")) {
        reader->debezium->counts.transactions++;
        return true;
    }
    if (!read_kind(change, "action", actions, &parts.op, fault))
        return false;
    if (!read_columns(reader, json_member(change, "identity"), false, &before)
        || !read_columns(reader, json_member(change, "columns"), false, &after)
        || !read_columns(reader, json_member(change, "pk"), true, &parts.key))
        return fault_memory(fault, "a row");
    parts.before = has_image(parts.op, false) ? before : NULL;
    parts.after = has_image(parts.op, true) ? after : NULL;
    return add_change(reader, &parts, fault);
}

const struct form wal2json2_form = {
    .name = "wal2json-v2", .is_like = wal2json2_is_like, .read = wal2json2_read, .printed = true};
