/*
 * Recursive descent over the levels that are kept; what lies below is only checked.
 */
#include "tree.h"

#include "scan.h"

struct reader {
    const char *start, *at, *end;
    unsigned keep_depth;
    struct json_memory memory;
    struct span_list *spans;
    size_t nodes;
    struct json *spare, *spare_end; /* nodes are taken from the arena by the handful */
};

#define SPARE_NODES 16

static struct json *new_node(struct reader *in)
{
    if (++in->nodes > JSON_NODE_LIMIT)
        return NULL;
    if (in->spare == in->spare_end) {
        in->spare = arena_alloc(in->memory.nodes, SPARE_NODES * sizeof(*in->spare));
        if (!in->spare)
            return NULL;
        in->spare_end = in->spare + SPARE_NODES;
    }
    struct json *node = in->spare++;
    *node = (struct json){0};
    return node;
}

static bool take_text(str raw, bool escaped, struct arena *texts, str *text)
{
    *text = raw;
    if (!escaped)
        return true;
    char *out = arena_alloc(texts, raw.len);
    char *end = out ? scan_unescape(raw, out) : NULL;
    if (end)
        *text = (str){out, (size_t)(end - out)};
    return end != NULL;
}

static const char *read_string(str *text, const char *at, const char *end, struct arena *texts)
{
    bool escaped;
    const char *close = scan_string(at + 1, end, &escaped);
    if (!close || !take_text((str){at + 1, (size_t)(close - at - 1)}, escaped, texts, text))
        return NULL;
    return close + 1;
}

const char *tree_read_leaf(struct json *node, const char *at, const char *end, bool deepest,
                           struct arena *texts)
{
    const char *behind;
    if (at == end)
        return NULL;
    switch (*at) {
    case '"':
        node->kind = JSON_STRING;
        return read_string(&node->text, at, end, texts);
    case '{':
    case '[':
        node->kind = *at == '{' ? JSON_OBJECT : JSON_ARRAY;
        behind = deepest ? scan_value(at, end, SCAN_DEPTH_LIMIT) : NULL;
        break;
    case 'n':
        node->kind = JSON_NULL;
        behind = scan_word(at, end, "null", 4);
        break;
    case 't':
        node->kind = JSON_BOOL;
        behind = scan_word(at, end, "true", 4);
        break;
    case 'f':
        node->kind = JSON_BOOL;
        behind = scan_word(at, end, "false", 5);
        break;
    default:
        node->kind = JSON_NUMBER;
        behind = scan_number(at, end);
    }
    if (behind)
        node->text = (str){at, (size_t)(behind - at)};
    return behind;
}

static struct span *add_span(struct reader *in, struct json *node)
{
    struct span_list *spans = in->spans;
    if (spans->count == spans->limit)
        return NULL;
    struct span *span = &spans->item[spans->count++];
    *span = (struct span){.node = node, .from = (uint32_t)(in->at - in->start)};
    return span;
}

static bool read_value(struct reader *in, unsigned depth, struct json *node);

static bool read_name(struct reader *in, struct json *node)
{
    if (in->at == in->end || *in->at != '"'
        || !(in->at = read_string(&node->name, in->at, in->end, in->memory.texts)))
        return false;
    in->at = scan_blanks(in->at, in->end);
    if (in->at == in->end || *in->at != ':')
        return false;
    in->at = scan_blanks(in->at + 1, in->end);
    return true;
}

static bool read_children(struct reader *in, unsigned depth, struct json *parent)
{
    bool named = parent->kind == JSON_OBJECT;
    char close = named ? '}' : ']';
    struct json **link = &parent->child;
    in->at = scan_blanks(in->at + 1, in->end);
    if (in->at < in->end && *in->at == close) {
        in->at++;
        return true;
    }
    for (;;) {
        struct json *node = new_node(in);
        if (!node || (named && !read_name(in, node)) || !read_value(in, depth + 1, node))
            return false;
        *link = node;
        link = &node->next;
        in->at = scan_blanks(in->at, in->end);
        if (in->at == in->end)
            return false;
        char c = *in->at++;
        if (c == close)
            return true;
        if (c != ',')
            return false;
        in->at = scan_blanks(in->at, in->end);
    }
}

/* The container at in->at, whose children are kept too. */
static bool read_container(struct reader *in, unsigned depth, struct json *node)
{
    const char *from = in->at;
    node->kind = *from == '{' ? JSON_OBJECT : JSON_ARRAY;
    if (!read_children(in, depth, node))
        return false;
    node->text = (str){from, (size_t)(in->at - from)};
    return true;
}

static bool read_value(struct reader *in, unsigned depth, struct json *node)
{
    bool deepest = depth >= in->keep_depth;
    struct span *span = NULL;
    if (in->at == in->end || (in->spans && !(span = add_span(in, node))))
        return false;
    bool inner = !deepest && (*in->at == '{' || *in->at == '[');
    if (inner) {
        if (depth >= SCAN_DEPTH_LIMIT || !read_container(in, depth, node))
            return false;
    } else {
        in->at = tree_read_leaf(node, in->at, in->end, deepest, in->memory.texts);
        if (!in->at)
            return false;
    }
    if (span) {
        span->to = (uint32_t)(in->at - in->start);
        span->inner = inner;
        span->deepest = deepest;
    }
    return true;
}

bool tree_read(str text, unsigned keep_depth, struct json_memory memory, struct span_list *spans,
               struct json **root)
{
    if (text.len == 0)
        return false; /* it may have no pointer to count from */
    struct reader in = {.start = text.ptr,
                        .at = text.ptr,
                        .end = text.ptr + text.len,
                        .keep_depth = keep_depth,
                        .memory = memory,
                        .spans = spans};
    struct json *node = new_node(&in);
    in.at = scan_blanks(in.at, in.end);
    if (!node || !read_value(&in, 0, node))
        return false;
    *root = node;
    return scan_blanks(in.at, in.end) == in.end;
}
