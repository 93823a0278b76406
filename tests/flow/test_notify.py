"""The worker as a service: what it tells the service manager."""
import os
import signal
import socket
import subprocess

from helpers import BIN


def hear(manager):
    return manager.recv(1000).decode()


def test_ready_alive_stopping(tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(20)
    properties = tmp_path / "worker.properties"
    properties.write_text("listeners=http://127.0.0.1:0\nbootstrap.servers=127.0.0.1:1\n")
    environment = dict(os.environ, NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="600000")
    environment.pop("WATCHDOG_PID", None)
    with subprocess.Popen([BIN, "run", "-w", str(properties)], env=environment,
                          stderr=subprocess.PIPE) as worker:
        try:
            heard = [hear(manager)]
            while "READY=1" not in heard:
                heard.append(hear(manager))
            assert [hear(manager) for _ in range(3)] == ["WATCHDOG=1"] * 3
            worker.send_signal(signal.SIGTERM)
            heard = [hear(manager)]
            while heard[-1] == "WATCHDOG=1":
                heard.append(hear(manager))
            assert heard[-1] == "STOPPING=1"
            assert worker.wait(20) == 0
        finally:
            worker.kill()
    manager.close()
