"""Every path and method of Kafka Connect's REST interface, asked of a real Kafka Connect 4.0.0 and of
`fieldtrail run`, and the answers compared field by field: status, content type, Location, body. Its
connector there is FileStreamSink, here PostgresSink, both reading one topic of the same broker; class
and configuration are replaced by words before they are compared. ACCEPTED lists every difference
there may be, with its reason; one that is no difference any more fails the test too."""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.parse

import pytest

import worker_kit
from worker_kit import wait_until

PLAIN = "org.apache.kafka.connect.storage.StringConverter"
TOPIC = "conform"


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
    os.environ["FIELDTRAIL_CONNECT_CLASSPATH"] = f"{file_connector()}/*"
    try:
        yield from worker_kit.start_stack("connect")
    finally:
        del os.environ["FIELDTRAIL_CONNECT_CLASSPATH"]


class Side:
    """One of the two, and what it calls things."""

    def __init__(self, url, plugin, config):
        self.host = url.split("//")[1]
        self.plugin, self.config = plugin, config

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=100)
        sent = dict({"Content-Type": "application/json"} if body is not None else {},
                    **(headers or {}))
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
        connection.close()
        place = urllib.parse.urlsplit(answer.getheader("Location") or "")
        if place.netloc:
            assert place.netloc == self.host
        return {"status": answer.status, "type": answer.getheader("Content-Type"),
                "location": place.path, "body": self.rename(value)}

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
def sides(stack, binary):
    stack.create_topic(TOPIC, 1)
    for number in range(5):
        stack.run("kcat", "-P", "-b", stack.bootstrap, "-t", TOPIC, "-K|",
                  input=f'{{"id":{number}}}|{{"before":null,"after":{{"id":{number},"a":"x"}},'
                        f'"source":{{"schema":"s","table":"t","ts_ms":1}},"op":"c","ts_ms":1}}\n')
    folder = tempfile.mkdtemp(prefix="fieldtrail-conform-")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = pathlib.Path(folder) / "worker.properties"
    path.write_text(f"bootstrap.servers={stack.bootstrap}\nlisteners=http://127.0.0.1:{port}\n")
    log = (pathlib.Path(folder) / "log").open("wb")
    process = subprocess.Popen([binary, "run", "-w", path], stderr=log, stdin=subprocess.DEVNULL)
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
        wait_until(lambda: can_ask(ours), "our worker")
        yield theirs, ours
    finally:
        process.terminate()
        assert process.wait(30) == 0


def can_ask(side):
    try:
        return side.ask("GET", "/")["status"] == 200
    except OSError:
        return False


def offsets(offset, **partition):
    return {"offsets": [{"partition": partition or {"kafka_topic": TOPIC, "kafka_partition": 0},
                         "offset": offset}]}


CREATE, PUT = "CREATE", "PUT"  # bodies: the side's own configuration with what is given


def states(*wanted):
    """Waits for the states of the connector `one` and its tasks."""
    return ("one", wanted)


def reads(offset):
    """Waits until the connector's offset is there."""
    return ("offset", offset)


