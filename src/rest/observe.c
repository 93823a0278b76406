/*
 * What an observer asks this worker beyond Kafka Connect's paths: /metrics for Prometheus, and for
 * the page /fieldtrail/summary (numbers of all connectors at once: Connect's paths have states, but
 * no numbers) and /fieldtrail/connectors/{} (one connector's last hour, latest rows and partitions,
 * and its configuration without secrets, which Connect's path shows to writers as they are).
 */
#include <math.h>

#include "clock.h"
#include "handlers.h"
#include "json_writer.h"
#include "metrics.h"
#include "rest.h"
#include "secret.h"

/* ---- what there is ---- */

/* A snapshot of all connectors; false with the answer where memory ran out. */
static bool take_scrape(struct request *request, struct scrape *scrape, struct response *response)
{
    struct worker *worker = request->rest->herder->worker;
    struct str_list names;
    struct fault fault;
    *scrape = (struct scrape){.version = FIELDTRAIL_VERSION, .now_ms = clock_steady_ms()};
    process_read(&scrape->process);
    bool good = worker_names(worker, request->arena, &names, &fault);
    struct worker_connector *connector =
        good ? ARENA_NEW(request->arena, struct worker_connector, names.count + 1) : NULL;
    for (size_t i = 0; connector && i < names.count; i++) {
        if (worker_get(worker, names.item[i], request->arena, &connector[scrape->connector_count],
                       &fault))
            scrape->connector_count++;
        else if (fault.kind != FAULT_NONE)
            connector = NULL;
    }
    scrape->connector = connector;
    if (!connector)
        respond_error(response, 500, "memory ran out");
    return connector != NULL;
}

void get_metrics(struct request *request, struct response *response)
{
    struct scrape scrape;
    if (!take_scrape(request, &scrape, response))
        return;
    response->content_type = METRICS_CONTENT_TYPE;
    metrics_write(&scrape, &response->body);
    if (response->body.failed)
        respond_error(response, 500, "the metrics are larger than an answer may be");
}

/* ---- pieces of JSON ---- */

static void put_decimal(struct json_writer *json, double number)
{
    char text[64];
    if (!isfinite(number)) {
        json_null(json);
        return;
    }
    int len = snprintf(text, sizeof(text), "%.7g", number);
    json_raw(json, (str){text, (size_t)len});
}

static void pair_decimal(struct json_writer *json, const char *key, double number)
{
    json_key(json, key);
    put_decimal(json, number);
}

static void pair_number(struct json_writer *json, const char *key, int64_t number)
{
    json_key(json, key);
    json_number(json, number);
}

