/*
 * questdb: rows into QuestDB, as lines over HTTP. It stores no positions: after a crash the rows
 * since the last group commit are sent again, and the table's deduplication makes them one.
 *
 * A table is used only where that holds: with event_time as its designated timestamp, a write-ahead
 * log, and the six columns that tell where a row comes from as its deduplication keys; five in the
 * table of logical messages, which change no field. A flush is
 * true when the server has answered for every request and the table is still the one it was before,
 * and not suspended: on a kept connection QuestDB takes rows of a table that was dropped and made
 * anew, and loses them. Rows outlive a crash of QuestDB; a power cut only where the server says
 * cairo.commit.mode=sync.
 */
#ifndef FIELDTRAIL_QUESTDB_H
#define FIELDTRAIL_QUESTDB_H

#include <fieldtrail/layout.h>
#include <fieldtrail/option.h>
#include <fieldtrail/sink.h>

/* connection.*, table, table.create, message.table, questdb.*. */
extern const struct option_table questdb_options;

/* Opens nothing yet. The layout may become ready later; configuration and layout outlive the sink.
   stop() frees it. NULL with FAULT_CONFIG. */
struct sink *questdb_new(const struct config *config, const struct layout *layout,
                         struct fault *fault);

#endif
