/*
 * The PostgreSQL sink. Rows of the first table of a flush go out while decoding goes on; those of
 * other tables wait in a bounded buffer each, for a connection copies into one table at a time.
 */
#include "postgres.h"

#include "log.h"
#include "mem.h"
#include "postgres_copy.h"
#include "postgres_desk.h"

#define SQL_LIMIT ((size_t)64 * 1024 * 1024)

enum { DELIVERY_EXACTLY_ONCE, DELIVERY_AT_LEAST_ONCE };

static const char *const deliveries[] = {"exactly-once", "at-least-once", NULL};

#define SETTING(member) offsetof(struct postgres, member)

static const struct option_spec option[] = {
    {.key = "connection.uri",
     .type = OPTION_STRING,
     .preset = "",
     .offset = SETTING(uri),
     .argument = "URI",
     .help = "The database: a libpq URI or connection string."},
    {.key = "table",
     .type = OPTION_STRING,
     .preset = "holding_pivot",
     .offset = SETTING(table),
     .argument = "[SCHEMA.]TABLE",
     .help =
         "The table rows go to. ${table}, ${schema} and ${topic} stand for those of the event; a "
         "flush then writes to several tables in one transaction."},
    {.key = "table.create",
     .type = OPTION_BOOL,
     .preset = "false",
     .offset = SETTING(create),
     .help = "Makes the tables, and the sink's own (fieldtrail_…), where they are missing."},
    {.key = "message.table",
     .type = OPTION_STRING,
     .preset = "fieldtrail_message",
     .offset = SETTING(message_table),
     .importance = OPTION_MEDIUM,
     .argument = "[SCHEMA.]TABLE",
     .help =
         "The table that logical messages go to (pg_logical_emit_message: who, and why), in the "
         "same transaction as rows and positions. Empty: they are left out."},
    {.key = "delivery",
     .type = OPTION_ENUM,
     .choices = deliveries,
     .preset = "exactly-once",
     .offset = SETTING(delivery),
     .importance = OPTION_LOW,
     .help = "exactly-once: positions are committed in the transaction of the rows. at-least-once: "
             "they "
             "are the consumer group's alone, committed after the rows; a crash leaves some rows "
             "twice."},
    {.key = "claim.timeout.ms",
     .type = OPTION_INT,
     .preset = "30000",
     .min = 1000,
     .max = 3600000,
     .offset = SETTING(claim_timeout_ms),
     .importance = OPTION_LOW,
     .help =
         "How long a claim waits for another owner's locks before it ends that owner's backend."},
    {.key = "answer.timeout.ms",
     .type = OPTION_INT,
     .preset = "120000",
     .min = 1000,
     .max = 3600000,
     .offset = SETTING(session.answer_wait_ms),
     .importance = OPTION_LOW,
     .help = "A server that says nothing for so long is taken for dead, and a new connection is "
             "made: a network may hang without closing."},
};

const struct option_table postgres_options = {
    .title = "PostgresSink", .option = option, .count = sizeof(option) / sizeof(option[0])};

static void forget_lines(struct postgres *self)
{
    self->open = NULL;
    for (struct target *target = self->target; target; target = target->next) {
        blame_clear(&target->binary.blame);
        blame_clear(&target->text.blame);
        target->binary.lines = target->text.lines = 0;
    }
}

void postgres_forget(struct postgres *self)
{
    session_close(&self->session);
    self->begun = false;
    self->sink.pending_bytes = 0;
    self->left_out_count = 0;
    for (struct target *target = self->target; target; target = target->next) {
        buf_clear(&target->binary.rows);
        buf_clear(&target->text.rows);
        target->checked = target->known = false;
    }
    forget_lines(self);
}

void postgres_settle(struct postgres *self)
{
    forget_lines(self);
    self->begun = false;
    self->left_out_count = 0;
    self->sink.pending_bytes = 0;
}

static bool fail(struct postgres *self)
{
    postgres_forget(self);
    return false;
}

static const char offset_table[] =
    "create table if not exists fieldtrail_offset ("
    "connector text, topic text, partition integer, cluster_id text not null, "
    "next_offset bigint not null, held_offset bigint, epoch bigint not null default 0, "
    "record_time bigint, worker_id text, updated_at timestamptz not null default now(), "
    "primary key (connector, topic, partition))";

