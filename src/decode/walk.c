/*
 * The walk for every processor, and the choice of one.
 */
#define WALK walk_plain
#include "walk_body.h"

void step_prepare(struct step *step)
{
    step->room = SIZE_MAX;
#ifdef SCAN_WIDTH
    step->beyond = step->len < SCAN_WIDTH ? UINT32_MAX << step->len : 0;
    /* The leaf's quote and SCAN_WIDTH bytes of it. */
    if (step->leaf)
        step->room = step->len + SCAN_WIDTH + 1;
#endif
}

walk *walk_choose(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return walk_avx2;
#endif
    return walk_plain;
}
