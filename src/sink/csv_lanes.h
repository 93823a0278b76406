/*
 * csv_lanes: what the parts of the CSV sink share. Internal to it.
 */
#ifndef FIELDTRAIL_CSV_LANES_H
#define FIELDTRAIL_CSV_LANES_H

#include "csv.h"
#include "csv_side.h"
#include "pack.h"

/* Rows of one form: a file holds one alone, under its head line. */
struct csv_form {
    struct encoder encoder;
    struct buf head; /* the head line, once the columns are known */
    bool headed;
    uint64_t hash; /* of format and columns */
};

/* Rows of one partition that stand together in the buffer. */
struct extent {
    size_t at, len;
    const struct csv_form *form;
    size_t next;   /* the partition's next extent, or EXTENT_NONE */
    bool begins;   /* a new file begins with it ... */
    int64_t start; /* ... named by this offset */
};

#define EXTENT_NONE SIZE_MAX

struct csv_lane {
    str topic;
    int32_t partition;
    struct file_name name;
    int lock;          /* NAME.lock, or -1: not ours */
    bool claimed;      /* `side` is what stands in the side file */
    struct side side;  /* its lists are empty: what they say is done */
    struct side fresh; /* what it will be after the next flush; put moves it on */
    size_t first, last;
    uint64_t inode; /* of the file of rows; 0: not there yet */
};

struct csv {
    struct sink sink;
    struct folder *folder;
    struct csv_identity identity;
    struct csv_form changes, messages;
    /* Options: */
    str path;
    int64_t roll_bytes, roll_ms;
    int compression; /* enum pack_kind */
    bool shared, takes_messages;
    /* Lanes, by the source's numbers: */
    struct csv_lane *lane;
    size_t lane_count;
    /* Rows of all lanes, in the order they came, and what belongs to whom: */
    struct buf rows;
    struct extent *extent;
    size_t extent_count, extent_capacity;
    struct arena scratch; /* of one recall, claim or flush */
    struct buf text;
    int64_t beaten_ms;
};

static inline bool csv_rolls(const struct csv *self)
{
    return self->roll_bytes > 0 || self->roll_ms > 0;
}

struct side_owner csv_owner(const struct csv *self, str topic, int32_t partition);

/* Lets the source live while there is long work to do; false with FAULT_RETRY where the task is to
   stop at once. */
bool csv_beat(struct csv *self, struct fault *fault) MUST_CHECK;

/* Forgets rows that were put and not flushed. */
void csv_forget(struct csv *self);

/* What files are called behind the dot, whatever they hold. */
static inline const char *csv_extension(const struct csv *self)
{
    return self->changes.encoder.type->name;
}

/* The name of the file of rows that begins with this offset while it grows. */
struct file_name csv_part_name(const struct csv *self, const struct csv_lane *lane, int64_t start);

extern const struct sink_desk csv_desk;

/* csv_claim.c */
/* Opens the directory; FAULT_CONFIG where it is shared and nobody said so. */
bool csv_enter(struct csv *self, struct fault *fault) MUST_CHECK;
/* Gives up all lanes, and that they have these numbers. */
void csv_forget_lanes(struct csv *self);
bool csv_claim(struct sink *sink, const struct lane *lane, struct memory *memory, size_t count,
               struct fault *fault) MUST_CHECK;
void csv_release(struct sink *sink, const struct lane *lane, size_t count);
/* FAULT_RETRY where the lock file is not the one we locked any more. */
bool csv_check_lock(struct csv *self, const struct csv_lane *lane, struct fault *fault) MUST_CHECK;

/* csv_flush.c */
bool csv_flush(struct sink *sink, const struct lane *lane, const struct reach *reach, size_t count,
               struct fault *fault) MUST_CHECK;

/* csv_roll.c: gives whole files their final names, compressed where that is asked for. It may have
   been done before, in part or all. */
bool csv_complete(struct csv *self, const struct str_list *rolled, struct fault *fault) MUST_CHECK;
/* FAULT_CONFIG where a file stands already where this one is to go. */
bool csv_check_final(struct csv *self, str name, struct fault *fault) MUST_CHECK;

#endif
