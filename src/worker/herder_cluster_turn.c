/*
 * A worker's part in the cluster, done by its own thread: it says that it lives, takes over what is
 * configured, works out which tasks are its own, and says how they are.
 *
 * Nothing is placed before our own heartbeat has come back to us, for only then do we know who else
 * lives. What was said is compared with what the topic holds and said again where it did not
 * arrive.
 */
#include <stdlib.h>

#include "clock.h"
#include "herder_cluster_parts.h"
#include "log.h"
#include "placement.h"

#define ROUND_MS 300
#define JOIN_MS 1000
/* What was sent and has not come back is sent again after so long. */
#define AGAIN_MS 3000
#define STATUS_LIMIT ((size_t)16 * 1024)

/* A connector in one round. */
struct wish {
    str name, value; /* value: of one that the worker has not got yet */
    int64_t offset;
    enum target_state target;
    struct worker_connector sight; /* what the worker makes of it */
    bool here[TASKS_LIMIT];
    bool tells; /* its own state is ours to tell */
};

struct round {
    struct wish *wish;
    size_t count;
    str live[CLUSTER_MEMBER_LIMIT]; /* this worker first */
    size_t live_count;
};

/* ---- saying ---- */

/* `value` ptr NULL: the key goes. */
static void say(struct cluster *self, str key, str value)
{
    struct fault ignored;
    int64_t now_ms = clock_steady_ms();
    const struct cluster_entry *before = cluster_map_find(&self->sent, key);
    if (before && str_eq(before->value, value) && now_ms - before->offset < AGAIN_MS)
        return;
    struct cluster_entry entry = {key, value, now_ms, false};
    cluster_log_send(self->statuses, key, value);
    if (!cluster_map_set(&self->sent, &entry, &ignored))
        cluster_map_release(&self->sent);
}

static void beat(struct cluster *self, bool joined, int64_t now_ms)
{
    struct buf key, value;
    int64_t every_ms = joined ? CLUSTER_BEAT_MS : JOIN_MS;
    if (self->last_beat_ms != 0 && now_ms - self->last_beat_ms < every_ms)
        return;
    self->last_beat_ms = now_ms;
    buf_init(&key, STATUS_LIMIT);
    buf_init(&value, STATUS_LIMIT);
    buf_str(&key, STR(KEY_WORKER));
    buf_str(&key, self->self.worker_id);
    cluster_put_worker(&value, &self->self);
    if (!key.failed && !value.failed)
        cluster_log_send(self->statuses, buf_view(&key), buf_view(&value));
    buf_release(&key);
    buf_release(&value);
}

/* ---- what should be ---- */

static int64_t applied_offset(const struct cluster *self, str name)
{
    const struct cluster_entry *entry = cluster_map_find(&self->applied, name);
    return entry ? entry->offset : -1;
}

static bool copy_wish(struct cluster *self, const struct cluster_entry *entry, struct wish *wish)
{
    struct fault ignored;
    struct arena *arena = &self->round;
    str name = str_from_at(entry->key, sizeof(KEY_CONNECTOR) - 1);
    *wish = (struct wish){.offset = entry->offset, .target = TARGET_STARTED};
    if (!arena_copy(arena, name, &wish->name))
        return false;
    str key = arena_format(arena, KEY_TARGET "%.*s", STR_ARG(name));
    const struct cluster_entry *target = key.ptr ? cluster_map_find(&self->config, key) : NULL;
    /* It was read once already, when it was taken. */
    if (target && !cluster_read_target(target->value, arena, &wish->target, &ignored))
        return false;
    return applied_offset(self, name) == entry->offset
           || arena_copy(arena, entry->value, &wish->value);
}

/* A copy of what the cluster wants, and of who lives. */
static bool look(struct cluster *self, struct round *round)
{
    str live[CLUSTER_MEMBER_LIMIT];
    bool good = true;
    pthread_mutex_lock(&self->mutex);
    self->seen_versions = self->versions;
    self->seen_roll = self->roll.changes;
    size_t at = cluster_map_from(&self->config, STR(KEY_CONNECTOR)), last = at;
    while (last < self->config.count
           && str_starts(self->config.entry[last].key, STR(KEY_CONNECTOR)))
        last++;
    round->wish = ARENA_NEW(&self->round, struct wish, last - at + 1);
    good = round->wish != NULL;
    for (; good && at < last; at++)
        good = copy_wish(self, &self->config.entry[at], &round->wish[round->count++]);
    size_t count = cluster_roll_live(&self->roll, live);
    for (size_t i = 0; good && i < count; i++)
        good = arena_copy(&self->round, live[i], &round->live[round->live_count++]);
    pthread_mutex_unlock(&self->mutex);
    return good;
}

