"""COPY's two forms: the same rows by either, on a real server. Each row tells the form it came in, by
a default of its table; a column of a domain makes the worker send a table's rows as text."""
import json
import random
import re

import pytest

from test_letters import letters_of, origin_of
from worker_kit import COLUMNS, TOP, events, produce, produce_message, wait_until

FORMS = ("binary", "text")
FORM = ("form text not null default case when current_query() like '%from stdin (format binary)' "
        "then 'binary' else 'text' end")
# Those with message keys.
CAPTURES = [path for path in sorted((TOP / "tests" / "captures").glob("*.kcat.jsonl"))
            if "no_key" not in path.name]
# Of every column beside the source's own: as the shipped table has them, and others that take the
# same values.
SHIPPED = {name: kind for name, kind in COLUMNS[2:]} | {"datetime_inserted": "timestamptz"}
RICH = SHIPPED | {
    "row_key": "jsonb", "tx_id": "numeric", "lsn": "bigint", "kafka_partition": "bigint",
    "kafka_offset": "numeric(12,2)", "field_no": "integer", "datetime_created": "timestamp",
    "datetime_updated": "timestamptz(3)", "datetime_deleted": "text", "datetime_inserted": "timestamp",
    "op": "char(2)", "old_known": "text", "source_table": "varchar(100)"}


def count(bench, table, form, more="true"):
    return int(bench.sql(f"select count(*) from {table} where form = '{form}' and {more}")[0])


def connectors(bench, **settings):
    """One for each form, into tables of that name."""
    return [bench.connector(f"{bench.name}_{form}", table="by_" + form, table__create="false",
                            message__table="message_" + form, **settings) for form in FORMS]


def make_tables(bench, columns, more=""):
    for name in ("fieldtrail_offset", "fieldtrail_left_out"):
        bench.sql((TOP / "schemas" / "postgres" / f"{name}.sql").read_text())
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    bench.sql("create domain plain as text")
    for form in FORMS:
        bench.sql(f"create table by_{form} ({listed}, {FORM}) {more}")
        bench.sql(f"create table message_{form} (source_name text, tx_id text, lsn bigint, prefix text, "
                  "content text, event_time timestamptz, kafka_topic text, kafka_partition integer, "
                  f"kafka_offset bigint, {FORM})")
    bench.sql("alter table by_text alter column change_field type plain; "
              "alter table message_text alter column prefix type plain")


def wait_for_both(bench, what="caught up"):
    """Until both have written all of the log; its end."""
    end = bench.stack.ends(bench.topic, 1)[0]
    wait_until(lambda: [bench.stored(f"{bench.name}_{form}")[0][0] for form in FORMS] == [end, end], what)
    return end


def difference(bench, names, one="by_binary", other="by_text"):
    return bench.sql(f"(select {names} from {one} except all select {names} from {other}) union all "
                     f"(select {names} from {other} except all select {names} from {one})")


def one_event(**fields):
    key, value = next(events(random.Random(5)))
    value["after"].update(fields)
    return key, value


def send_captures(bench, stack, paths):
    sent = ""
    for path in paths:
        for line in path.read_text().splitlines():
            record = json.loads(line)
            sent += f"{record['key'] or ''}\x01{record['payload'] or ''}\n"
    stack.run("kcat", "-P", "-b", stack.bootstrap, "-t", bench.topic, "-K", "\x01", "-Z", input=sent)


