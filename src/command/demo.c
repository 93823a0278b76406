/*
 * fieldtrail demo: the main job without any server.
 */
#include "commands.h"
#include "demo.h"
#include "log.h"

#include <errno.h>

struct flags {
    str to;
};

static const struct option_spec option[] = {
    {.key = "--to",
     .flag = "to",
     .type = OPTION_STRING,
     .offset = offsetof(struct flags, to),
     .argument = "FILE",
     .help = "The connector whose sink gets the rows, under the name NAME-demo; standard output "
             "otherwise."},
    {.key = "--help", .flag = "help", .letter = 'h', .type = OPTION_BOOL, .help = "Prints this."},
};

static const struct option_table demo_options = {
    .title = "Demo", .option = option, .count = sizeof(option) / sizeof(option[0])};

static const struct option_table *const tables[] = {&demo_options};

static enum exit_status run_with(struct demo *demo, struct command_line *line)
{
    struct fault fault = {0};
    struct flags flags = {0};
    if (line->count > 0)
        fault_set(&fault, FAULT_CONFIG, "%s: demo takes no arguments; see --to", line->argument[0]);
    if (line->count > 0 || !option_load(&demo_options, &line->config, &flags, &fault))
        return cli_fail(&fault);
    const char *path = NULL;
    if (flags.to.len > 0)
        path = arena_format(&line->arena, "%.*s", STR_ARG(flags.to)).ptr;
    /* Standard error is for what went wrong, and one line of totals. */
    log_setup(LOG_WARN, LOG_TEXT);
    if (!demo_start(demo, path, &fault) || !demo_finish(demo, &fault))
        return fault.code == EPIPE ? EXIT_DONE : cli_fail(&fault);
    log_setup(LOG_INFO, LOG_TEXT);
    log_write(LOG_INFO, "%llu events on an in-process broker, %llu rows delivered%s",
              (unsigned long long)demo->events, (unsigned long long)demo->rows,
              demo->rows == 0 ? ": an earlier run has delivered them" : "");
    return EXIT_DONE;
}

static enum exit_status run(struct command_line *line)
{
    static struct demo demo; /* large; there is one */
    enum exit_status status = run_with(&demo, line);
    demo_release(&demo);
    return status;
}

const struct command demo_command = {
    .name = "demo",
    .help = "the main job on captured events and a broker of its own; needs no server",
    .usage = "[--to connector.json]",
    .summary = "Puts captured events of the tutorial's table bank.holding on a Kafka broker inside "
               "this\nprocess, reads them with the worker's own task, and prints one CSV row for "
               "every changed\nfield. It needs no server, and ends when all events are through.",
    .table = tables,
    .table_count = 1,
    .run = run};
