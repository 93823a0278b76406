/*
 * The loop. A batch is what one poll brought; the sink is flushed whenever nothing more is waiting,
 * so a busy pipe writes large blocks and an idle one every event at once.
 */
#include "task.h"

#include "clock.h"
#include "log.h"
#include "stop.h"

#define BATCH_BYTES_LIMIT ((size_t)2 * 1024 * 1024 * 1024)
#define POLL_WAIT_MS 500
#define FLUSH_BYTES ((size_t)256 * 1024)
#define PLACE_LIMIT 500

static const char *const tolerances[] = {"none", "all", NULL};
static const char *const tolerance_flags[] = {"stop", "skip", NULL};

struct settings {
    int tolerance;
    str letters_file;
};

static const struct option_spec option[] = {
    {.key = "errors.tolerance",
     .flag = "errors",
     .type = OPTION_ENUM,
     .choices = tolerances,
     .flag_choices = tolerance_flags,
     .preset = "none",
     .offset = offsetof(struct settings, tolerance),
     .importance = OPTION_MEDIUM,
     .help = "What to do with a record that can never be processed: none (stop) ends there, after "
             "everything before it was written; all (skip) leaves it out, counts and keeps it."},
    {.key = "errors.deadletterqueue.file",
     .flag = "dead-letters",
     .type = OPTION_STRING,
     .offset = offsetof(struct settings, letters_file),
     .importance = OPTION_MEDIUM,
     .argument = "FILE",
     .help = "Where records that were left out are kept, with the cause: JSON lines in the form of "
             "kcat -J, which can be read again after a fix. Appended to."},
};

const struct option_table task_options = {
    .title = "Errors", .option = option, .count = sizeof(option) / sizeof(option[0])};

bool task_init(struct task *task, const struct config *config, struct fault *fault)
{
    struct settings settings = {0};
    if (!option_load(&task_options, config, &settings, fault))
        return false;
    task->tolerance = (enum tolerance)settings.tolerance;
    if (settings.letters_file.len > 0 && task->tolerance == TOLERANCE_NONE)
        return fault_set(fault, FAULT_CONFIG,
                         "errors.deadletterqueue.file (--dead-letters) needs errors.tolerance=all "
                         "(--errors skip): otherwise the first bad record ends the run");
    if (settings.letters_file.len > 0
        && !(task->letters = dead_letters_open(settings.letters_file, fault)))
        return false;
    batch_init(&task->batch, BATCH_BYTES_LIMIT);
    return true;
}

void task_release(struct task *task)
{
    dead_letters_close(task->letters);
    task->letters = NULL;
    batch_release(&task->batch);
}

/* Dead letters are durable before the sink moves past them. */
static bool flush(struct task *task, struct fault *fault)
{
    return (!task->letters || dead_letters_flush(task->letters, fault))
           && sink_flush(task->sink, fault);
}

static bool keep_letter(struct task *task, const struct record *record, const char *stage,
                        const struct fault *cause, str place, struct fault *fault)
{
    task->counts.errors++;
    if (!task->first_error_logged) {
        log_write(LOG_WARN,
                  "%.*s: %s; left out, and so are more such records without a word: the "
                  "number is in the totals (--stats)%s",
                  STR_ARG(place), cause->text,
                  task->letters ? ", the records in the dead letters"
                                : "; --dead-letters FILE keeps them");
        task->first_error_logged = true;
    }
    return !task->letters || dead_letters_add(task->letters, record, place, stage, cause, fault);
}

/* The task ends with this fault: everything before it is delivered. */
static bool end_with(struct task *task, struct fault *fault)
{
    struct fault cause = *fault;
    if (flush(task, fault))
        *fault = cause;
    return false;
}

/* A record failed. With tolerance it is kept aside; without, the task ends with its fault. */
static bool settle_failure(struct task *task, const struct record *record, const char *stage,
                           struct fault *fault)
{
    struct fault cause = *fault;
    char text[PLACE_LIMIT];
    struct buf place = {.ptr = text, .capacity = sizeof(text), .limit = sizeof(text)};
    task->source->type->place(task->source, record, &place);
    if (cause.kind == FAULT_RECORD && task->tolerance == TOLERANCE_ALL)
        return keep_letter(task, record, stage, &cause, buf_view(&place), fault)
               || end_with(task, fault);
    /* What the environment did is not the record's doing. */
    if (cause.kind == FAULT_RECORD || cause.kind == FAULT_CONFIG)
        fault_in(fault, "%.*s", STR_ARG(buf_view(&place)));
    if (cause.kind == FAULT_RECORD)
        fault_in(fault, "stopped at a record that cannot be processed (--errors skip goes on "
                        "without it)");
    return end_with(task, fault);
}

static bool decode_record(struct task *task, const struct record *record, struct fault *fault)
{
    struct change_list changes;
    if (record->broken.len > 0)
        return fault_set(fault, FAULT_RECORD, "%.*s", STR_ARG(record->broken));
    if (!decoder_decode(task->decoder, record, &task->batch, &changes, fault))
        return false;
    for (size_t i = 0; i < changes.count; i++)
        if (!task->rows(task->rows_context, &changes.item[i], &task->batch, fault))
            return false;
    return true;
}

/* All rows of a record reach the sink together, or none of them. */
static bool take_record(struct task *task, const struct record *record, struct fault *fault)
{
    size_t first = task->batch.row_count;
    task->counts.records++;
    if (!decode_record(task, record, fault)) {
        task->batch.row_count = first;
        return settle_failure(task, record, STAGE_DECODE, fault);
    }
    size_t count = task->batch.row_count - first;
    if (count == 0 || sink_put(task->sink, &task->batch, &task->batch.row[first], count, fault))
        return true;
    return settle_failure(task, record, STAGE_PUT, fault);
}

static bool take_batch(struct task *task, struct fault *fault)
{
    task->batch.inserted_us = clock_now_us();
    for (size_t i = 0; i < task->batch.record_count; i++)
        if (!take_record(task, &task->batch.record[i], fault))
            return false;
    return true;
}

/* The source failed: what it brought before that is taken all the same. */
static bool end_poll(struct task *task, struct fault *fault)
{
    struct fault cause = *fault;
    if (!take_batch(task, fault))
        return false;
    *fault = cause;
    return end_with(task, fault);
}

bool task_run(struct task *task, struct fault *fault)
{
    bool dirty = true; /* a sink may have a head line to write even if nothing ever comes */
    while (!stop_requested() && !task->source->ended) {
        batch_reset(&task->batch);
        if (!source_poll(task->source, &task->batch, dirty ? 0 : POLL_WAIT_MS, fault))
            return end_poll(task, fault);
        bool idle = task->batch.record_count == 0;
        if (!take_batch(task, fault))
            return false;
        bool full = task->sink->pending_bytes >= FLUSH_BYTES;
        if (((dirty && idle) || full) && !flush(task, fault))
            return false;
        dirty = !idle && !full;
    }
    return !dirty || flush(task, fault);
}
