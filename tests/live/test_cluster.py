"""Several workers that share their connectors through two topics: one creation of a name, one run of
a task, and rows exactly once, whoever is killed. Requests are plain HTTP, as any client's."""
import collections
import concurrent.futures
import json
import random
import re
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import worker_kit
from worker_kit import PATIENCE, name_of, pack_list, pack_text, produce, wait_until

SETTLED = 30.0  # seconds after a kill


def cluster_of(stack, binary, folder, request, kind):
    """A cluster named after the test; as bench_of."""
    failed = request.session.testsfailed
    made = kind(stack, binary, folder, name_of(request, 40))
    try:
        yield made
    finally:
        made.bench.close(tell=request.session.testsfailed > failed)


@pytest.fixture
def cluster(stack, binary, tmp_path, request):
    yield from cluster_of(stack, binary, tmp_path, request, Cluster)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Answer:
    """Status, headers and body of one request."""

    def __init__(self, status, body):
        self.status, self.text = status, body.decode()

    def json(self):
        return json.loads(self.text)


class Member:
    """A worker with an address of its own, which it keeps when it is started anew."""

    def __init__(self, cluster, **properties):
        self.cluster, self.port = cluster, free_port()
        self.id = f"{socket.gethostname()}:{self.port}"
        settings = {"bootstrap.servers": cluster.stack.bootstrap, "group.id": cluster.name,
                    "config.storage.topic": cluster.configs,
                    "status.storage.topic": cluster.statuses,
                    "listeners": f"http://127.0.0.1:{self.port}", **properties}
        self.properties = cluster.bench.folder / f"worker-{self.port}.properties"
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.worker = None

    def start(self, *connectors):
        self.worker = self.cluster.bench.worker(*connectors, properties=self.properties)
        return self

    def ask(self, method, path, body=None, timeout=90):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.read())

    def ready(self):
        try:
            return self.ask("GET", "/health").status == 200
        except (urllib.error.URLError, ConnectionError):
            assert self.worker.process.poll() is None, self.worker.log()
            return False

    def status(self, name):
        answer = self.ask("GET", f"/connectors/{urllib.parse.quote(name, safe='')}/status")
        return answer.json() if answer.status == 200 else None


class Cluster:
    """Topics, a database, and workers of one test."""

    def __init__(self, stack, binary, folder, name):
        self.stack, self.name = stack, name
        self.configs, self.statuses = name + "-configs", name + "-statuses"
        self.bench = worker_kit.Bench(stack, binary, folder, name)
        self.members = []

    def start(self, count, **properties):
        made = [Member(self, **properties).start() for _ in range(count)]
        self.members += made
        for member in made:
            wait_until(member.ready, f"{member.id} is ready")
        return made

    def connector(self, name=None, **settings):
        """The body of a request to create it."""
        body = json.loads(self.bench.connector(**settings).read_text())
        return dict(body, name=name or self.name)

    def settled(self, name, tasks, workers=None, seconds=SETTLED, state="RUNNING"):
        """Waits until all living workers say the same: every task runs once, on one of them. The
        ids of the tasks' workers."""
        workers = workers or [each for each in self.members if each.worker.process.poll() is None]
        names = {each.id for each in workers}

        def agreed():
            self.seen = [each.status(name) for each in workers]
            first = self.seen[0]
            return (first and all(each == first for each in self.seen)
                    and first["connector"]["state"] == state
                    and first["connector"]["worker_id"] in names
                    and [task["id"] for task in first["tasks"]] == list(range(tasks))
                    and all(task["state"] == state and task["worker_id"] in names
                            for task in first["tasks"]) and first)
        try:
            return [task["worker_id"]
                    for task in wait_until(agreed, f"{name} settled", seconds, 0.2)["tasks"]]
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.seen}") from None

    def survive_kills(self, members, tasks, check=lambda: None):
        """Kills one of three, two, all: those that live share the tasks, and those that come back."""
        chance = random.Random(7)
        for count in (1, 2, 3):
            # Of one, it is one that has something to do.
            owner = self.settled(self.name, tasks)[0]
            victims = [next(each for each in members if each.id == owner)]
            victims += chance.sample([each for each in members if each not in victims], count - 1)
            for each in victims:
                each.worker.kill()
            living = [each for each in members if each not in victims]
            if living:
                assert set(self.settled(self.name, tasks, living)) <= {each.id for each in living}
                check()
            for each in victims:
                each.start()
            for each in victims:
                wait_until(each.ready, f"{each.id} is back")
            self.settled(self.name, tasks)
            check()

    def records(self, topic):
        """Key -> newest value of a topic, None for a tombstone."""
        lines = self.stack.topic(topic, "-J").splitlines()
        return {record["key"]: record["payload"] for record in map(json.loads, lines)}


