/*
 * Whole transactions. The topic of markers has one partition, and so has every other topic: then
 * each lane has the transactions in the order of their commits, and what lies before the ends of
 * the same transactions in all lanes is a state that the source database was in.
 */
#include "whole.h"

#include "log.h"
#include "mem.h"
#include "whole_parts.h"

/* Bytes that wait in all lanes at the most: so many times batch.bytes.max. Beyond half of it, lanes
   that run ahead rest; a transaction that needs more is given in parts. */
#define HOLD_FACTOR 4

static const char *const borders[] = {"size", "transaction", NULL};

enum border { BORDER_SIZE, BORDER_TRANSACTION };

struct whole_settings {
    int flush_on; /* enum border */
};

static const struct option_spec option[] = {
    {.key = "flush.on",
     .type = OPTION_ENUM,
     .choices = borders,
     .preset = "size",
     .offset = offsetof(struct whole_settings, flush_on),
     .importance = OPTION_LOW,
     .help = "transaction: the target never shows half a transaction of the source database. Needs "
             "Debezium's provide.transaction.metadata=true, tasks.max=1 in one worker, topics of "
             "one partition each under Debezium's own names, and <prefix>.transaction among "
             "them. A transaction of more than four times batch.bytes.max, or whose events are "
             "not there a minute after its END marker, is written in parts, logged and counted."},
};

const struct option_table whole_options = {
    .title = "Transactions", .option = option, .count = sizeof(option) / sizeof(option[0])};

static struct whole *self_of(struct source *source)
{
    return (struct whole *)source;
}

static const struct whole *const_self_of(const struct source *source)
{
    return (const struct whole *)source;
}

/* ---- lanes: ours stand where records were given, the inner ones where they were fetched ---- */

static bool grow(struct whole *self, struct fault *fault)
{
    size_t count = self->inner->lane_count;
    if (count <= self->lane_capacity)
        return true;
    struct lane *lane = mem_realloc(self->source.lane, count * sizeof(*lane));
    if (lane)
        self->source.lane = lane;
    struct queue *queue = lane ? mem_realloc(self->queue, count * sizeof(*queue)) : NULL;
    if (!queue)
        return fault_memory(fault, "partitions");
    self->queue = queue;
    for (size_t i = self->lane_capacity; i < count; i++) {
        self->queue[i] = (struct queue){0};
        self->source.lane[i] = self->inner->lane[i];
    }
    self->lane_capacity = count;
    return true;
}

/* What the inner source knows, but for where we stand. */
static bool pull(struct whole *self, struct fault *fault)
{
    if (!grow(self, fault))
        return false;
    self->source.lane_count = self->inner->lane_count;
    self->source.turn = self->inner->turn;
    self->source.ended = self->inner->ended;
    self->source.identity = self->inner->identity;
    for (size_t i = 0; i < self->source.lane_count; i++) {
        struct lane *lane = &self->source.lane[i];
        struct lane kept = *lane;
        *lane = self->inner->lane[i];
        lane->next = kept.next;
        lane->held = kept.held;
        lane->last_us = kept.last_us;
    }
    return true;
}

static void push(struct whole *self)
{
    for (size_t i = 0; i < self->source.lane_count; i++) {
        bool resting = self->inner->lane[i].resting;
        self->inner->lane[i] = self->source.lane[i];
        self->inner->lane[i].resting = resting;
    }
    self->inner->turn = self->source.turn;
}

static void drop_all(struct whole *self)
{
    for (size_t i = 0; i < self->lane_capacity; i++) {
        queue_clear(&self->queue[i]);
        self->queue[i] = (struct queue){0};
    }
    for (size_t i = 0; i < self->inner->lane_count; i++)
        self->inner->lane[i].resting = false;
    self->bytes = 0;
    self->waiting_since_ms = 0;
    self->more = false;
}

/* ---- what can be whole at all ---- */

static bool is_ours(const struct lane *lane)
{
    return lane->assigned || lane->incoming;
}

static bool check_lane(struct whole *self, const struct lane *lane, struct fault *fault)
{
    str suffix = STR(MARKER_SUFFIX);
    if (lane->partition > 0)
        return fault_set(fault, FAULT_CONFIG,
                         "flush.on=transaction: topic %.*s has several partitions, and no order "
                         "between them; give it one, or say flush.on=size",
                         STR_ARG(lane->topic));
    if (!str_ends(lane->topic, suffix))
        return true;
    str prefix = str_head(lane->topic, lane->topic.len - suffix.len);
    if (self->prefix.len > 0 && !str_eq(self->prefix, prefix))
        return fault_set(fault, FAULT_CONFIG,
                         "flush.on=transaction: topics of two sources, %.*s and %.*s: give each a "
                         "connector of its own",
                         STR_ARG(self->prefix), STR_ARG(prefix));
    return arena_copy(&self->arena, prefix, &self->prefix) || fault_memory(fault, "a topic's name");
}

