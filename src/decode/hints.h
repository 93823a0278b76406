/*
 * hints: the types of columns that the configuration names (pivot.type.COLUMN and
 * pivot.type.SCHEMA.TABLE.COLUMN), for messages that do not say them.
 */
#ifndef FIELDTRAIL_HINTS_H
#define FIELDTRAIL_HINTS_H

#include <fieldtrail/change.h>
#include <fieldtrail/option.h>

#include "types.h"

struct hint_slot;

/* The type that a hint means, to connectors and to forms whose texts are printed (type_modes). */
struct hints {
    struct hint_slot *slot; /* a hash map over what stands behind "pivot.type." */
    size_t count, mask;
};

#define HINTS_KEY "pivot.type"

/* Reads all keys of the configuration that are hints. What it makes lives in the arena; names stay
   the configuration's. */
bool hints_load(struct hints *hints, const struct config *config, const struct type_modes *modes,
                struct arena *arena, struct fault *fault) MUST_CHECK;

/* The type of a column of the change's table, or NULL. That of the table goes before that of the
   column's bare name. */
const struct type *hints_find(const struct hints *hints, const struct change *change, str column,
                              bool printed);

#endif
