/*
 * Telling Debezium's messages apart, and its ops.
 */
#include "check.h"

#include "envelope.h"

static void check_kind(const char *text, enum message_kind want)
{
    struct arena arena;
    struct json *root;
    struct envelope_places places;
    struct envelope envelope;
    struct fault fault = {0};
    arena_init(&arena, TEST_BYTES);
    check_good(text,
               json_parse(str_from(text), 2, (struct json_memory){&arena, &arena}, &root, &fault),
               &fault);
    check_number(text, envelope_read(root, &places, &envelope), want);
    arena_release(&arena);
}

static void test_kinds(void **state)
{
    (void)state;
    check_kind("null", MESSAGE_TOMBSTONE);
    check_kind("5", MESSAGE_UNKNOWN);
    check_kind("{}", MESSAGE_UNKNOWN);
    check_kind("{\"op\":\"c\",\"after\":{}}", MESSAGE_ENVELOPE);
    check_kind("{\"op\":\"c\",\"before\":null}", MESSAGE_ENVELOPE);
    check_kind("{\"op\":\"t\",\"source\":{}}", MESSAGE_ENVELOPE);
    check_kind("{\"op\":\"c\"}", MESSAGE_UNKNOWN);
    check_kind("{\"op\":null,\"after\":{}}", MESSAGE_UNKNOWN);
    check_kind("{\"ts_ms\":1}", MESSAGE_HEARTBEAT);
    check_kind("{\"ts_ms\":null}", MESSAGE_UNKNOWN);
    check_kind("{\"ts_ms\":1,\"id\":2}", MESSAGE_UNKNOWN);
    check_kind("{\"status\":\"BEGIN\",\"id\":\"1\",\"event_count\":null,\"data_collections\":null}",
               MESSAGE_TRANSACTION);
    check_kind("{\"ts_ms\":1,\"status\":\"END\",\"id\":\"1\",\"event_count\":0,"
               "\"data_collections\":[]}",
               MESSAGE_TRANSACTION);
    check_kind("{\"status\":\"OPEN\",\"id\":\"1\",\"event_count\":null,\"data_collections\":null}",
               MESSAGE_UNKNOWN);
    check_kind("{\"source\":{},\"tableChanges\":[]}", MESSAGE_SCHEMA_CHANGE);
    check_kind("{\"source\":null,\"ddl\":\"x\"}", MESSAGE_UNKNOWN);
    check_kind("{\"id\":\"1\",\"aggregate_type\":\"x\",\"type\":\"y\",\"additional_data\":null}",
               MESSAGE_NOTIFICATION);
    check_kind("{\"id\":\"1\",\"aggregate_type\":\"x\",\"type\":\"y\",\"additional_data\":{},"
               "\"timestamp\":1}",
               MESSAGE_NOTIFICATION);
    check_kind("{\"id\":1,\"type\":\"resume-snapshot\",\"data\":null}", MESSAGE_SIGNAL);
    check_kind("{\"id\":1,\"type\":\"other\",\"data\":null}", MESSAGE_UNKNOWN);
}

/* What shares some members with Debezium's own messages, or all but one. */
static void test_rows_that_look_like_messages(void **state)
{
    (void)state;
    check_kind("{\"status\":\"BEGIN\",\"id\":\"1\"}", MESSAGE_UNKNOWN);
    check_kind("{\"status\":\"END\"}", MESSAGE_UNKNOWN);
    check_kind("{\"status\":\"END\",\"id\":1,\"event_count\":1,\"data_collections\":1,\"x\":1}",
               MESSAGE_UNKNOWN);
    check_kind("{\"aggregate_type\":\"x\",\"type\":\"y\"}", MESSAGE_UNKNOWN);
    check_kind("{\"id\":1,\"aggregate_type\":\"x\",\"type\":\"y\",\"payload\":{}}",
               MESSAGE_UNKNOWN);
    check_kind("{\"id\":1,\"type\":\"resume-snapshot\",\"data\":null,\"x\":1}", MESSAGE_UNKNOWN);
    check_kind("{\"ts_ms\":1,\"__op\":\"c\"}", MESSAGE_UNKNOWN);
    check_kind("{\"id\":1,\"type\":\"resume-snapshot\",\"data\":null,\"__deleted\":\"false\"}",
               MESSAGE_UNKNOWN);
    check_kind("{\"op\":\"c\",\"after\":\"x\",\"__op\":\"c\"}", MESSAGE_UNKNOWN);
    check_kind("{\"op\":\"c\",\"before\":null,\"source\":\"x\",\"__table\":\"t\"}",
               MESSAGE_UNKNOWN);
    /* An envelope to which somebody has added a member. */
    check_kind("{\"op\":\"c\",\"after\":{},\"source\":{},\"__table\":\"t\"}", MESSAGE_ENVELOPE);
    check_kind("{\"op\":\"c\",\"after\":{},\"__added\":1}", MESSAGE_ENVELOPE);
}

static void test_ops(void **state)
{
    (void)state;
    static const char letters[] = "rcudtm";
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        const struct json op = {.kind = JSON_STRING, .text = {&text, 1}};
        const struct envelope envelope = {.op = &op};
        const char *found = byte ? strchr(letters, byte) : NULL;
        enum change_op got;
        struct fault fault = {0};
        bool good = envelope_op(&envelope, &got, &fault);
        check_number("known", good, found != NULL);
        if (good)
            check_number("op", got, found - letters);
        else
            check_number("kind", fault.kind, FAULT_RECORD);
    }
}

/* Memory that runs out must not pass for a position that was not sent. */
static void test_position_without_memory(void **state)
{
    (void)state;
    struct arena arena, none;
    struct json *root;
    struct envelope_places places;
    struct envelope envelope;
    struct change change = {0};
    struct fault fault = {0};
    str text = STR("{\"op\":\"c\",\"after\":{},\"source\":{\"file\":\"f\",\"pos\":7}}");
    arena_init(&arena, TEST_BYTES);
    arena_init(&none, 0);
    assert_true(json_parse(text, 2, (struct json_memory){&arena, &arena}, &root, &fault));
    assert_int_equal(envelope_read(root, &places, &envelope), MESSAGE_ENVELOPE);
    assert_true(envelope_origin(&envelope, &arena, &change, &fault));
    check_text("position", change.lsn.text, "f:7");
    assert_false(envelope_origin(&envelope, &none, &change, &fault));
    assert_int_equal(fault.kind, FAULT_RETRY);
    arena_release(&none);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_rows_that_look_like_messages),
        cmocka_unit_test(test_ops),
        cmocka_unit_test(test_position_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
