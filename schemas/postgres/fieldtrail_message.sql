-- Logical messages: what applications say of their transactions with pg_logical_emit_message, for
-- example who acts and why. They come in the transaction of the pivot rows and of the positions.
-- The worker makes the table itself where table.create=true; otherwise run this once. It may be run
-- any number of times. Views that join it to the changes are in holding_pivot_who.sql.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/fieldtrail_message.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;

create table if not exists fieldtrail_message (
    source_name     text,
    tx_id           text,
    lsn             text,
    prefix          text,
    content         text,
    event_time      timestamptz,
    kafka_topic     text,
    kafka_partition integer,
    kafka_offset    bigint
);

create index if not exists fieldtrail_message_tx_id on fieldtrail_message (tx_id);

comment on table fieldtrail_message is 'What pg_logical_emit_message wrote into the source''s log';
comment on column fieldtrail_message.source_name is 'Debezium''s topic.prefix';
comment on column fieldtrail_message.tx_id is
    'The transaction it was written in; NULL where it was not transactional';
comment on column fieldtrail_message.content is
    'As text; bytes that are no text as PostgreSQL''s hex form (\x00ff)';
