/*
 * Tables of QuestDB: their statements, and the checks that keep rows from being lost.
 */
#include "questdb_table.h"

#include <strings.h>

#include "log.h"
#include "table_name.h"

#define TABLE_LIMIT 1000
/* So many names fit the server's limit of a request's head. */
#define NAMES_PER_QUERY 100
#define TABLE_ARENA_LIMIT ((size_t)16 * 1024 * 1024)
#define LINES_LIMIT ((size_t)1024 * 1024 * 1024)

/* ---- columns ---- */

static const enum column_kind keys[] = {COLUMN_EVENT_TIME,      COLUMN_KAFKA_TOPIC,
                                        COLUMN_KAFKA_PARTITION, COLUMN_KAFKA_OFFSET,
                                        COLUMN_FIELD_NO,        COLUMN_CHANGE_FIELD};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static bool is_of_messages(const struct questdb_table *table)
{
    return table->layout == &message_layout;
}

/* A message changes no field. One record may hold several (wal2json's), which field_no tells
   apart. */
static size_t key_count(const struct questdb_table *table)
{
    return is_of_messages(table) ? KEY_COUNT - 1 : KEY_COUNT;
}

static bool same_name(str a, str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

static bool is_key(enum column_kind kind)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (keys[i] == kind)
            return true;
    return false;
}

static const char *usual_type(const struct ilp_column *column)
{
    static const char *const types[] = {[CONTENT_TEXT] = "VARCHAR",
                                        [CONTENT_TIME] = "TIMESTAMP",
                                        [CONTENT_FLAG] = "BOOLEAN",
                                        [CONTENT_INT] = "INT",
                                        [CONTENT_LONG] = "LONG"};
    enum column_kind kind = column->column.kind;
    if (column->type == ILP_NUMBER)
        return "DOUBLE";
    bool few = kind == COLUMN_CHANGE_FIELD || kind == COLUMN_OP || kind == COLUMN_KAFKA_TOPIC
               || kind == COLUMN_SOURCE_TABLE;
    return few ? "SYMBOL" : types[column_content(kind)];
}

/* Whether the table's type can hold what the column is; a BOOLEAN holds no NULL. */
static bool takes(struct ilp_column *column, str type)
{
    static const struct {
        const char *name;
        enum ilp_type type;
    } types[] = {{"SYMBOL", ILP_SYMBOL},   {"VARCHAR", ILP_TEXT},  {"STRING", ILP_TEXT},
                 {"INT", ILP_INT},         {"LONG", ILP_LONG},     {"DOUBLE", ILP_DOUBLE},
                 {"BOOLEAN", ILP_BOOLEAN}, {"TIMESTAMP", ILP_TIME}};
    const char *usual = usual_type(column);
    bool is_time = strcmp(usual, "TIMESTAMP") == 0, is_bool = strcmp(usual, "BOOLEAN") == 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        enum ilp_type found = types[i].type;
        if (!str_is(type, types[i].name))
            continue;
        if (column->type == ILP_NUMBER)
            return found == ILP_DOUBLE;
        column->type = found;
        if (found == ILP_SYMBOL || found == ILP_TEXT)
            return true;
        if (found == ILP_BOOLEAN)
            return is_bool;
        return found == ILP_TIME ? is_time || column->column.kind == COLUMN_COPY
                                 : !is_time && !is_bool;
    }
    return false;
}

