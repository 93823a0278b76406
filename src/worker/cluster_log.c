/*
 * Reading the log. librdkafka's simple consumer is used, which belongs to no group: the log needs
 * no right but to read its topic, and nobody's rebalance concerns it.
 */
#include "cluster_log_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "clock.h"
#include "kafka.h"
#include "kafka_errors.h"
#include "log.h"
#include "mem.h"

#define POLL_MS 100
#define TRY_FIRST_MS 200
#define TRY_LAST_MS 15000

/* ---- clients ---- */

/* That a writer was fenced off is as it should be. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)level;
    log_write(LOG_DEBUG, "librdkafka: %s: %s: %s", rd_kafka_name(client), facility, text);
}

/* What a connection says is the reason why nothing can be read yet. */
static void on_error(rd_kafka_t *client, int error, const char *reason, void *opaque)
{
    struct cluster_log *log = opaque;
    enum fault_kind kind = kafka_error_kind((rd_kafka_resp_err_t)error);
    log_write(LOG_DEBUG, "cluster: %s", reason);
    if (client != log->reader || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return;
    pthread_mutex_lock(&log->mutex);
    if (log->state == CLUSTER_LOG_STARTING)
        fault_set(&log->fault, kind == FAULT_CONFIG ? kind : FAULT_RETRY, "kafka: %s", reason);
    pthread_mutex_unlock(&log->mutex);
}

static bool set_setting(void *context, const char *name, const char *value, struct fault *fault)
{
    char text[CLUSTER_ERROR_SIZE];
    return rd_kafka_conf_set(context, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK
           || fault_set(fault, FAULT_CONFIG, "%s", text);
}

/* What stands before the user's settings can be overridden; what stands behind them cannot. */
static bool configure(struct cluster_log *log, bool reads, const char *const (*ours)[2],
                      rd_kafka_conf_t *settings, struct fault *fault)
{
    char servers[2048];
    const struct config_entry *entry = config_find(log->options.config, STR("bootstrap.servers"));
    snprintf(servers, sizeof(servers), "%.*s",
             STR_ARG(entry ? entry->value : STR("localhost:9092")));
    bool good = set_setting(settings, "bootstrap.servers", servers, fault)
                && set_setting(settings, "client.id", "fieldtrail-cluster", fault)
                && set_setting(settings, "reconnect.backoff.max.ms", "2000", fault)
                && kafka_settings(log->options.config, reads ? "consumer" : "producer", set_setting,
                                  settings, fault);
    for (; good && (*ours)[0]; ours++)
        good = set_setting(settings, (*ours)[0], (*ours)[1], fault);
    rd_kafka_conf_set_opaque(settings, log);
    rd_kafka_conf_set_log_cb(settings, on_log);
    rd_kafka_conf_set_error_cb(settings, on_error);
    return good;
}

rd_kafka_t *cluster_client(struct cluster_log *log, rd_kafka_type_t type,
                           const char *const (*ours)[2], struct fault *fault)
{
    char text[CLUSTER_ERROR_SIZE];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_t *client = NULL;
    if (configure(log, type == RD_KAFKA_CONSUMER, ours, settings, fault)) {
        client = rd_kafka_new(type, settings, text, sizeof(text));
        if (!client)
            fault_set(fault, FAULT_CONFIG, "cluster: %s", text);
    }
    if (!client)
        rd_kafka_conf_destroy(settings);
    return client;
}

/* ---- what others see ---- */

static void set_state(struct cluster_log *log, enum cluster_log_state state,
                      const struct fault *fault)
{
    pthread_mutex_lock(&log->mutex);
    log->state = state;
    if (fault)
        log->fault = *fault;
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->mutex);
}

enum cluster_log_state cluster_log_state(struct cluster_log *log, struct fault *fault)
{
    pthread_mutex_lock(&log->mutex);
    enum cluster_log_state state = log->state;
    *fault = log->fault;
    pthread_mutex_unlock(&log->mutex);
    return state;
}

str cluster_log_cluster_id(struct cluster_log *log, struct arena *arena)
{
    char *id = rd_kafka_clusterid(log->reader, 0);
    str copy = STR_EMPTY;
    if (id && !arena_copy(arena, str_from(id), &copy))
        copy = STR_EMPTY;
    if (id)
        rd_kafka_mem_free(log->reader, id);
    return copy;
}

uint64_t cluster_log_skipped(struct cluster_log *log)
{
    pthread_mutex_lock(&log->mutex);
    uint64_t skipped = log->skipped;
    pthread_mutex_unlock(&log->mutex);
    return skipped;
}

bool cluster_log_wait(struct cluster_log *log, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    return pthread_cond_timedwait(&log->changed, &log->mutex, &until) != ETIMEDOUT;
}

/* ---- records ---- */

static bool is_awaited(const struct cluster_log *log, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    return log->awaited[0] && !rd_kafka_message_headers(message, &headers)
           && !rd_kafka_header_get_last(headers, WRITE_HEADER, &value, &size)
           && str_is((str){value, size}, log->awaited);
}

/* `offset` is what comes next. */
static void move_on(struct cluster_log *log, int32_t partition, int64_t offset, bool awaited,
                    bool skipped)
{
    if (partition < 0 || partition >= CLUSTER_PARTITION_LIMIT)
        return;
    if (offset > log->position[partition])
        log->position[partition] = offset;
    log->arrived = log->arrived || awaited;
    log->skipped += skipped;
    pthread_cond_broadcast(&log->changed);
}

static bool give(struct cluster_log *log, const rd_kafka_message_t *message, struct fault *fault)
{
    int64_t age_ms = clock_now_us() / 1000 - rd_kafka_message_timestamp(message, NULL);
    struct cluster_record record = {.key = {message->key, message->key_len},
                                    .value = {message->payload, message->len},
                                    .has_value = message->payload != NULL,
                                    .old = log->state == CLUSTER_LOG_STARTING,
                                    .partition = message->partition,
                                    .offset = message->offset,
                                    .age_ms = age_ms > 0 ? age_ms : 0};
    if (!message->key || message->key_len > CLUSTER_KEY_LIMIT)
        return fault_set(fault, FAULT_RECORD, "a key of %zu bytes", message->key_len);
    if (message->len > CLUSTER_VALUE_LIMIT)
        return fault_set(fault, FAULT_RECORD, "a value of %zu bytes", message->len);
    return log->options.take(log->options.context, &record, fault);
}

static void refuse(struct cluster_log *log, struct fault *fault)
{
    log_write(LOG_ERROR, "%s", fault->text);
    set_state(log, CLUSTER_LOG_REFUSED, fault);
}

static void take(struct cluster_log *log, const rd_kafka_message_t *message)
{
    struct fault fault = {0};
    bool good = give(log, message, &fault);
    if (!good && fault.kind == FAULT_CONFIG) {
        fault_in(&fault, "%s=%s: offset %lld", log->options.key, log->topic,
                 (long long)message->offset);
        refuse(log, &fault);
        return;
    }
    if (!good && log->skipped == 0)
        log_write(LOG_WARN,
                  "cluster: topic %s: skipped the record at offset %lld of partition %d: %s; "
                  "others like it are only counted",
                  log->topic, (long long)message->offset, message->partition, fault.text);
    pthread_mutex_lock(&log->mutex);
    move_on(log, message->partition, message->offset + 1, is_awaited(log, message), !good);
    pthread_mutex_unlock(&log->mutex);
}

static void note_end(struct cluster_log *log, const rd_kafka_message_t *message)
{
    bool all = true;
    pthread_mutex_lock(&log->mutex);
    move_on(log, message->partition, message->offset, false, false);
    if (message->partition >= 0 && message->partition < CLUSTER_PARTITION_LIMIT)
        log->ended[message->partition] = true;
    for (int32_t i = 0; i < log->partition_count; i++)
        all = all && log->ended[i];
    if (all && log->state == CLUSTER_LOG_STARTING) {
        log->state = CLUSTER_LOG_READY;
        log->fault = (struct fault){0};
        log_write(LOG_INFO, "cluster: topic %s is read", log->topic);
    }
    pthread_mutex_unlock(&log->mutex);
}

/* What was read stays true; what comes is unknown. To go on with a topic that was emptied would be
   to forget every connector. */
static void lose(struct cluster_log *log)
{
    struct fault fault;
    fault_set(&fault, FAULT_CONFIG,
              "%s=%s: the topic was deleted, made anew or cut while it was read: see that it holds "
              "what it should, and start the workers anew",
              log->options.key, log->topic);
    refuse(log, &fault);
}

static void note_error(struct cluster_log *log, const rd_kafka_message_t *message)
{
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        note_end(log, message);
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        lose(log);
        break;
    default: /* of librdkafka's many; it goes on by itself */
        log_write(LOG_WARN, "cluster: topic %s: %s", log->topic, rd_kafka_message_errstr(message));
        break;
    }
}

