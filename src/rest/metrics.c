/*
 * A table of families, each with the text that explains it and a function that writes its samples.
 */
#include "metrics.h"

#define NAME_PREFIX "fieldtrail_"

typedef void put_samples(const struct scrape *scrape, const char *name, struct buf *out);

struct family {
    const char *name, *type, *help;
    put_samples *put;
};

/* ---- samples ---- */

/* One label; the first opens the braces. Backslash, quote and newline are escaped, and what is no
   UTF-8 is replaced, for one bad byte would make the scraper refuse everything. */
static void put_label(struct buf *out, bool first, const char *name, str value)
{
    buf_char(out, first ? '{' : ',');
    buf_format(out, "%s=\"", name);
    while (value.len > 0) {
        size_t len = str_utf8_length(value);
        if (value.ptr[0] == '\\' || value.ptr[0] == '"')
            buf_format(out, "\\%c", value.ptr[0]);
        else if (value.ptr[0] == '\n')
            buf_str(out, STR("\\n"));
        else if (len == 0)
            buf_str(out, STR("\xef\xbf\xbd"));
        else
            buf_str(out, str_head(value, len));
        value = str_from_at(value, len > 0 ? len : 1);
    }
    buf_char(out, '"');
}

static void put_whole(struct buf *out, uint64_t value)
{
    buf_format(out, "} %llu\n", (unsigned long long)value);
}

static void put_seconds(struct buf *out, double value)
{
    buf_format(out, "} %.6f\n", value);
}

static void put_begin(struct buf *out, const char *name, const struct worker_connector *connector)
{
    buf_str(out, str_from(name));
    put_label(out, true, "connector", connector->name);
}

/* A family that has one number of every connector: where it stands in struct task_counts. */
static void put_each(const struct scrape *scrape, const char *name, size_t offset, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        const struct worker_connector *connector = &scrape->connector[i];
        uint64_t value;
        memcpy(&value, (const char *)&connector->sum.counts + offset, sizeof(value));
        put_begin(out, name, connector);
        put_whole(out, value);
    }
}

#define PUT_EACH(function, member)                                                                 \
    static void function(const struct scrape *scrape, const char *name, struct buf *out)           \
    {                                                                                              \
        put_each(scrape, name, offsetof(struct task_counts, member), out);                         \
    }

PUT_EACH(put_rows, rows)
PUT_EACH(put_bytes, bytes)
PUT_EACH(put_retries, retries)
PUT_EACH(put_rebalances, rebalances)
PUT_EACH(put_unknown, unknown_old)
PUT_EACH(put_unavailable, unavailable)
PUT_EACH(put_altered, altered)
PUT_EACH(put_split, split)

static void put_events(const struct scrape *scrape, const char *name, struct buf *out)
{
    static const char *const ops[CHANGE_OP_COUNT] = {"r", "c", "u", "d", "t", "m"};
    for (size_t i = 0; i < scrape->connector_count; i++) {
        for (size_t op = 0; op < CHANGE_OP_COUNT; op++) {
            put_begin(out, name, &scrape->connector[i]);
            put_label(out, false, "op", str_from(ops[op]));
            put_whole(out, scrape->connector[i].sum.counts.changes[op]);
        }
    }
}

static void put_skipped(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        const struct decoder_counts *skipped = &scrape->connector[i].sum.counts.skipped;
        const struct {
            const char *kind;
            uint64_t value;
        } kinds[] = {
            {"tombstone", skipped->tombstones},       {"heartbeat", skipped->heartbeats},
            {"transaction", skipped->transactions},   {"schema_change", skipped->schema_changes},
            {"notification", skipped->notifications}, {"signal", skipped->signals}};
        for (size_t j = 0; j < sizeof(kinds) / sizeof(kinds[0]); j++) {
            put_begin(out, name, &scrape->connector[i]);
            put_label(out, false, "kind", str_from(kinds[j].kind));
            put_whole(out, kinds[j].value);
        }
    }
}

static void put_letters(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        for (int cause = 0; cause < CAUSE_COUNT; cause++) {
            put_begin(out, name, &scrape->connector[i]);
            put_label(out, false, "cause", str_from(letter_cause_name((enum letter_cause)cause)));
            put_whole(out, scrape->connector[i].sum.counts.letters[cause]);
        }
    }
}

