/*
 * fieldtrail pivot: the pipe. It puts source, decoder, pivot and sink together for one run of the
 * task, and says the totals.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "connector.h"
#include "debezium.h"
#include "decoders.h"
#include "reading.h"
#include "encoders.h"
#include "lines.h"
#include "log.h"
#include "mem.h"
#include "pivot.h"
#include "provider.h"
#include "stream.h"
#include "streampy.h"
#include "task.h"

struct flags {
    bool stats;
    str compat;
};

static const struct option_spec option[] = {
    {.key = "--stats",
     .flag = "stats",
     .type = OPTION_BOOL,
     .offset = offsetof(struct flags, stats),
     .help = "Totals on standard error at the end."},
    {.key = "--compat",
     .flag = "compat",
     .type = OPTION_STRING,
     .argument = "stream.py",
     .offset = offsetof(struct flags, compat),
     .help =
         "Prints what the tutorial's stream.py prints, byte for byte: its keys and fields, raw "
         "times, unchanged fields too, None, no quoting, the local clock. Events it dies on are "
         "skipped and counted."},
};

static const struct option_table flag_options = {
    .title = "Run", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {
    &pivot_options,   &encoder_options, &task_options, &lines_options, &debezium_options,
    &decoder_options, &values_options,  &flag_options, &cli_options};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

/* Everything one run is made of. */
struct run {
    struct config *config;
    struct flags flags;
    struct pivot *pivot;
    struct streampy_counts streampy;
    struct encoder encoder;
    struct task task;
};

static void warn(void *context, const char *text)
{
    (void)context;
    log_write(LOG_WARN, "%s", text);
}

static bool rows_by_pivot(void *context, struct change *change, struct batch *batch,
                          struct fault *fault)
{
    return pivot_rows(context, change, batch, fault);
}

static bool rows_by_streampy(void *context, struct change *change, struct batch *batch,
                             struct fault *fault)
{
    return streampy_rows(context, change, batch, fault);
}

/* stream.py has no choices: an option that it would have to ignore is an error. */
static bool check_compat(const struct run *run, struct fault *fault)
{
    if (!str_is(run->flags.compat, "stream.py"))
        return fault_set(fault, FAULT_CONFIG, "--compat %.*s: only stream.py is known",
                         STR_ARG(run->flags.compat));
    for (size_t i = 0; i < run->config->count; i++) {
        str key = run->config->entry[i].key;
        if (str_starts(key, STR("pivot.")) || str_starts(key, STR("format"))
            || str_starts(key, STR("replica.identity")))
            return fault_set(fault, FAULT_CONFIG,
                             "--compat stream.py has its own columns: leave %.*s away",
                             STR_ARG(key));
    }
    return true;
}

static bool set_up_rows(struct run *run, struct fault *fault)
{
    static const struct layout none;
    if (run->flags.compat.len > 0) {
        run->encoder = (struct encoder){.type = &streampy_encoder, .layout = &none};
        run->task.rows = rows_by_streampy;
        run->task.rows_context = &run->streampy;
        /* It prints what stands in the message. */
        return check_compat(run, fault)
               && config_set(run->config, STR("pivot.values"), STR("raw"), STR("--compat"), fault);
    }
    run->pivot = pivot_new(run->config, PIVOT_PIPE_COLUMNS, warn, NULL, fault);
    run->task.rows = rows_by_pivot;
    run->task.rows_context = run->pivot;
    if (run->pivot)
        run->task.halves = pivot_halves(run->pivot);
    return run->pivot && pivot_check_fields(run->config, fault)
           && encoder_load(&run->encoder, run->config, pivot_layout(run->pivot), fault);
}

/* The pipe takes the same file as `run` and leaves the keys of its delivery be. */
static bool check_known(const struct config *config, struct fault *fault)
{
    const struct option_table *known[CONNECTOR_TABLES_LIMIT + TABLE_COUNT];
    size_t count = connector_tables(known);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        known[count++] = tables[i];
    return option_check_known(known, count, config, fault);
}

/* Letters that are read while they are written never end. */
static bool check_letters(const struct config *config, const char *const *files, size_t count,
                          struct fault *fault)
{
    const struct config_entry *entry = config_find(config, STR("errors.deadletterqueue.file"));
    struct stat letters, input;
    char path[4096];
    if (!entry)
        return true;
    snprintf(path, sizeof(path), "%.*s", STR_ARG(entry->value));
    if (stat(path, &letters) != 0 || !S_ISREG(letters.st_mode))
        return true;
    for (size_t i = 0; i < count || (i == 0 && count == 0); i++) {
        bool standard = count == 0 || strcmp(files[i], "-") == 0;
        int failed = standard ? fstat(STDIN_FILENO, &input) : stat(files[i], &input);
        if (failed == 0 && input.st_dev == letters.st_dev && input.st_ino == letters.st_ino)
            return fault_set(
                fault, FAULT_CONFIG,
                "%s is both input and --dead-letters file: write the letters to another", path);
    }
    return true;
}

