"""What most live tests ask for. A module that needs other servers, or a bench of another kind, has
fixtures of these names of its own."""
import os

import pytest

import worker_kit
from pg_proxy import Proxy
from servers_kit import TOP, instance


@pytest.fixture(scope="session")
def servers():
    """Debezium's whole chain, one for all tests: nobody stops these."""
    with instance("postgres", "kafka", "connect") as started:
        yield started


@pytest.fixture(scope="module")
def stack():
    """Kafka and PostgreSQL for the tests of a module, which stop and restart them."""
    with worker_kit.start_stack() as started:
        yield started


@pytest.fixture(scope="session")
def binary():
    return os.environ.get("FIELDTRAIL_BIN", str(TOP / "build" / "fieldtrail"))


@pytest.fixture
def bench(stack, binary, tmp_path, request):
    yield from worker_kit.bench_of(stack, binary, tmp_path, request)


@pytest.fixture
def proxy(stack):
    """Between the workers and PostgreSQL."""
    made = Proxy(stack.postgres_port())
    yield made
    made.close()
