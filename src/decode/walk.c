/*
 * The walk for every processor, and the choice of one.
 */
#define WALK walk_plain
#include "walk_body.h"

struct step step_of(str sample, size_t from, size_t to, struct leaf *leaf)
{
    size_t len = to - from;
    struct step step = {.want = sample.ptr + from, .len = len, .room = SIZE_MAX};
#ifdef SCAN_WIDTH
    step.beyond = len < SCAN_WIDTH ? UINT32_MAX << len : 0;
    /* The leaf's quote and SCAN_WIDTH bytes of it. */
    if (leaf)
        step.room = len + SCAN_WIDTH + 1;
#endif
    if (leaf) {
        step.leaf = leaf;
        step.node = leaf->node;
        step.next = sample.ptr[leaf->to];
    }
    return step;
}

walk *walk_choose(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return walk_avx2;
#endif
    return walk_plain;
}
