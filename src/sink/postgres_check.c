/*
 * Whether the database could take the rows: what the catalog says of it and of the tables, and then
 * the last events' rows themselves, in a transaction that is rolled back.
 */
#include "postgres_desk.h"

#define NAME_SIZE 300

/* One look at one database. */
struct look {
    struct postgres *self;
    const struct batch *sample;
    struct findings *findings;
    char user[NAME_SIZE];
    bool writable;
};

static const char *cell(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

static bool is_true(const PGresult *result, int row, int column)
{
    return *cell(result, row, column) == 't';
}

/* Runs what stands in self->sql; a failure is a finding. The caller clears the result. */
static PGresult *query(struct look *look, const char *what)
{
    PGresult *result;
    struct fault fault = {0};
    if (postgres_run(look->self, &result, &fault))
        return result;
    findings_add(look->findings, FINDING_FAIL, "target: %s: %s", what, fault.text);
    return NULL;
}

static struct buf *new_sql(struct look *look)
{
    buf_clear(&look->self->sql);
    return &look->self->sql;
}

/* ---- the server ---- */

static void check_durability(struct look *look, const PGresult *result)
{
    if (strcmp(cell(result, 0, 5), "off") == 0)
        findings_add(
            look->findings, FINDING_WARN,
            "target: synchronous_commit=off: a crash of the server loses the last commits, "
            "rows and positions alike, and they are read again only while Kafka has them; "
            "set it to on for user %s",
            look->user);
    if (strcmp(cell(result, 0, 6), "off") == 0)
        findings_add(
            look->findings, FINDING_WARN,
            "target: fsync=off: a crash of the machine can destroy the whole database; set "
            "it to on in postgresql.conf");
    if (strcmp(cell(result, 0, 7), "UTF8") != 0)
        findings_add(look->findings, FINDING_WARN,
                     "target: the database's encoding is %s: values with characters it lacks are "
                     "refused; create it with encoding UTF8",
                     cell(result, 0, 7));
}

static bool check_server(struct look *look)
{
    buf_str(new_sql(look),
            STR("select current_database(), current_user, current_setting('server_version'), "
                "pg_is_in_recovery(), current_setting('transaction_read_only'), "
                "current_setting('synchronous_commit'), current_setting('fsync'), "
                "current_setting('server_encoding')"));
    PGresult *result = query(look, "the server's settings");
    if (!result)
        return false;
    snprintf(look->user, sizeof(look->user), "%s", cell(result, 0, 1));
    findings_add(look->findings, FINDING_OK, "target: database %s, PostgreSQL %s, user %s",
                 cell(result, 0, 0), cell(result, 0, 2), look->user);
    look->writable = !is_true(result, 0, 3) && strcmp(cell(result, 0, 4), "on") != 0;
    if (is_true(result, 0, 3))
        findings_add(look->findings, FINDING_FAIL,
                     "target: the server is a standby and takes no rows; name the primary in "
                     "connection.uri, or several hosts with target_session_attrs=read-write");
    else if (!look->writable)
        findings_add(look->findings, FINDING_FAIL,
                     "target: the session is read-only; set default_transaction_read_only=off for "
                     "user %s or the database",
                     look->user);
    check_durability(look, result);
    PQclear(result);
    return true;
}

/* ---- what is missing ---- */

/* The table is not there: it is made, or it is to be made by hand. */
static void check_create(struct look *look, const char *table, const char *remedy)
{
    if (!look->self->create) {
        findings_add(look->findings, FINDING_FAIL, "target: table %s is not there; %s", table,
                     remedy);
        return;
    }
    buf_str(new_sql(look), STR("select coalesce(has_schema_privilege(current_schema(), 'create'), "
                               "false), coalesce(current_schema(), '')"));
    PGresult *result = query(look, "the right to make tables");
    if (result && is_true(result, 0, 0))
        findings_add(look->findings, FINDING_OK,
                     "target: table %s is not there yet; table.create=true makes it", table);
    else if (result)
        findings_add(look->findings, FINDING_FAIL,
                     "target: table %s is not there, and user %s may not make it; grant create on "
                     "schema %s to %s, or %s",
                     table, look->user, cell(result, 0, 1), look->user, remedy);
    PQclear(result);
}

/* A table of the sink's own, and what it needs to do with it. */
struct own_table {
    const char *name, *rights, *remedy;
};

static const struct own_table offsets = {"fieldtrail_offset", "select, insert, update",
                                         "run schemas/postgres/fieldtrail_offset.sql"};
static const struct own_table left_out = {"fieldtrail_left_out", "select, insert",
                                          "run schemas/postgres/fieldtrail_left_out.sql"};

static void check_right(struct look *look, const struct own_table *table, str right)
{
    buf_format(new_sql(look), "select has_table_privilege('%s', '%.*s')", table->name,
               STR_ARG(right));
    PGresult *result = query(look, table->name);
    if (result && !is_true(result, 0, 0))
        findings_add(look->findings, FINDING_FAIL,
                     "target: user %s lacks the right to %.*s%s %s; grant %s on %s to %s",
                     look->user, STR_ARG(right),
                     str_is(right, "select")   ? " from"
                     : str_is(right, "insert") ? " into"
                                               : "",
                     table->name, table->rights, table->name, look->user);
    PQclear(result);
}

static void check_own_table(struct look *look, const struct own_table *table)
{
    struct fault fault = {0};
    bool has;
    str rights = str_from(table->rights), right;
    if (!postgres_has_table(look->self, table->name, &has, &fault)) {
        findings_add(look->findings, FINDING_FAIL, "target: %s", fault.text);
        return;
    }
    if (!has) {
        check_create(look, table->name, table->remedy);
        return;
    }
    while (str_split(&rights, ',', &right))
        check_right(look, table, str_trim(right));
}

/* ---- columns ---- */

/* A column's type, by what PostgreSQL calls it. */
static bool is_one_of(const char *type, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(type, *list) == 0)
            return true;
    return false;
}

