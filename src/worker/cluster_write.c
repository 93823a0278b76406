/*
 * Writing: one at a time in the whole cluster, by a transactional producer, or at any time.
 *
 * A producer that starts fences off those of its id that started before. So what one of them could
 * commit was decided knowing all that was committed before: whoever else wrote in between would
 * have had to start first. That is why a producer may be kept and used again for as long as nobody
 * has fenced it off, which costs nothing where only one worker writes.
 */
#include <assert.h>
#include <stdio.h>

#include "clock.h"
#include "cluster_log_parts.h"
#include "kafka_errors.h"
#include "log.h"

#define JITTER_FIRST_MS 400
#define JITTER_LAST_MS 4000
#define SEND_TIMEOUT_MS "8000"

enum outcome {
    OUTCOME_COMMITTED,
    OUTCOME_DENIED,
    OUTCOME_AGAIN /* fenced off, or brokers away: nobody knows whether it was written */
};

/* ---- batches ---- */

static void batch_init(struct cluster_batch *batch)
{
    *batch = (struct cluster_batch){0};
    for (size_t i = 0; i < CLUSTER_BATCH_LIMIT; i++) {
        buf_init(&batch->item[i].key, CLUSTER_KEY_LIMIT);
        buf_init(&batch->item[i].value, CLUSTER_VALUE_LIMIT);
    }
}

static void batch_release(struct cluster_batch *batch)
{
    for (size_t i = 0; i < CLUSTER_BATCH_LIMIT; i++) {
        buf_release(&batch->item[i].key);
        buf_release(&batch->item[i].value);
    }
}

static struct buf *put(struct cluster_batch *batch, const char *kind, str name, bool has_value)
{
    assert(batch->count < CLUSTER_BATCH_LIMIT);
    buf_str(&batch->item[batch->count].key, str_from(kind));
    buf_str(&batch->item[batch->count].key, name);
    batch->item[batch->count].has_value = has_value;
    return &batch->item[batch->count++].value;
}

struct buf *cluster_batch_put(struct cluster_batch *batch, const char *kind, str name)
{
    return put(batch, kind, name, true);
}

void cluster_batch_bury(struct cluster_batch *batch, const char *kind, str name)
{
    put(batch, kind, name, false);
}

static bool check_size(const struct cluster_batch *batch, struct fault *fault)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->item[i].key.full || batch->item[i].value.full)
            return fault_set(fault, FAULT_CONFIG,
                             "the name or the configuration is too long: %d and %zu bytes are the "
                             "limits",
                             CLUSTER_KEY_LIMIT, CLUSTER_VALUE_LIMIT);
        else if (batch->item[i].key.failed || batch->item[i].value.failed)
            return fault_memory(fault, "a record");
    return true;
}

/* ---- one transaction ---- */

static int left_ms(int64_t deadline_ms)
{
    int64_t left = deadline_ms - clock_steady_ms();
    return left <= 0 ? 0 : left < CLUSTER_CALL_MS ? (int)left : CLUSTER_CALL_MS;
}

static void drop_writer(struct cluster_log *log)
{
    if (log->writer)
        rd_kafka_destroy(log->writer);
    log->writer = NULL;
}

/* False with the error's text; a producer that cannot go on is dropped. */
static bool settle(struct cluster_log *log, rd_kafka_error_t *error, const char *what,
                   struct fault *fault)
{
    if (!error)
        return true;
    enum fault_kind kind = kafka_error_kind(rd_kafka_error_code(error));
    fault_set(fault, kind == FAULT_CONFIG ? kind : FAULT_RETRY, "topic %s: %s: %s", log->topic,
              what, rd_kafka_error_string(error));
    bool again = rd_kafka_error_is_retriable(error);
    rd_kafka_error_destroy(error);
    if (!again)
        drop_writer(log);
    return false;
}

/* Fences off all others. */
static bool start_writer(struct cluster_log *log, int64_t deadline_ms, struct fault *fault)
{
    char id[300];
    const char *const ours[][2] = {
        {"transactional.id", id},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "0"},
        {"transaction.timeout.ms", "10000"},
        {"message.timeout.ms", SEND_TIMEOUT_MS},
        {NULL, NULL},
    };
    snprintf(id, sizeof(id), "%.*s", STR_ARG(log->options.transactional_id));
    log->writer = cluster_client(log, RD_KAFKA_PRODUCER, ours, fault);
    if (!log->writer)
        return false;
    if (settle(log, rd_kafka_init_transactions(log->writer, left_ms(deadline_ms)),
               "a writer's start", fault))
        return true;
    drop_writer(log);
    return false;
}

