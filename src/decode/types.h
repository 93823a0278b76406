/*
 * types: what a column's semantic type makes of its JSON value. This is where types plug in: a new
 * one is a row of the table in types.c.
 */
#ifndef FIELDTRAIL_TYPES_H
#define FIELDTRAIL_TYPES_H

#include <fieldtrail/value.h>

#include "json.h"

struct type {
    const char *name;         /* the schema's semantic name: "io.debezium.data.Json" */
    int64_t ticks_per_second; /* of a number that counts time since 1970; 0 for all others */
    /* Makes the value of a JSON value that is not null and not the unchanged placeholder. */
    struct value (*read)(const struct json *json);
};

/* The type of that semantic name; never NULL: names that are unknown, or empty, get the plain type,
   whose values are the JSON values as they came. */
const struct type *type_by_name(str name);

/* The value of a column of that type. Recognises NULL and Debezium's placeholder for a column that
   was not touched, in its forms as text, bytes and arrays. */
struct value type_read(const struct type *type, const struct json *json);

#endif
