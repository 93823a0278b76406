/*
 * The loop. A batch is what one poll brought; its rows go to the sink at once. The sink is flushed
 * at a limit of rows, bytes or time, or when nothing has been waiting for a while: a busy task
 * writes large blocks, an idle one every event at once.
 */
#include "clock.h"
#include "log.h"
#include "stop.h"
#include "task_steps.h"

#define POLL_WAIT_MS 500
#define COMMIT_INTERVAL_MS 1000
/* How soon a paused task goes on when it may. */
#define REST_POLL_MS 200
/* How long a stop waits for the last flush. */
#define STOP_FLUSH_MS 10000
/* A person must act: there is no hurry in trying again. */
#define CONFIG_RETRY_MS 15000

static bool is_stopping(const struct task *task)
{
    return stop_requested() || task->stop;
}

/* Lanes are asked back, or lost. */
static bool is_leaving(const struct task *task)
{
    return task->source->turn == SOURCE_REVOKED || task->source->turn == SOURCE_LOST;
}

/* ---- waiting ---- */

/* The sink waits for its target: the source is kept alive meanwhile. */
bool task_idle(void *context, int fd, short events, int timeout_ms)
{
    struct task *task = context;
    struct fault ignored = {0};
    if (!clock_wait(fd, events, timeout_ms))
        task->source->type->beat(task->source, &ignored);
    if (task->source->turn == SOURCE_LOST)
        return false; /* whoever has the lanes now does again what is under way */
    if (task->give_up_ms == 0 && is_leaving(task))
        task->give_up_ms = clock_steady_ms() + task->settings.revoke_flush_ms;
    if (task->give_up_ms == 0 && is_stopping(task))
        task->give_up_ms = clock_steady_ms() + STOP_FLUSH_MS;
    return task->give_up_ms == 0 || clock_steady_ms() < task->give_up_ms;
}

/* Waits out a back-off; ends early where lanes go, or on a stop. */
static void wait_beating(struct task *task, int64_t wait_ms)
{
    int64_t until = clock_steady_ms() + wait_ms;
    struct fault ignored = {0};
    while (clock_steady_ms() < until && !is_stopping(task) && !is_leaving(task)) {
        clock_wait(-1, 0, 50);
        task->source->type->beat(task->source, &ignored);
    }
}

/* Paused: the source is polled for the group's sake. What was fetched before is dropped, for going
   on reads from where the sink stands. */
static bool rest(struct task *task, struct fault *fault)
{
    return task_rest(task, fault) && source_poll(task->source, &task->batch, REST_POLL_MS, fault);
}

/* ---- records ---- */

static enum letter_cause find_cause(const struct task *task, const struct record *record,
                                    bool decoding)
{
    if (record->broken.len > 0)
        return CAUSE_SOURCE;
    if (decoding)
        return CAUSE_DECODE;
    return task_find_condemned(task, record) ? CAUSE_TARGET : CAUSE_ENCODE;
}

static bool keep_letter(struct task *task, const struct record *record, const char *stage,
                        const struct fault *cause, str place, struct fault *fault)
{
    if (task->letters && letter_set_has(&task->lettered, record->at))
        return true;
    task->errors++;
    if (!task->first_error_logged) {
        log_write(
            LOG_WARN,
            "%.*s: %s; left out, and so are more such records without a word: the number is in "
            "the totals%s",
            STR_ARG(place), cause->text,
            task->letters ? ", the records in the dead letters"
                          : "; --dead-letters FILE (errors.deadletterqueue.file) keeps them");
        task->first_error_logged = true;
    }
    bool decoding = strcmp(stage, STAGE_DECODE) == 0;
    struct dead_letter letter = {.record = record,
                                 .place = place,
                                 .stage = stage,
                                 .class_name = decoding ? task->decoder->type->name
                                                        : task->sink->type->name,
                                 .cause = cause};
    if (task->letters && !dead_letters_add(task->letters, &letter, fault))
        return false;
    if (task->letters)
        letter_set_add(&task->lettered, record->at);
    task_count_letter(task, find_cause(task, record, decoding));
    return true;
}

/* The task ends with this fault: everything before it is delivered. A source that rewinds needs
   that only at a record that may not be left out; all else is done again, and so is a transaction
   that would be shown in part. */
