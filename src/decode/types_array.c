/*
 * Values made of values: arrays, hstore, vectors, points. Their parts are read by their own types
 * and written with PostgreSQL's quoting.
 */
#include <stdlib.h>

#include "type_readers.h"

/* array_out's list: what would be read as something else stands in quotes. */
static bool needs_quotes(str text)
{
    static const char special[] = "\"\\{}, \t\n\r\v\f";
    if (text.len == 0)
        return true;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] && strchr(special, text.ptr[i]))
            return true;
    return text.len == 4 && (text.ptr[0] | 0x20) == 'n' && (text.ptr[1] | 0x20) == 'u'
           && (text.ptr[2] | 0x20) == 'l' && (text.ptr[3] | 0x20) == 'l';
}

static void put_quoted(struct text *out, str text)
{
    text_char(out, '"');
    size_t done = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '"' && text.ptr[i] != '\\')
            continue;
        text_str(out, (str){text.ptr + done, i - done});
        text_char(out, '\\');
        done = i;
    }
    text_str(out, str_from_at(text, done));
    text_char(out, '"');
}

static void put_element(struct text *out, struct value value)
{
    if (value.kind == VALUE_NULL)
        text_str(out, STR("NULL"));
    else if (value.kind == VALUE_BOOL) /* in arrays PostgreSQL prints one letter */
        text_char(out, value.text.ptr[0]);
    else if (needs_quotes(value.text))
        put_quoted(out, value.text);
    else
        text_str(out, value.text);
}

/* The value of a part, whose own texts need not outlive the record. */
static bool read_part(const struct type *type, const struct type_context *context,
                      const struct json *json, struct value *value, struct fault *fault)
{
    struct type_context inner = {context->scratch, context->scratch, context->placeholder};
    if (json->kind == JSON_NULL || !type->reader) {
        *value = type_plain(json);
        return true;
    }
    return type->reader->read(type, &inner, json, value, fault);
}

static bool put_array(const struct type *type, const struct type_context *context,
                      const struct json *array, struct text *out, struct fault *fault)
{
    text_char(out, '{');
    for (const struct json *child = array->child; child; child = child->next) {
        struct value value;
        if (child != array->child)
            text_char(out, ',');
        /* Arrays in arrays are further dimensions, and not elements. */
        if (child->kind == JSON_ARRAY && type->item->reader != &type_vector) {
            const struct type *row = type->item->reader == &type_array ? type->item : type;
            const struct json *inner;
            if (!type_children(context, child, &inner, fault)
                || !put_array(row, context, inner, out, fault))
                return false;
            continue;
        }
        if (!read_part(type->item, context, child, &value, fault))
            return false;
        put_element(out, value);
    }
    text_char(out, '}');
    return true;
}

static bool read_array(const struct type *type, const struct type_context *context,
                       const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *array;
    struct text out = {.arena = context->texts};
    if (json->kind != JSON_ARRAY)
        return type_refuse(type, json, fault);
    return type_children(context, json, &array, fault)
           && put_array(type, context, array, &out, fault)
           && text_value(&out, VALUE_TEXT, value, fault);
}

/* PostgreSQL keeps an hstore's keys by length, then by bytes. */
static int compare_keys(const void *left, const void *right)
{
    const struct json *a = *(const struct json *const *)left;
    const struct json *b = *(const struct json *const *)right;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return a->name.len ? memcmp(a->name.ptr, b->name.ptr, a->name.len) : 0;
}

static bool put_hstore(const struct type *type, const struct json *object, struct arena *scratch,
                       struct text *out, struct fault *fault)
{
    size_t count = json_child_count(object), i = 0;
    const struct json **pair = ARENA_NEW(scratch, const struct json *, count);
    if (!pair)
        return fault_memory(fault, "an hstore");
    for (const struct json *child = object->child; child; child = child->next)
        pair[i++] = child;
    if (count > 1)
        qsort(pair, count, sizeof(pair[0]), compare_keys);
    for (i = 0; i < count; i++) {
        if (pair[i]->kind != JSON_NULL && pair[i]->kind != JSON_STRING)
            return type_refuse(type, object, fault);
        if (i > 0)
            text_str(out, STR(", "));
        put_quoted(out, pair[i]->name);
        text_str(out, STR("=>"));
        if (pair[i]->kind == JSON_NULL)
            text_str(out, STR("NULL"));
        else
            put_quoted(out, pair[i]->text);
    }
    return true;
}

/* A map, or (hstore.handling.mode=json) the text of one. */
static bool read_hstore(const struct type *type, const struct type_context *context,
                        const struct json *json, struct value *value, struct fault *fault)
{
    struct json_memory memory = {context->scratch, context->scratch};
    const struct json *object;
    struct json *parsed;
    struct text out = {.arena = context->texts};
    if (json->kind == JSON_STRING) {
        struct fault unreadable = {0};
        if (!json_parse(json->text, 1, memory, &parsed, &unreadable))
            return unreadable.kind == FAULT_RECORD ? type_refuse(type, json, fault)
                                                   : fault_memory(fault, "an hstore");
        object = parsed;
    } else if (!type_children(context, json, &object, fault)) {
        return false;
    }
    if (object->kind != JSON_OBJECT)
        return type_refuse(type, json, fault);
    return put_hstore(type, object, context->scratch, &out, fault)
           && text_value(&out, VALUE_TEXT, value, fault);
}

