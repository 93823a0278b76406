-- Logical messages in QuestDB: what applications say of their transactions with
-- pg_logical_emit_message, for example who acts and why. With table.create=true the worker makes the
-- table itself. It may be run any number of times.
--
--   fieldtrail sql fieldtrail_message connector.json |
--       curl -G "$FIELDTRAIL_QUESTDB_URL/exec" --data-urlencode query@-
--
-- What is said of the deduplication keys in table.sql holds here, too; the worker refuses other ones.
-- field_no tells messages of one record apart: Debezium's has one, wal2json's may have several.

\set message_table fieldtrail_message

CREATE TABLE IF NOT EXISTS :message_table (
    event_time        TIMESTAMP,  -- commit in the source database, else the message's time
    kafka_topic       SYMBOL,
    kafka_partition   INT,
    kafka_offset      LONG,
    field_no          LONG,
    source_name       VARCHAR,    -- Debezium's topic.prefix
    tx_id             VARCHAR,    -- NULL where it was not written in a transaction
    lsn               VARCHAR,
    prefix            VARCHAR,
    content           VARCHAR     -- as text; bytes that are no text as \x00ff
) TIMESTAMP(event_time) PARTITION BY DAY WAL
DEDUP UPSERT KEYS(event_time, kafka_topic, kafka_partition, kafka_offset, field_no);
