-- History over the pivot table. Every function takes the pivot table first, so that
-- one installation serves all pivot tables of a database. It may be run any number of times; it
-- needs the columns that the worker writes (source_table, row_key, event_time, lsn, tx_id,
-- kafka_topic, kafka_partition, kafka_offset, field_no).
--
--   fieldtrail sql functions connector.json | psql "$FIELDTRAIL_PG_URI"
--
-- What they hold to:
--  * A change that Debezium sent twice is two records; the later one is left out here.
--  * One transaction is one time. The order within a row is that of its log: by lsn where the
--    source has one (PostgreSQL), then by partition, offset and field. Without an lsn, changes of
--    one transaction in different partitions (a truncate is one) have no order among each other.
--  * A row's key may change. Its history goes on under the new key, and so do its values.
--  * What the source did not send is unknown, and shown as unknown: `known` is false.

\set ON_ERROR_STOP on
set client_min_messages = warning;

-- Whether a field is a member of the key. The index on moved keys (table.sql) has this condition.
create or replace function fieldtrail_in_key(row_key text, field text) returns boolean
language sql immutable parallel safe as $$
    select strpos(row_key, '"' || replace(replace(field, '\', '\\'), '"', '\"') || '":') > 0
$$;

-- ---- names that people type ----

-- Which source tables have rows in the pages of an open partition up to `pages`: fieldtrail_tend
-- writes it down, so that a name needs no reading of the whole partition.
create table if not exists fieldtrail_seen (
    part          regclass primary key,
    node          oid    not null, -- the file: it changes when the table is written anew
    pages         bigint not null,
    source_tables text[] not null
);

-- The leaves of a pivot table, which may be one table without partitions: whether a btree there
-- begins with source_table, and the times it holds.
create or replace function fieldtrail_leaves(pivot regclass)
returns table (part regclass, steps boolean, low text, high text)
language sql stable as $$
    select p.part,
           exists (select from pg_index i
                   join pg_class x on x.oid = i.indexrelid
                   join pg_am m on m.oid = x.relam
                   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
                   where i.indrelid = p.part and i.indisvalid and i.indpred is null
                     and m.amname = 'btree' and a.attname = 'source_table'),
           coalesce(substring(p.bound from 'FROM \(''([^'']*)''\)'), '-infinity'),
           coalesce(substring(p.bound from 'TO \(''([^'']*)''\)'), 'infinity')
    from (select c.oid::regclass as part, pg_get_expr(c.relpartbound, c.oid) as bound
          from pg_class c
          where c.oid in (select relid from pg_partition_tree(pivot) where isleaf)
             or (c.oid = pivot and c.relkind <> 'p')) p
$$;

-- The source tables that have changes, and those that fieldtrail_tend has seen. Where a btree
-- begins with source_table (closed partitions have one) it steps from one name to the next; of an
-- open partition it reads what came since fieldtrail_tend looked at it. All of it by way of the
-- pivot table, which a reader has the right to.
create or replace function fieldtrail_source_tables(pivot regclass) returns setof text
language plpgsql stable set enable_seqscan = off set jit = off as $$
declare
    leaf record;
    name text;
    found text[] := '{}';
begin
    for leaf in
        select l.*, coalesce(s.source_tables, '{}') as seen, coalesce(s.pages - 1, 0) as page
        from fieldtrail_leaves(pivot) l
        left join fieldtrail_seen s on s.part = l.part and s.node = pg_relation_filenode(l.part)
    loop
        if leaf.steps then
            name := '';
            loop
                execute format('select min(source_table) from %s where source_table > $1
                                  and event_time >= %L and event_time < %L', pivot, leaf.low, leaf.high)
                into name using name;
                exit when name is null;
                found := found || name;
            end loop;
        else
            execute format('select $1 || array(select distinct source_table::text from %s
                                               where event_time >= %L and event_time < %L
                                                 and ctid >= %L)',
                           pivot, leaf.low, leaf.high, format('(%s,0)', leaf.page))
            into found using found || leaf.seen;
        end if;
    end loop;
    return query select distinct f from unnest(found) f;
end $$;

-- Writes down for fieldtrail_source_tables what an open partition holds by now. The page that was
-- the last one may have got more rows since.
create or replace function fieldtrail_see(part regclass) returns void
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    file oid := pg_relation_filenode(part);
    size bigint := pg_relation_size(part) / current_setting('block_size')::integer;
    names text[];
    page bigint;
begin
    select greatest(s.pages - 1, 0), s.source_tables into page, names
    from fieldtrail_seen s where s.part = fieldtrail_see.part and s.node = file;
    execute format('select array(select unnest($1::text[]) union
                                 select distinct source_table::text from %s where ctid >= %L)',
                   part, format('(%s,0)', coalesce(page, 0))) into names using names;
    insert into fieldtrail_seen values (part, file, size, names)
    on conflict on constraint fieldtrail_seen_pkey do update
    set node = excluded.node, pages = excluded.pages, source_tables = excluded.source_tables;
end $$;

-- The source table that is meant: "schema.table" as it stands in source_table, or the table alone
-- where no other schema has one of that name. An error names those there are. (Rows that came into
-- space that became free are the only ones that fieldtrail_source_tables can miss: so a name that it
-- does not know is looked for before it is refused.)
create or replace function fieldtrail_source(pivot regclass, given text) returns text
language plpgsql stable as $$
declare
    names text[] := array(select t from fieldtrail_source_tables(pivot) t order by 1);
    meant text[] := array(select n from unnest(names) n where n = given);
begin
    if meant = '{}' then
        meant := array(select n from unnest(names) n where substr(n, strpos(n, '.') + 1) = given);
    end if;
    if meant = '{}' then
        execute format('select array(select source_table::text from %s where source_table = $1 limit 1)',
                       pivot) into meant using given;
    end if;
    if cardinality(meant) = 1 then
        return meant[1];
    end if;
    raise exception '% has no change of a table %; it has %', pivot, given,
        coalesce(nullif(array_to_string(names[1:20], ', '), ''), 'none at all')
        using errcode = 'invalid_parameter_value';
end $$;

-- The text of a row's key, made from what people type: the value alone where the key has one member
-- (1000), members and their values (account_id=1,currency=EUR), or the JSON object. A value with a
-- comma can be said in JSON only. The key of some other row of the table says which members there
-- are, in which order, and what is a number.
create or replace function fieldtrail_key(pivot regclass, source_table text, given text)
returns text
language plpgsql stable set enable_seqscan = off set jit = off as $$
declare
    sample text;
    members text[];
    pairs jsonb := '{}';
    part text;
begin
    execute format('select row_key::text from %s where source_table = $1 and row_key is not null
                    limit 1', pivot) into sample using source_table;
    if sample is null then
        raise exception '% has no key of a row of %', pivot, source_table
            using errcode = 'invalid_parameter_value';
    end if;
    members := array(select m.key from json_each(sample::json) with ordinality m (key, value, n)
                     order by n);
    if left(ltrim(given), 1) = '{' then
        begin
            pairs := given::jsonb;
        exception when invalid_text_representation then
            raise exception 'the key % is no JSON object', given
                using errcode = 'invalid_parameter_value';
        end;
    elsif cardinality(members) = 1 and not starts_with(given, members[1] || '=') then
        pairs := jsonb_build_object(members[1], given);
    else
        foreach part in array string_to_array(given, ',') loop
            pairs := pairs || jsonb_build_object(
                split_part(part, '=', 1),
                case when strpos(part, '=') > 0 then substr(part, strpos(part, '=') + 1) end);
        end loop;
    end if;
    if (select array_agg(k order by k) from jsonb_object_keys(pairs) k)
           is distinct from (select array_agg(m order by m) from unnest(members) m) then
        raise exception 'the key of % is %: write %', source_table, array_to_string(members, ', '),
            (select string_agg(m || '=…', ',' order by n)
             from unnest(members) with ordinality u (m, n))
            using errcode = 'invalid_parameter_value';
    end if;
    return (select '{' || string_agg(
                to_json(m.key)::text || ':'
                || case when pairs ->> m.key is null then 'null'
                        when json_typeof(m.value) = 'string' then to_json(pairs ->> m.key)::text
                        else pairs ->> m.key end, ',' order by n) || '}'
            from json_each(sample::json) with ordinality m (key, value, n));
end $$;

-- ---- changes ----

-- A row's key as it was before these members moved: the same members, in the same order.
create or replace function fieldtrail_key_before(row_key text, moved jsonb) returns text
language sql immutable strict as $$
    select '{' || string_agg(
               to_json(m.key)::text || ':'
               || case when not moved ? m.key then m.value::text
                       when moved ->> m.key is null then 'null'
                       when json_typeof(m.value) = 'string' then to_json(moved ->> m.key)::text
                       else moved ->> m.key end, ',' order by m.n) || '}'
    from json_each(row_key::json) with ordinality as m (key, value, n)
$$;

-- Only an lsn that counts can be put in order with others.
create or replace function fieldtrail_lsn(lsn text) returns numeric
language sql immutable parallel safe as $$
    select case when lsn ~ '^[0-9]+$' then lsn::numeric else 0 end
$$;

-- The changes of one source table, or of some rows of it, each once; or of one field, with the
-- deletes. Give rows wherever you can: they are found by index. What Debezium sent twice is looked for
-- by lsn first: rows stand about in that order already.
drop function if exists fieldtrail_changes(regclass, text, text[]); -- an older one had no field
create or replace function fieldtrail_changes(pivot regclass, source_table text,
                                              row_keys text[] default null, field text default null)
returns table (row_key text, op text, change_field text, old_value text, new_value text,
               old_known boolean, at timestamptz, tx_id text, lsn numeric, kafka_topic text,
               kafka_partition integer, kafka_offset bigint, field_no bigint)
language plpgsql stable rows 1000 as $$
declare
    -- For some rows there are indexes: the planner knows what a btree is worth, but takes a bloom
    -- filter for one that finds everything, and would compile the plan for longer than it runs.
    seqscan text := current_setting('enable_seqscan');
    jit text := current_setting('jit');
begin
    if row_keys is not null then
        perform set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true);
    end if;
    return query execute format(
        'select row_key::text, op::text, change_field::text, old_value::text, new_value::text,
                old_known, event_time, tx_id::text, lsn, kafka_topic::text, kafka_partition,
                kafka_offset, field_no
         from (select p.row_key, p.op, p.change_field, p.old_value, p.new_value, p.old_known,
                      p.event_time, p.tx_id, fieldtrail_lsn(p.lsn::text) as lsn, p.kafka_topic,
                      p.kafka_partition::integer, p.kafka_offset::bigint, p.field_no::bigint,
                      p.lsn is not null and row_number() over (
                          partition by p.lsn, p.row_key, p.field_no, p.op, p.change_field, p.tx_id,
                                       p.kafka_topic
                          order by p.kafka_partition, p.kafka_offset) > 1 as again
               from %s p
               where p.source_table = $1 %s %s) c
         where not again',
        pivot, case when row_keys is not null then 'and p.row_key = any ($2)' end,
        case when field is not null then 'and (p.change_field = $3 or p.op = ''d'')' end)
    using source_table, row_keys, field;
    perform set_config('enable_seqscan', seqscan, true), set_config('jit', jit, true);
end $$;

-- Changes of keys: which key a row had before the one it has now, since when, and by which change. Of
-- the rows that have these keys now, or that had these keys before; of all where none are named.
-- fieldtrail_in_key is the condition of the index on moved keys (table.sql): it finds the few rows
-- among millions.
drop function if exists fieldtrail_moves(regclass, text, text[], text[]); -- an older one had no change
create function fieldtrail_moves(pivot regclass, source_table text, row_keys text[] default null,
                                 keys_before text[] default null)
returns table (row_key text, key_before text, at timestamptz, lsn numeric, change text)
language plpgsql stable rows 10 set enable_seqscan = off set jit = off as $$
begin
    return query execute format(
        'select * from (
             select c.row_key::text, fieldtrail_key_before(
                        c.row_key, jsonb_object_agg(c.change_field, c.old_value)) as key_before,
                    c.event_time, fieldtrail_lsn(c.lsn::text),
                    concat_ws('' '', c.kafka_topic, c.kafka_partition, c.kafka_offset, c.field_no >> 16)
             from %1$s c
             where c.source_table = $1 and c.op = ''u'' and c.old_known
               and fieldtrail_in_key(c.row_key, c.change_field)
               and c.row_key::jsonb ? c.change_field %2$s
             group by c.row_key, c.event_time, c.lsn, c.kafka_topic, c.kafka_partition,
                      c.kafka_offset, c.field_no >> 16) m %3$s',
        pivot,
        case when row_keys is not null then 'and c.row_key = any ($2)'
             when keys_before is not null then
                 -- one member of the key moved, or several: all rows of the record are needed
                 format('and (c.kafka_topic, c.kafka_partition, c.kafka_offset) in (
                             select b.kafka_topic, b.kafka_partition, b.kafka_offset from %s b
                             where b.source_table = $1 and b.op = ''u'' and b.old_known
                               and fieldtrail_in_key(b.row_key, b.change_field)
                               and b.old_value = any (
                                   select e.value from unnest($3) k, json_each_text(k::json) e))',
                        pivot) end,
        case when keys_before is not null then 'where m.key_before = any ($3)' end)
    using source_table, row_keys, keys_before;