/* Adds a column under its name in QuestDB. False with FAULT_CONFIG where another one has it. */
static bool add_column(struct questdb_table *table, struct ilp_column *list, struct column from,
                       enum ilp_type type, struct buf *scratch, struct fault *fault)
{
    struct ilp_column *column = &list[table->ilp.count];
    *column = (struct ilp_column){.column = from, .type = type};
    buf_clear(scratch);
    ilp_put_column_name(scratch, from.name);
    if (scratch->failed || !arena_copy(&table->arena, buf_view(scratch), &column->column.name))
        return fault_memory(fault, "columns");
    str name = column->column.name;
    if (name.len == 0 || name.len > ILP_NAME_LIMIT)
        return fault_set(fault, FAULT_CONFIG,
                         "column %.*s: QuestDB's names have 1 to %d bytes; rename it with "
                         "pivot.columns",
                         STR_ARG(str_head(from.name, 200)), ILP_NAME_LIMIT);
    for (size_t i = 0; i < table->ilp.count; i++) {
        const struct column *other = &list[i].column;
        if (!same_name(other->name, name))
            continue;
        /* The keys are there already. */
        if (other->kind == from.kind && is_key(from.kind) && i < key_count(table))
            return true;
        return fault_set(fault, FAULT_CONFIG,
                         "column %.*s would be %.*s in QuestDB, which another column is: rename "
                         "one with pivot.columns name=column.source",
                         STR_ARG(from.name), STR_ARG(name));
    }
    buf_clear(scratch);
    buf_char(scratch, ',');
    ilp_put_name(scratch, name);
    buf_char(scratch, '=');
    if (scratch->failed || !arena_copy(&table->arena, buf_view(scratch), &column->lead))
        return fault_memory(fault, "columns");
    table->ilp.count++;
    return true;
}

/* The keys whatever the layout has, then the layout's columns, then numbers. */
static struct ilp_column *make_columns(struct questdb *self, struct questdb_table *table,
                                       struct fault *fault)
{
    const struct layout *layout = table->layout;
    struct ilp_column *list = ARENA_NEW(&table->arena, struct ilp_column,
                                        KEY_COUNT + layout->count + 2);
    bool numbered = self->numbers && !is_of_messages(table);
    bool good = list || fault_memory(fault, "columns");
    table->ilp = (struct ilp){.column = list};
    for (size_t i = 0; good && i < key_count(table); i++) {
        struct column key = {.name = str_from(column_kind_name(keys[i])), .kind = keys[i]};
        good = add_column(table, list, key, ILP_TEXT, &self->path, fault);
    }
    for (size_t i = 0; good && i < layout->count; i++)
        good = add_column(table, list, layout->column[i], ILP_TEXT, &self->path, fault);
    const struct column numbers[] = {{.name = STR("old_number"), .kind = COLUMN_OLD_VALUE},
                                     {.name = STR("new_number"), .kind = COLUMN_NEW_VALUE}};
    for (size_t i = 0; good && numbered && i < 2; i++)
        good = add_column(table, list, numbers[i], ILP_NUMBER, &self->path, fault);
    return good ? list : NULL;
}

/* ---- statements ---- */

static void put_keys(const struct questdb_table *table, struct buf *sql)
{
    buf_str(sql, STR("UPSERT KEYS("));
    for (size_t i = 0; i < key_count(table); i++)
        buf_format(sql, "%s%s", i ? ", " : "", column_kind_name(keys[i]));
    buf_char(sql, ')');
}

/* Nobody needs the table of messages. */
static const char *way_around(const struct questdb_table *table)
{
    return is_of_messages(table) ? "; message.table= does without it" : "";
}

static void compose_create(struct questdb *self, const struct questdb_table *table)
{
    struct buf *sql = &self->sql;
    buf_clear(sql);
    buf_str(sql, STR("CREATE TABLE IF NOT EXISTS "));
    buf_quoted(sql, '"', table->name);
    for (size_t i = 0; i < table->ilp.count; i++) {
        buf_str(sql, i ? STR(", ") : STR(" ("));
        buf_quoted(sql, '"', table->ilp.column[i].column.name);
        buf_format(sql, " %s", usual_type(&table->ilp.column[i]));
    }
    buf_str(sql, STR(") TIMESTAMP(event_time) PARTITION BY DAY WAL DEDUP "));
    put_keys(table, sql);
}

