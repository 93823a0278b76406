/*
 * The task with lanes that come and go, and a target that fails at the n-th call: every record's
 * rows are there exactly once, in order.
 */
#include "lane_kit.h"

#include "mem.h"

static const struct step one_lane[] = {{1, DO_ASSIGN, 1, false}, {0}};
static const struct step all_lanes[] = {{1, DO_ASSIGN, ALL, false}, {0}};
static const struct step growing[] = {
    {1, DO_ASSIGN, 1, false}, {3, DO_ASSIGN, 3, true}, {5, DO_ASSIGN, ALL, false}, {0}};
static const struct step revoking[] = {{1, DO_ASSIGN, ALL, false},
                                       {4, DO_REVOKE, 2, true},
                                       {6, DO_REVOKE, 1, false},
                                       {8, DO_ASSIGN, 3, true},
                                       {10, DO_REVOKE, ALL, true},
                                       {13, DO_ASSIGN, 5, false},
                                       {0}};
static const struct step losing[] = {{1, DO_ASSIGN, ALL, false}, {3, DO_LOSE, ALL, true},
                                     {5, DO_ASSIGN, ALL, false}, {7, DO_LOSE, 2, false},
                                     {9, DO_ASSIGN, 2, true},    {0}};
static const struct step breaking[] = {{1, DO_ASSIGN, ALL, false},
                                       {3, DO_BREAK, 0, true},
                                       {4, DO_BREAK, 0, false},
                                       {7, DO_REVOKE, 1, true},
                                       {0}};
/* Another worker is there before the group says so; the group then refuses our commit. */
static const struct step fencing[] = {
    {1, DO_ASSIGN, ALL, false}, {4, DO_TAKE, ALL, true}, {9, DO_ASSIGN, ALL, false}, {0}};

static const struct {
    const char *name;
    const struct step *script;
} scripts[] = {{"one", one_lane},      {"all", all_lanes}, {"growing", growing},
               {"revoking", revoking}, {"losing", losing}, {"breaking", breaking},
               {"fencing", fencing}};

static const size_t per_polls[] = {1, 3, 50};
static const char *const batches[] = {"", "batch.rows.max=3", "linger.ms=60000;batch.rows.max=7"};

/* One run; gives how many calls there were of those that may fail. */
static unsigned run_once(size_t script, size_t per_poll, const char *batch, enum call call,
                         enum failure how, unsigned nth)
{
    static struct world world;
    char what[100];
    snprintf(what, sizeof(what), "%s, %zu a poll, %s, call %d, failure %d at %u",
             scripts[script].name, per_poll, batch, (int)call, (int)how, nth);
    world_start(&world, scripts[script].script, per_poll, true, batch);
    world.fail = call;
    world.how = how;
    world.nth = nth;
    world.foreign = 2;
    /* Only the flush of a stop may fail for good: it is told, and what was not done is not
       stored. */
    bool good = task_run(&world.task, &world.fault);
    assert_true(world.task.stop);
    check_number(what, world.task.status.state, good ? TASK_STOPPED : TASK_FAILED);
    if (!good)
        check_fault(what, call != CALL_FLUSH, &world.fault, FAULT_RETRY, "");
    for (size_t i = 0; i < LANES; i++)
        if (good && world.lane[i].assigned)
            check_number(what, world.stored[i].next, HIGH);
    world_finish(&world);
    check_lanes(&world, -1);
    unsigned calls = world.calls;
    world_stop(&world);
    return calls;
}

static void check_call(enum call call, enum failure how)
{
    for (size_t script = 0; script < COUNT(scripts); script++)
        for (size_t poll = 0; poll < COUNT(per_polls); poll++)
            for (size_t batch = 0; batch < COUNT(batches); batch++)
                for (unsigned nth = 1;
                     run_once(script, per_polls[poll], batches[batch], call, how, nth) >= nth;
                     nth++)
                    continue;
}

static void test_nothing_fails(void **state)
{
    (void)state;
    check_call(CALL_NONE, FAIL_BEFORE);
}

static void test_describe_fails(void **state)
{
    (void)state;
    check_call(CALL_DESCRIBE, FAIL_BEFORE);
}

static void test_assign_fails(void **state)
{
    (void)state;
    check_call(CALL_ASSIGN, FAIL_BEFORE);
}

static void test_recall_fails(void **state)
{
    (void)state;
    check_call(CALL_RECALL, FAIL_BEFORE);
}

static void test_claim_fails(void **state)
{
    (void)state;
    check_call(CALL_CLAIM, FAIL_BEFORE);
    check_call(CALL_CLAIM, FAIL_AFTER);
}

/* Another worker delivers between recall and claim: what claim says counts. */
static void test_moved_before_claim(void **state)
{
    (void)state;
    check_call(CALL_CLAIM, FAIL_FENCED);
}

static void test_put_fails(void **state)
{
    (void)state;
    check_call(CALL_PUT, FAIL_BEFORE);
}

static void test_flush_fails(void **state)
{
    (void)state;
    check_call(CALL_FLUSH, FAIL_BEFORE);
}

static void test_answer_lost(void **state)
{
    (void)state;
    check_call(CALL_FLUSH, FAIL_AFTER);
}

static void test_fenced(void **state)
{
    (void)state;
    check_call(CALL_FLUSH, FAIL_FENCED);
}

static void test_moved(void **state)
{
    (void)state;
    check_call(CALL_FLUSH, FAIL_MOVED);
}

