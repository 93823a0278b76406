/*
 * kcat: takes the JSON object of `kcat -J` apart: topic, partition, offset, timestamp, headers, key
 * and payload. Format: kcat 1.7, json.c; dead letters are written in the same form, with
 * payload_base64 where the payload is no UTF-8.
 */
#ifndef FIELDTRAIL_KCAT_H
#define FIELDTRAIL_KCAT_H

#include <fieldtrail/batch.h>

/* True where the line is such an object: then the record's Kafka members are filled, its texts in
   the arena. False, and the record as it was, for every other line. */
bool kcat_read(str line, struct arena *arena, struct record *record);

#endif
