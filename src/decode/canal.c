/*
 * Canal for MySQL (flat messages): rows of one statement in the array `data`, beside it in `old`
 * what the changed columns of each were. All values are texts.
 * Format: alibaba/canal, FlatMessage; also the documentation of Apache Flink's canal-json.
 */
#include "form.h"

static bool canal_is_like(const struct json *payload)
{
    return json_member(payload, "isDdl") && json_member(payload, "type")
           && json_member(payload, "database");
}

static bool read_op(const struct json *event, enum change_op *op)
{
    static const struct {
        const char *type;
        enum change_op op;
    } ops[] = {{"INSERT", CHANGE_CREATE},
               {"UPDATE", CHANGE_UPDATE},
               {"DELETE", CHANGE_DELETE},
               {"INIT-DDL", CHANGE_MESSAGE},
               {"TRUNCATE", CHANGE_TRUNCATE}};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        *op = ops[i].op;
        if (json_member_is(event, "type", ops[i].type))
            return *op != CHANGE_MESSAGE;
    }
    return false;
}

static bool add_row(struct form_reader *reader, enum change_op op, const struct json *row,
                    const struct json *old, struct fault *fault)
{
    const struct json *event = reader->payload;
    if (row && row->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_RECORD, "a row of Canal that is no object");
    struct change *change = form_add_whole(reader, op, row, old, json_member(event, "pkNames"),
                                           fault);
    if (!change)
        return false;
    change->source_us = form_time(json_member(event, "es"), 1000);
    change->connector_us = form_time(json_member(event, "ts"), 1000);
    change->query = form_text(event, "sql");
    if (change->query.text.len == 0)
        change->query = (struct value){VALUE_NULL, STR_EMPTY};
    return true;
}

static bool canal_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *event = reader->payload, *data = json_member(event, "data");
    const struct json *old = json_member(event, "old");
    enum change_op op;
    if (!read_op(event, &op)) {
        reader->debezium->counts.schema_changes++;
        return true;
    }
    if (op == CHANGE_TRUNCATE)
        return add_row(reader, op, NULL, NULL, fault);
    if (!data || data->kind != JSON_ARRAY)
        return fault_set(fault, FAULT_RECORD, "a message of Canal without data");
    const struct json *was = old && old->kind == JSON_ARRAY ? old->child : NULL;
    for (const struct json *row = data->child; row; row = row->next) {
        if (op == CHANGE_UPDATE && (!was || was->kind != JSON_OBJECT))
            return fault_set(fault, FAULT_RECORD, "an update of Canal without old");
        if (!add_row(reader, op, row, was, fault))
            return false;
        was = was ? was->next : NULL;
    }
    return true;
}

const struct form canal_form = {
    .name = "canal", .is_like = canal_is_like, .read = canal_read, .printed = true};
