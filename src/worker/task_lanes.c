/*
 * Lanes: claiming those that come in, giving up those that go, and reading from where the sink
 * stands.
 */
#include "clock.h"
#include "log.h"
#include "task_steps.h"

static bool is_ours(const struct lane *lane)
{
    return lane->assigned || lane->incoming;
}

/* A lane that is ours already goes on where it was flushed, whatever the sink knows not. */
static void keep_flushed(struct task *task)
{
    for (size_t i = 0; i < task->lane_capacity; i++) {
        struct lane *lane = &task->source->lane[i];
        if (lane->assigned && task->flushed[i] != OFFSET_NONE
            && task->memory[i].next == OFFSET_NONE) {
            lane->next = task->flushed[i];
            lane->held = task->flushed_held[i];
        }
    }
}

static void log_start(const struct task *task)
{
    for (size_t i = 0; i < task->lane_capacity; i++) {
        const struct lane *lane = &task->source->lane[i];
        if (is_ours(lane))
            log_write(LOG_INFO, "%.*s[%d]: reading from offset %lld, %lld waiting",
                      STR_ARG(lane->topic), lane->partition, (long long)lane->next,
                      (long long)(lane->high > lane->next ? lane->high - lane->next : 0));
    }
}

static bool resolve_lanes(struct task *task, struct fault *fault)
{
    struct source *source = task->source;
    for (size_t i = 0; i < source->lane_count; i++)
        source->lane[i].incoming = source->lane[i].incoming || source->lane[i].assigned;
    /* A broker answers late while it waits for something to send: nothing is asked twice. */
    if ((!task->quick && !source->type->describe(source, fault)) || !task_grow_lanes(task, fault))
        return false;
    task->sink->origin = source->identity;
    if (!task->sink->type->recall(task->sink, source->lane, task->memory, source->lane_count, fault)
        || !start_resolve(source->lane, task->memory, source->lane_count, task->sink->type,
                          (enum start_reset)task->settings.reset, fault))
        return false;
    keep_flushed(task);
    return true;
}

/* A sink that remembers nothing begins where the group says. Where the group said nothing yet, the
   start that was resolved is its word from now on: resolved anew after a crash it might be another
   one. */
static bool commit_start(struct task *task, struct fault *fault)
{
    size_t count = 0;
    const struct source *source = task->source;
    const struct lane *awaited = NULL;
    struct reach *list = ARENA_NEW(&task->batch.arena, struct reach, task->lane_capacity);
    if (!list)
        return fault_memory(fault, "positions");
    for (size_t i = 0; i < source->lane_count; i++) {
        const struct lane *lane = &source->lane[i];
        enum start_word word = start_word(source->lane, source->lane_count, i,
                                          (enum start_reset)task->settings.reset);
        if (word == START_TOLD)
            list[count++] = (struct reach){(uint32_t)i, lane->next, TIME_UNKNOWN, OFFSET_NONE};
        else if (word == START_AWAITED)
            awaited = lane;
    }
    if (count > 0 && !source_commit(task->source, list, count, true, fault)) {
        fault->kind = FAULT_RETRY; /* a refusal is told by the next poll, too */
        return false;
    }
    /* Told once. */
    for (size_t i = 0; i < count; i++)
        task->source->lane[list[i].lane].committed = list[i].next;
    return !awaited
           || fault_set(fault, FAULT_RETRY,
                        "%.*s[%d] begins where the reader of %.*s[0] says, which has not said it",
                        STR_ARG(awaited->topic), awaited->partition, STR_ARG(awaited->topic));
}

/* What was put and not flushed is done again by whoever reads next. */
void task_let_go(struct task *task)
{
    for (size_t i = 0; i < task->lane_capacity; i++)
        task->reach[i].next = OFFSET_NONE;
    task->doubted = task->doubted || task->claimed;
    task->claimed = false;
    task->dirty = false;
    task->dirty_rows = 0;
}

static bool has_lanes(const struct task *task)
{
    for (size_t i = 0; i < task->source->lane_count; i++)
        if (is_ours(&task->source->lane[i]))
            return true;
    return false;
}

static bool give_back(struct task *task, struct fault *fault)
{
    task_let_go(task);
    for (size_t i = 0; i < task->lane_capacity; i++) {
        if (task->source->lane[i].assigned && !task->source->lane[i].outgoing)
            continue;
        task->flushed[i] = OFFSET_NONE;
        task_search_forget(task, i);
    }
    letter_set_clear(&task->lettered);
    sink_release(task->sink, task->source->lane, task->source->lane_count);
    return task->source->type->unassign(task->source, fault);
}

/* Asks the group whether the lanes are ours: it takes a commit from members of its present
   generation alone. Where it refuses or does not answer nothing may be claimed, for a worker that
   the group has forgotten would else fence the rightful owner again and again. The lanes are given
   up when the source says so, which follows a refusal. */
static bool ask_group(struct task *task, struct fault *fault)
{
    task->doubted = !task_commit(task, true, fault);
    return !task->doubted
           || fault_in(fault, "the group does not say that the partitions are still ours");
}

/* Nothing more is to be taken up: the lanes are gone, or asked back. */
static bool is_over(const struct task *task)
{
    return !has_lanes(task) || task->source->turn == SOURCE_REVOKED
           || task->source->turn == SOURCE_LOST;
}