bool whole_marks(const struct whole *self, const struct lane *lane)
{
    return self->prefix.len > 0 && lane->topic.len == self->prefix.len + strlen(MARKER_SUFFIX)
           && str_starts(lane->topic, self->prefix) && str_ends(lane->topic, STR(MARKER_SUFFIX));
}

static bool check_lanes(struct whole *self, struct fault *fault)
{
    bool any = false, marked = false;
    for (size_t i = 0; i < self->source.lane_count; i++) {
        const struct lane *lane = &self->source.lane[i];
        if (!check_lane(self, lane, fault))
            return false;
        any = any || is_ours(lane);
        marked = marked || (is_ours(lane) && whole_marks(self, lane));
    }
    /* It comes with the first transaction. */
    if (any && !marked)
        log_write(LOG_WARN,
                  "flush.on=transaction: no topic <prefix>" MARKER_SUFFIX
                  " is among ours yet; changes wait for it (provide.transaction.metadata=true in "
                  "Debezium's connector makes it, and no other worker may have it)");
    return true;
}

/* ---- filling ---- */

static bool hold_record(struct whole *self, const struct record *record, struct fault *fault)
{
    struct transaction transaction = {0};
    uint32_t lane = record->at.lane;
    arena_reset(&self->scratch);
    if (record->has_value && record->broken.len == 0
        && !transaction_read(record->value, &self->scratch, &transaction, fault))
        return false;
    str topic = self->source.lane[lane].topic;
    if (transaction.kind == TRANSACTION_UNTOLD)
        return fault_set(fault, FAULT_CONFIG,
                         "flush.on=transaction: %.*s[%d]@%lld does not say its transaction: set "
                         "provide.transaction.metadata=true in Debezium's connector, and "
                         "flush.on=size until what came before that is read",
                         STR_ARG(topic), record->partition, (long long)record->offset);
    if (transaction.kind == TRANSACTION_EVENT
        && (topic.len <= self->prefix.len + transaction.topic.len
            || !str_starts(topic, self->prefix) || !str_ends(topic, transaction.topic)))
        return fault_set(fault, FAULT_CONFIG,
                         "flush.on=transaction: topic %.*s holds events of %.*s: topics must have "
                         "Debezium's names (<prefix>.<schema>.<table>), for by them the markers "
                         "are understood",
                         STR_ARG(topic), STR_ARG(transaction.topic));
    struct held *held = held_new(record, &transaction);
    if (!held)
        return fault_memory(fault, "records of unfinished transactions");
    queue_add(&self->queue[lane], held);
    self->bytes += held->bytes;
    return true;
}

static bool fetch(struct whole *self, int timeout_ms, struct fault *fault)
{
    struct fault cause;
    batch_reset(&self->batch);
    bool good = self->inner->type->poll(self->inner, &self->batch, timeout_ms, &cause);
    if (!pull(self, fault))
        return false;
    for (size_t i = 0; i < self->batch.record_count; i++)
        if (!hold_record(self, &self->batch.record[i], fault))
            return false;
    batch_reset(&self->batch);
    if (!good)
        *fault = cause;
    return good;
}

/* Control records and the like: where nothing waits, we stand where the inner source does. */
static void follow(struct whole *self)
{
    for (size_t i = 0; i < self->source.lane_count; i++) {
        struct lane *lane = &self->source.lane[i];
        if (lane->assigned && !self->queue[i].first && self->inner->lane[i].next > lane->next)
            lane->next = self->inner->lane[i].next;
    }
}

static bool whole_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    struct whole *self = self_of(source);
    if (!fetch(self, self->more ? 0 : timeout_ms, fault))
        return false;
    if (source->turn != SOURCE_STEADY)
        return true;
    if (!whole_give(self, batch, fault))
        return false;
    follow(self);
    return true;
}

/* ---- all else is the inner source's ---- */

static bool whole_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                         struct fault *fault)
{
    struct source *inner = self_of(source)->inner;
    return inner->type->commit(inner, reach, count, wait, fault);
}

static bool whole_beat(struct source *source, struct fault *fault)
{
    struct whole *self = self_of(source);
    return self->inner->type->beat(self->inner, fault) && pull(self, fault);
}

static void whole_place(const struct source *source, const struct record *record, struct buf *out)
{
    const struct source *inner = const_self_of(source)->inner;
    inner->type->place(inner, record, out);
}

