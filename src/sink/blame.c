/*
 * Lines and their records, in order: found by halves.
 */
#include "blame.h"

#include "mem.h"

/* Sixteen times the usual largest batch; beyond it there are no hints. */
#define ENTRY_LIMIT ((size_t)1024 * 1024)

static bool make_room(struct blame *blame)
{
    if (blame->count == ENTRY_LIMIT)
        return false;
    struct blame_entry *entry = mem_grow(blame->entry, blame->count, &blame->capacity,
                                         sizeof(*entry));
    if (entry)
        blame->entry = entry;
    return entry != NULL;
}

void blame_add(struct blame *blame, struct position at, size_t lines)
{
    blame->lost = blame->lost || !make_room(blame);
    if (blame->lost || lines == 0)
        return;
    uint64_t before = blame->count > 0 ? blame->entry[blame->count - 1].last_line : 0;
    blame->entry[blame->count++] = (struct blame_entry){at, before + lines};
}

bool blame_find(const struct blame *blame, int64_t line, struct position *at)
{
    size_t low = 0, high = blame->count;
    if (line < 1)
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (blame->entry[middle].last_line < (uint64_t)line)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == blame->count)
        return false;
    *at = blame->entry[low].at;
    return true;
}

void blame_clear(struct blame *blame)
{
    blame->count = 0;
    blame->lost = false;
}

void blame_release(struct blame *blame)
{
    mem_free(blame->entry);
    *blame = (struct blame){0};
}
