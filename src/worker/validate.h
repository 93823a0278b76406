/*
 * validate: a connector's configuration against the option tables: every option with its value and
 * what is wrong with it. Nothing is connected to.
 */
#ifndef FIELDTRAIL_VALIDATE_H
#define FIELDTRAIL_VALIDATE_H

#include <fieldtrail/option.h>

struct validated {
    const struct option_table *table; /* NULL: no option has this key */
    const struct option_spec *option;
    str key;   /* of the option; SCHEMA.TABLE included where it is one a table */
    str value; /* ptr NULL: not set, and there is no default */
    str *error;
    size_t error_count;
};

struct validation {
    str class;
    struct validated *item; /* in the order of the tables, unknown keys last */
    size_t count, error_count;
};

/* `config` is whole, placeholders as written; they are looked up, and values do not show what was
   found. False only where memory ran out: what is wrong is in the answer. */
bool validate_config(const struct config *properties, const struct config *config,
                     struct arena *arena, struct validation *out, struct fault *fault) MUST_CHECK;

#endif
