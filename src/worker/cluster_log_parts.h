/*
 * cluster_log_parts: what the files of the cluster's log share. Internal to it.
 */
#ifndef FIELDTRAIL_CLUSTER_LOG_PARTS_H
#define FIELDTRAIL_CLUSTER_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include <librdkafka/rdkafka.h>

#include "cluster_log.h"

#define CLUSTER_ERROR_SIZE 512
#define CLUSTER_CALL_MS 5000
#define CLUSTER_PARTITION_LIMIT 100
#define WRITE_ID_SIZE 64
/* The header by which a writer knows its record again. */
#define WRITE_HEADER "fieldtrail-write"

struct cluster_log {
    struct cluster_log_options options;
    char topic[256];
    rd_kafka_t *reader;
    rd_kafka_topic_t *handle;
    rd_kafka_queue_t *queue;
    pthread_t thread;
    bool started;
    atomic_bool stop;
    /* Used by whoever holds `writing`: */
    pthread_mutex_t writing;
    rd_kafka_t *writer; /* NULL: none, or fenced off */
    uint64_t write_count;
    char writer_name[WRITE_ID_SIZE - 24];
    /* Of cluster_log_send: */
    rd_kafka_t *sender;
    /* Guarded by `mutex`; `changed` is told of every change: */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum cluster_log_state state;
    struct fault fault;
    int32_t partition_count;
    int64_t position[CLUSTER_PARTITION_LIMIT]; /* -1: its beginning is not read yet */
    bool ended[CLUSTER_PARTITION_LIMIT];       /* its end was seen */
    uint64_t skipped;
    char awaited[WRITE_ID_SIZE]; /* the write whose record is looked for */
    bool arrived;                /* it was taken */
};

/* A client with the worker's settings of that kind, ours over them; pairs of name and value, NULL
   at the end. NULL with FAULT_CONFIG. */
rd_kafka_t *cluster_client(struct cluster_log *log, rd_kafka_type_t type,
                           const char *const (*ours)[2], struct fault *fault);

/* Makes the topic where it is missing, and looks whether it is what it must be: FAULT_CONFIG with
   code CLUSTER_REFUSED where it never will be by itself, FAULT_RETRY with CLUSTER_MAKING where it
   was made just now. */
#define CLUSTER_REFUSED 1
#define CLUSTER_MAKING 2
bool cluster_topic_ensure(struct cluster_log *log, int32_t *partitions,
                          struct fault *fault) MUST_CHECK;

/* Waits for a change until the deadline; false where it is over. The mutex is held. */
bool cluster_log_wait(struct cluster_log *log, int64_t deadline_ms);

#endif
