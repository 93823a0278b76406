-- Which records got no rows because they were refused: one row a record, written by the worker in the
-- transaction that moves fieldtrail_offset past it. `fieldtrail deadletter replay` writes the letters
-- of these records and of no others. The worker needs it where errors.tolerance=all, and makes it
-- itself where table.create=true; otherwise run this once. It may be run any number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/fieldtrail_left_out.sql
--
-- Records that were left out before this table was there are not in it. Where fieldtrail_offset has
-- passed one and the pivot table has no row of it, say so, and its letter can be replayed:
--
--   insert into fieldtrail_left_out (connector, topic, partition, kafka_offset)
--   values ('holding', 'bank.holding', 2, 77);

\set ON_ERROR_STOP on
set client_min_messages = warning;

create table if not exists fieldtrail_left_out (
    connector    text,
    topic        text,
    partition    integer,
    kafka_offset bigint,
    worker_id    text,
    left_out_at  timestamptz not null default now(),
    primary key (connector, topic, partition, kafka_offset)
);

comment on table fieldtrail_left_out is 'The origins of records that were refused, and are dead letters';
