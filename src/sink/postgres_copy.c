/*
 * Tables and COPY: which table a change goes to, whether it takes our columns, and sending rows.
 */
#include "postgres_copy.h"

#include "mem.h"
#include "table_name.h"

/* Rows leave for the server in pieces of this size. */
#define PIECE_SIZE ((size_t)64 * 1024)
#define TARGET_LIMIT 1000
#define BUFFER_LIMIT ((size_t)256 * 1024 * 1024)

bool postgres_run(struct postgres *self, PGresult **result, struct fault *fault)
{
    *result = NULL;
    buf_char(&self->sql, '\0');
    if (self->sql.failed)
        return fault_memory(fault, "a query");
    return session_query(&self->session, buf_view(&self->sql), result, fault);
}

int64_t postgres_cell(const PGresult *result, int row, int column, int64_t otherwise)
{
    int64_t number;
    if (PQgetisnull(result, row, column)
        || !str_to_int64(str_from(PQgetvalue(result, row, column)), &number))
        return otherwise;
    return number;
}

/* The types of the copied columns, by the event's schema; text where it has none. */
static bool learn_types(struct postgres *self, struct target *target, const struct change *change,
                        struct fault *fault)
{
    if (!self->create || target->typed || change->field_count == 0)
        return true;
    target->copied_type = ARENA_NEW(&self->arena, const char *, self->layout->copied_count);
    if (!target->copied_type)
        return fault_memory(fault, "a table's types");
    target->typed = true;
    for (size_t i = 0; i < self->layout->count; i++) {
        const struct column *column = &self->layout->column[i];
        for (size_t j = 0; column->kind == COLUMN_COPY && j < change->field_count; j++)
            if (str_eq(change->field[j].name, column->source))
                target->copied_type[column->copied] = change->field[j].sql_type;
    }
    return true;
}

static struct target *add_target(struct postgres *self, const struct layout *layout, str name,
                                 struct fault *fault)
{
    if (self->target_count == TARGET_LIMIT) {
        fault_set(fault, FAULT_CONFIG, "table=%.*s: more than %d tables", STR_ARG(self->table),
                  TARGET_LIMIT);
        return NULL;
    }
    struct target *target = ARENA_NEW(&self->arena, struct target, 1);
    if (!target || !arena_copy(&self->arena, name, &name)) {
        fault_memory(fault, "a table");
        return NULL;
    }
    *target = (struct target){.next = self->target, .name = name, .layout = layout};
    buf_init(&target->rows, BUFFER_LIMIT);
    self->target = target;
    self->target_count++;
    return target;
}

static struct target *find_target(struct postgres *self, const struct layout *layout, str name)
{
    struct target *target = self->target;
    while (target && !(target->layout == layout && str_eq(target->name, name)))
        target = target->next;
    return target;
}

struct target *postgres_target(struct postgres *self, const struct change *change,
                               struct fault *fault)
{
    bool message = change->op == CHANGE_MESSAGE;
    const struct layout *layout = message ? &message_layout : self->layout;
    str name = message                            ? self->message_table
               : table_name_is_fixed(self->table) ? self->table
                                                  : table_name(self->table, change, &self->sql);
    struct target *target = find_target(self, layout, name);
    if (!target)
        target = add_target(self, layout, name, fault);
    return target && learn_types(self, target, change, fault) ? target : NULL;
}

static const char *const type_of[] = {[CONTENT_TEXT] = "text",
                                      [CONTENT_TIME] = "timestamptz",
                                      [CONTENT_FLAG] = "boolean",
                                      [CONTENT_INT] = "integer",
                                      [CONTENT_LONG] = "bigint"};

static const char *type_in(const struct target *target, const struct column *column)
{
    const char *copied = column->kind == COLUMN_COPY && target->typed
                             ? target->copied_type[column->copied]
                             : NULL;
    return copied ? copied : type_of[column_content(column->kind)];
}

