/*
 * The forms of the placeholder, after Debezium's UnchangedToastedPlaceholder: the text, its base64
 * and hex for bytes, the same in arrays, as a map, the name-based UUID of its bytes in arrays of
 * UUIDs, and the codes of its letters for arrays of numbers. Texts cost a comparison of lengths;
 * arrays and objects are parsed where they begin as one of the forms does.
 */
#include "placeholder.h"

#include <nettle/md5.h>

#include <fieldtrail/buf.h>

#define PLACEHOLDER_LIMIT 10000 /* bytes of a configured placeholder */
#define FORMS_LIMIT ((size_t)PLACEHOLDER_LIMIT * 40)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(str digits, struct arena *arena, str *bytes)
{
    char *out = arena_alloc(arena, digits.len);
    *bytes = (str){out, digits.len / 2};
    if (!out || digits.len % 2 != 0)
        return false;
    for (size_t i = 0; i < digits.len; i += 2) {
        int high = hex_digit(digits.ptr[i]), low = hex_digit(digits.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (char)(high * 16 + low);
    }
    return true;
}

static void put_hex(struct buf *out, str bytes)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        buf_char(out, digit[byte >> 4]);
        buf_char(out, digit[byte & 15]);
    }
}

static void put_base64_url(struct buf *out, str bytes)
{
    size_t start = out->len;
    buf_base64(out, bytes);
    for (size_t i = start; i < out->len; i++)
        out->ptr[i] = out->ptr[i] == '+' ? '-' : out->ptr[i] == '/' ? '_' : out->ptr[i];
}

/* Java's UUID.nameUUIDFromBytes: version 3 without a name space. */
static void put_uuid(struct buf *out, str bytes)
{
    struct md5_ctx md5;
    uint8_t digest[MD5_DIGEST_SIZE];
    md5_init(&md5);
    md5_update(&md5, bytes.len, (const uint8_t *)bytes.ptr);
    md5_digest(&md5, sizeof(digest), digest);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x30);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(digest); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buf_char(out, '-');
        put_hex(out, (str){(const char *)digest + i, 1});
    }
}

static void put_map(struct buf *out, str text)
{
    buf_char(out, '{');
    buf_json_string(out, text);
    buf_char(out, ':');
    buf_json_string(out, text);
    buf_char(out, '}');
}

/* What was written since the last call becomes the form. */
static bool keep(struct buf *out, struct arena *arena, str *form)
{
    bool good = !out->failed && arena_copy(arena, buf_view(out), form);
    buf_clear(out);
    return good;
}

static bool make_forms(struct placeholder *self, str bytes, struct arena *arena, struct buf *out)
{
    str *text = self->text_form;
    text[0] = bytes;
    buf_base64(out, bytes);
    if (!keep(out, arena, &text[1]))
        return false;
    put_base64_url(out, bytes);
    if (!keep(out, arena, &text[2]))
        return false;
    put_hex(out, bytes);
    if (!keep(out, arena, &text[3]))
        return false;
    put_map(out, bytes);
    if (!keep(out, arena, &text[4]))
        return false;
    put_uuid(out, bytes);
    return keep(out, arena, &self->uuid);
}

bool placeholder_init(struct placeholder *placeholder, str configured, struct arena *arena,
                      struct fault *fault)
{
    str bytes = configured;
    bool hex = str_starts(configured, STR("hex:"));
    if (configured.len > PLACEHOLDER_LIMIT)
        return fault_set(fault, FAULT_CONFIG,
                         "unavailable.value.placeholder is longer than %d bytes",
                         PLACEHOLDER_LIMIT);
    if (hex && !unhex(str_from_at(configured, strlen("hex:")), arena, &bytes))
        return fault_set(fault, FAULT_CONFIG,
                         "unavailable.value.placeholder=%.*s: behind hex: stand pairs of "
                         "hexadecimal digits",
                         STR_ARG(str_head(configured, 80)));
    if (bytes.len == 0)
        return fault_set(fault, FAULT_CONFIG,
                         "unavailable.value.placeholder is empty: every empty text would count "
                         "as not touched");
    struct buf out;
    buf_init(&out, FORMS_LIMIT);
    bool good = make_forms(placeholder, bytes, arena, &out);
    buf_release(&out);
    placeholder->lengths = 0;
    for (int i = 0; i < PLACEHOLDER_TEXT_FORMS; i++)
        placeholder->lengths |= (uint64_t)1 << (placeholder->text_form[i].len % 64);
    return good || fault_memory(fault, "the placeholder");
}

