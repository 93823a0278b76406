/*
 * walk: the inner loop of shapes: compares the bytes that stay the same and reads the leaves
 * between them. It is built twice, for all processors and for those with AVX2; the choice is made
 * once.
 */
#ifndef FIELDTRAIL_WALK_H
#define FIELDTRAIL_WALK_H

#include "json.h"

/* A scalar, or a container that is kept as text. */
struct leaf {
    struct json *node;
    uint32_t from, to; /* in the sample */
    bool deepest;
    bool varies;  /* it was seen with another text than the sample's */
    bool differs; /* in the text that is walked with care */
};

/* Bytes that stay the same, and the leaf behind them (NULL at the end). */
struct step {
    const char *want; /* SCAN_WIDTH bytes more can be read behind them */
    size_t len;
    size_t room;     /* of text, so that all may be looked at without asking; SIZE_MAX at the end */
    uint32_t beyond; /* a bit for each of SCAN_WIDTH bytes that lies behind them */
    char next;       /* what stands behind the leaf */
    struct leaf *leaf;
    struct json *node; /* the leaf's */
};

/* The bytes [from, to) of a sample, and `leaf` behind them. */
struct step step_of(str sample, size_t from, size_t to, struct leaf *leaf);

/* Fills the nodes of the leaves with those of the text. False where the text is another. Texts that
   an escape forces to be copied go into `texts`. */
typedef bool walk(struct step *step, str text, struct arena *texts);

walk walk_plain, walk_avx2;

/* The best for this processor. */
walk *walk_choose(void);

#endif
