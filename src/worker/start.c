/*
 * Where to begin. The rules are those of the README's section on delivery.
 */
#include "start.h"

static bool is_ours(const struct lane *lane)
{
    return lane->assigned || lane->incoming;
}

struct topic {
    bool remembered, committed; /* of any of its partitions */
};

static struct topic look_at_topic(const struct lane *lane, const struct memory *memory,
                                  size_t count, str name)
{
    struct topic topic = {0};
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(lane[i].topic, name))
            continue;
        topic.remembered = topic.remembered || memory[i].next != OFFSET_NONE;
        topic.committed = topic.committed || lane[i].committed != OFFSET_NONE;
    }
    return topic;
}

static bool check_inside(const struct lane *lane, int64_t next, struct fault *fault)
{
    if (next >= lane->low && next <= lane->high)
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%.*s[%d]: the stored offset %lld is outside the log (%lld to %lld): topic "
                     "recreated or retention passed; check what is missing, and say where reading "
                     "shall go on: fieldtrail offsets CONNECTOR.json set %.*s:%d=OFFSET",
                     STR_ARG(lane->topic), lane->partition, (long long)next, (long long)lane->low,
                     (long long)lane->high, STR_ARG(lane->topic), lane->partition);
}

/* What the source was told is done is not done here. */
static bool check_leads(const struct lane *lane, int64_t next, struct fault *fault)
{
    if (lane->committed == OFFSET_NONE || next >= lane->committed)
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "%.*s[%d]: the target stands at offset %lld, behind the consumer group's "
                     "%lld: other or restored target; put it back as it was, or say where to go "
                     "on: fieldtrail offsets CONNECTOR.json set %.*s:%d=OFFSET",
                     STR_ARG(lane->topic), lane->partition, (long long)next,
                     (long long)lane->committed, STR_ARG(lane->topic), lane->partition);
}

static bool by_reset(struct lane *lane, enum start_reset reset, struct fault *fault)
{
    lane->last_us = TIME_UNKNOWN;
    lane->next = reset == START_LATEST ? lane->high : lane->low;
    if (reset != START_NONE)
        return true;
    return fault_set(
        fault, FAULT_CONFIG,
        "%.*s[%d]: no offset is stored and auto.offset.reset=none: say earliest or latest",
        STR_ARG(lane->topic), lane->partition);
}

static bool resolve(struct lane *lane, const struct memory *memory, const struct topic *topic,
                    const struct sink_type *sink, enum start_reset reset, struct fault *fault)
{
    bool ours = is_ours(lane);
    if (memory->next != OFFSET_NONE) {
        lane->next = memory->next;
        lane->last_us = memory->last_us;
        lane->held = memory->held;
        return !ours
               || (check_inside(lane, lane->next, fault)
                   && (!sink->leads || check_leads(lane, lane->next, fault)));
    }
    if (sink->remembers && !topic->remembered && topic->committed)
        return fault_set(
            fault, FAULT_CONFIG,
            "the consumer group has offsets of %.*s, but the target has none: other or "
            "restored target; say where to begin: fieldtrail offsets CONNECTOR.json set "
            "%.*s:%d=OFFSET, or reset; or give the connector another name",
            STR_ARG(lane->topic), STR_ARG(lane->topic), lane->partition);
    lane->last_us = TIME_UNKNOWN;
    lane->held = OFFSET_NONE;
    if (!sink->remembers && lane->committed != OFFSET_NONE) {
        lane->next = lane->committed;
        lane->held = lane->committed_held;
        return !ours || check_inside(lane, lane->next, fault);
    }
    bool is_new = sink->remembers ? topic->remembered : topic->committed;
    lane->next = lane->low;
    return is_new || by_reset(lane, reset, fault);
}

bool start_resolve(struct lane *lane, const struct memory *memory, size_t count,
                   const struct sink_type *sink, enum start_reset reset, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        if (lane[i].low == OFFSET_NONE)
            continue; /* of a topic that nobody has described: not ours now */
        struct topic topic = look_at_topic(lane, memory, count, lane[i].topic);
        if (!resolve(&lane[i], &memory[i], &topic, sink, reset, fault))
            return false;
    }
    return true;
}

/* Whether the topic's first partition is ours. */
static bool leads_topic(const struct lane *lane, size_t count, str topic)
{
    for (size_t i = 0; i < count; i++)
        if (lane[i].partition == 0 && str_eq(lane[i].topic, topic))
            return is_ours(&lane[i]);
    return false;
}

/* Whether nothing was ever told of the topic. */
static bool is_unread(const struct lane *lane, size_t count, str topic)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(lane[i].topic, topic) && lane[i].committed != OFFSET_NONE)
            return false;
    return true;
}

enum start_word start_word(const struct lane *lane, size_t count, size_t nth,
                           enum start_reset reset)
{
    const struct lane *one = &lane[nth];
    if (one->low == OFFSET_NONE || one->committed != OFFSET_NONE)
        return START_NOT_TOLD;
    bool together = reset == START_LATEST && is_unread(lane, count, one->topic);
    if (together && leads_topic(lane, count, one->topic))
        return START_TOLD;
    if (!is_ours(one))
        return START_NOT_TOLD;
    return together ? START_AWAITED : START_TOLD;
}
