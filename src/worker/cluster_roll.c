/*
 * Who lives.
 */
#include "cluster_roll.h"

#include <stdio.h>

static bool set(char *to, size_t size, str text)
{
    return snprintf(to, size, "%.*s", STR_ARG(text)) < (int)size;
}

bool cluster_roll_init(struct cluster_roll *roll, str id, str instance)
{
    *roll = (struct cluster_roll){.count = 1};
    struct cluster_member *own = &roll->member[0];
    return set(own->id, sizeof(own->id), id) && set(own->instance, sizeof(own->instance), instance);
}

static struct cluster_member *find(const struct cluster_roll *roll, str id)
{
    for (size_t i = 0; i < roll->count; i++)
        if (str_is(id, roll->member[i].id))
            return (struct cluster_member *)(uintptr_t)&roll->member[i];
    return NULL;
}

static bool lives(const struct cluster_roll *roll, const struct cluster_member *member)
{
    if (member == &roll->member[0])
        return roll->joined;
    return !member->left && roll->now_ms - member->heard_ms < CLUSTER_LIVE_MS;
}

/* Notes whether the set of the living is another now. */
static void count_changes(struct cluster_roll *roll)
{
    bool changed = false;
    for (size_t i = 0; i < roll->count; i++) {
        char now = lives(roll, &roll->member[i]);
        changed = changed || now != roll->live[i];
        roll->live[i] = now;
    }
    roll->changes += changed;
}

/* A place for a name that is new: of one that is long dead, where there is no other. */
static struct cluster_member *add(struct cluster_roll *roll)
{
    if (roll->count < CLUSTER_MEMBER_LIMIT)
        return &roll->member[roll->count++];
    for (size_t i = 1; i < roll->count; i++)
        if (!lives(roll, &roll->member[i]))
            return &roll->member[i];
    return NULL;
}

static void hear_ourselves(struct cluster_roll *roll, int64_t steady_ms)
{
    int64_t passed = roll->joined ? steady_ms - roll->beat_ms : 0;
    roll->now_ms += passed < CLUSTER_STEP_LIMIT_MS ? passed : CLUSTER_STEP_LIMIT_MS;
    roll->beat_ms = steady_ms;
    roll->joined = true;
}

bool cluster_roll_hear(struct cluster_roll *roll, str id, str instance, int64_t age_ms,
                       int64_t steady_ms)
{
    struct cluster_member *member = find(roll, id);
    if (member == &roll->member[0]) {
        if (!str_is(instance, member->instance))
            return false;
        hear_ourselves(roll, steady_ms);
    } else {
        if (!member)
            member = add(roll);
        if (!member)
            return true;
        if (!set(member->id, sizeof(member->id), id)
            || !set(member->instance, sizeof(member->instance), instance))
            member->heard_ms = roll->now_ms - CLUSTER_LIVE_MS; /* no name of ours */
        else
            member->heard_ms = roll->now_ms - age_ms;
        member->left = false;
    }
    count_changes(roll);
    return true;
}

void cluster_roll_leave(struct cluster_roll *roll, str id)
{
    struct cluster_member *member = find(roll, id);
    if (!member || member == &roll->member[0])
        return;
    member->left = true;
    count_changes(roll);
}

bool cluster_roll_lives(const struct cluster_roll *roll, str id, str instance)
{
    const struct cluster_member *member = find(roll, id);
    return member && str_is(instance, member->instance) && lives(roll, member);
}

size_t cluster_roll_live(const struct cluster_roll *roll, str id[CLUSTER_MEMBER_LIMIT])
{
    size_t count = 0;
    for (size_t i = 0; i < roll->count; i++)
        if (lives(roll, &roll->member[i]))
            id[count++] = str_from(roll->member[i].id);
    return count;
}
