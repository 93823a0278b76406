/*
 * The one door to the system's allocator. The counter for injected failures is per thread, so that
 * a test of one thread does not starve another.
 */
#include "mem.h"

#include <stdlib.h>

static _Thread_local uint64_t fail_countdown;

void mem_fail_at(uint64_t nth)
{
    fail_countdown = nth;
}

static bool must_fail(void)
{
    return fail_countdown > 0 && --fail_countdown == 0;
}

void *mem_alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size);
}

void *mem_realloc(void *ptr, size_t size)
{
    return must_fail() ? NULL : realloc(ptr, size);
}

void mem_free(void *ptr)
{
    free(ptr);
}
