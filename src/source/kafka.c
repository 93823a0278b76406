/*
 * The Kafka source. librdkafka's callback of a rebalance only notes what is to happen; the task
 * acts on it between two calls of the sink, and librdkafka waits for that.
 */
#include "kafka.h"

#include <stdio.h>

#include "kafka_errors.h"
#include "kafka_lanes.h"
#include "log.h"
#include "mem.h"

#define SETTING(member) offsetof(struct kafka, member)

static const struct option_spec option[] = {
    {.key = "bootstrap.servers",
     .type = OPTION_STRING,
     .preset = "localhost:9092",
     .offset = SETTING(servers),
     .argument = "HOST:PORT,...",
     .help = "Kafka's brokers to begin with (a key of the worker)."},
    {.key = "topics",
     .type = OPTION_LIST,
     .offset = SETTING(topics),
     .help = "The topics to read; either these or topics.regex."},
    {.key = "topics.regex",
     .type = OPTION_STRING,
     .offset = SETTING(regex),
     .argument = "REGEX",
     .help = "A regular expression of whole topic names."},
};

const struct option_table kafka_options = {
    .title = "Kafka", .option = option, .count = sizeof(option) / sizeof(option[0])};

static void note_assigned(struct kafka *self, const rd_kafka_topic_partition_list_t *list)
{
    self->source.turn = SOURCE_ASSIGNED;
    for (int i = 0; i < list->cnt; i++) {
        struct lane *lane = kafka_lane(self, list->elems[i].topic, list->elems[i].partition);
        if (lane)
            lane->incoming = true;
        else
            fault_memory(&self->failure, "partitions");
    }
}

static void note_revoked(struct kafka *self, const rd_kafka_topic_partition_list_t *list)
{
    self->source.turn = rd_kafka_assignment_lost(self->client) ? SOURCE_LOST : SOURCE_REVOKED;
    for (int i = 0; i < list->cnt; i++) {
        struct lane *lane = kafka_lane(self, list->elems[i].topic, list->elems[i].partition);
        if (!lane)
            continue;
        lane->outgoing = lane->assigned;
        lane->incoming = false;
    }
}

static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t error,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka *self = opaque;
    if (self->closing)
        rd_kafka_assign(client, NULL);
    else if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        note_assigned(self, list);
    else
        note_revoked(self, list);
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    /* Its warnings of lost connections come by the hundred; the task says what they mean. */
    log_write(level <= 3 ? LOG_WARN : LOG_DEBUG, "librdkafka: %s: %s", facility, text);
}

static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque)
{
    struct kafka *self = opaque;
    char text[ERROR_SIZE];
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, text, sizeof(text));
        fault_set(&self->failure, FAULT_FATAL, "kafka: %s: %s", rd_kafka_err2name(fatal), text);
    } else if (kafka_error_kind((rd_kafka_resp_err_t)error) == FAULT_CONFIG) {
        fault_set(&self->failure, FAULT_CONFIG, "kafka: %s", reason);
    } else {
        /* "All brokers are down" tells less than what was said of one of them before. */
        if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
            snprintf(self->trouble, sizeof(self->trouble), "%s", reason);
        log_write(LOG_DEBUG, "kafka: %s", reason);
    }
}

