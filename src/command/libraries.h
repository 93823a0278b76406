/*
 * libraries: those that `pivot` has no use for (Kafka's, PostgreSQL's, curl's …) are loaded when a
 * command needs them. Loading them costs more time and memory than most runs of `pivot`.
 */
#ifndef FIELDTRAIL_LIBRARIES_H
#define FIELDTRAIL_LIBRARIES_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

/* Loads them; none of their functions may be called before. FAULT_FATAL names the one that is
   missing. */
MUST_CHECK bool libraries_load(struct fault *fault);

#endif
