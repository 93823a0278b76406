/*
 * Bytes: base64 as JsonConverter writes them, bytea, bit strings, geometry. And char(n), whose
 * blanks at the end are no part of the value.
 */
#include "type_readers.h"

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool base64_read(str text, struct arena *arena, str *out)
{
    if (text.len % 4 == 0 && str_ends(text, STR("=")))
        text.len -= str_ends(text, STR("==")) ? 2 : 1;
    if (text.len % 4 == 1)
        return false;
    char *start = arena_alloc(arena, text.len), *at = start;
    *out = (str){start, 0};
    if (!start)
        return true;
    uint32_t group = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        group = group << 6 | (uint32_t)digit;
        if (i % 4 != 3)
            continue;
        *at++ = (char)(group >> 16);
        *at++ = (char)(group >> 8);
        *at++ = (char)group;
        group = 0;
    }
    if (text.len % 4 == 2) {
        *at++ = (char)(group >> 4);
    } else if (text.len % 4 == 3) {
        *at++ = (char)(group >> 10);
        *at++ = (char)(group >> 2);
    }
    out->len = (size_t)(at - start);
    return true;
}

/* The bytes of a JSON string. */
static bool read_base64(const struct type *type, const struct type_context *context,
                        const struct json *json, str *bytes, struct fault *fault)
{
    *bytes = STR_EMPTY;
    if (json->kind != JSON_STRING || !base64_read(json->text, context->scratch, bytes))
        return type_refuse(type, json, fault);
    return bytes->ptr || fault_memory(fault, "bytes");
}

static const char lower_digit[] = "0123456789abcdef";
static const char upper_digit[] = "0123456789ABCDEF";

static char *put_hex(char *out, str bytes, const char *digit)
{
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = digit[(uint8_t)bytes.ptr[i] >> 4];
        *out++ = digit[bytes.ptr[i] & 15];
    }
    return out;
}

static bool hex_value(str bytes, const struct type_context *context, struct value *value,
                      struct fault *fault)
{
    char *out = arena_alloc(context->texts, 2 * bytes.len + 2);
    if (!out)
        return fault_memory(fault, "bytes");
    out[0] = '\\';
    out[1] = 'x';
    char *end = put_hex(out + 2, bytes, lower_digit);
    *value = (struct value){VALUE_TEXT, {out, (size_t)(end - out)}};
    return true;
}

static bool read_bytea(const struct type *type, const struct type_context *context,
                       const struct json *json, struct value *value, struct fault *fault)
{
    str bytes;
    return read_base64(type, context, json, &bytes, fault)
           && hex_value(bytes, context, value, fault);
}

/* Hex digits as they are (binary.handling.mode=hex), told by a hint. */
static bool read_bytea_hex(const struct type *type, const struct type_context *context,
                           const struct json *json, struct value *value, struct fault *fault)
{
    if (json->kind != JSON_STRING || json->text.len % 2 != 0)
        return type_refuse(type, json, fault);
    for (size_t i = 0; i < json->text.len; i++)
        if (!json->text.ptr[i] || !strchr("0123456789abcdefABCDEF", json->text.ptr[i]))
            return type_refuse(type, json, fault);
    char *out = arena_alloc(context->texts, json->text.len + 2);
    if (!out)
        return fault_memory(fault, "bytes");
    out[0] = '\\';
    out[1] = 'x';
    if (json->text.len > 0)
        memcpy(out + 2, json->text.ptr, json->text.len);
    for (size_t i = 2; i < json->text.len + 2; i++)
        if (out[i] >= 'A' && out[i] <= 'F')
            out[i] = (char)(out[i] | 0x20);
    *value = (struct value){VALUE_TEXT, {out, json->text.len + 2}};
    return true;
}

static bool bit_of(str bytes, size_t place)
{
    return place / 8 < bytes.len && ((uint8_t)bytes.ptr[place / 8] >> (place % 8) & 1) != 0;
}

#define BIT_COLUMN_LIMIT 83886080 /* the longest bit string PostgreSQL declares */

