/*
 * source: fetches records and knows nothing of their meaning. All calls on the task's thread.
 *
 * Grammar: start (poll | commit | beat | turn)* stop, where turn is
 *     describe assign      after poll has set SOURCE_ASSIGNED
 *     unassign             after poll has set SOURCE_REVOKED or SOURCE_LOST
 *
 * Lanes are what records are ordered in: a topic-partition, an input file. A source whose lanes
 * never change hands (a file, a pipe) has none of them in `lane` and never takes a turn.
 */
#ifndef FIELDTRAIL_SOURCE_H
#define FIELDTRAIL_SOURCE_H

#include <fieldtrail/batch.h>
#include <fieldtrail/buf.h>

struct source_type;

enum source_turn {
    SOURCE_STEADY,
    SOURCE_ASSIGNED, /* lanes with `incoming` set are ours once their start is settled */
    SOURCE_REVOKED,  /* lanes with `outgoing` set must be flushed and given up */
    SOURCE_LOST      /* they are somebody else's already: nothing of them may be committed */
};

#define OFFSET_NONE ((int64_t)-1)

struct lane {
    str topic; /* lives as long as the source */
    int32_t partition;
    bool assigned, incoming, outgoing;
    bool resting;      /* not fetched while the others are: set by whoever calls pause */
    int64_t low, high; /* first and next offset of the log; set by describe */
    int64_t
        committed; /* the source's own memory of what is done (Kafka: the group), or OFFSET_NONE */
    int64_t committed_held; /* reach.held as it was committed with that */
    int64_t next;           /* where to read on: set by the task before assign, moved by poll */
    int64_t held; /* OFFSET_NONE, or where fetching begins: the records before `next` are given too,
                     for what they leave waiting. Set by the task before assign */
    int64_t last_us; /* timestamp of the record just before `next`, or TIME_UNKNOWN. Set before
                          assign, it is checked: see assign */
};

/* One that nothing is known of. */
static inline struct lane lane_new(str topic, int32_t partition)
{
    return (struct lane){.topic = topic,
                         .partition = partition,
                         .low = OFFSET_NONE,
                         .high = OFFSET_NONE,
                         .committed = OFFSET_NONE,
                         .committed_held = OFFSET_NONE,
                         .next = OFFSET_NONE,
                         .held = OFFSET_NONE,
                         .last_us = TIME_UNKNOWN};
}

/* It is not ours any more. */
static inline void lane_give_up(struct lane *lane)
{
    lane->assigned = lane->outgoing = false;
    lane->next = OFFSET_NONE;
    lane->last_us = TIME_UNKNOWN;
}

struct source {
    const struct source_type *type;
    bool ended;     /* nothing will ever come again: set by poll */
    bool whole;     /* every poll ends where transactions of the source database end */
    uint64_t split; /* with that: transactions that were given in parts all the same */
    enum source_turn turn;
    str identity;      /* of the system behind it (Kafka: the cluster's id); set by describe */
    struct lane *lane; /* all lanes seen so far; the index is position.lane of their records */
    size_t lane_count;
};

/* What is done of one lane. */
struct reach {
    uint32_t lane;
    int64_t next;    /* the position behind it */
    int64_t last_us; /* timestamp of the last record before that, or TIME_UNKNOWN */
    int64_t held;    /* where a delete half waits for its create half, or OFFSET_NONE */
};

struct source_type {
    const char *name;
    bool rewinds; /* has lanes, and can read again from any position of them */
    /* Appends records to the batch, none where nothing came within `timeout_ms` (0: take only what
       is there; never more than 500). A signal may end the wait early. Records it cannot take whole
       (too long, bad framing) are appended too, with `broken` set. */
    bool (*poll)(struct source *source, struct batch *batch, int timeout_ms, struct fault *fault);
    /* Tells the source's own memory what is durable; it is for people to look at, and for sinks
       that remember nothing themselves. `wait` asks for the answer: false with FAULT_RETRY where
       there is none, or it says that these lanes are not ours any more; a turn follows then. */
    bool (*commit)(struct source *source, const struct reach *reach, size_t count, bool wait,
                   struct fault *fault);
    /* Keeps whatever session the source has alive while nobody polls. */
    bool (*beat)(struct source *source, struct fault *fault);
    /* Where the record stands, for a person: "holding.jsonl:7", "bank.holding[3]@12". */
    void (*place)(const struct source *source, const struct record *record, struct buf *out);
    /* Fills low, high and committed of all lanes of the topics that are coming in, also of those
       that are not ours. FAULT_RETRY where the source does not answer. */
    bool (*describe)(struct source *source, struct fault *fault);
    /* Reads on from lane.next (from lane.held, where that is still in the log), of all lanes
       incoming or assigned; what was fetched ahead is dropped. Where last_us is known, the record
       before `next` is fetched too and must have that timestamp: poll fails with FAULT_CONFIG
       otherwise. */
    bool (*assign)(struct source *source, struct fault *fault);
    /* Gives up the lanes that are outgoing. */
    bool (*unassign)(struct source *source, struct fault *fault);
    /* Stops fetching, or goes on (with all lanes but those that rest); the session is kept. */
    bool (*pause)(struct source *source, bool paused, struct fault *fault);
    /* Ends it and frees it. */
    void (*stop)(struct source *source);
};

static inline MUST_CHECK bool source_poll(struct source *source, struct batch *batch,
                                          int timeout_ms, struct fault *fault)
{
    return source->type->poll(source, batch, timeout_ms, fault);
}

static inline MUST_CHECK bool source_commit(struct source *source, const struct reach *reach,
                                            size_t count, bool wait, struct fault *fault)
{
    return source->type->commit(source, reach, count, wait, fault);
}

#endif
