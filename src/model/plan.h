/*
 * plan: what the configuration asks of one source table, worked out once when the table is first
 * seen; and the columns of the output.
 */
#ifndef FIELDTRAIL_PLAN_H
#define FIELDTRAIL_PLAN_H

#include "clock.h"
#include "half.h"
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

#define NO_FIELD SIZE_MAX

/* What the plan's names come to in changes whose columns have the same number. */
struct column_note {
    uint64_t columns; /* 0: nothing is noted */
    size_t field_count;
    const size_t *key; /* the fields that belong to the row's key */
    size_t key_field_count;
    const size_t *pivoted; /* of plan.fields those that there are, in their order */
    size_t pivoted_count;
    const size_t *copied; /* for each of plan.copied: its field, or NO_FIELD */
    bool keyed;           /* by these columns of the message key, in this order */
    const str *key_name;
    size_t key_count;
};

/* Shapes of a table's messages: update, create, delete, and those of the schema before. */
#define COLUMN_NOTES 8

/* So many types of a column are told apart. */
#define WATCHED_TYPES 4

/* A column that the table had in some event. */
struct watched_column {
    str name;
    uint64_t type[WATCHED_TYPES]; /* struct field's; 0: free */
    size_t type_count;
    uint64_t turn; /* the last look that found it */
    bool gone;     /* its end was told */
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
    str *copied;              /* for each copied column of the layout: its name in this table */
    struct wants every, some; /* with every column, and without those that rows need not */
    bool wants_some;
    bool warned_missing, warned_unknown;
    struct column_note note[COLUMN_NOTES];
    size_t note_count; /* made so far */
    struct watched_column *watched;
    size_t watched_count, watched_capacity;
    uint64_t watched_shape[COLUMN_NOTES]; /* numbers of columns that were looked at */
    uint64_t watch_turn;                  /* looks so far */
    bool unwatched;                       /* too many alterations */
};

struct plan_map; /* tables seen so far */

/* The plan of the changes whose columns have this number. */
struct recent_plan {
    uint64_t columns;
    struct plan *plan;
};

#define RECENT_PLANS 16

struct pivot {
    const struct config *config;
    struct settings settings;
    struct layout layout;
    struct plan_map *plans;
    struct plan *last; /* most events follow one of the same table */
    struct recent_plan recent[RECENT_PLANS];
    struct halves halves; /* of key changes, that wait */
    struct timestamp_memory printed;
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
static inline struct plan *plan_for(struct pivot *pivot, const struct change *change,
                                    struct fault *fault);

/* The same for changes whose columns nobody has counted, or that have another number. */
struct plan *plan_by_name(struct pivot *pivot, const struct change *change, struct fault *fault);

static inline struct plan *plan_for(struct pivot *pivot, const struct change *change,
                                    struct fault *fault)
{
    const struct recent_plan *recent = &pivot->recent[change->columns % RECENT_PLANS];
    return change->columns != 0 && recent->columns == change->columns
               ? recent->plan
               : plan_by_name(pivot, change, fault);
}

/* The note for the change's columns, or NULL where its decoder does not count them. */
static inline const struct column_note *plan_note(struct pivot *pivot, struct plan *plan,
                                                  const struct change *change);

/* The same for changes with columns in their message key, or whose columns have not been noted. */
const struct column_note *plan_note_with_care(struct pivot *pivot, struct plan *plan,
                                              const struct change *change);

static inline const struct column_note *plan_note(struct pivot *pivot, struct plan *plan,
                                                  const struct change *change)
{
    const struct column_note *note = &plan->note[change->columns % COLUMN_NOTES];
    bool plain = change->columns != 0 && note->columns == change->columns && !note->keyed
                 && !change->keyed && !plan->keys_pending;
    return plain ? note : plan_note_with_care(pivot, plan, change);
}

/* Tells (pivot_warn, counts.altered) where the change shows that its table was altered. */
static inline void table_change_notice(struct pivot *pivot, struct plan *plan,
                                       const struct change *change);

/* The same for changes whose columns have not been looked at. */
void table_change_look(struct pivot *pivot, struct plan *plan, const struct change *change);

static inline void table_change_notice(struct pivot *pivot, struct plan *plan,
                                       const struct change *change)
{
    if (change->columns == 0
        || plan->watched_shape[change->columns % COLUMN_NOTES] != change->columns)
        table_change_look(pivot, plan, change);
}

/* Tells (pivot_warn), once per table, that an old value of the change was not sent, and the
   remedy. */
SELDOM void warn_unknown(struct pivot *pivot, struct plan *plan, const struct change *change);

/* Tells which of the columns that the configuration names the table does not have, and sets
   plan.warned_missing: it is for whoever calls not to come again. Changes that lack columns of
   their table say nothing of it. */
SELDOM void warn_missing(struct pivot *pivot, struct plan *plan, const struct change *change);

/* Sets up the layout for these key columns. */
bool layout_make(struct pivot *pivot, const struct str_list *keys, struct fault *fault) MUST_CHECK;

#endif