static bool whole_describe(struct source *source, struct fault *fault)
{
    struct whole *self = self_of(source);
    push(self);
    return self->inner->type->describe(self->inner, fault) && pull(self, fault)
           && check_lanes(self, fault);
}

static bool whole_assign(struct source *source, struct fault *fault)
{
    struct whole *self = self_of(source);
    drop_all(self);
    push(self);
    return self->inner->type->assign(self->inner, fault) && pull(self, fault);
}

static bool whole_unassign(struct source *source, struct fault *fault)
{
    struct whole *self = self_of(source);
    drop_all(self);
    push(self);
    bool good = self->inner->type->unassign(self->inner, fault);
    for (size_t i = 0; i < source->lane_count; i++)
        if (source->lane[i].outgoing)
            source->lane[i].next = OFFSET_NONE;
    return pull(self, fault) && good;
}

static bool whole_pause(struct source *source, bool paused, struct fault *fault)
{
    struct whole *self = self_of(source);
    return self->inner->type->pause(self->inner, paused, fault);
}

static void whole_stop(struct source *source)
{
    struct whole *self = self_of(source);
    drop_all(self);
    batch_release(&self->batch);
    self->inner->type->stop(self->inner);
    if (self->has_regex)
        regfree(&self->regex);
    arena_release(&self->scratch);
    arena_release(&self->arena);
    mem_free(self->queue);
    mem_free(self->source.lane);
    mem_free(self);
}

static const struct source_type whole_source = {
    .name = "whole",
    .rewinds = true,
    .poll = whole_poll,
    .commit = whole_commit,
    .beat = whole_beat,
    .place = whole_place,
    .describe = whole_describe,
    .assign = whole_assign,
    .unassign = whole_unassign,
    .pause = whole_pause,
    .stop = whole_stop,
};

/* ---- setting up ---- */

static bool read_topics(struct whole *self, struct fault *fault)
{
    const struct config_entry *topics = config_find(self->config, STR("topics"));
    const struct config_entry *regex = config_find(self->config, STR("topics.regex"));
    if (topics)
        return option_split(topics->value, &self->arena, &self->topics, fault);
    str pattern = arena_format(&self->arena, "^(%.*s)$", STR_ARG(regex ? regex->value : STR_EMPTY));
    if (!pattern.ptr)
        return fault_memory(fault, "topics.regex");
    self->has_regex = regcomp(&self->regex, pattern.ptr, REG_EXTENDED | REG_NOSUB) == 0;
    return self->has_regex
           || fault_set(fault, FAULT_CONFIG, "topics.regex: no POSIX regular expression");
}

static bool names_markers(const struct whole *self)
{
    for (size_t i = 0; i < self->topics.count; i++)
        if (str_ends(self->topics.item[i], STR(MARKER_SUFFIX)))
            return true;
    return self->has_regex;
}

static int64_t bytes_max(const struct config *config)
{
    const struct config_entry *entry = config_find(config, STR("batch.bytes.max"));
    int64_t bytes;
    return entry && str_to_int64(entry->value, &bytes) && bytes > 0 ? bytes : 33554432;
}

static bool set_up(struct whole *self, int64_t tasks_max, struct fault *fault)
{
    if (!read_topics(self, fault))
        return false;
    if (tasks_max != 1)
        return fault_set(fault, FAULT_CONFIG,
                         "flush.on=transaction needs tasks.max=1: two tasks would each write a "
                         "part of a transaction");
    return names_markers(self)
           || fault_set(fault, FAULT_CONFIG,
                        "flush.on=transaction needs <prefix>" MARKER_SUFFIX
                        " among topics, and provide.transaction.metadata=true in Debezium's "
                        "connector");
}

struct source *whole_wrap(struct source *inner, const struct config *config, int64_t tasks_max,
                          struct fault *fault)
{
    struct whole_settings settings = {0};
    bool good = option_load(&whole_options, config, &settings, fault);
    if (good && settings.flush_on == BORDER_SIZE)
        return inner;
    struct whole *self = good ? mem_alloc(sizeof(*self)) : NULL;
    if (!self) {
        if (good)
            fault_memory(fault, "the transactions");
        inner->type->stop(inner);
        return NULL;
    }
    *self = (struct whole){.source = {.type = &whole_source, .whole = true},
                           .inner = inner,
                           .config = config,
                           .bytes_limit = (size_t)bytes_max(config) * HOLD_FACTOR};
    batch_init(&self->batch, (size_t)1024 * 1024 * 1024);
    arena_init(&self->arena, (size_t)64 * 1024 * 1024);
    arena_init(&self->scratch, (size_t)512 * 1024 * 1024);
    if (set_up(self, tasks_max, fault))
        return &self->source;
    whole_stop(&self->source);
    return NULL;
}
