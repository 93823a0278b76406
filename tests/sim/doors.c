/*
 * The four interfaces as the task sees them. Every call may take its time, fail, or fail after it
 * was done; all of them check that the task keeps to the grammar.
 */
#include "world.h"

static struct owner *owner_of_source(const struct source *source)
{
    return (struct owner *)((uintptr_t)source - offsetof(struct owner, source));
}

static struct owner *owner_of_sink(const struct sink *sink)
{
    return (struct owner *)((uintptr_t)sink - offsetof(struct owner, sink));
}

static bool fails(struct owner *owner)
{
    struct world *world = owner->world;
    bool failed = !world->calm && world_chance(world, world->plan.failure_permille);
    owner->may_drain = owner->may_drain && !failed;
    return failed;
}

static bool is_down(const struct world *world)
{
    return world->now_ms < world->down_until_ms;
}

/* ---- the source ---- */

static void add_record(struct owner *owner, size_t lane, struct batch *batch)
{
    struct world *world = owner->world;
    struct fault fault;
    int64_t offset = owner->read_at[lane];
    struct record *record = batch_add_record(batch, &fault);
    if (!record) {
        world_wrong(world, "no memory for a record");
        return;
    }
    record->at = (struct position){(uint32_t)lane, offset};
    record->topic = STR("t");
    record->partition = (int32_t)lane;
    record->offset = offset;
    record->time_us = world_time_of(lane, offset);
    record->has_value = true;
    if (world->nature[lane][offset] == BROKEN)
        record->broken = STR("too long");
    owner->lane[lane].last_us = record->time_us;
}

static bool read_one(struct owner *owner, struct batch *batch)
{
    struct world *world = owner->world;
    size_t first = world_below(world, world->plan.lanes);
    for (size_t tried = 0; tried < world->plan.lanes; tried++) {
        size_t i = (first + tried) % world->plan.lanes;
        if (!owner->lane[i].assigned || owner->read_at[i] >= world_high(world, i))
            continue;
        if (world_is_record(world, i, owner->read_at[i]))
            add_record(owner, i, batch);
        owner->lane[i].next = ++owner->read_at[i];
        owner->lane[i].high = world_high(world, i);
        return true;
    }
    return false;
}

static bool sim_poll(struct source *source, struct batch *batch, int timeout_ms,
                     struct fault *fault)
{
    struct owner *owner = owner_of_source(source);
    struct world *world = owner->world;
    if (source->turn != SOURCE_STEADY)
        world_wrong(world, "polled in the middle of a turn");
    if (timeout_ms < 0 || timeout_ms > 500)
        world_wrong(world, "a poll of %d ms", timeout_ms);
    unsigned count = 1 + world_below(world, world_chance(world, 300) ? 40 : 4);
    for (unsigned i = 0; i < count && owner->fetching && read_one(owner, batch); i++)
        continue;
    fiber_sleep(world, batch->record_count > 0 ? (int)world_below(world, 20) : timeout_ms);
    group_meet(owner);
    return !fails(owner) || fault_set(fault, FAULT_RETRY, "the log broke");
}

/* The first that the group hears of lanes is where they begin: "latest" of all at once, for it
   would be another place later. */
static void group_begin(struct world *world, const struct reach *reach, size_t count)
{
    size_t begun = 0;
    for (size_t i = 0; i < count; i++) {
        if (world->start[reach[i].lane] != OFFSET_NONE)
            continue;
        world->start[reach[i].lane] = reach[i].next;
        begun++;
    }
    if (world->plan.latest && begun > 0 && begun < world->plan.lanes)
        world_wrong(world, "latest is told of %zu lanes", begun);
}

