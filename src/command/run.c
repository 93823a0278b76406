/*
 * fieldtrail run: the worker. It starts the connectors it is given and watches over them until a
 * signal stops it, like connect-standalone.
 */
#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "config_file.h"
#include "herder_cluster.h"
#include "log.h"
#include "notify.h"
#include "rest_settings.h"
#include "server.h"
#include "stop.h"

#define TURN_MS 100
#define LINE_INTERVAL_MS 500
#define LOG_INTERVAL_MS 10000
#define ANSWER_BYTES_LIMIT 65536

static const struct option_table *const tables[] = {&cli_worker_options};

struct run {
    struct arena *arena;
    struct config properties;
    struct rest_settings rest;
    struct server *server;
    struct worker *worker;
    struct herder *herder;
    struct cluster_settings cluster;
    struct worker_totals before;
    int64_t before_ms;
    struct notify notify;
    bool said_ready;
    bool terminal;
};

static void say(struct run *run)
{
    struct worker_totals now = worker_get_totals(run->worker);
    int64_t now_ms = clock_steady_ms();
    double seconds = (double)(now_ms - run->before_ms) / 1000;
    double events = (double)(now.records - run->before.records) / seconds;
    double rows = (double)(now.rows - run->before.rows) / seconds;
    if (run->terminal)
        fprintf(stderr,
                "\r\033[K%s  %.0f events/s  %.0f rows/s  lag %lld  last flush %.1f ms  %llu events",
                task_state_name(now.worst), events, rows, (long long)now.lag,
                (double)now.last_flush_us / 1000, (unsigned long long)now.records);
    else if (now.records != run->before.records)
        log_write(
            LOG_INFO,
            "%s: %.0f events/s, %.0f rows/s, lag %lld, last flush %.1f ms, %llu events and %llu "
            "rows in all",
            task_state_name(now.worst), events, rows, (long long)now.lag,
            (double)now.last_flush_us / 1000, (unsigned long long)now.records,
            (unsigned long long)now.rows);
    run->before = now;
    run->before_ms = now_ms;
}

/* The service manager hears that all is known once, and then that somebody is alive. */
static void tell_manager(struct run *run)
{
    struct arena arena;
    bool live, ready;
    notify_alive(&run->notify, clock_steady_ms());
    if (run->said_ready)
        return;
    arena_init(&arena, ANSWER_BYTES_LIMIT);
    struct herder_answer answer = {.arena = &arena};
    run->herder->type->health(run->herder, &live, &ready, &answer);
    arena_release(&arena);
    if (ready)
        notify_ready();
    run->said_ready = ready;
}

static void turn(struct run *run)
{
    worker_turn(run->worker);
    run->herder->type->turn(run->herder);
}

static bool is_clustered(const struct run *run)
{
    return run->cluster.group.len > 0;
}

/* Whether something is left to be done: a server waits for somebody to mend what has failed, and a
   cluster for what it is told. */
static bool goes_on(struct run *run)
{
    struct fault fault;
    if (stop_requested())
        return false;
    if (is_clustered(run))
        return !herder_cluster_refused(run->herder, &fault);
    return run->rest.chosen || !worker_has_failed(run->worker);
}

static void watch(struct run *run)
{
    int64_t interval_ms = run->terminal ? LINE_INTERVAL_MS : LOG_INTERVAL_MS;
    run->before = worker_get_totals(run->worker);
    run->before_ms = clock_steady_ms();
    while (goes_on(run)) {
        poll(NULL, 0, TURN_MS);
        turn(run);
        tell_manager(run);
        if (clock_steady_ms() - run->before_ms >= interval_ms)
            say(run);
    }
    if (run->terminal)
        fputc('\n', stderr);
}

/* Waits for all tasks; false where one of them failed. A cluster must not take us for dead while
   they flush. */
static bool finish(struct run *run)
{
    struct fault fault;
    notify_stopping();
    worker_stop(run->worker);
    while (!worker_is_idle(run->worker)) {
        poll(NULL, 0, 10);
        notify_alive(&run->notify, clock_steady_ms());
        if (is_clustered(run))
            run->herder->type->turn(run->herder);
    }
    struct worker_totals sum = worker_get_totals(run->worker);
    log_write(LOG_INFO, "stopped after %llu events and %llu rows", (unsigned long long)sum.records,
              (unsigned long long)sum.rows);
    worker_first_fault(run->worker, &fault);
    return fault.kind == FAULT_NONE;
}

static bool add_file(struct run *run, const char *path, struct fault *fault)
{
    struct config config;
    struct connector connector;
    config_init(&config, run->arena);
    /* The file's own words for what is wrong, with its name. */
    bool good = connector_load(&connector, &run->properties, path, fault);
    connector_release(&connector);
    if (!good || !config_file_read(&config, path, fault))
        return false;
    if (is_clustered(run))
        return herder_cluster_offer(run->herder, &config, fault);
    str name = config_find(&config, STR("name"))->value;
    struct str_list names;
    if (!worker_names(run->worker, run->arena, &names, fault))
        return false;
    if (str_list_has(&names, name))
        return fault_set(fault, FAULT_CONFIG, "%s: a connector %.*s was named before", path,
                         STR_ARG(name));
    return worker_put(run->worker, name, &config, TARGET_STARTED, fault);
}

