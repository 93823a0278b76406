/*
 * What others may see of a task: the only thing that threads share with it.
 */
#include "task_steps.h"

const char *task_state_name(enum task_state state)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING", "RETRYING", "FAILED", "STOPPED"};
    return names[state];
}

void task_set_state(struct task *task, enum task_state state, const char *trace)
{
    pthread_mutex_lock(&task->mutex);
    task->status.state = state;
    snprintf(task->status.trace, sizeof(task->status.trace), "%s", trace);
    pthread_mutex_unlock(&task->mutex);
}

struct task_status task_get_status(struct task *task)
{
    pthread_mutex_lock(&task->mutex);
    struct task_status copy = task->status;
    pthread_mutex_unlock(&task->mutex);
    return copy;
}

void task_count_batch(struct task *task)
{
    int64_t lag = 0;
    uint64_t lanes = 0;
    for (size_t i = 0; i < task->source->lane_count; i++) {
        const struct lane *lane = &task->source->lane[i];
        lanes += lane->assigned;
        if (lane->assigned && lane->high > lane->next)
            lag += lane->high - lane->next;
    }
    pthread_mutex_lock(&task->mutex);
    task->status.records += task->batch.record_count;
    task->status.rows += task->batch.row_count;
    task->status.errors = task->errors;
    task->status.lag = lag;
    task->status.lanes = lanes;
    pthread_mutex_unlock(&task->mutex);
}
