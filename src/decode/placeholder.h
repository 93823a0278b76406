/*
 * placeholder: what Debezium writes for a large column that a change did not touch
 * (unavailable.value.placeholder), in each of its forms.
 */
#ifndef FIELDTRAIL_PLACEHOLDER_H
#define FIELDTRAIL_PLACEHOLDER_H

#include "json.h"

#define PLACEHOLDER_TEXT_FORMS 5
#define PLACEHOLDER_CONTAINER_FORMS 7

struct placeholder {
    uint64_t lengths;                                /* bits of the forms' lengths, modulo 64 */
    str text_form[PLACEHOLDER_TEXT_FORMS];           /* of JSON strings */
    str container_form[PLACEHOLDER_CONTAINER_FORMS]; /* of arrays and objects, as JSON */
};

/* The forms of a configured placeholder: a text, or bytes after "hex:". They live in the arena.
   FAULT_CONFIG where there is nothing behind "hex:", or no hexadecimal digits. */
bool placeholder_init(struct placeholder *placeholder, str configured, struct arena *arena,
                      struct fault *fault) MUST_CHECK;

/* True where a string, array or object says "not touched". */
bool placeholder_is(const struct placeholder *placeholder, const struct json *json);

/* False where the length alone says that it is none. */
static inline bool placeholder_may_be(const struct placeholder *placeholder,
                                      const struct json *json)
{
    return (placeholder->lengths >> (json->text.len % 64) & 1) != 0 || json->kind == JSON_OBJECT;
}

#endif
