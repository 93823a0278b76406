/*
 * cluster_record: what stands on the two topics of a cluster, key by key. Where Kafka Connect has a
 * record for the same thing it is of the same shape, so that people and tools can read it; but no
 * topic is ever shared with Kafka Connect.
 *
 * config.storage.topic, each written by one transaction at a time:
 *
 *     fieldtrail-cluster          {"version":1,"group.id":G}; the first record of all: whose it is
 *     connector-NAME              {"properties":{KEY:VALUE,…}}, as it was given; null: deleted
 *     target-state-NAME           {"state":"STARTED"|"PAUSED","state.v2":…|"STOPPED"}
 *     restart-connector-NAME      {"include-tasks":…,"only-failed":…}; counts when it comes
 *     restart-task-NAME-N         {}; counts when it comes (Kafka Connect has none like it)
 *     logger-cluster-LOGGER       {"level":…}; counts when it comes
 *
 * status.storage.topic, each written by the worker it tells of:
 *
 *     fieldtrail-worker-HOST:PORT {"worker_id":…,"group.id":G,"instance":…}, every few seconds:
 *                                 it lives; null: it left
 *     status-connector-NAME       {"state":…,"worker_id":…,"trace":…,"group.id":G,"instance":…}
 *     status-task-NAME-N          the same of a task
 *     status-topic-TOPIC:connector-NAME
 *                                 {"topic":{"name":…,"connector":…}}: records of it were read
 */
#ifndef FIELDTRAIL_CLUSTER_RECORD_H
#define FIELDTRAIL_CLUSTER_RECORD_H

#include <fieldtrail/buf.h>
#include <fieldtrail/option.h>

#include "log.h"
#include "worker.h"

#define KEY_MARK "fieldtrail-cluster"
#define KEY_CONNECTOR "connector-"
#define KEY_TARGET "target-state-"
#define KEY_RESTART "restart-connector-"
#define KEY_RESTART_TASK "restart-task-"
#define KEY_LOGGER "logger-cluster-"
#define KEY_WORKER "fieldtrail-worker-"
#define KEY_STATUS_CONNECTOR "status-connector-"
#define KEY_STATUS_TASK "status-task-"
#define KEY_STATUS_TOPIC "status-topic-"
#define KEY_TOPIC_CONNECTOR ":connector-"

enum cluster_kind {
    CLUSTER_MARK,
    CLUSTER_CONNECTOR,
    CLUSTER_TARGET,
    CLUSTER_RESTART,
    CLUSTER_RESTART_TASK,
    CLUSTER_LOGGER,
    CLUSTER_WORKER,
    CLUSTER_STATUS_CONNECTOR,
    CLUSTER_STATUS_TASK,
    CLUSTER_STATUS_TOPIC,
    CLUSTER_CONNECTS, /* what only Kafka Connect writes */
    CLUSTER_UNKNOWN
};

struct cluster_key {
    enum cluster_kind kind;
    str name;  /* of the connector or the logger, or the worker's id */
    str topic; /* CLUSTER_STATUS_TOPIC */
    int task;
};

struct cluster_key cluster_key_read(str key);

/* "NAME-N" behind the kind of a task's key. */
void cluster_key_task(struct buf *out, const char *kind, str name, int task);

struct cluster_restart {
    bool include_tasks, only_failed;
};

/* Who writes a status, or that it lives. An instance is one run of a worker: the id outlives it. */
struct cluster_worker {
    str worker_id, group, instance;
};

struct cluster_status {
    enum run_state state;
    str trace;
    struct cluster_worker worker;
};

void cluster_put_mark(struct buf *out, str group);
void cluster_put_connector(struct buf *out, const struct config *config);
void cluster_put_target(struct buf *out, enum target_state target);
void cluster_put_restart(struct buf *out, const struct cluster_restart *restart);
void cluster_put_level(struct buf *out, enum log_level level);
void cluster_put_worker(struct buf *out, const struct cluster_worker *worker);
void cluster_put_status(struct buf *out, const struct cluster_status *status);
void cluster_put_topic(struct buf *out, str topic, str connector);

/* These read values back; texts live in the arena or the value. FAULT_RECORD where it is none. */
bool cluster_read_mark(str value, struct arena *arena, str *group, struct fault *fault) MUST_CHECK;
bool cluster_read_connector(str value, str origin, struct arena *arena, struct config *config,
                            struct fault *fault) MUST_CHECK;
bool cluster_read_target(str value, struct arena *arena, enum target_state *target,
                         struct fault *fault) MUST_CHECK;
bool cluster_read_restart(str value, struct arena *arena, struct cluster_restart *restart,
                          struct fault *fault) MUST_CHECK;
bool cluster_read_level(str value, struct arena *arena, enum log_level *level,
                        struct fault *fault) MUST_CHECK;
/* Whatever has no group.id was not written by a worker of ours: `group` is then empty. */
bool cluster_read_worker(str value, struct arena *arena, struct cluster_worker *worker,
                         struct fault *fault) MUST_CHECK;
bool cluster_read_status(str value, struct arena *arena, struct cluster_status *status,
                         struct fault *fault) MUST_CHECK;

#endif
