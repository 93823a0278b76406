/*
 * Keys are read as payloads are: behind a schema block that is known only the columns are looked
 * at, and of those only what differs from the last key.
 */
#include "message_key.h"

#include "envelope.h"

/* The wrapper and the columns; or the columns alone, whose own children nobody needs. */
#define KEY_DEPTH 2
#define BARE_DEPTH 1

bool message_keys_init(struct message_keys *keys, bool fast)
{
    *keys = (struct message_keys){.schemas = schema_cache_new()};
    if (fast)
        keys->shapes = shapes_new(BARE_DEPTH);
    return keys->schemas && (keys->shapes || !fast);
}

void message_keys_release(struct message_keys *keys)
{
    schema_cache_free(keys->schemas);
    shapes_free(keys->shapes);
}

static bool parse(struct message_keys *keys, str text, struct json_memory memory,
                  struct json **root, struct fault *fault)
{
    return keys->shapes ? json_parse(text, KEY_DEPTH, memory, root, fault)
                        : json_parse_slowly(text, KEY_DEPTH, memory, root, fault);
}

static bool recall(struct message_keys *keys, uint64_t group, str text, struct arena *texts,
                   struct message_key *key)
{
    struct shape *shape = keys->shapes ? shapes_recall(keys->shapes, group, text, texts) : NULL;
    if (shape)
        key->payload = shape->root;
    return shape != NULL;
}

/* Behind a schema block that is known. */
static bool parse_known(struct message_keys *keys, str text, struct json_memory memory,
                        struct message_key *key, struct fault *fault)
{
    struct json *root;
    str payload;
    if (!schema_cache_split(keys->schemas, text, &key->schema, &payload))
        return false;
    if (recall(keys, key->schema->number, payload, memory.texts, key))
        return true;
    if (!parse(keys, payload, memory, &root, fault))
        return false;
    if (keys->shapes)
        shapes_learn(keys->shapes, key->schema->number, payload);
    key->payload = root;
    return true;
}

/* Debezium's CloudEventsConverter wraps keys as it does values, where it takes the metadata from
   headers: the key is the data. */
static bool is_cloud_event(const struct json *root)
{
    const struct json *data = json_member(root, "data");
    return data && data->kind == JSON_OBJECT && json_member(root, "specversion")
           && json_member(root, "id") && json_member(root, "source") && json_member(root, "type");
}

bool message_key_parse(struct message_keys *keys, uint64_t group, str text,
                       struct json_memory memory, struct message_key *key, struct fault *fault)
{
    struct json *root;
    if (parse_known(keys, text, memory, key, fault))
        return true;
    key->schema = NULL;
    if (recall(keys, group, text, memory.texts, key))
        return true;
    if (!parse(keys, text, memory, &root, fault))
        return false;
    if (is_cloud_event(root))
        return message_key_parse(keys, group, json_member(root, "data")->text, memory, key, fault);
    const struct json *schema = json_member(root, "schema");
    key->payload = json_member(root, "payload");
    /* A key column may itself be called payload. */
    if (!envelope_is_wrapper(root) || (!schema && key->payload->kind != JSON_OBJECT))
        key->payload = root;
    if (key->payload == root || !schema || schema->kind == JSON_NULL) {
        if (keys->shapes && key->payload == root)
            shapes_learn(keys->shapes, group, text);
        return true;
    }
    /* A block that is no schema says nothing; the columns still have names. */
    if (schema_cache_add(keys->schemas, text, schema->text, &key->schema, fault))
        return true;
    key->schema = NULL;
    return fault->kind == FAULT_RECORD;
}
