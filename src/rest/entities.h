/*
 * entities: what herders give, as Kafka Connect's JSON.
 */
#ifndef FIELDTRAIL_ENTITIES_H
#define FIELDTRAIL_ENTITIES_H

#include "json_writer.h"
#include "rest.h"

/* {"name": ..., "config": {...}, "tasks": [...], "type": "sink"} */
void write_info(struct json_writer *writer, const struct request *request,
                const struct herder_info *info);

/* The configuration, with secrets as whoever asks may see them. */
void write_config(struct json_writer *writer, const struct request *request,
                  const struct config *config);

/* {"name": ..., "connector": {...}, "tasks": [...], "type": "sink"} */
void write_status(struct json_writer *writer, const struct herder_status *status);

/* {"id": 0, "state": ..., "worker_id": ...} */
void write_task_state(struct json_writer *writer, const struct herder_state *state);

/* A value as whoever asks may see it. */
str shown_value(const struct request *request, str key, str value);

#endif