static int compare_name(const void *name, const void *wish)
{
    return str_compare(*(const str *)name, ((const struct wish *)wish)->name);
}

/* Wishes are in the order of their names, as the map has them. */
static const struct wish *find_wish(const struct round *round, str name)
{
    return bsearch(&name, round->wish, round->count, sizeof(*round->wish), compare_name);
}

/* Nothing that was given to the worker stays unless it is wanted. */
static void remove_unwanted(struct cluster *self, const struct round *round)
{
    for (size_t i = self->applied.count; i-- > 0;) {
        str name = self->applied.entry[i].key;
        if (find_wish(round, name))
            continue;
        worker_remove(self->herder.worker, name);
        log_write(LOG_INFO, "cluster: %.*s was deleted", STR_ARG(name));
        cluster_map_drop(&self->applied, name);
    }
}

/* What the worker cannot take it is not offered again and again. */
static void apply(struct cluster *self, const struct wish *wish)
{
    struct config config;
    struct fault fault = {0};
    struct cluster_entry entry = {wish->name, STR_EMPTY, wish->offset, false};
    if (!wish->value.ptr) {
        worker_set_target(self->herder.worker, wish->name, wish->target);
        return;
    }
    bool new = applied_offset(self, wish->name) < 0;
    if (!cluster_map_set(&self->applied, &entry, &fault)
        || !cluster_read_connector(wish->value, wish->name, &self->round, &config, &fault)
        || !worker_put(self->herder.worker, wish->name, &config, wish->target, &fault))
        log_write(LOG_ERROR, "cluster: %.*s: %s", STR_ARG(wish->name), fault.text);
    else
        log_write(LOG_INFO, "cluster: %.*s was %s", STR_ARG(wish->name),
                  new ? "taken over" : "changed");
    worker_set_target(self->herder.worker, wish->name, wish->target);
}

static bool is_mine(const struct round *round, str connector, int task)
{
    return placement_of(round->live, round->live_count, connector, task) == 0;
}

static bool place(struct cluster *self, const struct round *round, struct wish *wish)
{
    struct fault fault;
    struct worker *worker = self->herder.worker;
    if (!worker_get(worker, wish->name, &self->round, &wish->sight, &fault))
        return false;
    for (int i = 0; i < (int)wish->sight.tasks_max; i++)
        wish->here[i] = is_mine(round, wish->name, i);
    wish->tells = is_mine(round, wish->name, PLACEMENT_CONNECTOR);
    worker_place(worker, wish->name, wish->here, (size_t)wish->sight.tasks_max);
    /* Once more: now it is told of the tasks that are here. */
    return worker_get(worker, wish->name, &self->round, &wish->sight, &fault);
}

/* ---- what is ---- */

/* Says it where the topic holds something else. */
static void tell(struct cluster *self, str key, str value)
{
    pthread_mutex_lock(&self->mutex);
    const struct cluster_entry *entry = cluster_map_find(&self->status, key);
    bool known = entry && str_eq(entry->value, value);
    pthread_mutex_unlock(&self->mutex);
    if (!known)
        say(self, key, value);
}

static void tell_state(struct cluster *self, str key, enum run_state state, str trace)
{
    struct buf value;
    struct cluster_status status = {state, trace, self->self};
    buf_init(&value, STATUS_LIMIT);
    cluster_put_status(&value, &status);
    if (key.ptr && !value.failed)
        tell(self, key, buf_view(&value));
    buf_release(&value);
}

static void tell_topics(struct cluster *self, const struct wish *wish)
{
    for (size_t i = 0; i < wish->sight.topics.count; i++) {
        str topic = wish->sight.topics.item[i];
        struct buf value;
        str key = arena_format(&self->round, KEY_STATUS_TOPIC "%.*s" KEY_TOPIC_CONNECTOR "%.*s",
                               STR_ARG(topic), STR_ARG(wish->name));
        buf_init(&value, STATUS_LIMIT);
        cluster_put_topic(&value, topic, wish->name);
        if (key.ptr && !value.failed)
            tell(self, key, buf_view(&value));
        buf_release(&value);
    }
}

