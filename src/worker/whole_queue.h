/*
 * whole_queue: records that wait for the end of their transaction, in the order of their lane.
 * Internal to the source of whole transactions.
 */
#ifndef FIELDTRAIL_WHOLE_QUEUE_H
#define FIELDTRAIL_WHOLE_QUEUE_H

#include <fieldtrail/record.h>

#include "transaction.h"

/* One piece of memory: itself, the record's bytes and headers, its transaction. */
struct held {
    struct held *next;
    struct record record;
    enum transaction_kind kind;
    str id;
    int64_t order;
    struct transaction_part *part;
    size_t part_count;
    size_t bytes;
};

struct queue {
    struct held *first, *last;
    size_t count;
    uint64_t given_id; /* hash of the transaction of the last event that was taken, and its order */
    int64_t given_order;
};

/* A copy of the record; its topic stays the lane's. NULL where memory ran out. */
struct held *held_new(const struct record *record, const struct transaction *transaction);
void held_free(void *held);

void queue_add(struct queue *queue, struct held *held);

/* The first; the caller owns it. There must be one. */
struct held *queue_take(struct queue *queue);
void queue_clear(struct queue *queue);

/* Whether the event of that number of the transaction was taken. */
bool queue_gave(const struct queue *queue, str id, int64_t order);

/* Whether it is here, or was. */
bool queue_has(const struct queue *queue, str id, int64_t order);

/* Of markers: the last one of the shortest beginning in which every transaction that begins also
   ends; NULL while there is none. Transactions may overlap; an END without its BEGIN, where reading
   began in between, stands for itself. */
const struct held *queue_group(const struct queue *queue);

#endif
