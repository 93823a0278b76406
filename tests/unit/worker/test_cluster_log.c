/*
 * The log against librdkafka's own broker, which keeps no control records and fences nobody off:
 * what others would do to a writer is put into its answers. Real fencing is for the live tests.
 */
#include <pthread.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "check.h"
#include "clock.h"
#include "cluster_log.h"
#include "log.h"

#define TOPIC "configs"
#define API_ADD_PARTITIONS 24
#define API_END_TXN 26
#define PATIENCE_MS 20000

struct world {
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *brokers;
    struct arena arena;
    struct config config;
    struct cluster_log *log;
    pthread_mutex_t mutex;
    char taken[4000];    /* "key=value " in order; tombstones are "key! ", old ones "(…)" */
    enum fault_kind say; /* of records whose key begins with "bad" */
};

static struct world world;

static bool take(void *context, const struct cluster_record *record, struct fault *fault)
{
    (void)context;
    if (str_starts(record->key, STR("bad")))
        return fault_set(fault, world.say, "no record of ours");
    pthread_mutex_lock(&world.mutex);
    size_t used = strlen(world.taken);
    snprintf(world.taken + used, sizeof(world.taken) - used,
             record->old ? "(%.*s%s%.*s) " : "%.*s%s%.*s ", STR_ARG(record->key),
             record->has_value ? "=" : "!", STR_ARG(record->value));
    pthread_mutex_unlock(&world.mutex);
    return true;
}

static void check_taken(const char *want)
{
    pthread_mutex_lock(&world.mutex);
    check_text("taken", str_from(world.taken), want);
    pthread_mutex_unlock(&world.mutex);
}