static bool set_setting(void *context, const char *name, const char *value, struct fault *fault)
{
    char text[ERROR_SIZE];
    return rd_kafka_conf_set(context, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK
           || fault_set(fault, FAULT_CONFIG, "%s", text);
}

/* Of several tasks each is a member of the group: those after the first add their number to the
   name of a static membership, which a second member would else take from the first. */
static bool tell_instances_apart(rd_kafka_conf_t *settings, int member, struct fault *fault)
{
    char name[512], numbered[512];
    size_t size = sizeof(name);
    if (member <= 0
        || rd_kafka_conf_get(settings, "group.instance.id", name, &size) != RD_KAFKA_CONF_OK
        || size <= 1)
        return true;
    if (snprintf(numbered, sizeof(numbered), "%s-%d", name, member) >= (int)sizeof(numbered))
        return fault_set(fault, FAULT_CONFIG, "consumer.override.group.instance.id is too long");
    return set_setting(settings, "group.instance.id", numbered, fault);
}

/* What stands before the user's settings can be overridden; what stands behind them cannot. */
static bool configure(struct kafka *self, const struct config *config, int member,
                      rd_kafka_conf_t *settings, struct fault *fault)
{
    char servers[2048], group[512];
    snprintf(servers, sizeof(servers), "%.*s", STR_ARG(self->servers));
    snprintf(group, sizeof(group), "connect-%.*s", STR_ARG(self->name));
    static const char *const ours[][2] = {{"enable.auto.commit", "false"},
                                          {"enable.auto.offset.store", "false"},
                                          {"auto.offset.reset", "error"},
                                          {"enable.partition.eof", "true"}};
    bool good = set_setting(settings, "bootstrap.servers", servers, fault)
                && set_setting(settings, "group.id", group, fault)
                && set_setting(settings, "client.id", "fieldtrail", fault)
                && set_setting(settings, "partition.assignment.strategy", "range", fault)
                /* As soon as a cluster takes a worker for dead (cluster_roll.h); 45 s else. */
                && set_setting(settings, "session.timeout.ms", "15000", fault)
                /* The queue bounds memory while the sink is slow. Its kilobytes are those of the
                   messages alone, whose number must be bounded too: each costs 0.4 KB more. What
                   one fetch brings comes on top. */
                && set_setting(settings, "queued.max.messages.kbytes", "32768", fault)
                && set_setting(settings, "queued.min.messages", "50000", fault)
                && set_setting(settings, "fetch.message.max.bytes", "4194304", fault)
                && set_setting(settings, "fetch.max.bytes", "16777216", fault)
                && set_setting(settings, "topic.metadata.refresh.interval.ms", "30000", fault)
                && kafka_settings(config, "consumer", set_setting, settings, fault)
                && tell_instances_apart(settings, member, fault);
    for (size_t i = 0; good && i < sizeof(ours) / sizeof(ours[0]); i++)
        good = set_setting(settings, ours[i][0], ours[i][1], fault);
    rd_kafka_conf_set_opaque(settings, self);
    rd_kafka_conf_set_rebalance_cb(settings, on_rebalance);
    rd_kafka_conf_set_log_cb(settings, on_log);
    rd_kafka_conf_set_error_cb(settings, on_error);
    return good;
}

static bool add_topic(rd_kafka_topic_partition_list_t *list, str name, struct fault *fault)
{
    char topic[512];
    if (name.len == 0 || name.len >= sizeof(topic) - 8)
        return fault_set(fault, FAULT_CONFIG, "topics: a name of %zu bytes", name.len);
    snprintf(topic, sizeof(topic), "%.*s", STR_ARG(name));
    rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    return true;
}

static bool subscribe(struct kafka *self, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    bool good = true;
    if (self->regex.len > 0) {
        str whole = arena_format(&self->arena, "^(%.*s)$", STR_ARG(self->regex));
        good = add_topic(list, whole, fault);
    }
    for (size_t i = 0; good && i < self->topics.count; i++)
        good = add_topic(list, self->topics.item[i], fault);
    rd_kafka_resp_err_t error = good ? rd_kafka_subscribe(self->client, list) : 0;
    rd_kafka_topic_partition_list_destroy(list);
    if (good && error)
        return fault_set(fault, FAULT_CONFIG, "cannot subscribe: %s", rd_kafka_err2str(error));
    return good;
}

static void unpin_message(void *message)
{
    rd_kafka_message_destroy(message);
}

static bool read_headers(const rd_kafka_message_t *message, struct batch *batch,
                         struct record *record, struct fault *fault)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    size_t count = rd_kafka_header_cnt(headers);
    struct header *header = ARENA_NEW(&batch->arena, struct header, count);
    if (!header)
        return fault_memory(fault, "headers");
    for (size_t i = 0; i < count; i++) {
        const char *name;
        const void *value;
        size_t len;
        if (rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR)
            header[i] = (struct header){str_from(name), {value, len}, value != NULL};
    }
    record->header = header;
    record->header_count = count;
    return true;
}

