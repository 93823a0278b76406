/*
 * letter_set: which records have a dead letter already, so that those that are read again after a
 * failure do not get a second one from the same task. Exact: what it does not know gets a letter.
 */
#ifndef FIELDTRAIL_LETTER_SET_H
#define FIELDTRAIL_LETTER_SET_H

#include <fieldtrail/record.h>

#define LETTER_SET_SLOTS 8192
#define LETTER_SET_LIMIT (LETTER_SET_SLOTS / 2) /* when it is full it forgets all */

struct letter_slot {
    struct position at;
    enum { SLOT_FREE, SLOT_ADDED, SLOT_DURABLE } state;
};

/* Zeroed: empty. */
struct letter_set {
    struct letter_slot *slot;
    size_t count;
    bool has_added;
};

bool letter_set_has(const struct letter_set *set, struct position at);

/* A letter was added. Where memory runs out it is not remembered. */
void letter_set_add(struct letter_set *set, struct position at);

/* The letters added are durable; or they are not, and must be added again. */
void letter_set_commit(struct letter_set *set);
void letter_set_roll_back(struct letter_set *set);

void letter_set_clear(struct letter_set *set);
void letter_set_release(struct letter_set *set);

#endif
