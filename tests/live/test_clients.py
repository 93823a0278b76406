"""Clients of Kafka Connect's REST interface as others wrote them, from PyPI and unchanged, lead a
connector of the worker through its life: create, status, pause, resume, update, restart, delete. What
each step did is looked at apart from them. Where the registry cannot be reached they are skipped."""
import fcntl
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

import worker_kit
from worker_kit import wait_until

CACHE = pathlib.Path(os.environ.get("FIELDTRAIL_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "fieldtrail")) / "clients"


def install(package, version):
    """An environment that holds the package and what it needs; made once. The path of its python."""
    folder = CACHE / f"{package}-{version}"
    python, done = folder / "bin" / "python", folder / "installed"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be at it
        if not done.exists():
            make_environment(package, version, folder, python)
            done.touch()
    return python


def make_environment(package, version, folder, python):
    for command in ([sys.executable, "-m", "venv", "--clear", folder],
                    [python, "-m", "pip", "install", "-q", f"{package}=={version}"]):
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"{package} cannot be had here: {(made.stderr or made.stdout)[-300:]}")


def run(*command, **keywords):
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, timeout=120,
                          **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Site:
    """A worker and plain requests to it."""

    def __init__(self, bench):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        bench.properties.write_text(
            f"bootstrap.servers={bench.stack.bootstrap}\nlisteners={self.url}\n")
        self.config = json.loads(bench.connector("one").read_text())["config"]
        self.worker = bench.worker()
        wait_until(lambda: self.get("/health/live"), "the worker's REST")

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError):
            return None

    def is_in(self, state, tasks=1):
        """Waits until the connector and all its tasks are in that state."""
        def there():
            status = self.get("/connectors/one/status")
            return status and [status["connector"]["state"], *(
                task["state"] for task in status["tasks"])] == [state] * (tasks + 1)
        wait_until(there, f"{state}, {tasks} tasks", 60)


class Kc:
    """kafka-connect-py: the command `kc`."""
    package, version = "kafka-connect-py", "1.0.0"

    def __init__(self, python, site):
        self.command = [python.parent / "kc", "--url", site.url]

    def kc(self, *arguments):
        text = run(*self.command, *arguments)
        assert not re.search(r"\b[Ee]rror\b", text), text
        return json.loads(text) if text.strip() else None

    def create(self, name, config):
        assert self.kc("info")["version"] == "4.0.0"
        given = json.dumps({"name": name, "config": config})
        assert self.kc("create", "-d", given)["config"] == dict(config, name=name)

    def look(self, name):
        assert self.kc("list") == [name] and name in self.kc("list", "--expand", "info")
        assert self.kc("task-status", name, "0")["id"] == 0
        return self.kc("status", name), self.kc("config", name)

    def pause(self, name):
        self.kc("pause", name)

    def resume(self, name):
        self.kc("resume", "--all", "--pattern", name)

    def update(self, name, config):
        self.kc("update", name, "-d", json.dumps(config))

    def restart(self, name):
        self.kc("restart", name, "--include-tasks")
        self.kc("restart-task", name, "0")

    def delete(self, name):
        self.kc("delete", name)


class Cli:
    """kafka-connect-cli: `python -m kafka_connect`."""
    package, version = "kafka-connect-cli", "0.2.5"

    def __init__(self, python, site):
        self.start, self.end = [python, "-m", "kafka_connect"], ["--url", site.url]

    def cli(self, *arguments):
        text = run(*self.start, *arguments, *self.end)
        assert "Error" not in text, text
        return json.loads(text) if text.strip() else None

    def create(self, name, config):
        self.cli("connector", "create", "--name", name, "--configuration", json.dumps(config))

    def look(self, name):
        assert name in json.dumps(self.cli("connector", "list"))
        self.cli("health-check")
        assert len(self.cli("task", "list", "--connector", name)) == 1
        return self.cli("connector", "get", "--name", name), \
            self.cli("connector", "configuration", "--name", name)

    def pause(self, name):
        self.cli("connector", "pause", "--name", name)

    def resume(self, name):
        self.cli("connector", "resume-all", "--name", name)

    def update(self, name, config):
        self.cli("connector", "update", "--name", name, "--configuration", json.dumps(config))

    def restart(self, name):
        self.cli("connector", "restart", "--name", name)
        self.cli("task", "restart", "--connector", name, "--task", "0")

    def delete(self, name):
        self.cli("connector", "delete", "--name", name)


class Library:
    """kafka-connect-api: a library; what it is told comes as lines of Python."""
    package, version = "kafka-connect-api", "0.5.10"

    def __init__(self, python, site):
        self.python, self.site = python, site

    def tell(self, name, *lines):
        head = ["import json, sys", "from kafka_connect_api.kafka_connect_api import *",
                f"cluster = Cluster(Api('127.0.0.1', port={self.site.port}))",
                f"one = Connector(cluster, {name!r})", "given = json.load(sys.stdin)"]
        return run(self.python, "-c", "\n".join([*head, *lines]), input=json.dumps(self.site.config))

    def create(self, name, _):
        # Its own exists() raises where there is none.
        self.tell(name, "assert not cluster.connectors", "one.config = given", "assert one.exists()")

    def look(self, name):
        return json.loads(self.tell(
            name, f"assert list(cluster.connectors) == [{name!r}] and one.tasks[0].is_running()",
            "assert cluster.version == '4.0.0' and 'root' in cluster.loggers",
            "print(json.dumps([one.status, one.config]))"))

    def pause(self, name):
        self.tell(name, "one.pause()")

    def resume(self, name):
        self.tell(name, "one.resume()")

    def update(self, name, config):
        self.tell(name, f"one.config = {config!r}")

    def restart(self, name):
        self.tell(name, "one.restart()", "one.restart_all_tasks()", "one.cycle_connector()")

    def delete(self, name):
        self.tell(name, "one.delete()", "assert not cluster.connectors")


@pytest.mark.parametrize("client_type", [Kc, Cli, Library], ids=lambda each: each.package)
def test_a_life_by_a_client_of_others(stack, binary, tmp_path, client_type, request):
    python = install(client_type.package, client_type.version)
    name = "clients_" + client_type.__name__.lower()
    bench = worker_kit.Bench(stack, binary, tmp_path, name)
    stack.create_topic(bench.topic, 2)
    worker_kit.produce(stack, bench.topic, 300)
    try:
        site = Site(bench)
        client = client_type(python, site)
        config = site.config
        client.create("one", config)
        site.is_in("RUNNING")
        status, shown = client.look("one")
        assert "RUNNING" in json.dumps(status) and shown == dict(config, name="one")
        wait_until(lambda: bench.sql("select to_regclass('holding_pivot') is not null") == ["t"]
                   and bench.sql("select count(*) > 100 from holding_pivot") == ["t"], "rows")
        client.pause("one")
        site.is_in("PAUSED")
        client.resume("one")
        site.is_in("RUNNING")
        client.update("one", dict(config, **{"tasks.max": "2"}))
        site.is_in("RUNNING", 2)
        assert site.get("/connectors/one/config") == dict(config, name="one", **{"tasks.max": "2"})
        client.restart("one")
        site.is_in("RUNNING", 2)
        client.delete("one")
        assert site.get("/connectors") == []
        assert site.worker.stop() == 0
    finally:
        bench.close(tell=request.session.testsfailed > 0)
