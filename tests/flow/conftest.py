"""pytest -- tests/flow: the real binary, seen only from the outside.

FIELDTRAIL_BIN names the program; without it, build/fieldtrail of this checkout.
"""

import pytest

from helpers import BIN


def pytest_addoption(parser):
    parser.addoption(
        "--accept", action="store_true",
        help="rewrite the want files of test_flow.py with what the program prints; "
             "review the difference by hand against the contract before it is committed")


def pytest_sessionstart(session):
    if not BIN.is_file():
        pytest.exit("%s is missing: build it, or set FIELDTRAIL_BIN" % BIN, returncode=2)


@pytest.fixture
def accept(request):
    return request.config.getoption("--accept")
