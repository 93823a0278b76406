/*
 * fill: a psql script made into plain SQL. Its variables (:name, :'name', :"name") get their
 * values; lines for psql alone are left out.
 */
#ifndef FIELDTRAIL_FILL_H
#define FIELDTRAIL_FILL_H

#include <fieldtrail/arena.h>
#include <fieldtrail/buf.h>

struct fill_value {
    str name, value;
};

/* Appends the script to `out`. A variable that is not among the values has the one of the script's
   own `\set NAME VALUE`; where there is none it stays as it is, which psql does, too. As with psql,
   there are no variables in comments and quotes ('…', "…", $…$). Lines that begin with a backslash
   are left out, but for `\echo TEXT`, which becomes a comment. */
void fill_script(str script, const struct fill_value *value, size_t count, struct buf *out);

/* The value of the script's own \set of that name, its quotes taken off; false where there is
   none. */
bool fill_default(str script, str name, struct arena *arena, str *value) MUST_CHECK;

/* Appends the names that the script sets, with a comma and a blank between them. */
void fill_names(str script, struct buf *out);

#endif
