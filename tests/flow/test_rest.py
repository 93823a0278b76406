"""`fieldtrail run` as a Kafka Connect worker, seen through its REST interface. No broker and no target
is there: what is tested is what the interface says and what it refuses. The answers are those that
a real Kafka Connect 4.0.0 gave; tests/live/test_conformance.py asks one."""
import base64
import hashlib
import json
import subprocess
import threading
import urllib.parse

import pytest

from helpers import BIN, wait_for
from rest_kit import CONFIG, JSON, Worker


# ---- what Connect says where nothing is there ----

REFUSED = [
    ("GET", "/nowhere", None, 404, "HTTP 404 Not Found"),
    ("GET", "/connectors/x/nosuch", None, 404, "HTTP 404 Not Found"),
    ("DELETE", "/connectors", None, 405, "HTTP 405 Method Not Allowed"),
    ("POST", "/", {}, 405, "HTTP 405 Method Not Allowed"),
    ("PUT", "/connectors/x/status", {}, 405, "HTTP 405 Method Not Allowed"),
    ("GET", "/connectors/x", None, 404, "Connector x not found"),
    ("GET", "/connectors/x/config", None, 404, "Connector x not found"),
    ("GET", "/connectors/x/tasks", None, 404, "Connector x not found"),
    ("GET", "/connectors/x/offsets", None, 404, "Connector x not found"),
    ("GET", "/connectors/x/status", None, 404, "No status found for connector x"),
    ("GET", "/connectors/x/tasks/0/status", None, 404, "No status found for task x-0"),
    ("POST", "/connectors/x/restart", None, 404, "Unknown connector: x"),
    ("POST", "/connectors/x/restart?includeTasks=true", None, 404, "Unknown connector: x"),
    ("POST", "/connectors/x/tasks/0/restart", None, 404, "Unknown connector: x"),
    ("POST", "/connectors/x/tasks/y/restart", None, 404, "HTTP 404 Not Found"),
    ("PUT", "/connectors/x/pause", None, 404, "Unknown connector x"),
    ("PUT", "/connectors/x/resume", None, 404, "Unknown connector x"),
    ("PUT", "/connectors/x/stop", None, 404, "Unknown connector x"),
    ("DELETE", "/connectors/x", None, 404, "Connector x not found"),
    ("DELETE", "/connectors/x/offsets", None, 404, "Connector x not found"),
    ("PATCH", "/connectors/x/config", {"a": None}, 404, "Connector x not found"),
    ("PATCH", "/connectors/x/offsets", {}, 400,
     "Partitions / offsets need to be provided for an alter offsets request"),
    ("GET", "/connector-plugins/x/config", None, 404, "Unknown plugin x."),
    ("GET", "/admin/loggers/x.y", None, 404, "Logger x.y not found."),
    ("PUT", "/admin/loggers/root", {"level": "LOUD"}, 404, "invalid log level 'LOUD'."),
    ("PUT", "/admin/loggers/root", {}, 400,
     "Desired 'level' parameter was not specified in request."),
]


@pytest.mark.parametrize("method, path, body, status, message", REFUSED)
def test_refusals_are_connects(worker, method, path, body, status, message):
    got, headers, answer = worker.ask(method, path, body)
    assert (got, answer) == (status, {"error_code": status, "message": message})
    assert headers["Content-Type"] == "application/json"


def test_the_server_says_what_it_is(worker):
    status, _, answer = worker.ask("GET", "/")
    assert status == 200 and set(answer) == {"version", "commit", "kafka_cluster_id"}
    assert worker.ask("GET", "/health")[::2] == (200, {
        "status": "healthy",
        "message": "Worker has completed startup and is ready to handle requests."})
    assert worker.ask("GET", "/health/live")[0] == worker.ask("GET", "/health/ready")[0] == 200
    status, headers, answer = worker.ask("OPTIONS", "/connectors")
    assert status == 200 and set(headers["Allow"].split(",")) == {"HEAD", "GET", "POST", "OPTIONS"}
    assert worker.ask("HEAD", "/connectors")[::2] == (200, b"")


