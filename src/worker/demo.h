/*
 * demo: the worker's own task on a broker inside this process, filled with the captured events of
 * the tutorial's table. It ends by itself when all of them are through.
 */
#ifndef FIELDTRAIL_DEMO_H
#define FIELDTRAIL_DEMO_H

#include "connector.h"

struct demo {
    struct arena arena;
    struct connector connector;
    struct kafka_mock *mock;
    uint64_t events, rows; /* of the topic; delivered by this run */
    bool begun;            /* the connector is to be released */
};

/* Starts broker and task. `path` is the connector's file that names the sink, or NULL for CSV on
   standard output. The connector gets a name and a group of its own, NAME-demo, so that what is
   stored of the real one stays as it is. To be released on success and on failure. */
bool demo_start(struct demo *demo, const char *path, struct fault *fault) MUST_CHECK;

/* Waits until every event is through, or a signal. False where the sink cannot take them. */
bool demo_finish(struct demo *demo, struct fault *fault) MUST_CHECK;

void demo_release(struct demo *demo);

#endif
