/*
 * The disk under the CSV sink: a directory that all owners share as processes of one machine. A
 * call may take its time, in which its owner may be killed, or fail; the machine may lose its
 * power, and with it names or content that were not synced. Whenever a flush or a claim was true,
 * what is durable is read by a reader of its own: each good record's rows once, in order, up to
 * the position.
 */
#include "real.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "csv.h"

#define HELPER static inline __attribute__((unused))
#define assert_true assert
#define assert_non_null assert
#define assert_int_equal(a, b) assert((a) == (b))
#define fail_msg(text) (fputs(text, stderr), abort())
#include "memory_folder.h"

#define PARTS_LIMIT 64

static struct memory_folder disk;

/* ---- the disk ---- */

static int who_calls(void)
{
    return the_world && the_world->running ? (int)the_world->running->number + 1 : 0;
}

/* Before each call that changes something. */
static int before_call(struct memory_folder *self)
{
    static const int failures[] = {ENOSPC, EIO, EACCES};
    struct world *world = the_world;
    if (!world->running)
        return 0;
    if (real_chance(world, 300))
        fiber_sleep(world, world_below(world, 40));
    if (world->now_ms < world->down_until_ms)
        return ENOSPC;
    self->half = world_below(world, 2);
    return real_chance(world, world->plan.failure_permille / 4) ? failures[world_below(world, 3)]
                                                                : 0;
}

static void files_reset(struct world *world)
{
    (void)world;
    memory_clear(&disk);
    memory_restart(&disk, CUT_PROCESS);
    disk.who = who_calls;
    disk.before = before_call;
}

static void files_bury(struct door *door)
{
    memory_close_of(&disk, (int)door->owner->number + 1);
}

static bool files_strike(struct world *world)
{
    return world->plan.crashes;
}

static void files_restart(struct world *world)
{
    memory_restart(&disk, (enum cut_kind)world_below(world, CUT_KINDS));
}

static void files_go_on(struct world *world)
{
    (void)world;
}

/* ---- reading what is durable ---- */

/* One file of a lane's rows. */
struct part {
    int64_t start;
    str bytes;
};

static str durable(const char *name)
{
    const struct name *there = name_in(disk.durable, name);
    if (!there || !disk.node[there->node].durable.ptr)
        return STR_EMPTY;
    return (str){disk.node[there->node].durable.ptr, disk.node[there->node].durable.len};
}

/* The number, or the text, behind the name in a side file; nothing in it needs an escape here. */
static const char *member(const char *side, const char *name)
{
    char wanted[40];
    snprintf(wanted, sizeof(wanted), "\"%s\":", name);
    const char *found = strstr(side, wanted);
    return found ? found + strlen(wanted) : NULL;
}

static int64_t number_of(const char *side, const char *name)
{
    const char *text = member(side, name);
    return text ? strtoll(text, NULL, 10) : -1;
}

static int by_start(const void *a, const void *b)
{
    const struct part *one = a, *other = b;
    return one->start < other->start ? -1 : one->start > other->start;
}

/* The files of the lane up to the one that grows. */
static size_t find_parts(size_t lane, int64_t growing, struct part *part)
{
    size_t count = 0;
    for (int i = 0; i < NODES; i++) {
        const char *name = disk.durable[i].text;
        unsigned of;
        long long start = 0;
        int end = 0;
        bool rolls = sscanf(name, "t-%u.%lld.rows%n", &of, &start, &end) == 2 && end > 0;
        bool one = !rolls && sscanf(name, "t-%u.rows%n", &of, &end) == 1 && end > 0;
        if ((!rolls && !one) || of != lane || (name[end] && strcmp(name + end, ".part") != 0)
            || (rolls && start > growing))
            continue;
        assert(count < PARTS_LIMIT);
        part[count++] = (struct part){rolls ? start : growing, durable(name)};
    }
    qsort(part, count, sizeof(*part), by_start);
    return count;
}

/* Takes a line "offset number" off the parts; false at their end. */
static bool take_line(struct part *part, size_t count, int64_t *offset, unsigned *number)
{
    for (; count > 0; part++, count--) {
        str line;
        if (part->bytes.len == 0)
            continue;
        if (!str_split(&part->bytes, '\n', &line))
            continue;
        if (str_is(line, "head")) {
            part--;
            count++;
            continue;
        }
        char text[40];
        snprintf(text, sizeof(text), "%.*s", STR_ARG(line));
        long long at;
        if (sscanf(text, "%lld %u", &at, number) != 2)
            return false;
        *offset = at;
        return true;
    }
    return false;
}

static void check_rows(struct world *world, size_t lane, struct part *part, size_t count,
                       int64_t next)
{
    int64_t at;
    unsigned number;
    for (int64_t offset = world->start[lane]; offset < next; offset++) {
        unsigned rows = world_is_bad(world, lane, offset) ? 0 : world_rows_of(world, lane, offset);
        for (unsigned i = 0; i < rows; i++) {
            if (!take_line(part, count, &at, &number)) {
                world_wrong(world, "t-%zu: row %u of %lld is not on the disk, up to %lld", lane, i,
                            (long long)offset, (long long)next);
                return;
            }
            if (at != offset || number != i) {
                world_wrong(world, "t-%zu: row %u of %lld where row %u of %lld should be", lane,
                            number, (long long)at, i, (long long)offset);
                return;
            }
            world->written[lane][offset][i] = 1;
        }
    }
    if (take_line(part, count, &at, &number))
        world_wrong(world, "t-%zu: a row of %lld behind %lld", lane, (long long)at,
                    (long long)next);
}

