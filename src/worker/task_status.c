/*
 * What others may see of a task: the only thing that threads share with it.
 */
#include "clock.h"
#include "mem.h"
#include "task_steps.h"

const char *task_state_name(enum task_state state)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING", "RETRYING",
                                        "FAILED",     "STOPPED", "PAUSED"};
    return names[state];
}

void task_count_init(struct task *task)
{
    task_counts_init(&task->status.counts);
    for (size_t i = 0; i < LEG_COUNT; i++)
        task->newest_us[i] = TIME_UNKNOWN;
    if (task->layout)
        latest_begin(&task->latest);
}

void task_count_release(struct task *task)
{
    latest_release(&task->latest);
}

struct task_status task_get_status(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    struct task_status copy = task->status;
    pthread_mutex_unlock(&task->mutex);
    return copy;
}

bool task_get_lanes(struct task *task, struct arena *arena, struct task_lane **lane, size_t *count)
{
    pthread_mutex_lock(&task->mutex);
    *count = task->lane_status_count;
    *lane = ARENA_NEW(arena, struct task_lane, *count + 1);
    if (*lane && *count > 0)
        memcpy(*lane, task->lane_status, *count * sizeof(**lane));
    pthread_mutex_unlock(&task->mutex);
    return *lane != NULL;
}

void task_forget_topics(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    for (size_t i = 0; i < task->lane_status_count; i++)
        task->lane_status[i].active = false;
    pthread_mutex_unlock(&task->mutex);
}

/* Room for lanes that are new to the source; where memory runs out they are not shown. */
static void show_new_lanes(struct task *task)
{
    size_t count = task->source->lane_count;
    if (task->lane_status_count >= count)
        return;
    struct task_lane *grown = mem_realloc(task->lane_status, count * sizeof(*grown));
    if (!grown)
        return;
    task->lane_status = grown;
    for (size_t i = task->lane_status_count; i < count; i++) {
        const struct lane *lane = &task->source->lane[i];
        grown[i] = (struct task_lane){.partition = lane->partition};
        snprintf(grown[i].topic, sizeof(grown[i].topic), "%.*s", STR_ARG(lane->topic));
    }
    task->lane_status_count = count;
}

/* What the log has behind the position flushed, also while the sink has forgotten the rest and is
   not there; or behind the one read, where nothing waits to be flushed: that one moves past records
   that are none to us, too. */
static int64_t behind(const struct task *task, size_t i)
{
    const struct lane *lane = &task->source->lane[i];
    bool waits = (task->dirty || !task->claimed) && i < task->lane_capacity
                 && task->flushed[i] != OFFSET_NONE;
    int64_t from = waits ? task->flushed[i] : lane->next;
    return lane->high > from ? lane->high - from : 0;
}

static void show_lanes(struct task *task)
{
    show_new_lanes(task);
    task->status.behind = 0;
    for (size_t i = 0; i < task->lane_status_count; i++) {
        const struct lane *lane = &task->source->lane[i];
        struct task_lane *shown = &task->lane_status[i];
        shown->assigned = lane->assigned;
        shown->next = lane->next;
        shown->high = lane->high;
        shown->behind = lane->assigned ? behind(task, i) : 0;
        task->status.behind += shown->behind;
    }
}

static void note_active(struct task *task)
{
    for (size_t i = 0; i < task->batch.record_count; i++)
        if (task->batch.record[i].at.lane < task->lane_status_count)
            task->lane_status[task->batch.record[i].at.lane].active = true;
}

void task_write_latest(struct task *task, struct buf *out)
{
    pthread_mutex_lock(&task->mutex);
    latest_write(&task->latest, out);
    pthread_mutex_unlock(&task->mutex);
}

static void count_lanes(struct task *task)
{
    task->status.lag = 0;
    task->status.lanes = 0;
    for (size_t i = 0; i < task->source->lane_count; i++) {
        const struct lane *lane = &task->source->lane[i];
        task->status.lanes += lane->assigned;
        if (lane->assigned && lane->high > lane->next)
            task->status.lag += lane->high - lane->next;
    }
}

void task_set_state(struct task *task, enum task_state state, const char *trace)
{
    pthread_mutex_lock(&task->mutex);
    task->status.state = state;
    snprintf(task->status.trace, sizeof(task->status.trace), "%s", trace);
    pthread_mutex_unlock(&task->mutex);
}

/* A person must act, or it passes by itself. */
static enum task_state state_of(const struct fault *failure)
{
    if (failure->kind == FAULT_NONE)
        return TASK_RUNNING;
    return failure->kind == FAULT_CONFIG ? TASK_FAILED : TASK_RETRYING;
}

