/*
 * world: what the simulated owners share: a log, a consumer group, a target, dead letters, a clock
 * and dice. All of it follows from one seed. What is wrong is told by world_wrong, which ends the
 * run of that seed.
 */
#ifndef FIELDTRAIL_SIM_WORLD_H
#define FIELDTRAIL_SIM_WORLD_H

#include <ucontext.h>

#include "task.h"

#define LANES_LIMIT 4
#define RECORDS_LIMIT 60
#define OWNERS_LIMIT 3
#define ROWS_LIMIT 4 /* of one record */
#define PENDING_LIMIT (LANES_LIMIT * RECORDS_LIMIT * ROWS_LIMIT)
#define LATE_LIMIT 16
#define STACK_SIZE ((size_t)128 * 1024)

/* What a record is to the program. */
enum nature {
    GOOD,
    CONTROL,    /* an offset without a record */
    BROKEN,     /* the source could not take it whole */
    UNREADABLE, /* the decoder refuses it */
    UNWRITABLE, /* put refuses it */
    REFUSED,    /* the target refuses it when the rows come */
    DEFERRED,   /* the target refuses it when they are to be committed */
    PUZZLING    /* the target fails with an error that nobody knows */
};

/* Where rows go: the model in target.c, or one of the program's own sinks (real.h). */
enum target { TARGET_MODEL, TARGET_FILES, TARGET_QUEST };

struct row_id {
    uint32_t lane;
    int64_t offset;
    unsigned number;
};

/* What a closing query asks for. */
struct closing {
    struct row_id row[PENDING_LIMIT], left_out[PENDING_LIMIT];
    size_t row_count, left_out_count;
    struct reach reach[LANES_LIMIT];
    int64_t epoch[LANES_LIMIT], expected[LANES_LIMIT]; /* of each lane */
    size_t reach_count;
};

/* A query that its client gave up: it arrives all the same. */
struct late {
    int64_t at_ms; /* 0: none */
    struct closing closing;
};

struct allocation; /* see fiber.c */

/* One process with one task. */
struct owner {
    struct world *world;
    unsigned number;
    bool alive, ended; /* ended: its task has, and it waits to be reaped */
    bool good;         /* the task ended well */
    ucontext_t context;
    char *stack;
    struct allocation *allocations;
    size_t allocated, allocated_most;
    int64_t wake_ms, paused_until_ms, restart_ms;
    /* In the group: */
    bool member, joined; /* joined: it has given up all lanes and waits for new ones */
    uint64_t generation;
    int64_t seen_ms; /* its last poll or beat */
    bool told_revoked, to_assign, to_lose;
    bool may_drain; /* its lanes are asked back, and nothing failed since */
    /* Its doors: */
    struct source source;
    struct lane lane[LANES_LIMIT];
    int64_t read_at[LANES_LIMIT];
    bool fetching;
    struct sink sink;
    bool connected, claimed;
    int64_t epoch[LANES_LIMIT], expected[LANES_LIMIT];
    struct closing pending;
    struct decoder decoder;
    struct dead_letters letters;
    struct row_id letter[PENDING_LIMIT];
    size_t letter_count;
    struct arena arena;
    struct config config;
    struct task task;
    struct fault fault;
};

struct plan {
    enum target target;
    unsigned lanes, records, owners;
    bool remembers, tolerant, names_lines;
    bool latest; /* where nothing is known, reading begins at the end of the log */
    unsigned bad_percent, control_percent;
    unsigned failure_permille;    /* of each call */
    unsigned slow_percent;        /* of flushes: a second and more */
    int64_t chaos_ms, arrival_ms; /* how long it lasts, how long records keep coming */
    unsigned strike_permille;     /* of steps */
    bool crashes, pauses, outages;
    int64_t outage_ms; /* one outage from the beginning, for so long */
    const char *options;
};

