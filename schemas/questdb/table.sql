-- The pivot table in QuestDB: one row for every field that changed. With table.create=true the worker
-- makes the table itself, with all of the source's columns as VARCHAR. It may be run any number of
-- times.
--
--   fieldtrail sql table connector.json |
--       curl -G "$FIELDTRAIL_QUESTDB_URL/exec" --data-urlencode query@-
--
-- The deduplication keys are not a matter of taste: a record that is read again after a crash has
-- the same six values, and so its rows are there once. With fewer keys rows would overwrite each
-- other, with more they would stand there twice; the worker refuses to write into such a table.
-- Symbols are columns of few different values. BOOLEAN has no NULL, and needs none here.

\set table holding_pivot
\set keys 'holding_id LONG, user_id LONG,'

CREATE TABLE IF NOT EXISTS :table (
    event_time        TIMESTAMP,  -- commit in the source database, else the message's time
    kafka_topic       SYMBOL,
    kafka_partition   INT,
    kafka_offset      LONG,
    field_no          LONG,
    change_field      SYMBOL,     -- NULL: created or deleted, and no field had a value
    :keys
    old_value         VARCHAR,    -- NULL for a new row, and where old_known is false
    new_value         VARCHAR,
    datetime_created  TIMESTAMP,
    datetime_updated  TIMESTAMP,
    datetime_deleted  TIMESTAMP,
    datetime_inserted TIMESTAMP,  -- when the worker read it; the last time counts
    op                SYMBOL,
    old_known         BOOLEAN,
    source_table      SYMBOL,
    row_key           VARCHAR,
    tx_id             VARCHAR,
    lsn               VARCHAR,
    old_number        DOUBLE,     -- old_value and new_value where they are numbers
    new_number        DOUBLE
) TIMESTAMP(event_time) PARTITION BY DAY WAL
DEDUP UPSERT KEYS(event_time, kafka_topic, kafka_partition, kafka_offset, field_no, change_field);