@pytest.mark.parametrize("columns", [SHIPPED, RICH], ids=["shipped", "rich"])
def test_both_forms_give_the_same_rows(bench, stack, columns):
    """Of all captures, into a partitioned table with a generated column and a trigger, too."""
    stack.create_topic(bench.topic, 1)
    make_tables(bench, columns, "partition by list (op)")
    for form in FORMS:
        bench.sql(f"""
create table rest_{form} partition of by_{form} default;
create table updates_{form} partition of by_{form} for values in ('u');
alter table by_{form} add column twice text generated always as (new_value || new_value) stored,
                      add column seen text;
create function see_{form}() returns trigger language plpgsql as $$ begin
new.seen = md5(new.change_field || new.new_value); return new; end $$;
create trigger see before insert on by_{form} for each row execute function see_{form}()""")
    names = ", ".join(columns)
    worker = bench.worker(*connectors(bench, pivot__keys=None, pivot__fields="*", pivot__columns=names,
                                      pivot__snapshot="emit", batch__rows__max="100"))
    # What a table is like is known once rows were written to it.
    send_captures(bench, stack, [path for path in CAPTURES if "message." in path.name])
    produce_message(stack, bench.topic, 0, *one_event())
    wait_until(lambda: all(count(bench, kind + form, "text") for form in FORMS
                           for kind in ("by_", "message_")), "the first rows")
    first = wait_for_both(bench)
    send_captures(bench, stack, CAPTURES)
    wait_for_both(bench)
    assert worker.stop() == 0, worker.log()
    assert difference(bench, names.replace("datetime_inserted", "twice, seen")) == []
    assert bench.sql("select max(abs(extract(epoch from b.datetime_inserted - t.datetime_inserted))) < 60 "
                     "from by_binary b join by_text t using (kafka_offset, field_no)") == ["t"]
    messages = "source_name, tx_id, lsn, prefix, content, event_time, kafka_offset"
    assert difference(bench, messages, "message_binary", "message_text") == []
    for kind in ("by_", "message_"):
        assert count(bench, kind + "binary", "text", f"kafka_offset >= {first}") == 0
        assert count(bench, kind + "text", "binary") == 0
    by_form = [count(bench, kind + "binary", "binary") for kind in ("by_", "message_")]
    assert by_form[0] > 350 and by_form[1] > 3
    print(f"{by_form[0]} rows, {by_form[1]} messages by each form, of {len(CAPTURES)} captures")


# Type -> values that have a binary form here, values that the server alone reads, values it refuses.
VALUES = {
    "boolean": (["true", "false", "t"], ["yes", "0", "TRUE", " f "], ["maybe", ""]),
    "smallint": (["-32768", "32767", "0"], [" 7 "], ["32768", "12x", ""]),
    "integer": (["-2147483648", "2147483647", "-0", "+5"], ["\t7"], ["2147483648", "1.0", "1e3"]),
    "bigint": (["-9223372036854775808", "9223372036854775807"], [" 1"], ["9223372036854775808"]),
    "numeric": (["0.00", "-12345.6780", "1" * 120 + "." + "7" * 70, "0.00000001", "10000"],
                ["1e5", "NaN", "-.5", "7" * 300, "1e-5"], ["1,5", "--1"]),
    "numeric(6,2)": (["1.005", "-1.005", "9999.994"], ["12e1"], ["9999.995", "12345678"]),
    "date": (["0001-01-01", "9999-12-31", "2024-02-29"],
             ["infinity", "0044-03-15 BC", "10000-01-01", "2026-11-21 10:00:00"], ["2023-02-29"]),
    "timestamp": (["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2026-11-21T00:15:22.812277Z"],
                  ["-infinity", "2026-11-21 24:00:00", "2026-11-21 23:59:60", "0044-03-15 00:00:00 BC",
                   "2026-11-21 00:15:22.8122775", "2026-11-21 00:15:22+03", "2026-11-21"],
                  ["294277-01-01 00:00:00", "2026-11-21 25:00:00", "0000-01-01 00:00:00"]),
    "timestamp(2)": (["2026-11-21 00:15:22.815", "2026-11-21 00:15:22.825", "1999-12-31 23:59:59.999"],
                     ["infinity"], []),
    "timestamptz": (["2019-07-09 02:28:57.123456+00", "0001-01-01T00:00:00Z", "1999-12-31 23:59:59.9Z"],
                    ["infinity", "2026-11-21 00:15:22", "2026-11-21 00:15:22+03:30",
                     "2026-11-21 24:00:00Z", "20000-01-01 00:00:00Z"], ["2026-02-30T00:00:00Z"]),
    "uuid": (["c0ffee00-1234-4ABC-8def-0123456789aF"],
             ["c0ffee0012344abc8def0123456789af", "{c0ffee00-1234-4abc-8def-0123456789af}"],
             ["c0ffee00-1234-4abc-8def-0123456789a", "g0ffee00-1234-4abc-8def-0123456789af"]),
    "jsonb": (['{"a": [1, 2.50, "\\u20ac"]}', " 7 ", '"x"'], [], ["{", "", '"\\u0000"']),
    "json": (['{"a":  1, "a": 2}', "null"], [], ["{a}"]),
    "varchar(5)": (["abcde", "\u20ac\u20ac\u20ac\u20ac\u20ac", "abcde   ", ""], [], ["abcdef"]),
    "char(5)": (["abc", "abcde ", "", "\u20ac"], [], ["abcdef"]),
    "text": (["", "\\N", "\\.", "a\tb\nc\r\\", "\u2028\U0001f600", "x" * 200_000], [], ["a\0b"]),
}