static bool ensure_offset_table(struct postgres *self, struct fault *fault)
{
    PGresult *result;
    buf_clear(&self->sql);
    if (self->create)
        buf_str(&self->sql, STR("set client_min_messages = warning; " CREATE_LOCK));
    buf_str(&self->sql, self->create ? str_from(offset_table)
                                     : STR("select 1 from fieldtrail_offset where false"));
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (!good && fault->kind == FAULT_CONFIG)
        fault_in(fault, "run schemas/postgres/fieldtrail_offset.sql, or set table.create=true");
    return good;
}

/* The server looks now and then whether we are still there, also while it waits for a lock: what
   was given up would else stay in line for ever. Before PostgreSQL 14 there is no such setting. */
static bool watch_client(struct postgres *self, struct fault *fault)
{
    PGresult *result;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("select set_config(name, '5s', false) from pg_settings "
                            "where name = 'client_connection_check_interval'"));
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    return good;
}

static bool connect_session(struct postgres *self, struct fault *fault)
{
    if (self->session.conn)
        return true;
    char name[64];
    /* NAMEDATALEN bytes at most arrive; the connector's name must be told by them. */
    snprintf(name, sizeof(name), "fieldtrail %.*s", STR_ARG(self->identity.connector));
    return session_open(&self->session, self->uri, str_from(name), fault)
           && ((watch_client(self, fault)
                && (!self->sink.type->remembers || ensure_offset_table(self, fault)))
               || fail(self));
}

static void put_key(struct postgres *self, const struct lane *lane)
{
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_char(&self->sql, ',');
    session_literal(&self->session, &self->sql, lane->topic);
    buf_format(&self->sql, ",%d", lane->partition);
}

/* "(topic, partition) in ((…), …)" of the lanes that `chosen` says. */
static void put_lane_list(struct postgres *self, const struct lane *lane, size_t count,
                          bool ours_only)
{
    buf_str(&self->sql, STR("(topic, partition) in (('', -1)")); /* a list may not be empty */
    for (size_t i = 0; i < count; i++) {
        if (ours_only && !lane[i].assigned && !lane[i].incoming)
            continue;
        buf_str(&self->sql, STR(",("));
        session_literal(&self->session, &self->sql, lane[i].topic);
        buf_format(&self->sql, ",%d)", lane[i].partition);
    }
    buf_char(&self->sql, ')');
}

static size_t find_lane(const struct lane *lane, size_t count, const PGresult *result, int row)
{
    str topic = str_from(PQgetvalue(result, row, 0));
    int64_t partition = postgres_cell(result, row, 1, -1);
    for (size_t i = 0; i < count; i++)
        if (lane[i].partition == partition && str_eq(lane[i].topic, topic))
            return i;
    return count;
}

static bool check_cluster(const struct postgres *self, const PGresult *result, int row,
                          struct fault *fault)
{
    str stored = str_from(PQgetvalue(result, row, 2));
    if (stored.len == 0 || self->sink.origin.len == 0 || str_eq(stored, self->sink.origin))
        return true;
    return fault_set(
        fault, FAULT_CONFIG,
        "fieldtrail_offset holds positions of %.*s in another Kafka cluster (%.*s, this is "
        "%.*s): give this connector another name, or delete those rows",
        STR_ARG(self->identity.connector), STR_ARG(stored), STR_ARG(self->sink.origin));
}

/* Rows of (topic, partition, cluster_id, next_offset, record_time, epoch, worker_id,
   held_offset). */
static bool read_positions(struct postgres *self, const PGresult *result, const struct lane *lane,
                           struct memory *memory, size_t count, bool claimed, struct fault *fault)
{
    for (int row = 0; row < PQntuples(result); row++) {
        size_t at = find_lane(lane, count, result, row);
        if (at == count)
            continue;
        if (!check_cluster(self, result, row, fault))
            return false;
        memory[at] = (struct memory){
            postgres_cell(result, row, 3, OFFSET_NONE), postgres_cell(result, row, 4, TIME_UNKNOWN),
            postgres_cell(result, row, 5, 0), postgres_cell(result, row, 7, OFFSET_NONE)};
        if (claimed)
            self->claim[at] = (struct claim){memory[at].epoch, memory[at].next};
    }
    return true;
}

static void forget_memory(struct memory *memory, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memory[i] = (struct memory){OFFSET_NONE, TIME_UNKNOWN, 0, OFFSET_NONE};
}

static bool select_positions(struct postgres *self, const struct lane *lane, size_t count,
                             PGresult **result, struct fault *fault)
{
    *result = NULL;
    if (!connect_session(self, fault))
        return false;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("select topic, partition, cluster_id, next_offset, record_time, epoch, "
                            "worker_id, held_offset from fieldtrail_offset where connector = "));
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_str(&self->sql, STR(" and "));
    put_lane_list(self, lane, count, false);
    return postgres_run(self, result, fault);
}

