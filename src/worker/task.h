/*
 * task: the loop. It polls a source, decodes, pivots, puts into a sink and flushes, and is the only
 * place that decides to dead-letter or to stop. One thread.
 */
#ifndef FIELDTRAIL_TASK_H
#define FIELDTRAIL_TASK_H

#include <fieldtrail/decoder.h>
#include <fieldtrail/sink.h>
#include <fieldtrail/source.h>

#include "dead_letter.h"

extern const struct option_table task_options;

enum tolerance { TOLERANCE_NONE, TOLERANCE_ALL };

/* Turns a change into rows of the batch: the pivot, or what stands in for it. */
typedef bool task_rows(void *context, struct change *change, struct batch *batch,
                       struct fault *fault);

struct task_counts {
    uint64_t records;
    uint64_t errors; /* records that were dead-lettered or skipped */
};

struct task {
    /* Borrowed, set by the caller: */
    struct source *source;
    struct decoder *decoder;
    struct sink *sink;
    task_rows *rows;
    void *rows_context;
    /* Set by task_init: */
    enum tolerance tolerance;
    struct dead_letters *letters; /* or NULL */
    struct batch batch;
    struct task_counts counts;
    bool first_error_logged;
};

/* Reads errors.* and opens the dead-letter file. FAULT_CONFIG where they are wrong. */
bool task_init(struct task *task, const struct config *config, struct fault *fault) MUST_CHECK;
void task_release(struct task *task);

/* Runs until the source ends or a stop is requested; everything taken is then flushed. False with
   the fault that ended it, named with its place; everything before that place was flushed. */
bool task_run(struct task *task, struct fault *fault) MUST_CHECK;

#endif
