/*
 * A table of open addressing, at most half full.
 */
#include "letter_set.h"

#include "mem.h"

static size_t slot_of(struct position at)
{
    uint64_t mixed = ((uint64_t)at.mark ^ (uint64_t)at.lane << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 40) % LETTER_SET_SLOTS;
}

/* The record's slot, or the free one where it belongs. */
static struct letter_slot *find(const struct letter_set *set, struct position at)
{
    size_t i = slot_of(at);
    while (set->slot[i].state != SLOT_FREE
           && (set->slot[i].at.lane != at.lane || set->slot[i].at.mark != at.mark))
        i = (i + 1) % LETTER_SET_SLOTS;
    return &set->slot[i];
}

bool letter_set_has(const struct letter_set *set, struct position at)
{
    return set->count > 0 && find(set, at)->state != SLOT_FREE;
}

void letter_set_add(struct letter_set *set, struct position at)
{
    if (!set->slot) {
        set->slot = mem_alloc(LETTER_SET_SLOTS * sizeof(*set->slot));
        if (!set->slot)
            return;
        letter_set_clear(set);
    }
    if (set->count == LETTER_SET_LIMIT)
        letter_set_clear(set);
    struct letter_slot *slot = find(set, at);
    set->count += slot->state == SLOT_FREE;
    *slot = (struct letter_slot){at, SLOT_ADDED};
    set->has_added = true;
}

void letter_set_commit(struct letter_set *set)
{
    for (size_t i = 0; set->has_added && i < LETTER_SET_SLOTS; i++)
        if (set->slot[i].state == SLOT_ADDED)
            set->slot[i].state = SLOT_DURABLE;
    set->has_added = false;
}

/* Taking single ones out would break the chains of others: all are forgotten. */
void letter_set_roll_back(struct letter_set *set)
{
    if (set->has_added)
        letter_set_clear(set);
}

void letter_set_clear(struct letter_set *set)
{
    if (set->slot)
        memset(set->slot, 0, LETTER_SET_SLOTS * sizeof(*set->slot));
    set->count = 0;
    set->has_added = false;
}

void letter_set_release(struct letter_set *set)
{
    mem_free(set->slot);
    *set = (struct letter_set){0};
}
