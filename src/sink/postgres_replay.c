/*
 * Replay into PostgreSQL: what was replayed is stored with the rows, one line a record.
 */
#include "postgres_copy.h"

#define SQLSTATE_DIVISION_BY_ZERO 3452582 /* 22012 in base 36 */

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

static bool ensure_table(struct postgres *self, struct fault *fault)
{
    PGresult *result;
    buf_clear(&self->sql);
    if (self->create)
        buf_str(&self->sql, STR("set client_min_messages = warning; " CREATE_LOCK));
    buf_str(&self->sql, self->create ? str_from(replay_table)
                                     : STR("select 1 from fieldtrail_replay where false"));
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (!good && fault->kind == FAULT_CONFIG)
        fault_in(fault, "run schemas/postgres/fieldtrail_replay.sql, or set table.create=true");
    return good;
}

static void put_origin(struct postgres *self, const struct lane *lane)
{
    buf_str(&self->sql, STR("("));
    session_literal(&self->session, &self->sql, lane->topic);
    buf_format(&self->sql, ",%d,%lld)", lane->partition, (long long)lane->next);
}

static bool is_row(const struct lane *lane, const PGresult *result, int row)
{
    int64_t partition, offset;
    return str_to_int64(str_from(PQgetvalue(result, row, 1)), &partition)
           && str_to_int64(str_from(PQgetvalue(result, row, 2)), &offset)
           && partition == lane->partition && offset == lane->next
           && str_is(lane->topic, PQgetvalue(result, row, 0));
}

static void read_known(const PGresult *result, const struct lane *lane, struct memory *memory,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memory[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
        for (int row = 0; row < PQntuples(result); row++)
            if (is_row(&lane[i], result, row))
                memory[i].next = lane[i].next;
    }
}

static bool replay_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                          size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result;
    if (!postgres_connect(self, fault) || !ensure_table(self, fault))
        return fail(self);
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("select topic, partition, kafka_offset from fieldtrail_replay "
                            "where connector = "));
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_str(&self->sql, STR(" and (topic, partition, kafka_offset) in (('', -1, -1)"));
    for (size_t i = 0; i < count; i++) {
        buf_char(&self->sql, ',');
        put_origin(self, &lane[i]);
    }
    buf_char(&self->sql, ')');
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
    for (size_t i = 0; i < self->target_count; i++)
        blame_clear(&self->target[i].blame);
    self->begun = false;
    sink->pending_bytes = 0;
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
