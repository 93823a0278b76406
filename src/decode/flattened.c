/*
 * Debezium's flattened form: the row alone, with metadata in members that begin with two
 * underscores. There is no image before, so the old values of updates are unknown; a delete that
 * was rewritten (__deleted "true") carries the old row.
 * Format: Debezium documentation, "New Record State Extraction" (ExtractNewRecordState;
 * add.fields, delete.tombstone.handling.mode=rewrite).
 */
#include "envelope.h"
#include "form.h"

static bool is_meta(str name)
{
    return str_starts(name, STR("__"));
}

static bool flattened_is_like(const struct json *payload)
{
    return envelope_is_flattened(payload);
}

/* add.fields=source.ts_ms becomes __source_ts_ms; without a prefix of its own __ts_ms is the
   connector's. */
static void read_meta(const struct json *row, struct change *change)
{
    change->source_us = form_time(json_member(row, "__source_ts_us"), 1000000);
    if (change->source_us == TIME_UNKNOWN)
        change->source_us = form_time(json_member(row, "__source_ts_ms"), 1000);
    change->connector_us = form_time(json_member(row, "__ts_ms"), 1000);
    change->source_name = json_string(json_member(row, "__name"));
    change->lsn = form_text(row, "__lsn");
    if (change->lsn.kind == VALUE_NULL)
        change->lsn = form_text(row, "__source_lsn");
    change->tx_id = form_text(row, "__txId");
    if (change->tx_id.kind == VALUE_NULL)
        change->tx_id = form_text(row, "__source_txId");
}

/* Without members that name it the table is the topic's: prefix.schema.table. */
static void read_table(const struct json *row, str topic, str *schema, str *table)
{
    str part;
    *schema = json_string(json_member(row, "__schema"));
    if (schema->len == 0)
        *schema = json_string(json_member(row, "__db"));
    *table = json_string(json_member(row, "__table"));
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
    if (!change)
        return false;
    read_meta(row, change);
    return form_message_key(reader, change, fault);
}

const struct form flattened_form = {
    .name = "flattened", .is_like = flattened_is_like, .read = flattened_read, .debezium = true};
