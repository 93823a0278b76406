/*
 * sinks: the registry of sinks, by the name that connector.class gives them.
 */
#ifndef FIELDTRAIL_SINKS_H
#define FIELDTRAIL_SINKS_H

#include <fieldtrail/layout.h>
#include <fieldtrail/option.h>
#include <fieldtrail/sink.h>

/* What a sink is made from. All of it outlives the sink. */
struct sink_context {
    str connector, worker_id;
    bool clustered; /* tasks move between machines */
    const struct config *config;
    const struct layout *layout;
    struct arena *arena; /* of the connector */
};

struct sink_class {
    const char *name;
    const struct option_table *const *table; /* keys that only this class has */
    size_t table_count;
    int64_t linger_ms; /* what linger.ms is where nobody says otherwise */
    /* NULL with the fault set where configuration or memory forbids. Opens nothing yet. */
    struct sink *(*create)(const struct sink_context *context, struct fault *fault);
    /* The same for records that are written out of turn (see postgres_replay_new); for targets
       where a row that is written twice is there once, that is `create`. NULL: cannot be done. */
    struct sink *(*create_replay)(const struct sink_context *context, struct fault *fault);
};

/* All classes; gives their number. */
const struct sink_class *sink_classes(size_t *count);

/* The class of that name; NULL with FAULT_CONFIG that names those there are. */
const struct sink_class *sink_class_find(str name, struct fault *fault);

#endif
