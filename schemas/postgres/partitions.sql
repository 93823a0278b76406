-- Partitions of the pivot table: made ahead of time, finished when their time is over, detached when
-- nobody needs them any more. It makes the first ones; call fieldtrail_tend from cron (or pg_cron),
-- say every ten minutes:
--
--   select fieldtrail_tend('holding_pivot', 'day', ahead => 7, keep => '2 years');
--
-- A row that finds no partition is not lost: the worker takes that for an outage, and waits until
-- there is one. Bounds are UTC. It may be run any number of times.
--
--   fieldtrail sql partitions connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
\if :{?table}
\else
  \set table holding_pivot
\endif
\if :{?piece}
\else
  \set piece day
\endif
\if :{?since}
\else
  \set since '-8 days'
\endif
set client_min_messages = warning;

-- The partitions with their bounds.
create or replace function fieldtrail_partitions(pivot regclass)
returns table (part regclass, low timestamptz, high timestamptz)
language sql stable as $$
    select i.inhrelid::regclass,
           substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \(''([^'']*)''\)')::timestamptz,
           substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']*)''\)')::timestamptz
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = pivot and pg_get_expr(c.relpartbound, c.oid) like 'FOR VALUES FROM%'
    order by 2
$$;

-- Makes the partitions ('hour', 'day', 'week', 'month' or 'year') that cover a time and the so many
-- that follow; those that exist are left alone. Gives the names of the new ones.
create or replace function fieldtrail_make_partitions(pivot regclass, piece text default 'day',
                                                      ahead integer default 7,
                                                      since timestamptz default now())
returns setof text
language plpgsql as $$
declare
    next_low timestamp := date_trunc(piece, since at time zone 'UTC');
    next_high timestamp;
    width interval := ('1 ' || piece)::interval;
    stop timestamp := date_trunc(piece, now() at time zone 'UTC') + width * (ahead + 1);
    covered timestamptz;
    name text;
    home regnamespace := (select relnamespace from pg_class where oid = pivot);
begin
    if piece not in ('hour', 'day', 'week', 'month', 'year') then
        raise exception 'a partition covers an hour, day, week, month or year, not a %', piece;
    end if;
    -- a first read would race with another session that makes the same
    perform pg_advisory_xact_lock(hashtext('fieldtrail_make_partitions'), pivot::oid::integer);
    while next_low < stop loop
        select p.high into covered from fieldtrail_partitions(pivot) p
        where p.low <= next_low at time zone 'UTC' and next_low at time zone 'UTC' < p.high;
        if covered is not null then
            next_low := covered at time zone 'UTC';
            continue;
        end if;
        -- Where partitions of another width are, this one ends at the next of them.
        select least(date_trunc(piece, next_low) + width, min(p.low) at time zone 'UTC') into next_high
        from fieldtrail_partitions(pivot) p where p.low > next_low at time zone 'UTC';
        name := (select relname from pg_class where oid = pivot)
                || to_char(next_low, '_YYYYMMDD' || case when piece = 'hour' or next_low::time <> '0:00'
                                                         then '_HH24' else '' end);
        execute format('create table %s.%I partition of %s for values from (%L) to (%L)', home, name,
                       pivot, next_low at time zone 'UTC', next_high at time zone 'UTC');
        -- An index made on an empty table has a summary of its first pages, and every insert
        -- there would renew it: a third of COPY's speed until they are full.
        perform brin_desummarize_range(i.indexrelid, 0)
        from pg_index i join pg_class c on c.oid = i.indexrelid
                        join pg_am a on a.oid = c.relam
        where i.indrelid = to_regclass(format('%s.%I', home, name)) and a.amname = 'brin';
        return next name;
        next_low := next_high;
    end loop;
end $$;

-- Builds the btree for the history of a row in the partitions whose time is over, and summarises
-- what has been written to the open ones, for the indexes and (fieldtrail_see of history.sql) for
-- the names of source tables. Gives the partitions it finished.
create or replace function fieldtrail_close_partitions(pivot regclass,
                                                       grace interval default '1 hour')
returns setof text
language plpgsql as $$
declare
    part record;
    index_name text;
    brin regclass;
begin
    for part in select * from fieldtrail_partitions(pivot) loop
        index_name := (select relname from pg_class where oid = part.part) || '_row';
        if part.high < now() - grace and not exists (
            select from pg_index i join pg_class c on c.oid = i.indexrelid
            where i.indrelid = part.part and c.relname = index_name) then
            execute format('create index %I on %s (source_table, row_key)', index_name, part.part);
            execute format('analyze %s', part.part);
            if to_regclass('fieldtrail_seen') is not null then
                execute 'delete from fieldtrail_seen where part = $1' using part.part;
            end if;
            return next part.part::text;
        end if;
        for brin in select i.indexrelid from pg_index i
                    join pg_class c on c.oid = i.indexrelid
                    join pg_am a on a.oid = c.relam
                    where i.indrelid = part.part and a.amname = 'brin' loop
            perform brin_summarize_new_values(brin);
        end loop;
        if to_regproc('fieldtrail_see') is not null and not exists (
            select from fieldtrail_leaves(part.part) l where l.steps) then
            perform fieldtrail_see(part.part);
        end if;
        -- Without statistics the planner would read all of an open partition for one row.
        if part.low <= now() and part.high >= now() - grace then
            execute format('analyze %s', part.part);
        end if;
    end loop;
end $$;

-- Detaches the partitions that end before a time, and gives their names: they are tables of their
-- own then, to be kept elsewhere or dropped.
create or replace function fieldtrail_detach_partitions(pivot regclass, before timestamptz)
returns setof text
language plpgsql as $$
declare
    part record;
begin
    for part in select * from fieldtrail_partitions(pivot) where high <= before loop
        execute format('alter table %s detach partition %s', pivot, part.part);
        return next part.part::text;
    end loop;
end $$;

-- All of it, in the order that is right. Gives a line for everything it did.
create or replace function fieldtrail_tend(pivot regclass, piece text default 'day',
                                           ahead integer default 7, keep interval default null)
returns table (did text, part text)
language sql as $$
    select 'made', p from fieldtrail_make_partitions(pivot, piece, ahead) p
    union all
    select 'finished', p from fieldtrail_close_partitions(pivot) p
    union all
    select 'detached', p from fieldtrail_detach_partitions(pivot, now() - keep) p
$$;

-- Kafka keeps a week unless told otherwise: what is in the log now finds its partition.
select fieldtrail_make_partitions(:'table', :'piece', since => now() + :'since'::interval);
