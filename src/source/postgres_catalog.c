/*
 * pg_class, pg_index and pg_attribute of a source database.
 */
#include "postgres_catalog.h"

#include <stdio.h>

#include <libpq-fe.h>

#include "mem.h"
#include "query.h"

struct catalog {
    struct query query;
};

static bool prepare(struct catalog *catalog, struct fault *fault)
{
    struct pg_result *result;
    bool good = query_run(&catalog->query,
                          "select set_config('default_transaction_read_only', 'on', false), "
                          "set_config('statement_timeout', '30s', false)",
                          NULL, 0, &result, fault);
    query_release(result);
    return good || fault_in(fault, "cannot make the session read-only");
}

struct catalog *catalog_open(str uri, struct fault *fault)
{
    struct catalog *catalog = mem_alloc(sizeof(*catalog));
    if (!catalog) {
        fault_memory(fault, "a connection");
        return NULL;
    }
    *catalog = (struct catalog){0};
    if (query_open(&catalog->query, uri, fault) && prepare(catalog, fault))
        return catalog;
    catalog_close(catalog);
    return NULL;
}

void catalog_close(struct catalog *catalog)
{
    if (catalog)
        query_close(&catalog->query);
    mem_free(catalog);
}

/* A query of one table, by its schema ($1) and name ($2). */
static bool ask(struct catalog *catalog, const char *sql, str schema, str table, PGresult **result,
                struct fault *fault)
{
    char schema_text[300], table_text[300];
    snprintf(schema_text, sizeof(schema_text), "%.*s", STR_ARG(schema));
    snprintf(table_text, sizeof(table_text), "%.*s", STR_ARG(table));
    const char *const values[] = {schema_text, table_text};
    return query_run(&catalog->query, sql, values, 2, result, fault)
           || fault_in(fault, "cannot read the catalog");
}

static bool read_identity(const PGresult *result, struct arena *arena, struct catalog_table *found,
                          struct fault *fault)
{
    *found = (struct catalog_table){.there = PQntuples(result) > 0};
    if (!found->there)
        return true;
    found->identity = *PQgetvalue(result, 0, 0);
    found->has_key = *PQgetvalue(result, 0, 1) == 't';
    return arena_copy(arena, str_from(PQgetvalue(result, 0, 2)), &found->identity_index)
           || fault_memory(fault, "a table");
}

static bool read_columns(const PGresult *result, struct arena *arena, struct catalog_table *found,
                         struct fault *fault)
{
    size_t count = (size_t)PQntuples(result);
    found->column = ARENA_NEW(arena, struct catalog_column, count);
    if (!found->column)
        return fault_memory(fault, "columns");
    for (; found->column_count < count; found->column_count++) {
        struct catalog_column *column = &found->column[found->column_count];
        int row = (int)found->column_count;
        column->key = *PQgetvalue(result, row, 2) == 't';
        column->may_hide = *PQgetvalue(result, row, 3) == 't';
        if (!arena_copy(arena, str_from(PQgetvalue(result, row, 0)), &column->name)
            || !arena_copy(arena, str_from(PQgetvalue(result, row, 1)), &column->type))
            return fault_memory(fault, "columns");
    }
    return true;
}

/* Types that come with an extension are named without its schema and their parameters. */
static const char columns_sql[] =
    "select a.attname, case when t.typtype = 'e' then 'text' when e.typtype = 'e' then 'text[]' "
    "when m.nspname <> 'pg_catalog' then coalesce(e.typname || '[]', t.typname) else "
    "format_type(b.oid, b.mod) end, exists (select from pg_index i where i.indrelid = c.oid and "
    "i.indisprimary and a.attnum = any (i.indkey)), not a.attnotnull and a.atthasdef and "
    "a.attgenerated = '' from pg_attribute a join pg_class c on c.oid = a.attrelid join "
    "pg_namespace n on n.oid = c.relnamespace cross join lateral (with recursive d (oid, mod) as "
    "(select a.atttypid, a.atttypmod union all select y.typbasetype, case when y.typtypmod >= 0 "
    "then y.typtypmod else d.mod end from d join pg_type y on y.oid = d.oid where y.typtype = "
    "'d') select d.oid, d.mod from d join pg_type y on y.oid = d.oid where y.typtype <> 'd') b "
    "join pg_type t on t.oid = b.oid join pg_namespace m on m.oid = t.typnamespace left join "
    "pg_type e on e.oid = t.typelem and t.typcategory = 'A' where n.nspname = $1 and c.relname = "
    "$2 and a.attnum > 0 and not a.attisdropped order by a.attnum";

bool catalog_table(struct catalog *catalog, str schema, str table, struct arena *arena,
                   struct catalog_table *found, struct fault *fault)
{
    PGresult *result;
    bool good = ask(
        catalog,
        "select c.relreplident, exists (select from pg_index p where p.indrelid = c.oid and "
        "p.indisprimary), coalesce((select string_agg(a.attname, ',' order by k.at) from pg_index "
        "i, unnest(i.indkey::int2[]) with ordinality k (number, at) join pg_attribute a on "
        "a.attnum = k.number where i.indrelid = c.oid and i.indisreplident and a.attrelid = c.oid "
        "and k.at <= i.indnkeyatts), '') from pg_class c join pg_namespace n on n.oid = "
        "c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')",
        schema, table, &result, fault);
    good = good && read_identity(result, arena, found, fault);
    query_release(result);
    if (!good || !found->there)
        return good;
    good = ask(catalog, columns_sql, schema, table, &result, fault)
           && read_columns(result, arena, found, fault);
    query_release(result);
    return good;
}
