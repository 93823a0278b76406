"""pytest -- tests/flow: the real binary, seen only from the outside.

FIELDTRAIL_BIN names the program; without it, build/fieldtrail of this checkout.
"""

import signal
import urllib.parse

import pytest

from helpers import BIN
from rest_kit import Worker


def pytest_addoption(parser):
    parser.addoption(
        "--accept", action="store_true",
        help="rewrite the want files of test_flow.py with what the program prints; "
             "review the difference by hand against the contract before it is committed")


def pytest_sessionstart(session):
    if not BIN.is_file():
        pytest.exit("%s is missing: build it, or set FIELDTRAIL_BIN" % BIN, returncode=2)
    # A shell has it ignored in what it starts in the background, and so would every child.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def accept(request):
    return request.config.getoption("--accept")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A worker of the whole file; tests ask for `worker`, which has no connectors left."""
    worker = Worker(tmp_path_factory.mktemp("rest"))
    yield worker
    worker.stop()


@pytest.fixture
def worker(shared):
    for name in shared.ask("GET", "/connectors")[2]:
        shared.ask("DELETE", "/connectors/" + urllib.parse.quote(name, safe=""))
    return shared
