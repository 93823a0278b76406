/*
 * ilp: rows as lines of QuestDB's ingestion protocol, for a table whose columns are known. What a
 * column's type cannot hold is refused, for the server would change it in silence: the smallest
 * integer is its NULL, and a boolean has none.
 */
#ifndef FIELDTRAIL_ILP_H
#define FIELDTRAIL_ILP_H

#include <fieldtrail/encoder.h>

enum ilp_type {
    ILP_SYMBOL, /* they come first in a line */
    ILP_TEXT,
    ILP_INT,
    ILP_LONG,
    ILP_DOUBLE,
    ILP_NUMBER, /* a DOUBLE that is NULL where the value is no number, or beyond it */
    ILP_BOOLEAN,
    ILP_TIME /* microseconds */
};

struct ilp_column {
    struct column column; /* where the value comes from, and its name in the table */
    enum ilp_type type;
    str lead; /* ",name=", escaped: see ilp_put_name */
};

/* A table's lines. The array and all texts are the caller's. */
struct ilp {
    str table; /* escaped */
    const struct ilp_column *column;
    size_t count;
};

/* Names are cut by the server's file system; a longer one is refused before. */
#define ILP_NAME_LIMIT 127

/* Appends the name as QuestDB takes it: what it forbids becomes '_'. */
void ilp_put_column_name(struct buf *out, str name);
void ilp_put_table_name(struct buf *out, str name);

/* Appends a name as it stands in a line. */
void ilp_put_name(struct buf *out, str name);

/* Puts symbols in front of all others, as lines want it. */
void ilp_sort(struct ilp_column *column, size_t count);

/* Appends one line; its time is the row's event_time. FAULT_RECORD where a value does not fit its
   column, or the time is unknown or outside the years 1970 to 9999, or the buffer's limit is
   reached; FAULT_RETRY where memory ran out. `out` may then hold part of the line. */
bool ilp_row(const struct ilp *ilp, const struct row *row, const struct batch *batch,
             struct buf *out, struct fault *fault) MUST_CHECK;

#endif
