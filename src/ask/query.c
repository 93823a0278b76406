/*
 * Questions on libpq's asynchronous calls, so that a signal is seen while the server thinks.
 */
#include "query.h"

#include <libpq-fe.h>
#include <poll.h>

#include "stop.h"

#define STEP_MS 200

static bool failed(struct query *query, const char *what, struct fault *fault)
{
    const char *text = PQerrorMessage(query->conn);
    return fault_set(fault, FAULT_RETRY, "postgres: %s: %.*s", what, (int)strcspn(text, "\n"),
                     text);
}

bool query_open(struct query *query, str uri, struct fault *fault)
{
    char info[4096];
    snprintf(info, sizeof(info), "%.*s", STR_ARG(uri));
    const char *const names[] = {"connect_timeout", "client_encoding", "dbname",
                                 "fallback_application_name", NULL};
    const char *const values[] = {"15", "UTF8", info, "fieldtrail", NULL};
    query->conn = PQconnectdbParams(names, values, 1);
    if (!query->conn)
        return fault_memory(fault, "a connection");
    if (PQstatus(query->conn) != CONNECTION_OK)
        return failed(query, "cannot connect", fault);
    PGresult *result = PQexec(query->conn, "set timezone = 'UTC'; set datestyle = 'ISO'; "
                                           "set client_min_messages = warning");
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return good || failed(query, "cannot connect", fault);
}

void query_close(struct query *query)
{
    PQfinish(query->conn);
    query->conn = NULL;
}

static void cancel(struct query *query)
{
    char text[256];
    PGcancel *handle = PQgetCancel(query->conn);
    if (handle)
        (void)PQcancel(handle, text, sizeof(text));
    PQfreeCancel(handle);
}

/* Waits for the answer; a signal takes the question back, and the server then answers with that. */
static bool wait_for_answer(struct query *query, struct fault *fault)
{
    bool cancelled = false;
    while (PQisBusy(query->conn)) {
        struct pollfd socket = {.fd = PQsocket(query->conn), .events = POLLIN};
        poll(&socket, 1, STEP_MS);
        if (stop_requested() && !cancelled) {
            cancel(query);
            cancelled = true;
        }
        if (!PQconsumeInput(query->conn))
            return failed(query, "connection lost", fault);
    }
    return true;
}

static bool is_one_of(const char *sqlstate, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(sqlstate, *list) == 0)
            return true;
    return false;
}

static bool refused(const PGresult *result, struct fault *fault)
{
    /* no such value, time or cast; no such table, column, schema; rights */
    static const char *const asked_wrong[] = {"22023", "22007", "22008", "22P02", "42P01", "42703",
                                              "3F000", "42501", "42602", "42601", NULL};
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!sqlstate || !text)
        return fault_set(fault, FAULT_RETRY, "postgres: connection lost");
    if (strcmp(sqlstate, "42883") == 0)
        return fault_set(fault, FAULT_CONFIG,
                         "postgres: %s: the functions are not installed, or are older; run "
                         "`fieldtrail sql functions connector.json | psql`",
                         text);
    return fault_set(fault, is_one_of(sqlstate, asked_wrong) ? FAULT_CONFIG : FAULT_RETRY, "%s",
                     text);
}

bool query_run(struct query *query, const char *sql, const char *const *parameter, int count,
               struct pg_result **result, struct fault *fault)
{
    PGresult *next;
    *result = NULL;
    if (!PQsendQueryParams(query->conn, sql, count, NULL, parameter, NULL, NULL, 0))
        return failed(query, "connection lost", fault);
    while (wait_for_answer(query, fault) && (next = PQgetResult(query->conn))) {
        PQclear(*result);
        *result = next;
    }
    if (fault->kind != FAULT_NONE)
        return false;
    return PQresultStatus(*result) == PGRES_TUPLES_OK || refused(*result, fault);
}

void query_release(struct pg_result *result)
{
    PQclear(result);
}
