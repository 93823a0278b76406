/*
 * Plans: the configuration resolved per table, with its overrides (KEY.SCHEMA.TABLE over KEY), and
 * the layout of the output.
 */
#include "plan.h"

#include "clock.h"

/* For several tables with different keys in one output. */
#define ROW_KEY_COLUMNS                                                                            \
    "source_table,row_key,change_field,old_value,new_value,datetime_created,datetime_updated,"     \
    "datetime_deleted,datetime_inserted,op,old_known"

static const char *const skip_emit[] = {"skip", "emit", NULL};

#define SETTING(member) offsetof(struct settings, member)

static const struct option_spec option[] = {
    {.key = "pivot.fields",
     .flag = "fields",
     .letter = 'f',
     .per_table = true,
     .type = OPTION_LIST,
     .offset = SETTING(fields),
     .help =
         "Fields to pivot, one row for each that changed; * is every column outside the message "
         "key. Required."},
    {.key = "pivot.keys",
     .flag = "keys",
     .letter = 'k',
     .per_table = true,
     .type = OPTION_LIST,
     .offset = SETTING(keys),
     .help = "Columns copied to every row, in front. Default: the columns of the message key; "
             "required where the input has no message keys (there they are taken to be the primary "
             "key)."},
    {.key = "pivot.ignore",
     .flag = "ignore",
     .per_table = true,
     .type = OPTION_LIST,
     .offset = SETTING(ignore),
     .importance = OPTION_MEDIUM,
     .help = "Noise columns, left out of *."},
    {.key = "pivot.columns",
     .flag = "columns",
     .type = OPTION_LIST,
     .offset = SETTING(columns),
     .importance = OPTION_MEDIUM,
     .argument = "a,b=c",
     .help = "Which columns in which order; name=source renames, and name=column.source is a "
             "column of the table even where a built-in one has its name. Default: the keys, then "
             "change_field, old_value, new_value, datetime_created, datetime_updated, "
             "datetime_deleted, datetime_inserted, op, old_known. Also there: event_time, "
             "source_table, row_key, tx_id, lsn, kafka_topic, kafka_partition, kafka_offset, "
             "field_no, source_name, connector_time, tx_order, query, user_name, thread."},
    {.key = "pivot.unchanged",
     .flag = "unchanged",
     .type = OPTION_ENUM,
     .choices = skip_emit,
     .preset = "skip",
     .offset = SETTING(unchanged),
     .importance = OPTION_MEDIUM,
     .help = "A row also for a field that did not change."},
    {.key = "pivot.snapshot",
     .flag = "snapshot",
     .type = OPTION_ENUM,
     .choices = skip_emit,
     .preset = "skip",
     .offset = SETTING(snapshot),
     .importance = OPTION_MEDIUM,
     .help = "Rows for what a snapshot read (op r)."},
    {.key = "pivot.unknown",
     .flag = "unknown",
     .type = OPTION_ENUM,
     .choices = skip_emit,
     .preset = "emit",
     .offset = SETTING(unknown),
     .importance = OPTION_MEDIUM,
     .help = "Rows of updates whose old value the source did not send (old_known is false)."},
    {.key = "pivot.created",
     .flag = "created",
     .type = OPTION_STRING,
     .preset = "source",
     .offset = SETTING(created),
     .importance = OPTION_MEDIUM,
     .argument = "source|connector|after.COLUMN|before.COLUMN",
     .help = "Where datetime_created comes from: the commit in the source database, the time the "
             "connector saw it, or a column."},
    {.key = "pivot.updated",
     .flag = "updated",
     .type = OPTION_STRING,
     .preset = "source",
     .offset = SETTING(updated),
     .importance = OPTION_MEDIUM,
     .argument = "source|connector|after.COLUMN|before.COLUMN",
     .help = "Where datetime_updated comes from."},
    {.key = "pivot.deleted",
     .flag = "deleted",
     .type = OPTION_STRING,
     .preset = "source",
     .offset = SETTING(deleted),
     .importance = OPTION_MEDIUM,
     .argument = "source|connector|after.COLUMN|before.COLUMN",
     .help = "Where datetime_deleted comes from."},
    {.key = "pivot.timezone",
     .flag = "timezone",
     .type = OPTION_STRING,
     .preset = "UTC",
     .offset = SETTING(timezone),
     .importance = OPTION_LOW,
     .argument = "ZONE",
     .help = "The zone that columns without one are meant in, where a time is taken from a column: "
             "UTC, +03:30, or a name of the tz database (one for all connectors of a process)."},
    {.key = "replica.identity",
     .flag = "identity",
     .per_table = true,
     .type = OPTION_STRING,
     .preset = "auto",
     .offset = SETTING(identity),
     .argument = "auto|full|default|index(a,b)",
     .help = "Which old values can be believed. full: all of them; default: only those of the key; "
             "index: only those of the columns named; auto: each record is judged by itself, and "
             "what it does not prove is unknown."},
    {.key = "pivot.mask",
     .flag = "mask",
     .per_table = true,
     .type = OPTION_LIST,
     .offset = SETTING(mask),
     .importance = OPTION_MEDIUM,
     .argument = "COLUMN:hash|drop",
     .help = "Hides both values of a column and keeps the fact of the change: hash writes their "
             "SHA-256, drop writes NULL."},
    {.key = "pivot.mask.key",
     .flag = "mask-key",
     .type = OPTION_STRING,
     .offset = SETTING(mask_key),
     .importance = OPTION_LOW,
     .argument = "TEXT",
     .help = "Makes the hash of pivot.mask an HMAC-SHA-256 with this key, so that short values "
             "cannot be guessed from it."},
};

