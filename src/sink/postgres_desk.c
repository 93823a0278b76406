/*
 * What is stored of a connector's lanes, for people to see and to move. Uses a connection of the
 * sink while no task does.
 */
#include "postgres_desk.h"

#include "mem.h"

static bool connect(struct postgres *self, struct fault *fault)
{
    return self->session.conn
           || session_open(&self->session, self->uri, STR("fieldtrail offsets"), fault);
}

static void put_lanes(struct postgres *self, const struct lane *lane, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_str(&self->sql, i ? STR(",(") : STR("("));
        session_literal(&self->session, &self->sql, self->identity.connector);
        buf_char(&self->sql, ',');
        session_literal(&self->session, &self->sql, lane[i].topic);
        buf_format(&self->sql, ",%d,%lld)", lane[i].partition, (long long)lane[i].next);
    }
}

/* Rows of (topic, partition, next_offset, record_time, epoch, held_offset, worker_id). */
static void read_notes(const PGresult *result, const struct lane *lane, struct note *note,
                       size_t count)
{
    for (int row = 0; row < PQntuples(result); row++) {
        str topic = str_from(PQgetvalue(result, row, 0));
        int64_t partition = postgres_cell(result, row, 1, -1);
        for (size_t i = 0; i < count; i++) {
            if (lane[i].partition != partition || !str_eq(lane[i].topic, topic))
                continue;
            note[i].memory = (struct memory){.next = postgres_cell(result, row, 2, OFFSET_NONE),
                                             .last_us = postgres_cell(result, row, 3, TIME_UNKNOWN),
                                             .epoch = postgres_cell(result, row, 4, 0),
                                             .held = postgres_cell(result, row, 5, OFFSET_NONE)};
            snprintf(note[i].owner, sizeof(note[i].owner), "%s", PQgetvalue(result, row, 6));
        }
    }
}

bool postgres_has_table(struct postgres *self, const char *name, bool *has, struct fault *fault)
{
    PGresult *result;
    buf_clear(&self->sql);
    buf_format(&self->sql, "select to_regclass('%s') is not null", name);
    bool good = postgres_run(self, &result, fault);
    *has = good && *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return good;
}

bool postgres_inspect(struct sink *sink, const struct lane *lane, struct note *note, size_t count,
                      struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result;
    bool has;
    if (!sink_inspect_nothing(sink, lane, note, count, fault) || !connect(self, fault)
        || !postgres_has_table(self, "fieldtrail_offset", &has, fault))
        return false;
    if (!has)
        return true;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("select topic, partition, next_offset, record_time, epoch, held_offset,"
                            " worker_id from fieldtrail_offset where connector = "));
    session_literal(&self->session, &self->sql, self->identity.connector);
    bool good = postgres_run(self, &result, fault);
    if (good)
        read_notes(result, lane, note, count);
    PQclear(result);
    return good;
}

/* One statement, so that all lanes move or none; in the order in which claims lock. */
static void compose_amend(struct postgres *self, const struct lane *lane, size_t count)
{
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("insert into fieldtrail_offset as o (connector, topic, partition, "
                            "next_offset, cluster_id, epoch, worker_id) select connector, topic, "
                            "partition, next_offset, "));
    session_literal(&self->session, &self->sql, self->sink.origin);
    buf_str(&self->sql, STR(", 1, "));
    session_literal(&self->session, &self->sql, self->identity.worker_id);
    buf_str(&self->sql, STR(" from (values "));
    put_lanes(self, lane, count);
    buf_str(&self->sql, STR(") v (connector, topic, partition, next_offset) order by 2, 3 "
                            "on conflict (connector, topic, partition) do update set next_offset = "
                            "excluded.next_offset, epoch = o.epoch + 1, record_time = null, "
                            "held_offset = null, worker_id = excluded.worker_id, "
                            "updated_at = now()"));
}

bool postgres_amend(struct sink *sink, const struct lane *lane, size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result = NULL;
    struct memory *memory = mem_alloc((count + 1) * sizeof(*memory));
    if (!memory)
        return fault_memory(fault, "positions");
    /* recall connects, makes the table where that is wanted, and refuses another cluster. */
    session_close(&self->session);
    bool good = sink->type->recall(sink, lane, memory, count, fault);
    mem_free(memory);
    if (!good)
        return false;
    compose_amend(self, lane, count);
    good = postgres_run(self, &result, fault);
    PQclear(result);
    return good;
}

const struct sink_desk postgres_desk = {
    .inspect = postgres_inspect, .amend = postgres_amend, .check = postgres_check};

const struct sink_desk postgres_repeating_desk = {
    .inspect = sink_inspect_nothing, .amend = sink_amend_nothing, .check = postgres_check};
