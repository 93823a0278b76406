/*
 * sqlstate: what an error of PostgreSQL means for delivery.
 */
#ifndef FIELDTRAIL_SQLSTATE_H
#define FIELDTRAIL_SQLSTATE_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

/* The kind of fault of a SQLSTATE of five characters. `constraint` tells whether the error named a
   constraint: a check that failed without one is a missing partition, which is an outage. What is
   not known is the environment's fault: nothing is lost by trying again. */
enum fault_kind sqlstate_kind(const char *sqlstate, bool constraint);

/* Whether the table knows the state. One that it does not may after all be one record's doing: a
   trigger's own code, an internal error that one value provokes. No state at all is known: the
   connection broke. */
bool sqlstate_is_known(const char *sqlstate);

#endif