const struct option_table pivot_options = {
    .title = "Pivot", .option = option, .count = sizeof(option) / sizeof(option[0])};

static bool parse_time_from(const char *key, str text, struct time_from *from, struct fault *fault)
{
    if (str_is(text, "source")) {
        *from = (struct time_from){TIME_FROM_SOURCE, STR_EMPTY};
    } else if (str_is(text, "connector")) {
        *from = (struct time_from){TIME_FROM_CONNECTOR, STR_EMPTY};
    } else if (str_starts(text, STR("after.")) && text.len > strlen("after.")) {
        *from = (struct time_from){TIME_FROM_AFTER, str_from_at(text, strlen("after."))};
    } else if (str_starts(text, STR("before.")) && text.len > strlen("before.")) {
        *from = (struct time_from){TIME_FROM_BEFORE, str_from_at(text, strlen("before."))};
    } else {
        return fault_set(fault, FAULT_CONFIG,
                         "%s=%.*s: must be source, connector, after.COLUMN or before.COLUMN", key,
                         STR_ARG(str_head(text, 80)));
    }
    return true;
}

/* Table names are known only when they come; a wrong override is to be found before that. */
static bool check_overrides(const struct config *config, struct arena *arena, struct fault *fault)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct config_entry *entry = &config->entry[i];
        struct identity identity;
        struct mask_list masks;
        struct str_list list;
        str table;
        const struct option_table *const tables[] = {&pivot_options};
        const struct option_spec *found = option_by_key(tables, 1, entry->key);
        if (!found)
            found = option_by_table_key(tables, 1, entry->key, &table);
        if (!found || !found->per_table)
            continue;
        if (found->offset == SETTING(identity)
            && !identity_parse(entry->value, arena, &identity, fault))
            return fault_in(fault, "%.*s", STR_ARG(entry->origin));
        if (found->type == OPTION_LIST && !option_parse(found, entry, arena, &list, fault))
            return false;
        if (found->offset == SETTING(mask) && !mask_parse(&list, arena, &masks, fault))
            return fault_in(fault, "%.*s", STR_ARG(entry->origin));
    }
    return true;
}

bool settings_load(struct settings *settings, const struct config *config, struct arena *arena,
                   struct fault *fault)
{
    if (!option_load(&pivot_options, config, settings, fault)
        || !check_overrides(config, arena, fault))
        return false;
    if (!clock_set_zone(settings->timezone))
        return fault_set(
            fault, FAULT_CONFIG,
            "pivot.timezone=%.*s: must be UTC, an offset like +03:30, or a name of the "
            "tz database like Europe/Berlin",
            STR_ARG(str_head(settings->timezone, 80)));
    if (!parse_time_from("pivot.created", settings->created, &settings->created_from, fault)
        || !parse_time_from("pivot.updated", settings->updated, &settings->updated_from, fault)
        || !parse_time_from("pivot.deleted", settings->deleted, &settings->deleted_from, fault))
        return false;
    if (settings->created_from.origin == TIME_FROM_BEFORE)
        return fault_set(fault, FAULT_CONFIG, "pivot.created: a new row has no before");
    return settings->deleted_from.origin != TIME_FROM_AFTER
           || fault_set(fault, FAULT_CONFIG, "pivot.deleted: a deleted row has no after");
}

