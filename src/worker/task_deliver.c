/*
 * Delivery: flushing the sink with the positions it reaches, then committing what is flushed.
 */
#include "clock.h"
#include "mem.h"
#include "task_steps.h"

bool task_grow_lanes(struct task *task, struct fault *fault)
{
    size_t count = task->source->lane_count;
    if (count <= task->lane_capacity)
        return true;
    struct reach *reach = mem_realloc(task->reach, count * sizeof(*reach));
    if (reach)
        task->reach = reach;
    int64_t *flushed = reach ? mem_realloc(task->flushed, count * sizeof(*flushed)) : NULL;
    if (flushed)
        task->flushed = flushed;
    int64_t *held = flushed ? mem_realloc(task->flushed_held, count * sizeof(*held)) : NULL;
    if (held)
        task->flushed_held = held;
    struct memory *memory = held ? mem_realloc(task->memory, count * sizeof(*memory)) : NULL;
    if (!memory)
        return fault_memory(fault, "partitions");
    task->memory = memory;
    for (size_t i = task->lane_capacity; i < count; i++) {
        task->reach[i] = (struct reach){(uint32_t)i, OFFSET_NONE, TIME_UNKNOWN, OFFSET_NONE};
        task->flushed[i] = task->flushed_held[i] = OFFSET_NONE;
    }
    task->lane_capacity = count;
    return true;
}

/* Positions may have moved past records that are no records to us (control records). */
void task_follow_source(struct task *task)
{
    for (size_t i = 0; i < task->lane_capacity; i++) {
        const struct lane *lane = &task->source->lane[i];
        if (lane->assigned && task->reach[i].next != OFFSET_NONE
            && lane->next > task->reach[i].next)
            task->reach[i].next = lane->next;
    }
}

/* The lanes of `task` whose position is not the one in `flushed`, or all that are ours. */
static size_t collect_reach(const struct task *task, struct reach *out, bool moved_only)
{
    size_t count = 0;
    for (size_t i = 0; i < task->lane_capacity; i++) {
        bool ours = task->reach[i].next != OFFSET_NONE;
        if (ours && (!moved_only || task->reach[i].next != task->flushed[i]))
            out[count++] = task->reach[i];
    }
    return count;
}

static struct reach *reach_list(struct task *task, bool moved_only, size_t *count,
                                struct fault *fault)
{
    struct reach *list = ARENA_NEW(&task->batch.arena, struct reach, task->lane_capacity);
    if (list)
        *count = collect_reach(task, list, moved_only);
    else
        fault_memory(fault, "positions");
    return list;
}

/* Dead letters are durable before the sink moves past them. */
static bool flush_letters(struct task *task, struct fault *fault)
{
    if (!task->letters)
        return true;
    if (dead_letters_flush(task->letters, fault)) {
        letter_set_commit(&task->lettered);
        return true;
    }
    letter_set_roll_back(&task->lettered);
    return false;
}

static bool flush_sink(struct task *task, const struct reach *list, size_t count,
                       struct fault *fault)
{
    task->sink->blames = false;
    task->sink_ready = false;
    task->flush_refused = !sink_flush(task->sink, task->source->lane, list, count, fault);
    task->sink_ready = !task->flush_refused;
    return !task->flush_refused;
}

static void note_flushed(struct task *task, const struct reach *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        task->flushed[list[i].lane] = list[i].next;
        task->flushed_held[list[i].lane] = list[i].held;
    }
    task_search_flushed(task);
    task->dirty = false;
    task->dirty_rows = 0;
    task->dirty_records = 0;
    if (!task->resolving)
        task->taken_count = 0;
    task->taken_whole = true;
    task->commit_due = task->commit_due || count > 0;
}

static void count_try(struct task *task)
{
    task->search.tries++;
    pthread_mutex_lock(&task->mutex);
    task->status.tries++;
    pthread_mutex_unlock(&task->mutex);
}

bool task_try(struct task *task, struct fault *fault)
{
    count_try(task);
    return task_flush(task, fault);
}

bool task_flush(struct task *task, struct fault *fault)
{
    size_t count;
    int64_t began_us = clock_now_us();
    task->flush_refused = false;
    if (task->search.on && !task->resolving)
        count_try(task);
    uint64_t rows = task->dirty_rows, bytes = task->sink->pending_bytes;
    struct reach *list = reach_list(task, true, &count, fault);
    if (!list || !flush_letters(task, fault) || !flush_sink(task, list, count, fault))
        return false;
    note_flushed(task, list, count);
    task_succeeded(task);
    task_count_flush(task, rows, bytes, began_us);
    return true;
}

static bool is_ours(const struct lane *lane)
{
    return lane->assigned || lane->incoming;
}

/* The source's own memory follows the sink: only what is flushed is committed. */
bool task_commit(struct task *task, bool wait, struct fault *fault)
{
    /* They were lost while the sink was waited for: they are somebody else's to commit. */
    if (task->source->turn == SOURCE_LOST)
        return true;
    size_t count = 0;
    struct reach *list = ARENA_NEW(&task->batch.arena, struct reach, task->lane_capacity);
    if (!list)
        return fault_memory(fault, "positions");
    for (size_t i = 0; i < task->lane_capacity; i++)
        if (is_ours(&task->source->lane[i]) && task->flushed[i] != OFFSET_NONE)
            list[count++] = (struct reach){(uint32_t)i, task->flushed[i], TIME_UNKNOWN,
                                           task->flushed_held[i]};
    task->commit_due = false;
    task->last_commit_ms = clock_steady_ms();
    bool good = source_commit(task->source, list, count, wait, fault);
    /* Nothing new may come that would be committed later. */
    task->commit_due = !good && fault->kind == FAULT_RETRY;
    return good;
}