static void put_columns(struct postgres *self, const struct target *target, bool with_types)
{
    for (size_t i = 0; i < target->layout->count; i++) {
        const struct column *column = &target->layout->column[i];
        if (i > 0)
            buf_str(&self->sql, STR(", "));
        session_identifier(&self->session, &self->sql, column->name);
        if (with_types)
            buf_format(&self->sql, " %s", type_in(target, column));
    }
}

/* The form of the pivot table, as its comment says it (schemas/postgres/table.sql), and the script
   that brings a table of each older one a version on. */
#define TABLE_VERSION 2
static const char *const migration[TABLE_VERSION] = {"001_worker_columns", "002_history_index"};

/* One row: whether the table is there, the version in its comment or -1, and the columns that it
   lacks. It reads the catalog alone: a writer needs no right to read the rows. */
static void put_look(struct postgres *self, const struct target *target)
{
    struct buf name;
    buf_init(&name, BUFFER_LIMIT);
    session_table(&self->session, &name, target->name);
    buf_str(&self->sql,
            STR("select t.oid is not null, " POSTGRES_VERSION_OF(
                "t.oid") ", "
                         "(select string_agg(quote_ident(w.name), ', ') from unnest(array["));
    for (size_t i = 0; i < target->layout->count; i++) {
        if (i > 0)
            buf_str(&self->sql, STR(", "));
        session_literal(&self->session, &self->sql, target->layout->column[i].name);
    }
    buf_str(&self->sql, STR("]::text[]) w (name) where not exists (select from pg_attribute a "
                            "where a.attrelid = t.oid and a.attname = w.name and a.attnum > 0 "
                            "and not a.attisdropped)) from (select to_regclass("));
    session_literal(&self->session, &self->sql, buf_view(&name));
    buf_str(&self->sql, STR(")) t (oid)"));
    buf_release(&name);
}

bool postgres_judge_version(const char *version, struct fault *fault)
{
    int64_t number;
    if (!str_to_int64(str_from(version), &number) || number < 0 || number == TABLE_VERSION)
        return true;
    if (number < TABLE_VERSION)
        return fault_set(fault, FAULT_CONFIG,
                         "it is of version %s, and version %d is written: run what "
                         "`fieldtrail sql %s connector.json` prints",
                         version, TABLE_VERSION, migration[number]);
    return fault_set(fault, FAULT_CONFIG,
                     "it is of version %s, and version %d is written: install the fieldtrail that "
                     "its migration came with",
                     version, TABLE_VERSION);
}

static bool judge_look(const PGresult *result, struct fault *fault)
{
    const char *lacks = PQgetvalue(result, 0, 2);
    if (PQgetvalue(result, 0, 0)[0] != 't')
        return fault_set(fault, FAULT_CONFIG, "postgres: it does not exist");
    if (!postgres_judge_version(PQgetvalue(result, 0, 1), fault))
        return fault_in(fault, "postgres");
    if (*lacks)
        return fault_set(fault, FAULT_CONFIG,
                         "postgres: column %s does not exist: for a table of the pipe run what "
                         "`fieldtrail sql %s connector.json` prints",
                         lacks, migration[0]);
    return true;
}

/* Makes the table where that is asked for, and looks whether it takes all columns. */
static bool check_target(struct postgres *self, struct target *target, struct fault *fault)
{
    PGresult *result;
    if (target->checked)
        return true;
    buf_clear(&self->sql);
    if (self->create) {
        buf_str(&self->sql, STR(CREATE_LOCK "create table if not exists "));
        session_table(&self->session, &self->sql, target->name);
        buf_str(&self->sql, STR(" ("));
        put_columns(self, target, true);
        buf_str(&self->sql, STR("); "));
    }
    put_look(self, target);
    target->checked = postgres_run(self, &result, fault) && judge_look(result, fault);
    PQclear(result);
    return target->checked
           || fault_in(fault, "table %.*s (`fieldtrail sql` has it, or set table.create=true%s)",
                       STR_ARG(target->name),
                       target->layout == &message_layout ? "; message.table= does without it" : "");
}

