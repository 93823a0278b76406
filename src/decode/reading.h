/*
 * reading: how the values of one change are read. The type of a column is what its schema says,
 * what the configuration says (pivot.type), or nothing: then its values stay as they came.
 */
#ifndef FIELDTRAIL_READING_H
#define FIELDTRAIL_READING_H

#include "hints.h"
#include "schema.h"

extern const struct option_table values_options;

struct reading_settings {
    str placeholder;
    int values; /* text or raw */
    struct type_modes modes;
};

/* What the configuration says of values; lives as long as the decoder. */
struct reading_rules {
    struct reading_settings settings;
    struct placeholder placeholder;
    struct hints hints;
    struct str_list masked; /* columns that pivot.mask names for any table */
    bool plain;             /* only schemas tell types */
};

/* FAULT_CONFIG where an option is wrong. What it makes lives in the arena. */
bool reading_load(struct reading_rules *rules, const struct config *config, struct arena *arena,
                  struct fault *fault) MUST_CHECK;

struct reading {
    const struct reading_rules *rules;
    const struct change *change; /* its table is known */
    struct type_context context;
    bool printed; /* of struct type_modes */
};

/* `scratch` is that of the record. */
static inline struct reading reading_of(const struct reading_rules *rules,
                                        const struct change *change, struct arena *texts,
                                        struct arena *scratch)
{
    return (struct reading){rules, change, {texts, scratch, &rules->placeholder}, false};
}

/* The type of a column, the same for all changes of a table; `schema` is NULL where the message has
   none for it. */
const struct type *reading_type_by_rules(const struct reading *reading, const struct schema *schema,
                                         str name);

static inline const struct type *reading_type(const struct reading *reading,
                                              const struct schema *schema, str name)
{
    if (reading->rules->plain)
        return schema ? &schema->reads : &type_as_it_came;
    return reading_type_by_rules(reading, schema, name);
}

/* Puts the column's name in front of the fault, and takes the value of a masked column out. Always
   false. */
bool reading_fault(const struct reading *reading, str name, struct fault *fault);

/* The value of a column. FAULT_RECORD names the column. */
static inline MUST_CHECK bool reading_value(const struct reading *reading,
                                            const struct schema *schema, const struct json *json,
                                            struct value *value, struct fault *fault)
{
    return type_read(reading_type(reading, schema, json->name), &reading->context, json, value,
                     fault)
           || reading_fault(reading, json->name, fault);
}

/* The columns of a message key, or of what a header says of one; `schema` is that of the message
   key, or NULL. */
bool reading_members(const struct reading *reading, const struct schema *schema,
                     const struct json *object, const struct member **first, size_t *count,
                     struct fault *fault) MUST_CHECK;

#endif
