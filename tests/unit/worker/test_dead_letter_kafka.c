/*
 * Dead letters in a topic, with librdkafka's own broker: the n-th request to take letters is
 * refused, for every n. What a flush called durable is in the topic; what it did not is added
 * again.
 */
#include "check.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "clock.h"
#include "dead_letter.h"
#include "log.h"

#define TOPIC "letters"
#define LETTERS 4
#define PRODUCE 0 /* Kafka's number of the request */

static rd_kafka_t *broker;
static rd_kafka_mock_cluster_t *cluster;

static int start_broker(void **state)
{
    char text[512];
    (void)state;
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set(settings, "test.mock.num.brokers", "1", text, sizeof(text));
    broker = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    cluster = broker ? rd_kafka_handle_mock_cluster(broker) : NULL;
    return !cluster || rd_kafka_mock_topic_create(cluster, TOPIC, 1, 1);
}

static int stop_broker(void **state)
{
    (void)state;
    rd_kafka_destroy(broker);
    return 0;
}

static int64_t letters_there(void)
{
    int64_t low = 0, high = -1;
    assert_int_equal(rd_kafka_query_watermark_offsets(broker, TOPIC, 0, &low, &high, 10000), 0);
    return high - low;
}

static bool wait_for_topic(void *context, int fd, short events, int timeout_ms)
{
    (void)context;
    clock_wait(fd, events, timeout_ms);
    return true;
}

static struct dead_letters *open_letters(struct config *config)
{
    struct fault fault = {0};
    struct letter_topic topic = {.name = STR(TOPIC),
                                 .headers = true,
                                 .servers = str_from(rd_kafka_mock_cluster_bootstraps(cluster)),
                                 .config = config};
    struct dead_letters *letters = dead_letters_to_topic(&topic, &fault);
    check_good("open", letters != NULL, &fault);
    letters->idle = wait_for_topic;
    return letters;
}

/* One letter, flushed; added again where it was not taken. Whether that was so. */
static bool keep_one(struct dead_letters *letters, int64_t offset, struct fault *fault)
{
    struct fault cause = {0};
    struct record record = {.topic = STR("t"),
                            .partition = 0,
                            .offset = offset,
                            .time_us = TIME_UNKNOWN,
                            .has_value = true,
                            .value = STR("x")};
    const struct dead_letter letter = {&record, STR("t[0]"), STAGE_PUT, "sink", &cause};
    fault_set(&cause, FAULT_RECORD, "why");
    /* librdkafka knows only a moment later that it may go on. */
    for (unsigned tries = 0;; tries++) {
        assert_in_range(tries, 0, 100);
        if (dead_letters_add(letters, &letter, fault) && dead_letters_flush(letters, fault))
            return tries > 0;
        clock_wait(-1, 0, 100);
    }
}

/* Gives how many letters were refused. */
static unsigned keep_all(unsigned nth, rd_kafka_resp_err_t error, enum fault_kind kind)
{
    static const rd_kafka_resp_err_t none = RD_KAFKA_RESP_ERR_NO_ERROR;
    struct arena arena;
    struct config config;
    struct fault fault = {0};
    unsigned refused = 0;
    arena_init(&arena, TEST_BYTES);
    config_init(&config, &arena);
    rd_kafka_mock_clear_request_errors(cluster, PRODUCE);
    struct dead_letters *letters = open_letters(&config);
    for (unsigned i = 1; i < nth; i++)
        rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, none);
    rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, error);
    int64_t before = letters_there();
    for (int64_t i = 0; i < LETTERS; i++) {
        bool again = keep_one(letters, i, &fault);
        if (again)
            check_number("the fault's kind", fault.kind, kind);
        refused += again;
        check_number("letters that are there", letters_there() - before, i + 1);
    }
    dead_letters_close(letters);
    rd_kafka_mock_clear_request_errors(cluster, PRODUCE);
    arena_release(&arena);
    return refused;
}

/* Refused for good: the flush says so, once. */
static void test_refused(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, LOG_TEXT);
    for (unsigned nth = 1; nth <= LETTERS + 1; nth++) {
        unsigned expected = nth <= LETTERS;
        check_number("rights",
                     keep_all(nth, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FAULT_CONFIG),
                     expected);
        check_number("size", keep_all(nth, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, FAULT_CONFIG),
                     expected);
    }
}

/* What passes is tried again by librdkafka itself: each letter is there once. */
static void test_passing(void **state)
{
    (void)state;
    log_setup(LOG_ERROR, LOG_TEXT);
    for (unsigned nth = 1; nth <= LETTERS + 1; nth++)
        check_number("leader", keep_all(nth, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, FAULT_RETRY),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_passing),
    };
    return cmocka_run_group_tests(tests, start_broker, stop_broker);
}