static bool bits_value(const struct type *type, const struct type_context *context,
                       const struct json *json, str bytes, size_t length, struct value *value,
                       struct fault *fault)
{
    size_t used = bytes.len * 8;
    while (used > 0 && !bit_of(bytes, used - 1))
        used--;
    if (used > length)
        return type_refuse(type, json, fault);
    char *out = arena_alloc(context->texts, length);
    if (!out)
        return fault_memory(fault, "bits");
    for (size_t i = 0; i < length; i++)
        out[i] = bit_of(bytes, length - 1 - i) ? '1' : '0';
    *value = (struct value){VALUE_TEXT, {out, length}};
    return true;
}

/* A single bit comes as a boolean. */
static bool read_bool(const struct json *json, struct value *value)
{
    *value = (struct value){VALUE_TEXT, str_is(json->text, "true") ? STR("1") : STR("0")};
    return true;
}

/* Debezium sends the bits as a number, little-endian, without its leading zeros; the length is the
   column's. A column without one (bit varying) loses the zeros in front. */
static bool read_bits(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    str bytes;
    if (json->kind == JSON_BOOL)
        return read_bool(json, value);
    if (!read_base64(type, context, json, &bytes, fault))
        return false;
    size_t length = type->parameter > 0 ? (size_t)type->parameter : 0;
    if (length == 0 || length > BIT_COLUMN_LIMIT) {
        length = bytes.len * 8;
        while (length > 0 && !bit_of(bytes, length - 1))
            length--;
    }
    return bits_value(type, context, json, bytes, length, value, fault);
}

/* The length of a bit varying value is lost; what is known are the bits from the first one on. */
static bool read_bit_varying(const struct type *type, const struct type_context *context,
                             const struct json *json, struct value *value, struct fault *fault)
{
    struct type unlimited = {.reader = type->reader};
    return read_bits(&unlimited, context, json, value, fault);
}

/* Extended WKB says by a flag in its type that a system of coordinates follows. */
#define WKB_HAS_SRID 0x20

/* PostGIS prints extended WKB. Where the bytes are plain (MySQL), the number that stands beside
   them is put in. */
static bool put_geometry(str wkb, const struct json *srid, const struct type_context *context,
                         struct value *value, struct fault *fault)
{
    int64_t number = 0;
    bool little = wkb.ptr[0] == 1;
    uint8_t flags = (uint8_t)wkb.ptr[little ? 4 : 1];
    bool add = json_int64(srid, &number) && number > 0 && number <= INT32_MAX
               && !(flags & WKB_HAS_SRID);
    char *out = arena_alloc(context->texts, 2 * wkb.len + 8), head[9];
    if (!out)
        return fault_memory(fault, "a geometry");
    memcpy(head, wkb.ptr, 5);
    size_t head_len = 5;
    if (add) {
        head[little ? 4 : 1] = (char)(flags | WKB_HAS_SRID);
        for (size_t i = 0; i < 4; i++)
            head[5 + i] = (char)(number >> (8 * (little ? i : 3 - i)));
        head_len = 9;
    }
    char *end = put_hex(out, (str){head, head_len}, upper_digit);
    end = put_hex(end, str_from_at(wkb, 5), upper_digit);
    *value = (struct value){VALUE_TEXT, {out, (size_t)(end - out)}};
    return true;
}

static bool read_geometry(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object;
    str wkb;
    if (!type_children(context, json, &object, fault))
        return false;
    const struct json *member = json_member(object, "wkb");
    if (!member)
        return type_refuse(type, json, fault);
    if (!read_base64(type, context, member, &wkb, fault))
        return false;
    if (wkb.len < 5)
        return type_refuse(type, json, fault);
    return put_geometry(wkb, json_member(object, "srid"), context, value, fault);
}

static bool read_char(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    (void)type;
    (void)context;
    (void)fault;
    *value = type_plain(json);
    while (json->kind == JSON_STRING && value->text.len > 0
           && value->text.ptr[value->text.len - 1] == ' ')
        value->text.len--;
    return true;
}

const struct type_reader type_bytea = {"bytes in base64", read_bytea};
const struct type_reader type_bytea_hex = {"bytes in hexadecimal", read_bytea_hex};
const struct type_reader type_bits = {"a bit string", read_bits};
const struct type_reader type_bit_varying = {"a bit string", read_bit_varying};
const struct type_reader type_geometry = {"a geometry", read_geometry};
const struct type_reader type_char = {"char", read_char};
