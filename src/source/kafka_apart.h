/*
 * kafka_apart: a consumer that stands apart from the connector's group, to look at topics, to read
 * any of their records, and to move the group's offsets while it has no members. It is a source
 * like the group's member; lanes come from kafka_apart_topics instead of a rebalance.
 */
#ifndef FIELDTRAIL_KAFKA_APART_H
#define FIELDTRAIL_KAFKA_APART_H

#include <fieldtrail/option.h>
#include <fieldtrail/source.h>

/* With the settings of a connector's consumer. NULL with FAULT_CONFIG. Connects in the
   background. */
struct source *kafka_apart_new(const struct config *config, struct fault *fault);

/* A topic that the connector names, or that its regular expression matches. */
struct kafka_topic {
    str name;
    int32_t partition_count; /* 0: see `refusal` */
    str refusal;             /* why the cluster does not show it */
    bool missing;            /* it is not there */
    str like;                /* the topic with the nearest name, where it is missing; or empty */
};

struct kafka_topics {
    struct kafka_topic *item;
    size_t count;
    int broker_count;
};

/* Asks the cluster for the connector's topics and makes their partitions lanes that are coming in.
   Texts live as long as the source. A fault names what the last connection said. */
bool kafka_apart_topics(struct source *source, struct kafka_topics *topics, int timeout_ms,
                        struct fault *fault) MUST_CHECK;

/* Whether the cluster has a topic of that name, the connector's or not. */
bool kafka_apart_has_topic(struct source *source, str name, bool *has, int timeout_ms,
                           struct fault *fault) MUST_CHECK;

/* The same as `describe`, for a patient caller. */
bool kafka_apart_describe(struct source *source, int timeout_ms, struct fault *fault) MUST_CHECK;

struct kafka_group {
    char name[300], state[40];
    int member_count;
};

bool kafka_apart_group(struct source *source, struct kafka_group *group, int timeout_ms,
                       struct fault *fault) MUST_CHECK;

/* Sets lane.next of all lanes to their first record at or after that time, or to their end. */
bool kafka_apart_seek_time(struct source *source, int64_t time_ms, int timeout_ms,
                           struct fault *fault) MUST_CHECK;

/* What the broker says a topic's setting is ("cleanup.policy"); empty where it does not say. */
bool kafka_apart_setting(struct source *source, str topic, const char *name, struct arena *arena,
                         str *value, int timeout_ms, struct fault *fault) MUST_CHECK;

#endif
