/*
 * half: the halves of key changes. An update that moves a row's key comes as a delete and a create;
 * the delete half's image is kept, a copy of its own for each partition, until the create half
 * comes, which it makes the update it is. It lives as long as nothing but a tombstone follows in
 * the partition: so rows depend on the log alone, and never on batches.
 */
#ifndef FIELDTRAIL_HALF_H
#define FIELDTRAIL_HALF_H

#include <fieldtrail/batch.h>

#include "identity.h"

/* A larger image is not kept: the old values of that key change are unknown. */
#define HALF_BYTES_LIMIT ((size_t)16 * 1024 * 1024)
/* Of all that wait, one a partition at the most. Beyond it memory has run out. */
#define HALVES_BYTES_LIMIT ((size_t)512 * 1024 * 1024)

struct half;

struct halves {
    struct half *first; /* most recent first */
    size_t bytes;
};

/* Forgets all: the partitions are read again from elsewhere. */
void halves_clear(struct halves *halves);

/* Keeps the delete half's image, as far as it is believed. Fields must have `key` set; afterwards
   those of the change are settled. False (FAULT_RETRY) where memory ran out. */
bool halves_keep(struct halves *halves, const struct identity *identity, struct change *change,
                 struct arena *scratch, struct fault *fault) MUST_CHECK;

/* Makes the create half an update: old values of key columns are those of the header, all others
   those of the delete half where it waits in this partition, and unknown where it does not. Every
   key column has a field then. FAULT_RETRY where memory ran out. */
bool halves_join(const struct halves *halves, const struct identity *identity,
                 struct change *change, struct batch *batch, struct arena *scratch,
                 struct fault *fault) MUST_CHECK;

/* A record has been processed: unless it is a tombstone, what waited before it in its partition
   waits no longer. */
void halves_pass(struct halves *halves, const struct record *record);

/* Where in the record's partition a half waits; false where none does. */
bool halves_waiting(const struct halves *halves, const struct record *record, int64_t *mark);

#endif
