/*
 * The demo: a connector like any other, but for where its topic is.
 */
#include "demo.h"

#include <poll.h>

#include "config_file.h"
#include "kafka_apart.h"
#include "kafka_mock.h"
#include "stop.h"

#define CONFIG_BYTES_LIMIT ((size_t)16 * 1024 * 1024)
/* A database that is not there is no reason to wait for ever. */
#define BROKER_WAIT_MS 5000
#define RETRY_TIMEOUT_MS "5000"
#define RETRY_DELAY_MS "500"

/* Bytes of the capture, carried by the program: see `embed` in CMakeLists.txt. */
static const unsigned char capture[] = {
#include "tutorial_capture.inc"
};

/* To standard output, with the columns that the pipe prints. */
static const char usual[] =
    "{\"name\": \"tutorial\", \"config\": {\"connector.class\": \"StdoutSink\","
    "\"topics\": \"bankserver1.bank.holding\", \"format\": \"csv\", \"format.header\": true,"
    "\"pivot.keys\": \"holding_id,user_id\", \"pivot.fields\": \"holding_stock,holding_quantity\","
    "\"pivot.columns\": \"holding_id,user_id,change_field,old_value,new_value,datetime_created,"
    "datetime_updated,datetime_deleted,datetime_inserted,op,old_known\","
    "\"replica.identity\": \"full\"}}";

#define ORIGIN STR("demo")

static bool set(struct demo *demo, const char *key, str value, struct fault *fault)
{
    return config_set(&demo->connector.config, str_from(key), value, ORIGIN, fault);
}

/* The topic that the connector reads first; the capture's events stand there. */
static bool choose_topic(struct demo *demo, str *topic, struct fault *fault)
{
    const struct config_entry *entry = config_find(&demo->connector.config, STR("topics"));
    struct str_list topics = {NULL, 0};
    if (entry && !option_split(entry->value, &demo->arena, &topics, fault))
        return false;
    *topic = topics.count > 0 ? topics.item[0] : STR("bankserver1.bank.holding");
    return true;
}

/* Everything but the broker is as the connector's file says. */
static bool lead_to_broker(struct demo *demo, str topic, struct fault *fault)
{
    const struct config_entry *name = config_find(&demo->connector.config, STR("name"));
    str own = name ? arena_format(&demo->arena, "%.*s-demo", STR_ARG(name->value)) : STR("demo");
    return set(demo, "name", own, fault) && set(demo, "topics", topic, fault)
           && set(demo, "topics.regex", STR_EMPTY, fault) && set(demo, "tasks.max", STR("1"), fault)
           && set(demo, "bootstrap.servers", str_from(kafka_mock_servers(demo->mock)), fault)
           && set(demo, "consumer.override.security.protocol", STR("plaintext"), fault)
           && set(demo, "consumer.override.group.id", own, fault)
           && set(demo, "auto.offset.reset", STR("earliest"), fault)
           && set(demo, "errors.retry.delay.max.ms", STR(RETRY_DELAY_MS), fault)
           && set(demo, "errors.retry.timeout", STR(RETRY_TIMEOUT_MS), fault);
}

/* All partitions are this task's at once: a group of one has nobody to wait for. */
static struct source *read_all(const struct config *config, int member, struct fault *fault)
{
    (void)member;
    struct source *source = kafka_apart_new(config, fault);
    struct kafka_topics topics;
    if (!source)
        return NULL;
    if (kafka_apart_topics(source, &topics, BROKER_WAIT_MS, fault)) {
        source->turn = SOURCE_ASSIGNED;
        return source;
    }
    source->type->stop(source);
    return NULL;
}

bool demo_start(struct demo *demo, const char *path, struct fault *fault)
{
    struct config worker;
    str topic, records = {(const char *)capture, sizeof(capture)};
    *demo = (struct demo){0};
    arena_init(&demo->arena, CONFIG_BYTES_LIMIT);
    config_init(&worker, &demo->arena);
    demo->begun = true;
    if (!connector_begin(&demo->connector, &worker, fault)
        || !(path ? config_file_read(&demo->connector.config, path, fault)
                  : config_json_read(&demo->connector.config, str_from(usual), ORIGIN, fault))
        || !choose_topic(demo, &topic, fault)
        || !(demo->mock = kafka_mock_new(topic, records, fault)))
        return false;
    demo->events = kafka_mock_count(demo->mock);
    demo->connector.make_source = read_all;
    return lead_to_broker(demo, topic, fault)
           && connector_settle(&demo->connector, path ? path : "demo", fault)
           && connector_start(&demo->connector, fault);
}

/* All of the topic was read; the task's stop flushes what is not yet. */
static bool is_through(const struct task_status *status)
{
    return status->state == TASK_RUNNING && status->lanes > 0 && status->lag == 0;
}

bool demo_finish(struct demo *demo, struct fault *fault)
{
    struct connector_task *task = demo->connector.task[0];
    struct task_status status = {0};
    while (!stop_requested() && !connector_ended(&demo->connector) && !is_through(&status)
           && status.state != TASK_FAILED) {
        poll(NULL, 0, 20);
        status = task_get_status(&task->task);
    }
    bool failed = status.state == TASK_FAILED && !connector_ended(&demo->connector);
    connector_stop(&demo->connector);
    while (!connector_ended(&demo->connector))
        poll(NULL, 0, 10);
    demo->rows = task_get_status(&task->task).rows;
    *fault = task->fault;
    /* It would have tried again later, but a person must act first. */
    if (failed && fault->kind == FAULT_NONE)
        fault_set(fault, FAULT_CONFIG, "%s", status.trace);
    return fault->kind == FAULT_NONE;
}

void demo_release(struct demo *demo)
{
    if (demo->begun)
        connector_release(&demo->connector);
    kafka_mock_free(demo->mock);
    arena_release(&demo->arena);
}
