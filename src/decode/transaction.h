/*
 * transaction: what a message says of its transaction in the source database, and the markers
 * BEGIN and END of the topic <prefix>.transaction (provide.transaction.metadata=true).
 * Format: Debezium documentation, "Transaction metadata" of each connector.
 */
#ifndef FIELDTRAIL_TRANSACTION_H
#define FIELDTRAIL_TRANSACTION_H

#include "json.h"

enum transaction_kind {
    TRANSACTION_NONE,   /* it belongs to none, or is no message of Debezium's */
    TRANSACTION_EVENT,  /* a change within one */
    TRANSACTION_UNTOLD, /* a change that does not say its transaction: there is no metadata */
    TRANSACTION_BEGIN,
    TRANSACTION_END
};

/* How many events of a transaction a table, or the topic of logical messages, has. */
struct transaction_part {
    str topic; /* behind the prefix: "schema.table", "message" */
    int64_t count;
};

struct transaction {
    enum transaction_kind kind;
    str id;                        /* the part that all its messages share */
    int64_t order;                 /* TRANSACTION_EVENT: its number in its table, from 1 */
    str topic;                     /* TRANSACTION_EVENT: see struct transaction_part */
    struct transaction_part *part; /* TRANSACTION_END */
    size_t part_count;
};

/* Reads the message. Its texts stay the message's or the arena's. What cannot be read is
   TRANSACTION_NONE: the decoder will say why. False (FAULT_RETRY) where memory ran out. */
bool transaction_read(str message, struct arena *arena, struct transaction *transaction,
                      struct fault *fault) MUST_CHECK;

#endif
