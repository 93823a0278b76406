/*
 * Replay into PostgreSQL: what was replayed is stored with the rows, one line a record. What may be
 * replayed is what flushes of the connector have left out.
 */
#include "postgres_copy.h"

static const char replay_table[] =
    "create table if not exists fieldtrail_replay ("
    "connector text, topic text, partition integer, kafka_offset bigint, worker_id text, "
    "replayed_at timestamptz not null default now(), "
    "primary key (connector, topic, partition, kafka_offset))";

static bool fail(struct postgres *self)
{
    postgres_forget(self);
    return false;
}

static bool ensure_table(struct postgres *self, const char *name, const char *make,
                         struct fault *fault)
{
    PGresult *result;
    buf_clear(&self->sql);
    if (self->create)
        buf_format(&self->sql, "set client_min_messages = warning; " CREATE_LOCK "%s", make);
    else
        buf_format(&self->sql, "select 1 from %s where false", name);
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (!good && fault->kind == FAULT_CONFIG)
        fault_in(fault, "run schemas/postgres/%s.sql, or set table.create=true", name);
    return good;
}

static bool ensure_tables(struct postgres *self, struct fault *fault)
{
    return ensure_table(self, "fieldtrail_replay", replay_table, fault)
           && ensure_table(self, "fieldtrail_left_out", postgres_left_out_table, fault);
}

static void put_origin(struct postgres *self, const struct lane *lane)
{
    buf_str(&self->sql, STR("("));
    session_literal(&self->session, &self->sql, lane->topic);
    buf_format(&self->sql, ",%d,%lld)", lane->partition, (long long)lane->next);
}

static bool is_row(const struct lane *lane, const PGresult *result, int row)
{
    return postgres_cell(result, row, 1, -1) == lane->partition
           && postgres_cell(result, row, 2, -1) == lane->next
           && str_is(lane->topic, PQgetvalue(result, row, 0));
}

/* Rows of (topic, partition, kafka_offset, whether it was replayed). */
static void read_known(const PGresult *result, const struct lane *lane, struct memory *memory,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memory[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
        for (int row = 0; row < PQntuples(result); row++) {
            if (!is_row(&lane[i], result, row))
                continue;
            if (*PQgetvalue(result, row, 3) == 't')
                memory[i].next = lane[i].next;
            else
                memory[i].held = lane[i].next;
        }
    }
}

/* The origins of these lanes that stand in the table. */
static void put_look(struct postgres *self, const char *table, const char *replayed,
                     const struct lane *lane, size_t count)
{
    buf_format(&self->sql,
               "select topic, partition, kafka_offset, %s from %s where connector = ", replayed,
               table);
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_str(&self->sql, STR(" and (topic, partition, kafka_offset) in (('', -1, -1)"));
    for (size_t i = 0; i < count; i++) {
        buf_char(&self->sql, ',');
        put_origin(self, &lane[i]);
    }
    buf_char(&self->sql, ')');
}

static bool replay_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                          size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result;
    if (!postgres_connect(self, fault) || !ensure_tables(self, fault))
        return fail(self);
    buf_clear(&self->sql);
    put_look(self, "fieldtrail_replay", "true", lane, count);
    buf_str(&self->sql, STR(" union all "));
    put_look(self, "fieldtrail_left_out", "false", lane, count);
    bool good = postgres_run(self, &result, fault);
    if (good)
        read_known(result, lane, memory, count);
    PQclear(result);
    return good || fail(self);
}

/* Nobody owns a record that is replayed: who stores it first has written it. */
static bool replay_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                         size_t count, struct fault *fault)
{
    postgres_forget((struct postgres *)sink);
    return replay_recall(sink, lane, memory, count, fault);
}

static bool replay_put(struct sink *sink, const struct batch *batch, const struct row *row,
                       size_t count, struct fault *fault)
{
    return postgres_type()->put(sink, batch, row, count, fault);
}

/* All origins are new, or nothing is written. */
static void compose_closing(struct postgres *self, const struct lane *lane,
                            const struct reach *reach, size_t count)
{
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("with done as (insert into fieldtrail_replay (connector, topic, "
                            "partition, kafka_offset, worker_id) select "));
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_str(&self->sql, STR(", topic, partition, kafka_offset, "));
    session_literal(&self->session, &self->sql, self->identity.worker_id);
    buf_str(&self->sql, STR(" from (values "));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&self->sql, ',');
        put_origin(self, &lane[reach[i].lane]);
    }
    buf_format(&self->sql,
               ") as want(topic, partition, kafka_offset) on conflict do nothing returning 1) "
               "select 1 / (case when (select count(*) from done) = %zu then 1 else 0 end); commit",
               count);
}

static bool replay_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                         size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result = NULL;
    if (count == 0)
        return true;
    if (!postgres_begin(self, fault) || !postgres_finish_copies(self, fault))
        return fail(self);
    compose_closing(self, lane, reach, count);
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (!good && fault->code == SQLSTATE_DIVISION_BY_ZERO) {
        fault_set(fault, FAULT_RETRY, "postgres: somebody else replays the same records");
        fault->code = SINK_MOVED;
    }
    if (!good)
        return fail(self);
    postgres_settle(self);
    return true;
}

static void replay_stop(struct sink *sink)
{
    postgres_type()->stop(sink);
}

static const struct sink_type postgres_replay = {.name = "postgres",
                                                 .remembers = true,
                                                 .recall = replay_recall,
                                                 .claim = replay_claim,
                                                 .put = replay_put,
                                                 .flush = replay_flush,
                                                 .stop = replay_stop};

struct sink *postgres_replay_new(const struct config *config, const struct layout *layout,
                                 struct postgres_identity identity, struct fault *fault)
{
    struct sink *sink = postgres_new(config, layout, identity, fault);
    if (sink)
        sink->type = &postgres_replay;
    return sink;
}
