/*
 * The cluster's herder: its making and end, and what concerns more than one topic.
 */
#include "herder_cluster.h"

#include <stdio.h>
#include <sys/random.h>

#include "clock.h"
#include "herder_cluster_parts.h"
#include "log.h"
#include "mem.h"

#define OFFERS_LIMIT ((size_t)64 * 1024 * 1024)
#define CATCH_UP_MS 10000
#define LEAVE_MS 3000
#define OFFER_AGAIN_MS 1000
#define SLICE_MS 100

static struct cluster *self_of(struct herder *herder)
{
    return (struct cluster *)herder;
}

/* ---- offsets and topics ---- */

static bool cluster_get_offsets(struct herder *herder, str name, struct herder_offsets *offsets,
                                struct herder_answer *answer)
{
    struct cluster_sight sight;
    return cluster_find(self_of(herder), name, &sight, answer)
           && herder_read_offsets(worker_properties(herder->worker), &sight.config, offsets,
                                  answer);
}

/* Whatever any worker has said or asked for by now is known then. */
static bool catch_up(struct cluster *self, struct herder_answer *answer)
{
    struct fault fault;
    int64_t deadline_ms = clock_steady_ms() + CATCH_UP_MS;
    return (cluster_log_catch_up(self->configs, deadline_ms, &fault)
            && cluster_log_catch_up(self->statuses, deadline_ms, &fault))
           || herder_refuse(answer, HERDER_FAILED, "%s", fault.text);
}

/* A worker may have a task that it has not told of yet: the consumer group tells (offsets.h), and a
   task that nobody sees is fenced off by the raised epoch. */
static bool cluster_move_offsets(struct herder *herder, str name,
                                 const struct herder_offsets *offsets, struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    struct cluster_sight sight;
    str worker;
    if (!catch_up(self, answer) || !cluster_find(self, name, &sight, answer))
        return false;
    int task = cluster_task_alive(self, name, answer->arena, &worker);
    if (sight.target != TARGET_STOPPED)
        return herder_refuse(answer, HERDER_BAD_REQUEST,
                             "Connectors must be in the STOPPED state before their offsets can be "
                             "modified. This can be done for the specified connector by issuing a "
                             "'PUT' request to the '/connectors/%.*s/stop' endpoint",
                             STR_ARG(name));
    if (task >= 0)
        return herder_refuse(answer, HERDER_BAD_REQUEST,
                             "Connectors must be in the STOPPED state before their offsets can be "
                             "modified: task %d of %.*s still ends on worker %.*s",
                             task, STR_ARG(name), STR_ARG(worker));
    return herder_move_offsets(worker_properties(herder->worker), &sight.config, offsets, answer);
}

/* Every worker forgets what it reads the end of. */
bool cluster_forget(struct cluster *self, const struct str_list *keys, struct herder_answer *answer)
{
    if (keys->count == 0)
        return true;
    pthread_mutex_lock(&self->sending);
    for (size_t i = 0; i < keys->count; i++)
        cluster_log_send(self->statuses, keys->item[i], STR_EMPTY);
    cluster_log_flush(self->statuses, clock_steady_ms() + LEAVE_MS);
    pthread_mutex_unlock(&self->sending);
    return catch_up(self, answer);
}

static bool cluster_reset_topics(struct herder *herder, str name, struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    struct cluster_sight sight;
    struct str_list keys;
    if (!cluster_find(self, name, &sight, answer)
        || !cluster_status_keys(self, name, true, &keys, answer))
        return false;
    worker_reset_topics(herder->worker, name);
    return cluster_forget(self, &keys, answer);
}

/* ---- health ---- */

static bool has_joined(struct cluster *self)
{
    pthread_mutex_lock(&self->mutex);
    bool joined = self->roll.joined;
    pthread_mutex_unlock(&self->mutex);
    return joined;
}

static str cluster_id(struct herder *herder, struct arena *arena)
{
    return cluster_log_cluster_id(self_of(herder)->configs, arena);
}

