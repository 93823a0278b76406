/*
 * logical_message: what pg_logical_emit_message wrote into the log: who, why, or whatever an
 * application says of its transaction.
 * Format: Debezium documentation, PostgreSQL connector, "message events".
 */
#ifndef FIELDTRAIL_LOGICAL_MESSAGE_H
#define FIELDTRAIL_LOGICAL_MESSAGE_H

#include <fieldtrail/change.h>

#include "schema.h"

/* Sets prefix and content of the change. The content is bytes; where they are text, the value is
   that text, otherwise PostgreSQL's hex form (\x00ff). FAULT_RETRY where memory ran out. */
bool logical_message_read(const struct json *payload, const struct schema *schema,
                          struct arena *arena, struct change *change,
                          struct fault *fault) MUST_CHECK;

#endif
