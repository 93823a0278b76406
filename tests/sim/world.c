/*
 * Dice, the log, and the run of one seed: who runs next, and what happens to them.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "real.h"

/* Long after everything must have settled. */
#define CALM_LIMIT_MS 900000
#define STEPS_LIMIT 2000000

uint64_t world_random(struct world *world)
{
    /* splitmix64 */
    uint64_t mixed = world->dice += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

unsigned world_below(struct world *world, unsigned limit)
{
    return limit == 0 ? 0 : (unsigned)(world_random(world) % limit);
}

bool world_chance(struct world *world, unsigned permille)
{
    return world_below(world, 1000) < permille;
}

void world_wrong(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (world->wrong)
        return;
    world->wrong = true;
    va_start(arguments, format);
    vsnprintf(world->what, sizeof(world->what), format, arguments);
    va_end(arguments);
}

void world_say(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (!world->verbose)
        return;
    printf("%8lld  %c  ", (long long)world->now_ms,
           world->running ? (char)('A' + world->running->number) : '-');
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* ---- the log ---- */

static enum nature choose_nature(struct world *world)
{
    static const enum nature bad[] = {BROKEN, UNREADABLE, UNWRITABLE, REFUSED, DEFERRED, PUZZLING};
    if (world_below(world, 100) < world->plan.control_percent)
        return CONTROL;
    if (world_below(world, 100) >= world->plan.bad_percent)
        return GOOD;
    /* Files refuse nothing that the sink has taken, and QuestDB does so at once. */
    static const unsigned count[] = {[TARGET_MODEL] = 6, [TARGET_FILES] = 3, [TARGET_QUEST] = 4};
    return bad[world_below(world, count[world->plan.target])];
}

void world_make_log(struct world *world)
{
    for (size_t i = 0; i < world->plan.lanes; i++) {
        for (size_t j = 0; j < world->plan.records; j++) {
            world->nature[i][j] = choose_nature(world);
            /* An error that nobody knows is believed to be a record's where a neighbour would be
               taken: there must be one. */
            if (j + 1 == world->plan.records)
                world->nature[i][j] = GOOD;
            world->arrives_ms[i][j] = world->plan.arrival_ms * (int64_t)j / world->plan.records;
        }
    }
}

bool world_is_record(const struct world *world, size_t lane, int64_t offset)
{
    return world->nature[lane][offset] != CONTROL;
}

bool world_is_bad(const struct world *world, size_t lane, int64_t offset)
{
    return world->nature[lane][offset] > CONTROL;
}

/* Rows follow from the place alone. What cannot be read has none; what is refused has some. */
unsigned world_rows_of(const struct world *world, size_t lane, int64_t offset)
{
    enum nature nature = world->nature[lane][offset];
    unsigned rows = (unsigned)((uint64_t)offset * 7 + lane * 3 + world->seed) % ROWS_LIMIT;
    if (nature == CONTROL || nature == BROKEN || nature == UNREADABLE)
        return 0;
    bool some = nature > UNREADABLE || offset + 1 == world->plan.records;
    return some && rows == 0 ? 1 : rows;
}

int64_t world_time_of(size_t lane, int64_t offset)
{
    return 1000000 * ((int64_t)lane + 1) + offset;
}

int64_t world_high(const struct world *world, size_t lane)
{
    int64_t high = 0;
    while (high < world->plan.records && world->arrives_ms[lane][high] <= world->now_ms)
        high++;
    return high;
}

/* ---- owners ---- */

static void set_up(struct owner *owner)
{
    struct world *world = owner->world;
    const struct plan *plan = &world->plan;
    str rest = str_from(plan->options), part;
    world->running = owner; /* what it allocates is its own */
    memset(owner->lane, 0, sizeof(owner->lane));
    for (size_t i = 0; i < plan->lanes; i++)
        owner->lane[i] = lane_new(STR("t"), (int32_t)i);
    owner->source = (struct source){.type = &sim_source, .lane = owner->lane};
    owner->sink = (struct sink){.type = plan->remembers ? &sim_sink : &sim_forgetful_sink};
    owner->decoder = (struct decoder){.type = &sim_decoder};
    owner->letters = (struct dead_letters){.type = &sim_letters};
    owner->connected = owner->claimed = owner->fetching = false;
    owner->letter_count = owner->pending.row_count = owner->pending.left_out_count = 0;
    owner->fault = (struct fault){0};
    arena_init(&owner->arena, 1000000);
    config_init(&owner->config, &owner->arena);
    while (str_split(&rest, ';', &part)) {
        ptrdiff_t at = str_find(part, STR("="));
        if (at > 0
            && !config_set(&owner->config, str_head(part, (size_t)at),
                           str_from_at(part, (size_t)at + 1), STR("plan"), &owner->fault))
            abort();
    }
    owner->task = (struct task){.source = &owner->source,
                                .sink = &owner->sink,
                                .decoder = &owner->decoder,
                                .rows = sim_rows,
                                .rows_context = owner,
                                .letters = plan->tolerant ? &owner->letters : NULL};
    if (real_of(world) && !(owner->task.sink = real_make(owner, &owner->fault)))
        world_wrong(world, "no sink: %s", owner->fault.text);
    if (!task_init(&owner->task, &owner->config, &owner->fault))
        world_wrong(world, "task_init: %s", owner->fault.text);
    world->running = NULL;
}

static void start_owner(struct owner *owner)
{
    set_up(owner);
    fiber_start(owner);
    owner->wake_ms = owner->world->now_ms;
    owner->paused_until_ms = 0;
    group_join(owner->world, owner);
    world_say(owner->world, "%c starts", 'A' + (int)owner->number);
}

static void bury(struct owner *owner, int64_t restart_in_ms)
{
    letters_of_the_dead(owner);
    real_bury(owner);
    pthread_mutex_destroy(&owner->task.mutex);
    fiber_kill(owner);
    owner->restart_ms = owner->world->now_ms + restart_in_ms;
}

static void crash(struct owner *owner)
{
    struct world *world = owner->world;
    world->tally.crashes++;
    world_say(world, "%c crashes", 'A' + (int)owner->number);
    /* What it had sent may arrive all the same. */
    group_leave(world, owner, false);
    bury(owner, world_below(world, 4000));
}

/* Whether a task that ended with a record's fault stands just before a bad one. */
static void check_stop(struct owner *owner)
{
    struct world *world = owner->world;
    /* The last flush of a stop may be refused, too: there is no time to look for the record. */
    if (owner->good || owner->fault.kind != FAULT_RECORD || world->plan.tolerant
        || owner->task.stop)
        return;
    for (size_t i = 0; i < world->plan.lanes; i++) {
        int64_t offset = world->plan.remembers ? world->stored[i].next : world->committed[i];
        while (offset >= 0 && offset < world->plan.records && !world_is_record(world, i, offset))
            offset++;
        if (offset >= 0 && offset < world->plan.records && world_is_bad(world, i, offset))
            return;
    }
    if (world->plan.remembers)
        world_wrong(world, "%c stopped at no bad record: %s", 'A' + (int)owner->number,
                    owner->fault.text);
}

static void reap(struct owner *owner)
{
    struct world *world = owner->world;
    world_say(world, "%c ends: %s", 'A' + (int)owner->number,
              owner->good ? "well" : owner->fault.text);
    check_stop(owner);
    /* After a failed fsync a new start must tell what is on the disk. */
    bool failed_sync = world->plan.target == TARGET_FILES && owner->fault.kind == FAULT_FATAL;
    if (!owner->good && owner->fault.kind != FAULT_RECORD && !failed_sync && !owner->task.stop)
        world_wrong(world, "a task gave up: %s", owner->fault.text);
    group_leave(world, owner, true);
    bury(owner, 200 + world_below(world, 3000));
}

/* ---- what happens to them ---- */

/* Something that only real targets know; the machine may lose its power. */
static void strike_target(struct world *world, const struct real_target *target)
{
    if (!target->strike(world))
        return;
    world_say(world, "the power goes");
    world->tally.cuts++;
    for (unsigned i = 0; i < world->plan.owners; i++)
        if (world->owner[i].alive)
            crash(&world->owner[i]);
    target->restart(world);
}

static void strike(struct world *world)
{
    struct owner *owner = &world->owner[world_below(world, world->plan.owners)];
    unsigned what = world_below(world, 4);
    if (world->calm || !owner->alive)
        return;
    if (real_of(world) && world_below(world, 3) == 0) {
        strike_target(world, real_of(world));
        return;
    }
    if (what == 0 && world->plan.crashes) {
        crash(owner);
    } else if (what == 1 && world->plan.pauses) {
        world->tally.pauses++;
        owner->paused_until_ms = world->now_ms + 100 + world_below(world, 12000);
        world_say(world, "%c is stopped until %lld", 'A' + (int)owner->number,
                  (long long)owner->paused_until_ms);
    } else if (what == 2 && world->plan.outages) {
        world->down_until_ms = world->now_ms + world_below(world, 5000);
        world_say(world, "the target is away until %lld", (long long)world->down_until_ms);
    } else if (what == 3 && world_below(world, 3) == 0) {
        owner->task.stop = true;
        world_say(world, "%c is asked to stop", 'A' + (int)owner->number);
    }
}

static int64_t wake_of(const struct owner *owner)
{
    return owner->wake_ms > owner->paused_until_ms ? owner->wake_ms : owner->paused_until_ms;
}

/* The owner that wakes first; of several a random one. */
static struct owner *choose_owner(struct world *world)
{
    struct owner *chosen = NULL;
    unsigned equal = 0;
    for (unsigned i = 0; i < world->plan.owners; i++) {
        struct owner *owner = &world->owner[i];
        if (!owner->alive)
            continue;
        if (!chosen || wake_of(owner) < wake_of(chosen)) {
            chosen = owner;
            equal = 1;
        } else if (wake_of(owner) == wake_of(chosen) && world_below(world, ++equal) == 0) {
            chosen = owner;
        }
    }
    return chosen;
}

static bool is_settled(const struct world *world)
{
    for (size_t i = 0; i < world->plan.lanes; i++) {
        int64_t reached = world->plan.remembers ? world->stored[i].next : world->committed[i];
        int64_t end = world->plan.records;
        while (end > 0 && !world_is_record(world, i, end - 1))
            end--;
        if (reached < end)
            return false;
    }
    return true;
}

static bool is_over(struct world *world)
{
    if (!world->calm)
        return false;
    bool alive = false, failed = false;
    for (unsigned i = 0; i < world->plan.owners; i++) {
        alive = alive || world->owner[i].alive;
        failed = failed || (!world->owner[i].alive && world->owner[i].fault.kind == FAULT_RECORD);
    }
    if (is_settled(world))
        for (unsigned i = 0; i < world->plan.owners; i++)
            world->owner[i].task.stop = true;
    /* Without tolerance all of them end at the bad record. */
    return !alive && (is_settled(world) || failed);
}

/* While there is chaos, whoever died is started again; in the calm only as long as work is left. */
static void restart(struct world *world)
{
    for (unsigned i = 0; i < world->plan.owners; i++) {
        struct owner *owner = &world->owner[i];
        bool hopeless = world->calm
                        && (is_settled(world)
                            || (!world->plan.tolerant && owner->fault.kind == FAULT_RECORD));
        if (!owner->alive && !hopeless && owner->restart_ms <= world->now_ms)
            start_owner(owner);
    }
}

static int64_t next_restart(const struct world *world)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < world->plan.owners; i++)
        if (!world->owner[i].alive && world->owner[i].restart_ms < next)
            next = world->owner[i].restart_ms;
    return next;
}

