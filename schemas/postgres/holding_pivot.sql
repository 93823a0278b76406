-- The table of the tutorial's pivot rows: one row for every field that changed. The columns are
-- those that `fieldtrail pivot --keys holding_id,user_id` prints, in their order. It may be run any
-- number of times.
--
--   psql "$FIELDTRAIL_PG_URI" -f schemas/postgres/holding_pivot.sql

\set ON_ERROR_STOP on
set client_min_messages = warning;

create table if not exists holding_pivot (
    holding_id        integer,
    user_id           integer,
    change_field      text,
    old_value         text,
    new_value         text,
    datetime_created  timestamptz,
    datetime_updated  timestamptz,
    datetime_deleted  timestamptz,
    datetime_inserted timestamptz not null,
    op                text        not null check (op in ('c', 'r', 'u', 'd', 't')),
    old_known         boolean     not null
);

comment on table holding_pivot is 'Every change to every field of bank.holding';
comment on column holding_pivot.change_field is
    'The field that changed; NULL where a row was created or deleted in which no field had a value';
comment on column holding_pivot.old_value is
    'Its value before: NULL for a new row, and where old_known is false';
comment on column holding_pivot.new_value is 'Its value after: NULL for a deleted row';
comment on column holding_pivot.datetime_created is 'Commit time in the source, of op c and r';
comment on column holding_pivot.datetime_updated is 'Commit time in the source, of op u';
comment on column holding_pivot.datetime_deleted is 'Commit time in the source, of op d and t';
comment on column holding_pivot.datetime_inserted is 'When fieldtrail wrote the row';
comment on column holding_pivot.old_known is
    'False: the source did not send the old value, so the field was set, perhaps to what it was';
