/*
 * The columns of the output, from the configuration or the usual ones, and what they need to be
 * told of changes.
 */
#include "plan.h"

/* The columns of the pipe, and behind them those that sinks add. */
static const enum column_kind usual_columns[] = {COLUMN_CHANGE_FIELD,
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
                                                 COLUMN_FIELD_NO};

#define PIPE_COUNT 9
#define SINK_COUNT (sizeof(usual_columns) / sizeof(usual_columns[0]))

/* What a column needs to be told of changes. */
static void want_of_change(struct layout *layout, enum column_kind kind)
{
    bool *wants = NULL;
    switch (kind) {
    case COLUMN_DATETIME_CREATED:
    case COLUMN_DATETIME_UPDATED:
    case COLUMN_DATETIME_DELETED:
        wants = &layout->wants_event_time;
        break;
    case COLUMN_ROW_KEY:
        wants = &layout->wants_row_key;
        break;
    case COLUMN_CONNECTOR_TIME:
        wants = &layout->wants_connector_time;
        break;
    case COLUMN_TX_ID:
    case COLUMN_LSN:
    case COLUMN_TX_ORDER:
    case COLUMN_QUERY:
    case COLUMN_USER_NAME:
    case COLUMN_THREAD:
        wants = &layout->wants_origin;
        break;
    case COLUMN_COPY:
    case COLUMN_CHANGE_FIELD:
    case COLUMN_OLD_VALUE:
    case COLUMN_NEW_VALUE:
    case COLUMN_DATETIME_INSERTED:
    case COLUMN_OP:
    case COLUMN_OLD_KNOWN:
    case COLUMN_EVENT_TIME:
    case COLUMN_SOURCE_TABLE:
    case COLUMN_KAFKA_TOPIC:
    case COLUMN_KAFKA_PARTITION:
    case COLUMN_KAFKA_OFFSET:
    case COLUMN_FIELD_NO:
    case COLUMN_SOURCE_NAME:
    case COLUMN_PREFIX:
    case COLUMN_CONTENT:
        return;
    }
    if (wants)
        *wants = true;
}

/* `column.NAME` is a column of the table that is called like a built-in one. */
static void add_column(struct layout *layout, str name, str source)
{
    struct column *column = &layout->column[layout->count++];
    bool of_table = str_starts(source, STR("column."));
    if (of_table)
        source = str_from_at(source, strlen("column."));
    *column = (struct column){.name = name, .source = source};
    bool built_in = !of_table && column_kind_by_name(source, &column->kind);
    if (built_in)
        want_of_change(layout, column->kind);
    if (!built_in) {
        column->kind = COLUMN_COPY;
        column->copied = layout->copied_count++;
    }
}

static bool check_distinct(const struct layout *layout, struct fault *fault)
{
    for (size_t i = 0; i < layout->count; i++)
        for (size_t j = 0; j < i; j++)
            if (str_eq(layout->column[i].name, layout->column[j].name))
                return fault_set(fault, FAULT_CONFIG,
                                 "the output would have two columns named %.*s: rename one with "
                                 "--columns name=column.source",
                                 STR_ARG(layout->column[i].name));
    return true;
}

bool layout_make(struct pivot *pivot, const struct str_list *keys, struct fault *fault)
{
    const struct str_list *wanted = &pivot->settings.columns;
    struct layout *layout = &pivot->layout;
    size_t usual = pivot->usual_columns == PIVOT_SINK_COLUMNS ? SINK_COUNT : PIPE_COUNT;
    size_t count = wanted->count ? wanted->count : keys->count + usual;
    *layout = (struct layout){.column = ARENA_NEW(&pivot->arena, struct column, count)};
    if (!layout->column)
        return fault_memory(fault, "columns");
    for (size_t i = 0; i < wanted->count; i++) {
        str source = wanted->item[i], name;
        str_split(&source, '=', &name);
        add_column(layout, name, source.len ? source : name);
    }
    for (size_t i = 0; wanted->count == 0 && i < keys->count; i++) {
        /* A key named like a built-in column is still the table's own. */
        struct column *column = &layout->column[layout->count++];
        *column = (struct column){keys->item[i], COLUMN_COPY, keys->item[i],
                                  layout->copied_count++};
    }
    for (size_t i = 0; wanted->count == 0 && i < usual; i++) {
        str name = str_from(column_kind_name(usual_columns[i]));
        add_column(layout, name, name);
    }
    layout->usual_count = wanted->count == 0 ? keys->count + PIPE_COUNT : 0;
    layout->ready = true;
    return check_distinct(layout, fault);
}
