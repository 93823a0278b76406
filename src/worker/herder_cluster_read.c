/*
 * What requests that change nothing are answered: the maps as they are.
 */
#include <stdlib.h>

#include "herder_cluster_parts.h"

static struct cluster *self_of(struct herder *herder)
{
    return (struct cluster *)herder;
}

static bool no_memory(struct herder_answer *answer)
{
    return herder_refuse(answer, HERDER_FAILED, "memory ran out");
}

bool cluster_check_ready(struct cluster *self, struct herder_answer *answer)
{
    struct cluster_log *logs[] = {self->configs, self->statuses};
    struct fault fault;
    for (size_t i = 0; i < 2; i++)
        if (cluster_log_state(logs[i], &fault) != CLUSTER_LOG_READY)
            return herder_refuse(answer, HERDER_FAILED, "the worker is not ready: %s",
                                 fault.kind == FAULT_NONE ? "it still reads the cluster's topics"
                                                          : fault.text);
    return true;
}

bool cluster_value(struct cluster *self, const struct cluster_map *map, str key,
                   struct arena *arena, str *value)
{
    pthread_mutex_lock(&self->mutex);
    const struct cluster_entry *entry = cluster_map_find(map, key);
    bool good = entry && arena_copy(arena, entry->value, value);
    pthread_mutex_unlock(&self->mutex);
    return good;
}

/* ---- connectors ---- */

/* A placeholder in tasks.max is known to the worker, once it has made the connector. */
static int64_t tasks_of(struct cluster *self, str name, const struct config *config,
                        struct arena *arena)
{
    struct worker_connector connector;
    struct fault fault;
    const struct config_entry *entry = config_find(config, STR("tasks.max"));
    int64_t tasks;
    if (!entry)
        return 1;
    if (str_to_int64(entry->value, &tasks))
        return tasks < 1 ? 1 : tasks < TASKS_LIMIT ? tasks : TASKS_LIMIT;
    return worker_get(self->herder.worker, name, arena, &connector, &fault) ? connector.tasks_max
                                                                            : 1;
}

bool cluster_see(struct cluster *self, str name, struct cluster_sight *sight,
                 struct herder_answer *answer)
{
    struct fault fault;
    str key = arena_format(answer->arena, KEY_CONNECTOR "%.*s", STR_ARG(name));
    str state = arena_format(answer->arena, KEY_TARGET "%.*s", STR_ARG(name)), value;
    *sight = (struct cluster_sight){.target = TARGET_STARTED};
    if (!key.ptr || !state.ptr)
        return no_memory(answer);
    if (!cluster_value(self, &self->config, key, answer->arena, &value))
        return false;
    if (!cluster_read_connector(value, name, answer->arena, &sight->config, &fault))
        return herder_fail(answer, &fault);
    if (cluster_value(self, &self->config, state, answer->arena, &value)
        && !cluster_read_target(value, answer->arena, &sight->target, &fault))
        return herder_fail(answer, &fault);
    sight->tasks_max = tasks_of(self, name, &sight->config, answer->arena);
    return true;
}

bool cluster_find(struct cluster *self, str name, struct cluster_sight *sight,
                  struct herder_answer *answer)
{
    if (!cluster_check_ready(self, answer))
        return false;
    return cluster_see(self, name, sight, answer)
           || (answer->error == HERDER_OK ? herder_no_connector(answer, name) : false);
}

void cluster_describe(str name, const struct cluster_sight *sight, struct herder_info *info)
{
    *info = (struct herder_info){.name = name,
                                 .config = sight->config,
                                 .target = sight->target,
                                 .task_count = sight->target == TARGET_STOPPED ? 0
                                                                               : sight->tasks_max};
}

/* The names behind the keys with this prefix; the mutex is held. */
static bool list_names(const struct cluster_map *map, str prefix, struct arena *arena,
                       struct str_list *names)
{
    size_t first = cluster_map_from(map, prefix), last = first;
    while (last < map->count && str_starts(map->entry[last].key, prefix))
        last++;
    *names = (struct str_list){ARENA_NEW(arena, str, last - first + 1), 0};
    if (!names->item)
        return false;
    for (size_t i = first; i < last; i++)
        if (!arena_copy(arena, str_from_at(map->entry[i].key, prefix.len),
                        &names->item[names->count++]))
            return false;
    return true;
}

bool cluster_list(struct herder *herder, struct str_list *names, struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    if (!cluster_check_ready(self, answer))
        return false;
    pthread_mutex_lock(&self->mutex);
    bool good = list_names(&self->config, STR(KEY_CONNECTOR), answer->arena, names);
    pthread_mutex_unlock(&self->mutex);
    return good || no_memory(answer);
}

bool cluster_info(struct herder *herder, str name, struct herder_info *info,
                  struct herder_answer *answer)
{
    struct cluster_sight sight;
    if (!cluster_find(self_of(herder), name, &sight, answer))
        return false;
    cluster_describe(name, &sight, info);
    return true;
}

/* ---- states ---- */

/* What is known of a key; false where nothing was written. What a worker said that does not live
   any more counts no longer. */
