/*
 * worker: the connectors of one worker by name: what they should be, and what runs. Any thread may
 * change what should be or take a snapshot; one thread, the worker's own, calls worker_turn, which
 * makes it so: it starts and stops tasks, and never waits for one. One mutex guards all of it.
 *
 * The words are Kafka Connect's: a paused connector keeps its partitions and delivers nothing, a
 * stopped one has no tasks.
 */
#ifndef FIELDTRAIL_WORKER_H
#define FIELDTRAIL_WORKER_H

#include "connector.h"
#include "history.h"

#define CONNECTOR_LIMIT 1000
#define WORKER_ID_LIMIT 300

enum target_state { TARGET_STARTED, TARGET_PAUSED, TARGET_STOPPED };

/* "STARTED" ...; Connect's words in its configuration topic and in `initial_state`. */
const char *target_state_name(enum target_state target);

enum run_state {
    RUN_UNASSIGNED, /* to be started, and not there yet */
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_STOPPED,
    RUN_FAILED,
    RUN_RESTARTING
};

const char *run_state_name(enum run_state state);

/* Snapshots; their texts live in the arena they were asked with. */

struct worker_task {
    int id;
    enum run_state state;
    str trace;                 /* why it failed; else empty */
    struct task_status status; /* in more detail; all 0 where it does not run here */
    struct task_lane *lane;
    size_t lane_count;
};

/* Sums over the tasks of a connector: counters also of those that are gone. */
struct worker_sum {
    struct task_counts counts;
    int64_t behind;       /* records that wait */
    struct sample sample; /* the last one of the history; NAN: there is none */
};

struct worker_connector {
    str name, class;      /* class is empty where the configuration names none */
    struct config config; /* as it was given */
    enum target_state target;
    enum run_state state;
    str trace;
    int64_t tasks_max;        /* ids 0...n-1, in the whole cluster */
    struct worker_task *task; /* those that should run here, and those that are still ending */
    size_t task_count;
    struct str_list topics; /* that records were read from since worker_reset_topics, in order */
    struct worker_sum sum;
};

/* The last hour, oldest first, at intervals of HISTORY_INTERVAL_MS. */
struct worker_samples {
    struct sample *sample;
    size_t count;
    int64_t age_ms; /* of the last one */
};

/* Sums over all tasks that have run. */
struct worker_totals {
    uint64_t records, rows, lanes;
    int64_t lag, last_flush_us;
    enum task_state worst;
};

struct worker;

/* `properties` are the worker's and are borrowed; `id` is what statuses call this worker. */
struct worker *worker_new(const struct config *properties, str id, struct fault *fault);

/* Asks all tasks to stop, waits for them, and frees all. */
void worker_free(struct worker *worker);

str worker_id(const struct worker *worker);
const struct config *worker_properties(const struct worker *worker);

/* The names, in order; a copy. */
bool worker_names(struct worker *worker, struct arena *arena, struct str_list *names,
                  struct fault *fault) MUST_CHECK;

/* The connector of that name; false without a fault (FAULT_NONE) where there is none. */
bool worker_get(struct worker *worker, str name, struct arena *arena, struct worker_connector *out,
                struct fault *fault) MUST_CHECK;

/* False where there is no such connector, or no memory. */
bool worker_get_samples(struct worker *worker, str name, struct arena *arena,
                        struct worker_samples *out) MUST_CHECK;

/* Appends the last rows of each task as JSON objects separated by commas: {"task":0,"rows":[…]},
   newest first (see latest_write). */
void worker_write_latest(struct worker *worker, str name, struct buf *out);

/* ---- what should be ---- */

/* Sets a connector's configuration, which is copied: placeholders as written, `name` included. One
   that is new gets the target state; one that was there keeps its own, and its tasks begin anew. */
bool worker_put(struct worker *worker, str name, const struct config *config,
                enum target_state initial, struct fault *fault) MUST_CHECK;

/* These give false where there is no such connector (or task). */
bool worker_remove(struct worker *worker, str name);
bool worker_set_target(struct worker *worker, str name, enum target_state target);
/* The configuration is made into a connector anew (secrets are read again), or its tasks. */
bool worker_restart(struct worker *worker, str name, bool tasks, bool only_failed);
bool worker_restart_task(struct worker *worker, str name, int id);

/* No topic was read yet. */
bool worker_reset_topics(struct worker *worker, str name);

/* In a cluster: which task ids of the connector run here; `here` has `count` of them, all others do
   not. Without a word all do. */
bool worker_place(struct worker *worker, str name, const bool *here, size_t count);

/* ---- the worker's own thread ---- */

/* Starts what should run, stops what should not, frees what has ended. To be called some ten times
   a second. */
void worker_turn(struct worker *worker);

/* Whether worker_turn was called not longer ago than that. */
#define WORKER_LIVE_MS 10000
bool worker_turned_within(struct worker *worker, int64_t ms);

/* From here on nothing starts, and all tasks are asked to stop. */
void worker_stop(struct worker *worker);

/* Whether no thread of a task runs; `worker_turn` may still start some. */
bool worker_is_idle(struct worker *worker);

/* Whether every connector has failed for good: none has a task that runs or should. */
bool worker_has_failed(struct worker *worker);

/* The first reason why a connector or a task of it failed; FAULT_NONE where none did. */
void worker_first_fault(struct worker *worker, struct fault *fault);

struct worker_totals worker_get_totals(struct worker *worker);

#endif
