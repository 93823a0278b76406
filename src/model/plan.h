/*
 * plan: what the configuration asks of one source table, worked out once when the table is first
 * seen; and the columns of the output.
 */
#ifndef FIELDTRAIL_PLAN_H
#define FIELDTRAIL_PLAN_H

#include "identity.h"
#include "mask.h"
#include "pivot.h"

enum emit { EMIT_SKIP, EMIT_ROW };

enum time_origin { TIME_FROM_SOURCE, TIME_FROM_CONNECTOR, TIME_FROM_AFTER, TIME_FROM_BEFORE };

struct time_from {
    enum time_origin origin;
    str column;
};

/* The parsed pivot.* options. */
struct settings {
    struct str_list fields, keys, ignore, columns, mask;
    int unchanged, snapshot, unknown; /* enum emit */
    str created, updated, deleted, timezone, mask_key, identity;
    struct time_from created_from, updated_from, deleted_from;
};

struct plan {
    str schema, table, source_table;
    bool every_field;       /* pivot.fields=* */
    struct str_list fields; /* otherwise these */
    size_t *hint;           /* for each: where it was found last */
    struct str_list keys;   /* configured, or the message key's columns */
    bool keys_configured;
    bool keys_pending; /* seen only by truncates so far, which have no key */
    struct str_list ignore;
    struct identity identity;
    struct mask_list masks;
    str *copied; /* for each copied column of the layout: its name in this table */
    bool warned_missing, warned_unknown;
};

struct plan_map; /* tables seen so far */

struct pivot {
    const struct config *config;
    struct settings settings;
    struct layout layout;
    struct plan_map *plans;
    struct plan *last; /* most events follow one of the same table */
    struct pivot_counts counts;
    enum pivot_columns usual_columns;
    pivot_warn *warn;
    void *warn_context;
    struct arena arena;   /* lives as long as the pivot */
    struct arena scratch; /* for comparing; reset for every change */
};

#define TABLE_LIMIT 100000

/* Parses and checks the settings. */
bool settings_load(struct settings *settings, const struct config *config, struct arena *arena,
                   struct fault *fault) MUST_CHECK;

/* The plan of the change's table, made at the first change of it, and with it the layout where the
   message key decides the columns. NULL with FAULT_CONFIG. */
struct plan *plan_for(struct pivot *pivot, const struct change *change, struct fault *fault);

/* Sets up the layout for these key columns. */
bool layout_make(struct pivot *pivot, const struct str_list *keys, struct fault *fault) MUST_CHECK;

#endif
