-- History, time travel, undo and counts over the pivot table. Every function takes the pivot table
-- first, so that one installation serves all pivot tables of a database. It may be run any number
-- of times; it needs the columns that the worker writes (source_table, row_key, event_time, lsn,
-- tx_id, kafka_topic, kafka_partition, kafka_offset, field_no).
--
--   fieldtrail sql functions connector.json | psql "$FIELDTRAIL_PG_URI"
--
-- What they hold to:
--  * A change that Debezium sent twice is two records; the later one is left out here.
--  * One transaction is one time. The order within a row is that of its log: by lsn where the
--    source has one (PostgreSQL), then by partition, offset and field.
--  * A row's key may change. Its history goes on under the new key, and so do its values.
--  * What the source did not send is unknown, and shown as unknown: `known` is false.

\set ON_ERROR_STOP on
set client_min_messages = warning;

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

-- The changes of one source table, or of some rows of it, each once. Give rows wherever you can:
-- they are found by index.
create or replace function fieldtrail_changes(pivot regclass, source_table text,
                                              row_keys text[] default null)
returns table (row_key text, op text, change_field text, old_value text, new_value text,
               old_known boolean, at timestamptz, tx_id text, lsn numeric, kafka_topic text,
               kafka_partition integer, kafka_offset bigint, field_no bigint)
language plpgsql stable rows 1000 as $$
begin
    return query execute format(
        'select row_key::text, op::text, change_field::text, old_value::text, new_value::text,
                old_known, event_time, tx_id::text, lsn, kafka_topic::text, kafka_partition,
                kafka_offset, field_no
         from (select p.row_key, p.op, p.change_field, p.old_value, p.new_value, p.old_known,
                      p.event_time, p.tx_id, fieldtrail_lsn(p.lsn::text) as lsn, p.kafka_topic,
                      p.kafka_partition::integer, p.kafka_offset::bigint, p.field_no::bigint,
                      p.lsn is not null and row_number() over (
                          partition by p.row_key, p.lsn, p.tx_id, p.op, p.field_no, p.change_field,
                                       p.kafka_topic
                          order by p.kafka_partition, p.kafka_offset) > 1 as again
               from %s p
               where p.source_table = $1 %s) c
         where not again',
        pivot, case when row_keys is not null then 'and p.row_key = any ($2)' end)
    using source_table, row_keys;
end $$;

-- Changes of keys: which key a row had before the one it has now, and since when. Of the rows that
-- have these keys now, or that had these keys before; of all where none are named. The condition
-- with strpos is that of the index on moved keys (table.sql): it finds the few rows among millions.
create or replace function fieldtrail_moves(pivot regclass, source_table text,
                                            row_keys text[] default null,
                                            keys_before text[] default null)
returns table (row_key text, key_before text, at timestamptz, lsn numeric)
language plpgsql stable rows 10 as $$
begin
    return query execute format(
        'select * from (
             select c.row_key::text, fieldtrail_key_before(
                        c.row_key, jsonb_object_agg(c.change_field, c.old_value)) as key_before,
                    c.event_time, fieldtrail_lsn(c.lsn::text)
             from %1$s c
             where c.source_table = $1 and c.op = ''u'' and c.old_known
               and strpos(c.row_key, ''"'' || c.change_field || ''":'') > 0
               and c.row_key::jsonb ? c.change_field %2$s
             group by c.row_key, c.event_time, c.lsn, c.kafka_topic, c.kafka_partition,
                      c.kafka_offset) m %3$s',
        pivot,
        case when row_keys is not null then 'and c.row_key = any ($2)'
             when keys_before is not null then
                 -- one member of the key moved, or several: all rows of the record are needed
                 format('and (c.kafka_topic, c.kafka_partition, c.kafka_offset) in (
                             select b.kafka_topic, b.kafka_partition, b.kafka_offset from %s b
                             where b.source_table = $1 and b.op = ''u'' and b.old_known
                               and strpos(b.row_key, ''"'' || b.change_field || ''":'') > 0
                               and b.old_value = any (
                                   select e.value from unnest($3) k, json_each_text(k::json) e))',
                        pivot) end,
        case when keys_before is not null then 'where m.key_before = any ($3)' end)
    using source_table, row_keys, keys_before;
