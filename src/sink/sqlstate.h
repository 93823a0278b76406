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

#endif