/* The whole statement is longer than a fault may be. */
static void log_create(struct questdb *self, const struct questdb_table *table)
{
    compose_create(self, table);
    log_write(LOG_WARN, "the table is made by: %.*s", STR_ARG(buf_view(&self->sql)));
}

static bool create(struct questdb *self, const struct questdb_table *table, struct fault *fault)
{
    struct json *rows;
    compose_create(self, table);
    if (questdb_run(self, &rows, fault))
        return true;
    if (fault->kind == FAULT_RETRY && strstr(fault->text, "answers 400"))
        fault->kind = FAULT_CONFIG;
    return fault_in(fault, "table %.*s cannot be made", STR_ARG(table->name));
}

/* ---- checks ---- */

/* A table that was suspended takes rows and shows none of them. */
static bool refuse_suspended(str name, struct fault *fault)
{
    return fault_set(fault, FAULT_RETRY,
                     "table %.*s is suspended (wal_tables() says why): once that is mended, ALTER "
                     "TABLE \"%.*s\" RESUME WAL",
                     STR_ARG(name), STR_ARG(name));
}

static bool has_right_time(struct json *row)
{
    return same_name(questdb_text(row, 2), STR("event_time"));
}

static bool check_kind(const struct questdb_table *table, struct json *row, struct fault *fault)
{
    str name = table->name, designated = questdb_text(row, 2);
    if (!has_right_time(row))
        return fault_set(fault, FAULT_CONFIG,
                         "table %.*s: its designated timestamp is %.*s and not event_time: RENAME "
                         "TABLE \"%.*s\" TO \"%.*s_old\", and make it anew (table.create=true, or "
                         "the statement in the log)",
                         STR_ARG(name), STR_ARG(designated.len ? designated : STR("missing")),
                         STR_ARG(name), STR_ARG(name));
    if (!questdb_is_true(row, 3))
        return fault_set(fault, FAULT_CONFIG,
                         "table %.*s has no write-ahead log, and so no deduplication: ALTER TABLE "
                         "\"%.*s\" SET TYPE WAL, and restart QuestDB",
                         STR_ARG(name), STR_ARG(name));
    return !questdb_is_true(row, 4) || refuse_suspended(name, fault);
}

/* Reads id and kind of the table; its name is then as the server spells it. The row is NULL where
   there is no such table. */
static bool read_table(struct questdb *self, struct questdb_table *table, struct json **row,
                       struct fault *fault)
{
    struct json *rows;
    buf_clear(&self->sql);
    buf_str(&self->sql,
            STR("SELECT t.id, t.table_name, t.designatedTimestamp, t.walEnabled, w.suspended FROM "
                "tables() t LEFT JOIN wal_tables() w ON w.name = t.table_name WHERE "
                "lower(t.table_name) = lower("));
    buf_quoted(&self->sql, '\'', table->name);
    buf_char(&self->sql, ')');
    if (!questdb_run(self, &rows, fault))
        return false;
    *row = rows ? rows->child : NULL;
    if (!*row)
        return true;
    table->id = questdb_number(*row, 0);
    return arena_copy(&table->arena, questdb_text(*row, 1), &table->name)
           || fault_memory(fault, "a table");
}

static bool find_table(struct questdb *self, struct questdb_table *table, struct fault *fault)
{
    struct json *row;
    if (!read_table(self, table, &row, fault))
        return false;
    if (!row || !has_right_time(row))
        log_create(self, table);
    return row ? check_kind(table, row, fault)
               : fault_set(fault, FAULT_CONFIG,
                           "table %.*s does not exist: run the statement in the log "
                           "(schemas/questdb has %s), or set table.create=true%s",
                           STR_ARG(table->name),
                           is_of_messages(table) ? "it, too" : "the tutorial's table",
                           way_around(table));
}

static struct json *find_column(struct json *rows, str name)
{
    for (struct json *row = rows ? rows->child : NULL; row; row = row->next)
        if (same_name(questdb_text(row, 0), name))
            return row;
    return NULL;
}

