/*
 * placement: on which of the live workers something runs: the one whose hash with its name is the
 * highest. Every worker works it out for itself; a worker that comes or goes moves only what comes
 * to it or was its own.
 */
#ifndef FIELDTRAIL_PLACEMENT_H
#define FIELDTRAIL_PLACEMENT_H

#include <fieldtrail/str.h>

/* The connector itself, whose state some worker has to tell, beside its tasks 0, 1, … */
#define PLACEMENT_CONNECTOR (-1)
#define PLACEMENT_NOWHERE SIZE_MAX

/* The number of the worker that the task belongs to, whatever their order; PLACEMENT_NOWHERE where
   there are none. */
size_t placement_of(const str *worker, size_t count, str connector, int task);

#endif