/* A sink without a memory: nothing is missing, and the group's offsets follow. */
static void test_forgetful_sink(void **state)
{
    (void)state;
    static struct world world;
    static const struct step *const kept[] = {one_lane, all_lanes, growing};
    for (size_t script = 0; script < COUNT(kept); script++) {
        for (size_t poll = 0; poll < COUNT(per_polls); poll++) {
            for (unsigned nth = 1; nth < 12; nth++) {
                world_start(&world, kept[script], per_polls[poll], false, "");
                world.fail = CALL_FLUSH;
                world.how = nth % 2 ? FAIL_BEFORE : FAIL_AFTER;
                world.nth = nth;
                bool good = task_run(&world.task, &world.fault);
                assert_true(world.task.stop);
                for (size_t i = 0; good && i < LANES; i++)
                    if (world.lane[i].assigned)
                        check_number("committed", world.lane[i].committed, HIGH);
                if (good)
                    check_at_least_once(&world);
                world_stop(&world);
            }
        }
    }
}

/* What "latest" meant is written down for all partitions before anything is read: those that nobody
   has yet begin there too, and not at the end of another day. The beginning stays where it is, and
   another owner may be on its way from there already: nothing is told of its partitions. */
static void test_forgetful_start_is_committed(void **state)
{
    (void)state;
    static struct world world;
    static const struct {
        const char *reset;
        int64_t start;
    } cases[] = {{"auto.offset.reset=earliest", OFFSET_NONE}, {"auto.offset.reset=latest", HIGH}};
    static const struct step script[] = {{1, DO_ASSIGN, 1, false}, {0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        world_start(&world, script, 3, false, cases[i].reset);
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_number("ours", world.lane[0].committed, HIGH);
        check_number("nobody's", world.lane[1].committed, cases[i].start);
        check_number("nobody's", world.lane[2].committed, cases[i].start);
        check_number("rows", (int64_t)(world.durable > 0), cases[i].start != HIGH);
        world_stop(&world);
    }
}

/* The reader of the topic's first partition says at last what "latest" is. */
static void tell_latest(struct world *world)
{
    static const int64_t told[LANES] = {4, 5, 6};
    if (world->beats < 3)
        return;
    for (size_t i = 0; i < LANES; i++)
        if (world->lane[i].committed == OFFSET_NONE)
            world->lane[i].committed = told[i];
}

/* Until then nothing of the other partitions is read, and nothing told of them. */
static void test_forgetful_start_is_awaited(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, 2, false}, {0}};
    world_start(&world, script, 3, false, "auto.offset.reset=latest");
    world.on_beat = tell_latest;
    world.task.retry.delay_max_ms = 100; /* it is told while the task waits */
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_number("the first", world.lane[0].committed, 4);
    check_number("ours", world.lane[1].committed, HIGH);
    check_number("the last", world.lane[2].committed, 6);
    check_number("tries", (int64_t)world.task.status.counts.retries > 0, true);
    assert_true(world.durable > 0);
    for (size_t i = 0; i < world.durable; i++)
        assert_true(world.row[i] >= ID(1, 5) && world.row[i] < ID(2, 0));
    world_stop(&world);
}

/* ---- a task that failed and begins anew (restart.policy) ---- */

static void renew(struct world *world)
{
    struct memory stored[LANES];
    memcpy(stored, world->stored, sizeof(stored));
    world->polls = 0;
    world->broken = true;
    drop_pending(world);
    clear_lanes(world);
    memcpy(world->stored, stored, sizeof(stored));
    /* It has no lanes until the group speaks, which takes some polls. */
    static const struct step late[] = {{3, DO_ASSIGN, ALL, false}, {0}};
    world->script = late;
    world->source = (struct source){.type = &world_source_type};
    check_good("renew", task_renew(&world->task, &world->config, &world->fault), &world->fault);
}

/* It failed at a record that may not be left out, which the target takes by now. */
static void test_renewed(void **state)
{
    (void)state;
    static struct world world;
    for (int64_t offset = 0; offset < HIGH; offset++) {
        for (size_t poll = 0; is_record(offset) && poll < COUNT(per_polls); poll++) {
            for (int in_put = 0; in_put < 2; in_put++) {
                world_start(&world, all_lanes, per_polls[poll], true, "");
                *(in_put ? &world.bad_put : &world.bad_flush[0]) = ID(1, offset);
                check_fault("run", task_run(&world.task, &world.fault), &world.fault, FAULT_RECORD,
                            "");
                assert_false(world.task.stop);
                check_number("state", world.task.status.state, TASK_FAILED);
                world.bad_put = world.bad_flush[0] = -1;
                renew(&world);
                check_good("run", task_run(&world.task, &world.fault), &world.fault);
                check_number("state", world.task.status.state, TASK_STOPPED);
                check_lanes(&world, -1);
                world_stop(&world);
            }
        }
    }
}

/* What was left of errors.retry.timeout is not held against it. */
static void test_renewed_after_the_timeout(void **state)
{
    (void)state;
    static struct world world;
    world_start(&world, all_lanes, 3, true, "errors.retry.timeout=100");
    world.task.retry.delay_max_ms = 50;
    world.fail = CALL_FLUSH;
    world.nth = 2;
    world.for_ever = true;
    check_fault("run", task_run(&world.task, &world.fault), &world.fault, FAULT_RETRY,
                "given up after errors.retry.timeout");
    renew(&world);
    world.nth = world.calls + 1;
    world.for_ever = false;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_lanes(&world, -1);
    world_stop(&world);
}

