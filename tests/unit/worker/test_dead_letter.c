/*
 * The dead-letter file: what stands in it, and that it can be read again.
 */
#include "temp.h"

#include <signal.h>
#include <sys/resource.h>

#include "dead_letter.h"
#include "kcat.h"

/* Writes one letter and gives the file's text, kept in the arena. */
static str write_letter_of(str connector, const struct record *record, const char *cause_text,
                           struct arena *arena)
{
    struct temp file;
    struct fault fault = {0}, cause = {0};
    struct buf text;
    str copy;
    temp_make(&file, STR_EMPTY);
    buf_init(&text, TEST_BYTES);
    fault_set(&cause, FAULT_RECORD, "%s", cause_text);
    struct dead_letters *letters = dead_letters_open(str_from(file.name), &fault);
    check_good("open", letters != NULL, &fault);
    struct dead_letter letter = {record, STR("f:7"), STAGE_DECODE, "debezium", &cause};
    letters->connector = connector;
    letters->task_id = 2;
    check_good("add", dead_letters_add(letters, &letter, &fault), &fault);
    check_good("flush", dead_letters_flush(letters, &fault), &fault);
    dead_letters_close(letters);
    temp_read(&file, &text);
    assert_true(arena_copy(arena, buf_view(&text), &copy));
    buf_release(&text);
    temp_remove(&file);
    return copy;
}

static str write_letter(const struct record *record, const char *cause_text, struct arena *arena)
{
    return write_letter_of(STR_EMPTY, record, cause_text, arena);
}

static const struct record of_a_file = {.partition = -1, .offset = -1, .time_us = TIME_UNKNOWN};

static void test_of_a_file(void **state)
{
    (void)state;
    struct arena arena;
    struct record record = of_a_file;
    arena_init(&arena, TEST_BYTES);
    record.has_value = true;
    record.value = STR("{\"a\"");
    check_text("letter", write_letter(&record, "why \"so\"", &arena),
               "{\"topic\":null,\"headers\":[\"__connect.errors.stage\",\"VALUE_CONVERTER\","
               "\"__connect.errors.class.name\",\"fieldtrail.debezium\","
               "\"__connect.errors.exception.class.name\",\"fieldtrail.RecordFault\","
               "\"__connect.errors.exception.message\",\"why \\\"so\\\"\","
               "\"__connect.errors.exception.stacktrace\",\"fieldtrail.RecordFault: why \\\"so\\\""
               "\\n\\tat fieldtrail.debezium(f:7)\","
               "\"__fieldtrail.errors.place\",\"f:7\"],\"payload\":\"{\\\"a\\\"\"}\n");
    record.has_value = false;
    str text = write_letter(&record, "why", &arena);
    assert_true(str_ends(text, STR(",\"payload\":null}\n")));
    arena_release(&arena);
}

static void test_of_kafka(void **state)
{
    (void)state;
    struct arena arena;
    const struct header header[] = {{STR("h"), STR("v"), true}, {STR("n"), STR_EMPTY, false}};
    struct record record = {.topic = STR("t"),
                            .partition = 3,
                            .offset = 9007199254740993,
                            .time_us = 1795220938923000,
                            .keyed = true,
                            .has_key = true,
                            .key = STR("{\"id\":1}"),
                            .has_value = true,
                            .value = STR("x"),
                            .header = header,
                            .header_count = 2};
    arena_init(&arena, TEST_BYTES);
    check_text("letter", write_letter_of(STR("c"), &record, "why", &arena),
               "{\"topic\":\"t\",\"partition\":3,\"offset\":9007199254740993,\"tstype\":\"create\","
               "\"ts\":1795220938923,\"headers\":[\"__connect.errors.topic\",\"t\","
               "\"__connect.errors.partition\",\"3\","
               "\"__connect.errors.offset\",\"9007199254740993\","
               "\"__connect.errors.connector.name\",\"c\",\"__connect.errors.task.id\",\"2\","
               "\"__connect.errors.stage\",\"VALUE_CONVERTER\","
               "\"__connect.errors.class.name\",\"fieldtrail.debezium\","
               "\"__connect.errors.exception.class.name\",\"fieldtrail.RecordFault\","
               "\"__connect.errors.exception.message\",\"why\","
               "\"__connect.errors.exception.stacktrace\",\"fieldtrail.RecordFault: why\\n\\tat "
               "fieldtrail.debezium(f:7)\",\"__fieldtrail.errors.place\",\"f:7\","
               "\"h\",\"v\",\"n\",null],\"key\":\"{\\\"id\\\":1}\",\"payload\":\"x\"}\n");
    arena_release(&arena);
}

