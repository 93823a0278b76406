/*
 * The rules by which a column finds its type, and the options behind them.
 */
#include "reading.h"

enum values { VALUES_TEXT, VALUES_RAW };

static const char *const values_names[] = {"text", "raw", NULL};
static const char *const decimal_modes[] = {"precise", "string", "double", NULL};
static const char *const time_modes[] = {"adaptive",     "adaptive_time_microseconds",
                                         "connect",      "isostring",
                                         "microseconds", "nanoseconds",
                                         "structured",   NULL};
static const char *const binary_modes[] = {"bytes", "base64", "base64-url-safe", "hex", NULL};

#define SETTING(member) offsetof(struct reading_settings, member)

static const struct option_spec option[] = {
    {.key = HINTS_KEY,
     .per_table = true,
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .argument = "TYPE",
     .help = "pivot.type.COLUMN or pivot.type.SCHEMA.TABLE.COLUMN: PostgreSQL's name of the "
             "column's type (numeric(5,2), timestamp(3), bytea, text[] ...), for messages without "
             "schema. Without it values stay as they came."},
    {.key = "pivot.values",
     .flag = "values",
     .type = OPTION_ENUM,
     .choices = values_names,
     .preset = "text",
     .offset = SETTING(values),
     .importance = OPTION_LOW,
     .help = "text: values as the database prints them; raw: as they stand in the message."},
    {.key = "decimal.handling.mode",
     .type = OPTION_ENUM,
     .choices = decimal_modes,
     .preset = "precise",
     .offset = SETTING(modes.decimal),
     .importance = OPTION_LOW,
     .help = "The connector's own setting of that name: how columns of pivot.type numeric come."},
    {.key = "time.precision.mode",
     .type = OPTION_ENUM,
     .choices = time_modes,
     .preset = "adaptive",
     .offset = SETTING(modes.time),
     .importance = OPTION_LOW,
     .argument = "MODE",
     .help = "The connector's own setting of that name (adaptive, adaptive_time_microseconds, "
             "connect, isostring, microseconds, nanoseconds, structured): what numbers count in "
             "columns of "
             "pivot.type time and timestamp."},
    {.key = "binary.handling.mode",
     .type = OPTION_ENUM,
     .choices = binary_modes,
     .preset = "bytes",
     .offset = SETTING(modes.binary),
     .importance = OPTION_LOW,
     .help = "The connector's own setting of that name: how columns of pivot.type bytea come."},
    {.key = "unavailable.value.placeholder",
     .type = OPTION_STRING,
     .preset = "__debezium_unavailable_value",
     .offset = SETTING(placeholder),
     .importance = OPTION_LOW,
     .argument = "TEXT",
     .help = "What the connector sends for a large column that a change did not touch; bytes "
             "behind hex:. The connector's own setting of that name."},
};

const struct option_table values_options = {
    .title = "Values", .option = option, .count = sizeof(option) / sizeof(option[0])};

/* Items are COLUMN:hash or COLUMN:drop; what is no such item the pivot refuses. */
static bool load_masked(struct reading_rules *rules, const struct config *config,
                        struct arena *arena, struct fault *fault)
{
    rules->masked = (struct str_list){NULL, 0};
    for (size_t i = 0; i < config->count; i++) {
        const struct config_entry *entry = &config->entry[i];
        struct str_list more, *all = &rules->masked;
        if (!str_starts(entry->key, STR("pivot.mask")) || str_is(entry->key, "pivot.mask.key"))
            continue;
        if (!option_split(entry->value, arena, &more, fault))
            return false;
        str *item = ARENA_NEW(arena, str, all->count + more.count);
        if (!item)
            return fault_memory(fault, "pivot.mask");
        for (size_t j = 0; j < all->count; j++)
            item[j] = all->item[j];
        for (size_t j = 0; j < more.count; j++) {
            size_t len = more.item[j].len, tail = strlen(":hash");
            item[all->count++] = str_head(more.item[j], len > tail ? len - tail : len);
        }
        all->item = item;
    }
    return true;
}

bool reading_load(struct reading_rules *rules, const struct config *config, struct arena *arena,
                  struct fault *fault)
{
    if (config_find(config, STR(HINTS_KEY)))
        return fault_set(fault, FAULT_CONFIG,
                         HINTS_KEY " names no column: write " HINTS_KEY ".COLUMN=TYPE");
    if (!option_load(&values_options, config, &rules->settings, fault)
        || !placeholder_init(&rules->placeholder, rules->settings.placeholder, arena, fault)
        || !hints_load(&rules->hints, config, &rules->settings.modes, arena, fault)
        || !load_masked(rules, config, arena, fault))
        return false;
    rules->plain = rules->hints.count == 0 && rules->settings.values == VALUES_TEXT;
    return true;
}

/* A hint tells what the schema does not: its semantic names say more than any hint, but that of
   JSON, which hstore columns have too. */
const struct type *reading_type_by_rules(const struct reading *reading, const struct schema *schema,
                                         str name)
{
    const struct reading_rules *rules = reading->rules;
    if (rules->settings.values == VALUES_RAW)
        return &type_as_it_came;
    if (rules->hints.count > 0
        && (!schema || schema->name.len == 0 || str_is(schema->name, "io.debezium.data.Json"))) {
        const struct type *hinted = hints_find(&rules->hints, reading->change, name,
                                               reading->printed);
        if (hinted)
            return hinted;
    }
    return schema ? &schema->reads : &type_as_it_came;
}

bool reading_fault(const struct reading *reading, str name, struct fault *fault)
{
    if (fault->kind == FAULT_RECORD && str_list_has(&reading->rules->masked, name))
        fault_set(fault, FAULT_RECORD,
                  "the value, which pivot.mask hides, cannot be read as its type");
    return fault_in(fault, "column %.*s of %.*s", STR_ARG(name), STR_ARG(reading->change->table));
}

bool reading_members(const struct reading *reading, const struct schema *schema,
                     const struct json *object, const struct member **first, size_t *count,
                     struct fault *fault)
{
    struct member *member = ARENA_NEW(reading->context.texts, struct member,
                                      json_child_count(object));
    if (!member)
        return fault_memory(fault, "a message key");
    *first = member;
    *count = 0;
    for (const struct json *child = object->child; child; child = child->next, member++) {
        member->name = child->name;
        if (!reading_value(reading, schema_field(schema, child->name), child, &member->value,
                           fault))
            return fault_in(fault, "the message key");
        (*count)++;
    }
    return true;
}
