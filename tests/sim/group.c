/*
 * The consumer group: eager rebalances, members that are too slow are put out and told later.
 */
#include "world.h"

#define SESSION_MS 3000 /* a stopped process is put out after it */
#define POLL_MS 20000   /* one that runs and does not poll, after it */
#define REVOKE_MS 6000  /* to give lanes up */

static void rebalance(struct world *world)
{
    if (!world->rebalancing)
        world->rebalance_deadline_ms = world->now_ms + REVOKE_MS;
    world->rebalancing = true;
    for (unsigned i = 0; i < world->plan.owners; i++)
        world->owner[i].told_revoked = false;
}

void group_join(struct world *world, struct owner *owner)
{
    owner->member = owner->joined = true;
    owner->to_assign = owner->to_lose = false;
    owner->seen_ms = world->now_ms;
    rebalance(world);
}

static void put_out(struct world *world, struct owner *owner)
{
    owner->member = owner->joined = false;
    owner->to_assign = false;
    for (size_t i = 0; i < world->plan.lanes; i++)
        if (world->owner_of[i] == (int)owner->number)
            world->owner_of[i] = -1;
    rebalance(world);
}

void group_leave(struct world *world, struct owner *owner, bool at_once)
{
    if (at_once) {
        put_out(world, owner);
    } else {
        /* Nobody tells the group: the session must end first. */
        owner->joined = false;
        owner->seen_ms = world->now_ms;
    }
}

static bool all_joined(const struct world *world)
{
    bool any = false;
    for (unsigned i = 0; i < world->plan.owners; i++) {
        if (world->owner[i].member && !world->owner[i].joined)
            return false;
        any = any || world->owner[i].member;
    }
    return any;
}

static void hand_out(struct world *world)
{
    struct owner *members[OWNERS_LIMIT];
    unsigned count = 0;
    world->rebalancing = false;
    world->generation++;
    world->tally.rebalances++;
    for (unsigned i = 0; i < world->plan.owners; i++) {
        struct owner *owner = &world->owner[i];
        if (!owner->member)
            continue;
        members[count++] = owner;
        owner->generation = world->generation;
        owner->joined = false;
        owner->to_assign = true;
    }
    for (size_t i = 0; i < world->plan.lanes; i++)
        world->owner_of[i] = (int)members[world_below(world, count)]->number;
    world_say(world, "generation %llu", (unsigned long long)world->generation);
}

void group_look(struct world *world)
{
    for (unsigned i = 0; i < world->plan.owners; i++) {
        struct owner *owner = &world->owner[i];
        bool stopped = !owner->alive || owner->paused_until_ms > world->now_ms;
        int64_t limit = stopped ? SESSION_MS : POLL_MS;
        bool late = world->rebalancing && !owner->joined
                    && world->now_ms > world->rebalance_deadline_ms;
        if (owner->member && (late || world->now_ms - owner->seen_ms > limit)) {
            world->tally.kicks++;
            world_say(world, "%c is put out of the group", 'A' + (int)i);
            owner->to_lose = owner->alive;
            put_out(world, owner);
        }
    }
    if (world->rebalancing && all_joined(world))
        hand_out(world);
}

static bool has_lanes(const struct owner *owner)
{
    for (size_t i = 0; i < owner->world->plan.lanes; i++)
        if (owner->lane[i].assigned || owner->lane[i].incoming)
            return true;
    return false;
}

static void tell_gone(struct owner *owner, enum source_turn turn)
{
    owner->may_drain = turn == SOURCE_REVOKED && owner->task.claimed;
    for (size_t i = 0; i < owner->world->plan.lanes; i++) {
        struct lane *lane = &owner->lane[i];
        lane->outgoing = lane->assigned;
        lane->incoming = false;
    }
    owner->source.turn = turn;
}

static void tell_assigned(struct owner *owner)
{
    struct world *world = owner->world;
    owner->to_assign = false;
    owner->source.lane_count = world->plan.lanes;
    for (size_t i = 0; i < world->plan.lanes; i++)
        owner->lane[i].incoming = world->owner_of[i] == (int)owner->number
                                  && !owner->lane[i].assigned;
    owner->source.turn = SOURCE_ASSIGNED;
}

void group_meet(struct owner *owner)
{
    struct world *world = owner->world;
    owner->seen_ms = world->now_ms;
    if (owner->source.turn == SOURCE_REVOKED || owner->source.turn == SOURCE_LOST)
        return;
    if (owner->to_lose) {
        owner->to_lose = false;
        if (has_lanes(owner))
            tell_gone(owner, SOURCE_LOST);
        else
            group_join(world, owner);
        return;
    }
    if (!owner->member)
        return;
    if (world->rebalancing && !owner->joined && !owner->told_revoked) {
        owner->told_revoked = true;
        owner->to_assign = false;
        if (has_lanes(owner))
            tell_gone(owner, SOURCE_REVOKED);
        else
            owner->joined = true;
    } else if (!world->rebalancing && owner->to_assign) {
        tell_assigned(owner);
    }
}

void group_give_up(struct owner *owner)
{
    if (owner->member)
        owner->joined = true;
    else
        group_join(owner->world, owner);
    owner->to_lose = false;
}

bool group_takes_commit(const struct owner *owner)
{
    return owner->member && owner->generation == owner->world->generation;
}
