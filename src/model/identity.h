/*
 * identity: which old values of a change can be believed. Debezium fills the columns that the
 * source did not log with defaults, zeros and epochs; this is where such values become unknown.
 */
#ifndef FIELDTRAIL_IDENTITY_H
#define FIELDTRAIL_IDENTITY_H

#include <fieldtrail/change.h>
#include <fieldtrail/fault.h>

enum identity_kind {
    IDENTITY_AUTO,    /* each record is judged by itself */
    IDENTITY_FULL,    /* `before` is believed */
    IDENTITY_DEFAULT, /* only its key columns are */
    IDENTITY_INDEX    /* only the columns named are */
};

struct identity {
    enum identity_kind kind;
    struct str_list columns; /* IDENTITY_INDEX */
};

/* Reads "auto", "full", "default" or "index(a,b)". The names stay the text's. */
bool identity_parse(str text, struct arena *arena, struct identity *identity,
                    struct fault *fault) MUST_CHECK;

/* True where the old value of that column is never made up: it may be shown. */
bool identity_names(const struct identity *identity, str column);

/* Whether this old value of a key column, of an image that proved nothing, may be made up. */
bool identity_doubts_key(const struct identity *identity, const struct field *field,
                         struct value value, struct arena *scratch);

/* For identity_settle: old values that nothing vouches for. */
void identity_judge(const struct identity *identity, struct change *change, struct arena *scratch);

/* Makes every old value that cannot be believed ABSENT. Fields must have `key` set. `scratch`
   serves comparing. */
static inline void identity_settle(const struct identity *identity, struct change *change,
                                   struct arena *scratch)
{
    bool has_old = change->op == CHANGE_UPDATE || change->op == CHANGE_DELETE;
    if (identity->kind != IDENTITY_FULL && has_old && change->has_before
        && change->proof == PROOF_NONE)
        identity_judge(identity, change, scratch);
}

#endif