def said(letter):
    """Without the number of the line, which depends on the flush; a text COPY shows the line, too."""
    message = letter["headers"]["__connect.errors.exception.message"]
    column = re.search(r"COPY by_\w+, line \d+, column (\w+)", message)
    return message.split("; COPY")[0].split("; JSON")[0], column and column[1]


def test_every_value_of_every_type_is_what_the_server_reads(bench, stack):
    """Values in columns copied from the source; and what the server refuses, it refuses alike."""
    stack.create_topic(bench.topic, 1)
    keys = [f"k{number}" for number in range(len(VALUES))]
    make_tables(bench, dict(zip(keys, VALUES)) | SHIPPED)
    names = ", ".join([*keys, *SHIPPED])
    worker = bench.worker(*connectors(
        bench, pivot__keys=",".join(keys), pivot__fields="holding_stock", pivot__columns=names,
        pivot__unknown="emit", errors__tolerance="all", **{
            "errors__deadletterqueue__topic__name": bench.name + "_dlq",
            "errors__deadletterqueue__context__headers__enable": "true"}))
    none = dict.fromkeys(keys)
    produce_message(stack, bench.topic, 0, *one_event(**none))
    wait_until(lambda: all(count(bench, "by_" + form, "text") for form in FORMS), "the first rows")
    wanted, bad = {}, set()
    for key, values in zip(keys, VALUES.values()):
        for kind, texts in zip(("binary", "text", None), values):
            for text in texts:
                offset = stack.ends(bench.topic, 1)[0]
                produce_message(stack, bench.topic, 0, *one_event(**(none | {key: text})))
                wanted[offset] = kind
                wait_for_both(bench, f"{key} {text!r}")  # the next is of another flush
                bad |= {offset} if kind is None else set()
    wait_for_both(bench)
    assert worker.stop() == 0, worker.log()
    shown = names.replace("datetime_inserted, ", "").replace(", datetime_inserted", "")
    shown = shown.replace(f"k{list(VALUES).index('json')}", f"k{list(VALUES).index('json')}::text")
    assert difference(bench, shown) == []
    rows = dict(row.split("|") for row in bench.sql("select kafka_offset, form from by_binary"))
    assert set(map(int, rows)) == set(wanted) - bad | {0}
    # A failed flush ends the connection, and the first one after it is text.
    fresh = {offset + 1 for offset in bad}
    assert {offset: rows[str(offset)] for offset in wanted if offset not in bad | fresh} == {
        offset: kind for offset, kind in wanted.items() if offset not in bad | fresh}
    letters = {form: {} for form in FORMS}
    for letter in letters_of(stack, bench.name + "_dlq"):
        form = letter["headers"]["__connect.errors.connector.name"].rpartition("_")[2]
        letters[form][int(origin_of(letter)[2])] = said(letter)
    assert set(letters["text"]) == bad
    assert letters["binary"] == letters["text"]
    print(f"{len(rows)} rows, {list(rows.values()).count('binary')} of them binary; "
          f"{len(bad)} values refused by both, alike")


# What becomes of a column, and back; values that the worker sends are taken by either type.
ALTERED = [("kafka_offset", "numeric", "bigint"), ("event_time", "timestamp", "timestamptz"),
           ("holding_id", "integer", "text"), ("kafka_partition", "plain", "integer"),
           ("tx_id", "bigint", "text"), ("old_known", "text", "boolean")]


