"""The scripts for DuckDB over files that fieldtrail wrote. tests/run fetches the module; skipped where
Python has no duckdb."""

import json

import pytest

from helpers import CAPTURES, fieldtrail

COLUMNS = ("holding_id,user_id,change_field,old_value,new_value,datetime_created,datetime_updated,"
           "datetime_deleted,datetime_inserted,op,old_known,event_time,source_table,row_key,tx_id,lsn,"
           "kafka_topic,kafka_partition,kafka_offset,field_no")


@pytest.mark.parametrize("header", [False, True])
def test_history_and_asof_over_the_files(tmp_path, header):
    duckdb = pytest.importorskip("duckdb", reason="Python has no duckdb: pip install duckdb")
    config = {"connector.class": "CsvSink", "topics": "t", "file.path": str(tmp_path),
              "pivot.keys": "holding_id,user_id", "pivot.fields": "*",
              "format.header": str(header).lower()}
    path = tmp_path / "connector.json"
    path.write_text(json.dumps({"name": "n", "config": config}))
    done = fieldtrail("pivot", "--columns", COLUMNS, "--fields", "holding_stock,holding_quantity",
                      "--identity", "full", *(["--header"] if header else []),
                      CAPTURES / "tutorial.schema.kcat.jsonl")
    assert done.status == 0, done.err
    (tmp_path / "topic-0.csv").write_bytes(done.raw)
    # a table that is called message has rows like any other
    (tmp_path / "shop.bank.message-0.csv").write_bytes(b"".join(done.raw.splitlines(True)[:header]))
    (tmp_path / "shop.message-0.csv").write_text(
        ("source_name,tx_id,lsn,prefix,content,event_time,kafka_topic,kafka_partition,kafka_offset\n"
         if header else "")
        + 'shop,571,7,audit,"{""user"":""alice""}",2026-11-21T00:15:22.812277Z,shop.message,0,0\n'
        + 'shop,,8,audit,"",2026-11-21T00:15:23.000000Z,shop.message,0,1\n')
    base = duckdb.connect()
    base.execute("set timezone = 'UTC'")
    for name in ("table", "history", "fieldtrail_message"):
        script = fieldtrail("sql", name, path)
        assert script.status == 0, script.err
        base.execute(script.out)

    def ask(query):
        return base.execute(query).fetchall()
    # by hand, from the tutorial's statements
    assert ask("""select op, change_field, old_value, new_value from
                  fieldtrail_history('bank.holding', '{"holding_id":1003}')""") == [
        ("c", "holding_stock", None, "VTSAX"), ("c", "holding_quantity", None, "100"),
        ("u", "holding_quantity", "100", "10")]
    assert ask("select * from fieldtrail_asof('bank.holding', 'infinity')") == [
        ('{"holding_id":1000}', "holding_quantity", "100"),
        ('{"holding_id":1003}', "holding_quantity", "10"),
        ('{"holding_id":1003}', "holding_stock", "VTSAX")]
    assert ask("select sum(changes), sum(unknown) from fieldtrail_counts('hour')") == [(6, 0)]
    assert ask("select count(*), count(old_value) from holding_pivot") == [(12, 6)]
    assert ask("select tx_id, content, kafka_offset from fieldtrail_message order by lsn") == [
        ("571", '{"user":"alice"}', 0), (None, "", 1)]