/* The last one carries the write's id: whoever has read it has read all. */
static rd_kafka_resp_err_t produce_item(struct cluster_log *log, struct cluster_batch *batch,
                                        size_t i, const char *id)
{
    struct buf *key = &batch->item[i].key, *value = &batch->item[i].value;
    void *payload = batch->item[i].has_value ? value->ptr : NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    if (i + 1 == batch->count)
        rd_kafka_header_add(headers, WRITE_HEADER, -1, id, -1);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        log->writer, RD_KAFKA_V_TOPIC(log->topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key->ptr, key->len),
        RD_KAFKA_V_VALUE(payload, payload ? value->len : 0), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    if (error)
        rd_kafka_headers_destroy(headers);
    return error;
}

static bool commit(struct cluster_log *log, int64_t deadline_ms, struct fault *fault)
{
    rd_kafka_error_t *error;
    do {
        error = rd_kafka_commit_transaction(log->writer, left_ms(deadline_ms));
        bool again = error && rd_kafka_error_is_retriable(error) && left_ms(deadline_ms) > 0;
        if (!again)
            break;
        rd_kafka_error_destroy(error);
    } while (true);
    if (settle(log, error, "the commit", fault))
        return true;
    /* Whatever is left of it ends with the next writer's start. */
    drop_writer(log);
    return false;
}

static bool transact(struct cluster_log *log, struct cluster_batch *batch, const char *id,
                     int64_t deadline_ms, struct fault *fault)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!settle(log, rd_kafka_begin_transaction(log->writer), "a write", fault)) {
        drop_writer(log);
        return false;
    }
    for (size_t i = 0; !error && i < batch->count; i++)
        error = produce_item(log, batch, i, id);
    if (!error)
        return commit(log, deadline_ms, fault);
    fault_set(fault, kafka_error_kind(error), "topic %s: a write: %s", log->topic,
              rd_kafka_err2str(error));
    drop_writer(log);
    return false;
}

/* ---- until it is done ---- */

static void await(struct cluster_log *log, const char *id)
{
    pthread_mutex_lock(&log->mutex);
    snprintf(log->awaited, sizeof(log->awaited), "%s", id);
    log->arrived = false;
    pthread_mutex_unlock(&log->mutex);
}

static bool has_arrived(struct cluster_log *log)
{
    pthread_mutex_lock(&log->mutex);
    bool arrived = log->arrived;
    pthread_mutex_unlock(&log->mutex);
    return arrived;
}

static bool wait_for_arrival(struct cluster_log *log, int64_t deadline_ms)
{
    pthread_mutex_lock(&log->mutex);
    while (!log->arrived && !log->stop && log->state == CLUSTER_LOG_READY
           && cluster_log_wait(log, deadline_ms))
        ;
    bool arrived = log->arrived;
    pthread_mutex_unlock(&log->mutex);
    return arrived;
}

struct attempt {
    cluster_decide *decide;
    void *context;
    char id[WRITE_ID_SIZE];
    int64_t deadline_ms;
};

/* Reads to the end and decides. */
static enum outcome decide(struct cluster_log *log, const struct attempt *attempt,
                           struct cluster_batch *batch, struct fault *fault)
{
    if (!cluster_log_catch_up(log, attempt->deadline_ms, fault))
        return OUTCOME_AGAIN;
    /* An attempt before this one, whose end nobody could tell, was written after all. */
    if (has_arrived(log))
        return OUTCOME_COMMITTED;
    batch_release(batch);
    batch_init(batch);
    if (!attempt->decide(attempt->context, batch, fault) || !check_size(batch, fault))
        return OUTCOME_DENIED;
    return batch->count == 0 ? OUTCOME_COMMITTED : OUTCOME_AGAIN;
}

/* What can be denied at once is denied before anybody is fenced off for it. */
static enum outcome try_once(struct cluster_log *log, const struct attempt *attempt,
                             struct cluster_batch *batch, struct fault *fault)
{
    enum outcome outcome = OUTCOME_AGAIN;
    if (!log->writer) {
        *fault = (struct fault){0};
        outcome = decide(log, attempt, batch, fault);
        if (outcome != OUTCOME_AGAIN || fault->kind != FAULT_NONE
            || !start_writer(log, attempt->deadline_ms, fault))
            return outcome;
    }
    *fault = (struct fault){0};
    outcome = decide(log, attempt, batch, fault);
    if (outcome != OUTCOME_AGAIN || fault->kind != FAULT_NONE
        || !transact(log, batch, attempt->id, attempt->deadline_ms, fault))
        return outcome;
    return wait_for_arrival(log, attempt->deadline_ms) ? OUTCOME_COMMITTED : OUTCOME_AGAIN;
}

