/*
 * table_name: which table a change goes to, by a configured name with placeholders.
 */
#ifndef FIELDTRAIL_TABLE_NAME_H
#define FIELDTRAIL_TABLE_NAME_H

#include <fieldtrail/buf.h>
#include <fieldtrail/change.h>

/* True where the name is the same for every change. */
bool table_name_is_fixed(str pattern);

/* The pattern with ${table}, ${schema} and ${topic} of the change put in; it lives in `out`, which
   is cleared before. */
str table_name(str pattern, const struct change *change, struct buf *out);

#endif
