/*
 * batch: owns every byte its records, changes and rows point to, and is reset whole, never in part.
 * A source appends records, the pivot appends rows.
 */
#ifndef FIELDTRAIL_BATCH_H
#define FIELDTRAIL_BATCH_H

#include <fieldtrail/change.h>
#include <fieldtrail/fault.h>

/* Takes a library's object back once nothing of the batch points into it any more. */
typedef void batch_unpin(void *thing);

struct batch_pin {
    void *thing;
    batch_unpin *unpin;
};

struct batch {
    struct arena arena;
    struct record *record;
    size_t record_count, record_capacity;
    struct row *row;
    size_t row_count, row_capacity;
    struct batch_pin *pin;
    size_t pin_count, pin_capacity;
    int64_t inserted_us; /* the time of day when it was filled: datetime_inserted of its rows */
    str inserted_text;   /* the same as it is printed; empty where nobody has printed it */
};

/* At most `limit` bytes of its own (pinned objects not counted). */
void batch_init(struct batch *batch, size_t limit);
void batch_release(struct batch *batch);

/* Says when it was filled. */
bool batch_stamp(struct batch *batch, int64_t inserted_us, struct fault *fault) MUST_CHECK;

/* Empties it and unpins everything. */
void batch_reset(struct batch *batch);

/* Room for one more. */
SELDOM bool batch_grow_records(struct batch *batch, struct fault *fault) MUST_CHECK;
SELDOM bool batch_grow_rows(struct batch *batch, struct fault *fault) MUST_CHECK;

/* A cleared record at the end; NULL (FAULT_RETRY) where memory ran out. The pointer holds until
   the next call: sources use it at once. */
static inline MUST_CHECK struct record *batch_add_record(struct batch *batch, struct fault *fault)
{
    if (batch->record_count == batch->record_capacity && !batch_grow_records(batch, fault))
        return NULL;
    struct record *record = &batch->record[batch->record_count++];
    *record = (struct record){.partition = -1, .offset = -1, .time_us = TIME_UNKNOWN};
    return record;
}

static inline MUST_CHECK bool batch_add_row(struct batch *batch, struct row row,
                                            struct fault *fault)
{
    if (batch->row_count == batch->row_capacity && !batch_grow_rows(batch, fault))
        return false;
    batch->row[batch->row_count++] = row;
    return true;
}

/* The batch owns `thing` from here on and unpins it at reset; on failure the caller keeps it. */
bool batch_pin(struct batch *batch, void *thing, batch_unpin *unpin,
               struct fault *fault) MUST_CHECK;

#endif
