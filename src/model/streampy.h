/*
 * streampy: the rows of the tutorial's stream.py, for those who compare.
 */
#ifndef FIELDTRAIL_STREAMPY_H
#define FIELDTRAIL_STREAMPY_H

#include <fieldtrail/batch.h>

struct streampy_counts {
    uint64_t rows;
    uint64_t died; /* events at which stream.py stops with an exception */
};

/* Appends the rows stream.py prints for the change: holding_stock and holding_quantity, changed or
   not, of creates, updates and deletes that came wrapped. Events it dies on are counted. */
bool streampy_rows(struct streampy_counts *counts, const struct change *change, struct batch *batch,
                   struct fault *fault) MUST_CHECK;

#endif
