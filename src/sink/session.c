/*
 * One connection to PostgreSQL on libpq's asynchronous calls.
 */
#include "session.h"

#include <poll.h>
#include <stdlib.h>

#include "clock.h"
#include "sqlstate.h"

#define STEP_MS 200
#define CONNECT_WAIT_MS 15000

static bool lost(struct session *session, const char *what, struct fault *fault)
{
    const char *text = session->conn ? PQerrorMessage(session->conn) : "";
    return fault_set(fault, FAULT_RETRY, "postgres: %s: %.*s", what, (int)strcspn(text, "\n"),
                     text);
}

/* Waits for the socket; false where the time is up or the task stops. */
static bool wait_for(struct session *session, short events, int64_t deadline_ms, const char *what,
                     struct fault *fault)
{
    if (!session->sink->idle(session->sink->idle_context, PQsocket(session->conn), events, STEP_MS))
        return fault_set(fault, FAULT_RETRY, "postgres: stopped while %s", what);
    if (clock_steady_ms() > deadline_ms)
        return fault_set(fault, FAULT_RETRY, "postgres: no answer while %s", what);
    return true;
}

static bool connect_steps(struct session *session, struct fault *fault)
{
    int64_t deadline = clock_steady_ms() + CONNECT_WAIT_MS;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED)
            return lost(session, "cannot connect", fault);
        short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!wait_for(session, events, deadline, "connecting", fault))
            return false;
        step = PQconnectPoll(session->conn);
    }
    return true;
}

/* libpq has no SQLSTATE for a connection that the server refuses: its text must do. */
static void judge_refusal(struct fault *fault)
{
    static const char *const by_hand[] = {"password",
                                          "pg_hba.conf",
                                          "does not exist",
                                          "authentication",
                                          "invalid connection option",
                                          "missing \"=\""};
    for (size_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++)
        if (strstr(fault->text, by_hand[i]))
            fault->kind = FAULT_CONFIG;
}

bool session_open(struct session *session, str uri, str application, struct fault *fault)
{
    char info[4096], name[64];
    snprintf(info, sizeof(info), "%.*s", STR_ARG(uri));
    snprintf(name, sizeof(name), "%.*s", STR_ARG(application));
    /* The user's own parameters, expanded from dbname, win over those before it. */
    const char *const names[] = {
        "keepalives_idle",  "keepalives_interval",       "keepalives_count",
        "tcp_user_timeout", "fallback_application_name", "client_encoding",
        "dbname",           "application_name",          NULL};
    const char *const values[] = {"10", "5", "3", "30000", name, "UTF8", info, name, NULL};
    session->conn = PQconnectStartParams(names, values, 1);
    if (!session->conn)
        return fault_memory(fault, "a connection");
    bool good = PQstatus(session->conn) != CONNECTION_BAD || lost(session, "cannot connect", fault);
    good = good && connect_steps(session, fault);
    if (good && PQsetnonblocking(session->conn, 1) != 0)
        good = lost(session, "cannot connect", fault);
    if (!good) {
        judge_refusal(fault);
        session_close(session);
    }
    return good;
}

void session_close(struct session *session)
{
    PQfinish(session->conn);
    session->conn = NULL;
}

/* Sends what libpq holds, reading meanwhile: a server may want to say something first. */
static bool flush_out(struct session *session, struct fault *fault)
{
    int64_t deadline = clock_steady_ms() + session->answer_wait_ms;
    for (;;) {
        int left = PQflush(session->conn);
        if (left == 0)
            return true;
        if (left < 0 || !PQconsumeInput(session->conn))
            return lost(session, "connection lost", fault);
        if (!wait_for(session, POLLIN | POLLOUT, deadline, "sending", fault))
            return false;
    }
}

static bool next_result(struct session *session, PGresult **result, struct fault *fault)
{
    int64_t deadline = clock_steady_ms() + session->answer_wait_ms;
    while (PQisBusy(session->conn)) {
        if (!wait_for(session, POLLIN, deadline, "waiting for an answer", fault))
            return false;
        if (!PQconsumeInput(session->conn))
            return lost(session, "connection lost", fault);
    }
    *result = PQgetResult(session->conn);
    return true;
}

