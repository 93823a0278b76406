/*
 * Dead letters in a Kafka topic: each is acknowledged by all replicas before the batch that skips
 * its record is flushed. The topic is made when the first letter comes and it is missing.
 */
#include <stdio.h>

#include <librdkafka/rdkafka.h>

#include "clock.h"
#include "dead_letter.h"
#include "kafka.h"
#include "kafka_errors.h"
#include "log.h"
#include "mem.h"

#define ERROR_SIZE 512
#define CALL_WAIT_MS 500
#define STEP_MS 50
/* A letter that is not acknowledged by then is sent again, with all since the last flush. */
#define ACKNOWLEDGE_WAIT_MS "30000"
#define TOPIC_WAIT_MS 30000
#define USUAL_REPLICAS 3
/* Letters that wait for their acknowledgement; one alone may not be larger. */
#define QUEUE_KBYTES "262144"
#define CAUSE_LIMIT ((size_t)64 * 1024)

struct letter_producer {
    struct dead_letters letters;
    rd_kafka_t *client;
    char topic[512];
    int64_t replication_factor;
    bool headers;
    bool topic_is_there;
    uint64_t sent, answered;
    struct fault refused; /* the first bad answer since the last flush */
};

static const struct dead_letters_type letter_producer;

static bool set_setting(void *context, const char *name, const char *value, struct fault *fault)
{
    char text[ERROR_SIZE];
    return rd_kafka_conf_set(context, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK
           || fault_set(fault, FAULT_CONFIG, "%s", text);
}

static bool refuse(struct fault *fault, const struct letter_producer *self,
                   rd_kafka_resp_err_t error, const char *what)
{
    if (error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return fault_set(fault, FAULT_CONFIG,
                         "dead letters: a letter is larger than topic %s takes: raise its "
                         "max.message.bytes (and producer.override.message.max.bytes)",
                         self->topic);
    return fault_set(fault, kafka_error_kind(error), "dead letters: %s %s: %s", what, self->topic,
                     rd_kafka_err2str(error));
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct letter_producer *self = opaque;
    (void)client;
    self->answered++;
    if (message->err && self->refused.kind == FAULT_NONE)
        refuse(&self->refused, self, message->err, "sending to");
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    log_write(level <= 3 ? LOG_WARN : LOG_DEBUG, "librdkafka: dead letters: %s: %s", facility,
              text);
}

/* What stands before the user's settings can be overridden; what stands behind them cannot. */
static bool configure(struct letter_producer *self, const struct letter_topic *topic,
                      rd_kafka_conf_t *settings, struct fault *fault)
{
    char servers[2048];
    snprintf(servers, sizeof(servers), "%.*s", STR_ARG(topic->servers));
    bool good = set_setting(settings, "bootstrap.servers", servers, fault)
                && set_setting(settings, "client.id", "fieldtrail-dead-letters", fault)
                && set_setting(settings, "linger.ms", "0", fault)
                && set_setting(settings, "queue.buffering.max.kbytes", QUEUE_KBYTES, fault)
                && set_setting(settings, "message.timeout.ms", ACKNOWLEDGE_WAIT_MS, fault)
                && set_setting(settings, "message.max.bytes", "1000000000", fault)
                && set_setting(settings, "enable.idempotence", "true", fault)
                && kafka_settings(topic->config, "producer", set_setting, settings, fault)
                && set_setting(settings, "acks", "all", fault);
    rd_kafka_conf_set_opaque(settings, self);
    rd_kafka_conf_set_dr_msg_cb(settings, on_delivery);
    rd_kafka_conf_set_log_cb(settings, on_log);
    return good;
}

/* ---- the topic ---- */

static bool is_stopping(const struct letter_producer *self)
{
    return self->letters.idle && !self->letters.idle(self->letters.idle_context, -1, 0, 0);
}

/* Asks whether the topic is there, and how many brokers there are. */
static bool look_for_topic(struct letter_producer *self, rd_kafka_resp_err_t *state, int *brokers,
                           struct fault *fault)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(self->client, self->topic, NULL);
    if (!handle)
        return refuse(fault, self, rd_kafka_last_error(), "naming");
    rd_kafka_resp_err_t error = rd_kafka_metadata(self->client, 0, handle, &metadata, CALL_WAIT_MS);
    rd_kafka_topic_destroy(handle);
    if (error)
        return refuse(fault, self, error, "asking for");
    *brokers = metadata->broker_cnt;
    *state = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                      : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(metadata);
    return true;
}

static rd_kafka_resp_err_t answer_of_creation(rd_kafka_event_t *event)
{
    size_t count = 0;
    rd_kafka_resp_err_t error = rd_kafka_event_error(event);
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics =
        result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    if (!error && count == 1)
        error = rd_kafka_topic_result_error(topics[0]);
    return error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ? RD_KAFKA_RESP_ERR_NO_ERROR : error;
}

static rd_kafka_resp_err_t wait_for_creation(struct letter_producer *self,
                                             rd_kafka_queue_t *answers)
{
    int64_t deadline = clock_steady_ms() + TOPIC_WAIT_MS;
    while (clock_steady_ms() < deadline && !is_stopping(self)) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(answers, STEP_MS);
        if (!event)
            continue;
        rd_kafka_resp_err_t error = answer_of_creation(event);
        rd_kafka_event_destroy(event);
        return error;
    }
    return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static bool make_topic(struct letter_producer *self, int brokers, struct fault *fault)
{
    char text[ERROR_SIZE];
    int replicas = self->replication_factor > 0 ? (int)self->replication_factor
                   : brokers < USUAL_REPLICAS   ? brokers
                                                : USUAL_REPLICAS;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(self->topic, 1, replicas, text,
                                                       sizeof(text));
    if (!topic)
        return fault_set(fault, FAULT_CONFIG, "errors.deadletterqueue.topic.name=%s: %s",
                         self->topic, text);
    rd_kafka_queue_t *answers = rd_kafka_queue_new(self->client);
    rd_kafka_CreateTopics(self->client, &topic, 1, NULL, answers);
    rd_kafka_resp_err_t error = wait_for_creation(self, answers);
    rd_kafka_queue_destroy(answers);
    rd_kafka_NewTopic_destroy(topic);
    if (error)
        return refuse(fault, self, error, "making topic");
    log_write(LOG_INFO, "dead letters: made topic %s with %d replicas", self->topic, replicas);
    return true;
}

static bool ensure_topic(struct letter_producer *self, struct fault *fault)
{
    rd_kafka_resp_err_t state = RD_KAFKA_RESP_ERR_NO_ERROR;
    int brokers = 0;
    if (self->topic_is_there)
        return true;
    if (!look_for_topic(self, &state, &brokers, fault))
        return false;
    if (state == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        self->topic_is_there = make_topic(self, brokers, fault);
    else
        self->topic_is_there = !state || refuse(fault, self, state, "asking for");
    return self->topic_is_there;
}

/* ---- letters ---- */

static bool add_headers(rd_kafka_headers_t *headers, const struct header *header, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct header *each = &header[i];
        const char *value = each->value.ptr ? each->value.ptr : "";
        if (rd_kafka_header_add(headers, each->name.ptr, (ssize_t)each->name.len,
                                each->has_value ? value : NULL, (ssize_t)each->value.len))
            return false;
    }
    return true;
}

/* The record's own headers, then those that tell the cause. NULL where memory ran out. */
static rd_kafka_headers_t *make_headers(const struct letter_producer *self,
                                        const struct dead_letter *letter)
{
    struct header cause[LETTER_HEADERS_LIMIT];
    const struct record *record = letter->record;
    struct buf text;
    buf_init(&text, CAUSE_LIMIT);
    size_t count = self->headers ? dead_letter_headers(&self->letters, letter, &text, cause) : 0;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count + count);
    if (text.failed || !add_headers(headers, record->header, record->header_count)
        || !add_headers(headers, cause, count)) {
        rd_kafka_headers_destroy(headers);
        headers = NULL;
    }
    buf_release(&text);
    return headers;
}