static uint32_t lane_of_message(struct kafka *self, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    const struct lane *last = &self->source.lane[self->last_lane];
    if (self->last_lane < self->source.lane_count && last->partition == message->partition
        && str_is(last->topic, topic))
        return self->last_lane;
    self->last_lane = kafka_find_lane(self, topic, message->partition);
    return self->last_lane;
}

/* The record before the start must be the one that was processed then: otherwise the topic is
   another one, or its log was cut, and going on would skip or repeat in silence. */
static bool check_start(struct lane *lane, struct watch *watch, int64_t offset, int64_t time_us,
                        struct fault *fault)
{
    int64_t expected = watch->check_us;
    if (offset != lane->next - 1 || expected == TIME_UNKNOWN || expected == time_us)
        return true;
    watch->check_us = TIME_UNKNOWN;
    return fault_set(fault, FAULT_CONFIG,
                     "%.*s[%d]: the record before offset %lld is not the one processed then: topic "
                     "recreated or retention passed; check it, and say where reading shall go on: "
                     "fieldtrail offsets CONNECTOR.json set %.*s:%d=OFFSET",
                     STR_ARG(lane->topic), lane->partition, (long long)lane->next,
                     STR_ARG(lane->topic), lane->partition);
}

/* A record before the start: it may have to be compared, and is given where a half may wait. */
static bool is_held(const struct lane *lane, int64_t offset)
{
    return lane->held != OFFSET_NONE && offset >= lane->held;
}

static int64_t message_time(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t time_ms = rd_kafka_message_timestamp(message, &type);
    bool known = type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && time_ms >= 0;
    return known ? time_ms * 1000 : TIME_UNKNOWN;
}

/* Appends the message; the batch owns it where `taken` is set. */
static bool add_record(struct kafka *self, rd_kafka_message_t *message, struct batch *batch,
                       bool *taken, struct fault *fault)
{
    uint32_t number = lane_of_message(self, message);
    *taken = false;
    if (number == UINT32_MAX || !self->source.lane[number].assigned)
        return true;
    struct lane *lane = &self->source.lane[number];
    int64_t time_us = message_time(message);
    bool before = message->offset < lane->next;
    if (before && !check_start(lane, &self->watch[number], message->offset, time_us, fault))
        return false;
    if (before && !is_held(lane, message->offset))
        return true;
    struct record *record = batch_add_record(batch, fault);
    if (!record || !read_headers(message, batch, record, fault)
        || !batch_pin(batch, message, unpin_message, fault)) {
        batch->record_count -= record != NULL;
        return false;
    }
    *taken = true;
    record->at = (struct position){number, message->offset};
    record->topic = lane->topic;
    record->partition = message->partition;
    record->offset = message->offset;
    record->time_us = time_us;
    record->keyed = true;
    record->has_key = message->key != NULL;
    record->key = (str){message->key, message->key_len};
    record->has_value = message->payload != NULL;
    record->value = (str){message->payload, message->len};
    if (!before) {
        lane->next = message->offset + 1;
        lane->last_us = time_us;
        self->watch[number].check_us = TIME_UNKNOWN; /* it was not there, or it was the right one */
    }
    return true;
}

/* The end of the log lies behind control records and compacted ones. */
static void note_end(struct kafka *self, const rd_kafka_message_t *message)
{
    uint32_t number = lane_of_message(self, message);
    if (number == UINT32_MAX)
        return;
    struct lane *lane = &self->source.lane[number];
    if (lane->assigned && message->offset > lane->next)
        lane->next = message->offset;
    lane->high = message->offset;
}

