/*
 * postgres: rows into PostgreSQL by COPY, and the position they reach in the same transaction, so
 * that after any crash each record's rows are there exactly once.
 *
 * The protocol. Claim: one query that inserts missing rows of fieldtrail_offset, locks those of the
 * lanes in the order of topic and partition, raises their epoch and commits. Flush: BEGIN, the rows
 * by COPY while decoding goes on, then one closing query that moves all positions of the flush
 * where epoch and position are the expected ones, fails unless every one matched, and commits.
 * Locks live only inside a query, so a client that is stopped in the middle blocks nobody, and
 * what it left behind fails by its epoch. An answer lost at COMMIT is settled by claiming again.
 *
 * A claim is the task's to decide, and the group has the last word (worker/task_lanes.c): behind
 * every claim, and before one that follows a failure, the group must take a commit from us. Two
 * schedules broke the protocol before it was so:
 *   - A is cut off from Kafka but not from here; B gets its lanes and claims. A's flush fails by
 *     its epoch, the group does not answer, A claims again, and B's flush fails: they fence each
 *     other in turn until A's session ends. Now A asks first; without an answer it does not claim.
 *   - A is stopped (SIGSTOP) in the middle of its claim; B gets the lanes, claims and writes. A
 *     wakes, its claim goes through, and it may write before it hears that the lanes are lost. Now
 *     it asks behind the claim, is refused, and writes nothing; B claims again once.
 *
 * delivery=at-least-once stores no positions: the rows alone are committed, and reading starts
 * where the group stands.
 */
#ifndef FIELDTRAIL_POSTGRES_H
#define FIELDTRAIL_POSTGRES_H

#include <fieldtrail/encoder.h>
#include <fieldtrail/option.h>
#include <fieldtrail/sink.h>

/* connection.uri, table, table.create, claim.timeout.ms. */
extern const struct option_table postgres_options;

/* What the sink is told of the worker around it. All are borrowed. */
struct postgres_identity {
    str connector; /* the name under which positions are stored */
    str worker_id; /* for people to see */
};

/* Does not connect yet: claim does. The layout may become ready later. stop() frees it. NULL with
   FAULT_CONFIG. */
struct sink *postgres_new(const struct config *config, const struct layout *layout,
                          struct postgres_identity identity, struct fault *fault);

/* The same target for records that are written out of turn: dead letters, once their cause is
   mended. To it a lane is one record, and lane.next its offset; recall tells by memory.next which
   were written before and by memory.held which a flush of the connector has left out (table
   fieldtrail_left_out), without which they may be written by the connector, and flush stores those
   of `reach` in table fieldtrail_replay in the transaction of the rows, all or nothing: each record
   once, however often it is replayed and by however many at once. The connector's own positions
   are not touched. */
struct sink *postgres_replay_new(const struct config *config, const struct layout *layout,
                                 struct postgres_identity identity, struct fault *fault);

#endif
