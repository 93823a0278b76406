/*
 * record: bytes with a place, as a source fetched them. All slices live as long as the batch.
 */
#ifndef FIELDTRAIL_RECORD_H
#define FIELDTRAIL_RECORD_H

#include <fieldtrail/value.h>

/* Ordered within a lane only. A lane is a topic-partition, a replication slot, an input file. */
struct position {
    uint32_t lane; /* the source's number for it */
    int64_t mark;  /* offset, LSN, line: what the source counts */
};

/* No time is known. */
#define TIME_UNKNOWN INT64_MIN

struct header {
    str name, value;
    bool has_value;
};

struct record {
    struct position at;
    str topic;         /* Kafka's, or empty */
    int32_t partition; /* Kafka's, or -1 */
    int64_t offset;    /* Kafka's, or -1 */
    int64_t time_us;   /* Kafka's timestamp, or TIME_UNKNOWN */
    str key, value;
    bool keyed;     /* the source delivers message keys, so that a missing one means "no key" */
    bool has_key;   /* this record's key is not null */
    bool has_value; /* false: a tombstone */
    str broken;     /* why the source could not take it whole; empty: it did */
    const struct header *header;
    size_t header_count;
    size_t like_last; /* so many bytes at the beginning of `value` are those of the record before it
                         in its lane (mark - 1); 0 where nobody has looked */
};

#endif
