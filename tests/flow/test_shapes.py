"""Events that are not in Debezium's envelope: samples as the tools' own documentation prints them, the
rows written by hand. Every sample is read with decoder=auto and with the shape's own name."""

import json

import pytest

from helpers import create, event as envelope, good_pivot, kcat, lines, pivot

PLACES = "source_table,tx_id,lsn,event_time,field_no"


def with_fields(options):
    return options if "--fields" in options else ["--fields", "*"] + options


def rows(name, options, *events):
    """What auto and the shape's own decoder print, which must be the same."""
    found = [good_pivot("--decoder", decoder, *with_fields(options), stdin=lines(*events)).changes()
             for decoder in ("auto", name)]
    assert found[0] == found[1]
    return found[0]


def cells(columns, options, *events):
    return good_pivot("--columns", columns, *with_fields(options), stdin=lines(*events)).rows


# --------------------------------------------------------------------------
# Maxwell: https://maxwells-daemon.io/dataformat/
# --------------------------------------------------------------------------

MAXWELL_INSERT = ('{"database":"test","table":"e","type":"insert","ts":1477053217,"xid":23396,'
                  '"commit":true,"position":"master.000006:800911","server_id":23042,'
                  '"thread_id":108,"primary_key": [1, "2016-10-21 05:33:37.523000"],'
                  '"primary_key_columns": ["id", "c"],"data":{"id":1,"m":4.2341,'
                  '"c":"2016-10-21 05:33:37.523000","comment":"I am a creature of light."}}')
MAXWELL_UPDATE = ('{"database":"test","table":"e","type":"update","ts":1477053234,"xid":23444,'
                  '"data":{"id":1,"m":5.444,"c":"2016-10-21 05:33:54.631000","comment":"I am a '
                  'creature of light."},"old":{"m":4.2341,"c":"2016-10-21 05:33:37.523000"}}')
MAXWELL_DELETE = ('{"database":"test","table":"e","type":"delete","ts":1477053290,"xid":23500,'
                  '"data":{"id":1,"m":5.444,"c":"2016-10-21 05:33:54.631000","comment":null}}')
MAXWELL_DDL = '{"type":"table-create","database":"test","table":"e","sql":"create table e(id int)"}'


def test_maxwell():
    options = ["--keys", "id", "--ignore", "id"]
    assert rows("maxwell", options, MAXWELL_UPDATE, MAXWELL_DELETE, MAXWELL_DDL) == [
        ["1", "m", "4.2341", "5.444", "u", "true"],
        ["1", "c", "2016-10-21 05:33:37.523000", "2016-10-21 05:33:54.631000", "u", "true"],
        ["1", "m", "5.444", None, "d", "true"],
        ["1", "c", "2016-10-21 05:33:54.631000", None, "d", "true"]]


def test_maxwell_tells_its_key():
    assert rows("maxwell", [], MAXWELL_INSERT) == [
        ["1", "2016-10-21 05:33:37.523000", "m", None, "4.2341", "c", "true"],
        ["1", "2016-10-21 05:33:37.523000", "comment", None, "I am a creature of light.", "c", "true"]]
    record = kcat(json.loads(MAXWELL_UPDATE), key={"database": "test", "table": "e", "pk.id": 1})
    assert cells("row_key,change_field", [], record) == [['{"id":1}', "m"], ['{"id":1}', "c"]]


@pytest.mark.parametrize("data, old, want", [
    # output_nulls=false leaves NULLs out of data, and never out of old
    ({"id": 1}, {"a": "x"}, [["a", "x", None, "true"]]),
    ({"id": 1, "b": 2}, {"a": "x", "b": 1}, [["b", "1", "2", "true"], ["a", "x", None, "true"]]),
    ({"id": 1, "a": "x"}, {"a": None}, [["a", None, "x", "true"]]),
    ({"id": 1}, {"a": None}, []),
    # without old: what the columns were is unknown
    ({"id": 1, "a": "x"}, KeyError, [["a", None, "x", "false"]]),
    ({"id": 1, "a": "x"}, None, [["a", None, "x", "false"]]),
])
def test_maxwell_leaves_members_out(data, old, want):
    event = {"database": "d", "table": "t", "type": "update", "ts": 1, "data": data, "primary_key_columns": ["id"]}
    if old is not KeyError:
        event["old"] = old
    assert rows("maxwell", [], event) == [["1", field, was, new, "u", known] for field, was, new, known in want]
    named = good_pivot("--fields", "a", stdin=lines(event)).changes()
    assert [row[1:4] for row in named] == [change[:3] for change in want if change[0] == "a"]


def test_maxwell_with_a_broken_old_is_refused():
    event = {"database": "d", "table": "t", "type": "update", "data": {"id": 1}, "old": "x"}
    result = pivot("--fields", "*", "--keys", "id", stdin=lines(event))
    assert result.status == 1 and "old is no object" in result.err


def test_maxwell_places():
    assert cells(PLACES + ",thread", ["--ignore", "comment"], MAXWELL_INSERT) == [
        ["test.e", "23396", "master.000006:800911", "2016-10-21T12:33:37.000000Z", "2", "108"]]


# --------------------------------------------------------------------------
# Canal: https://nightlies.apache.org/flink/flink-docs-stable/docs/connectors/table/formats/canal/
# --------------------------------------------------------------------------