static void step(struct world *world)
{
    struct owner *owner = choose_owner(world);
    int64_t next = owner ? wake_of(owner) : INT64_MAX;
    int64_t soon = next_restart(world);
    if (soon < next && soon > world->now_ms)
        next = soon;
    if (next == INT64_MAX || next > world->now_ms + 500)
        next = world->now_ms + 500;
    if (next > world->now_ms)
        world->now_ms = next;
    world->trace = world->trace * 31 + (uint64_t)world->now_ms;
    target_arrive(world);
    if (real_of(world))
        real_of(world)->arrive(world);
    group_look(world);
    restart(world);
    if (owner && owner->alive && wake_of(owner) <= world->now_ms) {
        fiber_resume(owner);
        if (owner->ended)
            reap(owner);
    }
    if (!world->calm && world_chance(world, world->plan.strike_permille))
        strike(world);
    if (!world->calm && world->now_ms >= world->plan.chaos_ms) {
        world->calm = true;
        world->down_until_ms = 0;
        for (unsigned i = 0; i < world->plan.owners; i++)
            world->owner[i].paused_until_ms = 0;
        if (real_of(world))
            real_of(world)->calm(world);
        world_say(world, "calm");
    }
}

static void tear_down(struct world *world)
{
    for (unsigned i = 0; i < OWNERS_LIMIT; i++) {
        struct owner *owner = &world->owner[i];
        if (owner->alive)
            fiber_kill(owner);
        free(owner->stack);
        owner->stack = NULL;
    }
}

