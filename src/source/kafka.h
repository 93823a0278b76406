/*
 * kafka: records as a member of a Kafka consumer group, on librdkafka. Where a partition is begun
 * is always the task's decision: librdkafka's own reset of offsets is switched to an error.
 */
#ifndef FIELDTRAIL_KAFKA_H
#define FIELDTRAIL_KAFKA_H

#include <fieldtrail/option.h>
#include <fieldtrail/source.h>

/* bootstrap.servers, topics, topics.regex. */
extern const struct option_table kafka_options;

/* Joins the group `connect-NAME` (or what consumer.override.group.id says) and subscribes. Settings
   of librdkafka come from consumer.* and, over them, consumer.override.*; those that would break
   delivery are refused by name. `member` counts the members of one configuration, from 0. NULL with
   FAULT_CONFIG. stop() leaves the group and frees it. */
struct source *kafka_new(const struct config *config, int member, struct fault *fault);

/* Appends librdkafka's settings of one kind ("consumer", "producer") to `set`, translated from the
   spelling of Kafka's Java clients where that differs. FAULT_CONFIG for what has no counterpart. */
typedef bool kafka_setting(void *context, const char *name, const char *value, struct fault *fault);
bool kafka_settings(const struct config *config, const char *kind, kafka_setting *set,
                    void *context, struct fault *fault) MUST_CHECK;

#endif
