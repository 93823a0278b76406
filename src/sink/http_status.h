/*
 * http_status: what the status of an HTTP answer means for delivery.
 */
#ifndef FIELDTRAIL_HTTP_STATUS_H
#define FIELDTRAIL_HTTP_STATUS_H

#include <fieldtrail/fault.h>

/* The kind of fault of a status; FAULT_NONE for 200 to 299. What is not known is the environment's
   fault. A target whose 400 can also mean something else than a bad line tells that apart itself,
   by the answer's body. */
enum fault_kind http_status_kind(int status);

/* Whether the table knows the status; one that it does not may be one record's doing. */
bool http_status_is_known(int status);

#endif
