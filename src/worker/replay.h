/*
 * replay: writes dead letters after all, once their cause is mended, through the connector's own
 * decoder, pivot and target, each at the place it came from, and each origin once. Nothing is
 * produced into any topic.
 *
 * Only what the connector's positions have passed without rows is written, which the target tells
 * (sink_type.leave_out). Two schedules would double rows if letters alone were believed: the letter
 * is durable and the flush that leaves its record out is not there yet, or was lost in a crash; the
 * cause is mended; the record is read again and written as any other.
 */
#ifndef FIELDTRAIL_REPLAY_H
#define FIELDTRAIL_REPLAY_H

#include "letters.h"

struct replay_counts {
    uint64_t letters;      /* read */
    uint64_t written;      /* origins whose rows are in the target now, and were not before */
    uint64_t known;        /* origins that were there already, and more letters of one origin */
    uint64_t not_left_out; /* origins that no flush has left out */
    uint64_t rowless;      /* they make no rows */
    uint64_t unplaced;     /* without an origin, or of another connector */
    uint64_t refused;      /* still bad */
};

/* Says which record is still refused, and why; `cause` NULL: it is not the replay's to write. */
typedef void replay_say(const struct letter *letter, const struct fault *cause);

/* Replays all letters of the connector. Ends early on a stop. What is told by `counts` is durable.
   Where it fails, or is killed, it is run again: nothing is written twice. */
bool replay_run(struct connector *connector, replay_say *say, struct replay_counts *counts,
                struct fault *fault) MUST_CHECK;

#endif
