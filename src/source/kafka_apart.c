/*
 * A consumer outside its group. Calls block for as long as their caller says: nobody waits for
 * this client's heartbeats.
 */
#include "kafka_apart.h"

#include <regex.h>
#include <stdio.h>

#include "clock.h"
#include "kafka_errors.h"
#include "kafka_lanes.h"

#define GROUP_SETTING "group.id"
#define TOPIC_NAME_SIZE 512
#define ASK_PIECE_MS 1000
#define TROUBLE_WAIT_MS 2500 /* for a broker that is only just starting */
#define SERVE_CALLS 20       /* one call may serve one callback only */

struct source *kafka_apart_new(const struct config *config, struct fault *fault)
{
    return kafka_make(config, -1, fault);
}

/* Lets callbacks say what they know. */
static void serve(struct kafka *self)
{
    for (int i = 0; i < SERVE_CALLS; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(self->client, 0);
        if (message)
            rd_kafka_message_destroy(message);
    }
}

/* The call failed: with what a person should know, if a connection has told. */
static bool apart_fault(struct kafka *self, rd_kafka_resp_err_t error, const char *what,
                        struct fault *fault)
{
    serve(self);
    if (self->failure.kind != FAULT_NONE) {
        *fault = self->failure;
        return false;
    }
    kafka_fault(fault, error, what);
    if (self->trouble[0] && kafka_error_kind(error) != FAULT_CONFIG)
        fault_set(fault, FAULT_RETRY, "kafka: %s: %s", what, self->trouble);
    return false;
}

/* ---- topics ---- */

static bool text_of(struct kafka *self, const char *text, str *copy, struct fault *fault)
{
    return arena_copy(&self->arena, str_from(text), copy) || fault_memory(fault, "a topic");
}

static bool add_lanes(struct kafka *self, const struct rd_kafka_metadata_topic *topic,
                      struct fault *fault)
{
    for (int i = 0; i < topic->partition_cnt; i++) {
        struct lane *lane = kafka_lane(self, topic->topic, topic->partitions[i].id);
        if (!lane)
            return fault_memory(fault, "partitions");
        lane->incoming = true;
    }
    return true;
}

/* What the cluster answered of one topic. */
static bool take_topic(struct kafka *self, const struct rd_kafka_metadata_topic *found,
                       struct kafka_topics *topics, struct fault *fault)
{
    struct kafka_topic *topic = &topics->item[topics->count++];
    *topic = (struct kafka_topic){.partition_count = found->partition_cnt};
    topic->missing = found->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                     || found->err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (found->err)
        topic->refusal = str_from(rd_kafka_err2str(found->err));
    return text_of(self, found->topic, &topic->name, fault) && add_lanes(self, found, fault);
}

/* So many edits lead from one name to the other; at most `limit` is told apart. */
static size_t distance(str a, str b)
{
    size_t row[TOPIC_NAME_SIZE], before, diagonal;
    if (a.len >= TOPIC_NAME_SIZE || b.len >= TOPIC_NAME_SIZE)
        return TOPIC_NAME_SIZE;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            before = row[j];
            size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            row[j] = least + 1 < change ? least + 1 : change;
            diagonal = before;
        }
    }
    return row[b.len];
}

static bool find_like(struct kafka *self, const struct rd_kafka_metadata *all,
                      struct kafka_topic *topic, struct fault *fault)
{
    size_t least = topic->name.len / 2 + 1;
    for (int i = 0; i < all->topic_cnt; i++) {
        size_t edits = distance(topic->name, str_from(all->topics[i].topic));
        if (edits >= least)
            continue;
        least = edits;
        if (!text_of(self, all->topics[i].topic, &topic->like, fault))
            return false;
    }
    return true;
}