/* ---- turns ---- */

/* Nothing is flushed before for want of a limit; being asked for the lanes is enough. */
static void test_revoke_flushes(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {
        {1, DO_ASSIGN, ALL, false}, {4, DO_REVOKE, 1, true}, {5, DO_STOP, 0, false}, {0}};
    world_start(&world, script, 2, true, "linger.ms=60000");
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_number("flushed", world.stored[0].next, 2);
    check_number("committed", world.lane[0].committed, 2);
    check_number("given up", world.lane[0].assigned, false);
    check_number("kept", world.lane[1].assigned, true);
    check_number("rebalances", (int64_t)world.task.status.counts.rebalances, 1);
    world_stop(&world);
}

/* Lanes that are lost are somebody else's: what was put of them is dropped, nothing is
   committed. */
static void test_lost_drops(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {
        {1, DO_ASSIGN, ALL, false}, {4, DO_LOSE, ALL, true}, {6, DO_STOP, 0, false}, {0}};
    world_start(&world, script, 2, true, "linger.ms=60000");
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_number("flushes", world.flushes_since_loss, 0);
    check_number("commits", world.commits_since_loss, 0);
    check_number("durable", (int64_t)world.durable, 0);
    check_number("unassigned", world.unassigns, 1);
    check_number("state", world.task.status.state, TASK_STOPPED);
    world_stop(&world);
}

/* The same where a flush or a commit was just due, and where a stop comes with it. */
static void test_lost_commits_nothing(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, ALL, false}, {4, DO_LOSE, ALL, false}, {0}};
    static const char *const options[] = {"", "linger.ms=60000", "batch.rows.max=1"};
    for (size_t i = 0; i < COUNT(options); i++) {
        for (size_t per_poll = 1; per_poll < 4; per_poll++) {
            world_start(&world, script, per_poll, true, options[i]);
            check_good("run", task_run(&world.task, &world.fault), &world.fault);
            check_number(options[i], world.commits_of_lost, 0);
            world_stop(&world);
        }
    }
}

static void stop_when_lost(struct world *world)
{
    world->task.stop = world->source.turn == SOURCE_LOST;
}

static bool poll_then_stop(struct source *source, struct batch *batch, int timeout_ms,
                           struct fault *fault)
{
    bool good = world_poll(source, batch, timeout_ms, fault);
    stop_when_lost(world_of(source));
    return good;
}

static void test_lost_and_stopped(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, ALL, false}, {4, DO_LOSE, ALL, true}, {0}};
    struct source_type type = world_source_type;
    type.poll = poll_then_stop;
    world_start(&world, script, 2, true, "linger.ms=60000;batch.rows.max=8");
    world.source.type = &type;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_number("commits of lost lanes", world.commits_of_lost, 0);
    world_stop(&world);
}

/* The group takes the lanes while the sink waits for its target: the flush is late, or fenced. */
static void lose_all(struct world *world)
{
    static const struct step step = {1, DO_LOSE, ALL, false};
    do_step(world, &step);
    world->on_beat = NULL;
}

static bool slow_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                       size_t count, struct fault *fault)
{
    bool late = world_of_sink(sink)->how == FAIL_AFTER;
    if (!late)
        sink->idle(sink->idle_context, -1, 0, 0);
    bool good = world_flush(sink, lane, reach, count, fault);
    if (late)
        sink->idle(sink->idle_context, -1, 0, 0);
    return good;
}

static void test_lost_while_flushing(void **state)
{
    (void)state;
    static struct world world;
    struct sink_type type = world_sink_remembers;
    type.flush = slow_flush;
    for (int late = 0; late < 2; late++) {
        world_start(&world, all_lanes, 4, true, "batch.rows.max=3");
        world.sink.type = &type;
        world.how = late ? FAIL_AFTER : FAIL_BEFORE;
        world.on_beat = lose_all;
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_number(late ? "commits, late" : "commits, fenced", world.commits_of_lost, 0);
        check_number("unassigned", world.unassigns, 1);
        world_finish(&world);
        check_lanes(&world, -1);
        world_stop(&world);
    }
}

/* ---- fences ---- */

/* Left behind: the lanes are given up, and nothing is read until some are assigned again. */
static void check_left_behind(size_t per_poll, int foreign)
{
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, ALL, false}, {4, DO_TAKE, ALL, true}, {0}};
    world_start(&world, script, per_poll, true, "");
    world.foreign = foreign;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    for (size_t i = 0; i < LANES; i++) {
        assert_false(world.lane[i].assigned || world.lane[i].incoming);
        check_number("committed", world.lane[i].committed <= world.stored[i].next, true);
    }
    check_number("claims", world.claims, 1);
    check_number("assigns", world.assigns, 1);
    check_number("unassigned", world.unassigns, 1);
    world_finish(&world);
    check_lanes(&world, -1);
    world_stop(&world);
}

static void test_left_behind(void **state)
{
    (void)state;
    for (size_t per_poll = 1; per_poll < 6; per_poll++)
        for (int foreign = 0; foreign < 5; foreign++)
            check_left_behind(per_poll, foreign);
}

