/*
 * The target's server: rows and positions in one transaction, and what must hold at every one of
 * them. Queries whose client is gone arrive all the same.
 */
#include "world.h"

#include <stdio.h>

static bool is_of_lane(const struct closing *closing, size_t row, uint32_t lane)
{
    return closing->row[row].lane == lane;
}

static unsigned times_left_out(const struct closing *closing, uint32_t lane, int64_t offset)
{
    unsigned times = 0;
    for (size_t i = 0; i < closing->left_out_count; i++)
        times += closing->left_out[i].lane == lane && closing->left_out[i].offset == offset;
    return times;
}

/* What has no rows is told as left out, once, with the position that moves past it. */
static void check_left_out(struct world *world, const struct closing *closing, uint32_t lane,
                           int64_t from, int64_t to)
{
    size_t within = 0;
    for (int64_t offset = from; offset < to; offset++) {
        unsigned times = times_left_out(closing, lane, offset);
        if (times != world_is_bad(world, lane, offset))
            world_wrong(world, "t[%u]@%lld is told as left out %u times", lane, (long long)offset,
                        times);
        within += times;
    }
    for (size_t i = 0; i < closing->left_out_count; i++)
        within -= closing->left_out[i].lane == lane;
    if (within != 0)
        world_wrong(world, "t[%u] moves from %lld to %lld and leaves out what is elsewhere", lane,
                    (long long)from, (long long)to);
}

/* The rows of the lane are those of the records between the positions, in order, each once; what is
   left out has a letter. */
static void check_lane(struct world *world, const struct closing *closing, uint32_t lane,
                       int64_t from, int64_t to)
{
    size_t at = 0;
    for (int64_t offset = from; offset < to; offset++) {
        unsigned rows = world_rows_of(world, lane, offset);
        if (world_is_bad(world, lane, offset)) {
            if (world->kept[lane][offset] == 0)
                world_wrong(world, "t[%u] moves past the bad record %lld, which has no letter",
                            lane, (long long)offset);
            rows = 0;
        }
        for (unsigned i = 0; i < rows; i++) {
            while (at < closing->row_count && !is_of_lane(closing, at, lane))
                at++;
            if (at == closing->row_count || closing->row[at].offset != offset
                || closing->row[at].number != i) {
                world_wrong(world, "t[%u] moves from %lld to %lld without row %u of %lld", lane,
                            (long long)from, (long long)to, i, (long long)offset);
                return;
            }
            at++;
        }
    }
    while (at < closing->row_count && !is_of_lane(closing, at, lane))
        at++;
    if (at < closing->row_count)
        world_wrong(world, "t[%u] moves from %lld to %lld with a row of %lld", lane,
                    (long long)from, (long long)to, (long long)closing->row[at].offset);
}

static bool moves(const struct closing *closing, uint32_t lane)
{
    for (size_t i = 0; i < closing->reach_count; i++)
        if (closing->reach[i].lane == lane)
            return true;
    return false;
}

static void write_rows(struct world *world, const struct closing *closing)
{
    for (size_t i = 0; i < closing->row_count; i++) {
        const struct row_id *row = &closing->row[i];
        uint8_t *written = &world->written[row->lane][row->offset][row->number];
        if (world->plan.remembers && *written > 0)
            world_wrong(world, "row %u of t[%u]@%lld is written twice", row->number, row->lane,
                        (long long)row->offset);
        if (world->start[row->lane] == OFFSET_NONE || row->offset < world->start[row->lane])
            world_wrong(world, "a row of t[%u]@%lld, before the first start", row->lane,
                        (long long)row->offset);
        if (world_is_bad(world, row->lane, row->offset))
            world_wrong(world, "a row of the bad record t[%u]@%lld is written", row->lane,
                        (long long)row->offset);
        *written = 1;
    }
}

static void check_time(struct world *world, const struct reach *reach)
{
    int64_t last = reach->next - 1;
    while (last >= 0 && !world_is_record(world, reach->lane, last))
        last--;
    if (reach->last_us != TIME_UNKNOWN
        && (last < 0 || reach->last_us != world_time_of(reach->lane, last)))
        world_wrong(world, "t[%u]: the time stored with %lld is not its last record's", reach->lane,
                    (long long)reach->next);
}

