/*
 * Requests that change something: what is to be written is decided with everything in the topic
 * known, and answered once it was read back (cluster_log_write).
 */
#include "clock.h"
#include "herder_cluster_parts.h"

#define WRITE_MS 60000

/* What is asked for, and what becomes of it. */
struct asked {
    struct cluster *self;
    struct herder_answer *answer;
    str name;
    const struct herder_put *put;
    const struct config *patch;
    const struct herder_restart *restart;
    enum target_state target;
    enum log_level level;
    int64_t task;
    struct cluster_sight sight; /* before it, and of put and patch after it */
    bool there;
};

static void put_target(struct cluster_batch *batch, str name, enum target_state target)
{
    cluster_put_target(cluster_batch_put(batch, KEY_TARGET, name), target);
}

/* Whoever writes first says whose the topic is. */
static void put_mark(struct cluster *self, struct cluster_batch *batch)
{
    pthread_mutex_lock(&self->mutex);
    bool marked = self->marked;
    pthread_mutex_unlock(&self->mutex);
    if (!marked)
        cluster_put_mark(cluster_batch_put(batch, KEY_MARK, STR_EMPTY), self->settings.group);
}

/* Looks the connector up; false where that failed. An attempt before this one may have answered. */
static bool see(struct asked *asked)
{
    asked->answer->error = HERDER_OK;
    asked->there = cluster_see(asked->self, asked->name, &asked->sight, asked->answer);
    return asked->there || asked->answer->error == HERDER_OK;
}

static bool must_see(struct asked *asked)
{
    return see(asked) && (asked->there || herder_no_connector(asked->answer, asked->name));
}

static bool perform(struct asked *asked, cluster_decide *decide)
{
    struct fault fault = {0};
    struct herder_answer *answer = asked->answer;
    if (!cluster_check_ready(asked->self, answer))
        return false;
    switch (cluster_log_write(asked->self->configs, decide, asked, clock_steady_ms() + WRITE_MS,
                              &fault)) {
    case CLUSTER_WRITTEN:
        return true;
    case CLUSTER_DENIED:
        return answer->error != HERDER_OK ? false : herder_fail(answer, &fault);
    case CLUSTER_LATE:
        break;
    }
    /* What a person must mend is no conflict. */
    return herder_refuse(answer, fault.kind == FAULT_CONFIG ? HERDER_FAILED : HERDER_CONFLICT,
                         "the change could not be written: %s", fault.text);
}

/* ---- configurations ---- */

static bool write_config(struct asked *asked, const struct config *given, enum target_state initial,
                         struct cluster_batch *batch)
{
    struct config config;
    if (!herder_prepare(worker_properties(asked->self->herder.worker), asked->name, given,
                        asked->there ? &asked->sight.config : NULL, &config, asked->answer))
        return false;
    put_mark(asked->self, batch);
    cluster_put_connector(cluster_batch_put(batch, KEY_CONNECTOR, asked->name), &config);
    if (!asked->there) {
        put_target(batch, asked->name, initial);
        asked->sight.target = initial;
    }
    asked->sight.config = config;
    return true;
}

static bool decide_put(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    (void)fault;
    if (!see(asked))
        return false;
    if (asked->there && asked->put->create)
        return herder_refuse(asked->answer, HERDER_CONFLICT, "Connector %.*s already exists",
                             STR_ARG(asked->name));
    if (!asked->there && asked->name.len > CLUSTER_NAME_LIMIT)
        return herder_refuse(asked->answer, HERDER_BAD_REQUEST,
                             "in a cluster a connector's name has %d bytes at the most",
                             CLUSTER_NAME_LIMIT);
    return write_config(asked, asked->put->config, asked->put->initial, batch);
}

static bool decide_patch(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    struct config merged;
    (void)fault;
    return must_see(asked)
           && herder_merge(&asked->sight.config, asked->patch, &merged, asked->answer)
           && write_config(asked, &merged, TARGET_STARTED, batch);
}

static bool store(struct asked *asked, cluster_decide *decide, struct herder_info *info)
{
    struct cluster_sight now;
    if (!perform(asked, decide))
        return false;
    /* It was read back; somebody may have changed it since, but not the number of what we gave. */
    if (cluster_see(asked->self, asked->name, &now, asked->answer))
        asked->sight.tasks_max = now.tasks_max;
    asked->answer->error = HERDER_OK;
    cluster_describe(asked->name, &asked->sight, info);
    return true;
}

bool cluster_do_put(struct herder *herder, const struct herder_put *put, struct herder_info *info,
                    bool *created, struct herder_answer *answer)
{
    struct asked asked = {
        .self = (struct cluster *)herder, .answer = answer, .name = put->name, .put = put};
    bool good = store(&asked, decide_put, info);
    *created = !asked.there;
    return good;
}

