/*
 * fieldtrail check: prints what a look at connectors has found, one line each.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "log.h"

static const struct option_table *const tables[] = {&cli_worker_options};

/* Findings of several connectors are told apart by the file's name. */
struct report {
    const char *file; /* NULL: there is only one */
};

static void say(void *context, enum finding_level level, const char *text)
{
    const struct report *report = context;
    printf("%-4s  %s%s%s\n", finding_level_name(level), report->file ? report->file : "",
           report->file ? ": " : "", text);
    fflush(stdout);
}

static enum exit_status check_all(const struct config *worker, char **file, int count,
                                  struct findings *findings)
{
    struct report *report = findings->context;
    bool usable = true;
    for (int i = 0; i < count; i++) {
        report->file = count > 1 ? file[i] : NULL;
        usable = check_connector(worker, file[i], findings) && usable;
    }
    if (ferror(stdout)) {
        log_write(LOG_ERROR, "cannot write the output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    if (!usable)
        return EXIT_USAGE;
    return findings->count[FINDING_FAIL] > 0 ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status run(struct command_line *line)
{
    struct fault fault = {0};
    struct config worker;
    struct report report = {0};
    struct findings findings = {.say = say, .context = &report};
    if (line->count == 0)
        fault_set(&fault, FAULT_CONFIG, "name a connector's file");
    if (line->count == 0 || !cli_load_worker(line, &worker, &fault))
        return cli_fail(&fault);
    /* What librdkafka would say of connections is in the findings. */
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct config_entry *path = config_find(&line->config, STR("--worker"));
    if (path)
        check_secrets(arena_format(&line->arena, "%.*s", STR_ARG(path->value)).ptr, &findings);
    return check_all(&worker, line->argument, line->count, &findings);
}

const struct command check_command = {
    .name = "check",
    .help = "whether connectors can run and their rows will be right",
    .usage = "[-w worker.properties] connector.json...",
    .summary =
        "Looks, without changing anything, whether connectors can run and their rows will be "
        "right:\nconfiguration, brokers, topics, group, the last events, target table and rights, "
        "and with\nsource.connection.uri the source tables. One line a finding: ok, warn or fail, "
        "what it is,\nand what to do. Exit status: 0 without fail, 1 with one, 2 where a "
        "configuration cannot be\nused.",
    .table = tables,
    .table_count = 1,
    .run = run};
