/*
 * Comparing JSON documents. Both are read into small trees whose members are sorted by their
 * unescaped key, then walked side by side. It reads only documents that differ as text, so it is
 * written to be short and bounded rather than fast.
 */
#include "json_document.h"

#include <stdlib.h>

#include <fieldtrail/value.h>

#define DEPTH_LIMIT 100

enum node_kind { NODE_LITERAL, NODE_NUMBER, NODE_STRING, NODE_ARRAY, NODE_OBJECT };

struct node {
    enum node_kind kind;
    uint32_t order; /* of a member in its object: of equal keys the last counts */
    str key;        /* of a member, unescaped */
    str text;       /* of a scalar, unescaped */
    struct node **child;
    size_t child_count;
};

struct reader {
    const char *at, *end;
    struct arena *arena;
};

static void skip_blanks(struct reader *in)
{
    while (in->at < in->end
           && (*in->at == ' ' || *in->at == '\t' || *in->at == '\n' || *in->at == '\r'))
        in->at++;
}

static bool take(struct reader *in, char c)
{
    skip_blanks(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool read_hex(struct reader *in, uint32_t *unit)
{
    if (in->end - in->at < 4)
        return false;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        char c = *in->at++;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        *unit = *unit * 16 + digit;
    }
    return true;
}

static bool read_unicode(struct reader *in, char **out)
{
    uint32_t unit, low;
    if (!read_hex(in, &unit))
        return false;
    struct reader ahead = *in;
    if ((unit & 0xfc00) == 0xd800 && ahead.end - ahead.at >= 6 && ahead.at[0] == '\\'
        && ahead.at[1] == 'u') {
        ahead.at += 2;
        if (read_hex(&ahead, &low) && (low & 0xfc00) == 0xdc00) {
            unit = 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
            in->at = ahead.at;
        }
    }
    *out = str_put_utf8(*out, unit);
    return true;
}

static bool read_escape(struct reader *in, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (in->at == in->end)
        return false;
    char c = *in->at++;
    if (c == 'u')
        return read_unicode(in, out);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return false;
    *(*out)++ = to[found - from];
    return true;
}

static bool read_string(struct reader *in, str *text)
{
    if (!take(in, '"'))
        return false;
    const char *close = in->at;
    while (close < in->end && *close != '"')
        close += *close == '\\' ? 2 : 1;
    if (close >= in->end)
        return false;
    /* Unescaping never makes a text longer. */
    char *out = arena_alloc(in->arena, (size_t)(close - in->at)), *start = out;
    if (!out)
        return false;
    while (in->at < close) {
        char c = *in->at++;
        if ((unsigned char)c < 0x20)
            return false;
        if (c != '\\')
            *out++ = c;
        else if (!read_escape(in, &out))
            return false;
    }
    in->at++;
    *text = (str){start, (size_t)(out - start)};
    return true;
}

static size_t count_digits(str text)
{
    size_t count = 0;
    while (count < text.len && text.ptr[count] >= '0' && text.ptr[count] <= '9')
        count++;
    return count;
}

/* The grammar of RFC 8259, section 6. */
static bool is_number(str text)
{
    text = str_from_at(text, str_starts(text, STR("-")));
    size_t digits = count_digits(text);
    if (digits == 0 || (digits > 1 && text.ptr[0] == '0'))
        return false;
    text = str_from_at(text, digits);
    if (str_starts(text, STR("."))) {
        text = str_from_at(text, 1);
        digits = count_digits(text);
        if (digits == 0)
            return false;
        text = str_from_at(text, digits);
    }
    if (text.len == 0)
        return true;
    if (text.ptr[0] != 'e' && text.ptr[0] != 'E')
        return false;
    text = str_from_at(text, 1);
    text = str_from_at(text, str_starts(text, STR("+")) || str_starts(text, STR("-")));
    return text.len > 0 && count_digits(text) == text.len;
}

static bool read_scalar(struct reader *in, struct node *node)
{
    const char *start = in->at;
    while (in->at < in->end && !strchr(",]} \t\r\n", *in->at))
        in->at++;
    node->text = (str){start, (size_t)(in->at - start)};
    node->kind = NODE_LITERAL;
    if (str_is(node->text, "true") || str_is(node->text, "false") || str_is(node->text, "null"))
        return true;
    node->kind = NODE_NUMBER;
    return is_number(node->text);
}

static bool read_node(struct reader *in, struct node *node, unsigned depth);

static bool add_child(struct reader *in, struct node *parent, struct node **child)
{
    size_t count = parent->child_count;
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? 2 * count : 1;
        void *grown = arena_grow(in->arena, parent->child, count * sizeof(*parent->child),
                                 capacity * sizeof(*parent->child));
        if (!grown)
            return false;
        parent->child = grown;
    }
    *child = ARENA_NEW(in->arena, struct node, 1);
    if (!*child)
        return false;
    (*child)->order = (uint32_t)count;
    parent->child[parent->child_count++] = *child;
    return true;
}

