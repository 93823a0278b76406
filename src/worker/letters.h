/*
 * letters: reads dead letters again, from the topic or the file that a connector names: what they
 * were, and why they are there.
 */
#ifndef FIELDTRAIL_LETTERS_H
#define FIELDTRAIL_LETTERS_H

#include "connector.h"

/* A dead letter. Texts live as long as the batch. */
struct letter {
    struct record record; /* as it was: place, headers and all, where the letter tells them */
    bool has_origin;      /* topic, partition and offset are known */
    str connector, stage, class_name, message;
};

struct letters {
    struct arena arena;
    struct config config; /* the connector's, but for the topic */
    struct source *source;
    char file[4096];
    const char *files[1];
    bool ended;
};

/* Finds the letters of the connector and stands before the first. FAULT_CONFIG where it names none,
   or they are not there. To be closed on success and on failure. */
bool letters_open(struct letters *letters, const struct connector *connector,
                  struct fault *fault) MUST_CHECK;
void letters_close(struct letters *letters);

/* Reads some more into the batch, as records; none where all are read (`ended`). Only letters that
   were there at the beginning are read. */
bool letters_read(struct letters *letters, struct batch *batch, struct fault *fault) MUST_CHECK;

/* What a record of letters tells. */
bool letter_of_record(const struct record *record, struct arena *arena, struct letter *letter,
                      struct fault *fault) MUST_CHECK;

/* Appends the cause with its particulars left out: numbers and quoted texts, so that letters of one
   cause have one text. */
void letter_put_cause(const struct letter *letter, struct buf *out);

#endif