CANAL = ('{"data":[{"id":"111","name":"scooter","description":"Big 2-wheel scooter","weight":"5.18"},'
         '{"id":"112","name":"hammer","description":null,"weight":"1"}],'
         '"database":"inventory","es":1589373560000,"id":9,"isDdl":false,"mysqlType":{"id":"INTEGER",'
         '"name":"VARCHAR(255)","description":"VARCHAR(512)","weight":"FLOAT"},'
         '"old":[{"weight":"5.15"},{"description":"heavy"}],"pkNames":["id"],"sql":"",'
         '"sqlType":{"id":4,"name":12,"description":12,"weight":7},"table":"products",'
         '"ts":1589373560798,"type":"UPDATE"}')


def test_canal_has_several_rows_in_one_record():
    assert rows("canal", [], CANAL) == [
        ["111", "weight", "5.15", "5.18", "u", "true"],
        ["112", "description", "heavy", None, "u", "true"]]
    # The number of the change in its record times 65536, plus the column's place.
    assert cells(PLACES + ",connector_time,row_key", [], CANAL) == [
        ["inventory.products", None, None, "2020-05-13T12:39:20.000000Z", "4",
         "2020-05-13T12:39:20.798000Z", '{"id":"111"}'],
        ["inventory.products", None, None, "2020-05-13T12:39:20.000000Z", "65539",
         "2020-05-13T12:39:20.798000Z", '{"id":"112"}']]


def test_canal_inserts_deletes_ddl():
    event = json.loads(CANAL)
    insert = dict(event, type="INSERT", old=None)
    delete = dict(event, type="DELETE", old=None, data=event["data"][1:])
    ddl = dict(event, type="ALTER", isDdl=True, data=None, old=None, sql="alter table products ...")
    truncate = dict(ddl, type="TRUNCATE", sql="truncate table products")
    options = ["--ignore", "description"]
    assert rows("canal", options, insert, delete, ddl, truncate) == [
        ["111", "name", None, "scooter", "c", "true"], ["111", "weight", None, "5.18", "c", "true"],
        ["112", "name", None, "hammer", "c", "true"], ["112", "weight", None, "1", "c", "true"],
        ["112", "name", "hammer", None, "d", "true"], ["112", "weight", "1", None, "d", "true"],
        [None, None, None, None, "t", "true"]]


def test_canal_update_without_old_is_refused_whole():
    for old in [{"weight": "5.15"}], [{"weight": "5.15"}, None], None:
        result = pivot("--fields", "*", stdin=lines(dict(json.loads(CANAL), old=old)))
        assert result.status == 1 and result.out == "" and "update of Canal without old" in result.err


# --------------------------------------------------------------------------
# wal2json: https://github.com/eulerto/wal2json
# --------------------------------------------------------------------------

WAL2JSON_1 = r"""{"xid":571,"nextlsn":"0/16B2B40","timestamp":"2018-03-27 11:58:28.988414-03","change":[
{"kind":"message","transactional":true,"prefix":"wal2json","content":"this message will be delivered"},
{"kind":"insert","schema":"public","table":"t","columnnames":["a","b","c"],
 "columntypes":["integer","character varying(30)","numeric(10,2)"],"columnvalues":[1,"Backup",3.540],
 "pk":{"pknames":["a"],"pktypes":["integer"]}},
{"kind":"update","schema":"public","table":"t","columnnames":["a","b","c"],"columntypes":["integer",
 "character varying(30)","numeric(10,2)"],"columnvalues":[1,"Tuning",4],
 "oldkeys":{"keynames":["a"],"keytypes":["integer"],"keyvalues":[1]},
 "pk":{"pknames":["a"],"pktypes":["integer"]}},
{"kind":"delete","schema":"public","table":"t","oldkeys":{"keynames":["a"],"keytypes":["integer"],
 "keyvalues":[1]},"pk":{"pknames":["a"],"pktypes":["integer"]}}]}""".replace("\n", "")


def test_wal2json_v1_is_a_whole_transaction():
    assert rows("wal2json-v1", ["--fields", "b,c"], WAL2JSON_1) == [
        ["1", "b", None, "Backup", "c", "true"], ["1", "c", None, "3.540", "c", "true"],
        ["1", "b", None, "Tuning", "u", "false"], ["1", "c", None, "4", "u", "false"],
        ["1", "b", None, None, "d", "false"], ["1", "c", None, None, "d", "false"]]
    assert cells(PLACES, ["--unknown", "skip"], WAL2JSON_1)[:2] == [
        ["public.t", "571", "0/16B2B40", "2018-03-27T14:58:28.988414Z", str(65536 + 2)],
        ["public.t", "571", "0/16B2B40", "2018-03-27T14:58:28.988414Z", str(65536 + 3)]]


WAL2JSON_2 = [
    '{"action":"B","xid":572,"timestamp":"2020-04-10 12:00:00+00","lsn":"0/1"}',
    '{"action":"M","xid":572,"transactional":true,"prefix":"wal2json","content":"hello"}',
    '{"action":"I","xid":572,"lsn":"0/2","timestamp":"2020-04-10 12:00:00+00","schema":"public",'
    '"table":"actions","columns":[{"name":"a","type":"integer","value":1},{"name":"b","type":"text",'
    '"value":"x"}],"pk":[{"name":"a","type":"integer"}]}',
    # REPLICA IDENTITY FULL; a large text that was not touched is left out of columns
    '{"action":"U","schema":"public","table":"actions","columns":[{"name":"a","type":"integer",'
    '"value":1},{"name":"b","type":"text","value":"y"},{"name":"n","type":"text","value":null}],'
    '"identity":[{"name":"a","type":"integer","value":1},{"name":"b","type":"text","value":"x"},'
    '{"name":"big","type":"text","value":"long"}],"pk":[{"name":"a","type":"integer"}]}',
    '{"action":"D","schema":"public","table":"actions","identity":[{"name":"a","type":"integer",'
    '"value":1},{"name":"b","type":"text","value":"y"}],"pk":[{"name":"a","type":"integer"}]}',
    '{"action":"T","schema":"public","table":"actions"}',
    '{"action":"C","xid":572,"timestamp":"2020-04-10 12:00:00+00","lsn":"0/9"}']


