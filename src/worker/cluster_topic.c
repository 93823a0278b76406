/*
 * The topic itself: made where it is missing, and looked at before it is believed.
 */
#include <stdio.h>

#include "clock.h"
#include "cluster_log_parts.h"
#include "kafka_errors.h"
#include "log.h"

#define USUAL_REPLICAS 3
#define STEP_MS 50
#define SEGMENT_BYTES "10485760"

static bool refuse(struct fault *fault)
{
    fault->code = CLUSTER_REFUSED;
    return false;
}

static bool topic_fault(const struct cluster_log *log, rd_kafka_resp_err_t error, const char *what,
                        struct fault *fault)
{
    const char *remedy = "";
    if (error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        remedy = "; grant Describe, Read and Write on it, and Create where it is to be made";
    return fault_set(fault, kafka_error_kind(error), "%s=%s: %s: %s%s", log->options.key,
                     log->topic, what, rd_kafka_err2str(error), remedy);
}

/* Waits for the answer of an administrative request; NULL where none came. */
static rd_kafka_event_t *wait_for_answer(struct cluster_log *log, rd_kafka_queue_t *answers)
{
    int64_t deadline = clock_steady_ms() + INT64_C(2) * CLUSTER_CALL_MS;
    rd_kafka_event_t *event = NULL;
    while (!event && clock_steady_ms() < deadline && !log->stop)
        event = rd_kafka_queue_poll(answers, STEP_MS);
    return event;
}

/* ---- making it ---- */

static rd_kafka_resp_err_t answer_of_creation(const rd_kafka_event_t *event)
{
    size_t count = 0;
    rd_kafka_resp_err_t error = event ? rd_kafka_event_error((rd_kafka_event_t *)(uintptr_t)event)
                                      : RD_KAFKA_RESP_ERR__TIMED_OUT;
    const rd_kafka_CreateTopics_result_t *result =
        event ? rd_kafka_event_CreateTopics_result((rd_kafka_event_t *)(uintptr_t)event) : NULL;
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    return !error && count == 1 ? rd_kafka_topic_result_error(topics[0]) : error;
}

static bool make_topic(struct cluster_log *log, int brokers, struct fault *fault)
{
    char text[CLUSTER_ERROR_SIZE];
    int replicas = log->options.replication_factor > 0 ? (int)log->options.replication_factor
                   : brokers < USUAL_REPLICAS          ? brokers
                                                       : USUAL_REPLICAS;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(log->topic, 1, replicas, text, sizeof(text));
    if (!topic) {
        fault_set(fault, FAULT_CONFIG, "%s=%s: %s", log->options.key, log->topic, text);
        return refuse(fault);
    }
    rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
    /* Compaction leaves the newest segment alone, and whoever starts reads all that is left. */
    rd_kafka_NewTopic_set_config(topic, "segment.bytes", SEGMENT_BYTES);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(log->reader);
    rd_kafka_CreateTopics(log->reader, &topic, 1, NULL, answers);
    rd_kafka_event_t *event = wait_for_answer(log, answers);
    rd_kafka_resp_err_t error = answer_of_creation(event);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    rd_kafka_NewTopic_destroy(topic);
    /* Another worker may have been quicker. */
    if (error && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return topic_fault(log, error, "making the topic", fault);
    if (!error)
        log_write(LOG_INFO, "cluster: made topic %s, compacted, with %d replica%s", log->topic,
                  replicas, replicas == 1 ? "" : "s");
    fault_set(fault, FAULT_RETRY, "%s=%s: the topic is being made", log->options.key, log->topic);
    fault->code = CLUSTER_MAKING;
    return false;
}

/* ---- looking at it ---- */

static bool judge_policy(const struct cluster_log *log, const char *policy, struct fault *fault)
{
    if (strcmp(policy, "compact") == 0)
        return true;
    fault_set(fault, FAULT_CONFIG,
              "%s=%s: cleanup.policy=%s would forget what stands there: set it to compact "
              "(kafka-configs --alter --topic %s --add-config cleanup.policy=compact), or name "
              "another topic",
              log->options.key, log->topic, policy, log->topic);
    return refuse(fault);
}

static bool read_policy(struct cluster_log *log, const rd_kafka_ConfigResource_t *resource,
                        struct fault *fault)
{
    size_t count;
    rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(resource);
    if (error)
        return topic_fault(log, error, "asking for its cleanup.policy", fault);
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entry[i]), "cleanup.policy") == 0
            && rd_kafka_ConfigEntry_value(entry[i]))
            return judge_policy(log, rd_kafka_ConfigEntry_value(entry[i]), fault);
    return true;
}

static bool take_policy(struct cluster_log *log, rd_kafka_event_t *event, struct fault *fault)
{
    size_t count = 0;
    rd_kafka_resp_err_t error = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (error)
        return topic_fault(log, error, "asking for its cleanup.policy", fault);
    const rd_kafka_ConfigResource_t **resource = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &count);
    return count != 1 || read_policy(log, resource[0], fault);
}

/* Who may not ask (DescribeConfigs) must know it without us; a broker that cannot tell has none. */
static bool check_policy(struct cluster_log *log, struct fault *fault)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                                      log->topic);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(log->reader);
    rd_kafka_DescribeConfigs(log->reader, &resource, 1, NULL, answers);
    rd_kafka_event_t *event = wait_for_answer(log, answers);
    bool good = take_policy(log, event, fault);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    rd_kafka_ConfigResource_destroy(resource);
    if (good || fault->code == CLUSTER_REFUSED || fault->kind != FAULT_CONFIG)
        return good;
    log_write(LOG_WARN, "%s; whether it is compacted is not known: grant DescribeConfigs on it",
              fault->text);
    return true;
}

static bool judge(struct cluster_log *log, const rd_kafka_metadata_t *metadata, int32_t *partitions,
                  struct fault *fault)
{
    rd_kafka_resp_err_t error = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                                         : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return make_topic(log, metadata->broker_cnt, fault);
    if (error)
        return topic_fault(log, error, "looking for the topic", fault);
    *partitions = metadata->topics[0].partition_cnt;
    if (log->options.single && *partitions != 1) {
        fault_set(fault, FAULT_CONFIG,
                  "%s=%s: it has %d partitions, and the order of writes is kept in one alone: "
                  "name a topic of one partition, or one that is not there yet",
                  log->options.key, log->topic, *partitions);
        return refuse(fault);
    }
    if (*partitions > CLUSTER_PARTITION_LIMIT) {
        fault_set(fault, FAULT_CONFIG, "%s=%s: it has %d partitions, %d are the limit",
                  log->options.key, log->topic, *partitions, CLUSTER_PARTITION_LIMIT);
        return refuse(fault);
    }
    return log->options.trusted || check_policy(log, fault);
}

bool cluster_topic_ensure(struct cluster_log *log, int32_t *partitions, struct fault *fault)
{
    const rd_kafka_metadata_t *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(log->reader, 0, log->handle, &metadata,
                                                  CLUSTER_CALL_MS);
    if (error)
        return topic_fault(log, error, "asking the brokers", fault);
    bool good = judge(log, metadata, partitions, fault);
    rd_kafka_metadata_destroy(metadata);
    return good;
}
