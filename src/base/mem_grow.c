/*
 * Lists that grow, by whatever allocator there is: a simulation has one of its own.
 */
#include "mem.h"

/* Entries that a list begins with. */
#define FIRST_ROOM 64

void *mem_grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (list && count < *capacity)
        return list;
    size_t wanted = *capacity ? 2 * *capacity : FIRST_ROOM;
    void *grown = mem_realloc(list, wanted * size);
    if (grown)
        *capacity = wanted;
    return grown;
}
