/*
 * COPY: rows on their way into tables, and whose they are.
 */
#include "postgres_copy.h"

/* Rows leave for the server in pieces of this size. */
#define PIECE_SIZE ((size_t)64 * 1024)

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

static bool is_binary(const struct copy *copy)
{
    return copy == &copy->target->binary;
}

bool postgres_begin(struct postgres *self, struct fault *fault)
{
    PGresult *result;
    if (self->begun)
        return true;
    if (!self->session.conn)
        return fault_set(fault, FAULT_RETRY, "postgres: not connected");
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("begin isolation level read committed"));
    self->begun = postgres_run(self, &result, fault);
    PQclear(result);
    return self->begun;
}

/* Binary rows mean nothing to a column of another type, or worse: something else. So the types they
   were written for are compared under the lock that COPY takes, and stay what they are from there
   on. A value's text needs no such thing. */
static void compose_copy(struct postgres *self, const struct copy *copy)
{
    const struct target *target = copy->target;
    buf_clear(&self->sql);
    if (is_binary(copy))
        postgres_put_hold(self, target);
    buf_str(&self->sql, STR("copy "));
    session_table(&self->session, &self->sql, target->name);
    buf_str(&self->sql, STR(" ("));
    postgres_put_columns(self, target, false);
    buf_str(&self->sql,
            is_binary(copy) ? STR(") from stdin (format binary)") : STR(") from stdin"));
}

static bool open_copy(struct postgres *self, struct copy *copy, struct fault *fault)
{
    PGresult *result;
    if (self->open == copy)
        return true;
    if (!self->session.conn)
        return fault_set(fault, FAULT_RETRY, "postgres: not connected");
    if (!postgres_check_target(self, copy->target, fault) || !postgres_begin(self, fault))
        return false;
    compose_copy(self, copy);
    bool good = postgres_run(self, &result, fault);
    PQclear(result);
    if (good)
        self->open = copy;
    else if (is_binary(copy) && fault->code == SQLSTATE_DIVISION_BY_ZERO)
        fault_set(fault, FAULT_RETRY,
                  "postgres: table %.*s was altered: its rows are made anew for the types that its "
                  "columns have now",
                  STR_ARG(copy->target->name));
    return good;
}

static bool send_rows(struct postgres *self, struct copy *copy, struct fault *fault)
{
    bool good = copy->rows.len == 0 || session_copy(&self->session, buf_view(&copy->rows), fault);
    buf_clear(&copy->rows);
    return good;
}

/* Sends what has been gathered, where that is worth it. A connection copies into one table at a
   time: the others wait until the flush, and so does text behind binary rows of its table. */
static bool send_piece(struct postgres *self, struct copy *copy, struct fault *fault)
{
    bool waits = (self->open && self->open != copy)
                 || (!is_binary(copy) && copy->target->binary.lines > 0);
    return copy->rows.len < PIECE_SIZE || waits
           || (open_copy(self, copy, fault) && send_rows(self, copy, fault));
}

static void touch(struct postgres *self, struct copy *copy)
{
    if (copy->touched)
        return;
    copy->touched = true;
    copy->start = copy->rows.len;
    copy->also = self->touched;
    self->touched = copy;
}

static void count_row(struct copy *copy)
{
    copy->fresh++;
    copy->lines++;
}

/* False where the row has to go as text. */
static bool encode_binary(struct postgres *self, struct target *target, const struct batch *batch,
                          const struct row *row)
{
    struct copy *copy = &target->binary;
    const struct pgbinary form = {target->layout, target->way};
    if (!target->known || target->text.lines > 0)
        return false;
    touch(self, copy);
    size_t start = copy->rows.len;
    if (copy->lines == 0)
        buf_str(&copy->rows, PGBINARY_HEAD);
    if (pgbinary_row(&form, row, batch, &copy->rows)) {
        count_row(copy);
        return true;
    }
    buf_cut(&copy->rows, start);
    return false;
}

static bool encode_text(struct postgres *self, struct target *target, const struct batch *batch,
                        const struct row *row, struct fault *fault)
{
    struct encoder encoder = self->encoder;
    encoder.layout = target->layout;
    touch(self, &target->text);
    count_row(&target->text);
    return encoder_row(&encoder, row, batch, &target->text.rows, fault);
}

/* The changes of a record may be of several tables. False with FAULT_RECORD: the rows were not
   encoded. */
static bool encode_rows(struct postgres *self, const struct batch *batch, const struct row *row,
                        size_t count, struct fault *fault)
{
    struct target *target = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!target || row[i].change != row[i - 1].change)
            target = postgres_target(self, row[i].change, fault);
        if (!target)
            return false;
        if (!encode_binary(self, target, batch, &row[i])
            && !encode_text(self, target, batch, &row[i], fault))
            return false;
    }
    return true;
}

/* What a record has put is kept, or taken back. */
static void settle_record(struct postgres *self, struct copy *copy, struct position at, bool keep)
{
    if (keep) {
        self->sink.pending_bytes += copy->rows.len - copy->start;
        blame_add(&copy->blame, at, copy->fresh);
    } else {
        buf_cut(&copy->rows, copy->start);
        copy->lines -= copy->fresh;
    }
    copy->fresh = 0;
    copy->touched = false;
}

bool postgres_put(struct sink *sink, const struct batch *batch, const struct row *row, size_t count,
                  struct fault *fault)
{
    struct postgres *self = (struct postgres *)sink;
    bool encoded = encode_rows(self, batch, row, count, fault);
    struct copy *touched = self->touched;
    self->touched = NULL;
    for (struct copy *copy = touched; copy; copy = copy->also)
        settle_record(self, copy, row->change->record->at, encoded);
    if (!encoded && fault->kind == FAULT_RECORD)
        return false;
    bool good = encoded;
    for (; good && touched; touched = touched->also)
        good = send_piece(self, touched, fault);
    if (!good)
        postgres_forget(self);
    return good;
}

static bool finish_copy(struct postgres *self, struct copy *copy, struct fault *fault)
{
    int64_t line;
    if (is_binary(copy))
        buf_str(&copy->rows, PGBINARY_TAIL);
    if (copy->rows.failed)
        return fault_memory(fault, "the output");
    if (!send_rows(self, copy, fault))
        return false;
    self->open = NULL;
    if (session_copy_end(&self->session, &line, fault))
        return true;
    self->sink.blames = blame_find(&copy->blame, line, &self->sink.blamed);
    return false;
}

static bool copy_rest(struct postgres *self, struct copy *copy, struct fault *fault)
{
    return copy->rows.len == 0 || (open_copy(self, copy, fault) && finish_copy(self, copy, fault));
}

bool postgres_finish_copies(struct postgres *self, struct fault *fault)
{
    if (self->open && !finish_copy(self, self->open, fault))
        return false;
    for (struct target *target = self->target; target; target = target->next)
        if (!copy_rest(self, &target->binary, fault) || !copy_rest(self, &target->text, fault))
            return false;
    return true;
}
