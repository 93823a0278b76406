/*
 * option: the one table from which a configuration is parsed, checked, explained and documented.
 * Every source, sink and program part has an array of `struct option_spec`; nothing else describes
 * an option anywhere.
 *
 * A configuration is an ordered list of key and value texts, as Kafka Connect has them. It is
 * filled from a file, from -o KEY=VALUE or from flags of the command line, later over earlier.
 */
#ifndef FIELDTRAIL_OPTION_H
#define FIELDTRAIL_OPTION_H

#include <fieldtrail/arena.h>
#include <fieldtrail/buf.h>
#include <fieldtrail/fault.h>

enum option_type {
    OPTION_STRING, /* str */
    OPTION_BOOL,   /* bool */
    OPTION_INT,    /* int64_t, between min and max */
    OPTION_ENUM,   /* int, the index into choices */
    OPTION_LIST    /* struct str_list: items between commas, an item may stand in double quotes */
};

enum option_importance { OPTION_HIGH, OPTION_MEDIUM, OPTION_LOW };

struct option_spec {
    const char *key;  /* "pivot.fields"; "--stats" where only the command line has it */
    const char *flag; /* "fields" for --fields, or NULL */
    char letter;      /* a short flag, or 0 */
    bool per_table;   /* also as KEY.SCHEMA.TABLE; read with config_table_value */
    enum option_type type;
    enum option_importance importance;
    const char *preset;              /* the default as text; NULL: none (empty, 0, false) */
    const char *const *choices;      /* OPTION_ENUM: names, NULL at the end */
    const char *const *flag_choices; /* the names the flag uses for them, where they differ */
    int64_t min, max;                /* OPTION_INT */
    size_t offset;                   /* where the value goes in the target struct */
    const char *argument;            /* "a,b": how help shows the value; NULL for its type's name */
    const char *help;                /* sentences */
};

struct option_table {
    const char *title; /* heading in help and documents */
    const struct option_spec *option;
    size_t count;
};

struct config_entry {
    str key, value;
    str origin; /* "--fields", "holding.json": named in errors */
};

struct config {
    struct arena *arena; /* owns every text */
    struct config_entry *entry;
    size_t count, capacity;
};

#define CONFIG_ENTRY_LIMIT 10000

/* Empty; its texts will live in the arena. */
void config_init(struct config *config, struct arena *arena);

/* Sets a key, over an earlier value. Copies the texts. */
bool config_set(struct config *config, str key, str value, str origin,
                struct fault *fault) MUST_CHECK;

/* Sets all that `from` has, with the origins it has there. */
bool config_add(struct config *config, const struct config *from, struct fault *fault) MUST_CHECK;

/* Appends to a list value ("old,value") that came from the same origin; otherwise sets. */
bool config_append(struct config *config, str key, str value, str origin,
                   struct fault *fault) MUST_CHECK;

/* The entry of a key, or NULL. It lives as long as the configuration is not changed. */
const struct config_entry *config_find(const struct config *config, str key);

/* Fills `target` from the configuration by the table; options that are not set get their preset.
   FAULT_CONFIG names key, value, origin and what is allowed. Texts stay the configuration's. */
bool option_load(const struct option_table *table, const struct config *config, void *target,
                 struct fault *fault) MUST_CHECK;

/* Parses one value by its option into `place`. */
bool option_parse(const struct option_spec *option, const struct config_entry *entry,
                  struct arena *arena, void *place, struct fault *fault) MUST_CHECK;

/* Splits a list value as OPTION_LIST does. */
bool option_split(str value, struct arena *arena, struct str_list *list,
                  struct fault *fault) MUST_CHECK;

/* FAULT_CONFIG where the configuration has a key that no table knows; names the nearest one. */
bool option_check_known(const struct option_table *const *table, size_t table_count,
                        const struct config *config, struct fault *fault) MUST_CHECK;

/* The option of that key; NULL where there is none. */
const struct option_spec *option_by_key(const struct option_table *const *table, size_t table_count,
                                        str key);

/* The same for a per-table key: gives the option and the SCHEMA.TABLE part, or NULL. */
const struct option_spec *option_by_table_key(const struct option_table *const *table,
                                              size_t table_count, str key, str *table_name);

/* The flag (without dashes) whose name is most like this one. */
const char *option_nearest_flag(const struct option_table *const *table, size_t table_count,
                                str flag);

/* The key most like this one; empty where the tables have none. */
const char *option_nearest_key(const struct option_table *const *table, size_t table_count,
                               str key);

/* Whether only the command line has it: its key begins with two dashes. */
bool option_is_flag_only(const struct option_spec *option);

/* Appends the options' --help lines, or their rows of the Markdown reference. */
void option_help(const struct option_table *table, struct buf *out);
void option_markdown(const struct option_table *table, struct buf *out);

#endif
