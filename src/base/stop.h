/*
 * stop: the one flag by which SIGINT and SIGTERM ask the process to end.
 */
#ifndef FIELDTRAIL_STOP_H
#define FIELDTRAIL_STOP_H

#include <stdbool.h>

/* From here on the first SIGINT or SIGTERM sets the flag and the second one ends the process at
   once (status 130); SIGPIPE is ignored, so that a closed pipe is an error of write. */
void stop_on_signals(void);

bool stop_requested(void);

#endif
