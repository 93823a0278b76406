/*
 * fieldtrail history: what happened to one row.
 */
#include "asking.h"
#include "commands.h"

struct flags {
    str field;
};

static const struct option_spec option[] = {
    {.key = "--field",
     .flag = "field",
     .letter = 'f',
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, field),
     .argument = "NAME",
     .help = "Only the changes of this field."},
};

static const struct option_table history_options = {
    .title = "History", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&history_options, &asking_options,
                                                    &cli_options};

/* Times as everywhere in fieldtrail. */
#define AT "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at"
#define FROM "from fieldtrail_history($1::regclass, $2, $3, $4)"

static const char for_people[] = "select " AT ", op, change_field as field, "
                                 "case when old_known then old_value else '?' end as old_value, "
                                 "new_value, tx_id, key " FROM;

static const char for_programs[] =
    "select " AT ", op, change_field, old_value, new_value, old_known, key as row_key, tx_id, "
    "kafka_partition, kafka_offset, field_no " FROM;

static enum exit_status ask(struct asking *asking)
{
    struct command_line *line = asking->line;
    struct fault fault = {0};
    struct flags flags = {0};
    const char *key, *field = NULL;
    if (!option_load(&history_options, &line->config, &flags, &fault))
        return cli_fail(&fault);
    if (line->count != 2)
        fault_set(&fault, FAULT_CONFIG, "history takes a table and a key: bank.holding 1000");
    if (line->count != 2 || !asking_open(asking, line->argument[0], &fault)
        || !(key = asking_key(asking, line->argument[1], &fault)))
        return cli_fail(&fault);
    if (flags.field.len > 0)
        field = arena_format(&line->arena, "%.*s", STR_ARG(flags.field)).ptr;
    const char *const parameter[] = {asking->pivot, asking->table, key, field};
    return asking_print(asking, asking->format == ANSWER_TABLE ? for_people : for_programs,
                        parameter, 4);
}

static enum exit_status run(struct command_line *line)
{
    return asking_run(line, ask);
}

const struct command history_command = {
    .name = "history",
    .help = "every change to one row",
    .usage = "-c connector.json TABLE KEY",
    .summary =
        "Every change to one row of a source table, oldest first, also under the keys it had "
        "before.\nTABLE is schema.table in the source, or the table alone where that is "
        "clear. KEY is the\nvalue of the primary key (1000), its columns with values "
        "(account=1,currency=EUR), or the\nJSON object. An old value that the source did "
        "not send is shown as ? in a table.",
    .table = tables,
    .table_count = 3,
    .run = run};