static void cluster_health(struct herder *herder, bool *live, bool *ready,
                           struct herder_answer *answer)
{
    struct cluster *self = self_of(herder);
    *live = worker_turned_within(herder->worker, WORKER_LIVE_MS);
    *ready = *live && cluster_check_ready(self, answer);
    if (*ready && !has_joined(self))
        *ready = herder_refuse(answer, HERDER_FAILED,
                               "the worker is not ready: it waits to be heard by the cluster");
}

bool herder_cluster_refused(struct herder *herder, struct fault *fault)
{
    struct cluster *self = self_of(herder);
    return !has_joined(self)
           && (cluster_log_state(self->configs, fault) == CLUSTER_LOG_REFUSED
               || cluster_log_state(self->statuses, fault) == CLUSTER_LOG_REFUSED);
}

/* ---- connectors that the worker was started with ---- */

static void pause_offers(struct cluster *self)
{
    int64_t until = clock_steady_ms() + OFFER_AGAIN_MS;
    while (!self->stop && clock_steady_ms() < until)
        clock_wait(-1, 0, SLICE_MS);
}

/* False where it is to be tried again. */
static bool make_offer(struct cluster *self, const struct offer *offer)
{
    struct arena arena;
    struct herder_info info;
    bool created;
    arena_init(&arena, OFFERS_LIMIT);
    struct herder_answer answer = {.arena = &arena};
    str name = config_find(&offer->config, STR("name"))->value;
    struct herder_put put = {.name = name, .config = &offer->config, .create = true};
    bool done = cluster_do_put(&self->herder, &put, &info, &created, &answer), there = false;
    if (!done && answer.error == HERDER_CONFLICT) {
        answer.error = HERDER_OK;
        there = cluster_info(&self->herder, name, &info, &answer);
        if (there)
            log_write(LOG_INFO,
                      "cluster: there is a connector %.*s already, and it stays as it is: the file "
                      "is not used",
                      STR_ARG(name));
    } else if (!done && answer.error == HERDER_BAD_REQUEST) {
        there = true;
        log_write(LOG_ERROR, "cluster: %.*s: %.*s", STR_ARG(name), STR_ARG(answer.message));
    }
    arena_release(&arena);
    return done || there;
}

static void *make_offers(void *context)
{
    struct cluster *self = context;
    const struct offer *offer = self->offer;
    while (offer && !self->stop)
        if (make_offer(self, offer))
            offer = offer->next;
        else
            pause_offers(self);
    return NULL;
}

bool herder_cluster_offer(struct herder *herder, const struct config *config, struct fault *fault)
{
    struct cluster *self = self_of(herder);
    struct offer *offer = ARENA_NEW(&self->arena, struct offer, 1);
    if (!offer)
        return fault_memory(fault, "a connector's configuration");
    config_init(&offer->config, &self->arena);
    if (!config_add(&offer->config, config, fault))
        return false;
    *self->last_offer = offer;
    self->last_offer = &offer->next;
    return true;
}

/* ---- beginning and end ---- */

static void first_turn(struct cluster *self)
{
    self->offers = self->offer && pthread_create(&self->offering, NULL, make_offers, self) == 0;
    self->turned = true;
}

static void turn(struct herder *herder)
{
    struct cluster *self = self_of(herder);
    if (!self->turned)
        first_turn(self);
    pthread_mutex_lock(&self->sending);
    cluster_turn(herder);
    pthread_mutex_unlock(&self->sending);
}

/* Others take over at once. */
static void leave(struct cluster *self)
{
    struct buf key;
    buf_init(&key, CLUSTER_KEY_LIMIT);
    buf_str(&key, STR(KEY_WORKER));
    buf_str(&key, self->self.worker_id);
    if (has_joined(self) && !key.failed) {
        cluster_log_send(self->statuses, buf_view(&key), STR_EMPTY);
        cluster_log_flush(self->statuses, clock_steady_ms() + LEAVE_MS);
    }
    buf_release(&key);
}

