/*
 * walk: the inner loop of shapes: holds a text against a stencil and reads the leaves that have any
 * length. It is built twice, for all processors and for those with AVX2; the choice is made once.
 */
#ifndef FIELDTRAIL_WALK_H
#define FIELDTRAIL_WALK_H

#include "json.h"
#include "stencil.h"

/* A scalar, or a container that is kept as text. */
struct leaf {
    struct json *node;
    uint32_t from, to; /* in the sample */
    bool deepest;
    bool varies; /* it was seen with another text than the sample's */
    bool loose;  /* and with one that the sample's stencil does not take */
    bool idle;   /* nobody reads the node */
    str text;    /* in the text that is walked with care */
};

/* A leaf that varies, is not loose and not idle: it has always the same kind and length. */
struct fixed {
    struct json *node;
    size_t at; /* its text, from the beginning of the step */
};

/* Bytes that a stencil tells, with the fixed leaves among them, and the loose leaf behind them
   (NULL at the end). */
struct step {
    struct stencil want; /* SCAN_WIDTH places more can be read behind it */
    size_t len;
    size_t room;     /* of text, so that all may be looked at without asking; SIZE_MAX at the end */
    uint32_t beyond; /* a bit for each of SCAN_WIDTH bytes that lies behind them */
    char next;       /* what stands behind the leaf */
    const struct fixed *fixed, *fixed_end;
    struct leaf *leaf;
    struct json *node; /* the leaf's */
};

/* What a step needs to be walked, its places and leaves apart. */
void step_prepare(struct step *step);

/* Fills the nodes of the leaves with those of the text. False where the text is another. Texts that
   an escape forces to be copied go into `texts`. */
typedef bool walk(struct step *step, str text, struct arena *texts);

walk walk_plain, walk_avx2;

/* The best for this processor. */
walk *walk_choose(void);

#endif
