/*
 * stencil: which bytes may stand in each place of a text, so that a text is checked by comparing it
 * place by place. Integers and plain strings may change under it as long as they keep their length.
 */
#ifndef FIELDTRAIL_STENCIL_H
#define FIELDTRAIL_STENCIL_H

#include <fieldtrail/arena.h>

/* Places so far beyond the last one can be read. */
#define STENCIL_SLACK 32

/* In each place the least byte, and by how much others may be above it. */
struct stencil {
    unsigned char *low, *span;
};

/* Room for so many places. False where memory ran out. */
bool stencil_init(struct stencil *stencil, size_t len, struct arena *arena) MUST_CHECK;

/* The places take this text and no other. */
void stencil_draw(struct stencil *stencil, str text);

/* Lets the places of a scalar, which begins at `from`, take every text that stencil_is_like holds
   to be like it. */
void stencil_loosen(struct stencil *stencil, size_t from, str scalar);

/* Whether another text is a scalar written like this one: an integer of as many digits, or a string
   of as many ASCII characters without escapes. */
bool stencil_is_like(str scalar, str text);

static inline struct stencil stencil_from(struct stencil stencil, size_t from)
{
    return (struct stencil){stencil.low + from, stencil.span + from};
}

static inline bool stencil_takes(struct stencil stencil, size_t at, char byte)
{
    return (unsigned char)((unsigned char)byte - stencil.low[at]) <= stencil.span[at];
}

#endif
