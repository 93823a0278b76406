/*
 * CloudEvents in structured JSON, as Debezium's converter writes them: the images in `data`, what
 * the source block says in extension attributes whose names begin with iodebezium.
 * Format: Debezium documentation, "Exporting CloudEvents"; CloudEvents 1.0, JSON format.
 */
#include "clock.h"
#include "envelope.h"
#include "form.h"
#include "logical_message.h"

#define PREFIX "iodebezium"

static bool cloudevents_is_like(const struct json *payload)
{
    return json_member(payload, "specversion") && json_member(payload, "type")
           && json_member(payload, "id") && json_member(payload, "source");
}

/* With json.schemas.enable the data has a schema around it. */
static bool read_data(struct form_reader *reader, const struct json **data, struct fault *fault)
{
    *data = json_member(reader->payload, "data");
    const struct json *schema = json_member(*data, "schema"), *whole = *data;
    const struct json *payload = json_member(whole, "payload");
    if (!payload || !schema)
        return true;
    *data = payload;
    return schema->kind == JSON_NULL
           || schema_cache_add(reader->schemas, whole->text, schema->text, &reader->schema, fault);
}

static const struct json *object_or_null(const struct json *json)
{
    return json && json->kind == JSON_OBJECT ? json : NULL;
}

static bool read_op(const struct json *event, enum change_op *op, struct fault *fault)
{
    const struct json *member = json_member(event, PREFIX "op");
    str text = json_string(member);
    const char *found = text.len == 1 && text.ptr[0] ? strchr(change_op_letters, text.ptr[0])
                                                     : NULL;
    if (!member)
        return fault_set(fault, FAULT_RECORD,
                         "a CloudEvent without " PREFIX "op: set extension.attributes.enable=true");
    if (!found)
        return fault_set(fault, FAULT_RECORD,
                         "a CloudEvent without a change: " PREFIX "op is \"%.*s\"",
                         STR_ARG(str_head(text, 40)));
    *op = (enum change_op)(found - change_op_letters);
    return true;
}

/* What the source block and the transaction of an envelope say. The converter leaves underscores
   out; txId is the source's, txid the transaction's. The attribute `time` ends at the millisecond.
   */
static bool read_attributes(struct form_reader *reader, struct change *change, struct fault *fault)
{
    const struct json *event = reader->payload;
    const struct source_members of = {
        .connector = json_member(event, PREFIX "connector"),
        .ts_us = json_member(event, PREFIX "tsus"),
        .ts_ns = json_member(event, PREFIX "tsns"),
        .ts_ms = json_member(event, PREFIX "tsms"),
        .tx_id = json_member(event, PREFIX "txId"),
        .file = json_member(event, PREFIX "file"),
        .pos = json_member(event, PREFIX "pos"),
        .lsn = json_member(event, PREFIX "lsn"),
        .commit_lsn = json_member(event, PREFIX "commitlsn"),
        .scn = json_member(event, PREFIX "scn"),
        .query = json_member(event, PREFIX "query"),
        .user_name = json_member(event, PREFIX "username"),
        .thread = json_member(event, PREFIX "thread"),
        .transaction_id = json_member(event, PREFIX "txid"),
        .total_order = json_member(event, PREFIX "txtotalorder"),
    };
    const struct envelope envelope = {.of = &of};
    enum timestamp_zone zone;
    envelope_moment(&envelope, NULL, change);
    if (!envelope_origin(&envelope, &reader->batch->arena, change, fault))
        return false;
    if (change->source_us == TIME_UNKNOWN
        && !timestamp_parse(json_string(json_member(event, "time")), &change->source_us, &zone))
        change->source_us = TIME_UNKNOWN;
    change->source_name = json_string(json_member(event, PREFIX "name"));
    return true;
}

static bool cloudevents_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *event = reader->payload, *data;
    enum change_op op = CHANGE_READ;
    if (!read_data(reader, &data, fault))
        return false;
    if (json_member(event, "data_base64") || (data && data->kind == JSON_STRING))
        return fault_set(fault, FAULT_RECORD,
                         "a CloudEvent with binary data (Avro is not read): set "
                         "data.serializer.type=json");
    if (!read_op(event, &op, fault))
        return false;
    struct form_row row = {.op = op,
                           .schema = json_string(json_member(event, PREFIX "schema")),
                           .table = json_string(json_member(event, PREFIX "table")),
                           .before = object_or_null(json_member(data, "before")),
                           .after = object_or_null(json_member(data, "after")),
                           .columns = schema_field(reader->schema, STR("after"))};
    if (row.schema.len == 0)
        row.schema = json_string(json_member(event, PREFIX "db"));
    struct change *change = form_add(reader, &row, fault);
    if (!change || !read_attributes(reader, change, fault))
        return false;
    if (op == CHANGE_MESSAGE)
        return logical_message_read(data, reader->schema, &reader->batch->arena, change, fault);
    return op == CHANGE_TRUNCATE || form_message_key(reader, change, fault);
}

const struct form cloudevents_form = {.name = "cloudevents",
                                      .is_like = cloudevents_is_like,
                                      .read = cloudevents_read,
                                      .debezium = true};
