/*
 * schema: the schema block that Kafka Connect's JsonConverter puts into every message, read once
 * and remembered by its bytes, for it is the same until the table changes.
 */
#ifndef FIELDTRAIL_SCHEMA_H
#define FIELDTRAIL_SCHEMA_H

#include "json.h"
#include "types.h"

/* A Connect schema: of the message, of a struct's field, or of an array's items. */
struct schema {
    str field; /* its name in the struct around it */
    str type;  /* "struct", "int32", "string" ... */
    str name;  /* semantic name, or the struct's own: "bank.holding.Envelope" */
    bool optional;
    struct value preset;  /* the default, ABSENT without one */
    struct type reads;    /* what its values mean */
    uint64_t type_number; /* the same for the same type, never 0 */
    const char *sql_type; /* what PostgreSQL calls it */
    struct schema *child; /* fields of a struct, items of an array, keys and values of a map */
    size_t child_count;
    uint64_t number; /* of a remembered schema: from 1, and never the same again */
};

#define SCHEMA_DEPTH_LIMIT 32

/* Reads the JSON form of a schema. The result lives in the arena and points into the tree.
   FAULT_RECORD where it is no schema or nests too deep. */
bool schema_read(const struct json *json, struct arena *arena, struct schema **schema,
                 struct fault *fault) MUST_CHECK;

/* The field of that name, or NULL. `schema` may be NULL. */
const struct schema *schema_field(const struct schema *schema, str name);

struct schema_cache;

struct schema_cache *schema_cache_new(void);
void schema_cache_free(struct schema_cache *cache);

/* Where `text` begins with {"schema":…,"payload": as an earlier message did: gives that schema and
   the payload's text (between the prefix and the closing brace). False otherwise. The schema lives
   until the next schema_cache_add. */
bool schema_cache_split(struct schema_cache *cache, str text, const struct schema **schema,
                        str *payload) MUST_CHECK;

/* The same for a text that is known to begin as the last one did for which schema_cache_split was
   true, at least `like` bytes of it. */
bool schema_cache_split_like(struct schema_cache *cache, str text, size_t like,
                             const struct schema **schema, str *payload) MUST_CHECK;

/* The schema of the text `raw`, from memory or read anew. `message` is the whole message in which
   `raw` stands: where it stands in the usual place, schema_cache_split will know it next time. */
bool schema_cache_add(struct schema_cache *cache, str message, str raw,
                      const struct schema **schema, struct fault *fault) MUST_CHECK;

#endif
