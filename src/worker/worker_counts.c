/*
 * What a worker's connectors have done, and the samples that are taken of it. Numbers of a
 * connector go on where its tasks begin anew, and where its configuration is changed.
 */
#include <math.h>

#include "clock.h"
#include "worker_entry.h"

/* Gauges end with the task, counters go on. */
void entry_count_out(struct entry *entry, struct connector_task *task)
{
    struct task_status status = task_get_status(&task->task);
    task_counts_add(&entry->gone, &status.counts);
    for (size_t i = 0; i < LEG_COUNT; i++)
        entry->gone.leg_us[i] = TIME_UNKNOWN;
}

void entry_bequeath(struct worker *worker, const struct entry *entry)
{
    struct entry *heir = worker_find(worker, entry->name);
    if (heir && heir != entry)
        task_counts_add(&heir->gone, &entry->gone);
}

static void add_entry(const struct entry *entry, struct worker_sum *sum)
{
    const struct connector *connector = entry->connector;
    task_counts_add(&sum->counts, &entry->gone);
    for (int64_t i = 0; connector && i < connector->tasks_max; i++) {
        if (!connector->task[i])
            continue;
        struct task_status status = task_get_status(&connector->task[i]->task);
        task_counts_add(&sum->counts, &status.counts);
        sum->behind += status.behind;
    }
}

/* One that was changed has the numbers of those before it, which are on their way out. */
void entry_sum(const struct worker *worker, const struct entry *entry, struct worker_sum *sum)
{
    *sum = (struct worker_sum){0};
    task_counts_init(&sum->counts);
    sum->sample = entry->history.count > 0 ? history_at(&entry->history, entry->history.count - 1)
                                           : (struct sample){NAN, NAN, NAN, NAN};
    for (size_t i = 0; i < worker->count; i++)
        if (worker->entry[i] == entry || str_eq(worker->entry[i]->name, entry->name))
            add_entry(worker->entry[i], sum);
}

/* From the commit in the database until a change was durable, as far as its legs are known. */
static int64_t delay_of(const struct task_counts *counts)
{
    int64_t delay_us = TIME_UNKNOWN;
    for (size_t i = 0; i < LEG_COUNT; i++) {
        if (counts->leg_us[i] == TIME_UNKNOWN)
            continue;
        delay_us = (delay_us == TIME_UNKNOWN ? 0 : delay_us) + counts->leg_us[i];
    }
    return delay_us;
}

static uint64_t events_of(const struct task_counts *counts)
{
    uint64_t events = 0;
    for (size_t i = 0; i < CHANGE_OP_COUNT; i++)
        events += counts->changes[i];
    return events;
}

void worker_take_samples(struct worker *worker, int64_t now_ms)
{
    if (now_ms / HISTORY_INTERVAL_MS == worker->sampled)
        return;
    worker->sampled = now_ms / HISTORY_INTERVAL_MS;
    pthread_mutex_lock(&worker->mutex);
    for (size_t i = 0; i < worker->count; i++) {
        struct entry *entry = worker->entry[i];
        struct worker_sum sum;
        if (entry->removed)
            continue;
        entry_sum(worker, entry, &sum);
        struct reading reading = {events_of(&sum.counts), sum.counts.rows, sum.behind,
                                  delay_of(&sum.counts)};
        history_take(&entry->history, now_ms, &reading);
    }
    pthread_mutex_unlock(&worker->mutex);
}

static bool copy_samples(const struct history *history, struct arena *arena,
                         struct worker_samples *out)
{
    out->age_ms = history->count > 0 ? clock_steady_ms() - history->last_ms : 0;
    out->sample = ARENA_NEW(arena, struct sample, history->count + 1);
    for (size_t i = 0; out->sample && i < history->count; i++)
        out->sample[out->count++] = history_at(history, i);
    return out->sample != NULL;
}

bool worker_get_samples(struct worker *worker, str name, struct arena *arena,
                        struct worker_samples *out)
{
    *out = (struct worker_samples){0};
    pthread_mutex_lock(&worker->mutex);
    const struct entry *entry = worker_find(worker, name);
    bool good = entry && copy_samples(&entry->history, arena, out);
    pthread_mutex_unlock(&worker->mutex);
    return good;
}

void worker_write_latest(struct worker *worker, str name, struct buf *out)
{
    pthread_mutex_lock(&worker->mutex);
    const struct entry *entry = worker_find(worker, name);
    const struct connector *connector = entry ? entry->connector : NULL;
    bool first = true;
    for (int64_t i = 0; connector && i < connector->tasks_max; i++) {
        if (!connector->task[i])
            continue;
        buf_format(out, "%s{\"task\":%lld,\"rows\":[", first ? "" : ",", (long long)i);
        task_write_latest(&connector->task[i]->task, out);
        buf_str(out, STR("]}"));
        first = false;
    }
    pthread_mutex_unlock(&worker->mutex);
}
