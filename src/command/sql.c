/*
 * fieldtrail sql: prints a shipped script, filled in for a connector.
 */
#include <stdlib.h>

#include "commands.h"
#include "config_file.h"
#include "connector.h"
#include "fill.h"
#include "log.h"
#include "shipped.h"

#define CONFIG_BYTES_LIMIT ((size_t)64 * 1024 * 1024)
#define OUTPUT_LIMIT ((size_t)64 * 1024 * 1024)
#define VALUES_LIMIT 100

struct flags {
    bool list;
};

static const struct option_spec option[] = {
    {.key = "--list",
     .flag = "list",
     .letter = 'l',
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, list),
     .help = "Lists the scripts there are; so does no name at all."},
    {.key = "--help", .flag = "help", .letter = 'h', .type = OPTION_BOOL, .help = "Prints this."},
};

static const struct option_table sql_options = {
    .title = "Scripts", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&sql_options};

/* What the command fills in, on its way. */
struct sql {
    struct connector connector;
    struct pivot *pivot;
    struct fill_value value[VALUES_LIMIT];
    size_t count;
    struct buf text; /* of values */
};

static enum exit_status list(void)
{
    struct buf out;
    size_t count;
    const struct shipped *all = shipped_all(&count);
    buf_init(&out, OUTPUT_LIMIT);
    buf_format(&out, "%-14s %-20s %s\n", "SINK", "NAME", "");
    for (size_t i = 0; i < count; i++) {
        buf_format(&out, "%-14s %-20s %s\n", all[i].sink, all[i].name, all[i].help);
        if (all[i].group && (i + 1 == count || all[i + 1].group != all[i].group))
            buf_format(&out, "%-14s %-20s those of these that are functions, together\n",
                       all[i].sink, all[i].group);
    }
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

/* ---- the script ---- */

static bool is_named(const struct shipped *shipped, str class, str name)
{
    return str_is(class, shipped->sink)
           && (str_is(name, shipped->name) || (shipped->group && str_is(name, shipped->group)));
}

static bool put_names(str class, struct buf *out)
{
    size_t count, begin = out->len;
    const struct shipped *all = shipped_all(&count);
    for (size_t i = 0; i < count; i++)
        if (str_is(class, all[i].sink))
            buf_format(out, "%s%s", out->len > begin ? ", " : "", all[i].name);
    return out->len > begin;
}

static bool refuse_name(struct sql *sql, str name, struct fault *fault)
{
    str class = sql->connector.class;
    buf_clear(&sql->text);
    if (!put_names(class, &sql->text))
        return fault_set(fault, FAULT_CONFIG, "there are no scripts for %.*s", STR_ARG(class));
    return fault_set(fault, FAULT_CONFIG, "unknown script %.*s; for %.*s there are %.*s",
                     STR_ARG(name), STR_ARG(class), STR_ARG(buf_view(&sql->text)));
}

static bool put_scripts(struct sql *sql, str name, struct buf *out, struct fault *fault)
{
    size_t count, found = 0;
    const struct shipped *all = shipped_all(&count);
    for (size_t i = 0; i < count; i++)
        if (is_named(&all[i], sql->connector.class, name)) {
            if (found++ > 0)
                buf_char(out, '\n');
            fill_script(all[i].script, sql->value, sql->count, out);
        }
    return found > 0 || refuse_name(sql, name, fault);
}

/* ---- what is filled in ---- */

static bool add_value(struct sql *sql, str name, str value, struct fault *fault)
{
    struct fill_value *place = &sql->value[sql->count];
    if (sql->count == VALUES_LIMIT)
        return fault_set(fault, FAULT_CONFIG, "more than %d variables", VALUES_LIMIT);
    if (!arena_copy(&sql->connector.arena, name, &place->name)
        || !arena_copy(&sql->connector.arena, value, &place->value))
        return fault_memory(fault, "a variable");
    sql->count++;
    return true;
}

static bool add_text(struct sql *sql, const char *name, struct fault *fault)
{
    str text = buf_view(&sql->text);
    return sql->text.failed ? fault_memory(fault, "a variable")
                            : add_value(sql, str_from(name), text.ptr ? text : STR(""), fault);
}

/* Variables of the command line: they come first, and the first one of a name counts. */
static bool add_arguments(struct sql *sql, str script_name, char **argument, int count,
                          struct fault *fault)
{
    size_t script_count;
    const struct shipped *all = shipped_all(&script_count);
    for (int i = 0; i < count; i++) {
        str value = str_from(argument[i]), name, unused;
        bool known = false;
        if (!strchr(argument[i], '=') || !str_split(&value, '=', &name))
            return fault_set(fault, FAULT_CONFIG, "%s: expected VARIABLE=VALUE", argument[i]);
        buf_clear(&sql->text);
        for (size_t j = 0; j < script_count; j++)
            if (is_named(&all[j], sql->connector.class, script_name)) {
                known = known || fill_default(all[j].script, name, &sql->connector.arena, &unused);
                fill_names(all[j].script, &sql->text);
            }
        if (!known)
            return fault_set(fault, FAULT_CONFIG, "%.*s has no variable %.*s; it has: %.*s",
                             STR_ARG(script_name), STR_ARG(name), STR_ARG(buf_view(&sql->text)));
        if (!add_value(sql, name, value.ptr ? value : STR(""), fault))
            return false;
    }
    return true;
}

static bool has_value(const struct sql *sql, const char *name)
{
    for (size_t i = 0; i < sql->count; i++)
        if (str_is(sql->value[i].name, name))
            return true;
    return false;
}

static bool add_table(struct sql *sql, struct fault *fault)
{
    const struct config_entry *entry = config_find(&sql->connector.config, STR("table"));
    str name = entry ? entry->value : STR("holding_pivot"), part;
    bool schemas = str_is(sql->connector.class, "PostgresSink");
    if (str_find(name, STR("${")) >= 0)
        return fault_set(fault, FAULT_CONFIG,
                         "table=%.*s stands for many: say which, by table=NAME", STR_ARG(name));
    buf_clear(&sql->text);
    for (bool first = true; str_split(&name, schemas ? '.' : '\0', &part); first = false) {
        if (!first)
            buf_char(&sql->text, '.');
        buf_quoted(&sql->text, '"', part);
    }
    return add_text(sql, "table", fault);
}

static bool add_message_table(struct sql *sql, struct fault *fault)
{
    const struct config_entry *entry = config_find(&sql->connector.config, STR("message.table"));
    if (!entry || entry->value.len == 0)
        return true;
    buf_clear(&sql->text);
    buf_quoted(&sql->text, '"', entry->value);
    return add_text(sql, "message_table", fault);
}

/* The columns that stand in the scripts themselves, under their own names. */
static bool is_fixed(const struct column *column)
{
    return column->kind != COLUMN_COPY && column->kind < COLUMN_SOURCE_NAME
           && str_is(column->name, column_kind_name(column->kind));
}

/* History is told from these; only the four times beside event_time may be missing. */
static bool check_fixed(const struct layout *layout, struct fault *fault)
{
    for (enum column_kind kind = COLUMN_CHANGE_FIELD; kind < COLUMN_SOURCE_NAME; kind++) {
        bool there = kind >= COLUMN_DATETIME_CREATED && kind <= COLUMN_DATETIME_INSERTED;
        for (size_t i = 0; i < layout->count && !there; i++)
            there = layout->column[i].kind == kind && is_fixed(&layout->column[i]);
        if (!there)
            return fault_set(fault, FAULT_CONFIG,
                             "pivot.columns leaves out or renames %s, which the shipped tables and "
                             "functions need",
                             column_kind_name(kind));
    }
    return true;
}

struct types {
    const char *sink, *type[CONTENT_LONG + 1];
};

static const struct types types[] = {
    {"PostgresSink",
     {[CONTENT_TEXT] = "text",
      [CONTENT_TIME] = "timestamptz",
      [CONTENT_FLAG] = "boolean",
      [CONTENT_INT] = "integer",
      [CONTENT_LONG] = "bigint"}},
    {"QuestDBSink",
     {[CONTENT_TEXT] = "VARCHAR",
      [CONTENT_TIME] = "TIMESTAMP",
      [CONTENT_FLAG] = "BOOLEAN",
      [CONTENT_INT] = "INT",
      [CONTENT_LONG] = "LONG"}},
    {"CsvSink",
     {[CONTENT_TEXT] = "VARCHAR",
      [CONTENT_TIME] = "TIMESTAMPTZ",
      [CONTENT_FLAG] = "BOOLEAN",
      [CONTENT_INT] = "INTEGER",
      [CONTENT_LONG] = "BIGINT"}},
};

/* By pivot.type.COLUMN, else what holds every value of the kind. */
static str type_of(const struct sql *sql, const struct types *of, const struct column *column)
{
    char key[300];
    snprintf(key, sizeof(key), "pivot.type.%.*s", STR_ARG(column->source));
    const struct config_entry *entry = config_find(&sql->connector.config, str_from(key));
    if (column->kind == COLUMN_COPY && entry)
        return entry->value;
    return str_from(of->type[column_content(column->kind)]);
}

static const struct types *types_of(str class)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (str_is(class, types[i].sink))
            return &types[i];
    return NULL;
}

