/*
 * debezium: the decoder of Debezium's JSON envelope, with or without its schema block, bare or in
 * the framing of a schema registry (JSON Schema).
 * Format: Debezium documentation, "Change event values"; Kafka Connect, JsonConverter.
 */
#ifndef FIELDTRAIL_DEBEZIUM_H
#define FIELDTRAIL_DEBEZIUM_H

#include <fieldtrail/decoder.h>

extern const struct decoder_type debezium_decoder;
extern const struct option_table debezium_options;

#endif
