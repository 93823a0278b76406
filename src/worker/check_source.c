/*
 * The source database: what it logs of old rows, and which types its events may have lost.
 */
#include "check_steps.h"
#include "identity.h"
#include "postgres_catalog.h"
#include "reading.h"

struct source_settings {
    str uri;
};

static const struct option_spec option[] = {
    {.key = "source.connection.uri",
     .type = OPTION_STRING,
     .offset = offsetof(struct source_settings, uri),
     .importance = OPTION_LOW,
     .argument = "URI",
     .help = "The source database (PostgreSQL), for `fieldtrail check` alone: it reads there, in a "
             "read-only session, what the tables' REPLICA IDENTITY and column types are."},
};

const struct option_table check_options = {
    .title = "Check", .option = option, .count = sizeof(option) / sizeof(option[0])};

/* The name that replica.identity has for it. */
static str identity_value(const struct catalog_table *found, struct arena *arena)
{
    switch (found->identity) {
    case 'f':
        return STR("full");
    case 'i':
        return arena_format(arena, "index(%.*s)", STR_ARG(found->identity_index));
    default:
        return STR("default");
    }
}

static const char *identity_name(char identity)
{
    return identity == 'f'   ? "FULL"
           : identity == 'i' ? "USING INDEX"
           : identity == 'n' ? "NOTHING"
                             : "DEFAULT";
}

/* The configuration believes more than the database sends: old values would be lies. */
static bool believes_too_much(const struct check *check, const struct table_sight *table,
                              const struct catalog_table *found)
{
    str value = check_table_value(check, "replica.identity", table->schema, table->name);
    return str_is(value, "full") && found->identity != 'f';
}

static void check_identity(struct check *check, const struct table_sight *table,
                           const struct catalog_table *found)
{
    str value = identity_value(found, &check->arena);
    str set = check_table_value(check, "replica.identity", table->schema, table->name);
    const char *name = identity_name(found->identity);
    if (found->identity == 'f')
        findings_add(check->findings, FINDING_OK,
                     "source: %.*s.%.*s has REPLICA IDENTITY FULL%s: "
                     "replica.identity.%.*s.%.*s=full",
                     STR_ARG(table->schema), STR_ARG(table->name),
                     str_is(set, "full") ? ", as configured" : "; configure it",
                     STR_ARG(table->schema), STR_ARG(table->name));
    else if (believes_too_much(check, table, found))
        findings_add(
            check->findings, FINDING_FAIL,
            "source: %.*s.%.*s has REPLICA IDENTITY %s, but the configuration believes its "
            "old values (full): wrong ones would be written; ALTER TABLE %.*s.%.*s REPLICA "
            "IDENTITY FULL, or configure replica.identity.%.*s.%.*s=%.*s",
            STR_ARG(table->schema), STR_ARG(table->name), name, STR_ARG(table->schema),
            STR_ARG(table->name), STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(value));
    else
        findings_add(check->findings, FINDING_WARN,
                     "source: %.*s.%.*s has REPLICA IDENTITY %s: %s; ALTER TABLE %.*s.%.*s REPLICA "
                     "IDENTITY FULL, and until then configure replica.identity.%.*s.%.*s=%.*s",
                     STR_ARG(table->schema), STR_ARG(table->name), name,
                     found->identity == 'n' || (found->identity == 'd' && !found->has_key)
                         ? "updates and deletes of published tables are refused or lose the row"
                         : "old values of other columns are unknown",
                     STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(table->schema),
                     STR_ARG(table->name), STR_ARG(value));
}

static bool is_listed(const struct check *check, const char *key, const struct table_sight *table,
                      str column)
{
    struct fault ignored;
    struct arena scratch;
    struct str_list list = {NULL, 0};
    str value = check_table_value(check, key, table->schema, table->name);
    arena_init(&scratch, (size_t)1024 * 1024);
    bool listed = str_is(str_trim(value), "*")
                  || (option_split(value, &scratch, &list, &ignored)
                      && str_list_has(&list, column));
    arena_release(&scratch);
    return listed;
}

/* Whether the table's rows have this column. */
static bool is_used(const struct check *check, const struct table_sight *table,
                    const struct catalog_column *column)
{
    return column->key || is_listed(check, "pivot.fields", table, column->name)
           || is_listed(check, "pivot.keys", table, column->name);
}

static bool has_type(const struct check *check, const struct table_sight *table, str column)
{
    char own[1000], bare[300];
    const struct config *config = &check->connector.config;
    snprintf(own, sizeof(own), HINTS_KEY ".%.*s.%.*s.%.*s", STR_ARG(table->schema),
             STR_ARG(table->name), STR_ARG(column));
    snprintf(bare, sizeof(bare), HINTS_KEY ".%.*s", STR_ARG(column));
    return config_find(config, str_from(own)) || config_find(config, str_from(bare));
}

/* Whether values of the type are read otherwise than as they came. */
static bool needs_hint(str type)
{
    struct arena scratch;
    struct fault ignored;
    struct type found;
    struct type_modes modes = {0};
    arena_init(&scratch, (size_t)1024 * 1024);
    bool needs = type_of_hint(type, &modes, &scratch, &found, &ignored) && found.reader;
    arena_release(&scratch);
    return needs;
}

static const struct column_sight *sight_of(const struct table_sight *table, str column)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (str_eq(table->column[i].name, column))
            return &table->column[i];
    return NULL;
}

