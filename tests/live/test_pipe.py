"""The pipe on real events: PostgreSQL -> Debezium -> Kafka -> kcat -> fieldtrail pivot -> PostgreSQL."""
import json
import pathlib
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TOPIC = "bankserver1.bank.holding"
EVENTS = 100_000

# One transaction each: an update of the quantity mostly, sometimes of the stock, or a new row. No
# delete, for each makes a tombstone, at which stream.py dies.
WORKLOAD = """
\\set id random(1, 5000)
\\set kind random(1, 100)
\\set n random(1, 1000000)
\\if :kind <= 70
update bank.holding set holding_quantity = :n where holding_id = :id;
\\elif :kind <= 85
update bank.holding set holding_stock = 'S' || (:n % 1000), holding_quantity = null where holding_id = :id;
\\else
insert into bank.holding values (nextval('bank.ids'), :id % 100, E'caf\\u00e9"', -:n, now(), now());
\\endif
"""


def wait_for(servers, count, seconds=180):
    """Waits until the topic holds so many messages; Debezium follows at its own speed."""
    deadline = time.monotonic() + seconds
    while True:
        offsets = servers.run("kcat", "-Q", "-b", servers.bootstrap, "-t", f"{TOPIC}:0:-1").stdout
        have = int(offsets.split("offset")[1].split()[0])
        if have >= count:
            return have
        assert time.monotonic() < deadline, f"{have} of {count} messages after {seconds} s"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def events(servers, tmp_path_factory):
    """A topic with 100,000 real events and a few more, as a file of kcat -C lines."""
    folder = tmp_path_factory.mktemp("events")
    servers.run("psql", "-X", "-q", servers.environment["FIELDTRAIL_PG_URI"], "-f",
                TOP / "schemas" / "postgres" / "source-holding.sql")
    servers.sql("create sequence bank.ids start 5001; insert into bank.holding "
                "select i, i % 100, 'VFIAX', i, now(), now() from generate_series(1, 5000) i "
                "on conflict do nothing;")
    servers.run(TOP / "compose" / "connector", "apply", TOP / "connectors" / "holding-source.json")
    script = folder / "workload.sql"
    script.write_text(WORKLOAD)
    pgbench = servers.run("pg_config", "--bindir").stdout.strip() + "/pgbench"
    servers.run(pgbench, "-n", "-f", script, "-c", "4", "-t", str(EVENTS // 4),
                servers.environment["FIELDTRAIL_PG_URI"])
    wait_for(servers, EVENTS + 5000)
    path = folder / "events.jsonl"
    path.write_text(servers.topic(TOPIC))
    return path


def pivot(binary, path, *options):
    with open(path, "rb") as source:
        run = subprocess.run([binary, "pivot", *options], stdin=source, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def without(column, text):
    rows = [line.split(",") for line in text.splitlines()]
    for row in rows:
        del row[column]
    return rows


def test_quickstart_live_answers_the_tutorials_questions():
    run = subprocess.run([TOP / "compose" / "quickstart", "--live"], text=True, capture_output=True)
    if "cannot" in run.stderr and run.returncode != 0:
        pytest.skip(run.stderr[-300:])
    assert run.returncode == 0, run.stdout + run.stderr
    assert_tutorial(run.stdout)


def test_quickstart_answers_the_tutorials_questions():
    run = subprocess.run([TOP / "compose" / "quickstart"], text=True, capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert_tutorial(run.stdout)


# Written by hand from the tutorial's seven statements.
TUTORIAL_ROWS = [
    "1001|2|holding_stock||SP500|c|t", "1001|2|holding_quantity||1|c|t",
    "1002|3|holding_stock||SP500|c|t", "1002|3|holding_quantity||1|c|t",
    "1000|1|holding_quantity|10|100|u|t",
    "1002|3|holding_stock|SP500||d|t", "1002|3|holding_quantity|1||d|t",
    "1001|2|holding_stock|SP500||d|t", "1001|2|holding_quantity|1||d|t",
    "1003|3|holding_stock||VTSAX|c|t", "1003|3|holding_quantity||100|c|t",
    "1003|3|holding_quantity|100|10|u|t",
]


def assert_tutorial(text):
    cells = ["|".join(cell.strip() for cell in line.split("|")) for line in text.splitlines()]
    rows = [row.rsplit("|", 1)[0] for row in cells if row.count("|") == 7 and row[:1].isdigit()]
    assert rows == TUTORIAL_ROWS
    # user, stock changes, quantity changes; and the stock sold most often
    assert [row for row in cells if row.count("|") == 2 and row[:1].isdigit()] == [
        "1|0|1", "2|1|1", "3|1|2"]
    assert "SP500|2" in cells


def test_compat_equals_stream_py_on_100000_real_events(binary, events):
    reference = TOP / "tests" / "flow" / "stream_reference.py"
    with open(events, "rb") as source:
        want = subprocess.run([sys.executable, reference], stdin=source, capture_output=True,
                              text=True, check=True).stdout
    got = pivot(binary, events, "--compat", "stream.py")
    assert want.count("\n") >= 2 * EVENTS
    assert without(-2, got) == without(-2, want)  # the last but one is the clock


def test_rows_equal_the_sources_own_history(binary, events, servers):
    """The last new value of every field is what the table holds now."""
    rows = pivot(binary, events, "--keys", "holding_id", "--fields", "holding_stock,holding_quantity",
                 "--snapshot", "emit", "--format", "copy")
    servers.sql("create temp table unused (a int); drop table if exists pivoted; create table pivoted "
                "(n bigserial, holding_id int, change_field text, old_value text, new_value text, "
                "c timestamptz, u timestamptz, d timestamptz, i timestamptz, op text, old_known bool);")
    servers.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", servers.environment["FIELDTRAIL_PG_URI"],
                "-c", "\\copy pivoted(holding_id, change_field, old_value, new_value, c, u, d, i, op, "
                "old_known) from stdin", input=rows)
    differing = servers.sql("""
        select count(*) from (
            select h.holding_id, 'holding_stock' as f, h.holding_stock::text as v from bank.holding h
            union all
            select h.holding_id, 'holding_quantity', h.holding_quantity::text from bank.holding h) now
        left join (select distinct on (holding_id, change_field) * from pivoted
                   order by holding_id, change_field, n desc) last
               on last.holding_id = now.holding_id and last.change_field = now.f
        where last.new_value is distinct from now.v;""")
    broken = servers.sql("""
        select count(*) from (
            select old_value, lag(new_value) over w as before, lag(n) over w as earlier
            from pivoted window w as (partition by holding_id, change_field order by n)) chain
        where earlier is not null and old_value is distinct from before;""")
    assert differing == ["0"]
    assert broken == ["0"]  # every old value is the new value of the row before
    assert int(servers.sql("select count(*) from pivoted;")[0]) > EVENTS // 2


def test_unkeyed_lines_and_kcat_objects_give_the_same_rows(binary, events, servers, tmp_path):
    keyed = tmp_path / "keyed.jsonl"
    keyed.write_text(servers.topic(TOPIC, "-J", "-c", "20000"))
    plain = tmp_path / "plain.jsonl"
    plain.write_text(servers.topic(TOPIC, "-c", "20000"))
    options = ["--keys", "holding_id", "--fields", "*"]
    assert without(7, pivot(binary, keyed, *options)) == without(7, pivot(binary, plain, *options))


def test_a_live_pipe_is_live(binary, events, servers):
    """A change reaches the reader of the pipe while kcat goes on waiting."""
    kcat = subprocess.Popen(["kcat", "-C", "-u", "-q", "-b", servers.bootstrap, "-t", TOPIC, "-o", "end"],
                            stdout=subprocess.PIPE)
    out = subprocess.Popen([binary, "pivot", "--keys", "holding_id", "--fields", "holding_quantity"],
                           stdin=kcat.stdout, stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(3)  # kcat joins at the end of the topic
        servers.sql("update bank.holding set holding_quantity = -77 where holding_id = 1;")
        start = time.monotonic()
        line = out.stdout.readline()
        assert line.startswith("1,holding_quantity,") and ",-77," in line
        assert time.monotonic() - start < 5
    finally:
        kcat.kill()
        out.wait(timeout=10)
        kcat.wait(timeout=10)


@pytest.mark.parametrize("capture", ["every_type.schema", "every_type.plain", "ident_full.plain"])
@pytest.mark.parametrize("form", ["csv", "copy"])
def test_postgres_restores_every_value(binary, servers, capture, form):
    """Values go through PostgreSQL's own COPY and come back as they were."""
    path = TOP / "tests" / "captures" / f"{capture}.kcat.jsonl"
    columns = ["--fields", "*", "--columns", "change_field,old_value,new_value,field_no"]
    rows = pivot(binary, path, *columns, "--format", form)
    # The expectation comes through another encoder.
    lines = [json.loads(line) for line in pivot(binary, path, *columns, "--format", "jsonl").splitlines()]
    servers.sql("drop table if exists restored; create table restored "
                "(change_field text, old_value text, new_value text, field_no int, n bigserial);")
    servers.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", servers.environment["FIELDTRAIL_PG_URI"], "-c",
                "copy restored(change_field, old_value, new_value, field_no) from stdin"
                + (" csv" if form == "csv" else ""), input=rows)
    restored = servers.sql("select json_build_array(change_field, old_value, new_value, field_no) "
                           "from restored order by n;")
    want = [[line[name] for name in ("change_field", "old_value", "new_value", "field_no")] for line in lines]
    assert len(want) > 5
    assert [json.loads(line) for line in restored] == want