static rd_kafka_resp_err_t produce(struct letter_producer *self, const struct record *record,
                                   rd_kafka_headers_t *headers)
{
    static const char empty[1];
    int64_t time_ms = record->time_us == TIME_UNKNOWN ? 0 : record->time_us / 1000;
    const char *value = record->value.len > 0 ? record->value.ptr : empty;
    const char *key = record->key.len > 0 ? record->key.ptr : empty;
    /* librdkafka copies the value and promises not to write to it. */
    return rd_kafka_producev(
        self->client, RD_KAFKA_V_TOPIC(self->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)(record->has_value ? value : NULL), record->value.len),
        RD_KAFKA_V_KEY(record->has_key ? key : NULL, record->key.len),
        RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
}

static bool kafka_add(struct dead_letters *letters, const struct dead_letter *letter,
                      struct fault *fault)
{
    struct letter_producer *self = (struct letter_producer *)letters;
    if (!ensure_topic(self, fault))
        return false;
    rd_kafka_headers_t *headers = make_headers(self, letter);
    if (!headers)
        return fault_memory(fault, "a dead letter");
    rd_kafka_resp_err_t error = produce(self, letter->record, headers);
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && self->answered < self->sent
           && !is_stopping(self)) {
        rd_kafka_poll(self->client, STEP_MS);
        error = produce(self, letter->record, headers);
    }
    if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && self->answered == self->sent)
        error = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    if (error) {
        rd_kafka_headers_destroy(headers);
        return refuse(fault, self, error, "sending to");
    }
    self->sent++;
    rd_kafka_poll(self->client, 0);
    return true;
}