static void put_histogram(const struct worker_connector *connector, const char *name,
                          const struct histogram *histogram, const double *bound, struct buf *out)
{
    uint64_t count = 0;
    char text[40];
    for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        count += histogram->bucket[i];
        if (i < HISTOGRAM_BOUNDS)
            snprintf(text, sizeof(text), "%.15g", bound[i]);
        buf_format(out, "%s_bucket", name);
        put_label(out, true, "connector", connector->name);
        put_label(out, false, "le", i < HISTOGRAM_BOUNDS ? str_from(text) : STR("+Inf"));
        put_whole(out, count);
    }
    buf_format(out, "%s_sum", name);
    put_label(out, true, "connector", connector->name);
    put_seconds(out, histogram->sum);
    buf_format(out, "%s_count", name);
    put_label(out, true, "connector", connector->name);
    put_whole(out, count);
}

static void put_flush_seconds(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++)
        put_histogram(&scrape->connector[i], name, &scrape->connector[i].sum.counts.flush_seconds,
                      flush_seconds_bound, out);
}

static void put_flush_rows(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++)
        put_histogram(&scrape->connector[i], name, &scrape->connector[i].sum.counts.flush_rows,
                      flush_rows_bound, out);
}

/* ---- lag ---- */

static void put_lane(const struct worker_connector *connector, const char *name,
                     const struct task_lane *lane, struct buf *out)
{
    char partition[20];
    snprintf(partition, sizeof(partition), "%d", lane->partition);
    put_begin(out, name, connector);
    put_label(out, false, "topic", str_from(lane->topic));
    put_label(out, false, "partition", str_from(partition));
    put_whole(out, (uint64_t)lane->behind);
}

static void put_lag_records(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        const struct worker_connector *connector = &scrape->connector[i];
        for (size_t j = 0; j < connector->task_count; j++)
            for (size_t k = 0; k < connector->task[j].lane_count; k++)
                if (connector->task[j].lane[k].assigned)
                    put_lane(connector, name, &connector->task[j].lane[k], out);
    }
}

static void put_lag_seconds(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        for (int leg = 0; leg < LEG_COUNT; leg++) {
            int64_t us = scrape->connector[i].sum.counts.leg_us[leg];
            if (us == TIME_UNKNOWN)
                continue;
            put_begin(out, name, &scrape->connector[i]);
            put_label(out, false, "leg", str_from(lag_leg_name((enum lag_leg)leg)));
            put_seconds(out, (double)us / 1e6);
        }
    }
}

static void put_oldest(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        put_begin(out, name, &scrape->connector[i]);
        put_seconds(out, (double)metrics_oldest_ms(&scrape->connector[i], scrape->now_ms) / 1e3);
    }
}

/* ---- states ---- */

static const char *const task_states[] = {"UNASSIGNED", "RUNNING", "RETRYING",  "PAUSED",
                                          "FAILED",     "STOPPED", "RESTARTING"};

static void put_task_state(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        const struct worker_connector *connector = &scrape->connector[i];
        for (size_t j = 0; j < connector->task_count; j++) {
            const char *state = metrics_task_state(&connector->task[j]);
            for (size_t k = 0; k < sizeof(task_states) / sizeof(task_states[0]); k++) {
                char id[20];
                snprintf(id, sizeof(id), "%d", connector->task[j].id);
                put_begin(out, name, connector);
                put_label(out, false, "task", str_from(id));
                put_label(out, false, "state", str_from(task_states[k]));
                put_whole(out, strcmp(state, task_states[k]) == 0);
            }
        }
    }
}

static void put_connector_state(const struct scrape *scrape, const char *name, struct buf *out)
{
    for (size_t i = 0; i < scrape->connector_count; i++) {
        for (int state = 0; state <= RUN_RESTARTING; state++) {
            put_begin(out, name, &scrape->connector[i]);
            put_label(out, false, "state", str_from(run_state_name((enum run_state)state)));
            put_whole(out, (int)scrape->connector[i].state == state);
        }
    }
}

/* ---- the process ---- */

static void put_build(const struct scrape *scrape, const char *name, struct buf *out)
{
    buf_str(out, str_from(name));
    put_label(out, true, "version", str_from(scrape->version));
    put_whole(out, 1);
}

static void put_connectors(const struct scrape *scrape, const char *name, struct buf *out)
{
    buf_format(out, "%s %zu\n", name, scrape->connector_count);
}

static void put_cpu(const struct scrape *scrape, const char *name, struct buf *out)
{
    buf_format(out, "%s %.6f\n", name, scrape->process.cpu_seconds);
}

static void put_start(const struct scrape *scrape, const char *name, struct buf *out)
{
    buf_format(out, "%s %.2f\n", name, scrape->process.start_seconds);
}

#define PUT_PROCESS(function, member)                                                              \
    static void function(const struct scrape *scrape, const char *name, struct buf *out)           \
    {                                                                                              \
        buf_format(out, "%s %llu\n", name, (unsigned long long)scrape->process.member);            \
    }

