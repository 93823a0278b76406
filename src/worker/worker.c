/*
 * What should run, and what does. Requests only write down what should be; worker_turn compares
 * and acts. A task that is to end is asked once and freed when its thread is through, so nobody
 * waits for a flush but the task itself.
 */
#include "worker.h"

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "worker_entry.h"

const char *target_state_name(enum target_state target)
{
    static const char *const names[] = {"STARTED", "PAUSED", "STOPPED"};
    return names[target];
}

const char *run_state_name(enum run_state state)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING", "PAUSED",
                                        "STOPPED",    "FAILED",  "RESTARTING"};
    return names[state];
}

/* ---- entries ---- */

struct entry *worker_find(const struct worker *worker, str name)
{
    for (size_t i = 0; i < worker->count; i++)
        if (str_eq(worker->entry[i]->name, name) && !worker->entry[i]->removed)
            return worker->entry[i];
    return NULL;
}

static void free_entry(struct entry *entry)
{
    if (entry->connector) {
        connector_release(entry->connector);
        mem_free(entry->connector);
    }
    history_release(&entry->history);
    arena_release(&entry->arena);
    mem_free(entry);
}

static struct entry *add_entry(struct worker *worker, str name, struct fault *fault)
{
    struct entry *entry = worker->count < CONNECTOR_LIMIT ? mem_alloc(sizeof(*entry)) : NULL;
    if (!entry) {
        if (worker->count == CONNECTOR_LIMIT)
            fault_set(fault, FAULT_CONFIG, "a worker has %d connectors at the most",
                      CONNECTOR_LIMIT);
        else
            fault_memory(fault, "a connector");
        return NULL;
    }
    *entry = (struct entry){.everywhere = true};
    task_counts_init(&entry->gone);
    arena_init(&entry->arena, ENTRY_BYTES_LIMIT);
    if (!arena_copy(&entry->arena, name, &entry->name)) {
        free_entry(entry);
        fault_memory(fault, "a connector");
        return NULL;
    }
    worker->entry[worker->count++] = entry;
    return entry;
}

static bool copy_config(struct config *to, struct arena *arena, const struct config *from,
                        struct fault *fault)
{
    config_init(to, arena);
    return config_add(to, from, fault);
}

static void inherit_topics(struct entry *entry, struct entry *old)
{
    for (int64_t i = 0; old->connector && i < old->connector->tasks_max; i++)
        if (old->connector->task[i])
            entry_note_topics(old, old->connector->task[i]);
    for (size_t i = 0; i < old->topics.count; i++)
        entry_note_topic(entry, old->topics.item[i]);
}

/* A new entry takes the old one's place when the old one's tasks are through: so what was given
   before needs no memory for longer than it runs. */
bool worker_put(struct worker *worker, str name, const struct config *config,
                enum target_state initial, struct fault *fault)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *old = worker_find(worker, name), *entry = add_entry(worker, name, fault);
    bool good = entry && copy_config(&entry->config, &entry->arena, config, fault);
    if (entry)
        entry->target = old ? old->target : initial;
    if (good && old) {
        entry->everywhere = old->everywhere;
        memcpy(entry->here, old->here, sizeof(entry->here));
        entry->history = old->history;
        old->history = (struct history){0};
        inherit_topics(entry, old);
        old->removed = true;
    }
    if (entry && !good) {
        worker->count--;
        free_entry(entry);
    }
    pthread_mutex_unlock(&worker->mutex);
    return good;
}

bool worker_remove(struct worker *worker, str name)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    if (entry)
        entry->removed = true;
    pthread_mutex_unlock(&worker->mutex);
    return entry != NULL;
}

bool worker_set_target(struct worker *worker, str name, enum target_state target)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    if (entry)
        entry->target = target;
    pthread_mutex_unlock(&worker->mutex);
    return entry != NULL;
}

bool worker_reset_topics(struct worker *worker, str name)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    for (int64_t i = 0; entry && entry->connector && i < entry->connector->tasks_max; i++)
        if (entry->connector->task[i])
            task_forget_topics(&entry->connector->task[i]->task);
    if (entry)
        entry->topics.count = 0;
    pthread_mutex_unlock(&worker->mutex);
    return entry != NULL;
}