/* Between nothing and a growing limit, so that of several who wait one comes first. */
static void wait_by_chance(struct cluster_log *log, unsigned tries, int64_t deadline_ms)
{
    int64_t most = (int64_t)JITTER_FIRST_MS << (tries < 8 ? tries : 8);
    uint64_t noise = str_hash(STR_HASH_START, str_from(log->writer_name))
                     ^ (uint64_t)clock_now_us() * 0x9e3779b97f4a7c15ULL;
    most = most < JITTER_LAST_MS ? most : JITTER_LAST_MS;
    int64_t until = clock_steady_ms() + (int64_t)((noise >> 20) % (uint64_t)most);
    until = until < deadline_ms ? until : deadline_ms;
    while (clock_steady_ms() < until && !log->stop)
        clock_wait(-1, 0, (int)(until - clock_steady_ms()) + 1);
}

static enum cluster_written write_until(struct cluster_log *log, struct attempt *attempt,
                                        struct fault *fault)
{
    struct cluster_batch batch;
    enum outcome outcome = OUTCOME_AGAIN;
    batch_init(&batch);
    snprintf(attempt->id, sizeof(attempt->id), "%s-%llu", log->writer_name,
             (unsigned long long)++log->write_count);
    await(log, attempt->id);
    for (unsigned tries = 0; !log->stop; tries++) {
        outcome = try_once(log, attempt, &batch, fault);
        if (outcome != OUTCOME_AGAIN || fault->kind == FAULT_CONFIG
            || left_ms(attempt->deadline_ms) == 0)
            break;
        log_write(LOG_DEBUG, "cluster: a write begins anew: %s", fault->text);
        wait_by_chance(log, tries, attempt->deadline_ms);
    }
    await(log, "");
    batch_release(&batch);
    if (outcome == OUTCOME_AGAIN && fault->kind == FAULT_NONE)
        fault_set(fault, FAULT_RETRY, "topic %s: the write was not read back in time", log->topic);
    return outcome == OUTCOME_COMMITTED ? CLUSTER_WRITTEN
           : outcome == OUTCOME_DENIED  ? CLUSTER_DENIED
                                        : CLUSTER_LATE;
}

/* The time of day is what this call knows of. */
static bool lock_until(pthread_mutex_t *mutex, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until) == 0;
}

enum cluster_written cluster_log_write(struct cluster_log *log, cluster_decide *decide_by,
                                       void *context, int64_t deadline_ms, struct fault *fault)
{
    struct attempt attempt = {.decide = decide_by, .context = context, .deadline_ms = deadline_ms};
    if (!lock_until(&log->writing, deadline_ms)) {
        fault_set(fault, FAULT_RETRY, "topic %s: other writes of this worker take too long",
                  log->topic);
        return CLUSTER_LATE;
    }
    enum cluster_written written = write_until(log, &attempt, fault);
    pthread_mutex_unlock(&log->writing);
    return written;
}

/* ---- at any time ---- */

static bool start_sender(struct cluster_log *log)
{
    static const char *const ours[][2] = {
        {"enable.idempotence", "true"},          {"acks", "all"}, {"linger.ms", "0"},
        {"message.timeout.ms", SEND_TIMEOUT_MS}, {NULL, NULL},
    };
    struct fault fault;
    log->sender = cluster_client(log, RD_KAFKA_PRODUCER, ours, &fault);
    if (!log->sender)
        log_write(LOG_ERROR, "%s", fault.text);
    return log->sender != NULL;
}

/* An idempotent producer may come to a fatal end: another takes its place. */
void cluster_log_send(struct cluster_log *log, str key, str value)
{
    char text[CLUSTER_ERROR_SIZE];
    if (log->sender && rd_kafka_fatal_error(log->sender, text, sizeof(text))) {
        log_write(LOG_WARN, "cluster: topic %s: %s", log->topic, text);
        rd_kafka_destroy(log->sender);
        log->sender = NULL;
    }
    if (!log->sender && !start_sender(log))
        return;
    /* They are copied, and not written to. */
    void *name = (void *)(uintptr_t)key.ptr, *payload = (void *)(uintptr_t)value.ptr;
    rd_kafka_producev(log->sender, RD_KAFKA_V_TOPIC(log->topic),
                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(name, key.len),
                      RD_KAFKA_V_VALUE(payload, value.len), RD_KAFKA_V_END);
    rd_kafka_poll(log->sender, 0);
}

void cluster_log_flush(struct cluster_log *log, int64_t deadline_ms)
{
    if (log->sender)
        rd_kafka_flush(log->sender, left_ms(deadline_ms));
}