bool world_run(struct world *world, uint64_t seed, const struct plan *plan)
{
    bool verbose = world->verbose;
    memset(world, 0, sizeof(*world));
    world->verbose = verbose;
    world->seed = world->dice = seed;
    world->plan = *plan;
    world->now_ms = 1000;
    the_world = world;
    world_make_log(world);
    real_reset(world);
    for (size_t i = 0; i < LANES_LIMIT; i++) {
        world->committed[i] = world->start[i] = OFFSET_NONE;
        world->owner_of[i] = -1;
        world->stored[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    }
    for (unsigned i = 0; i < plan->owners; i++) {
        world->owner[i].world = world;
        world->owner[i].number = i;
        world->owner[i].restart_ms = world->now_ms + world_below(world, 2000);
    }
    if (plan->outage_ms > 0)
        world->down_until_ms = plan->outage_ms;
    unsigned steps = 0;
    while (!world->wrong && !is_over(world)) {
        step(world);
        if (++steps > STEPS_LIMIT || world->now_ms > plan->chaos_ms + CALM_LIMIT_MS)
            world_wrong(world,
                        "it does not come to an end: the group is at %lld %lld %lld %lld, the "
                        "target at %lld %lld %lld %lld",
                        (long long)world->committed[0], (long long)world->committed[1],
                        (long long)world->committed[2], (long long)world->committed[3],
                        (long long)world->stored[0].next, (long long)world->stored[1].next,
                        (long long)world->stored[2].next, (long long)world->stored[3].next);
    }
    if (!world->wrong)
        target_check(world);
    tear_down(world);
    the_world = NULL;
    return !world->wrong;
}
