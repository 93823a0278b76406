/*
 * source: fetches records and knows nothing of their meaning. All calls on the task's thread.
 *
 * Grammar: start (poll | commit | beat)* stop.
 */
#ifndef FIELDTRAIL_SOURCE_H
#define FIELDTRAIL_SOURCE_H

#include <fieldtrail/batch.h>

struct source_type;

struct source {
    const struct source_type *type;
    bool ended; /* nothing will ever come again: set by poll */
};

struct source_type {
    const char *name;
    /* Appends records to the batch, none where nothing came within `timeout_ms` (0: take only what
       is there; never more than 500). A signal may end the wait early. Records it cannot take whole
       (too long, bad framing) are appended too, with `broken` set. */
    bool (*poll)(struct source *source, struct batch *batch, int timeout_ms, struct fault *fault);
    /* The rows of everything up to and including these positions, one a lane, are durable. */
    bool (*commit)(struct source *source, const struct position *reach, size_t count,
                   struct fault *fault);
    /* Keeps whatever session the source has alive while nobody polls. */
    bool (*beat)(struct source *source, struct fault *fault);
    /* Where the record stands, for a person: "holding.jsonl:7", "bank.holding[3]@12". */
    void (*place)(const struct source *source, const struct record *record, struct buf *out);
    /* Ends it and frees it. */
    void (*stop)(struct source *source);
};

static inline MUST_CHECK bool source_poll(struct source *source, struct batch *batch,
                                          int timeout_ms, struct fault *fault)
{
    return source->type->poll(source, batch, timeout_ms, fault);
}

#endif
