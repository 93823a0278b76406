"""REST over TLS, asked by curl: certificates of an authority made here, credentials of both kinds, and
what is wrong: the authority, the name, the key, the protocol, no TLS at all."""
import hashlib
import shutil
import socket
import subprocess

import pytest

from helpers import BIN
from rest_kit import CONFIG, Worker, free_port

pytestmark = pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")),
                                reason="openssl makes the certificates and curl is the client")


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Signs certificates, each in a PEM file with its key and its own."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key, self.path = folder / f"{name}.key", folder / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, "-subj", f"/CN={name}",
                "-keyout", self.key, "-out", self.path)

    def sign(self, name, names, password=None):
        """The PEM file for a server that is called so."""
        key, request, signed, more = (self.folder / f"{name}.{end}"
                                      for end in ("key", "csr", "crt", "cnf"))
        secret = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        openssl("req", "-newkey", "rsa:2048", *secret, "-subj", f"/CN={name}", "-keyout", key,
                "-out", request)
        more.write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key,
                "-CAcreateserial", "-days", 1, "-extfile", more, "-out", signed)
        pem = self.folder / f"{name}.pem"
        pem.write_bytes(key.read_bytes() + signed.read_bytes() + self.path.read_bytes())
        return pem


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def site(authority, tmp_path_factory):
    """A worker with TLS and credentials."""
    folder = tmp_path_factory.mktemp("tls")
    auth = folder / "auth"
    auth.write_text("write basic alice:s3:cret\n"
                    f"read bearer sha256:{hashlib.sha256(b'token').hexdigest()}\n")
    auth.chmod(0o600)
    pem = authority.sign("server", "IP:127.0.0.1,DNS:localhost")
    worker = Worker(folder, scheme="https", rest_auth_file=str(auth),
                    listeners_https_ssl_keystore_location=str(pem))
    yield worker
    worker.stop()


def curl(*arguments):
    """Exit status, HTTP status and the text of the answer."""
    done = subprocess.run(["curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}",
                           *map(str, arguments)], capture_output=True, text=True, timeout=40)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status or 0), body


def test_with_credentials_of_both_kinds(site, authority):
    url = f"https://127.0.0.1:{site.port}"
    ca, writer = ["--cacert", authority.path], ["-u", "alice:s3:cret"]
    reader = ["-H", "Authorization: Bearer token"]
    config = "{" + ",".join(f'"{key}":"{value}"' for key, value in CONFIG.items()) + "}"
    create = ["-H", "Content-Type: application/json", "-d", f'{{"name":"one","config":{config}}}',
              f"{url}/connectors"]
    assert curl(*ca, f"{url}/health")[:2] == (0, 200)
    assert curl(*ca, f"{url}/connectors")[:2] == (0, 401)
    assert curl(*ca, "-u", "alice:wrong", f"{url}/connectors")[:2] == (0, 401)
    assert curl(*ca, *reader, *create)[:2] == (0, 403)
    assert curl(*ca, *writer, "-D", site.log.parent / "head", *create)[:2] == (0, 201)
    head = (site.log.parent / "head").read_text()
    assert f"location: {url}/connectors/one" in head.lower()
    assert "geheim" in curl(*ca, *writer, f"{url}/connectors/one")[2]
    status = curl(*ca, *reader, f"{url}/connectors/one")
    assert status[:2] == (0, 200) and "geheim" not in status[2] and "[hidden]" in status[2]
    assert curl(*ca, *writer, "-X", "DELETE", f"{url}/connectors/one")[:2] == (0, 204)


def test_by_each_of_its_names_and_no_other(site, authority):
    for host in ("127.0.0.1", "localhost"):
        answer = curl("--cacert", authority.path, f"https://{host}:{site.port}/health")
        assert answer[:2] == (0, 200)
    named = ["--resolve", f"db.example:{site.port}:127.0.0.1"]
    code, status, _ = curl("--cacert", authority.path, *named,
                           f"https://db.example:{site.port}/health")
    assert (code, status) == (60, 0), "the certificate is of another name"


