/*
 * blame: which record a line of a target came from, for targets whose errors name the line. It is a
 * hint: where memory runs out there is none, and the task finds the record by halves.
 */
#ifndef FIELDTRAIL_BLAME_H
#define FIELDTRAIL_BLAME_H

#include <fieldtrail/record.h>

struct blame_entry {
    struct position at;
    uint64_t last_line; /* of this record, from 1 */
};

/* Zeroed: empty. */
struct blame {
    struct blame_entry *entry;
    size_t count, capacity;
    bool lost; /* some record is not in it */
};

/* The next `lines` lines are of the record at this place. */
void blame_add(struct blame *blame, struct position at, size_t lines);

/* The record of a line, from 1. False where that is not known. */
bool blame_find(const struct blame *blame, int64_t line, struct position *at);

void blame_clear(struct blame *blame);
void blame_release(struct blame *blame);

#endif