bool postgres_begin(struct postgres *self, struct fault *fault)
{
    PGresult *result;
    if (self->begun)
        return true;
    if (!self->session.conn)
        return fault_set(fault, FAULT_RETRY, "postgres: not connected");
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("begin"));
    self->begun = postgres_run(self, &result, fault);
    PQclear(result);
    return self->begun;
}

static bool open_copy(struct postgres *self, struct target *target, struct fault *fault)
{
    PGresult *result;
    if (target->copying)
        return true;
    if (!self->session.conn)
        return fault_set(fault, FAULT_RETRY, "postgres: not connected");
    if (!check_target(self, target, fault) || !postgres_begin(self, fault))
        return false;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("copy "));
    session_table(&self->session, &self->sql, target->name);
    buf_str(&self->sql, STR(" ("));
    put_columns(self, target, false);
    buf_str(&self->sql, STR(") from stdin"));
    target->copying = postgres_run(self, &result, fault);
    PQclear(result);
    return target->copying;
}

static struct target *copying_target(struct postgres *self)
{
    struct target *target = self->target;
    while (target && !target->copying)
        target = target->next;
    return target;
}

static bool send_rows(struct postgres *self, struct target *target, struct fault *fault)
{
    bool good = target->rows.len == 0
                || session_copy(&self->session, buf_view(&target->rows), fault);
    buf_clear(&target->rows);
    return good;
}

/* Sends what a table has gathered, where that is worth it. A connection copies into one table at a
   time: the others wait until the flush. */
static bool send_piece(struct postgres *self, struct target *target, struct fault *fault)
{
    if (target->rows.len < PIECE_SIZE)
        return true;
    struct target *open = copying_target(self);
    return (open && open != target)
           || (open_copy(self, target, fault) && send_rows(self, target, fault));
}

static struct target *touch_target(struct postgres *self, const struct change *change,
                                   struct fault *fault)
{
    struct target *target = postgres_target(self, change, fault);
    if (!target || target->fresh > 0)
        return target;
    target->start = target->rows.len;
    target->also = self->touched;
    self->touched = target;
    return target;
}

/* The changes of a record may be of several tables. False with FAULT_RECORD: the rows were not
   encoded. */
static bool encode_rows(struct postgres *self, const struct batch *batch, const struct row *row,
                        size_t count, struct fault *fault)
{
    struct encoder encoder = self->encoder;
    struct target *target = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!target || row[i].change != row[i - 1].change)
            target = touch_target(self, row[i].change, fault);
        if (!target)
            return false;
        encoder.layout = target->layout;
        target->fresh++;
        if (!encoder_row(&encoder, &row[i], batch, &target->rows, fault))
            return false;
    }
    return true;
}

bool postgres_put(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
                  struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    bool encoded = encode_rows(self, batch, row, count, fault);
    struct target *touched = self->touched;
    self->touched = NULL;
    for (struct target *target = touched; target; target = target->also) {
        if (encoded) {
            sink->pending_bytes += target->rows.len - target->start;
            blame_add(&target->blame, row->change->record->at, target->fresh);
        } else {
            buf_cut(&target->rows, target->start);
        }
        target->fresh = 0;
    }
    if (!encoded && fault->kind == FAULT_RECORD)
        return false;
    bool good = encoded;
    for (; good && touched; touched = touched->also)
        good = send_piece(self, touched, fault);
    if (!good)
        postgres_forget(self);
    return good;
}

static bool finish_copy(struct postgres *self, struct target *target, struct fault *fault)
{
    int64_t line;
    if (!send_rows(self, target, fault))
        return false;
    target->copying = false;
    if (session_copy_end(&self->session, &line, fault))
        return true;
    self->sink.blames = blame_find(&target->blame, line, &self->sink.blamed);
    return false;
}

bool postgres_finish_copies(struct postgres *self, struct fault *fault)
{
    struct target *open = copying_target(self);
    if (open && !finish_copy(self, open, fault))
        return false;
    for (struct target *target = self->target; target; target = target->next)
        if (target->rows.len > 0
            && !(open_copy(self, target, fault) && finish_copy(self, target, fault)))
            return false;
    return true;
}
