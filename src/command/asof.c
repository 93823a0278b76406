/*
 * fieldtrail asof: what a row, or a table, looked like at a time.
 */
#include "asking.h"
#include "commands.h"

static const struct option_table *const tables[] = {&asking_options, &cli_options};

static const struct cli cli = {
    .command = "asof",
    .usage = "-c connector.json TABLE [KEY] TIME",
    .summary = "A row of a source table as it was at a time, that moment included; all rows where "
               "no KEY is\nnamed. A line for every pivoted field. `known` is false where neither "
               "the row's creation\nnor a change tells the value. TIME is what PostgreSQL reads as "
               "one: 2026-11-21T00:15:22Z,\n'2026-11-21 00:15', yesterday; without a zone it is "
               "UTC. TABLE and KEY are those of history.",
    .table = tables,
    .table_count = 2};

#define FROM "from fieldtrail_asof($1::regclass, $2, $3::timestamptz, array[$4::text])"

static const char one_row[] = "select change_field as field, value, known " FROM;
static const char all_rows[] = "select row_key, change_field as field, value, known "
                               "from fieldtrail_asof($1::regclass, $2, $3::timestamptz)";

static enum exit_status run(struct asking *asking, int argc, char **argv)
{
    struct fault fault = {0};
    const char *key = NULL;
    if (!asking_begin(asking, &cli, argc, argv, &fault))
        return cli_fail(&fault);
    if (asking->help)
        return cli_print_help(&cli);
    bool one = asking->count == 3;
    if (!one && asking->count != 2)
        fault_set(&fault, FAULT_CONFIG,
                  "asof takes a table, perhaps a key, and a time: bank.holding 1000 "
                  "2026-11-21T00:15:22Z");
    else if (asking_open(asking, asking->argument[0], &fault) && one)
        key = asking_key(asking, asking->argument[1], &fault);
    if (fault.kind != FAULT_NONE)
        return cli_fail(&fault);
    const char *const parameter[] = {asking->pivot, asking->table,
                                     asking->argument[asking->count - 1], key};
    return asking_print(asking, one ? one_row : all_rows, parameter, one ? 4 : 3);
}

enum exit_status asof_main(int argc, char **argv)
{
    struct asking asking;
    enum exit_status status = run(&asking, argc, argv);
    asking_release(&asking);
    return status;
}