static bool end_with(struct task *task, struct fault *fault)
{
    struct fault cause = *fault;
    bool again = task->source->type->rewinds && (cause.kind != FAULT_RECORD || task->source->whole);
    if (again || task_flush(task, fault))
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
    if (cause.kind == FAULT_RECORD && task->settings.tolerance == TOLERANCE_ALL) {
        task->left_out++;
        return (keep_letter(task, record, stage, &cause, buf_view(&place), fault)
                && sink_leave_out(task->sink, record->at, fault))
               || end_with(task, fault);
    }
    /* What the environment did is not the record's doing. */
    if (cause.kind == FAULT_RECORD || cause.kind == FAULT_CONFIG)
        fault_in(fault, "%.*s", STR_ARG(buf_view(&place)));
    if (cause.kind == FAULT_RECORD)
        fault_in(fault, "stopped at a record that cannot be processed (--errors skip, "
                        "errors.tolerance=all, goes on without it)");
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

bool task_leave_out(struct task *task, const struct record *record, const struct fault *cause,
                    struct fault *fault)
{
    *fault = *cause;
    return settle_failure(task, record, STAGE_PUT, fault);
}

/* All rows of a record reach the sink together, or none of them. */
static bool put_record(struct task *task, const struct record *record, struct fault *fault)
{
    size_t first = task->batch.row_count;
    const struct fault *condemned = task_find_condemned(task, record);
    if (condemned)
        return task_leave_out(task, record, condemned, fault);
    if (!decode_record(task, record, fault)) {
        task->batch.row_count = first;
        return settle_failure(task, record, STAGE_DECODE, fault);
    }
    size_t count = task->batch.row_count - first;
    if (count == 0 || sink_put(task->sink, &task->batch, &task->batch.row[first], count, fault)) {
        task->dirty_rows += count;
        return true;
    }
    task->batch.row_count = first;
    return settle_failure(task, record, STAGE_PUT, fault);
}

/* A neighbour of a record that is suspected: the target is only asked whether it would be taken.
   One that is bad itself says nothing. */
static bool rehearse_record(struct task *task, const struct record *record, struct fault *fault)
{
    size_t first = task->batch.row_count;
    bool good = decode_record(task, record, fault);
    size_t count = task->batch.row_count - first;
    task->batch.row_count = first;
    if (good && (count == 0 || task_passes_neighbour(task)))
        return true;
    good = good && sink_put(task->sink, &task->batch, &task->batch.row[first], count, fault);
    return good ? task_rehearse(task, fault) : fault->kind == FAULT_RECORD;
}

/* Where the half of a key change waits, now that the record has been processed. */
static int64_t pass_halves(struct task *task, const struct record *record)
{
    int64_t held;
    if (!task->halves || !task->halves->first)
        return OFFSET_NONE;
    halves_pass(task->halves, record);
    return halves_waiting(task->halves, record, &held) ? held : OFFSET_NONE;
}

static void note_taken(struct task *task, const struct record *record)
{
    int64_t held = pass_halves(task, record);
    if (!task->dirty)
        task->dirty_since_ms = clock_steady_ms();
    task->dirty = true;
    task->dirty_records++;
    task->last_taken = record->at;
    if (record->at.lane < task->lane_capacity)
        task->reach[record->at.lane] = (struct reach){record->at.lane, record->at.mark + 1,
                                                      record->time_us, held};
}

/* Whether the record was done before: it is given again for the half that it leaves waiting. */
static bool is_done(const struct task *task, const struct record *record)
{
    return record->at.lane < task->lane_capacity
           && record->at.mark < task->reach[record->at.lane].next;
}

/* No row of it is put a second time. */
static bool read_again(struct task *task, const struct record *record, struct fault *fault)
{
    size_t first = task->batch.row_count;
    bool good = decode_record(task, record, fault);
    task->batch.row_count = first;
    task->reach[record->at.lane].held = pass_halves(task, record);
    return good || fault->kind == FAULT_RECORD;
}

static bool take_record(struct task *task, const struct record *record, struct fault *fault)
{
    if (is_done(task, record))
        return read_again(task, record, fault);
    if (!task_search_takes(task, record))
        return true;
    if (task->search.rehearsing)
        return rehearse_record(task, record, fault);
    if (task_search_splits_before(task, record) && !task_flush_or_resolve(task, fault))
        return false;
    size_t row = task->batch.row_count;
    uint64_t left_out = task->left_out;
    if (!put_record(task, record, fault))
        return false;
    note_taken(task, record);
    task_resolve_note(task, record, row, task->batch.row_count - row, task->left_out > left_out);
    return !task_search_splits_after(task, record) || task_flush_or_resolve(task, fault);
}

static bool take_batch(struct task *task, struct fault *fault)
{
    if (!batch_stamp(&task->batch, clock_now_us(), fault))
        return false;
    task_resolve_begin(task);
    for (size_t i = 0; i < task->batch.record_count; i++)
        if (!take_record(task, &task->batch.record[i], fault))
            return false;
    if (task->batch.record_count > 0)
        task->last_record_ms = clock_steady_ms();
    if (!task->search.on && !task->search.overshot)
        task_follow_source(task);
    task_count_batch(task);
    return true;
}

/* ---- failures ---- */

/* Decides after a failure whether the loop goes on. A source that cannot rewind has lost what the
   sink forgot, so its task ends; so it does at a record that may not be left out. */
static bool survive(struct task *task, struct fault *fault)
{
    int64_t wait_ms = 0;
    if (task_look_closer(task, fault))
        return true;
    task->quick = false;
    bool passes = fault->kind == FAULT_RETRY || fault->kind == FAULT_CONFIG;
    if (!task->source->type->rewinds || !passes || is_stopping(task))
        return false;
    if (!retry_after_failure(&task->retry, clock_steady_ms(), &wait_ms))
        return fault_in(fault, "given up after errors.retry.timeout");
    if (fault->kind == FAULT_CONFIG && wait_ms < CONFIG_RETRY_MS)
        wait_ms = CONFIG_RETRY_MS;
    task_failed(task, fault);
    task_count_retry(task);
    log_write(LOG_WARN, "%s; trying again in %lld ms", fault->text, (long long)wait_ms);
    struct fault ignored = {0};
    task_let_go(task);
    task->source->type->pause(task->source, true, &ignored);
    wait_beating(task, wait_ms);
    return true;
}

/* ---- the loop ---- */

static bool flush_is_due(const struct task *task, bool idle_now)
{
    int64_t now = clock_steady_ms();
    if (!task->dirty)
        return false;
    return (idle_now && now - task->last_record_ms >= task->settings.linger_ms)
           || task->dirty_rows >= (uint64_t)task->settings.batch_rows_max
           || task->sink->pending_bytes >= (size_t)task->settings.batch_bytes_max
           || now - task->dirty_since_ms >= task->settings.flush_interval_ms;
}

static int poll_wait_ms(const struct task *task)
{
    if (!task->dirty)
        return POLL_WAIT_MS;
    return task->settings.linger_ms < POLL_WAIT_MS ? (int)task->settings.linger_ms : POLL_WAIT_MS;
}

/* The source failed: what it brought before that is taken all the same. */
static bool end_poll(struct task *task, struct fault *fault)
{
    struct fault cause = *fault;
    if (task->source->turn == SOURCE_LOST)
        return false;
    if (!take_batch(task, fault))
        return false;
    *fault = cause;
    return end_with(task, fault);
}

/* An outage is over when something was flushed, or where nothing waits to be. */
static bool is_settled(const struct task *task)
{
    for (size_t i = 0; i < task->source->lane_count; i++) {
        const struct lane *lane = &task->source->lane[i];
        if (lane->assigned && lane->high > lane->next)
            return false;
    }
    return task->claimed && !task->dirty;
}

static bool turn_once(struct task *task, struct fault *fault)
{
    batch_reset(&task->batch);
    if (task->paused && task->source->type->rewinds)
        return rest(task, fault);
    if (!task_take_turn(task, fault))
        return false;
    /* Something new was noted while the target was waited for. */
    if (task->source->turn != SOURCE_STEADY)
        return true;
    if (!source_poll(task->source, &task->batch, poll_wait_ms(task), fault))
        return end_poll(task, fault);
    /* What is lost is somebody else's: nothing more of it may be written or committed. */
    if (task->source->turn == SOURCE_LOST)
        return true;
    if (!take_batch(task, fault))
        return false;
    bool idle_now = task->batch.record_count == 0 || task->source->ended;
    if (flush_is_due(task, idle_now) && !task_flush_or_resolve(task, fault))
        return false;
    task_search_turn(task, idle_now);
    if (is_settled(task))
        task_succeeded(task);
    struct fault ignored = {0};
    if (task->commit_due && clock_steady_ms() - task->last_commit_ms >= COMMIT_INTERVAL_MS)
        task_commit(task, false, &ignored);
    return true;
}

/* The last flush and commit, within the time that a stop has. */
static bool finish(struct task *task, struct fault *fault)
{
    batch_reset(&task->batch);
    if (task->source->type->rewinds && (!task->claimed || task->source->turn == SOURCE_LOST))
        return true;
    task->give_up_ms = clock_steady_ms() + STOP_FLUSH_MS;
    bool good = task_flush(task, fault);
    struct fault ignored = {0};
    /* There is no time to look for a record that is refused: the next start does. */
    if (!good && task->source->type->rewinds && fault->kind == FAULT_RECORD
        && task->settings.tolerance == TOLERANCE_ALL) {
        log_write(LOG_WARN, "stopped before a record that the target refuses was found: %s",
                  fault->text);
        return true;
    }
    if (good && task->source->type->rewinds)
        task_commit(task, true, &ignored);
    return good;
}

bool task_run(struct task *task, struct fault *fault)
{
    task_set_state(task, TASK_UNASSIGNED, "");
    /* A pipe's sink may have a head line to write even if nothing ever comes. */
    task->dirty = !task->source->type->rewinds;
    bool good = true;
    while (good && !is_stopping(task) && !task->source->ended)
        good = turn_once(task, fault) || survive(task, fault);
    if (good)
        good = finish(task, fault);
    /* A source may wait at its end for what the batch still holds of it. */
    batch_reset(&task->batch);
    if (good)
        *fault = (struct fault){0}; /* what was survived is no reason */
    task_count_end(task);
    task_set_state(task, good ? TASK_STOPPED : TASK_FAILED, good ? "" : fault->text);
    return good;
}
