/*
 * lane_kit: a log of lanes in memory, its group, a sink that remembers, and another worker. Both
 * check at every call that the task keeps to the grammar of source.h and sink.h, and that rows and
 * positions belong together.
 */
#ifndef FIELDTRAIL_LANE_KIT_H
#define FIELDTRAIL_LANE_KIT_H

#include "check.h"

#include "clock.h"
#include "debezium.h"
#include "log.h"
#include "pivot.h"
#include "task.h"

#define LANES 3
#define HIGH 12          /* of every log */
#define ALL 7u           /* all lanes */
#define STEPS 8          /* of a script */
#define IDLE_POLLS 4     /* before the run is stopped */
#define POLLS_LIMIT 5000 /* a run that takes longer does not end */
#define ID(lane, offset) ((int64_t)(lane)*100000 + (offset))

/* Every fifth offset is a control record: it is counted and never delivered. */
HELPER bool is_record(int64_t offset)
{
    return offset % 5 != 3;
}

HELPER int64_t time_of(size_t lane, int64_t offset)
{
    return 1000000 * ((int64_t)lane + 1) + offset;
}

/* Calls that may fail. */
enum call { CALL_NONE, CALL_DESCRIBE, CALL_ASSIGN, CALL_RECALL, CALL_CLAIM, CALL_PUT, CALL_FLUSH };

enum failure {
    FAIL_BEFORE, /* nothing was done */
    FAIL_AFTER,  /* it was done, and the answer was lost */
    FAIL_FENCED, /* another worker took all lanes first */
    FAIL_MOVED,  /* somebody set the positions back */
    FAIL_COUNT
};

/* What happens in the n-th poll, which brings records too where `loaded`. */
struct step {
    unsigned poll; /* from 1; 0: no more steps */
    enum { DO_ASSIGN, DO_REVOKE, DO_LOSE, DO_STOP, DO_TAKE, DO_BREAK } what;
    unsigned lanes; /* a bit each */
    bool loaded;
};

struct world {
    struct arena arena;
    struct config config;
    struct fault fault;
    struct pivot *pivot;
    struct task task;
    /* The source: */
    struct source source;
    struct lane lane[LANES];
    int64_t read_at[LANES]; /* what poll reads next */
    const struct step *script;
    size_t per_poll;
    unsigned polls, idle_polls, beats, assigns, unassigns;
    size_t next_lane;
    bool paused, refuse_commit, refuse_all, unanswered, dismissed;
    unsigned commits, commits_of_lost, commits_since_loss;
    bool unconfirmed; /* claimed, and the group has not said since that the lanes are ours */
    unsigned mute, claims_unasked; /* so many commits get no answer; claims while none did */
    /* The sink: */
    struct sink sink;
    bool remembers;
    bool broken;       /* recall and claim come next */
    unsigned released; /* lanes, a bit each */
    bool recalled, held[LANES];
    struct memory stored[LANES]; /* the target's table of positions */
    int64_t epoch[LANES];        /* ours */
    int64_t row[4000];           /* ids, durable ones first */
    size_t durable, put;
    int64_t left[100]; /* ids of records left out, stored ones first */
    size_t left_stored, left_put;
    enum call fail;
    enum failure how;
    unsigned nth, calls, flushes, flushes_since_loss, claims;
    enum fault_kind kind;          /* of the failure */
    bool for_ever;                 /* fails from the n-th on */
    int64_t bad_flush[2], bad_put; /* ids that are refused */
    uint64_t refused_flushes;
    bool named;     /* a refused flush names the record */
    int64_t puzzle; /* an id whose flush fails with an error that nobody knows */
    /* Dead letters: */
    struct dead_letters letters;
    int64_t letter[100]; /* ids, those kept for good first */
    size_t letters_kept, letters_added;
    unsigned letters_nth, letters_calls; /* the n-th flush of letters fails */
    /* The other worker: */
    int foreign; /* so many offsets it delivers of each lane that it gets */
    void (*on_beat)(struct world *world);
};

/* ---- the other worker ---- */

HELPER bool is_bad(const struct world *world, int64_t id)
{
    return id == world->bad_flush[0] || id == world->bad_flush[1] || id == world->bad_put;
}

