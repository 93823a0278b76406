/*
 * Maxwell's daemon for MySQL: the whole new row in `data`, and in `old` the columns that an update
 * changed, with what they were: all others were what they are. With output_nulls=false `data` lacks
 * what is NULL; `old` never does. An update comes without `old` where the source's binary log has
 * no old values (binlog_row_image=MINIMAL), or where only excluded columns changed: nothing tells
 * which, so what the others were is unknown.
 * Format: Maxwell's documentation, "Data Format"; keys: "Kafka options", kafka_key_format=hash.
 */
#include "form.h"

static bool maxwell_is_like(const struct json *payload)
{
    return json_member(payload, "database") && json_member(payload, "type")
           && (json_member(payload, "data") || json_member(payload, "sql")
               || json_member(payload, "table"))
           && !json_member(payload, "isDdl");
}

static bool read_op(const struct json *event, enum change_op *op)
{
    static const struct {
        const char *type;
        enum change_op op;
    } ops[] = {{"insert", CHANGE_CREATE},
               {"update", CHANGE_UPDATE},
               {"delete", CHANGE_DELETE},
               {"bootstrap-insert", CHANGE_READ}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        *op = ops[i].op;
        if (json_member_is(event, "type", ops[i].type))
            return true;
    }
    return false;
}

/* {"database":"d","table":"t","pk.id":1}: the names of the key, as an array of texts. */
static bool names_of_key(struct form_reader *reader, struct json **names)
{
    struct json *root;
    struct fault unreadable;
    *names = form_object(reader);
    if (!*names)
        return false;
    if (!reader->record->has_key
        || !json_parse(reader->record->key, 1,
                       (struct json_memory){reader->scratch, &reader->batch->arena}, &root,
                       &unreadable))
        return true;
    for (const struct json *each = root->child; each; each = each->next) {
        struct json name = {.kind = JSON_STRING, .text = str_from_at(each->name, 3)};
        if (str_starts(each->name, STR("pk.")) && name.text.len > 0
            && !form_member(reader, *names, &name, STR_EMPTY))
            return false;
    }
    return true;
}

static bool maxwell_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *event = reader->payload, *data = json_member(event, "data");
    const struct json *keys = json_member(event, "primary_key_columns");
    const struct json *old = json_member(event, "old");
    struct json *names;
    enum change_op op;
    if (!read_op(event, &op)) {
        /* table-alter, database-create, bootstrap-start ... */
        reader->debezium->counts.schema_changes++;
        return true;
    }
    if (!data || data->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_RECORD, "an event of Maxwell without data");
    if (old && old->kind == JSON_NULL)
        old = NULL;
    if (old && old->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_RECORD, "an event of Maxwell whose old is no object");
    if (!names_of_key(reader, &names))
        return fault_memory(fault, "a row's key");
    struct change *change = form_add_whole(reader, op, data, old, keys ? keys : names, fault);
    if (!change)
        return false;
    change->remedy = "set binlog_row_image=FULL in the source database";
    change->source_us = form_time(json_member(event, "ts"), 1);
    change->tx_id = form_text(event, "xid");
    change->tx_order = form_text(event, "xoffset");
    change->lsn = form_text(event, "position");
    change->thread = form_text(event, "thread_id");
    change->query = form_text(event, "query");
    return true;
}

const struct form maxwell_form = {
    .name = "maxwell", .is_like = maxwell_is_like, .read = maxwell_read};