# name, method, path, body, what is waited for before the answer is asked for
STEPS = [
    ("list of nothing", "GET", "/connectors", None, None),
    ("list, slash at the end", "GET", "/connectors/", None, None),
    ("create", "POST", "/connectors", (CREATE, {"name": "one"}, {"tasks.max": 2, "errors.log.enable":
                                                                 True}), None),
    ("create again", "POST", "/connectors", (CREATE, {"name": "one"}, {}), None),
    ("create, other name inside", "POST", "/connectors", (CREATE, {"name": "x"}, {"name": "y"}),
     None),
    ("create, name in blanks", "POST", "/connectors", (CREATE, {"name": " two words "}, {}), None),
    ("delete, name of two words", "DELETE", "/connectors/two%20words", None, None),
    ("create without a name", "POST", "/connectors", (CREATE, {"name": ""}, {}), None),
    ("create paused", "POST", "/connectors", (CREATE, {"name": "p", "initial_state": "paused"}, {}),
     None),
    ("delete the paused", "DELETE", "/connectors/p", None, None),
    ("create, state unknown", "POST", "/connectors", (CREATE, {"name": "p", "initial_state": "x"},
                                                      {}), None),
    ("create, no class", "POST", "/connectors", {"name": "x", "config": {}}, None),
    ("create, unknown class", "POST", "/connectors",
     {"name": "x", "config": {"connector.class": "no"}}, None),
    ("create, no config", "POST", "/connectors", {"name": "x"}, None),
    ("create, unknown field", "POST", "/connectors", {"name": "x", "config": {}, "y": 1}, None),
    ("create, object for a value", "POST", "/connectors",
     (CREATE, {"name": "x"}, {"topics": {"a": 1}}), None),
    ("create, malformed", "POST", "/connectors", "{bad", None),
    ("create, an array", "POST", "/connectors", "[]", None),
    ("create, wrong number", "POST", "/connectors", (CREATE, {"name": "x"}, {"tasks.max": "x"}),
     None),
    ("get", "GET", "/connectors/one", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("get, slash at the end", "GET", "/connectors/one/", None, None),
    ("config", "GET", "/connectors/one/config", None, None),
    ("status", "GET", "/connectors/one/status", None, None),
    ("tasks", "GET", "/connectors/one/tasks", None, None),
    ("task status", "GET", "/connectors/one/tasks/1/status", None, None),
    ("task status, none", "GET", "/connectors/one/tasks/7/status", None, None),
    ("tasks-config is gone", "GET", "/connectors/one/tasks-config", None, None),
    ("expand", "GET", "/connectors?expand=status&expand=info", None, None),
    ("expand by a word unknown", "GET", "/connectors?expand=x", None, None),
    ("topics", "GET", "/connectors/one/topics", None, reads(5)),
    ("offsets", "GET", "/connectors/one/offsets", None, None),
    ("alter while it runs", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 2}), None),
    ("reset while it runs", "DELETE", "/connectors/one/offsets", None, None),
    ("pause", "PUT", "/connectors/one/pause", None, None),
    ("status, paused", "GET", "/connectors/one/status", None, states("PAUSED", "PAUSED", "PAUSED")),
    ("resume", "PUT", "/connectors/one/resume", None, None),
    ("restart all", "POST", "/connectors/one/restart?includeTasks=true&onlyFailed=false", None,
     states("RUNNING", "RUNNING", "RUNNING")),
    ("restart", "POST", "/connectors/one/restart", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("restart what failed", "POST", "/connectors/one/restart?includeTasks=true&onlyFailed=true",
     None, states("RUNNING", "RUNNING", "RUNNING")),
    ("restart a task", "POST", "/connectors/one/tasks/0/restart", None,
     states("RUNNING", "RUNNING", "RUNNING")),
    ("restart a task, none", "POST", "/connectors/one/tasks/9/restart", None, None),
    ("put", "PUT", "/connectors/one/config", (PUT, {"tasks.max": 1}),
     states("RUNNING", "RUNNING", "RUNNING")),
    ("put, other name inside", "PUT", "/connectors/one/config", (PUT, {"name": "y"}), None),
    ("put, no class", "PUT", "/connectors/one/config", {}, None),
    ("put, an array for a value", "PUT", "/connectors/one/config", {"a": ["b"]}, None),
    ("put, null", "PUT", "/connectors/one/config", "null", None),
    ("put a new one", "PUT", "/connectors/new/config", (PUT, {}), states("RUNNING", "RUNNING")),
    ("delete the new one", "DELETE", "/connectors/new", None, None),
    ("patch", "PATCH", "/connectors/one/config",
     {"errors.log.enable": "true", "tasks.max": 2, "consumer.override.x": None}, None),
    ("patch away", "PATCH", "/connectors/one/config", {"errors.log.enable": None},
     states("RUNNING", "RUNNING", "RUNNING")),
    ("stop", "PUT", "/connectors/one/stop", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("status, stopped", "GET", "/connectors/one/status", None, states("STOPPED")),
    ("get, stopped", "GET", "/connectors/one", None, None),
    ("tasks, stopped", "GET", "/connectors/one/tasks", None, None),
    ("task status, stopped", "GET", "/connectors/one/tasks/0/status", None, None),
    ("alter", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 2}), None),
    ("offsets, altered", "GET", "/connectors/one/offsets", None, None),
    ("alter by a text", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": "3"}), None),
    ("alter nothing", "PATCH", "/connectors/one/offsets", {"offsets": []}, None),
    ("alter, no list", "PATCH", "/connectors/one/offsets", {}, None),
    ("alter, other keys", "PATCH", "/connectors/one/offsets",
     offsets({"kafka_offset": 2}, topic="x"), None),
    ("alter, no number", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": "x"}), None),
    ("alter, other key of offset", "PATCH", "/connectors/one/offsets", offsets({"o": 1}), None),
    ("alter, below zero", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": -4}), None),
    ("alter, topic unknown", "PATCH", "/connectors/one/offsets",
     offsets({"kafka_offset": 1}, kafka_topic="no.such", kafka_partition=0), None),
    ("alter beyond the end", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 99}),
     None),
    ("reset", "DELETE", "/connectors/one/offsets", None, None),
    ("offsets, reset", "GET", "/connectors/one/offsets", None, None),
    ("reset topics", "PUT", "/connectors/one/topics/reset", None, None),
    ("topics, reset", "GET", "/connectors/one/topics", None, ("topics", [])),
    ("delete", "DELETE", "/connectors/one", None, None),
    ("delete again", "DELETE", "/connectors/one", None, None),
    ("list, empty again", "GET", "/connectors", None, None),
    ("validate, class missing", "PUT", "/connector-plugins/PLUGIN/config/validate", {}, None),
    ("validate, other class", "PUT", "/connector-plugins/PLUGIN/config/validate",
     {"connector.class": "other"}, None),
    ("config of a plugin unknown", "GET", "/connector-plugins/no/config", None, None),
    ("logger", "GET", "/admin/loggers/root", None, None),
    ("logger unknown", "GET", "/admin/loggers/no.such", None, None),
    ("level unknown", "PUT", "/admin/loggers/root", {"level": "LOUD"}, None),
    ("level missing", "PUT", "/admin/loggers/root", {}, None),
    ("level", "PUT", "/admin/loggers/root", {"level": "info"}, None),
    ("level, cluster", "PUT", "/admin/loggers/root?scope=cluster", {"level": "INFO"}, None),
    ("health", "GET", "/health", None, None),
    ("options", "OPTIONS", "/connectors", None, None),
    ("path unknown", "GET", "/nowhere", None, None),
    ("path unknown below", "GET", "/connectors/one/x", None, None),
    ("method unknown", "DELETE", "/connectors", None, None),
    ("method unknown below", "PUT", "/connectors/one/status", {}, None),
    ("other type", "POST", "/connectors", "{}", {"Content-Type": "text/plain"}),
    ("other answer", "GET", "/connectors", None, {"Accept": "text/html"}),
    ("any answer", "GET", "/connectors", None, {"Accept": "text/html,*/*;q=0.1"}),
] + [(f"none: {method} {path}", method, "/connectors/none" + path, None, None)
     for method, path in [
         ("GET", ""), ("GET", "/config"), ("GET", "/status"), ("GET", "/tasks"),
         ("GET", "/tasks/0/status"), ("GET", "/topics"), ("GET", "/offsets"), ("DELETE", ""),
         ("DELETE", "/offsets"), ("PUT", "/pause"), ("PUT", "/resume"), ("PUT", "/stop"),
         ("PUT", "/topics/reset"), ("POST", "/restart"), ("POST", "/restart?includeTasks=true"),
         ("POST", "/tasks/0/restart")]]