@pytest.mark.parametrize("accept, status", [
    ("application/json", 200), ("*/*", 200), ("application/*", 200), ("text/html", 406),
    ("text/html,application/json;q=0.9", 200), ("application/json;q=0", 406), ("", 200)])
def test_accept(worker, accept, status):
    assert worker.ask("GET", "/connectors", headers={"Accept": accept})[0] == status


# ---- a connector's life ----

def test_life(worker):
    status, headers, answer = worker.create(**{"tasks.max": 2, "errors.log.enable": True})
    assert status == 201
    assert headers["Location"] == f"http://127.0.0.1:{worker.port}/connectors/one"
    assert "Warning" in headers, "it is said that the change does not last"
    config = dict(CONFIG, name="one", **{"tasks.max": "2", "errors.log.enable": "true"})
    tasks = [{"connector": "one", "task": 0}, {"connector": "one", "task": 1}]
    assert answer == {"name": "one", "config": config, "tasks": tasks, "type": "sink"}
    assert worker.ask("GET", "/connectors/one")[2] == answer
    assert worker.ask("GET", "/connectors/one/config")[2] == config
    assert worker.create()[::2] == (409, {"error_code": 409,
                                          "message": "Connector one already exists"})
    me = f"127.0.0.1:{worker.port}"

    def states():
        answer = worker.ask("GET", "/connectors/one/status")[2]
        assert answer["name"] == "one" and answer["type"] == "sink"
        assert all(each["worker_id"] == me for each in answer["tasks"] + [answer["connector"]])
        return [answer["connector"]["state"]] + [each["state"] for each in answer["tasks"]]

    assert wait_for(lambda: states() == ["RUNNING"] * 3, 10)
    assert worker.ask("PUT", "/connectors/one/pause")[0] == 202
    assert wait_for(lambda: states() == ["PAUSED"] * 3, 10)
    assert worker.ask("POST", "/connectors/one/restart")[0] == 204
    status, _, answer = worker.ask("POST", "/connectors/one/restart?includeTasks=true")
    assert status == 202
    assert [answer["connector"]["state"]] + [t["state"] for t in answer["tasks"]] \
        == ["RESTARTING"] * 3
    assert wait_for(lambda: states() == ["PAUSED"] * 3, 30), "it stays paused"
    assert worker.ask("PUT", "/connectors/one/resume")[0] == 202
    assert wait_for(lambda: states() == ["RUNNING"] * 3, 10)
    assert worker.ask("POST", "/connectors/one/tasks/1/restart")[0] == 204
    assert worker.ask("POST", "/connectors/one/tasks/2/restart")[::2] == (
        404, {"error_code": 404, "message": "Unknown task: one-2"})
    assert wait_for(lambda: states() == ["RUNNING"] * 3, 30)
    status, _, answer = worker.ask("PATCH", "/connectors/one/config",
                                   {"tasks.max": 1, "errors.log.enable": None})
    assert (status, answer["config"]) == (200, dict(CONFIG, name="one", **{"tasks.max": "1"}))
    assert wait_for(lambda: states() == ["RUNNING"] * 2, 30)
    assert worker.ask("DELETE", "/connectors/one/offsets")[::2] == (400, {
        "error_code": 400,
        "message": "Connectors must be in the STOPPED state before their offsets can be modified. "
                   "This can be done for the specified connector by issuing a 'PUT' request to the "
                   "'/connectors/one/stop' endpoint"})
    assert worker.ask("PUT", "/connectors/one/stop")[0] == 204
    assert wait_for(lambda: states() == ["STOPPED"], 30)
    assert worker.ask("GET", "/connectors/one/tasks")[2] == []
    assert worker.ask("DELETE", "/connectors/one")[0] == 204
    assert worker.ask("GET", "/connectors")[2] == []


def test_expansions(worker):
    worker.create("a")
    worker.create("b")
    assert worker.ask("GET", "/connectors?expand=foo")[2] == {"a": {}, "b": {}}
    both = worker.ask("GET", "/connectors?expand=status&expand=info")[2]
    assert set(both) == {"a", "b"} and set(both["a"]) == {"status", "info"}
    assert both["b"]["info"] == worker.ask("GET", "/connectors/b")[2]