static bool read_state(struct cluster *self, str key, int id, struct arena *arena,
                       struct herder_state *state, bool *alive)
{
    struct cluster_status status;
    struct fault fault;
    str value;
    if (!key.ptr || !cluster_value(self, &self->status, key, arena, &value)
        || !cluster_read_status(value, arena, &status, &fault))
        return false;
    pthread_mutex_lock(&self->mutex);
    *alive = cluster_roll_lives(&self->roll, status.worker.worker_id, status.worker.instance);
    pthread_mutex_unlock(&self->mutex);
    *state = (struct herder_state){id, *alive ? status.state : RUN_UNASSIGNED,
                                   status.worker.worker_id, *alive ? status.trace : STR_EMPTY};
    return true;
}

static str task_key(struct arena *arena, str name, int task)
{
    return arena_format(arena, KEY_STATUS_TASK "%.*s-%d", STR_ARG(name), task);
}

bool cluster_status(struct herder *herder, str name, struct herder_status *status,
                    struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    struct arena *arena = answer->arena;
    struct cluster_sight sight;
    bool alive;
    if (!cluster_find(self, name, &sight, answer))
        return false;
    *status = (struct herder_status){.name = name};
    status->task = ARENA_NEW(arena, struct herder_state, (size_t)sight.tasks_max + 1);
    if (!status->task)
        return no_memory(answer);
    str key = arena_format(arena, KEY_STATUS_CONNECTOR "%.*s", STR_ARG(name));
    if (!read_state(self, key, -1, arena, &status->connector, &alive))
        status->connector = (struct herder_state){-1, RUN_UNASSIGNED, self->self.worker_id,
                                                  STR_EMPTY};
    for (int i = 0; i < (int)sight.tasks_max; i++) {
        struct herder_state *task = &status->task[status->task_count];
        bool said = read_state(self, task_key(arena, name, i), i, arena, task, &alive);
        if (!said)
            *task = (struct herder_state){i, RUN_UNASSIGNED, self->self.worker_id, STR_EMPTY};
        /* A stopped connector has the tasks only that are still ending. */
        status->task_count += sight.target != TARGET_STOPPED || (said && alive);
    }
    return true;
}

int cluster_task_alive(struct cluster *self, str name, struct arena *arena, str *worker)
{
    struct herder_state state;
    bool alive;
    for (int i = 0; i < TASKS_LIMIT; i++)
        if (read_state(self, task_key(arena, name, i), i, arena, &state, &alive) && alive
            && state.state != RUN_UNASSIGNED) {
            *worker = state.worker_id;
            return i;
        }
    return -1;
}

bool cluster_status_keys(struct cluster *self, str name, bool topics, struct str_list *keys,
                         struct herder_answer *answer)
{
    pthread_mutex_lock(&self->mutex);
    *keys = (struct str_list){ARENA_NEW(answer->arena, str, self->status.count + 1), 0};
    bool good = keys->item != NULL;
    for (size_t i = 0; good && i < self->status.count; i++) {
        struct cluster_key key = cluster_key_read(self->status.entry[i].key);
        if (str_eq(key.name, name) && (!topics || key.kind == CLUSTER_STATUS_TOPIC))
            good = arena_copy(answer->arena, self->status.entry[i].key, &keys->item[keys->count++]);
    }
    pthread_mutex_unlock(&self->mutex);
    return good || no_memory(answer);
}

/* ---- names in order ---- */

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const str *)a, *(const str *)b);
}

bool cluster_workers(struct herder *herder, struct str_list *ids, struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    str live[CLUSTER_MEMBER_LIMIT];
    *ids = (struct str_list){ARENA_NEW(answer->arena, str, CLUSTER_MEMBER_LIMIT), 0};
    bool good = ids->item != NULL;
    pthread_mutex_lock(&self->mutex);
    size_t count = cluster_roll_live(&self->roll, live);
    for (size_t i = 0; good && i < count; i++)
        good = arena_copy(answer->arena, live[i], &ids->item[ids->count++]);
    pthread_mutex_unlock(&self->mutex);
    if (good)
        qsort(ids->item, ids->count, sizeof(str), compare_names);
    return good || no_memory(answer);
}

bool cluster_topics(struct herder *herder, str name, struct str_list *topics,
                    struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    struct cluster_sight sight;
    struct str_list all;
    if (!cluster_find(self, name, &sight, answer))
        return false;
    pthread_mutex_lock(&self->mutex);
    bool good = list_names(&self->status, STR(KEY_STATUS_TOPIC), answer->arena, &all);
    pthread_mutex_unlock(&self->mutex);
    if (!good)
        return no_memory(answer);
    *topics = (struct str_list){all.item, 0};
    for (size_t i = 0; i < all.count; i++) {
        str rest = all.item[i], topic;
        str_split(&rest, ':', &topic);
        if (str_starts(rest, STR("connector-"))
            && str_eq(str_from_at(rest, sizeof("connector-") - 1), name))
            topics->item[topics->count++] = topic;
    }
    qsort(topics->item, topics->count, sizeof(str), compare_names);
    return true;
}