static bool message_error(struct kafka *self, const rd_kafka_message_t *message,
                          struct fault *fault)
{
    rd_kafka_resp_err_t error = message->err;
    if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        note_end(self, message);
        return true;
    }
    if (error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
        || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)
        return fault_set(
            fault, FAULT_CONFIG,
            "%s[%d]: the offset is outside the log: topic recreated or retention passed; "
            "say where reading shall go on: fieldtrail offsets CONNECTOR.json set %s:%d=OFFSET",
            rd_kafka_topic_name(message->rkt), message->partition,
            rd_kafka_topic_name(message->rkt), message->partition);
    bool missing = error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                   || error == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION
                   || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (!missing && kafka_error_kind(error) != FAULT_RETRY)
        return kafka_fault(fault, error, rd_kafka_message_errstr(message));
    log_write(missing && !self->missing_said ? LOG_WARN : LOG_DEBUG, "kafka: %s%s",
              rd_kafka_message_errstr(message), missing ? "; it is read once it is there" : "");
    self->missing_said = self->missing_said || missing;
    return true;
}

static bool take_failure(struct kafka *self, struct fault *fault)
{
    if (self->failure.kind == FAULT_NONE)
        return true;
    *fault = self->failure;
    self->failure.kind = FAULT_NONE;
    return false;
}

static rd_kafka_message_t *next_message(struct kafka *self, int timeout_ms)
{
    struct fault ignored;
    if (self->stash_at < self->stash_count)
        return self->stash[self->stash_at++];
    self->stash_at = self->stash_count = self->stash_bytes = 0;
    if (self->held_back)
        (void)!kafka_hold(self, false, &ignored);
    return rd_kafka_consumer_poll(self->client, timeout_ms);
}

/* What waits in the logs beyond what is fetched already, by the ends that the last fetches told. */
static bool has_backlog(struct kafka *self)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(self->client);
    int64_t fetched = (int64_t)rd_kafka_queue_length(queue), waiting = 0, low, high;
    char topic[512];
    rd_kafka_queue_destroy(queue);
    for (size_t i = 0; i < self->source.lane_count; i++) {
        struct lane *lane = &self->source.lane[i];
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
        if (!lane->assigned
            || rd_kafka_get_watermark_offsets(self->client, topic, lane->partition, &low, &high)
            || high < 0)
            continue;
        lane->high = high;
        waiting += high > lane->next ? high - lane->next : 0;
    }
    return waiting > fetched;
}

/* Wakes librdkafka's fetcher while there is a backlog. Without one the inquiry would wait behind a
   fetch that has nothing to answer yet. */
static void wake(struct kafka *self, size_t records)
{
    self->since_wake += records;
    if (self->since_wake < WAKE_RECORDS)
        return;
    self->since_wake = 0;
    if (!has_backlog(self) || rd_kafka_version() >= WAKE_NOT_NEEDED
        || self->last_lane >= self->source.lane_count)
        return;
    const struct lane *lane = &self->source.lane[self->last_lane];
    int64_t low, high;
    char topic[512];
    snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
    rd_kafka_query_watermark_offsets(self->client, topic, lane->partition, &low, &high,
                                     CALL_WAIT_MS);
}

static bool kafka_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    size_t bytes = 0;
    int wait = timeout_ms < CALL_WAIT_MS ? timeout_ms : CALL_WAIT_MS;
    while (batch->record_count < POLL_RECORDS && bytes < POLL_BYTES
           && source->turn == SOURCE_STEADY) {
        rd_kafka_message_t *message = next_message(self, wait);
        bool taken = false, good = true;
        if (!message)
            break;
        bytes += message->len;
        if (message->err)
            good = message_error(self, message, fault);
        else
            good = add_record(self, message, batch, &taken, fault);
        if (!taken)
            rd_kafka_message_destroy(message);
        if (!good)
            return false;
        wait = batch->record_count > 0 ? 0 : wait;
    }
    wake(self, batch->record_count);
    return take_failure(self, fault);
}

static bool kafka_beat(struct source *source, struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    (void)source;
    /* Calls go on for the session's sake: what cannot be kept is left where it is. */
    if (!self->held_back && (self->stash_count >= STASH_FULL || self->stash_bytes >= POLL_BYTES)
        && !kafka_hold(self, true, fault))
        return false;
    if (self->stash_count == STASH_LIMIT)
        return true;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(self->client, 0);
    if (message) {
        self->stash[self->stash_count++] = message;
        self->stash_bytes += message->len;
    }
    return true; /* what failed is told by the next poll or commit */
}

