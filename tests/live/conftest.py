"""Real servers for the live tests: one private instance of compose/local for the whole session, on
free ports, gone at the end. Where the servers cannot be had the tests are skipped by name."""
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


class Servers:
    """What `compose/local env` says of the running instance, and ways to use it."""

    def __init__(self, environment):
        self.environment = environment
        self.bootstrap = environment["FIELDTRAIL_BOOTSTRAP"]

    def run(self, *command, **keywords):
        return subprocess.run(command, env=self.environment, check=True, text=True,
                              capture_output=True, **keywords)

    def sql(self, text, *options):
        """Rows of the answer, one text a line, columns separated by a bar."""
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options,
                        self.environment["FIELDTRAIL_PG_URI"], input=text).stdout.splitlines()

    def topic(self, name, *options):
        """All messages of the topic as kcat prints them."""
        return self.run("kcat", "-C", "-e", "-q", "-b", self.bootstrap, "-t", name, *options).stdout


def local(environment, *arguments):
    return subprocess.run([TOP / "compose" / "local", *arguments], env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)


def start_servers(*services, **more):
    """A private instance with these services, until the generator ends."""
    data = tempfile.mkdtemp(prefix="fieldtrail-live-")
    environment = dict(os.environ, FIELDTRAIL_DATA=data, FIELDTRAIL_PORTS="auto", **more)
    fetched = local(environment, "fetch", *services)
    if fetched.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        pytest.skip("the servers cannot be had here: " + (fetched.stderr or fetched.stdout)[-300:])
    try:
        started = local(environment, "up", *services)
        assert started.returncode == 0, started.stdout + started.stderr
        for line in local(environment, "env").stdout.splitlines():
            name, value = line.removeprefix("export ").split("=", 1)
            environment[name] = shlex.split(value)[0] if value else ""
        yield Servers(environment)
    finally:
        local(environment, "down")
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def servers():
    yield from start_servers("postgres", "kafka", "connect")


@pytest.fixture(scope="session")
def binary():
    return os.environ.get("FIELDTRAIL_BIN", str(TOP / "build" / "fieldtrail"))
