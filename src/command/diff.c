/*
 * fieldtrail diff: what is different in a table between two times.
 */
#include "asking.h"
#include "commands.h"

static const struct option_table *const tables[] = {&asking_options, &cli_options};

static const struct cli cli = {
    .command = "diff",
    .usage = "-c connector.json TABLE TIME TIME",
    .summary = "Rows of a source table that came or went between two times, and fields that are "
               "not the\nsame; what changed and changed back is no difference. TABLE and TIME are "
               "those of history\nand asof.",
    .table = tables,
    .table_count = 2};

static const char query[] =
    "select row_key, difference, change_field as field, earlier_value, later_value, known "
    "from fieldtrail_diff($1::regclass, $2, $3::timestamptz, $4::timestamptz)";

static enum exit_status run(struct asking *asking, int argc, char **argv)
{
    struct fault fault = {0};
    if (!asking_begin(asking, &cli, argc, argv, &fault))
        return cli_fail(&fault);
    if (asking->help)
        return cli_print_help(&cli);
    if (asking->count != 3)
        fault_set(&fault, FAULT_CONFIG, "diff takes a table and two times");
    if (asking->count != 3 || !asking_open(asking, asking->argument[0], &fault))
        return cli_fail(&fault);
    const char *const parameter[] = {asking->pivot, asking->table, asking->argument[1],
                                     asking->argument[2]};
    return asking_print(asking, query, parameter, 4);
}

enum exit_status diff_main(int argc, char **argv)
{
    struct asking asking;
    enum exit_status status = run(&asking, argc, argv);
    asking_release(&asking);
    return status;
}
