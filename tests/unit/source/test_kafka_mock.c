/* kafka_mock and kafka_apart: records go into the in-process broker and come out as they were;
   topics by their names and by an expression, and the group, without any server. */
#include "check.h"

#include <stdio.h>

#include <librdkafka/rdkafka.h>

#include "kafka_apart.h"
#include "kafka_mock.h"

#define WAIT_MS 10000

static const char capture[] =
    "{\"topic\":\"x\",\"partition\":0,\"offset\":7,\"ts\":1700000000123,\"headers\":[\"h\",\"v\","
    "\"n\",null],\"key\":\"k1\",\"payload\":\"{\\\"a\\\":\\\"\\u00e9\\\"}\"}\n"
    "{\"topic\":\"x\",\"partition\":0,\"offset\":8,\"ts\":1700000001000,\"key\":\"k1\",\"payload\":"
    "null}\n"
    "{\"topic\":\"x\",\"partition\":0,\"offset\":9,\"ts\":1700000002000,\"key\":null,\"payload\":"
    "\"\"}\n";

struct world {
    struct arena arena;
    struct config config;
    struct fault fault;
    struct kafka_mock *mock;
    struct source *source;
    struct kafka_topics topics;
};

static void set(struct world *world, const char *key, const char *value)
{
    assert_true(
        config_set(&world->config, str_from(key), str_from(value), STR("test"), &world->fault));
}

static int set_up(void **state)
{
    static struct world world;
    world = (struct world){0};
    arena_init(&world.arena, (size_t)1024 * 1024);
    config_init(&world.config, &world.arena);
    world.mock = kafka_mock_new(STR("bank.holding"), str_from(capture), &world.fault);
    assert_non_null(world.mock);
    set(&world, "bootstrap.servers", kafka_mock_servers(world.mock));
    set(&world, "name", "n");
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    if (world->source)
        world->source->type->stop(world->source);
    kafka_mock_free(world->mock);
    arena_release(&world->arena);
    return 0;
}

static void open(struct world *world, const char *key, const char *value)
{
    set(world, key, value);
    world->source = kafka_apart_new(&world->config, &world->fault);
    assert_non_null(world->source);
    if (!kafka_apart_topics(world->source, &world->topics, WAIT_MS, &world->fault))
        fail_msg("%s", world->fault.text);
}

static void read_all(struct world *world, struct batch *batch, size_t count)
{
    for (unsigned polls = 0; batch->record_count < count && polls < 50; polls++)
        assert_true(source_poll(world->source, batch, 200, &world->fault));
    assert_int_equal(batch->record_count, count);
}

static void test_records_come_out_as_they_went_in(void **state)
{
    struct world *world = *state;
    struct batch batch;
    assert_int_equal(kafka_mock_count(world->mock), 3);
    open(world, "topics", "bank.holding");
    assert_int_equal(world->topics.count, 1);
    assert_int_equal(world->topics.item[0].partition_count, 1);
    assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
    struct lane *lane = &world->source->lane[0];
    assert_int_equal(lane->low, 0);
    assert_int_equal(lane->high, 3);
    assert_int_equal(lane->committed, OFFSET_NONE);
    assert_true(str_is(world->source->identity, KAFKA_MOCK_CLUSTER));
    lane->next = 0;
    batch_init(&batch, (size_t)1024 * 1024);
    assert_true(world->source->type->assign(world->source, &world->fault));
    read_all(world, &batch, 3);
    const struct record *record = batch.record;
    assert_true(str_is(record[0].key, "k1"));
    assert_true(str_is(record[0].value, "{\"a\":\"\xc3\xa9\"}"));
    assert_int_equal(record[0].time_us, 1700000000123000);
    assert_int_equal(record[0].header_count, 2);
    assert_true(str_is(record[0].header[0].value, "v"));
    assert_false(record[0].header[1].has_value);
    assert_false(record[1].has_value);
    assert_true(record[2].has_value && record[2].value.len == 0);
    assert_false(record[2].has_key);
    batch_release(&batch);
}

/* Going on with what was not paused reads nothing again: the record before the place where reading
   began is looked at once, and the last one read is no other than that by mistake. */
static void test_going_on_changes_nothing_that_was_not_paused(void **state)
{
    struct world *world = *state;
    struct batch batch;
    open(world, "topics", "bank.holding");
    assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
    struct lane *lane = &world->source->lane[0];
    lane->next = 1;
    lane->last_us = 1700000000123000;
    batch_init(&batch, (size_t)1024 * 1024);
    assert_true(world->source->type->assign(world->source, &world->fault));
    read_all(world, &batch, 2);
    for (int i = 0; i < 5; i++) {
        assert_true(world->source->type->pause(world->source, false, &world->fault));
        if (!source_poll(world->source, &batch, 200, &world->fault))
            fail_msg("%s", world->fault.text);
    }
    assert_int_equal(batch.record_count, 2);
    batch_release(&batch);
}