static bool set_up_decoder(struct run *run, struct fault *fault)
{
    run->task.decoder = decoder_new(run->config, fault);
    if (run->task.decoder && run->pivot)
        decoder_ask(run->task.decoder, pivot_wants, run->pivot);
    return run->task.decoder != NULL;
}

static bool set_up(struct run *run, const char *const *files, size_t count, struct fault *fault)
{
    return provider_expand(run->config, fault) && check_known(run->config, fault)
           && option_load(&flag_options, run->config, &run->flags, fault)
           && check_letters(run->config, files, count, fault) && set_up_rows(run, fault)
           && set_up_decoder(run, fault)
           && (run->task.sink = stream_new(STDOUT_FILENO, &run->encoder, fault))
           && (run->task.source = lines_new(files, count, run->config, fault))
           && task_init(&run->task, run->config, fault);
}

static void tear_down(struct run *run)
{
    if (run->task.source)
        run->task.source->type->stop(run->task.source);
    if (run->task.sink)
        run->task.sink->type->stop(run->task.sink);
    decoder_free(run->task.decoder);
    task_release(&run->task);
    pivot_free(run->pivot);
}

static void put_total(struct buf *out, const char *name, uint64_t number)
{
    buf_format(out, "%s=%llu\n", name, (unsigned long long)number);
}

static void put_pivot_totals(const struct run *run, struct buf *out)
{
    static const char *const op_names[CHANGE_OP_COUNT] = {"events_r", "events_c", "events_u",
                                                          "events_d", "events_t", "events_m"};
    const struct pivot_counts *counts = pivot_get_counts(run->pivot);
    for (size_t i = 0; i < CHANGE_OP_COUNT; i++)
        put_total(out, op_names[i], counts->changes[i]);
    put_total(out, "rows", counts->rows);
    put_total(out, "unavailable", counts->unavailable);
    put_total(out, "unknown_old", counts->unknown_old);
    put_total(out, "altered", counts->altered);
}

static void print_totals(struct run *run)
{
    const struct decoder_counts *counts = &run->task.decoder->counts;
    struct buf out;
    buf_init(&out, 10000);
    put_total(&out, "lines", task_get_status(&run->task).records);
    if (run->pivot) {
        put_pivot_totals(run, &out);
    } else {
        put_total(&out, "rows", run->streampy.rows);
        put_total(&out, "died", run->streampy.died);
    }
    put_total(&out, "tombstones", counts->tombstones);
    put_total(&out, "heartbeats", counts->heartbeats);
    put_total(&out, "transactions", counts->transactions);
    put_total(&out, "schema_changes", counts->schema_changes);
    put_total(&out, "notifications", counts->notifications);
    put_total(&out, "signals", counts->signals);
    put_total(&out, "errors", task_get_status(&run->task).errors);
    fwrite(out.ptr, 1, out.len, stderr);
    buf_release(&out);
}

static enum exit_status finish(struct run *run, bool good, struct fault *fault)
{
    if (run->flags.stats)
        print_totals(run);
    if (!good && fault->code == EPIPE)
        return EXIT_DONE; /* the reader has seen enough */
    if (good && close(STDOUT_FILENO) != 0)
        good = fault_set(fault, FAULT_FATAL, "cannot write the output: %s", strerror(errno));
    if (!good)
        return cli_fail(fault);
    return task_get_status(&run->task).errors > 0 ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status run(struct command_line *line)
{
    struct run run = {.config = &line->config};
    struct fault fault = {0};
    const char *const *files = (const char *const *)line->argument;
    enum exit_status status;
    if (set_up(&run, files, (size_t)line->count, &fault))
        status = finish(&run, task_run(&run.task, &fault), &fault);
    else
        status = cli_fail(&fault);
    tear_down(&run);
    return status;
}

const struct command pivot_command = {
    .name = "pivot",
    .help = "the pipe: Debezium events in, one row per changed field out",
    .usage = "[options] [FILE...]",
    .summary =
        "Reads Debezium change events, one a line (the message, or an object of kcat -J), from "
        "the files\nor standard input, and prints one row for every field that changed.\n\n"
        "  kcat -C -b localhost:9092 -t bank.holding | fieldtrail pivot --keys id --fields a,b",
    .table = tables,
    .table_count = TABLE_COUNT,
    .light = true,
    .run = run};
