/*
 * fieldtrail undo: a script for the source database that puts changes back.
 */
#include "asking.h"
#include "commands.h"
#include "log.h"

#define OUTPUT_LIMIT ((size_t)2000 * 1000 * 1000)

struct flags {
    str key, transaction, since, until, by;
    bool all, dry_run;
};

static const struct option_spec option[] = {
    {.key = "--key",
     .flag = "key",
     .letter = 'k',
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, key),
     .argument = "KEY",
     .help = "The changes of this row; KEY is that of history."},
    {.key = "--transaction",
     .flag = "transaction",
     .letter = 't',
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, transaction),
     .argument = "ID",
     .help = "Those of this transaction, as tx_id has it."},
    {.key = "--by",
     .flag = "by",
     .letter = 'b',
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, by),
     .argument = "COLUMN=VALUE",
     .help = "Those where a column of the pivot table has a value: user_id=3."},
    {.key = "--since",
     .flag = "since",
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, since),
     .argument = "TIME",
     .help = "Those of this time or later."},
    {.key = "--until",
     .flag = "until",
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, until),
     .argument = "TIME",
     .help = "Those of this time or earlier."},
    {.key = "--all",
     .flag = "all",
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, all),
     .help = "All changes there are, where none of these restricts them."},
    {.key = "--dry-run",
     .flag = "dry-run",
     .letter = 'n',
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, dry_run),
     .help = "Shows the steps in place of the script."},
};

static const struct option_table undo_options = {
    .title = "Which changes", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&undo_options, &asking_options, &cli_options};

enum { AT_STEP, AT_TIME, AT_KEY, AT_STATEMENT, AT_CONFLICT };

static const char query[] =
    "select step, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at, "
    "row_key, statement, conflict from fieldtrail_undo($1::regclass, $2, "
    "case when $3::text is not null then array[$3::text] end, $4, "
    "coalesce($5::timestamptz, '-infinity'), coalesce($6::timestamptz, 'infinity'), "
    "case when $7::text is null then 'true' "
    "else format('%I::text = %L', $7::text, $8::text) end) order by step";

/* Text for a comment of one line. */
static void put_line(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_char(out, text.ptr[i] == '\n' || text.ptr[i] == '\r' ? ' ' : text.ptr[i]);
}

static void put_literal(struct buf *out, str text)
{
    buf_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_char(out, '\'');
        buf_char(out, text.ptr[i]);
    }
    buf_char(out, '\'');
}

/* The guards compare texts as the events have them, so the session must print values so. */
static const char begin[] =
    "begin;\n"
    "set local timezone = 'UTC';\n"
    "set local datestyle = 'ISO';\n"
    "set local intervalstyle = 'postgres';\n"
    "set local bytea_output = 'hex';\n"
    "set local standard_conforming_strings = on;\n"
    "create temporary table fieldtrail_undo_step (step integer, row_key text, done boolean) "
    "on commit drop;\n";

static const char end[] =
    "-- What was not put back, because the source has changed since:\n"
    "select step, row_key from fieldtrail_undo_step where not done order by step;\n"
    "commit;\n";

static void put_step(struct buf *out, const struct pg_result *result, size_t row)
{
    str step = answer_cell(result, row, AT_STEP), key = answer_cell(result, row, AT_KEY);
    str conflict = answer_cell(result, row, AT_CONFLICT);
    if (conflict.ptr) {
        buf_str(out, STR("-- conflict: "));
        put_line(out, key);
        buf_str(out, STR(": "));
        put_line(out, conflict);
        buf_char(out, '\n');
        return;
    }
    buf_str(out, STR("with put_back as ("));
    buf_str(out, answer_cell(result, row, AT_STATEMENT));
    buf_format(out, " returning 1)\n    insert into fieldtrail_undo_step select %.*s, ",
               STR_ARG(step));
    put_literal(out, key);
    buf_str(out, STR(", exists (select from put_back);\n"));
}

static const char partly[] =
    "only pivoted fields are put back: a deleted row comes back with its key and these, its other "
    "columns with their defaults";

/* How many conflicts there are; they, and what a new row lacks, are said to whom the script may not
   reach. */
