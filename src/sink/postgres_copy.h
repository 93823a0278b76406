/*
 * postgres_copy: the tables that rows go to (postgres_table.c), and COPY into them. Internal to the
 * PostgreSQL sink.
 */
#ifndef FIELDTRAIL_POSTGRES_COPY_H
#define FIELDTRAIL_POSTGRES_COPY_H

#include "blame.h"
#include "encoders.h"
#include "pgbinary.h"
#include "postgres.h"
#include "session.h"

/* "if not exists" does not keep two that create at once apart; this does, until the statement's
   transaction ends. The number is ours alone: "fieldtra" in ASCII. */
#define CREATE_LOCK "select pg_advisory_xact_lock(7379819838193824353); "

/* Rows of a table in one of COPY's two forms. */
struct copy {
    struct target *target;
    struct buf rows;
    struct blame blame; /* whose the lines of its COPY are */
    size_t lines;       /* put since the last true flush */
    /* While the rows of a record are put: */
    struct copy *also;   /* the next one that has any */
    size_t start, fresh; /* where its first one begins; how many there are */
    bool touched;
};

/* A table that rows go to. They are sent in the binary form where all its columns are of types that
   we know, and by then we know the table. From the first row that has a value without an exact
   binary form, all go as text until the flush, behind the others: the server reads what we cannot,
   or refuses it, and rows keep their order. */
struct target {
    struct target *next;
    str name;
    const struct layout *layout;
    struct copy binary, text;
    const char **copied_type; /* of the copied columns, by the first event that told them */
    bool typed;
    bool checked;           /* it was made or found, with all columns, on this connection */
    bool known;             /* and these are the types of its columns: */
    int64_t *oid;           /* as they are compared in every transaction that sends binary rows */
    enum pgbinary_way *way; /* as rows are written */
};

/* What is known of a lane: the index is the lane's number. */
struct claim {
    int64_t epoch, next;
};

/* Records of a lane that were left out one behind the other. */
struct left_out {
    uint32_t lane;
    int64_t low, high; /* offsets, both left out */
};

struct postgres {
    struct sink sink;
    struct session session; /* the one connection */
    struct postgres_identity identity;
    const struct layout *layout;
    struct encoder encoder;
    struct target *target;
    size_t target_count;
    struct copy *open, *touched; /* whose COPY the connection is in */
    struct claim *claim;
    size_t claim_count;
    struct left_out *left_out; /* since the last true flush */
    size_t left_out_count, left_out_capacity;
    struct buf sql;
    struct arena arena; /* names of targets */
    bool begun;         /* a transaction is open */
    /* Options: */
    str uri, table, message_table;
    bool create, tolerant; /* errors.tolerance=all */
    int delivery;
    int64_t claim_timeout_ms;
};

/* For the replay, which shares all but claim and flush. */
const struct sink_type *postgres_type(void);
bool postgres_connect(struct postgres *self, struct fault *fault) MUST_CHECK;

/* Runs what stands in self->sql. */
bool postgres_run(struct postgres *self, PGresult **result, struct fault *fault) MUST_CHECK;

/* A cell that is a number; `otherwise` where it is NULL. */
int64_t postgres_cell(const PGresult *result, int row, int column, int64_t otherwise);

/* postgres_table.c: the table that this change's rows go to; NULL with the fault set. */
struct target *postgres_target(struct postgres *self, const struct change *change,
                               struct fault *fault);

/* Makes the table where that is asked for, looks whether it takes all columns, and learns their
   types; once on a connection. */
bool postgres_check_target(struct postgres *self, struct target *target,
                           struct fault *fault) MUST_CHECK;

/* Appends the names of the table's columns to self->sql. */
void postgres_put_columns(struct postgres *self, const struct target *target, bool with_types);

/* Appends what holds the types of a known table until the transaction ends, and fails by dividing
   by zero where they are not those that were learned. */
void postgres_put_hold(struct postgres *self, const struct target *target);

/* Everything since the last true flush is forgotten; the connection is closed, for what is under
   way on it must not commit. */
void postgres_forget(struct postgres *self);

/* Everything since the last true flush is stored. */
void postgres_settle(struct postgres *self);

/* SQL for the version that the comment of a pivot table tells, by its oid; -1 where it has none. */
#define POSTGRES_VERSION_OF(oid)                                                                   \
    "coalesce(substring(obj_description(" oid ", 'pg_class') "                                     \
    "from 'fieldtrail table version ([0-9]{1,6})')::integer, -1)"

/* Whether that version is the one that is written; FAULT_CONFIG with the remedy where it is not. */
bool postgres_judge_version(const char *version, struct fault *fault) MUST_CHECK;

/* Opens the transaction of a flush, where that has not happened. */
bool postgres_begin(struct postgres *self, struct fault *fault) MUST_CHECK;

/* sink_type.put. */
bool postgres_put(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
                  struct fault *fault);

#define SQLSTATE_DIVISION_BY_ZERO                                                                  \
    3452582 /* 22012 in base 36: a closing query found another state */

/* The statement that makes fieldtrail_left_out where it is missing; also beside others that do. */
extern const char postgres_left_out_table[];

/* sink_type.leave_out. */
bool postgres_leave_out(struct sink *sink, struct position at, struct fault *fault) MUST_CHECK;

/* Appends to self->sql what stores the records that were left out, if any were. It belongs between
   the query that moves the positions, whose locks it needs, and the commit in the same query. */
void postgres_put_left_out(struct postgres *self, const struct lane *lane);

/* Sends all that is left, table by table, and ends every COPY. */
bool postgres_finish_copies(struct postgres *self, struct fault *fault) MUST_CHECK;

#endif