/* Map of plans: open addressing over (schema, table), grown by doubling. */
struct plan_map {
    struct plan **slot;
    size_t count, capacity; /* capacity is a power of two */
};

static uint64_t table_hash(str schema, str table)
{
    return str_hash(str_hash(str_hash(STR_HASH_START, schema), STR(".")), table);
}

static struct plan **find_slot(struct plan_map *map, str schema, str table)
{
    size_t at = table_hash(schema, table) & (map->capacity - 1);
    while (map->slot[at]
           && !(str_eq(map->slot[at]->table, table) && str_eq(map->slot[at]->schema, schema)))
        at = (at + 1) & (map->capacity - 1);
    return &map->slot[at];
}

static bool grow_map(struct pivot *pivot, struct fault *fault)
{
    struct plan_map *map = pivot->plans;
    if (map && map->count >= TABLE_LIMIT)
        return fault_set(fault, FAULT_CONFIG,
                         "more than %d source tables; split the topics over several connectors",
                         TABLE_LIMIT);
    if (map && map->count < map->capacity / 2)
        return true;
    struct plan_map *grown = ARENA_NEW(&pivot->arena, struct plan_map, 1);
    size_t capacity = map ? 2 * map->capacity : 16;
    if (!grown || !(grown->slot = ARENA_NEW(&pivot->arena, struct plan *, capacity)))
        return fault_memory(fault, "the list of tables");
    grown->capacity = capacity;
    for (size_t i = 0; map && i < map->capacity; i++) {
        struct plan *plan = map->slot[i];
        if (plan) {
            *find_slot(grown, plan->schema, plan->table) = plan;
            grown->count++;
        }
    }
    pivot->plans = grown;
    return true;
}

/* The value of KEY.SCHEMA.TABLE, else of KEY. `table_only` tells which. */
static const struct config_entry *table_entry(struct pivot *pivot, const struct plan *plan,
                                              const char *key, bool *table_only)
{
    str name = arena_format(&pivot->arena, "%s.%.*s", key, STR_ARG(plan->source_table));
    const struct config_entry *entry = name.ptr ? config_find(pivot->config, name) : NULL;
    *table_only = entry != NULL;
    return entry ? entry : config_find(pivot->config, str_from(key));
}

static bool table_list(struct pivot *pivot, const struct plan *plan, const char *key,
                       struct str_list *list, bool *table_only, struct fault *fault)
{
    const struct config_entry *entry = table_entry(pivot, plan, key, table_only);
    *list = (struct str_list){NULL, 0};
    return !entry || option_split(entry->value, &pivot->arena, list, fault);
}

/* Drops items that stand twice: a field named twice makes one row. */
static void drop_repeated(struct str_list *list)
{
    struct str_list kept = {list->item, 0};
    for (size_t i = 0; i < list->count; i++)
        if (!str_list_has(&kept, list->item[i]))
            kept.item[kept.count++] = list->item[i];
    *list = kept;
}

static bool message_key_names(struct pivot *pivot, const struct change *change,
                              struct str_list *names, struct fault *fault)
{
    *names = (struct str_list){ARENA_NEW(&pivot->arena, str, change->key_count), 0};
    if (!names->item)
        return fault_memory(fault, "key columns");
    for (size_t i = 0; i < change->key_count; i++) {
        str name = change->key[i].name;
        if (name.len > 0 && memchr(name.ptr, '\0', name.len))
            return fault_set(fault, FAULT_RECORD, "the name of a key column holds U+0000");
        if (!arena_copy(&pivot->arena, name, &names->item[names->count++]))
            return fault_memory(fault, "key columns");
    }
    return true;
}

static bool plan_keys(struct pivot *pivot, const struct change *change, struct plan *plan,
                      bool *keys_of_table, struct fault *fault)
{
    if (!table_list(pivot, plan, "pivot.keys", &plan->keys, keys_of_table, fault))
        return false;
    plan->keys_configured = plan->keys.count > 0;
    plan->keys_pending = false;
    if (plan->keys_configured)
        return true;
    if (change->key_count > 0)
        return message_key_names(pivot, change, &plan->keys, fault);
    /* A truncate has no key: the next change of the table tells. It matters only to the columns. */
    plan->keys_pending = change->op == CHANGE_TRUNCATE;
    if (plan->keys_pending && (pivot->layout.ready || pivot->settings.columns.count > 0))
        return true;
    bool truncate = change->op == CHANGE_TRUNCATE;
    return fault_set(
        fault, FAULT_CONFIG,
        "%s %.*s has no message key: name the columns that tell rows apart with --keys "
        "(pivot.keys)",
        truncate ? "the first event is a truncate of" : "an event of", STR_ARG(plan->source_table));
}

