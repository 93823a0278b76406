/*
 * Giving: which transactions are complete, and what of every lane belongs to them.
 */
#include <assert.h>

#include "clock.h"
#include "log.h"
#include "whole_parts.h"

/* How long events are waited for once the END marker is here. */
#define WAIT_MS 60000
/* So many markers may overlap. */
#define MARKER_LIMIT 1000
/* One poll gives no more than this, but one whole transaction at the least. */
#define GIVE_RECORDS 2000

/* The batch owns it from here on, also where that fails. */
static bool give_first(struct whole *self, uint32_t lane, struct batch *batch, struct fault *fault)
{
    struct held *held = queue_take(&self->queue[lane]);
    assert(held); /* whoever calls has seen it */
    if (held == self->in_parts)
        self->in_parts = NULL;
    struct lane *ours = &self->source.lane[lane];
    self->bytes -= held->bytes;
    struct record *record = batch_add_record(batch, fault);
    if (!record || !batch_pin(batch, held, held_free, fault)) {
        held_free(held);
        return false;
    }
    *record = held->record;
    if (record->at.mark >= ours->next)
        ours->next = record->at.mark + 1;
    return true;
}

/* Records that belong to no transaction wait for none, nor do those that were given before: a
   connector that was killed sends some events twice. */
static bool is_loose(const struct queue *queue)
{
    const struct held *held = queue->first;
    return held
           && (held->kind == TRANSACTION_NONE
               || (held->kind == TRANSACTION_EVENT && queue_gave(queue, held->id, held->order)));
}

static bool give_loose(struct whole *self, struct batch *batch, struct fault *fault)
{
    for (uint32_t i = 0; i < self->source.lane_count; i++)
        while (is_loose(&self->queue[i]))
            if (!give_first(self, i, batch, fault))
                return false;
    return true;
}

static bool give_through(struct whole *self, uint32_t lane, const struct held *last,
                         struct batch *batch, struct fault *fault)
{
    bool done = last == NULL;
    while (!done) {
        done = self->queue[lane].first == last;
        if (!give_first(self, lane, batch, fault))
            return false;
    }
    return true;
}

static uint32_t marker_lane(const struct whole *self)
{
    for (uint32_t i = 0; i < self->source.lane_count; i++)
        if (self->source.lane[i].assigned && whole_marks(self, &self->source.lane[i]))
            return i;
    return UINT32_MAX;
}

/* The lane of <prefix>.<topic>, ours or not; UINT32_MAX where there is none yet. */
static uint32_t lane_of_topic(const struct whole *self, str topic)
{
    for (uint32_t i = 0; i < self->source.lane_count; i++) {
        str name = self->source.lane[i].topic;
        if (name.len == self->prefix.len + 1 + topic.len && str_starts(name, self->prefix)
            && str_ends(name, topic) && self->source.lane[i].assigned)
            return i;
    }
    return UINT32_MAX;
}

/* Whether events of <prefix>.<topic> will ever come: it is among the connector's topics. */
static bool is_expected(const struct whole *self, str topic)
{
    char name[512];
    snprintf(name, sizeof(name), "%.*s.%.*s", STR_ARG(self->prefix), STR_ARG(topic));
    return str_list_has(&self->topics, str_from(name))
           || (self->has_regex && regexec(&self->regex, name, 0, NULL, 0) == 0);
}

/* Whether all events that this END counts have come; `missing` names a lane that is waited for. */
static bool has_come(struct whole *self, const struct held *end, uint32_t *missing)
{
    for (size_t i = 0; i < end->part_count; i++) {
        const struct transaction_part *part = &end->part[i];
        if (!is_expected(self, part->topic))
            continue;
        uint32_t lane = lane_of_topic(self, part->topic);
        if (lane != UINT32_MAX && queue_has(&self->queue[lane], end->id, part->count))
            continue;
        *missing = lane;
        return false;
    }
    return true;
}

static bool ends_within(const struct held *first, const struct held *last, str id)
{
    for (const struct held *end = first;; end = end->next) {
        if (end->kind == TRANSACTION_END && str_eq(end->id, id))
            return true;
        if (end == last)
            return false;
    }
}

/* The last record of the lane that belongs to a transaction which ends within the group; NULL where
   none does. Before the group's events others may be left of an earlier time; behind them stand
   those of the next. */
static const struct held *last_of_group(const struct queue *queue, const struct held *first,
                                        const struct held *last)
{
    const struct held *found = NULL;
    for (const struct held *held = queue->first; held; held = held->next) {
        if (held->kind != TRANSACTION_EVENT)
            continue;
        if (ends_within(first, last, held->id))
            found = held;
        else if (found)
            break;
    }
    return found;
}

