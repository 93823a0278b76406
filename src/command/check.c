/*
 * fieldtrail check: prints what a look at connectors has found, one line each.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>

#include "commands.h"
#include "log.h"

#define CONFIG_BYTES_LIMIT ((size_t)64 * 1024 * 1024)

static const struct option_table *const tables[] = {&cli_worker_options};

static const struct cli cli = {
    .command = "check",
    .usage = "[-w worker.properties] connector.json...",
    .summary =
        "Looks, without changing anything, whether connectors can run and their rows will be "
        "right:\nconfiguration, brokers, topics, group, the last events, target table and rights, "
        "and with\nsource.connection.uri the source tables. One line a finding: ok, warn or fail, "
        "what it is,\nand what to do. Exit status: 0 without fail, 1 with one, 2 where a "
        "configuration cannot be\nused.",
    .table = tables,
    .table_count = 1};

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

static enum exit_status run_with(struct arena *arena, int argc, char **argv)
{
    struct fault fault = {0};
    struct config flags, worker;
    struct report report = {0};
    struct findings findings = {.say = say, .context = &report};
    bool help;
    int first;
    config_init(&flags, arena);
    config_init(&worker, arena);
    if (!cli_parse(&cli, argc, argv, &flags, &first, &help, &fault))
        return cli_fail(&fault);
    if (help)
        return cli_print_help(&cli);
    if (first == argc)
        fault_set(&fault, FAULT_CONFIG, "name a connector's file");
    if (first == argc || !cli_load_worker(&flags, &worker, &fault))
        return cli_fail(&fault);
    /* What librdkafka would say of connections is in the findings. */
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct config_entry *path = config_find(&flags, STR("--worker"));
    if (path)
        check_secrets(arena_format(arena, "%.*s", STR_ARG(path->value)).ptr, &findings);
    return check_all(&worker, argv + first, argc - first, &findings);
}

enum exit_status check_main(int argc, char **argv)
{
    struct arena arena;
    arena_init(&arena, CONFIG_BYTES_LIMIT);
    enum exit_status status = run_with(&arena, argc, argv);
    arena_release(&arena);
    return status;
}