static void list_names(const struct str_list *list, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < list->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? "," : "",
                                 STR_ARG(list->item[i]));
}

/* The names of the layout's copied columns in this table. Where the table has keys of its own in
   the configuration, its n-th key goes into the column of the n-th key of pivot.keys. */
static bool plan_copied(struct pivot *pivot, struct plan *plan, bool keys_of_table,
                        struct fault *fault)
{
    const struct layout *layout = &pivot->layout;
    const struct str_list *general = &pivot->settings.keys;
    plan->copied = ARENA_NEW(&pivot->arena, str, layout->copied_count);
    if (!plan->copied)
        return fault_memory(fault, "key columns");
    for (size_t i = 0; i < layout->count; i++) {
        const struct column *column = &layout->column[i];
        if (column->kind != COLUMN_COPY)
            continue;
        size_t nth = 0;
        while (nth < general->count && !str_eq(general->item[nth], column->source))
            nth++;
        bool moved = keys_of_table && nth < general->count;
        if (moved && plan->keys.count != general->count)
            return fault_set(fault, FAULT_CONFIG,
                             "pivot.keys.%.*s names %zu columns, but pivot.keys names %zu: name as "
                             "many, or put row_key in their place with --columns " ROW_KEY_COLUMNS,
                             STR_ARG(plan->source_table), plan->keys.count, general->count);
        plan->copied[column->copied] = moved ? plan->keys.item[nth] : column->source;
    }
    return true;
}

/* Where message keys decide the columns, all tables must have the same. */
static bool check_same_keys(const struct pivot *pivot, const struct plan *plan, struct fault *fault)
{
    if (pivot->settings.keys.count > 0 || pivot->settings.columns.count > 0 || plan->keys_pending)
        return true;
    bool same = plan->keys.count == pivot->layout.copied_count;
    for (size_t i = 0; same && i < plan->keys.count; i++)
        same = str_eq(plan->keys.item[i], pivot->layout.column[i].source);
    if (same)
        return true;
    char names[200];
    list_names(&plan->keys, names, sizeof(names));
    return fault_set(
        fault, FAULT_CONFIG,
        "table %.*s has the key (%s), other than the tables before it: tell rows apart "
        "with --columns " ROW_KEY_COLUMNS,
        STR_ARG(plan->source_table), names);
}

static bool plan_fields(struct pivot *pivot, struct plan *plan, struct fault *fault)
{
    bool of_table;
    if (!table_list(pivot, plan, "pivot.fields", &plan->fields, &of_table, fault)
        || !table_list(pivot, plan, "pivot.ignore", &plan->ignore, &of_table, fault))
        return false;
    if (plan->fields.count == 0)
        return fault_set(fault, FAULT_CONFIG,
                         "no fields to pivot for %.*s: name them with --fields a,b (pivot.fields), "
                         "or all with --fields '*'",
                         STR_ARG(plan->source_table));
    drop_repeated(&plan->fields);
    plan->every_field = str_list_has(&plan->fields, STR("*"));
    plan->hint = ARENA_NEW(&pivot->arena, size_t, plan->fields.count);
    return plan->hint || fault_memory(fault, "fields");
}

static bool plan_masks(struct pivot *pivot, struct plan *plan, struct fault *fault)
{
    struct str_list items;
    bool of_table;
    return table_list(pivot, plan, "pivot.mask", &items, &of_table, fault)
           && mask_parse(&items, &pivot->arena, &plan->masks, fault);
}

static void want(struct plan *plan, const str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        plan->some.columns.item[plan->some.columns.count++] = names[i];
}

static bool is_from_connector(const struct time_from *from)
{
    return from->origin == TIME_FROM_CONNECTOR;
}

/* Rows that go to a sink are told how long they took to come from the connector. */
static struct wants wanted_beside_columns(const struct pivot *pivot)
{
    const struct settings *settings = &pivot->settings;
    bool connector_time = pivot->usual_columns == PIVOT_SINK_COLUMNS
                          || pivot->layout.wants_connector_time
                          || is_from_connector(&settings->created_from)
                          || is_from_connector(&settings->updated_from)
                          || is_from_connector(&settings->deleted_from);
    return (struct wants){.connector_time = connector_time, .origin = pivot->layout.wants_origin};
}