static bool ask(struct kafka *self, const char *topic, const struct rd_kafka_metadata **metadata,
                int timeout_ms, struct fault *fault)
{
    int64_t began = clock_steady_ms(), waited = 0;
    rd_kafka_topic_t *handle = topic ? rd_kafka_topic_new(self->client, topic, NULL) : NULL;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    /* The call would wait on also where every connection was refused: it is made in pieces. */
    while (error && waited < timeout_ms && !(self->trouble[0] && waited > TROUBLE_WAIT_MS)) {
        error = rd_kafka_metadata(self->client, topic == NULL, handle, metadata, ASK_PIECE_MS);
        waited = clock_steady_ms() - began;
        if (error)
            serve(self);
        if (self->failure.kind != FAULT_NONE)
            break;
    }
    if (handle)
        rd_kafka_topic_destroy(handle);
    return !error || apart_fault(self, error, "asking for topics", fault);
}

/* Topics by name are asked for one by one: who may not list all may still read these. */
static bool named_topics(struct kafka *self, const struct rd_kafka_metadata *all,
                         struct kafka_topics *topics, int timeout_ms, struct fault *fault)
{
    bool good = true;
    for (size_t i = 0; good && i < self->topics.count; i++) {
        const struct rd_kafka_metadata *one;
        char name[TOPIC_NAME_SIZE];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(self->topics.item[i]));
        if (!ask(self, name, &one, timeout_ms, fault))
            return false;
        good = one->topic_cnt < 1 || take_topic(self, &one->topics[0], topics, fault);
        rd_kafka_metadata_destroy(one);
        struct kafka_topic *last = topics->count ? &topics->item[topics->count - 1] : NULL;
        if (good && last && last->missing)
            good = find_like(self, all, last, fault);
    }
    return good;
}

/* As librdkafka matches a subscription: POSIX extended, the whole name. */
static bool matching_topics(struct kafka *self, const struct rd_kafka_metadata *all,
                            struct kafka_topics *topics, struct fault *fault)
{
    regex_t regex;
    bool good = true;
    str whole = arena_format(&self->arena, "^(%.*s)$", STR_ARG(self->regex));
    if (!whole.ptr)
        return fault_memory(fault, "topics.regex");
    if (regcomp(&regex, whole.ptr, REG_EXTENDED | REG_NOSUB) != 0)
        return fault_set(fault, FAULT_CONFIG, "topics.regex=%.*s: no regular expression",
                         STR_ARG(self->regex));
    for (int i = 0; good && i < all->topic_cnt; i++)
        if (regexec(&regex, all->topics[i].topic, 0, NULL, 0) == 0)
            good = take_topic(self, &all->topics[i], topics, fault);
    regfree(&regex);
    return good;
}

bool kafka_apart_topics(struct source *source, struct kafka_topics *topics, int timeout_ms,
                        struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    const struct rd_kafka_metadata *all;
    *topics = (struct kafka_topics){0};
    if (!ask(self, NULL, &all, timeout_ms, fault))
        return false;
    topics->broker_count = all->broker_cnt;
    size_t limit = self->regex.len > 0 ? (size_t)all->topic_cnt : self->topics.count;
    topics->item = ARENA_NEW(&self->arena, struct kafka_topic, limit);
    bool good = topics->item || fault_memory(fault, "topics");
    if (good)
        good = self->regex.len > 0 ? matching_topics(self, all, topics, fault)
                                   : named_topics(self, all, topics, timeout_ms, fault);
    rd_kafka_metadata_destroy(all);
    return good;
}

bool kafka_apart_has_topic(struct source *source, str name, bool *has, int timeout_ms,
                           struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    const struct rd_kafka_metadata *one;
    char topic[TOPIC_NAME_SIZE];
    snprintf(topic, sizeof(topic), "%.*s", STR_ARG(name));
    if (!ask(self, topic, &one, timeout_ms, fault))
        return false;
    rd_kafka_resp_err_t error = one->topic_cnt == 1 ? one->topics[0].err
                                                    : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(one);
    *has = error == RD_KAFKA_RESP_ERR_NO_ERROR;
    return *has || error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
           || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC
           || apart_fault(self, error, "asking for a topic", fault);
}

bool kafka_apart_describe(struct source *source, int timeout_ms, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    int64_t until = clock_steady_ms() + timeout_ms;
    /* The first answers wait for connections to be made. */
    while (!source->type->describe(source, fault)) {
        if (fault->kind != FAULT_RETRY || clock_steady_ms() > until)
            return false;
        serve(self);
    }
    return true;
}