def test_wal2json_v2_believes_what_was_sent_and_nothing_else():
    assert rows("wal2json-v2", [], *WAL2JSON_2) == [
        ["1", "b", None, "x", "c", "true"], ["1", "b", "x", "y", "u", "true"],
        ["1", "n", None, None, "u", "false"], ["1", "b", "y", None, "d", "true"],
        [None, None, None, None, "t", "true"]]
    result = good_pivot("--fields", "*", "--stats", stdin=lines(*WAL2JSON_2))
    assert result.stats["transactions"] == "2" and result.stats["events_m"] == "1"


def test_wal2json_without_pk_needs_keys():
    event = '{"action":"U","schema":"s","table":"t","columns":[{"name":"a","value":2},{"name":"b",' \
            '"value":3}],"identity":[{"name":"a","value":1}]}'
    assert rows("wal2json-v2", ["--keys", "a", "--fields", "a,b"], event) == [
        ["2", "a", "1", "2", "u", "true"], ["2", "b", None, "3", "u", "false"]]


# --------------------------------------------------------------------------
# Debezium's flattened form:
# https://debezium.io/documentation/reference/stable/transformations/event-flattening.html
# --------------------------------------------------------------------------

FLAT = {"id": 1004, "first_name": "Anne", "email": "annek@noanswer.org", "__op": "c",
        "__table": "customers", "__schema": "inventory", "__lsn": 123456789,
        "__source_ts_ms": 1589362330904, "__deleted": "false"}


def flat(**more):
    return {name: value for name, value in dict(FLAT, **more).items() if value is not KeyError}


def test_flattened():
    options = ["--keys", "id", "--ignore", "id"]
    created, updated = flat(), flat(__op="u", email="a@b.c")
    deleted = flat(__op="d", __deleted="true")
    assert rows("flattened", options, created, updated, deleted) == [
        ["1004", "first_name", None, "Anne", "c", "true"],
        ["1004", "email", None, "annek@noanswer.org", "c", "true"],
        ["1004", "first_name", None, "Anne", "u", "false"],
        ["1004", "email", None, "a@b.c", "u", "false"],
        # before of a delete may be made up, here as in the envelope
        ["1004", "first_name", None, None, "d", "false"], ["1004", "email", None, None, "d", "false"]]
    full = rows("flattened", options + ["--identity", "full"], deleted)
    assert full == [["1004", "first_name", "Anne", None, "d", "true"],
                    ["1004", "email", "annek@noanswer.org", None, "d", "true"]]


def test_flattened_places_and_key():
    record = kcat(flat(), key={"id": 1004}, topic="dbserver1.inventory.customers")
    assert cells(PLACES + ",row_key", ["--fields", "email"], record) == [
        ["inventory.customers", None, "123456789", "2020-05-13T09:32:10.904000Z", "3",
         '{"id":1004}']]
    # Without __table the topic tells it, without __op nobody can tell a create from an update.
    bare = {"id": 1, "v": 2}
    result = good_pivot("--fields", "v", "--decoder", "flattened", "--columns",
                        "source_table,change_field,new_value,op,old_known",
                        stdin=lines(kcat(bare, key={"id": 1}, topic="p.s.t")))
    assert result.rows == [["s.t", "v", "2", "u", "false"]]


# add.fields=NAME, and what is made of it: source members with their struct or without, those of a
# transaction, and the connector's own times.
ADDED = [
    ("event_time", {"__source_ts_us": 1589362330904001}, "2020-05-13T09:32:10.904001Z"),
    ("event_time", {"__source_ts_ns": 1589362330904001999}, "2020-05-13T09:32:10.904001Z"),
    ("event_time", {"__source_ts_ms": 1589362330904}, "2020-05-13T09:32:10.904000Z"),
    ("event_time", {"__source_ts_ms": 1589362330904, "__source_ts_ns": 1589362330904001999}, "2020-05-13T09:32:10.904001Z"),
    ("connector_time", {"__ts_us": 1589362330904001}, "2020-05-13T09:32:10.904001Z"),
    ("connector_time", {"__ts_ns": 1589362330904001999}, "2020-05-13T09:32:10.904001Z"),
    ("connector_time", {"__ts_ms": 1589362330904}, "2020-05-13T09:32:10.904000Z"),
    ("query", {"__query": "update t"}, "update t"), ("query", {"__source_query": "update t"}, "update t"),
    ("thread", {"__thread": 8}, "8"), ("thread", {"__source_thread": 8}, "8"),
    ("user_name", {"__user_name": "SCOTT"}, "SCOTT"), ("user_name", {"__source_user_name": "SCOTT"}, "SCOTT"),
    ("tx_id", {"__txId": 565}, "565"), ("tx_id", {"__source_txId": 565}, "565"),
    ("tx_id", {"__transaction_id": "571:99"}, "571:99"), ("tx_id", {"__id": "571:99"}, "571:99"),
    ("tx_id", {"__transaction_id": "571:99", "__connector": "postgresql"}, "571"),
    ("tx_order", {"__transaction_total_order": 3}, "3"), ("tx_order", {"__total_order": "3"}, "3"),
    ("lsn", {"__lsn": 7}, "7"), ("lsn", {"__source_file": "b.1", "__source_pos": 4}, "b.1:4"),
    ("lsn", {"__commit_lsn": "00000027:00000ac0:0002"}, "00000027:00000ac0:0002"), ("lsn", {"__source_scn": "99"}, "99"),
    ("source_name", {"__name": "p"}, "p"), ("source_name", {"__source_name": "p"}, "p"),
    ("source_table", {"__source_table": "t", "__source_schema": "s"}, "s.t"),
    ("source_table", {"__table": "t", "__source_db": "d"}, "d.t"),
]