/* ---- the thread ---- */

/* Says each reason once, and waits. */
static void wait_to_try(struct cluster_log *log, const struct fault *fault, struct fault *said,
                        int64_t *wait_ms)
{
    struct fault known;
    cluster_log_state(log, &known);
    /* What the connection said tells more than that it timed out. */
    bool better = known.kind != FAULT_NONE && fault->kind == FAULT_RETRY;
    const struct fault *why = better ? &known : fault;
    if (strcmp(said->text, why->text) != 0)
        log_write(why->code == CLUSTER_MAKING ? LOG_DEBUG : LOG_WARN, "cluster: not ready: %s",
                  why->text);
    *said = *why;
    int64_t until = clock_steady_ms() + *wait_ms;
    *wait_ms = *wait_ms * 2 < TRY_LAST_MS ? *wait_ms * 2 : TRY_LAST_MS;
    pthread_mutex_lock(&log->mutex);
    log->fault = *why;
    while (!log->stop && cluster_log_wait(log, until))
        ;
    pthread_mutex_unlock(&log->mutex);
}

static bool find_topic(struct cluster_log *log)
{
    struct fault fault, said = {0};
    int64_t wait_ms = TRY_FIRST_MS;
    while (!log->stop) {
        fault = (struct fault){0};
        if (cluster_topic_ensure(log, &log->partition_count, &fault))
            return true;
        if (fault.code == CLUSTER_REFUSED) {
            refuse(log, &fault);
            return false;
        }
        rd_kafka_poll(log->reader, 0);
        wait_to_try(log, &fault, &said, &wait_ms);
    }
    return false;
}

