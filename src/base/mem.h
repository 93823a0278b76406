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

/* Tests only: the `nth` allocation from now fails (1 is the next); 0 switches it off. */
void mem_fail_at(uint64_t nth);

#endif
