/*
 * The content of a logical message. It comes as base64, or as hex where binary.handling.mode says
 * so. The schema tells bytes, which are always base64; a text of hex digits alone is taken for hex.
 */
#include "logical_message.h"

#include <nettle/base16.h>
#include <nettle/base64.h>

static bool is_hex(str text)
{
    bool hex = text.len % 2 == 0;
    for (size_t i = 0; hex && i < text.len; i++) {
        char c = text.ptr[i];
        hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    return hex;
}

static bool from_hex(str text, uint8_t *out, size_t *len)
{
    struct base16_decode_ctx context;
    base16_decode_init(&context);
    return base16_decode_update(&context, len, out, text.len, text.ptr)
           && base16_decode_final(&context);
}

static bool from_base64(str text, bool url_safe, uint8_t *out, size_t *len)
{
    struct base64_decode_ctx context;
    if (url_safe)
        base64url_decode_init(&context);
    else
        base64_decode_init(&context);
    return base64_decode_update(&context, len, out, text.len, text.ptr)
           && base64_decode_final(&context);
}

static bool is_text(str bytes)
{
    return str_is_utf8(bytes) && (bytes.len == 0 || !memchr(bytes.ptr, '\0', bytes.len));
}

/* \x and two digits a byte. */
static bool print_bytes(str bytes, struct arena *arena, str *text)
{
    char *out = arena_alloc(arena, 2 + 2 * bytes.len);
    if (!out)
        return false;
    out[0] = '\\';
    out[1] = 'x';
    base16_encode_update(out + 2, bytes.len, (const uint8_t *)bytes.ptr);
    *text = (str){out, 2 + 2 * bytes.len};
    return true;
}

/* What is in no known form stays as it came. */
static bool read_content(str coded, bool hex, struct arena *arena, str *text)
{
    size_t room = BASE64_DECODE_LENGTH(coded.len) + BASE16_DECODE_LENGTH(coded.len), len = room;
    uint8_t *out = arena_alloc(arena, room);
    if (!out)
        return false;
    bool good = hex && from_hex(coded, out, &len);
    for (int url_safe = 0; !hex && !good && url_safe < 2; url_safe++) {
        len = room;
        good = from_base64(coded, url_safe, out, &len);
    }
    str bytes = {(const char *)out, len};
    *text = good ? bytes : coded;
    return !good || is_text(bytes) || print_bytes(bytes, arena, text);
}

bool logical_message_read(const struct json *payload, const struct schema *schema,
                          struct arena *arena, struct change *change, struct fault *fault)
{
    const struct json *message = json_member(payload, "message");
    const struct json *prefix = json_member(message, "prefix");
    const struct json *content = json_member(message, "content");
    const struct schema *type = schema_field(schema_field(schema, STR("message")), STR("content"));
    change->prefix = change->content = (struct value){VALUE_NULL, STR_EMPTY};
    if (prefix && prefix->kind == JSON_STRING)
        change->prefix = (struct value){VALUE_TEXT, prefix->text};
    if (!content || content->kind != JSON_STRING)
        return true;
    bool bytes = type && str_is(type->type, "bytes");
    change->content.kind = VALUE_TEXT;
    return read_content(content->text, !bytes && is_hex(content->text), arena,
                        &change->content.text)
           || fault_memory(fault, "a logical message");
}