/* Takes over what the claim said. */
static void stand_at(struct task *task)
{
    for (size_t i = 0; i < task->source->lane_count; i++) {
        struct lane *lane = &task->source->lane[i];
        if (task->memory[i].next != OFFSET_NONE) {
            lane->next = task->memory[i].next;
            lane->last_us = task->memory[i].last_us;
            lane->held = task->memory[i].held;
        }
        int64_t next = is_ours(lane) ? lane->next : OFFSET_NONE;
        task->reach[i] = (struct reach){(uint32_t)i, next, TIME_UNKNOWN, lane->held};
        task->flushed[i] = next;
        task->flushed_held[i] = lane->held;
    }
}

/* Claims all lanes that are ours, coming in or held, and reads them from where the sink stands. The
   group is asked behind the claim too: whoever was stopped in the middle of it and claimed late
   fences the rightful owner once, and writes nothing. */
static bool take_up(struct task *task, struct fault *fault)
{
    struct source *source = task->source;
    if (task->doubted && !ask_group(task, fault))
        return false;
    if (is_over(task))
        return true;
    if (!resolve_lanes(task, fault)
        || !task->sink->type->claim(task->sink, source->lane, task->memory, source->lane_count,
                                    fault))
        return false;
    stand_at(task);
    if (task->sink->type->remembers ? !ask_group(task, fault) : !commit_start(task, fault))
        return false;
    if (is_over(task))
        return true;
    log_start(task);
    /* Lanes are read anew, from where a half waits (lane.held). */
    if (task->halves)
        halves_clear(task->halves);
    if (!source->type->assign(source, fault) || !source->type->pause(source, false, fault))
        return false;
    task->claimed = task->sink_ready = true;
    task->quick = false;
    task->search.overshot = false;
    task->dirty = false;
    task->dirty_rows = 0;
    task->dirty_records = 0;
    task_show_taken_up(task);
    return true;
}

bool task_claim_again(struct task *task, struct fault *fault)
{
    struct source *source = task->source;
    struct sink *sink = task->sink;
    if (task->sink_ready)
        return true;
    if (source->turn != SOURCE_STEADY)
        return fault_set(fault, FAULT_RETRY, "partitions are asked back");
    if (!sink->type->recall(sink, source->lane, task->memory, source->lane_count, fault)
        || !sink->type->claim(sink, source->lane, task->memory, source->lane_count, fault)
        || (sink->type->remembers && !ask_group(task, fault)))
        return false;
    for (size_t i = 0; i < task->lane_capacity; i++) {
        if (!source->lane[i].assigned || task->reach[i].next == OFFSET_NONE)
            continue;
        if (task->memory[i].next != OFFSET_NONE && task->memory[i].next != task->flushed[i])
            return fault_set(fault, FAULT_RETRY, "%.*s[%d] was moved on by another owner",
                             STR_ARG(source->lane[i].topic), source->lane[i].partition);
        task->reach[i] = (struct reach){(uint32_t)i, task->flushed[i], TIME_UNKNOWN,
                                        task->flushed_held[i]};
    }
    task->dirty_rows = 0;
    task->sink_ready = true;
    return true;
}

/* Lanes are asked back: what is taken is flushed within the time there is, else dropped. */
static bool give_up_lanes(struct task *task, struct fault *fault)
{
    struct fault late = {0};
    if (task->source->turn == SOURCE_REVOKED && task->claimed) {
        task->give_up_ms = clock_steady_ms() + task->settings.revoke_flush_ms;
        if (!task_flush(task, &late) || !task_commit(task, true, &late))
            log_write(LOG_WARN, "partitions were given up without a last flush: %s", late.text);
    }
    task->give_up_ms = 0;
    task_count_rebalance(task);
    return give_back(task, fault);
}

/* Acts on what a rebalance has noted. */
bool task_take_turn(struct task *task, struct fault *fault)
{
    task->quick = task->quick && task->source->turn == SOURCE_STEADY;
    switch (task->source->turn) {
    case SOURCE_STEADY:
        break;
    case SOURCE_REVOKED:
    case SOURCE_LOST:
        if (!give_up_lanes(task, fault))
            return false;
        break;
    case SOURCE_ASSIGNED:
        task->claimed = false;
        break;
    }
    if (task->claimed || !task->source->type->rewinds)
        return true;
    if (has_lanes(task))
        return take_up(task, fault);
    task_set_state(task, TASK_UNASSIGNED, "");
    return task->source->turn != SOURCE_ASSIGNED || task->source->type->assign(task->source, fault);
}

/* The lanes stay ours in the group, but not at the sink: going on claims them anew, as after a
   failure. */
bool task_rest(struct task *task, struct fault *fault)
{
    enum source_turn turn = task->source->turn;
    if (turn == SOURCE_REVOKED || turn == SOURCE_LOST)
        return give_up_lanes(task, fault);
    if (task->claimed && turn == SOURCE_STEADY
        && (!task_flush_or_resolve(task, fault) || !task_commit(task, true, fault)))
        return false;
    task_let_go(task);
    if (!task->source->type->pause(task->source, true, fault))
        return false;
    task_set_state(task, TASK_PAUSED, "");
    return true;
}