@pytest.mark.parametrize("column, fields, want", ADDED, ids=lambda value: "+".join(value) if isinstance(value, dict) else "")
def test_flattened_metadata(column, fields, want):
    event = dict({"id": 1, "a": "x", "__op": "c"}, **fields)
    assert cells("change_field," + column, ["--keys", "id"], event) == [["a", want]]


def test_flattened_with_its_schema():
    schema = {"type": "struct", "optional": False, "fields": [
        {"field": "id", "type": "int32", "optional": False},
        {"field": "first_name", "type": "string", "optional": True},
        {"field": "email", "type": "string", "optional": False},
        {"field": "__op", "type": "string", "optional": True},
        {"field": "__deleted", "type": "string", "optional": True}]}
    gone = {"schema": schema, "payload": flat(__op="d", __deleted="true")}
    # An optional column with a value of its own proves a full image.
    assert rows("flattened", ["--keys", "id", "--ignore", "id"], gone, gone)[2:] == [
        ["1004", "first_name", "Anne", None, "d", "true"],
        ["1004", "email", "annek@noanswer.org", None, "d", "true"]]


def test_flattened_key_change():
    gone = kcat(flat(__op="d", __deleted="true"), key={"id": 1004},
                headers=["__debezium.newkey", '{"id":7}'])
    come = kcat(flat(id=7), key={"id": 7}, headers=["__debezium.oldkey", '{"id":1004}'])
    assert rows("flattened", ["--identity", "full"], gone, come) == [
        ["7", "id", "1004", "7", "u", "true"]]


# Rows of tables that have columns of the names that Debezium's own messages have.
LOOKALIKES = {
    "a transaction marker": {"id": 5, "status": "END"},
    "a whole transaction marker": {"id": 5, "status": "END", "event_count": None, "data_collections": None, "ts_ms": 7},
    "a notification": {"id": 5, "aggregate_type": "Order", "type": "Created"},
    "a whole notification": {"id": 5, "aggregate_type": "Order", "type": "Created", "additional_data": None},
    "a signal": {"id": 5, "type": "execute-snapshot", "data": "x"},
    "a heartbeat": {"ts_ms": 5},
    "an envelope by before": {"id": 5, "op": "c", "before": "x"},
    "an envelope by after": {"id": 5, "op": "sell", "after": None},
    "an envelope by source": {"id": 5, "op": "c", "source": "web", "before": None},
    "a schema change": {"id": 5, "source": "web", "ddl": "x"},
}
def test_a_column_that_begins_like_metadata_is_a_column():
    got = good_pivot("--fields", "*", stdin=lines(kcat(
        {"id": 1, "__v": 3, "__opened": "x", "__op": "c", "__table": "t", "__snapshot": "false",
         "__source_lsn": 7}, key={"id": 1})))
    assert [row[1:4] for row in got.changes()] == [["__v", None, "3"], ["__opened", None, "x"]]


MARKS = [{"__op": "c", "__table": "t"}, {"__deleted": "false", "__op": "c"}, {"__op": "c", "__source_ts_ms": 1}]


@pytest.mark.parametrize("row", LOOKALIKES.values(), ids=LOOKALIKES)
@pytest.mark.parametrize("marks", MARKS, ids=["table", "deleted", "source"])
def test_rows_that_look_like_messages_are_rows(row, marks):
    keys = "id" if "id" in row else "ts_ms"
    want = [[str(row[keys]), name, None, str(value), "c", "true"]
            for name, value in row.items() if name != keys and value is not None]
    want = want or [[str(row[keys]), None, None, None, "c", "true"]]
    assert rows("flattened", ["--keys", keys], dict(row, **marks)) == want


def test_flattened_without_marks_is_a_row_of_the_decoder_that_was_named():
    """Some columns of a message's make none."""
    bare = [{"id": 5, "status": "END"}, {"id": 5, "aggregate_type": "Order", "type": "Created"}]
    got = good_pivot("--decoder", "flattened", "--keys", "id", "--fields", "*", stdin=lines(*bare))
    assert [row[1:4] for row in got.changes()] == [
        ["status", None, "END"], ["aggregate_type", None, "Order"], ["type", None, "Created"]]
    # auto says that it does not know them; it does not count them as something else.
    for each in bare:
        assert pivot("--keys", "id", "--fields", "*", stdin=lines(each)).status == 1


SERVICE = {
    "heartbeats": kcat({"ts_ms": 5}, key={"serverName": "p"}, topic="__debezium-heartbeat.p"),
    "transactions": {"status": "END", "id": "571:53195832", "ts_ms": 1486500577691, "event_count": 2,
                     "data_collections": [{"data_collection": "s1.a", "event_count": 2}]},
    "schema_changes": {"source": {"db": "i"}, "ts_ms": 1, "databaseName": "i", "ddl": "ALTER TABLE t", "tableChanges": []},
    "notifications": {"id": "ff81ba59", "aggregate_type": "Initial Snapshot", "type": "COMPLETED",
                      "additional_data": {"connector_name": "c"}, "timestamp": "1695817046353"},
    "signals": {"id": "x", "type": "execute-snapshot", "data": {"type": "INCREMENTAL"}},
}


