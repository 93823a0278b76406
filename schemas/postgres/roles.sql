-- Two roles: the writer, whom the worker logs in as, may add rows and move positions and nothing
-- else; the reader may only look. Run it as the owner of the tables; it may be run any number of
-- times. A password is set apart: alter role fieldtrail_writer login password '…'.

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

grant insert on :"table" to fieldtrail_writer;
-- At its start the worker reads no row of the table, only whether its columns are there.
grant select on :"table" to fieldtrail_writer;
grant select, insert, update on fieldtrail_offset to fieldtrail_writer;
grant select on :"table", fieldtrail_offset to fieldtrail_reader;
