/*
 * QuestDB under its sink, in the place of sink/http.c: one table that keeps the last of equal rows,
 * and does what the real one was seen to do. Rows for a suspended table are taken and not shown;
 * the first request of a kept connection is taken and lost where the table was made anew; a refused
 * line refuses its request. Requests arrive late, or after their sender is gone; answers get lost.
 */
#include <stdio.h>
#include <stdlib.h>

#include "http.h"
#include "questdb.h"
#include "real.h"

#define FLIGHTS_LIMIT 64

/* A request under way. */
struct flight {
    bool used;
    int64_t at_ms; /* when it arrives */
    uint64_t line; /* of this connection */
    bool gone;     /* nobody waits for the answer */
    char *path, *body;
    /* Its end: */
    bool done, broken;
    long status;
    char answer[1500];
};

/* An owner's connection. */
struct wire {
    bool open;
    uint64_t number;
    uint64_t table; /* that its last rows went to; 0: none yet */
    struct flight *flight;
};

/* Rows by place and number, as the keys tell them apart. */
struct cell {
    bool there;  /* and shown */
    bool waits;  /* in the log of a suspended table */
    bool looked; /* somebody was told since that this is the table */
    char time[24];
};

static struct server {
    struct flight flight[FLIGHTS_LIMIT];
    struct wire wire[OWNERS_LIMIT];
    uint64_t wires, tables;
    uint64_t table; /* its id; 0: dropped */
    bool suspended;
    struct cell cell[LANES_LIMIT][RECORDS_LIMIT][ROWS_LIMIT];
} server;

/* ---- the server ---- */

static char *copy_of(str text)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        abort();
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

static void end_flight(struct flight *flight)
{
    free(flight->path);
    free(flight->body);
    *flight = (struct flight){0};
}

static void quest_reset(struct world *world)
{
    (void)world;
    for (size_t i = 0; i < FLIGHTS_LIMIT; i++)
        end_flight(&server.flight[i]);
    memset(&server, 0, sizeof(server));
    server.table = ++server.tables;
}

/* What the world sees as written: what a reader of the table sees, and what was there when somebody
   was told that the table is the right one; whoever drops it then drops those. */
static void show(struct world *world)
{
    for (size_t lane = 0; lane < LANES_LIMIT; lane++)
        for (size_t offset = 0; offset < RECORDS_LIMIT; offset++)
            for (size_t i = 0; i < ROWS_LIMIT; i++) {
                const struct cell *cell = &server.cell[lane][offset][i];
                world->written[lane][offset][i] = cell->there || cell->looked;
            }
}

static void drop_table(void)
{
    for (size_t lane = 0; lane < LANES_LIMIT; lane++)
        for (size_t offset = 0; offset < RECORDS_LIMIT; offset++)
            for (size_t i = 0; i < ROWS_LIMIT; i++) {
                struct cell *cell = &server.cell[lane][offset][i];
                cell->there = cell->waits = false;
                cell->time[0] = '\0';
            }
    server.table = 0;
    server.suspended = false;
}

static void resume_table(struct world *world)
{
    struct cell *cell = &server.cell[0][0][0];
    for (size_t i = 0; i < sizeof(server.cell) / sizeof(*cell); i++) {
        cell[i].there = cell[i].there || cell[i].waits;
        cell[i].waits = false;
    }
    server.suspended = false;
    show(world);
}

static bool is_shown(const struct cell *cell)
{
    return cell->there;
}

/* What is asked of the tables, told by the words of the question. */
static void answer_query(struct world *world, struct flight *flight)
{
    static const char *const columns = "[\"event_time\",\"TIMESTAMP\",true],"
                                       "[\"kafka_topic\",\"VARCHAR\",true],"
                                       "[\"kafka_partition\",\"INT\",true],"
                                       "[\"kafka_offset\",\"LONG\",true],"
                                       "[\"field_no\",\"LONG\",true],"
                                       "[\"change_field\",\"VARCHAR\",true]";
    const char *suspended = server.suspended ? "true" : "false";
    char rows[800] = "";
    if (server.table > 0 && strstr(flight->path, "designatedTimestamp"))
        snprintf(rows, sizeof(rows), "[%llu,\"rows\",\"event_time\",true,%s]",
                 (unsigned long long)server.table, suspended);
    else if (server.table > 0 && strstr(flight->path, "table_columns("))
        snprintf(rows, sizeof(rows), "%s", columns);
    else if (server.table > 0 && strstr(flight->path, "w.suspended"))
        snprintf(rows, sizeof(rows), "[\"rows\",%llu,%s]", (unsigned long long)server.table,
                 suspended);
    else if (server.table > 0)
        world_wrong(world, "an unknown question: %s", flight->path);
    struct cell *cell = &server.cell[0][0][0];
    for (size_t i = 0; i < sizeof(server.cell) / sizeof(*cell); i++)
        cell[i].looked = cell[i].looked || (is_shown(&cell[i]) && !server.suspended);
    flight->status = 200;
    snprintf(flight->answer, sizeof(flight->answer), "{\"dataset\":[%s]}", rows);
}