bool worker_place(struct worker *worker, str name, const bool *here, size_t count)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    if (entry) {
        entry->everywhere = false;
        for (size_t i = 0; i < TASKS_LIMIT; i++)
            entry->here[i] = i < count && here[i];
    }
    pthread_mutex_unlock(&worker->mutex);
    return entry != NULL;
}

/* One that waits for a person has failed, too. */
static bool has_failed(struct connector_task *task)
{
    if (task && task->ended)
        return task->fault.kind != FAULT_NONE;
    return task && task_get_status(&task->task).state == TASK_FAILED;
}

bool worker_restart(struct worker *worker, str name, bool tasks, bool only_failed)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    if (entry && entry->fault.kind != FAULT_NONE)
        entry->fault = (struct fault){0};
    for (int64_t i = 0; entry && tasks && entry->connector && i < entry->connector->tasks_max; i++)
        if (!only_failed || has_failed(entry->connector->task[i]))
            entry->restart[i] = true;
    /* Where all begin anew, so does what they are made from. */
    if (entry && tasks && !only_failed)
        entry->rebuild = entry->connector != NULL;
    pthread_mutex_unlock(&worker->mutex);
    return entry != NULL;
}

bool worker_restart_task(struct worker *worker, str name, int id)
{
    pthread_mutex_lock(&worker->mutex);
    struct entry *entry = worker_find(worker, name);
    bool there = entry && entry->connector && id >= 0 && id < entry->connector->tasks_max;
    if (there)
        entry->restart[id] = true;
    pthread_mutex_unlock(&worker->mutex);
    return there;
}

/* ---- making it so ---- */

/* What has ended: freed when the mutex is not held. */
struct graves {
    struct connector_task *task[TASKS_LIMIT];
    size_t task_count;
    struct entry *entry;
    struct connector *connector;
};

static void count_out(struct worker *worker, struct entry *entry, struct connector_task *task)
{
    struct task_status status = task_get_status(&task->task);
    worker->gone.records += status.records;
    worker->gone.rows += status.rows;
    entry_count_out(entry, task);
}

static void bury(struct worker *worker, struct entry *entry, int64_t id, struct graves *graves)
{
    struct connector_task *task = entry->connector->task[id];
    if (graves->task_count == TASKS_LIMIT)
        return;
    count_out(worker, entry, task);
    entry_note_topics(entry, task);
    graves->task[graves->task_count++] = task;
    entry->connector->task[id] = NULL;
}

static bool build(struct worker *worker, struct entry *entry)
{
    struct fault *fault = &entry->fault;
    struct connector *connector = mem_alloc(sizeof(*connector));
    if (!connector)
        return fault_memory(fault, "a connector");
    bool good = connector_begin(connector, worker->properties, fault)
                && config_add(&connector->config, &entry->config, fault);
    str origin = entry->config.count > 0 ? entry->config.entry[0].origin : entry->name;
    str path = arena_format(&entry->arena, "%.*s", STR_ARG(origin));
    good = good && connector_settle(connector, path.ptr ? path.ptr : "connector", fault)
           && connector_prepare(connector, fault);
    if (!good) {
        connector_release(connector);
        mem_free(connector);
        return false;
    }
    entry->connector = connector;
    return true;
}

/* An entry of the same name that is on its way out has the name until its tasks are through. */
static bool is_waiting(const struct worker *worker, const struct entry *entry)
{
    for (size_t i = 0; i < worker->count && worker->entry[i] != entry; i++)
        if (str_eq(worker->entry[i]->name, entry->name))
            return true;
    return false;
}

bool entry_wants(const struct entry *entry, int64_t id)
{
    return !entry->removed && entry->target != TARGET_STOPPED
           && (entry->everywhere || entry->here[id]);
}

/* A task that failed stays to be seen until it is restarted or not wanted any more. */
static void turn_task(struct worker *worker, struct entry *entry, int id, struct graves *graves)
{
    struct connector *connector = entry->connector;
    struct connector_task *task = connector->task[id];
    bool wanted = entry_wants(entry, id) && !entry->rebuild && !worker->stopping;
    bool paused = entry->target == TARGET_PAUSED;
    if (task) {
        if (!wanted || entry->restart[id])
            task->task.stop = true;
        task->task.paused = paused;
        if (task->ended && task->task.stop && !worker->stopping)
            bury(worker, entry, id, graves);
        return;
    }
    entry->restart[id] = false;
    if (wanted && entry->fault.kind == FAULT_NONE
        && !connector_start_task(connector, id, paused, &entry->fault))
        log_write(LOG_ERROR, "%s", entry->fault.text);
}

