/*
 * kcat: takes the JSON object of `kcat -J` apart: topic, partition, offset, timestamp, headers, key
 * and payload. Format: kcat 1.7, json.c; dead letters are written in the same form, with
 * payload_base64 where the payload is no UTF-8.
 */
#ifndef FIELDTRAIL_KCAT_H
#define FIELDTRAIL_KCAT_H

#include <fieldtrail/batch.h>
#include <fieldtrail/fault.h>

/* Sets `is_kcat` where the line is such an object: then the record's Kafka members are filled, its
   texts in the arena. Every other line leaves the record as it was. False (FAULT_RETRY) where
   memory ran out. */
bool kcat_read(str line, struct arena *arena, struct record *record, bool *is_kcat,
               struct fault *fault) MUST_CHECK;

#endif