static bool check_column(struct questdb_table *table, struct ilp_column *column, struct json *rows,
                         struct fault *fault)
{
    str name = column->column.name, table_name = table->name;
    struct json *row = find_column(rows, name);
    const char *type = usual_type(column);
    if (!row)
        return fault_set(fault, FAULT_CONFIG,
                         "table %.*s has no column %.*s: ALTER TABLE \"%.*s\" ADD COLUMN \"%.*s\" "
                         "%s",
                         STR_ARG(table_name), STR_ARG(name), STR_ARG(table_name), STR_ARG(name),
                         type);
    if (takes(column, questdb_text(row, 1)))
        return true;
    return fault_set(fault, FAULT_CONFIG,
                     "table %.*s: column %.*s is %.*s, which cannot hold it: ALTER TABLE \"%.*s\" "
                     "ALTER COLUMN \"%.*s\" TYPE %s",
                     STR_ARG(table_name), STR_ARG(name), STR_ARG(questdb_text(row, 1)),
                     STR_ARG(table_name), STR_ARG(name), type);
}

/* Fewer keys would let rows overwrite each other; more of them would let a row in twice. */
static bool check_keys(struct questdb *self, struct questdb_table *table, struct json *rows,
                       struct fault *fault)
{
    size_t count = 0, ours = 0;
    for (struct json *row = rows ? rows->child : NULL; row; row = row->next) {
        if (!questdb_is_true(row, 2))
            continue;
        count++;
        for (size_t i = 0; i < key_count(table); i++)
            ours += same_name(questdb_text(row, 0), table->ilp.column[i].column.name);
    }
    if (count == key_count(table) && ours == count)
        return true;
    buf_clear(&self->sql);
    put_keys(table, &self->sql);
    return fault_set(fault, FAULT_CONFIG,
                     "table %.*s %s: rows would be lost or stand there twice: ALTER TABLE "
                     "\"%.*s\" DEDUP ENABLE %.*s",
                     STR_ARG(table->name),
                     count ? "has other deduplication keys" : "has no deduplication",
                     STR_ARG(table->name), STR_ARG(buf_view(&self->sql)));
}

static bool read_columns(struct questdb *self, struct questdb_table *table, struct json **rows,
                         struct fault *fault)
{
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("SELECT \"column\", type, upsertKey FROM table_columns("));
    buf_quoted(&self->sql, '\'', table->name);
    buf_char(&self->sql, ')');
    return questdb_run(self, rows, fault);
}

static bool check_columns(struct questdb *self, struct questdb_table *table,
                          struct ilp_column *column, struct fault *fault)
{
    struct json *rows;
    if (!read_columns(self, table, &rows, fault))
        return false;
    for (size_t i = 0; i < table->ilp.count; i++)
        if (!check_column(table, &column[i], rows, fault))
            return false;
    return check_keys(self, table, rows, fault);
}

/* The time stands at the end of a line, and not among its columns. */
static void finish_columns(struct questdb_table *table, struct ilp_column *column)
{
    table->ilp.count--;
    memmove(column, column + 1, table->ilp.count * sizeof(*column));
    ilp_sort(column, table->ilp.count);
}

static bool set_line_name(struct questdb *self, struct questdb_table *table, struct fault *fault)
{
    buf_clear(&self->path);
    ilp_put_name(&self->path, table->name);
    return (!self->path.failed
            && arena_copy(&table->arena, buf_view(&self->path), &table->ilp.table))
           || fault_memory(fault, "a table");
}

bool questdb_prepare(struct questdb *self, struct questdb_table *table, struct fault *fault)
{
    arena_reset(&table->arena);
    table->name = table->asked;
    struct ilp_column *column = make_columns(self, table, fault);
    if (!column || (self->create && !create(self, table, fault)) || !find_table(self, table, fault)
        || !check_columns(self, table, column, fault) || !set_line_name(self, table, fault))
        return false;
    finish_columns(table, column);
    table->ready = true;
    return true;
}