@pytest.mark.parametrize("kind", SERVICE)
@pytest.mark.parametrize("decoder", ["auto", "debezium", "flattened", "cloudevents"])
def test_debeziums_own_messages_are_counted_by_each_of_its_decoders(kind, decoder):
    got = good_pivot("--decoder", decoder, "--fields", "*", "--keys", "id", "--stats", stdin=lines(SERVICE[kind]))
    assert (got.rows, got.stats[kind], got.stats["errors"]) == ([], "1", "0")


# --------------------------------------------------------------------------
# CloudEvents: https://debezium.io/documentation/reference/stable/integrations/cloudevents.html
# --------------------------------------------------------------------------

CLOUDEVENT = {
    "id": "name:test_server;lsn:29274832;txId:565", "source": "/debezium/postgresql/test_server",
    "specversion": "1.0", "type": "io.debezium.connector.postgresql.DataChangeEvent",
    "time": "2020-01-13T13:55:39.738Z", "datacontenttype": "application/json", "iodebeziumop": "r",
    "iodebeziumversion": "3.3.1.Final", "iodebeziumconnector": "postgresql",
    "iodebeziumname": "test_server", "iodebeziumtsms": "1578923739738", "iodebeziumsnapshot": "true",
    "iodebeziumdb": "postgres", "iodebeziumschema": "s1", "iodebeziumtable": "a",
    "iodebeziumlsn": "29274832", "iodebeziumxmin": None, "iodebeziumtxid": "565",
    "data": {"before": None, "after": {"pk": 1, "name": "Bob"}}}


def test_cloudevents():
    options = ["--keys", "pk", "--ignore", "pk", "--identity", "full"]
    update = dict(CLOUDEVENT, iodebeziumop="u",
                  data={"before": {"pk": 1, "name": "Bob"}, "after": {"pk": 1, "name": "Eve"}})
    with_schema = dict(update, data={"schema": {"type": "struct"}, "payload": update["data"]})
    assert rows("cloudevents", options, CLOUDEVENT) == []
    assert rows("cloudevents", options + ["--snapshot", "emit"], CLOUDEVENT) == [
        ["1", "name", None, "Bob", "r", "true"]]
    assert rows("cloudevents", options, update, with_schema) == 2 * [
        ["1", "name", "Bob", "Eve", "u", "true"]]
    assert cells(PLACES + ",source_name", options, update) == [
        ["s1.a", "565", "29274832", "2020-01-13T13:55:39.738000Z", "2", "test_server"]]


# What CloudEventsConverter 3.3.1 makes of an update; id and attributes as it writes them.
REAL_CLOUDEVENT = json.loads('''{"id":"name:p;lsn:29274832;txId:565;sequence:[]","source":"/debezium/postgresql/p",
"specversion":"1.0","type":"io.debezium.connector.postgresql.DataChangeEvent","time":"2020-01-13T13:55:39.738Z",
"datacontenttype":"application/json","iodebeziumop":"u","iodebeziumversion":"3.3.1.Final",
"iodebeziumconnector":"postgresql","iodebeziumname":"p","iodebeziumtsms":"1578923739738","iodebeziumsnapshot":"false",
"iodebeziumdb":"postgres","iodebeziumsequence":"[]","iodebeziumtsus":"1578923739738123",
"iodebeziumtsns":"1578923739738123000","iodebeziumschema":"s","iodebeziumtable":"t","iodebeziumtxId":"565",
"iodebeziumlsn":"29274832","iodebeziumxmin":null,"iodebeziumtxid":null,"iodebeziumtxtotalorder":null,
"iodebeziumtxdatacollectionorder":null,"data":null}''')
DATA = {"before": {"id": 1, "n": "CpY=", "d": 18000}, "after": {"id": 1, "n": "CqA=", "d": 18001}}
ROW = [{"type": "int32", "optional": False, "field": "id"},
       {"type": "bytes", "optional": True, "name": "org.apache.kafka.connect.data.Decimal", "version": 1,
        "parameters": {"scale": "2", "connect.decimal.precision": "5"}, "field": "n"},
       {"type": "int32", "optional": True, "name": "io.debezium.time.Date", "version": 1, "field": "d"}]
DATA_SCHEMA = {"type": "struct", "optional": False, "name": "io.debezium.connector.postgresql.Data", "fields": [
    {"type": "struct", "optional": True, "name": "p.s.t.Value", "field": image, "fields": ROW}
    for image in ("before", "after")]}


def test_cloudevents_with_their_schema():
    """Types are the schema's, and so is the proof of the identity: an optional column with a value."""
    event = dict(REAL_CLOUDEVENT, data={"schema": DATA_SCHEMA, "payload": DATA})
    gone = dict(event, iodebeziumop="d", data={"schema": DATA_SCHEMA, "payload": dict(DATA, after=None)})
    assert rows("cloudevents", ["--keys", "id"], event, gone, event) == [
        ["1", "n", "27.10", "27.20", "u", "true"], ["1", "d", "2019-04-14", "2019-04-15", "u", "true"],
        ["1", "n", "27.10", None, "d", "true"], ["1", "d", "2019-04-14", None, "d", "true"],
        ["1", "n", "27.10", "27.20", "u", "true"], ["1", "d", "2019-04-14", "2019-04-15", "u", "true"]]
    bare = dict(event, data=DATA)
    assert rows("cloudevents", ["--keys", "id", "--identity", "full"], bare) == [
        ["1", "n", "CpY=", "CqA=", "u", "true"], ["1", "d", "18000", "18001", "u", "true"]]


def test_cloudevents_with_a_broken_schema_are_refused():
    for schema in 7, {"fields": 7}, {"type": "struct", "fields": [7]}:
        event = dict(REAL_CLOUDEVENT, data={"schema": schema, "payload": DATA})
        good = pivot("--keys", "id", "--fields", "*", stdin=lines(event))
        assert good.status == (0 if schema == {"fields": 7} else 1)


