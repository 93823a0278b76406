/*
 * latest: the last rows that a task took, kept as JSON for people to look at. A sample where many
 * come: what is kept costs a few microseconds a batch. Masks were applied before rows get here.
 */
#ifndef FIELDTRAIL_LATEST_H
#define FIELDTRAIL_LATEST_H

#include <fieldtrail/buf.h>
#include <fieldtrail/layout.h>

#define LATEST_ROWS 40
/* Of one row's JSON; longer values are cut. */
#define LATEST_ROW_BYTES 2000

struct latest_row {
    uint64_t number; /* from 1; 0: no row yet */
    size_t len;
    char text[LATEST_ROW_BYTES];
};

struct latest {
    struct latest_row *row; /* a ring; NULL: nothing is kept */
    uint64_t count;
    int64_t window_ms;
    size_t taken; /* in the present window */
};

/* Begins to keep rows; without memory none are. */
void latest_begin(struct latest *latest);
void latest_release(struct latest *latest);

/* Keeps the last rows of the batch, of a busy task only some. */
void latest_take(struct latest *latest, const struct batch *batch, const struct layout *layout,
                 int64_t now_ms);

/* Appends them, newest first, as JSON objects separated by commas: each has a member "n", the
   number of the row among those kept, and the columns of the layout. */
void latest_write(const struct latest *latest, struct buf *out);

#endif