/* ---- a look at it ---- */

static void tell(struct findings *findings, bool good, const struct fault *fault)
{
    if (!good)
        findings_add(findings, FINDING_FAIL, "target: %s", fault->text);
}

static void look_at_missing(struct questdb *self, const struct questdb_table *table,
                            struct findings *findings)
{
    compose_create(self, table);
    if (self->create)
        findings_add(findings, FINDING_OK,
                     "target: table %.*s is not there yet; table.create=true makes it",
                     STR_ARG(table->name));
    else
        findings_add(findings, FINDING_FAIL,
                     "target: table %.*s is not there; set table.create=true, or run %.*s%s",
                     STR_ARG(table->name), STR_ARG(buf_view(&self->sql)), way_around(table));
}

static void look_at_columns(struct questdb *self, struct questdb_table *table,
                            struct ilp_column *column, struct findings *findings)
{
    struct json *rows;
    struct fault fault = {0};
    if (!read_columns(self, table, &rows, &fault)) {
        tell(findings, false, &fault);
        return;
    }
    for (size_t i = 0; i < table->ilp.count; i++)
        tell(findings, check_column(table, &column[i], rows, &fault), &fault);
    tell(findings, check_keys(self, table, rows, &fault), &fault);
}

bool questdb_look(struct questdb *self, struct questdb_table *table, struct findings *findings)
{
    struct json *row;
    struct fault fault = {0};
    size_t failed = findings->count[FINDING_FAIL];
    arena_reset(&table->arena);
    table->name = table->asked;
    struct ilp_column *column = make_columns(self, table, &fault);
    if (!column || !read_table(self, table, &row, &fault)) {
        tell(findings, false, &fault);
        return false;
    }
    if (!row)
        look_at_missing(self, table, findings);
    else
        tell(findings, check_kind(table, row, &fault), &fault);
    if (row)
        look_at_columns(self, table, column, findings);
    if (!set_line_name(self, table, &fault) || findings->count[FINDING_FAIL] > failed)
        return false;
    size_t count = table->ilp.count;
    finish_columns(table, column);
    if (row)
        findings_add(findings, FINDING_OK,
                     "target: table %.*s has all %zu columns, a write-ahead log and the right keys",
                     STR_ARG(table->name), count);
    return true;
}

/* ---- while rows are under way ---- */

static bool has_rows(const struct questdb_table *table)
{
    return table->written || table->lines.text.len > 0;
}

static bool check_row(struct questdb_table *first, size_t count, struct json *row,
                      struct fault *fault)
{
    str name = questdb_text(row, 0);
    for (; count > 0; first = first->next) {
        if (!has_rows(first))
            continue;
        count--;
        if (!str_eq(first->name, name))
            continue;
        if (questdb_number(row, 1) == first->id)
            return !questdb_is_true(row, 2) || refuse_suspended(name, fault);
        return fault_set(fault, FAULT_RETRY,
                         "table %.*s was made anew since it was looked at: its rows are sent again",
                         STR_ARG(name));
    }
    return true;
}

/* The next tables that have rows, in one query. Gives how many, and moves on behind them. */
static size_t compose_check(struct questdb *self, struct questdb_table **next)
{
    size_t count = 0;
    buf_clear(&self->sql);
    buf_str(&self->sql, STR("SELECT t.table_name, t.id, w.suspended FROM tables() t JOIN "
                            "wal_tables() w ON w.name = t.table_name WHERE t.table_name IN ("));
    for (; *next && count < NAMES_PER_QUERY; *next = (*next)->next) {
        if (!has_rows(*next))
            continue;
        if (count++ > 0)
            buf_char(&self->sql, ',');
        buf_quoted(&self->sql, '\'', (*next)->name);
    }
    buf_char(&self->sql, ')');
    return count;
}

