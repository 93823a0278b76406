/*
 * replay: writes dead letters after all, once their cause is mended, through the connector's own
 * decoder, pivot and target, each at the place it came from, and each origin once. Nothing is
 * produced into any topic.
 */
#ifndef FIELDTRAIL_REPLAY_H
#define FIELDTRAIL_REPLAY_H

#include "letters.h"

struct replay_counts {
    uint64_t letters;  /* read */
    uint64_t written;  /* origins whose rows are in the target now, and were not before */
    uint64_t known;    /* origins that were there already, and more letters of one origin */
    uint64_t rowless;  /* they make no rows */
    uint64_t unplaced; /* without an origin, or of another connector */
    uint64_t refused;  /* still bad */
};

/* Says which record is still refused, and why. */
typedef void replay_say(const struct letter *letter, const struct fault *cause);

/* Replays all letters of the connector. Ends early on a stop. What is told by `counts` is durable.
   Where it fails, or is killed, it is run again: nothing is written twice. */
bool replay_run(struct connector *connector, replay_say *say, struct replay_counts *counts,
                struct fault *fault) MUST_CHECK;

#endif
