/*
 * write: all bytes to a descriptor, whatever its mode.
 */
#ifndef FIELDTRAIL_WRITE_H
#define FIELDTRAIL_WRITE_H

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

/* Writes all of it; a full pipe or socket is waited for. FAULT_FATAL with errno as its code: part
   may have been written. `what` is named in the text. */
bool write_whole(int fd, str bytes, const char *what, struct fault *fault) MUST_CHECK;

#endif
