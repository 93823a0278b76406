/*
 * What others may see of a task: the only thing that threads share with it.
 */
#include "mem.h"
#include "task_steps.h"

const char *task_state_name(enum task_state state)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING", "RETRYING",
                                        "FAILED",     "STOPPED", "PAUSED"};
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

static void show_lanes(struct task *task)
{
    show_new_lanes(task);
    for (size_t i = 0; i < task->lane_status_count; i++) {
        const struct lane *lane = &task->source->lane[i];
        struct task_lane *shown = &task->lane_status[i];
        shown->assigned = lane->assigned;
        shown->next = lane->next;
        shown->high = lane->high;
    }
    for (size_t i = 0; i < task->batch.record_count; i++)
        if (task->batch.record[i].at.lane < task->lane_status_count)
            task->lane_status[task->batch.record[i].at.lane].active = true;
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
    show_lanes(task);
    pthread_mutex_unlock(&task->mutex);
}