def test_cloudevents_places():
    event = dict(REAL_CLOUDEVENT, data=DATA, iodebeziumtxId=None, iodebeziumtxid="571:5319", iodebeziumtxtotalorder="3")
    options = ["--keys", "id", "--fields", "n"]
    assert cells(PLACES + ",tx_order,source_name", options, dict(REAL_CLOUDEVENT, data=DATA), event) == [
        ["s.t", "565", "29274832", "2020-01-13T13:55:39.738123Z", "2", None, "p"],
        ["s.t", "571", "29274832", "2020-01-13T13:55:39.738123Z", "2", "3", "p"]]
    mysql = {name: value for name, value in event.items() if name not in ("iodebeziumlsn", "iodebeziumschema")}
    mysql.update(iodebeziumconnector="mysql", iodebeziumfile="mysql-bin.3", iodebeziumpos="154", iodebeziumthread="8",
                 iodebeziumquery="update t", iodebeziumtxid="9:1")
    assert cells(PLACES + ",query,thread", options, mysql) == [
        ["postgres.t", "9:1", "mysql-bin.3:154", "2020-01-13T13:55:39.738123Z", "2", "update t", "8"]]


@pytest.mark.parametrize("data", [{"id": 1}, {"payload": {"id": 1}, "schema": {
    "type": "struct", "optional": False, "fields": [{"type": "int32", "optional": False, "field": "id"}]}}],
                         ids=["bare", "with schema"])
def test_cloudevents_wrap_keys_too(data):
    """Where the converter takes its metadata from headers."""
    record = kcat(dict(REAL_CLOUDEVENT, data=DATA), key=dict(REAL_CLOUDEVENT, data=data))
    assert cells("id,row_key,change_field", ["--identity", "full"], record, record) == 2 * [
        ["1", '{"id":1}', "n"], ["1", '{"id":1}', "d"]]


def test_cloudevents_of_logical_messages_make_no_row():
    event = dict(REAL_CLOUDEVENT, iodebeziumop="m", data={"op": "m", "ts_ms": 1, "source": {},
                                                          "message": {"prefix": "foo", "content": "YmFy"}})
    for decoder in "auto", "cloudevents":
        got = good_pivot("--decoder", decoder, "--fields", "*", "--keys", "id", "--stats",
                         stdin=lines(event, dict(event, data=None)))
        assert (got.rows, got.stats["events_m"], got.stats["errors"]) == ([], "2", "0")


def test_cloudevents_without_attributes_are_refused_with_the_remedy():
    event = {name: value for name, value in REAL_CLOUDEVENT.items() if not name.startswith("iodebezium")}
    result = pivot("--fields", "*", "--keys", "id", stdin=lines(dict(event, data=DATA)))
    assert result.status == 1 and "extension.attributes.enable" in result.err


def test_cloudevents_in_avro_are_refused():
    event = dict(CLOUDEVENT, data="AAAAAAEAAgI=", dataschema="http://my-registry/schemas/ids/1")
    result = pivot("--fields", "*", "--keys", "pk", stdin=lines(event))
    assert result.status == 1 and "data.serializer.type=json" in result.err


# --------------------------------------------------------------------------
# Keys that move within one event
# --------------------------------------------------------------------------

MOVED = {
    "maxwell": {"database": "d", "table": "t", "ts": 1, "type": "update", "data": {"id": 3, "a": "q"},
                "old": {"id": 2}, "primary_key_columns": ["id"]},
    "canal": {"database": "d", "table": "t", "type": "UPDATE", "isDdl": False, "es": 1000, "pkNames": ["id"],
              "data": [{"id": "3", "a": "q"}], "old": [{"id": "2"}]},
    "wal2json-v1": {"change": [
        {"kind": "update", "schema": "d", "table": "t", "columnnames": ["id", "a"], "columnvalues": [3, "q"],
         "oldkeys": {"keynames": ["id", "a"], "keyvalues": [2, "q"]}, "pk": {"pknames": ["id"]}}]},
    "wal2json-v2": {"action": "U", "schema": "d", "table": "t",
                    "columns": [{"name": "id", "value": 3}, {"name": "a", "value": "q"}],
                    "identity": [{"name": "id", "value": 2}, {"name": "a", "value": "q"}], "pk": [{"name": "id"}]},
}


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("options", [["--fields", "*"], ["--fields", "a"], ["--fields", "id"], ["--fields", "id,a"],
                                     ["--fields", "*", "--keys", "id"]], ids=" ".join)
def test_a_key_that_moved_is_one_row(name, options):
    """Whatever fields are pivoted; under the new key."""
    assert rows(name, options, MOVED[name]) == [["3", "id", "2", "3", "u", "true"]]
    assert cells("row_key,op,change_field,old_value", options, MOVED[name]) == [['{"id":3}'.replace(
        "3", '"3"' if name == "canal" else "3"), "u", "id", "2"]]


def test_a_key_that_moved_under_default_identity():
    event = dict(MOVED["wal2json-v2"], identity=[{"name": "id", "value": 2}])
    assert rows("wal2json-v2", [], event) == [["3", "id", "2", "3", "u", "true"], ["3", "a", None, "q", "u", "false"]]


def test_a_key_that_stayed_or_was_not_sent_is_no_row():
    for identity in [], [{"name": "id", "value": 3}]:
        event = dict(MOVED["wal2json-v2"], identity=identity)
        assert rows("wal2json-v2", ["--unknown", "skip"], event) == []
    assert rows("maxwell", [], dict(MOVED["maxwell"], old={"a": "p"})) == [["3", "a", "p", "q", "u", "true"]]


