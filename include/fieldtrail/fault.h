/*
 * fault: what went wrong, of which kind, in one line for a person. A fallible function returns
 * bool and fills the fault it was given once; callers may add context in front. Nobody but the
 * task acts on the kind.
 */
#ifndef FIELDTRAIL_FAULT_H
#define FIELDTRAIL_FAULT_H

#include <stdbool.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_RETRY,  /* environment: the same call may succeed later */
    FAULT_RECORD, /* data: this record can never be processed; its neighbours can */
    FAULT_CONFIG, /* configuration: a person must change something; the text names the remedy */
    FAULT_FATAL   /* this process cannot go on */
};

#define FAULT_TEXT_LIMIT 500

struct fault {
    enum fault_kind kind;
    int code; /* errno, SQLSTATE packed, HTTP status ...: meaning belongs to who set it; else 0 */
    char text[FAULT_TEXT_LIMIT];
};

/* Sets kind and text (lowercase, no full stop, names the thing and the remedy; cut at the limit
   on a character border, control characters replaced) and clears the code.
   Always false, so that `return fault_set(...)` reads well. */
bool fault_set(struct fault *fault, enum fault_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context in front: "context: text". Always false. */
bool fault_in(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* FAULT_RETRY: an allocation failed or a limit of memory was reached. Always false. */
bool fault_memory(struct fault *fault, const char *what);

/* "record", "configuration" ...: the kind as a word for logs. */
const char *fault_kind_name(enum fault_kind kind);

#endif