/* The group says that they are ours: they are claimed anew, at once. */
static void test_fence_is_ours(void **state)
{
    (void)state;
    static struct world world;
    for (unsigned nth = 1; nth < 6; nth++) {
        world_start(&world, all_lanes, 2, true, "batch.rows.max=3");
        world.fail = CALL_FLUSH;
        world.how = FAIL_FENCED;
        world.nth = nth;
        world.foreign = 1;
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_number("claims", world.claims, 2);
        check_number("unassigned", world.unassigns, 0);
        check_number("retries", (int64_t)world.task.status.counts.retries, 1);
        check_lanes(&world, -1);
        world_stop(&world);
    }
}

/* The group says nothing, before or behind a claim: nothing more is claimed until it does, so that
   a worker cut off from it fences the rightful owner no more than once. */
static void test_silent_group(void **state)
{
    (void)state;
    static struct world world;
    for (unsigned nth = 1; nth < 6; nth++) {
        for (unsigned mute = 1; mute < 5; mute++) {
            world_start(&world, all_lanes, 2, true, "batch.rows.max=3");
            world.fail = CALL_FLUSH;
            world.how = nth % 2 ? FAIL_FENCED : FAIL_BEFORE;
            world.nth = nth;
            world.foreign = 1;
            world.mute = mute;
            check_good("run", task_run(&world.task, &world.fault), &world.fault);
            check_number("claims: two for the silence, one for the failure", world.claims, 3);
            check_number("claims without an answer", world.claims_unasked, 0);
            check_number("retries", (int64_t)world.task.status.counts.retries, mute + 1);
            check_lanes(&world, -1);
            world_stop(&world);
        }
    }
}

/* Stopped in the middle of a claim, and left behind: it claims late, and writes nothing. */
static void test_claimed_too_late(void **state)
{
    (void)state;
    static struct world world;
    world_start(&world, all_lanes, 2, true, "");
    world.refuse_all = true;
    world.foreign = 3;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_number("claims", world.claims, 1);
    check_number("assigns", world.assigns, 0);
    check_number("unassigned", world.unassigns, 1);
    check_number("rows", (int64_t)world.durable, 0);
    world_stop(&world);
}

/* ---- records that are refused ---- */

static int64_t offset_of_place(const char *text, size_t *lane)
{
    long long offset = -1;
    unsigned number = LANES;
    const char *place = strstr(text, "t[");
    assert_true(place && sscanf(place, "t[%u]@%lld", &number, &offset) == 2);
    *lane = number;
    return offset;
}

/* All that was read before the record named is there, and nothing of it or behind it. */
static void check_named(struct world *world, bool good, size_t bad_lane, int64_t bad)
{
    size_t lane;
    char part[100];
    snprintf(part, sizeof(part), "row %lld is refused", (long long)ID(bad_lane, bad));
    check_fault("refused", good, &world->fault, FAULT_RECORD, part);
    check_number("offset", offset_of_place(world->fault.text, &lane), bad);
    check_number("lane", (int64_t)lane, (int64_t)bad_lane);
    check_number("state", world->task.status.state, TASK_FAILED);
    check_number("stored", world->stored[bad_lane].next <= bad, true);
    for (int64_t at = world->stored[bad_lane].next; at < bad; at++)
        assert_false(is_record(at));
    for (size_t i = 0; i < LANES; i++)
        check_lane(world, i, world->stored[i].next, -1);
}

static void check_bad_flush(size_t script, size_t per_poll, const char *options, int64_t bad,
                            unsigned nth)
{
    static struct world world;
    world_start(&world, scripts[script].script, per_poll, true, options);
    world.bad_flush[0] = ID(0, bad);
    world.fail = CALL_FLUSH;
    world.how = nth % 2 ? FAIL_BEFORE : FAIL_AFTER;
    world.nth = nth;
    bool good = task_run(&world.task, &world.fault);
    check_named(&world, good, 0, bad);
    world_stop(&world);
}

static void test_flush_refuses(void **state)
{
    (void)state;
    static const char *const limits[] = {"", "batch.rows.max=3", "batch.rows.max=7"};
    for (size_t script = 0; script < 3; script++)
        for (size_t poll = 0; poll < COUNT(per_polls); poll++)
            for (size_t limit = 0; limit < COUNT(limits); limit++)
                for (int64_t bad = 0; bad < HIGH; bad++)
                    for (unsigned nth = 0; nth < 5 && is_record(bad); nth++)
                        check_bad_flush(script, per_polls[poll], limits[limit], bad, nth);
}

/* Of two the first is named, whichever flush they came in. */
static void test_flush_refuses_two(void **state)
{
    (void)state;
    static struct world world;
    for (int64_t bad = 0; bad < HIGH - 1; bad++) {
        if (!is_record(bad) || !is_record(bad + 1))
            continue;
        world_start(&world, one_lane, 50, true, "");
        world.bad_flush[0] = ID(0, bad);
        world.bad_flush[1] = ID(0, bad + 1);
        bool good = task_run(&world.task, &world.fault);
        check_named(&world, good, 0, bad);
        world_stop(&world);
    }
}

/* The flush of a stop is refused: there is no time to look closer, but what is stored holds. */
static void test_stop_is_refused(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, ALL, false}, {5, DO_STOP, 0, true}, {0}};
    world_start(&world, script, 4, true, "linger.ms=60000");
    world.bad_flush[0] = ID(0, 1);
    check_fault("run", task_run(&world.task, &world.fault), &world.fault, FAULT_RECORD,
                "row 1 is refused");
    check_number("commits but the claim's", world.commits, 1);
    world.bad_flush[0] = -1; /* the next owner has its own luck */
    world_finish(&world);
    check_lanes(&world, -1);
    world_stop(&world);
}

