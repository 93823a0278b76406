/*
 * The log, read back through a pipe in the place of standard error.
 */
#include "check.h"

#include <unistd.h>

#include "log.h"

static void check_log(enum log_level level, const char *text, struct buf *out)
{
    int end[2], saved = dup(STDERR_FILENO);
    static char block[65536];
    assert_int_equal(pipe(end), 0);
    dup2(end[1], STDERR_FILENO);
    log_write(level, "%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(end[1]);
    ssize_t got = read(end[0], block, sizeof(block));
    close(end[0]);
    buf_clear(out);
    buf_str(out, (str){block, got > 0 ? (size_t)got : 0});
}

static void test_text(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100000);
    log_setup(LOG_INFO, LOG_TEXT);
    check_log(LOG_ERROR, "a\nb\x1b", &out);
    check_text("error", buf_view(&out), "fieldtrail: error: a?b?\n");
    check_log(LOG_WARN, "a", &out);
    check_text("warning", buf_view(&out), "fieldtrail: warning: a\n");
    check_log(LOG_INFO, "a", &out);
    check_text("info", buf_view(&out), "fieldtrail: a\n");
    check_log(LOG_DEBUG, "a", &out);
    check_text("dropped", buf_view(&out), "");
    log_setup(LOG_ERROR, LOG_TEXT);
    check_log(LOG_WARN, "a", &out);
    check_text("dropped", buf_view(&out), "");
    buf_release(&out);
}

static void test_json(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 100000);
    log_setup(LOG_DEBUG, LOG_JSON);
    check_log(LOG_WARN, "a \"b\" \\", &out);
    str line = buf_view(&out);
    assert_true(str_starts(line, STR("{\"time\":\"20")));
    assert_true(
        str_ends(line, STR("Z\",\"level\":\"warning\",\"message\":\"a \\\"b\\\" \\\\\"}\n")));
    buf_release(&out);
}

/* A cut text is still UTF-8, or the line is no JSON. */
static void test_cut(void **state)
{
    (void)state;
    static char text[4000];
    struct buf out;
    buf_init(&out, 100000);
    log_setup(LOG_DEBUG, LOG_JSON);
    for (size_t lead = 0; lead < 3; lead++) {
        memset(text, 'a', lead);
        for (size_t i = lead; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        check_log(LOG_ERROR, text, &out);
        assert_true(out.len < 2200);
        assert_true(str_is_utf8(buf_view(&out)));
    }
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
