/*
 * Finding the record that the target refuses. The records of the failed flush are read again and
 * flushed by halves: one bad record among 50,000 costs some 16 tries more, and memory stays what it
 * was, for nothing is held. Where the target names a record, that one is tried alone first.
 */
#include "log.h"
#include "mem.h"
#include "stop.h"
#include "task_steps.h"

/* An error that nobody knows is taken for an outage so often before one record is suspected. */
#define PUZZLES_LIMIT 3
/* So often the record must fail alone while a neighbour would be taken. */
#define PROOFS_WANTED 3
/* Of the neighbours so many are asked, one a round. */
#define NEIGHBOURS_LIMIT 64
/* Bad records come in company: the flushes after one are small, and grow by this factor. */
#define GENTLE_FIRST 16
#define GENTLE_FACTOR 4
#define GENTLE_LIMIT 65536

static bool is_same(struct position a, struct position b)
{
    return a.lane == b.lane && a.mark == b.mark;
}

static bool is_accused(const struct search *search, const struct record *record)
{
    return search->on && search->accused_known && is_same(search->accused, record->at);
}

static bool is_suspect(const struct search *search, const struct record *record)
{
    return record->at.lane < search->lane_count && record->at.mark < search->until[record->at.lane];
}

const struct fault *task_look_up_condemned(const struct task *task, const struct record *record)
{
    const struct search *search = &task->search;
    uint64_t kept = search->condemned_count < CONDEMNED_LIMIT ? search->condemned_count
                                                              : CONDEMNED_LIMIT;
    for (uint64_t i = 0; i < kept; i++)
        if (is_same(search->condemned[i].at, record->at))
            return &search->condemned[i].cause;
    return NULL;
}

bool task_search_takes_again(struct task *task, const struct record *record)
{
    struct search *search = &task->search;
    /* What a batch still holds when the lanes were let go is read again. */
    if (!task->claimed || (!search->on && search->overshot))
        return false;
    bool takes = !search->on || is_suspect(search, record) != search->rehearsing;
    search->overshot = search->overshot || !takes;
    return takes;
}

bool task_search_accuses(const struct task *task, const struct record *record)
{
    return is_accused(&task->search, record);
}

bool task_search_cuts_after(const struct task *task, const struct record *record)
{
    const struct search *search = &task->search;
    const struct batch *batch = &task->batch;
    if (search->on && search->accused_known)
        return is_accused(search, record);
    if (search->on)
        return task->dirty_records >= search->step;
    /* What is flushed with its batch need not be read again where it is refused. */
    return search->gentle > 0
           && (task->dirty_records >= search->gentle
               || record == &batch->record[batch->record_count - 1]);
}

/* Nothing is suspected any more. */
static void end_search(struct search *search)
{
    search->on = false;
    search->rehearsing = false;
    search->accused_known = false;
    search->puzzles = 0;
    search->proofs = 0;
    search->skipped = 0;
}

void task_search_flushed(struct task *task)
{
    struct search *search = &task->search;
    if (search->gentle > 0)
        search->gentle *= GENTLE_FACTOR;
    if (search->gentle > GENTLE_LIMIT)
        search->gentle = 0;
    search->puzzles = search->on ? search->puzzles : 0;
    if (!search->on || task->resolving)
        return;
    uint64_t done = task->dirty_records;
    /* The target took it after all: the hint was wrong. */
    search->accused_known = search->accused_known && !is_same(search->accused, task->last_taken);
    search->left = search->left > done ? search->left - done : 0;
    search->step = (search->left + 1) / 2;
    if (search->left == 0)
        end_search(search);
}

static bool suspects_are_passed(const struct task *task)
{
    for (size_t i = 0; i < task->search.lane_count; i++)
        if (task->source->lane[i].assigned && task->source->lane[i].next < task->search.until[i])
            return false;
    return true;
}

void task_search_turn(struct task *task, bool idle_now)
{
    struct search *search = &task->search;
    /* No neighbour is there to ask: the record is tried alone again. */
    if (search->on && search->rehearsing && idle_now) {
        search->rehearsing = false;
        search->skipped = 0;
        task_let_go(task);
    }
    if (search->on && !task->dirty && !search->rehearsing && task->claimed
        && suspects_are_passed(task))
        end_search(search);
    if (!search->on && search->overshot && task->claimed)
        task_let_go(task);
}

void task_search_forget(struct task *task, size_t lane)
{
    if (lane < task->search.lane_count)
        task->search.until[lane] = 0;
    for (size_t i = 0; i < CONDEMNED_LIMIT; i++)
        if (task->search.condemned[i].at.lane == lane)
            task->search.condemned[i].at.mark = OFFSET_NONE;
}

void task_search_release(struct task *task)
{
    mem_free(task->search.until);
    task->search.until = NULL;
    task->search.lane_count = 0;
}

static bool grow(struct search *search, size_t count)
{
    if (count <= search->lane_count)
        return true;
    int64_t *until = mem_realloc(search->until, count * sizeof(*until));
    if (!until)
        return false;
    search->until = until;
    search->lane_count = count;
    return true;
}

