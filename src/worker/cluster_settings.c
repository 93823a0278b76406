/*
 * The keys of a cluster.
 */
#include "cluster_settings.h"

#define SETTING(member) offsetof(struct cluster_settings, member)

static const struct option_spec option[] = {
    {.key = "group.id",
     .type = OPTION_STRING,
     .offset = SETTING(group),
     .argument = "NAME",
     .help = "Makes the worker one of a cluster: those with the same group.id and topics share "
             "their connectors. Without it the worker stands alone."},
    {.key = "config.storage.topic",
     .type = OPTION_STRING,
     .offset = SETTING(config_topic),
     .argument = "TOPIC",
     .help = "The topic of the cluster's configurations: one partition, compacted, used by nobody "
             "else. Made when it is missing. Writers are transactional, with the id GROUP-config."},
    {.key = "config.storage.replication.factor",
     .type = OPTION_INT,
     .preset = "0",
     .min = -1,
     .max = 100,
     .offset = SETTING(config_replication),
     .importance = OPTION_LOW,
     .help = "Replicas of that topic where it is made; 0 is three, or as many as there are "
             "brokers."},
    {.key = "status.storage.topic",
     .type = OPTION_STRING,
     .offset = SETTING(status_topic),
     .argument = "TOPIC",
     .help = "The topic of the workers' heartbeats and of their tasks' states: compacted, used by "
             "nobody else. Made when it is missing. The default is the name of "
             "config.storage.topic with -status behind it."},
    {.key = "status.storage.replication.factor",
     .type = OPTION_INT,
     .preset = "0",
     .min = -1,
     .max = 100,
     .offset = SETTING(status_replication),
     .importance = OPTION_LOW,
     .help = "Replicas of that topic where it is made."},
    {.key = "status.storage.partitions",
     .type = OPTION_STRING,
     .offset = SETTING(ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: one is made."},
    {.key = "session.timeout.ms",
     .type = OPTION_STRING,
     .offset = SETTING(ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: a worker that was not heard for 15 s is taken for dead. "
             "That of a connector's consumer group is consumer.session.timeout.ms."},
    {.key = "heartbeat.interval.ms",
     .type = OPTION_STRING,
     .offset = SETTING(ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "rebalance.timeout.ms",
     .type = OPTION_STRING,
     .offset = SETTING(ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "scheduled.rebalance.max.delay.ms",
     .type = OPTION_STRING,
     .offset = SETTING(ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
};

const struct option_table cluster_options = {
    .title = "Cluster", .option = option, .count = sizeof(option) / sizeof(option[0])};

bool cluster_settings_load(const struct config *properties, struct cluster_settings *settings,
                           struct fault *fault)
{
    *settings = (struct cluster_settings){0};
    if (!option_load(&cluster_options, properties, settings, fault))
        return false;
    if (settings->group.len == 0 && settings->config_topic.len == 0)
        return settings->status_topic.len == 0
               || fault_set(fault, FAULT_CONFIG,
                            "status.storage.topic is for a cluster: name group.id and "
                            "config.storage.topic too, or take it out");
    if (settings->group.len == 0 || settings->config_topic.len == 0)
        return fault_set(fault, FAULT_CONFIG,
                         "a cluster has both group.id and config.storage.topic: name %s too, or "
                         "take the other out",
                         settings->group.len == 0 ? "group.id" : "config.storage.topic");
    if (settings->status_topic.len == 0)
        settings->status_topic = arena_format(properties->arena, "%.*s-status",
                                              STR_ARG(settings->config_topic));
    if (!settings->status_topic.ptr)
        return fault_memory(fault, "the worker's keys");
    return !str_eq(settings->status_topic, settings->config_topic)
           || fault_set(fault, FAULT_CONFIG,
                        "config.storage.topic and status.storage.topic are the same topic: give "
                        "each its own");
}
