/*
 * The scripts, embedded when the program is built: see `embed` in CMakeLists.txt.
 */
#include "shipped.h"

static const unsigned char postgres_fieldtrail_offset[] = {
#include "postgres_fieldtrail_offset.inc"
};

static const unsigned char postgres_fieldtrail_left_out[] = {
#include "postgres_fieldtrail_left_out.inc"
};

static const unsigned char postgres_fieldtrail_replay[] = {
#include "postgres_fieldtrail_replay.inc"
};

static const unsigned char postgres_fieldtrail_message[] = {
#include "postgres_fieldtrail_message.inc"
};

static const unsigned char postgres_holding_pivot_who[] = {
#include "postgres_holding_pivot_who.inc"
};

static const unsigned char postgres_table[] = {
#include "postgres_table.inc"
};

static const unsigned char postgres_partitions[] = {
#include "postgres_partitions.inc"
};

static const unsigned char postgres_history[] = {
#include "postgres_history.inc"
};

static const unsigned char postgres_asof[] = {
#include "postgres_asof.inc"
};

static const unsigned char postgres_undo[] = {
#include "postgres_undo.inc"
};

static const unsigned char postgres_counts[] = {
#include "postgres_counts.inc"
};

static const unsigned char postgres_views[] = {
#include "postgres_views.inc"
};

static const unsigned char postgres_roles[] = {
#include "postgres_roles.inc"
};

static const unsigned char postgres_tutorial_questions[] = {
#include "postgres_tutorial_questions.inc"
};

static const unsigned char postgres_001_worker_columns[] = {
#include "postgres_001_worker_columns.inc"
};

static const unsigned char postgres_002_history_index[] = {
#include "postgres_002_history_index.inc"
};

static const unsigned char questdb_table[] = {
#include "questdb_table.inc"
};

static const unsigned char questdb_fieldtrail_message[] = {
#include "questdb_fieldtrail_message.inc"
};

static const unsigned char questdb_tutorial_questions[] = {
#include "questdb_tutorial_questions.inc"
};

static const unsigned char questdb_history[] = {
#include "questdb_history.inc"
};

static const unsigned char duckdb_table[] = {
#include "duckdb_table.inc"
};

static const unsigned char duckdb_fieldtrail_message[] = {
#include "duckdb_fieldtrail_message.inc"
};

static const unsigned char duckdb_history[] = {
#include "duckdb_history.inc"
};

#define SCRIPT(bytes)                                                                              \
    {                                                                                              \
        (const char *)(bytes), sizeof(bytes)                                                       \
    }

static const struct shipped all[] = {
    {"PostgresSink", "fieldtrail_offset", NULL, "the positions; table.create=true makes it, too",
     SCRIPT(postgres_fieldtrail_offset)},
    {"PostgresSink", "fieldtrail_left_out", NULL, "which records are dead letters only; likewise",
     SCRIPT(postgres_fieldtrail_left_out)},
    {"PostgresSink", "fieldtrail_replay", NULL, "which dead letters were replayed; likewise",
     SCRIPT(postgres_fieldtrail_replay)},
    {"PostgresSink", "fieldtrail_message", NULL,
     "what applications say of their transactions; likewise", SCRIPT(postgres_fieldtrail_message)},
    {"PostgresSink", "table", NULL,
     "the pivot table, partitioned by time, with indexes and comments", SCRIPT(postgres_table)},
    {"PostgresSink", "partitions", NULL,
     "its first partitions, and fieldtrail_tend, which makes, finishes, detaches",
     SCRIPT(postgres_partitions)},
    {"PostgresSink", "history", "functions", "names, keys, and the history of a row",
     SCRIPT(postgres_history)},
    {"PostgresSink", "asof", "functions", "as of, and the difference of two times",
     SCRIPT(postgres_asof)},
    {"PostgresSink", "undo", "functions", "statements that put changes back",
     SCRIPT(postgres_undo)},
    {"PostgresSink", "counts", "functions", "what changes how often, by whom, how long it stays",
     SCRIPT(postgres_counts)},
    {"PostgresSink", "views", NULL, "views without what Debezium sent twice, and by old_known",
     SCRIPT(postgres_views)},
    {"PostgresSink", "holding_pivot_who", NULL, "a view of who changed a field, and why",
     SCRIPT(postgres_holding_pivot_who)},
    {"PostgresSink", "roles", NULL, "a writer that may only insert, a reader that may only select",
     SCRIPT(postgres_roles)},
    {"PostgresSink", "tutorial-questions", NULL, "the tutorial's questions",
     SCRIPT(postgres_tutorial_questions)},
    {"PostgresSink", "001_worker_columns", NULL, "a table of the pipe takes the worker's columns",
     SCRIPT(postgres_001_worker_columns)},
    {"PostgresSink", "002_history_index", NULL, "the index of an older table finds transactions",
     SCRIPT(postgres_002_history_index)},
    {"QuestDBSink", "table", NULL, "the pivot table", SCRIPT(questdb_table)},
    {"QuestDBSink", "fieldtrail_message", NULL, "what applications say of their transactions",
     SCRIPT(questdb_fieldtrail_message)},
    {"QuestDBSink", "tutorial-questions", NULL,
     "the tutorial's questions, and some for time series", SCRIPT(questdb_tutorial_questions)},
    {"QuestDBSink", "history", NULL, "queries: history, as of, what changes how often",
     SCRIPT(questdb_history)},
    {"CsvSink", "table", NULL, "the files as the view of one pivot table", SCRIPT(duckdb_table)},
    {"CsvSink", "fieldtrail_message", NULL, "those that hold logical messages, likewise",
     SCRIPT(duckdb_fieldtrail_message)},
    {"CsvSink", "history", NULL, "history, as of and counts as macros", SCRIPT(duckdb_history)},
};

const struct shipped *shipped_all(size_t *count)
{
    *count = sizeof(all) / sizeof(all[0]);
    return all;
}