/* `keys`: definitions of the columns beside those that a script has itself. */
static bool add_keys(struct sql *sql, const struct types *of, const struct layout *layout,
                     struct fault *fault)
{
    buf_clear(&sql->text);
    for (size_t i = 0; i < layout->count; i++) {
        const struct column *column = &layout->column[i];
        str type = type_of(sql, of, column);
        if (is_fixed(column))
            continue;
        if (sql->text.len > 0)
            buf_char(&sql->text, ' ');
        buf_quoted(&sql->text, '"', column->name);
        buf_format(&sql->text, " %.*s,", STR_ARG(type));
    }
    return add_text(sql, "keys", fault);
}

/* `columns`: the names of all columns and their types, as DuckDB's read_csv takes them. */
static bool add_columns(struct sql *sql, const struct types *of, const struct layout *layout,
                        struct fault *fault)
{
    buf_clear(&sql->text);
    for (size_t i = 0; i < layout->count; i++) {
        if (i > 0)
            buf_str(&sql->text, STR(", "));
        buf_quoted(&sql->text, '\'', layout->column[i].name);
        buf_str(&sql->text, STR(": "));
        buf_quoted(&sql->text, '\'', type_of(sql, of, &layout->column[i]));
    }
    return add_text(sql, "columns", fault);
}

