/*
 * Connectors: configuration into tasks and threads.
 */
#include "connector.h"

#include <assert.h>
#include <unistd.h>

#include "check_steps.h"
#include "clock.h"
#include "cluster_settings.h"
#include "config_file.h"
#include "debezium.h"
#include "decoders.h"
#include "reading.h"
#include "kafka.h"
#include "log.h"
#include "mem.h"
#include "provider.h"
#include "rest_settings.h"
#include "sinks.h"
#include "stop.h"
#include "whole.h"

/* A task that ran so long before it failed again waits as if it were the first time. */
#define RESTART_FORGET_MS 900000
#define RESTART_DELAY_LIMIT_MS 300000

#define CONFIG_BYTES_LIMIT ((size_t)64 * 1024 * 1024)

/* ---- options ---- */

static const char *const restart_policies[] = {"never", "on-failure", NULL};

static const struct option_spec connector_option[] = {
    {.key = "name",
     .type = OPTION_STRING,
     .offset = offsetof(struct connector, name),
     .help =
         "The connector's name: under it the target stores its positions, and the consumer group "
         "is connect-NAME."},
    {.key = "connector.class",
     .type = OPTION_STRING,
     .offset = offsetof(struct connector, class),
     .argument = "PostgresSink",
     .help = "Where rows go: PostgresSink, QuestDBSink, CsvSink, or StdoutSink (standard output, "
             "for looking on; what was printed when the worker was killed comes again)."},
    {.key = "tasks.max",
     .type = OPTION_INT,
     .preset = "1",
     .min = 1,
     .max = TASKS_LIMIT,
     .offset = offsetof(struct connector, tasks_max),
     .importance = OPTION_MEDIUM,
     .help = "So many tasks, each a member of the consumer group with a thread of its own."},
    {.key = "restart.policy",
     .type = OPTION_ENUM,
     .choices = restart_policies,
     .preset = "never",
     .offset = offsetof(struct connector, restart),
     .importance = OPTION_MEDIUM,
     .help = "What becomes of a task that failed: at a record that may not be left out, after "
             "errors.retry.timeout, or where its client is of no more use. never: it stays FAILED, "
             "and `run` ends once no task is left. on-failure: it begins anew after "
             "restart.delay.ms, then after twice that, up to five minutes. Outages and what a "
             "person must mend end no task."},
    {.key = "restart.delay.ms",
     .type = OPTION_INT,
     .preset = "10000",
     .min = 10,
     .max = 300000,
     .offset = offsetof(struct connector, restart_delay_ms),
     .importance = OPTION_LOW,
     .help = "How long a failed task waits before it begins anew."},
};

const struct option_table connector_options = {.title = "Connector",
                                               .option = connector_option,
                                               .count = sizeof(connector_option)
                                                        / sizeof(connector_option[0])};

/* Keys of Kafka Connect that change nothing here, and those that are read by their prefix. */

