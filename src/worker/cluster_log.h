/*
 * cluster_log: one compacted topic that the workers of a cluster share, read from its beginning to
 * its end and then as it grows, by a thread of its own. Who opens it keeps the map of keys; the log
 * hands over its records, one at a time, and never what is not committed.
 *
 * The topic is made where it is missing, and refused where it is not what it must be. Brokers that
 * are away are waited for, for ever.
 */
#ifndef FIELDTRAIL_CLUSTER_LOG_H
#define FIELDTRAIL_CLUSTER_LOG_H

#include <fieldtrail/buf.h>
#include <fieldtrail/option.h>

/* Larger ones are none of ours. Configurations are limited to less when they are made. */
#define CLUSTER_KEY_LIMIT 1024
#define CLUSTER_VALUE_LIMIT ((size_t)1000 * 1000)
#define CLUSTER_BATCH_LIMIT 4

struct cluster_log;

struct cluster_record {
    str key, value;
    bool has_value; /* false: a tombstone */
    bool old;       /* it was there before reading began */
    int32_t partition;
    int64_t offset;
    int64_t age_ms; /* of an old record, by the clocks of its writer and of this machine */
};

/* Takes a record, on the log's thread; its texts are borrowed for the call. False with FAULT_RECORD
   where it is none of ours: it is skipped, counted and, the first time, said. With FAULT_CONFIG
   where the whole log is somebody else's: it is refused. */
typedef bool cluster_take(void *context, const struct cluster_record *record, struct fault *fault);

struct cluster_log_options {
    const struct config *config; /* the worker's; outlives the log, like all texts here */
    const char *key;             /* "config.storage.topic", for messages */
    str topic;
    int64_t replication_factor; /* 0: three, or as many as there are brokers */
    bool single;                /* more than one partition is refused */
    bool trusted;         /* cleanup.policy is not asked for: librdkafka's own broker is mute */
    str transactional_id; /* for cluster_log_write; empty where cluster_log_send is used */
    cluster_take *take;
    void *context;
};

/* Starts reading. NULL with FAULT_CONFIG where the clients' settings are wrong. Closing waits for
   the thread. */
struct cluster_log *cluster_log_open(const struct cluster_log_options *options,
                                     struct fault *fault);
void cluster_log_close(struct cluster_log *log);

/* Ends its thread soon, and whoever waits for the log gives up: to be closed later. */
void cluster_log_stop(struct cluster_log *log);

enum cluster_log_state {
    CLUSTER_LOG_STARTING, /* its end has not been reached yet; the fault may say why */
    CLUSTER_LOG_READY,
    CLUSTER_LOG_REFUSED /* it is not read any more; the fault names the remedy */
};

enum cluster_log_state cluster_log_state(struct cluster_log *log, struct fault *fault);

/* The id of Kafka's cluster, in the arena; empty as long as no broker has told it. */
str cluster_log_cluster_id(struct cluster_log *log, struct arena *arena);

/* How many records were none of ours. */
uint64_t cluster_log_skipped(struct cluster_log *log);

/* Waits until all that was committed before the call has been taken. FAULT_RETRY after the
   deadline, FAULT_CONFIG where the log is refused. */
bool cluster_log_catch_up(struct cluster_log *log, int64_t deadline_ms,
                          struct fault *fault) MUST_CHECK;

/* ---- writing by one at a time ---- */

/* What one transaction writes. */
struct cluster_batch {
    struct {
        struct buf key, value;
        bool has_value;
    } item[CLUSTER_BATCH_LIMIT];
    size_t count;
};

/* Adds a record and gives the place of its value, to be written by the caller. */
struct buf *cluster_batch_put(struct cluster_batch *batch, const char *kind, str name);
void cluster_batch_bury(struct cluster_batch *batch, const char *kind, str name);

/* Decides what to write, knowing all that was ever written: everything in the log has been taken
   when it is called, and what it says is not written if anybody else writes before. It may be
   called several times. False with the fault: nothing is written, and that is the answer. */
typedef bool cluster_decide(void *context, struct cluster_batch *batch, struct fault *fault);

enum cluster_written {
    CLUSTER_WRITTEN, /* and taken again: who reads now, reads it */
    CLUSTER_DENIED,  /* by the decision; the fault is its own */
    CLUSTER_LATE     /* not within the time: brokers away, or others were always quicker */
};

/* One at a time in the whole cluster: a transactional producer, whose start fences off all others
   of its id, writes only if none of them started since. */
enum cluster_written cluster_log_write(struct cluster_log *log, cluster_decide *decide,
                                       void *context, int64_t deadline_ms,
                                       struct fault *fault) MUST_CHECK;

/* ---- writing at any time ---- */

/* Hands a record over to be sent soon; `value` ptr NULL is a tombstone. It may get lost with the
   brokers: whoever reads the log sees whether it has arrived. */
void cluster_log_send(struct cluster_log *log, str key, str value);

/* Waits until all that was sent has arrived, or the deadline. */
void cluster_log_flush(struct cluster_log *log, int64_t deadline_ms);

#endif