/* put refuses a record: the same, and with tolerance it alone is missing. */
static void check_bad_put(size_t per_poll, const char *options, int64_t bad, bool tolerant)
{
    static struct world world;
    world_start(&world, all_lanes, per_poll, true, options);
    world.bad_put = ID(1, bad);
    bool good = task_run(&world.task, &world.fault);
    if (tolerant) {
        check_good("run", good, &world.fault);
        check_lanes(&world, ID(1, bad));
        check_number("errors", (int64_t)world.task.errors, 1);
        check_number("position", world.stored[1].next, HIGH);
    } else {
        world.bad_put = -1;
        check_named(&world, good, 1, bad);
    }
    world_stop(&world);
}

static void test_put_refuses(void **state)
{
    (void)state;
    for (size_t poll = 0; poll < COUNT(per_polls); poll++) {
        for (int64_t bad = 0; bad < HIGH; bad++) {
            if (!is_record(bad))
                continue;
            check_bad_put(per_polls[poll], "linger.ms=60000", bad, false);
            check_bad_put(per_polls[poll], "batch.rows.max=3", bad, false);
            check_bad_put(per_polls[poll], "errors.tolerance=all", bad, true);
        }
    }
}

/* With tolerance what the target refuses in a flush is left out, kept, and nothing else is. */
static void check_left_out(size_t script, size_t per_poll, const char *batch, int64_t bad,
                           bool named, unsigned letters_nth)
{
    static struct world world;
    char options[200];
    snprintf(options, sizeof(options), "errors.tolerance=all;%s", batch);
    world_start(&world, scripts[script].script, per_poll, true, options);
    world.bad_flush[0] = ID(0, bad);
    world.named = named;
    world.letters_nth = letters_nth;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    check_lane(&world, 0, HIGH, ID(0, bad));
    check_number("position", world.stored[0].next, HIGH);
    check_number("letters", (int64_t)world.letters_kept, 1);
    check_number("letter", world.letter[0], ID(0, bad));
    check_number("few tries", world.refused_flushes <= 7, true);
    world_stop(&world);
}

static void test_flush_leaves_out(void **state)
{
    (void)state;
    /* The third kind of batch is flushed by the stop alone, which looks for nothing. */
    for (size_t script = 0; script < 3; script++)
        for (size_t poll = 0; poll < COUNT(per_polls); poll++)
            for (size_t batch = 0; batch < 2; batch++)
                for (int64_t bad = 0; bad < HIGH; bad++)
                    for (unsigned how = 0; how < 4 && is_record(bad); how++)
                        check_left_out(script, per_polls[poll], batches[batch], bad, how & 1,
                                       how / 2);
}

/* The same while the n-th call fails, also in the middle of looking for the records: the second is
   found in the batch at hand. Gives how many calls there were. */
static unsigned leave_out_once(size_t per_poll, enum call call, enum failure how, unsigned nth)
{
    static struct world world;
    char what[100];
    snprintf(what, sizeof(what), "%zu a poll, call %d, failure %d at %u", per_poll, (int)call,
             (int)how, nth);
    world_start(&world, all_lanes, per_poll, true, "errors.tolerance=all");
    world.bad_flush[0] = ID(0, 1);
    world.bad_flush[1] = ID(1, 7);
    world.bad_put = ID(2, 6); /* in a batch with the second */
    world.fail = call;
    world.how = how;
    world.nth = nth;
    world.foreign = 2;
    /* As in run_once, and the flush of a stop looks for nothing. */
    bool good = task_run(&world.task, &world.fault);
    if (!good)
        check_fault(what, call != CALL_FLUSH, &world.fault, FAULT_RETRY, "");
    for (size_t i = 0; i < LANES; i++)
        if (good)
            check_number(what, world.stored[i].next, HIGH);
    world_finish(&world);
    check_lane(&world, 0, HIGH, ID(0, 1));
    check_lane(&world, 1, HIGH, ID(1, 7));
    check_lane(&world, 2, HIGH, ID(2, 6));
    assert_true(is_left_out(&world, ID(0, 1)) && is_left_out(&world, ID(1, 7))
                && is_left_out(&world, ID(2, 6)));
    for (size_t i = 0; i < world.letters_kept; i++)
        assert_true(is_bad(&world, world.letter[i]));
    for (size_t i = 0; i < world.left_stored; i++)
        assert_true(is_bad(&world, world.left[i]));
    unsigned calls = world.calls;
    world_stop(&world);
    return calls;
}

static void test_leaves_out_while_calls_fail(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        enum failure how;
    } troubles[] = {
        {CALL_RECALL, FAIL_BEFORE}, {CALL_CLAIM, FAIL_BEFORE}, {CALL_CLAIM, FAIL_AFTER},
        {CALL_CLAIM, FAIL_FENCED},  {CALL_PUT, FAIL_BEFORE},   {CALL_FLUSH, FAIL_BEFORE},
        {CALL_FLUSH, FAIL_AFTER},   {CALL_FLUSH, FAIL_FENCED}, {CALL_FLUSH, FAIL_MOVED}};
    for (size_t i = 0; i < COUNT(troubles); i++)
        for (size_t poll = 0; poll < COUNT(per_polls); poll++)
            for (unsigned nth = 1;
                 leave_out_once(per_polls[poll], troubles[i].call, troubles[i].how, nth) >= nth;
                 nth++)
                continue;
}

