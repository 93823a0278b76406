-- Two roles: the writer, whom the worker logs in as, may add rows and move positions and nothing
-- else, and cannot even read the rows; the reader may only look. Run it as the owner of the tables,
-- after offset and table (and views); it may be run any number of times. Who may log in is said
-- apart: alter role fieldtrail_writer login password '…'.
--
--   fieldtrail sql roles connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
set client_min_messages = warning;

do $$
begin
    if not exists (select from pg_roles where rolname = 'fieldtrail_writer') then
        create role fieldtrail_writer nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'fieldtrail_reader') then
        create role fieldtrail_reader nologin;
    end if;
end $$;

create or replace function fieldtrail_grant(pivot regclass) returns void
language plpgsql as $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = pivot);
    part text;
begin
    execute format('grant usage on schema %s to fieldtrail_writer, fieldtrail_reader', home);
    execute format('grant insert on %s to fieldtrail_writer', pivot);
    execute format('grant select on %s to fieldtrail_reader', pivot);
    for part in select c.oid::regclass::text from pg_class c, pg_class t
                where t.oid = pivot and c.relnamespace = home and c.relkind = 'v'
                  and c.relname in (t.relname || '_once', t.relname || '_known',
                                    t.relname || '_unknown', t.relname || '_who') loop
        execute format('grant select on %s to fieldtrail_reader', part);
    end loop;
    if to_regclass('fieldtrail_seen') is not null then
        grant select on fieldtrail_seen to fieldtrail_reader;
    end if;
    -- the worker's own tables, those of them that there are
    for part in select n from unnest(array['fieldtrail_offset', 'fieldtrail_left_out',
                                           'fieldtrail_replay', 'fieldtrail_message']) n
                where to_regclass(n) is not null loop
        execute format('grant select on %s to fieldtrail_reader', part);
        execute format('grant %s on %s to fieldtrail_writer',
                       case part when 'fieldtrail_offset' then 'select, insert, update'
                                 when 'fieldtrail_message' then 'insert'
                                 else 'select, insert' end, part);
    end loop;
end $$;

select fieldtrail_grant(:'table');