static bool sim_commit(struct source *source, const struct reach *reach, size_t count, bool wait,
                       struct fault *fault)
{
    struct owner *owner = owner_of_source(source);
    struct world *world = owner->world;
    if (wait)
        fiber_sleep(world, world_below(world, 200));
    for (size_t i = 0; i < count; i++) {
        const struct lane *lane = &owner->lane[reach[i].lane];
        /* For a target that forgets, one owner tells what "latest" is for all lanes. */
        bool start = !world->plan.remembers && world->plan.latest && lane->committed == OFFSET_NONE;
        if (!lane->assigned && !lane->incoming && !start)
            world_wrong(world, "a commit of t[%u], which is not ours", reach[i].lane);
    }
    if (!group_takes_commit(owner))
        return fault_set(fault, FAULT_RETRY, "the group knows us not");
    if (fails(owner))
        return fault_set(fault, FAULT_RETRY, "no answer");
    if (!world->plan.remembers)
        group_begin(world, reach, count);
    for (size_t i = 0; i < count; i++) {
        uint32_t lane = reach[i].lane;
        if (reach[i].next < world->committed[lane])
            world_wrong(world, "t[%u]: the group goes back from %lld to %lld", lane,
                        (long long)world->committed[lane], (long long)reach[i].next);
        if (world->plan.remembers && reach[i].next > world->stored[lane].next)
            world_wrong(world, "t[%u]: %lld is committed, but the target is at %lld", lane,
                        (long long)reach[i].next, (long long)world->stored[lane].next);
        target_check_reached(world, lane, reach[i].next, "commit");
        world->committed[lane] = reach[i].next;
        world_say(world, "commit t[%u] %lld", lane, (long long)reach[i].next);
        world->tally.commits++;
    }
    return true;
}

static bool sim_beat(struct source *source, struct fault *fault)
{
    (void)fault;
    group_meet(owner_of_source(source));
    return true;
}

static void sim_place(const struct source *source, const struct record *record, struct buf *out)
{
    (void)source;
    buf_format(out, "t[%u]@%lld", record->at.lane, (long long)record->at.mark);
}

static bool sim_describe(struct source *source, struct fault *fault)
{
    struct owner *owner = owner_of_source(source);
    struct world *world = owner->world;
    fiber_sleep(world, world_below(world, 30));
    if (fails(owner))
        return fault_set(fault, FAULT_RETRY, "no broker answers");
    source->identity = STR("sim");
    source->lane_count = world->plan.lanes;
    for (size_t i = 0; i < world->plan.lanes; i++) {
        owner->lane[i].low = 0;
        owner->lane[i].high = world_high(world, i);
        owner->lane[i].committed = world->committed[i];
    }
    return true;
}

static bool sim_assign(struct source *source, struct fault *fault)
{
    struct owner *owner = owner_of_source(source);
    struct world *world = owner->world;
    if (fails(owner))
        return fault_set(fault, FAULT_RETRY, "not assigned");
    for (size_t i = 0; i < world->plan.lanes; i++) {
        struct lane *lane = &owner->lane[i];
        if (!lane->assigned && !lane->incoming)
            continue;
        if (lane->next < 0 || lane->next > world_high(world, i))
            world_wrong(world, "t[%zu] is read from %lld", i, (long long)lane->next);
        owner->read_at[i] = lane->next;
        lane->assigned = true;
        lane->incoming = false;
    }
    if (source->turn == SOURCE_ASSIGNED)
        source->turn = SOURCE_STEADY;
    return true;
}

static bool sim_unassign(struct source *source, struct fault *fault)
{
    struct owner *owner = owner_of_source(source);
    (void)fault;
    /* A search that left records aside lets go of all that it has put, and reads them again. */
    if (owner->may_drain && !owner->task.search.overshot && owner->pending.row_count > 0)
        world_wrong(owner->world, "lanes are given up, and %zu rows of them were not flushed",
                    owner->pending.row_count);
    for (size_t i = 0; i < owner->world->plan.lanes; i++) {
        struct lane *lane = &owner->lane[i];
        if (lane->outgoing)
            lane_give_up(lane);
    }
    source->turn = SOURCE_STEADY;
    group_give_up(owner);
    return true;
}

static bool sim_pause(struct source *source, bool paused, struct fault *fault)
{
    (void)fault;
    owner_of_source(source)->fetching = !paused;
    return true;
}

static void sim_stop_source(struct source *source)
{
    (void)source;
}

const struct source_type sim_source = {.name = "sim",
                                       .rewinds = true,
                                       .poll = sim_poll,
                                       .commit = sim_commit,
                                       .beat = sim_beat,
                                       .place = sim_place,
                                       .describe = sim_describe,
                                       .assign = sim_assign,
                                       .unassign = sim_unassign,
                                       .pause = sim_pause,
                                       .stop = sim_stop_source};

