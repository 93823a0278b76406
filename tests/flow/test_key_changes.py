"""Key changes: two records that their headers make one update, in every order and place."""

import json

import pytest

from helpers import (CREATED, DELETED, OP, UPDATED, capture, event, good_pivot, kcat, lines,
                     pivot, wrapped)

COLUMNS = [("id", "int32", {"optional": False}), ("name", "string", {"optional": False}),
           ("note", "string", {})]
OLD_ROW = {"id": 2, "name": "Bea", "note": "n"}
NEW_ROW = {"id": 10, "name": "Bea", "note": "m"}


def header(name, key):
    return ["__debezium." + name, json.dumps(key, separators=(",", ":")),
            "__debezium.context.taskId", "0"]


def leaves(old=None, new_key=None, **more):
    """The delete half."""
    old = old or OLD_ROW
    payload = wrapped(event("d", None, old), COLUMNS) if more.pop("schema", True) else event(
        "d", None, old)
    return kcat(payload, key={"id": old["id"]},
                headers=header("newkey", new_key or {"id": 10}), **more)


def gone(old_key=2, new_key=10, **more):
    """Its tombstone."""
    return kcat(None, key={"id": old_key}, headers=header("newkey", {"id": new_key}), **more)


def arrives(new=None, old_key=None, **more):
    """The create half."""
    new = new or NEW_ROW
    payload = wrapped(event("c", new), COLUMNS) if more.pop("schema", True) else event("c", new)
    return kcat(payload, key={"id": new["id"]}, headers=header("oldkey", old_key or {"id": 2}),
                **more)


def other(**more):
    return kcat(wrapped(event("c", {"id": 99, "name": "x", "note": None}), COLUMNS),
                key={"id": 99}, **more)


def rows(*records, options=("--fields", "*")):
    """id, change_field, old, new, op, old_known of the rows of everything but row 99."""
    found = good_pivot(*options, stdin=lines(*records)).changes()
    return [tuple(row) for row in found if row[0] != "99"]


KNOWN = [("10", "id", "2", "10", "u", "true"), ("10", "note", "n", "m", "u", "true")]
UNKNOWN = [("10", "id", "2", "10", "u", "true"), ("10", "name", None, "Bea", "u", "false"),
           ("10", "note", None, "m", "u", "false")]


def test_halves_in_one_partition_are_an_update_with_known_old_values():
    assert rows(leaves(), gone(), arrives()) == KNOWN


def test_without_tombstones():
    assert rows(leaves(), arrives()) == KNOWN


def test_delete_half_and_tombstone_make_no_row():
    assert rows(leaves(), gone()) == []


def test_create_half_alone_knows_only_the_key():
    assert rows(arrives()) == UNKNOWN


@pytest.mark.parametrize("order", ["delete first", "create first"])
def test_halves_in_two_partitions(order):
    first, last = [leaves(partition=0), gone(partition=0)], [arrives(partition=3)]
    records = first + last if order == "delete first" else last + first
    assert rows(*records) == UNKNOWN


def test_partitions_and_topics_do_not_mix():
    assert rows(leaves(topic="a", partition=0), arrives(topic="b", partition=0)) == UNKNOWN
    # What comes in another partition in between changes nothing.
    assert rows(leaves(partition=0), other(partition=1), gone(partition=0), other(partition=2),
                arrives(partition=0)) == KNOWN


def test_a_record_in_between_makes_the_old_values_unknown():
    assert rows(leaves(), gone(), other(), arrives()) == UNKNOWN
    assert rows(leaves(), other(), gone(), arrives()) == UNKNOWN


def test_a_half_serves_once():
    assert rows(leaves(), arrives(), arrives()) == KNOWN + UNKNOWN


def test_the_half_of_another_row_is_not_taken():
    """Its own create half went to another partition; ours has the delete half elsewhere."""
    other_row = {"id": 7, "name": "Bea", "note": "foreign"}
    assert rows(leaves(other_row, {"id": 8}), gone(7, 8), arrives()) == UNKNOWN


def test_the_half_of_another_table_is_not_taken():
    half = leaves()
    half["payload"] = half["payload"].replace('"table": "t"', '"table": "u"')
    assert rows(half, arrives()) == UNKNOWN


def test_a_chain_of_key_changes():
    second = {"id": 11, "name": "Bea", "note": "z"}
    assert rows(leaves(), gone(), arrives(), leaves(NEW_ROW, {"id": 11}), gone(10, 11),
                arrives(second, {"id": 10})) == KNOWN + [
        ("11", "id", "10", "11", "u", "true"), ("11", "note", "m", "z", "u", "true")]


# --------------------------------------------------------------------------
# What is believed
# --------------------------------------------------------------------------