static bool postgres_recall(struct sink *sink, const struct lane *lane, struct memory *memory,
                            size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result;
    forget_memory(memory, count);
    /* The claim that follows forgets what is under way; a connection in a COPY answers nothing. */
    if (self->begun)
        postgres_forget(self);
    if (!sink->type->remembers)
        return true;
    bool good = select_positions(self, lane, count, &result, fault)
                && read_positions(self, result, lane, memory, count, false, fault);
    PQclear(result);
    return good || fail(self);
}

static void compose_insert(struct postgres *self, const struct lane *lane, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (lane[i].next == OFFSET_NONE)
            continue;
        buf_str(&self->sql, any ? STR(",(")
                                : STR("insert into fieldtrail_offset (connector, topic, partition, "
                                      "next_offset, cluster_id, worker_id) "
                                      "select * from (values ("));
        put_key(self, &lane[i]);
        buf_format(&self->sql, ",%lld,", (long long)lane[i].next);
        session_literal(&self->session, &self->sql, self->sink.origin);
        buf_char(&self->sql, ',');
        session_literal(&self->session, &self->sql, self->identity.worker_id);
        buf_char(&self->sql, ')');
        any = true;
    }
    /* In order, for those who insert the same wait for one another. */
    if (any)
        buf_str(&self->sql, STR(") v order by 2, 3 on conflict do nothing; "));
}

static void compose_claim(struct postgres *self, const struct lane *lane, size_t count)
{
    buf_clear(&self->sql);
    buf_format(&self->sql, "begin; set local lock_timeout = %lld; ",
               (long long)self->claim_timeout_ms);
    compose_insert(self, lane, count);
    buf_str(&self->sql,
            STR("with ours as (select connector, topic, partition from fieldtrail_offset "
                "where connector = "));
    session_literal(&self->session, &self->sql, self->identity.connector);
    buf_str(&self->sql, STR(" and "));
    put_lane_list(self, lane, count, true);
    buf_str(&self->sql, STR(" order by topic, partition for update) "
                            "update fieldtrail_offset o set epoch = epoch + 1, updated_at = now(), "
                            "worker_id = "));
    session_literal(&self->session, &self->sql, self->identity.worker_id);
    buf_str(&self->sql,
            STR(" from ours where o.connector = ours.connector and o.topic = ours.topic "
                "and o.partition = ours.partition returning o.topic, o.partition, "
                "o.cluster_id, o.next_offset, o.record_time, o.epoch, o.worker_id, "
                "o.held_offset; commit"));
}

#define SQLSTATE_LOCK_NOT_AVAILABLE 8663763 /* 55P03 in base 36 */

/* A stopped owner that holds our rows' locks is ended: it could never write anything more
   anyway. */
static void end_blockers(struct postgres *self)
{
    PGresult *result;
    struct fault fault;
    if (!connect_session(self, &fault))
        return;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("select count(pg_terminate_backend(a.pid)) from pg_stat_activity a "
                            "where a.usename = current_user and a.pid <> pg_backend_pid() "
                            "and a.application_name = current_setting('application_name') "
                            "and exists (select from pg_locks l where l.pid = a.pid "
                            "and l.relation = 'fieldtrail_offset'::regclass "
                            "and l.mode in ('RowExclusiveLock', 'RowShareLock'))"));
    if (postgres_run(self, &result, &fault))
        log_write(LOG_WARN, "ended %s backends that held the locks of another owner",
                  PQgetvalue(result, 0, 0));
    PQclear(result);
}

static bool grow_claims(struct postgres *self, size_t count, struct fault *fault)
{
    if (count <= self->claim_count)
        return true;
    struct claim *claim = mem_realloc(self->claim, count * sizeof(*claim));
    if (!claim)
        return fault_memory(fault, "claims");
    memset(claim + self->claim_count, 0, (count - self->claim_count) * sizeof(*claim));
    self->claim = claim;
    self->claim_count = count;
    return true;
}

static bool postgres_claim(struct sink *sink, const struct lane *lane, struct memory *memory,
                           size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result = NULL;
    /* What may still be under way on the old connection must be settled by the locks, not by us. */
    postgres_forget(self);
    forget_memory(memory, count);
    if (!connect_session(self, fault) || !grow_claims(self, count, fault))
        return false;
    if (!sink->type->remembers)
        return true;
    compose_claim(self, lane, count);
    bool good = postgres_run(self, &result, fault)
                && read_positions(self, result, lane, memory, count, true, fault);
    PQclear(result);
    if (good)
        return true;
    bool blocked = fault->code == SQLSTATE_LOCK_NOT_AVAILABLE;
    postgres_forget(self);
    if (blocked)
        end_blockers(self);
    return false;
}

