/*
 * shipped: the scripts of schemas/ that the program carries with it.
 */
#ifndef FIELDTRAIL_SHIPPED_H
#define FIELDTRAIL_SHIPPED_H

#include <fieldtrail/str.h>

struct shipped {
    const char *sink;  /* the connector.class that it is for */
    const char *name;  /* of the file, without .sql */
    const char *group; /* a name that stands for several, in this order; NULL: none */
    const char *help;  /* one line */
    str script;
};

/* All scripts, those of a class one after the other; gives their number. */
const struct shipped *shipped_all(size_t *count);

#endif
