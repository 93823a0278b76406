/*
 * pivot: a change into rows, one per field that moved. Rows are a function of the change and the
 * configuration alone.
 */
#ifndef FIELDTRAIL_PIVOT_H
#define FIELDTRAIL_PIVOT_H

#include <fieldtrail/decoder.h>
#include <fieldtrail/layout.h>

#include "half.h"

struct pivot;

struct pivot_counts {
    uint64_t changes[CHANGE_OP_COUNT]; /* by enum change_op */
    uint64_t rows;
    uint64_t unavailable; /* pivoted fields whose new value was the unchanged placeholder */
    uint64_t unknown_old; /* rows whose old value was not sent */
    uint64_t altered;     /* times that a table was seen to have other columns or types */
};

/* Tells a person something once: a field that does not exist, an identity that should be FULL. */
typedef void pivot_warn(void *context, const char *text);

extern const struct option_table pivot_options;

/* Which columns there are where pivot.columns says nothing: those of the pipe, or for sinks also
   where each row comes from. */
enum pivot_columns { PIVOT_PIPE_COLUMNS, PIVOT_SINK_COLUMNS };

/* FAULT_CONFIG where no table has fields to pivot: nothing would ever be written. */
bool pivot_check_fields(const struct config *config, struct fault *fault) MUST_CHECK;

/* NULL with FAULT_CONFIG where the options are wrong. The configuration must outlive the pivot. */
struct pivot *pivot_new(const struct config *config, enum pivot_columns columns, pivot_warn *warn,
                        void *warn_context, struct fault *fault);
void pivot_free(struct pivot *pivot);

/* The columns of the output, alive as long as the pivot; `ready` from the first row on, at once
   where the keys are configured. */
const struct layout *pivot_layout(const struct pivot *pivot);

/* What waits between the halves of key changes. Whoever feeds the pivot tells it of every record
   that has been processed (halves_pass), and when it begins elsewhere (halves_clear). */
struct halves *pivot_halves(struct pivot *pivot);

const struct pivot_counts *pivot_get_counts(const struct pivot *pivot);

/* A decoder_wants, of a pivot: what the rows of the change are made of; every column where others
   have to prove those. It hangs on the change and the configuration alone. */
const struct wants *pivot_wants(void *pivot, const struct change *change);

/* Settles what of the change is believed, and appends its rows to the batch; all or none.
   FAULT_RECORD where a key or time column is missing or no time, FAULT_CONFIG where the output's
   key columns cannot be known, FAULT_RETRY where memory ran out. */
bool pivot_rows(struct pivot *pivot, struct change *change, struct batch *batch,
                struct fault *fault) MUST_CHECK;

#endif
