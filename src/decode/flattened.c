/*
 * Debezium's flattened form: the row alone, with metadata in members that begin with two
 * underscores. There is no image before, so the old values of updates are unknown; a delete that
 * was rewritten (__deleted "true") carries the old row.
 * Format: Debezium documentation, "New Record State Extraction" (ExtractNewRecordState;
 * add.fields, delete.tombstone.handling.mode=rewrite).
 */
#include <stdio.h>

#include "envelope.h"
#include "form.h"

/* Members of the envelope, of the source blocks of all connectors and of the transaction block, as
   add.fields names them without saying whose they are. Another that begins so is a column. */
static const char *const meta[] = {"op",
                                   "deleted",
                                   "ts_ms",
                                   "ts_us",
                                   "ts_ns",
                                   "version",
                                   "connector",
                                   "name",
                                   "snapshot",
                                   "db",
                                   "sequence",
                                   "schema",
                                   "table",
                                   "txId",
                                   "lsn",
                                   "xmin",
                                   "origin",
                                   "origin_lsn",
                                   "server_id",
                                   "gtid",
                                   "file",
                                   "pos",
                                   "row",
                                   "thread",
                                   "query",
                                   "change_lsn",
                                   "commit_lsn",
                                   "scn",
                                   "id",
                                   "event_serial_no",
                                   "start_scn",
                                   "commit_scn",
                                   "rs_id",
                                   "ssn",
                                   "row_id",
                                   "lcr_position",
                                   "user_name",
                                   "redo_thread",
                                   "total_order",
                                   "commit_ts_ms",
                                   "redo_sql",
                                   "start_ts_ms",
                                   "data_collection_order"};

static bool is_meta(str name)
{
    if (!str_starts(name, STR("__")))
        return false;
    str rest = str_from_at(name, 2);
    for (size_t i = 0; i < sizeof(meta) / sizeof(meta[0]); i++)
        if (str_is(rest, meta[i]))
            return true;
    return str_starts(rest, STR("source_")) || str_starts(rest, STR("transaction_"));
}

static bool flattened_is_like(const struct json *payload)
{
    return envelope_is_flattened(payload);
}

/* add.fields=source.lsn becomes __source_lsn, lsn becomes __lsn and is the same. */
static const struct json *of_struct(const struct json *row, const char *outer, const char *name)
{
    char text[60];
    snprintf(text, sizeof(text), "__%s_%s", outer, name);
    const struct json *found = json_member(row, text);
    snprintf(text, sizeof(text), "__%s", name);
    return found ? found : json_member(row, text);
}

/* Without a struct in front __ts_ms and its like are the connector's. */
static bool read_meta(struct form_reader *reader, struct change *change, struct fault *fault)
{
    const struct json *row = reader->payload;
    const struct source_members of = {
        .connector = of_struct(row, "source", "connector"),
        .ts_us = json_member(row, "__source_ts_us"),
        .ts_ns = json_member(row, "__source_ts_ns"),
        .ts_ms = json_member(row, "__source_ts_ms"),
        .tx_id = of_struct(row, "source", "txId"),
        .file = of_struct(row, "source", "file"),
        .pos = of_struct(row, "source", "pos"),
        .lsn = of_struct(row, "source", "lsn"),
        .commit_lsn = of_struct(row, "source", "commit_lsn"),
        .scn = of_struct(row, "source", "scn"),
        .query = of_struct(row, "source", "query"),
        .user_name = of_struct(row, "source", "user_name"),
        .thread = of_struct(row, "source", "thread"),
        .transaction_id = of_struct(row, "transaction", "id"),
        .total_order = of_struct(row, "transaction", "total_order"),
    };
    const struct envelope envelope = {.ts_us = json_member(row, "__ts_us"),
                                      .ts_ns = json_member(row, "__ts_ns"),
                                      .ts_ms = json_member(row, "__ts_ms"),
                                      .of = &of};
    change->source_name = json_string(of_struct(row, "source", "name"));
    envelope_moment(&envelope, NULL, change);
    return envelope_origin(&envelope, &reader->batch->arena, change, fault);
}

/* Without members that name it the table is the topic's: prefix.schema.table. */
static void read_table(const struct json *row, str topic, str *schema, str *table)
{
    str part;
    *schema = json_string(of_struct(row, "source", "schema"));
    if (schema->len == 0)
        *schema = json_string(of_struct(row, "source", "db"));
    *table = json_string(of_struct(row, "source", "table"));
    if (table->len > 0)
        return;
    *schema = STR_EMPTY;
    while (str_split(&topic, '.', &part)) {
        *schema = *table;
        *table = part;
    }
}

static bool read_op(const struct json *row, enum change_op *op, struct fault *fault)
{
    static const char letters[] = "rcud"; /* in the order of enum change_op */
    str text = json_string(json_member(row, "__op"));
    const char *found = text.len == 1 && text.ptr[0] ? strchr(letters, text.ptr[0]) : NULL;
    str deleted = json_member(row, "__deleted") ? json_member(row, "__deleted")->text : STR_EMPTY;
    /* Without __op nobody can tell a create from an update: the old values are unknown. */
    *op = found ? (enum change_op)(found - letters) : CHANGE_UPDATE;
    if (str_is(deleted, "true"))
        *op = CHANGE_DELETE;
    return text.len == 0 || found
           || fault_set(fault, FAULT_RECORD, "unknown __op \"%.*s\"", STR_ARG(str_head(text, 40)));
}

/* The schema without the metadata; NULL where memory ran out. */
static const struct schema *row_schema(struct form_reader *reader)
{
    struct schema *row = ARENA_NEW(reader->scratch, struct schema, 1);
    struct schema *child = ARENA_NEW(reader->scratch, struct schema, reader->schema->child_count);
    if (!row || !child)
        return NULL;
    *row = *reader->schema;
    row->child = child;
    row->child_count = 0;
    for (size_t i = 0; i < reader->schema->child_count; i++)
        if (!is_meta(reader->schema->child[i].field))
            child[row->child_count++] = reader->schema->child[i];
    return row;
}

static bool flattened_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *row = reader->payload;
    struct json *image = form_object(reader);
    enum change_op op;
    if (!read_op(row, &op, fault))
        return false;
    for (const struct json *column = row->child; image && column; column = column->next)
        if (!is_meta(column->name) && !form_member(reader, image, column, STR_EMPTY))
            image = NULL;
    const struct schema *schema = reader->schema ? row_schema(reader) : NULL;
    if (!image || (reader->schema && !schema))
        return fault_memory(fault, "a row");
    bool gone = op == CHANGE_DELETE;
    struct form_row flat = {
        .op = op, .before = gone ? image : NULL, .after = gone ? NULL : image, .columns = schema};
    read_table(row, reader->record->topic, &flat.schema, &flat.table);
    struct change *change = form_add(reader, &flat, fault);
    if (change && !gone)
        change->remedy = "the flattened form has no old values of updates: leave out the "
                         "transformation that makes it (ExtractNewRecordState)";
    return change && read_meta(reader, change, fault) && form_message_key(reader, change, fault);
}

const struct form flattened_form = {
    .name = "flattened", .is_like = flattened_is_like, .read = flattened_read, .debezium = true};
