/*
 * What the logs bring, on their threads. Records that make no sense are left out, whoever wrote
 * them; a topic that was somebody else's before it was ours is refused.
 */
#include "clock.h"
#include "herder_cluster_parts.h"
#include "log.h"

/* A log that has no record of ours yet, but one like this, was never ours. */
static bool refuse_stranger(const struct cluster_record *record, struct fault *fault)
{
    return fault_set(fault, FAULT_CONFIG,
                     "%.*s was not written by this cluster, but perhaps by Kafka Connect: name a "
                     "topic that nobody else uses, or one that is not there yet",
                     STR_ARG(record->key));
}

static bool skip(const struct cluster_record *record, struct fault *fault)
{
    return fault_set(fault, FAULT_RECORD, "the key %.*s is none of ours", STR_ARG(record->key));
}

static bool set(struct cluster *self, struct cluster_map *map, const struct cluster_record *record,
                struct fault *fault)
{
    struct cluster_entry entry = {record->key, record->value, record->offset, record->old};
    bool good = true;
    pthread_mutex_lock(&self->mutex);
    if (record->has_value)
        good = cluster_map_set(map, &entry, fault);
    else
        cluster_map_drop(map, record->key);
    self->versions += map == &self->config;
    pthread_mutex_unlock(&self->mutex);
    return good;
}

/* ---- configurations ---- */

static bool take_mark(struct cluster *self, const struct cluster_record *record,
                      struct fault *fault)
{
    str group;
    if (!record->has_value
        || !cluster_read_mark(record->value, &self->config_scratch, &group, fault))
        return record->has_value ? false : skip(record, fault);
    pthread_mutex_lock(&self->mutex);
    bool ours = str_eq(group, self->settings.group), marked = self->marked;
    self->marked = marked || ours;
    pthread_mutex_unlock(&self->mutex);
    if (ours)
        return true;
    return fault_set(fault, marked ? FAULT_RECORD : FAULT_CONFIG,
                     "the topic belongs to the cluster with group.id=%.*s: name another topic, or "
                     "that group.id",
                     STR_ARG(group));
}

static bool check_config(struct cluster *self, const struct cluster_record *record,
                         enum cluster_kind kind, struct fault *fault)
{
    struct config config;
    enum target_state target;
    if (!record->has_value)
        return true;
    bool good = kind == CLUSTER_CONNECTOR
                    ? cluster_read_connector(record->value, STR_EMPTY, &self->config_scratch,
                                             &config, fault)
                    : cluster_read_target(record->value, &self->config_scratch, &target, fault);
    return good || fault_in(fault, "%.*s", STR_ARG(record->key));
}

/* What was asked for before this worker began has been done by its start. */
static bool take_restart(struct cluster *self, const struct cluster_record *record,
                         const struct cluster_key *key, struct fault *fault)
{
    struct cluster_restart restart;
    if (!record->has_value || record->old)
        return true;
    if (key->kind == CLUSTER_RESTART_TASK) {
        worker_restart_task(self->herder.worker, key->name, key->task);
        return true;
    }
    if (!cluster_read_restart(record->value, &self->config_scratch, &restart, fault))
        return fault_in(fault, "%.*s", STR_ARG(record->key));
    worker_restart(self->herder.worker, key->name, restart.include_tasks, restart.only_failed);
    return true;
}

/* One that is made anew under the name of one that was deleted begins with nothing of it, however
   soon it comes. */
static bool take_connector(struct cluster *self, const struct cluster_record *record,
                           const struct cluster_key *key, struct fault *fault)
{
    if (!record->has_value)
        worker_remove(self->herder.worker, key->name);
    return check_config(self, record, key->kind, fault) && set(self, &self->config, record, fault);
}

/* Like a restart, it counts when it comes: a worker begins with the level of its own properties. */
static bool take_logger(struct cluster *self, const struct cluster_record *record,
                        struct fault *fault)
{
    enum log_level level;
    if (!record->has_value || record->old)
        return true;
    if (!cluster_read_level(record->value, &self->config_scratch, &level, fault))
        return fault_in(fault, "%.*s", STR_ARG(record->key));
    herder_set_level(&self->herder, level);
    return true;
}

/* What only a cluster that the topic belongs to has written. */
static bool take_own(struct cluster *self, const struct cluster_record *record,
                     const struct cluster_key *key, struct fault *fault)
{
    if (!self->marked)
        return refuse_stranger(record, fault);
    if (key->kind == CLUSTER_CONNECTOR)
        return take_connector(self, record, key, fault);
    if (key->kind == CLUSTER_TARGET)
        return check_config(self, record, key->kind, fault)
               && set(self, &self->config, record, fault);
    if (key->kind == CLUSTER_LOGGER)
        return take_logger(self, record, fault);
    if (key->kind != CLUSTER_CONNECTS)
        return take_restart(self, record, key, fault);
    return fault_set(fault, FAULT_RECORD,
                     "the key %.*s is Kafka Connect's: give each a topic of its own",
                     STR_ARG(record->key));
}