/* One line, by its words. False where it is none. */
static bool read_line(const char *line, size_t *lane, int64_t *offset, size_t *number,
                      char time[24])
{
    const char *partition = strstr(line, "kafka_partition="), *at = strstr(line, "kafka_offset="),
               *field = strstr(line, "field_no="), *end = strrchr(line, ' ');
    if (strncmp(line, "rows", 4) != 0 || !partition || !at || !field || !end)
        return false;
    *lane = (size_t)strtoll(strchr(partition, '=') + 1, NULL, 10);
    *offset = strtoll(strchr(at, '=') + 1, NULL, 10);
    *number = (size_t)strtoll(strchr(field, '=') + 1, NULL, 10) - 1;
    snprintf(time, 24, "%s", end + 1);
    return *lane < LANES_LIMIT && *offset < RECORDS_LIMIT && *number < ROWS_LIMIT;
}

static void refuse_line(struct world *world, struct flight *flight, unsigned line)
{
    flight->status = 400;
    snprintf(flight->answer, sizeof(flight->answer),
             "{\"code\":\"invalid\",\"message\":\"failed to parse line protocol:errors encountered "
             "on line(s):\\nerror in line %u: refused\",\"line\":%u}",
             line, line);
    world->tally.refusals++;
}

/* The whole request or nothing of it; `write` false only looks for lines that are refused. */
static bool take_lines(struct world *world, struct flight *flight, bool write)
{
    str rest = str_from(flight->body), text;
    for (unsigned nth = 1; str_split(&rest, '\n', &text); nth++) {
        char line[500], time[24];
        size_t lane, number;
        int64_t offset;
        if (text.len == 0)
            continue;
        snprintf(line, sizeof(line), "%.*s", STR_ARG(text));
        if (!read_line(line, &lane, &offset, &number, time)) {
            world_wrong(world, "not a line: %s", line);
            return false;
        }
        if (world->nature[lane][offset] >= REFUSED) {
            refuse_line(world, flight, nth);
            return false;
        }
        if (world_is_bad(world, lane, offset))
            world_wrong(world, "a row of the bad record t[%zu]@%lld is sent", lane,
                        (long long)offset);
        if (!write)
            continue;
        struct cell *cell = &server.cell[lane][offset][number];
        if (cell->time[0] && strcmp(cell->time, time) != 0)
            world_wrong(world, "t[%zu]@%lld is there at two times: %s and %s", lane,
                        (long long)offset, cell->time, time);
        memcpy(cell->time, time, sizeof(cell->time));
        cell->there = cell->there || !server.suspended;
        cell->waits = cell->waits || server.suspended;
    }
    return true;
}

static void take_rows(struct world *world, struct flight *flight, uint64_t *seen)
{
    bool stale = server.table == 0 || (*seen != 0 && *seen != server.table);
    *seen = server.table ? server.table : UINT64_MAX;
    flight->status = 204;
    if (take_lines(world, flight, false) && !stale)
        take_lines(world, flight, true);
    show(world);
}

static void serve(struct world *world, struct flight *flight)
{
    static uint64_t nobody;
    uint64_t *seen = &nobody;
    nobody = 0;
    for (size_t i = 0; i < OWNERS_LIMIT; i++)
        if (server.wire[i].open && server.wire[i].number == flight->line)
            seen = &server.wire[i].table;
    flight->done = true;
    if (world->now_ms < world->down_until_ms
        || real_chance(world, world->plan.failure_permille / 2)) {
        flight->broken = true;
        return;
    }
    if (real_chance(world, world->plan.failure_permille / 4)) {
        flight->status = 503;
        return;
    }
    if (flight->body)
        take_rows(world, flight, seen);
    else
        answer_query(world, flight);
    flight->broken = real_chance(world, world->plan.failure_permille / 2);
    if (flight->gone)
        world->tally.late++;
}

static void quest_arrive(struct world *world)
{
    for (size_t i = 0; i < FLIGHTS_LIMIT; i++) {
        struct flight *flight = &server.flight[i];
        if (flight->used && !flight->done && flight->at_ms <= world->now_ms)
            serve(world, flight);
        if (flight->used && flight->done && flight->gone)
            end_flight(flight);
    }
}

/* ---- what happens to it ---- */

static bool quest_strike(struct world *world)
{
    unsigned what = world_below(world, 3);
    if (what == 0 && server.table > 0) {
        world_say(world, "the table is dropped");
        drop_table();
        show(world);
    }
    if ((what == 0 && world_below(world, 2)) || (what == 1 && server.table == 0)) {
        world_say(world, "the table is made");
        server.table = ++server.tables;
    } else if (what == 2 && server.table > 0 && !server.suspended) {
        world_say(world, "the table is suspended");
        server.suspended = true;
    } else if (what == 1 && server.suspended) {
        world_say(world, "the table goes on");
        resume_table(world);
    }
    return false;
}

