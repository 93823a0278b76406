/*
 * Records that get no rows: a flush that moves past them stores their origins in its transaction,
 * and the replay of dead letters writes none but those. A letter alone does not tell: it is durable
 * before the flush, and where that fails the record is read again, and may be written then.
 */
#include <assert.h>

#include "mem.h"
#include "postgres_copy.h"

/* What one of them counts for in a flush's limit of bytes: more than its part of the query needs
   and than its line in the table, so that both stay far below their own. */
#define LEFT_OUT_BYTES 300

const char postgres_left_out_table[] =
    "create table if not exists fieldtrail_left_out ("
    "connector text, topic text, partition integer, kafka_offset bigint, worker_id text, "
    "left_out_at timestamptz not null default now(), "
    "primary key (connector, topic, partition, kafka_offset))";

static bool grow(struct postgres *self, struct fault *fault)
{
    struct left_out *list = mem_grow(self->left_out, self->left_out_count, &self->left_out_capacity,
                                     sizeof(*list));
    if (!list)
        return fault_memory(fault, "records that are left out");
    self->left_out = list;
    return true;
}

bool postgres_leave_out(struct sink *sink, struct position at, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    size_t count = self->left_out_count;
    struct left_out *last = count > 0 ? &self->left_out[count - 1] : NULL;
    if (last && last->lane == at.lane && last->high + 1 == at.mark) {
        last->high = at.mark;
    } else {
        if (!grow(self, fault)) {
            postgres_forget(self);
            return false;
        }
        assert(self->left_out); /* it has grown */
        self->left_out[self->left_out_count++] = (struct left_out){at.lane, at.mark, at.mark};
    }
    sink->pending_bytes += LEFT_OUT_BYTES;
    return true;
}

/* Two that make it at once: the one that comes second finds it made. No lock of our own is taken,
   for positions are locked by now. */
static void put_create(struct postgres *self)
{
    buf_format(&self->sql,
               "do $$begin if to_regclass('fieldtrail_left_out') is null then %s; end if; "
               "exception when unique_violation or duplicate_table then null; end$$; ",
               postgres_left_out_table);
}

void postgres_put_left_out(struct postgres *self, const struct lane *lane)
{
    struct buf *sql = &self->sql;
    if (self->left_out_count == 0)
        return;
    if (self->create)
        put_create(self);
    buf_str(sql, STR("insert into fieldtrail_left_out (connector, topic, partition, kafka_offset, "
                     "worker_id) select "));
    session_literal(&self->session, sql, self->identity.connector);
    buf_str(sql, STR(", topic, partition, kafka_offset, "));
    session_literal(&self->session, sql, self->identity.worker_id);
    buf_str(sql, STR(" from (values "));
    for (size_t i = 0; i < self->left_out_count; i++) {
        const struct left_out *each = &self->left_out[i];
        buf_str(sql, i > 0 ? STR(",(") : STR("("));
        session_literal(&self->session, sql, lane[each->lane].topic);
        buf_format(sql, ",%d,%lld::bigint,%lld::bigint)", lane[each->lane].partition,
                   (long long)each->low, (long long)each->high);
    }
    /* It may be there: positions that were set back, or delivery=at-least-once. */
    buf_str(sql, STR(") as run (topic, partition, low, high), generate_series(low, high) as "
                     "kafka_offset on conflict do nothing; "));
}