/* The server refuses the whole transaction, whoever is there to hear of it. */
static bool has_refused_row(const struct world *world, const struct closing *closing)
{
    for (size_t i = 0; i < closing->row_count; i++)
        if (world->nature[closing->row[i].lane][closing->row[i].offset] >= REFUSED)
            return true;
    return false;
}

enum answer target_close(struct world *world, const struct closing *closing)
{
    if (has_refused_row(world, closing))
        return REFUSAL;
    if (!world->plan.remembers) {
        write_rows(world, closing);
        return DONE;
    }
    for (size_t i = 0; i < closing->reach_count; i++) {
        uint32_t lane = closing->reach[i].lane;
        if (world->stored[lane].epoch != closing->epoch[lane])
            return FENCED;
        if (world->stored[lane].next != closing->expected[lane])
            return MOVED;
    }
    for (size_t i = 0; i < closing->row_count; i++)
        if (!moves(closing, closing->row[i].lane))
            world_wrong(world, "a row of t[%u] comes while its position stays",
                        closing->row[i].lane);
    for (size_t i = 0; i < closing->reach_count; i++) {
        const struct reach *reach = &closing->reach[i];
        struct memory *stored = &world->stored[reach->lane];
        if (reach->next <= stored->next)
            world_wrong(world, "t[%u] moves back", reach->lane);
        check_lane(world, closing, reach->lane, stored->next, reach->next);
        check_left_out(world, closing, reach->lane, stored->next, reach->next);
        check_time(world, reach);
        world_say(world, "t[%u] %lld -> %lld", reach->lane, (long long)stored->next,
                  (long long)reach->next);
        stored->next = reach->next;
        if (reach->last_us != TIME_UNKNOWN)
            stored->last_us = reach->last_us;
    }
    write_rows(world, closing);
    return DONE;
}

void target_later(struct world *world, const struct closing *closing, int64_t at_ms)
{
    for (size_t i = 0; i < LATE_LIMIT; i++) {
        if (world->late[i].at_ms > 0)
            continue;
        world->late[i] = (struct late){at_ms, *closing};
        world->tally.late++;
        return;
    }
}

void target_arrive(struct world *world)
{
    for (size_t i = 0; i < LATE_LIMIT; i++) {
        struct late *late = &world->late[i];
        if (late->at_ms == 0 || late->at_ms > world->now_ms)
            continue;
        late->at_ms = 0;
        enum answer answer = target_close(world, &late->closing);
        world_say(world, "a late query arrives: %s", answer == DONE ? "done" : "refused");
    }
}

void target_check_reached(struct world *world, size_t lane, int64_t offset, const char *who)
{
    for (int64_t i = world->start[lane]; i < offset; i++) {
        bool bad = world_is_bad(world, lane, i);
        if (bad && world->kept[lane][i] == 0)
            world_wrong(world, "%s: t[%zu]@%lld is passed by %lld without a letter", who, lane,
                        (long long)i, (long long)offset);
        for (unsigned row = 0; !bad && row < world_rows_of(world, lane, i); row++)
            if (world->written[lane][i][row] == 0)
                world_wrong(world, "%s: row %u of t[%zu]@%lld is passed by %lld and not there", who,
                            row, lane, (long long)i, (long long)offset);
    }
}

static void check_letters(struct world *world, size_t lane)
{
    for (int64_t i = 0; i < world->plan.records; i++)
        if (world->kept[lane][i] > 0 && !world_is_bad(world, lane, i))
            world_wrong(world, "the good record t[%zu]@%lld has a letter", lane, (long long)i);
}

void target_check(struct world *world)
{
    for (size_t i = 0; i < world->plan.lanes; i++) {
        int64_t reached = world->plan.remembers ? world->stored[i].next : world->committed[i];
        check_letters(world, i);
        target_check_reached(world, i, reached, "at the end");
        if (world->committed[i] > reached)
            world_wrong(world, "t[%zu]: the group is at %lld, the target at %lld", i,
                        (long long)world->committed[i], (long long)reached);
    }
}
