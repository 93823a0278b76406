/*
 * The broker inside this process.
 */
#include "kafka_mock.h"

#include <stdio.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "kcat.h"
#include "log.h"
#include "mem.h"

#define CAPTURE_LIMIT ((size_t)64 * 1024 * 1024)
#define DELIVERY_WAIT_MS 10000

struct kafka_mock {
    rd_kafka_t *client; /* its broker ends with it */
    uint64_t count, delivered;
};

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    log_write(level <= 3 ? LOG_WARN : LOG_DEBUG, "librdkafka: %s: %s", facility, text);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_mock *mock = opaque;
    (void)client;
    mock->delivered += message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *start_client(struct kafka_mock *mock, struct fault *fault)
{
    static const char *const setting[][2] = {{"test.mock.num.brokers", "1"},
                                             {"client.id", "fieldtrail"},
                                             {"linger.ms", "0"},
                                             {"message.max.bytes", "10000000"}};
    char text[512];
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    for (size_t i = 0; i < sizeof(setting) / sizeof(setting[0]); i++) {
        if (rd_kafka_conf_set(settings, setting[i][0], setting[i][1], text, sizeof(text))
            == RD_KAFKA_CONF_OK)
            continue;
        fault_set(fault, FAULT_FATAL, "the in-process broker: %s", text);
        rd_kafka_conf_destroy(settings);
        return NULL;
    }
    rd_kafka_conf_set_opaque(settings, mock);
    rd_kafka_conf_set_log_cb(settings, on_log);
    rd_kafka_conf_set_dr_msg_cb(settings, on_delivery);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    if (client)
        return client;
    rd_kafka_conf_destroy(settings);
    fault_set(fault, FAULT_FATAL, "the in-process broker: %s", text);
    return NULL;
}

static rd_kafka_headers_t *headers_of(const struct record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->header_count);
    for (size_t i = 0; i < record->header_count; i++) {
        const struct header *each = &record->header[i];
        rd_kafka_header_add(headers, each->name.ptr, (ssize_t)each->name.len,
                            each->has_value ? each->value.ptr : NULL, (ssize_t)each->value.len);
    }
    return headers;
}

/* A text of no bytes is no null: librdkafka tells them apart by the pointer. It only reads. */
static void *bytes_of(str text, bool has)
{
    return !has ? NULL : (void *)(uintptr_t)(text.ptr ? text.ptr : "");
}

static bool produce(struct kafka_mock *mock, const char *topic, const struct record *record,
                    struct fault *fault)
{
    rd_kafka_headers_t *headers = headers_of(record);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        mock->client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK),
        RD_KAFKA_V_KEY(bytes_of(record->key, record->has_key), record->key.len),
        RD_KAFKA_V_VALUE(bytes_of(record->value, record->has_value), record->value.len),
        RD_KAFKA_V_TIMESTAMP(record->time_us == TIME_UNKNOWN ? 0 : record->time_us / 1000),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    if (!error) {
        mock->count++;
        return true;
    }
    rd_kafka_headers_destroy(headers);
    return fault_set(fault, FAULT_FATAL, "the in-process broker: %s", rd_kafka_err2str(error));
}

static bool fill(struct kafka_mock *mock, const char *topic, str capture, struct fault *fault)
{
    struct arena arena;
    str line;
    bool good = true;
    arena_init(&arena, CAPTURE_LIMIT);
    while (good && str_split(&capture, '\n', &line)) {
        struct record record = {0};
        bool is_record;
        arena_reset(&arena);
        good = kcat_read(line, &arena, &record, &is_record, fault);
        if (good && is_record)
            good = produce(mock, topic, &record, fault);
    }
    arena_release(&arena);
    if (good)
        rd_kafka_flush(mock->client, DELIVERY_WAIT_MS);
    return good
           && (mock->delivered == mock->count
               || fault_set(fault, FAULT_FATAL, "the in-process broker took %llu of %llu records",
                            (unsigned long long)mock->delivered, (unsigned long long)mock->count));
}

struct kafka_mock *kafka_mock_new(str topic, str capture, struct fault *fault)
{
    char name[256];
    snprintf(name, sizeof(name), "%.*s", STR_ARG(topic));
    struct kafka_mock *mock = mem_alloc(sizeof(*mock));
    if (!mock) {
        fault_memory(fault, "the in-process broker");
        return NULL;
    }
    *mock = (struct kafka_mock){0};
    mock->client = start_client(mock, fault);
    bool good = mock->client != NULL;
    if (good) {
        rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(mock->client);
        rd_kafka_resp_err_t error = rd_kafka_mock_topic_create(cluster, name, 1, 1);
        good = !error
               || fault_set(fault, FAULT_CONFIG, "topic %s: %s", name, rd_kafka_err2str(error));
    }
    if (good && fill(mock, name, capture, fault))
        return mock;
    kafka_mock_free(mock);
    return NULL;
}

void kafka_mock_free(struct kafka_mock *mock)
{
    if (mock && mock->client)
        rd_kafka_destroy(mock->client);
    mem_free(mock);
}

const char *kafka_mock_servers(const struct kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(mock->client));
}

uint64_t kafka_mock_count(const struct kafka_mock *mock)
{
    return mock->count;
}
