/*
 * postgres_catalog: what a source database says of its tables. Read-only, for people who set a
 * connector up; no task waits for it.
 */
#ifndef FIELDTRAIL_POSTGRES_CATALOG_H
#define FIELDTRAIL_POSTGRES_CATALOG_H

#include <fieldtrail/arena.h>
#include <fieldtrail/fault.h>

struct catalog;

/* Connects, in sessions that may not write. NULL with the fault set. */
struct catalog *catalog_open(str uri, struct fault *fault);
void catalog_close(struct catalog *catalog);

struct catalog_column {
    str name, type; /* "numeric(5,2)"; of a domain what it is made of, of an enum text */
    bool key;       /* in the primary key */
    bool may_hide;  /* may be NULL, and has a default */
};

struct catalog_table {
    bool there;
    char identity;      /* pg_class.relreplident: f, d, i, n */
    bool has_key;       /* a primary key */
    str identity_index; /* columns of the index, "a,b", where identity is i */
    struct catalog_column *column;
    size_t column_count;
};

/* Texts live in the arena. */
bool catalog_table(struct catalog *catalog, str schema, str table, struct arena *arena,
                   struct catalog_table *found, struct fault *fault) MUST_CHECK;

#endif
