/*
 * worker_entry: what a worker keeps of a connector. Internal to worker.c and worker_status.c.
 */
#ifndef FIELDTRAIL_WORKER_ENTRY_H
#define FIELDTRAIL_WORKER_ENTRY_H

#include "history.h"
#include "worker.h"

#define ENTRY_BYTES_LIMIT ((size_t)16 * 1024 * 1024)

struct entry {
    struct arena arena;
    str name;
    /* What should be: */
    struct config config;
    enum target_state target;
    bool removed;
    bool everywhere; /* all tasks run here; else those in `here` */
    bool here[TASKS_LIMIT];
    bool rebuild, restart[TASKS_LIMIT];
    /* What is: */
    struct connector *connector; /* NULL: nothing is */
    struct fault fault;          /* why it could not be made */
    struct str_list topics;      /* read by tasks that are gone; in the entry's arena */
    size_t topic_capacity;
    struct task_counts gone; /* of tasks that are gone */
    struct history history;
};

struct worker {
    const struct config *properties;
    char id[WORKER_ID_LIMIT];
    pthread_mutex_t mutex; /* guards what follows */
    /* Of one name only the last may be there for good; those before it are removed. Twice the limit
       are never reached, for nothing is added at the limit. */
    struct entry *entry[CONNECTOR_LIMIT];
    size_t count;
    bool stopping;
    int64_t turned_ms;
    int64_t sampled;           /* the worker's thread alone: the last period of history */
    struct worker_totals gone; /* of tasks that were freed */
};

struct entry *worker_find(const struct worker *worker, str name);

/* Adds the topics that the task read; what memory does not hold is not told. */
void entry_note_topic(struct entry *entry, str topic);
void entry_note_topics(struct entry *entry, struct connector_task *task);

/* worker_counts.c: a task ends and its numbers stay; an entry ends and the one that follows it has
   its numbers; the sum of all that is and was. */
void entry_count_out(struct entry *entry, struct connector_task *task);
void entry_bequeath(struct worker *worker, const struct entry *entry);
void entry_sum(const struct worker *worker, const struct entry *entry, struct worker_sum *sum);

/* Takes samples of all connectors, where they are due. */
void worker_take_samples(struct worker *worker, int64_t now_ms);

/* Whether the task should run here. */
bool entry_wants(const struct entry *entry, int64_t id);

#endif
