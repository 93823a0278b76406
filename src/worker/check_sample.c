/*
 * The last records of every partition: what their form says of the converters and of the source's
 * settings, and what rows they make.
 */
#include "check_steps.h"

#include "clock.h"
#include "mem.h"

#define SAMPLE_RECORDS 20 /* of a partition */
#define SAMPLE_LANES 100
#define SAMPLE_WAIT_MS 10000
#define TABLES_LIMIT 1000
#define COLUMNS_LIMIT 2000

/* ---- reading ---- */

/* The end of every log; of so many partitions that a look is quick. */
static size_t choose_starts(struct source *source)
{
    size_t chosen = 0;
    for (size_t i = 0; i < source->lane_count; i++) {
        struct lane *lane = &source->lane[i];
        bool take = lane->high > lane->low && chosen < SAMPLE_LANES;
        int64_t first = lane->high - SAMPLE_RECORDS;
        lane->next = !take ? lane->high : first > lane->low ? first : lane->low;
        lane->last_us = TIME_UNKNOWN;
        chosen += take;
    }
    return chosen;
}

static bool all_read(const struct source *source)
{
    for (size_t i = 0; i < source->lane_count; i++)
        if (source->lane[i].next < source->lane[i].high)
            return false;
    return true;
}

static bool read_records(struct check *check, struct fault *fault)
{
    struct source *source = check->offsets.source;
    int64_t until = clock_steady_ms() + SAMPLE_WAIT_MS;
    if (choose_starts(source) == 0)
        return true;
    /* Polling notes new ends; those known now are enough. */
    if (!source->type->assign(source, fault))
        return false;
    check->sample.inserted_us = clock_now_us();
    while (!all_read(source) && clock_steady_ms() < until)
        if (!source_poll(source, &check->sample, 200, fault))
            return false;
    return source->type->pause(source, true, fault);
}

/* ---- what was seen ---- */

static struct table_sight *table_of(struct check *check, const struct change *change)
{
    for (size_t i = 0; i < check->table_count; i++)
        if (str_eq(check->table[i].name, change->table)
            && str_eq(check->table[i].schema, change->schema))
            return &check->table[i];
    if (check->table_count == TABLES_LIMIT)
        return NULL;
    if (!check->table)
        check->table = ARENA_NEW(&check->arena, struct table_sight, TABLES_LIMIT);
    struct table_sight *table = check->table ? &check->table[check->table_count] : NULL;
    if (!table || !arena_copy(&check->arena, change->schema, &table->schema)
        || !arena_copy(&check->arena, change->table, &table->name))
        return NULL;
    check->table_count++;
    return table;
}

static struct column_sight *column_of(struct check *check, struct table_sight *table, str name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (str_eq(table->column[i].name, name))
            return &table->column[i];
    if (table->column_count == table->column_capacity) {
        size_t capacity = table->column_capacity ? 2 * table->column_capacity : 32;
        if (capacity > COLUMNS_LIMIT)
            return NULL;
        table->column = arena_grow(&check->arena, table->column,
                                   table->column_capacity * sizeof(*table->column),
                                   capacity * sizeof(*table->column));
        table->column_capacity = table->column ? capacity : 0;
        if (!table->column) {
            table->column_count = 0;
            return NULL;
        }
    }
    struct column_sight *column = &table->column[table->column_count];
    *column = (struct column_sight){0};
    if (!arena_copy(&check->arena, name, &column->name))
        return NULL;
    table->column_count++;
    return column;
}

/* What Debezium writes of a decimal without its schema: a few bytes in base64, padded. Words of
   four or eight letters are not told apart from it, so only padding counts. */
static bool is_like_bytes(struct value value)
{
    str text = value.text;
    if (value.kind != VALUE_TEXT || text.len == 0 || text.len % 4 != 0 || text.len > 64
        || !str_ends(text, STR("=")))
        return false;
    for (size_t i = 0; i + 2 < text.len; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                    text.ptr[i]))
            return false;
    return true;
}

