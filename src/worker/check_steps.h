/*
 * check_steps: the parts of a check, in files of their own. Internal to it.
 */
#ifndef FIELDTRAIL_CHECK_STEPS_H
#define FIELDTRAIL_CHECK_STEPS_H

#include "check.h"
#include "offsets.h"

/* What the last events say of a column. */
struct column_sight {
    str name;
    bool like_bytes; /* a text that looks like base64, in an event without schema */
    bool preset;     /* optional, with a default in the schema */
    bool null;       /* was NULL in some event */
    bool unavailable;
};

/* And of a table. */
struct table_sight {
    str schema, name;
    bool wrapped, plain, no_key, no_before; /* seen in some event */
    struct column_sight *column;
    size_t column_count, column_capacity;
};

struct check {
    struct findings *findings;
    struct connector connector;
    struct task_settings settings;
    struct offsets offsets;
    struct decoder *decoder;
    struct batch sample; /* the topics' last records, and their rows */
    struct arena arena;
    struct table_sight *table;
    size_t table_count, table_capacity;
};

/* check_sample.c: reads the last records of every partition, and what traps they show. False where
   they cannot be read. */
bool check_sample(struct check *check);

/* check_source.c: the source database, where the configuration names it. */
void check_source(struct check *check);

/* The option that connectors have for this. */
extern const struct option_table check_options;

/* The value of KEY.SCHEMA.TABLE, or else of KEY; empty where neither is set. */
str check_table_value(const struct check *check, const char *key, str schema, str table);

#endif