/* The target fails behind the letter, and takes the record when it is read again. */
static bool fail_and_mend(struct sink *sink, const struct lane *lane, const struct reach *reach,
                          size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    bool first = is_told(world, world->bad_put);
    if (first)
        world->bad_put = -1;
    return first ? refuse_flush(world, "the target is away", 0, fault)
                 : world_flush(sink, lane, reach, count, fault);
}

static void test_a_letter_whose_record_is_written(void **state)
{
    (void)state;
    static struct world world;
    struct sink_type type = world_sink_remembers;
    type.flush = fail_and_mend;
    for (size_t poll = 0; poll < COUNT(per_polls); poll++) {
        world_start(&world, all_lanes, per_polls[poll], true, "errors.tolerance=all");
        world.sink.type = &type;
        world.bad_put = ID(1, 6);
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_lanes(&world, -1);
        check_number("letters", (int64_t)world.letters_kept, 1);
        check_number("left out", (int64_t)world.left_stored, 0);
        world_stop(&world);
    }
}

/* A hint that names the wrong record does no harm. */
static bool misname(struct sink *sink, const struct lane *lane, const struct reach *reach,
                    size_t count, struct fault *fault)
{
    bool good = world_flush(sink, lane, reach, count, fault);
    sink->blamed = (struct position){0, world_of_sink(sink)->nth};
    return good;
}

static void test_wrong_hint(void **state)
{
    (void)state;
    static struct world world;
    struct sink_type type = world_sink_remembers;
    type.flush = misname;
    for (unsigned named = 0; named < HIGH; named++) {
        world_start(&world, one_lane, 50, true, "errors.tolerance=all");
        world.sink.type = &type;
        world.bad_flush[0] = ID(0, 6);
        world.named = true;
        world.nth = named;
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_lane(&world, 0, HIGH, ID(0, 6));
        check_number("letters", (int64_t)world.letters_kept, 1);
        world_stop(&world);
    }
}

/* An error that nobody knows and that follows one record while a neighbour would be taken. */
static void test_unknown_follows_a_record(void **state)
{
    (void)state;
    static struct world world;
    for (int64_t bad = 0; bad < HIGH - 1; bad++) {
        if (!is_record(bad))
            continue;
        world_start(&world, all_lanes, 50, true, "errors.tolerance=all");
        world.puzzle = ID(1, bad);
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_lanes(&world, ID(1, bad));
        check_number("letters", (int64_t)world.letters_kept, 1);
        check_number("letter", world.letter[0], ID(1, bad));
        world_stop(&world);
    }
}

/* The same error for all records is an outage, whatever its name: nothing is left out. */
static bool puzzle_all(struct sink *sink, const struct lane *lane, const struct reach *reach,
                       size_t count, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    if (++world->calls < 60 && world->put > world->durable)
        return refuse_flush(world, "who knows", SINK_UNKNOWN, fault);
    return world_flush(sink, lane, reach, count, fault);
}

static bool puzzle_rehearsal(struct sink *sink, struct fault *fault)
{
    struct world *world = world_of_sink(sink);
    drop_pending(world);
    world->broken = true;
    return fault_set(fault, FAULT_RETRY, "who knows");
}

static void test_unknown_for_all_is_an_outage(void **state)
{
    (void)state;
    static struct world world;
    struct sink_type type = world_sink_remembers;
    type.flush = puzzle_all;
    for (int can = 0; can < 2; can++) {
        type.rehearse = can ? puzzle_rehearsal : NULL;
        world_start(&world, all_lanes, 4, true, "errors.tolerance=all");
        world.sink.type = &type;
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_lanes(&world, -1);
        check_number("letters", (int64_t)world.letters_added, 0);
        assert_true(world.task.status.counts.retries > 20);
        world_stop(&world);
    }
}

/* Whether the failure has not come yet: then one of the next n allocations fails. */
static bool mem_waits(uint64_t nth)
{
    bool waits = false;
    for (uint64_t i = 0; i < nth && !waits; i++) {
        void *piece = mem_alloc(1);
        waits = !piece;
        mem_free(piece);
    }
    mem_fail_at(0);
    return waits;
}

/* The bad record is left out where the task got to it; the other worker knows nothing of it. */
static void check_lanes_of_bad(const struct world *world, int64_t bad)
{
    bool written = false;
    for (size_t i = 0; i < world->durable; i++)
        written = written || world->row[i] == bad;
    check_lanes(world, written ? -1 : bad);
    if (!written)
        assert_true(is_left_out(world, bad));
}

/* The n-th allocation of a run fails, for every n: it is an outage like any other. */
static bool run_starved(size_t script, uint64_t nth)
{
    static struct world world;
    world_start(&world, scripts[script].script, 3, true, "errors.tolerance=all;batch.rows.max=7");
    world.bad_flush[0] = ID(0, 6);
    world.foreign = 2;
    mem_fail_at(nth);
    bool good = task_run(&world.task, &world.fault);
    bool failed = !mem_waits(nth);
    if (!good)
        check_fault("run", good, &world.fault, FAULT_RETRY, "");
    world_finish(&world);
    check_lanes_of_bad(&world, ID(0, 6));
    world_stop(&world);
    return failed;
}

