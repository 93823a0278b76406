/*
 * Doors: a call goes to the sink behind, after a while in which anything may happen.
 */
#include "real.h"

static struct door doors[OWNERS_LIMIT];

const struct real_target *real_of(const struct world *world)
{
    static const struct real_target *const targets[] = {
        [TARGET_MODEL] = NULL, [TARGET_FILES] = &real_files, [TARGET_QUEST] = &real_quest};
    return targets[world->plan.target];
}

bool real_chance(struct world *world, unsigned permille)
{
    return !world->calm && world_chance(world, permille);
}

void real_reset(struct world *world)
{
    if (real_of(world))
        real_of(world)->reset(world);
}

static bool door_idle(void *context, int fd, short events, int timeout_ms)
{
    struct door *door = context;
    return door->sink.idle(door->sink.idle_context, fd, events, timeout_ms);
}

struct sink *real_make(struct owner *owner, struct fault *fault)
{
    const struct real_target *target = real_of(owner->world);
    struct door *door = &doors[owner->number];
    *door = (struct door){.sink = {.type = target->type}, .owner = owner};
    arena_init(&door->arena, 1000000);
    config_init(&door->config, &door->arena);
    door->inner = target->make(door, fault);
    if (!door->inner)
        return NULL;
    door->inner->idle = door_idle;
    door->inner->idle_context = door;
    return &door->sink;
}

void real_bury(struct owner *owner)
{
    const struct real_target *target = real_of(owner->world);
    if (target)
        target->bury(&doors[owner->number]);
}

struct door *door_of(struct sink *sink)
{
    return (struct door *)((uintptr_t)sink - offsetof(struct door, sink));
}

struct door *door_of_inner(const struct sink *inner)
{
    return inner->idle_context;
}

/* What the sink says of itself stands at the door. */
static bool pass_on(struct door *door, bool good)
{
    door->sink.pending_bytes = door->inner->pending_bytes;
    door->sink.blames = door->inner->blames;
    door->sink.blamed = door->inner->blamed;
    if (!good)
        door->owner->claimed = false;
    return good;
}

static struct door *enter(struct sink *sink)
{
    struct door *door = door_of(sink);
    door->inner->origin = sink->origin;
    door->inner->blames = false;
    return door;
}

bool door_recall(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                 struct fault *fault)
{
    struct door *door = enter(sink);
    return pass_on(door, door->inner->type->recall(door->inner, lane, memory, count, fault));
}

bool door_claim(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                struct fault *fault)
{
    struct door *door = enter(sink);
    if (!pass_on(door, door->inner->type->claim(door->inner, lane, memory, count, fault)))
        return false;
    door->owner->claimed = true;
    return true;
}

bool door_put(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
              struct fault *fault)
{
    struct door *door = enter(sink);
    struct world *world = door->owner->world;
    const struct record *record = row->change->record;
    if (!door->owner->claimed)
        world_wrong(world, "put without a claim");
    if (count != world_rows_of(world, record->at.lane, record->at.mark))
        world_wrong(world, "%zu rows of t[%u]@%lld", count, record->at.lane,
                    (long long)record->at.mark);
    bool good = sink_put(door->inner, batch, row, count, fault);
    door->sink.pending_bytes = door->inner->pending_bytes;
    return good;
}

bool door_flush(struct sink *sink, const struct lane *lane, const struct reach *reach, size_t count,
                struct fault *fault)
{
    struct door *door = enter(sink);
    struct world *world = door->owner->world;
    if (!door->owner->claimed)
        world_wrong(world, "flush without a claim");
    world->tally.flushes++;
    return pass_on(door, sink_flush(door->inner, lane, reach, count, fault));
}

void door_stop(struct sink *sink)
{
    (void)sink; /* the process ends, and what it held with it */
}