/* As after a failure. */
static void test_what_was_paused_is_taken_up_again(void **state)
{
    struct world *world = *state;
    struct batch batch;
    open(world, "topics", "bank.holding");
    assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
    for (int i = 0; i < 9; i++) {
        world->source->lane[0].next = i % 3;
        world->source->lane[0].last_us = TIME_UNKNOWN;
        batch_init(&batch, (size_t)1024 * 1024);
        assert_true(world->source->type->assign(world->source, &world->fault));
        assert_true(world->source->type->pause(world->source, false, &world->fault));
        read_all(world, &batch, (size_t)(3 - i % 3));
        assert_true(world->source->type->pause(world->source, true, &world->fault));
        batch_release(&batch);
    }
}

static void test_the_group_is_told_and_believed(void **state)
{
    struct world *world = *state;
    open(world, "topics", "bank.holding");
    assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
    struct reach reach = {0, 2, TIME_UNKNOWN, OFFSET_NONE};
    assert_true(source_commit(world->source, &reach, 1, true, &world->fault));
    assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
    assert_int_equal(world->source->lane[0].committed, 2);
}

/* The half of a key change that waits is named in the group offset's metadata, and by nothing else
   that may stand there. */
static void test_the_group_keeps_what_is_held(void **state)
{
    struct world *world = *state;
    const struct lane *lane;
    static const int64_t held[] = {OFFSET_NONE, 1, 0, OFFSET_NONE};
    open(world, "topics", "bank.holding");
    for (size_t i = 0; i < COUNT(held); i++) {
        struct reach reach = {0, 2, TIME_UNKNOWN, held[i]};
        assert_true(source_commit(world->source, &reach, 1, true, &world->fault));
        assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
        lane = &world->source->lane[0];
        assert_int_equal(lane->committed, 2);
        assert_int_equal(lane->committed_held, held[i]);
    }
}

/* Another program of the group, or a person's tool, writes this beside the offset. */
static void commit_text(struct world *world, const char *text)
{
    char error[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", kafka_mock_servers(world->mock),
                                       error, sizeof(error)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "connect-n", error, sizeof(error)),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    assert_non_null(client);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, "bank.holding",
                                                                            0);
    element->offset = 3;
    element->metadata_size = strlen(text);
    element->metadata = rd_kafka_mem_malloc(client, element->metadata_size + 1);
    memcpy(element->metadata, text, element->metadata_size + 1);
    assert_int_equal(rd_kafka_commit(client, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
}

static void test_other_texts_of_the_group_hold_nothing(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *text;
        int64_t held;
    } cases[] = {{"held=1", 1},
                 {"held=", OFFSET_NONE},
                 {"held=-1", OFFSET_NONE},
                 {"held=x", OFFSET_NONE},
                 {"mine", OFFSET_NONE},
                 {"held=99999999999999999999", OFFSET_NONE}};
    open(world, "topics", "bank.holding");
    for (size_t i = 0; i < COUNT(cases); i++) {
        commit_text(world, cases[i].text);
        assert_true(kafka_apart_describe(world->source, WAIT_MS, &world->fault));
        check_number(cases[i].text, world->source->lane[0].committed, 3);
        check_number(cases[i].text, world->source->lane[0].committed_held, cases[i].held);
    }
}

static void test_an_expression_must_match_the_whole_name(void **state)
{
    struct world *world = *state;
    open(world, "topics.regex", "bank\\.hold|bank\\..*ing");
    assert_int_equal(world->topics.count, 1);
    assert_true(str_is(world->topics.item[0].name, "bank.holding"));
    assert_int_equal(world->source->lane_count, 1);
    assert_true(world->source->lane[0].incoming);
}

static void test_an_expression_that_matches_a_part_finds_none(void **state)
{
    struct world *world = *state;
    open(world, "topics.regex", "bank\\.hold");
    assert_int_equal(world->topics.count, 0);
}

static void test_brokers_that_are_not_there(void **state)
{
    struct world *world = *state;
    struct kafka_topics topics;
    set(world, "bootstrap.servers", "127.0.0.1:1");
    set(world, "topics", "bank.holding");
    world->source = kafka_apart_new(&world->config, &world->fault);
    assert_non_null(world->source);
    assert_false(kafka_apart_topics(world->source, &topics, 1000, &world->fault));
    assert_int_equal(world->fault.kind, FAULT_RETRY);
    assert_non_null(strstr(world->fault.text, "refused"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_records_come_out_as_they_went_in),
        TEST(test_going_on_changes_nothing_that_was_not_paused),
        TEST(test_what_was_paused_is_taken_up_again),
        TEST(test_the_group_is_told_and_believed),
        TEST(test_the_group_keeps_what_is_held),
        TEST(test_other_texts_of_the_group_hold_nothing),
        TEST(test_an_expression_must_match_the_whole_name),
        TEST(test_an_expression_that_matches_a_part_finds_none),
        TEST(test_brokers_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
