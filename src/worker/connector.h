/*
 * connector: one connector's configuration made into tasks, each a thread with a source, a
 * decoder, a pivot and a sink of its own.
 */
#ifndef FIELDTRAIL_CONNECTOR_H
#define FIELDTRAIL_CONNECTOR_H

#include <pthread.h>

#include "pivot.h"
#include "task.h"

#define TASKS_LIMIT 256

struct connector_task {
    struct connector *connector;
    int id;
    pthread_t thread;
    bool started;
    atomic_bool ended;
    struct task task;
    struct pivot *pivot;
    struct fault fault; /* why it ended, FAULT_NONE for a graceful stop */
};

struct connector {
    struct arena arena;
    struct config config; /* the worker's keys for clients, the connector's over them */
    str name, class;
    int64_t tasks_max;
    str worker_id;
    struct connector_task *task;
};

/* All tables whose keys a connector may have. */
extern const struct option_table connector_options;
extern const struct option_table worker_options;
const struct option_table *const *connector_tables(size_t *count);

/* Reads a connector's file over the worker's configuration, expands placeholders and checks every
   key. The connector is to be released on success and on failure. */
bool connector_load(struct connector *connector, const struct config *worker, const char *path,
                    struct fault *fault) MUST_CHECK;

/* Makes the tasks and starts their threads. FAULT_CONFIG where options are wrong. */
bool connector_start(struct connector *connector, struct fault *fault) MUST_CHECK;

/* Asks all tasks to stop gracefully. */
void connector_stop(struct connector *connector);

/* Whether no task runs any more. */
bool connector_ended(const struct connector *connector);

/* Waits for the threads and frees all. */
void connector_release(struct connector *connector);

/* Reads the worker's properties and checks its keys; `path` NULL: the defaults. */
bool worker_load(struct config *config, const char *path, struct fault *fault) MUST_CHECK;

#endif