/* A letter of the other worker stands before those that we have not flushed. */
HELPER void other_keeps(struct world *world, int64_t id)
{
    int64_t *kept = &world->letter[world->letters_kept];
    assert_true(world->letters_added < COUNT(world->letter));
    memmove(kept + 1, kept, (world->letters_added - world->letters_kept) * sizeof(*kept));
    *kept = id;
    world->letters_kept++;
    world->letters_added++;
}

/* Delivers rows from where the target stands. */
HELPER void other_delivers(struct world *world, size_t lane, int64_t up_to)
{
    struct memory *stored = &world->stored[lane];
    size_t pending = world->put - world->durable;
    int64_t kept[COUNT(world->row)];
    memcpy(kept, world->row + world->durable, pending * sizeof(*kept));
    if (stored->next == OFFSET_NONE)
        stored->next = 0;
    for (; stored->next < up_to; stored->next++) {
        if (!is_record(stored->next))
            continue;
        if (is_bad(world, ID(lane, stored->next))) {
            other_keeps(world, ID(lane, stored->next));
        } else {
            world->row[world->durable++] = ID(lane, stored->next);
            world->row[world->durable++] = ID(lane, stored->next);
        }
        stored->last_us = time_of(lane, stored->next);
    }
    memcpy(world->row + world->durable, kept, pending * sizeof(*kept));
    world->put = world->durable + pending;
}

HELPER void other_takes(struct world *world, unsigned lanes)
{
    for (size_t i = 0; i < LANES; i++) {
        if (!(lanes & 1u << i))
            continue;
        world->stored[i].epoch++;
        int64_t from = world->stored[i].next == OFFSET_NONE ? 0 : world->stored[i].next;
        int64_t up_to = from + world->foreign;
        other_delivers(world, i, up_to < HIGH ? up_to : HIGH);
    }
}

HELPER bool fails_now(struct world *world, enum call call, struct fault *fault)
{
    if (world->fail != call || (++world->calls != world->nth && !world->for_ever)
        || world->calls < world->nth)
        return false;
    fault_set(fault, world->kind, "call %d failed", (int)call);
    return true;
}

/* ---- the source ---- */

HELPER struct world *world_of(const struct source *source)
{
    return (struct world *)((uintptr_t)source - offsetof(struct world, source));
}

/* False where memory ran out: then nothing was added. */
HELPER bool add_record(struct world *world, size_t lane, struct batch *batch, struct fault *fault)
{
    int64_t offset = world->read_at[lane];
    struct record *record = batch_add_record(batch, fault);
    if (!record)
        return false;
    record->at = (struct position){(uint32_t)lane, offset};
    record->time_us = time_of(lane, offset);
    record->has_value = true;
    record->value = arena_format(&batch->arena,
                                 "{\"after\":{\"id\":%lld,\"a\":1,\"b\":2},\"op\":\"c\"}",
                                 (long long)ID(lane, offset));
    if (record->value.ptr)
        return true;
    batch->record_count--;
    return fault_memory(fault, "a record");
}

HELPER bool read_one(struct world *world, struct batch *batch, struct fault *fault)
{
    for (size_t tried = 0; tried < LANES; tried++) {
        size_t i = world->next_lane++ % LANES;
        if (!world->lane[i].assigned || world->read_at[i] >= HIGH)
            continue;
        if (is_record(world->read_at[i]) && !add_record(world, i, batch, fault))
            return false;
        world->lane[i].next = ++world->read_at[i];
        return true;
    }
    return false;
}

HELPER void do_step(struct world *world, const struct step *step)
{
    static const enum source_turn turns[] = {SOURCE_ASSIGNED, SOURCE_REVOKED, SOURCE_LOST};
    if (step->what == DO_STOP)
        world->task.stop = true;
    if (step->what == DO_TAKE || step->what == DO_LOSE)
        other_takes(world, step->lanes);
    world->refuse_commit = step->what == DO_TAKE;
    if (step->what > DO_LOSE)
        return;
    bool any = step->what == DO_ASSIGN;
    world->source.lane = world->lane;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &world->lane[i];
        bool meant = step->lanes & 1u << i;
        if (step->what == DO_ASSIGN && meant && i >= world->source.lane_count)
            world->source.lane_count = i + 1;
        if (step->what == DO_ASSIGN)
            lane->incoming = meant && !lane->assigned;
        else
            any = (lane->outgoing = meant && lane->assigned) || any;
        if (step->what != DO_ASSIGN && meant)
            lane->incoming = false;
    }
    if (any)
        world->source.turn = turns[step->what];
    world->flushes_since_loss = world->commits_since_loss = 0;
}

