/*
 * The herder of a worker that shares nothing. What is changed lives as long as the process: the log
 * says so, and REST in a header.
 */
#include "herder.h"
#include "herder_kafka_id.h"
#include "log.h"
#include "mem.h"

struct standalone {
    struct herder herder;
    pthread_mutex_t mutex; /* one change at a time; taken before the worker's own */
    struct kafka_id kafka_id;
};

static struct standalone *self_of(struct herder *herder)
{
    return (struct standalone *)herder;
}

static bool get(struct herder *herder, str name, struct worker_connector *connector,
                struct herder_answer *answer)
{
    struct fault fault;
    if (worker_get(herder->worker, name, answer->arena, connector, &fault))
        return true;
    return fault.kind == FAULT_NONE ? herder_no_connector(answer, name)
                                    : herder_fail(answer, &fault);
}

static bool standalone_list(struct herder *herder, struct str_list *names,
                            struct herder_answer *answer)
{
    struct fault fault = {0};
    return worker_names(herder->worker, answer->arena, names, &fault)
           || herder_fail(answer, &fault);
}

static bool standalone_info(struct herder *herder, str name, struct herder_info *info,
                            struct herder_answer *answer)
{
    struct worker_connector connector;
    if (!get(herder, name, &connector, answer))
        return false;
    herder_describe(&connector, info);
    return true;
}

static bool standalone_status(struct herder *herder, str name, struct herder_status *status,
                              struct herder_answer *answer)
{
    struct worker_connector connector;
    return get(herder, name, &connector, answer)
           && herder_report(&connector, worker_id(herder->worker), status, answer);
}

/* ---- changes ---- */

static void say(str name, const char *what)
{
    log_write(LOG_INFO, "%.*s: %s by a request; it lasts until the worker ends", STR_ARG(name),
              what);
}

static bool store(struct herder *herder, const struct herder_put *put, const struct config *stored,
                  struct herder_info *info, struct herder_answer *answer)
{
    struct config config;
    struct fault fault = {0};
    if (!herder_prepare(worker_properties(herder->worker), put->name, put->config, stored, &config,
                        answer))
        return false;
    if (!worker_put(herder->worker, put->name, &config, put->initial, &fault))
        return herder_fail(answer, &fault);
    say(put->name, stored ? "changed" : "created");
    return standalone_info(herder, put->name, info, answer);
}

static bool standalone_put(struct herder *herder, const struct herder_put *put,
                           struct herder_info *info, bool *created, struct herder_answer *answer)
{
    struct worker_connector connector;
    struct fault fault;
    pthread_mutex_lock(&self_of(herder)->mutex);
    bool there = worker_get(herder->worker, put->name, answer->arena, &connector, &fault), good;
    *created = !there;
    if (!there && fault.kind != FAULT_NONE)
        good = herder_fail(answer, &fault);
    else if (there && put->create)
        good = herder_refuse(answer, HERDER_CONFLICT, "Connector %.*s already exists",
                             STR_ARG(put->name));
    else
        good = store(herder, put, there ? &connector.config : NULL, info, answer);
    pthread_mutex_unlock(&self_of(herder)->mutex);
    return good;
}

static bool standalone_patch(struct herder *herder, str name, const struct config *patch,
                             struct herder_info *info, struct herder_answer *answer)
{
    struct worker_connector connector;
    struct config merged;
    pthread_mutex_lock(&self_of(herder)->mutex);
    bool good = get(herder, name, &connector, answer)
                && herder_merge(&connector.config, patch, &merged, answer);
    struct herder_put put = {.name = name, .config = &merged};
    good = good && store(herder, &put, &connector.config, info, answer);
    pthread_mutex_unlock(&self_of(herder)->mutex);
    return good;
}

static bool standalone_remove(struct herder *herder, str name, struct herder_answer *answer)
{
    if (!worker_remove(herder->worker, name))
        return herder_no_connector(answer, name);
    say(name, "deleted");
    return true;
}

static bool standalone_set_target(struct herder *herder, str name, enum target_state target,
                                  struct herder_answer *answer)
{
    static const char *const words[] = {"resumed", "paused", "stopped"};
    if (!worker_set_target(herder->worker, name, target))
        return herder_no_connector(answer, name);
    say(name, words[target]);
    return true;
}

static bool standalone_restart(struct herder *herder, const struct herder_restart *restart,
                               struct herder_status *status, struct herder_answer *answer)
{
    if (!worker_restart(herder->worker, restart->name, restart->include_tasks,
                        restart->only_failed))
        return herder_no_connector(answer, restart->name);
    return standalone_status(herder, restart->name, status, answer);
}

