/*
 * The source database: what it logs of old rows, and which types its events may have lost.
 */
#include "check_steps.h"
#include "identity.h"
#include "postgres_catalog.h"

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

/* Whether the table's rows have this column. */
static bool is_used(const struct check *check, const struct table_sight *table, str column)
{
    struct fault ignored;
    struct arena scratch;
    struct str_list fields = {NULL, 0};
    str value = check_table_value(check, "pivot.fields", table->schema, table->name);
    arena_init(&scratch, (size_t)1024 * 1024);
    bool used = str_is(str_trim(value), "*")
                || (option_split(value, &scratch, &fields, &ignored)
                    && str_list_has(&fields, column));
    arena_release(&scratch);
    return used;
}

static bool has_type(const struct check *check, str column)
{
    char key[300];
    snprintf(key, sizeof(key), "pivot.type.%.*s", STR_ARG(column));
    return config_find(&check->connector.config, str_from(key)) != NULL;
}

/* Without the schema block the type of a column is not in the events. */
static void tell_types(struct check *check, const struct table_sight *table,
                       const struct catalog_table *found)
{
    for (size_t i = 0; table->plain && i < found->column_count; i++) {
        const struct catalog_column *column = &found->column[i];
        if (!column->plain && is_used(check, table, column->name) && !has_type(check, column->name))
            findings_add(check->findings, FINDING_WARN,
                         "source: events of %.*s.%.*s come without schema, and %.*s is no text: "
                         "configure pivot.type.%.*s=%.*s",
                         STR_ARG(table->schema), STR_ARG(table->name), STR_ARG(column->name),
                         STR_ARG(column->name), STR_ARG(column->type));
    }
}

static void check_one(struct check *check, struct catalog *catalog, const struct table_sight *table)
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
    tell_types(check, table, &found);
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
            check_one(check, catalog, &check->table[i]);
    for (size_t i = 0; i < check->offsets.topics.count; i++) {
        struct table_sight table;
        if (table_of_topic(check->offsets.topics.item[i].name, &table) && !is_seen(check, &table))
            check_one(check, catalog, &table);
    }
    catalog_close(catalog);
}
