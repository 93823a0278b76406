/*
 * task_counts: what a task has done, in plain numbers that are brought up to date once a batch and
 * once a flush, never for an event. They only grow while the task lives; what is shown of several
 * tasks is their sum.
 */
#ifndef FIELDTRAIL_TASK_COUNTS_H
#define FIELDTRAIL_TASK_COUNTS_H

#include <fieldtrail/change.h>
#include <fieldtrail/decoder.h>

/* Why a record was left out. */
enum letter_cause {
    CAUSE_SOURCE, /* the source could not take it whole */
    CAUSE_DECODE, /* no event, or one that lacks what the configuration needs of it */
    CAUSE_ENCODE, /* a value that the target's format cannot hold */
    CAUSE_TARGET  /* the target refused it */
};
#define CAUSE_COUNT 4

/* The way of a change in time: commit in the database, Debezium's read, the log, the target. */
enum lag_leg { LEG_DATABASE_CONNECTOR, LEG_CONNECTOR_BROKER, LEG_BROKER_SINK };
#define LEG_COUNT 3

/* Values up to each bound; the last bucket has those above all bounds. */
#define HISTOGRAM_BOUNDS 12
struct histogram {
    uint64_t bucket[HISTOGRAM_BOUNDS + 1];
    double sum;
};

extern const double flush_seconds_bound[HISTOGRAM_BOUNDS], flush_rows_bound[HISTOGRAM_BOUNDS];

struct task_counts {
    uint64_t changes[CHANGE_OP_COUNT]; /* read, also those read again after a failure */
    uint64_t unknown_old, unavailable, altered;
    struct decoder_counts skipped;
    uint64_t split;       /* transactions written in parts */
    uint64_t rows, bytes; /* flushed */
    uint64_t letters[CAUSE_COUNT];
    uint64_t retries, rebalances;
    struct histogram flush_seconds, flush_rows;
    int64_t leg_us[LEG_COUNT]; /* of the last change flushed; TIME_UNKNOWN: a time was not sent */
};

const char *letter_cause_name(enum letter_cause cause);
const char *lag_leg_name(enum lag_leg leg);

void histogram_add(struct histogram *histogram, const double bound[HISTOGRAM_BOUNDS], double value);

/* Adds all numbers of `more`; of a leg the longer one stays. */
void task_counts_add(struct task_counts *sum, const struct task_counts *more);

/* No change was flushed yet. */
void task_counts_init(struct task_counts *counts);

#endif
