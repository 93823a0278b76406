/*
 * stream: rows to a file descriptor, a pipe or a file that somebody else opened. A true flush means
 * that the system took the bytes; it is not fsynced.
 */
#ifndef FIELDTRAIL_STREAM_H
#define FIELDTRAIL_STREAM_H

#include <fieldtrail/encoder.h>
#include <fieldtrail/sink.h>

/* The sink borrows the encoder and the descriptor. A reader that closed the pipe is FAULT_FATAL
   with the code EPIPE. stop() frees it. NULL with the fault set where memory ran out. */
struct sink *stream_new(int fd, const struct encoder *encoder, struct fault *fault);

#endif