static int set_up(void **state)
{
    char text[512];
    (void)state;
    memset(&world, 0, sizeof(world));
    world.say = FAULT_RECORD;
    pthread_mutex_init(&world.mutex, NULL);
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set(settings, "test.mock.num.brokers", "1", text, sizeof(text));
    rd_kafka_conf_set(settings, "linger.ms", "0", text, sizeof(text));
    rd_kafka_conf_set(settings, "log_level", "0", text, sizeof(text));
    rd_kafka_conf_set(settings, "message.max.bytes", "4000000", text, sizeof(text));
    world.client = rd_kafka_new(RD_KAFKA_PRODUCER, settings, text, sizeof(text));
    world.brokers = rd_kafka_handle_mock_cluster(world.client);
    arena_init(&world.arena, TEST_BYTES);
    char line[300];
    snprintf(line, sizeof(line), "bootstrap.servers=%s",
             rd_kafka_mock_cluster_bootstraps(world.brokers));
    config_from(&world.config, &world.arena, line);
    log_setup(LOG_ERROR, LOG_TEXT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cluster_log_close(world.log);
    rd_kafka_destroy(world.client);
    arena_release(&world.arena);
    pthread_mutex_destroy(&world.mutex);
    return 0;
}

static void make_topic(int partitions)
{
    assert_int_equal(rd_kafka_mock_topic_create(world.brokers, TOPIC, partitions, 1), 0);
}

static void open_log(void)
{
    struct fault fault = {0};
    struct cluster_log_options options = {.config = &world.config,
                                          .key = "config.storage.topic",
                                          .topic = STR(TOPIC),
                                          .single = true,
                                          .trusted = true,
                                          .transactional_id = STR("g-config"),
                                          .take = take};
    world.log = cluster_log_open(&options, &fault);
    check_good("open", world.log != NULL, &fault);
}

static void produce(const char *key, const char *value, size_t len)
{
    rd_kafka_resp_err_t error =
        rd_kafka_producev(world.client, RD_KAFKA_V_TOPIC(TOPIC), RD_KAFKA_V_PARTITION(0),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY((void *)(uintptr_t)key, key ? strlen(key) : 0),
                          RD_KAFKA_V_VALUE((void *)(uintptr_t)value, len), RD_KAFKA_V_END);
    assert_int_equal(error, 0);
    assert_int_equal(rd_kafka_flush(world.client, PATIENCE_MS), 0);
}

static void catch_up(void)
{
    struct fault fault = {0};
    check_good("catch up", cluster_log_catch_up(world.log, clock_steady_ms() + PATIENCE_MS, &fault),
               &fault);
}

static void check_refused(const char *part)
{
    struct fault fault = {0};
    int64_t deadline = clock_steady_ms() + PATIENCE_MS;
    while (cluster_log_state(world.log, &fault) != CLUSTER_LOG_REFUSED
           && clock_steady_ms() < deadline)
        clock_wait(-1, 0, 10);
    check_fault("refused", cluster_log_state(world.log, &fault) != CLUSTER_LOG_REFUSED, &fault,
                FAULT_CONFIG, part);
    check_fault("catch up",
                cluster_log_catch_up(world.log, clock_steady_ms() + PATIENCE_MS, &fault), &fault,
                FAULT_CONFIG, part);
}

/* ---- reading ---- */

static void test_what_was_there_and_what_comes(void **state)
{
    (void)state;
    make_topic(1);
    produce("a", "1", 1);
    produce("b", "2", 1);
    produce("a", NULL, 0);
    open_log();
    catch_up();
    check_taken("(a=1) (b=2) (a!) ");
    produce("c", "", 0);
    produce("d", "4", 1);
    catch_up();
    check_taken("(a=1) (b=2) (a!) c= d=4 ");
}

static void test_an_empty_topic_is_read_at_once(void **state)
{
    (void)state;
    make_topic(1);
    open_log();
    catch_up();
    check_taken("");
}

static void test_garbage_is_skipped_and_counted(void **state)
{
    static char large[CLUSTER_VALUE_LIMIT + 1], key[CLUSTER_KEY_LIMIT + 2];
    (void)state;
    memset(large, 'x', sizeof(large));
    memset(key, 'k', sizeof(key) - 1);
    make_topic(1);
    produce(NULL, "1", 1);
    produce(key, "2", 1);
    produce("large", large, sizeof(large));
    produce("bad", "3", 1);
    produce("a", "4", 1);
    open_log();
    catch_up();
    check_taken("(a=4) ");
    check_number("skipped", (int64_t)cluster_log_skipped(world.log), 4);
}

static void test_a_log_of_somebody_else_is_refused(void **state)
{
    (void)state;
    make_topic(1);
    world.say = FAULT_CONFIG;
    produce("a", "1", 1);
    produce("bad", "2", 1);
    produce("c", "3", 1);
    open_log();
    check_refused("config.storage.topic=" TOPIC ": offset 1: no record of ours");
    check_taken("(a=1) ");
}

static void test_several_partitions_are_refused(void **state)
{
    (void)state;
    make_topic(3);
    open_log();
    check_refused("it has 3 partitions");
}

static void test_brokers_that_are_away_are_waited_for(void **state)
{
    struct fault fault = {0};
    (void)state;
    make_topic(1);
    produce("a", "1", 1);
    rd_kafka_mock_broker_set_down(world.brokers, 1);
    open_log();
    check_fault("not yet", cluster_log_catch_up(world.log, clock_steady_ms() + 1500, &fault),
                &fault, FAULT_RETRY, "");
    assert_int_equal(cluster_log_state(world.log, &fault), CLUSTER_LOG_STARTING);
    rd_kafka_mock_broker_set_up(world.brokers, 1);
    catch_up();
    check_taken("(a=1) ");
    rd_kafka_mock_broker_set_down(world.brokers, 1);
    check_fault("away", cluster_log_catch_up(world.log, clock_steady_ms() + 1000, &fault), &fault,
                FAULT_RETRY, TOPIC);
    rd_kafka_mock_broker_set_up(world.brokers, 1);
    produce("b", "2", 1);
    catch_up();
    check_taken("(a=1) b=2 ");
}

/* ---- writing ---- */

/* Writes NAME=value where there is no NAME yet. */
struct wish {
    const char *name;
    int decided;
};

static bool decide(void *context, struct cluster_batch *batch, struct fault *fault)
{
    struct wish *wish = context;
    char part[64];
    wish->decided++;
    snprintf(part, sizeof(part), "k-%s=", wish->name);
    pthread_mutex_lock(&world.mutex);
    bool there = strstr(world.taken, part) != NULL;
    pthread_mutex_unlock(&world.mutex);
    if (there)
        return fault_set(fault, FAULT_CONFIG, "%s exists", wish->name);
    buf_str(cluster_batch_put(batch, "k-", str_from(wish->name)), STR("v"));
    cluster_batch_bury(batch, "old-", str_from(wish->name));
    return true;
}

static enum cluster_written write_it(const char *name, int within_ms, struct fault *fault)
{
    struct wish wish = {.name = name};
    *fault = (struct fault){0};
    enum cluster_written written = cluster_log_write(world.log, decide, &wish,
                                                     clock_steady_ms() + within_ms, fault);
    assert_true(wish.decided > 0 || written == CLUSTER_LATE);
    return written;
}

static void test_what_was_written_is_there_at_the_answer(void **state)
{
    struct fault fault;
    (void)state;
    make_topic(1);
    open_log();
    assert_int_equal(write_it("a", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
    check_taken("k-a=v old-a! ");
    assert_int_equal(write_it("b", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
    check_taken("k-a=v old-a! k-b=v old-b! ");
    assert_int_equal(write_it("a", PATIENCE_MS, &fault), CLUSTER_DENIED);
    check_text("why", str_from(fault.text), "a exists");
    check_taken("k-a=v old-a! k-b=v old-b! ");
}

static void test_a_writer_that_is_fenced_off_begins_anew(void **state)
{
    struct fault fault;
    (void)state;
    make_topic(1);
    open_log();
    for (int i = 0; i < 2; i++) {
        rd_kafka_mock_push_request_errors(world.brokers, API_ADD_PARTITIONS, 1,
                                          RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
        assert_int_equal(write_it(i ? "b" : "a", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
    }
    catch_up();
    check_taken("k-a=v old-a! k-b=v old-b! ");
}

/* The broker took it, and the answer was lost: it must not be written twice, nor denied because it
   is there. */
static void test_a_commit_without_an_answer_is_found(void **state)
{
    struct fault fault;
    (void)state;
    make_topic(1);
    open_log();
    assert_int_equal(write_it("a", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
    rd_kafka_mock_push_request_errors(world.brokers, API_END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_int_equal(write_it("b", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
    catch_up();
    check_taken("k-a=v old-a! k-b=v old-b! ");
}

static void test_a_write_that_never_succeeds_ends(void **state)
{
    struct fault fault;
    (void)state;
    make_topic(1);
    open_log();
    catch_up();
    rd_kafka_mock_broker_set_down(world.brokers, 1);
    int64_t began = clock_steady_ms();
    assert_int_equal(write_it("a", 2000, &fault), CLUSTER_LATE);
    assert_in_range(clock_steady_ms() - began, 1900, 6000);
    assert_true(fault.text[0] != '\0');
    rd_kafka_mock_broker_set_up(world.brokers, 1);
    assert_int_equal(write_it("a", PATIENCE_MS, &fault), CLUSTER_WRITTEN);
}

static bool decide_large(void *context, struct cluster_batch *batch, struct fault *fault)
{
    (void)context;
    (void)fault;
    struct buf *value = cluster_batch_put(batch, "k-", STR("large"));
    for (size_t i = 0; i <= CLUSTER_VALUE_LIMIT / 10; i++)
        buf_str(value, STR("0123456789"));
    return true;
}

static void test_what_is_too_large_is_not_written(void **state)
{
    struct fault fault = {0};
    (void)state;
    make_topic(1);
    open_log();
    assert_int_equal(
        cluster_log_write(world.log, decide_large, NULL, clock_steady_ms() + PATIENCE_MS, &fault),
        CLUSTER_DENIED);
    check_fault("size", false, &fault, FAULT_CONFIG, "too long");
    check_taken("");
}

static void test_what_is_sent_arrives_in_order(void **state)
{
    (void)state;
    make_topic(1);
    open_log();
    catch_up();
    cluster_log_send(world.log, STR("a"), STR("1"));
    cluster_log_send(world.log, STR("b"), STR("2"));
    cluster_log_send(world.log, STR("a"), STR_EMPTY);
    cluster_log_flush(world.log, clock_steady_ms() + PATIENCE_MS);
    catch_up();
    check_taken("a=1 b=2 a! ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_there_and_what_comes),
        TEST(test_an_empty_topic_is_read_at_once),
        TEST(test_garbage_is_skipped_and_counted),
        TEST(test_a_log_of_somebody_else_is_refused),
        TEST(test_several_partitions_are_refused),
        TEST(test_brokers_that_are_away_are_waited_for),
        TEST(test_what_was_written_is_there_at_the_answer),
        TEST(test_a_writer_that_is_fenced_off_begins_anew),
        TEST(test_a_commit_without_an_answer_is_found),
        TEST(test_a_write_that_never_succeeds_ends),
        TEST(test_what_is_too_large_is_not_written),
        TEST(test_what_is_sent_arrives_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
