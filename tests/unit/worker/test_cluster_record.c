/*
 * Keys and values of the cluster's topics: what is written is read back, what Kafka Connect writes
 * is told apart, and nonsense is refused with a reason.
 */
#include "check.h"
#include "cluster_record.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, TEST_BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void check_key(const char *text, enum cluster_kind kind, const char *name, int task,
                      const char *topic)
{
    struct cluster_key key = cluster_key_read(str_from(text));
    check_number(text, key.kind, kind);
    check_text(text, key.name, name);
    check_number(text, key.task, task);
    check_text(text, key.topic, topic);
}

static void test_keys(void **state)
{
    (void)state;
    check_key("fieldtrail-cluster", CLUSTER_MARK, "", 0, "");
    check_key("connector-a", CLUSTER_CONNECTOR, "a", 0, "");
    check_key("connector-a-0/\"\xc3\xa9 ", CLUSTER_CONNECTOR, "a-0/\"\xc3\xa9 ", 0, "");
    check_key("target-state-a", CLUSTER_TARGET, "a", 0, "");
    check_key("restart-connector-a", CLUSTER_RESTART, "a", 0, "");
    check_key("restart-task-a-b-12", CLUSTER_RESTART_TASK, "a-b", 12, "");
    check_key("logger-cluster-root", CLUSTER_LOGGER, "root", 0, "");
    check_key("fieldtrail-worker-h:1", CLUSTER_WORKER, "h:1", 0, "");
    check_key("status-connector-a", CLUSTER_STATUS_CONNECTOR, "a", 0, "");
    check_key("status-task-a-0-255", CLUSTER_STATUS_TASK, "a-0", 255, "");
    check_key("status-topic-b.h:connector-a", CLUSTER_STATUS_TOPIC, "a", 0, "b.h");
    check_key("status-topic-b:connector-a:connector-c", CLUSTER_STATUS_TOPIC, "a:connector-c", 0,
              "b");
}

static void test_keys_that_are_none(void **state)
{
    static const char *const keys[] = {"",
                                       "x",
                                       "connector",
                                       "connector-",
                                       "target-state-",
                                       "restart-task-a",
                                       "restart-task-a-",
                                       "restart-task--1",
                                       "restart-task-1",
                                       "status-task-a-01",
                                       "status-task-a-256",
                                       "status-task-a-99999999999999999999",
                                       "status-task-a--1x",
                                       "status-topic-a",
                                       "status-topic-:connector-a",
                                       "status-topic-a:connector-",
                                       "fieldtrail-clusters",
                                       "Connector-a"};
    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        check_key(keys[i], CLUSTER_UNKNOWN, "", 0, "");
}

static void test_keys_of_kafka_connect(void **state)
{
    static const char *const keys[] = {"task-a-0", "commit-a", "session-key", "tasks-fencing-a"};
    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        check_number(keys[i], cluster_key_read(str_from(keys[i])).kind, CLUSTER_CONNECTS);
}

static void test_a_configuration_comes_back_in_its_order(void **state)
{
    struct config config, back;
    struct fault fault;
    struct buf out;
    (void)state;
    config_from(&config, &arena, "z=1;name=caf\xc3\xa9 \"x\\\";a=line\nend;empty=");
    buf_init(&out, 10000);
    cluster_put_connector(&out, &config);
    check_text("json", buf_view(&out),
               "{\"properties\":{\"z\":\"1\",\"name\":\"caf\xc3\xa9 \\\"x\\\\\\\"\","
               "\"a\":\"line\\nend\",\"empty\":\"\"}}");
    check_good("read", cluster_read_connector(buf_view(&out), STR("here"), &arena, &back, &fault),
               &fault);
    check_number("count", (int64_t)back.count, (int64_t)config.count);
    for (size_t i = 0; i < back.count; i++) {
        check_str("key", back.entry[i].key, config.entry[i].key);
        check_str("value", back.entry[i].value, config.entry[i].value);
    }
    buf_release(&out);
}

/* As Kafka Connect 4 writes it. */
static void test_a_configuration_of_connects_shape(void **state)
{
    struct config config;
    struct fault fault;
    (void)state;
    check_good("read",
               cluster_read_connector(
                   STR("{\"properties\":{\"tasks.max\":\"2\",\"none\":null,\"name\":\"a\"}}"),
                   STR("here"), &arena, &config, &fault),
               &fault);
    check_number("count", (int64_t)config.count, 2);
    check_text("tasks", config_find(&config, STR("tasks.max"))->value, "2");
}

static void test_values_that_are_none(void **state)
{
    static const struct {
        const char *value, *part;
    } cases[] = {{"", "JSON"},
                 {"garbage", "JSON"},
                 {"[1]", "no JSON object"},
                 {"{}", "properties"},
                 {"{\"properties\":[]}", "properties"},
                 {"{\"properties\":{\"a\":{}}}", "property a"},
                 {"{\"properties\":{\"a\":\"\xff\"}}", "JSON"}};
    struct config config;
    struct fault fault;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_fault(
            cases[i].value,
            cluster_read_connector(str_from(cases[i].value), STR_EMPTY, &arena, &config, &fault),
            &fault, FAULT_RECORD, cases[i].part);
}

