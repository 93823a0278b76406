/*
 * cluster_settings: which cluster a worker belongs to, if any. Every command reads them, for a
 * connector that belongs to a cluster must not be taken for one of a worker alone.
 */
#ifndef FIELDTRAIL_CLUSTER_SETTINGS_H
#define FIELDTRAIL_CLUSTER_SETTINGS_H

#include <fieldtrail/option.h>

struct cluster_settings {
    str group; /* empty: the worker stands alone */
    str config_topic, status_topic;
    int64_t config_replication, status_replication; /* 0: three, or as many as there are brokers */
    str ignored;
};

extern const struct option_table cluster_options;

/* FAULT_CONFIG where keys of a cluster are missing or cannot go together. Texts stay the
   configuration's, or live in its arena. */
bool cluster_settings_load(const struct config *properties, struct cluster_settings *settings,
                           struct fault *fault) MUST_CHECK;

#endif
