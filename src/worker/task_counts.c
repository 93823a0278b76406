/*
 * The numbers of tasks: names, sums and histograms.
 */
#include "task_counts.h"

const double flush_seconds_bound[HISTOGRAM_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,   0.25,   0.5,   1,    5,     30};
const double flush_rows_bound[HISTOGRAM_BOUNDS] = {0,    1,    10,    30,    100,    300,
                                                   1000, 3000, 10000, 30000, 100000, 1000000};

const char *letter_cause_name(enum letter_cause cause)
{
    static const char *const names[CAUSE_COUNT] = {"source", "decode", "encode", "target"};
    return names[cause];
}

const char *lag_leg_name(enum lag_leg leg)
{
    static const char *const names[LEG_COUNT] = {"database_connector", "connector_broker",
                                                 "broker_sink"};
    return names[leg];
}

void histogram_add(struct histogram *histogram, const double bound[HISTOGRAM_BOUNDS], double value)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && value > bound[i])
        i++;
    histogram->bucket[i]++;
    histogram->sum += value;
}

static void histogram_join(struct histogram *sum, const struct histogram *more)
{
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
        sum->bucket[i] += more->bucket[i];
    sum->sum += more->sum;
}

static void add_skipped(struct decoder_counts *sum, const struct decoder_counts *more)
{
    sum->tombstones += more->tombstones;
    sum->heartbeats += more->heartbeats;
    sum->transactions += more->transactions;
    sum->schema_changes += more->schema_changes;
    sum->notifications += more->notifications;
    sum->signals += more->signals;
}

void task_counts_init(struct task_counts *counts)
{
    *counts = (struct task_counts){0};
    for (size_t i = 0; i < LEG_COUNT; i++)
        counts->leg_us[i] = TIME_UNKNOWN;
}

void task_counts_add(struct task_counts *sum, const struct task_counts *more)
{
    for (size_t i = 0; i < CHANGE_OP_COUNT; i++)
        sum->changes[i] += more->changes[i];
    for (size_t i = 0; i < CAUSE_COUNT; i++)
        sum->letters[i] += more->letters[i];
    /* TIME_UNKNOWN is less than any time. */
    for (size_t i = 0; i < LEG_COUNT; i++)
        if (more->leg_us[i] > sum->leg_us[i])
            sum->leg_us[i] = more->leg_us[i];
    sum->unknown_old += more->unknown_old;
    sum->unavailable += more->unavailable;
    sum->altered += more->altered;
    sum->split += more->split;
    sum->rows += more->rows;
    sum->bytes += more->bytes;
    sum->retries += more->retries;
    sum->rebalances += more->rebalances;
    add_skipped(&sum->skipped, &more->skipped);
    histogram_join(&sum->flush_seconds, &more->flush_seconds);
    histogram_join(&sum->flush_rows, &more->flush_rows);
}