BAD = "what a client sent wrong is its mistake: 400, and not 500"
TASKS = "ids of tasks are known at once, for they do not depend on the connector"
WORDS = "the message says the same in words of its own"
TYPE = "all errors say that they are JSON"
ACCEPTED = {
    "create": ({"body.tasks"}, TASKS),
    "create, name in blanks": ({"body.tasks"}, TASKS),
    "create paused": ({"body.tasks"}, TASKS),
    "put a new one": ({"body.tasks"}, TASKS),
    "create, state unknown": ({"status", "body.error_code", "body.message"}, BAD),
    "create, no class": ({"body.message"}, WORDS + ", without the configuration's values"),
    "create, unknown class": ({"status", "body.error_code", "body.message"}, BAD),
    "create, no config": ({"status", "body.error_code", "body.message"}, BAD),
    "create, unknown field": ({"status", "body.error_code", "body.message"}, BAD),
    "create, object for a value": ({"status", "body.error_code", "body.message"}, BAD),
    "create, malformed": ({"status", "body.error_code", "body.message"}, BAD),
    "create, an array": ({"status", "body.error_code", "body.message"}, BAD),
    "create, wrong number": ({"body.message"}, WORDS),
    "put, no class": ({"body.message"}, WORDS + ", without the configuration's values"),
    "put, an array for a value": ({"status", "body.error_code", "body.message"}, BAD),
    "put, null": ({"status", "body.error_code", "body.message"}, BAD),
    "put": ({"body.tasks"}, "tasks of the new number at once"),
    "patch": ({"body.tasks"}, "tasks of the new number at once"),
    "tasks": ({"body"}, "Connect adds the Java class of its tasks"),
    "alter, below zero": ({"status", "body.error_code", "body.message"}, BAD),
    "alter, topic unknown": ({"status", "body.error_code", "body.message"}, BAD),
    "alter beyond the end": ({"status", "body.error_code", "body.message"},
                             "an offset outside the log is refused, not stored"),
    "offsets, reset": ({"body.offsets"}, "a reset resolves auto.offset.reset now and stores the "
                                         "number, so that the start cannot move meanwhile"),
    "validate, class missing": ({"status", "body.error_code", "body.message"}, BAD),
    "level": ({"body"}, "loggers have other names"),
    "options": ({"body"}, "methods in another order"),
    **{name: ({"type"}, TYPE) for name in [
        "tasks-config is gone", "path unknown", "path unknown below", "method unknown",
        "method unknown below", "other type", "other answer"]},
}


def differences(theirs, ours):
    found = {key for key in ("status", "type", "location") if theirs[key] != ours[key]}
    left, right = theirs["body"], ours["body"]
    if isinstance(left, dict) and isinstance(right, dict):
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


def test_answers_are_kafka_connects(sides):
    theirs, ours = sides
    wrong = []
    for step in STEPS:
        left, right = ask(theirs, step), ask(ours, step)
        allowed, _ = ACCEPTED.get(step[0], (set(), ""))
        found = differences(left, right)
        if found != allowed:
            wrong.append(f"{step[0]}: {sorted(found)}, accepted {sorted(allowed)}\n"
                         f"    Connect: {json.dumps(left)[:600]}\n    ours:    "
                         f"{json.dumps(right)[:600]}")
    assert not wrong, "\n" + "\n".join(wrong)


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
