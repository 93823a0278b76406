/*
 * csv_kit: a CSV sink in a directory in memory, fed from a log that is a function of lane and
 * offset, as the task would feed it.
 */
#ifndef FIELDTRAIL_CSV_KIT_H
#define FIELDTRAIL_CSV_KIT_H

#include "check.h"
#include "csv.h"
#include "encoders.h"
#include "log.h"
#include "memory_folder.h"

#define KIT_LANES 2
#define KIT_HIGH 22 /* of every log */

struct kit {
    struct memory_folder *folder;
    const char *disk; /* a directory of the system, in its place */
    struct arena arena;
    struct config config;
    struct column column;
    struct layout layout;
    struct encoder encoder;
    struct sink *sink;
    struct lane lane[KIT_LANES];
    struct memory memory[KIT_LANES];
    int64_t at[KIT_LANES];      /* put so far */
    int64_t flushed[KIT_LANES]; /* told to be durable; never to be lost */
    int64_t epoch[KIT_LANES];
    bool other_log; /* the test feeds records of its own */
    struct fault fault;
};

/* Some records make no row, one makes many. */
HELPER size_t rows_at(size_t lane, int64_t offset)
{
    if (offset % 7 == 3)
        return 0;
    return offset == 11 ? 5 : 1 + (size_t)(offset + (int64_t)lane) % 2;
}

HELPER int64_t time_at(size_t lane, int64_t offset)
{
    /* Kafka's timestamps may go back a little. */
    return 1000000 * (100 + offset / 4 * 10 - (offset % 5 == 4 ? 12 : 0)) + (int64_t)lane;
}

HELPER str text_at(char *out, size_t size, size_t lane, int64_t offset, size_t nth)
{
    int len = snprintf(out, size, "%c%lld.%zu,%.*s", (char)('a' + lane), (long long)offset, nth,
                       (int)(offset * 5 % 23), "\"quoted\" and\nbroken up");
    return (str){out, (size_t)len};
}

HELPER bool kit_idle(void *context, int fd, short events, int timeout_ms)
{
    (void)context;
    (void)fd;
    (void)events;
    (void)timeout_ms;
    return true;
}

/* `options` as config_from takes them. */
HELPER void kit_start(struct kit *kit, struct memory_folder *folder, const char *options)
{
    *kit = (struct kit){.folder = folder};
    log_setup(LOG_ERROR, LOG_TEXT);
    arena_init(&kit->arena, TEST_BYTES);
    config_from(&kit->config, &kit->arena, options);
    kit->column = (struct column){.name = STR("c"), .kind = COLUMN_COPY};
    kit->layout =
        (struct layout){.column = &kit->column, .count = 1, .copied_count = 1, .ready = true};
    check_good("encoder", encoder_load(&kit->encoder, &kit->config, &kit->layout, &kit->fault),
               &kit->fault);
    for (size_t i = 0; i < KIT_LANES; i++) {
        kit->lane[i] = (struct lane){
            .topic = STR("t"), .partition = (int32_t)i, .assigned = true, .high = KIT_HIGH};
        kit->flushed[i] = OFFSET_NONE;
    }
}

HELPER bool kit_open(struct kit *kit)
{
    struct csv_identity identity = {STR("c"), STR("host:1"), false};
    struct folder *folder = kit->disk ? folder_new(str_from(kit->disk), &kit->fault)
                                      : &kit->folder->folder;
    kit->sink = csv_new_in(folder, &kit->config, &kit->encoder, identity, &kit->fault);
    if (!kit->sink)
        return false;
    kit->sink->idle = kit_idle;
    kit->sink->origin = STR("cluster");
    return true;
}

HELPER void kit_close(struct kit *kit)
{
    if (kit->sink)
        kit->sink->type->stop(kit->sink);
    kit->sink = NULL;
}

HELPER void kit_stop(struct kit *kit)
{
    kit_close(kit);
    arena_release(&kit->arena);
}

