/*
 * csv: rows into files of a directory, one for every topic-partition (CSV, JSON lines or COPY
 * text). It remembers: beside the rows of a partition a side file says how many bytes of them hold
 * and up to which position they reach.
 *
 * The protocol, for each partition:
 *   claim    locks NAME.lock, finishes what a crash left undone, cuts the file of rows to the
 *            recorded length, raises the epoch. The side file is there before the file of rows.
 *   flush    appends and fsyncs rows; writes the side file's successor, fsyncs it, renames it over
 *            the side file and fsyncs the directory: the moment at which rows and position hold.
 *   roll     a flush that begins new files first says so in the side file (`planned`), and the side
 *            file that makes them hold names those that are whole (`rolled`). They get their final
 *            names, compressed where that is asked for, after that; a claim does it again.
 *
 * True flush: rows and positions have survived a power cut, as far as the disk tells the truth. A
 * failed fsync ends the task. Where a file ends is a function of the log alone. A file holds rows
 * of one form: where a logical message follows a change, or a change a message, a new one begins.
 */
#ifndef FIELDTRAIL_CSV_H
#define FIELDTRAIL_CSV_H

#include <fieldtrail/encoder.h>
#include <fieldtrail/sink.h>

#include "folder.h"

extern const struct option_table csv_options;

/* Whose files they are, and where it runs. */
struct csv_identity {
    str connector, worker_id;
    bool clustered; /* the next owner of a partition may be another machine */
};

/* The sink copies the encoder; it borrows its layout, the identity's texts and the configuration's.
   NULL with the fault set where configuration or memory forbids. Opens nothing yet. stop() frees
   it. */
struct sink *csv_new(const struct config *config, const struct encoder *encoder,
                     struct csv_identity identity, struct fault *fault);

/* The same in a directory of the caller's, which the sink owns from here on, on failure too. */
struct sink *csv_new_in(struct folder *folder, const struct config *config,
                        const struct encoder *encoder, struct csv_identity identity,
                        struct fault *fault);

#endif