static void test_memory_fails(void **state)
{
    (void)state;
    for (size_t script = 0; script < COUNT(scripts); script++) {
        uint64_t nth = 1;
        while (run_starved(script, nth) && nth < 3000)
            nth++;
        assert_in_range(nth, 5, 2999);
    }
}

/* ---- stops, waits and the clock ---- */

/* A stop comes with the n-th poll: all that was read is flushed and committed. */
static void test_stop(void **state)
{
    (void)state;
    static struct world world;
    for (unsigned poll = 2; poll < 8; poll++) {
        for (int loaded = 0; loaded < 2; loaded++) {
            const struct step script[] = {
                {1, DO_ASSIGN, ALL, false}, {poll, DO_STOP, 0, loaded}, {0}};
            world_start(&world, script, 4, true, "linger.ms=60000");
            check_good("run", task_run(&world.task, &world.fault), &world.fault);
            check_number("polls", world.polls, poll);
            for (size_t i = 0; i < LANES; i++) {
                check_number("flushed", world.stored[i].next, world.read_at[i]);
                check_number("committed", world.lane[i].committed, world.read_at[i]);
                check_lane(&world, i, world.read_at[i], -1);
            }
            check_number("state", world.task.status.state, TASK_STOPPED);
            world_stop(&world);
        }
    }
}

/* The last flush of a stop fails: that is told, and nothing is committed that is not there. */
static void test_stop_fails(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, ALL, false}, {3, DO_STOP, 0, true}, {0}};
    world_start(&world, script, 4, true, "linger.ms=60000");
    world.fail = CALL_FLUSH;
    world.nth = 1;
    check_fault("run", task_run(&world.task, &world.fault), &world.fault, FAULT_RETRY,
                "the target is away");
    check_number("commits but the claim's", world.commits, 1);
    world.bad_flush[0] = -1; /* the next owner has its own luck */
    world_finish(&world);
    check_lanes(&world, -1);
    world_stop(&world);
}

/* Errors that a person must mend are shown, and a stop ends the wait for that person. */
static void stop_when_failed(struct world *world)
{
    struct task_status status = task_get_status(&world->task);
    check_number("state", status.state, TASK_FAILED);
    check_text("trace", str_from(status.trace), "call 3 failed");
    world->task.stop = true;
}

static void test_config_fault_waits(void **state)
{
    (void)state;
    static struct world world;
    world_start(&world, all_lanes, 4, true, "");
    world.fail = CALL_RECALL;
    world.nth = 1;
    world.kind = FAULT_CONFIG;
    world.on_beat = stop_when_failed;
    int64_t began = clock_steady_ms();
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    assert_true(clock_steady_ms() - began < 5000);
    assert_true(world.beats > 0);
    check_number("durable", (int64_t)world.durable, 0);
    world_stop(&world);
}

/* Lanes that are asked back while the task waits are given up at once. */
static void revoke_all(struct world *world)
{
    static const struct step step = {1, DO_REVOKE, ALL, false};
    check_number("state", task_get_status(&world->task).state, TASK_FAILED);
    do_step(world, &step);
    world->on_beat = NULL;
}

static void test_revoked_while_waiting(void **state)
{
    (void)state;
    static struct world world;
    world_start(&world, all_lanes, 1, true, "");
    world.fail = CALL_PUT;
    world.nth = 5;
    world.kind = FAULT_CONFIG;
    world.on_beat = revoke_all;
    int64_t began = clock_steady_ms();
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    assert_true(clock_steady_ms() - began < 5000);
    check_number("unassigned", world.unassigns, 1);
    world_finish(&world);
    check_lanes(&world, -1);
    world_stop(&world);
}

/* A failure is shown until something was flushed, whatever is taken up meanwhile. */
static bool watching_poll(struct source *source, struct batch *batch, int timeout_ms,
                          struct fault *fault)
{
    struct world *world = world_of(source);
    static const struct step back = {1, DO_ASSIGN, ALL, false};
    struct task_status status = task_get_status(&world->task);
    bool ours = world->lane[0].assigned;
    enum task_state failed = world->kind == FAULT_CONFIG ? TASK_FAILED : TASK_RETRYING;
    enum task_state going = world->durable == 0 && world->calls > 0 ? failed : TASK_RUNNING;
    check_number("state", status.state, ours ? going : TASK_UNASSIGNED);
    bool told = strstr(status.trace, "call 5 failed") != NULL;
    check_number("trace", told, ours && going == failed);
    if (!world_poll(source, batch, timeout_ms, fault))
        return false;
    if (!ours && world->source.turn == SOURCE_STEADY)
        do_step(world, &back);
    return true;
}

/* The third attempt goes well; before each one the lanes go and come back. */
static void lose_twice(struct world *world)
{
    static const struct step step = {1, DO_LOSE, ALL, false};
    if (world->source.turn != SOURCE_STEADY || !world->lane[0].assigned)
        return;
    check_number("state", task_get_status(&world->task).state,
                 world->kind == FAULT_CONFIG ? TASK_FAILED : TASK_RETRYING);
    do_step(world, &step);
    world->for_ever = world->calls < 2;
}