/* Where the files are, and whether they begin with a line of names. */
static bool add_files(struct sql *sql, struct fault *fault)
{
    const struct config *config = &sql->connector.config;
    const struct config_entry *path = config_find(config, STR("file.path"));
    const struct config_entry *header = config_find(config, STR("format.header"));
    buf_clear(&sql->text);
    if (path)
        buf_format(&sql->text, "%.*s/", STR_ARG(path->value));
    buf_str(&sql->text, STR("*.csv"));
    return add_text(sql, "files", fault)
           && (!header || add_value(sql, STR("header"), header->value, fault));
}

static bool wants(const struct sql *sql, str script_name, const char *variable)
{
    struct arena scratch;
    size_t count;
    bool found = false;
    str unused;
    const struct shipped *all = shipped_all(&count);
    arena_init(&scratch, CONFIG_BYTES_LIMIT);
    for (size_t i = 0; i < count && !has_value(sql, variable); i++)
        found = found
                || (is_named(&all[i], sql->connector.class, script_name)
                    && fill_default(all[i].script, str_from(variable), &scratch, &unused));
    arena_release(&scratch);
    return found;
}

static bool add_values(struct sql *sql, str script_name, struct fault *fault)
{
    const struct layout *layout = pivot_layout(sql->pivot);
    const struct types *of = types_of(sql->connector.class);
    bool keys = wants(sql, script_name, "keys"), columns = wants(sql, script_name, "columns");
    if (!of)
        return true;
    if ((keys || columns) && !layout->ready)
        return fault_set(fault, FAULT_CONFIG,
                         "pivot.keys is not set, and before the first event nobody knows the "
                         "message key: name the columns in pivot.keys");
    if (layout->ready && str_is(sql->connector.class, "PostgresSink")
        && !check_fixed(layout, fault))
        return false;
    if (wants(sql, script_name, "table") && !add_table(sql, fault))
        return false;
    if (wants(sql, script_name, "message_table") && !add_message_table(sql, fault))
        return false;
    return (!keys || add_keys(sql, of, layout, fault))
           && (!columns || add_columns(sql, of, layout, fault))
           && (!wants(sql, script_name, "files") || add_files(sql, fault));
}

