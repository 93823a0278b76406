/*
 * kafka_lanes: the partitions of a Kafka consumer: what is known of them, taking them up and giving
 * them up. Internal to the Kafka source.
 */
#ifndef FIELDTRAIL_KAFKA_LANES_H
#define FIELDTRAIL_KAFKA_LANES_H

#include <librdkafka/rdkafka.h>

#include <fieldtrail/option.h>
#include <fieldtrail/source.h>

#define ERROR_SIZE 512
#define CALL_WAIT_MS 500
#define COMMIT_WAIT_MS 5000
/* One poll hands out no more than this, so that the task gets to its clocks. */
#define POLL_RECORDS 2000
#define POLL_BYTES ((size_t)4 * 1024 * 1024)
#define STASH_LIMIT 4096
#define STASH_FULL 3000 /* room is left for what is no record: ends of partitions, errors */
#define LANE_LIMIT 100000
/* librdkafka before 2.2 sleeps up to a second when its queue was full: an inquiry wakes it. */
#define WAKE_RECORDS 4000
#define WAKE_NOT_NEEDED 0x02020000

/* What librdkafka's threads need not know of a lane. */
struct watch {
    int64_t check_us; /* the timestamp that the record before `next` must have, or TIME_UNKNOWN */
    bool paused;      /* as librdkafka knows it */
};

struct kafka {
    struct source source;
    rd_kafka_t *client;
    size_t lane_capacity;
    struct watch *watch; /* beside source.lane */
    struct arena arena;  /* topic names */
    uint32_t last_lane;  /* of the record before: most follow one of the same partition */
    rd_kafka_message_t *stash[STASH_LIMIT]; /* came while the session was kept alive */
    size_t stash_count, stash_at, stash_bytes;
    bool held_back; /* fetching is paused, for the stash is full */
    size_t since_wake;
    bool closing;
    bool missing_said;        /* that a topic is missing; once is enough */
    struct fault failure;     /* set inside callbacks, given by the next poll */
    char trouble[ERROR_SIZE]; /* what librdkafka said last of a connection */
    /* Options: */
    str servers, name, regex;
    struct str_list topics;
};

/* A consumer with the connector's settings: a member of its group, numbered from 0, or (-1) one
   that stands apart. */
struct source *kafka_make(const struct config *config, int member, struct fault *fault);

/* The source's answers to describe, assign, unassign and pause. */
bool kafka_describe(struct source *source, struct fault *fault);
bool kafka_assign(struct source *source, struct fault *fault);
bool kafka_unassign(struct source *source, struct fault *fault);
bool kafka_pause(struct source *source, bool paused, struct fault *fault);

/* Stops fetching what is assigned, or goes on. */
bool kafka_hold(struct kafka *self, bool held, struct fault *fault);

/* The number of a partition's lane, UINT32_MAX where it is unknown. */
uint32_t kafka_find_lane(const struct kafka *self, const char *topic, int32_t partition);

/* The lane of a partition, made at its first sight; NULL where memory or the limit ran out. */
struct lane *kafka_lane(struct kafka *self, const char *topic, int32_t partition);

/* Puts where a half waits beside an offset that is to be committed. */
void kafka_write_held(rd_kafka_t *client, rd_kafka_topic_partition_t *element, int64_t held);

/* Frees what was fetched while the session was kept alive. */
void kafka_drop_stash(struct kafka *self);

/* The fault of its class (kafka_errors.h) with the error's code. Always false. */
bool kafka_fault(struct fault *fault, rd_kafka_resp_err_t error, const char *what);

#endif