@pytest.mark.parametrize("name", ["a/b", 'quo"te', "ünïcode ☂", "a b", "100%", "..", "a;b=c", "a?b"])
def test_awkward_names(worker, name):
    status, headers, _ = worker.create(name)
    assert status == 201
    assert urllib.parse.urlsplit(headers["Location"]).path \
        == "/connectors/" + urllib.parse.quote(name, safe="")
    path = "/connectors/" + urllib.parse.quote(name, safe="")
    assert worker.ask("GET", path)[2]["name"] == name
    assert worker.ask("GET", "/connectors")[2] == [name]
    assert worker.ask("GET", path + "/status")[2]["name"] == name
    assert worker.ask("DELETE", path)[0] == 204


@pytest.mark.parametrize("state, wanted", [("paused", "PAUSED"), ("STOPPED", "STOPPED"),
                                           ("Running", "RUNNING")])
def test_initial_state(worker, state, wanted):
    body = {"name": "one", "config": CONFIG, "initial_state": state}
    assert worker.ask("POST", "/connectors", body)[0] == 201
    assert worker.ask("GET", "/connectors/one/status")[2]["connector"]["state"] == wanted


def test_what_is_put_to_a_paused_connector_stays_paused(worker):
    worker.ask("POST", "/connectors", {"name": "one", "config": CONFIG, "initial_state": "PAUSED"})
    assert worker.ask("PUT", "/connectors/one/config", CONFIG)[0] == 200
    assert worker.ask("GET", "/connectors/one/status")[2]["connector"]["state"] == "PAUSED"
    assert worker.ask("PUT", "/connectors/two/config", CONFIG)[0] == 201


# ---- configurations that are wrong ----

WRONG = [
    ({"tasks.max": "x"}, "tasks.max"),
    ({"nosuchkey": "x"}, "unknown key nosuchkey"),
    ({"connector.class": "NoSuch"}, "PostgresSink"),
    ({"topics.regex": "x.*"}, "topics"),
    ({"connection.uri": "${env:FIELDTRAIL_NOT_THERE}"}, "FIELDTRAIL_NOT_THERE"),
    ({"errors.tolerance": "all"}, "errors.deadletterqueue"),
    ({"consumer.override.no.such.key": "x"}, "no.such.key"),
]


@pytest.mark.parametrize("change, part", WRONG)
def test_wrong_configurations(worker, change, part):
    status, _, answer = worker.create(**change)
    assert status == 400 and part in answer["message"]
    assert answer["message"].startswith(
        "Connector configuration is invalid and contains the following 1 error(s):\n")
    assert worker.ask("GET", "/connectors")[2] == []
    if "connector.class" not in change:
        status, _, answer = worker.ask("PUT", "/connector-plugins/PostgresSink/config/validate",
                                       dict(CONFIG, name="v", **change))
        assert (status, answer["error_count"]) == (200, 1)
        wrong = [each for each in answer["configs"] if each["value"]["errors"]]
        assert len(wrong) == 1 and part in wrong[0]["value"]["errors"][0]


@pytest.mark.parametrize("body, part", [
    ("{bad", "not JSON"), ("", "no body"), ("[]", "object"), ('"s"', "object"), ("null", "object"),
    ('{"name":"x"}', "object of keys"), ('{"name":"x","config":[]}', "object of keys"),
    ('{"name":"x","config":{},"foo":1}', "unknown field foo"),
    ('{"name":"x","config":{"a":{}}}', "the value of a"),
    ('{"name":"x","config":{"a":null}}', "the value of a is null"),
    ('{"name":"x","config":{}}', "no connector type"),
    ('{"name":"x","config":{"name":"y"}}', "doesn't match connector name"),
    ('{"name":"x","initial_state":"foo","config":{}}', "initial_state"),
    pytest.param("[" * 5000, "nested deeper than", id="deep"),
    ('{"name":"\\ud800","config":{}}', "lone surrogate"),
    ('{"name":"a\\u0000b","config":{"connector.class":"PostgresSink"}}', "")])