static void report(struct cluster *self, const struct wish *wish)
{
    struct arena *arena = &self->round;
    if (wish->tells)
        tell_state(self, arena_format(arena, KEY_STATUS_CONNECTOR "%.*s", STR_ARG(wish->name)),
                   wish->sight.state, wish->sight.trace);
    for (size_t i = 0; i < wish->sight.task_count; i++) {
        const struct worker_task *task = &wish->sight.task[i];
        if (wish->here[task->id])
            tell_state(
                self, arena_format(arena, KEY_STATUS_TASK "%.*s-%d", STR_ARG(wish->name), task->id),
                task->state, task->trace);
    }
    tell_topics(self, wish);
}

/* ---- what is no more ---- */

static bool runs_here(const struct wish *wish, int task)
{
    for (size_t i = 0; i < wish->sight.task_count; i++)
        if (wish->sight.task[i].id == task)
            return true;
    return false;
}

/* Whether this status is over, and ours to bury: its writer does it, or, when that is dead, who
   tells of the connector. */
static bool is_to_bury(struct cluster *self, const struct round *round,
                       const struct cluster_entry *entry)
{
    struct cluster_status status;
    struct fault ignored;
    struct cluster_key key = cluster_key_read(entry->key);
    const struct wish *wish = find_wish(round, key.name);
    bool heir = is_mine(round, key.name, PLACEMENT_CONNECTOR);
    if (key.kind != CLUSTER_STATUS_TASK)
        return !wish && heir;
    if (wish && wish->target != TARGET_STOPPED && key.task < wish->sight.tasks_max)
        return false;
    if (!cluster_read_status(entry->value, &self->round, &status, &ignored))
        return heir;
    if (str_eq(status.worker.worker_id, self->self.worker_id))
        return !wish || !runs_here(wish, key.task);
    return heir
           && !cluster_roll_lives(&self->roll, status.worker.worker_id, status.worker.instance);
}

static void bury(struct cluster *self, const struct round *round)
{
    struct str_list keys = {NULL, 0};
    pthread_mutex_lock(&self->mutex);
    keys.item = ARENA_NEW(&self->round, str, self->status.count + 1);
    for (size_t i = 0; keys.item && i < self->status.count; i++)
        if (is_to_bury(self, round, &self->status.entry[i])
            && arena_copy(&self->round, self->status.entry[i].key, &keys.item[keys.count]))
            keys.count++;
    pthread_mutex_unlock(&self->mutex);
    for (size_t i = 0; i < keys.count; i++)
        say(self, keys.item[i], STR_EMPTY);
}

/* ---- a round ---- */

static void do_round(struct cluster *self)
{
    struct round round = {.count = 0};
    arena_reset(&self->round);
    if (!look(self, &round)) {
        log_write(LOG_ERROR, "cluster: not enough memory for a round");
        return;
    }
    remove_unwanted(self, &round);
    for (size_t i = 0; i < round.count; i++)
        apply(self, &round.wish[i]);
    for (size_t i = 0; i < round.count; i++)
        if (place(self, &round, &round.wish[i]))
            report(self, &round.wish[i]);
    bury(self, &round);
}

static bool is_ready(struct cluster *self)
{
    struct fault ignored;
    return cluster_log_state(self->configs, &ignored) == CLUSTER_LOG_READY
           && cluster_log_state(self->statuses, &ignored) == CLUSTER_LOG_READY;
}

void cluster_turn(struct herder *herder)
{
    struct cluster *self = (struct cluster *)herder;
    int64_t now_ms = clock_steady_ms();
    if (!is_ready(self))
        return;
    pthread_mutex_lock(&self->mutex);
    bool joined = self->roll.joined;
    bool changed = self->versions != self->seen_versions || self->roll.changes != self->seen_roll;
    pthread_mutex_unlock(&self->mutex);
    beat(self, joined, now_ms);
    if (!joined || (!changed && now_ms < self->next_round_ms))
        return;
    self->next_round_ms = now_ms + ROUND_MS;
    do_round(self);
}
