/*
 * herder_kafka_id: which Kafka cluster a worker alone is with. A worker of a cluster knows it from
 * the topics that it reads; one alone has a client that asks, which goes when it was told.
 */
#ifndef FIELDTRAIL_HERDER_KAFKA_ID_H
#define FIELDTRAIL_HERDER_KAFKA_ID_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include <fieldtrail/option.h>

#define KAFKA_ID_LIMIT 250

struct kafka_id {
    rd_kafka_t *client;    /* the asker's alone; NULL: nobody asks */
    pthread_mutex_t mutex; /* guards what follows */
    char text[KAFKA_ID_LIMIT];
};

/* Asks the worker's brokers in the background, for as long as they are away. Where their settings
   are wrong nothing is asked: the connectors say so. */
void kafka_id_begin(struct kafka_id *id, const struct config *properties);

/* Takes the answer where it is there; never waits. One thread calls this. */
void kafka_id_turn(struct kafka_id *id);

/* Any thread: the id, in the arena; empty where it is not known. */
str kafka_id_get(struct kafka_id *id, struct arena *arena);

void kafka_id_end(struct kafka_id *id);

#endif