def test_malformed_bodies(worker, body, part):
    status, _, answer = worker.ask("POST", "/connectors", body.encode(), JSON, raw=True)
    assert status == 400 and part in answer["message"]
    assert worker.ask("GET", "/connectors")[2] == []


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Type": ""}, {},
                                     {"Content-Type": "application/x-www-form-urlencoded"}])
def test_only_json_is_taken(worker, headers):
    body = json.dumps({"name": "one", "config": CONFIG}).encode()
    assert worker.ask("POST", "/connectors", body, headers, raw=True)[0] == 415
    assert worker.ask("GET", "/connectors")[2] == []


def test_validation_knows_every_option(worker):
    reference = (BIN.parent.parent / "connectors" / "README.md")
    status, _, answer = worker.ask("PUT", "/connector-plugins/PostgresSink/config/validate",
                                   dict(CONFIG, name="v"))
    assert status == 200 and answer["error_count"] == 0 and answer["name"] == "PostgresSink"
    definitions = worker.ask("GET", "/connector-plugins/PostgresSink/config")[2]
    shown = [each["definition"] for each in answer["configs"]]
    assert shown == definitions
    for each in shown:
        assert set(each) == {"name", "type", "required", "default_value", "importance",
                             "documentation", "group", "width", "display_name", "dependents",
                             "order"}
        assert each["group"] in answer["groups"]
    names = [each["name"] for each in shown]
    assert len(names) == len(set(names))
    if reference.is_file():
        text = reference.read_text()
        assert all(f"`{name}`" in text for name in names)


# ---- secrets ----

def test_secrets(tmp_path):
    path = tmp_path / "auth"
    token = hashlib.sha256(b"token").hexdigest()
    path.write_text(f"# who\nwrite basic alice:s3:cret\nread bearer sha256:{token}\n")
    path.chmod(0o600)
    worker = Worker(tmp_path, rest_auth_file=str(path))
    try:
        basic = {"Authorization": "Basic " + base64.b64encode(b"alice:s3:cret").decode()}
        bearer = {"Authorization": "Bearer token"}
        config = dict(CONFIG, **{"consumer.override.sasl.password": "geheim",
                                 "source.connection.uri": "host=h password='ge heim' user=${env:HOME}"})
        body = {"name": "one", "config": config}
        assert worker.ask("GET", "/health")[0] == 200
        for nobody in ({}, {"Authorization": "Bearer tokem"}, {"Authorization": "Bearer "},
                       {"Authorization": "Basic " + base64.b64encode(b"alice:x").decode()},
                       {"Authorization": "Basic !!"}, {"Authorization": "Bearer " + token}):
            for target in ("/connectors", "/nowhere", "/", "/metrics"):
                status, headers, _ = worker.ask("GET", target, headers=nobody)
                assert status == 401 and "Basic" in headers["WWW-Authenticate"]
        assert worker.ask("POST", "/connectors", body, bearer)[0] == 403
        status, _, answer = worker.ask("POST", "/connectors", body, basic)
        assert status == 201 and answer["config"] == dict(config, name="one")
        hidden = worker.ask("GET", "/connectors/one/config", headers=bearer)[2]
        assert "geheim" not in json.dumps(hidden) and "ge heim" not in json.dumps(hidden)
        assert hidden["connection.uri"] == "postgresql://u:[hidden]@127.0.0.1:1/d"
        assert hidden["source.connection.uri"] == "host=h password=[hidden] user=${env:HOME}"
        assert hidden["consumer.override.sasl.password"] == "[hidden]"
        # What is written back hidden is kept as it is.
        assert worker.ask("PUT", "/connectors/one/config", hidden, basic)[0] == 200
        assert worker.ask("GET", "/connectors/one/config", headers=basic)[2] \
            == dict(config, name="one")
        assert "geheim" not in worker.log.read_text()
    finally:
        worker.stop()


def test_secrets_can_be_hidden_from_all(tmp_path):
    worker = Worker(tmp_path, rest_secrets="hide")
    try:
        answer = worker.create()[2]
        assert answer["config"]["connection.uri"] == "postgresql://u:[hidden]@127.0.0.1:1/d"
    finally:
        worker.stop()