/* ---- decoder and rows ---- */

static bool sim_decode(struct decoder *decoder, const struct record *record, struct batch *batch,
                       struct change_list *changes, struct fault *fault)
{
    const struct world *world = the_world;
    (void)decoder;
    unsigned rows = world_rows_of(world, record->at.lane, record->at.mark);
    if (world->nature[record->at.lane][record->at.mark] == UNREADABLE)
        return fault_set(fault, FAULT_RECORD, "no event");
    if (rows == 0)
        return true;
    struct change *change = ARENA_NEW(&batch->arena, struct change, 1);
    if (!change)
        return fault_memory(fault, "a change");
    *change = (struct change){.op = CHANGE_CREATE, .record = record, .field_count = rows};
    *changes = (struct change_list){change, 1};
    return true;
}

const struct decoder_type sim_decoder = {.name = "sim", .decode = sim_decode};

static const struct field numbered[ROWS_LIMIT] = {
    {.place = 1}, {.place = 2}, {.place = 3}, {.place = 4}};

bool sim_rows(void *context, struct change *change, struct batch *batch, struct fault *fault)
{
    (void)context;
    for (size_t i = 0; i < change->field_count; i++)
        if (!batch_add_row(batch, (struct row){change, &numbered[i]}, fault))
            return false;
    return true;
}

/* ---- the sink ---- */

static bool lose_connection(struct owner *owner, const char *text, struct fault *fault)
{
    owner->connected = owner->claimed = owner->may_drain = false;
    owner->pending.row_count = owner->pending.left_out_count = 0;
    owner->sink.pending_bytes = 0;
    return fault_set(fault, FAULT_RETRY, "%s", text);
}

/* The server takes its time; false where the task is to stop. */
static bool wait_for_server(struct owner *owner, int64_t ms)
{
    while (ms > 0) {
        int piece = ms < 200 ? (int)ms : 200;
        if (!owner->sink.idle(owner->sink.idle_context, -1, 0, piece))
            return false;
        ms -= piece;
    }
    return true;
}

static bool ask_server(struct owner *owner, struct fault *fault)
{
    if (!wait_for_server(owner, 1 + world_below(owner->world, 20)))
        return lose_connection(owner, "stopped", fault);
    if (is_down(owner->world) || fails(owner))
        return lose_connection(owner, "the target is away", fault);
    return true;
}

static void tell_memory(const struct world *world, struct memory *memory, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memory[i] = world->plan.remembers
                        ? world->stored[i]
                        : (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
}

static bool sim_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                       size_t count, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    (void)lane;
    if (!ask_server(owner, fault))
        return false;
    owner->connected = true;
    tell_memory(owner->world, memory, count);
    return true;
}

static void claim_lane(struct owner *owner, const struct lane *lane, size_t i)
{
    struct memory *stored = &owner->world->stored[i];
    if (stored->next == OFFSET_NONE)
        stored->next = owner->world->start[i] = lane->next;
    if (!lane->assigned && !lane->incoming)
        return;
    owner->epoch[i] = ++stored->epoch;
    owner->expected[i] = stored->next;
}

static bool sim_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                      size_t count, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    struct world *world = owner->world;
    owner->pending.row_count = owner->pending.left_out_count = 0;
    sink->pending_bytes = 0;
    if (!ask_server(owner, fault))
        return false;
    if (!world->calm && world_chance(world, world->plan.failure_permille / 4))
        return fault_set(fault, FAULT_CONFIG, "permission denied");
    for (size_t i = 0; world->plan.remembers && i < count; i++)
        claim_lane(owner, &lane[i], i);
    tell_memory(world, memory, count);
    if (fails(owner))
        return lose_connection(owner, "the answer to a claim was lost", fault);
    owner->connected = owner->claimed = true;
    return true;
}

