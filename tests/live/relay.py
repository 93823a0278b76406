"""A relay in front of any server, as bad as a network can be: slow, narrow, cut, half open, or deaf in one
direction. What it holds back comes later, as TCP's own repetitions would; nothing is altered but, in
front of Kafka, the address that the broker tells of itself, so that clients come this way again."""
import socket
import struct
import threading
import time

PIECE = 65536


class Gone(Exception):
    """One side has closed."""


def read_exactly(connection, size):
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise Gone
        data += piece
    return bytes(data)


class Listener:
    """A port of its own, and a link for every connection to it."""

    def __init__(self, port, link):
        self.target = ("127.0.0.1", int(port))
        self.link = link
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.refusing = False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                self.link(self, client)
            except OSError:
                client.close()

    def close(self):
        self.listener.close()


class Pair:
    """A client's connection and ours to its server, and the threads that work on them."""

    def __init__(self, target, client, *works):
        self.client, self.server = client, socket.create_connection(target)
        for work in works:
            threading.Thread(target=self.guard, args=(work,), daemon=True).start()

    def guard(self, work):
        try:
            work()
        except (Gone, OSError):
            self.close()

    def close(self):
        for side in (self.client, self.server):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            side.close()


class Way:
    """What one direction does to what passes, until it is told otherwise."""

    def __init__(self):
        self.calm()

    def calm(self):
        self.latency, self.bytes_a_second, self.deaf = 0.0, None, False


class Link(Pair):
    def __init__(self, relay, client):
        self.relay, self.half_open = relay, False
        relay.links.append(self)
        super().__init__(relay.target, client, self.to_server, self.to_client)

    def to_server(self):
        while True:
            self.pass_on(self.read(self.client), self.server, self.relay.up)

    def to_client(self):
        while True:
            data = self.read(self.server) if not self.relay.frames else self.read_frame()
            self.pass_on(data, self.client, self.relay.down)

    def read(self, side):
        data = side.recv(PIECE)
        if not data:
            raise Gone
        return data

    def read_frame(self):
        """A whole answer of Kafka's, with our port in the place of the broker's."""
        head = read_exactly(self.server, 4)
        body = read_exactly(self.server, struct.unpack(">i", head)[0])
        host = b"127.0.0.1"
        return head + body.replace(host + struct.pack(">i", self.relay.target[1]),
                                   host + struct.pack(">i", self.relay.port))

    def pass_on(self, data, side, way):
        for at in range(0, len(data), PIECE):
            piece = data[at:at + PIECE]
            time.sleep(way.latency + (len(piece) / way.bytes_a_second if way.bytes_a_second else 0))
            while way.deaf and not self.half_open:
                time.sleep(0.02)
            if not self.half_open:
                side.sendall(piece)
                self.relay.passed += len(piece)

    def guard(self, work):
        try:
            work()
        except (Gone, OSError):
            if not self.half_open:
                self.close()

    def reset(self):
        """Both sides get a reset, not an end."""
        for side in (self.client, self.server):
            try:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        self.close()

    def open_half(self):
        """The server is gone, and the client is not told: what it sends falls into a hole."""
        self.half_open = True
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Relay(Listener):
    """`up` is the way to the server, `down` the way back. `frames`: it is Kafka that is behind."""

    def __init__(self, port, frames=False):
        self.frames, self.links, self.passed = frames, [], 0
        self.up, self.down = Way(), Way()
        super().__init__(port, Link)

    def calm(self):
        for way in (self.up, self.down):
            way.calm()

    def each(self, deed):
        """Does it to all connections there are; their number."""
        links, self.links = self.links, []
        for link in links:
            deed(link)
        return len(links)

    def close(self):
        super().close()
        self.calm()
        self.each(Link.close)
