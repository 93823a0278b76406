/*
 * encoder: rows into bytes. Pure: the same rows give the same bytes. An encoder has no state but
 * what it was set up with, and may be used by one thread at a time.
 */
#ifndef FIELDTRAIL_ENCODER_H
#define FIELDTRAIL_ENCODER_H

#include <fieldtrail/layout.h>
#include <fieldtrail/option.h>

struct encoder {
    const struct encoder_type *type;
    const struct layout *layout; /* the pivot's; ready before the first row */
    bool header;                 /* a head line is wanted */
    str null_text;               /* how NULL is written (csv, copy) */
    bool formula_guard;          /* csv: make texts that a spreadsheet would run harmless */
};

struct encoder_type {
    const char *name;
    const char *null_text; /* its usual null text, or NULL where it has none to choose */
    bool can_head;
    /* Appends the head line. */
    void (*head)(const struct encoder *encoder, struct buf *out);
    /* Appends one row. False with FAULT_RECORD where a value cannot be written in this format or
       the row exceeds the buffer's limit, with FAULT_RETRY where memory ran out; `out` may then
       hold part of the row. */
    bool (*row)(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                struct buf *out, struct fault *fault);
};

/* What an encoder returns at the end of a row: whether all of it went into the buffer. A record
   whose rows are larger than the buffer may grow can never be written. */
static inline MUST_CHECK bool encoder_end(const struct buf *out, struct fault *fault)
{
    if (!out->failed)
        return true;
    return out->full
               ? fault_set(fault, FAULT_RECORD, "the rows of this record are larger than %zu MiB",
                           out->limit / 1024 / 1024)
               : fault_memory(fault, "the output");
}

static inline void encoder_head(const struct encoder *encoder, struct buf *out)
{
    encoder->type->head(encoder, out);
}

static inline MUST_CHECK bool encoder_row(const struct encoder *encoder, const struct row *row,
                                          const struct batch *batch, struct buf *out,
                                          struct fault *fault)
{
    return encoder->type->row(encoder, row, batch, out, fault);
}

#endif
