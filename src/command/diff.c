/*
 * fieldtrail diff: what is different in a table between two times.
 */
#include "asking.h"
#include "commands.h"

static const struct option_table *const tables[] = {&asking_options, &cli_options};

static const char query[] =
    "select row_key, difference, change_field as field, earlier_value, later_value, known "
    "from fieldtrail_diff($1::regclass, $2, $3::timestamptz, $4::timestamptz)";

static enum exit_status ask(struct asking *asking)
{
    struct command_line *line = asking->line;
    struct fault fault = {0};
    if (line->count != 3)
        fault_set(&fault, FAULT_CONFIG, "diff takes a table and two times");
    if (line->count != 3 || !asking_open(asking, line->argument[0], &fault))
        return cli_fail(&fault);
    const char *const parameter[] = {asking->pivot, asking->table, line->argument[1],
                                     line->argument[2]};
    return asking_print(asking, query, parameter, 4);
}

static enum exit_status run(struct command_line *line)
{
    return asking_run(line, ask);
}

const struct command diff_command = {
    .name = "diff",
    .help = "what is different in a table between two times",
    .usage = "-c connector.json TABLE TIME TIME",
    .summary = "Rows of a source table that came or went between two times, and fields that are "
               "not the\nsame; what changed and changed back is no difference. TABLE and TIME are "
               "those of history\nand asof.",
    .table = tables,
    .table_count = 2,
    .run = run};
