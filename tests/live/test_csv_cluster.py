"""Files of a cluster of workers: rows exactly once in a directory that all of them see, and no row at
all where somebody said so of directories that they do not share."""
import os

import pytest

from test_cluster import Cluster, cluster_of
from test_csv import Files
from worker_kit import produce, wait_until


class FileCluster(Cluster):
    def __init__(self, stack, binary, folder, name):
        super().__init__(stack, binary, folder, name)
        self.bench = Files(stack, binary, folder, name + "_rows")

    def create(self, member, tasks, **settings):
        body = self.connector(tasks__max=str(tasks), file__shared="true", **settings)
        answer = member.ask("POST", "/connectors", body)
        assert answer.status == 201, answer.text
        return self.settled(self.name, tasks)


@pytest.fixture
def cluster(stack, binary, tmp_path, request):
    yield from cluster_of(stack, binary, tmp_path, request, FileCluster)


def test_kills_leave_every_row_once_in_a_shared_directory(cluster, stack):
    bench = cluster.bench
    stack.create_topic(bench.topic)
    members = cluster.start(3)
    cluster.create(members[0], 4, file__roll__bytes="20000", file__compression="gzip")
    producer = bench.producer(rate=500)
    wait_until(lambda: len(bench.stored()) == 6, "all partitions are read")
    cluster.survive_kills(members, 4)
    assert producer.alive()
    producer.finish()
    bench.caught_up()
    for each in members:
        assert each.worker.stop() == 0, each.worker.log()
    print(f"{bench.equal()} rows equal in {len(bench.files())} files")


def test_directories_that_are_not_shared_get_no_row_twice(cluster, stack, tmp_path, monkeypatch):
    """The second worker's directory is another one, whatever the configuration says of it."""
    bench = cluster.bench
    stack.create_topic(bench.topic)
    folders = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("FIELDTRAIL_ROWS", str(tmp_path / name))
        folders[cluster.start(1)[0]] = tmp_path / name
    owner, = cluster.create(cluster.members[0], 1, path="${env:FIELDTRAIL_ROWS}")
    first = next(each for each in folders if each.id == owner)
    second = next(each for each in folders if each is not first)
    bench.path = folders[first]
    produce(stack, bench.topic, 600)
    bench.caught_up()
    wait_until(lambda: stack.committed("connect-" + cluster.name, bench.topic)
               == stack.ends(bench.topic), "the group knows")
    first.worker.kill()
    produce(stack, bench.topic, 600, seed=2)
    second.worker.says("other or restored target", 60)
    assert [name for name in os.listdir(folders[second]) if name.endswith(".csv")] == []
    # Back again, it goes on where it stopped.
    monkeypatch.setenv("FIELDTRAIL_ROWS", str(folders[first]))
    assert second.worker.stop() == 0
    first.start()
    bench.caught_up()
    assert first.worker.stop() == 0
    bench.equal()
