-- Undo: the statements for the source database that put changes back, made from the pivot table. It
-- needs history.sql, and may be run any number of times.
--
--   fieldtrail sql functions connector.json | psql "$FIELDTRAIL_PG_URI"

\set ON_ERROR_STOP on
set client_min_messages = warning;

-- The key's condition of a statement on the source table.
create or replace function fieldtrail_where(row_key text) returns text
language sql immutable as $$
    select string_agg(case when m.value is null then format('%I is null', m.key)
                           else format('%I = %L', m.key, m.value) end, ' and ' order by m.n)
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
    select format('insert into %s (%s) overriding system value select %s '
                  'where not exists (select from %s where %s)',
                  target, string_agg(quote_ident(name), ', ' order by n),
                  string_agg(quote_nullable(value), ', ' order by n), target,
                  fieldtrail_where(row_key))
    from cell
$$;

-- The steps of fieldtrail_undo, in no order: `no` is the number of the change from the end, `part`
-- counts within it. Rows whose keys never changed have nothing to do with each other, and are walked
-- back one after the other; all others together.
create or replace function fieldtrail_undo_steps(pivot regclass, source_table text, row_keys text[],
                                                 tx text, since timestamptz, until timestamptz,
                                                 condition text)
returns table (no bigint, part integer, at timestamptz, row_key text, statement text, conflict text)
language plpgsql stable as $$
declare
    topics text[];        -- the changes to undo,
    partitions integer[];
    offsets bigint[];
    numbers bigint[];
    wanted text[];        -- keys of their rows, and those that these got since
    more text[];
    moved text[];         -- those that ever were another key's, or became another
    emptied bigint[] := '{}'; -- the numbers of truncates
    passed integer;       -- how many of them were walked past
    family text;
    event record;
    field jsonb;
    row_state jsonb;      -- what is in the way of older changes of the row: `reason` for all of
                          -- it, `blocked` fields, and `present`, the key it has by then
    state jsonb;          -- by key
    elsewhere jsonb;      -- of keys that are not there
    taken jsonb;          -- by key: whether a row has it, as far as all is put back by now
    free jsonb;           -- the fields of the event that can be put back
    present text;         -- the key that the row has, and the one that it shall have
    goal text;
    target text := fieldtrail_name(source_table);
