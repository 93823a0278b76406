/*
 * CloudEvents in structured JSON, as Debezium's converter writes them: the images in `data`, what
 * the source block says in extension attributes whose names begin with iodebezium.
 * Format: Debezium documentation, "Exporting CloudEvents"; CloudEvents 1.0, JSON format.
 */
#include "clock.h"
#include "form.h"

#define PREFIX "iodebezium"

static bool cloudevents_is_like(const struct json *payload)
{
    return json_member(payload, "specversion") && json_member(payload, "type")
           && json_member(payload, "id") && json_member(payload, "source");
}

/* With data.serializer.schemas.enable the data has a schema around it. */
static const struct json *data_of(const struct json *event)
{
    const struct json *data = json_member(event, "data");
    const struct json *payload = json_member(data, "payload");
    return payload && json_member(data, "schema") ? payload : data;
}

static const struct json *object_or_null(const struct json *json)
{
    return json && json->kind == JSON_OBJECT ? json : NULL;
}

static bool read_op(const struct json *event, enum change_op *op, struct fault *fault)
{
    static const char letters[] = "rcudt"; /* in the order of enum change_op */
    str text = json_string(json_member(event, PREFIX "op"));
    const char *found = text.len == 1 && text.ptr[0] ? strchr(letters, text.ptr[0]) : NULL;
    if (!found)
        return fault_set(fault, FAULT_RECORD,
                         "a CloudEvent without a change: " PREFIX "op is \"%.*s\"",
                         STR_ARG(str_head(text, 40)));
    *op = (enum change_op)(found - letters);
    return true;
}

/* The attribute `time` is the source's; its fraction ends at the millisecond. */
static void read_attributes(const struct json *event, struct change *change)
{
    enum timestamp_zone zone;
    change->source_us = form_time(json_member(event, PREFIX "tsus"), 1000000);
    if (change->source_us == TIME_UNKNOWN)
        change->source_us = form_time(json_member(event, PREFIX "tsms"), 1000);
    if (change->source_us == TIME_UNKNOWN
        && !timestamp_parse(json_string(json_member(event, "time")), &change->source_us, &zone))
        change->source_us = TIME_UNKNOWN;
    change->source_name = json_string(json_member(event, PREFIX "name"));
    change->lsn = form_text(event, PREFIX "lsn");
    change->tx_id = form_text(event, PREFIX "txid");
    change->tx_order = form_text(event, PREFIX "txtotalorder");
}

static bool cloudevents_read(struct form_reader *reader, struct fault *fault)
{
    const struct json *event = reader->payload, *data = data_of(event);
    enum change_op op = CHANGE_READ;
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
                           .after = object_or_null(json_member(data, "after"))};
    if (row.schema.len == 0)
        row.schema = json_string(json_member(event, PREFIX "db"));
    struct change *change = form_add(reader, &row, fault);
    if (!change)
        return false;
    read_attributes(event, change);
    return op == CHANGE_TRUNCATE || form_message_key(reader, change, fault);
}

const struct form cloudevents_form = {.name = "cloudevents",
                                      .is_like = cloudevents_is_like,
                                      .read = cloudevents_read,
                                      .debezium = true};
