/*
 * Tables: which one a change goes to, whether it takes our columns, and what types they are of.
 */
#include "postgres_copy.h"

#include "table_name.h"

#define TARGET_LIMIT 1000
/* Of what waits in one of a table's two forms. */
#define BUFFER_LIMIT ((size_t)256 * 1024 * 1024)

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
    target->binary.target = target->text.target = target;
    buf_init(&target->binary.rows, BUFFER_LIMIT);
    buf_init(&target->text.rows, BUFFER_LIMIT);
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

void postgres_put_columns(struct postgres *self, const struct target *target, bool with_types)
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

/* The table's name as a literal. */
static void put_name(struct postgres *self, const struct target *target)
{
    struct buf name;
    buf_init(&name, BUFFER_LIMIT);
    session_table(&self->session, &name, target->name);
    session_literal(&self->session, &self->sql, buf_view(&name));
    buf_release(&name);
}

/* One row: whether the table is there, the version in its comment or -1, the columns that it lacks,
   and the types of all of them, where it is a table that we may lock. It reads the catalog alone: a
   writer needs no right to read the rows. */
static void put_look(struct postgres *self, const struct target *target)
{
    buf_str(
        &self->sql,
        STR("select t.oid is not null, " POSTGRES_VERSION_OF(
            "t.oid") ", string_agg(quote_ident(w.name), ', ') filter (where a.attname is null), "
                     "case when (select relkind from pg_class where oid = t.oid) in ('r', 'p') "
                     "and has_table_privilege(t.oid, 'insert') "
                     "then string_agg(a.atttypid::text, ',' order by w.no) end "
                     "from (select to_regclass("));
    put_name(self, target);
    buf_str(&self->sql, STR(")) t (oid) cross join unnest(array["));
    for (size_t i = 0; i < target->layout->count; i++) {
        if (i > 0)
            buf_str(&self->sql, STR(", "));
        session_literal(&self->session, &self->sql, target->layout->column[i].name);
    }
    buf_str(&self->sql, STR("]::text[]) with ordinality w (name, no) left join pg_attribute a "
                            "on a.attrelid = t.oid and a.attname = w.name and a.attnum > 0 "
                            "and not a.attisdropped group by t.oid"));
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

/* Learns how rows are written in binary form, where every column is of a type that has one here. */
static bool learn_ways(struct postgres *self, struct target *target, str types, struct fault *fault)
{
    const struct layout *layout = target->layout;
    str type;
    if (!target->oid) {
        target->oid = ARENA_NEW(&self->arena, int64_t, layout->count);
        target->way = ARENA_NEW(&self->arena, enum pgbinary_way, layout->count);
    }
    if (!target->oid || !target->way)
        return fault_memory(fault, "a table's types");
    target->known = layout->count > 0;
    for (size_t i = 0; i < layout->count; i++) {
        bool told = str_split(&types, ',', &type) && str_to_int64(type, &target->oid[i]);
        target->way[i] = told ? pgbinary_way(target->oid[i], layout->column[i].kind)
                              : PGBINARY_NONE;
        target->known = target->known && target->way[i] != PGBINARY_NONE;
    }
    return true;
}

void postgres_put_hold(struct postgres *self, const struct target *target)
{
    const struct layout *layout = target->layout;
    struct buf name;
    buf_init(&name, BUFFER_LIMIT);
    buf_str(&self->sql, STR("lock table only "));
    session_table(&self->session, &self->sql, target->name);
    buf_format(&self->sql,
               " in row exclusive mode; select 1 / (count(*) = %zu)::integer "
               "from pg_attribute where attrelid = ",
               layout->count);
    put_name(self, target);
    buf_str(&self->sql,
            STR("::regclass and attnum > 0 and attname || ' ' || atttypid = any (array["));
    for (size_t i = 0; i < layout->count; i++) {
        buf_clear(&name);
        buf_str(&name, layout->column[i].name);
        buf_format(&name, " %lld", (long long)target->oid[i]);
        if (i > 0)
            buf_str(&self->sql, STR(", "));
        session_literal(&self->session, &self->sql, buf_view(&name));
    }
    buf_str(&self->sql, STR("]); "));
    buf_release(&name);
}

/* Makes the table where that is asked for, and looks whether it takes all columns. */
bool postgres_check_target(struct postgres *self, struct target *target, struct fault *fault)
{
    PGresult *result;
    if (target->checked)
        return true;
    buf_clear(&self->sql);
    if (self->create) {
        buf_str(&self->sql, STR(CREATE_LOCK "create table if not exists "));
        session_table(&self->session, &self->sql, target->name);
        buf_str(&self->sql, STR(" ("));
        postgres_put_columns(self, target, true);
        buf_str(&self->sql, STR("); "));
    }
    put_look(self, target);
    target->checked = postgres_run(self, &result, fault) && judge_look(result, fault)
                      && learn_ways(self, target, str_from(PQgetvalue(result, 0, 3)), fault);
    PQclear(result);
    return target->checked
           || fault_in(fault, "table %.*s (`fieldtrail sql` has it, or set table.create=true%s)",
                       STR_ARG(target->name),
                       target->layout == &message_layout ? "; message.table= does without it" : "");
}
