/*
 * cli: a command line read by option tables, so that flags, keys and help cannot drift apart.
 */
#ifndef FIELDTRAIL_CLI_H
#define FIELDTRAIL_CLI_H

#include <fieldtrail/option.h>

struct connector;

/* Exit statuses of the program. */
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* What stands behind a subcommand's name, read. */
struct command_line {
    struct arena arena;
    struct config config; /* files named by --config first, then flags and -o in their order */
    char **argument;      /* what is left: no flags */
    int count;
};

struct command {
    const char *name;    /* "pivot" */
    const char *help;    /* one line; NULL: not listed */
    const char *usage;   /* "[options] [FILE...]" */
    const char *summary; /* what it does, in sentences */
    const struct option_table *const *table;
    size_t table_count;
    bool light; /* does without the libraries of libraries.h */
    enum exit_status (*run)(struct command_line *line);
};

/* The flags that every command has: --config FILE, -o KEY=VALUE, --help. */
extern const struct option_table cli_options;

/* Those of the commands that take connectors: --worker FILE, --help. */
extern const struct option_table cli_worker_options;

/* Reads the command line by the command's tables and runs it; argv[0] is its name, and argv is
   reordered. Prints usage and all tables where --help was asked. Unknown flags, missing values and
   files that cannot be read end with EXIT_USAGE; keys of the configuration are the command's to
   check. */
enum exit_status cli_run(const struct command *command, int argc, char **argv);

/* Reads the file that --worker names, or the defaults where it names none. */
bool cli_load_worker(const struct command_line *line, struct config *worker,
                     struct fault *fault) MUST_CHECK;

/* The same, and over it the connector whose file is the first argument. To be released on success
   and on failure. */
bool cli_load_connector(struct command_line *line, struct connector *connector,
                        struct fault *fault) MUST_CHECK;

/* Writes the text to standard output; EXIT_DONE, or EXIT_FAILED where that cannot be written. */
enum exit_status cli_print(const struct buf *text);

/* Says the fault on standard error; gives the status that belongs to its kind. */
enum exit_status cli_fail(const struct fault *fault);

#endif
