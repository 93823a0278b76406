"""A worker with REST, for the tests that ask it."""
import http.client
import json
import re
import signal
import socket
import subprocess

from helpers import BIN, wait_for

CONFIG = {"connector.class": "PostgresSink", "topics": "src.s.t", "table": "t",
          "pivot.fields": "*", "connection.uri": "postgresql://u:geheim@127.0.0.1:1/d"}
JSON = {"Content-Type": "application/json"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Worker:
    """A worker with REST on a port of its own."""

    def __init__(self, folder, *files, scheme="http", **properties):
        self.port = free_port()
        self.log = folder / f"log.{self.port}"
        path = folder / f"worker.{self.port}.properties"
        settings = {"listeners": f"{scheme}://127.0.0.1:{self.port}",
                    "bootstrap.servers": "127.0.0.1:1"}
        settings.update({key.replace("_", "."): value for key, value in properties.items()})
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self.process = subprocess.Popen([BIN, "run", "-w", path, *files],
                                        stderr=self.log.open("wb"), stdin=subprocess.DEVNULL)
        assert wait_for(lambda: self.process.poll() is not None or self.answers(), 20)
        assert self.process.poll() is None, self.log.read_text()

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def ask(self, method, path, body=None, headers=None, raw=False):
        """Status, headers and the body, as JSON where it is some."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = dict(headers or {})
            if body is not None and not raw:
                body = json.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = text and "json" in (answer.getheader("Content-Type") or "")
        return answer.status, dict(answer.getheaders()), json.loads(text) if is_json else text

    def create(self, name="one", **more):
        return self.ask("POST", "/connectors", {"name": name, "config": dict(CONFIG, **more)})

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) in (0, 1)

    def resident(self):
        status = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024
