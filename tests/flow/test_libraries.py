"""The program's libraries: pivot starts without those of the worker, and the others name what is
missing."""
import os
import subprocess

import pytest

from helpers import BIN, create, lines

WORKERS = ["librdkafka", "libpq", "libcurl", "libmicrohttpd", "libzstd"]


def needed():
    said = subprocess.run(["readelf", "-d", BIN], capture_output=True, text=True, check=True).stdout
    return [line.split("[")[1].split("]")[0] for line in said.splitlines() if "(NEEDED)" in line]


@pytest.fixture(name="without_kafka")
def fixture_without_kafka(tmp_path):
    """An environment in which librdkafka is a file that is none."""
    if any(name.startswith("librdkafka") for name in needed()):
        pytest.skip("built with all libraries (sanitized, or -DFIELDTRAIL_LAZY=OFF)")
    (tmp_path / "librdkafka.so.1").write_bytes(b"")
    return dict(os.environ, LD_LIBRARY_PATH=str(tmp_path))


def run(environment, *arguments, given=b""):
    return subprocess.run([BIN, *arguments], input=given, env=environment, capture_output=True,
                          timeout=60, check=False)


def test_pivot_needs_none_of_them(without_kafka):
    assert not [name for name in needed() if name.split(".so")[0] in WORKERS]
    text = lines(create(1, "x"))
    done = run(without_kafka, "pivot", "--keys", "id", "--fields", "*",
               given=text if isinstance(text, bytes) else text.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"1,")


def test_help_and_version_need_none(without_kafka):
    for argument in ("--version", "--help"):
        done = run(without_kafka, argument)
        assert done.returncode == 0 and b"fieldtrail" in done.stdout


@pytest.mark.parametrize("command", ["demo", "run", "check", "offsets"])
def test_a_missing_library_is_named(without_kafka, command):
    done = run(without_kafka, command, "connector.json")
    assert done.returncode == 1
    said = done.stderr.decode()
    assert said.count("\n") == 1, said
    assert "this command needs the library librdkafka.so.1" in said