static void check_target(const char *value, enum target_state want)
{
    enum target_state target;
    struct fault fault;
    check_good(value, cluster_read_target(str_from(value), &arena, &target, &fault), &fault);
    check_number(value, target, want);
}

static void test_target_states(void **state)
{
    static const char *const written[] = {"{\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}",
                                          "{\"state\":\"PAUSED\",\"state.v2\":\"PAUSED\"}",
                                          "{\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}"};
    enum target_state target;
    struct fault fault;
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    for (int i = 0; i < 3; i++) {
        buf_clear(&out);
        cluster_put_target(&out, (enum target_state)i);
        check_text("written", buf_view(&out), written[i]);
        check_target(written[i], (enum target_state)i);
    }
    buf_release(&out);
    check_target("{\"state\":\"PAUSED\"}", TARGET_PAUSED);
    check_fault("unknown",
                cluster_read_target(STR("{\"state\":\"ASLEEP\"}"), &arena, &target, &fault), &fault,
                FAULT_RECORD, "state.v2");
}

static void test_statuses(void **state)
{
    const struct cluster_status status = {
        RUN_FAILED, STR("no \"right\"\nat all"), {STR("h:1"), STR("g"), STR("one")}};
    struct cluster_status back;
    struct cluster_worker worker;
    struct fault fault;
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    cluster_put_status(&out, &status);
    check_good("status", cluster_read_status(buf_view(&out), &arena, &back, &fault), &fault);
    check_number("state", back.state, RUN_FAILED);
    check_str("trace", back.trace, status.trace);
    check_str("worker", back.worker.worker_id, status.worker.worker_id);
    check_str("group", back.worker.group, status.worker.group);
    check_str("instance", back.worker.instance, status.worker.instance);
    buf_clear(&out);
    cluster_put_worker(&out, &status.worker);
    check_good("worker", cluster_read_worker(buf_view(&out), &arena, &worker, &fault), &fault);
    check_str("instance", worker.instance, status.worker.instance);
    buf_release(&out);
    check_good("Kafka Connect's",
               cluster_read_status(STR("{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":"
                                       "\"h:2\",\"generation\":3}"),
                                   &arena, &back, &fault),
               &fault);
    check_text("its group", back.worker.group, "");
    check_fault("state", cluster_read_status(STR("{\"worker_id\":\"h\"}"), &arena, &back, &fault),
                &fault, FAULT_RECORD, "state");
    check_fault("worker",
                cluster_read_status(STR("{\"state\":\"RUNNING\"}"), &arena, &back, &fault), &fault,
                FAULT_RECORD, "worker_id");
}

static void check_restart(bool tasks, bool failed)
{
    const struct cluster_restart restart = {tasks, failed};
    struct cluster_restart back;
    struct fault fault;
    struct buf out;
    buf_init(&out, 1000);
    cluster_put_restart(&out, &restart);
    check_good("restart", cluster_read_restart(buf_view(&out), &arena, &back, &fault), &fault);
    check_number("tasks", back.include_tasks, tasks);
    check_number("failed", back.only_failed, failed);
    buf_release(&out);
}

static void test_restarts_and_marks(void **state)
{
    struct fault fault;
    struct buf out;
    str group;
    (void)state;
    check_restart(false, false);
    check_restart(true, false);
    check_restart(false, true);
    buf_init(&out, 1000);
    cluster_put_mark(&out, STR("the \"group\""));
    check_good("mark", cluster_read_mark(buf_view(&out), &arena, &group, &fault), &fault);
    check_text("group", group, "the \"group\"");
    check_fault("no mark", cluster_read_mark(STR("{}"), &arena, &group, &fault), &fault,
                FAULT_RECORD, "group.id");
    buf_release(&out);
}

static void test_levels(void **state)
{
    static const char *const written[] = {"{\"level\":\"ERROR\"}", "{\"level\":\"WARN\"}",
                                          "{\"level\":\"INFO\"}", "{\"level\":\"DEBUG\"}"};
    enum log_level level;
    struct fault fault;
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    for (int i = 0; i < 4; i++) {
        buf_clear(&out);
        cluster_put_level(&out, (enum log_level)i);
        check_text("written", buf_view(&out), written[i]);
        check_good("read", cluster_read_level(buf_view(&out), &arena, &level, &fault), &fault);
        check_number("level", level, i);
    }
    buf_release(&out);
    check_fault("unknown", cluster_read_level(STR("{\"level\":\"LOUD\"}"), &arena, &level, &fault),
                &fault, FAULT_RECORD, "level");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_keys),
        TEST(test_keys_that_are_none),
        TEST(test_keys_of_kafka_connect),
        TEST(test_a_configuration_comes_back_in_its_order),
        TEST(test_a_configuration_of_connects_shape),
        TEST(test_values_that_are_none),
        TEST(test_target_states),
        TEST(test_statuses),
        TEST(test_restarts_and_marks),
        TEST(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
