/*
 * tree: the fast reader behind json_parse. It takes what is surely right and gives the very tree
 * that json_parse promises; whatever it does not take is read again by yajl, which says why.
 */
#ifndef FIELDTRAIL_TREE_H
#define FIELDTRAIL_TREE_H

#include "json.h"

/* Where the nodes of a tree stand in its text. */
struct span {
    struct json *node;
    uint32_t from, to; /* of the value as it is written, quotes and braces included */
    bool inner;        /* a container whose children are kept: its leaves have spans of their own */
    bool deepest;      /* children of it would not be kept */
};

struct span_list {
    struct span *item; /* in the order in which the values begin */
    size_t count, limit;
};

/* False where the text is not surely one whole document within the limits, where memory ran out, or
   where `spans` (may be NULL) has no room. */
bool tree_read(str text, unsigned keep_depth, struct json_memory memory, struct span_list *spans,
               struct json **root) MUST_CHECK;

/* Reads the scalar, or the container that is kept as text, at `at` into the node: kind and text.
   Gives what stands behind it, or NULL. */
const char *tree_read_leaf(struct json *node, const char *at, const char *end, bool deepest,
                           struct arena *texts) MUST_CHECK;

#endif