static void test_failure_is_shown_until_success(void **state)
{
    (void)state;
    static struct world world;
    struct source_type type = world_source_type;
    type.poll = watching_poll;
    static const enum fault_kind kinds[] = {FAULT_CONFIG, FAULT_RETRY};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        world_start(&world, all_lanes, 4, true, "batch.rows.max=3");
        world.source.type = &type;
        world.fail = CALL_PUT;
        world.nth = 1;
        world.for_ever = true;
        world.kind = kinds[i];
        world.on_beat = lose_twice;
        world.task.retry.delay_max_ms = 100;
        check_good("run", task_run(&world.task, &world.fault), &world.fault);
        check_number("attempts that failed", (int64_t)world.task.status.counts.retries, 2);
        check_number("state", world.task.status.state, TASK_STOPPED);
        world_finish(&world);
        check_lanes(&world, -1);
        world_stop(&world);
    }
}

static void test_timeout(void **state)
{
    (void)state;
    static struct world world;
    static const enum call calls[] = {CALL_DESCRIBE, CALL_RECALL, CALL_CLAIM, CALL_PUT, CALL_FLUSH};
    for (size_t i = 0; i < COUNT(calls); i++) {
        world_start(&world, all_lanes, 4, true, "errors.retry.timeout=400");
        world.task.retry.delay_max_ms = world.task.settings.retry_delay_max_ms;
        world.fail = calls[i];
        world.nth = 1;
        world.for_ever = true;
        int64_t began = clock_steady_ms();
        check_fault("run", task_run(&world.task, &world.fault), &world.fault, FAULT_RETRY,
                    "given up after errors.retry.timeout");
        assert_in_range(clock_steady_ms() - began, 400, 5000);
        assert_true(world.task.status.counts.retries >= 3);
        assert_true(world.beats > 0);
        check_number("state", world.task.status.state, TASK_FAILED);
        check_number("durable", (int64_t)world.durable, 0);
        world_stop(&world);
    }
}

/* The timeout is that of one outage: what passed long ago is no part of it, even where nothing came
   to be flushed in between. */
static bool sleepy_poll(struct source *source, struct batch *batch, int timeout_ms,
                        struct fault *fault)
{
    struct timespec wait = {0, 60000000};
    nanosleep(&wait, NULL);
    return world_poll(source, batch, timeout_ms, fault);
}

static void test_two_outages(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {
        {1, DO_ASSIGN, ALL, false}, {12, DO_BREAK, 0, false}, {14, DO_STOP, 0, false}, {0}};
    struct source_type type = world_source_type;
    type.poll = sleepy_poll;
    world_start(&world, script, 4, true, "errors.retry.timeout=300");
    world.source.type = &type;
    world_finish(&world); /* nothing waits */
    world.fail = CALL_RECALL;
    world.nth = 1;
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    world_stop(&world);
}

/* What people see: lanes, lag, counts. */
static void test_status(void **state)
{
    (void)state;
    static struct world world;
    static const struct step script[] = {{1, DO_ASSIGN, 3, false}, {4, DO_STOP, 0, true}, {0}};
    world_start(&world, script, 2, true, "");
    check_good("run", task_run(&world.task, &world.fault), &world.fault);
    struct task_status status = task_get_status(&world.task);
    check_number("lanes", (int64_t)status.lanes, 2);
    check_number("lag", status.lag, 2 * HIGH - 6);
    check_number("records", (int64_t)status.records, 6);
    check_number("rows", (int64_t)status.rows, 12);
    assert_true(status.flushes > 0);
    check_text("state", str_from(task_state_name(status.state)), "STOPPED");
    world_stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_fails),
        cmocka_unit_test(test_describe_fails),
        cmocka_unit_test(test_assign_fails),
        cmocka_unit_test(test_recall_fails),
        cmocka_unit_test(test_claim_fails),
        cmocka_unit_test(test_moved_before_claim),
        cmocka_unit_test(test_put_fails),
        cmocka_unit_test(test_flush_fails),
        cmocka_unit_test(test_answer_lost),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_forgetful_sink),
        cmocka_unit_test(test_forgetful_start_is_committed),
        cmocka_unit_test(test_forgetful_start_is_awaited),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_renewed_after_the_timeout),
        cmocka_unit_test(test_revoke_flushes),
        cmocka_unit_test(test_lost_drops),
        cmocka_unit_test(test_lost_commits_nothing),
        cmocka_unit_test(test_lost_and_stopped),
        cmocka_unit_test(test_lost_while_flushing),
        cmocka_unit_test(test_left_behind),
        cmocka_unit_test(test_fence_is_ours),
        cmocka_unit_test(test_silent_group),
        cmocka_unit_test(test_claimed_too_late),
        cmocka_unit_test(test_flush_refuses),
        cmocka_unit_test(test_flush_refuses_two),
        cmocka_unit_test(test_stop_is_refused),
        cmocka_unit_test(test_put_refuses),
        cmocka_unit_test(test_flush_leaves_out),
        cmocka_unit_test(test_leaves_out_while_calls_fail),
        cmocka_unit_test(test_a_letter_whose_record_is_written),
        cmocka_unit_test(test_wrong_hint),
        cmocka_unit_test(test_unknown_follows_a_record),
        cmocka_unit_test(test_unknown_for_all_is_an_outage),
        cmocka_unit_test(test_memory_fails),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_fails),
        cmocka_unit_test(test_config_fault_waits),
        cmocka_unit_test(test_revoked_while_waiting),
        cmocka_unit_test(test_failure_is_shown_until_success),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_two_outages),
        cmocka_unit_test(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
