-- Where each connector stands: one row a topic partition, written in the transaction of the rows.
-- The worker makes it itself where table.create=true; otherwise run this once. It may be run any
-- number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/fieldtrail_offset.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;

create table if not exists fieldtrail_offset (
    connector   text,
    topic       text,
    partition   integer,
    cluster_id  text        not null,
    next_offset bigint      not null,
    held_offset bigint,
    epoch       bigint      not null default 0,
    record_time bigint,
    worker_id   text,
    updated_at  timestamptz not null default now(),
    primary key (connector, topic, partition)
);

comment on table fieldtrail_offset is 'How far each connector''s rows reach, per topic partition';
comment on column fieldtrail_offset.cluster_id is 'The id of the Kafka cluster';
comment on column fieldtrail_offset.next_offset is 'The position behind the last record whose rows are here';
comment on column fieldtrail_offset.held_offset is
    'The delete half of a key change that waits for its create half';
comment on column fieldtrail_offset.epoch is
    'Raised by every claim; a writer with an older one cannot commit';
comment on column fieldtrail_offset.record_time is
    'Kafka''s timestamp, in microseconds, of the record before next_offset: tells a topic made anew';
comment on column fieldtrail_offset.worker_id is 'Who claimed it last: host and process';
