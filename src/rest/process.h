/*
 * process: what the system says of this process, for /metrics.
 */
#ifndef FIELDTRAIL_PROCESS_H
#define FIELDTRAIL_PROCESS_H

#include <fieldtrail/str.h>

/* What the system does not say is 0. */
struct process {
    double cpu_seconds, start_seconds; /* used so far; since 1970 */
    uint64_t resident_bytes, virtual_bytes;
    uint64_t open_fds, max_fds;
    uint64_t threads;
};

void process_read(struct process *process);

#endif
