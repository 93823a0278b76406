"""A cluster on a broker that allows nothing but what README.md tells to grant: the list is enough,
and where one is missing the worker says which."""
import pathlib
import re
import struct
import subprocess

import pytest

from browser_kit import free_port
from test_cluster import Cluster, Member
from worker_kit import pack_list, pack_text, produce, wait_until

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
RESOURCES = {"Topic": 2, "Group": 3, "TransactionalId": 5}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
PASSWORD = "of-the-worker"


@pytest.fixture(name="guarded")
def start_guarded(stack):
    """The same broker with a second listener, where the user `worker` has no rights; the address."""
    data = pathlib.Path(stack.environment["FIELDTRAIL_DATA"])
    pid = (data / "run" / "kafka.pid").read_text().split()[0]
    command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    stack.control("stop", "kafka")
    address = f"127.0.0.1:{free_port()}"
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    lines = pathlib.Path(command[-1]).read_text()
    lines = re.sub(r"^listeners=(.*)$", rf"listeners=\1,GUARDED://{address}", lines, flags=re.M)
    lines = re.sub(r"^(listener.security.protocol.map=.*)$", r"\1,GUARDED:SASL_PLAINTEXT", lines,
                   flags=re.M)
    lines += f"""
sasl.enabled.mechanisms=PLAIN
listener.name.guarded.plain.sasl.jaas.config={login} user_worker="{PASSWORD}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
    settings = data / "guarded.properties"
    settings.write_text(lines)
    with open(data / "guarded.log", "wb") as log:
        broker = subprocess.Popen([*command[:-1], str(settings)], stdout=log, stderr=log)
    try:
        wait_until(lambda: subprocess.run(["kcat", "-L", "-b", stack.bootstrap, "-m", "2"], check=False,
                                          capture_output=True).returncode == 0, "the broker", 90)
        yield address
    finally:
        broker.terminate()
        broker.wait(60)
        stack.control("start", "kafka")


def grant(stack, resource, name, operation):
    """To the user `worker`."""
    body = pack_list([struct.pack(">b", RESOURCES[resource]) + pack_text(name) + struct.pack(">b", 3)
                      + pack_text("User:worker") + pack_text("*")
                      + struct.pack(">bb", OPERATIONS[operation], 3)])
    answer = stack.ask(30, 1, body)
    assert struct.unpack_from(">iih", answer)[2] == 0, answer


def documented():
    """[(resource, name, operation, optional)] of README's table of rights."""
    table = re.search(r"^\| resource \| operations \|.*?\n\n", README.read_text(), re.M | re.S)[0]
    found = []
    for resource, names, operations in re.findall(r"^\| (\w+) ([^|]*) \| ([^|]*) \|", table, re.M):
        for name in re.findall(r"`([^`]*)`", names):
            for operation, optional in re.findall(r"(\w+)( \(optional\))?", operations):
                if operation in OPERATIONS:
                    found.append((resource, name, operation, bool(optional)))
    return found


def test_the_documented_rights_are_enough(stack, guarded, binary, tmp_path):
    rights = documented()
    assert {resource for resource, *_ in rights} == set(RESOURCES)
    made = Cluster(stack, binary, tmp_path, "guarded")
    names = {"config.storage.topic": made.configs, "status.storage.topic": made.statuses,
             "GROUP-config": "guarded-config", "topics": "guarded", "connect-NAME": "connect-guarded",
             "errors.deadletterqueue.topic.name": "guarded-letters"}
    assert {name for _, name, *_ in rights} == set(names)
    stack.create_topic(made.bench.topic)
    access = {f"{client}.{key}": value for client in ("consumer", "producer") for key, value in {
        "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "worker",
        "sasl.password": PASSWORD}.items()}

    def give(*resources):
        for resource, name, operation, optional in rights:
            if name in resources and not optional:
                grant(stack, resource, names[name], operation)
    try:
        made.members = [Member(made, **{**access, "bootstrap.servers": guarded}).start()
                        for _ in range(2)]
        one, two = made.members
        one.worker.says(r"config\.storage\.topic=guarded-configs: .*grant Describe, Read and Write")
        give("config.storage.topic", "status.storage.topic")
        for each in made.members:
            wait_until(each.ready, f"{each.id} is ready", 60)
        one.worker.says("whether it is compacted is not known: grant DescribeConfigs")
        body = made.connector(tasks__max="3", errors__tolerance="all",
                              errors__deadletterqueue__topic__name="guarded-letters")
        refused = one.ask("POST", "/connectors", body)
        assert refused.status == 500 and "guarded-config" in refused.json()["message"], refused.text
        give("GROUP-config", "topics", "connect-NAME", "errors.deadletterqueue.topic.name")
        assert two.ask("POST", "/connectors", body).status == 201
        made.settled("guarded", 3)
        produce(stack, made.bench.topic, 1000)
        subprocess.run(["kcat", "-P", "-b", stack.bootstrap, "-t", "guarded", "-p", "0"], check=True,
                       input=b"no event\n")
        made.bench.caught_up()
        made.bench.equal(wanted=lambda record: record["payload"] != "no event")
        wait_until(lambda: len(stack.topic("guarded-letters").splitlines()) == 1, "the dead letter")
        assert one.ask("PUT", "/connectors/guarded/stop").status == 204
        wait_until(lambda: one.ask("DELETE", "/connectors/guarded/offsets").status == 200, "a reset")
        assert one.ask("DELETE", "/connectors/guarded").status == 204
        assert two.worker.stop() == 0 and one.worker.stop() == 0
    finally:
        made.bench.close(tell=True)
