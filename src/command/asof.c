/*
 * fieldtrail asof: what a row, or a table, looked like at a time.
 */
#include "asking.h"
#include "commands.h"

static const struct option_table *const tables[] = {&asking_options, &cli_options};

#define FROM "from fieldtrail_asof($1::regclass, $2, $3::timestamptz, array[$4::text])"

static const char one_row[] = "select change_field as field, value, known " FROM;
static const char all_rows[] = "select row_key, change_field as field, value, known "
                               "from fieldtrail_asof($1::regclass, $2, $3::timestamptz)";

static enum exit_status ask(struct asking *asking)
{
    struct command_line *line = asking->line;
    struct fault fault = {0};
    const char *key = NULL;
    bool one = line->count == 3;
    if (!one && line->count != 2)
        fault_set(&fault, FAULT_CONFIG,
                  "asof takes a table, perhaps a key, and a time: bank.holding 1000 "
                  "2026-11-21T00:15:22Z");
    else if (asking_open(asking, line->argument[0], &fault) && one)
        key = asking_key(asking, line->argument[1], &fault);
    if (fault.kind != FAULT_NONE)
        return cli_fail(&fault);
    const char *const parameter[] = {asking->pivot, asking->table, line->argument[line->count - 1],
                                     key};
    return asking_print(asking, one ? one_row : all_rows, parameter, one ? 4 : 3);
}

static enum exit_status run(struct command_line *line)
{
    return asking_run(line, ask);
}

const struct command asof_command = {
    .name = "asof",
    .help = "a row, or a table, as it was at a time",
    .usage = "-c connector.json TABLE [KEY] TIME",
    .summary = "A row of a source table as it was at a time, that moment included; all rows where "
               "no KEY is\nnamed. A line for every pivoted field. `known` is false where neither "
               "the row's creation\nnor a change tells the value. TIME is what PostgreSQL reads as "
               "one: 2026-11-21T00:15:22Z,\n'2026-11-21 00:15', yesterday; without a zone it is "
               "UTC. TABLE and KEY are those of history.",
    .table = tables,
    .table_count = 2,
    .run = run};
