/*
 * Offsets of a connector, by its stored configuration: what `fieldtrail offsets` does, for
 * requests.
 */
#include "herder.h"
#include "offsets.h"

struct desk {
    struct connector connector;
    struct offsets offsets;
    bool opened;
};

/* To be closed on success and on failure. */
static bool open_desk(struct desk *desk, const struct config *properties,
                      const struct config *stored, struct fault *fault)
{
    *desk = (struct desk){.opened = false};
    if (!connector_begin(&desk->connector, properties, fault)
        || !config_add(&desk->connector.config, stored, fault)
        || !connector_settle(&desk->connector, "the stored configuration", fault))
        return false;
    desk->opened = true;
    return offsets_open(&desk->offsets, &desk->connector, fault);
}

static void close_desk(struct desk *desk)
{
    if (desk->opened)
        offsets_close(&desk->offsets);
    connector_release(&desk->connector);
}

/* ---- reading ---- */

static int64_t position(const struct offsets *offsets, size_t lane)
{
    return offsets->sink->type->remembers ? offsets->note[lane].memory.next
                                          : offsets->source->lane[lane].committed;
}

static bool collect(const struct offsets *offsets, struct arena *arena, struct herder_offsets *out)
{
    size_t limit = offsets->source->lane_count;
    *out = (struct herder_offsets){ARENA_NEW(arena, struct herder_offset, limit + 1), 0};
    if (!out->item)
        return false;
    for (size_t i = 0; i < limit; i++) {
        const struct lane *lane = &offsets->source->lane[i];
        struct herder_offset *item = &out->item[out->count];
        if (position(offsets, i) == OFFSET_NONE)
            continue;
        *item = (struct herder_offset){.partition = lane->partition,
                                       .offset = position(offsets, i)};
        if (!arena_copy(arena, lane->topic, &item->topic))
            return false;
        out->count++;
    }
    return true;
}

bool herder_read_offsets(const struct config *properties, const struct config *stored,
                         struct herder_offsets *offsets, struct herder_answer *answer)
{
    struct desk desk;
    struct fault fault = {0};
    bool good = open_desk(&desk, properties, stored, &fault);
    if (!good)
        herder_fail(answer, &fault);
    else if (!collect(&desk.offsets, answer->arena, offsets))
        good = herder_refuse(answer, HERDER_FAILED, "memory ran out");
    close_desk(&desk);
    return good;
}

/* ---- moving ---- */

static bool choose_all(struct offsets *offsets, struct fault *fault)
{
    for (size_t i = 0; i < offsets->source->lane_count; i++)
        offsets->source->lane[i].outgoing = true;
    return offsets_by_reset(offsets, (enum start_reset)offsets->reset, fault);
}

/* Those that are to be reset come first: what auto.offset.reset says is asked for all of them at
   once, before the others get their numbers. */
static bool choose(struct offsets *offsets, const struct herder_offsets *wanted,
                   struct fault *fault)
{
    for (int numbers = 0; numbers < 2; numbers++) {
        bool any = false;
        for (size_t i = 0; i < wanted->count; i++) {
            const struct herder_offset *each = &wanted->item[i];
            if ((each->offset != OFFSET_NONE) != (numbers == 1))
                continue;
            struct lane *lane = offsets_lane(offsets, each->topic, each->partition, fault);
            if (!lane)
                return false;
            lane->outgoing = any = true;
            lane->next = each->offset;
        }
        if (numbers == 0 && any
            && !offsets_by_reset(offsets, (enum start_reset)offsets->reset, fault))
            return false;
    }
    return true;
}

bool herder_move_offsets(const struct config *properties, const struct config *stored,
                         const struct herder_offsets *offsets, struct herder_answer *answer)
{
    struct desk desk;
    struct fault fault = {0};
    bool good = open_desk(&desk, properties, stored, &fault)
                && (offsets ? choose(&desk.offsets, offsets, &fault)
                            : choose_all(&desk.offsets, &fault))
                && offsets_move(&desk.offsets, &fault);
    if (!good)
        herder_fail(answer, &fault);
    close_desk(&desk);
    return good;
}