INVENTED = {"id": 2, "name": "anon", "note": None}  # what REPLICA IDENTITY DEFAULT leaves


@pytest.mark.parametrize("identity, old, known", [
    ("auto", OLD_ROW, True), ("auto", INVENTED, False), ("full", INVENTED, None),
    ("default", OLD_ROW, False), ("index(note)", OLD_ROW, None)])
def test_identity(identity, old, known):
    got = rows(leaves(old), gone(), arrives(), options=["--fields", "*", "--identity", identity])
    if identity == "full":
        assert got == [("10", "id", "2", "10", "u", "true"),
                       ("10", "name", "anon", "Bea", "u", "true"),
                       ("10", "note", None, "m", "u", "true")]
    elif identity == "index(note)":  # the header's key is made up
        assert got == [("10", "id", None, "10", "u", "false"),
                       ("10", "name", None, "Bea", "u", "false"),
                       ("10", "note", "n", "m", "u", "true")]
    else:
        assert got == (KNOWN if known else UNKNOWN)


@pytest.mark.parametrize("image, known", [
    ({"id": 0, "name": "anon", "note": None}, False), ({"id": 0, "name": "Bea", "note": "n"}, True)])
def test_another_index_makes_up_the_old_key(image, known):
    """REPLICA IDENTITY USING INDEX of another column: an update of that column comes as this, with a
    key of zero that never was. Where the image proves that it is whole, zero is the key."""
    got = rows(leaves(image), gone(0), arrives(old_key={"id": 0}))
    assert got[0] == (("10", "id", "0", "10", "u", "true") if known
                      else ("10", "id", None, "10", "u", "false"))
    assert [row[5] for row in got] == (["true"] * 2 if known else ["false"] * 3)


def test_without_a_schema_only_full_is_believed():
    records = leaves(schema=False), gone(), arrives(schema=False)
    assert rows(*records) == UNKNOWN
    assert rows(*records, options=["--fields", "*", "--identity", "full"]) == KNOWN


def test_unknown_skip_leaves_the_key():
    assert rows(arrives(), options=["--fields", "*", "--unknown", "skip"]) == UNKNOWN[:1]


def test_unchanged_emit():
    assert rows(leaves(), gone(), arrives(),
                options=["--fields", "name", "--unchanged", "emit"]) == [
        ("10", "id", "2", "10", "u", "true"), ("10", "name", "Bea", "Bea", "u", "true")]


@pytest.mark.parametrize("fields", ["note,id", "id,note", "note"])
def test_a_key_column_that_is_pivoted_too_makes_one_row(fields):
    got = rows(leaves(), gone(), arrives(), options=["--fields", fields])
    assert sorted(got) == KNOWN


def test_unavailable_values_make_no_row():
    """REPLICA IDENTITY DEFAULT leaves a large value that was not touched away."""
    new = dict(NEW_ROW, note="__debezium_unavailable_value")
    assert rows(leaves(INVENTED), gone(), arrives(new)) == UNKNOWN[:2]


def test_only_the_key_columns_that_moved():
    columns = [("a", "int32", {"optional": False}), ("b", "string", {"optional": False}),
               ("v", "int32", {})]
    old, new = {"a": 1, "b": "x", "v": 5}, {"a": 1, "b": "w", "v": 5}
    delete = kcat(wrapped(event("d", None, old), columns), key={"a": 1, "b": "x"},
                  headers=header("newkey", {"a": 1, "b": "w"}))
    create = kcat(wrapped(event("c", new), columns), key={"a": 1, "b": "w"},
                  headers=header("oldkey", {"a": 1, "b": "x"}))
    assert rows(delete, create) == [("1", "w", "b", "x", "w", "u", "true")]
    emitted = rows(delete, create, options=["--fields", "a,v", "--unchanged", "emit"])
    assert emitted == [("1", "w", "b", "x", "w", "u", "true"),
                       ("1", "w", "a", "1", "1", "u", "true"),
                       ("1", "w", "v", "5", "5", "u", "true")]


# --------------------------------------------------------------------------
# Everything beside the values
# --------------------------------------------------------------------------

def test_columns_of_the_row():
    """It is an update under the new key: times, key, place, number of the field."""
    options = ["--fields", "*", "--columns",
               "row_key,change_field,op,datetime_updated,kafka_offset,field_no,tx_id"]
    got = good_pivot(*options, stdin=lines(leaves(offset=4), gone(offset=5), arrives(offset=6)))
    assert got.rows == [
        ['{"id":10}', "id", "u", "1970-01-01T00:00:01.000000Z", "6", "1", "7"],
        ['{"id":10}', "note", "u", "1970-01-01T00:00:01.000000Z", "6", "3", "7"]]


