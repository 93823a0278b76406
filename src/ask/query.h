/*
 * query: one question to PostgreSQL after the other, for a person who waits: SIGINT cancels it.
 */
#ifndef FIELDTRAIL_QUERY_H
#define FIELDTRAIL_QUERY_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

struct pg_result; /* libpq's */

struct query {
    struct pg_conn *conn; /* NULL: not connected */
};

/* Connects; times are in UTC, and are read so where they have no zone. FAULT_RETRY. */
bool query_open(struct query *query, str uri, struct fault *fault) MUST_CHECK;
void query_close(struct query *query);

#define QUERY_PARAMETERS 10

/* Runs one statement with parameters ($1 …; NULL is NULL). The result is the caller's, to be freed
   with query_release. FAULT_CONFIG where what was asked is wrong or the functions are not
   installed, FAULT_RETRY for all else. */
bool query_run(struct query *query, const char *sql, const char *const *parameter, int count,
               struct pg_result **result, struct fault *fault) MUST_CHECK;
void query_release(struct pg_result *result);

#endif
