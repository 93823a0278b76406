/*
 * dead_letter: a file of records that could not be processed, one JSON line each, in the form of
 * kcat -J, so that the file can be given to `fieldtrail pivot` again once the cause is mended. The
 * cause stands in headers named as Kafka Connect names them (__connect.errors.*).
 */
#ifndef FIELDTRAIL_DEAD_LETTER_H
#define FIELDTRAIL_DEAD_LETTER_H

#include <fieldtrail/fault.h>
#include <fieldtrail/record.h>

struct dead_letters;

/* Where in the way of a record it failed: Connect's names of stages. */
#define STAGE_DECODE "VALUE_CONVERTER"
#define STAGE_PUT "TASK_PUT"

/* Opens the file for appending, made if it is missing. NULL with FAULT_CONFIG. */
struct dead_letters *dead_letters_open(str path, struct fault *fault);

/* Adds one letter. `place` says where the record stood, for a person. */
bool dead_letters_add(struct dead_letters *letters, const struct record *record, str place,
                      const char *stage, const struct fault *cause, struct fault *fault) MUST_CHECK;

/* True: all letters are on disk (fsync). A failed fsync is not tried again. */
bool dead_letters_flush(struct dead_letters *letters, struct fault *fault) MUST_CHECK;

/* Closes and frees; NULL is fine. */
void dead_letters_close(struct dead_letters *letters);

#endif