bool questdb_check_tables(struct questdb *self, struct fault *fault)
{
    struct questdb_table *next = self->table;
    while (next) {
        struct questdb_table *first = next;
        struct json *rows;
        size_t count = compose_check(self, &next);
        if (count == 0)
            return true;
        if (!questdb_run(self, &rows, fault))
            return false;
        if (!rows || json_child_count(rows) < count)
            return fault_set(fault, FAULT_RETRY,
                             "a table was dropped since it was looked at: its rows are sent again");
        for (struct json *row = rows->child; row; row = row->next)
            if (!check_row(first, count, row, fault))
                return false;
    }
    return true;
}

/* ---- names ---- */

static struct questdb_table *add_table(struct questdb *self, const struct layout *layout,
                                       str wanted, struct fault *fault)
{
    struct questdb_table *table = ARENA_NEW(&self->arena, struct questdb_table, 1);
    if (!table || !arena_copy(&self->arena, wanted, &table->wanted)) {
        fault_memory(fault, "a table");
        return NULL;
    }
    buf_clear(&self->sql);
    ilp_put_table_name(&self->sql, table->wanted);
    if (self->sql.failed || !arena_copy(&self->arena, buf_view(&self->sql), &table->asked)) {
        fault_memory(fault, "a table");
        return NULL;
    }
    table->layout = layout;
    arena_init(&table->arena, TABLE_ARENA_LIMIT);
    buf_init(&table->lines.text, LINES_LIMIT);
    table->next = self->table;
    self->table = table;
    self->table_count++;
    return table;
}

/* The option that a table's name comes from, and what it says. */
struct origin {
    const char *key;
    str value;
};

/* Rows of two tables must not fall together because their names do. */
static bool check_name(struct questdb *self, struct origin origin, str wanted, struct fault *fault)
{
    buf_clear(&self->path);
    ilp_put_table_name(&self->path, wanted);
    str asked = buf_view(&self->path);
    if (asked.len == 0 || asked.len > ILP_NAME_LIMIT)
        return fault_set(
            fault, FAULT_CONFIG, "%s=%.*s: QuestDB's names have 1 to %d bytes, and %.*s has not",
            origin.key, STR_ARG(origin.value), ILP_NAME_LIMIT, STR_ARG(str_head(wanted, 200)));
    for (struct questdb_table *other = self->table; other; other = other->next)
        if (same_name(other->asked, asked))
            return fault_set(
                fault, FAULT_CONFIG, "%s=%.*s: %.*s and %.*s would both be %.*s in QuestDB%s",
                origin.key, STR_ARG(origin.value), STR_ARG(other->wanted), STR_ARG(wanted),
                STR_ARG(asked),
                str_eq(other->wanted, wanted) ? ", rows of changes and of messages in one table"
                                              : "");
    return true;
}

struct questdb_table *questdb_table_of(struct questdb *self, const struct change *change,
                                       struct fault *fault)
{
    bool message = change->op == CHANGE_MESSAGE;
    const struct layout *layout = message ? &message_layout : self->layout;
    struct origin origin = message ? (struct origin){"message.table", self->message_table}
                                   : (struct origin){"table", self->pattern};
    str wanted = message || table_name_is_fixed(self->pattern)
                     ? origin.value
                     : table_name(self->pattern, change, &self->sql);
    for (struct questdb_table *table = self->table; table; table = table->next)
        if (table->layout == layout && str_eq(table->wanted, wanted))
            return table;
    if (self->table_count == TABLE_LIMIT) {
        fault_set(fault, FAULT_CONFIG, "table=%.*s: more than %d tables", STR_ARG(self->pattern),
                  TABLE_LIMIT);
        return NULL;
    }
    return check_name(self, origin, wanted, fault) ? add_table(self, layout, wanted, fault) : NULL;
}
