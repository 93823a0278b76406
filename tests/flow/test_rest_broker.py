"""REST of a worker that has a broker (broker_kit.py) and files to write to: what is said of the broker,
and of a task that waits for a person."""
import pytest

from broker_kit import Broker
from helpers import wait_for
from rest_kit import Worker

EVENT = '{"before":null,"after":{"id":%d,"a":1},"op":"c","ts_ms":1,"source":{"schema":"s","table":"t"}}'


@pytest.fixture
def broker():
    started = Broker()
    yield started
    started.close()


@pytest.fixture
def asked(tmp_path, broker):
    # That broker gives the partitions of a member that has left once its session is over.
    started = Worker(tmp_path, bootstrap_servers=broker.servers, consumer_session_timeout_ms="6000")
    yield started
    started.stop()


def test_the_id_of_kafkas_cluster(asked):
    def told():
        return asked.ask("GET", "/")[2]["kafka_cluster_id"]
    assert wait_for(lambda: told().startswith("mockCluster"), 10)


def test_a_task_that_waits_for_a_person(asked, broker, tmp_path):
    """It stays FAILED while it is tried again in vain, and may be restarted as one that failed."""
    rows = tmp_path / "rows"
    broker.send("t", EVENT % 1)
    assert asked.ask("POST", "/connectors", {"name": "one", "config": {
        "connector.class": "CsvSink", "topics": "t", "file.path": str(rows), "pivot.keys": "id",
        "pivot.fields": "a"}})[0] == 201

    def task():
        return (asked.ask("GET", "/connectors/one/status")[2]["tasks"] or [{}])[0]

    def restart():
        return asked.ask("POST", "/connectors/one/restart?includeTasks=true&onlyFailed=true")

    assert wait_for(lambda: task().get("state") == "FAILED", 30)
    assert str(rows) in task()["trace"]
    seen = set()

    def tried_again():
        seen.add(task()["state"])
        return asked.log.read_text().count("trying again in") >= 2

    assert wait_for(tried_again, 30)
    assert seen == {"FAILED"}
    rows.mkdir()
    status, _, answer = restart()
    assert status == 202 and [each["state"] for each in answer["tasks"]] == ["RESTARTING"]
    assert wait_for(lambda: (rows / "t-0.csv").is_file() and task()["state"] == "RUNNING", 30)
    assert (rows / "t-0.csv").read_text().startswith("1,a,,1,")
    assert [each["state"] for each in restart()[2]["tasks"]] == ["RUNNING"], "nothing failed"
