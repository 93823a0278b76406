/*
 * log: one line an event on standard error, as text or JSON. The level is the only global of the
 * base room; lines from several threads never mix.
 */
#ifndef FIELDTRAIL_LOG_H
#define FIELDTRAIL_LOG_H

#include <fieldtrail/str.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Lines above `level` are dropped. Default: LOG_INFO, LOG_TEXT. Call before threads start, or
   from any thread for the level alone. */
void log_setup(enum log_level level, enum log_format format);

/* The level alone, at any time and from any thread. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Writes one line: "fieldtrail: warning: text", or {"time":…,"level":…,"message":…}. The text is
   cut at 2,000 bytes; control characters are replaced. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