/* Without the schema block the type of a column is not in the events. A column's bare name will do
   where there are no other tables. */
static void tell_type(const struct check *check, const struct table_sight *table,
                      const struct catalog_column *column)
{
    bool alone = check->table_count + check->offsets.topics.count <= 2;
    if (!needs_hint(column->type) || has_type(check, table, column->name))
        return;
    findings_add(check->findings, FINDING_WARN,
                 "source: events of %.*s.%.*s come without schema, and %.*s is no text: "
                 "configure " HINTS_KEY ".%.*s%s%.*s%s%.*s=%.*s",
                 STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(column->name),
                 STR_ARG(alone ? STR_EMPTY : table->schema), alone ? "" : ".",
                 STR_ARG(alone ? STR_EMPTY : table->name), alone ? "" : ".", STR_ARG(column->name),
                 STR_ARG(column->type));
}

/* Debezium leaves types away that it does not know. */
static void tell_missing(const struct check *check, const struct table_sight *table,
                         const struct catalog_column *column)
{
    if (table->column_count > 0 && !sight_of(table, column->name))
        findings_add(check->findings, FINDING_WARN,
                     "source: %.*s (%.*s) is in no event of %.*s.%.*s, and its changes cannot be "
                     "seen: Debezium does not send such a type, the source connector leaves the "
                     "column out (column.exclude.list), or it is newer than these events",
                     STR_ARG(column->name), STR_ARG(column->type), STR_ARG(table->schema),
                     STR_ARG(table->name));
}

/* Events without schema do not show which columns have defaults. */
static void tell_hidden(const struct check *check, const struct table_sight *table,
                        const struct catalog_column *column)
{
    const struct column_sight *sight = sight_of(table, column->name);
    if (column->may_hide && table->plain && sight && !sight->null)
        findings_add(check->findings, FINDING_WARN,
                     "source: %.*s of %.*s.%.*s may be NULL and has a default, and Connect "
                     "replaces NULL by the default unless told not to: such changes would be "
                     "invisible; set value.converter.replace.null.with.default=false in the source "
                     "connector",
                     STR_ARG(column->name), STR_ARG(table->schema), STR_ARG(table->name));
}

static void check_columns(struct check *check, const struct table_sight *table,
                          const struct catalog_table *found, struct modes_sight *modes)
{
    for (size_t i = 0; i < found->column_count; i++) {
        const struct catalog_column *column = &found->column[i];
        const struct column_sight *sight = sight_of(table, column->name);
        if (!is_used(check, table, column))
            continue;
        tell_missing(check, table, column);
        tell_hidden(check, table, column);
        if (table->plain)
            tell_type(check, table, column);
        if (table->plain && sight)
            modes_sight_add(modes, column->type, &sight->values);
    }
}

static void check_one(struct check *check, struct catalog *catalog, const struct table_sight *table,
                      struct modes_sight *modes)
{
    struct catalog_table found;
    struct fault fault = {0};
    if (!catalog_table(catalog, table->schema, table->name, &check->arena, &found, &fault)) {
        findings_add(check->findings, FINDING_FAIL, "source: %s", fault.text);
        return;
    }
    if (!found.there) {
        findings_add(check->findings, FINDING_WARN,
                     "source: table %.*s.%.*s is not in the database of source.connection.uri",
                     STR_ARG(table->schema), STR_ARG(table->name));
        return;
    }
    check_identity(check, table, &found);
    check_columns(check, table, &found, modes);
}

/* Without any event: Debezium's topics are PREFIX.SCHEMA.TABLE. */
static bool table_of_topic(str topic, struct table_sight *table)
{
    size_t last = topic.len, before;
    while (last > 0 && topic.ptr[last - 1] != '.')
        last--;
    before = last ? last - 1 : 0;
    while (before > 0 && topic.ptr[before - 1] != '.')
        before--;
    if (before == 0)
        return false;
    *table = (struct table_sight){.schema = {topic.ptr + before, last - 1 - before},
                                  .name = str_from_at(topic, last)};
    return table->schema.len > 0 && table->name.len > 0;
}

static bool is_seen(const struct check *check, const struct table_sight *table)
{
    for (size_t i = 0; i < check->table_count; i++)
        if (str_eq(check->table[i].schema, table->schema)
            && str_eq(check->table[i].name, table->name))
            return true;
    return false;
}

void check_source(struct check *check)
{
    struct source_settings settings = {0};
    struct modes_sight modes = {0};
    struct fault fault = {0};
    if (!option_load(&check_options, &check->connector.config, &settings, &fault)
        || settings.uri.len == 0) {
        findings_add(check->findings, FINDING_OK,
                     "source: not looked at; source.connection.uri names the database whose "
                     "REPLICA IDENTITY and types are then read");
        return;
    }
    struct catalog *catalog = catalog_open(settings.uri, &fault);
    if (!catalog) {
        findings_add(check->findings, FINDING_FAIL,
                     "source: %s; correct source.connection.uri, or leave it away", fault.text);
        return;
    }
    for (size_t i = 0; i < check->table_count; i++)
        if (check->table[i].name.len > 0)
            check_one(check, catalog, &check->table[i], &modes);
    for (size_t i = 0; i < check->offsets.topics.count; i++) {
        struct table_sight table;
        if (table_of_topic(check->offsets.topics.item[i].name, &table) && !is_seen(check, &table))
            check_one(check, catalog, &table, &modes);
    }
    modes_sight_tell(&modes, check);
    catalog_close(catalog);
}
