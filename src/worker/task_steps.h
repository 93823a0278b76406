/*
 * task_steps: the parts of the task's loop, in files of their own. Internal to the task.
 */
#ifndef FIELDTRAIL_TASK_STEPS_H
#define FIELDTRAIL_TASK_STEPS_H

#include "task.h"

/* Waits for the sink's target while the source is kept alive (sink.idle). */
bool task_idle(void *context, int fd, short events, int timeout_ms);

/* task_status.c: what others may see. */
void task_set_state(struct task *task, enum task_state state, const char *trace);
void task_count_batch(struct task *task);

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

/* Forgets what was put and not flushed; whoever claims the lanes next does it again. */
void task_let_go(struct task *task);

#endif