static void put_number_or_null(struct buf *sql, int64_t number, int64_t none)
{
    if (number == none)
        buf_str(sql, STR(",null::bigint"));
    else
        buf_format(sql, ",%lld::bigint", (long long)number);
}

/* Moves every position of the flush from where this owner left it, in the query of the commit: it
   fails as a whole, by dividing by zero, where one does not match. */
static void compose_closing(struct postgres *self, const struct lane *lane,
                            const struct reach *reach, size_t count)
{
    struct buf *sql = &self->sql;
    buf_str(sql, STR("with want (connector, topic, partition, epoch, expected, next, record_time, "
                     "held) as "
                     "(values "));
    for (size_t i = 0; i < count; i++) {
        const struct claim *claim = &self->claim[reach[i].lane];
        buf_str(sql, i ? STR(",(") : STR("("));
        put_key(self, &lane[reach[i].lane]);
        buf_format(sql, ",%lld::bigint,%lld::bigint,%lld::bigint", (long long)claim->epoch,
                   (long long)claim->next, (long long)reach[i].next);
        put_number_or_null(sql, reach[i].last_us, TIME_UNKNOWN);
        put_number_or_null(sql, reach[i].held, OFFSET_NONE);
        buf_char(sql, ')');
    }
    buf_str(
        sql,
        STR("), locked as (select o.connector, o.topic, o.partition, w.next, w.record_time, w.held "
            "from fieldtrail_offset o join want w on o.connector = w.connector and "
            "o.topic = w.topic and o.partition = w.partition and o.epoch = w.epoch and "
            "o.next_offset = w.expected order by o.topic, o.partition for update of o), "
            "moved as (update fieldtrail_offset o set next_offset = l.next, record_time = "
            "coalesce(l.record_time, o.record_time), held_offset = l.held, updated_at = now() "
            "from locked l where "
            "o.connector = l.connector and o.topic = l.topic and o.partition = l.partition "
            "returning 1) select 1 / (case when (select count(*) from moved) = "));
    buf_format(sql, "%zu then 1 else 0 end); ", count);
}

static const struct reach *find_reach(const struct lane *lane, const struct reach *reach,
                                      size_t count, const PGresult *result, int row)
{
    for (size_t i = 0; i < count; i++)
        if (find_lane(&lane[reach[i].lane], 1, result, row) == 0)
            return &reach[i];
    return NULL;
}

/* Compares one row of fieldtrail_offset with what this owner left there; false where it fits. */
static bool is_other(const struct lane *lane, const PGresult *result, int row,
                     const struct claim *claim, struct fault *fault)
{
    int64_t next = postgres_cell(result, row, 3, OFFSET_NONE);
    if (postgres_cell(result, row, 5, 0) != claim->epoch) {
        fault_set(fault, FAULT_RETRY, "postgres: %s has claimed %.*s[%d] since",
                  PQgetvalue(result, row, 6), STR_ARG(lane->topic), lane->partition);
        fault->code = SINK_FENCED;
        return true;
    }
    if (next == claim->next)
        return false;
    fault_set(fault, FAULT_RETRY,
              "postgres: the stored position of %.*s[%d] is %lld and not %lld, where it was left: "
              "offsets were altered or the database was restored; reading goes on from there",
              STR_ARG(lane->topic), lane->partition, (long long)next, (long long)claim->next);
    fault->code = SINK_MOVED;
    return true;
}

/* The closing query found another state: says whether an owner came between or a position moved.
   Where neither did, it was a trigger at the commit that divided by zero, and the fault stands.
   Always false. */
static bool explain_mismatch(struct postgres *self, const struct lane *lane,
                             const struct reach *reach, size_t count, struct fault *fault)
{
    struct fault other = {0}, ignored;
    PGresult *result;
    size_t lanes = 0, same = 0;
    postgres_forget(self);
    for (size_t i = 0; i < count; i++)
        lanes = reach[i].lane >= lanes ? reach[i].lane + (size_t)1 : lanes;
    bool read = select_positions(self, lane, lanes, &result, &ignored);
    for (int row = 0; read && other.code == 0 && row < PQntuples(result); row++) {
        const struct reach *each = find_reach(lane, reach, count, result, row);
        if (each)
            same += !is_other(&lane[each->lane], result, row, &self->claim[each->lane], &other);
    }
    PQclear(result);
    if (read && same == count)
        return false;
    if (other.code == 0) {
        fault_set(&other, FAULT_RETRY, "postgres: rows of fieldtrail_offset are gone, or not ours");
        other.code = SINK_FENCED;
    }
    *fault = other;
    return false;
}

