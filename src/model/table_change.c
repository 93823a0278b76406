/*
 * Noticing that a source table was altered: columns that appear, vanish or change their type from
 * one event to another. Rows need nothing of it, for each event tells its own columns; a person
 * does. What was seen is kept by column, so that partitions in which events from before and after
 * the alteration take turns say it once.
 */
#include "plan.h"

/* A table that is altered more often is no longer watched. */
#define WATCHED_COLUMNS_LIMIT 10000
#define NOTICE_LIMIT ((size_t)64 * 1024)

static bool is_complete(const struct change *change)
{
    bool has_row = change->op == CHANGE_READ || change->op == CHANGE_CREATE
                   || change->op == CHANGE_UPDATE;
    /* wal2json leaves out what was not touched. */
    return has_row && change->has_after && change->proof != PROOF_SENT;
}

static struct watched_column *find_column(const struct plan *plan, str name, size_t hint)
{
    if (hint < plan->watched_count && str_eq(plan->watched[hint].name, name))
        return &plan->watched[hint];
    for (size_t i = 0; i < plan->watched_count; i++)
        if (str_eq(plan->watched[i].name, name))
            return &plan->watched[i];
    return NULL;
}

static bool knows_type(const struct watched_column *column, uint64_t type)
{
    for (size_t i = 0; i < WATCHED_TYPES; i++)
        if (column->type[i] == type)
            return true;
    return type == 0;
}

static struct watched_column *add_column(struct pivot *pivot, struct plan *plan, str name)
{
    if (plan->watched_count == plan->watched_capacity) {
        size_t capacity = plan->watched_capacity ? 2 * plan->watched_capacity : 16;
        struct watched_column *grown = ARENA_NEW(&pivot->arena, struct watched_column, capacity);
        if (!grown || capacity > WATCHED_COLUMNS_LIMIT)
            return NULL;
        if (plan->watched_count > 0)
            memcpy(grown, plan->watched, plan->watched_count * sizeof(*grown));
        plan->watched = grown;
        plan->watched_capacity = capacity;
    }
    struct watched_column *column = &plan->watched[plan->watched_count];
    *column = (struct watched_column){0};
    if (!arena_copy(&pivot->arena, name, &column->name))
        return NULL;
    plan->watched_count++;
    return column;
}

static void put_item(struct buf *text, str name, const char *what)
{
    buf_format(text, "%s column %.*s %s", text->len ? "," : "", STR_ARG(name), what);
}

/* False where the table is not to be watched any longer. */
static bool note_fields(struct pivot *pivot, struct plan *plan, const struct change *change,
                        struct buf *text)
{
    struct field_list columns = change_columns(change);
    for (size_t i = 0; i < columns.count; i++) {
        const struct field *field = &columns.item[i];
        if (field->after.kind == VALUE_ABSENT)
            continue;
        struct watched_column *column = find_column(plan, field->name, i);
        if (!column) {
            if (!(column = add_column(pivot, plan, field->name)))
                return false;
            put_item(text, field->name, "appeared");
        } else if (!knows_type(column, field->type)) {
            put_item(text, field->name, "has another type");
        }
        column->turn = plan->watch_turn;
        if (!knows_type(column, field->type))
            column->type[column->type_count++ % WATCHED_TYPES] = field->type;
    }
    return true;
}

static void note_absent(struct plan *plan, struct buf *text)
{
    for (size_t i = 0; i < plan->watched_count; i++) {
        struct watched_column *column = &plan->watched[i];
        if (column->turn == plan->watch_turn || column->gone)
            continue;
        column->gone = true;
        put_item(text, column->name, "vanished");
    }
}

void table_change_look(struct pivot *pivot, struct plan *plan, const struct change *change)
{
    if (!is_complete(change) || plan->unwatched)
        return;
    bool first = plan->watch_turn++ == 0;
    struct buf text;
    buf_init(&text, NOTICE_LIMIT);
    plan->unwatched = !note_fields(pivot, plan, change, &text);
    note_absent(plan, &text);
    plan->watched_shape[change->columns % COLUMN_NOTES] = change->columns;
    if (text.len > 0 && !first) {
        char notice[600];
        snprintf(notice, sizeof(notice), "table %.*s was altered:%.*s", STR_ARG(plan->source_table),
                 STR_ARG(str_whole(str_head(buf_view(&text), 400))));
        pivot->warn(pivot->warn_context, notice);
        pivot->counts.altered++;
        plan->warned_missing = false;
    }
    buf_release(&text);
}