/* The columns that rows are made of. Without a full image that is believed, others
   must prove it. */
static bool plan_wanted(struct pivot *pivot, struct plan *plan, struct fault *fault)
{
    const struct settings *settings = &pivot->settings;
    const struct time_from times[] = {settings->created_from, settings->updated_from,
                                      settings->deleted_from};
    size_t time_count = sizeof(times) / sizeof(times[0]);
    size_t count = plan->fields.count + plan->keys.count + pivot->layout.copied_count + time_count;
    plan->wants_some = !plan->every_field && !plan->keys_pending
                       && plan->identity.kind == IDENTITY_FULL;
    plan->every = plan->some = wanted_beside_columns(pivot);
    plan->every.every_column = true;
    plan->some.columns.item = ARENA_NEW(&pivot->arena, str, count);
    if (!plan->some.columns.item)
        return fault_memory(fault, "columns");
    want(plan, plan->fields.item, plan->fields.count);
    want(plan, plan->keys.item, plan->keys.count);
    want(plan, plan->copied, pivot->layout.copied_count);
    for (size_t i = 0; i < time_count; i++)
        if (times[i].column.len > 0)
            want(plan, &times[i].column, 1);
    drop_repeated(&plan->some.columns);
    return true;
}

static bool plan_fill(struct pivot *pivot, const struct change *change, struct plan *plan,
                      struct fault *fault)
{
    bool keys_of_table, of_table;
    bool in_schema = change->schema.len > 0;
    plan->source_table = arena_format(&pivot->arena, "%.*s%s%.*s", STR_ARG(change->schema),
                                      in_schema ? "." : "", STR_ARG(change->table));
    if (!plan->source_table.ptr || !arena_copy(&pivot->arena, change->schema, &plan->schema)
        || !arena_copy(&pivot->arena, change->table, &plan->table))
        return fault_memory(fault, "a table's plan");
    if (!plan_fields(pivot, plan, fault) || !plan_masks(pivot, plan, fault)
        || !plan_keys(pivot, change, plan, &keys_of_table, fault))
        return false;
    const struct config_entry *entry = table_entry(pivot, plan, "replica.identity", &of_table);
    str identity = entry ? entry->value : pivot->settings.identity;
    if (!identity_parse(identity, &pivot->arena, &plan->identity, fault))
        return false;
    if (!pivot->layout.ready && !layout_make(pivot, &plan->keys, fault))
        return false;
    return check_same_keys(pivot, plan, fault) && plan_copied(pivot, plan, keys_of_table, fault)
           && plan_wanted(pivot, plan, fault);
}

/* A table first seen by a truncate learns its key at the next change. */
static bool learn_keys(struct pivot *pivot, const struct change *change, struct plan *plan,
                       struct fault *fault)
{
    bool keys_of_table;
    if (!plan->keys_pending || change->op == CHANGE_TRUNCATE)
        return true;
    return plan_keys(pivot, change, plan, &keys_of_table, fault)
           && check_same_keys(pivot, plan, fault) && plan_wanted(pivot, plan, fault);
}

static struct plan *find_plan(struct pivot *pivot, const struct change *change, struct fault *fault)
{
    struct plan **slot = NULL;
    if (pivot->plans)
        slot = find_slot(pivot->plans, change->schema, change->table);
    if (slot && *slot)
        return *slot;
    if (!grow_map(pivot, fault))
        return NULL;
    slot = find_slot(pivot->plans, change->schema, change->table);
    struct plan *plan = ARENA_NEW(&pivot->arena, struct plan, 1);
    if (!plan) {
        fault_memory(fault, "a table's plan");
        return NULL;
    }
    if (!plan_fill(pivot, change, plan, fault))
        return NULL;
    *slot = plan;
    pivot->plans->count++;
    return plan;
}

struct plan *plan_by_name(struct pivot *pivot, const struct change *change, struct fault *fault)
{
    struct plan *plan = pivot->last;
    if (!plan || !str_eq(plan->table, change->table) || !str_eq(plan->schema, change->schema))
        plan = find_plan(pivot, change, fault);
    if (!plan || !learn_keys(pivot, change, plan, fault))
        return NULL;
    pivot->last = plan;
    if (change->columns != 0 && !plan->keys_pending)
        pivot->recent[change->columns % RECENT_PLANS] = (struct recent_plan){change->columns, plan};
    return plan;
}
