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

static bool can_resolve(const struct task *task, const struct fault *fault)
{
    return fault->kind == FAULT_RECORD && task->flush_refused && task->taken && task->taken_whole
           && task->taken_count > 0 && task->source->turn == SOURCE_STEADY;
}

static void move_reach(struct task *task, const struct taken *taken)
{
    const struct record *record = taken->record;
    task->reach[record->at.lane] = (struct reach){record->at.lane, record->at.mark + 1,
                                                  record->time_us, taken->held};
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
        if (taken->left_out && !sink_leave_out(task->sink, taken->record->at, fault))
            return false;
        task->dirty_rows += taken->row_count;
        move_reach(task, taken);
    }
    return task_try(task, fault);
}

/* One record alone is refused: it is left out, and the position moves past it. */
static bool leave_out(struct task *task, const struct taken *taken, struct fault *fault)
{
    const struct record *record = taken->record;
    if (!task_condemn(task, record, fault))
        return false;
    struct fault cause = *fault;
    if (!task_claim_again(task, fault) || !task_leave_out(task, record, &cause, fault))
        return false;
    move_reach(task, taken);
    return task_flush(task, fault);
}

/* Where the record stands that the target named; `end` where it named none of these. */
static size_t find_named(const struct task *task, size_t first, size_t end)
{
    struct position named = task->sink->blamed;
    for (size_t i = first; task->sink->blames && i < end; i++)
        if (task->taken[i].record->at.lane == named.lane
            && task->taken[i].record->at.mark == named.mark)
            return i;
    return end;
}

enum attempt { WRITTEN, REFUSED, FAILED };

static enum attempt attempt(struct task *task, size_t first, size_t end, struct fault *fault)
{
    if (write_again(task, first, end, fault))
        return WRITTEN;
    return fault->kind == FAULT_RECORD && task->flush_refused ? REFUSED : FAILED;
}

/* What is known: the records from `first` to before `end` were refused together, what stands before
   them is written, and of what stands behind nothing is known. */
struct suspects {
    size_t first, end;
    size_t named; /* by the target; `end` or beyond: none */
    bool proven;  /* there is one, and it was tried alone */
};

/* Up to the one that is named, that one alone, or half of them. */
static size_t choose_split(const struct suspects *suspects)
{
    if (suspects->named < suspects->end)
        return suspects->named > suspects->first ? suspects->named : suspects->first + 1;
    return suspects->first + (suspects->end - suspects->first + 1) / 2;
}

static void note_refusal(const struct task *task, struct suspects *suspects, size_t end)
{
    suspects->end = end;
    suspects->proven = end - suspects->first == 1;
    suspects->named = find_named(task, suspects->first, end);
}

/* Tries one part more; false where it failed otherwise, or a record may not be left out. */
static bool narrow(struct task *task, struct suspects *suspects, size_t count, struct fault *fault)
{
    if (suspects->proven) {
        if (!leave_out(task, &task->taken[suspects->first], fault))
            return false;
        *suspects = (struct suspects){suspects->end, suspects->end, suspects->end, false};
        return true;
    }
    bool rest = suspects->first == suspects->end;
    size_t split = rest ? count : choose_split(suspects);
    switch (attempt(task, suspects->first, split, fault)) {
    case WRITTEN:
        if (suspects->named < split)
            suspects->named = count; /* the hint was wrong */
        suspects->first = split;
        if (suspects->end < split)
            suspects->end = split;
        return true;
    case REFUSED:
        note_refusal(task, suspects, split);
        return true;
    case FAILED:
        break;
    }
    return false;
}

static bool resolve(struct task *task, size_t count, struct fault *fault)
{
    struct suspects suspects = {0, 0, 0, false};
    note_refusal(task, &suspects, count);
    while (suspects.first < count)
        if (!narrow(task, &suspects, count, fault))
            return false;
    return true;
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
    bool good = resolve(task, count, fault);
    task->resolving = false;
    task->taken_count = 0;
    task->flush_refused = false;
    if (good)
        task_search_end(task);
    return good;
}
