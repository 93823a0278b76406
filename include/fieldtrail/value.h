/*
 * value: one value of one column, as text, with what the text means. Numbers keep the digits they
 * came in. Pure functions, no allocation but where an arena is taken.
 */
#ifndef FIELDTRAIL_VALUE_H
#define FIELDTRAIL_VALUE_H

#include <fieldtrail/arena.h>

enum value_kind {
    VALUE_ABSENT,      /* the source did not say: unknown, never to be shown as NULL */
    VALUE_NULL,        /* SQL's NULL */
    VALUE_UNAVAILABLE, /* Debezium's placeholder: the column was not touched */
    VALUE_UNREAD,      /* nobody asked for it, and nobody looked */
    VALUE_BOOL,        /* text is true or false */
    VALUE_NUMBER,      /* text is a JSON number with the digits it came in */
    VALUE_TEXT,        /* text is the value */
    VALUE_JSON         /* text is a JSON document */
};

struct value {
    enum value_kind kind;
    str text; /* empty for ABSENT, NULL and UNREAD; for UNAVAILABLE the placeholder */
};

/* True where the kind has a text. */
static inline bool value_has_text(struct value value)
{
    return value.kind >= VALUE_BOOL;
}

/* Whether two values are the same to a reader of the audit: text as text, numbers by value (1.50
   is 1.5, -0 is 0), JSON documents without regard to key order and blanks; NULL is NULL and
   differs from ''. ABSENT and UNAVAILABLE are the same as nothing. `scratch` holds what comparing
   documents takes; a document that does not fit there, nests too deep or is none is compared as
   text. */
static inline bool value_same(const struct value *a, const struct value *b, struct arena *scratch);

/* The same for values that are not written alike. */
bool value_same_with_care(const struct value *a, const struct value *b, struct arena *scratch);

static inline bool value_same(const struct value *a, const struct value *b, struct arena *scratch)
{
    bool alike = a->kind == b->kind && value_has_text(*a) && str_eq(a->text, b->text);
    return alike || value_same_with_care(a, b, scratch);
}

/* Whether two JSON numbers have the same value, however many digits they have. */
bool value_number_same(str a, str b);

/* True where the value is NULL, false, '', or a number, date, time or container that a database
   driver invents for a NOT NULL column it was not sent: zero, the epoch, an empty array. Seeing
   such a value proves nothing about its origin. */
bool value_is_invention(struct value value);

#endif