static void look_at_value(struct column_sight *column, struct value value, bool wrapped)
{
    column->like_bytes = column->like_bytes || (!wrapped && is_like_bytes(value));
    if (!wrapped)
        value_sight_add(&column->values, value);
    column->unavailable = column->unavailable || value.kind == VALUE_UNAVAILABLE;
    column->null = column->null || value.kind == VALUE_NULL;
}

static void look_at_change(struct check *check, const struct change *change)
{
    struct table_sight *table = table_of(check, change);
    if (!table || change->op == CHANGE_MESSAGE || change->op == CHANGE_TRUNCATE)
        return;
    table->wrapped = table->wrapped || change->wrapped;
    table->plain = table->plain || !change->wrapped;
    table->no_key = table->no_key || !change->record->has_key;
    table->no_before = table->no_before || (change->op == CHANGE_UPDATE && !change->has_before);
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field *field = &change->field[i];
        struct column_sight *column = column_of(check, table, field->name);
        if (!column)
            return;
        bool preset = field->preset.kind != VALUE_ABSENT && field->preset.kind != VALUE_NULL;
        column->preset = column->preset || (field->need == FIELD_OPTIONAL && preset);
        if (change->has_after)
            look_at_value(column, field->after, change->wrapped);
    }
}

/* ---- records that are no events, or make no rows ---- */

static const char *form_remedy(const struct record *record)
{
    if (record->value.len > 0 && record->value.ptr[0] == '\0')
        return "; set value.converter=org.apache.kafka.connect.json.JsonConverter in the source "
               "connector";
    if (str_find(record->value, STR("\"__deleted\"")) >= 0
        || str_find(record->value, STR("\"__op\"")) >= 0
        || str_find(record->value, STR("\"before\"")) < 0)
        return "; take the transform that flattens events (ExtractNewRecordState) out of the "
               "source "
               "connector: a flat event has no old values";
    return "";
}

/* Columns are looked at as they came, whatever types the configuration gives them. */
static void look_at_record(struct check *check, const struct record *record)
{
    struct change_list changes;
    struct fault ignored;
    if (record->broken.len == 0
        && decoder_decode(check->raw, record, &check->sample, &changes, &ignored))
        for (size_t i = 0; i < changes.count; i++)
            look_at_change(check, &changes.item[i]);
}

static bool take_changes(struct check *check, const struct record *record, struct fault *fault)
{
    struct change_list changes;
    look_at_record(check, record);
    if (record->broken.len > 0)
        return fault_set(fault, FAULT_RECORD, "%.*s", STR_ARG(record->broken));
    if (!decoder_decode(check->decoder, record, &check->sample, &changes, fault))
        return fault_in(fault, "%.*s[%d]@%lld", STR_ARG(record->topic), record->partition,
                        (long long)record->offset);
    for (size_t i = 0; i < changes.count; i++) {
        size_t first = check->sample.row_count;
        if (connector_rows(check->offsets.pivot, check->offsets.sink, &changes.item[i],
                           &check->sample, fault))
            continue;
        check->sample.row_count = first;
        return fault_in(fault, "%.*s[%d]@%lld makes no rows", STR_ARG(record->topic),
                        record->partition, (long long)record->offset);
    }
    return true;
}

/* Of one topic one bad record is told, and how many there are. */
static void take_topic(struct check *check, str topic)
{
    struct fault first = {0}, fault;
    const struct record *bad = NULL;
    size_t failed = 0, seen = 0;
    bool decoded = false;
    for (size_t i = 0; i < check->sample.record_count; i++) {
        const struct record *record = &check->sample.record[i];
        if (!str_eq(record->topic, topic))
            continue;
        seen++;
        if (take_changes(check, record, &fault))
            continue;
        if (failed++ == 0) {
            first = fault;
            bad = record;
            decoded = strstr(fault.text, "makes no rows") != NULL;
        }
    }
    if (failed > 0)
        findings_add(check->findings, FINDING_FAIL, "events: %s%s (%zu of the last %zu records)",
                     first.text, decoded ? "" : form_remedy(bad), failed, seen);
}

