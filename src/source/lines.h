/*
 * lines: records from files or standard input, one a line: the message itself, or kcat's -J object.
 */
#ifndef FIELDTRAIL_LINES_H
#define FIELDTRAIL_LINES_H

#include <fieldtrail/option.h>
#include <fieldtrail/source.h>

extern const struct option_table lines_options;

/* Reads the files in turn; "-" is standard input, as is no file at all. The names must outlive the
   source. NULL with FAULT_CONFIG where a file may not be read: all are looked at before the first
   is opened. stop() frees it. */
struct source *lines_new(const char *const *files, size_t count, const struct config *config,
                         struct fault *fault);

#endif