begin
    execute format(
        'select coalesce(array_agg(distinct row_key) filter (where row_key is not null), ''{}''),
                array_agg(kafka_topic), array_agg(kafka_partition), array_agg(kafka_offset),
                array_agg(no)
         from (select distinct row_key::text, kafka_topic::text, kafka_partition::integer,
                      kafka_offset::bigint, field_no::bigint >> 16 as no
               from %s where source_table = $1 %s %s and event_time between $4 and $5 and (%s)) c',
        pivot, case when row_keys is not null then 'and row_key = any ($2)' end,
        case when tx is not null then 'and tx_id::text = $3' end, condition)
    into wanted, topics, partitions, offsets, numbers
    using source_table, row_keys, tx, since, until;
    -- whoever has the keys by now that rows shall get back
    select array_agg(distinct m.key_before) into more
    from fieldtrail_moves(pivot, source_table, wanted) m
    where m.key_before <> all (wanted);
    wanted := wanted || more;
    more := wanted;
    while more is not null loop
        select array_agg(distinct m.row_key) into more
        from fieldtrail_moves(pivot, source_table, null, more) m
        where m.row_key <> all (wanted);
        wanted := wanted || more;
    end loop;
    select array_agg(m.key_before) || array_agg(m.row_key) into moved
    from fieldtrail_moves(pivot, source_table, wanted) m;
    for event in
        with chosen as (
            select distinct * from unnest(topics, partitions, offsets, numbers)
                as u (kafka_topic, kafka_partition, kafka_offset, no)
        ), change as (
            select c.row_key, c.op, c.at,
                   row_number() over (order by max(c.lsn) desc, c.at desc, c.kafka_partition desc,
                                      c.kafka_offset desc, c.field_no >> 16 desc) as no,
                   bool_or(h.kafka_offset is not null) as chosen,
                   coalesce(jsonb_agg(jsonb_build_object('name', c.change_field, 'old', c.old_value,
                                                         'new', c.new_value, 'known', c.old_known)
                                      order by c.field_no)
                                filter (where c.change_field is not null), '[]') as fields,
                   bool_and(c.old_known) as known,
                   fieldtrail_key_before(
                       c.row_key, jsonb_object_agg(c.change_field, c.old_value) filter (
                           where c.op = 'u' and c.old_known and c.row_key::jsonb ? c.change_field))
                       as key_before
            from (select * from fieldtrail_changes(pivot, source_table, wanted)
                  union all
                  select * from fieldtrail_truncate_changes(pivot, source_table)) c
            left join chosen h on h.kafka_topic = c.kafka_topic and h.kafka_partition = c.kafka_partition
                              and h.kafka_offset = c.kafka_offset and h.no = c.field_no >> 16
            group by c.row_key, c.op, c.at, c.kafka_topic, c.kafka_partition, c.kafka_offset,
                     c.field_no >> 16
        )
        select c.*, case when c.op = 't' then null when m.key is null then c.row_key else '' end as kin
        from change c
        left join (select distinct unnest(moved) as key) m on m.key = c.row_key
        order by kin nulls first, c.no
    loop
        no := event.no;
        part := 0;
        at := event.at;
        row_key := event.row_key;
        statement := null;
        conflict := null;
        if event.op = 't' then -- these come first
            emptied := emptied || no;
            if event.chosen then
                conflict := 'a truncate cannot be put back';
                return next;
            end if;
            continue;
        end if;
        if event.kin is distinct from family then
            state := '{}';
            elsewhere := '{}';
            taken := '{}';
            passed := 0;
            family := event.kin;
        end if;
        if width_bucket(no, emptied) > passed then
            state := '{}';
            elsewhere := '{"reason": "the table was truncated since"}';
            passed := width_bucket(no, emptied);
        end if;
        row_state := coalesce(state -> row_key, elsewhere);
        present := coalesce(row_state ->> 'present', row_key);
        -- The first that is met of a key is the last that happened to it.
        if not taken ? row_key then
            taken := taken || jsonb_build_object(row_key, event.op <> 'd' and passed = 0);
        end if;
        if event.key_before <> row_key and not taken ? event.key_before then
            taken := taken || jsonb_build_object(event.key_before, false);
        end if;
        if event.op = 'r' then
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
            select coalesce(fieldtrail_key_before(present, jsonb_object_agg(f ->> 'name', f ->> 'old')
                       filter (where (f ->> 'known')::boolean and present::jsonb ? (f ->> 'name')
                                     and not coalesce(row_state -> 'blocked' ? (f ->> 'name'), false))),
                            present)
            into goal from jsonb_array_elements(event.fields) f;
            for field in select * from jsonb_array_elements(event.fields) loop
                if not (field ->> 'known')::boolean then
                    conflict := format('the old value of %s was not sent', field ->> 'name');
                elsif row_state -> 'blocked' ? (field ->> 'name') then
                    conflict := format('%s was changed since', field ->> 'name');
                elsif goal <> present and present::jsonb ? (field ->> 'name')
                      and (taken ->> goal)::boolean then
                    conflict := format('another row has %s by now', goal);
                else
                    free := free || field;
                    continue;
                end if;
                row_state := jsonb_set(row_state, '{blocked}', coalesce(row_state -> 'blocked', '{}')
                                                               || jsonb_build_object(field ->> 'name', true));
                return next;
                part := part + 1;
                conflict := null;
            end loop;
            if free <> '[]' then
                statement := format('update %s set %s where %s%s', target,
                                    fieldtrail_assignments(free), fieldtrail_where(present),
                                    fieldtrail_guards(free));
                if goal <> present and not coalesce((taken ->> goal)::boolean, false) then
                    statement := format('%s and not exists (select from %s where %s)', statement, target,
                                        fieldtrail_where(goal));
                    taken := taken || jsonb_build_object(present, false, goal, true);
                    present := goal;
                end if;
            end if;
        elsif event.op = 'c' then
            if row_state ? 'blocked' then
                conflict := 'the row was changed since';
                row_state := '{"reason": "the row was created again since"}';
            else
                statement := format('delete from %s where %s%s', target, fieldtrail_where(present),
                                    fieldtrail_guards(event.fields));
                taken := taken || jsonb_build_object(present, false);
                row_state := '{}';
            end if;
        elsif not event.known then
            conflict := 'the old values of the deleted row were not sent';
            row_state := '{"reason": "the row was deleted since"}';
        elsif (taken ->> present)::boolean then
            conflict := format('another row has %s by now', present);
            row_state := '{"reason": "the row was deleted since"}';
        else
            taken := taken || jsonb_build_object(present, true);
            statement := fieldtrail_insert(target, present, event.fields);
            row_state := '{}';
        end if;
        if statement is not null or conflict is not null then
            return next;
        end if;
        if event.op = 'u' and not row_state ? 'reason' then
            row_state := row_state || jsonb_build_object('present', present);
        end if;
        state := state - row_key
                 || jsonb_build_object(coalesce(event.key_before, row_key), row_state);
    end loop;
end $$;

-- What puts changes back: statements for the source database, latest change first. The changes are
-- those of some rows, of a transaction, of a time (both ends inclusive), or what a condition over
-- the columns of the pivot table says ('user_id = 3'); several restrict each other.
--
-- Each statement holds the guard that the present value is still the one that the change left: it
-- touches nothing where that is not so. What the pivot table already knows to be in the way comes
-- without a statement, with the reason as `conflict`: a field that somebody else changed since, a
-- row that was deleted or created again since, a key that another row has by now, an old value that
-- was never sent, a truncate. Only pivoted fields are put back.
create or replace function fieldtrail_undo(pivot regclass, source_table text,
                                           row_keys text[] default null, tx text default null,
                                           since timestamptz default '-infinity',
                                           until timestamptz default 'infinity',
                                           condition text default 'true')
returns table (step integer, at timestamptz, row_key text, statement text, conflict text)
language sql stable as $$
    select row_number() over (order by s.no, s.part)::integer, s.at, s.row_key, s.statement, s.conflict
    from fieldtrail_undo_steps(pivot, source_table, row_keys, tx, since, until, condition) s
    order by s.no, s.part
$$;
