"""Many connectors on a cluster of three workers: they are spread, every worker tells of all of them, and
the two that are left do the work of the third. What it costs is printed."""
import os
import pathlib
import time

import pytest

import worker_kit
from test_cluster import SETTLED, Cluster, cluster_of, sent_at_once
from worker_kit import produce, resident_kib, wait_until

CREATORS = 8
EVENTS = 200


@pytest.fixture
def cluster(stack, binary, tmp_path, request):
    yield from cluster_of(stack, binary, tmp_path, request, Cluster)


def cpu_seconds(worker):
    fields = pathlib.Path(f"/proc/{worker.process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def told(member):
    """Where the tasks of all connectors run that run, as this worker says."""
    answer = member.ask("GET", "/connectors?expand=status").json()
    return {name: each["status"]["tasks"][0]["worker_id"] for name, each in answer.items()
            if [task["state"] for task in each["status"]["tasks"]] == ["RUNNING"]}


def spread(members, count, seconds):
    """Waits until all these say the same of all connectors; how many tasks each worker has."""
    ids = {each.id for each in members}

    def agreed():
        seen = [told(each) for each in members]
        return (len(seen[0]) == count and all(each == seen[0] for each in seen)
                and set(seen[0].values()) <= ids and seen[0])
    placed = list(wait_until(agreed, f"all {count} run", seconds, 0.5).values())
    return {each.id: placed.count(each.id) for each in members}


def say_cost(members, what):
    before, began = [cpu_seconds(each.worker) for each in members], time.monotonic()
    time.sleep(10)
    took = time.monotonic() - began
    for each, cpu in zip(members, before):
        print(f"{what}: {each.id}: {resident_kib(each.worker) / 1024:.0f} MB, "
              f"{(cpu_seconds(each.worker) - cpu) / took:.1%} of a core")


@pytest.mark.parametrize("count", worker_kit.cases([20], [100]))
def test_many_connectors(cluster, stack, count):
    bench = cluster.bench
    stack.create_topic(bench.topic)
    produce(stack, bench.topic, EVENTS)
    members = cluster.start(3)
    bodies = [cluster.connector(f"many-{number}", table=f"many_{number}") for number in range(count)]

    def create(some):
        return [members[number % 3].ask("POST", "/connectors", bodies[number]).status
                for number in some]

    began = time.monotonic()
    answers = sent_at_once([lambda first=first: create(range(first, count, CREATORS))
                            for first in range(CREATORS)])
    assert sum(answers, []) == [201] * count
    print(f"{count} created by {CREATORS} clients in {time.monotonic() - began:.1f} s")
    shares = spread(members, count, SETTLED + count)
    print(f"all run after {time.monotonic() - began:.1f} s: {sorted(shares.values())}")
    # Of 100, 33 each give or take 5: this is four times that.
    slack = 4 * (count * 2 / 9) ** 0.5
    assert all(abs(share - count / 3) < slack for share in shares.values()), shares

    def rows():
        counts = bench.sql("; ".join(f"select count(*), count(distinct (kafka_partition, kafka_offset, "
                                     f"field_no)) from many_{number}" for number in range(count)))
        return len(set(counts)) == 1 and counts[0].split("|")

    def delivered():
        stored = bench.sql("select connector, sum(next_offset) from fieldtrail_offset group by 1")
        wanted = str(sum(stack.ends(bench.topic)))
        return [line.split("|")[1] for line in stored] == [wanted] * count

    wait_until(delivered, "all have delivered", 60 + count, 1)
    assert rows() and rows()[0] == rows()[1], "each row once, and the same in all"
    say_cost(members, f"{count} connectors")

    members[0].worker.kill()
    began = time.monotonic()
    produce(stack, bench.topic, EVENTS, seed=2)
    shares = spread(members[1:], count, SETTLED)
    print(f"after a kill all run {time.monotonic() - began:.1f} s later: {sorted(shares.values())}")
    wait_until(delivered, "all have delivered again", 60 + count, 1)
    assert rows() and rows()[0] == rows()[1]
    say_cost(members[1:], f"{count} connectors of two")
