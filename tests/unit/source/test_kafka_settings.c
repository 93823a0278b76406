/*
 * Settings of Kafka clients: Java's names and librdkafka's, overrides, and what is refused.
 */
#include "check.h"

#include "kafka.h"

struct bench {
    struct arena arena;
    struct config config;
    struct fault fault;
    struct buf set;      /* "name=value|" of every call, in order */
    const char *unknown; /* this name is refused by the client */
};

static bool record_setting(void *context, const char *name, const char *value, struct fault *fault)
{
    struct bench *bench = context;
    if (bench->unknown && strcmp(name, bench->unknown) == 0)
        return fault_set(fault, FAULT_CONFIG, "no such configuration property");
    buf_format(&bench->set, "%s=%s|", name, value);
    return true;
}

static void bench_start(struct bench *bench, const char *options)
{
    *bench = (struct bench){0};
    arena_init(&bench->arena, TEST_BYTES);
    buf_init(&bench->set, 100000);
    config_from(&bench->config, &bench->arena, options);
}

static void bench_stop(struct bench *bench)
{
    buf_release(&bench->set);
    arena_release(&bench->arena);
}

static void check_settings(const char *kind, const char *options, const char *want)
{
    struct bench bench;
    bench_start(&bench, options);
    check_good(options, kafka_settings(&bench.config, kind, record_setting, &bench, &bench.fault),
               &bench.fault);
    check_text(options, buf_view(&bench.set), want);
    bench_stop(&bench);
}

static void check_refused(const char *options, const char *part)
{
    struct bench bench;
    bench_start(&bench, options);
    bench.unknown = "no.such";
    check_fault(options,
                kafka_settings(&bench.config, "consumer", record_setting, &bench, &bench.fault),
                &bench.fault, FAULT_CONFIG, part);
    bench_stop(&bench);
}

static void test_kinds(void **state)
{
    (void)state;
    check_settings("consumer", "", "");
    check_settings("consumer", "name=x;topics=a;consumers.a=1;consumer=2;consume.r=3", "");
    check_settings("consumer", "consumer.a=1;producer.b=2;consumer.c=3;admin.d=4", "a=1|c=3|");
    check_settings("producer", "consumer.a=1;producer.b=2;producer.override.c=3", "b=2|c=3|");
    /* A value may be empty, or hold what separates elsewhere. */
    check_settings("consumer", "consumer.a=;consumer.b=x=y,z", "a=|b=x=y,z|");
}

/* The override comes last, wherever it stands: the last word counts. */
static void test_override(void **state)
{
    (void)state;
    check_settings("consumer", "consumer.override.a=1;consumer.a=2", "a=2|a=1|");
    check_settings("consumer", "consumer.a=2;consumer.b=3;consumer.override.a=1", "a=2|b=3|a=1|");
    check_settings("consumer", "consumer.overrides.a=1", "overrides.a=1|");
}

static void test_java_names(void **state)
{
    (void)state;
    check_settings("consumer", "consumer.request.timeout.ms=5", "socket.timeout.ms=5|");
    check_settings("consumer", "consumer.metadata.max.age.ms=5",
                   "topic.metadata.refresh.interval.ms=5|");
    check_settings("consumer", "consumer.send.buffer.bytes=5", "socket.send.buffer.bytes=5|");
    check_settings("consumer", "consumer.override.receive.buffer.bytes=5",
                   "socket.receive.buffer.bytes=5|");
    /* Both spell them alike. */
    check_settings("consumer", "consumer.reconnect.backoff.max.ms=5;consumer.fetch.min.bytes=1",
                   "reconnect.backoff.max.ms=5|fetch.min.bytes=1|");
    check_settings("consumer", "consumer.connections.max.idle.ms=5", "connections.max.idle.ms=5|");
}

static void test_assignors(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"org.apache.kafka.clients.consumer.CooperativeStickyAssignor", "cooperative-sticky"},
        {"org.apache.kafka.clients.consumer.RangeAssignor", "range"},
        {"org.apache.kafka.clients.consumer.RoundRobinAssignor", "roundrobin"},
        {"range", "range"},
        {"cooperative-sticky", "cooperative-sticky"}};
    char options[200], want[200];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(options, sizeof(options), "consumer.partition.assignment.strategy=%s",
                 names[i][0]);
        snprintf(want, sizeof(want), "partition.assignment.strategy=%s|", names[i][1]);
        check_settings("consumer", options, want);
    }
}

static void test_ignored(void **state)
{
    (void)state;
    check_settings("consumer",
                   "consumer.key.deserializer=x;consumer.override.value.deserializer=x;"
                   "consumer.max.poll.records=1;consumer.exclude.internal.topics=true;"
                   "consumer.default.api.timeout.ms=5;consumer.a=1",
                   "a=1|");
    check_settings("producer", "producer.key.serializer=x;producer.value.serializer=x", "");
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"enable.auto.commit", "after the sink has flushed"},
        {"enable.auto.offset.store", "after the sink has flushed"},
        {"enable.partition.eof", "always on"},
        {"interceptor.classes", "no interceptors"},
        {"sasl.jaas.config", "use sasl.username and sasl.password"},
        {"ssl.truststore.location", "use ssl.ca.location with a PEM file"},
        {"ssl.truststore.password", "use ssl.ca.location with a PEM file"},
        {"ssl.truststore.type", "use ssl.ca.location with a PEM file"},
        {"ssl.keystore.type", "PKCS#12"}};
    char options[200], part[200];
    for (size_t i = 0; i < COUNT(names); i++) {
        for (int override = 0; override < 2; override++) {
            const char *prefix = override ? "consumer.override." : "consumer.";
            snprintf(options, sizeof(options), "consumer.a=1;%s%s=x", prefix, names[i][0]);
            snprintf(part, sizeof(part), "test: %s%s cannot be set: ", prefix, names[i][0]);
            check_refused(options, part);
            check_refused(options, names[i][1]);
        }
    }
}

/* What the client itself does not know is named with its key and its file. */
static void test_unknown(void **state)
{
    (void)state;
    check_refused("consumer.no.such=1", "test: consumer.no.such: no such configuration property");
    check_refused("consumer.override.no.such=1",
                  "test: consumer.override.no.such: no such configuration property");
}

/* Nothing is cut silently. */
static void check_length(size_t name_len, size_t value_len, bool good)
{
    static char name[300], value[5000];
    struct bench bench;
    bench_start(&bench, "");
    memset(name, 'n', sizeof(name));
    memset(value, 'v', sizeof(value));
    memcpy(name, "consumer.", 9);
    assert_true(config_set(&bench.config, (str){name, 9 + name_len}, (str){value, value_len},
                           STR("test"), &bench.fault));
    bool got = kafka_settings(&bench.config, "consumer", record_setting, &bench, &bench.fault);
    if (good)
        check_number("length", (int64_t)bench.set.len, (int64_t)(name_len + value_len + 2));
    else
        check_fault("length", got, &bench.fault, FAULT_CONFIG, "is too long");
    assert_int_equal(got, good);
    bench_stop(&bench);
}

static void test_lengths(void **state)
{
    (void)state;
    check_length(199, 10, true);
    check_length(200, 10, false);
    check_length(10, 4095, true);
    check_length(10, 4096, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_override),
        cmocka_unit_test(test_java_names), cmocka_unit_test(test_assignors),
        cmocka_unit_test(test_ignored),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown),    cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
