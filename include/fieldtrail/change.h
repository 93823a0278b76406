/*
 * change: one change of one row of a source table, its columns joined by name. The decoder fills
 * it with what the event says; the pivot then settles what of it is to be believed.
 * All slices and arrays live as long as the batch.
 */
#ifndef FIELDTRAIL_CHANGE_H
#define FIELDTRAIL_CHANGE_H

#include <fieldtrail/record.h>

enum change_op {
    CHANGE_READ,     /* r: seen by a snapshot */
    CHANGE_CREATE,   /* c */
    CHANGE_UPDATE,   /* u */
    CHANGE_DELETE,   /* d */
    CHANGE_TRUNCATE, /* t */
    CHANGE_MESSAGE   /* m: a logical message, no row of any table */
};
#define CHANGE_OP_COUNT 6

/* Debezium's letters, in that order. */
static const char change_op_letters[] = "rcudtm";

/* An update that moves a row's key comes as two records: a delete of the old key and a create of
   the new one, each with a header that says so. */
enum key_half {
    KEY_STAYS,
    KEY_LEAVES, /* the delete half */
    KEY_ARRIVES /* the create half */
};

/* What the event's schema says of a column. */
enum field_need {
    FIELD_UNDESCRIBED, /* the event came without a schema */
    FIELD_OPTIONAL,
    FIELD_REQUIRED /* NOT NULL */
} __attribute__((packed));

struct field {
    str name;
    struct value before, after; /* ABSENT where the image lacks the column */
    struct value preset; /* the schema's default, ABSENT without one; its text lives until the
                                   decoder's next call */
    uint32_t place;      /* of the column in the event, from 1 */
    enum field_need need;
    bool key;             /* belongs to the row's key (set by the pivot, where it asks) */
    const char *sql_type; /* what PostgreSQL calls its type, static; NULL where not told */
    uint64_t type;        /* a number of the type that the schema tells; 0 without one */
};

struct field_list {
    const struct field *item;
    size_t count;
};

/* What the form of the event vouches for. Debezium's vouches for nothing: it fills gaps. */
enum image_proof {
    PROOF_NONE,
    PROOF_SENT, /* every old value in it was sent by the source; the others are unknown */
    PROOF_WHOLE /* and a delete's image lacks no column */
};

struct member {
    str name;
    struct value value;
};

struct change {
    enum change_op op;
    uint32_t number;             /* of the change in its record, from 0 */
    const struct record *record; /* where it came from */

    str source_name;   /* Debezium's topic.prefix */
    str schema, table; /* of the source; where there is no schema, the database stands for it */
    int64_t source_us; /* commit time in the source database, or TIME_UNKNOWN */
    int64_t connector_us;
    str connector_ms; /* the same as the connector's own digits of milliseconds; empty if none */
    struct value tx_id, lsn, tx_order, query, user_name, thread; /* NULL where not sent */
    struct value prefix, content;                                /* of a logical message */

    struct field *field; /* columns of `after`, then those only in `before` */
    size_t field_count;
    /* Where columns that nobody wants are left out of `field`: all that the event has, without
       their values. */
    struct field_list whole;
    uint64_t columns; /* changes of one decoder with the same number are of the same table and have
                         the same columns in the same places, with the same need and preset; 0
                         where nobody counted */
    bool has_before, has_after; /* the event carries that image */
    bool wrapped;               /* it came as {"schema":…,"payload":…} */
    bool keyed;                 /* the source has message keys, and this one could be read */
    enum image_proof proof;
    const char *remedy; /* of old values that are unknown, static; NULL: the replica identity */

    const struct member *key; /* the columns of the message key */
    size_t key_count;
    str key_text; /* the message key as JSON text; empty if none */

    enum key_half half;
    const struct member *old_key; /* KEY_ARRIVES: the columns of the key before */
    size_t old_key_count;         /* 0 where the header could not be read */

    /* Filled by the pivot: */
    str source_table;           /* schema.table */
    bool hides_fields;          /* a delete whose image may lack fields that the table has */
    int64_t event_us;           /* datetime_created, _updated or _deleted, or TIME_UNKNOWN */
    str event_text;             /* the same as it is printed; empty where nobody has printed it */
    const struct value *copied; /* the columns copied to every row, in the order of the layout */
    struct value row_key;
};

/* One row of the product: a view of a change and one of its fields. `field` is NULL where the row
   only says that something was created, deleted or truncated. */
struct row {
    const struct change *change;
    const struct field *field;
};

/* The columns that the event has, for their names and what the schema says of them. */
static inline struct field_list change_columns(const struct change *change)
{
    return change->whole.count > 0 ? change->whole
                                   : (struct field_list){change->field, change->field_count};
}

struct change_list {
    struct change *item;
    size_t count;
};

#endif
