-- Counts over the pivot table: what changes how often, by whom, how long it stays. It needs
-- history.sql, and may be run any number of times. Where Debezium has been restarted, give the view
-- that hides what it sent twice ('holding_pivot_once', made by views.sql) in place of the table.
--
--   fieldtrail sql functions connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
set client_min_messages = warning;

-- How often fields changed: by field, by the value of one more column of the pivot table (a user, an
-- op), and by piece of time ('hour', 'day' ...), where given. Changes whose old value is unknown may
-- have changed nothing: they are counted apart.
create or replace function fieldtrail_counts(pivot regclass, by_column text default null,
                                             piece text default null,
                                             since timestamptz default '-infinity',
                                             until timestamptz default 'infinity')
returns table (source_table text, change_field text, by_value text, period timestamptz,
               changes bigint, unknown bigint)
language plpgsql stable as $$
begin
    return query execute format(
        'select source_table::text, change_field::text, %s, %s,
                count(*) filter (where old_known), count(*) filter (where not old_known)
         from %s
         where change_field is not null and op in (''u'', ''d'')
           and event_time >= $1 and event_time < $2
         group by 1, 2, 3, 4 order by 1, 2, 4, 5 desc, 3',
        case when by_column is null then 'null::text' else format('%I::text', by_column) end,
        case when piece is null then 'null::timestamptz'
             else format('date_trunc(%L, event_time)', piece) end, pivot)
    using since, until;
end $$;

-- The rows that changed most.
create or replace function fieldtrail_most_changed(pivot regclass, source_table text,
                                                   at_most integer default 10,
                                                   since timestamptz default '-infinity',
                                                   until timestamptz default 'infinity')
returns table (row_key text, changes bigint, fields bigint, last timestamptz)
language plpgsql stable as $$
begin
    return query execute format(
        'select row_key, count(*), sum(fields)::bigint, max(at)
         from (select row_key::text, count(*) as fields, max(event_time) as at
               from %s p
               where source_table = $1 and op = ''u'' and event_time >= $2 and event_time < $3
               group by p.row_key, kafka_topic, kafka_partition, kafka_offset, field_no >> 16) c
         group by row_key order by 2 desc, 1 limit $4', pivot)
    using source_table, since, until, at_most;
end $$;

-- The rows that exist and have not changed for longest.
create or replace function fieldtrail_longest_unchanged(pivot regclass, source_table text,
                                                        at_most integer default 10)
returns table (row_key text, last timestamptz, unchanged interval)
language plpgsql stable as $$
declare
    away record;
begin
    select array_agg(a.key_before) as owner, array_agg(a.at) as at, array_agg(a.lsn) as lsn
    into away from fieldtrail_away(pivot, source_table, 'infinity') a;
    return query execute format(
        'with last as (
             select distinct on (c.row_key) c.row_key::text, c.op, c.event_time as at,
                    fieldtrail_lsn(c.lsn::text) as lsn
             from %s c
             where c.source_table = $1 and c.row_key is not null
             order by c.row_key, fieldtrail_lsn(c.lsn::text) desc, c.kafka_partition desc,
                      c.kafka_offset desc, c.field_no desc
         ), gone as materialized (
             select * from unnest($2::text[], $3::timestamptz[], $4::numeric[]) u (owner, at, lsn)
         )
         select l.row_key, l.at, now() - l.at
         from last l
         where l.op <> ''d''
           and not exists (select from gone g where g.owner = l.row_key
                                                and fieldtrail_is_before(l.at, l.lsn, g.at, g.lsn))
           and not exists (select from gone g where g.owner is null
                                                and fieldtrail_is_before(l.at, l.lsn, g.at, g.lsn))
         order by 2, 1
         limit $5', pivot)
    using source_table, away.owner, away.at, away.lsn, at_most;
end $$;

-- How long a field of a row stood at each value: from one change to the next. The last one lasts
-- until now, unless the row is gone.
create or replace function fieldtrail_periods(pivot regclass, source_table text, field text,
                                              row_keys text[] default null)
returns table (row_key text, value text, since timestamptz, until timestamptz)
language sql stable as $$
    with step as (
        select c.row_key, c.op, c.change_field, c.new_value, c.at,
               row_number() over (partition by c.row_key order by c.lsn, c.kafka_partition,
                                  c.kafka_offset, c.field_no) as n
        from fieldtrail_changes(pivot, source_table, row_keys, field) c
    ), period as (
        select *, lead(at) over (partition by row_key order by n) as next_at from step
    )
    select row_key, new_value, at, next_at
    from period
    where op <> 'd' and next_at is distinct from at
    order by row_key, n
$$;

create or replace function fieldtrail_time_at_value(pivot regclass, source_table text, field text)
returns table (value text, total interval, periods bigint)
language sql stable as $$
    select p.value, sum(coalesce(p.until, now()) - p.since), count(*)
    from fieldtrail_periods(pivot, source_table, field) p
    group by p.value
    order by 2 desc, 1
$$;

-- From which value a field went to which, and how often.
create or replace function fieldtrail_handover(pivot regclass, source_table text, field text)
returns table (from_value text, to_value text, changes bigint)
language sql stable as $$
    select c.old_value, c.new_value, count(*)
    from fieldtrail_changes(pivot, source_table, null, field) c
    where c.change_field = field and c.op = 'u' and c.old_known
    group by c.old_value, c.new_value
    order by 3 desc, 1, 2
$$;

-- ---- the tutorial's questions ----

-- How often one user changed a field; a delete is a change, too.
create or replace function fieldtrail_changes_of_user(pivot regclass, user_column text,
                                                      user_value text, field text)
returns bigint
language plpgsql stable as $$
declare
    changes bigint;
begin
    execute format(
        'select count(*) from %s
         where change_field = $1 and %I::text = $2 and op in (''u'', ''d'') and old_known
           and old_value is distinct from new_value', pivot, user_column)
    into changes using field, user_value;
    return changes;
end $$;

-- The old values that were given up most often between two times (the second exclusive): of
-- holding_stock, the stocks sold most.
create or replace function fieldtrail_given_up(pivot regclass, field text, since timestamptz,
                                               until timestamptz, at_most integer default 1)
returns table (value text, changes bigint)
language plpgsql stable as $$
begin
    return query execute format(
        'select old_value::text, count(*) from %s
         where change_field = $1 and op in (''u'', ''d'') and old_known and old_value is not null
           and old_value is distinct from new_value and event_time >= $2 and event_time < $3
         group by 1 order by 2 desc, 1 limit $4', pivot)
    using field, since, until, at_most;
end $$;
