/*
 * findings: what a look at a set-up has found, one line each for a person: what, and where it is
 * not well, what to do. They are said as they are found.
 */
#ifndef FIELDTRAIL_FINDINGS_H
#define FIELDTRAIL_FINDINGS_H

#include <fieldtrail/str.h>

enum finding_level {
    FINDING_OK,
    FINDING_WARN, /* it runs, but perhaps not as it is meant */
    FINDING_FAIL  /* it cannot run, or rows would be wrong */
};

struct findings {
    size_t count[FINDING_FAIL + 1]; /* by level */
    void (*say)(void *context, enum finding_level level, const char *text);
    void *context;
};

/* "ok", "warn", "fail". */
const char *finding_level_name(enum finding_level level);

/* The text is cut at 2,000 bytes; control characters become blanks. */
void findings_add(struct findings *findings, enum finding_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
