/*
 * fieldtrail run: the worker. It starts the connectors it is given and watches over them until a
 * signal stops it, like connect-standalone.
 */
#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "connector.h"
#include "log.h"
#include "stop.h"

#define CONNECTOR_LIMIT 100
#define LINE_INTERVAL_MS 500
#define LOG_INTERVAL_MS 10000

static const struct option_table *const tables[] = {&cli_worker_options};

/* Sums over all tasks, to see how fast they go. */
struct totals {
    uint64_t records, rows, lanes;
    int64_t lag, last_flush_us;
    enum task_state worst;
    int64_t at_ms;
};

struct worker {
    struct config config;
    struct connector connector[CONNECTOR_LIMIT];
    size_t count;
    struct totals before;
    int64_t last_say_ms;
    bool terminal;
};

static struct totals sum_up(struct worker *worker)
{
    /* How much a state asks for attention. */
    static const int weight[] = {[TASK_RUNNING] = 0,
                                 [TASK_UNASSIGNED] = 1,
                                 [TASK_STOPPED] = 2,
                                 [TASK_RETRYING] = 3,
                                 [TASK_FAILED] = 4};
    struct totals sum = {.worst = TASK_RUNNING, .at_ms = clock_steady_ms()};
    for (size_t i = 0; i < worker->count; i++) {
        for (int64_t j = 0; j < worker->connector[i].tasks_max; j++) {
            struct task_status status = task_get_status(&worker->connector[i].task[j].task);
            sum.records += status.records;
            sum.rows += status.rows;
            sum.lanes += status.lanes;
            sum.lag += status.lag;
            if (status.last_flush_us > sum.last_flush_us)
                sum.last_flush_us = status.last_flush_us;
            if (weight[status.state] > weight[sum.worst])
                sum.worst = status.state;
        }
    }
    return sum;
}

static void say(struct worker *worker)
{
    struct totals now = sum_up(worker);
    double seconds = (double)(now.at_ms - worker->before.at_ms) / 1000;
    double events = (double)(now.records - worker->before.records) / seconds;
    double rows = (double)(now.rows - worker->before.rows) / seconds;
    if (worker->terminal)
        fprintf(stderr,
                "\r\033[K%s  %.0f events/s  %.0f rows/s  lag %lld  last flush %.1f ms  %llu events",
                task_state_name(now.worst), events, rows, (long long)now.lag,
                (double)now.last_flush_us / 1000, (unsigned long long)now.records);
    else if (now.records != worker->before.records)
        log_write(
            LOG_INFO,
            "%s: %.0f events/s, %.0f rows/s, lag %lld, last flush %.1f ms, %llu events and %llu "
            "rows in all",
            task_state_name(now.worst), events, rows, (long long)now.lag,
            (double)now.last_flush_us / 1000, (unsigned long long)now.records,
            (unsigned long long)now.rows);
    worker->before = now;
}

static bool all_ended(const struct worker *worker)
{
    for (size_t i = 0; i < worker->count; i++)
        if (!connector_ended(&worker->connector[i]))
            return false;
    return true;
}

static void watch(struct worker *worker)
{
    int64_t interval_ms = worker->terminal ? LINE_INTERVAL_MS : LOG_INTERVAL_MS;
    worker->before = sum_up(worker);
    while (!stop_requested() && !all_ended(worker)) {
        poll(NULL, 0, 100);
        if (clock_steady_ms() - worker->before.at_ms >= interval_ms)
            say(worker);
    }
    if (worker->terminal)
        fputc('\n', stderr);
}

/* Waits for all tasks; false where one of them failed. */
static bool finish(struct worker *worker)
{
    bool good = true;
    for (size_t i = 0; i < worker->count; i++)
        connector_stop(&worker->connector[i]);
    while (!all_ended(worker))
        poll(NULL, 0, 10);
    struct totals sum = sum_up(worker);
    log_write(LOG_INFO, "stopped after %llu events and %llu rows", (unsigned long long)sum.records,
              (unsigned long long)sum.rows);
    for (size_t i = 0; i < worker->count; i++)
        for (int64_t j = 0; j < worker->connector[i].tasks_max; j++)
            good = good && worker->connector[i].task[j].fault.kind == FAULT_NONE;
    return good;
}

static bool start(struct worker *worker, char **file, int count, struct fault *fault)
{
    if (count < 1 || count > CONNECTOR_LIMIT)
        return fault_set(fault, FAULT_CONFIG, "name 1 to %d connector files", CONNECTOR_LIMIT);
    for (int i = 0; i < count; i++) {
        struct connector *connector = &worker->connector[worker->count++];
        if (!connector_load(connector, &worker->config, file[i], fault))
            return false;
    }
    for (size_t i = 0; i < worker->count; i++)
        if (!connector_start(&worker->connector[i], fault))
            return false;
    return true;
}

static enum exit_status run_with(struct worker *worker, struct command_line *line)
{
    struct fault fault = {0};
    if (!cli_load_worker(line, &worker->config, &fault)
        || !start(worker, line->argument, line->count, &fault))
        return cli_fail(&fault);
    watch(worker);
    return finish(worker) ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status run(struct command_line *line)
{
    static struct worker worker; /* too large for the stack; there is one */
    worker.terminal = isatty(STDERR_FILENO) == 1;
    enum exit_status status = run_with(&worker, line);
    for (size_t i = 0; i < worker.count; i++)
        connector_release(&worker.connector[i]);
    return status;
}

const struct command run_command = {
    .name = "run",
    .help = "the worker: a Kafka consumer group into PostgreSQL, QuestDB or files",
    .usage = "[-w worker.properties] connector.json...",
    .summary =
        "Reads Debezium topics as a member of each connector's consumer group and writes one "
        "row for\nevery changed field into its target, until SIGINT or SIGTERM. The keys of "
        "both files are in\nconnectors/README.md.",
    .table = tables,
    .table_count = 1,
    .run = run};