/* The records of the flush that failed are the suspects now. */
static bool narrow(struct task *task)
{
    struct search *search = &task->search;
    if (!grow(search, task->lane_capacity))
        return false;
    for (size_t i = 0; i < search->lane_count; i++) {
        bool part = task->reach[i].next != OFFSET_NONE && task->reach[i].next != task->flushed[i];
        search->until[i] = part ? task->reach[i].next : 0;
    }
    if (!search->on) {
        search->first_count = task->dirty_records;
        search->tries = 0;
    }
    /* Where a hint has led nowhere, halves do. */
    bool misled = search->on && search->accused_known && task->dirty_records >= search->left;
    search->on = true;
    search->left = task->dirty_records;
    search->step = (search->left + 1) / 2;
    search->accused_known = task->sink->blames && search->left > 1 && !misled;
    search->accused = task->sink->blamed;
    return true;
}

/* The lanes are read again from where they were flushed. */
static bool start_over(struct task *task)
{
    struct fault ignored = {0};
    task_let_go(task);
    task->quick = true;
    if (!task->source->type->pause(task->source, true, &ignored))
        log_write(LOG_DEBUG, "%s", ignored.text);
    return true;
}

bool task_condemn(struct task *task, const struct record *record, struct fault *fault)
{
    struct search *search = &task->search;
    char text[PLACE_LIMIT];
    struct buf place = {.ptr = text, .capacity = sizeof(text), .limit = sizeof(text)};
    task->source->type->place(task->source, record, &place);
    fault->kind = FAULT_RECORD;
    log_write(LOG_INFO, "%.*s is the one refused of %llu: found by %llu tries",
              STR_ARG(buf_view(&place)), (unsigned long long)search->first_count,
              (unsigned long long)search->tries);
    if (task->settings.tolerance == TOLERANCE_NONE)
        return fault_in(fault,
                        "stopped at %.*s, which the target refuses (errors.tolerance=all "
                        "goes on without it)",
                        STR_ARG(buf_view(&place)));
    search->condemned[search->condemned_count++ % CONDEMNED_LIMIT] = (struct condemned){record->at,
                                                                                        *fault};
    search->gentle = GENTLE_FIRST;
    return true;
}

/* The one record that was flushed alone is refused; it is read again, and then left out. */
static bool condemn_last(struct task *task, struct fault *fault)
{
    const struct lane *lane = &task->source->lane[task->last_taken.lane];
    struct record record = {.at = task->last_taken,
                            .topic = lane->topic,
                            .partition = lane->partition,
                            .offset = task->last_taken.mark};
    if (!task->search.on) {
        task->search.first_count = 1;
        task->search.tries = 0;
    }
    end_search(&task->search);
    return task_condemn(task, &record, fault) && start_over(task);
}

void task_search_end(struct task *task)
{
    end_search(&task->search);
}

/* Whether this failure may be one record's doing. */
static bool is_suspicious(struct task *task, const struct fault *fault)
{
    if (!task->flush_refused || !task->source->type->rewinds || task->dirty_records < 1
        || stop_requested() || task->stop)
        return false;
    if (fault->kind == FAULT_RECORD)
        return true;
    return fault->kind == FAULT_RETRY && fault->code == SINK_UNKNOWN
           && (task->search.on || ++task->search.puzzles >= PUZZLES_LIMIT);
}

bool task_look_closer(struct task *task, struct fault *fault)
{
    struct search *search = &task->search;
    bool known = fault->kind == FAULT_RECORD, was_on = search->on;
    if (!is_suspicious(task, fault))
        return false;
    task->flush_refused = false;
    if (task->dirty_records == 1 && (known || search->proofs >= PROOFS_WANTED))
        return condemn_last(task, fault);
    if (task->dirty_records > 1)
        search->proofs = 0;
    if (!narrow(task))
        return fault_memory(fault, "partitions");
    if (!was_on)
        log_write(LOG_WARN, "%s; looking for the record among %llu", fault->text,
                  (unsigned long long)task->dirty_records);
    search->rehearsing = !known && task->dirty_records == 1 && task->sink->type->rehearse;
    search->passed = 0;
    /* What nobody knows is an outage, too: it is waited for. */
    return known && start_over(task);
}

bool task_rehearse(struct task *task, struct fault *fault)
{
    struct search *search = &task->search;
    bool good = task->sink->type->rehearse(task->sink, fault);
    search->rehearsing = false;
    search->proofs += good;
    if (good)
        return start_over(task);
    /* It may be as bad as the other: nothing is proven, and the next one is asked next. */
    search->skipped = search->skipped < NEIGHBOURS_LIMIT ? search->skipped + 1 : 0;
    if (fault->kind == FAULT_RECORD)
        fault->kind = FAULT_RETRY;
    return false;
}

bool task_passes_neighbour(struct task *task)
{
    return task->search.passed++ < task->search.skipped;
}
