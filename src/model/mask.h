/*
 * mask: hides the values of a column while the fact of the change stays visible.
 */
#ifndef FIELDTRAIL_MASK_H
#define FIELDTRAIL_MASK_H

#include <fieldtrail/arena.h>
#include <fieldtrail/fault.h>
#include <fieldtrail/value.h>

enum mask_kind {
    MASK_NONE,
    MASK_HASH, /* SHA-256 as 64 hex digits; with a key, HMAC-SHA-256 */
    MASK_DROP  /* NULL */
};

struct mask {
    str column;
    enum mask_kind kind;
};

struct mask_list {
    struct mask *item;
    size_t count;
};

/* Reads "column:hash" and "column:drop" items. */
bool mask_parse(const struct str_list *items, struct arena *arena, struct mask_list *masks,
                struct fault *fault) MUST_CHECK;

enum mask_kind mask_of(const struct mask_list *masks, str column);

/* The value as it may be shown. NULL, unknown and unavailable stay what they are. `key` empty:
   plain hash. False where memory ran out. */
bool mask_value(enum mask_kind kind, str key, struct value value, struct arena *arena,
                struct value *masked) MUST_CHECK;

#endif
