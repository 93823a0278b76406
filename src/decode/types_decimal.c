/*
 * Decimals: Connect's bytes of an unscaled number, Debezium's struct that carries its scale, and
 * digits in a text. Exact whatever their length; none of them passes through a double.
 */
#include <ctype.h>

#include "type_readers.h"

/* PostgreSQL's numeric has at most 131072 digits before the point and 16383 behind it. */
#define UNSCALED_BYTES_LIMIT 65536
#define SCALE_LIMIT 131072

/* The digits of a number below 2^64; gives where they begin. */
static char *put_backwards(char *end, uint64_t number, int width)
{
    for (; number > 0 || width > 0; width--) {
        *--end = (char)('0' + number % 10);
        number /= 10;
    }
    return end;
}

#define LIMB_DIGITS 9
#define LIMB_TEN UINT64_C(1000000000)

/* The magnitude of a two's complement number in limbs of 32 bits, the lowest first. */
static size_t read_limbs(str bytes, bool negative, uint32_t *limb)
{
    size_t count = (bytes.len + 3) / 4;
    uint64_t carry = negative;
    for (size_t i = 0; i < count; i++) {
        uint32_t word = 0;
        for (size_t j = 0; j < 4; j++) {
            size_t from_end = i * 4 + j;
            uint8_t byte = negative ? 0xff : 0;
            if (from_end < bytes.len)
                byte = (uint8_t)bytes.ptr[bytes.len - 1 - from_end];
            word |= (uint32_t)byte << (8 * j);
        }
        uint64_t sum = (negative ? (uint64_t)(uint32_t)~word : word) + carry;
        limb[i] = (uint32_t)sum;
        carry = negative ? sum >> 32 : 0;
    }
    while (count > 0 && limb[count - 1] == 0)
        count--;
    return count;
}

/* Divides by 10^9 and gives the remainder. */
static uint32_t divide(uint32_t *limb, size_t *count)
{
    uint64_t rest = 0;
    for (size_t i = *count; i-- > 0;) {
        uint64_t part = rest << 32 | limb[i];
        limb[i] = (uint32_t)(part / LIMB_TEN);
        rest = part % LIMB_TEN;
    }
    while (*count > 0 && limb[*count - 1] == 0)
        (*count)--;
    return (uint32_t)rest;
}

/* The digits of the number without sign, at least `width` of them; `digits->ptr` NULL where memory
   ran out. */
static str magnitude_digits(str bytes, bool negative, size_t width, struct arena *scratch)
{
    /* 9.64 digits are worth four bytes. */
    size_t room = bytes.len * 5 / 2 + width + (size_t)2 * LIMB_DIGITS;
    char *out = arena_alloc(scratch, room), *end = out + room, *at = end;
    uint32_t *limb = arena_alloc(scratch, bytes.len + 8);
    if (!out || !limb)
        return STR_EMPTY;
    size_t count = read_limbs(bytes, negative, limb);
    while (count > 2)
        at = put_backwards(at, divide(limb, &count), LIMB_DIGITS);
    uint64_t rest = (count > 1 ? (uint64_t)limb[1] << 32 : 0) | (count > 0 ? limb[0] : 0);
    size_t written = (size_t)(end - at);
    at = put_backwards(at, rest, written < width ? (int)(width - written) : 0);
    return (str){at, (size_t)(end - at)};
}

bool decimal_text(str unscaled, int64_t scale, const struct type_context *context,
                  struct value *value, struct fault *fault)
{
    if (unscaled.len > UNSCALED_BYTES_LIMIT || scale > SCALE_LIMIT || scale < -SCALE_LIMIT)
        return fault_set(fault, FAULT_RECORD, "a decimal of %zu bytes and scale %lld is too large",
                         unscaled.len, (long long)scale);
    bool negative = unscaled.len > 0 && (unscaled.ptr[0] & 0x80) != 0;
    size_t fraction = scale > 0 ? (size_t)scale : 0, zeros = scale < 0 ? (size_t)-scale : 0;
    str digits = magnitude_digits(unscaled, negative, fraction + 1, context->scratch);
    char *start = arena_alloc(context->texts, digits.len + zeros + 2), *out = start;
    if (!digits.ptr || !start)
        return fault_memory(fault, "a decimal");
    size_t whole = digits.len - fraction;
    if (negative)
        *out++ = '-';
    memcpy(out, digits.ptr, whole);
    out += whole;
    /* Zero has no zeros behind it: 0 with scale -2 is not 000. */
    if (digits.len > 1 || digits.ptr[0] != '0') {
        memset(out, '0', zeros);
        out += zeros;
    }
    if (fraction > 0) {
        *out++ = '.';
        memcpy(out, digits.ptr + whole, fraction);
        out += fraction;
    }
    *value = (struct value){VALUE_NUMBER, {start, (size_t)(out - start)}};
    return true;
}

