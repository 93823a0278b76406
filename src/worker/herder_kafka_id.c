/*
 * The client that asks.
 */
#include "herder_kafka_id.h"

#include <stdio.h>

#include "kafka.h"
#include "log.h"

/* How often it asks: an answer is one small message, and the last. */
#define ASK_INTERVAL_MS "1000"

/* Connectors say what is wrong with the brokers. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    log_write(LOG_DEBUG, "librdkafka: %s: %s", facility, text);
}

static bool set_setting(void *context, const char *name, const char *value, struct fault *fault)
{
    char text[500];
    return rd_kafka_conf_set(context, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK
           || fault_set(fault, FAULT_CONFIG, "%s", text);
}

static bool configure(const struct config *properties, rd_kafka_conf_t *settings,
                      struct fault *fault)
{
    char servers[2048];
    const struct config_entry *entry = config_find(properties, STR("bootstrap.servers"));
    snprintf(servers, sizeof(servers), "%.*s",
             STR_ARG(entry ? entry->value : STR("localhost:9092")));
    rd_kafka_conf_set_log_cb(settings, on_log);
    return set_setting(settings, "bootstrap.servers", servers, fault)
           && set_setting(settings, "client.id", "fieldtrail", fault)
           && set_setting(settings, "reconnect.backoff.max.ms", "10000", fault)
           && kafka_settings(properties, "producer", set_setting, settings, fault)
           && set_setting(settings, "topic.metadata.refresh.interval.ms", ASK_INTERVAL_MS, fault);
}

void kafka_id_begin(struct kafka_id *id, const struct config *properties)
{
    char text[500];
    struct fault fault = {0};
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    *id = (struct kafka_id){0};
    pthread_mutex_init(&id->mutex, NULL);
    if (configure(properties, settings, &fault))
        id->client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    if (!id->client)
        rd_kafka_conf_destroy(settings);
}

static void stop_asking(struct kafka_id *id)
{
    if (id->client)
        rd_kafka_destroy(id->client);
    id->client = NULL;
}

void kafka_id_turn(struct kafka_id *id)
{
    char *told = id->client ? rd_kafka_clusterid(id->client, 0) : NULL;
    if (!told)
        return;
    pthread_mutex_lock(&id->mutex);
    snprintf(id->text, sizeof(id->text), "%s", told);
    pthread_mutex_unlock(&id->mutex);
    rd_kafka_mem_free(id->client, told);
    stop_asking(id);
}

str kafka_id_get(struct kafka_id *id, struct arena *arena)
{
    str copy = STR_EMPTY;
    pthread_mutex_lock(&id->mutex);
    bool good = arena_copy(arena, str_from(id->text), &copy);
    pthread_mutex_unlock(&id->mutex);
    return good ? copy : STR_EMPTY;
}

void kafka_id_end(struct kafka_id *id)
{
    stop_asking(id);
    pthread_mutex_destroy(&id->mutex);
}
