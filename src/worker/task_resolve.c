/*
 * Records of the batch at hand that the target refuses: found without reading anything again. What
 * reaches back further than the batch is narrowed down by task_search.c.
 */
#include "log.h"
#include "task_steps.h"

void task_resolve_begin(struct task *task)
{
    struct search *search = &task->search;
    task->taken_count = 0;
    task->taken_whole = task->dirty_records == 0;
    task->taken = NULL;
    /* Where memory runs out, records are read again. */
    if ((search->on || search->gentle > 0) && task->source->type->rewinds)
        task->taken = ARENA_NEW(&task->batch.arena, struct taken, task->batch.record_count);
}

void task_resolve_note(struct task *task, const struct record *record, size_t row, size_t row_count)
{
    if (task->taken)
        task->taken[task->taken_count++] = (struct taken){record, row, row_count};
}

static bool can_resolve(const struct task *task, const struct fault *fault)
{
    return fault->kind == FAULT_RECORD && task->flush_refused && task->taken && task->taken_whole
           && task->taken_count > 0 && task->source->turn == SOURCE_STEADY;
}

static void move_reach(struct task *task, const struct record *record)
{
    task->reach[record->at.lane] = (struct reach){record->at.lane, record->at.mark + 1,
                                                  record->time_us, OFFSET_NONE};
}

/* Puts the records again, and flushes them. */
static bool write_again(struct task *task, size_t first, size_t end, struct fault *fault)
{
    if (!task_claim_again(task, fault))
        return false;
    for (size_t i = first; i < end; i++) {
        const struct taken *taken = &task->taken[i];
        if (taken->row_count > 0
            && !sink_put(task->sink, &task->batch, &task->batch.row[taken->row], taken->row_count,
                         fault))
            return false;
        move_reach(task, taken->record);
    }
    return task_try(task, fault);
}

/* One record alone is refused: it is left out, and the position moves past it. */
static bool leave_out(struct task *task, const struct record *record, struct fault *fault)
{
    if (!task_condemn(task, record, fault))
        return false;
    struct fault cause = *fault;
    if (!task_claim_again(task, fault) || !task_leave_out(task, record, &cause, fault))
        return false;
    move_reach(task, record);
    return task_try(task, fault);
}

/* The record that the target named, or half way. */
static size_t choose_split(const struct task *task, size_t first, size_t end)
{
    for (size_t i = first; task->sink->blames && i < end; i++) {
        struct position at = task->taken[i].record->at;
        if (at.lane == task->sink->blamed.lane && at.mark == task->sink->blamed.mark)
            return i == first ? first + 1 : i;
    }
    return first + (end - first) / 2;
}

static bool resolve(struct task *task, size_t first, size_t end, struct fault *fault);

static bool write_or_resolve(struct task *task, size_t first, size_t end, struct fault *fault)
{
    if (write_again(task, first, end, fault))
        return true;
    return fault->kind == FAULT_RECORD && task->flush_refused && resolve(task, first, end, fault);
}

/* The records were refused together. */
static bool resolve(struct task *task, size_t first, size_t end, struct fault *fault)
{
    if (end - first == 1)
        return leave_out(task, task->taken[first].record, fault);
    size_t split = choose_split(task, first, end);
    return write_or_resolve(task, first, split, fault) && write_or_resolve(task, split, end, fault);
}

bool task_flush_or_resolve(struct task *task, struct fault *fault)
{
    if (task_flush(task, fault))
        return true;
    if (!can_resolve(task, fault))
        return false;
    size_t count = task->taken_count;
    if (!task->search.on) {
        task->search.first_count = count;
        task->search.tries = 0;
    }
    task->resolving = true;
    bool good = resolve(task, 0, count, fault);
    task->resolving = false;
    task->taken_count = 0;
    task->flush_refused = false;
    if (good)
        task_search_end(task);
    return good;
}
