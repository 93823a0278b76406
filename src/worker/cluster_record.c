/*
 * Keys and values of the cluster's topics.
 */
#include "cluster_record.h"

#include "json.h"

#define READ_DEPTH 3

/* ---- keys ---- */

static const struct {
    const char *prefix;
    enum cluster_kind kind;
} prefixes[] = {
    {KEY_CONNECTOR, CLUSTER_CONNECTOR},
    {KEY_TARGET, CLUSTER_TARGET},
    {KEY_RESTART, CLUSTER_RESTART},
    {KEY_RESTART_TASK, CLUSTER_RESTART_TASK},
    {KEY_LOGGER, CLUSTER_LOGGER},
    {KEY_WORKER, CLUSTER_WORKER},
    {KEY_STATUS_CONNECTOR, CLUSTER_STATUS_CONNECTOR},
    {KEY_STATUS_TASK, CLUSTER_STATUS_TASK},
    {KEY_STATUS_TOPIC, CLUSTER_STATUS_TOPIC},
    {"task-", CLUSTER_CONNECTS},
    {"commit-", CLUSTER_CONNECTS},
    {"session-key", CLUSTER_CONNECTS},
    {"tasks-fencing-", CLUSTER_CONNECTS},
};

/* "NAME-N": the number as we write it, and no other way. */
static bool split_task(struct cluster_key *key)
{
    str name = key->name;
    size_t at = name.len;
    int64_t task;
    while (at > 0 && name.ptr[at - 1] >= '0' && name.ptr[at - 1] <= '9')
        at--;
    str digits = str_from_at(name, at);
    bool padded = digits.len > 1 && digits.ptr[0] == '0';
    if (at < 2 || name.ptr[at - 1] != '-' || padded || !str_to_int64(digits, &task)
        || task >= TASKS_LIMIT)
        return false;
    key->name = str_head(name, at - 1);
    key->task = (int)task;
    return true;
}

/* A topic's name has no colon. */
static bool split_topic(struct cluster_key *key)
{
    str text = key->name;
    ptrdiff_t at = str_find(text, STR(KEY_TOPIC_CONNECTOR));
    if (at <= 0)
        return false;
    key->topic = str_head(text, (size_t)at);
    key->name = str_from_at(text, (size_t)at + sizeof(KEY_TOPIC_CONNECTOR) - 1);
    return key->name.len > 0;
}

struct cluster_key cluster_key_read(str text)
{
    struct cluster_key key = {.kind = CLUSTER_UNKNOWN};
    bool good = true;
    if (str_is(text, KEY_MARK))
        return (struct cluster_key){.kind = CLUSTER_MARK};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        str prefix = str_from(prefixes[i].prefix);
        if (!str_starts(text, prefix))
            continue;
        key.kind = prefixes[i].kind;
        key.name = str_from_at(text, prefix.len);
        break;
    }
    if (key.kind == CLUSTER_RESTART_TASK || key.kind == CLUSTER_STATUS_TASK)
        good = split_task(&key);
    else if (key.kind == CLUSTER_STATUS_TOPIC)
        good = split_topic(&key);
    else if (key.kind != CLUSTER_CONNECTS)
        good = key.name.len > 0;
    return good ? key : (struct cluster_key){.kind = CLUSTER_UNKNOWN};
}

void cluster_key_task(struct buf *out, const char *kind, str name, int task)
{
    buf_str(out, str_from(kind));
    buf_str(out, name);
    buf_char(out, '-');
    buf_int64(out, task);
}

/* ---- writing ---- */

static void put_member(struct buf *out, const char *before, str value)
{
    buf_str(out, str_from(before));
    buf_json_string(out, value);
}

void cluster_put_mark(struct buf *out, str group)
{
    put_member(out, "{\"version\":1,\"group.id\":", group);
    buf_char(out, '}');
}

void cluster_put_connector(struct buf *out, const struct config *config)
{
    buf_str(out, STR("{\"properties\":{"));
    for (size_t i = 0; i < config->count; i++) {
        if (i > 0)
            buf_char(out, ',');
        buf_json_string(out, config->entry[i].key);
        buf_char(out, ':');
        buf_json_string(out, config->entry[i].value);
    }
    buf_str(out, STR("}}"));
}

/* Kafka Connect before 3.5 knew no STOPPED: it reads `state` alone. */
void cluster_put_target(struct buf *out, enum target_state target)
{
    enum target_state old = target == TARGET_STOPPED ? TARGET_PAUSED : target;
    put_member(out, "{\"state\":", str_from(target_state_name(old)));
    put_member(out, ",\"state.v2\":", str_from(target_state_name(target)));
    buf_char(out, '}');
}

void cluster_put_restart(struct buf *out, const struct cluster_restart *restart)
{
    buf_format(out, "{\"include-tasks\":%s,\"only-failed\":%s}",
               restart->include_tasks ? "true" : "false", restart->only_failed ? "true" : "false");
}

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

void cluster_put_level(struct buf *out, enum log_level level)
{
    put_member(out, "{\"level\":", str_from(level_names[level]));
    buf_char(out, '}');
}

static void put_worker(struct buf *out, const struct cluster_worker *worker)
{
    put_member(out, "\"worker_id\":", worker->worker_id);
    put_member(out, ",\"group.id\":", worker->group);
    put_member(out, ",\"instance\":", worker->instance);
}

