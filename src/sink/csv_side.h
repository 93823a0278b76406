/*
 * csv_side: what the side files of the CSV sink hold, and the names of all its files.
 *
 * A partition's files begin with its topic and number, made safe (lane_name below):
 *
 *     NAME.side                    where the partition stands; NAME.side.new while it is written
 *     NAME.lock                    locked by the owner
 *     NAME.csv                     the rows, where nothing rolls
 *     NAME.OFFSET.csv.part         the rows, where files roll: those from that offset on
 *     NAME.OFFSET.csv[.gz|.zst]    the same, final
 *
 * and TOPIC.start, with TOPIC.start.lock, says where all partitions of a topic began.
 */
#ifndef FIELDTRAIL_CSV_SIDE_H
#define FIELDTRAIL_CSV_SIDE_H

#include <fieldtrail/arena.h>
#include <fieldtrail/buf.h>

#include "folder.h"

#define FILE_NAME_SIZE 256
#define PART_SUFFIX ".part"

struct file_name {
    char text[FILE_NAME_SIZE];
};

/* Whose partition it is; checked against what is stored. */
struct side_owner {
    str connector, worker, cluster, topic;
    int32_t partition; /* -1: a topic's start file */
};

struct side {
    struct file_name file; /* that grows; need not be there at length 0 */
    int64_t length;        /* of it that holds */
    int64_t start;         /* the offset it begins with */
    int64_t first_us;      /* timestamp of its first record, or TIME_UNKNOWN */
    uint64_t form;         /* of its rows: format and columns */
    int64_t next, held, last_us, epoch;
    str worker; /* who wrote it, in the arena it was read into */
    /* Pairs of names, from and to: files that are whole and to be made final. */
    struct str_list rolled;
    /* Files that a flush was about to make: they hold nothing that counts. */
    struct str_list planned;
};

/* Letters of any topic that are safe in a file name; others as %XX. A long name is cut and told
   apart by a hash. */
void topic_name(struct file_name *out, str topic);
void lane_name(struct file_name *out, str topic, int32_t partition);

/* "NAME" and a suffix. */
struct file_name name_with(const char *name, const char *suffix);

/* NAME.OFFSET.EXTENSION, the name of a file that is final. */
struct file_name name_of_rows(const char *name, int64_t start, const char *extension);

/* Whether a name in the directory is one of this partition's files of rows. */
bool is_rows_of(const char *name, const char *entry);

/* Reads NAME.side; its lists and the check's texts live in the arena. `found` is false where there
   is none. FAULT_CONFIG where it cannot be read or is somebody else's. */
bool side_read(struct folder *folder, struct arena *arena, const char *name,
               const struct side_owner *owner, struct side *side, bool *found,
               struct fault *fault) MUST_CHECK;

/* Writes NAME.side.new, durably; side_publish puts it in place, durable only once the directory's
   names are synced. */
bool side_stage(struct folder *folder, struct buf *scratch, const char *name,
                const struct side_owner *owner, const struct side *side,
                struct fault *fault) MUST_CHECK;
bool side_publish(struct folder *folder, const char *name, struct fault *fault) MUST_CHECK;

/* Where the partitions of a topic began: pairs of partition and offset. */
struct starts {
    int64_t (*pair)[2];
    size_t count;
};

bool starts_read(struct folder *folder, struct arena *arena, const char *topic_file,
                 const struct side_owner *owner, struct starts *starts, bool *found,
                 struct fault *fault) MUST_CHECK;
bool starts_stage(struct folder *folder, struct buf *scratch, const char *topic_file,
                  const struct side_owner *owner, const struct starts *starts,
                  struct fault *fault) MUST_CHECK;
bool starts_publish(struct folder *folder, const char *topic_file, struct fault *fault) MUST_CHECK;

#endif
