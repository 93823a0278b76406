/*
 * types: what a column's type makes of its JSON value: the text that PostgreSQL prints for
 * column::text, wherever the message carries enough for it. This is where types plug in: a new one
 * is a reader in a types_*.c and a row of the table in types.c or, for hints, in types_hint.c.
 */
#ifndef FIELDTRAIL_TYPES_H
#define FIELDTRAIL_TYPES_H

#include <fieldtrail/value.h>

#include "json.h"
#include "placeholder.h"

struct type_reader;

/* The type of one column, with its parameters. */
struct type {
    const struct type_reader *reader; /* NULL: values are the JSON values as they came */
    int32_t parameter;                /* scale, length in bits, or ticks per second */
    int32_t precision;                /* digits of a decimal that a hint describes; 0: any */
    const struct type *item;          /* of an array's elements */
};

/* What reading needs beside the value. */
struct type_context {
    struct arena *texts;                   /* composed texts live here */
    struct arena *scratch;                 /* trees and digits, until the record is done */
    const struct placeholder *placeholder; /* NULL: nothing is taken for one */
};

struct type_reader {
    /* What it reads, for messages: "a decimal". */
    const char *what;
    /* Makes the value of a JSON value that is not null and not the placeholder. */
    bool (*read)(const struct type *type, const struct type_context *context,
                 const struct json *json, struct value *value, struct fault *fault);
};

/* Values as they came. */
extern const struct type type_as_it_came;

/* What a Connect schema says of a type. */
struct type_terms {
    str name;                      /* semantic name: "io.debezium.data.Json"; empty without one */
    str wire;                      /* "int32", "struct" ... */
    const struct json *parameters; /* an object, or NULL */
    const struct type *item;       /* of an array's items, or NULL */
    bool text_map;                 /* a map from texts to texts */
};

/* The type of those terms. Names that are unknown, or empty, get the wire type's. */
struct type type_of_terms(const struct type_terms *terms);

/* The connector's settings of how it writes values: decimal.handling.mode, time.precision.mode and
   binary.handling.mode. Zeros are its defaults. */
enum decimal_mode { DECIMAL_PRECISE, DECIMAL_STRING, DECIMAL_DOUBLE };
enum time_mode {
    TIME_ADAPTIVE,
    TIME_ADAPTIVE_MICRO,
    TIME_CONNECT,
    TIME_ISO,
    TIME_MICRO,
    TIME_NANO,
    TIME_STRUCTURED
};
enum binary_mode { BINARY_BYTES, BINARY_BASE64, BINARY_BASE64_URL, BINARY_HEX };

struct type_modes {
    int decimal, time, binary; /* the enums above */
    bool printed; /* no connector's work: texts are as the database prints them, or nearly so */
};

/* The type that a PostgreSQL type name means in a message without schema: "numeric(5,2)",
   "timestamp(3) without time zone", "text[]". What it needs lives in the arena. FAULT_CONFIG where
   there is no such type. */
bool type_of_hint(str hint, const struct type_modes *modes, struct arena *arena, struct type *type,
                  struct fault *fault) MUST_CHECK;

/* The JSON value as it came. */
static inline struct value type_plain(const struct json *json)
{
    static const enum value_kind kinds[] = {
        [JSON_NULL] = VALUE_NULL,   [JSON_BOOL] = VALUE_BOOL,  [JSON_NUMBER] = VALUE_NUMBER,
        [JSON_STRING] = VALUE_TEXT, [JSON_ARRAY] = VALUE_JSON, [JSON_OBJECT] = VALUE_JSON};
    if (json->kind == JSON_NULL)
        return (struct value){VALUE_NULL, STR_EMPTY};
    return (struct value){kinds[json->kind], json->text};
}

/* The value of a column of that type. Recognises NULL and the placeholder for a column that was not
   touched. FAULT_RECORD where the value cannot be read by its type, FAULT_RETRY where memory ran
   out. */
static inline MUST_CHECK bool type_read(const struct type *type, const struct type_context *context,
                                        const struct json *json, struct value *value,
                                        struct fault *fault)
{
    *value = type_plain(json);
    if (json->kind == JSON_NULL)
        return true;
    if (json->kind >= JSON_STRING && context->placeholder
        && placeholder_may_be(context->placeholder, json)) {
        bool untouched;
        if (!placeholder_find(context->placeholder, json, context->scratch, &untouched, fault))
            return false;
        if (untouched) {
            value->kind = VALUE_UNAVAILABLE;
            return true;
        }
    }
    return !type->reader || type->reader->read(type, context, json, value, fault);
}

#endif
