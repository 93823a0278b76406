"""sql: the shipped scripts, filled in for a connector; no server is needed."""

import json
import re

import pytest

from helpers import ROOT, fieldtrail

SHIPPED = {"PostgresSink": ["fieldtrail_offset", "fieldtrail_left_out", "fieldtrail_replay",
                            "fieldtrail_message", "holding_pivot_who", "table", "partitions", "history",
                            "asof", "undo", "counts", "functions", "views", "roles", "tutorial-questions",
                            "001_worker_columns", "002_history_index"],
           "QuestDBSink": ["table", "fieldtrail_message", "tutorial-questions", "history"],
           "CsvSink": ["table", "fieldtrail_message", "history"]}


def connector(tmp_path, **settings):
    config = {"connector.class": "PostgresSink", "topics": "t", "pivot.fields": "*",
              "pivot.keys": "id", "connection.uri": "${env:NOT_SET_ANYWHERE}",
              **{key.replace("__", "."): value for key, value in settings.items()}}
    path = tmp_path / "connector.json"
    path.write_text(json.dumps({"name": "n", "config": {
        key: value for key, value in config.items() if value is not None}}))
    return path


def test_the_list_names_every_script_of_the_folder():
    result = fieldtrail("sql")
    assert result.status == 0 and result.out == fieldtrail("sql", "--list").out
    listed = {(line.split()[0], line.split()[1]) for line in result.out.splitlines()[1:]}
    for sink, names in SHIPPED.items():
        assert {name for which, name in listed if which == sink} == set(names)
    files = {path.stem for path in (ROOT / "schemas").rglob("*.sql")}
    # what the worker's connector does not need: the pipe's table, and the source's
    assert files - {name for _, name in listed} == {"holding_pivot", "source-holding",
                                                    "tutorial-statements"}


@pytest.mark.parametrize("sink, name", [(sink, name) for sink in SHIPPED for name in SHIPPED[sink]])
def test_every_script_is_plain_sql(tmp_path, sink, name):
    own = {"file__path": "/d", "connection__uri": None} if sink == "CsvSink" else {
        "table": "ta'b\"le"}
    path = connector(tmp_path, connector__class=sink, **own)
    result = fieldtrail("sql", name, path)
    assert result.status == 0, result.err
    bare = re.sub(r"--[^\n]*|(\$\w*\$).*?\1|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", result.out,
                  flags=re.DOTALL)
    assert not re.search(r"^\s*\\", bare, re.MULTILINE)
    assert not re.search(r"(?<!:):[\w'\"]", bare)
    assert bare.rstrip().endswith(";")


def test_table_and_keys_are_the_connectors(tmp_path):
    path = connector(tmp_path, table="au\"dit.pi'vot", pivot__keys="id,\"na me\"")
    out = fieldtrail("sql", "table", path).out
    assert 'create table if not exists "au""dit"."pi\'vot" (\n    "id" text, "na me" text,\n' in out
    assert "select fieldtrail_dress('\"au\"\"dit\".\"pi''vot\"');" in out


def test_columns_beside_the_usual_ones_get_their_type(tmp_path):
    names = ("id,change_field,old_value,new_value,op,old_known,event_time,source_table,row_key,"
             "tx_id,lsn,kafka_topic,kafka_partition,kafka_offset,field_no")
    path = connector(tmp_path, pivot__columns=names + ",user_name,connector_time,who=user_id")
    out = fieldtrail("sql", "table", path).out
    assert ('\n    "id" text, "user_name" text, "connector_time" timestamptz, "who" text,\n') in out
    path = connector(tmp_path, pivot__columns=names.replace(",lsn", ""))
    result = fieldtrail("sql", "history", path)
    assert result.status == 2 and "renames lsn" in result.err
    path = connector(tmp_path, pivot__columns=names.replace("event_time", "at=event_time"))
    assert "renames event_time" in fieldtrail("sql", "table", path).err


def test_variables_come_from_the_command_line(tmp_path):
    path = connector(tmp_path)
    out = fieldtrail("sql", "table", path, "keys=id bigint,").out
    assert "(\n    id bigint,\n    change_field" in out
    out = fieldtrail("sql", "tutorial-questions", path, "from=2026-01-01", "until=it's").out
    assert ">= '2026-01-01'\n" in out and "< 'it''s'\n" in out
    out = fieldtrail("sql", "tutorial-questions", path).out
    assert ">= '-infinity'\n" in out
    assert "-- Between two dates, which stock was sold" in out


@pytest.mark.parametrize("arguments, settings, error", [
    (["tabel", "FILE"], {}, r"unknown script tabel; for PostgresSink there are .*table, partitions"),
    (["table", "FILE"], {"connector__class": "StdoutSink", "connection__uri": None}, "no scripts for StdoutSink"),
    (["table"], {}, "name a connector's file"),
    (["table", "FILE", "colour=red"], {}, "table has no variable colour; it has: table, keys"),
    (["table", "FILE", "keys"], {}, "keys: expected VARIABLE=VALUE"),
    (["table", "FILE"], {"pivot__keys": None}, "pivot.keys is not set"),
    (["table", "FILE"], {"table": "${table}_pivot"}, "stands for many: say which, by table=NAME"),
    (["table", "/does/not/exist"], {}, "/does/not/exist"),
    (["table", "FILE"], {"tabel": "x"}, "unknown key tabel"),
])
def test_what_is_refused_says_why(tmp_path, arguments, settings, error):
    path = connector(tmp_path, **settings)
    result = fieldtrail("sql", *[path if each == "FILE" else each for each in arguments])
    assert result.status == 2 and result.out == ""
    assert re.search(error, result.err), result.err


def test_without_keys_only_the_table_is_refused(tmp_path):
    path = connector(tmp_path, pivot__keys=None, table="${table}_pivot")
    assert fieldtrail("sql", "table", path, "keys=", "table=p").status == 0
    assert fieldtrail("sql", "functions", path).status == 0
