/*
 * task_steps: the parts of the task's loop, in files of their own. Internal to the task.
 */
#ifndef FIELDTRAIL_TASK_STEPS_H
#define FIELDTRAIL_TASK_STEPS_H

#include "task.h"

/* Bytes of the text that says where a record stands. */
#define PLACE_LIMIT 500

/* Waits for the sink's target while the source is kept alive (sink.idle). */
bool task_idle(void *context, int fd, short events, int timeout_ms);

/* task_status.c: what others may see. */
void task_set_state(struct task *task, enum task_state state, const char *trace);
/* The loop tries again after this fault, which is shown until something has succeeded: taking the
   lanes up does not say that. */
void task_failed(struct task *task, const struct fault *fault);
void task_succeeded(struct task *task);
void task_show_taken_up(struct task *task);
void task_count_init(struct task *task);
void task_count_release(struct task *task);
void task_count_batch(struct task *task);
void task_count_letter(struct task *task, enum letter_cause cause);
void task_count_retry(struct task *task);
/* Lanes were given up: what waits of them is somebody else's. */
void task_count_rebalance(struct task *task);
/* A flush of so many rows and bytes succeeded. */
void task_count_flush(struct task *task, uint64_t rows, uint64_t bytes, int64_t began_us);
/* The source is about to go: nothing waits any more. */
void task_count_end(struct task *task);

/* task_deliver.c: makes all that was put durable, dead letters first, with the positions it
   reaches; and tells the source's own memory what is durable (`wait`: for its answer). */
bool task_flush(struct task *task, struct fault *fault) MUST_CHECK;
bool task_commit(struct task *task, bool wait, struct fault *fault);

/* Room for all lanes that the source has by now. */
bool task_grow_lanes(struct task *task, struct fault *fault) MUST_CHECK;

/* Positions move past records that are no records to us (control records). */
void task_follow_source(struct task *task);

/* task_lanes.c: acts on what a rebalance has noted, and claims lanes that are not claimed. */
bool task_take_turn(struct task *task, struct fault *fault) MUST_CHECK;

/* The same while the task is paused: what is taken is flushed, lanes that come in are answered for
   and not claimed, and nothing is fetched. task_take_turn goes on from there. */
bool task_rest(struct task *task, struct fault *fault) MUST_CHECK;

/* Decides about a record that can never be processed: true where it is left out and kept. */
bool task_leave_out(struct task *task, const struct record *record, const struct fault *cause,
                    struct fault *fault) MUST_CHECK;

/* A flush that is made to find a record: it is counted. */
bool task_try(struct task *task, struct fault *fault) MUST_CHECK;

/* task_resolve.c: flushes; where the target refuses a record of the batch at hand, that one is left
   out and all others are written, without reading them again. */
bool task_flush_or_resolve(struct task *task, struct fault *fault) MUST_CHECK;

/* A batch begins; a record of it was taken, with its rows in the batch. */
void task_resolve_begin(struct task *task);
static inline void task_resolve_note(struct task *task, const struct record *record, size_t row,
                                     size_t row_count, bool left_out)
{
    if (task->taken)
        task->taken[task->taken_count++] =
            (struct taken){record, row, row_count, task->reach[record->at.lane].held, left_out};
}

/* task_lanes.c: makes the sink ready for rows after it failed; the lanes stand where they were
   flushed. Nothing is done where it is ready. */
bool task_claim_again(struct task *task, struct fault *fault) MUST_CHECK;

/* task_search.c: finds the one record that the target refuses. */

/* The target failed in a flush: where that may be one record's doing it is looked for. True: the
   loop goes on at once. False: the fault stands, and names the record where it is found. */
bool task_look_closer(struct task *task, struct fault *fault) MUST_CHECK;

/* One record alone was refused. False where it may not be left out: the fault names it. */
bool task_condemn(struct task *task, const struct record *record, struct fault *fault) MUST_CHECK;

/* Nothing is suspected any more. */
void task_search_end(struct task *task);

/* Why the record is left out, or NULL. */
const struct fault *task_look_up_condemned(const struct task *task, const struct record *record);

static inline const struct fault *task_find_condemned(const struct task *task,
                                                      const struct record *record)
{
    return task->search.condemned_count == 0 ? NULL : task_look_up_condemned(task, record);
}

/* Whether the record is to be taken now; otherwise it is read again, where the source can. */
bool task_search_takes_again(struct task *task, const struct record *record);

static inline bool task_search_takes(struct task *task, const struct record *record)
{
    return !task->source->type->rewinds || task_search_takes_again(task, record);
}

/* Whether what was taken is to be flushed before or after this record. */
bool task_search_accuses(const struct task *task, const struct record *record);
bool task_search_cuts_after(const struct task *task, const struct record *record);

static inline bool task_search_splits_before(const struct task *task, const struct record *record)
{
    return task->search.on && task->dirty_records > 0 && task_search_accuses(task, record);
}

static inline bool task_search_splits_after(const struct task *task, const struct record *record)
{
    return (task->search.on || task->search.gentle > 0) && task_search_cuts_after(task, record);
}

void task_search_flushed(struct task *task);
void task_search_turn(struct task *task, bool idle_now);

/* Whether this neighbour of the record suspected is passed over: it was asked before. */
bool task_passes_neighbour(struct task *task);

/* A neighbour of the record suspected was put: asks whether it would be taken. */
bool task_rehearse(struct task *task, struct fault *fault) MUST_CHECK;

/* The lane is somebody else's: what is known of its records is forgotten. */
void task_search_forget(struct task *task, size_t lane);
void task_search_release(struct task *task);

/* Forgets what was put and not flushed; whoever claims the lanes next does it again. */
void task_let_go(struct task *task);

#endif
