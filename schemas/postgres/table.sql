-- The pivot table, partitioned by time, with comments and the indexes that do not slow the writer
-- down. It has no partitions yet, and takes no rows before partitions.sql has made some. It may be
-- run any number of times.
--
--   fieldtrail sql table connector.json | psql "$FIELDTRAIL_PG_URI"
--
-- What is written all the time has no btree: one costs COPY about half its speed. The open
-- partitions have BRIN indexes, on time, transaction and (by bloom) the row's key; fieldtrail_tend
-- builds the btree for the history of a row once a partition's time is over.

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

create table if not exists :table (
    :keys
    change_field      text,
    old_value         text,
    new_value         text,
    datetime_created  timestamptz,
    datetime_updated  timestamptz,
    datetime_deleted  timestamptz,
    datetime_inserted timestamptz,
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

-- Comments and indexes. The number in the table's comment is the version of its form: the worker
-- reads it, and names the migration to run where it is older than it must be. What this does not
-- do is to make a new form of an old one: that is for the migrations.
--
-- The BRIN indexes hold ranges of pages that fieldtrail_tend summarises: an insert into a range that
-- is not summarised yet costs next to nothing. 64 pages hold about 3,000 rows: a filter for 5,000
-- keys has room for them all, and fits a page. With source_table among its columns the planner would
-- take that condition alone, and read everything. The partial indexes hold the few rows that changed a
-- key or emptied a table.
create or replace function fieldtrail_dress(pivot regclass) returns void
language plpgsql as $$
declare
    name text := (select relname from pg_class where oid = pivot);
    old text := substring(obj_description(pivot, 'pg_class') from 'fieldtrail table version (\d+)');
    note record;
begin
    if old <> '2' then
        raise exception '% is of version %, and this makes version 2: run the migrations between',
            pivot, old;
    end if;
    execute format('comment on table %s is %L', pivot,
                   'One row for every field that changed (fieldtrail table version 2)');
    for note in
        select * from (values
            ('change_field', 'The field that changed; NULL where a row was created, deleted or '
                             'truncated and no field had a value'),
            ('old_value', 'Its value before: NULL for a new row, and where old_known is false'),
            ('new_value', 'Its value after: NULL for a deleted row'),
            ('datetime_created', 'Commit time in the source, of op c and r'),
            ('datetime_updated', 'Commit time in the source, of op u'),
            ('datetime_deleted', 'Commit time in the source, of op d and t'),
            ('datetime_inserted', 'When fieldtrail wrote the row'),
            ('op', 'c create, r snapshot, u update, d delete, t truncate'),
            ('old_known', 'False: the source did not send the old value, so the field was set, '
                          'perhaps to what it was'),
            ('event_time', 'Commit time in the source; a transaction is one time'),
            ('source_table', 'schema.table in the source'),
            ('row_key', 'The message key: the primary key as a JSON object'),
            ('tx_id', 'The transaction in the source'),
            ('lsn', 'Where the change stands in the source''s log'),
            ('field_no', 'Number of the change in its record times 65536, plus the place of the '
                         'column in the event')) as n (field, says)
        join pg_attribute a on a.attrelid = pivot and a.attname = n.field
    loop
        execute format('comment on column %s.%I is %L', pivot, note.field, note.says);
    end loop;
    execute format('create index if not exists %I on %s using brin (event_time, row_key
                    text_bloom_ops (n_distinct_per_range = 5000), tx_id) with (pages_per_range = 64)',
                   name || '_brin', pivot);
    -- the condition is that of fieldtrail_in_key in history.sql, word for word
    execute format('create index if not exists %I on %s (source_table, old_value)
                    where op = ''u'' and old_known
                      and strpos(row_key, ''"'' || replace(replace(change_field, ''\'', ''\\''),
                                                         ''"'', ''\"'') || ''":'') > 0',
                   name || '_moved', pivot);
    execute format('create index if not exists %I on %s (source_table) where op = ''t''',
                   name || '_truncated', pivot);
end $$;

select fieldtrail_dress(:'table');