/* ---- findings ---- */

static void put_columns(const struct table_sight *table,
                        bool (*chosen)(const struct column_sight *), struct buf *names)
{
    buf_clear(names);
    for (size_t i = 0; i < table->column_count; i++)
        if (chosen(&table->column[i]))
            buf_format(names, "%s%.*s", names->len ? ", " : "", STR_ARG(table->column[i].name));
}

static bool is_bytes(const struct column_sight *column)
{
    return column->like_bytes;
}

static bool is_replaced(const struct column_sight *column)
{
    return column->preset && !column->null;
}

static bool is_unavailable(const struct column_sight *column)
{
    return column->unavailable;
}

static void tell_columns(struct check *check, const struct table_sight *table, struct buf *names)
{
    put_columns(table, is_bytes, names);
    if (names->len > 0)
        findings_add(
            check->findings, FINDING_WARN,
            "events of %.*s.%.*s: %.*s look like bytes in base64, as decimals come without "
            "a schema, where their scale is lost; say pivot.type.COLUMN=numeric(p,s), or "
            "set decimal.handling.mode=string in the source connector",
            STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(buf_view(names)));
    put_columns(table, is_replaced, names);
    if (names->len > 0)
        findings_add(
            check->findings, FINDING_WARN,
            "events of %.*s.%.*s: %.*s may be NULL and have defaults, and Connect replaces "
            "NULL by the default unless told not to: such changes would be invisible; set "
            "value.converter.replace.null.with.default=false in the source connector",
            STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(buf_view(names)));
    put_columns(table, is_unavailable, names);
    if (names->len > 0)
        findings_add(check->findings, FINDING_WARN,
                     "events of %.*s.%.*s: large values of %.*s come only when they change; alter "
                     "table %.*s.%.*s replica identity full brings them always",
                     STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(buf_view(names)),
                     STR_ARG(table->schema), STR_ARG(table->name));
}

static void tell_table(struct check *check, const struct table_sight *table, struct buf *names)
{
    if (table->column_count == 0)
        return;
    findings_add(check->findings, FINDING_OK, "events of %.*s.%.*s: %s", STR_ARG(table->schema),
                 STR_ARG(table->name),
                 table->wrapped && table->plain ? "some with schema and some without"
                 : table->wrapped               ? "with schema"
                                                : "without schema");
    tell_columns(check, table, names);
    if (table->no_key)
        findings_add(check->findings, FINDING_WARN,
                     "events of %.*s.%.*s: some have no message key: the table has no primary key, "
                     "or a transform took it; add one, or name by pivot.keys what tells rows apart",
                     STR_ARG(table->schema), STR_ARG(table->name));
    if (table->no_before)
        findings_add(check->findings, FINDING_WARN,
                     "events of %.*s.%.*s: updates come without old values; in the source database "
                     "alter table %.*s.%.*s replica identity full",
                     STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(table->schema),
                     STR_ARG(table->name));
}

bool check_sample(struct check *check)
{
    struct fault fault = {0};
    if (!read_records(check, &fault)) {
        findings_add(check->findings, FINDING_FAIL, "events: %s", fault.text);
        return false;
    }
    for (size_t i = 0; i < check->offsets.topics.count; i++)
        take_topic(check, check->offsets.topics.item[i].name);
    struct buf names;
    buf_init(&names, 1000);
    for (size_t i = 0; i < check->table_count; i++)
        tell_table(check, &check->table[i], &names);
    buf_release(&names);
    if (check->sample.record_count == 0)
        findings_add(check->findings, FINDING_WARN,
                     "events: there are none yet, so their form could not be looked at");
    return true;
}
