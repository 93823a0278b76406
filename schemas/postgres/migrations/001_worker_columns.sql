-- Version 0 to 1: the pipe's table (holding_pivot.sql, eleven columns) takes the columns that the
-- worker writes. Rows that are there keep what they have; where they came from is not known of them,
-- so that history and undo begin with the worker's rows. Stop what writes; it may be run any number
-- of times. Large tables had better be made anew with table.sql, partitioned.
--
--   fieldtrail sql 001_worker_columns connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
set client_min_messages = warning;

begin;
alter table :table
    add column if not exists event_time      timestamptz,
    add column if not exists source_table    text,
    add column if not exists row_key         text,
    add column if not exists tx_id           text,
    add column if not exists lsn             text,
    add column if not exists kafka_topic     text,
    add column if not exists kafka_partition integer,
    add column if not exists kafka_offset    bigint,
    add column if not exists field_no        bigint;
update :table
set event_time = coalesce(datetime_created, datetime_updated, datetime_deleted)
where event_time is null;
create or replace function fieldtrail_migrate_001(pivot regclass) returns void
language plpgsql as $$
begin
    if coalesce(obj_description(pivot, 'pg_class'), '') !~ 'fieldtrail table version [1-9]' then
        execute format('comment on table %s is %L', pivot,
                       'One row for every field that changed (fieldtrail table version 1)');
    end if;
end $$;
select fieldtrail_migrate_001(:'table');
drop function fieldtrail_migrate_001;
commit;