def test_a_key_without_message_key_moves_in_debeziums_envelope():
    """Tables without a primary key: the columns that --keys names are the key."""
    moved = envelope("u", {"id": 3, "a": "q"}, {"id": 2, "a": "q"})
    assert good_pivot("--fields", "*", "--keys", "id", stdin=lines(moved)).changes() == [
        ["3", "id", "2", "3", "u", "true"]]


# --------------------------------------------------------------------------
# What a person is told
# --------------------------------------------------------------------------

WAL2JSON_UPDATE, WAL2JSON_DELETE = MOVED["wal2json-v2"], dict(
    {name: value for name, value in MOVED["wal2json-v2"].items() if name != "columns"}, action="D",
    identity=[{"name": "id", "value": 2}])
ADVICE = {
    "flattened": ({"id": 1, "a": "x", "__op": "u", "__table": "t"}, "ExtractNewRecordState", "REPLICA IDENTITY"),
    "a flattened delete": (dict(FLAT, a="x", __op="d", __deleted="true"), "say so with --identity full", "Extract"),
    "wal2json": (dict(WAL2JSON_UPDATE, identity=[]), "ALTER TABLE d.t REPLICA IDENTITY FULL\n", "--identity"),
    "wal2json's deletes": (WAL2JSON_DELETE, "ALTER TABLE d.t REPLICA IDENTITY FULL\n", "--identity"),
    "maxwell": ({"database": "d", "table": "t", "type": "update", "data": {"id": 1, "a": "x"}}, "binlog_row_image=FULL",
                "REPLICA IDENTITY"),
    "no name": ({"op": "u", "before": None, "after": {"id": 1, "a": "x"}}, "a table without a name: ", "table :"),
    "no name to alter": ({"op": "u", "before": None, "after": {"id": 1, "a": "x"}}, "ALTER TABLE ... REPLICA", "TABLE  "),
}


@pytest.mark.parametrize("event, says, never", ADVICE.values(), ids=ADVICE)
def test_advice_is_of_use(event, says, never):
    got = good_pivot("--fields", "a", "--keys", "id", stdin=lines(event, event))
    assert [row[1] for row in got.changes()] == 2 * ["a"] and got.changes()[0][-1] == "false"
    assert got.err.count(says) == 1 and never not in got.err, got.err
    assert got.err.count("\n") == 1


def test_fields_are_missed_where_an_event_has_all_of_them():
    """A delete with the key alone, or an update without what it did not touch, does not show it."""
    insert = {"action": "I", "schema": "d", "table": "t", "columns": [{"name": "id", "value": 1}]}
    for each in WAL2JSON_UPDATE, WAL2JSON_DELETE:
        assert "has no" not in good_pivot("--fields", "zz,a", "--keys", "id", stdin=lines(each)).err
        assert "has no field zz" in good_pivot("--fields", "zz,a", "--keys", "id", stdin=lines(each, insert)).err


# --------------------------------------------------------------------------
# Together
# --------------------------------------------------------------------------

def test_shapes_may_be_mixed_and_framed():
    """One after the other, each also in the framing of a schema registry; and Debezium's between."""
    options = ["--fields", "*", "--columns", "source_table,op,change_field"]
    events = [MAXWELL_INSERT, CANAL, WAL2JSON_1, WAL2JSON_2[2], json.dumps(create(1))]
    single = [good_pivot(*options, *(["--keys", "id"] if i == 4 else []), stdin=lines(event)).rows
              for i, event in enumerate(events)]
    order = [0, 4, 1, 1, 4, 2, 3, 0, 0, 4, 2]
    framed = [b"\0\0\0\0\1" + events[i].encode() if n % 2 else events[i]
              for n, i in enumerate(order)]
    got = pivot(*options, "-o", "pivot.keys.inventory.products=id", "-o", "pivot.keys.s.t=id",
                stdin=lines(*framed))
    assert got.status == 0, got.err
    assert got.rows == [row for i in order for row in single[i]]


@pytest.mark.parametrize("name", ["debezium", "flattened", "cloudevents", "canal", "maxwell",
                                  "wal2json-v1", "wal2json-v2"])
@pytest.mark.parametrize("text", ["7", '"x"', "[]", "{}", '{"change":7}', '{"data":[7]}'])
def test_what_is_no_event_is_named(name, text):
    result = pivot("--fields", "a", "--keys", "id", "--decoder", name, stdin=text.encode() + b"\n")
    # Any object may be a row, where the configuration says that it is one.
    row = name == "flattened" and text.startswith("{")
    assert (result.status, result.out) == (0 if row else 1, "")
    assert row or "1:" in result.err


# The same change of s.t in every shape: d was 17318 and is 17319.
ONE_CHANGE = {
    "flattened": lambda d: {"id": 1, "d": d, "__op": "u", "__schema": "s", "__table": "t"},
    "flattened, named by its topic": lambda d: kcat({"id": 1, "d": d, "__op": "u"}, topic="p.s.t"),
    "cloudevents": lambda d: {"id": "x", "source": "/", "specversion": "1.0", "type": "e",
                              "iodebeziumop": "u", "iodebeziumschema": "s", "iodebeziumtable": "t",
                              "data": {"before": {"id": 1, "d": 17318}, "after": {"id": 1, "d": d}}},
    "maxwell": lambda d: {"database": "s", "table": "t", "type": "update",
                          "data": {"id": 1, "d": d}, "old": {"d": 17318}},
    "canal": lambda d: {"database": "s", "table": "t", "type": "UPDATE", "isDdl": False,
                        "pkNames": ["id"], "data": [{"id": 1, "d": d}], "old": [{"d": 17318}]},
    "wal2json-v1": lambda d: {"change": [
        {"kind": "update", "schema": "s", "table": "t", "columnnames": ["id", "d"],
         "columnvalues": [1, d], "oldkeys": {"keynames": ["id", "d"], "keyvalues": [1, 17318]}}]},
    "wal2json-v2": lambda d: {
        "action": "U", "schema": "s", "table": "t",
        "columns": [{"name": "id", "value": 1}, {"name": "d", "value": d}],
        "identity": [{"name": "id", "value": 1}, {"name": "d", "value": 17318}]},
}