end $$;

-- When the whole table was emptied.
create or replace function fieldtrail_truncates(pivot regclass, source_table text)
returns table (at timestamptz, lsn numeric)
language plpgsql stable rows 1 as $$
begin
    return query execute format(
        'select event_time, fieldtrail_lsn(lsn::text) from %s
         where source_table = $1 and op = ''t''', pivot)
    using source_table;
end $$;

-- Whether a change came before a row moved to its next key.
create or replace function fieldtrail_is_before(at timestamptz, lsn numeric, until_at timestamptz,
                                                until_lsn numeric) returns boolean
language sql immutable parallel safe as $$
    select case when lsn > 0 and until_lsn > 0 then lsn < until_lsn else at <= until_at end
$$;

-- The keys that some rows had, each until it became the next one: `owner` is the row's key at the
-- end, and at depth 0 the key is the owner's own. All rows that ever moved where none are named.
create or replace function fieldtrail_lines(pivot regclass, source_table text,
                                            row_keys text[] default null)
returns table (owner text, key text, until_at timestamptz, until_lsn numeric, depth integer)
language sql stable rows 10 as $$
    with recursive line (owner, key, until_at, until_lsn, depth) as (
        select k, k, 'infinity'::timestamptz, 'infinity'::numeric, 0
        from unnest(coalesce(row_keys, (select array_agg(distinct m.row_key)
                                        from fieldtrail_moves(pivot, source_table) m))) k
        union all
        select l.owner, m.key_before, m.at, m.lsn, l.depth + 1
        from line l
        cross join lateral fieldtrail_moves(pivot, source_table, array[l.key]) m
        where l.depth < 100 and fieldtrail_is_before(m.at, m.lsn, l.until_at, l.until_lsn)
    )
    select * from line
$$;

-- The history of one row, oldest first, under all keys it had.
create or replace function fieldtrail_history(pivot regclass, source_table text, row_key text,
                                              field text default null)
returns table (at timestamptz, op text, change_field text, old_value text, new_value text,
               old_known boolean, key text, tx_id text, kafka_partition integer,
               kafka_offset bigint, field_no bigint)
language sql stable rows 100 as $$
    with line as materialized (
        select * from fieldtrail_lines(pivot, source_table, array[row_key])
    )
    select c.at, c.op, c.change_field, c.old_value, c.new_value, c.old_known, c.row_key, c.tx_id,
           c.kafka_partition, c.kafka_offset, c.field_no
    from fieldtrail_changes(pivot, source_table, (select array_agg(distinct l.key) from line l)) c
    join line l on l.key = c.row_key and fieldtrail_is_before(c.at, c.lsn, l.until_at, l.until_lsn)
    where field is null or c.change_field = field
    order by c.lsn, case when c.lsn = 0 then -l.depth end, c.kafka_partition, c.kafka_offset,
             c.field_no
$$;

-- Which keys a row had on its way to the one it has at the moment: each from its arrival until it
-- became the next. What stood under a key before the last arrival was another row.
create or replace function fieldtrail_path(pivot regclass, source_table text, moment timestamptz,
                                           row_keys text[] default null)
returns table (owner text, key text, since_at timestamptz, since_lsn numeric,
               until_at timestamptz, until_lsn numeric, depth integer)
language sql stable rows 10 as $$
    with recursive move as materialized (
        select * from fieldtrail_moves(pivot, source_table) m where m.at <= moment
    ), line (owner, key, key_before, since_at, since_lsn, until_at, until_lsn, depth) as (
        select k, k, m.key_before, m.at, m.lsn, 'infinity'::timestamptz, 'infinity'::numeric, 0
        from (select unnest(row_keys) as k
              union select row_key from move where row_keys is null
              union select key_before from move where row_keys is null) keys
        left join lateral (
            select * from move where move.row_key = k order by lsn desc, at desc limit 1) m on true
        union all
        select l.owner, l.key_before, m.key_before, m.at, m.lsn, l.since_at, l.since_lsn,
               l.depth + 1
        from line l
        left join lateral (
            select * from move
            where move.row_key = l.key_before
              and fieldtrail_is_before(move.at, move.lsn, l.since_at, l.since_lsn)
            order by lsn desc, at desc limit 1) m on true
        where l.key_before is not null and l.depth < 100
    )
    select owner, key, coalesce(since_at, '-infinity'), coalesce(since_lsn, '-infinity'), until_at,
           until_lsn, depth
    from line
$$;

-- The rows of a table, or some of them, as they were at a moment (inclusive): a line for every
-- field. A row's fields are known from its creation (or from the snapshot that read it) on; before
-- that from the first change that told its old value; else they are unknown.
create or replace function fieldtrail_asof(pivot regclass, source_table text, moment timestamptz,
                                           row_keys text[] default null)
returns table (row_key text, change_field text, value text, known boolean)
language sql stable as $$
    with path as materialized (
        select * from fieldtrail_path(pivot, source_table, moment, row_keys)
    ), change as materialized (
        select * from fieldtrail_changes(
            pivot, source_table,
            case when row_keys is not null then (select array_agg(distinct p.key) from path p) end) c
        where c.row_key is not null
    ), own as (
        select coalesce(p.owner, c.row_key) as owner, coalesce(p.depth, 0) as depth, c.*,
               dense_rank() over (partition by coalesce(p.owner, c.row_key)
                                  order by c.lsn, case when c.lsn = 0 then -p.depth end nulls last,
                                           c.kafka_partition, c.kafka_offset) as n,
               c.at <= moment as past
        from change c
        left join path p on p.key = c.row_key
        where p.owner is null
           or (fieldtrail_is_before(c.at, c.lsn, p.until_at, p.until_lsn)
               and (p.since_at = '-infinity'
                    or not fieldtrail_is_before(c.at, c.lsn, p.since_at, p.since_lsn)
                    or (c.lsn = 0 and c.at = p.since_at)))
    ), life as (
        select owner,
               max(n) filter (where past) as last,
               max(n) filter (where past and op in ('c', 'r')) as birth,
               max(n) filter (where past and op = 'd') as death,
               max(at) filter (where past) as last_at,
               max(lsn) filter (where past) as last_lsn,
               bool_or(op in ('c', 'r') and n = 1) as begins,
               bool_or(n = 1 and depth = 0 and op = 'u' and old_known
                       and row_key::jsonb ? change_field) as arrives
        from own
        group by owner
    ), away as materialized (
        select null as owner, at, lsn from fieldtrail_truncates(pivot, source_table)
        union all
        select m.key_before, m.at, m.lsn
        from fieldtrail_moves(pivot, source_table, null, row_keys) m
    ), gone as (
        select distinct l.owner
        from life l
        join away on coalesce(away.owner, l.owner) = l.owner
        where away.at <= moment
          and (l.last is null or fieldtrail_is_before(l.last_at, l.last_lsn, away.at, away.lsn))
    ), alive as (
        select l.owner, l.birth
        from life l
        where case when l.last is null then not l.begins and not coalesce(l.arrives, false)
                   else l.death is distinct from l.last end
          and l.owner not in (select owner from gone)
    ), field as (
        select distinct change_field from own where change_field is not null
    ), told as (
        select o.owner, o.change_field,
               (array_agg(o.new_value order by o.n desc, o.field_no desc)
                   filter (where o.past and o.n >= coalesce(a.birth, 0)))[1] as now_value,
               bool_or(o.past and o.n >= coalesce(a.birth, 0)) as has_now,
               (array_agg(o.old_value order by o.n, o.field_no) filter (where not o.past))[1]
                   as later_value,
               (array_agg(o.old_known order by o.n, o.field_no) filter (where not o.past))[1]
                   as later_known
        from own o
        join alive a using (owner)
        where o.change_field is not null
        group by o.owner, o.change_field
    )
    select a.owner, f.change_field,
           case when t.has_now then t.now_value
                when a.birth is null and t.later_known then t.later_value end,
           coalesce(t.has_now, false) or a.birth is not null or coalesce(t.later_known, false)
    from alive a
    cross join field f
    left join told t on t.owner = a.owner and t.change_field = f.change_field
    order by a.owner, f.change_field
$$;

-- The same with a line for every row: what is known of it as one object, and the names of the
-- fields that are not.
create or replace function fieldtrail_asof_rows(pivot regclass, source_table text,
                                                moment timestamptz, row_keys text[] default null)
returns table (row_key text, state jsonb, unknown text[])
language sql stable as $$
    select a.row_key,
           coalesce(jsonb_object_agg(a.change_field, a.value) filter (where a.known), '{}'),
           array_agg(a.change_field order by a.change_field) filter (where not a.known)
    from fieldtrail_asof(pivot, source_table, moment, row_keys) a
    group by a.row_key
    order by a.row_key
$$;

-- What is different between two moments: rows that came, that went, and fields that moved. A field
-- that is unknown at one of them is shown with `known` false.
create or replace function fieldtrail_diff(pivot regclass, source_table text, earlier timestamptz,
                                           later timestamptz, row_keys text[] default null)
returns table (row_key text, difference text, change_field text, earlier_value text,
               later_value text, known boolean)
language sql stable as $$
    with sides as (
        select coalesce(a.row_key, b.row_key) as row_key,
               coalesce(a.change_field, b.change_field) as change_field,
               bool_or(a.row_key is not null) over of_row as was,
               bool_or(b.row_key is not null) over of_row as stays,
               a.value as earlier_value, b.value as later_value,
               coalesce(a.known, true) and coalesce(b.known, true) as known
        from fieldtrail_asof(pivot, source_table, earlier, row_keys) a
        full join fieldtrail_asof(pivot, source_table, later, row_keys) b
             on a.row_key = b.row_key and a.change_field = b.change_field
        window of_row as (partition by coalesce(a.row_key, b.row_key)))
    select s.row_key, case when not s.was then 'created' when not s.stays then 'deleted'
                           else 'changed' end,
           s.change_field, s.earlier_value, s.later_value, s.known
    from sides s
    where s.earlier_value is distinct from s.later_value or not s.known or s.was <> s.stays
    order by s.row_key, s.change_field
$$;

-- The key's condition of a statement on the source table.
create or replace function fieldtrail_where(row_key text) returns text
language sql immutable as $$
    select string_agg(format('%I = %L', m.key, m.value), ' and ' order by m.n)
    from json_each_text(row_key::json) with ordinality as m (key, value, n)
$$;

-- "schema.table" as an identifier.
create or replace function fieldtrail_name(source_table text) returns text
language sql immutable as $$
    select case when strpos(source_table, '.') = 0 then quote_ident(source_table)
                else quote_ident(split_part(source_table, '.', 1)) || '.'
                     || quote_ident(substr(source_table, strpos(source_table, '.') + 1)) end
$$;

-- "f = 'old'" of the fields, or their guards "f::text is not distinct from 'new'", joined.
create or replace function fieldtrail_assignments(fields jsonb) returns text
language sql immutable as $$
    select string_agg(format('%I = %L', f ->> 'name', f ->> 'old'), ', ' order by n)
    from jsonb_array_elements(fields) with ordinality as x (f, n)
$$;

create or replace function fieldtrail_guards(fields jsonb) returns text
language sql immutable as $$
    select coalesce(string_agg(format(' and %I::text is not distinct from %L', f ->> 'name',
                                      f ->> 'new'), '' order by n), '')
    from jsonb_array_elements(fields) with ordinality as x (f, n)
$$;

-- The insert that brings a deleted row back, its key and the fields that had values.
create or replace function fieldtrail_insert(target text, row_key text, fields jsonb) returns text
language sql immutable as $$
    with cell (name, value, n) as (
        select m.key, m.value, m.n
        from json_each_text(row_key::json) with ordinality as m (key, value, n)
        union all
        select f ->> 'name', f ->> 'old', 1000 + n
        from jsonb_array_elements(fields) with ordinality as x (f, n)
        where not row_key::jsonb ? (f ->> 'name')
    )
    select format('insert into %s (%s) select %s where not exists (select from %s where %s)',
                  target, string_agg(quote_ident(name), ', ' order by n),
                  string_agg(quote_nullable(value), ', ' order by n), target,
                  fieldtrail_where(row_key))
    from cell
$$;

-- What puts changes back: statements for the source database, latest change first. The changes are
-- those of some rows, of a transaction, of a time (both ends inclusive), or what a condition over
-- the columns of the pivot table says ('user_id = 3'); several restrict each other.
--
-- Each statement holds the guard that the present value is still the one that the change left: it
-- touches nothing where that is not so. What the pivot table already knows to be in the way comes
-- without a statement, with the reason as `conflict`: a field that somebody else changed since, a
-- row that was deleted or created again since, an old value that was never sent, a truncate. Only
-- pivoted fields are put back.
create or replace function fieldtrail_undo(pivot regclass, source_table text,
                                           row_keys text[] default null, tx text default null,
                                           since timestamptz default '-infinity',
                                           until timestamptz default 'infinity',
                                           condition text default 'true')
returns table (step integer, at timestamptz, row_key text, statement text, conflict text)
language plpgsql stable as $$
declare
    choice text := format(
        'select kafka_topic::text, kafka_partition::integer, kafka_offset::bigint, row_key::text
         from %s where source_table = $1 and ($2 is null or row_key = any ($2))
           and ($3 is null or tx_id::text = $3) and event_time between $4 and $5 and (%s)',
        pivot, condition);
    wanted text[];        -- keys of the rows to undo, and those that they got since
    more text[];
    event record;
    field jsonb;
    row_state jsonb;      -- what is in the way of older changes of the row: `reason` for all of
                          -- it, `blocked` fields, and `present`, the key it has by then
    state jsonb := '{}';  -- by key
    free jsonb;           -- the fields of the event that can be put back
    present text;
    target text := fieldtrail_name(source_table);
begin
    execute format('select array_agg(distinct row_key) from (%s) c', choice) into wanted
    using source_table, row_keys, tx, since, until;
    more := wanted;
    while more is not null loop
        select array_agg(distinct m.row_key) into more
        from fieldtrail_moves(pivot, source_table, null, more) m
        where m.row_key <> all (wanted);
        wanted := wanted || more;
    end loop;
    step := 0;
    for event in execute format(
        'with chosen as (select distinct kafka_topic, kafka_partition, kafka_offset from (%s) c)
         select c.row_key, c.op, c.at,
                bool_or(h.kafka_offset is not null) as chosen,
                coalesce(jsonb_agg(jsonb_build_object(''name'', c.change_field, ''old'', c.old_value,
                                                      ''new'', c.new_value, ''known'', c.old_known)
                                   order by c.field_no)
                             filter (where c.change_field is not null), ''[]'') as fields,
                bool_and(c.old_known) as known,
                case when c.op = ''u'' then fieldtrail_key_before(
                    c.row_key, coalesce(jsonb_object_agg(c.change_field, c.old_value)
                        filter (where c.old_known and c.row_key::jsonb ? c.change_field), ''{}''))
                end as key_before
         from (select * from fieldtrail_changes($6, $1, $7)
               union all select * from fieldtrail_changes($6, $1) t where t.op = ''t'' and $8) c
         left join chosen h using (kafka_topic, kafka_partition, kafka_offset)
         group by c.row_key, c.op, c.at, c.kafka_topic, c.kafka_partition, c.kafka_offset
         order by max(c.lsn) desc, c.at desc, c.kafka_partition desc, c.kafka_offset desc', choice)
    using source_table, row_keys, tx, since, until, pivot, wanted,
          exists (select from fieldtrail_truncates(pivot, source_table))
    loop
        at := event.at;
        row_key := event.row_key;
        statement := null;
        conflict := null;
        row_state := coalesce(state -> row_key, '{}');
        present := coalesce(row_state ->> 'present', row_key);
        if event.op = 't' then
            select jsonb_object_agg(k, '{"reason": "the table was truncated since"}'::jsonb)
            into state from unnest(wanted) k;
            conflict := case when event.chosen then 'a truncate cannot be put back' end;
        elsif event.op = 'r' then
            null; -- the snapshot changed nothing
        elsif not event.chosen then
            if event.op = 'u' then
                select row_state || jsonb_build_object('blocked', coalesce(row_state -> 'blocked', '{}')
                           || coalesce(jsonb_object_agg(f ->> 'name', true), '{}'))
                into row_state from jsonb_array_elements(event.fields) f;
            else
                row_state := jsonb_build_object('reason', case event.op
                    when 'c' then 'the row was created again since'
                    else 'the row was deleted since' end);
            end if;
        elsif row_state ? 'reason' then
            conflict := row_state ->> 'reason';
            if event.op = 'c' then
                row_state := '{"reason": "the row was created again since"}';
            end if;
        elsif event.op = 'u' then
            free := '[]';
            for field in select * from jsonb_array_elements(event.fields) loop
                if not (field ->> 'known')::boolean then
                    conflict := format('the old value of %s was not sent', field ->> 'name');
                elsif row_state -> 'blocked' ? (field ->> 'name') then
                    conflict := format('%s was changed since', field ->> 'name');
                else
                    free := free || field;
                    continue;
                end if;
                row_state := jsonb_set(row_state, '{blocked}', coalesce(row_state -> 'blocked', '{}')
                                                               || jsonb_build_object(field ->> 'name', true));
                step := step + 1;
                return next;
                conflict := null;
            end loop;
            if free <> '[]' then
                statement := format('update %s set %s where %s%s', target,
                                    fieldtrail_assignments(free), fieldtrail_where(present),
                                    fieldtrail_guards(free));
                select coalesce(fieldtrail_key_before(present, jsonb_object_agg(f ->> 'name', f ->> 'old')),
                                present)
                into present from jsonb_array_elements(free) f where present::jsonb ? (f ->> 'name');
                row_state := row_state || jsonb_build_object('present', present);
            end if;
        elsif event.op = 'c' then
            if row_state ? 'blocked' then
                conflict := 'the row was changed since';
                row_state := '{"reason": "the row was created again since"}';
            else
                statement := format('delete from %s where %s%s', target, fieldtrail_where(present),
                                    fieldtrail_guards(event.fields));
                row_state := '{}';
            end if;
        elsif not event.known then
            conflict := 'the old values of the deleted row were not sent';
            row_state := '{"reason": "the row was deleted since"}';
        else
            statement := fieldtrail_insert(target, present, event.fields);
            row_state := '{}';
        end if;
        if statement is not null or conflict is not null then
            step := step + 1;
            return next;
        end if;
        if event.op <> 't' then
            state := state - row_key
                     || jsonb_build_object(coalesce(event.key_before, row_key), row_state);
        end if;
    end loop;
end $$;

-- ---- counts ----

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
        'select row_key::text, count(distinct (kafka_topic, kafka_partition, kafka_offset)),
                count(*), max(event_time)
         from %s where source_table = $1 and op = ''u'' and event_time >= $2 and event_time < $3
         group by row_key order by 2 desc, 1 limit $4', pivot)
    using source_table, since, until, at_most;
end $$;

-- The rows that exist and have not changed for longest.
create or replace function fieldtrail_longest_unchanged(pivot regclass, source_table text,
                                                        at_most integer default 10)
returns table (row_key text, last timestamptz, unchanged interval)
language sql stable as $$
    select c.row_key, max(c.at), now() - max(c.at)
    from fieldtrail_changes(pivot, source_table) c
    where c.row_key in (select a.row_key from fieldtrail_asof(pivot, source_table, 'infinity') a)
    group by c.row_key
    order by 2, 1
    limit at_most
$$;

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
        from fieldtrail_changes(pivot, source_table, row_keys) c
        where c.change_field = field or c.op = 'd'
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
    from fieldtrail_changes(pivot, source_table) c
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
