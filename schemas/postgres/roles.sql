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

-- Rights on a schema are given for the tables' sake; whether others have them too is its owner's
-- affair.
create or replace function fieldtrail_grant(pivot regclass) returns void
language plpgsql as $$
declare
    home regnamespace := (select relnamespace from pg_class where oid = pivot);
    view record;
begin
    execute format('grant usage on schema %s to fieldtrail_writer, fieldtrail_reader', home);
    execute format('grant insert on %s to fieldtrail_writer', pivot);
    execute format('grant select on %s to fieldtrail_reader', pivot);
    for view in select c.oid::regclass as name from pg_class c, pg_class t
                where t.oid = pivot and c.relnamespace = home and c.relkind = 'v'
                  and c.relname in (t.relname || '_once', t.relname || '_known',
                                    t.relname || '_unknown') loop
        execute format('grant select on %s to fieldtrail_reader', view.name);
    end loop;
end $$;

select fieldtrail_grant(:'table');
grant select, insert, update on fieldtrail_offset to fieldtrail_writer;
grant select on fieldtrail_offset to fieldtrail_reader;
