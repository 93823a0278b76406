/*
 * The program: finds the subcommand in a table and runs it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>
#include <yajl/yajl_version.h>

#include "commands.h"
#include "libraries.h"
#include "log.h"
#include "stop.h"

static const struct command *const commands[] = {
    &pivot_command, &run_command,        &check_command, &offsets_command,
    &demo_command,  &deadletter_command, &sql_command,   &history_command,
    &asof_command,  &diff_command,       &undo_command,  &reference_command,
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum exit_status print_help(void)
{
    struct buf out;
    buf_init(&out, 10000);
    buf_str(&out, STR("fieldtrail: every change to every field, as rows you can query.\n\n"
                      "Usage: fieldtrail COMMAND [options]\n\n"));
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i]->help)
            buf_format(&out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    buf_str(&out,
            STR("\n`fieldtrail COMMAND --help` explains a command; --version names the program "
                "and what it was built with.\n"));
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

static enum exit_status print_version(void)
{
    struct buf out;
    buf_init(&out, 1000);
    buf_format(&out,
               "fieldtrail %s (librdkafka %d.%d.%d, yajl %d.%d.%d, libpq " LIBPQ_VERSION ")\n",
               FIELDTRAIL_VERSION, RD_KAFKA_VERSION >> 24, RD_KAFKA_VERSION >> 16 & 255,
               RD_KAFKA_VERSION >> 8 & 255, YAJL_MAJOR, YAJL_MINOR, YAJL_MICRO);
    enum exit_status status = cli_print(&out);
    buf_release(&out);
    return status;
}

/* Where a standard descriptor is closed, the next file opened would take its number, and output
   would go into that file. One that can be neither read nor written takes its place. */
static void hold_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_PATH);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static enum exit_status run(const struct command *command, int argc, char **argv)
{
    struct fault fault = {0};
    if (!command->light && !libraries_load(&fault))
        return cli_fail(&fault);
    return cli_run(command, argc, argv);
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    stop_on_signals();
    const char *name = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return run(commands[i], argc - 1, argv + 1);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return print_version();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return print_help();
    if (argc > 1)
        log_write(LOG_ERROR, "unknown command %s; `fieldtrail --help` lists them", name);
    else
        log_write(LOG_ERROR, "which command? `fieldtrail --help` lists them");
    return EXIT_USAGE;
}