def make_topic(stack, name, partitions=1, **settings):
    configs = pack_list([pack_text(key.replace("_", ".")) + pack_text(value)
                         for key, value in settings.items()])
    body = (pack_list([pack_text(name) + struct.pack(">ih", partitions, 1) + pack_list([])
                       + configs]) + struct.pack(">i?", 30000, False))
    answer = stack.ask(19, 4, body)
    assert struct.unpack_from(">h", answer, 4 + 4 + 2 + len(name))[0] == 0
    wait_until(lambda: f"with {partitions} partitions" in stack.run(
        "kcat", "-L", "-b", stack.bootstrap, "-t", name).stdout, "topic " + name)


def put_record(stack, topic, key, value):
    """`value` None is a tombstone. A compacted topic takes no record without a key."""
    subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", topic, "-p", "0", "-K", "\x01",
                    *(["-Z"] if value is None else []), "-X", "message.max.bytes=2000000"],
                   input=key + b"\x01" + (value or b"") + b"\n", check=True, capture_output=True)


def sent_at_once(calls):
    """Answers of requests that are made at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(call) for call in calls]]


# ---- one connector, several workers ----

def test_what_one_worker_is_told_all_do(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    one, two, three = cluster.start(3)
    body = cluster.connector("holding / caf\u00e9 \"1\"", tasks__max="8")
    name, path = body["name"], "/connectors/" + urllib.parse.quote(body["name"], safe="")
    made = two.ask("POST", "/connectors", body)
    assert made.status == 201, made.text
    workers = cluster.settled(name, 8)
    assert len(set(workers)) > 1, "tasks are spread"
    given = dict(body["config"], name=name)
    for each in cluster.members:
        assert each.ask("GET", "/connectors").json() == [name]
        assert each.ask("GET", path + "/config").json() == given
        assert each.ask("POST", "/connectors", body).status == 409
        assert len(each.ask("GET", path).json()["tasks"]) == 8
        assert [task["id"] for task in each.ask("GET", path + "/tasks").json()] == [
            {"connector": name, "task": number} for number in range(8)]
        expanded = each.ask("GET", "/connectors?expand=status&expand=info").json()[name]
        assert expanded["info"]["config"] == given and len(expanded["info"]["tasks"]) == 8
        assert expanded["status"] == each.status(name)
        assert [each.ask("GET", f"{path}/tasks/{number}/status").json()["worker_id"]
                for number in range(8)] == workers
        assert len(each.ask("GET", "/").json()["kafka_cluster_id"]) == 22
    refused = one.ask("POST", "/connectors", dict(body, name="n" * 701))
    assert refused.status == 400 and "700 bytes" in refused.text
    produce(stack, cluster.bench.topic, 3000)
    cluster.bench.caught_up(name)
    cluster.bench.equal()
    wait_until(lambda: all(each.ask("GET", path + "/topics").json()
                           == {name: {"topics": [cluster.bench.topic]}} for each in cluster.members),
               "topics are known everywhere")
    assert one.ask("PUT", path + "/topics/reset").status == 202
    wait_until(lambda: all(each.ask("GET", path + "/topics").json() == {name: {"topics": []}}
                           for each in cluster.members), "and forgotten everywhere")

    # Offsets move only while no task is alive anywhere.
    offset = {"offsets": [{"partition": {"kafka_topic": cluster.bench.topic, "kafka_partition": 0},
                           "offset": {"kafka_offset": 5}}]}
    assert three.ask("PATCH", path + "/offsets", offset).status == 400
    assert one.ask("PUT", path + "/pause").status == 202
    cluster.settled(name, 8, state="PAUSED")
    assert three.ask("PATCH", path + "/offsets", offset).status == 400
    assert two.ask("PUT", path + "/stop").status == 204
    wait_until(lambda: all(each.status(name)["tasks"] == [] for each in cluster.members), "stopped")
    moved = three.ask("PATCH", path + "/offsets", offset)
    assert moved.status == 200, moved.text
    assert cluster.bench.stored(name)[0][0] == 5
    assert offset["offsets"][0] in one.ask("GET", path + "/offsets").json()["offsets"]
    assert one.ask("PATCH", path + "/offsets", {"offsets": [dict(
        offset["offsets"][0], offset={"kafka_offset": stack.ends(cluster.bench.topic)[0]})]}
    ).status == 200

    # A change reaches the tasks of all.
    assert three.ask("PUT", path + "/resume").status == 202
    cluster.settled(name, 8)
    changed = one.ask("PUT", path + "/config", dict(given, **{"tasks.max": "2"}))
    assert changed.status == 200, changed.text
    cluster.settled(name, 2)
    patched = two.ask("PATCH", path + "/config", {"tasks.max": "3"})
    assert patched.status == 200, patched.text
    cluster.settled(name, 3)
    assert three.ask("DELETE", path).status == 204
    wait_until(lambda: all(each.ask("GET", "/connectors").json() == [] for each in cluster.members),
               "deleted everywhere")
    wait_until(lambda: not stack.members("connect-" + name), "its group is empty")

    # What stands in the topics has Kafka Connect's shape, and nothing of what is gone.
    configs = cluster.records(cluster.configs)
    assert json.loads(configs.pop("fieldtrail-cluster")) == {"version": 1, "group.id": cluster.name}
    assert configs == {"connector-" + name: None, "target-state-" + name: None}
    wait_until(lambda: [key for key, value in cluster.records(cluster.statuses).items()
                        if value is not None and not key.startswith("fieldtrail-worker-")] == [],
               "its statuses are gone")


def test_a_failed_task_is_restarted_wherever_it_runs(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    cluster.bench.make_table()
    cluster.bench.sql("alter table holding_pivot add constraint nothing_bad "
                      "check (new_value is distinct from 'BAD')")
    cluster.start(2)
    name = cluster.name
    body = cluster.connector(tasks__max="1")
    assert cluster.members[0].ask("POST", "/connectors", body).status == 201
    owner, = cluster.settled(name, 1)
    other = next(each for each in cluster.members if each.id != owner)
    key, value = next(worker_kit.events(random.Random(5)))
    value["after"]["holding_stock"] = "BAD"
    worker_kit.produce_message(stack, cluster.bench.topic, 0, key, value)

    def failed():
        task = other.status(name)["tasks"][0]
        return task["state"] == "FAILED" and "nothing_bad" in task["trace"] and task["worker_id"]
    assert wait_until(failed, "another worker sees the failure and its trace") == owner
    cluster.bench.sql("alter table holding_pivot drop constraint nothing_bad")
    again = other.ask("POST", f"/connectors/{name}/tasks/0/restart")
    assert again.status == 204, again.text
    cluster.settled(name, 1)
    cluster.bench.caught_up(name)
    assert other.ask("POST", f"/connectors/{name}/tasks/1/restart").status == 404
    assert other.ask("POST", f"/connectors/{name}/restart?includeTasks=true").status == 202
    cluster.settled(name, 1)


def test_a_name_that_is_used_anew_begins_with_nothing(cluster, stack):
    """Deleted at one worker and at once created at another, before all have seen either."""
    stack.create_topic(cluster.bench.topic)
    one, two, three = cluster.start(3)
    name, path = cluster.name, f"/connectors/{cluster.name}"
    assert one.ask("POST", "/connectors", cluster.connector(tasks__max="6")).status == 201
    cluster.settled(name, 6)
    produce(stack, cluster.bench.topic, 500)
    cluster.bench.caught_up()
    wait_until(lambda: all(each.ask("GET", path + "/topics").json()[name]["topics"]
                           for each in cluster.members), "topics are known")
    assert two.ask("PUT", path + "/pause").status == 202
    cluster.settled(name, 6, state="PAUSED")
    for _ in range(5):
        assert two.ask("DELETE", path).status == 204
        assert three.ask("GET", path + "/config").status in (200, 404)  # older by a fetch
        again = three.ask("POST", "/connectors", cluster.connector(tasks__max="2"))
        assert again.status == 201, again.text
        assert len(again.json()["tasks"]) == 2
    cluster.settled(name, 2)
    time.sleep(2)
    for each in cluster.members:
        assert each.ask("GET", path + "/topics").json() == {name: {"topics": []}}
        assert len(each.status(name)["tasks"]) == 2
    produce(stack, cluster.bench.topic, 500, seed=2)
    cluster.bench.caught_up()
    cluster.bench.equal()
    # A reset of the positions, asked at each: only the one that reads them all again doubles none.
    assert one.ask("DELETE", path + "/offsets").status == 400
    assert two.ask("PUT", path + "/stop").status == 204
    cluster.bench.sql("truncate holding_pivot")

    def reset():
        return three.ask("DELETE", path + "/offsets").status == 200
    wait_until(reset, "the positions were reset at a worker that had no task")
    assert one.ask("PUT", path + "/resume").status == 202
    cluster.bench.caught_up()
    cluster.bench.equal()


def test_loggers_of_one_and_of_all(cluster):
    one, two, three = cluster.start(3)
    late = Member(cluster)

    def levels():
        return [each.ask("GET", "/admin/loggers/root").json()["level"] for each in cluster.members]
    assert levels() == ["INFO"] * 3
    assert two.ask("PUT", "/admin/loggers/root", {"level": "WARN"}).json() == ["root"]
    assert levels() == ["INFO", "WARN", "INFO"]
    changed = one.ask("PUT", "/admin/loggers/root?scope=cluster", {"level": "DEBUG"})
    assert (changed.status, changed.text) == (204, "")
    assert one.ask("GET", "/admin/loggers/root").json()["level"] == "DEBUG"
    wait_until(lambda: levels() == ["DEBUG"] * 3, "all workers' level")
    assert three.ask("GET", "/admin/loggers/root").json()["last_modified"] > 0
    assert json.loads(cluster.records(cluster.configs)["logger-cluster-root"]) == {"level": "DEBUG"}
    # It is not for those who come later, as with Kafka Connect.
    cluster.members.append(late.start())
    wait_until(late.ready, "the fourth")
    assert levels()[3] == "INFO"


def test_who_leaves_is_replaced_at_once(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    one, two = cluster.start(2)
    assert one.ask("POST", "/connectors", cluster.connector(tasks__max="12")).status == 201
    assert set(cluster.settled(cluster.name, 12)) == {one.id, two.id}
    began = time.monotonic()
    assert two.worker.stop() == 0, two.worker.log()
    stopped = time.monotonic() - began
    assert cluster.settled(cluster.name, 12, [one], 5) == [one.id] * 12
    assert stopped < 10 * PATIENCE, "a graceful stop takes no timeout"


def test_files_are_offered_to_the_cluster(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    path = cluster.bench.connector(tasks__max="2")
    one = Member(cluster).start(path)
    cluster.members.append(one)
    wait_until(lambda: one.ready() and one.ask("GET", "/connectors").json() == [cluster.name],
               "the file's connector")
    config = one.ask("GET", f"/connectors/{cluster.name}/config").json()
    path = cluster.bench.connector(tasks__max="3")
    two = Member(cluster).start(path)
    cluster.members.append(two)
    two.worker.says("there is a connector .* already, and it stays as it is")
    assert two.ask("GET", f"/connectors/{cluster.name}/config").json() == config
    cluster.settled(cluster.name, 2)


FILES = {
    "rows": ({"connector.class": "CsvSink", "file.path": "/tmp", "connection.uri": None,
              "table": None, "table.create": None}, "file.shared"),
    "dead letters": ({"errors.tolerance": "all", "errors.deadletterqueue.file": "/tmp/letters"},
                     "errors.deadletterqueue.topic.name"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_of_one_machine_are_refused(cluster, case):
    settings, remedy = FILES[case]
    one, = cluster.start(1)
    refused = one.ask("POST", "/connectors", cluster.connector(**settings))
    assert refused.status == 400 and remedy in refused.json()["message"], refused.text
    assert one.ask("GET", "/connectors").json() == []


# ---- several at once ----

def race(cluster, rounds):
    took = []
    for number in range(rounds):
        body = cluster.connector(f"name-{number}", topics="none", tasks__max="1")
        body["initial_state"] = "STOPPED"
        began = time.monotonic()
        answers = sent_at_once([lambda each=each: each.ask("POST", "/connectors", body)
                                for each in cluster.members])
        took.append(time.monotonic() - began)
        counts = collections.Counter(answer.status for answer in answers)
        assert counts == {201: 1, 409: 3}, [answer.text for answer in answers]
        # Whoever was told that it exists can see it.
        for each in cluster.members:
            assert each.ask("GET", f"/connectors/name-{number}/config").status == 200
    took.sort()
    print(f"{rounds} races: median {took[len(took) // 2]:.1f} s, longest {took[-1]:.1f} s")
    assert took[-1] < 60


@pytest.mark.parametrize("rounds", worker_kit.cases([5], [50]))
def test_of_four_that_create_one_name_one_does(cluster, rounds):
    cluster.start(4)
    race(cluster, rounds)


def test_changes_at_several_workers_follow_one_another(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    cluster.start(3)
    name = cluster.name
    body = cluster.connector(tasks__max="2")
    path = f"/connectors/{name}/config"

    def change(number):
        each = cluster.members[number % 3]
        return number, each.ask("PUT", path, dict(body["config"], **{
            "linger.ms": str(number), "batch.rows.max": str(1000 + number)}))
    answers = sent_at_once([lambda number=number: change(number) for number in range(9)])
    assert [answer.status for _, answer in answers].count(201) == 1
    assert all(answer.status in (200, 201) for _, answer in answers), [
        answer.text for _, answer in answers]
    for number, answer in answers:
        assert answer.json()["config"]["linger.ms"] == str(number), "its own change is answered"
    wait_until(lambda: len({each.ask("GET", path).text for each in cluster.members}) == 1,
               "all know the same")
    last = cluster.members[0].ask("GET", path).json()
    assert int(last["batch.rows.max"]) - 1000 == int(last["linger.ms"]), "no change is half of two"
    log = [json.loads(line) for line in stack.topic(cluster.configs, "-J").splitlines()]
    written = [json.loads(each["payload"])["properties"] for each in log
               if each["key"] == "connector-" + name]
    assert len(written) == 9 and written[-1] == last
    cluster.settled(name, 2)
    # Patches of different keys: none is lost.
    patches = sent_at_once([lambda number=number: cluster.members[number].ask(
        "PATCH", path, {f"pivot.type.c{number}": "text"}) for number in range(3)])
    assert [each.status for each in patches] == [200] * 3, [each.text for each in patches]
    wait_until(lambda: [all(f"pivot.type.c{number}" in each.ask("GET", path).json()
                            for number in range(3)) for each in cluster.members] == [True] * 3,
               "all patches at all workers")


# ---- kills ----

def check_group(stack, cluster, tasks):
    """At most so many members are in the consumer group, and the topic has one owner a partition."""
    wait_until(lambda: len(stack.members("connect-" + cluster.name)) == tasks,
               f"{tasks} members of the group", SETTLED, 0.5)


def test_kills_of_one_of_two_and_of_all(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    members = cluster.start(3)
    name, tasks = cluster.name, 4
    body = cluster.connector(tasks__max=str(tasks))
    assert members[0].ask("POST", "/connectors", body).status == 201
    assert members[1].ask("POST", "/connectors", cluster.connector(
        "asleep", topics="none")).status == 201
    assert members[1].ask("PUT", "/connectors/asleep/pause").status == 202
    cluster.settled(name, tasks)
    producer = cluster.bench.producer(rate=500)
    cluster.bench.begun()
    cluster.survive_kills(members, tasks, lambda: check_group(stack, cluster, tasks))
    asleep = members[2].status("asleep")
    assert asleep["connector"]["state"] == "PAUSED"
    assert producer.alive()
    producer.finish()
    cluster.bench.caught_up()
    assert cluster.bench.equal() > 1000


@pytest.mark.parametrize("seconds", worker_kit.cases([1], [25]))
def test_an_outage_of_the_brokers_moves_nothing(cluster, stack, seconds):
    stack.create_topic(cluster.bench.topic)
    cluster.start(2)
    name = cluster.name
    assert cluster.members[0].ask("POST", "/connectors", cluster.connector(
        tasks__max="3")).status == 201
    owners = cluster.settled(name, 3)
    stack.control("stop", "kafka")
    try:
        time.sleep(seconds)
        cold = Member(cluster).start()
        cluster.members.append(cold)
        refused = wait_until(lambda: ask_cold(cold), "REST answers without brokers")
        assert refused.status == 500 and "not ready" in refused.text
        assert cold.ask("GET", "/health").status == 503
    finally:
        stack.control("start", "kafka")
    wait_until(cold.ready, "the worker that came while brokers were away", 60)
    cluster.settled(name, 3, seconds=60)
    moved = cluster.members[2].status(name)["tasks"]
    kept = [task["worker_id"] for task in moved]
    # Only what the newcomer took has moved.
    assert all(now in (was, cold.id) for was, now in zip(owners, kept)), (owners, kept)
    produce(stack, cluster.bench.topic, 3000)
    cluster.bench.caught_up()
    cluster.bench.equal()


def ask_cold(member):
    try:
        return member.ask("GET", "/connectors")
    except (urllib.error.URLError, ConnectionError):
        return None


# ---- topics that are not what they should be ----

BAD_TOPICS = {
    "several partitions": (dict(partitions=3, cleanup_policy="compact"), [],
                           r"it has 3 partitions.*one partition"),
    "deletes": (dict(cleanup_policy="delete"), [],
                r"cleanup\.policy=delete.*add-config cleanup\.policy=compact"),
    "compacts and deletes": (dict(cleanup_policy="compact,delete"), [],
                             r"cleanup\.policy=compact,delete"),
    "kafka connect's": (dict(cleanup_policy="compact"),
                        [(b"session-key", b'{"key":"x","algorithm":"HmacSHA256"}')],
                        r"offset 0: session-key was not written by this cluster.*Kafka Connect"),
    "connectors of another": (dict(cleanup_policy="compact"),
                              [(b"connector-a", b'{"properties":{"name":"a"}}')],
                              r"offset 0: connector-a was not written by this cluster"),
    "another cluster's": (dict(cleanup_policy="compact"),
                          [(b"fieldtrail-cluster", b'{"version":1,"group.id":"other"}')],
                          r"belongs to the cluster with group\.id=other"),
}


@pytest.mark.parametrize("case", BAD_TOPICS)
def test_a_wrong_topic_of_configurations_is_refused(cluster, stack, case):
    settings, records, message = BAD_TOPICS[case]
    make_topic(stack, cluster.configs, **settings)
    for key, value in records:
        put_record(stack, cluster.configs, key, value)
    member = Member(cluster).start()
    assert member.worker.wait(20) == 2, member.worker.log()
    assert re.search(message, member.worker.log()), member.worker.log()


def test_a_wrong_topic_of_statuses_is_refused(cluster, stack):
    make_topic(stack, cluster.statuses, cleanup_policy="compact")
    put_record(stack, cluster.statuses, b"status-task-a-0",
               b'{"state":"RUNNING","trace":null,"worker_id":"10.0.0.1:8083","generation":3}')
    member = Member(cluster).start()
    assert member.worker.wait(20) == 2, member.worker.log()
    assert "status-task-a-0 was not written by this cluster" in member.worker.log()


GARBAGE = [(b"x", b"y"), (b"y", None), (b"connector-", b"{}"), (b"connector-bad", b"no json"),
           (b"connector-bad2", b'{"properties":[1]}'), (b"target-state-bad", b'{"state":"ASLEEP"}'),
           (b"target-state-ghost", b'{"state":"PAUSED","state.v2":"PAUSED"}'),
           (b"connector-gone", None), (b"restart-connector-nobody", b'{"include-tasks":true}'),
           (b"restart-task-nobody-0", b"{}"), (b"\xff\xfe", b"\x00\xff"),
           (b"commit-foreign", b'{"tasks":1}'), (b"session-key", b"{}"), (b"task-foreign-0", b"{}"),
           (b"connector-large", b"x" * 1_500_000), (b"k" * 5000, b"long key"),
           (b"fieldtrail-cluster", b'{"version":1,"group.id":"other"}'),
           (b"status-task-foreign-0", b'{"state":"RUNNING","worker_id":"a:1","generation":1}'),
           (b"fieldtrail-worker-a:1", b'{"worker_id":"b:1","group.id":"x","instance":"1"}'),
           (b"fieldtrail-worker-bad", b"{}"), (b"status-connector-foreign", b"[]")]


def test_garbage_is_left_out(cluster, stack):
    stack.create_topic(cluster.bench.topic)
    for topic in (cluster.configs, cluster.statuses):
        make_topic(stack, topic, cleanup_policy="compact", max_message_bytes="3000000")
    # Before anybody wrote a word of ours, and after.
    for topic in (cluster.configs, cluster.statuses):
        for key, value in GARBAGE[:2] + [(b"\xff\xfe", b"\x00\xff")]:
            put_record(stack, topic, key, value)
    one, two = cluster.start(2)
    assert one.ask("POST", "/connectors", cluster.connector(tasks__max="2")).status == 201
    cluster.settled(cluster.name, 2)
    for topic in (cluster.configs, cluster.statuses):
        for key, value in GARBAGE:
            put_record(stack, topic, key, value)
    assert two.ask("PUT", f"/connectors/{cluster.name}/pause").status == 202
    cluster.settled(cluster.name, 2, state="PAUSED")
    for each in cluster.members:
        said = [line for line in each.worker.log().splitlines() if "skipped the record" in line]
        assert len(said) == 2 and all("at offset 0 of partition 0" in line for line in said), said
        assert each.ask("GET", "/connectors").json() == [cluster.name]
    for each in cluster.members:
        assert each.worker.stop() == 0, each.worker.log()
        each.start()
    for each in cluster.members:
        wait_until(each.ready, f"{each.id} is back")
    cluster.settled(cluster.name, 2, state="PAUSED")
    assert one.ask("PUT", f"/connectors/{cluster.name}/resume").status == 202
    cluster.settled(cluster.name, 2)
    produce(stack, cluster.bench.topic, 1000)
    cluster.bench.caught_up()
    cluster.bench.equal()


@pytest.mark.parametrize("settings, message", [
    ({"config.storage.topic": ""}, "name config.storage.topic too"),
    ({"group.id": ""}, "name group.id too"),
    ({"status.storage.topic": "same", "config.storage.topic": "same"}, "are the same topic"),
], ids=["no topic", "no group", "one topic for both"])
def test_half_a_cluster_is_refused(cluster, settings, message):
    member = Member(cluster, **settings).start()
    assert member.worker.wait(10) == 2
    assert message in member.worker.log()
