/*
 * envelope: the members of Debezium's envelope, and telling it from the other messages that stand
 * on Debezium's topics.
 */
#ifndef FIELDTRAIL_ENVELOPE_H
#define FIELDTRAIL_ENVELOPE_H

#include <fieldtrail/decoder.h>

#include "json.h"

/* {"schema":…,"payload":…}; some converters leave the schema away. */
bool envelope_is_wrapper(const struct json *root);

enum message_kind {
    MESSAGE_ENVELOPE,
    MESSAGE_TOMBSTONE,
    MESSAGE_HEARTBEAT,
    MESSAGE_TRANSACTION,   /* BEGIN and END of <prefix>.transaction */
    MESSAGE_SCHEMA_CHANGE, /* DDL of the topic <prefix> */
    MESSAGE_NOTIFICATION,
    MESSAGE_SIGNAL, /* a row of the signal table, or a signal itself */
    MESSAGE_UNKNOWN
};

/* What is read of the source block, and of the transaction. Members that are missing are NULL. */
struct source_members {
    const struct json *connector, *name, *schema, *db, *table, *ts_us, *ts_ns, *ts_ms, *tx_id;
    const struct json *file, *pos, *lsn, *commit_lsn, *scn, *query, *user_name, *thread;
    const struct json *transaction_id, *total_order;
};

/* Members that are missing or null are NULL; times may be null all the same. */
struct envelope {
    const struct json *op, *before, *after, *source, *transaction;
    const struct json *ts_ms, *ts_us, *ts_ns;
    const struct source_members *of;
    bool odd_image; /* before or after is something else */
    bool printed;   /* of struct type_modes: not Debezium's */
};

/* Where the members of an envelope stand in a tree that is filled again and again. */
struct envelope_places {
    const struct json *op, *before, *after, *source, *transaction;
    const struct json *ts_ms, *ts_us, *ts_ns;
    struct source_members of;
    bool may_be_other; /* the values have to tell whether it is an envelope at all */
};

/* Whether the object has a member that Debezium's flattening adds to rows (__op, __deleted ...):
   then its other members are columns, whatever their names. */
bool envelope_is_flattened(const struct json *payload);

/* Tells what the payload is; fills the envelope where it is one. It points to the places. */
enum message_kind envelope_read(const struct json *payload, struct envelope_places *places,
                                struct envelope *envelope);

/* The envelope in these places, which were found in an earlier payload of the same shape, as
   envelope_read would fill it; false where it must be asked whether it is one. */
bool envelope_at(const struct envelope_places *places, struct envelope *envelope) MUST_CHECK;

/* FAULT_RECORD where Debezium has no such op, or an image is no object. */
bool envelope_op(const struct envelope *envelope, enum change_op *op,
                 struct fault *fault) MUST_CHECK;

/* Fills the names of the change from the source block: what all events of a table have in common.
   FAULT_RECORD for a table's name with U+0000, and for MongoDB's events. */
bool envelope_names(const struct envelope *envelope, struct change *change,
                    struct fault *fault) MUST_CHECK;

/* Fills the times of the change; the connector's only where `wants` says so. */
void envelope_moment(const struct envelope *envelope, const struct wants *wants,
                     struct change *change);

/* Fills what struct wants calls its origin. Composed texts live in the arena. FAULT_RETRY where
   memory ran out. */
bool envelope_origin(const struct envelope *envelope, struct arena *arena, struct change *change,
                     struct fault *fault) MUST_CHECK;

/* FAULT_RECORD that names the members of what is no envelope. Always false. */
bool envelope_refuse(const struct json *payload, struct fault *fault);

#endif