HELPER const struct step *step_now(const struct world *world)
{
    for (const struct step *step = world->script; step->poll > 0; step++)
        if (step->poll == world->polls)
            return step;
    return NULL;
}

HELPER bool script_is_over(const struct world *world)
{
    for (const struct step *step = world->script; step->poll > 0; step++)
        if (step->poll > world->polls)
            return false;
    return true;
}

/* Whether something of the logs is still to be read. */
HELPER bool is_waiting(const struct world *world)
{
    for (size_t i = 0; i < LANES; i++)
        if (world->lane[i].assigned && world->read_at[i] < HIGH)
            return true;
    return false;
}

HELPER bool world_poll(struct source *source, struct batch *batch, int timeout_ms,
                       struct fault *fault)
{
    struct world *world = world_of(source);
    assert_in_range(timeout_ms, 0, 500);
    assert_int_equal(source->turn, SOURCE_STEADY);
    for (size_t i = 0; i < LANES; i++)
        assert_true(!world->lane[i].assigned || !world->paused);
    assert_true(++world->polls < POLLS_LIMIT);
    world->task.last_commit_ms = -1000000; /* a commit is due whenever something was flushed */
    const struct step *step = step_now(world);
    size_t count = step && !step->loaded ? 0 : world->per_poll;
    bool more = true;
    fault->kind = FAULT_NONE;
    for (size_t i = 0; i < count && more; i++)
        more = read_one(world, batch, fault);
    bool starved = fault->kind != FAULT_NONE;
    if (step)
        do_step(world, step);
    if (step && step->what == DO_BREAK)
        return fault_set(fault, FAULT_RETRY, "the log broke");
    if (starved)
        return false;
    bool idle = !step && batch->record_count == 0 && !is_waiting(world) && script_is_over(world);
    world->idle_polls = idle ? world->idle_polls + 1 : 0;
    if (world->idle_polls >= IDLE_POLLS)
        world->task.stop = true;
    return true;
}

/* Never beyond what is durable, never back, and of no lane that is lost. */
HELPER bool world_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                         struct fault *fault)
{
    struct world *world = world_of(source);
    bool refused = world->refuse_commit || world->refuse_all;
    world->commits++;
    world->commits_since_loss++;
    if (wait && world->mute > 0) {
        world->mute--;
        world->unanswered = true;
        return fault_set(fault, FAULT_RETRY, "the group says nothing");
    }
    if (wait)
        world->unanswered = false;
    for (size_t i = 0; i < count; i++) {
        struct lane *lane = &world->lane[reach[i].lane];
        /* Lanes that are not ours are told only where the group knows no start of them. */
        assert_true(lane->assigned || lane->incoming
                    || (!world->remembers && lane->committed == OFFSET_NONE));
        bool lost = lane->outgoing && source->turn == SOURCE_LOST;
        world->commits_of_lost += lost;
        refused = refused || lost;
        if (refused)
            continue;
        if (world->remembers)
            assert_true(reach[i].next <= world->stored[reach[i].lane].next);
        assert_true(reach[i].next >= lane->committed);
        lane->committed = reach[i].next;
    }
    world->dismissed = refused;
    world->unconfirmed = world->unconfirmed && (refused || !wait);
    return !refused || fault_set(fault, FAULT_RETRY, "the group knows us not");
}

HELPER bool world_beat(struct source *source, struct fault *fault)
{
    struct world *world = world_of(source);
    (void)fault;
    world->beats++;
    if (world->on_beat)
        world->on_beat(world);
    return true;
}

HELPER void world_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    buf_format(out, "t[%u]@%lld", record->at.lane, (long long)record->at.mark);
}

HELPER bool world_describe(struct source *source, struct fault *fault)
{
    struct world *world = world_of(source);
    if (fails_now(world, CALL_DESCRIBE, fault))
        return false;
    source->identity = STR("memory");
    source->lane_count = LANES;
    for (size_t i = 0; i < LANES; i++) {
        world->lane[i].low = 0;
        world->lane[i].high = HIGH;
    }
    return true;
}

/* A known timestamp is that of the last record before the position. */
HELPER void check_time(size_t lane, int64_t next, int64_t last_us)
{
    if (last_us == TIME_UNKNOWN)
        return;
    do
        next--;
    while (next >= 0 && !is_record(next));
    assert_true(next >= 0);
    check_number("timestamp", last_us, time_of(lane, next));
}

