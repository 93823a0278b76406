-- The pivot table, partitioned by time, with the indexes that do not slow the writer down, and the
-- two roles that use it. `fieldtrail sql table connector.json` prints this for a connector: its
-- table, its columns. It may be run any number of times.
--
-- What is written all the time has no btree: one costs COPY about half its speed. The open
-- partitions have BRIN indexes, on time and (by bloom) on the row's key; fieldtrail_close_partitions
-- builds the btree for the history of a row once a partition's time is over. Partitions are made
-- ahead of time by fieldtrail_make_partitions: call both from cron, say hourly. A row that finds no
-- partition is not lost: the worker takes that for an outage and waits until there is one.

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
\if :{?keys}
\else
  \set keys 'holding_id integer, user_id integer,'
\endif
set client_min_messages = warning;

create table if not exists :"table" (
    :keys
    change_field      text,
    old_value         text,
    new_value         text,
    datetime_created  timestamptz,
    datetime_updated  timestamptz,
    datetime_deleted  timestamptz,
    datetime_inserted timestamptz not null,
    op                text        not null,
    old_known         boolean     not null,
    event_time        timestamptz not null,
    source_table      text        not null,
    row_key           text,
    tx_id             text,
    lsn               text,
    kafka_topic       text        not null,
    kafka_partition   integer     not null,
    kafka_offset      bigint      not null,
    field_no          bigint      not null
) partition by range (event_time);

comment on table :"table" is 'One row for every field that changed';
comment on column :"table".change_field is
    'The field that changed; NULL where a row was created, deleted or truncated and no field had a value';
comment on column :"table".old_value is
    'Its value before: NULL for a new row, and where old_known is false';
comment on column :"table".new_value is 'Its value after: NULL for a deleted row';
comment on column :"table".datetime_created is 'Commit time in the source, of op c and r';
comment on column :"table".datetime_updated is 'Commit time in the source, of op u';
comment on column :"table".datetime_deleted is 'Commit time in the source, of op d and t';
comment on column :"table".datetime_inserted is 'When fieldtrail wrote the row';
comment on column :"table".op is 'c create, r snapshot, u update, d delete, t truncate';
comment on column :"table".old_known is
    'False: the source did not send the old value, so the field was set, perhaps to what it was';
comment on column :"table".event_time is 'Commit time in the source; a transaction is one time';
comment on column :"table".source_table is 'schema.table in the source';
comment on column :"table".row_key is 'The message key: the primary key as a JSON object';
comment on column :"table".tx_id is 'The transaction in the source';
comment on column :"table".lsn is 'Where the change stands in the source''s log';
comment on column :"table".field_no is
    'Number of the change in its record times 65536, plus the place of the column in the event';

-- Times and keys by page ranges: an insert into a range that is not summarised yet costs next to
-- nothing. The partial indexes hold the few rows that changed a key or emptied a table.
select format('create index if not exists %I on %I using brin (event_time, row_key text_bloom_ops)',
              :'table' || '_brin', :'table')
\gexec
select format('create index if not exists %I on %I (source_table, old_value)
               where op = ''u'' and old_known and strpos(row_key, ''"'' || change_field || ''":'') > 0',
              :'table' || '_moved', :'table')
\gexec
select format('create index if not exists %I on %I (source_table) where op = ''t''',
              :'table' || '_truncated', :'table')
\gexec
