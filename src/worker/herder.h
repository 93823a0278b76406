/*
 * herder: what the REST room talks to (the name is Kafka Connect's): the connectors of a standalone
 * worker or of a whole cluster. It knows nothing of HTTP. Any thread may call it; a call may take
 * as long as brokers and the target take, `quick` says which do not.
 *
 * Every call fills an answer: its texts, and all that it gives, live in the answer's arena. False
 * with answer->error and answer->message where it was refused or failed.
 */
#ifndef FIELDTRAIL_HERDER_H
#define FIELDTRAIL_HERDER_H

#include "log.h"
#include "worker.h"

enum herder_error {
    HERDER_OK,
    HERDER_NOT_FOUND,   /* no such connector, task, plugin */
    HERDER_CONFLICT,    /* it exists already, or a change of it is under way elsewhere */
    HERDER_BAD_REQUEST, /* whoever asked must ask otherwise */
    HERDER_TIMEOUT,     /* no answer in time; whether it was done is not known */
    HERDER_FAILED       /* brokers, the target or memory failed */
};

struct herder_answer {
    struct arena *arena;
    enum herder_error error;
    str message; /* for a person; may have several lines */
};

/* Always false, so that `return herder_refuse(...)` reads well. */
bool herder_refuse(struct herder_answer *answer, enum herder_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with a fault: FAULT_CONFIG is a bad request, all else a failure. */
bool herder_fail(struct herder_answer *answer, const struct fault *fault);

struct herder_info {
    str name;
    struct config config; /* as it was given, in that order, with `name` */
    enum target_state target;
    int64_t task_count; /* tasks 0...n-1 */
};

struct herder_state {
    int id; /* of a task */
    enum run_state state;
    str worker_id, trace; /* trace is empty where there is none */
};

struct herder_status {
    str name;
    struct herder_state connector;
    struct herder_state *task;
    size_t task_count;
};

struct herder_offset {
    str topic;
    int64_t partition;
    int64_t offset; /* OFFSET_NONE: reset this one (alter), or nothing is stored (get: left out) */
};

struct herder_offsets {
    struct herder_offset *item;
    size_t count;
};

struct herder_put {
    str name;
    const struct config *config; /* whole */
    bool create;                 /* HERDER_CONFLICT where the name exists */
    enum target_state initial;   /* of a connector that is new */
};

struct herder_restart {
    str name;
    bool include_tasks, only_failed;
};

struct herder;

struct herder_type {
    const char *name;
    /* Names, in order. Quick. */
    bool (*list)(struct herder *herder, struct str_list *names, struct herder_answer *answer);
    /* Quick. */
    bool (*info)(struct herder *herder, str name, struct herder_info *info,
                 struct herder_answer *answer);
    /* Of all workers' tasks. Quick. */
    bool (*status)(struct herder *herder, str name, struct herder_status *status,
                   struct herder_answer *answer);
    /* Creates or changes; `created` says which. The configuration is checked first. */
    bool (*put)(struct herder *herder, const struct herder_put *put, struct herder_info *info,
                bool *created, struct herder_answer *answer);
    /* Sets the keys of `patch`, and takes out those whose origin is HERDER_REMOVED. */
    bool (*patch)(struct herder *herder, str name, const struct config *patch,
                  struct herder_info *info, struct herder_answer *answer);
    bool (*remove)(struct herder *herder, str name, struct herder_answer *answer);
    bool (*set_target)(struct herder *herder, str name, enum target_state target,
                       struct herder_answer *answer);
    /* Gives the states as they are once the restart is under way. */
    bool (*restart)(struct herder *herder, const struct herder_restart *restart,
                    struct herder_status *status, struct herder_answer *answer);
    bool (*restart_task)(struct herder *herder, str name, int64_t id, struct herder_answer *answer);
    bool (*get_offsets)(struct herder *herder, str name, struct herder_offsets *offsets,
                        struct herder_answer *answer);
    /* All or none; `offsets` NULL resets all. HERDER_BAD_REQUEST unless it is STOPPED. */
    bool (*move_offsets)(struct herder *herder, str name, const struct herder_offsets *offsets,
                         struct herder_answer *answer);
    /* Topics that records were read from since the last reset, in order. */
    bool (*topics)(struct herder *herder, str name, struct str_list *topics,
                   struct herder_answer *answer);
    bool (*reset_topics)(struct herder *herder, str name, struct herder_answer *answer);
    /* The log's level, of all workers. */
    bool (*set_level)(struct herder *herder, str logger, enum log_level level,
                      struct herder_answer *answer);
    /* Quick: the ids of the workers that live, in order; of a worker alone its own. */
    bool (*workers)(struct herder *herder, struct str_list *ids, struct herder_answer *answer);
    /* Quick: the id of Kafka's cluster, in the arena; empty where it is not known. */
    str (*cluster_id)(struct herder *herder, struct arena *arena);
    /* Quick: whether it has read all that it must know; live (its own thread does its rounds) and
       ready. */
    void (*health)(struct herder *herder, bool *live, bool *ready, struct herder_answer *answer);
    /* Called by the worker's thread after worker_turn, some ten times a second. */
    void (*turn)(struct herder *herder);
    void (*stop)(struct herder *herder); /* ends it and frees it; the worker stays */
};

struct herder {
    const struct herder_type *type;
    struct worker *worker;            /* borrowed */
    bool lasting;                     /* changes survive a restart of the process */
    _Atomic int64_t level_changed_ms; /* when the log's level was set, in ms since 1970; 0: never */
};

#define HERDER_REMOVED STR("(removed)")

/* ---- what every herder does alike ---- */

/* One worker that shares nothing: what is changed lives as long as the process. */
struct herder *herder_standalone_new(struct worker *worker, struct fault *fault);

/* What is to be stored where `given` is to be `name`'s configuration: with `name`, hidden values as
   they are stored (`stored` NULL: nothing is), and checked. */
bool herder_prepare(const struct config *properties, str name, const struct config *given,
                    const struct config *stored, struct config *out,
                    struct herder_answer *answer) MUST_CHECK;

/* The stored configuration with the patch; to be prepared next. */
bool herder_merge(const struct config *stored, const struct config *patch, struct config *out,
                  struct herder_answer *answer) MUST_CHECK;

/* Where a connector stands, and moving it, by its stored configuration (offsets.h). */
bool herder_read_offsets(const struct config *properties, const struct config *stored,
                         struct herder_offsets *offsets, struct herder_answer *answer) MUST_CHECK;
bool herder_move_offsets(const struct config *properties, const struct config *stored,
                         const struct herder_offsets *offsets,
                         struct herder_answer *answer) MUST_CHECK;

/* From snapshots of a worker. */
void herder_describe(const struct worker_connector *connector, struct herder_info *info);
bool herder_report(const struct worker_connector *connector, str worker_id,
                   struct herder_status *status, struct herder_answer *answer) MUST_CHECK;

/* Sets the level of this worker's log. */
void herder_set_level(struct herder *herder, enum log_level level);

bool herder_no_connector(struct herder_answer *answer, str name);

#endif