/* Numbers of points and vectors: NaN and Infinity come as texts. */
static bool put_float(const struct type *type, const struct json *json, bool is_float4,
                      struct text *out, struct fault *fault)
{
    char text[FLOAT_SIZE];
    if (json && json->kind == JSON_STRING) {
        text_str(out, json->text);
        return true;
    }
    size_t len = json && json->kind == JSON_NUMBER ? float_print(text, json->text, is_float4) : 0;
    if (len == 0)
        return fault_set(fault, FAULT_RECORD, "a part of %s is no number", type->reader->what);
    text_put(out, text, len);
    return true;
}

/* pgvector: [1,2.5,3]. */
static bool read_vector(const struct type *type, const struct type_context *context,
                        const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *array;
    struct text out = {.arena = context->texts};
    if (json->kind != JSON_ARRAY)
        return type_refuse(type, json, fault);
    if (!type_children(context, json, &array, fault))
        return false;
    text_char(&out, '[');
    for (const struct json *child = array->child; child; child = child->next) {
        if (child != array->child)
            text_char(&out, ',');
        if (!put_float(type, child, type->precision != 0, &out, fault))
            return false;
    }
    text_char(&out, ']');
    return text_value(&out, VALUE_TEXT, value, fault);
}

struct entry {
    int64_t place;
    const struct json *value;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* An entry of a map: a member, or (keys that are no texts) a pair in an array. */
static bool read_entry(const struct type_context *context, const struct json *child, bool member,
                       struct entry *entry, struct fault *fault)
{
    const struct json *pair;
    if (member) {
        entry->value = child;
        return str_to_int64(child->name, &entry->place)
               || fault_set(fault, FAULT_RECORD, "a place in a sparse vector is no number");
    }
    if (!type_children(context, child, &pair, fault))
        return false;
    if (json_child_count(pair) != 2 || !json_int64(pair->child, &entry->place))
        return fault_set(fault, FAULT_RECORD, "a place in a sparse vector is no number");
    entry->value = pair->child->next;
    return true;
}

/* pgvector: {1:1.5,3:2}/5. */
static bool read_sparse(const struct type *type, const struct type_context *context,
                        const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object, *map;
    struct text out = {.arena = context->texts};
    int64_t dimensions;
    char digits[24];
    if (!type_children(context, json, &object, fault))
        return false;
    const struct json *vector = json_member(object, "vector");
    if (!vector || !json_int64(json_member(object, "dimensions"), &dimensions) || dimensions < 0)
        return type_refuse(type, json, fault);
    if (!type_children(context, vector, &map, fault))
        return false;
    size_t count = json_child_count(map), i = 0;
    struct entry *entry = ARENA_NEW(context->scratch, struct entry, count);
    if (!entry)
        return fault_memory(fault, "a vector");
    for (const struct json *child = map->child; child; child = child->next)
        if (!read_entry(context, child, map->kind == JSON_OBJECT, &entry[i++], fault))
            return false;
    if (count > 1)
        qsort(entry, count, sizeof(*entry), compare_entries);
    for (i = 0; i < count; i++) {
        text_char(&out, i ? ',' : '{');
        if (entry[i].place < 0)
            return type_refuse(type, json, fault);
        text_put(&out, digits, (size_t)(put_number(digits, (uint64_t)entry[i].place, 1) - digits));
        text_char(&out, ':');
        if (!put_float(type, entry[i].value, false, &out, fault))
            return false;
    }
    text_str(&out, count ? STR("}/") : STR("{}/"));
    text_put(&out, digits, (size_t)(put_number(digits, (uint64_t)dimensions, 1) - digits));
    return text_value(&out, VALUE_TEXT, value, fault);
}

static bool read_point(const struct type *type, const struct type_context *context,
                       const struct json *json, struct value *value, struct fault *fault)
{
    const struct json *object;
    struct text out = {.arena = context->texts};
    if (!type_children(context, json, &object, fault))
        return false;
    const struct json *x = json_member(object, "x"), *y = json_member(object, "y");
    if (!x || !y)
        return type_refuse(type, json, fault);
    text_char(&out, '(');
    if (!put_float(type, x, false, &out, fault))
        return false;
    text_char(&out, ',');
    if (!put_float(type, y, false, &out, fault))
        return false;
    text_char(&out, ')');
    return text_value(&out, VALUE_TEXT, value, fault);
}

const struct type_reader type_array = {"an array", read_array};
const struct type_reader type_hstore = {"an hstore", read_hstore};
const struct type_reader type_vector = {"a vector", read_vector};
const struct type_reader type_sparse_vector = {"a sparse vector", read_sparse};
const struct type_reader type_point = {"a point", read_point};
