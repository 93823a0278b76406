/*
 * The text that Prometheus scrapes.
 */
#include "check.h"

#include "metrics.h"

static struct task_lane lanes[] = {
    {.topic = "bank.holding", .partition = 3, .assigned = true, .behind = 7},
    {.topic = "gone", .partition = 4, .behind = 9}};
static struct worker_task tasks[] = {
    {.id = 0,
     .state = RUN_RUNNING,
     .status = {.state = TASK_RETRYING, .undurable_since_ms = 1000},
     .lane = lanes,
     .lane_count = COUNT(lanes)},
    {.id = 1,
     .state = RUN_FAILED,
     .status = {.state = TASK_UNASSIGNED, .undurable_since_ms = 2500}}};

struct bench {
    struct worker_connector connector;
    struct scrape scrape;
    struct buf out;
};

static void bench_start(struct bench *bench, const char *name)
{
    *bench = (struct bench){.connector = {.name = str_from(name),
                                          .state = RUN_RUNNING,
                                          .task = tasks,
                                          .task_count = COUNT(tasks)}};
    task_counts_init(&bench->connector.sum.counts);
    buf_init(&bench->out, TEST_BYTES);
    bench->scrape = (struct scrape){
        .version = "1.2", .connector = &bench->connector, .connector_count = 1, .now_ms = 3000};
}

static void check_has(struct bench *bench, const char *line)
{
    if (bench->out.len == 0)
        metrics_write(&bench->scrape, &bench->out);
    assert_false(bench->out.failed);
    if (str_find(buf_view(&bench->out), str_from(line)) >= 0)
        return;
    print_error("%.*s\nwant: %s\n", STR_ARG(buf_view(&bench->out)), line);
    fail();
}

static void check_lacks(struct bench *bench, const char *part)
{
    assert_true(str_find(buf_view(&bench->out), str_from(part)) < 0);
}

static void test_numbers(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "a");
    struct task_counts *counts = &bench.connector.sum.counts;
    counts->changes[CHANGE_UPDATE] = 12345678901234567ULL;
    counts->letters[CAUSE_TARGET] = 2;
    counts->rows = 3;
    counts->skipped.heartbeats = 4;
    counts->leg_us[LEG_CONNECTOR_BROKER] = -1500; /* clocks differ */
    check_has(&bench, "\nfieldtrail_events_total{connector=\"a\",op=\"u\"} 12345678901234567\n");
    check_has(&bench, "\nfieldtrail_dead_letters_total{connector=\"a\",cause=\"target\"} 2\n");
    check_has(&bench, "\nfieldtrail_rows_total{connector=\"a\"} 3\n");
    check_has(&bench, "\nfieldtrail_skipped_total{connector=\"a\",kind=\"heartbeat\"} 4\n");
    check_has(
        &bench,
        "\nfieldtrail_lag_records{connector=\"a\",topic=\"bank.holding\",partition=\"3\"} 7\n");
    check_has(&bench,
              "\nfieldtrail_lag_seconds{connector=\"a\",leg=\"connector_broker\"} -0.001500\n");
    check_has(&bench, "\nfieldtrail_build_info{version=\"1.2\"} 1\n");
    check_lacks(&bench, "leg=\"broker_sink\""); /* not known */
    check_lacks(&bench, "\"gone\"");            /* somebody else's */
    buf_release(&bench.out);
}

/* The oldest of all tasks, and a task's own words. */
static void test_states(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "a");
    check_has(&bench, "\nfieldtrail_oldest_undurable_seconds{connector=\"a\"} 2.000000\n");
    check_has(&bench, "{connector=\"a\",task=\"0\",state=\"RETRYING\"} 1\n");
    check_has(&bench, "{connector=\"a\",task=\"0\",state=\"RUNNING\"} 0\n");
    check_has(&bench, "{connector=\"a\",task=\"1\",state=\"FAILED\"} 1\n");
    check_has(&bench, "{connector=\"a\",task=\"1\",state=\"UNASSIGNED\"} 0\n");
    check_has(&bench, "fieldtrail_connector_state{connector=\"a\",state=\"RUNNING\"} 1\n");
    buf_release(&bench.out);
}

/* Buckets hold all that is up to their bound. */
static void test_histograms(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "a");
    histogram_add(&bench.connector.sum.counts.flush_seconds, flush_seconds_bound, 0.002);
    histogram_add(&bench.connector.sum.counts.flush_seconds, flush_seconds_bound, 0.75);
    histogram_add(&bench.connector.sum.counts.flush_seconds, flush_seconds_bound, 100);
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"0.001\"} 0\n");
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"0.0025\"} 1\n");
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"0.5\"} 1\n");
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"1\"} 2\n");
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"30\"} 2\n");
    check_has(&bench, "flush_seconds_bucket{connector=\"a\",le=\"+Inf\"} 3\n");
    check_has(&bench, "flush_seconds_sum{connector=\"a\"} 100.752000\n");
    check_has(&bench, "flush_seconds_count{connector=\"a\"} 3\n");
    buf_release(&bench.out);
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } cases[] = {{"a\"b", "a\\\"b"},
                 {"a\\b", "a\\\\b"},
                 {"a\nb", "a\\nb"},
                 {"caf\xc3\xa9", "caf\xc3\xa9"},
                 {"a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        char line[100];
        bench_start(&bench, cases[i].name);
        snprintf(line, sizeof(line), "\nfieldtrail_rows_total{connector=\"%s\"} 0\n",
                 cases[i].shown);
        check_has(&bench, line);
        buf_release(&bench.out);
    }
}

/* Every sample belongs to the family above it, and each family is told once. */
static void test_families(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "a");
    metrics_write(&bench.scrape, &bench.out);
    str text = buf_view(&bench.out), line, family = STR_EMPTY;
    size_t families = 0;
    assert_true(str_ends(text, STR("\n")));
    while (str_split(&text, '\n', &line)) {
        if (str_starts(line, STR("# HELP "))) {
            str rest = str_from_at(line, 7);
            assert_true(str_split(&rest, ' ', &family) && rest.len > 5);
            families++;
        } else if (!str_starts(line, STR("# TYPE "))) {
            assert_true(str_starts(line, family));
        }
    }
    assert_true(families > 20);
    buf_release(&bench.out);
}

static void test_limit(void **state)
{
    (void)state;
    struct bench bench;
    bench_start(&bench, "a");
    buf_init(&bench.out, 500);
    metrics_write(&bench.scrape, &bench.out);
    assert_true(bench.out.failed && bench.out.len <= 500);
    buf_release(&bench.out);
}

static void test_process(void **state)
{
    (void)state;
    struct process process;
    process_read(&process);
    assert_true(process.resident_bytes > 100000 && process.resident_bytes < process.virtual_bytes);
    assert_true(process.open_fds >= 1 && process.open_fds < process.max_fds);
    check_number("threads", (int64_t)process.threads, 1);
    assert_true(process.start_seconds > 1.5e9 && process.cpu_seconds >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_states),
        cmocka_unit_test(test_histograms), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_families),   cmocka_unit_test(test_limit),
        cmocka_unit_test(test_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