def test_only_the_update_time_is_set():
    for row in good_pivot("--fields", "*", stdin=lines(leaves(), gone(), arrives())).rows:
        assert row[OP] == "u" and row[UPDATED] and not row[CREATED] and not row[DELETED]


def test_masks_hide_both_keys():
    text = good_pivot("--fields", "*", "--mask", "id:hash", "--mask", "note:drop",
                      stdin=lines(leaves(), gone(), arrives())).out
    hashes = ["d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35",  # sha256("2")
              "4a44dc15364204a80fe80e9039455cc1608281820fe2b24f1e5233ade6af1dd5"]  # sha256("10")
    first, second = text.splitlines()
    assert first.startswith(f"{hashes[1]},id,{hashes[0]},{hashes[1]},")
    assert second.startswith(f"{hashes[1]},note,,,")


def test_a_key_column_outside_the_image_is_told_by_the_message_key():
    columns = [("v", "int32", {})]
    delete = kcat(wrapped(event("d", None, {"v": 5}), columns), key={"id": 2},
                  headers=header("newkey", {"id": 10}))
    create = kcat(wrapped(event("c", {"v": 6}), columns), key={"id": 10},
                  headers=header("oldkey", {"id": 2}))
    assert rows(delete, create) == [("10", "id", "2", "10", "u", "true"),
                                    ("10", "v", "5", "6", "u", "true")]


@pytest.mark.parametrize("text", ['{"id":"two\nlines"}', "no JSON", "", "7"])
def test_a_header_that_cannot_be_read_leaves_the_old_values_unknown(text):
    """Kafka Connect writes a line feed of a key's text into the header as it is."""
    create = arrives()
    create["headers"][1] = text
    assert rows(leaves(), create) == [("10", "id", None, "10", "u", "false")] + UNKNOWN[1:]


def test_headers_with_a_schema_of_their_own():
    """header.converter=JsonConverter."""
    create = arrives()
    create["headers"][1] = json.dumps({"schema": {"type": "struct"}, "payload": {"id": 2}})
    assert rows(leaves(), create) == KNOWN


def test_without_headers_they_are_a_delete_and_a_create():
    delete, create = leaves(), arrives()
    delete["headers"] = create["headers"] = None
    assert [row[-2] for row in rows(delete, gone(), create)] == ["d", "d", "c", "c"]


def test_without_message_keys_they_are_a_delete_and_a_create():
    delete, create = leaves(), arrives()
    delete["key"] = create["key"] = None
    got = rows(delete, create, options=["--fields", "note", "--keys", "id"])
    assert [row[-2] for row in got] == ["d", "c"]


def test_stream_py_knows_no_key_changes():
    row = {"holding_id": 1, "user_id": 2, "holding_stock": "A", "holding_quantity": 3}
    delete = kcat(wrapped(event("d", None, row)), key={"holding_id": 1},
                  headers=header("newkey", {"holding_id": 2}))
    assert len(pivot("--compat", "stream.py", stdin=lines(delete)).out.splitlines()) == 2


def test_a_large_half_is_not_kept():
    """16 MiB: beyond it the old values are unknown."""
    for size, wanted in ((15 << 20, "true"), (17 << 20, "false")):
        got = rows(leaves(dict(OLD_ROW, note="x" * size)), arrives())
        assert got[-1][-1] == wanted and got[0] == KNOWN[0]


# --------------------------------------------------------------------------
# Real events
# --------------------------------------------------------------------------

@pytest.mark.parametrize("name, identity, want", [
    # update ident_default set id=10 where id=2; under REPLICA IDENTITY DEFAULT
    ("ident_default.schema", "auto",
     [("10", "id", "2", "10", "true"), ("10", "name", None, "anon", "false"),
      ("10", "note", None, "n", "false"), ("10", "qty", None, "5", "false")]),
    # update ident_full set id=20 where id=2
    ("ident_full.schema", "full", [("20", "id", "2", "20", "true")]),
    ("ident_full.schema", "auto", [("20", "id", "2", "20", "true")]),
    ("ident_full.plain", "full", [("20", "id", "2", "20", "true")]),
    # update composite set b='w' where b='x'
    ("composite.schema", "full", [("1", "w", "b", "x", "w", "true")]),
    ("composite.plain", "full", [("1", "w", "b", "x", "w", "true")])])
def test_captures(name, identity, want):
    got = good_pivot("--fields", "*", "--identity", identity, "--ignore", "at,big",
                     capture(name)).changes()
    moved = [tuple(row[:-2] + row[-1:]) for row in got if row[-2] == "u"]
    at = moved.index(want[0])
    assert moved[at:at + len(want)] == want
    assert not any(row[0] == want[0][0] and row[-2] == "c" for row in got if len(row) == 6)
