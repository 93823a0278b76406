/*
 * task: the loop. It polls a source, decodes, pivots, puts into a sink, flushes and commits, and is
 * the only place that decides to retry, to leave a record out or to stop. One thread runs it; other
 * threads may ask for its status and ask it to stop.
 */
#ifndef FIELDTRAIL_TASK_H
#define FIELDTRAIL_TASK_H

#include <pthread.h>
#include <stdatomic.h>

#include <fieldtrail/decoder.h>
#include <fieldtrail/sink.h>
#include <fieldtrail/source.h>

#include "dead_letter.h"
#include "half.h"
#include "letter_set.h"
#include "pivot.h"
#include "retry.h"
#include "latest.h"
#include "start.h"
#include "task_counts.h"
#include "task_search.h"

extern const struct option_table task_options;
/* Options of a task that delivers: batches, retries, where to begin. */
extern const struct option_table delivery_options;

enum tolerance { TOLERANCE_NONE, TOLERANCE_ALL };

enum task_state {
    TASK_UNASSIGNED,
    TASK_RUNNING,
    TASK_RETRYING,
    TASK_FAILED,
    TASK_STOPPED,
    TASK_PAUSED
};

const char *task_state_name(enum task_state state);

/* Turns a change into rows of the batch: the pivot, or what stands in for it. */
typedef bool task_rows(void *context, struct change *change, struct batch *batch,
                       struct fault *fault);

/* What others may see of a task; a consistent copy. */
struct task_status {
    enum task_state state;
    char trace[FAULT_TEXT_LIMIT]; /* the last fault, while it lasts */
    uint64_t records, rows, errors, flushes;
    uint64_t tries; /* flushes made to find refused records */
    uint64_t lanes;
    int64_t lag;                /* records known to be waiting */
    int64_t behind;             /* records of the logs that are not flushed, as far as is known */
    int64_t last_flush_us;      /* how long it took */
    int64_t undurable_since_ms; /* steady: since when the oldest record waits to be flushed that was
                                   taken, or was found waiting when the target or the brokers
                                   failed; 0: none does */
    struct task_counts counts;
};

#define TOPIC_NAME_LIMIT 249 /* Kafka's own */

/* The same of one lane that the task has had. */
struct task_lane {
    char topic[TOPIC_NAME_LIMIT + 1];
    int32_t partition;
    bool assigned;      /* now */
    int64_t next, high; /* where reading stands and where the log ends; OFFSET_NONE: not known */
    int64_t behind;     /* records of the log that are not flushed */
    bool active;        /* records were read of it since task_forget_topics */
};

struct task_settings {
    int tolerance;
    str letters_file, letters_topic;
    int64_t letters_replication;
    bool letters_headers;
    int64_t batch_rows_max, batch_bytes_max, flush_interval_ms, linger_ms;
    int64_t retry_delay_max_ms, retry_timeout_ms, revoke_flush_ms;
    int reset; /* enum start_reset */
};

/* FAULT_CONFIG where the places of dead letters contradict each other or the tolerance; `must_keep`
   where a record that is left out must not be lost. */
bool task_check_letters(const struct task_settings *settings, bool must_keep,
                        struct fault *fault) MUST_CHECK;

struct task {
    /* Borrowed, set by the caller: */
    struct source *source;
    struct decoder *decoder;
    struct sink *sink;
    task_rows *rows;
    void *rows_context;
    struct halves *halves;              /* of the pivot behind `rows`, or NULL */
    const struct pivot_counts *changes; /* of that pivot, or NULL */
    const struct layout *layout;        /* of the rows that are kept for people to see, or NULL */
    int id;                             /* of the connector's tasks, for dead letters to tell */
    struct dead_letters
        *letters;       /* NULL: opened by the options. The task's own from task_init on */
    atomic_bool stop;   /* set by anyone to end the loop */
    atomic_bool paused; /* set by anyone: the lanes are kept, and nothing of them is delivered */
    /* The task's own: */
    struct task_settings settings;
    struct batch batch;
    struct reach *reach; /* of each lane: what was put; next is OFFSET_NONE where it is not ours */
    int64_t *flushed;    /* of each lane: the position last flushed */
    int64_t *flushed_held; /* of each lane: reach.held with it */
    struct memory *memory;
    size_t lane_capacity;
    bool claimed; /* the lanes are ours at the sink too, and are being read */
    bool doubted; /* something failed since: the group must say that they are ours, before a claim
                   */
    uint64_t dirty_rows; /* put since the last flush */
    bool dirty;          /* records were taken since the last flush */
    int64_t dirty_since_ms, last_record_ms, last_commit_ms, give_up_ms;
    bool commit_due;
    uint64_t dirty_records;
    struct position last_taken;
    bool flush_refused; /* the last failure was the sink's, in a flush */
    struct search search;
    /* Of the batch at hand, while a refused record is near: what was taken since the last flush. */
    struct taken *taken; /* NULL: not kept */
    size_t taken_count;
    bool taken_whole; /* nothing that waits for a flush is older than the batch */
    bool resolving;
    bool sink_ready; /* claimed, and no flush has failed since */
    bool quick;      /* the lanes are taken up again at once: what brokers say is known */
    struct letter_set lettered;
    struct retry retry;
    struct fault failure; /* what is tried again, until something succeeds; else FAULT_NONE */
    uint64_t errors;
    uint64_t left_out; /* records, each time that one is: also those that have their letter */
    bool first_error_logged;
    int64_t newest_us[LEG_COUNT]; /* times of the last change taken: in the database, of the
                                     connector, in the log */
    pthread_mutex_t mutex;        /* guards what follows */
    struct task_status status;
    struct task_lane *lane_status; /* beside source->lane */
    size_t lane_status_count;
    struct latest latest;
};

/* Reads errors.* and, for a source that rewinds, the delivery options; opens the dead-letter file.
   source, sink and decoder must be set. FAULT_CONFIG where options are wrong. */
bool task_init(struct task *task, const struct config *config, struct fault *fault) MUST_CHECK;
void task_release(struct task *task);

/* For a task that ended and has another source now: forgets what it knew of the lanes, and opens
   the dead letters anew. */
bool task_renew(struct task *task, const struct config *config, struct fault *fault) MUST_CHECK;

/* Runs until the source ends or a stop is requested; everything taken is then flushed and
   committed. False with the fault that ended it, named with its place; everything before that
   place was flushed. Faults of the environment end only a task whose source cannot rewind. */
bool task_run(struct task *task, struct fault *fault) MUST_CHECK;

struct task_status task_get_status(struct task *task);

/* A copy of what is known of its lanes, in the arena; false where memory ran out. */
bool task_get_lanes(struct task *task, struct arena *arena, struct task_lane **lane,
                    size_t *count) MUST_CHECK;

/* No lane is active any more. */
void task_forget_topics(struct task *task);

/* Appends the last rows that were taken, newest first, as JSON objects separated by commas (see
   latest_write). */
void task_write_latest(struct task *task, struct buf *out);

#endif
