/*
 * questdb_table: the tables that rows go to, and what the server says of them. Internal to the
 * QuestDB sink.
 */
#ifndef FIELDTRAIL_QUESTDB_TABLE_H
#define FIELDTRAIL_QUESTDB_TABLE_H

#include "blame.h"
#include "http.h"
#include "ilp.h"
#include "json.h"
#include "questdb.h"

/* Lines of one table, and which record each came from. */
struct lines {
    struct buf text;
    struct blame blame;
};

struct questdb_table {
    struct questdb_table *next;
    const struct layout *layout; /* of changes, or message_layout */
    str wanted;                  /* its name by the configuration */
    str asked;                   /* the same as QuestDB takes it */
    /* Since the connection was opened: */
    bool ready; /* it was made or found, and is right */
    str name;   /* as the server spells it */
    int64_t id;
    struct arena arena; /* of the columns */
    struct ilp ilp;
    /* Since the last true flush: */
    struct lines lines; /* not sent yet */
    bool written;
    /* Of the record that is being put: */
    struct questdb_table *also; /* another table that it has rows for */
    size_t row_count;           /* 0: it has none for this one */
    size_t start;               /* of its lines */
};

struct questdb {
    struct sink sink;
    struct http http;
    const struct layout *layout;
    struct arena arena; /* of the tables */
    struct questdb_table *table;
    size_t table_count;
    struct questdb_table *touched; /* by the record that is being put; the others by `also` */
    struct lines sending;          /* the body of the request under way */
    struct questdb_table *sent_to; /* NULL: none is under way */
    bool begun;                    /* a request was sent since the last true flush */
    struct fault refusal;          /* what is to be told by the next flush */
    bool blames;                   /* the refusal names this record: */
    struct position blamed;
    struct arena scratch; /* of answers */
    struct buf sql, path;
    /* Options: */
    struct http_settings connection;
    str pattern, message_table;
    bool create, numbers;
};

/* The table that this change's rows go to; NULL with the fault set. */
struct questdb_table *questdb_table_of(struct questdb *self, const struct change *change,
                                       struct fault *fault);

/* Makes the table where that is asked for, looks whether it is right, and learns its columns.
   No request may be under way. FAULT_CONFIG names what is wrong and the statement that mends it. */
bool questdb_prepare(struct questdb *self, struct questdb_table *table,
                     struct fault *fault) MUST_CHECK;

/* Looks whether the table is right, as questdb_prepare does, and makes nothing: all that is wrong
   are findings. True where rows could be made for it, if only by columns that are still to come. */
bool questdb_look(struct questdb *self, struct questdb_table *table, struct findings *findings);

/* Whether all tables that have rows since the last true flush are those they were, and not
   suspended; FAULT_RETRY otherwise. No request may be under way. */
bool questdb_check_tables(struct questdb *self, struct fault *fault) MUST_CHECK;

/* ---- statements (questdb_sql.c) ---- */

/* Runs what stands in self->sql; gives the rows of the answer, or NULL. */
bool questdb_run(struct questdb *self, struct json **rows, struct fault *fault) MUST_CHECK;

/* The n-th cell of a row. */
str questdb_text(struct json *row, size_t nth);
bool questdb_is_true(struct json *row, size_t nth);
int64_t questdb_number(struct json *row, size_t nth); /* -1: it is none */

/* The desk's look at server and tables (questdb_check.c). */
void questdb_check(struct sink *sink, const struct batch *sample, struct findings *findings);

/* What an answer of this status means where it is not a good one; `text` is what it says. */
bool questdb_refuse(struct questdb *self, long status, str text, struct fault *fault);

/* Reads the answer as JSON, which lives until the next one; NULL where it is none. */
struct json *questdb_answer(struct questdb *self);

#endif