static const struct option_spec accepted_option[] = {
    {.key = "consumer.override",
     .per_table = true,
     .type = OPTION_STRING,
     .help = "Settings of the consumer: librdkafka's, or Kafka's Java names where they have a "
             "counterpart. consumer.override.group.id sets the group."},
    {.key = "producer.override",
     .per_table = true,
     .type = OPTION_STRING,
     .help = "Settings of the producer of dead letters."},
    {.key = "consumer",
     .per_table = true,
     .type = OPTION_STRING,
     .help = "The same for all connectors (a key of the worker)."},
    {.key = "producer",
     .per_table = true,
     .type = OPTION_STRING,
     .help = "The same for all connectors (a key of the worker)."},
    {.key = "key.converter",
     .per_table = true,
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: the form of messages is recognised."},
    {.key = "value.converter",
     .per_table = true,
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "header.converter",
     .per_table = true,
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "config.action.reload",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "errors.log.enable",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: the first error of a kind is logged, all are counted."},
};

static const struct option_table accepted_options = {.title = "Clients, and keys of Kafka Connect",
                                                     .option = accepted_option,
                                                     .count = sizeof(accepted_option)
                                                              / sizeof(accepted_option[0])};

struct worker_settings {
    int log_level, log_format;
    str ignored;
};

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

static const struct option_spec worker_option[] = {
    {.key = "log.level",
     .type = OPTION_ENUM,
     .choices = log_levels,
     .preset = "info",
     .offset = offsetof(struct worker_settings, log_level),
     .help = "How much is logged."},
    {.key = "log.format",
     .type = OPTION_ENUM,
     .choices = log_formats,
     .preset = "text",
     .offset = offsetof(struct worker_settings, log_format),
     .help = "Lines of text, or of JSON."},
    {.key = "plugin.path",
     .type = OPTION_STRING,
     .offset = offsetof(struct worker_settings, ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect."},
    {.key = "offset.storage",
     .per_table = true,
     .type = OPTION_STRING,
     .offset = offsetof(struct worker_settings, ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: positions stand in the target."},
    {.key = "offset.flush.interval.ms",
     .type = OPTION_STRING,
     .offset = offsetof(struct worker_settings, ignored),
     .importance = OPTION_LOW,
     .help = "Accepted and without effect: see flush.interval.ms."},
};

const struct option_table worker_options = {.title = "Worker",
                                            .option = worker_option,
                                            .count = sizeof(worker_option)
                                                     / sizeof(worker_option[0])};

/* Every connector has these; its class adds those of its sink. */
static const struct option_table *const common_tables[] = {
    &connector_options, &kafka_options, &delivery_options, &whole_options,
    &task_options,      &pivot_options, &decoder_options,  &debezium_options,
    &values_options,    &check_options, &accepted_options,
};

#define COMMON_COUNT (sizeof(common_tables) / sizeof(common_tables[0]))

static size_t add_tables(const struct option_table **table, size_t used,
                         const struct option_table *const *more, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(used < CONNECTOR_TABLES_LIMIT);
        table[used++] = more[i];
    }
    return used;
}

/* The tables of one class, or of all where `class` is NULL. */
static size_t collect_tables(const struct sink_class *class, const struct option_table **table)
{
    size_t count, used = add_tables(table, 0, common_tables, COMMON_COUNT);
    const struct sink_class *classes = sink_classes(&count);
    for (size_t i = 0; i < count; i++)
        if (!class || class == &classes[i])
            used = add_tables(table, used, classes[i].table, classes[i].table_count);
    return used;
}

size_t connector_tables(const struct option_table *table[CONNECTOR_TABLES_LIMIT])
{
    return collect_tables(NULL, table);
}

size_t connector_class_tables(const struct sink_class *class,
                              const struct option_table *table[CONNECTOR_TABLES_LIMIT])
{
    return collect_tables(class, table);
}

/* ---- configuration ---- */

bool worker_load(struct config *config, const char *path, struct fault *fault)
{
    static const struct option_table *const tables[] = {
        &worker_options, &cluster_options, &rest_options, &kafka_options, &accepted_options};
    struct worker_settings settings = {0};
    struct cluster_settings cluster;
    if ((path && !config_file_read(config, path, fault)) || !provider_expand(config, fault)
        || !option_check_known(tables, sizeof(tables) / sizeof(tables[0]), config, fault)
        || !option_load(&worker_options, config, &settings, fault)
        || !cluster_settings_load(config, &cluster, fault))
        return false;
    log_setup((enum log_level)settings.log_level, (enum log_format)settings.log_format);
    return true;
}

/* Of the worker's keys a connector inherits those of its clients. */
static bool inherit(struct connector *connector, const struct config *worker, struct fault *fault)
{
    for (size_t i = 0; i < worker->count; i++) {
        const struct config_entry *entry = &worker->entry[i];
        bool client = str_is(entry->key, "bootstrap.servers")
                      || str_starts(entry->key, STR("consumer."))
                      || str_starts(entry->key, STR("producer."));
        if (client
            && !config_set(&connector->config, entry->key, entry->value, entry->origin, fault))
            return false;
    }
    return true;
}

/* Connect's users say consumer.override.auto.offset.reset; it is the task that acts on it. */
static bool adopt_reset(struct connector *connector, struct fault *fault)
{
    static const char *const keys[] = {"consumer.override.auto.offset.reset",
                                       "consumer.auto.offset.reset"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct config_entry *entry = config_find(&connector->config, str_from(keys[i]));
        if (entry && !config_find(&connector->config, STR("auto.offset.reset")))
            return config_set(&connector->config, STR("auto.offset.reset"), entry->value,
                              entry->origin, fault);
    }
    return true;
}

static bool set_worker_id(struct connector *connector, struct fault *fault)
{
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    connector->worker_id = arena_format(&connector->arena, "%s:%d", host, (int)getpid());
    return connector->worker_id.ptr || fault_memory(fault, "the worker's name");
}

/* A class has keys of its own; another class's are unknown. */
static bool check_keys(struct connector *connector, struct fault *fault)
{
    const struct option_table *table[CONNECTOR_TABLES_LIMIT];
    const struct config_entry *entry = config_find(&connector->config, STR("connector.class"));
    connector->sink_class = sink_class_find(entry ? entry->value : STR_EMPTY, fault);
    if (!connector->sink_class)
        return false;
    size_t count = collect_tables(connector->sink_class, table);
    return option_check_known(table, count, &connector->config, fault);
}

bool connector_begin(struct connector *connector, const struct config *worker, struct fault *fault)
{
    *connector = (struct connector){.make_source = kafka_new};
    arena_init(&connector->arena, CONFIG_BYTES_LIMIT);
    config_init(&connector->config, &connector->arena);
    connector->clustered = config_find(worker, STR("group.id")) != NULL;
    return inherit(connector, worker, fault);
}

/* Tasks move from machine to machine: a file would be in pieces all over them, and where two share
   it their letters would be mixed. */
static bool check_letter_place(const struct connector *connector, struct fault *fault)
{
    const struct config_entry *file = config_find(&connector->config,
                                                  STR("errors.deadletterqueue.file"));
    return !connector->clustered || !file || file->value.len == 0
           || fault_set(fault, FAULT_CONFIG,
                        "errors.deadletterqueue.file=%.*s: in a cluster tasks move between "
                        "machines, and their dead letters must not stay behind; name a topic in "
                        "errors.deadletterqueue.topic.name instead",
                        STR_ARG(file->value));
}

bool connector_settle(struct connector *connector, const char *origin, struct fault *fault)
{
    if (!provider_expand(&connector->config, fault) || !adopt_reset(connector, fault)
        || !check_keys(connector, fault))
        return false;
    if (!config_find(&connector->config, STR("name")))
        return fault_set(fault, FAULT_CONFIG, "%s: the connector has no name", origin);
    return pivot_check_fields(&connector->config, fault) && check_letter_place(connector, fault)
           && option_load(&connector_options, &connector->config, connector, fault)
           && set_worker_id(connector, fault);
}

bool connector_load(struct connector *connector, const struct config *worker, const char *path,
                    struct fault *fault)
{
    return connector_begin(connector, worker, fault)
           && config_file_read(&connector->config, path, fault)
           && connector_settle(connector, path, fault);
}

/* ---- tasks ---- */

static void warn(void *context, const char *text)
{
    const struct connector *connector = context;
    log_write(LOG_WARN, "%.*s: %s", STR_ARG(connector->name), text);
}

bool connector_rows(struct pivot *pivot, const struct sink *sink, struct change *change,
                    struct batch *batch, struct fault *fault)
{
    bool message = change->op == CHANGE_MESSAGE && sink->takes_messages;
    return pivot_rows(pivot, change, batch, fault)
           && (!message || batch_add_row(batch, (struct row){change, NULL}, fault));
}

static bool rows_by_pivot(void *context, struct change *change, struct batch *batch,
                          struct fault *fault)
{
    const struct connector_task *task = context;
    return connector_rows(task->pivot, task->task.sink, change, batch, fault);
}

/* How long it pays to gather rows depends on what a flush costs the target. */
static bool init_task(struct connector_task *task, struct fault *fault)
{
    if (!task_init(&task->task, &task->config, fault))
        return false;
    if (!config_find(&task->config, STR("linger.ms")))
        task->task.settings.linger_ms = task->connector->sink_class->linger_ms;
    return true;
}

static bool copy_config(struct connector_task *task, const struct config *config,
                        struct fault *fault)
{
    arena_init(&task->arena, CONFIG_BYTES_LIMIT);
    config_init(&task->config, &task->arena);
    return config_add(&task->config, config, fault);
}

static bool make_task(struct connector *connector, struct connector_task *task, struct fault *fault)
{
    const struct config *config = &task->config;
    struct sink_context context = {.connector = connector->name,
                                   .worker_id = connector->worker_id,
                                   .clustered = connector->clustered,
                                   .config = config,
                                   .arena = &task->arena};
    if (!copy_config(task, &connector->config, fault))
        return false;
    task->pivot = pivot_new(config, PIVOT_SINK_COLUMNS, warn, connector, fault);
    if (!task->pivot)
        return false;
    context.layout = pivot_layout(task->pivot);
    task->task.rows = rows_by_pivot;
    task->task.rows_context = task;
    task->task.halves = pivot_halves(task->pivot);
    task->task.changes = pivot_get_counts(task->pivot);
    task->task.layout = context.layout;
    task->task.id = task->id;
    if (!(task->task.decoder = decoder_new(config, fault)))
        return false;
    decoder_ask(task->task.decoder, pivot_wants, task->pivot);
    return (task->task.sink = connector->sink_class->create(&context, fault))
           && (task->task.source = connector->make_source(config, task->id, fault))
           && (task->task.source = whole_wrap(task->task.source, config, connector->tasks_max,
                                              fault))
           && init_task(task, fault);
}

static void free_lanes(struct task *task)
{
    for (size_t i = 0; i < task->source->lane_count; i++)
        task->source->lane[i].outgoing = true;
    sink_release(task->sink, task->source->lane, task->source->lane_count);
}

static bool run_once(struct connector_task *task)
{
    bool good = task_run(&task->task, &task->fault);
    if (!good)
        log_write(LOG_ERROR, "%.*s: task %d: %s", STR_ARG(task->connector->name), task->id,
                  task->fault.text);
    /* Leaving the group at once hands the partitions on without waiting for a timeout; whoever gets
       them must find them free at the sink. */
    free_lanes(&task->task);
    task->task.source->type->stop(task->task.source);
    task->task.source = NULL;
    return good;
}

/* Waits before a restart; false where the connector is to stop. */
static bool wait_to_restart(struct connector_task *task, unsigned restarts)
{
    int64_t wait_ms = task->connector->restart_delay_ms << (restarts < 10 ? restarts : 10);
    int64_t until = clock_steady_ms()
                    + (wait_ms < RESTART_DELAY_LIMIT_MS ? wait_ms : RESTART_DELAY_LIMIT_MS);
    while (clock_steady_ms() < until && !task->task.stop && !stop_requested())
        clock_wait(-1, 0, 50);
    return !task->task.stop && !stop_requested();
}

/* A source of its own, and nothing known of the lanes of the one before. */
static bool begin_anew(struct connector_task *task)
{
    const struct config *config = &task->config;
    struct fault fault = {0};
    task->task.source = task->connector->make_source(config, task->id, &fault);
    if (task->task.source && task_renew(&task->task, config, &fault))
        return true;
    task->fault = fault;
    log_write(LOG_ERROR, "%.*s: task %d cannot begin anew: %s", STR_ARG(task->connector->name),
              task->id, fault.text);
    if (task->task.source)
        task->task.source->type->stop(task->task.source);
    task->task.source = NULL;
    return false;
}

static void *run_task(void *context)
{
    struct connector_task *task = context;
    unsigned restarts = 0;
    int64_t began_ms = clock_steady_ms();
    bool good = run_once(task);
    while (!good && task->connector->restart == RESTART_ON_FAILURE
           && wait_to_restart(task, restarts++)) {
        if (clock_steady_ms() - began_ms > RESTART_FORGET_MS)
            restarts = 0;
        began_ms = clock_steady_ms();
        good = begin_anew(task) && run_once(task);
    }
    task->ended = true;
    return NULL;
}

static bool start_task(struct connector_task *task, struct fault *fault)
{
    if (pthread_create(&task->thread, NULL, run_task, task) != 0)
        return fault_set(fault, FAULT_FATAL, "cannot start a thread");
    task->started = true;
    return true;
}

bool connector_prepare(struct connector *connector, struct fault *fault)
{
    connector->task = ARENA_NEW(&connector->arena, struct connector_task *,
                                (size_t)connector->tasks_max);
    return connector->task || fault_memory(fault, "tasks");
}

static void free_parts(struct connector_task *task)
{
    if (task->task.source)
        task->task.source->type->stop(task->task.source);
    if (task->task.sink)
        task->task.sink->type->stop(task->task.sink);
    decoder_free(task->task.decoder);
    task_release(&task->task);
    pivot_free(task->pivot);
    arena_release(&task->arena);
    mem_free(task);
}

bool connector_start_task(struct connector *connector, int id, bool paused, struct fault *fault)
{
    struct connector_task *task = mem_alloc(sizeof(*task));
    if (!task)
        return fault_memory(fault, "a task");
    *task = (struct connector_task){.connector = connector, .id = id};
    task->task.paused = paused;
    if (!make_task(connector, task, fault) || !start_task(task, fault)) {
        free_parts(task);
        return fault_in(fault, "connector %.*s", STR_ARG(connector->name));
    }
    connector->task[id] = task;
    return true;
}

void connector_task_free(struct connector_task *task)
{
    if (task->started)
        pthread_join(task->thread, NULL);
    free_parts(task);
}

bool connector_start(struct connector *connector, struct fault *fault)
{
    if (!connector_prepare(connector, fault))
        return false;
    for (int i = 0; i < (int)connector->tasks_max; i++)
        if (!connector_start_task(connector, i, false, fault))
            return false;
    return true;
}

void connector_stop(struct connector *connector)
{
    for (int64_t i = 0; connector->task && i < connector->tasks_max; i++)
        if (connector->task[i])
            connector->task[i]->task.stop = true;
}

bool connector_ended(const struct connector *connector)
{
    for (int64_t i = 0; connector->task && i < connector->tasks_max; i++)
        if (connector->task[i] && !connector->task[i]->ended)
            return false;
    return true;
}

void connector_release(struct connector *connector)
{
    connector_stop(connector);
    for (int64_t i = 0; connector->task && i < connector->tasks_max; i++)
        if (connector->task[i])
            connector_task_free(connector->task[i]);
    arena_release(&connector->arena);
}
