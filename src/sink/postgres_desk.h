/*
 * postgres_desk: what the commands `offsets` and `check` ask of the PostgreSQL sink. Internal to
 * it.
 */
#ifndef FIELDTRAIL_POSTGRES_DESK_H
#define FIELDTRAIL_POSTGRES_DESK_H

#include "postgres_copy.h"

extern const struct sink_desk postgres_desk;
extern const struct sink_desk postgres_repeating_desk; /* nothing is stored */

bool postgres_inspect(struct sink *sink, const struct lane *lane, struct note *note, size_t count,
                      struct fault *fault) MUST_CHECK;
bool postgres_amend(struct sink *sink, const struct lane *lane, size_t count,
                    struct fault *fault) MUST_CHECK;

/* postgres_check.c */
void postgres_check(struct sink *sink, const struct batch *sample, struct findings *findings);

/* Whether a table of the sink's own is there. */
bool postgres_has_table(struct postgres *self, const char *name, bool *has,
                        struct fault *fault) MUST_CHECK;

#endif
