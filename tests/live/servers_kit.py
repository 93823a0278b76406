"""Private instances of the real servers: compose/local on free ports, gone at the end. Where the servers
cannot be had the tests are skipped by name."""
import contextlib
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

    @property
    def bootstrap(self):
        return self.environment["FIELDTRAIL_BOOTSTRAP"]

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

    def local(self, *arguments):
        return subprocess.run([TOP / "compose" / "local", *arguments], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def control(self, *arguments):
        """compose/local with this instance: stop, start, restart."""
        done = self.local(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def learn(self):
        """Takes over what `compose/local env` says."""
        for line in self.local("env").stdout.splitlines():
            name, value = line.removeprefix("export ").split("=", 1)
            self.environment[name] = shlex.split(value)[0] if value else ""


@contextlib.contextmanager
def instance(*services, kind=Servers, **settings):
    """These services in a folder of their own, and with these variables of compose/local."""
    data = tempfile.mkdtemp(prefix="fieldtrail-live-")
    servers = kind(dict(os.environ, FIELDTRAIL_DATA=data, FIELDTRAIL_PORTS="auto", **settings))
    try:
        fetched = servers.local("fetch", *services)
        if fetched.returncode != 0:
            pytest.skip("the servers cannot be had here: " + (fetched.stderr or fetched.stdout)[-300:])
        try:
            servers.control("up", *services)
            servers.learn()
            yield servers
        finally:
            servers.local("down")
    finally:
        shutil.rmtree(data, ignore_errors=True)