@pytest.mark.parametrize("name", ONE_CHANGE)
def test_types_of_a_table(name):
    """A type that the configuration gives a column of one table is that table's alone."""
    def read(d, *options):
        return pivot("--decoder", name.partition(",")[0], "--keys", "id", "--fields", "d",
                     "--identity", "full", *options, stdin=lines(ONE_CHANGE[name](d)))

    old = name.startswith("flattened")  # which sends no old values
    hinted = read(17319, "-o", "pivot.type.s.t.d=date")
    assert [change[2:4] for change in hinted.changes()] == [[None if old else "2017-06-01",
                                                             "2017-06-02"]]
    others = read(17319, "-o", "pivot.type.s.other.d=date")
    assert [change[2:4] for change in others.changes()] == [[None if old else "17318", "17319"]]
    wrong = read(1.5, "-o", "pivot.type.s.t.d=date")
    assert wrong.status == 1 and "column d of t: the value 1.5" in wrong.err


def test_unknown_decoder():
    result = pivot("--fields", "a", "--decoder", "xml", stdin=b"")
    assert result.status == 2 and "maxwell" in result.err


# Texts that are base64 too, were they a connector's: 0xd76df8 is 14118392.
PRINTED = {
    "canal": lambda n: {"database": "s", "table": "t", "type": "UPDATE", "isDdl": False, "pkNames": ["id"],
                        "data": [{"id": "1", "n": n, "bits": "10101010", "list": "{1,2}", "at": "2020-01-01 10:00:00"}],
                        "old": [{"n": "5678", "bits": "01010101", "list": "{1}", "at": "2019-01-01 10:00:00"}]},
    "wal2json-v2": lambda n: {
        "action": "U", "schema": "s", "table": "t",
        "columns": [{"name": name, "type": kind, "value": value} for name, kind, value in [
            ("id", "integer", 1), ("n", "numeric(10,0)", n), ("bits", "bit(8)", "10101010"),
            ("list", "integer[]", "{1,2}"), ("at", "timestamp without time zone", "2020-01-01 10:00:00")]],
        "identity": [{"name": name, "type": kind, "value": value} for name, kind, value in [
            ("id", "integer", 1), ("n", "numeric(10,0)", "5678"), ("bits", "bit(8)", "01010101"),
            ("list", "integer[]", "{1}"), ("at", "timestamp without time zone", "2019-01-01 10:00:00")]]},
}
PRINTED_TYPES = ["-o", "pivot.type.n=numeric(10,0)", "-o", "pivot.type.bits=bit(8)", "-o", "pivot.type.list=integer[]",
                 "-o", "pivot.type.at=timestamp"]


@pytest.mark.parametrize("name", PRINTED)
@pytest.mark.parametrize("types", [[], PRINTED_TYPES], ids=["plain", "with pivot.type"])
def test_types_do_not_take_printed_texts_for_coded_ones(name, types):
    got = pivot("--keys", "id", "--fields", "n,bits,list,at", "--identity", "full", *types,
                stdin=lines(PRINTED[name]("1234")))
    assert [change[1:4] for change in got.changes()] == [
        ["n", "5678", "1234"], ["bits", "01010101", "10101010"], ["list", "{1}", "{1,2}"],
        ["at", "2019-01-01 10:00:00", "2020-01-01 10:00:00"]]


def test_texts_of_numbers_are_numbers_where_the_type_says_so():
    """1234.0 is 1234: as a number it did not change."""
    def fields(got):
        return [change[1] for change in got.changes()]
    options = ["--keys", "id", "--fields", "n", "--identity", "full"]
    assert fields(pivot(*options, stdin=lines(PRINTED["wal2json-v2"]("5678.0")))) == []
    assert fields(pivot(*options, stdin=lines(PRINTED["canal"]("5678.0")))) == ["n"]
    assert fields(pivot(*options, *PRINTED_TYPES, stdin=lines(PRINTED["canal"]("5678.0")))) == []


@pytest.mark.parametrize("sent, shown", [("deadbeef", r"\xdeadbeef"), ("", r"\x"), (None, None)])
def test_wal2json_leaves_the_head_of_bytes_away(sent, shown):
    event = [("wal2json-v1", {"change": [
        {"kind": "update", "schema": "s", "table": "t", "columnnames": ["id", "b"],
         "columntypes": ["integer", "bytea"], "columnvalues": [1, sent],
         "oldkeys": {"keynames": ["id", "b"], "keytypes": ["integer", "bytea"], "keyvalues": [1, "00"]}}]}),
             ("wal2json-v2", {"action": "U", "schema": "s", "table": "t",
                              "columns": [{"name": "id", "type": "integer", "value": 1},
                                          {"name": "b", "type": "bytea", "value": sent}],
                              "identity": [{"name": "id", "type": "integer", "value": 1},
                                           {"name": "b", "type": "bytea", "value": "00"}]})]
    for decoder, body in event:
        for types in [], ["-o", "pivot.type.b=bytea"]:
            got = pivot("--decoder", decoder, "--keys", "id", "--fields", "b", "--identity", "full", *types,
                        stdin=lines(body))
            assert [change[2:4] for change in got.changes()] == [[r"\x00", shown]]
