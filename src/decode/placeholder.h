/*
 * placeholder: what Debezium writes for a large column that a change did not touch
 * (unavailable.value.placeholder), in each of its forms.
 */
#ifndef FIELDTRAIL_PLACEHOLDER_H
#define FIELDTRAIL_PLACEHOLDER_H

#include "json.h"

#define PLACEHOLDER_TEXT_FORMS 5

struct placeholder {
    uint64_t lengths;                      /* bits of the texts' lengths, modulo 64 */
    str text_form[PLACEHOLDER_TEXT_FORMS]; /* of JSON strings; the first is the bytes themselves */
    str uuid;                              /* in arrays alone */
};

/* The forms of a configured placeholder: a text, or bytes after "hex:". They live in the arena.
   FAULT_CONFIG where there is nothing behind "hex:", or no hexadecimal digits. */
bool placeholder_init(struct placeholder *placeholder, str configured, struct arena *arena,
                      struct fault *fault) MUST_CHECK;

/* Whether a string, array or object says "not touched". FAULT_RETRY where memory ran out. */
bool placeholder_find(const struct placeholder *placeholder, const struct json *json,
                      struct arena *scratch, bool *found, struct fault *fault) MUST_CHECK;

/* False where the length alone says that it is none. */
static inline bool placeholder_may_be(const struct placeholder *placeholder,
                                      const struct json *json)
{
    return (placeholder->lengths >> (json->text.len % 64) & 1) != 0 || json->kind != JSON_STRING;
}

#endif