/* Answers come within message.timeout.ms, good or bad. */
static bool kafka_flush(struct dead_letters *letters, struct fault *fault)
{
    struct letter_producer *self = (struct letter_producer *)letters;
    bool stopped = false;
    while (self->answered < self->sent && !stopped) {
        rd_kafka_poll(self->client, STEP_MS);
        stopped = is_stopping(self);
    }
    bool good = self->refused.kind == FAULT_NONE;
    if (!good)
        *fault = self->refused;
    else if (self->answered < self->sent)
        good = fault_set(fault, FAULT_RETRY, "dead letters: stopped before %s acknowledged them",
                         self->topic);
    self->refused = (struct fault){0};
    return good;
}

static void kafka_close(struct dead_letters *letters)
{
    struct letter_producer *self = (struct letter_producer *)letters;
    if (self->client) {
        /* What was not flushed belongs to records that are read again. */
        rd_kafka_purge(self->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_poll(self->client, 0);
        rd_kafka_destroy(self->client);
    }
    mem_free(self);
}

static const struct dead_letters_type letter_producer = {
    .add = kafka_add, .flush = kafka_flush, .close = kafka_close};

static bool open_client(struct letter_producer *self, const struct letter_topic *topic,
                        struct fault *fault)
{
    char text[ERROR_SIZE];
    if (topic->name.len >= sizeof(self->topic))
        return fault_set(fault, FAULT_CONFIG, "errors.deadletterqueue.topic.name: %zu bytes",
                         topic->name.len);
    snprintf(self->topic, sizeof(self->topic), "%.*s", STR_ARG(topic->name));
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    if (configure(self, topic, settings, fault))
        self->client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    else
        text[0] = '\0';
    if (self->client)
        return true;
    rd_kafka_conf_destroy(settings);
    return text[0] ? fault_set(fault, FAULT_CONFIG, "dead letters: %s", text) : false;
}

struct dead_letters *dead_letters_to_topic(const struct letter_topic *topic, struct fault *fault)
{
    struct letter_producer *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "dead letters");
        return NULL;
    }
    *self = (struct letter_producer){.letters = {.type = &letter_producer},
                                     .replication_factor = topic->replication_factor,
                                     .headers = topic->headers};
    if (open_client(self, topic, fault))
        return &self->letters;
    kafka_close(&self->letters);
    return NULL;
}