/* ---- the group ---- */

static void read_group_name(struct kafka *self, struct kafka_group *group)
{
    size_t size = sizeof(group->name);
    *group = (struct kafka_group){0};
    rd_kafka_conf_get(rd_kafka_conf(self->client), GROUP_SETTING, group->name, &size);
}

bool kafka_apart_group(struct source *source, struct kafka_group *group, int timeout_ms,
                       struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    const struct rd_kafka_group_list *list;
    read_group_name(self, group);
    rd_kafka_resp_err_t error = rd_kafka_list_groups(self->client, group->name, &list, timeout_ms);
    if (error)
        return apart_fault(self, error, "asking for the group", fault);
    bool good = true;
    for (int i = 0; i < list->group_cnt && good; i++) {
        const struct rd_kafka_group_info *found = &list->groups[i];
        /* A group that nobody has joined yet is none. */
        if (found->err && found->err != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
            good = apart_fault(self, found->err, "asking for the group", fault);
        group->member_count += found->member_cnt;
        snprintf(group->state, sizeof(group->state), "%s", found->state);
    }
    rd_kafka_group_list_destroy(list);
    return good;
}

/* ---- times ---- */

static rd_kafka_topic_partition_list_t *list_of_lanes(const struct kafka *self, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    char topic[TOPIC_NAME_SIZE];
    for (size_t i = 0; i < self->source.lane_count; i++) {
        const struct lane *lane = &self->source.lane[i];
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
        rd_kafka_topic_partition_list_add(list, topic, lane->partition)->offset = offset;
    }
    return list;
}

bool kafka_apart_seek_time(struct source *source, int64_t time_ms, int timeout_ms,
                           struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    rd_kafka_topic_partition_list_t *list = list_of_lanes(self, time_ms);
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(self->client, list, timeout_ms);
    for (int i = 0; !error && i < list->cnt; i++) {
        error = list->elems[i].err;
        source->lane[i].next = list->elems[i].offset >= 0 ? list->elems[i].offset
                                                          : source->lane[i].high;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return !error || apart_fault(self, error, "asking for offsets by time", fault);
}

/* ---- settings of topics ---- */

static str find_setting(const rd_kafka_ConfigResource_t *resource, const char *name)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entry[i]);
        if (value && strcmp(rd_kafka_ConfigEntry_name(entry[i]), name) == 0)
            return str_from(value);
    }
    return STR_EMPTY;
}

/* The answer's error, or what its only resource says. */
static rd_kafka_resp_err_t read_setting(rd_kafka_event_t *event, const char *name,
                                        struct arena *arena, str *value)
{
    size_t count;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    if (error || !result)
        return error ? error : RD_KAFKA_RESP_ERR__FAIL;
    const rd_kafka_ConfigResource_t **resource = rd_kafka_DescribeConfigs_result_resources(result,
                                                                                           &count);
    if (count < 1)
        return RD_KAFKA_RESP_ERR__FAIL;
    error = rd_kafka_ConfigResource_error(resource[0]);
    if (!error && !arena_copy(arena, find_setting(resource[0], name), value))
        error = RD_KAFKA_RESP_ERR__FAIL;
    return error;
}

bool kafka_apart_setting(struct source *source, str topic, const char *name, struct arena *arena,
                         str *value, int timeout_ms, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    char topic_name[TOPIC_NAME_SIZE];
    *value = STR_EMPTY;
    snprintf(topic_name, sizeof(topic_name), "%.*s", STR_ARG(topic));
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                                      topic_name);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(self->client,
                                                                 RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(self->client);
    rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
    rd_kafka_DescribeConfigs(self->client, &resource, 1, options, answers);
    rd_kafka_event_t *event = rd_kafka_queue_poll(answers, timeout_ms + 1000);
    rd_kafka_resp_err_t error = event ? read_setting(event, name, arena, value)
                                      : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return !error || apart_fault(self, error, "asking for a topic's settings", fault);
}
