/*
 * pgbinary: rows in the binary form of PostgreSQL's COPY, for a table whose column types are known.
 * It says nothing of values it has no exact form for: where one comes, the row is written by pgcopy
 * in place of it, and PostgreSQL reads the text itself.
 */
#ifndef FIELDTRAIL_PGBINARY_H
#define FIELDTRAIL_PGBINARY_H

#include <fieldtrail/buf.h>
#include <fieldtrail/layout.h>

/* How the cells of a column are written. */
enum pgbinary_way {
    PGBINARY_NONE, /* the type is not known here */
    PGBINARY_TEXT, /* text, varchar, char and json: the bytes themselves */
    PGBINARY_JSONB,
    PGBINARY_BOOL,
    PGBINARY_INT2,
    PGBINARY_INT4,
    PGBINARY_INT8,
    PGBINARY_NUMERIC,
    PGBINARY_DATE,
    PGBINARY_TIMESTAMP,
    PGBINARY_TIMESTAMPTZ,
    PGBINARY_UUID,
    /* Of columns whose values are numbers before they are texts: */
    PGBINARY_OWN_TIME,
    PGBINARY_OWN_INT4,
    PGBINARY_OWN_INT8
};

/* The way for a column of this kind and a type of PostgreSQL, by the type's oid. */
enum pgbinary_way pgbinary_way(int64_t oid, enum column_kind kind);

struct pgbinary {
    const struct layout *layout;
    const enum pgbinary_way *way; /* of its columns, none of them PGBINARY_NONE */
};

/* What stands in front of the rows of a COPY, and behind them. */
#define PGBINARY_HEAD STR("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0")
#define PGBINARY_TAIL STR("\377\377")

/* Appends one row. False where a value has no exact form or the buffer failed; `out` may then hold
   part of the row. */
bool pgbinary_row(const struct pgbinary *form, const struct row *row, const struct batch *batch,
                  struct buf *out) MUST_CHECK;

#endif