/* What was kept is what is read again, byte for byte. */
static void check_again(bool keyed, bool has_key, str key, bool has_value, str value)
{
    struct arena arena;
    struct record record = of_a_file, again = of_a_file;
    struct fault fault = {0};
    bool is_kcat;
    arena_init(&arena, TEST_BYTES);
    record.keyed = keyed;
    record.has_key = has_key;
    record.key = key;
    record.has_value = has_value;
    record.value = value;
    str text = write_letter(&record, "why \xff", &arena);
    assert_true(kcat_read(str_head(text, text.len - 1), &arena, &again, &is_kcat, &fault));
    assert_true(is_kcat);
    assert_int_equal(again.keyed, keyed);
    assert_int_equal(again.has_key, has_key);
    assert_int_equal(again.has_value, has_value);
    assert_int_equal(again.offset, -1);
    check_str("key", again.key, key);
    check_str("value", again.value, value);
    arena_release(&arena);
}

static void test_again(void **state)
{
    (void)state;
    check_again(false, false, STR_EMPTY, true, STR("{\"a\":\"\\n\"}"));
    check_again(false, false, STR_EMPTY, false, STR_EMPTY);
    check_again(true, true, STR("{\"id\":1}"), true, STR("bad \"line\"\r\x01\x7f"));
    check_again(true, false, STR_EMPTY, true, STR("\xff\xfe\0\x01"));
    check_again(true, true, STR("\xc0"), true, STR("a\xe2\x82"));
    check_again(true, true, STR(""), true, STR(""));
    check_again(true, true, STR("\xed\xa0\x80"), false, STR_EMPTY);
}

static void test_open(void **state)
{
    (void)state;
    static char name[5000];
    struct fault fault = {0};
    memset(name, 'x', sizeof(name) - 1);
    check_fault("long", dead_letters_open(str_from(name), &fault) != NULL, &fault, FAULT_CONFIG,
                "cannot write dead letters");
    check_fault("missing", dead_letters_open(STR("/nowhere/at/all"), &fault) != NULL, &fault,
                FAULT_CONFIG, "/nowhere/at/all: No such file");
    dead_letters_close(NULL);
}

/* Appended to; and a device that cannot take more says so. */
static void test_append_and_full(void **state)
{
    (void)state;
    struct temp file;
    struct fault fault = {0}, cause = {0};
    struct record record = of_a_file;
    const struct dead_letter letter = {&record, STR("p"), STAGE_PUT, "stream", &cause};
    struct buf text;
    temp_make(&file, STR("first\n"));
    buf_init(&text, 10000);
    for (int i = 0; i < 2; i++) {
        struct dead_letters *letters = dead_letters_open(str_from(file.name), &fault);
        assert_true(dead_letters_add(letters, &letter, &fault));
        assert_true(dead_letters_flush(letters, &fault));
        assert_true(dead_letters_flush(letters, &fault));
        dead_letters_close(letters);
    }
    temp_read(&file, &text);
    size_t lines = 0;
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    check_number("lines", (int64_t)lines, 3);
    struct dead_letters *full = dead_letters_open(STR("/dev/full"), &fault);
    assert_non_null(full);
    assert_true(dead_letters_add(full, &letter, &fault));
    check_fault("full", dead_letters_flush(full, &fault), &fault, FAULT_RETRY, "No space left");
    dead_letters_close(full);
    buf_release(&text);
    temp_remove(&file);
}