PUT_PROCESS(put_resident, resident_bytes)
PUT_PROCESS(put_virtual, virtual_bytes)
PUT_PROCESS(put_open_fds, open_fds)
PUT_PROCESS(put_max_fds, max_fds)
PUT_PROCESS(put_threads, threads)

/* ---- all of it ---- */

static const struct family families[] = {
    {NAME_PREFIX "events_total", "counter",
     "Changes that were read, by Debezium's op; those that a failure made it read again count "
     "again.",
     put_events},
    {NAME_PREFIX "skipped_total", "counter", "Records that are no changes of data, by kind.",
     put_skipped},
    {NAME_PREFIX "rows_total", "counter", "Rows that the target has made durable.", put_rows},
    {NAME_PREFIX "bytes_total", "counter",
     "Bytes of those rows, as they were encoded for the target.", put_bytes},
    {NAME_PREFIX "dead_letters_total", "counter",
     "Records that were left out, by cause: source (too long to be taken whole), decode (no event, "
     "or one that lacks what the configuration needs), encode (a value that the target's format "
     "cannot hold), target (refused by the target).",
     put_letters},
    {NAME_PREFIX "retries_total", "counter",
     "Failures of the environment or the configuration after which a task tried again.",
     put_retries},
    {NAME_PREFIX "rebalances_total", "counter", "Times that a task gave partitions up.",
     put_rebalances},
    {NAME_PREFIX "unknown_old_total", "counter",
     "Rows whose old value the source did not send (REPLICA IDENTITY FULL would).", put_unknown},
    {NAME_PREFIX "unavailable_total", "counter",
     "Fields left out because the event has only the placeholder of an unchanged value.",
     put_unavailable},
    {NAME_PREFIX "tables_altered_total", "counter",
     "Times that a source table was seen to have other columns or types.", put_altered},
    {NAME_PREFIX "transactions_split_total", "counter",
     "Transactions that were written in parts in spite of flush.on=transaction.", put_split},
    {NAME_PREFIX "flush_seconds", "histogram",
     "How long the target took to make a batch of rows durable.", put_flush_seconds},
    {NAME_PREFIX "flush_rows", "histogram", "Rows of one flush.", put_flush_rows},
    {NAME_PREFIX "lag_records", "gauge",
     "Records of the partition's log behind the last one that is durable in the target, by the end "
     "of the log as it was last heard of.",
     put_lag_records},
    {NAME_PREFIX "lag_seconds", "gauge",
     "Of the last change that became durable: database_connector is from the commit in the "
     "database until Debezium read it, connector_broker from there to Kafka's timestamp, "
     "broker_sink from there until the flush. Each by the clocks of the machines involved; a leg "
     "whose times were not sent is missing.",
     put_lag_seconds},
    {NAME_PREFIX "oldest_undurable_seconds", "gauge",
     "Since when the oldest record waits to be durable that was read, or was found waiting when "
     "the target or the brokers failed; 0: none waits.",
     put_oldest},
    {NAME_PREFIX "task_state", "gauge",
     "1 for the state that the task is in, 0 for the others. UNASSIGNED waits for its partitions, "
     "RETRYING for its target or its brokers.",
     put_task_state},
    {NAME_PREFIX "connector_state", "gauge",
     "1 for the state that the connector is in at this worker, 0 for the others.",
     put_connector_state},
    {NAME_PREFIX "connectors", "gauge", "Connectors that this worker knows.", put_connectors},
    {NAME_PREFIX "build_info", "gauge", "1, with the version of the program.", put_build},
    {"process_cpu_seconds_total", "counter", "Seconds of user and system CPU that were used.",
     put_cpu},
    {"process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.",
     put_start},
    {"process_resident_memory_bytes", "gauge", "Resident memory.", put_resident},
    {"process_virtual_memory_bytes", "gauge", "Virtual memory.", put_virtual},
    {"process_open_fds", "gauge", "Open file descriptors.", put_open_fds},
    {"process_max_fds", "gauge", "File descriptors that may be open.", put_max_fds},
    {"process_threads", "gauge", "Threads.", put_threads},
};

const char *metrics_task_state(const struct worker_task *task)
{
    return task->state == RUN_RUNNING ? task_state_name(task->status.state)
                                      : run_state_name(task->state);
}

int64_t metrics_oldest_ms(const struct worker_connector *connector, int64_t now_ms)
{
    int64_t oldest = 0;
    for (size_t i = 0; i < connector->task_count; i++) {
        int64_t since = connector->task[i].status.undurable_since_ms;
        if (since > 0 && now_ms - since > oldest)
            oldest = now_ms - since;
    }
    return oldest;
}

void metrics_write(const struct scrape *scrape, struct buf *out)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const struct family *family = &families[i];
        buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                   family->type);
        family->put(scrape, family->name, out);
    }
}
