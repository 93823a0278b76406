/*
 * The body of a walk, which each file that includes it builds for its kind of processor under the
 * name WALK. Most values are short strings and integers; those are read here.
 */
#include "scan.h"
#include "tree.h"
#include "walk.h"

#ifdef SCAN_WIDTH
static inline bool is_there(const struct step *step, const char *at)
{
    const unsigned char *low = step->want.low, *span = step->want.span;
    return step->beyond == 0 ? scan_are_within(at, low, span, step->len)
                             : (scan_within_bits(at, low, span) | step->beyond) == UINT32_MAX;
}

/* Where the first bit is set; the last place where none is. What stands there decides. */
static inline unsigned first_bit(uint32_t bits)
{
    return (unsigned)__builtin_ctz(bits | (uint32_t)1 << (SCAN_WIDTH - 1));
}

/* The string behind whose opening quote `at` stands, when its odd bytes are known. NULL where the
   first of them does not end it. */
static inline const char *take_string(struct json *node, const char *at, uint32_t odd)
{
    size_t len = first_bit(odd);
    node->kind = JSON_STRING;
    node->text = (str){at, len};
    return at[len] == '"' ? at + len + 1 : NULL;
}

/* No integer of more digits begins with 0. */
static inline bool begins_integer(const char *at)
{
    return (unsigned char)(*at - '1') < 9;
}

/* The integer that begins at `at`, when the bytes that are no digits are known. NULL where
   something else than `next`, which is no digit, stands behind it. */
static inline const char *take_integer(struct json *node, const char *at, uint32_t others,
                                       char next)
{
    size_t len = first_bit(others);
    node->kind = JSON_NUMBER;
    node->text = (str){at, len};
    return at[len] == next ? at + len : NULL;
}

static inline const char *read_leaf(const struct step *step, const char *at)
{
    if (begins_integer(at))
        return take_integer(step->node, at, scan_other_bits(at), step->next);
    return *at == '"' ? take_string(step->node, at + 1, scan_odd_bits(at + 1)) : NULL;
}

/* The same for the last bytes of a text, when there is no room to look beyond: the last SCAN_WIDTH
   of them are looked at, and those before the leaf forgotten. */
static inline const char *read_last_leaf(const struct step *step, const char *at, str text)
{
    size_t done = (size_t)(at - text.ptr);
    if (text.len < SCAN_WIDTH || done <= text.len - SCAN_WIDTH || done == text.len)
        return NULL;
    const char *last = text.ptr + text.len - SCAN_WIDTH;
    uint32_t bits;
    if (begins_integer(at) && (bits = scan_other_bits(last) >> (at - last)) != 0)
        return take_integer(step->node, at, bits, step->next);
    if (*at == '"' && (bits = scan_odd_bits(last) >> (at - last) >> 1) != 0)
        return take_string(step->node, at + 1, bits);
    return NULL;
}
#endif

static inline void place_fixed(const struct step *step, const char *at)
{
    const struct fixed *fixed = step->fixed, *end = step->fixed_end;
    for (; fixed < end; fixed++)
        fixed->node->text.ptr = at + fixed->at;
}

/* Reads steps as long as there is room to look at more than them; gives the first that is left, or
   NULL where the text is another, and moves `at`. */
static inline struct step *walk_with_room(struct step *step, const char **at, const char *end,
                                          struct arena *texts)
{
#ifdef SCAN_WIDTH
    const char *now = *at;
    for (; (size_t)(end - now) >= step->room; step++) {
        if (!is_there(step, now))
            return NULL;
        place_fixed(step, now);
        now += step->len;
        const char *behind = read_leaf(step, now);
        if (!behind)
            behind = tree_read_leaf(step->node, now, end, step->leaf->deepest, texts);
        if (!behind)
            return NULL;
        now = behind;
    }
    *at = now;
#endif
    (void)at;
    (void)end;
    (void)texts;
    return step;
}

/* The same as is_there, when there is no room to look beyond the bytes. */
static inline bool is_here(const struct step *step, const char *at)
{
    bool good = true;
#ifdef SCAN_WIDTH
    if (step->len >= SCAN_WIDTH)
        return is_there(step, at);
#endif
    for (size_t i = 0; i < step->len; i++)
        good &= stencil_takes(step->want, i, at[i]);
    return good;
}

bool WALK(struct step *step, str text, struct arena *texts)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    step = walk_with_room(step, &at, end, texts);
    for (; step; step++) {
        if ((size_t)(end - at) < step->len || !is_here(step, at))
            return false;
        place_fixed(step, at);
        at += step->len;
        if (!step->leaf)
            return at == end;
        const char *behind = NULL;
#ifdef SCAN_WIDTH
        behind = read_last_leaf(step, at, text);
#endif
        if (!behind)
            behind = tree_read_leaf(step->node, at, end, step->leaf->deepest, texts);
        if (!behind)
            return false;
        at = behind;
    }
    return false;
}
