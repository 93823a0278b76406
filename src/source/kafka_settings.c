/*
 * Settings of Kafka clients: consumer.* and producer.* of the worker, and the connector's
 * overrides, as librdkafka spells them.
 */
#include "kafka.h"

#include <stdio.h>

enum verdict {
    VERDICT_RENAME, /* librdkafka has it under another name */
    VERDICT_IGNORE, /* means nothing here and changes nothing */
    VERDICT_REFUSE  /* would change the result, or has no counterpart */
};

struct java_setting {
    const char *name;
    enum verdict verdict;
    const char *instead; /* the name, or the remedy */
};

static const struct java_setting java_settings[] = {
    {"enable.auto.commit", VERDICT_REFUSE, "offsets are committed after the sink has flushed"},
    {"enable.auto.offset.store", VERDICT_REFUSE,
     "offsets are committed after the sink has flushed"},
    {"enable.partition.eof", VERDICT_REFUSE, "it is always on"},
    {"auto.offset.reset", VERDICT_IGNORE, NULL}, /* the task's, see start.h */
    {"key.deserializer", VERDICT_IGNORE, NULL},
    {"value.deserializer", VERDICT_IGNORE, NULL},
    {"key.serializer", VERDICT_IGNORE, NULL},
    {"value.serializer", VERDICT_IGNORE, NULL},
    {"max.poll.records", VERDICT_IGNORE, NULL},
    {"exclude.internal.topics", VERDICT_IGNORE, NULL},
    {"interceptor.classes", VERDICT_REFUSE, "there are no interceptors"},
    {"sasl.jaas.config", VERDICT_REFUSE, "use sasl.username and sasl.password"},
    {"ssl.truststore.location", VERDICT_REFUSE, "use ssl.ca.location with a PEM file"},
    {"ssl.truststore.password", VERDICT_REFUSE, "use ssl.ca.location with a PEM file"},
    {"ssl.truststore.type", VERDICT_REFUSE, "use ssl.ca.location with a PEM file"},
    {"ssl.keystore.type", VERDICT_REFUSE, "ssl.keystore.location is a PKCS#12 file"},
    {"reconnect.backoff.max.ms", VERDICT_RENAME, "reconnect.backoff.max.ms"},
    {"metadata.max.age.ms", VERDICT_RENAME, "topic.metadata.refresh.interval.ms"},
    {"default.api.timeout.ms", VERDICT_IGNORE, NULL},
    {"request.timeout.ms", VERDICT_RENAME, "socket.timeout.ms"},
    {"connections.max.idle.ms", VERDICT_RENAME, "connections.max.idle.ms"},
    {"send.buffer.bytes", VERDICT_RENAME, "socket.send.buffer.bytes"},
    {"receive.buffer.bytes", VERDICT_RENAME, "socket.receive.buffer.bytes"},
};

static const struct java_setting *find_java(str name)
{
    for (size_t i = 0; i < sizeof(java_settings) / sizeof(java_settings[0]); i++)
        if (str_is(name, java_settings[i].name))
            return &java_settings[i];
    return NULL;
}

/* Java names assignors by their classes. */
static str assignor(str value)
{
    static const char *const names[][2] = {{"CooperativeStickyAssignor", "cooperative-sticky"},
                                           {"RangeAssignor", "range"},
                                           {"RoundRobinAssignor", "roundrobin"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_ends(value, str_from(names[i][0])))
            return str_from(names[i][1]);
    return value;
}

static bool apply(const struct config_entry *entry, str name, kafka_setting *set, void *context,
                  struct fault *fault)
{
    char key[200], value[4096];
    const struct java_setting *java = find_java(name);
    str text = entry->value;
    if (java && java->verdict == VERDICT_IGNORE)
        return true;
    if (java && java->verdict == VERDICT_REFUSE)
        return fault_set(fault, FAULT_CONFIG, "%.*s: %.*s cannot be set: %s",
                         STR_ARG(entry->origin), STR_ARG(entry->key), java->instead);
    if (str_is(name, "partition.assignment.strategy"))
        text = assignor(text);
    int key_len = snprintf(key, sizeof(key), "%.*s",
                           STR_ARG(java ? str_from(java->instead) : name));
    int value_len = snprintf(value, sizeof(value), "%.*s", STR_ARG(text));
    if (key_len >= (int)sizeof(key) || value_len >= (int)sizeof(value))
        return fault_set(fault, FAULT_CONFIG, "%.*s: %.*s is too long", STR_ARG(entry->origin),
                         STR_ARG(entry->key));
    return set(context, key, value, fault)
           || fault_in(fault, "%.*s: %.*s", STR_ARG(entry->origin), STR_ARG(entry->key));
}

static bool apply_prefixed(const struct config *config, str prefix, str except, kafka_setting *set,
                           void *context, struct fault *fault)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct config_entry *entry = &config->entry[i];
        if (!str_starts(entry->key, prefix) || (except.len && str_starts(entry->key, except)))
            continue;
        if (!apply(entry, str_from_at(entry->key, prefix.len), set, context, fault))
            return false;
    }
    return true;
}

bool kafka_settings(const struct config *config, const char *kind, kafka_setting *set,
                    void *context, struct fault *fault)
{
    char general[64], override[64];
    snprintf(general, sizeof(general), "%s.", kind);
    snprintf(override, sizeof(override), "%s.override.", kind);
    return apply_prefixed(config, str_from(general), str_from(override), set, context, fault)
           && apply_prefixed(config, str_from(override), STR_EMPTY, set, context, fault);
}