void task_failed(struct task *task, const struct fault *fault)
{
    task->failure = *fault;
    task_set_state(task, state_of(&task->failure), task->failure.text);
}

void task_succeeded(struct task *task)
{
    retry_succeeded(&task->retry);
    if (task->failure.kind == FAULT_NONE)
        return;
    task->failure = (struct fault){0};
    task_set_state(task, TASK_RUNNING, "");
}

/* What stands before the lanes is read again, or for the first time. */
void task_show_taken_up(struct task *task)
{
    task_set_state(task, state_of(&task->failure), task->failure.text);
    pthread_mutex_lock(&task->mutex);
    count_lanes(task);
    show_lanes(task);
    pthread_mutex_unlock(&task->mutex);
}

static void count_changes(struct task *task)
{
    struct task_counts *counts = &task->status.counts;
    const struct pivot_counts *changes = task->changes;
    counts->skipped = task->decoder->counts;
    counts->split = task->source->split;
    if (!changes)
        return;
    memcpy(counts->changes, changes->changes, sizeof(counts->changes));
    counts->unknown_old = changes->unknown_old;
    counts->unavailable = changes->unavailable;
    counts->altered = changes->altered;
}

static void note_newest(struct task *task)
{
    if (task->batch.row_count == 0)
        return;
    const struct change *change = task->batch.row[task->batch.row_count - 1].change;
    task->newest_us[0] = change->source_us;
    task->newest_us[1] = change->connector_us;
    task->newest_us[2] = change->record->time_us;
}

void task_count_batch(struct task *task)
{
    note_newest(task);
    pthread_mutex_lock(&task->mutex);
    task->status.records += task->batch.record_count;
    task->status.rows += task->batch.row_count;
    task->status.errors = task->errors;
    if (task->dirty && task->status.undurable_since_ms == 0)
        task->status.undurable_since_ms = task->dirty_since_ms;
    count_lanes(task);
    show_lanes(task);
    note_active(task);
    if (!task->dirty && task->status.behind == 0)
        task->status.undurable_since_ms = 0;
    count_changes(task);
    if (task->latest.row)
        latest_take(&task->latest, &task->batch, task->layout, task->last_record_ms);
    pthread_mutex_unlock(&task->mutex);
}

void task_count_letter(struct task *task, enum letter_cause cause)
{
    pthread_mutex_lock(&task->mutex);
    task->status.counts.letters[cause]++;
    pthread_mutex_unlock(&task->mutex);
}

/* An attempt to take the lanes up again has asked how far their logs go. */
void task_count_retry(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    task->status.counts.retries++;
    count_lanes(task);
    show_lanes(task);
    if (task->status.behind > 0 && task->status.undurable_since_ms == 0)
        task->status.undurable_since_ms = clock_steady_ms();
    pthread_mutex_unlock(&task->mutex);
}

void task_count_rebalance(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    task->status.counts.rebalances++;
    task->status.undurable_since_ms = 0;
    pthread_mutex_unlock(&task->mutex);
}

static void count_legs(struct task *task, int64_t now_us)
{
    for (size_t i = 0; i < LEG_COUNT; i++) {
        int64_t from = task->newest_us[i];
        int64_t to = i + 1 < LEG_COUNT ? task->newest_us[i + 1] : now_us;
        int64_t *leg = &task->status.counts.leg_us[i];
        if (from == TIME_UNKNOWN || to == TIME_UNKNOWN || __builtin_sub_overflow(to, from, leg))
            *leg = TIME_UNKNOWN;
    }
}

void task_count_flush(struct task *task, uint64_t rows, uint64_t bytes, int64_t began_us)
{
    int64_t now_us = clock_now_us();
    /* The time of day may have been set back meanwhile. */
    int64_t took_us = now_us > began_us ? now_us - began_us : 0;
    pthread_mutex_lock(&task->mutex);
    task->status.flushes++;
    task->status.last_flush_us = took_us;
    task->status.undurable_since_ms = 0;
    task->status.counts.rows += rows;
    task->status.counts.bytes += bytes;
    histogram_add(&task->status.counts.flush_seconds, flush_seconds_bound, (double)took_us / 1e6);
    histogram_add(&task->status.counts.flush_rows, flush_rows_bound, (double)rows);
    if (rows > 0)
        count_legs(task, now_us);
    pthread_mutex_unlock(&task->mutex);
}

void task_count_end(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    task->status.undurable_since_ms = 0;
    pthread_mutex_unlock(&task->mutex);
}