/* ---- arrays and objects ---- */

#define GEOMETRY_BYTES 200

/* PostGIS columns get one of two points instead, whatever is configured. */
static bool is_geometry(const struct json *object)
{
    str wkb = json_string(json_member(object, "wkb"));
    return str_is(wkb, "AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==")
           || str_is(wkb, "AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==");
}

/* The first letter of an inner text, at `at` or escaped, is that of one of the forms. */
static bool begins_text(const struct placeholder *placeholder, char first)
{
    bool same = first == '\\' || first == placeholder->uuid.ptr[0];
    for (int i = 0; i < PLACEHOLDER_TEXT_FORMS; i++)
        same = same || first == placeholder->text_form[i].ptr[0];
    return same;
}

/* Java's bytes have a sign. */
static char first_of_codes(char byte)
{
    int code = (unsigned char)byte;
    if (code > INT8_MAX)
        code -= 1 << 8;
    while (code >= 10)
        code /= 10;
    return code < 0 ? '-' : (char)('0' + code);
}

static bool may_be_container(const struct placeholder *placeholder, str text)
{
    str inside = str_trim(str_from_at(text, 1));
    if (inside.len < 2)
        return false;
    if (inside.ptr[0] == '"' && begins_text(placeholder, inside.ptr[1]))
        return true;
    if (text.ptr[0] == '[')
        return inside.ptr[0] == first_of_codes(placeholder->text_form[0].ptr[0]);
    return text.len <= GEOMETRY_BYTES && str_find(text, STR("wkb")) >= 0;
}

static bool is_codes(str bytes, const struct json *array)
{
    size_t at = 0;
    int64_t code;
    for (const struct json *item = array->child; item; item = item->next, at++)
        if (item->kind != JSON_NUMBER || at == bytes.len || !json_int64(item, &code)
            || code != (signed char)bytes.ptr[at])
            return false;
    return at == bytes.len;
}

static bool is_container(const struct placeholder *placeholder, const struct json *json)
{
    const struct json *first = json->child;
    bool single = first && !first->next && first->kind == JSON_STRING;
    if (json->kind == JSON_OBJECT)
        return is_geometry(json)
               || (single && str_eq(first->name, placeholder->text_form[0])
                   && str_eq(first->text, placeholder->text_form[0]));
    bool same = single && str_eq(first->text, placeholder->uuid);
    for (int i = 0; single && i < PLACEHOLDER_TEXT_FORMS - 1; i++)
        same = same || str_eq(first->text, placeholder->text_form[i]);
    return same || is_codes(placeholder->text_form[0], json);
}

/* A container that cannot be read is none; its reader will say so. */
static bool find_container(const struct placeholder *placeholder, const struct json *json,
                           struct arena *scratch, bool *found, struct fault *fault)
{
    struct json_memory memory = {scratch, scratch};
    struct fault unreadable;
    struct json *root;
    if (!may_be_container(placeholder, json->text))
        return true;
    if (json_parse(json->text, 1, memory, &root, &unreadable))
        *found = is_container(placeholder, root);
    else if (unreadable.kind != FAULT_RECORD)
        return fault_set(fault, unreadable.kind, "%s", unreadable.text);
    return true;
}

bool placeholder_find(const struct placeholder *placeholder, const struct json *json,
                      struct arena *scratch, bool *found, struct fault *fault)
{
    *found = false;
    if (json->kind == JSON_ARRAY || json->kind == JSON_OBJECT)
        return find_container(placeholder, json, scratch, found, fault);
    for (int i = 0; json->kind == JSON_STRING && i < PLACEHOLDER_TEXT_FORMS; i++)
        *found = *found || str_eq(json->text, placeholder->text_form[i]);
    return true;
}