static void pair_bool(struct json_writer *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

/* ---- the summary ---- */

static void put_task(struct json_writer *json, const struct worker_task *task)
{
    str trace = task->trace.len > 0 ? task->trace : str_from(task->status.trace);
    json_open_object(json);
    pair_number(json, "id", task->id);
    json_pair(json, "state", str_from(metrics_task_state(task)));
    json_pair(json, "trace", trace);
    pair_number(json, "lag", task->status.behind);
    json_close_object(json);
}

static void put_letters(struct json_writer *json, const struct task_counts *counts)
{
    json_key(json, "dead_letters");
    json_open_object(json);
    for (int cause = 0; cause < CAUSE_COUNT; cause++)
        pair_number(json, letter_cause_name((enum letter_cause)cause),
                    (int64_t)counts->letters[cause]);
    json_close_object(json);
}

static void put_summed(struct json_writer *json, const struct worker_connector *connector,
                       int64_t now_ms)
{
    const struct worker_sum *sum = &connector->sum;
    json_open_object(json);
    json_pair(json, "name", connector->name);
    json_pair(json, "class", connector->class);
    pair_decimal(json, "events_per_second", (double)sum->sample.events);
    pair_decimal(json, "rows_per_second", (double)sum->sample.rows);
    pair_number(json, "rows", (int64_t)sum->counts.rows);
    pair_number(json, "unknown_old", (int64_t)sum->counts.unknown_old);
    pair_number(json, "lag", sum->behind);
    pair_decimal(json, "oldest_seconds", (double)metrics_oldest_ms(connector, now_ms) / 1e3);
    put_letters(json, &sum->counts);
    json_key(json, "tasks");
    json_open_array(json);
    for (size_t i = 0; i < connector->task_count; i++)
        put_task(json, &connector->task[i]);
    json_close_array(json);
    json_close_object(json);
}

static void put_summary(struct json_writer *json, const struct request *request,
                        const struct scrape *scrape, const struct str_list *workers)
{
    const struct herder *herder = request->rest->herder;
    json_open_object(json);
    json_pair(json, "version", str_from(scrape->version));
    json_pair(json, "worker_id", worker_id(herder->worker));
    pair_bool(json, "lasting", herder->lasting);
    pair_bool(json, "may_write", request->right == RIGHT_WRITE);
    pair_decimal(json, "uptime_seconds",
                 (double)clock_now_us() / 1e6 - scrape->process.start_seconds);
    pair_decimal(json, "cpu_seconds", scrape->process.cpu_seconds);
    pair_number(json, "resident_bytes", (int64_t)scrape->process.resident_bytes);
    json_key(json, "workers");
    json_open_array(json);
    for (size_t i = 0; i < workers->count; i++)
        json_text(json, workers->item[i]);
    json_close_array(json);
    json_key(json, "connectors");
    json_open_array(json);
    for (size_t i = 0; i < scrape->connector_count; i++)
        put_summed(json, &scrape->connector[i], scrape->now_ms);
    json_close_array(json);
    json_close_object(json);
}

void get_summary(struct request *request, struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct herder_answer answer = {.arena = request->arena};
    struct scrape scrape;
    struct str_list workers;
    struct json_writer json;
    if (!take_scrape(request, &scrape, response))
        return;
    if (!herder->type->workers(herder, &workers, &answer)) {
        respond_refusal(response, &answer);
        return;
    }
    if (json_begin(&json, &response->body))
        put_summary(&json, request, &scrape, &workers);
    respond_json(response, &json);
}

/* ---- one connector ---- */

static void put_series(struct json_writer *json, const char *key,
                       const struct worker_samples *samples, size_t offset)
{
    json_key(json, key);
    json_open_array(json);
    for (size_t i = 0; i < samples->count; i++) {
        float value;
        memcpy(&value, (const char *)&samples->sample[i] + offset, sizeof(value));
        put_decimal(json, (double)value);
    }
    json_close_array(json);
}

static void put_history(struct json_writer *json, const struct worker_samples *samples)
{
    json_key(json, "history");
    json_open_object(json);
    pair_number(json, "interval_ms", HISTORY_INTERVAL_MS);
    pair_number(json, "samples", HISTORY_SAMPLES);
    pair_number(json, "until", clock_now_us() / 1000 - samples->age_ms);
    put_series(json, "events", samples, offsetof(struct sample, events));
    put_series(json, "rows", samples, offsetof(struct sample, rows));
    put_series(json, "lag", samples, offsetof(struct sample, behind));
    put_series(json, "delay", samples, offsetof(struct sample, delay));
    json_close_object(json);
}

static void put_partitions(struct json_writer *json, const struct worker_connector *connector)
{
    json_key(json, "partitions");
    json_open_array(json);
    for (size_t i = 0; i < connector->task_count; i++) {
        const struct worker_task *task = &connector->task[i];
        for (size_t j = 0; j < task->lane_count; j++) {
            if (!task->lane[j].assigned)
                continue;
            json_open_object(json);
            json_pair(json, "topic", str_from(task->lane[j].topic));
            pair_number(json, "partition", task->lane[j].partition);
            pair_number(json, "next", task->lane[j].next);
            pair_number(json, "end", task->lane[j].high);
            pair_number(json, "lag", task->lane[j].behind);
            json_close_object(json);
        }
    }
    json_close_array(json);
}

static void put_shown_config(struct json_writer *json, const struct config *config,
                             struct arena *arena)
{
    json_key(json, "config");
    json_open_object(json);
    for (size_t i = 0; i < config->count; i++) {
        str shown;
        if (!secret_hide(config->entry[i].key, config->entry[i].value, arena, &shown))
            shown = SECRET_HIDDEN;
        json_text(json, config->entry[i].key);
        json_text(json, shown);
    }
    json_close_object(json);
}

static void put_latest(struct json_writer *json, struct worker *worker, str name)
{
    struct buf latest;
    buf_init(&latest, ANSWER_LIMIT);
    worker_write_latest(worker, name, &latest);
    json_key(json, "latest");
    json_open_array(json);
    if (latest.len > 0 && !latest.failed)
        json_raw(json, buf_view(&latest));
    json_close_array(json);
    buf_release(&latest);
}

/* What this worker knows of it; in a cluster a connector may have no task here. */
void get_observed(struct request *request, struct response *response)
{
    struct herder *herder = request->rest->herder;
    struct herder_answer answer = {.arena = request->arena};
    struct herder_info info;
    struct worker_connector connector;
    struct worker_samples samples;
    struct json_writer json;
    struct fault ignored;
    str name = request->parameter[0];
    if (!herder->type->info(herder, name, &info, &answer)) {
        respond_refusal(response, &answer);
        return;
    }
    if (!worker_get(herder->worker, name, request->arena, &connector, &ignored))
        connector = (struct worker_connector){.task_count = 0};
    if (!worker_get_samples(herder->worker, name, request->arena, &samples))
        samples = (struct worker_samples){.count = 0};
    if (json_begin(&json, &response->body)) {
        json_open_object(&json);
        put_history(&json, &samples);
        put_partitions(&json, &connector);
        put_latest(&json, herder->worker, name);
        put_shown_config(&json, &info.config, request->arena);
        json_close_object(&json);
    }
    respond_json(response, &json);
}