end $$;

-- When the whole table was emptied.
create or replace function fieldtrail_truncates(pivot regclass, source_table text)
returns table (at timestamptz, lsn numeric)
language plpgsql stable rows 1 set enable_seqscan = off set jit = off as $$
begin
    return query execute format(
        'select event_time, fieldtrail_lsn(lsn::text) from %s
         where source_table = $1 and op = ''t''', pivot)
    using source_table;
end $$;

-- When rows left their keys, or (key_before NULL) the table was emptied, up to a moment; of several
-- times the last one.
create or replace function fieldtrail_away(pivot regclass, source_table text, moment timestamptz,
                                           row_keys text[] default null)
returns table (key_before text, at timestamptz, lsn numeric)
language sql stable rows 10 as $$
    select a.key_before, max(a.at), max(a.lsn)
    from (select m.key_before, m.at, m.lsn
          from fieldtrail_moves(pivot, source_table, null, row_keys) m
          union all
          select null, t.at, t.lsn from fieldtrail_truncates(pivot, source_table) t) a
    where a.at <= moment
    group by a.key_before, a.lsn > 0
$$;

-- The same as changes; one that Debezium sent twice is one here, too.
create or replace function fieldtrail_truncate_changes(pivot regclass, source_table text)
returns table (row_key text, op text, change_field text, old_value text, new_value text,
               old_known boolean, at timestamptz, tx_id text, lsn numeric, kafka_topic text,
               kafka_partition integer, kafka_offset bigint, field_no bigint)
language plpgsql stable rows 1 set enable_seqscan = off set jit = off as $$
begin
    return query execute format(
        'select distinct on (kafka_topic, tx_id, field_no,
                             coalesce(lsn::text, kafka_partition || ''@'' || kafka_offset))
                row_key::text, op::text, change_field::text, old_value::text, new_value::text,
                old_known, event_time, tx_id::text, fieldtrail_lsn(lsn::text), kafka_topic::text,
                kafka_partition::integer, kafka_offset::bigint, field_no::bigint
         from %s where source_table = $1 and op = ''t''
         order by kafka_topic, tx_id, field_no,
                  coalesce(lsn::text, kafka_partition || ''@'' || kafka_offset), kafka_partition,
                  kafka_offset', pivot)
    using source_table;
end $$;

-- Whether a change came before a row moved to its next key.
create or replace function fieldtrail_is_before(at timestamptz, lsn numeric, until_at timestamptz,
                                                until_lsn numeric) returns boolean
language sql immutable parallel safe as $$
    select case when lsn > 0 and until_lsn > 0 then lsn < until_lsn else at <= until_at end
$$;

-- Whether a change is one of the row that arrived under a key at `since`, itself included, and had
-- it `until` it moved on.
create or replace function fieldtrail_is_within(at timestamptz, lsn numeric,
                                                since_at timestamptz, since_lsn numeric,
                                                until_at timestamptz, until_lsn numeric)
returns boolean
language sql immutable parallel safe as $$
    select fieldtrail_is_before(at, lsn, until_at, until_lsn)
           and (since_at = '-infinity' or not fieldtrail_is_before(at, lsn, since_at, since_lsn)
                or (lsn = 0 and at = since_at))
$$;

-- The move by which a row came to a key: the last one up to a moment, and before it left again.
drop function if exists fieldtrail_arrival(regclass, text, text, timestamptz, timestamptz, numeric);
create or replace function fieldtrail_arrival(pivot regclass, source_table text, row_key text,
                                              moment timestamptz,
                                              until_at timestamptz default 'infinity',
                                              until_lsn numeric default 'infinity',
                                              seen text[] default '{}')
returns table (key_before text, at timestamptz, lsn numeric, change text)
language sql stable rows 1 as $$
    select m.key_before, m.at, m.lsn, m.change
    from fieldtrail_moves(pivot, source_table, array[row_key]) m
    where m.at <= moment and fieldtrail_is_before(m.at, m.lsn, until_at, until_lsn)
      and m.change <> all (seen)
    order by m.lsn desc, m.at desc
    limit 1
$$;

-- Which keys some rows had on their way to the ones they have at the moment: each from its arrival
-- until it became the next. What stood under a key before the last arrival was another row. No move
-- is followed twice: those of one transaction without an lsn might go in circles.
create or replace function fieldtrail_path_of(pivot regclass, source_table text,
                                              moment timestamptz, row_keys text[])
returns table (owner text, key text, since_at timestamptz, since_lsn numeric,
               until_at timestamptz, until_lsn numeric, depth integer)
language sql stable rows 10 as $$
    with recursive line (owner, key, key_before, since_at, since_lsn, until_at, until_lsn, depth,
                         seen) as (
        select k, k, m.key_before, m.at, m.lsn, 'infinity'::timestamptz, 'infinity'::numeric, 0,
               array[m.change]
        from unnest(row_keys) k
        left join lateral fieldtrail_arrival(pivot, source_table, k, moment) m on true
        union all
        select l.owner, l.key_before, m.key_before, m.at, m.lsn, l.since_at, l.since_lsn,
               l.depth + 1, l.seen || m.change
        from line l
        left join lateral fieldtrail_arrival(pivot, source_table, l.key_before, moment, l.since_at,
                                             l.since_lsn, l.seen) m on true
        where l.key_before is not null
    )
    select owner, key, coalesce(since_at, '-infinity'), coalesce(since_lsn, '-infinity'), until_at,
           until_lsn, depth
    from line
$$;

-- The same of all rows whose key ever moved, in one pass over the moves. What has the key that a row
-- left begins behind that. (A row that left its key has none of its lines here.)
create or replace function fieldtrail_path_of_all(pivot regclass, source_table text,
                                                  moment timestamptz)
returns table (owner text, key text, since_at timestamptz, since_lsn numeric,
               until_at timestamptz, until_lsn numeric, depth integer)
language sql stable rows 10 as $$
    with recursive move as materialized (
        select row_number() over (order by m.lsn, m.at, m.change) as id, m.*
        from fieldtrail_moves(pivot, source_table) m
        where m.at <= moment
    ), visit as materialized ( -- of a key; `came`: the last move to it up to that time
        select *, max(id) filter (where comes) over (partition by key order by lsn, at) as came
        from (select row_key as key, id, true as comes, at, lsn from move
              union all
              select key_before, id, false, at, lsn from move) v
    ), line (owner, key, id, since_at, since_lsn, until_at, until_lsn, depth, seen) as (
        (select distinct on (key) key, key, case when comes then id end,
                case when comes or lsn > 0 then at else at + interval '1 microsecond' end, lsn,
                'infinity'::timestamptz, 'infinity'::numeric, 0, array[id]
         from visit order by key, lsn desc, at desc, comes desc, id desc)
        union all
        select l.owner, v.key, m.id, m.at, m.lsn, v.at, v.lsn, l.depth + 1,
               case when m.at = v.at then l.seen || m.id else array[m.id] end
        from line l
        join visit v on v.id = l.id and not v.comes
        left join move m on m.id = v.came and m.id <> all (l.seen)
    )
    select owner, key, coalesce(since_at, '-infinity'), coalesce(since_lsn, '-infinity'), until_at,
           until_lsn, depth
    from line
$$;

create or replace function fieldtrail_path(pivot regclass, source_table text, moment timestamptz,
                                           row_keys text[] default null)
returns table (owner text, key text, since_at timestamptz, since_lsn numeric,
               until_at timestamptz, until_lsn numeric, depth integer)
language plpgsql stable rows 10 as $$
begin
    if row_keys is null then
        return query select * from fieldtrail_path_of_all(pivot, source_table, moment);
    elsif cardinality(row_keys) <= 20 then
        return query select * from fieldtrail_path_of(pivot, source_table, moment, row_keys);
    else -- to look at every move once is less than to look for each key's
        return query
        with path as materialized (
            select * from fieldtrail_path_of_all(pivot, source_table, moment) p
            where p.owner = any (row_keys))
        select * from path
        union all
        select k, k, '-infinity', '-infinity', 'infinity', 'infinity', 0
        from unnest(row_keys) k
        where k not in (select p.owner from path p);
    end if;
end $$;

-- The history of one row, oldest first, under all keys it had.
create or replace function fieldtrail_history(pivot regclass, source_table text, row_key text,
                                              field text default null)
returns table (at timestamptz, op text, change_field text, old_value text, new_value text,
               old_known boolean, key text, tx_id text, kafka_partition integer,
               kafka_offset bigint, field_no bigint)
language sql stable rows 100 as $$
    with path as materialized (
        select * from fieldtrail_path(pivot, source_table, 'infinity', array[row_key])
    )
    select c.at, c.op, c.change_field, c.old_value, c.new_value, c.old_known, c.row_key, c.tx_id,
           c.kafka_partition, c.kafka_offset, c.field_no
    from fieldtrail_changes(pivot, source_table, (select array_agg(distinct p.key) from path p)) c
    join path p on p.key = c.row_key
        and fieldtrail_is_within(c.at, c.lsn, p.since_at, p.since_lsn, p.until_at, p.until_lsn)
    where field is null or c.change_field = field
    order by c.lsn, case when c.lsn = 0 then -p.depth end, c.kafka_partition, c.kafka_offset,
             c.field_no
$$;
