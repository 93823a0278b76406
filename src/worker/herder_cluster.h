/*
 * herder_cluster: the herder of a worker that shares its connectors with others. What should be
 * stands in one topic, what is in another (cluster_record.h tells both); no worker leads, and none
 * asks another. A request is a write to the first topic; each worker reads it there and does its
 * part, and says in the second topic what became of it.
 */
#ifndef FIELDTRAIL_HERDER_CLUSTER_H
#define FIELDTRAIL_HERDER_CLUSTER_H

#include "cluster_settings.h"
#include "herder.h"

/* Begins to read both topics. The worker's id is its name in the cluster: no two may have the same,
   and one that is started anew should have its former one. NULL with FAULT_CONFIG. */
struct herder *herder_cluster_new(struct worker *worker, const struct cluster_settings *settings,
                                  struct fault *fault);

/* Creates the connector, once the topics are read, unless the cluster has one of that name: then
   that one stays as it is, and the log says so. The configuration is copied. */
bool herder_cluster_offer(struct herder *herder, const struct config *config,
                          struct fault *fault) MUST_CHECK;

/* Whether the worker can never become one of the cluster: a topic is not what it must be. The fault
   names the remedy. */
bool herder_cluster_refused(struct herder *herder, struct fault *fault);

#endif
