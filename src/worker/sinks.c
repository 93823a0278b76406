/*
 * The array of sink classes: a new sink is one more row.
 */
#include "sinks.h"

#include <unistd.h>

#include "csv.h"
#include "encoders.h"
#include "postgres.h"
#include "questdb.h"
#include "stream.h"

static struct sink *create_postgres(const struct sink_context *context, struct fault *fault)
{
    struct postgres_identity identity = {context->connector, context->worker_id};
    return postgres_new(context->config, context->layout, identity, fault);
}

static struct sink *create_postgres_replay(const struct sink_context *context, struct fault *fault)
{
    struct postgres_identity identity = {context->connector, context->worker_id};
    return postgres_replay_new(context->config, context->layout, identity, fault);
}

static struct sink *create_questdb(const struct sink_context *context, struct fault *fault)
{
    return questdb_new(context->config, context->layout, fault);
}

static struct encoder *load_encoder(const struct sink_context *context, struct fault *fault)
{
    struct encoder *encoder = ARENA_NEW(context->arena, struct encoder, 1);
    if (!encoder) {
        fault_memory(fault, "an encoder");
        return NULL;
    }
    return encoder_load(encoder, context->config, context->layout, fault) ? encoder : NULL;
}

static struct sink *create_csv(const struct sink_context *context, struct fault *fault)
{
    struct csv_identity identity = {context->connector, context->worker_id, context->clustered};
    const struct encoder *encoder = load_encoder(context, fault);
    return encoder ? csv_new(context->config, encoder, identity, fault) : NULL;
}

static struct sink *create_stdout(const struct sink_context *context, struct fault *fault)
{
    const struct encoder *encoder = load_encoder(context, fault);
    return encoder ? stream_new(STDOUT_FILENO, encoder, fault) : NULL;
}

static const struct option_table *const postgres_tables[] = {&postgres_options};
static const struct option_table *const questdb_tables[] = {&questdb_options};
static const struct option_table *const csv_tables[] = {&csv_options, &encoder_options};
static const struct option_table *const stdout_tables[] = {&encoder_options};

static const struct sink_class classes[] = {
    {"PostgresSink", postgres_tables, 1, 0, create_postgres, create_postgres_replay},
    {"QuestDBSink", questdb_tables, 1, 200, create_questdb, create_questdb},
    {"CsvSink", csv_tables, 2, 1000, create_csv, NULL},
    {"StdoutSink", stdout_tables, 1, 0, create_stdout, NULL},
};

#define CLASS_COUNT (sizeof(classes) / sizeof(classes[0]))

const struct sink_class *sink_classes(size_t *count)
{
    *count = CLASS_COUNT;
    return classes;
}

const struct sink_class *sink_class_find(str name, struct fault *fault)
{
    char names[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++)
        if (str_is(name, classes[i].name))
            return &classes[i];
    for (size_t i = 0; i < CLASS_COUNT && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
                                 classes[i].name);
    fault_set(fault, FAULT_CONFIG, "connector.class=%.*s: must be one of %s", STR_ARG(name), names);
    return NULL;
}