static size_t tell_conflicts(const struct pg_result *result)
{
    size_t count = 0;
    bool told = false;
    struct buf line;
    buf_init(&line, OUTPUT_LIMIT);
    for (size_t row = 0; row < answer_rows(result); row++) {
        str conflict = answer_cell(result, row, AT_CONFLICT);
        if (!told && str_starts(answer_cell(result, row, AT_STATEMENT), STR("insert ")))
            told = fprintf(stderr, "note: %s\n", partly) > 0;
        if (!conflict.ptr)
            continue;
        buf_clear(&line);
        buf_str(&line, STR("conflict: "));
        put_line(&line, answer_cell(result, row, AT_KEY));
        buf_str(&line, STR(": "));
        put_line(&line, conflict);
        fprintf(stderr, "%.*s\n", STR_ARG(buf_view(&line)));
        count++;
    }
    buf_release(&line);
    return count;
}

static enum exit_status print(struct asking *asking, const struct pg_result *result, bool dry_run)
{
    struct buf out;
    buf_init(&out, OUTPUT_LIMIT);
    if (dry_run) {
        answer_put(result, (enum answer_format)asking->format, false, &out);
    } else {
        buf_format(&out,
                   "-- Puts changes of %s back. Run it on the source database.\n"
                   "-- Note: %s.\n",
                   asking->table, partly);
        buf_str(&out, str_from(begin));
        for (size_t row = 0; row < answer_rows(result); row++)
            put_step(&out, result, row);
        buf_str(&out, str_from(end));
    }
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    if (tell_conflicts(result) > 0 && status == EXIT_DONE)
        status = EXIT_FAILED;
    return status;
}

/* NULL where the flag was not given. */
static const char *text_of(struct asking *asking, str text)
{
    return text.len > 0 ? arena_format(&asking->line->arena, "%.*s", STR_ARG(text)).ptr : NULL;
}

static bool check_usage(const struct command_line *line, const struct flags *flags,
                        struct fault *fault)
{
    bool restricted = flags->key.len + flags->transaction.len + flags->by.len + flags->since.len
                          + flags->until.len
                      > 0;
    if (line->count != 1)
        return fault_set(fault, FAULT_CONFIG, "undo takes one table, and options");
    if (restricted == flags->all)
        return fault_set(fault, FAULT_CONFIG,
                         restricted ? "--all is for no other restriction"
                                    : "which changes? say --key, --transaction, --by, --since or "
                                      "--until, or --all");
    if (flags->by.len > 0 && str_find(flags->by, STR("=")) < 1)
        return fault_set(fault, FAULT_CONFIG, "--by=%.*s: expected COLUMN=VALUE",
                         STR_ARG(flags->by));
    return true;
}

static enum exit_status ask(struct asking *asking)
{
    struct command_line *line = asking->line;
    struct fault fault = {0};
    struct flags flags = {0};
    struct pg_result *result;
    const char *key = NULL;
    str value, column = STR_EMPTY;
    if (!option_load(&undo_options, &line->config, &flags, &fault))
        return cli_fail(&fault);
    if (!check_usage(line, &flags, &fault) || !asking_open(asking, line->argument[0], &fault))
        return cli_fail(&fault);
    if (flags.key.len > 0 && !(key = asking_key(asking, text_of(asking, flags.key), &fault)))
        return cli_fail(&fault);
    value = flags.by;
    str_split(&value, '=', &column);
    const char *by = text_of(asking, column);
    const char *const parameter[] = {
        asking->pivot,
        asking->table,
        key,
        text_of(asking, flags.transaction),
        text_of(asking, flags.since),
        text_of(asking, flags.until),
        by,
        by && value.len == 0 ? "" : text_of(asking, value),
    };
    enum exit_status status = query_run(&asking->query, query, parameter, 8, &result, &fault)
                                  ? print(asking, result, flags.dry_run)
                                  : cli_fail(&fault);
    query_release(result);
    return status;
}

static enum exit_status run(struct command_line *line)
{
    return asking_run(line, ask);
}

const struct command undo_command = {
    .name = "undo",
    .help = "a script for the source database that puts changes back",
    .usage = "-c connector.json TABLE WHICH [--dry-run]",
    .summary =
        "Prints a script for the source database that puts changes of a table back, the last one "
        "first;\nseveral of the options below restrict each other. Each statement touches its row "
        "only where\nthe present value is still the one that the change left. What the pivot table "
        "knows to be in\nthe way (somebody has changed the field since, the old value was never "
        "sent) has no\nstatement and is listed as a conflict, in the script and on standard error. "
        "What the script\nitself finds changed it lists at its end, before it commits. Only "
        "pivoted "
        "fields are put\nback: a deleted row comes back with its key and these, its other columns "
        "with their defaults.\n\n"
        "  fieldtrail undo -c connector.json bank.holding --by user_id=3 --since yesterday | psql "
        "...\n\nExit status: 0 without conflicts, 1 with some.",
    .table = tables,
    .table_count = 3,
    .run = run};
