-- Questions to the view of table.sql, as macros of DuckDB. A change that Debezium sent twice is left
-- out. A row's key is taken as it stands: a key that changed is another row here (the functions for
-- PostgreSQL follow it).
--
--   select * from fieldtrail_history('bank.holding', '{"holding_id":1000}');
--   select * from fieldtrail_asof('bank.holding', '2026-11-21T01:10:50Z');
--   select * from fieldtrail_counts('hour');

\set table holding_pivot

create or replace macro fieldtrail_changes(table_name) as table
    select * from :table
    where source_table = table_name
    qualify lsn is null or row_number() over (
        partition by row_key, lsn, tx_id, op, field_no, change_field, kafka_topic
        order by kafka_partition, kafka_offset) = 1;

-- All changes of one row, oldest first.
create or replace macro fieldtrail_history(table_name, key) as table
    select event_time, op, change_field, old_value, new_value, old_known, tx_id
    from fieldtrail_changes(table_name)
    where row_key = key
    order by coalesce(try_cast(lsn as hugeint), 0), kafka_partition, kafka_offset, field_no;

-- The rows that were there at a moment, a line for every field that had been said by then.
create or replace macro fieldtrail_asof(table_name, moment) as table
    with past as (
        select *, dense_rank() over ( -- the rows of one record are one
                      partition by row_key
                      order by coalesce(try_cast(lsn as hugeint), 0), kafka_partition,
                               kafka_offset) as n
        from fieldtrail_changes(table_name)
        where event_time <= moment::timestamptz
    ), emptied as (
        select max(event_time) as last_at from past where op = 't'
    ), alive as (
        select row_key, max(n) filter (where op in ('c', 'r')) as birth
        from past
        where row_key is not null
          and event_time > coalesce((select last_at from emptied), '-infinity'::timestamptz)
        group by row_key
        having arg_max(op, n) <> 'd'
    )
    select p.row_key, p.change_field, arg_max_null(p.new_value, p.n) as value
    from past p
    join alive a on a.row_key = p.row_key and p.n >= coalesce(a.birth, 0)
    where p.change_field is not null and p.op <> 'd'
    group by p.row_key, p.change_field
    order by p.row_key, p.change_field;

-- How often fields changed in each hour, day and so on; what may have changed nothing is apart.
create or replace macro fieldtrail_counts(piece) as table
    select source_table, change_field, date_trunc(piece, event_time) as period,
           count(*) filter (where old_known) as changes,
           count(*) filter (where not old_known) as unknown
    from :table
    where change_field is not null and op in ('u', 'd')
    group by all
    order by all;
