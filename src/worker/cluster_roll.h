/*
 * cluster_roll: which workers live: who was heard within the last 15 seconds. Seconds pass here
 * only from one of our own heartbeats to the next, as they come back from the brokers: so while
 * brokers are away, or this process was stopped, nobody dies, and after an outage of all nobody is
 * taken for dead who only needs a moment longer to be heard again. One owner, no locks.
 */
#ifndef FIELDTRAIL_CLUSTER_ROLL_H
#define FIELDTRAIL_CLUSTER_ROLL_H

#include <fieldtrail/str.h>

#define CLUSTER_LIVE_MS 15000
#define CLUSTER_BEAT_MS 3000
/* From one heartbeat of ours to the next no more than this passes. */
#define CLUSTER_STEP_LIMIT_MS (INT64_C(2) * CLUSTER_BEAT_MS)
#define CLUSTER_MEMBER_LIMIT 200
#define CLUSTER_INSTANCE_LIMIT 64
#define CLUSTER_ID_LIMIT 300

struct cluster_member {
    char id[CLUSTER_ID_LIMIT], instance[CLUSTER_INSTANCE_LIMIT];
    int64_t heard_ms;
    bool left;
};

struct cluster_roll {
    struct cluster_member member[CLUSTER_MEMBER_LIMIT]; /* the first is this worker */
    size_t count;
    int64_t now_ms;   /* as it passes here */
    int64_t beat_ms;  /* by the clock, when we last heard ourselves */
    bool joined;      /* we have heard ourselves */
    uint64_t changes; /* grows whenever another set of workers lives */
    char live[CLUSTER_MEMBER_LIMIT];
};

/* False where a name is too long. */
bool cluster_roll_init(struct cluster_roll *roll, str id, str instance) MUST_CHECK;

/* A heartbeat that was written `age_ms` ago, heard at `steady_ms`. False where it is another
   worker's under our own name. */
bool cluster_roll_hear(struct cluster_roll *roll, str id, str instance, int64_t age_ms,
                       int64_t steady_ms) MUST_CHECK;

/* A worker said that it leaves. */
void cluster_roll_leave(struct cluster_roll *roll, str id);

/* Whether what this instance said still counts. */
bool cluster_roll_lives(const struct cluster_roll *roll, str id, str instance);

/* The ids of all that live, this worker first; they live as long as the roll is not changed. */
size_t cluster_roll_live(const struct cluster_roll *roll, str id[CLUSTER_MEMBER_LIMIT]);

#endif