static bool commit(struct postgres *self, const struct lane *lane, const struct reach *reach,
                   size_t count, struct fault *fault)
{
    PGresult *result;
    if (!postgres_begin(self, fault))
        return false;
    buf_clear(&self->sql);
    if (self->sink.type->remembers)
        compose_closing(self, lane, reach, count);
    postgres_put_left_out(self, lane);
    buf_str(&self->sql, STR("commit"));
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (!good && fault->kind == FAULT_CONFIG
        && str_find(str_from(fault->text), STR("fieldtrail_left_out")) >= 0)
        fault_in(fault, "run schemas/postgres/fieldtrail_left_out.sql, or set table.create=true");
    return good || fault->code != SQLSTATE_DIVISION_BY_ZERO
               ? good
               : explain_mismatch(self, lane, reach, count, fault);
}

static bool postgres_flush(struct sink *sink, const struct lane *lane, const struct reach *reach,
                           size_t count, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    if (count == 0)
        return true;
    if (!postgres_finish_copies(self, fault) || !commit(self, lane, reach, count, fault))
        return fail(self);
    for (size_t i = 0; sink->type->remembers && i < count; i++)
        self->claim[reach[i].lane].next = reach[i].next;
    postgres_settle(self);
    return true;
}

/* Deferred constraints are checked too; closing the connection undoes it all. */
static bool postgres_rehearse(struct sink *sink, struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    PGresult *result = NULL;
    bool good = postgres_begin(self, fault) && postgres_finish_copies(self, fault);
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("set constraints all immediate"));
    good = good && postgres_run(self, &result, fault);
    PQclear(result);
    postgres_forget(self);
    return good;
}

static void postgres_stop(struct sink *sink)
{
    struct postgres *self = (struct postgres *)sink;
    postgres_forget(self);
    for (struct target *target = self->target; target; target = target->next) {
        buf_release(&target->binary.rows);
        buf_release(&target->text.rows);
        blame_release(&target->binary.blame);
        blame_release(&target->text.blame);
    }
    mem_free(self->claim);
    mem_free(self->left_out);
    buf_release(&self->sql);
    arena_release(&self->arena);
    mem_free(self);
}

/* Twice, for exactly once and for at least once; they differ in what is stored. */
#define POSTGRES_SINK(stores, its_desk)                                                            \
    {                                                                                              \
        .name = "postgres", .remembers = (stores), .desk = (its_desk), .recall = postgres_recall,  \
        .claim = postgres_claim, .put = postgres_put, .leave_out = postgres_leave_out,             \
        .flush = postgres_flush, .rehearse = postgres_rehearse, .stop = postgres_stop              \
    }

static const struct sink_type postgres_exact = POSTGRES_SINK(true, &postgres_desk);
static const struct sink_type postgres_repeating = POSTGRES_SINK(false, &postgres_repeating_desk);

const struct sink_type *postgres_type(void)
{
    return &postgres_exact;
}

bool postgres_connect(struct postgres *self, struct fault *fault)
{
    return connect_session(self, fault);
}

struct sink *postgres_new(const struct config *config, const struct layout *layout,
                          struct postgres_identity identity, struct fault *fault)
{
    struct postgres *self = mem_alloc(sizeof(*self));
    if (!self) {
        fault_memory(fault, "the PostgreSQL sink");
        return NULL;
    }
    *self = (struct postgres){
        .sink = {.type = &postgres_exact},
        .identity = identity,
        .layout = layout,
        .encoder = {.type = &pgcopy_encoder, .layout = layout, .null_text = STR("\\N")}};
    self->session.sink = &self->sink;
    buf_init(&self->sql, SQL_LIMIT);
    arena_init(&self->arena, (size_t)16 * 1024 * 1024);
    const struct config_entry *tolerance = config_find(config, STR("errors.tolerance"));
    self->tolerant = tolerance && str_is(tolerance->value, "all");
    if (option_load(&postgres_options, config, self, fault)) {
        self->sink.takes_messages = self->message_table.len > 0;
        if (self->delivery == DELIVERY_AT_LEAST_ONCE)
            self->sink.type = &postgres_repeating;
        return &self->sink;
    }
    postgres_stop(&self->sink);
    return NULL;
}
