/*
 * The simulation: `sim --seeds N` runs seeds 1 to N, `sim --seed N` one of them, with its story.
 * `--target postgres`, a model of what PostgreSQL does for its sink, is what runs without the word;
 * `--target files` and `--target questdb` have the program's own sinks.
 * A seed that fails is named; it fails the same way whenever it is run.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "world.h"

#define FAILURES_SHOWN 10

static const char *const option_sets[] = {
    "errors.retry.delay.max.ms=1000;rebalance.flush.timeout.ms=3000",
    "batch.rows.max=3;errors.retry.delay.max.ms=500;rebalance.flush.timeout.ms=3000",
    "batch.rows.max=20;linger.ms=300;errors.retry.delay.max.ms=4000;rebalance.flush.timeout.ms=500",
    ("linger.ms=5000;flush.interval.ms=700;errors.retry.delay.max.ms=200;"
     "rebalance.flush.timeout.ms=3000"),
    "batch.rows.max=1;rebalance.flush.timeout.ms=9000;errors.retry.delay.max.ms=1000"};

/* Everything else follows from the seed, too. */
struct plan plan_of_seed(uint64_t seed)
{
    static struct world dice;
    static char options[300];
    dice.dice = seed ^ 0x5eed;
    struct plan plan = {.lanes = 1 + world_below(&dice, LANES_LIMIT),
                        .records = 5 + world_below(&dice, RECORDS_LIMIT - 5),
                        .owners = 1 + world_below(&dice, OWNERS_LIMIT),
                        .remembers = world_below(&dice, 4) > 0,
                        .tolerant = world_below(&dice, 4) > 0,
                        .names_lines = world_below(&dice, 2),
                        .bad_percent = world_below(&dice, 2) ? world_below(&dice, 15) : 0,
                        .control_percent = world_below(&dice, 2) ? world_below(&dice, 30) : 0,
                        .failure_permille = world_below(&dice, 3) ? world_below(&dice, 80) : 0,
                        .slow_percent = world_below(&dice, 3) ? 0 : world_below(&dice, 30),
                        .chaos_ms = 5000 + world_below(&dice, 30000),
                        .arrival_ms = world_below(&dice, 20000),
                        .strike_permille = 1 + world_below(&dice, 40),
                        .crashes = world_below(&dice, 2),
                        .pauses = world_below(&dice, 2),
                        .outages = world_below(&dice, 2)};
    const char *set = option_sets[world_below(&dice, sizeof(option_sets) / sizeof(option_sets[0]))];
    plan.latest = world_below(&dice, 4) == 0;
    snprintf(options, sizeof(options), "errors.tolerance=%s;auto.offset.reset=%s;%s",
             plan.tolerant ? "all" : "none", plan.latest ? "latest" : "earliest", set);
    plan.options = options;
    return plan;
}

static void add_tally(struct tally *sum, const struct tally *more)
{
    sum->flushes += more->flushes;
    sum->refusals += more->refusals;
    sum->fences += more->fences;
    sum->late += more->late;
    sum->crashes += more->crashes;
    sum->pauses += more->pauses;
    sum->kicks += more->kicks;
    sum->rebalances += more->rebalances;
    sum->letters += more->letters;
    sum->rehearsals += more->rehearsals;
    sum->commits += more->commits;
    sum->cuts += more->cuts;
}

static void print_tally(const struct tally *sum)
{
    printf("flushes %llu, refused %llu, fenced %llu, late queries %llu, crashes %llu, stopped "
           "processes %llu, put out %llu, rebalances %llu, letters %llu, rehearsals %llu, commits "
           "%llu, power cuts %llu\n",
           (unsigned long long)sum->flushes, (unsigned long long)sum->refusals,
           (unsigned long long)sum->fences, (unsigned long long)sum->late,
           (unsigned long long)sum->crashes, (unsigned long long)sum->pauses,
           (unsigned long long)sum->kicks, (unsigned long long)sum->rebalances,
           (unsigned long long)sum->letters, (unsigned long long)sum->rehearsals,
           (unsigned long long)sum->commits, (unsigned long long)sum->cuts);
}

