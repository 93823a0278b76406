"""REST and clients that mean ill or cannot do better: malformed requests, far too much of everything,
slowness, names and configurations made to do harm, pages of other sites."""
import http.client
import json
import os
import re
import resource
import socket
import threading
import time
import urllib.parse

import pytest

from helpers import wait_for
from rest_kit import CONFIG, JSON

def raw(worker, data, wait=10):
    """Sends bytes as they are; what comes back until the other side closes or says nothing more."""
    with socket.create_connection(("127.0.0.1", worker.port), wait) as client:
        answer = b""
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer


MALFORMED = [
    b"", b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\xfc",
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET /connectors/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /connectors/a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /connectors/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET //connectors//x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET " + b"/a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: -1\r\n\r\n{}",
    b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 99999999999999999999\r\n\r\n{}",
    b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    b"GET http://evil.example/connectors HTTP/1.1\r\nHost: evil.example\r\n\r\n",
]


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_requests(worker, data):
    answer = raw(worker, data)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), answer[:200]
    assert worker.ask("GET", "/connectors")[0] == 200


def test_large_bodies(worker):
    before = worker.resident()
    head = (b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    large = raw(worker, head + b"Content-Length: 104857600\r\n\r\n" + b"x" * 65536)
    assert large.startswith(b"HTTP/1.1 413") or large == b""

    def flood():
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        with socket.create_connection(("127.0.0.1", worker.port), 20) as client:
            try:
                client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                for _ in range(1600):
                    client.sendall(chunk)
            except OSError:
                return
        raise AssertionError("100 MB were taken")

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    body = json.dumps({"name": "x", "config": {"a": "x" * 2000000}}).encode()
    try:
        status = worker.ask("POST", "/connectors", body, JSON, raw=True)[0]
    except OSError:  # the answer came before all was sent, and the connection closed
        status = 413
    assert status == 413
    assert worker.ask("GET", "/connectors")[0] == 200
    if "san" not in os.environ.get("FIELDTRAIL_BIN", ""):
        assert worker.resident() - before < 80 * 1024 * 1024


def test_thousands_of_connections_and_slow_clients(worker):
    """More than there are places: what is too much is closed at once, and whoever sends slowly gives
    way to others."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(10000, (hard if hard > 0 else 65536) - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted + 200)), hard))
    clients = []
    try:
        for _ in range(wanted):
            client = socket.socket()
            client.settimeout(5)
            clients.append(client)
            try:
                client.connect(("127.0.0.1", worker.port))
                client.send(b"GET /connectors HTTP/1.1\r\n")
            except OSError:
                pass

        def gets_through():
            try:
                return worker.ask("GET", "/connectors")[0] == 200
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
                return False

        assert wait_for(gets_through, 20), "a client that is quick gets in"
        held = 0
        for client in clients:
            client.setblocking(False)
            try:
                held += client.recv(1) != b""
            except BlockingIOError:
                held += 1
            except OSError:
                pass
        assert held <= 256
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert wait_for(gets_through, 10)


def test_a_slow_request_stops_no_probe(worker):
    """The brokers are not there: a reading of offsets waits for them, a probe does not."""
    worker.create()
    threads = [threading.Thread(target=worker.ask, args=("GET", "/connectors/one/offsets"))
               for _ in range(3)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    for _ in range(20):
        assert worker.ask("GET", "/health")[0] == 200
    assert time.monotonic() - begun < 2
    for thread in threads:
        thread.join()


# ---- two requests where one is meant ----

def pieces(answer):
    """The status lines in what came back; a body has no line of its own behind it."""
    return re.findall(rb"HTTP/1\.1 \d+", answer)


SMUGGLED = b"DELETE /connectors/one HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("head", [
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}",
    b"Content-Length : 90\r\n\r\n",
    b"Content-Length: +90\r\n\r\n",
    b"Content-Length: 0x5a\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0;x=\"\n\"\r\n\r\n"], ids=range(8))
def test_what_proxies_may_read_otherwise_is_not_answered_twice(worker, head):
    """Where a length is said twice or strangely, nothing behind it is another request."""
    worker.create()
    raw(worker, b"PUT /admin/loggers/root HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\n" + head + SMUGGLED)
    assert worker.ask("GET", "/connectors")[2] == ["one"]


def test_requests_in_one_piece_are_answered_in_order(worker):
    worker.create()
    paths = ["/connectors", "/connectors/x/config", "/connectors/one/config", "/connectors/one/status"] * 20
    with socket.create_connection(("127.0.0.1", worker.port), 20) as client:
        client.sendall(b"".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                                for path in paths))
        answer = b""
        while len(pieces(answer)) < len(paths) and (piece := client.recv(65536)):
            answer += piece
    assert [int(line.split()[1]) for line in pieces(answer)] == [200, 404, 200, 200] * 20


# ---- slowness ----

def test_a_hundred_megabytes_are_refused_before_they_are_sent(worker):
    """Who asks first is told; who says 100 MB and sends them is cut off long before the end."""
    head = (b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 104857600\r\n")
    with socket.create_connection(("127.0.0.1", worker.port), 10) as client:
        client.sendall(head + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 413")
    sent = 0
    with socket.create_connection(("127.0.0.1", worker.port), 20) as client:
        try:
            client.sendall(head + b"\r\n")
            for _ in range(1600):
                sent += client.send(b"x" * 65536)
        except OSError:
            pass
    assert sent < 100 * 1024 * 1024
    assert worker.ask("GET", "/connectors")[0] == 200


def test_bodies_byte_by_byte_keep_nobody_out(worker):
    """More of them than there are places, each a byte now and then; quick clients get through."""
    head = (b"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{")
    clients, stop = [], threading.Event()

    def drip():
        while not stop.wait(0.2):
            for client in clients[:]:
                try:
                    client.send(b" ")
                except OSError:
                    clients.remove(client)

    thread = threading.Thread(target=drip)
    try:
        for _ in range(300):
            clients.append(socket.create_connection(("127.0.0.1", worker.port), 5))
            try:
                clients[-1].send(head)
            except OSError:
                pass
        thread.start()
        assert wait_for(lambda: quick(worker), 20), "a client that is quick gets in"
    finally:
        stop.set()
        thread.join()
        for client in clients:
            client.close()
    assert wait_for(lambda: quick(worker), 10)


def quick(worker):
    try:
        return worker.ask("GET", "/connectors")[0] == 200
    except (OSError, http.client.HTTPException):
        time.sleep(0.2)
        return False


def test_who_does_not_read_stops_nobody(worker):
    """Clients that ask for much and read nothing of it, and others that are served meanwhile."""
    worker.create()
    request = b"GET /connector-plugins/PostgresSink/config HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = []
    try:
        for _ in range(50):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", worker.port))
            client.setblocking(False)
            clients.append(client)
            try:
                client.send(request * 20)
            except BlockingIOError:
                pass
        begun = time.monotonic()
        for _ in range(20):
            assert worker.ask("GET", "/health")[0] == 200
        assert time.monotonic() - begun < 20
    finally:
        for client in clients:
            client.close()


# ---- names and configurations made to do harm ----

@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x", "a\x00b", "\x1b[2J", "a\tb", "\x7f"])
def test_names_with_control_characters_are_refused(worker, name):
    status, headers, answer = worker.create(name)
    assert status == 400 and "control characters" in answer["message"] or "\0" in name
    assert "Set-Cookie" not in headers
    assert worker.ask("GET", "/connectors")[2] == []
    path = "/connectors/" + urllib.parse.quote(name, safe="")
    for method, below in (("GET", ""), ("PUT", "/pause"), ("DELETE", "")):
        status, headers, _ = worker.ask(method, path + below)
        assert status in (400, 404) and "Set-Cookie" not in headers
    assert worker.ask("PUT", path + "/config", CONFIG)[0] == 400


@pytest.mark.parametrize("name", ["../../etc/passwd", "${env:HOME}", "<script>alert(1)</script>",
                                  "'; drop table t; --", "%s%n%p", "\u202egnp", "\U0001f4a5" * 50,
                                  "x" * 1000, ".", "-", "CON", "{}", "null"])
def test_names_are_only_names(worker, name):
    status, headers, answer = worker.create(name)
    assert (status, answer["name"]) == (201, name)
    path = "/connectors/" + urllib.parse.quote(name, safe="")
    assert worker.ask("GET", path)[2]["config"]["name"] == name
    assert worker.ask("GET", "/connectors?expand=status")[2][name]["status"]["name"] == name
    assert worker.ask("GET", "/metrics")[0] == 200
    assert worker.ask("DELETE", path)[0] == 204


@pytest.mark.parametrize("name, status", [("\U0001f4a5" * 250, 201), ("n" * 1000, 201),
                                          ("n" * 1001, 400), ("n" * 200000, 400)])
def test_the_longest_name(worker, name, status):
    """What is created can be asked for."""
    created, _, answer = worker.create(name)
    assert created == status and (status == 201 or "longer than 1000 bytes" in answer["message"])
    path = "/connectors/" + urllib.parse.quote(name, safe="")
    if status == 201:
        assert worker.ask("GET", path)[2]["name"] == name
    assert len(worker.ask("GET", "/connectors")[2]) == (status == 201)


@pytest.mark.parametrize("value", ["${file:/dev/zero:x}", "${dir:/dev:zero}", "${file:/dev/stdin:x}",
                                   "${dir:/proc/self:mem}", "${file:FIFO:x}", "${dir:FOLDER:fifo}",
                                   "${env:NOT_THERE}"])
def test_placeholders_read_no_device(worker, tmp_path, value):
    """What never ends or never answers is not begun."""
    os.mkfifo(tmp_path / "fifo")
    value = value.replace("FIFO", str(tmp_path / "fifo")).replace("FOLDER", str(tmp_path))
    begun = time.monotonic()
    status, _, answer = worker.create(**{"table": value})
    assert status == 400 and "table" in answer["message"]
    assert time.monotonic() - begun < 10
    assert worker.ask("GET", "/connectors")[2] == []


# ---- pages of other sites ----

REQUESTS = [("GET", "/connectors", None), ("GET", "/metrics", None), ("GET", "/ui", None),
            ("GET", "/connectors/one/config", None), ("PUT", "/connectors/one/pause", None),
            ("DELETE", "/connectors/one", None), ("PUT", "/connectors/one/config", CONFIG),
            ("POST", "/connectors/one/restart", None), ("OPTIONS", "/connectors", None)]


@pytest.mark.parametrize("method, path, body", REQUESTS)
def test_a_name_that_points_here_is_not_ours(worker, method, path, body):
    """DNS rebinding: the page's own name leads to 127.0.0.1, so that the browser sees one site."""
    worker.create()
    for host in ("evil.example", f"evil.example:{worker.port}", "127.0.0.1.evil.example", "0.0.0.0",
                 "localhost.", "[::ffff:7f00:1]", "127.0.0.1@evil.example", ""):
        status, headers, answer = worker.ask(method, path, body, {
            "Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"})
        assert status in (400, 403), (host, status)
        assert "Access-Control-Allow-Origin" not in headers
        assert b"connection.uri" not in json.dumps(answer if answer else "").encode() \
            if not isinstance(answer, bytes) else b"<html" not in answer
    assert worker.ask("GET", "/connectors/one/status")[2]["connector"]["state"] != "PAUSED"


@pytest.mark.parametrize("method, path, body", REQUESTS)
def test_pages_of_other_sites_change_nothing(worker, method, path, body):
    """CSRF: what a page can make a browser send. No answer can be read by it, for none has CORS
    headers, and a preflight gets none either."""
    worker.create()
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"},
                    {"Origin": "https://localhost:1"}, {"Origin": f"http://localhost:{worker.port}"}):
        status, answered, _ = worker.ask(method, path, body, headers)
        assert status == 403
        assert not any(name.lower().startswith("access-control") for name in answered)
    assert worker.ask("GET", "/connectors/one/status")[2]["connector"]["state"] != "PAUSED"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", "text/plain; application/json"])
def test_forms_create_nothing(worker, kind):
    """The three types that a page may send without asking first; older browsers say no origin."""
    body = json.dumps({"name": "one", "config": CONFIG}).encode()
    assert worker.ask("POST", "/connectors", body, {"Content-Type": kind}, raw=True)[0] == 415
    assert worker.ask("GET", "/connectors")[2] == []
