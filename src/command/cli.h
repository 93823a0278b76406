/*
 * cli: a command line read by option tables, so that flags, keys and help cannot drift apart.
 */
#ifndef FIELDTRAIL_CLI_H
#define FIELDTRAIL_CLI_H

#include <fieldtrail/option.h>

/* Exit statuses of the program. */
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct cli {
    const char *command; /* "pivot" */
    const char *usage;   /* "[options] [FILE...]" */
    const char *summary; /* what it does, in sentences */
    const struct option_table *const *table;
    size_t table_count;
};

/* The flags that every command has: --config FILE, -o KEY=VALUE, --help. */
extern const struct option_table cli_options;

/* Those of the commands that take connectors: --worker FILE, --help. */
extern const struct option_table cli_worker_options;

/* Reads the file that --worker names, or the defaults where it names none. */
bool cli_load_worker(const struct config *flags, struct config *worker,
                     struct fault *fault) MUST_CHECK;

/* Fills the configuration: files named by --config first, then flags and -o in their order. Gives
   where the remaining arguments begin in argv (which is reordered). `help` is set where --help was
   asked. FAULT_CONFIG for unknown flags, missing values and files that cannot be read; keys are not
   checked here. */
bool cli_parse(const struct cli *cli, int argc, char **argv, struct config *config, int *first,
               bool *help, struct fault *fault) MUST_CHECK;

/* Prints usage and all tables. */
enum exit_status cli_print_help(const struct cli *cli);

/* Writes the text to standard output; EXIT_DONE, or EXIT_FAILED where that cannot be written. */
enum exit_status cli_print(const struct buf *text);

/* Says the fault on standard error; gives the status that belongs to its kind. */
enum exit_status cli_fail(const struct fault *fault);

#endif
