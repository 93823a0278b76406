/*
 * Schemas and the memory of them. The memory is a list, the last used first; when it grows too
 * large it is dropped whole and learned anew.
 */
#include "schema.h"

#include "mem.h"
#include "sql_type.h"

#define CACHE_BYTES_LIMIT ((size_t)64 * 1024 * 1024)
#define SCHEMA_BYTES_LIMIT ((size_t)256 * 1024 * 1024)
/* As many remembered prefixes are compared before the message is parsed in full. */
#define PREFIX_TRIES 16

struct remembered {
    struct remembered *next;
    str prefix; /* {"schema":…,"payload": */
    str raw;    /* the schema within it */
    const struct schema *schema;
};

struct schema_cache {
    struct remembered *first;
    uint64_t number;    /* of the schema remembered last */
    struct arena arena; /* owns the entries, their texts and trees */
};

static bool read_schema(const struct json *json, struct arena *arena, unsigned depth,
                        struct schema *schema, struct fault *fault);

/* Items of an array and keys and values of a map are fields under those names. */
static const char *const inner_names[] = {"items", "keys", "values"};

static bool read_children(const struct json *json, struct arena *arena, unsigned depth,
                          struct schema *schema, struct fault *fault)
{
    const struct json *fields = json_member(json, "fields");
    size_t count = json_child_count(fields);
    for (size_t i = 0; i < sizeof(inner_names) / sizeof(inner_names[0]); i++)
        count += json_member(json, inner_names[i]) != NULL;
    if (count == 0)
        return true;
    schema->child = ARENA_NEW(arena, struct schema, count);
    if (!schema->child)
        return fault_memory(fault, "a schema");
    for (const struct json *field = fields ? fields->child : NULL; field; field = field->next)
        if (!read_schema(field, arena, depth + 1, &schema->child[schema->child_count++], fault))
            return false;
    for (size_t i = 0; i < sizeof(inner_names) / sizeof(inner_names[0]); i++) {
        const struct json *inner = json_member(json, inner_names[i]);
        if (!inner)
            continue;
        struct schema *child = &schema->child[schema->child_count++];
        if (!read_schema(inner, arena, depth + 1, child, fault))
            return false;
        child->field = str_from(inner_names[i]);
    }
    return true;
}

static bool is_text(const struct schema *schema)
{
    return schema && str_is(schema->type, "string") && schema->name.len == 0;
}

static void choose_type(const struct json *json, struct schema *schema)
{
    const struct schema *items = schema_field(schema, STR("items"));
    struct type_terms terms = {
        .name = schema->name,
        .wire = schema->type,
        .parameters = json_member(json, "parameters"),
        .item = items ? &items->reads : NULL,
        .text_map = is_text(schema_field(schema, STR("keys")))
                    && is_text(schema_field(schema, STR("values"))),
    };
    schema->reads = type_of_terms(&terms);
    uint64_t number = str_hash(str_hash(STR_HASH_START, schema->type), STR(" "));
    number = str_hash(str_hash(number, schema->name), STR(" "));
    if (terms.parameters)
        number = str_hash(number, terms.parameters->text);
    for (size_t i = 0; i < schema->child_count; i++)
        number = str_hash(number, (str){(const char *)&schema->child[i].type_number,
                                        sizeof(schema->child[i].type_number)});
    schema->type_number = number | 1;
}

/* A default that its type cannot read is none: it is no part of any row. */
static bool read_preset(const struct json *json, struct arena *arena, struct schema *schema,
                        struct fault *fault)
{
    const struct json *preset = json_member(json, "default");
    struct type_context context = {arena, arena, NULL};
    struct fault unreadable = {0};
    if (!preset || type_read(&schema->reads, &context, preset, &schema->preset, &unreadable))
        return true;
    schema->preset = (struct value){VALUE_ABSENT, STR_EMPTY};
    return unreadable.kind == FAULT_RECORD || fault_memory(fault, "a schema");
}

static bool read_schema(const struct json *json, struct arena *arena, unsigned depth,
                        struct schema *schema, struct fault *fault)
{
    if (json->kind != JSON_OBJECT || depth > SCHEMA_DEPTH_LIMIT)
        return fault_set(fault, FAULT_RECORD, "the schema block is no Kafka Connect schema");
    const struct json *optional = json_member(json, "optional");
    schema->field = json_string(json_member(json, "field"));
    schema->type = json_string(json_member(json, "type"));
    schema->name = json_string(json_member(json, "name"));
    schema->optional = optional && str_is(optional->text, "true");
    schema->sql_type = sql_type(schema->type, schema->name);
    if (!read_children(json, arena, depth, schema, fault))
        return false;
    choose_type(json, schema);
    return read_preset(json, arena, schema, fault);
}

