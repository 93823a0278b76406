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

static const struct cli cli = {
    .command = "history",
    .usage = "-c connector.json TABLE KEY",
    .summary =
        "Every change to one row of a source table, oldest first, also under the keys it had "
        "before.\nTABLE is schema.table in the source, or the table alone where that is "
        "clear. KEY is the\nvalue of the primary key (1000), its columns with values "
        "(account=1,currency=EUR), or the\nJSON object. An old value that the source did "
        "not send is shown as ? in a table.",
    .table = tables,
    .table_count = 3};

/* Times as everywhere in fieldtrail. */
#define AT "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at"
#define FROM "from fieldtrail_history($1::regclass, $2, $3, $4)"

static const char for_people[] = "select " AT ", op, change_field as field, "
                                 "case when old_known then old_value else '?' end as old_value, "
                                 "new_value, tx_id, key " FROM;

static const char for_programs[] =
    "select " AT ", op, change_field, old_value, new_value, old_known, key as row_key, tx_id, "
    "kafka_partition, kafka_offset, field_no " FROM;

static enum exit_status run(struct asking *asking, int argc, char **argv)
{
    struct fault fault = {0};
    struct flags flags = {0};
    const char *key, *field = NULL;
    if (!asking_begin(asking, &cli, argc, argv, &fault)
        || !option_load(&history_options, &asking->config, &flags, &fault))
        return cli_fail(&fault);
    if (asking->help)
        return cli_print_help(&cli);
    if (asking->count != 2)
        fault_set(&fault, FAULT_CONFIG, "history takes a table and a key: bank.holding 1000");
    if (asking->count != 2 || !asking_open(asking, asking->argument[0], &fault)
        || !(key = asking_key(asking, asking->argument[1], &fault)))
        return cli_fail(&fault);
    if (flags.field.len > 0)
        field = arena_format(&asking->arena, "%.*s", STR_ARG(flags.field)).ptr;
    const char *const parameter[] = {asking->pivot, asking->table, key, field};
    return asking_print(asking, asking->format == ANSWER_TABLE ? for_people : for_programs,
                        parameter, 4);
}

enum exit_status history_main(int argc, char **argv)
{
    struct asking asking;
    enum exit_status status = run(&asking, argc, argv);
    asking_release(&asking);
    return status;
}