static bool sim_put(struct sink *sink, const struct batch *batch, const struct row *row,
                    size_t count, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    struct world *world = owner->world;
    const struct record *record = row->change->record;
    (void)batch;
    if (!owner->claimed)
        world_wrong(world, "put without a claim");
    if (count != world_rows_of(world, record->at.lane, record->at.mark))
        world_wrong(world, "%zu rows of t[%u]@%lld", count, record->at.lane,
                    (long long)record->at.mark);
    if (world->nature[record->at.lane][record->at.mark] == UNWRITABLE)
        return fault_set(fault, FAULT_RECORD, "a value that cannot be written");
    if (fails(owner))
        return lose_connection(owner, "lost while rows were sent", fault);
    for (size_t i = 0; i < count && owner->pending.row_count < PENDING_LIMIT; i++)
        owner->pending.row[owner->pending.row_count++] =
            (struct row_id){record->at.lane, record->at.mark, (unsigned)(row[i].field - numbered)};
    sink->pending_bytes += 100 * count;
    return true;
}

static bool sim_leave_out(struct sink *sink, struct position at, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    struct closing *closing = &owner->pending;
    if (!owner->claimed)
        world_wrong(owner->world, "leave_out without a claim");
    if (closing->left_out_count == PENDING_LIMIT)
        return lose_connection(owner, "there is no room for what is left out", fault);
    closing->left_out[closing->left_out_count++] = (struct row_id){at.lane, at.mark, 0};
    return true;
}

/* The first row that the target refuses so. */
static const struct row_id *find_nature(const struct owner *owner, enum nature nature)
{
    for (size_t i = 0; i < owner->pending.row_count; i++) {
        const struct row_id *row = &owner->pending.row[i];
        if (owner->world->nature[row->lane][row->offset] == nature)
            return row;
    }
    return NULL;
}

static bool judge_rows(struct owner *owner, struct fault *fault)
{
    struct sink *sink = &owner->sink;
    const struct row_id *row = find_nature(owner, REFUSED);
    bool named = row && owner->world->plan.names_lines;
    if (!row)
        row = find_nature(owner, DEFERRED);
    const struct row_id *puzzle = find_nature(owner, PUZZLING);
    if (!row && !puzzle)
        return true;
    struct position at = row ? (struct position){row->lane, row->offset} : (struct position){0};
    lose_connection(owner, "an error that nobody knows", fault);
    owner->world->tally.refusals++;
    world_say(owner->world, "refused: %s t[%u]@%lld", puzzle ? "puzzle" : "record",
              puzzle ? puzzle->lane : at.lane, (long long)(puzzle ? puzzle->offset : at.mark));
    if (puzzle) {
        fault->code = SINK_UNKNOWN;
        return false;
    }
    sink->blames = named;
    sink->blamed = at;
    return fault_set(fault, FAULT_RECORD, "t[%u]@%lld is refused", at.lane, (long long)at.mark);
}

static bool answer_fault(struct owner *owner, enum answer answer, struct fault *fault)
{
    owner->world->tally.fences++;
    lose_connection(owner, answer == FENCED ? "another owner has claimed" : "positions moved",
                    fault);
    fault->code = answer == FENCED ? SINK_FENCED : SINK_MOVED;
    return false;
}

static void compose(struct owner *owner, const struct reach *reach, size_t count)
{
    struct closing *closing = &owner->pending;
    memcpy(closing->epoch, owner->epoch, sizeof(closing->epoch));
    memcpy(closing->expected, owner->expected, sizeof(closing->expected));
    memcpy(closing->reach, reach, count * sizeof(*reach));
    closing->reach_count = count;
}

static bool send_closing(struct owner *owner, struct fault *fault)
{
    struct world *world = owner->world;
    /* The client gives up, or dies, and the query is under way: it arrives later. */
    if (!world->calm && world_chance(world, world->plan.failure_permille / 2)) {
        target_later(world, &owner->pending, world->now_ms + 1 + world_below(world, 8000));
        return lose_connection(owner, "no answer", fault);
    }
    enum answer answer = target_close(world, &owner->pending);
    if (answer != DONE)
        return answer_fault(owner, answer, fault);
    if (fails(owner))
        return lose_connection(owner, "the answer was lost", fault);
    return true;
}

