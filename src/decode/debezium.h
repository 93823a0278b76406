/*
 * debezium: the decoder of Debezium's JSON envelope, with or without its schema block, bare or in
 * the framing of a schema registry (JSON Schema).
 * Format: Debezium documentation, "Change event values"; Kafka Connect, JsonConverter.
 */
#ifndef FIELDTRAIL_DEBEZIUM_H
#define FIELDTRAIL_DEBEZIUM_H

#include <fieldtrail/decoder.h>

#include "envelope.h"
#include "schema.h"

extern const struct decoder_type debezium_decoder;
extern const struct option_table debezium_options;

/* Code of the fault of a message that is JSON and nothing of Debezium's. */
#define DEBEZIUM_FOREIGN 2001

/* Counts what makes no change; false for what may make one. */
bool debezium_count(struct decoder *decoder, enum message_kind kind) MUST_CHECK;

/* For other forms: reads the images of a change whose op is set into its columns, and Kafka's
   message key with the headers of key changes. `decoder` is one of ours; `schema` has the fields
   before and after, or is NULL. */
bool debezium_images(struct decoder *decoder, const struct envelope *envelope,
                     const struct schema *schema, struct arena *arena, struct change *change,
                     struct fault *fault) MUST_CHECK;
bool debezium_key(struct decoder *decoder, const struct record *record, struct arena *arena,
                  struct change *change, struct fault *fault) MUST_CHECK;

#endif