void cluster_put_worker(struct buf *out, const struct cluster_worker *worker)
{
    buf_char(out, '{');
    put_worker(out, worker);
    buf_char(out, '}');
}

void cluster_put_status(struct buf *out, const struct cluster_status *status)
{
    put_member(out, "{\"state\":", str_from(run_state_name(status->state)));
    put_member(out, ",\"trace\":", status->trace);
    buf_char(out, ',');
    put_worker(out, &status->worker);
    buf_char(out, '}');
}

void cluster_put_topic(struct buf *out, str topic, str connector)
{
    put_member(out, "{\"topic\":{\"name\":", topic);
    put_member(out, ",\"connector\":", connector);
    buf_str(out, STR("}}"));
}

/* ---- reading ---- */

static bool read_object(str value, struct arena *arena, struct json **root, struct fault *fault)
{
    if (!json_parse(value, READ_DEPTH, (struct json_memory){arena, arena}, root, fault))
        return false;
    return (*root)->kind == JSON_OBJECT
           || fault_set(fault, FAULT_RECORD, "its value is no JSON object");
}

static bool find_name(const char *const *name, size_t count, str text, size_t *found)
{
    for (*found = 0; *found < count; ++*found)
        if (str_is(text, name[*found]))
            return true;
    return false;
}

bool cluster_read_mark(str value, struct arena *arena, str *group, struct fault *fault)
{
    struct json *root;
    if (!read_object(value, arena, &root, fault))
        return false;
    *group = json_string(json_member(root, "group.id"));
    return group->len > 0 || fault_set(fault, FAULT_RECORD, "it names no group.id");
}

/* Kafka Connect's values are texts, or null for a key without one. */
bool cluster_read_connector(str value, str origin, struct arena *arena, struct config *config,
                            struct fault *fault)
{
    struct json *root;
    if (!read_object(value, arena, &root, fault))
        return false;
    const struct json *properties = json_member(root, "properties");
    if (!properties || properties->kind != JSON_OBJECT)
        return fault_set(fault, FAULT_RECORD, "it has no object of properties");
    config_init(config, arena);
    for (const struct json *each = properties->child; each; each = each->next) {
        if (each->kind == JSON_NULL)
            continue;
        if (each->kind == JSON_OBJECT || each->kind == JSON_ARRAY)
            return fault_set(fault, FAULT_RECORD, "the property %.*s is no text",
                             STR_ARG(each->name));
        if (!config_set(config, each->name, each->text, origin, fault))
            return false;
    }
    return true;
}

bool cluster_read_target(str value, struct arena *arena, enum target_state *target,
                         struct fault *fault)
{
    static const char *const names[] = {"STARTED", "PAUSED", "STOPPED"};
    struct json *root;
    size_t found;
    if (!read_object(value, arena, &root, fault))
        return false;
    const struct json *state = json_member(root, "state.v2");
    str text = json_string(state ? state : json_member(root, "state"));
    if (!find_name(names, sizeof(names) / sizeof(names[0]), text, &found))
        return fault_set(fault, FAULT_RECORD, "it has no state.v2 that is known");
    *target = (enum target_state)found;
    return true;
}

static bool is_true(const struct json *object, const char *name)
{
    const struct json *member = json_member(object, name);
    return member && member->kind == JSON_BOOL && str_is(member->text, "true");
}

bool cluster_read_restart(str value, struct arena *arena, struct cluster_restart *restart,
                          struct fault *fault)
{
    struct json *root;
    if (!read_object(value, arena, &root, fault))
        return false;
    restart->include_tasks = is_true(root, "include-tasks");
    restart->only_failed = is_true(root, "only-failed");
    return true;
}

/* log4j has more levels than are ever written here. */
bool cluster_read_level(str value, struct arena *arena, enum log_level *level, struct fault *fault)
{
    struct json *root;
    size_t found;
    if (!read_object(value, arena, &root, fault))
        return false;
    if (!find_name(level_names, sizeof(level_names) / sizeof(level_names[0]),
                   json_string(json_member(root, "level")), &found))
        return fault_set(fault, FAULT_RECORD, "it has no level that is known");
    *level = (enum log_level)found;
    return true;
}

static bool take_worker(const struct json *root, struct cluster_worker *worker, struct fault *fault)
{
    worker->worker_id = json_string(json_member(root, "worker_id"));
    worker->group = json_string(json_member(root, "group.id"));
    worker->instance = json_string(json_member(root, "instance"));
    return worker->worker_id.len > 0 || fault_set(fault, FAULT_RECORD, "it names no worker_id");
}

bool cluster_read_worker(str value, struct arena *arena, struct cluster_worker *worker,
                         struct fault *fault)
{
    struct json *root;
    return read_object(value, arena, &root, fault) && take_worker(root, worker, fault);
}

bool cluster_read_status(str value, struct arena *arena, struct cluster_status *status,
                         struct fault *fault)
{
    static const char *const names[] = {"UNASSIGNED", "RUNNING", "PAUSED",
                                        "STOPPED",    "FAILED",  "RESTARTING"};
    struct json *root;
    size_t found;
    if (!read_object(value, arena, &root, fault) || !take_worker(root, &status->worker, fault))
        return false;
    if (!find_name(names, sizeof(names) / sizeof(names[0]), json_string(json_member(root, "state")),
                   &found))
        return fault_set(fault, FAULT_RECORD, "it has no state that is known");
    status->state = (enum run_state)found;
    status->trace = json_string(json_member(root, "trace"));
    return true;
}
