/*
 * whole: a source around another one, whose every poll ends at the border of a transaction of the
 * source database (flush.on=transaction). Records wait here, a queue a lane, until the END marker
 * of their transaction and all events that it counts have come; then those of all lanes are given
 * together. A transaction that is too large, or whose events do not come, is given in parts, which
 * is logged and counted.
 */
#ifndef FIELDTRAIL_WHOLE_H
#define FIELDTRAIL_WHOLE_H

#include <fieldtrail/option.h>
#include <fieldtrail/source.h>

/* flush.on. */
extern const struct option_table whole_options;

/* `inner` itself where flush.on=size; otherwise a source that owns it. NULL with FAULT_CONFIG where
   whole transactions cannot be had: several tasks, or no topic of markers; inner is stopped then.
   Topics are looked at when partitions come. */
struct source *whole_wrap(struct source *inner, const struct config *config, int64_t tasks_max,
                          struct fault *fault);

#endif