/* What goes with a position. */
HELPER int64_t held_at(int64_t next)
{
    return next > 4 ? next - 3 : OFFSET_NONE;
}

HELPER int64_t last_us_at(size_t lane, int64_t next)
{
    return next > 0 ? time_at(lane, next - 1) : TIME_UNKNOWN;
}

/* What was said to be durable is there. */
HELPER bool kit_claim(struct kit *kit)
{
    const struct sink_type *type = kit->sink->type;
    if (!type->recall(kit->sink, kit->lane, kit->memory, KIT_LANES, &kit->fault))
        return false;
    for (size_t i = 0; i < KIT_LANES; i++) {
        assert_true(kit->memory[i].next >= kit->flushed[i]);
        kit->lane[i].next = kit->memory[i].next == OFFSET_NONE ? 0 : kit->memory[i].next;
    }
    if (!type->claim(kit->sink, kit->lane, kit->memory, KIT_LANES, &kit->fault))
        return false;
    for (size_t i = 0; i < KIT_LANES; i++) {
        const struct memory *memory = &kit->memory[i];
        if (!kit->lane[i].assigned)
            continue;
        check_number("claimed where recalled", memory->next, kit->lane[i].next);
        if (!kit->other_log) {
            check_number("held", memory->held, held_at(memory->next));
            check_number("timestamp", memory->last_us, last_us_at(i, memory->next));
        }
        assert_true(memory->epoch > kit->epoch[i]);
        kit->epoch[i] = memory->epoch;
        kit->at[i] = memory->next;
    }
    return true;
}

HELPER bool kit_put(struct kit *kit, size_t lane, int64_t offset)
{
    static const struct batch batch;
    char text[8][100];
    struct record record = {.at = {(uint32_t)lane, offset}, .time_us = time_at(lane, offset)};
    struct value copied[8];
    struct change change[8];
    struct row row[8];
    size_t count = rows_at(lane, offset);
    for (size_t i = 0; i < count; i++) {
        copied[i] = (struct value){VALUE_TEXT, text_at(text[i], sizeof(text[i]), lane, offset, i)};
        change[i] = (struct change){.op = CHANGE_CREATE, .record = &record, .copied = &copied[i]};
        row[i] = (struct row){&change[i], NULL};
    }
    if (count > 0 && !sink_put(kit->sink, &batch, row, count, &kit->fault))
        return false;
    kit->at[lane] = offset + 1;
    return true;
}

HELPER bool kit_flush(struct kit *kit)
{
    struct reach reach[KIT_LANES];
    size_t count = 0;
    for (size_t i = 0; i < KIT_LANES; i++)
        if (kit->lane[i].assigned && kit->at[i] != kit->flushed[i])
            reach[count++] = (struct reach){(uint32_t)i, kit->at[i], last_us_at(i, kit->at[i]),
                                            held_at(kit->at[i])};
    if (!sink_flush(kit->sink, kit->lane, reach, count, &kit->fault))
        return false;
    for (size_t i = 0; i < KIT_LANES; i++)
        if (kit->lane[i].assigned)
            kit->flushed[i] = kit->at[i];
    assert_int_equal(kit->sink->pending_bytes, 0);
    return true;
}

/* From where the lanes stand to the end of their logs, a flush after every `per_flush` records. */
HELPER bool kit_feed(struct kit *kit, size_t per_flush)
{
    size_t put = 0;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < KIT_LANES; i++) {
            if (kit->at[i] >= KIT_HIGH)
                continue;
            more = true;
            if (!kit_put(kit, i, kit->at[i]) || (++put % per_flush == 0 && !kit_flush(kit)))
                return false;
        }
    }
    return kit_flush(kit);
}

/* A whole run that nothing disturbs. */
HELPER void kit_run(struct kit *kit, size_t per_flush)
{
    check_good("open", kit_open(kit), &kit->fault);
    check_good("claim", kit_claim(kit), &kit->fault);
    check_good("feed", kit_feed(kit, per_flush), &kit->fault);
    kit_close(kit);
}

#endif
