/*
 * What the fast reader does not take is read here, on yajl's events. yajl gives strings already
 * unescaped, but replaces a lone surrogate by a question mark; an audit must not, so escapes are
 * read from the input where the event ends.
 */
#include "json.h"

#include <stdlib.h>

#include <yajl/yajl_parse.h>

#include "scan.h"
#include "tree.h"

struct builder {
    yajl_handle yajl;
    str text;
    unsigned keep_depth;
    struct json_memory memory;
    struct json *root;
    struct json *open[JSON_DEPTH_LIMIT]; /* containers being read, NULL below keep_depth */
    struct json *last[JSON_DEPTH_LIMIT]; /* their newest child */
    size_t depth;
    size_t nodes;
    size_t depth_limit;
    size_t end; /* where the document ended */
    str name;   /* of the member whose value comes next */
    struct fault *fault;
};

static size_t position(const struct builder *builder)
{
    return yajl_get_bytes_consumed(builder->yajl);
}

static bool refuse(struct builder *builder, const char *why)
{
    return fault_set(builder->fault, FAULT_RECORD, "%s at byte %zu", why, position(builder));
}

static bool is_kept(const struct builder *builder)
{
    return builder->depth <= builder->keep_depth;
}

static struct json *add_node(struct builder *builder, enum json_kind kind)
{
    if (++builder->nodes > JSON_NODE_LIMIT) {
        refuse(builder, "more than 1000000 JSON values");
        return NULL;
    }
    struct json *node = arena_alloc(builder->memory.nodes, sizeof(*node));
    if (!node) {
        fault_memory(builder->fault, "a JSON tree");
        return NULL;
    }
    *node = (struct json){.kind = kind, .name = builder->name};
    builder->name = STR_EMPTY;
    if (builder->depth == 0) {
        builder->root = node;
        return node;
    }
    size_t level = builder->depth - 1;
    if (builder->last[level])
        builder->last[level]->next = node;
    else
        builder->open[level]->child = node;
    builder->last[level] = node;
    return node;
}

/* The raw text between the quotes of the string that ends at the present position. Quotes inside
   it stand behind a backslash; the opening one cannot. */
static str raw_string(const struct builder *builder)
{
    const char *start = builder->text.ptr, *end = start + position(builder) - 1;
    const char *at = end - 1;
    for (;; at--) {
        if (*at != '"')
            continue;
        size_t backslashes = 0;
        while (at - backslashes > start && at[-1 - (ptrdiff_t)backslashes] == '\\')
            backslashes++;
        if (backslashes % 2 == 0)
            break;
    }
    return (str){at + 1, (size_t)(end - at - 1)};
}

static bool unescape(struct builder *builder, str raw, str *text)
{
    char *start = arena_alloc(builder->memory.texts, raw.len);
    if (!start)
        return fault_memory(builder->fault, "a text");
    char *end = scan_unescape(raw, start);
    if (!end)
        return refuse(builder, "a lone surrogate, which is no character, in the text that ends");
    *text = (str){start, (size_t)(end - start)};
    return true;
}

/* The text of a string event: the input itself where it holds no escape. */
static bool string_text(struct builder *builder, const unsigned char *ptr, size_t len, str *text)
{
    const char *chars = (const char *)ptr;
    if (len == 0 || (chars >= builder->text.ptr && chars < builder->text.ptr + builder->text.len)) {
        *text = (str){chars, len};
        return true;
    }
    return unescape(builder, raw_string(builder), text);
}

static int add_scalar(struct builder *builder, enum json_kind kind, str text)
{
    if (!is_kept(builder))
        return 1;
    struct json *node = add_node(builder, kind);
    if (node)
        node->text = text;
    builder->end = position(builder);
    return node != NULL;
}

static int on_null(void *context)
{
    return add_scalar(context, JSON_NULL, STR("null"));
}

static int on_boolean(void *context, int yes)
{
    return add_scalar(context, JSON_BOOL, yes ? STR("true") : STR("false"));
}

static int on_number(void *context, const char *digits, size_t len)
{
    struct builder *builder = context;
    str text = {digits, len};
    /* A number at the very end of the input is reported from a copy that yajl reuses. */
    bool inside = digits >= builder->text.ptr && digits < builder->text.ptr + builder->text.len;
    if (!inside && !arena_copy(builder->memory.texts, text, &text))
        return fault_memory(builder->fault, "a number");
    return add_scalar(builder, JSON_NUMBER, text);
}

static int on_string(void *context, const unsigned char *ptr, size_t len)
{
    struct builder *builder = context;
    str text = STR_EMPTY;
    if (is_kept(builder) && !string_text(builder, ptr, len, &text))
        return 0;
    return add_scalar(builder, JSON_STRING, text);
}

static int on_name(void *context, const unsigned char *ptr, size_t len)
{
    struct builder *builder = context;
    return !is_kept(builder) || string_text(builder, ptr, len, &builder->name);
}

static int on_open(struct builder *builder, enum json_kind kind)
{
    struct json *node = NULL;
    if (is_kept(builder)) {
        node = add_node(builder, kind);
        if (!node)
            return 0;
        /* Until it closes, the text says where it began. */
        node->text = (str){builder->text.ptr + position(builder) - 1, 1};
    }
    if (builder->depth == builder->depth_limit)
        return refuse(builder, "nested deeper than 100 levels");
    builder->open[builder->depth] = node;
    builder->last[builder->depth] = NULL;
    builder->depth++;
    return 1;
}