HELPER bool world_assign(struct source *source, struct fault *fault)
{
    struct world *world = world_of(source);
    world->assigns++;
    if (fails_now(world, CALL_ASSIGN, fault))
        return false;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &world->lane[i];
        if (!lane->assigned && !lane->incoming)
            continue;
        assert_in_range(lane->next, 0, HIGH);
        if (world->remembers)
            check_number("reads from the stored position", lane->next, world->stored[i].next);
        check_time(i, lane->next, lane->last_us);
        world->read_at[i] = lane->next;
        lane->assigned = true;
        lane->incoming = false;
    }
    if (source->turn == SOURCE_ASSIGNED)
        source->turn = SOURCE_STEADY;
    return true;
}

HELPER bool world_unassign(struct source *source, struct fault *fault)
{
    struct world *world = world_of(source);
    (void)fault;
    world->unassigns++;
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &world->lane[i];
        if (!lane->outgoing)
            continue;
        assert_true(world->released & 1u << i); /* the next owner must find it free */
        world->released &= ~(1u << i);
        if (source->turn == SOURCE_REVOKED)
            other_takes(world, 1u << i);
        lane_give_up(lane);
    }
    source->turn = SOURCE_STEADY;
    return true;
}

/* The group's refusal of a commit is followed by the loss of all lanes. */
HELPER void follow_refusal(struct world *world)
{
    for (size_t i = 0; world->dismissed && i < LANES; i++) {
        world->source.turn = SOURCE_LOST;
        world->lane[i].outgoing = world->lane[i].assigned;
        world->lane[i].incoming = false;
    }
    world->dismissed = false;
}

HELPER bool world_pause(struct source *source, bool paused, struct fault *fault)
{
    struct world *world = world_of(source);
    (void)fault;
    world->paused = paused;
    follow_refusal(world);
    return true;
}

static const struct source_type world_source_type = {.name = "memory",
                                                     .rewinds = true,
                                                     .poll = world_poll,
                                                     .commit = world_commit,
                                                     .beat = world_beat,
                                                     .place = world_place,
                                                     .describe = world_describe,
                                                     .assign = world_assign,
                                                     .unassign = world_unassign,
                                                     .pause = world_pause};

/* ---- the sink ---- */

HELPER struct world *world_of_sink(const struct sink *sink)
{
    return (struct world *)((uintptr_t)sink - offsetof(struct world, sink));
}

HELPER void drop_pending(struct world *world)
{
    world->put = world->durable;
    world->left_put = world->left_stored;
    world->sink.pending_bytes = 0;
}

HELPER void tell_memory(const struct world *world, struct memory *memory, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memory[i] = world->remembers ? world->stored[i]
                                     : (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
}

HELPER bool world_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                         size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    (void)lane;
    check_text("origin", sink->origin, "memory");
    if (fails_now(world, CALL_RECALL, fault))
        return false;
    world->recalled = true;
    tell_memory(world, memory, count);
    return true;
}

HELPER void claim_lane(struct world *world, const struct lane *lane, size_t i)
{
    if (world->stored[i].next == OFFSET_NONE)
        world->stored[i] = (struct memory){lane->next, TIME_UNKNOWN, 0, OFFSET_NONE};
    world->held[i] = lane->assigned || lane->incoming;
    if (world->held[i])
        world->epoch[i] = ++world->stored[i].epoch;
}

HELPER bool world_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                        size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    assert_true(world->recalled);
    world->recalled = false;
    world->claims++;
    world->unconfirmed = true;
    world->claims_unasked += world->unanswered;
    bool failed = fails_now(world, CALL_CLAIM, fault);
    drop_pending(world);
    memset(world->held, 0, sizeof(world->held));
    if (failed && world->how == FAIL_FENCED) {
        other_takes(world, ALL); /* between recall and claim */
        failed = false;
    }
    world->broken = failed;
    if (failed && world->how == FAIL_BEFORE)
        return false;
    for (size_t i = 0; i < count; i++)
        claim_lane(world, &lane[i], i);
    tell_memory(world, memory, count);
    return !failed;
}

HELPER int64_t id_of(const struct batch *batch, const struct row *row)
{
    static const struct column id = {STR("id"), COLUMN_COPY, STR("id"), 0};
    char scratch[CELL_SCRATCH];
    int64_t number = -1;
    assert_true(str_to_int64(row_cell(row, &id, batch, scratch).text, &number));
    return number;
}

