/*
 * mem: the one door to the system's allocator, so that tests can make the n-th call fail.
 */
#ifndef FIELDTRAIL_MEM_H
#define FIELDTRAIL_MEM_H

#include <fieldtrail/str.h>

/* Like malloc, realloc and free. NULL where memory ran out or a test asked for a failure. */
void *mem_alloc(size_t size) MUST_CHECK;
void *mem_realloc(void *ptr, size_t size) MUST_CHECK;
void mem_free(void *ptr);

/* A list of `count` entries of `size` bytes, with room for one more: as it was, or moved to twice
   its room, which *capacity then tells. An empty list is NULL with no capacity. NULL where memory
   ran out; the list is as it was then. */
void *mem_grow(void *list, size_t count, size_t *capacity, size_t size) MUST_CHECK;

/* Tests only: the `nth` allocation from now fails (1 is the next); 0 switches it off. */
void mem_fail_at(uint64_t nth);

#endif