static int on_open_object(void *context)
{
    return on_open(context, JSON_OBJECT);
}

static int on_open_array(void *context)
{
    return on_open(context, JSON_ARRAY);
}

static int on_close(void *context)
{
    struct builder *builder = context;
    struct json *node = builder->open[--builder->depth];
    if (node)
        node->text.len = (size_t)(builder->text.ptr + position(builder) - node->text.ptr);
    builder->end = position(builder);
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_name,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close,
};

static bool say_error(struct builder *builder, yajl_status status)
{
    if (status == yajl_status_client_canceled)
        return false; /* the callback has said why */
    unsigned char *text = yajl_get_error(builder->yajl, 0, NULL, 0);
    size_t len = text ? strcspn((const char *)text, ".\n") : 0;
    fault_set(builder->fault, FAULT_RECORD, "not JSON at byte %zu: %.*s", position(builder),
              (int)len, text ? (const char *)text : "");
    yajl_free_error(builder->yajl, text);
    return false;
}

/* True for a byte that stands in no JSON text: a control character other than the blanks, which
   yajl lets pass in part. */
static bool is_control(char c)
{
    return (unsigned char)c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* yajl's own check of UTF-8 lets overlong forms and surrogates pass, so it is switched off and this
   one goes first: eight bytes at a time where they are plain. */
static size_t clean_length(str text)
{
    size_t at = 0;
    while (at < text.len) {
        uint64_t eight;
        if (text.len - at >= sizeof(eight)) {
            memcpy(&eight, text.ptr + at, sizeof(eight));
            uint64_t low = (eight - 0x2020202020202020ULL) & ~eight;
            if (((eight | low) & 0x8080808080808080ULL) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        size_t len = is_control(text.ptr[at]) ? 0 : str_utf8_length(str_from_at(text, at));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

/* Feeds the text; a number at the very end is complete only behind it. */
static bool feed(struct builder *builder)
{
    yajl_handle yajl = builder->yajl;
    const unsigned char *bytes = (const unsigned char *)builder->text.ptr;
    yajl_status status = yajl_parse(yajl, bytes, builder->text.len);
    if (status != yajl_status_ok)
        return say_error(builder, status);
    /* yajl overlooks a token that is cut short behind the document. */
    if (builder->root && builder->depth == 0
        && str_trim(str_from_at(builder->text, builder->end)).len > 0)
        return fault_set(builder->fault, FAULT_RECORD, "not JSON: more stands behind byte %zu",
                         builder->end);
    status = yajl_complete_parse(yajl);
    if (status == yajl_status_ok && builder->root)
        return true;
    /* Where a callback ended it, the callback has said why. */
    return status != yajl_status_client_canceled
           && fault_set(builder->fault, FAULT_RECORD,
                        "not JSON: the text ends in the middle, at byte %zu (a message must "
                        "stand on one line)",
                        builder->text.len);
}

bool json_parse(str text, unsigned keep_depth, struct json_memory memory, struct json **root,
                struct fault *fault)
{
    return tree_read(text, keep_depth, memory, NULL, root)
           || json_parse_slowly(text, keep_depth, memory, root, fault);
}

bool json_parse_slowly(str text, unsigned keep_depth, struct json_memory memory, struct json **root,
                       struct fault *fault)
{
    struct builder builder = {
        .text = text, .keep_depth = keep_depth, .memory = memory, .fault = fault};
    /* A payload is read with its wrapper or, where the wrapper is known, without: the limit must
       not depend on it, so it is counted from what is kept. */
    builder.depth_limit = keep_depth + JSON_UNKEPT_LIMIT < JSON_DEPTH_LIMIT
                              ? keep_depth + JSON_UNKEPT_LIMIT
                              : JSON_DEPTH_LIMIT;
    size_t clean = clean_length(text);
    if (text.len == 0)
        return fault_set(fault, FAULT_RECORD, "not JSON: the text is empty");
    if (clean < text.len)
        return fault_set(fault, FAULT_RECORD, "not JSON at byte %zu: %s", clean,
                         is_control(text.ptr[clean]) ? "a control character" : "no UTF-8");
    builder.yajl = yajl_alloc(&callbacks, NULL, &builder);
    if (!builder.yajl)
        return fault_memory(fault, "the JSON parser");
    yajl_config(builder.yajl, yajl_dont_validate_strings, 1);
    bool good = feed(&builder);
    yajl_free(builder.yajl);
    *root = builder.root;
    return good;
}

struct json *json_member(const struct json *object, const char *name)
{
    struct json *found = NULL;
    str wanted = str_from(name);
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (struct json *child = object->child; child; child = child->next)
        if (str_eq(child->name, wanted))
            found = child;
    return found;
}

bool json_member_is(const struct json *object, const char *name, const char *text)
{
    const struct json *member = json_member(object, name);
    return member && member->kind == JSON_STRING && str_is(member->text, text);
}

bool json_int64(const struct json *json, int64_t *number)
{
    return json && (json->kind == JSON_NUMBER || json->kind == JSON_STRING)
           && str_to_int64(json->text, number);
}

str json_string(const struct json *json)
{
    return json && json->kind == JSON_STRING ? json->text : STR_EMPTY;
}

size_t json_child_count(const struct json *json)
{
    size_t count = 0;
    for (const struct json *child = json ? json->child : NULL; child; child = child->next)
        count++;
    return count;
}
