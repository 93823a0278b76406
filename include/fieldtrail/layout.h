/*
 * layout: the columns of the output and where each gets its value. Encoders walk it.
 */
#ifndef FIELDTRAIL_LAYOUT_H
#define FIELDTRAIL_LAYOUT_H

#include <fieldtrail/batch.h>

enum column_kind {
    COLUMN_COPY, /* a column of the source, copied to every row */
    COLUMN_CHANGE_FIELD,
    COLUMN_OLD_VALUE,
    COLUMN_NEW_VALUE,
    COLUMN_DATETIME_CREATED,
    COLUMN_DATETIME_UPDATED,
    COLUMN_DATETIME_DELETED,
    COLUMN_DATETIME_INSERTED,
    COLUMN_OP,
    COLUMN_OLD_KNOWN,
    COLUMN_EVENT_TIME,
    COLUMN_SOURCE_TABLE,
    COLUMN_ROW_KEY,
    COLUMN_TX_ID,
    COLUMN_LSN,
    COLUMN_KAFKA_TOPIC,
    COLUMN_KAFKA_PARTITION,
    COLUMN_KAFKA_OFFSET,
    COLUMN_FIELD_NO,
    COLUMN_SOURCE_NAME,
    COLUMN_CONNECTOR_TIME,
    COLUMN_TX_ORDER,
    COLUMN_QUERY,
    COLUMN_USER_NAME,
    COLUMN_THREAD,
    /* Of logical messages alone; no name leads to them. */
    COLUMN_PREFIX,
    COLUMN_CONTENT
};

/* What the values of a column are, whatever a target calls that. */
enum column_content { CONTENT_TEXT, CONTENT_TIME, CONTENT_FLAG, CONTENT_INT, CONTENT_LONG };

struct column {
    str name; /* in the output */
    enum column_kind kind;
    str source;    /* COLUMN_COPY: its name in the source */
    size_t copied; /* COLUMN_COPY: its index in change.copied */
};

struct layout {
    struct column *column;
    size_t count;
    size_t copied_count;
    size_t usual_count; /* it begins with so many columns in the usual order: all that are copied,
                           then the kinds from COLUMN_CHANGE_FIELD to COLUMN_OLD_KNOWN; or 0 */
    bool wants_row_key, wants_event_time; /* as text */
    bool wants_connector_time;
    bool wants_origin; /* of the change: struct wants */
    bool ready;        /* false until the first message key has said what the key columns are */
};

/* The columns of the table of logical messages. */
extern const struct layout message_layout;

/* The kind of the built-in column of that name; false where there is none. */
bool column_kind_by_name(str name, enum column_kind *kind) MUST_CHECK;
const char *column_kind_name(enum column_kind kind);

/* CONTENT_TEXT for the source's own columns, too. */
enum column_content column_content(enum column_kind kind);

/* Bytes of scratch that row_cell needs. */
#define CELL_SCRATCH 64

/* The value of one cell. Its text may point into `scratch`. Never ABSENT or UNAVAILABLE: what is
   unknown is NULL here, and the column old_known tells it apart. */
static inline struct value row_cell(const struct row *row, const struct column *column,
                                    const struct batch *batch, char scratch[CELL_SCRATCH]);

/* The time in a cell of one of the kinds that hold times (the others have none); TIME_UNKNOWN where
   the cell is NULL. */
int64_t row_time(const struct row *row, enum column_kind kind, const struct batch *batch);

/* The same of the kinds that hold whole numbers; negative where the cell is NULL. */
int64_t row_number(const struct row *row, enum column_kind kind);

/* Whether the row's old value was sent (or needed none). A row without a field hides no old value,
   unless a delete came without its image. */
static inline bool row_old_known(const struct row *row)
{
    if (!row->field)
        return !row->change->hides_fields;
    return row->field->before.kind != VALUE_ABSENT && row->field->before.kind != VALUE_UNAVAILABLE;
}

/* All cells but those that are asked for most. */
struct value row_other_cell(const struct row *row, const struct column *column,
                            const struct batch *batch, char scratch[CELL_SCRATCH]);

static inline struct value value_shown(struct value value)
{
    return value_has_text(value) ? value : (struct value){VALUE_NULL, {NULL, 0}};
}

/* Of the three times of a row the one that is set. */
static inline enum column_kind row_event_column(enum change_op op)
{
    static const enum column_kind kind[CHANGE_OP_COUNT] = {
        [CHANGE_READ] = COLUMN_DATETIME_CREATED,     [CHANGE_CREATE] = COLUMN_DATETIME_CREATED,
        [CHANGE_UPDATE] = COLUMN_DATETIME_UPDATED,   [CHANGE_DELETE] = COLUMN_DATETIME_DELETED,
        [CHANGE_TRUNCATE] = COLUMN_DATETIME_DELETED, [CHANGE_MESSAGE] = COLUMN_DATETIME_CREATED};
    return kind[op];
}

static inline struct value row_cell(const struct row *row, const struct column *column,
                                    const struct batch *batch, char scratch[CELL_SCRATCH])
{
    const struct value null = {VALUE_NULL, {NULL, 0}};
    const struct change *change = row->change;
    enum column_kind kind = column->kind;
    switch (kind) {
    case COLUMN_COPY:
        return value_shown(change->copied[column->copied]);
    case COLUMN_CHANGE_FIELD:
        return row->field ? (struct value){VALUE_TEXT, row->field->name} : null;
    case COLUMN_OLD_VALUE:
        return row->field ? value_shown(row->field->before) : null;
    case COLUMN_NEW_VALUE:
        return row->field ? value_shown(row->field->after) : null;
    case COLUMN_DATETIME_CREATED:
    case COLUMN_DATETIME_UPDATED:
    case COLUMN_DATETIME_DELETED:
        if (kind != row_event_column(change->op))
            return null;
        if (change->event_text.len > 0)
            return (struct value){VALUE_TEXT, change->event_text};
        break;
    case COLUMN_DATETIME_INSERTED:
        if (batch->inserted_text.len > 0)
            return (struct value){VALUE_TEXT, batch->inserted_text};
        break;
    case COLUMN_OP:
        return (struct value){VALUE_TEXT, {change_op_letters + change->op, 1}};
    case COLUMN_OLD_KNOWN:
        return (struct value){VALUE_BOOL, row_old_known(row) ? STR("true") : STR("false")};
    case COLUMN_EVENT_TIME:
    case COLUMN_SOURCE_TABLE:
    case COLUMN_ROW_KEY:
    case COLUMN_TX_ID:
    case COLUMN_LSN:
    case COLUMN_KAFKA_TOPIC:
    case COLUMN_KAFKA_PARTITION:
    case COLUMN_KAFKA_OFFSET:
    case COLUMN_FIELD_NO:
    case COLUMN_SOURCE_NAME:
    case COLUMN_CONNECTOR_TIME:
    case COLUMN_TX_ORDER:
    case COLUMN_QUERY:
    case COLUMN_USER_NAME:
    case COLUMN_THREAD:
    case COLUMN_PREFIX:
    case COLUMN_CONTENT:
        break;
    }
    return row_other_cell(row, column, batch, scratch);
}

#endif
