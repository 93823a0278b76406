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
    struct arena arena;
    struct config config;
    struct query query;
    char **argument; /* what stands behind the flags */
    int count;
    const char *pivot; /* the pivot table, as PostgreSQL writes it */
    const char *table; /* schema.table in the source */
    int format;        /* enum answer_format */
    bool help;
};

/* --pivot and --format. */
extern const struct option_table asking_options;

/* Reads the command line; asking->help where help was asked and printed. To be released on success
   and on failure. */
bool asking_begin(struct asking *asking, const struct cli *cli, int argc, char **argv,
                  struct fault *fault) MUST_CHECK;
void asking_release(struct asking *asking);

/* Connects, and settles which pivot table and which source table are meant. */
bool asking_open(struct asking *asking, const char *table, struct fault *fault) MUST_CHECK;

/* The key that is meant, as it stands in row_key. NULL with the fault set. */
const char *asking_key(struct asking *asking, const char *given, struct fault *fault);

/* Runs a query and prints its answer. */
enum exit_status asking_print(struct asking *asking, const char *sql, const char *const *parameter,
                              int count);

#endif