/* What is given up is dropped; recall and claim come next. */
HELPER void world_release(struct sink *sink, const struct lane *lane, size_t count)
{
    struct world *world = world_of_sink(sink);
    assert_true(count <= LANES);
    drop_pending(world);
    world->broken = true;
    for (size_t i = 0; i < count; i++) {
        if (!lane[i].outgoing)
            continue;
        assert_true(lane[i].assigned); /* before the source gives it up */
        world->held[i] = false;
        world->released |= 1u << i;
    }
}

HELPER bool world_put(struct sink *sink, const struct batch *batch, const struct row *row,
                      size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    assert_false(world->broken);
    check_number("the rows of one record", (int64_t)count, 2);
    if (fails_now(world, CALL_PUT, fault)) {
        world->broken = true;
        return false;
    }
    int64_t id = id_of(batch, &row[0]);
    assert_true(world->held[id / 100000]);
    if (id == world->bad_put)
        return fault_set(fault, FAULT_RECORD, "row %lld is refused", (long long)id);
    assert_true(world->put + count <= COUNT(world->row));
    for (size_t i = 0; i < count; i++)
        world->row[world->put++] = id_of(batch, &row[i]);
    sink->pending_bytes += 100;
    return true;
}

HELPER bool world_leave_out(struct sink *sink, struct position at, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    (void)fault;
    assert_false(world->broken);
    assert_true(world->held[at.lane] && world->left_put < COUNT(world->left));
    world->left[world->left_put++] = ID(at.lane, at.mark);
    return true;
}

/* Whether the flush that is under way is told to leave it out. */
HELPER bool is_told(const struct world *world, int64_t id)
{
    for (size_t i = world->left_stored; i < world->left_put; i++)
        if (world->left[i] == id)
            return true;
    return false;
}

/* Whether it has a letter. */
HELPER bool is_left_out(const struct world *world, int64_t id)
{
    for (size_t i = 0; i < world->letters_kept; i++)
        if (world->letter[i] == id)
            return true;
    return false;
}

/* The rows that wait are those between the stored position and the new one, all and in order, but
   for the records that are left out. */
HELPER size_t check_pending(const struct world *world, size_t lane, int64_t next)
{
    size_t found = 0;
    int64_t offset = world->stored[lane].next;
    for (size_t at = world->durable; at < world->put; at++) {
        if (world->row[at] / 100000 != (int64_t)lane)
            continue;
        while (!is_record(offset) || is_told(world, ID(lane, offset)))
            offset++;
        check_number("row", world->row[at], ID(lane, offset));
        offset += found++ % 2;
    }
    while (offset < next && (!is_record(offset) || is_told(world, ID(lane, offset))))
        offset++;
    if (found > 0 || world->stored[lane].next != next)
        check_number("position behind the rows", next, offset < next ? offset : next);
    return found;
}

HELPER bool refuse_flush(struct world *world, const char *text, int code, struct fault *fault)
{
    drop_pending(world);
    world->broken = true;
    fault_set(fault, FAULT_RETRY, "%s", text);
    fault->code = code;
    return false;
}

HELPER bool holds(const struct world *world, int64_t id)
{
    for (size_t at = world->durable; at < world->put; at++)
        if (world->row[at] == id)
            return true;
    return false;
}

/* The target would take what was put, where nothing of it is bad. */
HELPER bool world_rehearse(struct sink *sink, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    bool bad = holds(world, world->bad_flush[0]) || holds(world, world->bad_flush[1]);
    bool puzzled = world->puzzle >= 0 && holds(world, world->puzzle);
    assert_true(world->put > world->durable);
    drop_pending(world);
    world->broken = true;
    if (bad)
        return fault_set(fault, FAULT_RECORD, "refused");
    return !puzzled || fault_set(fault, FAULT_RETRY, "who knows");
}

HELPER bool has_bad(const struct world *world, int64_t *id)
{
    for (size_t at = world->durable; at < world->put; at++) {
        for (size_t i = 0; i < 2; i++) {
            if (world->row[at] == world->bad_flush[i]) {
                *id = world->row[at];
                return true;
            }
        }
    }
    return false;
}