static bool begin(struct cluster_log *log)
{
    if (!find_topic(log))
        return false;
    for (int32_t i = 0; i < log->partition_count; i++)
        if (rd_kafka_consume_start_queue(log->handle, i, RD_KAFKA_OFFSET_BEGINNING, log->queue)) {
            lose(log);
            return false;
        }
    return true;
}

static void *read_log(void *context)
{
    struct cluster_log *log = context;
    bool begun = begin(log);
    while (begun && !log->stop && log->state != CLUSTER_LOG_REFUSED) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(log->queue, POLL_MS);
        rd_kafka_poll(log->reader, 0);
        if (!message)
            continue;
        if (message->err)
            note_error(log, message);
        else
            take(log, message);
        rd_kafka_message_destroy(message);
    }
    for (int32_t i = 0; begun && i < log->partition_count; i++)
        rd_kafka_consume_stop(log->handle, i);
    return NULL;
}

/* ---- opening ---- */

static void init_locks(struct cluster_log *log)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->mutex, NULL);
    pthread_mutex_init(&log->writing, NULL);
    pthread_cond_init(&log->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static bool name_writer(struct cluster_log *log, struct fault *fault)
{
    uint64_t noise[2];
    if (getrandom(noise, sizeof(noise), 0) != sizeof(noise))
        return fault_set(fault, FAULT_FATAL, "the system gives no random bytes");
    snprintf(log->writer_name, sizeof(log->writer_name), "%016llx%016llx",
             (unsigned long long)noise[0], (unsigned long long)noise[1]);
    return true;
}

static bool start(struct cluster_log *log, struct fault *fault)
{
    static const char *const ours[][2] = {
        {"group.id", ""},
        {"isolation.level", "read_committed"},
        {"enable.partition.eof", "true"},
        {"auto.offset.reset", "error"},
        {"allow.auto.create.topics", "false"},
        {"enable.auto.commit", "false"},
        /* A commit does not end a broker's wait for more: this is what a write takes longer. */
        {"fetch.wait.max.ms", "100"},
        {"fetch.error.backoff.ms", "100"},
        {NULL, NULL},
    };
    str topic = log->options.topic;
    if (topic.len == 0 || topic.len >= sizeof(log->topic))
        return fault_set(fault, FAULT_CONFIG, "%s: a topic's name has 1 to 249 bytes",
                         log->options.key);
    snprintf(log->topic, sizeof(log->topic), "%.*s", STR_ARG(topic));
    if (!name_writer(log, fault)
        || !(log->reader = cluster_client(log, RD_KAFKA_CONSUMER, ours, fault)))
        return false;
    log->handle = rd_kafka_topic_new(log->reader, log->topic, NULL);
    log->queue = rd_kafka_queue_new(log->reader);
    if (!log->handle)
        return fault_set(fault, FAULT_CONFIG, "%s=%s: %s", log->options.key, log->topic,
                         rd_kafka_err2str(rd_kafka_last_error()));
    log->started = pthread_create(&log->thread, NULL, read_log, log) == 0;
    return log->started || fault_set(fault, FAULT_FATAL, "cannot start a thread");
}

struct cluster_log *cluster_log_open(const struct cluster_log_options *options, struct fault *fault)
{
    struct cluster_log *log = mem_alloc(sizeof(*log));
    if (!log) {
        fault_memory(fault, "the cluster's log");
        return NULL;
    }
    *log = (struct cluster_log){.options = *options};
    for (size_t i = 0; i < CLUSTER_PARTITION_LIMIT; i++)
        log->position[i] = -1;
    init_locks(log);
    if (start(log, fault))
        return log;
    cluster_log_close(log);
    return NULL;
}

void cluster_log_stop(struct cluster_log *log)
{
    log->stop = true;
    pthread_mutex_lock(&log->mutex);
    pthread_cond_broadcast(&log->changed);
    pthread_mutex_unlock(&log->mutex);
}

void cluster_log_close(struct cluster_log *log)
{
    if (!log)
        return;
    cluster_log_stop(log);
    if (log->started)
        pthread_join(log->thread, NULL);
    if (log->writer)
        rd_kafka_destroy(log->writer);
    if (log->sender)
        rd_kafka_destroy(log->sender);
    if (log->queue)
        rd_kafka_queue_destroy(log->queue);
    if (log->handle)
        rd_kafka_topic_destroy(log->handle);
    if (log->reader)
        rd_kafka_destroy(log->reader);
    pthread_cond_destroy(&log->changed);
    pthread_mutex_destroy(&log->writing);
    pthread_mutex_destroy(&log->mutex);
    mem_free(log);
}

/* ---- catching up ---- */

static bool not_ready(struct cluster_log *log, struct fault *fault)
{
    bool refused = log->state == CLUSTER_LOG_REFUSED;
    if (log->fault.kind != FAULT_NONE)
        return fault_set(fault, refused ? FAULT_CONFIG : FAULT_RETRY, "%s", log->fault.text);
    return fault_set(fault, FAULT_RETRY, "topic %s is not read to its end yet", log->topic);
}

static bool wait_for_start(struct cluster_log *log, int64_t deadline_ms, struct fault *fault)
{
    pthread_mutex_lock(&log->mutex);
    while (log->state == CLUSTER_LOG_STARTING && !log->stop && cluster_log_wait(log, deadline_ms))
        ;
    bool good = log->state == CLUSTER_LOG_READY || not_ready(log, fault);
    pthread_mutex_unlock(&log->mutex);
    return good;
}

/* The end of what is committed. Asked for as a time: that is the only inquiry of librdkafka 2.0
   that keeps to its timeout while brokers are away. */
static rd_kafka_resp_err_t find_end(struct cluster_log *log, int32_t partition, int timeout_ms,
                                    int64_t *end)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, log->topic, partition)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(log->reader, list, timeout_ms);
    if (!error)
        error = list->elems[0].err;
    *end = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    /* Untouched where no answer came in time. */
    return !error && *end < 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT : error;
}