bool cluster_do_patch(struct herder *herder, str name, const struct config *patch,
                      struct herder_info *info, struct herder_answer *answer)
{
    struct asked asked = {
        .self = (struct cluster *)herder, .answer = answer, .name = name, .patch = patch};
    return store(&asked, decide_patch, info);
}

static bool decide_remove(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    (void)fault;
    if (!must_see(asked))
        return false;
    cluster_batch_bury(batch, KEY_CONNECTOR, asked->name);
    cluster_batch_bury(batch, KEY_TARGET, asked->name);
    return true;
}

bool cluster_do_remove(struct herder *herder, str name, struct herder_answer *answer)
{
    struct cluster *self = (struct cluster *)herder;
    struct asked asked = {.self = self, .answer = answer, .name = name};
    struct str_list keys;
    if (!perform(&asked, decide_remove))
        return false;
    /* It is deleted; where this fails, its workers bury what they said of it. */
    if (!cluster_status_keys(self, name, false, &keys, answer)
        || !cluster_forget(self, &keys, answer))
        answer->error = HERDER_OK;
    return true;
}

/* ---- states ---- */

static bool decide_target(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    (void)fault;
    if (!must_see(asked))
        return false;
    if (asked->sight.target != asked->target)
        put_target(batch, asked->name, asked->target);
    return true;
}

bool cluster_do_set_target(struct herder *herder, str name, enum target_state target,
                           struct herder_answer *answer)
{
    struct asked asked = {
        .self = (struct cluster *)herder, .answer = answer, .name = name, .target = target};
    return perform(&asked, decide_target);
}

static bool decide_restart(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    const struct cluster_restart restart = {asked->restart->include_tasks,
                                            asked->restart->only_failed};
    (void)fault;
    if (!must_see(asked))
        return false;
    cluster_put_restart(cluster_batch_put(batch, KEY_RESTART, asked->name), &restart);
    return true;
}

/* Workers take it up within a fetch; the answer says what they are about to do. */
static void expect_restart(const struct herder_restart *restart, struct herder_status *status)
{
    struct herder_state *own = &status->connector;
    if (!restart->only_failed || own->state == RUN_FAILED)
        *own = (struct herder_state){own->id, RUN_RESTARTING, own->worker_id, STR_EMPTY};
    for (size_t i = 0; restart->include_tasks && i < status->task_count; i++) {
        struct herder_state *task = &status->task[i];
        if (!restart->only_failed || task->state == RUN_FAILED)
            *task = (struct herder_state){task->id, RUN_RESTARTING, task->worker_id, STR_EMPTY};
    }
}

bool cluster_do_restart(struct herder *herder, const struct herder_restart *restart,
                        struct herder_status *status, struct herder_answer *answer)
{
    struct asked asked = {.self = (struct cluster *)herder,
                          .answer = answer,
                          .name = restart->name,
                          .restart = restart};
    if (!cluster_status(herder, restart->name, status, answer) || !perform(&asked, decide_restart))
        return false;
    expect_restart(restart, status);
    return true;
}

static bool decide_restart_task(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    (void)fault;
    if (!must_see(asked))
        return false;
    if (asked->task < 0 || asked->task >= asked->sight.tasks_max
        || asked->sight.target == TARGET_STOPPED)
        return herder_refuse(asked->answer, HERDER_NOT_FOUND, "Unknown task: %.*s-%lld",
                             STR_ARG(asked->name), (long long)asked->task);
    str name = arena_format(asked->answer->arena, "%.*s-%lld", STR_ARG(asked->name),
                            (long long)asked->task);
    buf_str(cluster_batch_put(batch, KEY_RESTART_TASK, name), STR("{}"));
    return true;
}

static bool decide_level(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct asked *asked = context;
    (void)fault;
    put_mark(asked->self, batch);
    cluster_put_level(cluster_batch_put(batch, KEY_LOGGER, asked->name), asked->level);
    return true;
}

bool cluster_do_set_level(struct herder *herder, str logger, enum log_level level,
                          struct herder_answer *answer)
{
    struct asked asked = {
        .self = (struct cluster *)herder, .answer = answer, .name = logger, .level = level};
    return perform(&asked, decide_level);
}

bool cluster_do_restart_task(struct herder *herder, str name, int64_t id,
                             struct herder_answer *answer)
{
    struct asked asked = {
        .self = (struct cluster *)herder, .answer = answer, .name = name, .task = id};
    return perform(&asked, decide_restart_task);
}
