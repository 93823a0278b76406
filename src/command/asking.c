/*
 * What the commands that ask the database share.
 */
#include "asking.h"

#include <stdlib.h>
#include <unistd.h>

#include "provider.h"

#define OUTPUT_LIMIT ((size_t)2000 * 1000 * 1000)

struct flags {
    str pivot;
    int format;
};

static const char *const formats[] = {"auto", "table", "csv", "json", NULL};

static const struct option_spec option[] = {
    {.key = "--pivot",
     .flag = "pivot",
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, pivot),
     .argument = "[SCHEMA.]TABLE",
     .help = "The pivot table, where it is not the connector's `table`."},
    {.key = "--format",
     .flag = "format",
     .type = OPTION_ENUM,
     .choices = formats,
     .preset = "auto",
     .offset = offsetof(struct flags, format),
     .help = "auto is a table on a terminal and CSV elsewhere. JSON is an array with a line for "
             "every row."},
};

const struct option_table asking_options = {
    .title = "Asking", .option = option, .count = sizeof(option) / sizeof(option[0])};

static bool read_line(struct asking *asking, struct fault *fault)
{
    struct flags flags = {0};
    struct config *config = &asking->line->config;
    if (!provider_expand(config, fault) || !option_load(&asking_options, config, &flags, fault))
        return false;
    bool table = flags.format == 0 ? isatty(STDOUT_FILENO) == 1 : flags.format == 1;
    asking->format = table ? ANSWER_TABLE : flags.format == 3 ? ANSWER_JSON : ANSWER_CSV;
    return true;
}

enum exit_status asking_run(struct command_line *line,
                            enum exit_status (*ask)(struct asking *asking))
{
    struct asking asking = {.line = line};
    struct fault fault = {0};
    enum exit_status status = read_line(&asking, &fault) ? ask(&asking) : cli_fail(&fault);
    query_close(&asking.query);
    return status;
}

static str value_of(const struct asking *asking, const char *key)
{
    const struct config_entry *entry = config_find(&asking->line->config, str_from(key));
    return entry ? entry->value : STR_EMPTY;
}

/* The cell of an answer that has one; NULL with the fault set. */
static const char *ask_one(struct asking *asking, const char *sql, const char *const *parameter,
                           int count, struct fault *fault)
{
    struct pg_result *result;
    const char *text = NULL;
    if (query_run(&asking->query, sql, parameter, count, &result, fault)) {
        text = arena_format(&asking->line->arena, "%.*s", STR_ARG(answer_cell(result, 0, 0))).ptr;
        if (!text)
            fault_memory(fault, "an answer");
    }
    query_release(result);
    return text;
}

/* ${schema} and ${table} of the name are those of the source's table. */
static bool name_pivot(struct asking *asking, const char *table, str *name, struct fault *fault)
{
    str pattern = value_of(asking, "--pivot"), rest = str_from(table), schema = STR_EMPTY;
    if (pattern.len == 0)
        pattern = value_of(asking, "table");
    if (pattern.len == 0)
        pattern = STR("holding_pivot");
    if (strchr(table, '.') && !str_split(&rest, '.', &schema))
        rest = str_from(table);
    struct buf out;
    buf_init(&out, 10000);
    for (str left = pattern; left.len > 0;) {
        bool is_table = str_starts(left, STR("${table}"));
        bool is_schema = str_starts(left, STR("${schema}"));
        buf_str(&out, is_table ? rest : is_schema ? schema : str_head(left, 1));
        left = str_from_at(left, is_table ? 8 : is_schema ? 9 : 1);
    }
    bool good = str_find(buf_view(&out), STR("${")) < 0 && (schema.len > 0 || !out.failed);
    good = arena_copy(&asking->line->arena, buf_view(&out), name) && good;
    buf_release(&out);
    return good
           || fault_set(fault, FAULT_CONFIG, "table=%.*s stands for many: say which by --pivot",
                        STR_ARG(pattern));
}

/* Each part of SCHEMA.TABLE is a name as it stands, as it is for the worker. */
static const char quote_parts[] =
    "select string_agg(quote_ident(p), '.' order by n)::regclass::text "
    "from unnest(string_to_array($1, '.')) with ordinality u (p, n)";

bool asking_open(struct asking *asking, const char *table, struct fault *fault)
{
    str class = value_of(asking, "connector.class"), name;
    if (class.len > 0 && !str_is(class, "PostgresSink"))
        return fault_set(fault, FAULT_CONFIG,
                         "connector.class=%.*s: only the table of a PostgresSink can be asked; "
                         "`fieldtrail sql` has scripts for the others",
                         STR_ARG(class));
    if (!config_find(&asking->line->config, STR("connection.uri")))
        return fault_set(fault, FAULT_CONFIG,
                         "which database? name the connector's file: -c connector.json");
    if (!name_pivot(asking, table, &name, fault)
        || !query_open(&asking->query, value_of(asking, "connection.uri"), fault))
        return false;
    const char *text = arena_format(&asking->line->arena, "%.*s", STR_ARG(name)).ptr;
    asking->pivot = ask_one(asking, quote_parts, &text, 1, fault);
    if (!asking->pivot)
        return fault_in(fault, "the pivot table");
    const char *const parameter[] = {asking->pivot, table};
    asking->table = ask_one(asking, "select fieldtrail_source($1::regclass, $2)", parameter, 2,
                            fault);
    return asking->table != NULL;
}

const char *asking_key(struct asking *asking, const char *given, struct fault *fault)
{
    const char *const parameter[] = {asking->pivot, asking->table, given};
    return ask_one(asking, "select fieldtrail_key($1::regclass, $2, $3)", parameter, 3, fault);
}

enum exit_status asking_print(struct asking *asking, const char *sql, const char *const *parameter,
                              int count)
{
    struct fault fault = {0};
    struct pg_result *result;
    struct buf out;
    enum exit_status status;
    const char *plain = getenv("NO_COLOR");
    bool colour = isatty(STDOUT_FILENO) == 1 && !(plain && *plain);
    buf_init(&out, OUTPUT_LIMIT);
    if (query_run(&asking->query, sql, parameter, count, &result, &fault)) {
        answer_put(result, (enum answer_format)asking->format, colour, &out);
        status = cli_print(&out);
    } else {
        status = cli_fail(&fault);
    }
    query_release(result);
    buf_release(&out);
    return status;
}