static bool standalone_restart_task(struct herder *herder, str name, int64_t id,
                                    struct herder_answer *answer)
{
    struct worker_connector connector;
    if (!get(herder, name, &connector, answer))
        return false;
    if (id < 0 || id >= connector.tasks_max || connector.target == TARGET_STOPPED
        || !worker_restart_task(herder->worker, name, (int)id))
        return herder_refuse(answer, HERDER_NOT_FOUND, "Unknown task: %.*s-%lld", STR_ARG(name),
                             (long long)id);
    return true;
}

/* ---- offsets and topics ---- */

static bool standalone_get_offsets(struct herder *herder, str name, struct herder_offsets *offsets,
                                   struct herder_answer *answer)
{
    struct worker_connector connector;
    return get(herder, name, &connector, answer)
           && herder_read_offsets(worker_properties(herder->worker), &connector.config, offsets,
                                  answer);
}

/* The tasks may still be ending: the group tells whether they are gone. */
static bool standalone_move_offsets(struct herder *herder, str name,
                                    const struct herder_offsets *offsets,
                                    struct herder_answer *answer)
{
    struct worker_connector connector;
    pthread_mutex_lock(&self_of(herder)->mutex);
    bool good = get(herder, name, &connector, answer);
    if (good && (connector.target != TARGET_STOPPED || connector.task_count > 0))
        good = herder_refuse(answer, HERDER_BAD_REQUEST,
                             "Connectors must be in the STOPPED state before their offsets can be "
                             "modified. This can be done for the specified connector by issuing a "
                             "'PUT' request to the '/connectors/%.*s/stop' endpoint",
                             STR_ARG(name));
    good = good
           && herder_move_offsets(worker_properties(herder->worker), &connector.config, offsets,
                                  answer);
    pthread_mutex_unlock(&self_of(herder)->mutex);
    return good;
}

static bool standalone_topics(struct herder *herder, str name, struct str_list *topics,
                              struct herder_answer *answer)
{
    struct worker_connector connector;
    if (!get(herder, name, &connector, answer))
        return false;
    *topics = connector.topics;
    return true;
}

static bool standalone_reset_topics(struct herder *herder, str name, struct herder_answer *answer)
{
    return worker_reset_topics(herder->worker, name) || herder_no_connector(answer, name);
}

/* ---- the rest ---- */

static bool standalone_set_level(struct herder *herder, str logger, enum log_level level,
                                 struct herder_answer *answer)
{
    (void)logger;
    (void)answer;
    herder_set_level(herder, level);
    return true;
}

static bool standalone_workers(struct herder *herder, struct str_list *ids,
                               struct herder_answer *answer)
{
    *ids = (struct str_list){ARENA_NEW(answer->arena, str, 1), 1};
    if (!ids->item)
        return herder_refuse(answer, HERDER_FAILED, "memory ran out");
    ids->item[0] = worker_id(herder->worker);
    return true;
}

static str standalone_cluster_id(struct herder *herder, struct arena *arena)
{
    return kafka_id_get(&self_of(herder)->kafka_id, arena);
}

static void standalone_health(struct herder *herder, bool *live, bool *ready,
                              struct herder_answer *answer)
{
    (void)answer;
    *live = *ready = worker_turned_within(herder->worker, WORKER_LIVE_MS);
}

static void standalone_turn(struct herder *herder)
{
    kafka_id_turn(&self_of(herder)->kafka_id);
}

static void standalone_stop(struct herder *herder)
{
    kafka_id_end(&self_of(herder)->kafka_id);
    pthread_mutex_destroy(&self_of(herder)->mutex);
    mem_free(herder);
}

static const struct herder_type standalone_type = {
    .name = "standalone",
    .list = standalone_list,
    .info = standalone_info,
    .status = standalone_status,
    .put = standalone_put,
    .patch = standalone_patch,
    .remove = standalone_remove,
    .set_target = standalone_set_target,
    .restart = standalone_restart,
    .restart_task = standalone_restart_task,
    .get_offsets = standalone_get_offsets,
    .move_offsets = standalone_move_offsets,
    .topics = standalone_topics,
    .reset_topics = standalone_reset_topics,
    .set_level = standalone_set_level,
    .workers = standalone_workers,
    .cluster_id = standalone_cluster_id,
    .health = standalone_health,
    .turn = standalone_turn,
    .stop = standalone_stop,
};

struct herder *herder_standalone_new(struct worker *worker, struct fault *fault)
{
    struct standalone *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the herder");
        return NULL;
    }
    *self = (struct standalone){.herder = {.type = &standalone_type, .worker = worker}};
    pthread_mutex_init(&self->mutex, NULL);
    kafka_id_begin(&self->kafka_id, worker_properties(worker));
    return &self->herder;
}