static void write_some(struct dead_letters *letters, int64_t first, int64_t count, bool *good,
                       struct fault *fault)
{
    struct fault cause = {0};
    struct record record = of_a_file;
    const struct dead_letter letter = {&record, STR("p"), STAGE_PUT, "stream", &cause};
    fault_set(&cause, FAULT_RECORD, "why");
    record.topic = STR("t");
    record.partition = 1;
    *good = true;
    for (int64_t i = first; *good && i < first + count; i++) {
        record.offset = i;
        *good = dead_letters_add(letters, &letter, fault);
    }
    *good = *good && dead_letters_flush(letters, fault);
}

/* The offsets of the letters in the file, a bit each; what is not a whole letter is counted. */
static uint64_t letters_in(const struct temp *file, size_t *others)
{
    struct arena arena;
    struct buf text;
    struct record record;
    struct fault fault = {0};
    uint64_t found = 0;
    bool is_kcat;
    str line;
    arena_init(&arena, TEST_BYTES);
    buf_init(&text, TEST_BYTES);
    temp_read(file, &text);
    str rest = buf_view(&text);
    *others = 0;
    while (str_split(&rest, '\n', &line)) {
        record = of_a_file;
        if (kcat_read(line, &arena, &record, &is_kcat, &fault) && is_kcat && record.offset >= 0)
            found |= UINT64_C(1) << record.offset;
        else
            *others += line.len > 0;
    }
    buf_release(&text);
    arena_release(&arena);
    return found;
}

/* The disk takes so many bytes: what is not whole by then is written again once there is room, by
   the same process or by the next, and no letter is lost in the one that was torn. */
static void check_full_disk(rlim_t bytes, bool reopen)
{
    struct temp file;
    struct fault fault = {0};
    const struct rlimit small = {bytes, RLIM_INFINITY}, large = {RLIM_INFINITY, RLIM_INFINITY};
    bool good;
    size_t torn;
    temp_make(&file, STR_EMPTY);
    struct dead_letters *letters = dead_letters_open(str_from(file.name), &fault);
    assert_non_null(letters);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    write_some(letters, 0, 1, &good, &fault);
    bool first = good;
    write_some(letters, first ? 1 : 0, 3, &good, &fault);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
    if (!good)
        check_number("an outage", fault.kind, FAULT_RETRY);
    if (reopen) {
        dead_letters_close(letters);
        letters = dead_letters_open(str_from(file.name), &fault);
        assert_non_null(letters);
    }
    write_some(letters, first ? 1 : 0, first ? 3 : 4, &good, &fault);
    check_good("room again", good, &fault);
    dead_letters_close(letters);
    check_number("letters", (int64_t)letters_in(&file, &torn), 0xf);
    assert_in_range(torn, 0, 1);
    temp_remove(&file);
}

static void test_full_disk(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t bytes = 0; bytes < 2000; bytes += 13)
        for (int reopen = 0; reopen < 2; reopen++)
            check_full_disk(bytes, reopen);
}

/* While the disk is full letters are added again and again: memory does not grow. */
static void test_full_disk_for_long(void **state)
{
    (void)state;
    struct fault fault = {0};
    struct dead_letters *letters = dead_letters_open(STR("/dev/full"), &fault);
    static char text[100000];
    memset(text, 'x', sizeof(text));
    struct record record = of_a_file;
    record.has_value = true;
    record.value = (str){text, sizeof(text)};
    const struct dead_letter letter = {&record, STR("p"), STAGE_PUT, "stream", &fault};
    assert_non_null(letters);
    /* More in all than the buffer of the file could hold. */
    for (int i = 0; i < 12000; i++) {
        struct fault full = {0};
        if (dead_letters_add(letters, &letter, &full))
            assert_false(dead_letters_add(letters, &letter, &full)
                         && dead_letters_flush(letters, &full));
        check_number("an outage", full.kind, FAULT_RETRY);
        assert_non_null(strstr(full.text, "No space left"));
    }
    dead_letters_close(letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_a_file),
        cmocka_unit_test(test_of_kafka),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_append_and_full),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