static bool result_fault(struct session *session, const PGresult *result, struct fault *fault)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (!sqlstate)
        return lost(session, "connection lost", fault);
    bool constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) != NULL;
    /* The long parts come last: a text may be cut. */
    fault_set(fault, sqlstate_kind(sqlstate, constraint), "postgres: %s (SQLSTATE %s)%s%s%s%s",
              text ? text : "error", sqlstate, detail ? ": " : "", detail ? detail : "",
              context ? "; " : "", context ? context : "");
    /* Five characters of base 36 fit an int. */
    fault->code = sqlstate_is_known(sqlstate) ? (int)strtol(sqlstate, NULL, 36) : SINK_UNKNOWN;
    return false;
}

/* Takes all results of what was sent; keeps the last one with rows, and the first error. */
static bool collect(struct session *session, PGresult **rows, struct fault *fault)
{
    PGresult *result = NULL;
    bool good = true;
    for (;;) {
        if (!next_result(session, &result, fault))
            return false;
        if (!result)
            return good;
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COPY_IN) {
            PQclear(result);
            return good;
        }
        if (status == PGRES_TUPLES_OK) {
            PQclear(*rows);
            *rows = result;
            continue;
        }
        if (status != PGRES_COMMAND_OK && good)
            good = result_fault(session, result, fault);
        PQclear(result);
    }
}

bool session_query(struct session *session, str sql, PGresult **result, struct fault *fault)
{
    *result = NULL;
    if (!PQsendQuery(session->conn, sql.ptr))
        return lost(session, "connection lost", fault);
    if (flush_out(session, fault) && collect(session, result, fault))
        return true;
    PQclear(*result);
    *result = NULL;
    return false;
}

bool session_copy(struct session *session, str rows, struct fault *fault)
{
    if (PQputCopyData(session->conn, rows.ptr, (int)rows.len) != 1)
        return lost(session, "connection lost", fault);
    return flush_out(session, fault);
}

/* "COPY holding_pivot, line 3, column a": the first number behind the comma, in any language. */
static int64_t line_of_context(const char *context)
{
    const char *at = context ? strstr(context, "COPY ") : NULL;
    at = at ? strchr(at, ',') : NULL;
    while (at && *at && (*at < '0' || *at > '9'))
        at++;
    return at && *at ? strtoll(at, NULL, 10) : 0;
}

bool session_copy_end(struct session *session, int64_t *line, struct fault *fault)
{
    PGresult *result = NULL;
    bool good = true;
    *line = 0;
    if (PQputCopyEnd(session->conn, NULL) != 1)
        return lost(session, "connection lost", fault);
    if (!flush_out(session, fault))
        return false;
    while (next_result(session, &result, fault)) {
        if (!result)
            return good;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && good) {
            *line = line_of_context(PQresultErrorField(result, PG_DIAG_CONTEXT));
            good = result_fault(session, result, fault);
        }
        PQclear(result);
    }
    return false;
}

static void put_escaped(struct buf *sql, char *escaped)
{
    if (escaped)
        buf_str(sql, str_from(escaped));
    else
        sql->failed = true;
    PQfreemem(escaped);
}

void session_literal(struct session *session, struct buf *sql, str text)
{
    put_escaped(sql, PQescapeLiteral(session->conn, text.ptr ? text.ptr : "", text.len));
}

void session_identifier(struct session *session, struct buf *sql, str name)
{
    put_escaped(sql, PQescapeIdentifier(session->conn, name.ptr ? name.ptr : "", name.len));
}

void session_table(struct session *session, struct buf *sql, str name)
{
    str part;
    for (bool first = true; str_split(&name, '.', &part); first = false) {
        if (!first)
            buf_char(sql, '.');
        session_identifier(session, sql, part);
    }
}