static bool has_tasks(const struct connector *connector)
{
    for (int64_t i = 0; i < connector->tasks_max; i++)
        if (connector->task[i])
            return true;
    return false;
}

static void turn_entry(struct worker *worker, struct entry *entry, struct graves *graves)
{
    bool start = !entry->removed && !entry->connector && entry->target != TARGET_STOPPED
                 && !worker->stopping && entry->fault.kind == FAULT_NONE;
    if (start && !is_waiting(worker, entry) && !build(worker, entry))
        log_write(LOG_ERROR, "%.*s: %s", STR_ARG(entry->name), entry->fault.text);
    for (int i = 0; entry->connector && i < (int)entry->connector->tasks_max; i++)
        turn_task(worker, entry, i, graves);
    bool over = entry->removed || entry->rebuild || entry->target == TARGET_STOPPED;
    if (over && entry->connector && !has_tasks(entry->connector)) {
        graves->connector = entry->connector;
        entry->connector = NULL;
        entry->rebuild = false;
        memset(entry->restart, 0, sizeof(entry->restart));
    }
    if (entry->target == TARGET_STOPPED)
        entry->fault = (struct fault){0};
}

static void take_out(struct worker *worker, size_t at, struct graves *graves)
{
    graves->entry = worker->entry[at];
    entry_bequeath(worker, graves->entry);
    worker->count--;
    memmove(&worker->entry[at], &worker->entry[at + 1],
            (worker->count - at) * sizeof(*worker->entry));
}

static void free_graves(struct graves *graves)
{
    for (size_t i = 0; i < graves->task_count; i++)
        connector_task_free(graves->task[i]);
    if (graves->connector) {
        connector_release(graves->connector);
        mem_free(graves->connector);
    }
    if (graves->entry)
        free_entry(graves->entry);
}

void worker_turn(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->turned_ms = clock_steady_ms();
    pthread_mutex_unlock(&worker->mutex);
    for (size_t i = 0;; i++) {
        struct graves graves = {.task_count = 0};
        pthread_mutex_lock(&worker->mutex);
        bool more = i < worker->count;
        if (more) {
            turn_entry(worker, worker->entry[i], &graves);
            if (worker->entry[i]->removed && !worker->entry[i]->connector)
                take_out(worker, i--, &graves);
        }
        pthread_mutex_unlock(&worker->mutex);
        free_graves(&graves);
        if (!more)
            break;
    }
    worker_take_samples(worker, clock_steady_ms());
}

bool worker_turned_within(struct worker *worker, int64_t ms)
{
    pthread_mutex_lock(&worker->mutex);
    bool recent = worker->turned_ms > 0 && clock_steady_ms() - worker->turned_ms <= ms;
    pthread_mutex_unlock(&worker->mutex);
    return recent;
}

void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    for (size_t i = 0; i < worker->count; i++)
        if (worker->entry[i]->connector)
            connector_stop(worker->entry[i]->connector);
    pthread_mutex_unlock(&worker->mutex);
}

/* ---- the worker ---- */

struct worker *worker_new(const struct config *properties, str id, struct fault *fault)
{
    struct worker *worker = mem_alloc(sizeof(*worker));
    if (!worker) {
        fault_memory(fault, "the worker");
        return NULL;
    }
    *worker = (struct worker){.properties = properties};
    snprintf(worker->id, sizeof(worker->id), "%.*s", STR_ARG(id));
    pthread_mutex_init(&worker->mutex, NULL);
    return worker;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    worker_stop(worker);
    for (size_t i = 0; i < worker->count; i++)
        free_entry(worker->entry[i]);
    pthread_mutex_destroy(&worker->mutex);
    mem_free(worker);
}

str worker_id(const struct worker *worker)
{
    return str_from(worker->id);
}

const struct config *worker_properties(const struct worker *worker)
{
    return worker->properties;
}
