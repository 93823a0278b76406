/*
 * config_file: reads a connector's configuration in the shapes of Kafka Connect: {"name": …,
 * "config": {…}}, a bare object of keys, or a .properties file.
 */
#ifndef FIELDTRAIL_CONFIG_FILE_H
#define FIELDTRAIL_CONFIG_FILE_H

#include <fieldtrail/option.h>

/* Adds the file's keys to the configuration; the path becomes their origin. A file that
   begins with a brace is JSON, every other is taken for .properties. FAULT_CONFIG names file and
   place. */
bool config_file_read(struct config *config, const char *path, struct fault *fault) MUST_CHECK;

/* The same from a text; for requests and tests. */
bool config_json_read(struct config *config, str text, str origin, struct fault *fault) MUST_CHECK;
bool config_properties_read(struct config *config, str text, str origin,
                            struct fault *fault) MUST_CHECK;

#endif