static bool start(struct run *run, char **file, int count, struct fault *fault)
{
    if (count < 1 && !run->rest.chosen && !is_clustered(run))
        return fault_set(fault, FAULT_CONFIG,
                         "name connector files, or set listeners in the worker's properties and "
                         "create connectors by REST");
    for (int i = 0; i < count; i++)
        if (!add_file(run, file[i], fault))
            return false;
    turn(run);
    return true;
}

/* What cannot even be made is a mistake of whoever started us; the log has it by now. */
static bool is_refused(struct run *run)
{
    struct fault fault;
    if (is_clustered(run))
        return herder_cluster_refused(run->herder, &fault);
    worker_first_fault(run->worker, &fault);
    return fault.kind == FAULT_CONFIG;
}

/* The default port is Debezium's Connect's too: where nobody asked for REST it is no reason not to
   start. */
static bool listen_rest(struct run *run, struct fault *fault)
{
    static const struct rest_settings silent = {.listeners = {.count = 0}};
    bool taken;
    if (!rest_settings_load(&run->properties, &run->rest, fault))
        return false;
    run->server = server_listen(&run->rest, &taken, fault);
    if (!run->server && taken && !run->rest.chosen) {
        log_write(
            LOG_WARN,
            "REST is off: somebody else has its port 8083; set listeners=http://127.0.0.1:8084 "
            "or the like in the worker's properties, or listeners=none");
        run->rest = silent;
        run->server = server_listen(&run->rest, &taken, fault);
    }
    return run->server != NULL;
}

/* A worker is called by the address where it can be asked. In a cluster that address must be one of
   its own: all machines have the same loopback. */
static void name_worker(const struct run *run, char id[WORKER_ID_LIMIT])
{
    char host[256] = "";
    str address = server_address(run->server);
    ptrdiff_t port = -1;
    gethostname(host, sizeof(host) - 1);
    for (size_t i = 0; i < address.len; i++)
        port = address.ptr[i] == ':' ? (ptrdiff_t)i : port;
    bool common = str_starts(address, STR("127.")) || str_starts(address, STR("[::1]"))
                  || str_starts(address, STR("localhost:"));
    if (address.len == 0)
        snprintf(id, WORKER_ID_LIMIT, "%s:%d", host, (int)getpid());
    else if (is_clustered(run) && common && run->rest.advertised_host.len == 0 && port >= 0)
        snprintf(id, WORKER_ID_LIMIT, "%s%.*s", host, STR_ARG(str_from_at(address, (size_t)port)));
    else
        snprintf(id, WORKER_ID_LIMIT, "%.*s", STR_ARG(address));
}

static bool prepare(struct run *run, struct command_line *line, struct fault *fault)
{
    char id[WORKER_ID_LIMIT];
    if (!cli_load_worker(line, &run->properties, fault)
        || !cluster_settings_load(&run->properties, &run->cluster, fault)
        || !listen_rest(run, fault))
        return false;
    name_worker(run, id);
    run->worker = worker_new(&run->properties, str_from(id), fault);
    if (!run->worker)
        return false;
    run->herder = is_clustered(run) ? herder_cluster_new(run->worker, &run->cluster, fault)
                                    : herder_standalone_new(run->worker, fault);
    return run->herder != NULL;
}

static enum exit_status run_with(struct run *run, struct command_line *line)
{
    struct fault fault = {0};
    if (!prepare(run, line, &fault) || !start(run, line->argument, line->count, &fault))
        return cli_fail(&fault);
    if (is_refused(run))
        return EXIT_USAGE;
    if (!server_start(run->server, run->herder, &fault))
        return cli_fail(&fault);
    notify_init(&run->notify);
    watch(run);
    server_free(run->server);
    run->server = NULL;
    bool good = finish(run);
    return is_clustered(run) && is_refused(run) ? EXIT_USAGE : good ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_status run(struct command_line *line)
{
    struct run run = {.arena = &line->arena, .terminal = isatty(STDERR_FILENO) == 1};
    enum exit_status status = run_with(&run, line);
    server_free(run.server);
    if (run.herder)
        run.herder->type->stop(run.herder);
    worker_free(run.worker);
    return status;
}

const struct command run_command = {
    .name = "run",
    .help = "the worker: a Kafka consumer group into PostgreSQL, QuestDB or files",
    .usage = "[-w worker.properties] [connector.json...]",
    .summary =
        "Reads Debezium topics as a member of each connector's consumer group and writes one "
        "row for\nevery changed field into its target, until SIGINT or SIGTERM. The keys of "
        "both files are in\nconnectors/README.md.",
    .table = tables,
    .table_count = 1,
    .run = run};
