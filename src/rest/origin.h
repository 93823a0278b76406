/*
 * origin: whether a request may come from where it says: against pages of other sites that a
 * browser carries to this port (CSRF), and against names that are made to point here (DNS
 * rebinding).
 */
#ifndef FIELDTRAIL_ORIGIN_H
#define FIELDTRAIL_ORIGIN_H

#include <fieldtrail/str.h>

/* Whether the Host header names loopback, or the name that is advertised; a missing one does. */
bool origin_host_is_ours(str host, str advertised);

/* Whether a page at `origin` is one that this very server gave out: its host and port are those of
   the Host header. A missing one is; "null" is not. */
bool origin_is_same(str origin, str host, bool tls);

#endif