/* What is left out is passed by this flush, has its letter, and is told once. */
HELPER void check_left_pending(const struct world *world, const struct reach *reach, size_t count)
{
    for (size_t at = world->left_stored; at < world->left_put; at++) {
        int64_t id = world->left[at];
        bool passed = false;
        for (size_t i = 0; i < count; i++)
            passed = passed
                     || (id >= ID(reach[i].lane, world->stored[reach[i].lane].next)
                         && id < ID(reach[i].lane, reach[i].next));
        assert_true(passed && is_left_out(world, id));
        for (size_t i = 0; i < at; i++)
            assert_true(world->left[i] != id);
    }
}

HELPER void store_positions(struct world *world, const struct reach *reach, size_t count)
{
    size_t rows = 0;
    check_left_pending(world, reach, count);
    for (size_t i = 0; i < count; i++) {
        struct memory *stored = &world->stored[reach[i].lane];
        assert_true(world->held[reach[i].lane]);
        check_time(reach[i].lane, reach[i].next, reach[i].last_us);
        if (!world->remembers)
            continue;
        assert_true(reach[i].next > stored->next);
        rows += check_pending(world, reach[i].lane, reach[i].next);
        stored->next = reach[i].next;
        stored->last_us = reach[i].last_us;
    }
    if (world->remembers)
        check_number("rows of lanes that moved", (int64_t)rows,
                     (int64_t)(world->put - world->durable));
}

HELPER bool world_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                        size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    int64_t bad;
    (void)lane;
    assert_false(world->broken);
    assert_false(world->remembers && world->unconfirmed);
    world->flushes_since_loss++;
    bool failed = fails_now(world, CALL_FLUSH, fault);
    if (failed && world->how == FAIL_FENCED)
        other_takes(world, ALL);
    if (failed && world->how == FAIL_MOVED)
        return refuse_flush(world, "positions moved", SINK_MOVED, fault);
    for (size_t i = 0; i < count && world->remembers; i++)
        if (world->stored[reach[i].lane].epoch != world->epoch[reach[i].lane])
            return refuse_flush(world, "another worker has claimed", SINK_FENCED, fault);
    if (failed && world->how == FAIL_BEFORE)
        return refuse_flush(world, "the target is away", 0, fault);
    if (has_bad(world, &bad)) {
        refuse_flush(world, "", 0, fault);
        world->refused_flushes++;
        sink->blames = world->named;
        sink->blamed = (struct position){(uint32_t)(bad / 100000), bad % 100000};
        return fault_set(fault, FAULT_RECORD, "row %lld is refused", (long long)bad);
    }
    if (world->puzzle >= 0 && holds(world, world->puzzle)) {
        world->refused_flushes++;
        return refuse_flush(world, "who knows", SINK_UNKNOWN, fault);
    }
    store_positions(world, reach, count);
    world->durable = world->put;
    world->left_stored = world->left_put;
    world->flushes++;
    sink->pending_bytes = 0;
    if (failed && world->how == FAIL_AFTER)
        return refuse_flush(world, "the answer was lost", 0, fault);
    return true;
}

static const struct sink_type world_sink_remembers = {.name = "memory",
                                                      .remembers = true,
                                                      .recall = world_recall,
                                                      .claim = world_claim,
                                                      .put = world_put,
                                                      .leave_out = world_leave_out,
                                                      .flush = world_flush,
                                                      .rehearse = world_rehearse,
                                                      .release = world_release};

static const struct sink_type world_sink_forgets = {.name = "memory",
                                                    .recall = world_recall,
                                                    .claim = world_claim,
                                                    .put = world_put,
                                                    .flush = world_flush,
                                                    .release = world_release};

/* ---- dead letters ---- */

HELPER struct world *world_of_letters(const struct dead_letters *letters)
{
    return (struct world *)((uintptr_t)letters - offsetof(struct world, letters));
}

HELPER bool world_add_letter(struct dead_letters *letters, const struct dead_letter *letter,
                             struct fault *fault)
{
    struct world *world = world_of_letters(letters);
    (void)fault;
    assert_true(world->letters_added < COUNT(world->letter));
    world->letter[world->letters_added++] = ID(letter->record->at.lane, letter->record->at.mark);
    return true;
}

HELPER bool world_flush_letters(struct dead_letters *letters, struct fault *fault)
{
    struct world *world = world_of_letters(letters);
    if (world->letters_added > world->letters_kept
        && ++world->letters_calls == world->letters_nth) {
        world->letters_added = world->letters_kept;
        return fault_set(fault, FAULT_RETRY, "the letters' topic is away");
    }
    world->letters_kept = world->letters_added;
    return true;
}