static const char *const text_types[] = {"text", "character varying", "citext", NULL};
static const char *const time_types[] = {"timestamp with time zone", NULL};
static const char *const flag_types[] = {"boolean", NULL};
static const char *const number_types[] = {"bigint", "numeric", NULL};
static const char *const small_types[] = {"integer", "bigint", "numeric", NULL};
static const char *const document_types[] = {"json", "jsonb", NULL};

/* The types that hold every value of such a column, beside those of texts; NULL: of the source's
   own columns, where the table's owner knows what they are. */
static const char *const *types_for(enum column_kind kind)
{
    static const char *const none[] = {NULL};
    static const char *const *const types[] = {[CONTENT_TEXT] = none,
                                               [CONTENT_TIME] = time_types,
                                               [CONTENT_FLAG] = flag_types,
                                               [CONTENT_INT] = small_types,
                                               [CONTENT_LONG] = number_types};
    if (kind == COLUMN_COPY)
        return NULL;
    if (kind == COLUMN_ROW_KEY)
        return document_types;
    /* Texts that are numbers, as far as we know. */
    if (kind == COLUMN_TX_ORDER || kind == COLUMN_TX_ID || kind == COLUMN_LSN)
        return number_types;
    return kind == COLUMN_FIELD_NO ? small_types : types[column_content(kind)];
}

/* Columns that are NULL in some rows whatever the source does. */
static bool is_nullable(enum column_kind kind)
{
    return kind == COLUMN_CHANGE_FIELD || kind == COLUMN_OLD_VALUE || kind == COLUMN_NEW_VALUE
           || kind == COLUMN_DATETIME_CREATED || kind == COLUMN_DATETIME_UPDATED
           || kind == COLUMN_DATETIME_DELETED;
}

static void check_type(struct look *look, const char *table, const struct column *column,
                       const char *type)
{
    const char *const *good = types_for(column->kind);
    str base = str_head(str_from(type), strcspn(type, "("));
    char name[NAME_SIZE];
    snprintf(name, sizeof(name), "%.*s", STR_ARG(base));
    if (!good || is_one_of(type, good) || is_one_of(type, text_types))
        return;
    if (is_one_of(name, text_types))
        findings_add(look->findings, FINDING_WARN,
                     "target: column %.*s of %s is %s: longer values are refused; alter table %s "
                     "alter column %.*s type text",
                     STR_ARG(column->name), table, type, table, STR_ARG(column->name));
    else if (good == time_types && str_starts(str_from(type), STR("timestamp")))
        findings_add(look->findings, FINDING_WARN,
                     "target: column %.*s of %s is %s, which forgets the zone: times stand in UTC "
                     "there; alter table %s alter column %.*s type timestamptz using %.*s at time "
                     "zone 'UTC'",
                     STR_ARG(column->name), table, type, table, STR_ARG(column->name),
                     STR_ARG(column->name));
    else
        findings_add(look->findings, FINDING_FAIL,
                     "target: column %.*s of %s is %s, which cannot hold its values; alter table "
                     "%s alter column %.*s type %s",
                     STR_ARG(column->name), table, type, table, STR_ARG(column->name),
                     good[0] && good != document_types ? good[0] : "text");
}

/* Rows of (name, type, not null, has a value of its own, generated, insert). */
enum { AT_NAME, AT_TYPE, AT_NOT_NULL, AT_FILLED, AT_GENERATED, AT_INSERT };