/* ---- the command ---- */

static void ignore_warning(void *context, const char *text)
{
    (void)context, (void)text;
}

/* Where the database is makes no difference here: its password need not be at hand. */
static bool load(struct sql *sql, const char *path, struct arena *arena, struct fault *fault)
{
    struct config worker;
    struct config *config = &sql->connector.config;
    config_init(&worker, arena);
    if (!connector_begin(&sql->connector, &worker, fault) || !config_file_read(config, path, fault))
        return false;
    if ((config_find(config, STR("connection.uri"))
         && !config_set(config, STR("connection.uri"), STR(""), STR("sql"), fault))
        || (config_find(config, STR("source.connection.uri"))
            && !config_set(config, STR("source.connection.uri"), STR(""), STR("sql"), fault))
        || !connector_settle(&sql->connector, path, fault))
        return false;
    sql->pivot = pivot_new(config, PIVOT_SINK_COLUMNS, ignore_warning, NULL, fault);
    return sql->pivot != NULL;
}

static enum exit_status print(struct sql *sql, struct command_line *line)
{
    struct fault fault = {0};
    struct buf out;
    str name = str_from(line->argument[0]);
    enum exit_status status;
    buf_init(&out, OUTPUT_LIMIT);
    if (load(sql, line->argument[1], &line->arena, &fault)
        && add_arguments(sql, name, line->argument + 2, line->count - 2, &fault)
        && add_values(sql, name, &fault) && put_scripts(sql, name, &out, &fault))
        status = cli_print(&out);
    else
        status = cli_fail(&fault);
    buf_release(&out);
    return status;
}

static enum exit_status fill(struct command_line *line)
{
    static struct sql sql; /* large; there is one */
    buf_init(&sql.text, OUTPUT_LIMIT);
    enum exit_status status = print(&sql, line);
    if (sql.pivot)
        pivot_free(sql.pivot);
    connector_release(&sql.connector);
    buf_release(&sql.text);
    return status;
}

static enum exit_status run(struct command_line *line)
{
    struct fault fault = {0};
    struct flags flags = {0};
    if (!option_load(&sql_options, &line->config, &flags, &fault))
        return cli_fail(&fault);
    if (flags.list || line->count == 0)
        return list();
    if (line->count >= 2)
        return fill(line);
    fault_set(&fault, FAULT_CONFIG, "name a connector's file: fieldtrail sql %s connector.json",
              line->argument[0]);
    return cli_fail(&fault);
}

const struct command sql_command = {
    .name = "sql",
    .help = "the shipped tables, functions and questions, filled in for a connector",
    .usage = "NAME connector.json [VARIABLE=VALUE...]",
    .summary = "Prints a script of schemas/ for the connector's target, with its table and columns "
               "filled\nin: plain SQL that psql and every other client runs. What a script leaves "
               "open (a time, a\ntype) has a default, and a VARIABLE for another value:\n\n"
               "  fieldtrail sql table connector.json keys='holding_id integer, user_id integer,' |"
               " psql ...",
    .table = tables,
    .table_count = 1,
    .run = run};
