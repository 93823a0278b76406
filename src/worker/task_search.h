/*
 * task_search: what a task knows of records that the target refuses. Internal to the task.
 */
#ifndef FIELDTRAIL_TASK_SEARCH_H
#define FIELDTRAIL_TASK_SEARCH_H

#include <fieldtrail/record.h>

#include <fieldtrail/fault.h>

/* Records known to be refused; of more than these the oldest are looked for again. */
#define CONDEMNED_LIMIT 64

/* A record of the batch, with its rows. */
struct taken {
    const struct record *record;
    size_t row, row_count;
    int64_t held; /* reach.held behind it */
    bool left_out;
};

struct condemned {
    struct position at;
    struct fault cause;
};

/* The suspects are the records of a flush that failed: of each lane those from the position flushed
   up to `until`. They are read again and flushed by halves; the half that fails holds the new
   suspects, until one is left. */
struct search {
    bool on;
    int64_t *until; /* of each lane; 0 where none of it is suspected */
    size_t lane_count;
    uint64_t left; /* suspects that are not flushed yet */
    uint64_t step; /* so many are tried in one flush */
    uint64_t first_count, tries;
    bool accused_known; /* the target named a record: it is tried alone */
    struct position accused;
    bool overshot; /* records behind the suspects were left aside: they are read again */
    /* Of errors that nobody knows: */
    unsigned puzzles;         /* flushes in turn that failed so */
    bool rehearsing;          /* the next round asks whether a neighbour would be taken */
    uint64_t passed, skipped; /* neighbours seen in this round; and passed over, bad as well */
    unsigned proofs;          /* so often the record failed alone and a neighbour would not */
    uint64_t gentle;          /* after a refused record flushes are small at first; 0: no limit */
    struct condemned condemned[CONDEMNED_LIMIT];
    uint64_t condemned_count;
};

#endif
