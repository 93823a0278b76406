/*
 * Positions of a connector that does not run.
 */
#include "offsets.h"

#include <poll.h>

#include "log.h"
#include "mem.h"
#include "stop.h"

/* The sink waits for its target: nothing else is to be kept alive. */
static bool wait_for_sink(void *context, int fd, short events, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = events};
    (void)context;
    poll(&wait, 1, timeout_ms);
    return !stop_requested();
}

static void ignore_warning(void *context, const char *text)
{
    (void)context;
    log_write(LOG_DEBUG, "%s", text);
}

bool offsets_make(struct offsets *offsets, struct connector *connector, pivot_warn *warn,
                  void *warn_context, struct fault *fault)
{
    const struct config *config = &connector->config;
    struct task_settings settings = {0};
    struct sink_context context = {.connector = connector->name,
                                   .worker_id = connector->worker_id,
                                   .clustered = connector->clustered,
                                   .config = config,
                                   .arena = &connector->arena};
    *offsets = (struct offsets){.connector = connector};
    offsets->pivot = pivot_new(config, PIVOT_SINK_COLUMNS, warn, warn_context, fault);
    if (!offsets->pivot || !option_load(&delivery_options, config, &settings, fault))
        return false;
    offsets->reset = settings.reset;
    context.layout = pivot_layout(offsets->pivot);
    offsets->sink = connector->sink_class->create(&context, fault);
    if (!offsets->sink)
        return false;
    offsets->sink->idle = wait_for_sink;
    offsets->source = kafka_apart_new(config, fault);
    return offsets->source != NULL;
}

bool offsets_read_brokers(struct offsets *offsets, struct fault *fault)
{
    if (!kafka_apart_topics(offsets->source, &offsets->topics, OFFSETS_WAIT_MS, fault)
        || !kafka_apart_describe(offsets->source, OFFSETS_WAIT_MS, fault)
        || !kafka_apart_group(offsets->source, &offsets->group, OFFSETS_WAIT_MS, fault))
        return false;
    offsets->sink->origin = offsets->source->identity;
    return true;
}

bool offsets_read_target(struct offsets *offsets, struct fault *fault)
{
    size_t count = offsets->source->lane_count;
    const struct sink_desk *desk = offsets->sink->type->desk;
    struct note *note = mem_realloc(offsets->note, (count + 1) * sizeof(*note));
    if (!note)
        return fault_memory(fault, "partitions");
    offsets->note = note;
    if (!desk && offsets->sink->type->remembers)
        return fault_set(fault, FAULT_CONFIG, "the positions that %s stores cannot be read",
                         offsets->sink->type->name);
    return (desk ? desk->inspect : sink_inspect_nothing)(offsets->sink, offsets->source->lane, note,
                                                         count, fault);
}

bool offsets_open(struct offsets *offsets, struct connector *connector, struct fault *fault)
{
    return offsets_make(offsets, connector, ignore_warning, NULL, fault)
           && offsets_read_brokers(offsets, fault) && offsets_read_target(offsets, fault);
}

void offsets_close(struct offsets *offsets)
{
    if (offsets->sink)
        offsets->sink->type->stop(offsets->sink);
    if (offsets->source)
        offsets->source->type->stop(offsets->source);
    pivot_free(offsets->pivot);
    mem_free(offsets->note);
}

struct lane *offsets_lane(struct offsets *offsets, str topic, int64_t partition,
                          struct fault *fault)
{
    bool known = false;
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        struct lane *lane = &offsets->source->lane[i];
        if (!str_eq(lane->topic, topic))
            continue;
        if (lane->partition == partition)
            return lane;
        known = true;
    }
    if (known)
        fault_set(fault, FAULT_CONFIG, "topic %.*s has no partition %lld", STR_ARG(topic),
                  (long long)partition);
    else
        fault_set(fault, FAULT_CONFIG, "the connector reads no topic %.*s, or it is not there",
                  STR_ARG(topic));
    return NULL;
}

bool offsets_by_reset(struct offsets *offsets, enum start_reset reset, struct fault *fault)
{
    if (reset == START_NONE)
        return fault_set(fault, FAULT_CONFIG,
                         "auto.offset.reset=none says no position: say --to-earliest, --to-latest "
                         "or --to-datetime");
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        struct lane *lane = &offsets->source->lane[i];
        if (lane->outgoing)
            lane->next = reset == START_LATEST ? lane->high : lane->low;
    }
    return true;
}

bool offsets_by_time(struct offsets *offsets, int64_t time_us, struct fault *fault)
{
    /* The first record of that very millisecond, or a later one. */
    return kafka_apart_seek_time(offsets->source, (time_us + 999) / 1000, OFFSETS_WAIT_MS, fault);
}

static bool check_inside(const struct lane *lane, struct fault *fault)
{
    if (lane->next >= lane->low && lane->next <= lane->high)
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%.*s[%d]: offset %lld is outside the log: say a number from %lld to %lld",
                     STR_ARG(lane->topic), lane->partition, (long long)lane->next,
                     (long long)lane->low, (long long)lane->high);
}

static bool check_stopped(struct offsets *offsets, struct fault *fault)
{
    if (!kafka_apart_group(offsets->source, &offsets->group, OFFSETS_WAIT_MS, fault))
        return false;
    if (offsets->group.member_count == 0)
        return true;
    return fault_set(fault, FAULT_RETRY,
                     "the connector runs: group %s has %d member%s; stop its workers, and wait "
                     "until their session.timeout.ms has passed where one was killed",
                     offsets->group.name, offsets->group.member_count,
                     offsets->group.member_count == 1 ? "" : "s");
}

/* The lanes that are to move, and the group's offsets for them. */
static bool collect(const struct offsets *offsets, struct lane *lane, struct reach *reach,
                    size_t *count, struct fault *fault)
{
    *count = 0;
    for (size_t i = 0; i < offsets->source->lane_count; i++) {
        const struct lane *each = &offsets->source->lane[i];
        if (!each->outgoing)
            continue;
        if (!check_inside(each, fault))
            return false;
        reach[*count] = (struct reach){(uint32_t)i, each->next, TIME_UNKNOWN, OFFSET_NONE};
        lane[(*count)++] = *each;
    }
    return true;
}

static bool move(struct offsets *offsets, const struct lane *lane, const struct reach *reach,
                 size_t count, struct fault *fault)
{
    const struct sink_desk *desk = offsets->sink->type->desk;
    if (count == 0)
        return true;
    if (!(desk ? desk->amend : sink_amend_nothing)(offsets->sink, lane, count, fault))
        return false;
    return source_commit(offsets->source, reach, count, true, fault)
           || (offsets->sink->type->remembers
                   ? fault_in(fault, "the target was moved, but not the consumer group, which only "
                                     "shows it; the same command again moves it")
                   : false);
}

bool offsets_move(struct offsets *offsets, struct fault *fault)
{
    size_t limit = offsets->source->lane_count + 1, count;
    struct lane *lane = mem_alloc(limit * sizeof(*lane));
    struct reach *reach = mem_alloc(limit * sizeof(*reach));
    bool good = false;
    if (lane && reach)
        good = collect(offsets, lane, reach, &count, fault) && check_stopped(offsets, fault)
               && move(offsets, lane, reach, count, fault);
    else
        fault_memory(fault, "partitions");
    mem_free(lane);
    mem_free(reach);
    return good;
}