def test_a_type_that_is_altered_under_a_running_worker(bench, stack):
    """Every row is what its value's text is to the column, in whatever form it comes; and where the
    bytes of one type would pass for another, they do not."""
    stack.create_topic(bench.topic)
    bench.make_table()
    bench.sql(f"create domain plain as text; alter table holding_pivot add column {FORM}")
    producer = bench.producer(rate=3000)
    path = bench.connector(table__create="false", flush__interval__ms="200")
    worker = bench.worker(path)

    def goes_on(form):
        since, = bench.sql("select clock_timestamp()")
        wait_until(lambda: count(bench, "holding_pivot", form, f"datetime_inserted > '{since}'"),
                   f"{form} rows")

    def alter(column, kind, value="{0}::text::{1}"):
        """The worker is waiting for the lock when it is committed."""
        bench.sql(f"""set timezone to 'UTC'; begin; alter table holding_pivot alter column {column}
                      type {kind} using {value.format(column, kind)};
                      select pg_sleep(0.5); commit""")
    goes_on("binary")
    for column, kind, back in ALTERED:
        alter(column, kind)
        goes_on("text" if kind == "plain" else "binary")
        alter(column, back)
        goes_on("text" if kind == "plain" else "binary")
        if kind == "plain":  # a connection that has sent text looks at no types
            bench.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where application_name like 'fieldtrail%'")
            goes_on("binary")
    told = len(re.findall("table holding_pivot was altered", worker.log()))
    # As an instant its 8 bytes would be 2000-01-01 and some milliseconds.
    alter("field_no", "timestamptz", "to_timestamp({0})")
    altered_at = bench.sql("select count(*) from holding_pivot")
    assert worker.wait(30) == 1
    assert "timestamp with time zone" in worker.log() and "holding_pivot" in worker.log()
    assert bench.sql("select count(*) from holding_pivot") == altered_at
    alter("field_no", "bigint", "extract(epoch from {0})")
    worker = bench.worker(path)
    producer.finish()
    bench.caught_up()
    assert worker.stop() == 0, worker.log()
    rows = bench.equal()
    by_form = [count(bench, "holding_pivot", form) for form in FORMS]
    assert told >= 2 * len(ALTERED) - 2 and min(by_form) > 0
    print(f"{2 * len(ALTERED) + 2} alterations, {told} noticed by the worker; {rows} rows equal, "
          f"{by_form[0]} of them binary")


@pytest.mark.parametrize("why", ["rights to columns alone", "a view"])
def test_where_types_cannot_be_held_rows_go_as_text(bench, stack, why):
    """A table that the role may not lock, and what is no table."""
    stack.create_topic(bench.topic)
    bench.make_table()
    names = ", ".join(name for name, _ in COLUMNS) + ", datetime_inserted"
    role = "only_" + re.sub(r"\W", "_", bench.name.lower())
    bench.sql(f"alter table holding_pivot add column {FORM}; create role {role} login; "
              f"grant select, insert, update on fieldtrail_offset to {role}")
    table = "holding_pivot"
    if why == "a view":
        table = "seen"
        bench.sql(f"""create view seen as select {names} from holding_pivot;
create function pass_on() returns trigger language plpgsql security definer as $$ begin
insert into holding_pivot ({names}) select {', '.join('new.' + name for name in names.split(', '))};
return new; end $$;
create trigger pass_on instead of insert on seen for each row execute function pass_on();
grant insert on seen to {role}""")
    else:
        bench.sql(f"grant insert ({names}) on holding_pivot to {role}")
    worker = bench.worker(bench.connector(table=table, table__create="false",
                                          message__table="", connection__uri=bench.uri_as(role)))
    for seed in (1, 2):
        produce(stack, bench.topic, 2000, seed=seed)
        bench.caught_up()
    assert worker.stop() == 0, worker.log()
    bench.equal()
    assert count(bench, "holding_pivot", "binary") == 0