static void check_column(struct look *look, const char *table, const PGresult *result,
                         const struct column *column)
{
    int row = 0, count = PQntuples(result);
    while (row < count && !str_is(column->name, cell(result, row, AT_NAME)))
        row++;
    if (row == count) {
        const char *const *good = types_for(column->kind);
        findings_add(look->findings, FINDING_FAIL,
                     "target: table %s has no column %.*s; alter table %s add column %.*s %s, or "
                     "leave it out by pivot.columns",
                     table, STR_ARG(column->name), table, STR_ARG(column->name),
                     good && good[0] && good != document_types ? good[0] : "text");
        return;
    }
    check_type(look, table, column, cell(result, row, AT_TYPE));
    if (is_true(result, row, AT_GENERATED))
        findings_add(look->findings, FINDING_FAIL,
                     "target: column %.*s of %s is generated and takes no values; alter table %s "
                     "alter column %.*s drop expression",
                     STR_ARG(column->name), table, table, STR_ARG(column->name));
    if (is_true(result, row, AT_NOT_NULL) && is_nullable(column->kind))
        findings_add(look->findings, FINDING_FAIL,
                     "target: column %.*s of %s is NOT NULL, but NULL in some rows; alter table %s "
                     "alter column %.*s drop not null",
                     STR_ARG(column->name), table, table, STR_ARG(column->name));
    if (!is_true(result, row, AT_INSERT))
        findings_add(look->findings, FINDING_FAIL,
                     "target: user %s lacks the right to insert into column %.*s of %s; grant "
                     "insert on %s to %s",
                     look->user, STR_ARG(column->name), table, table, look->user);
}

static void check_other_columns(struct look *look, const char *table, const PGresult *result)
{
    const struct layout *layout = look->self->layout;
    for (int row = 0; row < PQntuples(result); row++) {
        bool ours = false;
        for (size_t i = 0; i < layout->count && !ours; i++)
            ours = str_is(layout->column[i].name, cell(result, row, AT_NAME));
        if (!ours && is_true(result, row, AT_NOT_NULL) && !is_true(result, row, AT_FILLED))
            findings_add(look->findings, FINDING_FAIL,
                         "target: column %s of %s is NOT NULL and gets no value; alter table %s "
                         "alter column %s drop not null, or give it a default",
                         cell(result, row, AT_NAME), table, table, cell(result, row, AT_NAME));
    }
}

static void check_version(struct look *look, const char *table, const char *version)
{
    struct fault fault = {0};
    if (!postgres_judge_version(version, &fault))
        findings_add(look->findings, FINDING_FAIL, "target: table %s: %s", table, fault.text);
}

static void check_columns(struct look *look, const char *table, const char *oid)
{
    const struct layout *layout = look->self->layout;
    size_t failed = look->findings->count[FINDING_FAIL];
    if (!layout->ready) {
        findings_add(
            look->findings, FINDING_WARN,
            "target: the columns of %s cannot be compared: there is no event yet that says "
            "the keys; name them in pivot.keys, or check again later",
            table);
        return;
    }
    buf_format(new_sql(look),
               "select attname, format_type(atttypid, atttypmod), attnotnull, "
               "atthasdef or attidentity <> '', attgenerated <> '', "
               "has_column_privilege(attrelid, attnum, 'insert') from pg_attribute "
               "where attrelid = %s and attnum > 0 and not attisdropped",
               oid);
    PGresult *result = query(look, table);
    if (!result)
        return;
    for (size_t i = 0; i < layout->count; i++) {
        check_column(look, table, result, &layout->column[i]);
        /* Rights that are missing are missing for all. */
        if (look->findings->count[FINDING_FAIL] > failed + 20)
            break;
    }
    check_other_columns(look, table, result);
    if (look->findings->count[FINDING_FAIL] == failed)
        findings_add(look->findings, FINDING_OK, "target: table %s has all %zu columns", table,
                     layout->count);
    PQclear(result);
}

static void check_kind(struct look *look, const char *table, const char *kind)
{
    if (strcmp(kind, "v") == 0)
        findings_add(look->findings, FINDING_WARN,
                     "target: %s is a view: it takes rows only by an INSTEAD OF INSERT trigger",
                     table);
    else if (strcmp(kind, "r") != 0 && strcmp(kind, "p") != 0 && strcmp(kind, "f") != 0)
        findings_add(look->findings, FINDING_FAIL,
                     "target: %s is no table; name one by table=", table);
}