/* Decimals that are no numbers, in Java's and in PostgreSQL's words. */
static const char *special(str text)
{
    static const char *const words[][2] = {
        {"NAN", "NaN"}, {"POSITIVE_INFINITY", "Infinity"}, {"NEGATIVE_INFINITY", "-Infinity"},
        {"NaN", "NaN"}, {"Infinity", "Infinity"},          {"-Infinity", "-Infinity"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_is(text, words[i][0]))
            return words[i][1];
    return NULL;
}

/* Whether the text is a decimal as JSON writes numbers, but for the exponent. */
static bool is_digits(str text, bool *plain)
{
    size_t i = text.len > 0 && text.ptr[0] == '-', first = i;
    *plain = i == 0;
    while (i < text.len && isdigit((unsigned char)text.ptr[i]))
        i++;
    if (i == first || (text.ptr[first] == '0' && i > first + 1))
        return false;
    if (i == text.len)
        return true;
    *plain = false;
    size_t point = i;
    if (text.ptr[i] != '.')
        return false;
    for (i++; i < text.len && isdigit((unsigned char)text.ptr[i]);)
        i++;
    return i == text.len && i > point + 1;
}

static bool read_bytes(const struct type *type, const struct type_context *context,
                       const struct json *json, int64_t scale, struct value *value,
                       struct fault *fault)
{
    str unscaled;
    if (json->kind != JSON_STRING || json->text.len == 0
        || !base64_read(json->text, context->scratch, &unscaled))
        return type_refuse(type, json, fault);
    if (!unscaled.ptr)
        return fault_memory(fault, "a decimal");
    return decimal_text(unscaled, scale, context, value, fault);
}

/* A number where the converter writes decimals so (decimal.format=NUMERIC), else bytes. */
static bool read_decimal(const struct type *type, const struct type_context *context,
                         const struct json *json, struct value *value, struct fault *fault)
{
    if (json->kind == JSON_NUMBER) {
        *value = type_plain(json);
        return true;
    }
    return read_bytes(type, context, json, type->parameter, value, fault);
}

static bool read_scaleless(const struct type *type, const struct type_context *context,
                           const struct json *json, struct value *value, struct fault *fault)
{
    return json->kind == JSON_NUMBER ? read_decimal(type, context, json, value, fault)
                                     : type_refuse(type, json, fault);
}

static bool read_variable(const struct type *type, const struct type_context *context,
                          const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object;
    int64_t scale;
    if (json->kind == JSON_NUMBER)
        return read_decimal(type, context, json, value, fault);
    if (!type_children(context, json, &object, fault))
        return false;
    const struct json *unscaled = json_member(object, "value");
    if (!unscaled || !json_int64(json_member(object, "scale"), &scale))
        return type_refuse(type, json, fault);
    if (unscaled->kind == JSON_NUMBER)
        return read_decimal(type, context, unscaled, value, fault);
    return read_bytes(type, context, unscaled, scale, value, fault);
}

static size_t count_digits(str number)
{
    size_t count = 0;
    for (size_t i = 0; i < number.len; i++)
        if (isdigit((unsigned char)number.ptr[i]) && (count > 0 || number.ptr[i] != '0'))
            count++;
    return count;
}

/* Digits, or (where the type has a precision) the bytes of an unscaled number. A text may be both,
   "1234" is base64 too: then it is bytes, but for a number that would not fit the column. */
static bool read_numeric_text(const struct type *type, const struct type_context *context,
                              const struct json *json, struct value *value, struct fault *fault)
{
    bool plain;
    const char *word = special(json->text);
    if (word) {
        *value = (struct value){VALUE_TEXT, str_from(word)};
        return true;
    }
    bool digits = is_digits(json->text, &plain);
    if (type->precision > 0 && json->text.len % 4 == 0 && (!digits || plain)) {
        struct fault unreadable = {0};
        if (read_bytes(type, context, json, type->parameter, value, &unreadable)
            && count_digits(value->text) <= (size_t)type->precision)
            return true;
        if (unreadable.kind == FAULT_RETRY)
            return fault_memory(fault, "a decimal");
    }
    if (!digits)
        return type_refuse(type, json, fault);
    *value = (struct value){VALUE_NUMBER, json->text};
    return true;
}

static bool read_numeric(const struct type *type, const struct type_context *context,
                         const struct json *json, struct value *value, struct fault *fault)
{
    switch (json->kind) {
    case JSON_NUMBER:
        *value = type_plain(json);
        return true;
    case JSON_STRING:
        return read_numeric_text(type, context, json, value, fault);
    case JSON_OBJECT:
        return read_variable(type, context, json, value, fault);
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_ARRAY:
        break;
    }
    return type_refuse(type, json, fault);
}

const struct type_reader type_decimal = {"a decimal", read_decimal};
const struct type_reader type_scaleless_decimal = {
    "a decimal: its schema has no parameter scale that is a number", read_scaleless};
const struct type_reader type_variable_decimal = {"a decimal with its scale", read_variable};
const struct type_reader type_numeric = {"numeric", read_numeric};
