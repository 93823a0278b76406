/*
 * asking: what history, asof, diff and undo share: the connector whose table is asked, the
 * connection, the names that people type, and how answers are printed.
 */
#ifndef FIELDTRAIL_ASKING_H
#define FIELDTRAIL_ASKING_H

#include "answer.h"
#include "cli.h"
#include "query.h"

struct asking {
    struct command_line *line;
    struct query query;
    const char *pivot; /* the pivot table, as PostgreSQL writes it */
    const char *table; /* schema.table in the source */
    int format;        /* enum answer_format */
};

/* --pivot and --format. */
extern const struct option_table asking_options;

/* Reads what all of them read of the command line, then asks. */
enum exit_status asking_run(struct command_line *line,
                            enum exit_status (*ask)(struct asking *asking));

/* Connects, and settles which pivot table and which source table are meant. */
bool asking_open(struct asking *asking, const char *table, struct fault *fault) MUST_CHECK;

/* The key that is meant, as it stands in row_key. NULL with the fault set. */
const char *asking_key(struct asking *asking, const char *given, struct fault *fault);

/* Runs a query and prints its answer. */
enum exit_status asking_print(struct asking *asking, const char *sql, const char *const *parameter,
                              int count);

#endif
