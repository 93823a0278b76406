"""The edges of change events that every reader of them must know, each with the tests that hold it,
wherever they are; and those that had no better place than this."""

import re

import pytest

from helpers import CHANGE_FIELD, CREATED, DELETED, ROOT, UPDATED, event, good_pivot, kcat, lines, wrapped

EDGES = {
    "the same rows with schemas and without": ["flow/test_equality.py::test_schema_makes_no_difference"],
    "a tombstone in every spelling": ["flow/test_edges.py::test_tombstones_in_every_spelling"],
    "what a snapshot read": ["flow/test_options.py::test_snapshot"],
    "an update without before": ["flow/test_options.py::test_unknown",
                                 "oracle/test_oracle.py::test_update_with_unknown_old"],
    "a delete with invented values": ["flow/test_equality.py::test_no_invented_value_is_believed",
                                      "oracle/test_oracle.py::test_ident_default_never_prints_invented_values"],
    "the placeholder in each of its shapes, pivoted or not": ["flow/test_values.py::test_placeholder_is_no_change"],
    "the placeholder that a user stored": [
        "flow/test_values.py::test_placeholder_that_a_user_stored_counts_as_not_touched"],
    "a change of a key": ["flow/test_key_changes.py::test_halves_in_one_partition_are_an_update_with_known_old_values",
                          "flow/test_key_changes.py::test_halves_in_two_partitions",
                          "live/test_moving_keys.py::test_key_changes_survive_kills"],
    "a truncate without images": ["flow/test_edges.py::test_a_truncate_has_no_images"],
    "logical messages, in a transaction and outside": [
        "flow/test_edges.py::test_logical_messages_make_no_row",
        "unit/decode/test_logical_message.c::test_cases",
        "live/test_transactions.py::test_all_topics_of_a_source"],
    "transactions that interleave": ["flow/test_edges.py::test_interleaved_transactions_keep_their_ids",
                                     "unit/worker/test_whole.c::test_whole"],
    "heartbeats, schema changes, notifications, signals": ["flow/test_flow.py::test_case",
                                                           "unit/decode/test_debezium.c::test_other_messages",
                                                           "unit/decode/test_debezium.c::test_signal_rows",
                                                           "live/test_transactions.py::test_all_topics_of_a_source"],
    "nanoseconds that no double holds": ["flow/test_values.py::test_nanoseconds_beyond_a_double"],
    "long integers, numeric of 38 digits": ["flow/test_values.py::test_long_integers_keep_their_digits",
                                            "flow/test_values.py::test_numeric_of_38_digits"],
    "numbers sent as texts": ["flow/test_values.py::test_numbers_as_texts"],
    "decimals in base64, without schema too": ["flow/test_values.py::test_decimal",
                                               "flow/test_values.py::test_decimal_without_schema_stays_as_it_came",
                                               "flow/test_values.py::test_decimal_without_schema_by_its_type"],
    "decimals with a scale of their own": ["flow/test_values.py::test_variable_scale_decimal"],
    "timestamps before 1970, and infinite ones": ["flow/test_values.py::test_micro_timestamps"],
    "zoned timestamps of any fraction": ["flow/test_values.py::test_fraction_of_zoned_timestamps"],
    "the order of members is no change": ["flow/test_values.py::test_order_of_members_is_no_change"],
    "NaN is NaN": ["flow/test_values.py::test_nan_is_nan"],
    "NULL and the empty text": ["flow/test_values.py::test_null_and_empty_differ"],
    "columns that appear and vanish in flight": ["flow/test_values.py::test_columns_that_appear_and_vanish_in_flight"],
    "texts that every format must escape": ["flow/test_options.py::test_csv_is_read_by_another_reader",
                                            "flow/test_options.py::test_copy",
                                            "flow/test_bad_input.py::test_skip_keeps_the_others_and_a_letter",
                                            "live/test_pipe.py::test_postgres_restores_every_value",
                                            "live/test_questdb.py::test_awkward_values_come_back_as_they_were"],
    "a crash between the rows and the group's commit": ["live/test_steps.py::test_every_step",
                                                        "live/test_chaos.py::test_every_row_once"],
    "one bad row among many": ["live/test_letters.py::test_one_bad_record_of_fifty_thousand"],
    "a target that is away": ["live/test_chaos.py::test_postgres_down"],
    "a rebalance in the middle of a batch": ["live/test_chaos.py::test_every_row_once",
                                             "live/test_bad_days.py::test_partitions_added_while_it_runs"],
    "the tutorial, and its script": ["oracle/test_oracle.py::test_tutorial", "flow/test_compat.py::test_tutorial"],
    "other shapes": ["flow/test_shapes.py::" + name for name in (
        "test_wal2json_v1_is_a_whole_transaction", "test_wal2json_v2_believes_what_was_sent_and_nothing_else",
        "test_maxwell", "test_canal_has_several_rows_in_one_record", "test_cloudevents", "test_flattened")],
}