static void stop(struct herder *herder)
{
    struct cluster *self = self_of(herder);
    self->stop = true;
    if (self->configs)
        cluster_log_stop(self->configs);
    if (self->offers)
        pthread_join(self->offering, NULL);
    if (self->statuses)
        leave(self);
    cluster_log_close(self->configs);
    cluster_log_close(self->statuses);
    cluster_map_release(&self->config);
    cluster_map_release(&self->status);
    cluster_map_release(&self->applied);
    cluster_map_release(&self->sent);
    arena_release(&self->config_scratch);
    arena_release(&self->status_scratch);
    arena_release(&self->round);
    arena_release(&self->arena);
    pthread_mutex_destroy(&self->sending);
    pthread_mutex_destroy(&self->mutex);
    mem_free(self);
}

static const struct herder_type cluster_type = {
    .name = "cluster",
    .list = cluster_list,
    .info = cluster_info,
    .status = cluster_status,
    .put = cluster_do_put,
    .patch = cluster_do_patch,
    .remove = cluster_do_remove,
    .set_target = cluster_do_set_target,
    .restart = cluster_do_restart,
    .restart_task = cluster_do_restart_task,
    .get_offsets = cluster_get_offsets,
    .move_offsets = cluster_move_offsets,
    .topics = cluster_topics,
    .reset_topics = cluster_reset_topics,
    .set_level = cluster_do_set_level,
    .workers = cluster_workers,
    .cluster_id = cluster_id,
    .health = cluster_health,
    .turn = turn,
    .stop = stop,
};

static bool open_logs(struct cluster *self, struct fault *fault)
{
    const struct cluster_settings *settings = &self->settings;
    const struct config *properties = worker_properties(self->herder.worker);
    str id = arena_format(&self->arena, "%.*s-config", STR_ARG(settings->group));
    if (!id.ptr)
        return fault_memory(fault, "the cluster");
    struct cluster_log_options options = {.config = properties,
                                          .key = "config.storage.topic",
                                          .topic = settings->config_topic,
                                          .replication_factor = settings->config_replication,
                                          .single = true,
                                          .transactional_id = id,
                                          .take = cluster_take_config,
                                          .context = self};
    if (!(self->configs = cluster_log_open(&options, fault)))
        return false;
    options.key = "status.storage.topic";
    options.topic = settings->status_topic;
    options.replication_factor = settings->status_replication;
    options.single = false;
    options.transactional_id = STR_EMPTY;
    options.take = cluster_take_status;
    return (self->statuses = cluster_log_open(&options, fault)) != NULL;
}

static bool introduce(struct cluster *self, struct fault *fault)
{
    uint64_t noise;
    if (getrandom(&noise, sizeof(noise), 0) != sizeof(noise))
        return fault_set(fault, FAULT_FATAL, "the system gives no random bytes");
    snprintf(self->instance, sizeof(self->instance), "%016llx", (unsigned long long)noise);
    self->self = (struct cluster_worker){worker_id(self->herder.worker), self->settings.group,
                                         str_from(self->instance)};
    return cluster_roll_init(&self->roll, self->self.worker_id, self->self.instance)
           || fault_set(fault, FAULT_CONFIG, "the worker's name has more than %d bytes",
                        CLUSTER_ID_LIMIT - 1);
}

struct herder *herder_cluster_new(struct worker *worker, const struct cluster_settings *settings,
                                  struct fault *fault)
{
    struct cluster *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the cluster");
        return NULL;
    }
    *self = (struct cluster){.herder = {.type = &cluster_type, .worker = worker, .lasting = true},
                             .settings = *settings};
    self->last_offer = &self->offer;
    arena_init(&self->arena, OFFERS_LIMIT);
    arena_init(&self->config_scratch, CLUSTER_SCRATCH_LIMIT);
    arena_init(&self->status_scratch, CLUSTER_SCRATCH_LIMIT);
    arena_init(&self->round, CLUSTER_SCRATCH_LIMIT);
    pthread_mutex_init(&self->mutex, NULL);
    pthread_mutex_init(&self->sending, NULL);
    if (introduce(self, fault) && open_logs(self, fault))
        return &self->herder;
    stop(&self->herder);
    return NULL;
}
