/*
 * real: the program's own CSV and QuestDB sinks in the simulation, over a disk (files.c) and a
 * server (quest.c) that follow from the seed as all else does. A door stands around each sink: it
 * passes calls on, and looks afterwards at what holds.
 */
#ifndef FIELDTRAIL_SIM_REAL_H
#define FIELDTRAIL_SIM_REAL_H

#include "world.h"

struct door {
    struct sink sink; /* what the task sees */
    struct owner *owner;
    struct sink *inner;
    struct arena arena;
    struct config config;
};

/* The same of disk and server. */
struct real_target {
    /* Before the first owner starts. */
    void (*reset)(struct world *world);
    /* Makes the sink of an owner that starts, in its memory. */
    struct sink *(*make)(struct door *door, struct fault *fault);
    const struct sink_type *type;
    /* The owner's process is gone. */
    void (*bury)(struct door *door);
    /* Something happens. True: the machine loses its power, with all owners that run on it. */
    bool (*strike)(struct world *world);
    /* After the power came back. */
    void (*restart)(struct world *world);
    /* Time went on. */
    void (*arrive)(struct world *world);
    /* From here on nothing is to fail. */
    void (*calm)(struct world *world);
};

extern const struct real_target real_files, real_quest;

/* The target of the plan; NULL where it is the model's (target.c). */
const struct real_target *real_of(const struct world *world);

void real_reset(struct world *world);
/* The sink that the owner's task gets. */
struct sink *real_make(struct owner *owner, struct fault *fault);
void real_bury(struct owner *owner);

/* What all doors do. */
struct door *door_of(struct sink *sink);
struct door *door_of_inner(const struct sink *inner);
bool door_recall(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                 struct fault *fault);
bool door_put(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
              struct fault *fault);
bool door_flush(struct sink *sink, const struct lane *lane, const struct reach *reach, size_t count,
                struct fault *fault);
bool door_claim(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
                struct fault *fault);
void door_stop(struct sink *sink);

/* Dice that no calm world throws. */
bool real_chance(struct world *world, unsigned permille);

#endif