/* True where rows can be tried. */
static bool check_table(struct look *look, str name)
{
    struct postgres *self = look->self;
    char table[NAME_SIZE];
    size_t failed = look->findings->count[FINDING_FAIL];
    struct buf quoted;
    buf_init(&quoted, 10000);
    session_table(&self->session, &quoted, name);
    snprintf(table, sizeof(table), "%.*s", STR_ARG(name));
    buf_str(new_sql(look), STR("select oid, relkind, " POSTGRES_VERSION_OF(
                               "oid") " from pg_class where oid = to_regclass("));
    session_literal(&self->session, &self->sql, buf_view(&quoted));
    buf_char(&self->sql, ')');
    buf_release(&quoted);
    PGresult *result = query(look, table);
    bool there = result && PQntuples(result) > 0;
    if (result && !there)
        check_create(look, table,
                     "run what `fieldtrail sql table` and `sql partitions` print, or set "
                     "table.create=true");
    if (there) {
        check_kind(look, table, cell(result, 0, 1));
        check_version(look, table, cell(result, 0, 2));
        check_columns(look, table, cell(result, 0, 0));
    }
    PQclear(result);
    return there && look->findings->count[FINDING_FAIL] == failed;
}

/* ---- the last events' rows ---- */

/* The table of messages is looked at when the first of them comes. */
static bool is_message(const struct row *row)
{
    return row->change->op == CHANGE_MESSAGE;
}

/* Copies the rows of tables that are as they should be, in a transaction that `try_rows` ends. */
static bool copy_rows(struct look *look, size_t *count, struct fault *fault)
{
    struct postgres *self = look->self;
    const struct batch *sample = look->sample;
    PGresult *result;
    *count = 0;
    for (size_t i = 0; i < sample->row_count; i++) {
        if (is_message(&sample->row[i]))
            continue;
        struct target *target = postgres_target(self, sample->row[i].change, fault);
        if (!target)
            return false;
        if (!target->checked)
            continue;
        if (!encoder_row(&self->encoder, &sample->row[i], sample, &target->text.rows, fault))
            return false;
        ++*count;
    }
    if (*count == 0)
        return true;
    if (!postgres_begin(self, fault))
        return false;
    buf_str(new_sql(look), STR("set local lock_timeout = '5s'; set local statement_timeout = "
                               "'30s'"));
    if (!postgres_run(self, &result, fault) || !postgres_finish_copies(self, fault))
        return false;
    buf_str(new_sql(look), STR("set constraints all immediate"));
    return postgres_run(self, &result, fault);
}

static void try_rows(struct look *look)
{
    struct fault fault = {0};
    size_t count;
    bool good = copy_rows(look, &count, &fault);
    if (!good)
        findings_add(look->findings, FINDING_FAIL,
                     "target: rows of the topics' last events were tried and are refused: %s",
                     fault.text);
    else if (count > 0)
        findings_add(look->findings, FINDING_OK,
                     "target: %zu rows of the topics' last events were tried, and taken back",
                     count);
    /* Whatever is under way on the connection ends with it, and nothing was committed. */
    session_close(&look->self->session);
}

/* ---- all of it ---- */

/* Tables that rows of the sample go to; for a fixed name that one. */
static bool check_tables(struct look *look)
{
    struct postgres *self = look->self;
    bool any = false;
    if (str_find(self->table, STR("${")) < 0) {
        struct fault fault = {0};
        bool good = check_table(look, self->table);
        struct change none = {0};
        struct target *target = good ? postgres_target(self, &none, &fault) : NULL;
        if (target)
            target->checked = true;
        return target != NULL;
    }
    for (size_t i = 0; i < look->sample->row_count; i++) {
        if (is_message(&look->sample->row[i]))
            continue;
        struct fault fault = {0};
        size_t known = self->target_count;
        struct target *target = postgres_target(self, look->sample->row[i].change, &fault);
        if (target && self->target_count > known)
            target->checked = check_table(look, target->name);
        any = any || (target && target->checked);
    }
    if (self->target_count == 0)
        findings_add(look->findings, FINDING_WARN,
                     "target: table=%.*s: no event says yet which tables that are",
                     STR_ARG(self->table));
    return any;
}

void postgres_check(struct sink *sink, const struct batch *sample, struct findings *findings)
{
    struct look look = {.self = (struct postgres *)sink, .sample = sample, .findings = findings};
    struct fault fault = {0};
    if (look.self->uri.len == 0)
        findings_add(findings, FINDING_WARN,
                     "target: connection.uri is not set: libpq's own defaults and PG* variables "
                     "hold");
    if (!look.self->session.conn
        && !session_open(&look.self->session, look.self->uri, STR("fieldtrail check"), &fault)) {
        findings_add(findings, FINDING_FAIL, "target: %s; connection.uri says which database",
                     fault.text);
        return;
    }
    if (!check_server(&look))
        return;
    check_own_table(&look, &offsets);
    if (look.self->tolerant)
        check_own_table(&look, &left_out);
    if (check_tables(&look) && look.writable)
        try_rows(&look);
}
