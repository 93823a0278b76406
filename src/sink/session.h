/*
 * session: one connection to PostgreSQL, driven without blocking. Every wait goes through the
 * sink's `idle`, so the source stays alive while the server thinks.
 */
#ifndef FIELDTRAIL_SESSION_H
#define FIELDTRAIL_SESSION_H

#include <libpq-fe.h>

#include <fieldtrail/buf.h>
#include <fieldtrail/fault.h>
#include <fieldtrail/sink.h>

struct session {
    struct sink *sink; /* for idle */
    PGconn *conn;      /* NULL: not connected */
    int64_t answer_wait_ms;
};

/* Connects. FAULT_CONFIG for a wrong password and the like, FAULT_RETRY for all else. */
bool session_open(struct session *session, str uri, str application,
                  struct fault *fault) MUST_CHECK;

/* Ends the connection at once; what is under way rolls back. */
void session_close(struct session *session);

/* Runs one or several statements (simple query protocol). Gives the last result that has rows, or
   NULL where none had; the caller clears it. A COPY … FROM STDIN at the end leaves the session in
   copy mode. On false the connection may be of no more use: close it. */
bool session_query(struct session *session, str sql, PGresult **result,
                   struct fault *fault) MUST_CHECK;

/* Sends rows in copy mode; returns once the socket took them. */
bool session_copy(struct session *session, str rows, struct fault *fault) MUST_CHECK;

/* Ends copy mode. On FAULT_RECORD `line` is the row's number within this COPY, from 1, or 0 where
   the server did not tell. */
bool session_copy_end(struct session *session, int64_t *line, struct fault *fault) MUST_CHECK;

/* Appends a quoted literal or identifier. A table's name may be SCHEMA.TABLE. */
void session_literal(struct session *session, struct buf *sql, str text);
void session_identifier(struct session *session, struct buf *sql, str name);
void session_table(struct session *session, struct buf *sql, str name);

#endif
