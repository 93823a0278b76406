/*
 * What the QuestDB sink refuses before it opens anything. Its rows and answers are tested against
 * the real server.
 */
#include "questdb.h"

#include "check.h"

static struct sink *make(const char *options, struct arena *arena, struct fault *fault)
{
    static struct layout layout;
    struct config config;
    arena_init(arena, TEST_BYTES);
    config_from(&config, arena, options);
    return questdb_new(&config, &layout, fault);
}

static void check_settings(const char *options, const char *part)
{
    struct arena arena;
    struct fault fault = {0};
    struct sink *sink = make(options, &arena, &fault);
    if (part)
        check_fault(options, sink != NULL, &fault, FAULT_CONFIG, part);
    else
        check_good(options, sink != NULL, &fault);
    if (sink)
        sink->type->stop(sink);
    arena_release(&arena);
}

static void test_settings(void **state)
{
    static const struct {
        const char *options, *part;
    } cases[] = {
        {"", NULL},
        {"connection.uri=https://ann:p%40ss@quest.example:9000/", NULL},
        {"connection.uri=http://[::1]:9000", NULL},
        {"connection.uri=http://quest/behind/a/proxy;connection.token=t", NULL},
        {"connection.user=ann;connection.password=p", NULL},
        {"connection.uri=", "connection.uri: must be http[s]://"},
        {"connection.uri=quest:9000", "connection.uri: must be"},
        {"connection.uri=ftp://quest", "connection.uri: must be"},
        {"connection.uri=file:///etc/passwd", "connection.uri: must be"},
        {"connection.uri=http://", "connection.uri: must be"},
        {"connection.uri=http://quest:99999", "connection.uri: must be"},
        {"connection.uri=http://quest/?a=b", "connection.uri: must be"},
        {"connection.token=t;connection.user=u", "exclude each other"},
        {"connection.uri=http://u@quest;connection.token=t", "exclude each other"},
        {"table.create=perhaps", "table.create"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_settings(cases[i].options, cases[i].part);
}

/* A secret never stands in a message. */
static void test_secrets(void **state)
{
    struct arena arena;
    struct fault fault = {0};
    (void)state;
    assert_null(make("connection.uri=ftp://ann:secret@quest", &arena, &fault));
    assert_null(strstr(fault.text, "secret"));
    arena_release(&arena);
}

static bool never_idle(void *context, int fd, short events, int timeout_ms)
{
    (void)context;
    (void)fd;
    (void)events;
    (void)timeout_ms;
    return false;
}

/* Rows of messages are taken where there is a table for them. */
static void test_messages(void **state)
{
    static const char *const options[] = {"", "message.table=said", "message.table="};
    (void)state;
    for (size_t i = 0; i < COUNT(options); i++) {
        struct arena arena;
        struct fault fault = {0};
        struct sink *sink = make(options[i], &arena, &fault);
        assert_non_null(sink);
        assert_int_equal(sink->takes_messages, i < 2);
        sink->type->stop(sink);
        arena_release(&arena);
    }
}

/* Nothing was put: there is nothing to ask the server for. */
static void test_empty_flush(void **state)
{
    struct arena arena;
    struct fault fault = {0};
    struct lane lane = {.topic = STR("t"), .assigned = true};
    struct memory memory;
    (void)state;
    struct sink *sink = make("connection.uri=http://127.0.0.1:1", &arena, &fault);
    assert_non_null(sink);
    sink->idle = never_idle;
    assert_true(sink->type->recall(sink, &lane, &memory, 1, &fault));
    assert_true(sink->type->claim(sink, &lane, &memory, 1, &fault));
    check_number("remembers nothing", memory.next, OFFSET_NONE);
    check_good("flush", sink_flush(sink, &lane, NULL, 0, &fault), &fault);
    sink->type->stop(sink);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_empty_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