static bool sim_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                      size_t count, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    struct world *world = owner->world;
    (void)lane;
    if (!owner->claimed)
        world_wrong(world, "flush without a claim");
    world->tally.flushes++;
    bool slow = !world->calm && world_below(world, 100) < world->plan.slow_percent;
    compose(owner, reach, count);
    if (!wait_for_server(owner, slow ? world_below(world, 15000) : 1 + world_below(world, 10))) {
        /* It was told to give up; the query may be there already. */
        if (world_chance(world, 500))
            target_later(world, &owner->pending, world->now_ms + 1 + world_below(world, 3000));
        return lose_connection(owner, "given up", fault);
    }
    if (is_down(world) || fails(owner))
        return lose_connection(owner, "the target is away", fault);
    if (!judge_rows(owner, fault) || !send_closing(owner, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        owner->expected[reach[i].lane] = reach[i].next;
    owner->pending.row_count = owner->pending.left_out_count = 0;
    sink->pending_bytes = 0;
    return true;
}

static bool sim_rehearse(struct sink *sink, struct fault *fault)
{
    struct owner *owner = owner_of_sink(sink);
    owner->world->tally.rehearsals++;
    if (!ask_server(owner, fault) || !judge_rows(owner, fault))
        return false;
    struct fault ignored;
    lose_connection(owner, "", &ignored);
    return true;
}

static void sim_stop_sink(struct sink *sink)
{
    (void)sink;
}

const struct sink_type sim_sink = {.name = "sim",
                                   .remembers = true,
                                   .recall = sim_recall,
                                   .claim = sim_claim,
                                   .put = sim_put,
                                   .leave_out = sim_leave_out,
                                   .flush = sim_flush,
                                   .rehearse = sim_rehearse,
                                   .stop = sim_stop_sink};

const struct sink_type sim_forgetful_sink = {.name = "sim",
                                             .recall = sim_recall,
                                             .claim = sim_claim,
                                             .put = sim_put,
                                             .flush = sim_flush,
                                             .rehearse = sim_rehearse,
                                             .stop = sim_stop_sink};

/* ---- dead letters ---- */

static struct owner *owner_of_letters(const struct dead_letters *letters)
{
    return (struct owner *)((uintptr_t)letters - offsetof(struct owner, letters));
}

static bool sim_add_letter(struct dead_letters *letters, const struct dead_letter *letter,
                           struct fault *fault)
{
    struct owner *owner = owner_of_letters(letters);
    const struct record *record = letter->record;
    if (!world_is_bad(owner->world, record->at.lane, record->at.mark))
        world_wrong(owner->world, "a letter of the good record t[%u]@%lld: %s", record->at.lane,
                    (long long)record->at.mark, letter->cause->text);
    if (fails(owner) || owner->letter_count == PENDING_LIMIT)
        return fault_set(fault, FAULT_RETRY, "the letters' queue is full");
    world_say(owner->world, "a letter of t[%u]@%lld", record->at.lane, (long long)record->at.mark);
    owner->letter[owner->letter_count++] = (struct row_id){record->at.lane, record->at.mark, 0};
    return true;
}

static void keep_letters(struct owner *owner, unsigned permille)
{
    for (size_t i = 0; i < owner->letter_count; i++) {
        const struct row_id *letter = &owner->letter[i];
        if (!world_chance(owner->world, permille))
            continue;
        owner->world->kept[letter->lane][letter->offset]++;
        world_say(owner->world, "the letter of t[%u]@%lld is kept", letter->lane,
                  (long long)letter->offset);
        owner->world->tally.letters++;
    }
    owner->letter_count = 0;
}

static bool sim_flush_letters(struct dead_letters *letters, struct fault *fault)
{
    struct owner *owner = owner_of_letters(letters);
    if (owner->letter_count == 0)
        return true;
    bool waited = letters->idle(letters->idle_context, -1, 0,
                                1 + (int)world_below(owner->world, 50));
    bool good = waited && !fails(owner);
    owner->may_drain = owner->may_drain && good;
    keep_letters(owner, good ? 1000 : 500);
    return good || fault_set(fault, FAULT_RETRY, "the letters were not acknowledged");
}

static void sim_close_letters(struct dead_letters *letters)
{
    (void)letters;
}

const struct dead_letters_type sim_letters = {
    .add = sim_add_letter, .flush = sim_flush_letters, .close = sim_close_letters};

void letters_of_the_dead(struct owner *owner)
{
    keep_letters(owner, 500);
}
