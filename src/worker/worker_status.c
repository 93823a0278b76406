/*
 * Snapshots of a worker: states in Kafka Connect's words, sums, and why something failed.
 */
#include <stdlib.h>

#include "mem.h"
#include "worker_entry.h"

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

bool worker_names(struct worker *worker, struct arena *arena, struct str_list *names,
                  struct fault *fault)
{
    pthread_mutex_lock(&worker->mutex);
    *names = (struct str_list){ARENA_NEW(arena, str, worker->count + 1), 0};
    bool good = names->item != NULL;
    for (size_t i = 0; good && i < worker->count; i++)
        if (!worker->entry[i]->removed)
            good = arena_copy(arena, worker->entry[i]->name, &names->item[names->count++]);
    pthread_mutex_unlock(&worker->mutex);
    if (good)
        qsort(names->item, names->count, sizeof(*names->item), compare_names);
    return good || fault_memory(fault, "names of connectors");
}

/* ---- topics ---- */

void entry_note_topic(struct entry *entry, str topic)
{
    struct str_list *list = &entry->topics;
    if (str_list_has(list, topic))
        return;
    if (list->count == entry->topic_capacity) {
        size_t capacity = entry->topic_capacity ? 2 * entry->topic_capacity : 16;
        str *grown = ARENA_NEW(&entry->arena, str, capacity);
        if (!grown)
            return;
        if (list->count > 0)
            memcpy(grown, list->item, list->count * sizeof(*grown));
        list->item = grown;
        entry->topic_capacity = capacity;
    }
    if (arena_copy(&entry->arena, topic, &list->item[list->count]))
        list->count++;
}

void entry_note_topics(struct entry *entry, struct connector_task *task)
{
    struct task_lane *lane;
    size_t count;
    struct arena arena;
    arena_init(&arena, ENTRY_BYTES_LIMIT);
    if (task_get_lanes(&task->task, &arena, &lane, &count))
        for (size_t i = 0; i < count; i++)
            if (lane[i].active)
                entry_note_topic(entry, str_from(lane[i].topic));
    arena_release(&arena);
}

static bool add_topic(struct str_list *list, size_t *capacity, str topic, struct arena *arena)
{
    if (str_list_has(list, topic))
        return true;
    if (list->count == *capacity) {
        void *grown = arena_grow(arena, list->item, *capacity * sizeof(str),
                                 (2 * *capacity + 16) * sizeof(str));
        if (!grown)
            return false;
        list->item = grown;
        *capacity = 2 * *capacity + 16;
    }
    return arena_copy(arena, topic, &list->item[list->count++]);
}

static bool show_topics(const struct entry *entry, struct arena *arena,
                        struct worker_connector *out)
{
    size_t capacity = 0;
    for (size_t i = 0; i < entry->topics.count; i++)
        if (!add_topic(&out->topics, &capacity, entry->topics.item[i], arena))
            return false;
    for (size_t i = 0; i < out->task_count; i++)
        for (size_t j = 0; j < out->task[i].lane_count; j++)
            if (out->task[i].lane[j].active
                && !add_topic(&out->topics, &capacity, str_from(out->task[i].lane[j].topic), arena))
                return false;
    if (out->topics.count > 0)
        qsort(out->topics.item, out->topics.count, sizeof(str), compare_names);
    return true;
}

/* ---- one connector ---- */

/* Connect has fewer words: a task that waits for its partitions or its target is running. */
static enum run_state state_of(const struct task_status *status)
{
    switch (status->state) {
    case TASK_UNASSIGNED:
    case TASK_RUNNING:
    case TASK_RETRYING:
        return RUN_RUNNING;
    case TASK_FAILED:
        return RUN_FAILED;
    case TASK_STOPPED:
        return RUN_UNASSIGNED;
    case TASK_PAUSED:
        return RUN_PAUSED;
    }
    return RUN_FAILED;
}

static bool show_task(const struct entry *entry, int id, struct connector_task *task,
                      struct arena *arena, struct worker_task *out)
{
    *out = (struct worker_task){.id = id};
    if (!task) {
        out->state = entry->fault.kind == FAULT_NONE ? RUN_UNASSIGNED : RUN_FAILED;
        return entry->fault.kind == FAULT_NONE
               || arena_copy(arena, str_from(entry->fault.text), &out->trace);
    }
    out->status = task_get_status(&task->task);
    out->state = state_of(&out->status);
    if (entry->restart[id] || entry->rebuild)
        out->state = RUN_RESTARTING;
    else if (entry->target == TARGET_PAUSED && out->state == RUN_RUNNING)
        out->state = RUN_PAUSED;
    str trace = out->state == RUN_FAILED ? str_from(out->status.trace) : STR_EMPTY;
    return arena_copy(arena, trace, &out->trace)
           && task_get_lanes(&task->task, arena, &out->lane, &out->lane_count);
}

static bool show_tasks(const struct entry *entry, struct arena *arena, struct worker_connector *out)
{
    out->task = ARENA_NEW(arena, struct worker_task, (size_t)out->tasks_max + 1);
    if (!out->task)
        return false;
    for (int i = 0; i < (int)out->tasks_max; i++) {
        struct connector_task *task = entry->connector ? entry->connector->task[i] : NULL;
        bool shown = task ? !task->ended || !task->task.stop || entry_wants(entry, i)
                          : entry_wants(entry, i);
        if (shown && !show_task(entry, i, task, arena, &out->task[out->task_count++]))
            return false;
    }
    return true;
}

