"""A broker inside this process: librdkafka's own, for the tests that run a worker on more than what
`demo` carries. It speaks Kafka's protocol, keeps groups and their offsets, and needs no server."""
import ctypes
import ctypes.util
import json

CONF_OK = 0
COPY = 2
PARTITION_ANY = -1


def library():
    found = ctypes.CDLL(ctypes.util.find_library("rdkafka") or "librdkafka.so.1")
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_topic_new",
                 "rd_kafka_handle_mock_cluster"):
        getattr(found, name).restype = ctypes.c_void_p
    found.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return found


class Broker:
    def __init__(self):
        self.kafka, error = library(), ctypes.create_string_buffer(500)
        settings = ctypes.c_void_p(self.kafka.rd_kafka_conf_new())
        for name, value in ((b"test.mock.num.brokers", b"1"), (b"linger.ms", b"0")):
            assert self.kafka.rd_kafka_conf_set(settings, name, value, error, 500) == CONF_OK, error.value
        self.client = ctypes.c_void_p(self.kafka.rd_kafka_new(0, settings, error, 500))
        assert self.client.value, error.value
        self.cluster = ctypes.c_void_p(self.kafka.rd_kafka_handle_mock_cluster(self.client))
        self.servers = self.kafka.rd_kafka_mock_cluster_bootstraps(self.cluster).decode()
        self.topics = {}

    def create(self, topic):
        """A topic of one partition."""
        assert self.kafka.rd_kafka_mock_topic_create(self.cluster, topic.encode(), 1, 1) == 0
        self.topics[topic] = ctypes.c_void_p(
            self.kafka.rd_kafka_topic_new(self.client, topic.encode(), None))

    def send(self, topic, *values, key=None):
        """Values are bytes, texts, or what becomes JSON; all are there when this returns."""
        if topic not in self.topics:
            self.create(topic)
        for value in values:
            text = value if isinstance(value, bytes) else (
                value if isinstance(value, str) else json.dumps(value)).encode()
            assert self.kafka.rd_kafka_produce(
                self.topics[topic], 0, COPY, text, ctypes.c_size_t(len(text)), key,
                ctypes.c_size_t(len(key or b"")), None) == 0
        assert self.kafka.rd_kafka_flush(self.client, 10000) == 0

    def close(self):
        for topic in self.topics.values():
            self.kafka.rd_kafka_topic_destroy(topic)
        self.kafka.rd_kafka_destroy(self.client)