struct world {
    uint64_t seed, dice;
    struct plan plan;
    int64_t now_ms;
    bool calm; /* nothing fails any more */
    bool wrong;
    char what[500];
    uint64_t trace; /* a sum over all that happened: the same seed gives the same */
    bool verbose;
    /* The log: */
    enum nature nature[LANES_LIMIT][RECORDS_LIMIT];
    int64_t arrives_ms[LANES_LIMIT][RECORDS_LIMIT];
    /* The group: */
    uint64_t generation;
    int64_t start[LANES_LIMIT]; /* the first position ever stored of a lane, or OFFSET_NONE */
    bool rebalancing;
    int64_t rebalance_deadline_ms;
    int64_t committed[LANES_LIMIT];
    int owner_of[LANES_LIMIT];
    /* The target: */
    struct memory stored[LANES_LIMIT];
    uint8_t written[LANES_LIMIT][RECORDS_LIMIT][ROWS_LIMIT];
    struct late late[LATE_LIMIT];
    int64_t down_until_ms;
    /* Dead letters: */
    unsigned kept[LANES_LIMIT][RECORDS_LIMIT];
    struct owner owner[OWNERS_LIMIT];
    ucontext_t main;
    struct owner *running;
    /* What happened, to see that the schedules are worth it. */
    struct tally {
        uint64_t flushes, refusals, fences, late, crashes, pauses, kicks, rebalances, letters,
            rehearsals, commits, cuts;
    } tally;
};

/* ---- dice (world.c) ---- */

uint64_t world_random(struct world *world);
/* From 0 to below `limit`. */
unsigned world_below(struct world *world, unsigned limit);
bool world_chance(struct world *world, unsigned permille);

void world_wrong(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- the log ---- */

void world_make_log(struct world *world);
bool world_is_record(const struct world *world, size_t lane, int64_t offset);
bool world_is_bad(const struct world *world, size_t lane, int64_t offset);
unsigned world_rows_of(const struct world *world, size_t lane, int64_t offset);
int64_t world_time_of(size_t lane, int64_t offset);
/* What has arrived of a lane. */
int64_t world_high(const struct world *world, size_t lane);

/* ---- the target (target.c) ---- */

enum answer { DONE, FENCED, MOVED, REFUSAL };

/* What the closing query does in the server: all or nothing. */
enum answer target_close(struct world *world, const struct closing *closing);
void target_later(struct world *world, const struct closing *closing, int64_t at_ms);
void target_arrive(struct world *world);
/* At the end: every good record's rows once, every bad one's letter, or the place of the stop. */
void target_check(struct world *world);
/* Whether everything up to the offset is written or kept as a letter. */
void target_check_reached(struct world *world, size_t lane, int64_t offset, const char *who);

/* ---- the group (group.c) ---- */

void group_join(struct world *world, struct owner *owner);
/* The owner is gone: it crashed, or left. */
void group_leave(struct world *world, struct owner *owner, bool at_once);
void group_look(struct world *world);
/* A poll or beat of the owner: it is told what is new. */
void group_meet(struct owner *owner);
void group_give_up(struct owner *owner);
bool group_takes_commit(const struct owner *owner);

/* ---- owners (doors.c, fiber.c) ---- */

extern const struct source_type sim_source;
extern const struct sink_type sim_sink, sim_forgetful_sink;
extern const struct decoder_type sim_decoder;
extern const struct dead_letters_type sim_letters;
task_rows sim_rows;

/* Letters that were sent and not acknowledged: each may have arrived. */
void letters_of_the_dead(struct owner *owner);

void fiber_start(struct owner *owner);
/* Runs it until it sleeps or its task ends. */
void fiber_resume(struct owner *owner);
/* The process is gone with all it held. */
void fiber_kill(struct owner *owner);
/* The owner that runs now sleeps. */
void fiber_sleep(struct world *world, int64_t ms);

/* The world that the program's clock and memory belong to. */
extern struct world *the_world;

/* Runs one seed; false where something was wrong. */
bool world_run(struct world *world, uint64_t seed, const struct plan *plan);
struct plan plan_of_seed(uint64_t seed);

#endif
