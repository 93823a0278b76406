/*
 * kcat's envelope. Whether a line is one is decided cheaply by its first member.
 */
#include "kcat.h"

#include <nettle/base64.h>

#include "json.h"

#define NAME(literal)                                                                              \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* The members that kcat writes; jq -S puts them in another order. */
static const str member_names[] = {NAME("topic"),   NAME("partition"), NAME("offset"),
                                   NAME("tstype"),  NAME("ts"),        NAME("broker"),
                                   NAME("headers"), NAME("key"),       NAME("payload")};

static bool looks_like_kcat(str line)
{
    str name;
    line = str_trim(line);
    if (!str_starts(line, STR("{")))
        return false;
    line = str_trim(str_from_at(line, 1));
    if (!str_starts(line, STR("\"")))
        return false;
    line = str_head(str_from_at(line, 1), 16);
    if (!str_split(&line, '"', &name))
        return false;
    for (size_t i = 0; i < sizeof(member_names) / sizeof(member_names[0]); i++)
        if (name.len == member_names[i].len && str_eq(name, member_names[i]))
            return true;
    return false;
}

enum outcome { OUTCOME_GOOD, OUTCOME_NOT_KCAT, OUTCOME_NO_MEMORY };

static enum outcome decode_base64(str text, struct arena *arena, str *bytes)
{
    struct base64_decode_ctx context;
    size_t len = BASE64_DECODE_LENGTH(text.len);
    uint8_t *out = arena_alloc(arena, len);
    if (!out)
        return OUTCOME_NO_MEMORY;
    base64_decode_init(&context);
    if (!base64_decode_update(&context, &len, out, text.len, text.ptr)
        || !base64_decode_final(&context))
        return OUTCOME_NOT_KCAT;
    *bytes = (str){(const char *)out, len};
    return OUTCOME_GOOD;
}

/* The bytes of a member that may stand as NAME or NAME_base64. `present` is false for null; without
   either member the line is no kcat object. */
static enum outcome read_bytes(const struct json *object, const char *name, const char *base64_name,
                               struct arena *arena, str *bytes, bool *present)
{
    const struct json *plain = json_member(object, name), *coded = json_member(object, base64_name);
    *present = true;
    if (coded && coded->kind == JSON_STRING)
        return decode_base64(coded->text, arena, bytes);
    /* With -s kcat decodes the payload itself and prints it as an object. */
    if (!plain || plain->kind == JSON_ARRAY)
        return OUTCOME_NOT_KCAT;
    *present = plain->kind != JSON_NULL;
    *bytes = *present ? plain->text : STR_EMPTY;
    return OUTCOME_GOOD;
}

/* Names and values take turns in one array. */
static enum outcome read_headers(const struct json *list, struct arena *arena,
                                 struct record *record)
{
    struct header *header = ARENA_NEW(arena, struct header, json_child_count(list) / 2);
    if (!header)
        return OUTCOME_NO_MEMORY;
    record->header = header;
    record->header_count = 0; /* an object within an object has headers of its own */
    for (const struct json *name = list ? list->child : NULL; name && name->next;
         name = name->next->next) {
        const struct json *value = name->next;
        header[record->header_count++] = (struct header){json_string(name), json_string(value),
                                                         value->kind == JSON_STRING};
    }
    return OUTCOME_GOOD;
}

static void read_place(const struct json *root, struct record *record)
{
    int64_t number;
    record->topic = json_string(json_member(root, "topic"));
    if (json_int64(json_member(root, "partition"), &number) && number >= 0 && number <= INT32_MAX)
        record->partition = (int32_t)number;
    if (json_int64(json_member(root, "offset"), &number) && number >= 0)
        record->offset = number;
    if (json_int64(json_member(root, "ts"), &number) && number >= 0
        && !__builtin_mul_overflow(number, 1000, &number))
        record->time_us = number;
}

/* A table's own columns may be called like kcat's members: kcat always tells topic and offset, and
   the dead letter of a line without Kafka says null for the topic. */
static bool is_object_of_kcat(const struct json *root)
{
    const struct json *topic = json_member(root, "topic");
    return topic && (json_member(root, "offset") || topic->kind == JSON_NULL);
}

static enum outcome read_object(const struct json *root, struct arena *arena, struct record *record)
{
    struct record read = *record;
    if (!is_object_of_kcat(root))
        return OUTCOME_NOT_KCAT;
    enum outcome outcome = read_bytes(root, "payload", "payload_base64", arena, &read.value,
                                      &read.has_value);
    if (outcome != OUTCOME_GOOD)
        return outcome;
    outcome = read_bytes(root, "key", "key_base64", arena, &read.key, &read.has_key);
    if (outcome == OUTCOME_NO_MEMORY)
        return outcome;
    read.keyed = outcome == OUTCOME_GOOD;
    read.has_key = read.keyed && read.has_key;
    read_place(root, &read);
    outcome = read_headers(json_member(root, "headers"), arena, &read);
    if (outcome == OUTCOME_GOOD)
        *record = read;
    return outcome;
}

static bool read_line(str line, struct arena *arena, struct record *record, bool *is_kcat,
                      struct fault *fault)
{
    struct json *root;
    *is_kcat = false;
    if (!looks_like_kcat(line))
        return true;
    /* A line that is cut short is reported by the decoder. */
    if (!json_parse(line, 2, (struct json_memory){arena, arena}, &root, fault))
        return fault->kind == FAULT_RECORD;
    enum outcome outcome = read_object(root, arena, record);
    *is_kcat = outcome == OUTCOME_GOOD;
    return outcome != OUTCOME_NO_MEMORY || fault_memory(fault, "an object of kcat");
}

bool kcat_read(str line, struct arena *arena, struct record *record, bool *is_kcat,
               struct fault *fault)
{
    if (!read_line(line, arena, record, is_kcat, fault))
        return false;
    /* The letter of a line that was itself a broken object of kcat, mended since. */
    bool letter = *is_kcat && record->offset < 0 && !record->keyed && record->has_value;
    bool inner_kcat;
    return !letter || read_line(record->value, arena, record, &inner_kcat, fault);
}