HELPER void world_close_letters(struct dead_letters *letters)
{
    (void)letters;
}

static const struct dead_letters_type world_letters = {
    .add = world_add_letter, .flush = world_flush_letters, .close = world_close_letters};

/* ---- the world ---- */

HELPER void kit_warning(void *context, const char *text)
{
    (void)context;
    (void)text;
}

HELPER bool kit_rows(void *context, struct change *change, struct batch *batch, struct fault *fault)
{
    return pivot_rows(context, change, batch, fault);
}

HELPER void clear_lanes(struct world *world)
{
    for (size_t i = 0; i < LANES; i++) {
        world->lane[i] = lane_new(STR("t"), (int32_t)i);
        world->stored[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
    }
}

/* `options` go over those of all runs. */
HELPER void world_start(struct world *world, const struct step *script, size_t per_poll,
                        bool remembers, const char *options)
{
    char text[500];
    *world = (struct world){.script = script,
                            .per_poll = per_poll,
                            .remembers = remembers,
                            .kind = FAULT_RETRY,
                            .bad_flush = {-1, -1},
                            .bad_put = -1,
                            .puzzle = -1,
                            .letters = {.type = &world_letters}};
    log_setup(LOG_ERROR, LOG_TEXT);
    arena_init(&world->arena, TEST_BYTES);
    snprintf(text, sizeof(text), "pivot.fields=a,b;pivot.keys=id;errors.retry.delay.max.ms=100;%s",
             options);
    config_from(&world->config, &world->arena, text);
    clear_lanes(world);
    world->source = (struct source){.type = &world_source_type, .lane = world->lane};
    world->sink = (struct sink){.type = remembers ? &world_sink_remembers : &world_sink_forgets};
    world->pivot = pivot_new(&world->config, PIVOT_PIPE_COLUMNS, kit_warning, NULL, &world->fault);
    world->task = (struct task){.source = &world->source,
                                .sink = &world->sink,
                                .decoder = debezium_decoder.create(&world->config, &world->fault),
                                .letters = &world->letters,
                                .rows = kit_rows,
                                .rows_context = world->pivot};
    check_good("task", task_init(&world->task, &world->config, &world->fault), &world->fault);
    world->task.retry.delay_max_ms = 0; /* many runs fail: none of them need wait */
}

HELPER void world_stop(struct world *world)
{
    decoder_free(world->task.decoder);
    task_release(&world->task);
    pivot_free(world->pivot);
    arena_release(&world->arena);
}

/* Whoever has the lanes now delivers the rest. */
HELPER void world_finish(struct world *world)
{
    drop_pending(world);
    for (size_t i = 0; i < LANES; i++)
        other_delivers(world, i, HIGH);
}

/* The rows of all records of the lane up to `high` are durable, in order, each once; one may be
   left out. */
HELPER void check_lane(const struct world *world, size_t lane, int64_t high, int64_t left_out)
{
    size_t at = 0;
    for (int64_t offset = 0; offset < high; offset++) {
        for (int copy = 0; copy < 2 && is_record(offset); copy++) {
            if (ID(lane, offset) == left_out)
                continue;
            while (at < world->durable && world->row[at] / 100000 != (int64_t)lane)
                at++;
            assert_true(at < world->durable);
            check_number("row", world->row[at++], ID(lane, offset));
        }
    }
    for (; at < world->durable; at++)
        assert_true(world->row[at] / 100000 != (int64_t)lane);
}

HELPER void check_lanes(const struct world *world, int64_t left_out)
{
    for (size_t i = 0; i < LANES; i++)
        check_lane(world, i, HIGH, left_out);
}

/* A sink that remembers nothing gets every record at least once; the first time in order. */
HELPER void check_at_least_once(const struct world *world)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        if (!world->lane[lane].assigned)
            continue;
        int64_t newest = ID(lane, 0) - 1;
        for (size_t at = 0; at < world->durable; at++) {
            int64_t id = world->row[at];
            if (id / 100000 != (int64_t)lane || id <= newest)
                continue;
            do
                newest++;
            while (!is_record(newest % 100000));
            check_number("row", id, newest);
        }
        check_number("the last", newest, ID(lane, HIGH - 1));
    }
}

#endif