static void quest_restart(struct world *world)
{
    (void)world;
}

static void quest_calm(struct world *world)
{
    if (server.table == 0)
        server.table = ++server.tables;
    if (server.suspended)
        resume_table(world);
}

/* ---- the client: what stands in sink/http.c otherwise ---- */

static struct wire *wire_of(const struct http *http)
{
    return &server.wire[door_of_inner(http->sink)->owner->number];
}

/* What is under way arrives all the same, perhaps. */
static void abandon(struct wire *wire)
{
    if (wire->flight) {
        wire->flight->gone = true;
        wire->flight->at_ms += world_below(the_world, 6000);
        if (wire->flight->done || world_below(the_world, 2))
            end_flight(wire->flight);
    }
    wire->flight = NULL;
    wire->open = false;
}

bool http_init(struct http *http, struct sink *sink, struct http_settings settings,
               struct fault *fault)
{
    (void)fault;
    *http = (struct http){.sink = sink, .settings = settings, .epoll = -1, .timer = -1};
    buf_init(&http->answer, 100000);
    return true;
}

void http_release(struct http *http)
{
    buf_release(&http->answer);
}

void http_close(struct http *http)
{
    if (http->sink && http->sink->idle_context)
        abandon(wire_of(http));
    http->busy = false;
}

bool http_begin(struct http *http, str path, str body, struct fault *fault)
{
    struct world *world = the_world;
    struct wire *wire = wire_of(http);
    struct flight *flight = server.flight;
    while (flight < server.flight + FLIGHTS_LIMIT && flight->used)
        flight++;
    if (flight == server.flight + FLIGHTS_LIMIT)
        return fault_set(fault, FAULT_RETRY, "the network is full");
    if (wire->flight)
        world_wrong(world, "two requests at once");
    if (!wire->open)
        *wire = (struct wire){.open = true, .number = ++server.wires};
    bool slow = !world->calm && world_below(world, 100) < world->plan.slow_percent;
    *flight = (struct flight){.used = true,
                              .at_ms = world->now_ms + world_below(world, slow ? 9000 : 25),
                              .line = wire->number,
                              .path = copy_of(path),
                              .body = body.len ? copy_of(body) : NULL};
    wire->flight = flight;
    http->busy = true;
    return true;
}

void http_step(struct http *http)
{
    (void)http;
}

bool http_end(struct http *http, long *status, struct fault *fault)
{
    struct wire *wire = wire_of(http);
    while (!wire->flight->done)
        if (!http->sink->idle(http->sink->idle_context, -1, 0, 5))
            return fault_set(fault, FAULT_RETRY, "stopped while waiting");
    struct flight *flight = wire->flight;
    bool broken = flight->broken;
    *status = flight->status;
    buf_clear(&http->answer);
    buf_str(&http->answer, str_from(flight->answer));
    end_flight(flight);
    wire->flight = NULL;
    http->busy = false;
    return !broken || fault_set(fault, FAULT_RETRY, "the connection broke");
}

void http_escape(struct buf *url, str text)
{
    buf_str(url, text);
}

/* ---- the sink ---- */

static void quest_bury(struct door *door)
{
    abandon(&server.wire[door->owner->number]);
}

static struct sink *quest_make(struct door *door, struct fault *fault)
{
    static struct column column = {.name = {"field_no", 8}, .kind = COLUMN_FIELD_NO};
    static const struct layout layout = {.column = &column, .count = 1, .ready = true};
    return config_set(&door->config, STR("table"), STR("rows"), STR("sim"), fault)
               ? questdb_new(&door->config, &layout, fault)
               : NULL;
}

/* What the sink refuses of its own is a record's fault, too. */
static bool quest_put(struct sink *sink, const struct batch *batch, const struct row *row,
                      size_t count, struct fault *fault)
{
    const struct position at = row->change->record->at;
    if (the_world->nature[at.lane][at.mark] == UNWRITABLE)
        return fault_set(fault, FAULT_RECORD, "a value that cannot be written");
    return door_put(sink, batch, row, count, fault);
}

static const struct sink_type quest_type = {.name = "quest",
                                            .recall = door_recall,
                                            .claim = door_claim,
                                            .put = quest_put,
                                            .flush = door_flush,
                                            .stop = door_stop};

const struct real_target real_quest = {.reset = quest_reset,
                                       .make = quest_make,
                                       .type = &quest_type,
                                       .bury = quest_bury,
                                       .strike = quest_strike,
                                       .restart = quest_restart,
                                       .arrive = quest_arrive,
                                       .calm = quest_calm};
