/*
 * folder: one directory, and all that a sink of files asks of the system in it. Sinks reach files
 * through this table alone, so that tests can stop the machine between any two calls.
 *
 * Numbers and positions are those of open(2) and its kin: -1 with errno where a call fails.
 */
#ifndef FIELDTRAIL_FOLDER_H
#define FIELDTRAIL_FOLDER_H

#include <sys/types.h>

#include <fieldtrail/fault.h>
#include <fieldtrail/str.h>

struct folder_type;

struct folder {
    const struct folder_type *type;
    const char *path; /* for messages */
};

struct file_state {
    uint64_t device, inode;
    int64_t size;
    bool regular;
};

enum folder_kind {
    FOLDER_LOCAL,
    FOLDER_SHARED,  /* other machines may have it open, too */
    FOLDER_VOLATILE /* in memory */
};

enum open_mode {
    OPEN_READ,
    OPEN_WRITE, /* there must be such a file */
    OPEN_ANEW,  /* made, or emptied */
    OPEN_LOCK   /* made where missing, and its content left alone */
};

struct folder_type {
    /* Opens the directory; later, whatever stands at its path by then. */
    int (*enter)(struct folder *folder);
    enum folder_kind (*kind)(struct folder *folder);
    /* False with errno. */
    bool (*is_writable)(struct folder *folder);
    int (*open)(struct folder *folder, const char *name, enum open_mode mode);
    void (*close)(struct folder *folder, int file);
    ssize_t (*read)(struct folder *folder, int file, void *to, size_t size, int64_t at);
    ssize_t (*write)(struct folder *folder, int file, const void *from, size_t size, int64_t at);
    int (*cut)(struct folder *folder, int file, int64_t size);
    /* Content, or the names in the directory, onto the disk. */
    int (*sync)(struct folder *folder, int file);
    int (*sync_names)(struct folder *folder);
    /* Over another file of that name. */
    int (*rename)(struct folder *folder, const char *from, const char *to);
    int (*remove)(struct folder *folder, const char *name);
    int (*look)(struct folder *folder, int file, struct file_state *state);
    int (*find)(struct folder *folder, const char *name, struct file_state *state);
    /* Keeps every other opener from locking it until it is closed; EWOULDBLOCK where one has. */
    int (*lock)(struct folder *folder, int file);
    /* Calls `each` with every name until it answers false. */
    int (*list)(struct folder *folder, bool (*each)(void *context, const char *name),
                void *context);
    /* Closes and frees it. */
    void (*leave)(struct folder *folder);
};

/* The real one; NULL with the fault set where memory ran out. Opens nothing yet. */
struct folder *folder_new(str path, struct fault *fault);

/* What errno means for delivery, with the remedy. `name` may be NULL: the directory itself. */
bool folder_fault(struct fault *fault, const struct folder *folder, const char *what,
                  const char *name);

/* A failed sync: what the system has dropped cannot be told, so it is never tried again here. The
   next start goes from what is known to be on the disk. */
bool folder_sync_fault(struct fault *fault, const struct folder *folder, const char *name);

/* Writes all of it; false with the fault set. */
bool folder_write(struct folder *folder, int file, const char *name, str bytes, int64_t at,
                  struct fault *fault) MUST_CHECK;

bool folder_sync_names(struct folder *folder, struct fault *fault) MUST_CHECK;

#endif
