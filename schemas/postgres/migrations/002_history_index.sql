-- Version 1 to 2: the BRIN index finds transactions, too, so that the undo of one need not read all
-- rows. It locks the table while it reads all of it (minutes where there are hundreds of millions of
-- rows); the worker waits meanwhile. It may be run any number of times.
--
--   fieldtrail sql 002_history_index connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
set client_min_messages = warning;

begin;
create or replace function fieldtrail_migrate_002(pivot regclass) returns void
language plpgsql as $$
declare
    name text := (select relname || '_brin' from pg_class where oid = pivot);
    old regclass := (select i.indexrelid from pg_index i join pg_class c on c.oid = i.indexrelid
                     where i.indrelid = pivot and c.relname = name);
    version text := substring(obj_description(pivot, 'pg_class')
                              from 'fieldtrail table version (\d+)');
begin
    if version = '2' then
        return;
    elsif version is distinct from '1' then
        raise exception '% is of version %, and not 1', pivot, coalesce(version, 'unknown');
    end if;
    if old is not null then
        execute format('drop index %s', old);
        execute format('create index %I on %s using brin (event_time, row_key
                        text_bloom_ops (n_distinct_per_range = 5000), tx_id)
                        with (pages_per_range = 64)',
                       name, pivot);
    end if;
    execute format('comment on table %s is %L', pivot,
                   'One row for every field that changed (fieldtrail table version 2)');
end $$;
select fieldtrail_migrate_002(:'table');
drop function fieldtrail_migrate_002;
commit;
