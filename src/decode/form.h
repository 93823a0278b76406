/*
 * form: change events that are not in Debezium's envelope: what all readers of such forms share,
 * and what each tells of itself. A form names op, table and images; columns and values are then
 * read as Debezium's are.
 */
#ifndef FIELDTRAIL_FORM_H
#define FIELDTRAIL_FORM_H

#include <fieldtrail/decoder.h>

#include "json.h"
#include "schema.h"

/* Levels of a message that keep their members: list of changes, change, columns, column, value. */
#define FORM_DEPTH 5

/* One message being read, and the changes made of it so far. */
struct form_reader {
    struct decoder *debezium; /* reads images and counts what makes no change */
    const struct record *record;
    const struct json *payload;
    const struct schema *schema; /* of the payload, or NULL */
    struct schema_cache *schemas;
    struct batch *batch;
    struct arena *scratch; /* for JSON nodes */
    struct change_list *changes;
    size_t change_capacity;
    bool printed; /* of the form */
};

struct form {
    const char *name;
    /* Whether the payload looks like it, from its members alone. */
    bool (*is_like)(const struct json *payload);
    /* Adds its changes; none for what is no change of data. FAULT_RECORD, FAULT_RETRY. */
    bool (*read)(struct form_reader *reader, struct fault *fault);
    bool printed;  /* its texts are as the database prints them, or nearly so: none is base64 */
    bool debezium; /* Debezium's heartbeats, markers and the like stand between its events */
};

/* One change as a form tells it. */
struct form_row {
    enum change_op op;
    str schema, table;                 /* which the types of columns depend on */
    const struct json *before, *after; /* objects; NULL where there is none */
    const struct schema *columns;      /* of both, or NULL */
};

/* A new change with its columns, at the end of the list. The message key is not read. */
struct change *form_add(struct form_reader *reader, const struct form_row *row,
                        struct fault *fault);

/* The same for formats that tell the whole new row, and of an update what the changed columns were:
   `row` with the members of `old` (an object) in their places is the row before, and what only
   `old` has is NULL now. Without `old` (NULL) all old values are unknown. The payload names
   database and table; `keys` is that of form_key, which is called. */
struct change *form_add_whole(struct form_reader *reader, enum change_op op, const struct json *row,
                              const struct json *old, const struct json *keys, struct fault *fault);

/* The names of the row's key: from an array of texts. The values are those of the image that
   exists. Without names the change stays without a message key. */
bool form_key(struct form_reader *reader, struct change *change, const struct json *names,
              struct fault *fault) MUST_CHECK;

/* The key is Kafka's message key, as Debezium's is. */
bool form_message_key(struct form_reader *reader, struct change *change,
                      struct fault *fault) MUST_CHECK;

/* An object without members; and a copy of a member at its end, under another name where `name` is
   not empty. NULL and false where memory ran out. */
struct json *form_object(struct form_reader *reader);
bool form_member(struct form_reader *reader, struct json *object, const struct json *member,
                 str name) MUST_CHECK;

/* The member's text; NULL where it is missing or null. */
struct value form_text(const struct json *object, const char *name);

/* A time that counts so many units a second; TIME_UNKNOWN where there is none. */
int64_t form_time(const struct json *number, int64_t per_second);

extern const struct form flattened_form, cloudevents_form, maxwell_form, canal_form, wal2json1_form,
    wal2json2_form;

#endif
