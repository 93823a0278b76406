/*
 * decoder: bytes into changes. A decoder does no I/O and reads no clock; what it learns of schemas
 * it keeps to itself. One thread.
 *
 * Grammar: new decode* free.
 */
#ifndef FIELDTRAIL_DECODER_H
#define FIELDTRAIL_DECODER_H

#include <fieldtrail/batch.h>
#include <fieldtrail/option.h>

/* What was seen and makes no change. */
struct decoder_counts {
    uint64_t tombstones, heartbeats, transactions, schema_changes, notifications, signals;
};

struct decoder_type;

/* What of a change somebody looks at. All else may be left out: columns, or their values
   (VALUE_UNREAD: they may hold anything); what is told of the origin is then unknown, or NULL. */
struct wants {
    bool every_column;
    struct str_list columns; /* otherwise the values of these */
    bool connector_time;     /* connector_us, connector_ms */
    bool origin;             /* tx_id, lsn, tx_order, query, user_name, thread */
};

/* What is wanted of the change, whose op, names and message key are set. NULL: everything. What a
   pointer leads to is the same each time, and outlives the decoder. */
typedef const struct wants *decoder_wants(void *context, const struct change *change);

struct decoder {
    const struct decoder_type *type;
    struct decoder_counts counts;
    decoder_wants *wants; /* NULL: everything of all changes */
    void *wants_context;
};

struct decoder_type {
    const char *name;
    const struct option_table *options;
    /* NULL with the fault set where configuration or memory forbids. The configuration must
       outlive the decoder. */
    struct decoder *(*create)(const struct config *config, struct fault *fault);
    void (*destroy)(struct decoder *decoder);
    /* Gives all changes of the record, or none and false: FAULT_RECORD where the bytes are no
       event, FAULT_RETRY where memory ran out. A record that is no change of data (tombstone,
       heartbeat ...) is counted and gives none. */
    bool (*decode)(struct decoder *decoder, const struct record *record, struct batch *batch,
                   struct change_list *changes, struct fault *fault);
};

/* Says what is wanted from here on. */
static inline void decoder_ask(struct decoder *decoder, decoder_wants *wants, void *context)
{
    decoder->wants = wants;
    decoder->wants_context = context;
}

static inline MUST_CHECK bool decoder_decode(struct decoder *decoder, const struct record *record,
                                             struct batch *batch, struct change_list *changes,
                                             struct fault *fault)
{
    *changes = (struct change_list){NULL, 0};
    return decoder->type->decode(decoder, record, batch, changes, fault);
}

static inline void decoder_free(struct decoder *decoder)
{
    if (decoder)
        decoder->type->destroy(decoder);
}

#endif