static rd_kafka_topic_partition_list_t *list_of_reach(const struct kafka *self,
                                                      const struct reach *reach, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        const struct lane *lane = &self->source.lane[reach[i].lane];
        char topic[512];
        snprintf(topic, sizeof(topic), "%.*s", STR_ARG(lane->topic));
        rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, topic,
                                                                                lane->partition);
        element->offset = reach[i].next;
        if (reach[i].held != OFFSET_NONE)
            kafka_write_held(self->client, element, reach[i].held);
    }
    return list;
}

static bool wait_for_commit(struct kafka *self, rd_kafka_topic_partition_list_t *list,
                            struct fault *fault)
{
    rd_kafka_queue_t *answers = rd_kafka_queue_new(self->client);
    rd_kafka_resp_err_t error = rd_kafka_commit_queue(self->client, list, answers, NULL, NULL);
    rd_kafka_event_t *event = error ? NULL : rd_kafka_queue_poll(answers, COMMIT_WAIT_MS);
    if (!error)
        error = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(answers);
    if (!error || error == RD_KAFKA_RESP_ERR__NO_OFFSET)
        return true;
    /* A client that is done for says so here too: nobody polls while lanes cannot be taken up. */
    return take_failure(self, fault) ? kafka_fault(fault, error, "committing the group's offsets")
                                     : false;
}

static bool kafka_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                         struct fault *fault)
{
    struct kafka *self = (struct kafka *)source;
    if (count == 0)
        return true;
    rd_kafka_topic_partition_list_t *list = list_of_reach(self, reach, count);
    bool good = true;
    if (wait)
        good = wait_for_commit(self, list, fault);
    else
        rd_kafka_commit(self->client, list, 1); /* for people to see: the next one is soon */
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

static void kafka_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    buf_format(out, "%.*s[%d]@%lld", STR_ARG(record->topic), record->partition,
               (long long)record->offset);
}

static void kafka_stop(struct source *source)
{
    struct kafka *self = (struct kafka *)source;
    kafka_drop_stash(self);
    self->closing = true;
    if (self->client) {
        rd_kafka_consumer_close(self->client);
        rd_kafka_destroy(self->client);
    }
    mem_free(source->lane);
    mem_free(self->watch);
    arena_release(&self->arena);
    mem_free(self);
}

static const struct source_type kafka_source = {
    .name = "kafka",
    .rewinds = true,
    .poll = kafka_poll,
    .commit = kafka_commit,
    .beat = kafka_beat,
    .place = kafka_place,
    .describe = kafka_describe,
    .assign = kafka_assign,
    .unassign = kafka_unassign,
    .pause = kafka_pause,
    .stop = kafka_stop,
};

static bool start(struct kafka *self, const struct config *config, int member, struct fault *fault)
{
    char text[ERROR_SIZE];
    const struct config_entry *name = config_find(config, STR("name"));
    self->name = name ? name->value : STR("fieldtrail");
    if (!option_load(&kafka_options, config, self, fault))
        return false;
    if ((self->topics.count > 0) == (self->regex.len > 0))
        return fault_set(fault, FAULT_CONFIG, "say either topics or topics.regex");
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (!configure(self, config, member, settings, fault)) {
        rd_kafka_conf_destroy(settings);
        return false;
    }
    self->client = rd_kafka_new(RD_KAFKA_CONSUMER, settings, text, sizeof(text));
    if (!self->client) {
        rd_kafka_conf_destroy(settings);
        return fault_set(fault, FAULT_CONFIG, "kafka: %s", text);
    }
    rd_kafka_poll_set_consumer(self->client);
    return member < 0 || subscribe(self, fault);
}

struct source *kafka_make(const struct config *config, int member, struct fault *fault)
{
    struct kafka *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the Kafka source");
        return NULL;
    }
    *self = (struct kafka){.source = {.type = &kafka_source}};
    arena_init(&self->arena, (size_t)64 * 1024 * 1024);
    if (start(self, config, member, fault))
        return &self->source;
    kafka_stop(&self->source);
    return NULL;
}

struct source *kafka_new(const struct config *config, int member, struct fault *fault)
{
    return kafka_make(config, member, fault);
}