bool schema_read(const struct json *json, struct arena *arena, struct schema **schema,
                 struct fault *fault)
{
    *schema = ARENA_NEW(arena, struct schema, 1);
    if (!*schema)
        return fault_memory(fault, "a schema");
    return read_schema(json, arena, 0, *schema, fault);
}

const struct schema *schema_field(const struct schema *schema, str name)
{
    for (size_t i = 0; schema && i < schema->child_count; i++)
        if (str_eq(schema->child[i].field, name))
            return &schema->child[i];
    return NULL;
}

struct schema_cache *schema_cache_new(void)
{
    struct schema_cache *cache = mem_alloc(sizeof(*cache));
    if (cache) {
        *cache = (struct schema_cache){0};
        arena_init(&cache->arena, CACHE_BYTES_LIMIT + SCHEMA_BYTES_LIMIT);
    }
    return cache;
}

void schema_cache_free(struct schema_cache *cache)
{
    if (!cache)
        return;
    arena_release(&cache->arena);
    mem_free(cache);
}

static void move_to_front(struct schema_cache *cache, struct remembered *before)
{
    struct remembered *entry = before->next;
    before->next = entry->next;
    entry->next = cache->first;
    cache->first = entry;
}

/* Without the brace behind the payload. */
static void give(const struct remembered *entry, str text, const struct schema **schema,
                 str *payload)
{
    *schema = entry->schema;
    *payload = str_from_at(text, entry->prefix.len);
    if (payload->len > 0)
        payload->len--;
}

bool schema_cache_split(struct schema_cache *cache, str text, const struct schema **schema,
                        str *payload)
{
    struct remembered *before = NULL;
    int tries = 0;
    if (text.len == 0 || text.ptr[text.len - 1] != '}')
        return false;
    for (struct remembered *entry = cache->first; entry && tries < PREFIX_TRIES;
         entry = entry->next) {
        if (entry->prefix.len > 0 && str_starts(text, entry->prefix)) {
            give(entry, text, schema, payload);
            if (before)
                move_to_front(cache, before);
            return true;
        }
        before = entry;
        tries++;
    }
    return false;
}

bool schema_cache_split_like(struct schema_cache *cache, str text, size_t like,
                             const struct schema **schema, str *payload)
{
    const struct remembered *last = cache->first;
    if (!last || last->prefix.len == 0 || like < last->prefix.len || text.len < like
        || text.ptr[text.len - 1] != '}')
        return schema_cache_split(cache, text, schema, payload);
    give(last, text, schema, payload);
    return true;
}

static struct remembered *find_raw(struct schema_cache *cache, str raw)
{
    struct remembered *before = NULL;
    for (struct remembered *entry = cache->first; entry; before = entry, entry = entry->next) {
        if (!str_eq(entry->raw, raw))
            continue;
        if (before)
            move_to_front(cache, before);
        return entry;
    }
    return NULL;
}

/* The usual spelling: nothing but the schema between the first brace and the payload. */
static size_t prefix_length(str message, str raw)
{
    str head = STR("{\"schema\":"), tail = STR(",\"payload\":");
    size_t start = (size_t)(raw.ptr - message.ptr), end = start + raw.len;
    bool usual = start == head.len && str_starts(message, head)
                 && str_starts(str_from_at(message, end), tail);
    return usual ? end + tail.len : 0;
}

bool schema_cache_add(struct schema_cache *cache, str message, str raw,
                      const struct schema **schema, struct fault *fault)
{
    struct remembered *entry = find_raw(cache, raw);
    if (entry) {
        *schema = entry->schema;
        return true;
    }
    if (cache->arena.total > CACHE_BYTES_LIMIT) {
        arena_reset(&cache->arena);
        cache->first = NULL;
    }
    struct json_memory memory = {&cache->arena, &cache->arena};
    struct json *tree;
    struct schema *read;
    entry = ARENA_NEW(&cache->arena, struct remembered, 1);
    size_t prefix = prefix_length(message, raw);
    str kept;
    if (!entry || !arena_copy(&cache->arena, prefix ? str_head(message, prefix) : raw, &kept))
        return fault_memory(fault, "a schema");
    entry->prefix = prefix ? kept : STR_EMPTY;
    entry->raw = prefix ? (str){kept.ptr + (raw.ptr - message.ptr), raw.len} : kept;
    if (!json_parse(entry->raw, JSON_DEPTH_LIMIT, memory, &tree, fault)
        || !schema_read(tree, &cache->arena, &read, fault))
        return false;
    read->number = ++cache->number;
    entry->schema = read;
    entry->next = cache->first;
    cache->first = entry;
    *schema = read;
    return true;
}