bool cluster_take_config(void *context, const struct cluster_record *record, struct fault *fault)
{
    struct cluster *self = context;
    struct cluster_key key = cluster_key_read(record->key);
    arena_reset(&self->config_scratch);
    switch (key.kind) {
    case CLUSTER_MARK:
        return take_mark(self, record, fault);
    case CLUSTER_CONNECTOR:
    case CLUSTER_TARGET:
    case CLUSTER_RESTART:
    case CLUSTER_RESTART_TASK:
    case CLUSTER_LOGGER:
    case CLUSTER_CONNECTS:
        return take_own(self, record, &key, fault);
    case CLUSTER_WORKER:
    case CLUSTER_STATUS_CONNECTOR:
    case CLUSTER_STATUS_TASK:
    case CLUSTER_STATUS_TOPIC:
    case CLUSTER_UNKNOWN:
        break;
    }
    return skip(record, fault);
}

/* ---- statuses ---- */

/* Only workers of this cluster are believed. */
static bool check_group(struct cluster *self, const struct cluster_record *record, str group,
                        struct fault *fault)
{
    if (str_eq(group, self->settings.group)) {
        self->acquainted = true;
        return true;
    }
    if (!self->acquainted && record->old)
        return refuse_stranger(record, fault);
    return fault_set(fault, FAULT_RECORD, "%.*s is a status of another cluster, group.id=%.*s",
                     STR_ARG(record->key), STR_ARG(group));
}

static void say_doubled(struct cluster *self, const struct cluster_worker *other)
{
    if (self->doubled)
        return;
    self->doubled = true;
    log_write(LOG_ERROR,
              "cluster: another worker is called %.*s too, and both would do the same work: give "
              "each a rest.advertised.host.name and rest.advertised.port of its own",
              STR_ARG(other->worker_id));
}

static bool take_worker(struct cluster *self, const struct cluster_record *record, str id,
                        struct fault *fault)
{
    struct cluster_worker worker;
    if (!record->has_value) {
        pthread_mutex_lock(&self->mutex);
        cluster_roll_leave(&self->roll, id);
        pthread_mutex_unlock(&self->mutex);
        return true;
    }
    if (!cluster_read_worker(record->value, &self->status_scratch, &worker, fault))
        return fault_in(fault, "%.*s", STR_ARG(record->key));
    if (!check_group(self, record, worker.group, fault))
        return false;
    if (!str_eq(worker.worker_id, id))
        return fault_set(fault, FAULT_RECORD, "%.*s tells of another worker", STR_ARG(record->key));
    pthread_mutex_lock(&self->mutex);
    bool apart = cluster_roll_hear(&self->roll, id, worker.instance,
                                   record->old ? record->age_ms : 0, clock_steady_ms());
    if (!apart && !record->old)
        say_doubled(self, &worker);
    pthread_mutex_unlock(&self->mutex);
    return true;
}

static bool take_status(struct cluster *self, const struct cluster_record *record,
                        struct fault *fault)
{
    struct cluster_status status;
    if (record->has_value
        && !cluster_read_status(record->value, &self->status_scratch, &status, fault))
        return fault_in(fault, "%.*s", STR_ARG(record->key));
    return (!record->has_value || check_group(self, record, status.worker.group, fault))
           && set(self, &self->status, record, fault);
}

/* Topics are only ever forgotten all at once. */
static bool take_topic(struct cluster *self, const struct cluster_record *record, str connector,
                       struct fault *fault)
{
    if (!record->has_value && !record->old)
        worker_reset_topics(self->herder.worker, connector);
    return set(self, &self->status, record, fault);
}

bool cluster_take_status(void *context, const struct cluster_record *record, struct fault *fault)
{
    struct cluster *self = context;
    struct cluster_key key = cluster_key_read(record->key);
    arena_reset(&self->status_scratch);
    switch (key.kind) {
    case CLUSTER_WORKER:
        return take_worker(self, record, key.name, fault);
    case CLUSTER_STATUS_CONNECTOR:
    case CLUSTER_STATUS_TASK:
        return take_status(self, record, fault);
    case CLUSTER_STATUS_TOPIC:
        return take_topic(self, record, key.name, fault);
    case CLUSTER_MARK:
    case CLUSTER_CONNECTOR:
    case CLUSTER_TARGET:
    case CLUSTER_RESTART:
    case CLUSTER_RESTART_TASK:
    case CLUSTER_LOGGER:
    case CLUSTER_CONNECTS:
    case CLUSTER_UNKNOWN:
        break;
    }
    return skip(record, fault);
}
