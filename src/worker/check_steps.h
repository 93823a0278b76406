/*
 * check_steps: the parts of a check, in files of their own. Internal to it.
 */
#ifndef FIELDTRAIL_CHECK_STEPS_H
#define FIELDTRAIL_CHECK_STEPS_H

#include "check.h"
#include "offsets.h"
#include "types.h"

/* What values without a schema look like, as they stand in the events. */
struct value_sight {
    bool digits, decimal; /* texts of digits alone, and those with a point, a sign or a length that
                             base64 does not have */
    bool base64;          /* texts of base64 that are no digits */
    bool not_hex;
    size_t hex_letters;
    unsigned sizes[64]; /* integers other than 0, by their highest bit */
};

/* What the last events say of a column. */
struct column_sight {
    str name;
    struct value_sight values;
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
    struct decoder *raw; /* leaves values as they stand in the events */
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

/* check_modes.c: which of the connector's settings values without schema show. */
void value_sight_add(struct value_sight *sight, struct value value);

/* What columns without schema show of the settings, of all tables. */
struct modes_sight {
    bool decimal_digits, decimal_string, decimal_precise;
    bool binary_any, binary_not_hex;
    size_t binary_letters;
    bool time_any;
    unsigned time_likely[TIME_STRUCTURED + 1]; /* so many values make likely times in this mode */
};

/* Takes in a column, by the type that the database names. */
void modes_sight_add(struct modes_sight *modes, str type, const struct value_sight *values);

/* Says which of the settings to repeat in the configuration, where they are not there. */
void modes_sight_tell(const struct modes_sight *modes, const struct check *check);

/* The option that connectors have for this. */
extern const struct option_table check_options;

/* The value of KEY.SCHEMA.TABLE, or else of KEY; empty where neither is set. */
str check_table_value(const struct check *check, const char *key, str schema, str table);

#endif