static bool catch_up(struct cluster_log *log, int32_t partition, int64_t deadline_ms,
                     struct fault *fault)
{
    int64_t high, left = deadline_ms - clock_steady_ms();
    if (left <= 0)
        return fault_set(fault, FAULT_RETRY, "topic %s: no time is left to read it", log->topic);
    rd_kafka_resp_err_t error =
        find_end(log, partition, (int)(left < CLUSTER_CALL_MS ? left : CLUSTER_CALL_MS), &high);
    if (error)
        return fault_set(fault, FAULT_RETRY, "topic %s: %s", log->topic, rd_kafka_err2str(error));
    pthread_mutex_lock(&log->mutex);
    while (log->position[partition] < high && log->state == CLUSTER_LOG_READY && !log->stop
           && cluster_log_wait(log, deadline_ms))
        ;
    bool good = log->position[partition] >= high
                || (log->state != CLUSTER_LOG_READY
                        ? not_ready(log, fault)
                        : fault_set(fault, FAULT_RETRY, "topic %s could not be read to its end",
                                    log->topic));
    pthread_mutex_unlock(&log->mutex);
    return good;
}

bool cluster_log_catch_up(struct cluster_log *log, int64_t deadline_ms, struct fault *fault)
{
    bool good = wait_for_start(log, deadline_ms, fault);
    for (int32_t i = 0; good && i < log->partition_count; i++)
        good = catch_up(log, i, deadline_ms, fault);
    return good;
}