def test_an_authority_that_did_not_sign_it(site, tmp_path):
    other = Authority(tmp_path, "other")
    assert curl("--cacert", other.path, f"https://127.0.0.1:{site.port}/health")[:2] == (60, 0)
    assert curl(f"https://127.0.0.1:{site.port}/health")[:2] == (60, 0)


@pytest.mark.parametrize("data", [
    b"GET /connectors HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 500,
    b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x80\x2e\x01\x00\x02", b"",
    b"\x15\x03\x03\x00\x02\x02\x28"], ids=range(6))
def test_no_tls_on_its_port(site, authority, data):
    """Plain HTTP and broken greetings get no answer of HTTP; others are served meanwhile."""
    with socket.create_connection(("127.0.0.1", site.port), 10) as client:
        client.sendall(data)
        health = curl("--cacert", authority.path, f"https://127.0.0.1:{site.port}/health")
        assert health[:2] == (0, 200)
        try:
            client.shutdown(socket.SHUT_WR)
            assert b"HTTP/1" not in client.recv(65536)
        except OSError:
            pass
    assert curl(f"http://127.0.0.1:{site.port}/health")[1] == 0


@pytest.mark.parametrize("version, good", [("1.0", False), ("1.1", False), ("1.2", True),
                                           ("1.3", True)])
def test_old_protocols_are_refused(site, authority, version, good):
    code, status, _ = curl("--cacert", authority.path, f"--tlsv{version}", "--tls-max", version,
                           "--ciphers", "DEFAULT:@SECLEVEL=0", f"https://127.0.0.1:{site.port}/health")
    assert (code, status) == (0, 200) if good else code == 35


def test_a_key_with_a_password(authority, tmp_path):
    pem = authority.sign("locked", "IP:127.0.0.1", password="opens")
    worker = Worker(tmp_path, scheme="https", listeners_https_ssl_keystore_location=str(pem),
                    listeners_https_ssl_key_password="opens")
    try:
        url = f"https://127.0.0.1:{worker.port}/health"
        assert curl("--cacert", authority.path, url)[:2] == (0, 200)
    finally:
        worker.stop()
    assert "opens" not in worker.log.read_text()


@pytest.mark.parametrize("make, part", [
    (lambda authority, folder: authority.sign("sealed", "IP:127.0.0.1", password="other"),
     "the key or the certificates are wrong"),
    (lambda authority, folder: authority.path, "the key or the certificates are wrong"),
    (lambda authority, folder: authority.key, "the key or the certificates are wrong"),
    (lambda authority, folder: mixed(authority, folder), "the key or the certificates are wrong"),
    (lambda authority, folder: folder / "none", "cannot read"),
    (lambda authority, folder: folder, "cannot read")],
    ids=["password", "no key", "no certificate", "key of another", "no file", "a folder"])
def test_what_cannot_be_used_stops_the_start(authority, tmp_path, make, part):
    path = tmp_path / "worker.properties"
    path.write_text(f"listeners=https://127.0.0.1:{free_port()}\nbootstrap.servers=127.0.0.1:1\n"
                    f"listeners.https.ssl.keystore.location={make(authority, tmp_path)}\n"
                    "listeners.https.ssl.key.password=wrong-password\n")
    done = subprocess.run([BIN, "run", "-w", path], stdin=subprocess.DEVNULL, timeout=30, text=True,
                          capture_output=True)
    assert done.returncode == 2 and part in done.stderr
    assert "wrong-password" not in done.stderr


def mixed(authority, folder):
    """A key, and a certificate of another key."""
    path = folder / "mixed.pem"
    authority.sign("left", "IP:127.0.0.1")
    authority.sign("right", "IP:127.0.0.1")
    path.write_bytes((authority.folder / "left.key").read_bytes()
                     + (authority.folder / "right.crt").read_bytes())
    return path
