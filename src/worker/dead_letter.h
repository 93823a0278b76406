/*
 * dead_letter: where records go that could not be processed, with the cause in headers named as
 * Kafka Connect names them (__connect.errors.*): a Kafka topic, or a file of JSON lines in the form
 * of kcat -J, which `fieldtrail pivot` reads again once the cause is mended. Letters are kept at
 * least once; their origin (topic, partition, offset) tells which are the same.
 */
#ifndef FIELDTRAIL_DEAD_LETTER_H
#define FIELDTRAIL_DEAD_LETTER_H

#include <fieldtrail/fault.h>
#include <fieldtrail/option.h>
#include <fieldtrail/record.h>

/* Where in the way of a record it failed: Connect's names of stages. */
#define STAGE_DECODE "VALUE_CONVERTER"
#define STAGE_PUT "TASK_PUT"

#define LETTER_HEADER_PREFIX "__connect.errors."
#define LETTER_PLACE_HEADER "__fieldtrail.errors.place"
#define LETTER_HEADERS_LIMIT 12

struct dead_letter {
    const struct record *record;
    str place; /* where the record stood, for a person */
    const char *stage;
    const char *class_name; /* the part of the program that refused it */
    const struct fault *cause;
};

struct dead_letters_type;

struct dead_letters {
    const struct dead_letters_type *type;
    str connector; /* empty: a pipe has none */
    int task_id;
    /* As struct sink's: waits while the source is kept alive; false: stop at once. */
    bool (*idle)(void *context, int fd, short events, int timeout_ms);
    void *idle_context;
};

struct dead_letters_type {
    /* Takes one letter; its bytes are copied. */
    bool (*add)(struct dead_letters *letters, const struct dead_letter *letter,
                struct fault *fault);
    /* True: all letters are durable. False: those since the last true flush are to be added again
       by whoever reads their records again. */
    bool (*flush)(struct dead_letters *letters, struct fault *fault);
    void (*close)(struct dead_letters *letters);
};

/* Opens the file for appending, made if it is missing. NULL with FAULT_CONFIG. */
struct dead_letters *dead_letters_open(str path, struct fault *fault);

/* What a topic of dead letters is opened by. */
struct letter_topic {
    str name;
    int64_t replication_factor; /* of a topic that is missing; 0: of three brokers, or all */
    bool headers;               /* tell the cause in headers */
    str servers;
    const struct config *config; /* producer.*; outlives the letters */
};

/* Does not wait for the brokers: the first letter does. NULL with FAULT_CONFIG. */
struct dead_letters *dead_letters_to_topic(const struct letter_topic *topic, struct fault *fault);

static inline MUST_CHECK bool dead_letters_add(struct dead_letters *letters,
                                               const struct dead_letter *letter,
                                               struct fault *fault)
{
    return letters->type->add(letters, letter, fault);
}

static inline MUST_CHECK bool dead_letters_flush(struct dead_letters *letters, struct fault *fault)
{
    return letters->type->flush(letters, fault);
}

/* NULL is fine. */
static inline void dead_letters_close(struct dead_letters *letters)
{
    if (letters)
        letters->type->close(letters);
}

/* The headers that tell the cause; gives their number. Texts stand in `text`, whose overflow is
   the caller's to see (text->failed). */
size_t dead_letter_headers(const struct dead_letters *letters, const struct dead_letter *letter,
                           struct buf *text, struct header header[LETTER_HEADERS_LIMIT]);

#endif