static int compare_members(const void *left, const void *right)
{
    const struct node *a = *(struct node *const *)left, *b = *(struct node *const *)right;
    size_t len = a->key.len < b->key.len ? a->key.len : b->key.len;
    int order = len ? memcmp(a->key.ptr, b->key.ptr, len) : 0;
    if (order == 0 && a->key.len != b->key.len)
        order = a->key.len < b->key.len ? -1 : 1;
    if (order == 0)
        order = a->order < b->order ? -1 : 1;
    return order;
}

/* Sorts the members and drops those that a later one of the same key replaces. */
static void settle_members(struct node *node)
{
    if (node->child_count < 2)
        return;
    qsort(node->child, node->child_count, sizeof(*node->child), compare_members);
    size_t kept = 0;
    for (size_t i = 0; i < node->child_count; i++) {
        bool replaced = i + 1 < node->child_count
                        && str_eq(node->child[i]->key, node->child[i + 1]->key);
        if (!replaced)
            node->child[kept++] = node->child[i];
    }
    node->child_count = kept;
}

static bool read_children(struct reader *in, struct node *node, char close, unsigned depth)
{
    in->at++;
    if (take(in, close))
        return true;
    do {
        struct node *child;
        if (!add_child(in, node, &child))
            return false;
        if (node->kind == NODE_OBJECT && (!read_string(in, &child->key) || !take(in, ':')))
            return false;
        if (!read_node(in, child, depth + 1))
            return false;
    } while (take(in, ','));
    if (!take(in, close))
        return false;
    if (node->kind == NODE_OBJECT)
        settle_members(node);
    return true;
}

static bool read_node(struct reader *in, struct node *node, unsigned depth)
{
    skip_blanks(in);
    if (in->at == in->end || (depth >= DEPTH_LIMIT && strchr("{[", *in->at)))
        return false;
    switch (*in->at) {
    case '{':
        node->kind = NODE_OBJECT;
        return read_children(in, node, '}', depth);
    case '[':
        node->kind = NODE_ARRAY;
        return read_children(in, node, ']', depth);
    case '"':
        node->kind = NODE_STRING;
        return read_string(in, &node->text);
    default:
        return read_scalar(in, node);
    }
}

static bool read_document(str text, struct arena *arena, struct node *root)
{
    struct reader in = {text.ptr, text.ptr + text.len, arena};
    *root = (struct node){0};
    if (!read_node(&in, root, 0))
        return false;
    skip_blanks(&in);
    return in.at == in.end;
}

static bool same(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->child_count != b->child_count)
        return false;
    if (a->kind == NODE_NUMBER)
        return value_number_same(a->text, b->text);
    if (a->kind != NODE_ARRAY && a->kind != NODE_OBJECT)
        return str_eq(a->text, b->text);
    for (size_t i = 0; i < a->child_count; i++) {
        if (!str_eq(a->child[i]->key, b->child[i]->key) || !same(a->child[i], b->child[i]))
            return false;
    }
    return true;
}

bool json_document_same(str a, str b, struct arena *scratch)
{
    struct node x, y;
    return read_document(a, scratch, &x) && read_document(b, scratch, &y) && same(&x, &y);
}
