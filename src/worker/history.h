/*
 * history: how one connector went during the last hour, a sample every few seconds: what the page
 * shows of the time before it was opened.
 */
#ifndef FIELDTRAIL_HISTORY_H
#define FIELDTRAIL_HISTORY_H

#include <fieldtrail/str.h>

#define HISTORY_INTERVAL_MS 5000
#define HISTORY_SAMPLES 720 /* an hour; 16 bytes each */

/* NAN: nobody looked, or there is no such number. */
struct sample {
    float events, rows; /* a second */
    float behind;       /* records that wait */
    float delay;        /* seconds from the commit in the database until a change was durable */
};

/* What a sample is made from: counters that only grow, and gauges. */
struct reading {
    uint64_t events, rows;
    int64_t behind;
    int64_t delay_us; /* TIME_UNKNOWN: not known */
};

struct history {
    struct sample *sample; /* a ring; NULL: no sample yet */
    size_t count;          /* at most HISTORY_SAMPLES */
    size_t next;           /* where the next one goes */
    int64_t period;        /* of the last sample, in intervals of the steady clock */
    int64_t last_ms;
    struct reading last;
};

void history_release(struct history *history);

/* Takes a sample where one is due. The first only begins; without memory there is none. */
void history_take(struct history *history, int64_t now_ms, const struct reading *reading);

/* The n-th sample, 0 the oldest. */
struct sample history_at(const struct history *history, size_t n);

#endif
