/*
 * check: a look at everything a connector needs, before it runs: configuration, brokers, topics,
 * group, the last events, target, and the source database where source.connection.uri names it.
 * Nothing is changed anywhere; what needs a trial is taken back.
 */
#ifndef FIELDTRAIL_CHECK_H
#define FIELDTRAIL_CHECK_H

#include "connector.h"

/* Looks at the connector of that file. False where its configuration cannot be used. */
bool check_connector(const struct config *worker, const char *path,
                     struct findings *findings) MUST_CHECK;

/* Says which values of a configuration file are secrets that stand there as they are. A file that
   cannot be read is for others to say. */
void check_secrets(const char *path, struct findings *findings);

#endif