/* The same for another target: only files remember what they hold. */
static struct plan plan_for(uint64_t seed, enum target target)
{
    struct plan plan = plan_of_seed(seed);
    plan.target = target;
    if (target != TARGET_MODEL)
        plan.remembers = target == TARGET_FILES;
    return plan;
}

static bool run_seed(struct world *world, uint64_t seed, enum target target)
{
    struct plan plan = plan_for(seed, target);
    return world_run(world, seed, &plan);
}

static int run_seeds(struct world *world, uint64_t from, uint64_t to, enum target target)
{
    struct tally sum = {0};
    unsigned failures = 0;
    for (uint64_t seed = from; seed <= to; seed++) {
        bool good = run_seed(world, seed, target);
        add_tally(&sum, &world->tally);
        if (!good && ++failures <= FAILURES_SHOWN)
            printf("seed %llu at %lld ms: %s\n", (unsigned long long)seed, (long long)world->now_ms,
                   world->what);
    }
    print_tally(&sum);
    printf("%llu seeds, %u failed\n", (unsigned long long)(to - from + 1), failures);
    return failures > 0;
}

static int tell_seed(struct world *world, uint64_t seed, enum target target)
{
    struct plan plan = plan_for(seed, target);
    printf("lanes %u, records %u, owners %u, %s, %s, %s\n", plan.lanes, plan.records, plan.owners,
           plan.remembers ? "a target that remembers" : "a target that forgets",
           plan.tolerant ? "tolerant" : "not tolerant", plan.options);
    world->verbose = true;
    log_setup(LOG_INFO, LOG_TEXT);
    bool good = run_seed(world, seed, target);
    uint64_t trace = world->trace;
    world->verbose = false;
    bool same = run_seed(world, seed, target) == good && world->trace == trace;
    printf("%s%s\n", good ? "good" : world->what, same ? "" : " (and not the same twice)");
    return !good || !same;
}

/* One owner, one lane, and a target that is away for an hour: nothing is lost, doubled or left out,
   and memory stays what it was in the first minutes. */
static int run_outage(struct world *world)
{
    size_t most[2];
    for (int i = 0; i < 2; i++) {
        struct plan plan = {.lanes = LANES_LIMIT,
                            .records = RECORDS_LIMIT,
                            .owners = OWNERS_LIMIT,
                            .remembers = true,
                            .tolerant = true,
                            .chaos_ms = (i ? 60 : 1) * 60000,
                            .arrival_ms = (i ? 60 : 1) * 60000,
                            .outage_ms = (i ? 60 : 1) * 60000,
                            .options = "errors.tolerance=all"};
        if (!world_run(world, 1, &plan) || world->tally.letters > 0) {
            printf("outage: %s, %llu letters\n", world->what,
                   (unsigned long long)world->tally.letters);
            return 1;
        }
        most[i] = world->owner[0].allocated_most;
        printf("an outage of %lld minutes: %llu letters, %zu bytes of memory at most\n",
               (long long)(plan.outage_ms / 60000), (unsigned long long)world->tally.letters,
               most[i]);
    }
    return most[1] > most[0];
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'},  {"from", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},   {"outage", no_argument, NULL, 'o'},
        {"target", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};
    static struct world world; /* too large for the stack */
    uint64_t from = 1, count = 0, one = 0;
    bool outage = false;
    enum target target = TARGET_MODEL;
    log_setup(LOG_ERROR, LOG_TEXT);
    for (int found; (found = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (found == 'n')
            count = strtoull(optarg, NULL, 10);
        else if (found == 'f')
            from = strtoull(optarg, NULL, 10);
        else if (found == 's')
            one = strtoull(optarg, NULL, 10);
        else if (found == 'o')
            outage = true;
        else if (found == 't' && strcmp(optarg, "postgres") == 0)
            target = TARGET_MODEL;
        else if (found == 't' && strcmp(optarg, "files") == 0)
            target = TARGET_FILES;
        else if (found == 't' && strcmp(optarg, "questdb") == 0)
            target = TARGET_QUEST;
        else
            return 2;
    }
    if (one > 0)
        return tell_seed(&world, one, target);
    if (outage)
        return run_outage(&world);
    return count > 0 ? run_seeds(&world, from, from + count - 1, target) : 2;
}
