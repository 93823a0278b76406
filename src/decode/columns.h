/*
 * columns: the images before and after of a change, joined by name into its fields. What is the
 * same for all payloads of a shape is worked out once and noted.
 */
#ifndef FIELDTRAIL_COLUMNS_H
#define FIELDTRAIL_COLUMNS_H

#include <fieldtrail/decoder.h>

#include "reading.h"

/* The images that the change's op has; NULL where there is none. */
struct images {
    const struct json *before, *after;
    const struct schema *row;  /* describes both; NULL without a schema */
    const struct wants *wants; /* NULL: all columns */
};

/* Fills the fields of the change, whose op and names are set. FAULT_RECORD where a value cannot be
   read or there are too many columns, FAULT_RETRY where memory ran out. */
bool columns_join(const struct images *images, const struct reading *reading, struct change *change,
                  struct fault *fault) MUST_CHECK;

/* One column that is wanted: what is always the same of it, and where its values stand in the tree
   of the shape. */
struct noted_column {
    struct field field;                /* with the values of an image that lacks it */
    const struct json *before, *after; /* NULL where the image lacks it */
    const struct type *type;
};

/* What is known of all images of one shape, with one op and of one table. */
struct columns_note {
    struct columns_note *next;
    uint64_t number; /* of these columns (change.columns) */
    str schema, table;
    const struct wants *wants;
    struct field_list whole;     /* all columns, without values */
    struct noted_column *column; /* those that are wanted */
    size_t column_count;
};

/* Notes what columns_join has made of images whose nodes stay the same. NULL where memory ends, or
   the images are no ordinary ones. */
struct columns_note *columns_learn(const struct images *images, const struct reading *reading,
                                   uint64_t number, struct arena *arena);

/* The note of the change's table, or NULL. */
static inline const struct columns_note *columns_find(const struct columns_note *first,
                                                      const struct change *change)
{
    while (first
           && (!str_eq(first->table, change->table) || !str_eq(first->schema, change->schema)))
        first = first->next;
    return first;
}

/* Whether columns_recall reads the node. */
bool columns_read(const struct columns_note *note, const struct json *node);

/* The same as columns_join, for images that are known. */
bool columns_recall(const struct columns_note *note, const struct reading *reading,
                    struct change *change, struct fault *fault) MUST_CHECK;

#endif
