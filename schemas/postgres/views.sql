-- Views beside the pivot table, named after it. It may be run any number of times.
--
--   fieldtrail sql views connector.json | psql "$FIELDTRAIL_PG_URI"
--
--  TABLE_once     without the records that Debezium sent twice (a restart makes it do so): the same
--                 change at the same place of the source's log, and only Kafka's offset differs.
--                 Rows without an lsn are all shown.
--  TABLE_known    of these, changes whose old value the source sent
--  TABLE_unknown  and those where it did not: the field was set, perhaps to what it was

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
set client_min_messages = warning;

-- What a question restricts (a row, a field, a time) is in the window's partition, so that the
-- restriction reaches the indexes.
create or replace function fieldtrail_make_views(pivot regclass) returns void
language plpgsql as $$
declare
    home text := (select quote_ident(n.nspname) || '.' from pg_class c
                  join pg_namespace n on n.oid = c.relnamespace where c.oid = pivot);
    name text := (select relname from pg_class where oid = pivot);
    columns text := (select string_agg('c.' || quote_ident(attname), ', ' order by attnum)
                     from pg_attribute
                     where attrelid = pivot and attnum > 0 and not attisdropped);
begin
    execute format(
        'create or replace view %s%I as
         select %s from (
             select p.*, p.lsn is not null and row_number() over (
                        partition by p.event_time, p.lsn, p.row_key, p.field_no, p.op,
                                     p.change_field, p.tx_id, p.source_table, p.kafka_topic
                        order by p.kafka_partition, p.kafka_offset) > 1 as fieldtrail_again
             from %s p) c
         where not fieldtrail_again', home, name || '_once', columns, pivot);
    execute format('create or replace view %s%I as select * from %s%I where old_known',
                   home, name || '_known', home, name || '_once');
    execute format('create or replace view %s%I as select * from %s%I where not old_known',
                   home, name || '_unknown', home, name || '_once');
end $$;

select fieldtrail_make_views(:'table');