# ---- from where ----

@pytest.mark.parametrize("headers, status", [
    ({"Host": "localhost:1234"}, 201), ({"Host": "127.0.0.1"}, 201), ({"Host": "[::1]:8083"}, 201),
    ({"Host": "evil.example"}, 403), ({"Host": "127.0.0.1.evil.example"}, 403),
    ({"Host": "localhost.evil.example:8083"}, 403),
    ({"Host": "localhost:80", "Origin": "http://localhost"}, 201),
    ({"Host": "localhost:8083", "Origin": "http://localhost:8083"}, 201),
    ({"Host": "localhost:8083", "Origin": "http://localhost:9000"}, 403),
    ({"Host": "localhost:8083", "Origin": "http://evil.example"}, 403),
    ({"Host": "localhost:8083", "Origin": "null"}, 403),
    ({"Host": "localhost:8083", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"Host": "localhost:8083", "Sec-Fetch-Site": "same-origin"}, 201)])
def test_other_sites_are_refused(worker, headers, status):
    body = {"name": "one", "config": CONFIG}
    assert worker.ask("POST", "/connectors", body, dict(JSON, **headers))[0] == status
    assert worker.ask("GET", "/connectors")[2] == (["one"] if status == 201 else [])


def run_once(tmp_path, **properties):
    path = tmp_path / "worker.properties"
    path.write_text("".join(f"{key.replace('_', '.')}={value}\n"
                            for key, value in properties.items()))
    return subprocess.run([BIN, "run", "-w", path], stdin=subprocess.DEVNULL, timeout=30, text=True,
                          capture_output=True)


def test_other_addresses_need_credentials(tmp_path):
    done = run_once(tmp_path, listeners="http://0.0.0.0:0")
    assert done.returncode == 2 and "rest.auth.file" in done.stderr


@pytest.mark.parametrize("value, part", [
    ("ftp://127.0.0.1:1", "expected http://HOST:PORT"), ("http://127.0.0.1", "expected http"),
    ("http://127.0.0.1:99999", "expected http"), ("https://127.0.0.1:0", "keystore.location")])
def test_wrong_listeners(tmp_path, value, part):
    done = run_once(tmp_path, listeners=value)
    assert done.returncode == 2 and part in done.stderr


def test_wrong_credentials_file(tmp_path):
    (tmp_path / "auth").write_text("write basic a:b\nadmin basic c:d\n")
    done = run_once(tmp_path, listeners="http://127.0.0.1:0", rest_auth_file=tmp_path / "auth")
    assert done.returncode == 2 and "auth:2: expected `read` or `write`" in done.stderr
    done = run_once(tmp_path, listeners="http://127.0.0.1:0", rest_auth_file=tmp_path / "none")
    assert done.returncode == 2 and "cannot read" in done.stderr


def test_a_port_that_is_taken(tmp_path, worker):
    done = run_once(tmp_path, listeners=f"http://127.0.0.1:{worker.port}")
    assert done.returncode == 1 and "choose another port" in done.stderr


def test_one_name_is_created_once(worker):
    for round_ in range(10):
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(worker.create(f"r{round_}")[0]))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [201, 409, 409, 409]
        worker.ask("DELETE", f"/connectors/r{round_}")


def test_loggers(worker):
    assert worker.ask("GET", "/admin/loggers")[2]["root"] == {"level": "INFO",
                                                              "last_modified": None}
    assert worker.ask("PUT", "/admin/loggers/root", {"level": "debug"})[::2] == (200, ["root"])
    assert worker.ask("GET", "/admin/loggers/root")[2]["level"] == "DEBUG"
    assert worker.ask("PUT", "/admin/loggers/no.such", {"level": "INFO"})[::2] == (200, [])
    assert worker.ask("PUT", "/admin/loggers/root?scope=cluster", {"level": "INFO"})[0] == 204
    assert worker.ask("GET", "/admin/loggers/root")[2]["level"] == "INFO"
