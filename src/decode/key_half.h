/*
 * key_half: whether a record is one half of an update that moved the row's key, by the headers that
 * Debezium gives it: __debezium.newkey on the delete, __debezium.oldkey on the create.
 * Format: Debezium documentation, "Primary key updates" of each connector.
 */
#ifndef FIELDTRAIL_KEY_HALF_H
#define FIELDTRAIL_KEY_HALF_H

#include <fieldtrail/change.h>

#include "reading.h"

/* Sets `half` and `old_key` of a change whose op, record and message key are set. `row` is the
   schema of the image, which types the old key; NULL without one. A header that cannot be read (a
   text with a line feed is written into it raw) still tells the half. FAULT_RETRY where memory ran
   out. */
bool key_half_read(const struct schema *row, const struct reading *reading, struct change *change,
                   struct fault *fault) MUST_CHECK;

#endif
