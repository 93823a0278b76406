/*
 * sink: makes rows durable. All calls on the task's thread.
 *
 * Grammar: start (put* flush)* stop.
 */
#ifndef FIELDTRAIL_SINK_H
#define FIELDTRAIL_SINK_H

#include <fieldtrail/batch.h>

struct sink_type;

struct sink {
    const struct sink_type *type;
    size_t pending_bytes; /* taken by put since the last true flush */
};

struct sink_type {
    const char *name;
    /* Takes the rows of one whole record, all or none: on false (FAULT_RECORD: one of them can
       never be written; else environment) nothing of the record is kept. The rows are copied or
       sent; the batch may be reset afterwards. */
    bool (*put)(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
                struct fault *fault);
    /* True: every row put so far is as durable as this sink can make it (each sink says how far).
       False: the sink has forgotten every row since the last true flush. */
    bool (*flush)(struct sink *sink, struct fault *fault);
    /* Ends it and frees it; what was not flushed is dropped. */
    void (*stop)(struct sink *sink);
};

static inline MUST_CHECK bool sink_put(struct sink *sink, const struct batch *batch,
                                       const struct row *row, size_t count, struct fault *fault)
{
    return sink->type->put(sink, batch, row, count, fault);
}

static inline MUST_CHECK bool sink_flush(struct sink *sink, struct fault *fault)
{
    return sink->type->flush(sink, fault);
}

#endif