static enum run_state connector_state(const struct entry *entry)
{
    static const enum run_state states[] = {RUN_RUNNING, RUN_PAUSED, RUN_STOPPED};
    if (entry->target != TARGET_STOPPED && entry->fault.kind != FAULT_NONE)
        return RUN_FAILED;
    if (entry->rebuild)
        return RUN_RESTARTING;
    return states[entry->target];
}

static bool show(const struct entry *entry, struct arena *arena, struct worker_connector *out)
{
    const struct config_entry *class = config_find(&entry->config, STR("connector.class"));
    const struct config_entry *most = config_find(&entry->config, STR("tasks.max"));
    struct fault ignored;
    *out = (struct worker_connector){.target = entry->target, .state = connector_state(entry)};
    config_init(&out->config, arena);
    if (!config_add(&out->config, &entry->config, &ignored))
        return false;
    /* A placeholder in its place is known once the connector is made. */
    if (entry->connector)
        out->tasks_max = entry->connector->tasks_max;
    else if (!most || !str_to_int64(most->value, &out->tasks_max) || out->tasks_max < 1
             || out->tasks_max > TASKS_LIMIT)
        out->tasks_max = 1;
    str trace = out->state == RUN_FAILED ? str_from(entry->fault.text) : STR_EMPTY;
    return arena_copy(arena, entry->name, &out->name)
           && arena_copy(arena, class ? class->value : STR_EMPTY, &out->class)
           && arena_copy(arena, trace, &out->trace) && show_tasks(entry, arena, out)
           && show_topics(entry, arena, out);
}

bool worker_get(struct worker *worker, str name, struct arena *arena, struct worker_connector *out,
                struct fault *fault)
{
    *fault = (struct fault){0};
    pthread_mutex_lock(&worker->mutex);
    const struct entry *entry = worker_find(worker, name);
    bool good = !entry || show(entry, arena, out);
    if (entry && good)
        entry_sum(worker, entry, &out->sum);
    pthread_mutex_unlock(&worker->mutex);
    if (!good)
        return fault_memory(fault, "the status of a connector");
    return entry != NULL;
}

/* ---- all of them ---- */

typedef void see_task(void *context, struct connector_task *task);

static void each_task(struct worker *worker, see_task *see, void *context)
{
    for (size_t i = 0; i < worker->count; i++) {
        const struct connector *connector = worker->entry[i]->connector;
        for (int64_t j = 0; connector && j < connector->tasks_max; j++)
            if (connector->task[j])
                see(context, connector->task[j]);
    }
}

static void see_alive(void *context, struct connector_task *task)
{
    if (!task->ended)
        *(bool *)context = true;
}

bool worker_is_idle(struct worker *worker)
{
    bool alive = false;
    pthread_mutex_lock(&worker->mutex);
    each_task(worker, see_alive, &alive);
    pthread_mutex_unlock(&worker->mutex);
    return !alive;
}

static bool entry_has_failed(const struct entry *entry)
{
    if (entry->removed)
        return true;
    if (!entry->connector)
        return entry->fault.kind != FAULT_NONE;
    if (entry->rebuild)
        return false;
    for (int64_t i = 0; i < entry->connector->tasks_max; i++) {
        const struct connector_task *task = entry->connector->task[i];
        bool over = task ? task->ended && !entry->restart[i] : entry->fault.kind != FAULT_NONE;
        if (!over)
            return false;
    }
    return true;
}

bool worker_has_failed(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool failed = worker->count > 0;
    for (size_t i = 0; failed && i < worker->count; i++)
        failed = entry_has_failed(worker->entry[i]);
    pthread_mutex_unlock(&worker->mutex);
    return failed;
}

static void see_fault(void *context, struct connector_task *task)
{
    struct fault *fault = context;
    if (task->ended && fault->kind == FAULT_NONE)
        *fault = task->fault;
}

void worker_first_fault(struct worker *worker, struct fault *fault)
{
    *fault = (struct fault){0};
    pthread_mutex_lock(&worker->mutex);
    for (size_t i = 0; i < worker->count && fault->kind == FAULT_NONE; i++)
        *fault = worker->entry[i]->fault;
    each_task(worker, see_fault, fault);
    pthread_mutex_unlock(&worker->mutex);
}

static void see_totals(void *context, struct connector_task *task)
{
    /* How much a state asks for attention. */
    static const int weight[] = {[TASK_RUNNING] = 0, [TASK_UNASSIGNED] = 1, [TASK_PAUSED] = 2,
                                 [TASK_STOPPED] = 3, [TASK_RETRYING] = 4,   [TASK_FAILED] = 5};
    struct worker_totals *sum = context;
    struct task_status status = task_get_status(&task->task);
    sum->records += status.records;
    sum->rows += status.rows;
    sum->lanes += status.lanes;
    sum->lag += status.lag;
    if (status.last_flush_us > sum->last_flush_us)
        sum->last_flush_us = status.last_flush_us;
    if (weight[status.state] > weight[sum->worst])
        sum->worst = status.state;
}

struct worker_totals worker_get_totals(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    struct worker_totals sum = worker->gone;
    sum.worst = TASK_RUNNING;
    each_task(worker, see_totals, &sum);
    pthread_mutex_unlock(&worker->mutex);
    return sum;
}