static bool give_parts(struct whole *self, const struct held *end, const struct held *first,
                       const struct held *last, struct batch *batch, struct fault *fault)
{
    for (size_t i = 0; i < end->part_count; i++) {
        uint32_t lane = lane_of_topic(self, end->part[i].topic);
        if (lane != UINT32_MAX
            && !give_through(self, lane, last_of_group(&self->queue[lane], first, last), batch,
                             fault))
            return false;
    }
    return true;
}

static bool give_group(struct whole *self, uint32_t markers, const struct held *last,
                       struct batch *batch, struct fault *fault)
{
    const struct held *first = self->queue[markers].first;
    for (const struct held *end = first; end; end = end == last ? NULL : end->next)
        if (end->kind == TRANSACTION_END && !give_parts(self, end, first, last, batch, fault))
            return false;
    self->waiting_since_ms = 0;
    return give_through(self, markers, last, batch, fault) && give_loose(self, batch, fault);
}

/* Gives the group at the head, where it is complete. Otherwise `needed` is the lane that it waits
   for (UINT32_MAX: one that is not ours). */
static bool give_next(struct whole *self, struct batch *batch, bool *given, uint32_t *needed,
                      struct fault *fault)
{
    uint32_t markers = marker_lane(self);
    *given = false;
    *needed = markers;
    const struct held *last = markers == UINT32_MAX ? NULL : queue_group(&self->queue[markers]);
    if (!last)
        return true;
    for (const struct held *end = self->queue[markers].first; end; end = end->next) {
        if (end->kind == TRANSACTION_END && !has_come(self, end, needed)) {
            if (self->waiting_since_ms == 0)
                self->waiting_since_ms = clock_steady_ms();
            return true;
        }
        if (end == last)
            break;
    }
    *given = true;
    return give_group(self, markers, last, batch, fault);
}

/* Once for each transaction, however many its parts are. */
static void count_split(struct whole *self, const char *why, const struct held *head)
{
    if (head && head == self->in_parts)
        return;
    self->in_parts = head;
    self->source.split++;
    log_write(LOG_WARN,
              "flush.on=transaction: a transaction is written in parts, for %s (%llu so far)", why,
              (unsigned long long)self->source.split);
}

/* Everything that waits is given, whole or not. `kept` is a lane that is left out: the markers stay
   where the rest of their transactions is still to come. */
static bool give_all(struct whole *self, const char *why, uint32_t kept, struct batch *batch,
                     struct fault *fault)
{
    count_split(self, why, kept == UINT32_MAX ? NULL : self->queue[kept].first);
    self->waiting_since_ms = 0;
    for (uint32_t i = 0; i < self->source.lane_count; i++)
        while (i != kept && self->queue[i].first)
            if (!give_first(self, i, batch, fault))
                return false;
    return true;
}

/* ---- lanes that run ahead ---- */

/* One that rests goes on only where it is waited for, or when all do. */
static bool set_resting(struct whole *self, bool resting, uint32_t needed, struct fault *fault)
{
    bool changed = false;
    for (uint32_t i = 0; i < self->inner->lane_count; i++) {
        struct lane *lane = &self->inner->lane[i];
        bool rest = resting && i != needed && (lane->resting || self->queue[i].first);
        changed = changed || rest != lane->resting;
        lane->resting = rest;
    }
    return !changed || self->inner->type->pause(self->inner, false, fault);
}

static bool any_rests(const struct whole *self)
{
    for (uint32_t i = 0; i < self->inner->lane_count; i++)
        if (self->inner->lane[i].resting)
            return true;
    return false;
}

static bool keep_pace(struct whole *self, uint32_t needed, struct batch *batch, struct fault *fault)
{
    uint32_t markers = marker_lane(self);
    bool late = self->waiting_since_ms > 0 && clock_steady_ms() - self->waiting_since_ms >= WAIT_MS;
    if (late && !give_all(self, "its events do not come", UINT32_MAX, batch, fault))
        return false;
    if (markers != UINT32_MAX && self->queue[markers].count > MARKER_LIMIT && needed == markers
        && !give_all(self, "its END marker does not come", UINT32_MAX, batch, fault))
        return false;
    if (self->bytes > self->bytes_limit
        && !give_all(self, "it is larger than four times batch.bytes.max", markers, batch, fault))
        return false;
    size_t enough = any_rests(self) ? self->bytes_limit / 4 : self->bytes_limit / 2;
    return set_resting(self, self->bytes > enough, needed, fault);
}

bool whole_give(struct whole *self, struct batch *batch, struct fault *fault)
{
    uint32_t needed = UINT32_MAX;
    self->more = true;
    if (!give_loose(self, batch, fault))
        return false;
    while (self->more && batch->record_count < GIVE_RECORDS)
        if (!give_next(self, batch, &self->more, &needed, fault))
            return false;
    return self->more || keep_pace(self, needed, batch, fault);
}
