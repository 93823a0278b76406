"""A relay in front of PostgreSQL that reads the protocol and strikes at a chosen step: it kills or
stops the worker, cuts the connection, loses an answer, or falls silent. The worker needs no test
code for it, and the server is a real one."""
import os
import signal
import struct
import threading

from relay import Gone, Listener, Pair, read_exactly

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104

# Which message of the client begins a step, and when to strike: before the server has the message,
# after, when its answer was lost, or when the client has the answer.
STEPS = {
    "claim not sent": (lambda kind, text: text.startswith(b"begin; set local"), "before"),
    "claim sent": (lambda kind, text: text.startswith(b"begin; set local"), "after"),
    "claim's answer lost": (lambda kind, text: text.startswith(b"begin; set local"), "unanswered"),
    "claimed": (lambda kind, text: text.startswith(b"begin; set local"), "answered"),
    "begin": (lambda kind, text: text.startswith(b"begin isolation"), "after"),
    "copy begun": (lambda kind, text: b") from stdin" in text, "after"),
    "in copy": (lambda kind, text: kind == b"d", "after"),
    "after copy": (lambda kind, text: kind == b"c", "after"),
    "closing query not sent": (lambda kind, text: text.startswith(b"with want"), "before"),
    "closing query sent": (lambda kind, text: text.startswith(b"with want"), "after"),
    "answer lost": (lambda kind, text: text.startswith(b"with want"), "unanswered"),
    "before the group commit": (lambda kind, text: text.startswith(b"with want"), "answered"),
}
# The same of `deadletter replay`, which stores the origins in the transaction of the rows.
REPLAY_STEPS = {name: STEPS[name] for name in ("begin", "copy begun", "in copy", "after copy")} | {
    "replay not sent": (lambda kind, text: text.startswith(b"with done"), "before"),
    "replay sent": (lambda kind, text: text.startswith(b"with done"), "after"),
    "replay's answer lost": (lambda kind, text: text.startswith(b"with done"), "unanswered"),
    "replayed": (lambda kind, text: text.startswith(b"with done"), "answered"),
}


def read_message(connection):
    head = read_exactly(connection, 5)
    return head[:1], head, read_exactly(connection, struct.unpack(">i", head[1:])[0] - 4)


class Link(Pair):
    """One connection: two threads that pass messages on."""

    def __init__(self, proxy, client):
        self.proxy = proxy
        self.verdict = None  # of the message whose answer is awaited
        self.silent = threading.Event()
        super().__init__(proxy.target, client, self.from_client, self.from_server)

    def start(self):
        """Passes the start packet on; encryption is declined, for it could not be read here."""
        while True:
            size = read_exactly(self.client, 4)
            body = read_exactly(self.client, struct.unpack(">i", size)[0] - 4)
            if struct.unpack(">i", body[:4])[0] not in (SSL_REQUEST, GSS_REQUEST):
                self.server.sendall(size + body)
                return
            self.client.sendall(b"N")

    def from_client(self):
        self.start()
        while True:
            kind, head, body = read_message(self.client)
            moment = self.proxy.judge(kind, body)
            if moment == "before":
                self.strike()
            self.verdict = moment if moment in ("unanswered", "answered") else None
            self.pass_on(self.server, head + body)
            if moment == "after":
                self.strike()

    def from_server(self):
        while True:
            kind, head, body = read_message(self.server)
            if self.verdict != "unanswered":
                self.pass_on(self.client, head + body)
            if kind == b"Z" and self.verdict:
                self.verdict = None
                self.strike()

    def pass_on(self, side, data):
        if self.silent.is_set():
            self.proxy.released.wait()
            raise Gone
        side.sendall(data)

    def strike(self):
        self.proxy.strike(self)


class Proxy(Listener):
    """Listens on a port of its own, for one worker."""

    def __init__(self, port):
        self.lock = threading.Lock()
        self.pid = self.trap = None
        self.struck, self.released = threading.Event(), threading.Event()
        super().__init__(port, Link)

    def arm(self, step, deed, nth=1, text=b""):
        """Strikes once, when a step whose query holds the text comes for the nth time: kill, stop (the
        message is held back until release), cut, or hush: the connection stays and nothing passes
        any more. Or the deed is a function, and the connection is cut after it."""
        with self.lock:
            self.struck.clear()
            self.released.clear()
            match, moment = (STEPS | REPLAY_STEPS)[step]
            self.trap = [lambda kind, body: match(kind, body) and text in body, moment, deed, nth]

    def judge(self, kind, body):
        with self.lock:
            if not self.trap or not self.trap[0](kind, body if kind == b"Q" else b""):
                return None
            self.trap[3] -= 1
            if self.trap[3] > 0:
                return None
            moment, self.deed, self.trap = self.trap[1], self.trap[2], None
            return moment

    def strike(self, link):
        if self.deed == "kill":
            os.kill(self.pid, signal.SIGKILL)
        elif self.deed == "stop":
            os.kill(self.pid, signal.SIGSTOP)
        elif self.deed == "hush":
            link.silent.set()
        elif callable(self.deed):
            self.deed()
        self.struck.set()
        if self.deed == "stop":
            self.released.wait()
        elif self.deed != "hush":
            raise Gone

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        super().close()
