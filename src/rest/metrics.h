/*
 * metrics: what Prometheus scrapes, in its text format 0.0.4. Everything is a sum over the tasks of
 * a connector at this worker; counters go on where a task begins anew.
 */
#ifndef FIELDTRAIL_METRICS_H
#define FIELDTRAIL_METRICS_H

#include <fieldtrail/buf.h>

#include "process.h"
#include "worker.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_BYTES_LIMIT ((size_t)64 * 1024 * 1024)

/* What a scrape is made from. */
struct scrape {
    const char *version;
    const struct worker_connector *connector;
    size_t connector_count;
    int64_t now_ms; /* of the steady clock */
    struct process process;
};

/* Appends all families; `out` may fail by its limit. */
void metrics_write(const struct scrape *scrape, struct buf *out);

/* The state of a task in more words than Kafka Connect has: RUNNING, UNASSIGNED (waits for its
   partitions), RETRYING (waits for its target) ... */
const char *metrics_task_state(const struct worker_task *task);

/* For how long the oldest record waits that is not durable yet. */
int64_t metrics_oldest_ms(const struct worker_connector *connector, int64_t now_ms);

#endif
