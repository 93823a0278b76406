/*
 * A ring of samples, one for every period of the clock.
 */
#include "history.h"

#include <math.h>

#include <fieldtrail/record.h>

#include "mem.h"

void history_release(struct history *history)
{
    mem_free(history->sample);
    *history = (struct history){0};
}

struct sample history_at(const struct history *history, size_t n)
{
    return history
        ->sample[(history->next + HISTORY_SAMPLES - history->count + n) % HISTORY_SAMPLES];
}

static void push(struct history *history, struct sample sample)
{
    history->sample[history->next] = sample;
    history->next = (history->next + 1) % HISTORY_SAMPLES;
    if (history->count < HISTORY_SAMPLES)
        history->count++;
}

/* Periods that nobody looked at. */
static void push_gap(struct history *history, int64_t periods)
{
    for (int64_t i = 0; i < periods && i < HISTORY_SAMPLES; i++)
        push(history, (struct sample){NAN, NAN, NAN, NAN});
}

/* A counter that fell was another one's: it began at 0. */
static float rate(uint64_t before, uint64_t now, double seconds)
{
    return (float)((double)(now < before ? now : now - before) / seconds);
}

void history_take(struct history *history, int64_t now_ms, const struct reading *reading)
{
    int64_t period = now_ms / HISTORY_INTERVAL_MS;
    if (history->sample && period == history->period)
        return;
    if (!history->sample) {
        history->sample = mem_alloc(HISTORY_SAMPLES * sizeof(*history->sample));
        if (!history->sample)
            return;
    } else {
        double seconds = (double)(now_ms - history->last_ms) / 1000;
        bool delayed = reading->delay_us != TIME_UNKNOWN && reading->rows != history->last.rows;
        push_gap(history, period - history->period - 1);
        push(history, (struct sample){rate(history->last.events, reading->events, seconds),
                                      rate(history->last.rows, reading->rows, seconds),
                                      (float)reading->behind,
                                      delayed ? (float)((double)reading->delay_us / 1e6) : NAN});
    }
    history->period = period;
    history->last_ms = now_ms;
    history->last = *reading;
}
