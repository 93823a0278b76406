/*
 * connector: one connector's configuration made into tasks, each a thread with a source, a
 * decoder, a pivot and a sink of its own.
 */
#ifndef FIELDTRAIL_CONNECTOR_H
#define FIELDTRAIL_CONNECTOR_H

#include <pthread.h>

#include "pivot.h"
#include "sinks.h"
#include "task.h"

#define TASKS_LIMIT 256

enum restart_policy { RESTART_NEVER, RESTART_ON_FAILURE };

/* A task has a copy of the configuration in memory of its own: what its thread reads and allocates
   from is no other's. */
struct connector_task {
    struct connector *connector;
    int id;
    struct arena arena;
    struct config config;
    pthread_t thread;
    bool started;
    atomic_bool ended;
    struct task task;
    struct pivot *pivot;
    struct fault fault; /* why it ended, FAULT_NONE for a graceful stop; read it once it ended */
};

struct connector {
    struct arena arena;
    struct config config; /* the worker's keys for clients, the connector's over them */
    str name, class;
    const struct sink_class *sink_class;
    int64_t tasks_max, restart_delay_ms;
    int restart; /* enum restart_policy */
    str worker_id;
    struct source *(*make_source)(const struct config *config, int member, struct fault *fault);
    bool clustered;               /* the worker is one of several that share its connectors */
    struct connector_task **task; /* tasks_max of them, NULL where one is not here */
};

extern const struct option_table connector_options;
extern const struct option_table worker_options;

#define CONNECTOR_TABLES_LIMIT 32

/* All tables whose keys connectors may have, of every class; gives their number. */
size_t connector_tables(const struct option_table *table[CONNECTOR_TABLES_LIMIT]);

/* Those of one class. */
size_t connector_class_tables(const struct sink_class *class,
                              const struct option_table *table[CONNECTOR_TABLES_LIMIT]);

/* Reads a connector's file over the worker's configuration, expands placeholders and checks every
   key. The connector is to be released on success and on failure. */
bool connector_load(struct connector *connector, const struct config *worker, const char *path,
                    struct fault *fault) MUST_CHECK;

/* The same in two steps, for a configuration that comes from elsewhere: the worker's keys for
   clients, and, once connector->config is filled, placeholders and checks. `origin` names the
   configuration in errors. */
bool connector_begin(struct connector *connector, const struct config *worker,
                     struct fault *fault) MUST_CHECK;
bool connector_settle(struct connector *connector, const char *origin,
                      struct fault *fault) MUST_CHECK;

/* Makes room for the tasks; before anything below. */
bool connector_prepare(struct connector *connector, struct fault *fault) MUST_CHECK;

/* Makes one task, which is not there, and starts its thread; paused from the beginning or not.
   FAULT_CONFIG where options are wrong. */
bool connector_start_task(struct connector *connector, int id, bool paused,
                          struct fault *fault) MUST_CHECK;

/* Waits for the task's thread, which was asked to stop or has ended, and frees it. */
void connector_task_free(struct connector_task *task);

/* Prepares, makes all tasks and starts their threads. */
bool connector_start(struct connector *connector, struct fault *fault) MUST_CHECK;

/* The rows of a change, and that of a logical message where the sink has a place for such: it
   changes no field. */
bool connector_rows(struct pivot *pivot, const struct sink *sink, struct change *change,
                    struct batch *batch, struct fault *fault) MUST_CHECK;

/* Asks all tasks to stop gracefully. */
void connector_stop(struct connector *connector);

/* Whether no task runs any more. */
bool connector_ended(const struct connector *connector);

/* Waits for the threads and frees all. */
void connector_release(struct connector *connector);

/* Reads the worker's properties and checks its keys; `path` NULL: the defaults. */
bool worker_load(struct config *config, const char *path, struct fault *fault) MUST_CHECK;

#endif
