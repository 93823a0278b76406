/*
 * What stands in each cell of a row.
 */
#include <fieldtrail/layout.h>

#include <fieldtrail/buf.h>

#include "clock.h"

static const char *const kind_name[] = {
    [COLUMN_COPY] = "",
    [COLUMN_CHANGE_FIELD] = "change_field",
    [COLUMN_OLD_VALUE] = "old_value",
    [COLUMN_NEW_VALUE] = "new_value",
    [COLUMN_DATETIME_CREATED] = "datetime_created",
    [COLUMN_DATETIME_UPDATED] = "datetime_updated",
    [COLUMN_DATETIME_DELETED] = "datetime_deleted",
    [COLUMN_DATETIME_INSERTED] = "datetime_inserted",
    [COLUMN_OP] = "op",
    [COLUMN_OLD_KNOWN] = "old_known",
    [COLUMN_EVENT_TIME] = "event_time",
    [COLUMN_SOURCE_TABLE] = "source_table",
    [COLUMN_ROW_KEY] = "row_key",
    [COLUMN_TX_ID] = "tx_id",
    [COLUMN_LSN] = "lsn",
    [COLUMN_KAFKA_TOPIC] = "kafka_topic",
    [COLUMN_KAFKA_PARTITION] = "kafka_partition",
    [COLUMN_KAFKA_OFFSET] = "kafka_offset",
    [COLUMN_FIELD_NO] = "field_no",
    [COLUMN_SOURCE_NAME] = "source_name",
    [COLUMN_CONNECTOR_TIME] = "connector_time",
    [COLUMN_TX_ORDER] = "tx_order",
    [COLUMN_QUERY] = "query",
    [COLUMN_USER_NAME] = "user_name",
    [COLUMN_THREAD] = "thread",
};

static struct column message_column[] = {
    {.name = {"source_name", 11}, .kind = COLUMN_SOURCE_NAME},
    {.name = {"tx_id", 5}, .kind = COLUMN_TX_ID},
    {.name = {"lsn", 3}, .kind = COLUMN_LSN},
    {.name = {"prefix", 6}, .kind = COLUMN_PREFIX},
    {.name = {"content", 7}, .kind = COLUMN_CONTENT},
    {.name = {"event_time", 10}, .kind = COLUMN_EVENT_TIME},
    {.name = {"kafka_topic", 11}, .kind = COLUMN_KAFKA_TOPIC},
    {.name = {"kafka_partition", 15}, .kind = COLUMN_KAFKA_PARTITION},
    {.name = {"kafka_offset", 12}, .kind = COLUMN_KAFKA_OFFSET},
};

const struct layout message_layout = {.column = message_column,
                                      .count = sizeof(message_column) / sizeof(message_column[0]),
                                      .ready = true};

bool column_kind_by_name(str name, enum column_kind *kind)
{
    for (size_t i = COLUMN_CHANGE_FIELD; i < sizeof(kind_name) / sizeof(kind_name[0]); i++) {
        if (str_is(name, kind_name[i])) {
            *kind = (enum column_kind)i;
            return true;
        }
    }
    return false;
}

const char *column_kind_name(enum column_kind kind)
{
    return kind_name[kind];
}

enum column_content column_content(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_DATETIME_CREATED:
    case COLUMN_DATETIME_UPDATED:
    case COLUMN_DATETIME_DELETED:
    case COLUMN_DATETIME_INSERTED:
    case COLUMN_EVENT_TIME:
    case COLUMN_CONNECTOR_TIME:
        return CONTENT_TIME;
    case COLUMN_OLD_KNOWN:
        return CONTENT_FLAG;
    case COLUMN_KAFKA_PARTITION:
        return CONTENT_INT;
    case COLUMN_KAFKA_OFFSET:
    case COLUMN_FIELD_NO:
        return CONTENT_LONG;
    case COLUMN_COPY:
    case COLUMN_CHANGE_FIELD:
    case COLUMN_OLD_VALUE:
    case COLUMN_NEW_VALUE:
    case COLUMN_OP:
    case COLUMN_SOURCE_TABLE:
    case COLUMN_ROW_KEY:
    case COLUMN_TX_ID:
    case COLUMN_LSN:
    case COLUMN_KAFKA_TOPIC:
    case COLUMN_SOURCE_NAME:
    case COLUMN_TX_ORDER:
    case COLUMN_QUERY:
    case COLUMN_USER_NAME:
    case COLUMN_THREAD:
    case COLUMN_PREFIX:
    case COLUMN_CONTENT:
        return CONTENT_TEXT;
    }
    return CONTENT_TEXT;
}

