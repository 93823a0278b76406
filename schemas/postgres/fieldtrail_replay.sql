-- Which dead letters were written after all: one row a record, written by `fieldtrail deadletter
-- replay` in the transaction of its rows, so that none is written twice. The command makes it itself
-- where table.create=true; otherwise run this once. It may be run any number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/fieldtrail_replay.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;

create table if not exists fieldtrail_replay (
    connector    text,
    topic        text,
    partition    integer,
    kafka_offset bigint,
    worker_id    text,
    replayed_at  timestamptz not null default now(),
    primary key (connector, topic, partition, kafka_offset)
);

comment on table fieldtrail_replay is 'The origins of dead letters that were replayed';
