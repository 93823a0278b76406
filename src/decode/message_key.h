/*
 * message_key: a message key taken apart, with or without its schema block, by what earlier keys
 * looked like.
 */
#ifndef FIELDTRAIL_MESSAGE_KEY_H
#define FIELDTRAIL_MESSAGE_KEY_H

#include "schema.h"
#include "shape.h"

/* What was learned of keys. */
struct message_keys {
    struct schema_cache *schemas;
    struct shapes *shapes; /* NULL: nothing is learned, and the slow parser reads */
};

struct message_key {
    const struct schema *schema; /* of the columns, or NULL */
    const struct json *payload;  /* any JSON value */
};

/* False where memory ran out: release it all the same. */
bool message_keys_init(struct message_keys *keys, bool fast) MUST_CHECK;
void message_keys_release(struct message_keys *keys);

/* `group` is a number for the table, as far as it is known. FAULT_RECORD where the text is no
   JSON. */
bool message_key_parse(struct message_keys *keys, uint64_t group, str text,
                       struct json_memory memory, struct message_key *key,
                       struct fault *fault) MUST_CHECK;

#endif