static const struct value null_value = {VALUE_NULL, {NULL, 0}};

static struct value text_or_null(str text)
{
    return text.len ? (struct value){VALUE_TEXT, text} : null_value;
}

static struct value time_value(int64_t time_us, char scratch[CELL_SCRATCH])
{
    if (time_us == TIME_UNKNOWN)
        return null_value;
    return (struct value){VALUE_TEXT, {scratch, timestamp_print(scratch, time_us)}};
}

static struct value int_or_null(int64_t number, char scratch[CELL_SCRATCH])
{
    if (number < 0)
        return null_value;
    /* Borrowed as a buffer that cannot grow: 20 digits always fit. */
    struct buf digits = {.ptr = scratch, .capacity = CELL_SCRATCH, .limit = CELL_SCRATCH};
    buf_int64(&digits, number);
    return (struct value){VALUE_NUMBER, buf_view(&digits)};
}

static int64_t event_time(const struct change *change)
{
    return change->source_us != TIME_UNKNOWN ? change->source_us : change->record->time_us;
}

static int64_t field_number(const struct row *row)
{
    return (int64_t)row->change->number * 65536 + (row->field ? row->field->place : 0);
}

int64_t row_time(const struct row *row, enum column_kind kind, const struct batch *batch)
{
    const struct change *change = row->change;
    if (kind == row_event_column(change->op) && change->op != CHANGE_MESSAGE)
        return change->event_us;
    return kind == COLUMN_DATETIME_INSERTED ? batch->inserted_us
           : kind == COLUMN_EVENT_TIME      ? event_time(change)
           : kind == COLUMN_CONNECTOR_TIME  ? change->connector_us
                                            : TIME_UNKNOWN;
}

int64_t row_number(const struct row *row, enum column_kind kind)
{
    return kind == COLUMN_KAFKA_PARTITION ? row->change->record->partition
           : kind == COLUMN_KAFKA_OFFSET  ? row->change->record->offset
           : kind == COLUMN_FIELD_NO      ? field_number(row)
                                          : -1;
}

struct value row_other_cell(const struct row *row, const struct column *column,
                            const struct batch *batch, char scratch[CELL_SCRATCH])
{
    const struct change *change = row->change;
    switch (column->kind) {
    case COLUMN_COPY:
    case COLUMN_CHANGE_FIELD:
    case COLUMN_OLD_VALUE:
    case COLUMN_NEW_VALUE:
    case COLUMN_OP:
    case COLUMN_OLD_KNOWN:
        return null_value; /* row_cell knows better where there is a field */
    case COLUMN_DATETIME_CREATED:
    case COLUMN_DATETIME_UPDATED:
    case COLUMN_DATETIME_DELETED:
        return time_value(row_time(row, column->kind, batch), scratch);
    case COLUMN_DATETIME_INSERTED:
        return time_value(batch->inserted_us, scratch);
    case COLUMN_EVENT_TIME:
    case COLUMN_CONNECTOR_TIME:
        return time_value(row_time(row, column->kind, batch), scratch);
    case COLUMN_SOURCE_TABLE:
        return text_or_null(change->source_table);
    case COLUMN_ROW_KEY:
        return value_shown(change->row_key);
    case COLUMN_TX_ID:
        return value_shown(change->tx_id);
    case COLUMN_LSN:
        return value_shown(change->lsn);
    case COLUMN_KAFKA_TOPIC:
        return text_or_null(change->record->topic);
    case COLUMN_KAFKA_PARTITION:
    case COLUMN_KAFKA_OFFSET:
    case COLUMN_FIELD_NO:
        return int_or_null(row_number(row, column->kind), scratch);
    case COLUMN_SOURCE_NAME:
        return text_or_null(change->source_name);
    case COLUMN_TX_ORDER:
        return value_shown(change->tx_order);
    case COLUMN_QUERY:
        return value_shown(change->query);
    case COLUMN_USER_NAME:
        return value_shown(change->user_name);
    case COLUMN_THREAD:
        return value_shown(change->thread);
    case COLUMN_PREFIX:
        return value_shown(change->prefix);
    case COLUMN_CONTENT:
        return value_shown(change->content);
    }
    return null_value;
}
