"""Every path and method of Kafka Connect's REST interface, asked of a real Kafka Connect 4.0.0 and of
`fieldtrail run`, and the answers compared field by field: status, content type, Location, Allow, body.
The connector there is FileStreamSink, here PostgresSink, both reading one topic of the same broker;
class and configuration are replaced by words before they are compared. The table in
src/rest/README.md lists every difference there may be, with its reason; one that is no difference any
more fails the test too."""
import fnmatch
import http.client
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.parse

import pytest

import worker_kit
from servers_kit import TOP
from connect_cases import CREATE, PATHS, STEPS, TOPIC
from worker_kit import wait_until

PLAIN = "org.apache.kafka.connect.storage.StringConverter"


def file_connector():
    """The folder with Kafka's own example connector, fetched once."""
    cache = os.environ.get("FIELDTRAIL_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fieldtrail")
    folder = pathlib.Path(cache) / "connect-file-4.0.0"
    if not any(folder.glob("*.jar")):
        done = subprocess.run(
            ["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
             "-Dartifact=org.apache.kafka:connect-file:4.0.0", f"-DoutputDirectory={folder}"],
            capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip("connect-file cannot be had here: " + done.stdout[-300:])
    return folder


@pytest.fixture(scope="module")
def stack():
    with worker_kit.start_stack("connect", FIELDTRAIL_CONNECT_CLASSPATH=f"{file_connector()}/*") as started:
        yield started


class Side:
    """One of the two, and what it calls things."""

    def __init__(self, url, plugin, config):
        self.host = url.split("//")[1]
        self.plugin, self.config = plugin, config

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=100)
        sent = {"Content-Type": "application/json"} if body is not None else {}
        sent = {key: value for key, value in {**sent, **(headers or {})}.items()
                if value is not None}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        connection.request(method, path.replace("PLUGIN", self.plugin),
                           None if body is None else body.replace("PLUGIN", self.plugin), sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        try:
            value = json.loads(text) if text else None
        except ValueError:
            value = text
        if method == "OPTIONS":
            value = sorted(text.replace(" ", "").split(","))
        connection.close()
        place = urllib.parse.urlsplit(answer.getheader("Location") or "")
        if place.netloc:
            assert place.netloc == self.host
        return {"status": answer.status, "type": answer.getheader("Content-Type"),
                "location": place.path, "body": self.rename(value),
                "allow": sorted((answer.getheader("Allow") or "").replace(" ", "").split(","))}

    def rename(self, value):
        """Without what must differ: configurations become what was sent and what was not."""
        if isinstance(value, dict) and value.get("connector.class") == self.plugin:
            own = {key for key in self.config}
            return {key: each for key, each in value.items()
                    if key not in own} | {"sent": all(
                        value.get(key) == str(each) for key, each in self.config.items())}
        if isinstance(value, dict):
            return {key: "WORKER" if key == "worker_id" else "TRACE" if key == "trace"
                    else self.rename(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.rename(each) for each in value]
        if isinstance(value, str):
            return value.replace(self.plugin, "PLUGIN")
        return value


@pytest.fixture(scope="module")
def sides(stack, binary, tmp_path_factory):
    stack.create_topic(TOPIC, 1)
    for number in range(5):
        stack.run("kcat", "-P", "-b", stack.bootstrap, "-t", TOPIC, "-K|",
                  input=f'{{"id":{number}}}|{{"before":null,"after":{{"id":{number},"a":"x"}},'
                        f'"source":{{"schema":"s","table":"t","ts_ms":1}},"op":"c","ts_ms":1}}\n')
    folder = tmp_path_factory.mktemp("conform")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = folder / "worker.properties"
    path.write_text(f"bootstrap.servers={stack.bootstrap}\nlisteners=http://127.0.0.1:{port}\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "run", "-w", path], stderr=log,
                                   stdin=subprocess.DEVNULL)
    uri = stack.database("conform")
    try:
        theirs = Side(stack.environment["FIELDTRAIL_CONNECT_URL"], "FileStreamSink",
                      {"connector.class": "FileStreamSink", "topics": TOPIC, "key.converter": PLAIN,
                       "value.converter": PLAIN, "file": f"{folder}/out"})
        ours = Side(f"http://127.0.0.1:{port}", "PostgresSink",
                    {"connector.class": "PostgresSink", "topics": TOPIC, "pivot.fields": "*",
                     "table": "t", "table.create": "true", "connection.uri": uri,
                     # Of one name on one cluster they would be members of one group.
                     "consumer.override.group.id": "conform-ours"})
        wait_until(lambda: knows_kafka(ours), "our worker")
        yield theirs, ours
    finally:
        process.terminate()
        assert process.wait(30) == 0


def knows_kafka(side):
    try:
        return side.ask("GET", "/")["body"]["kafka_cluster_id"] != ""
    except OSError:
        return False


def read_accepted():
    """The table of src/rest/README.md: patterns of names, what differs, the two statuses."""
    rows = []
    for line in (TOP / "src" / "rest" / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 5 and cells[0].startswith("`"):
            patterns = [each.strip().strip("`") for each in cells[0].split(";")]
            rows.append((patterns, {each.strip() for each in cells[1].split(",")}, cells[2:4]))
    return rows


def differences(theirs, ours):
    found = {key for key in ("status", "type", "location", "allow") if theirs[key] != ours[key]}
    left, right = theirs["body"], ours["body"]
    if isinstance(left, dict) and isinstance(right, dict) and len(left) < 10:
        return found | {f"body.{key}" for key in set(left) | set(right)
                        if left.get(key, "(none)") != right.get(key, "(none)")}
    return found | ({"body"} if left != right else set())


def wait_for(side, path, what):
    kind, wanted = what

    def there():
        if kind == "offset":
            answer = side.ask("GET", "/connectors/one/offsets")["body"]
            return [each["offset"]["kafka_offset"] for each in answer["offsets"]] == [wanted]
        if kind == "topics":
            answer = side.ask("GET", "/connectors/one/topics")["body"]
            return answer["one"]["topics"] == wanted
        name = path.split("/")[2].split("?")[0]
        answer = side.ask("GET", f"/connectors/{name}/status")
        if answer["status"] == 404 and name == "new":
            return True
        body = answer["body"]
        return answer["status"] == 200 and (body["connector"]["state"], *(
            task["state"] for task in body["tasks"])) == wanted

    try:
        wait_until(there, f"{path}: {what}", 60)
    except AssertionError as late:
        raise AssertionError(f"{side.plugin}: {late}: {side.ask('GET', '/connectors/one/offsets')} "
                             f"{side.ask('GET', '/connectors/one/status')}") from late


def ask(side, step):
    _, method, path, body, more = step
    headers = more if isinstance(more, dict) else None
    if isinstance(more, tuple):
        wait_for(side, path, more)
    if isinstance(body, tuple) and body[0] == CREATE:
        body = dict(body[1], config=dict(side.config, **body[2]))
    elif isinstance(body, tuple):
        body = dict(side.config, **body[1])
    answer = side.ask(method, path, body, headers)
    # A rebalance of its workers may be under way.
    for _ in range(100):
        if answer["status"] != 409 or "rebalance" not in str(answer["body"]):
            break
        time.sleep(0.1)
        answer = side.ask(method, path, body, headers)
    return answer


def test_every_path_and_method_is_asked():
    asked = {(method, path.split("?")[0]) for _, method, path, _, _ in STEPS}
    assert {(method, path) for path, methods in PATHS.items()
            for method in [*methods, "OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"]} \
        <= asked
    assert len({step[0] for step in STEPS}) == len(STEPS), "two cases have one name"


def test_answers_are_kafka_connects(sides):
    theirs, ours = sides
    accepted, used, wrong = read_accepted(), set(), []
    for step in STEPS:
        left, right = ask(theirs, step), ask(ours, step)
        found, allowed = differences(left, right), set()
        for number, (patterns, what, statuses) in enumerate(accepted):
            if any(fnmatch.fnmatchcase(step[0], pattern) for pattern in patterns):
                allowed |= what
                used.add(number)
                if "status" in what and [str(left["status"]), str(right["status"])] != statuses:
                    found.add("statuses")
                break
        if found != allowed:
            wrong.append(f"{step[0]}: {sorted(found)}, accepted {sorted(allowed)}\n"
                         f"    Connect: {json.dumps(left)[:600]}\n    ours:    "
                         f"{json.dumps(right)[:600]}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert used == set(range(len(accepted))), "rows of the table that nothing matches"


def test_validation_has_the_shape_of_connects(sides):
    """The options differ; how they are told does not."""
    shapes = []
    for side in sides:
        answer = side.ask("PUT", "/connector-plugins/PLUGIN/config/validate",
                          dict(side.config, name="v", **{"tasks.max": "x"}))
        body = answer["body"]
        wrong = [each["value"]["name"] for each in body["configs"] if each["value"]["errors"]]
        shapes.append((answer["status"], set(body), body["error_count"] > 0, wrong,
                       {frozenset(each["definition"]) for each in body["configs"]},
                       {frozenset(each["value"]) for each in body["configs"]},
                       {each["definition"]["importance"] for each in body["configs"]}
                       <= {"HIGH", "MEDIUM", "LOW"},
                       {key: [type(each["definition"][key]) for each in body["configs"]
                              if each["definition"]["name"] == "tasks.max"][0]
                        for key in ("required", "default_value", "order", "dependents")}))
    assert shapes[0] == shapes[1]