@pytest.mark.parametrize("edge", EDGES)
def test_every_edge_has_its_tests(edge):
    for place in EDGES[edge]:
        path, name = place.split("::")
        text = (ROOT / "tests" / path).read_text()
        pattern = r"cmocka_unit_test\(%s\)" if path.endswith(".c") else r"^def %s\("
        assert re.search(pattern % name, text, re.MULTILINE), place


TOMBSTONES = {"an empty line": "", "null": "null", "NULL": "NULL", "blanks": "  ", "with a carriage return": "\r",
              "in a kcat object": kcat(None, '{"id":1}'), "a wrapper's payload": {"schema": None, "payload": None}}


@pytest.mark.parametrize("spelling", TOMBSTONES)
def test_tombstones_in_every_spelling(spelling):
    done = good_pivot("--keys", "id", "--fields", "a", "--stats", stdin=lines(
        event("d", before={"id": 1, "a": "x"}), TOMBSTONES[spelling], event("c", {"id": 2, "a": "y"})))
    assert [row[CHANGE_FIELD] for row in done.rows] == ["a", "a"]
    assert (done.stats["tombstones"], done.stats["errors"]) == ("1", "0")


def truncate():
    return {name: value for name, value in event("t").items() if name not in ("before", "after")}


@pytest.mark.parametrize("message", [truncate(), event("t"), wrapped(truncate(), [("id", "int32", {})])],
                         ids=["no members", "null members", "with schema"])
def test_a_truncate_has_no_images(message):
    row, = good_pivot("--keys", "id", "--fields", "a,b", stdin=lines(message)).rows
    assert row[0] is None and row[CHANGE_FIELD:CREATED] == [None, None, None]
    assert (row[CREATED], row[UPDATED], row[DELETED]) == (None, None, "1970-01-01T00:00:01.000000Z")
    assert row[-2] == "t"


@pytest.mark.parametrize("source", [{}, {"txId": None}], ids=["in a transaction", "outside"])
def test_logical_messages_make_no_row(source):
    message = event("m", source=dict(source, schema="", table=""), message={"prefix": "foo", "content": "Ymfy"})
    for images in ("before", "after"):
        del message[images]
    done = good_pivot("--keys", "id", "--fields", "*", "--stats", stdin=lines(message))
    assert done.rows == [] and (done.stats["events_m"], done.stats["errors"]) == ("1", "0")


def test_interleaved_transactions_keep_their_ids():
    """The ids of BEGIN and END differ behind the colon."""
    def change(identity, tx, order):
        return event("c", {"id": identity, "a": "x"}, source={"txId": tx},
                     transaction={"id": "%d:%d" % (tx, 100 + order), "total_order": order, "data_collection_order": 1})
    def marker(status, tx, lsn):
        return {"status": status, "id": "%d:%d" % (tx, lsn), "ts_ms": 1, "event_count": None, "data_collections": None}
    done = good_pivot("--fields", "a", "--columns", "row_key,tx_id,tx_order", "--stats", "--keys", "id", stdin=lines(
        marker("BEGIN", 571, 1), marker("BEGIN", 572, 2), change(1, 571, 1), change(2, 572, 1), change(3, 571, 2),
        marker("END", 571, 9), change(4, 572, 2), marker("END", 572, 10)))
    assert [row[1:] for row in done.rows] == [["571", "1"], ["572", "1"], ["571", "2"], ["572", "2"]]
    assert done.stats["transactions"] == "4"
