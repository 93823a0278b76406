/*
 * kcat's envelope. Whether a line is one is decided cheaply by its first member, for every ordinary
 * line comes past here.
 */
#include "kcat.h"

#include <nettle/base64.h>

#include "json.h"

static bool looks_like_kcat(str line)
{
    line = str_trim(line);
    if (!str_starts(line, STR("{")))
        return false;
    return str_starts(str_trim(str_from_at(line, 1)), STR("\"topic\""));
}

static bool decode_base64(str text, struct arena *arena, str *bytes)
{
    struct base64_decode_ctx context;
    uint8_t *out = arena_alloc(arena, BASE64_DECODE_LENGTH(text.len));
    size_t len = BASE64_DECODE_LENGTH(text.len);
    base64_decode_init(&context);
    if (!out || !base64_decode_update(&context, &len, out, text.len, text.ptr)
        || !base64_decode_final(&context))
        return false;
    *bytes = (str){(const char *)out, len};
    return true;
}

/* The bytes of a member that may stand as NAME or NAME_base64; false where both are missing. */
static bool read_bytes(const struct json *object, const char *name, const char *base64_name,
                       struct arena *arena, str *bytes, bool *present)
{
    const struct json *plain = json_member(object, name), *coded = json_member(object, base64_name);
    if (coded && coded->kind == JSON_STRING) {
        *present = true;
        return decode_base64(coded->text, arena, bytes);
    }
    if (!plain || (plain->kind != JSON_STRING && plain->kind != JSON_NULL))
        return false;
    *present = plain->kind == JSON_STRING;
    *bytes = *present ? plain->text : STR_EMPTY;
    return true;
}

/* Names and values take turns in one array. */
static void read_headers(const struct json *list, struct arena *arena, struct record *record)
{
    struct header *header = ARENA_NEW(arena, struct header, json_child_count(list) / 2);
    if (!header)
        return;
    record->header = header;
    for (const struct json *name = list ? list->child : NULL; name && name->next;
         name = name->next->next) {
        const struct json *value = name->next;
        header[record->header_count++] = (struct header){json_string(name), json_string(value),
                                                         value->kind == JSON_STRING};
    }
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

bool kcat_read(str line, struct arena *arena, struct record *record)
{
    struct json *root;
    struct fault ignored; /* a line that is cut short is reported by the decoder */
    struct record read = *record;
    if (!looks_like_kcat(line)
        || !json_parse(line, 2, (struct json_memory){arena, arena}, &root, &ignored)
        || !read_bytes(root, "payload", "payload_base64", arena, &read.value, &read.has_value))
        return false;
    /* A table's own column may be called topic: kcat always tells the offset, and a dead letter of
       a line without Kafka says null for the topic. */
    const struct json *topic = json_member(root, "topic");
    if (!json_member(root, "offset") && topic->kind != JSON_NULL)
        return false;
    read.keyed = read_bytes(root, "key", "key_base64", arena, &read.key, &read.has_key);
    read_place(root, &read);
    read_headers(json_member(root, "headers"), arena, &read);
    *record = read;
    return true;
}