/* What the side file that a power cut would leave says, and the rows it speaks of. */
static void look_at(struct world *world, size_t lane, int64_t wanted)
{
    static char side[NODE_SIZE + 1];
    struct part part[PARTS_LIMIT];
    char name[40];
    snprintf(name, sizeof(name), "t-%zu.side", lane);
    str bytes = durable(name);
    if (bytes.len > 0)
        memcpy(side, bytes.ptr, bytes.len);
    side[bytes.len] = '\0';
    int64_t next = number_of(side, "next"), length = number_of(side, "length");
    if (next != wanted) {
        world_wrong(world, "t-%zu stands at %lld on the disk, and not at %lld", lane,
                    (long long)next, (long long)wanted);
        return;
    }
    if (next < world->stored[lane].next)
        world_wrong(world, "t-%zu falls back from %lld to %lld", lane,
                    (long long)world->stored[lane].next, (long long)next);
    int64_t growing = number_of(side, "start");
    size_t count = find_parts(lane, growing, part);
    /* What is behind the length does not hold. */
    if (count > 0 && part[count - 1].start == growing
        && (int64_t)part[count - 1].bytes.len > length)
        part[count - 1].bytes.len = (size_t)length;
    check_rows(world, lane, part, count, next);
    world->stored[lane].next = next;
    world_say(world, "t-%zu holds up to %lld", lane, (long long)next);
}

/* ---- the sink ---- */

static void put_head(const struct encoder *encoder, struct buf *out)
{
    (void)encoder;
    buf_str(out, STR("head\n"));
}

static bool put_row(const struct encoder *encoder, const struct row *row, const struct batch *batch,
                    struct buf *out, struct fault *fault)
{
    const struct record *record = row->change->record;
    (void)encoder;
    (void)batch;
    buf_format(out, "%lld %lld\n", (long long)record->at.mark, (long long)row->field->place - 1);
    /* Found only when part of it is written. */
    if (the_world->nature[record->at.lane][record->at.mark] == UNWRITABLE)
        return fault_set(fault, FAULT_RECORD, "a value that cannot be written");
    return encoder_end(out, fault);
}

static const struct encoder_type rows_type = {
    .name = "rows", .null_text = "", .can_head = true, .head = put_head, .row = put_row};

static struct sink *files_make(struct door *door, struct fault *fault)
{
    static const char *const rolls[] = {"0", "0", "40", "150"};
    static const struct layout layout = {.ready = true};
    static const struct encoder plain = {&rows_type, &layout, false, {"", 0}, false};
    static const struct encoder headed = {&rows_type, &layout, true, {"", 0}, false};
    static const char *const workers[] = {"A", "B", "C"};
    uint64_t seed = door->owner->world->seed;
    struct config *config = &door->config;
    struct csv_identity identity = {STR("sim"), str_from(workers[door->owner->number]), false};
    if (!config_set(config, STR("file.path"), STR("disk"), STR("sim"), fault)
        || !config_set(config, STR("file.roll.bytes"), str_from(rolls[seed % 4]), STR("sim"),
                       fault))
        return NULL;
    return csv_new_in(&disk.folder, config, seed / 4 % 2 ? &headed : &plain, identity, fault);
}

static bool files_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                        size_t count, struct fault *fault)
{
    struct world *world = door_of(sink)->owner->world;
    if (!door_claim(sink, lane, memory, count, fault))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!lane[i].assigned && !lane[i].incoming)
            continue;
        if (world->start[i] == OFFSET_NONE)
            world->start[i] = memory[i].next;
        look_at(world, i, memory[i].next);
    }
    return true;
}

static bool files_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                        size_t count, struct fault *fault)
{
    struct world *world = door_of(sink)->owner->world;
    if (!door_flush(sink, lane, reach, count, fault))
        return false;
    for (size_t i = 0; i < count; i++)
        look_at(world, reach[i].lane, reach[i].next);
    return true;
}

static void files_release(struct sink *sink, const struct lane *lane, size_t count)
{
    struct door *door = door_of(sink);
    door->inner->type->release(door->inner, lane, count);
    door->sink.pending_bytes = door->inner->pending_bytes;
}

static const struct sink_type files_type = {.name = "files",
                                            .remembers = true,
                                            .leads = true,
                                            .recall = door_recall,
                                            .claim = files_claim,
                                            .put = door_put,
                                            .flush = files_flush,
                                            .release = files_release,
                                            .stop = door_stop};

const struct real_target real_files = {.reset = files_reset,
                                       .make = files_make,
                                       .type = &files_type,
                                       .bury = files_bury,
                                       .strike = files_strike,
                                       .restart = files_restart,
                                       .arrive = files_go_on,
                                       .calm = files_go_on};
