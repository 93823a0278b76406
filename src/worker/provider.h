/*
 * provider: Kafka Connect's placeholders in configuration values: ${env:NAME}, ${file:/path:key} (a
 * .properties file) and ${dir:/path:name} (a file of that name, its text without the last line
 * end).
 */
#ifndef FIELDTRAIL_PROVIDER_H
#define FIELDTRAIL_PROVIDER_H

#include <fieldtrail/option.h>

/* Replaces the placeholders of all values. Other uses of ${…} stay as they are. FAULT_CONFIG names
   the key and the placeholder that is undefined. */
bool provider_expand(struct config *config, struct fault *fault) MUST_CHECK;

#endif
