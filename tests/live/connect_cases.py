"""What test_conformance.py asks, in this order, of a real Kafka Connect and of the worker: a
connector's life by hand, and by loops every path with every method, every request with a body with
bodies that are wrong, and every answer in forms that it does not have."""
TOPIC = "conform"


def offsets(offset, **partition):
    return {"offsets": [{"partition": partition or {"kafka_topic": TOPIC, "kafka_partition": 0},
                         "offset": offset}]}


CREATE, PUT = "CREATE", "PUT"  # bodies: the side's own configuration with what is given


def states(*wanted):
    """Waits for the states of the connector `one` and its tasks."""
    return ("one", wanted)


def reads(offset):
    """Waits until the connector's offset is there."""
    return ("offset", offset)


# Every path of Kafka Connect 4.0, and what it may be asked by.
PATHS = {
    "/": ["GET"],
    "/health": ["GET"],
    "/connectors": ["GET", "POST"],
    "/connectors/one": ["GET", "DELETE"],
    "/connectors/one/config": ["GET", "PUT", "PATCH"],
    "/connectors/one/status": ["GET"],
    "/connectors/one/restart": ["POST"],
    "/connectors/one/pause": ["PUT"],
    "/connectors/one/resume": ["PUT"],
    "/connectors/one/stop": ["PUT"],
    "/connectors/one/tasks": ["GET"],
    "/connectors/one/tasks/0/status": ["GET"],
    "/connectors/one/tasks/0/restart": ["POST"],
    "/connectors/one/topics": ["GET"],
    "/connectors/one/topics/reset": ["PUT"],
    "/connectors/one/offsets": ["GET", "PATCH", "DELETE"],
    "/connector-plugins": ["GET"],
    "/connector-plugins/PLUGIN/config": ["GET"],
    "/connector-plugins/PLUGIN/config/validate": ["PUT"],
    "/admin/loggers": ["GET"],
    "/admin/loggers/root": ["GET", "PUT"],
}

WITH_BODY = [("POST", "/connectors"), ("PUT", "/connectors/one/config"),
             ("PATCH", "/connectors/one/config"), ("PATCH", "/connectors/one/offsets"),
             ("PUT", "/connector-plugins/PLUGIN/config/validate"), ("PUT", "/admin/loggers/root")]

WRONG_BODIES = {"no body": None, "an empty body": "", "blanks": " ", "null": "null", "a number": "7",
                "an array": "[]", "a text": '"x"', "malformed": "{bad", "cut": '{"a":',
                "text behind": "{} x", "a number for a key": '{1:"x"}'}


def every_method():
    """Each path by each method that it does not have, and what it says of those it has."""
    for path, methods in PATHS.items():
        for method in ["OPTIONS", "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE"]:
            if method in methods:
                continue
            known = method == "OPTIONS" or (method == "HEAD" and "GET" in methods)
            body = {} if method in ("POST", "PUT", "PATCH") else None
            yield ("" if known else "405: ") + f"{method} {path}", method, path, body, None


def every_body():
    for method, path in WITH_BODY:
        for name, body in WRONG_BODIES.items():
            yield f"{name}: {method} {path}", method, path, body, None
        yield (f"as a text: {method} {path}", method, path, "{}", {"Content-Type": "text/plain"})
        yield (f"as of no type: {method} {path}", method, path, "{}", {"Content-Type": None})


def every_form():
    """Answers in a form that there is not, and in one of several."""
    for path, methods in PATHS.items():
        if "GET" in methods:
            yield f"as HTML: GET {path}", "GET", path, None, {"Accept": "text/html"}
            yield (f"as XML, else JSON: GET {path}", "GET", path, None,
                   {"Accept": "application/xml, application/json;q=0.5"})


# name, method, path, body, what is waited for before the answer is asked for
STEPS = [
    ("list of nothing", "GET", "/connectors", None, None),
    ("list, slash at the end", "GET", "/connectors/", None, None),
    ("create", "POST", "/connectors", (CREATE, {"name": "one"}, {"tasks.max": 2, "errors.log.enable":
                                                                 True}), None),
    ("create again", "POST", "/connectors", (CREATE, {"name": "one"}, {}), None),
    ("create, other name inside", "POST", "/connectors", (CREATE, {"name": "x"}, {"name": "y"}),
     None),
    ("create, name in blanks", "POST", "/connectors", (CREATE, {"name": " two words "}, {}), None),
    ("delete, name of two words", "DELETE", "/connectors/two%20words", None, None),
    ("create without a name", "POST", "/connectors", (CREATE, {"name": ""}, {}), None),
    ("create paused", "POST", "/connectors", (CREATE, {"name": "p", "initial_state": "paused"}, {}),
     None),
    ("delete the paused", "DELETE", "/connectors/p", None, None),
    ("create, state unknown", "POST", "/connectors", (CREATE, {"name": "p", "initial_state": "x"},
                                                      {}), None),
    ("create, no class", "POST", "/connectors", {"name": "x", "config": {}}, None),
    ("create, unknown class", "POST", "/connectors",
     {"name": "x", "config": {"connector.class": "no"}}, None),
    ("create, no config", "POST", "/connectors", {"name": "x"}, None),
    ("create, unknown field", "POST", "/connectors", {"name": "x", "config": {}, "y": 1}, None),
    ("create, object for a value", "POST", "/connectors",
     (CREATE, {"name": "x"}, {"topics": {"a": 1}}), None),
    ("create, malformed", "POST", "/connectors", "{bad", None),
    ("create, an array", "POST", "/connectors", "[]", None),
    ("create, wrong number", "POST", "/connectors", (CREATE, {"name": "x"}, {"tasks.max": "x"}),
     None),
    ("get", "GET", "/connectors/one", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("get, slash at the end", "GET", "/connectors/one/", None, None),
    ("config", "GET", "/connectors/one/config", None, None),
    ("status", "GET", "/connectors/one/status", None, None),
    ("tasks", "GET", "/connectors/one/tasks", None, None),
    ("task status", "GET", "/connectors/one/tasks/1/status", None, None),
    ("task status, none", "GET", "/connectors/one/tasks/7/status", None, None),
    ("tasks-config is gone", "GET", "/connectors/one/tasks-config", None, None),
    ("expand", "GET", "/connectors?expand=status&expand=info", None, None),
    ("expand by a word unknown", "GET", "/connectors?expand=x", None, None),
    ("topics", "GET", "/connectors/one/topics", None, reads(5)),
    ("offsets", "GET", "/connectors/one/offsets", None, None),
    ("alter while it runs", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 2}), None),
    ("reset while it runs", "DELETE", "/connectors/one/offsets", None, None),
    ("pause", "PUT", "/connectors/one/pause", None, None),
    ("status, paused", "GET", "/connectors/one/status", None, states("PAUSED", "PAUSED", "PAUSED")),
    ("resume", "PUT", "/connectors/one/resume", None, None),
    ("restart all", "POST", "/connectors/one/restart?includeTasks=true&onlyFailed=false", None,
     states("RUNNING", "RUNNING", "RUNNING")),
    ("restart", "POST", "/connectors/one/restart", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("restart what failed", "POST", "/connectors/one/restart?includeTasks=true&onlyFailed=true",
     None, states("RUNNING", "RUNNING", "RUNNING")),
    ("restart a task", "POST", "/connectors/one/tasks/0/restart", None,
     states("RUNNING", "RUNNING", "RUNNING")),
    ("restart a task, none", "POST", "/connectors/one/tasks/9/restart", None, None),
    ("put", "PUT", "/connectors/one/config", (PUT, {"tasks.max": 1}),
     states("RUNNING", "RUNNING", "RUNNING")),
    ("put, other name inside", "PUT", "/connectors/one/config", (PUT, {"name": "y"}), None),
    ("put, no class", "PUT", "/connectors/one/config", {}, None),
    ("put, an array for a value", "PUT", "/connectors/one/config", {"a": ["b"]}, None),
    ("put, null", "PUT", "/connectors/one/config", "null", None),
    ("put a new one", "PUT", "/connectors/new/config", (PUT, {}), states("RUNNING", "RUNNING")),
    ("delete the new one", "DELETE", "/connectors/new", None, None),
    ("patch", "PATCH", "/connectors/one/config",
     {"errors.log.enable": "true", "tasks.max": 2, "consumer.override.x": None}, None),
    ("patch away", "PATCH", "/connectors/one/config", {"errors.log.enable": None},
     states("RUNNING", "RUNNING", "RUNNING")),
    ("stop", "PUT", "/connectors/one/stop", None, states("RUNNING", "RUNNING", "RUNNING")),
    ("status, stopped", "GET", "/connectors/one/status", None, states("STOPPED")),
    ("get, stopped", "GET", "/connectors/one", None, None),
    ("tasks, stopped", "GET", "/connectors/one/tasks", None, None),
    ("task status, stopped", "GET", "/connectors/one/tasks/0/status", None, None),
    ("alter", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 2}), None),
    ("offsets, altered", "GET", "/connectors/one/offsets", None, None),
    ("alter by a text", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": "3"}), None),
    ("alter nothing", "PATCH", "/connectors/one/offsets", {"offsets": []}, None),
    ("alter, no list", "PATCH", "/connectors/one/offsets", {}, None),
    ("alter, other keys", "PATCH", "/connectors/one/offsets",
     offsets({"kafka_offset": 2}, topic="x"), None),
    ("alter, no number", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": "x"}), None),
    ("alter, other key of offset", "PATCH", "/connectors/one/offsets", offsets({"o": 1}), None),
    ("alter, below zero", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": -4}), None),
    ("alter, topic unknown", "PATCH", "/connectors/one/offsets",
     offsets({"kafka_offset": 1}, kafka_topic="no.such", kafka_partition=0), None),
    ("alter beyond the end", "PATCH", "/connectors/one/offsets", offsets({"kafka_offset": 99}),
     None),
    ("reset", "DELETE", "/connectors/one/offsets", None, None),
    ("offsets, reset", "GET", "/connectors/one/offsets", None, None),
    *every_method(), *every_body(), *every_form(),
    ("reset topics", "PUT", "/connectors/one/topics/reset", None, None),
    ("topics, reset", "GET", "/connectors/one/topics", None, ("topics", [])),
    ("delete", "DELETE", "/connectors/one", None, None),
    ("delete again", "DELETE", "/connectors/one", None, None),
    ("list, empty again", "GET", "/connectors", None, None),
    ("validate, class missing", "PUT", "/connector-plugins/PLUGIN/config/validate", {}, None),
    ("validate, other class", "PUT", "/connector-plugins/PLUGIN/config/validate",
     {"connector.class": "other"}, None),
    ("config of a plugin unknown", "GET", "/connector-plugins/no/config", None, None),
    ("logger", "GET", "/admin/loggers/root", None, None),
    ("logger unknown", "GET", "/admin/loggers/no.such", None, None),
    ("level unknown", "PUT", "/admin/loggers/root", {"level": "LOUD"}, None),
    ("level missing", "PUT", "/admin/loggers/root", {}, None),
    ("level", "PUT", "/admin/loggers/root", {"level": "info"}, None),
    ("level, cluster", "PUT", "/admin/loggers/root?scope=cluster", {"level": "INFO"}, None),
    ("health", "GET", "/health", None, None),
    ("options", "OPTIONS", "/connectors", None, None),
    ("path unknown", "GET", "/nowhere", None, None),
    ("path unknown below", "GET", "/connectors/one/x", None, None),
    ("method unknown", "DELETE", "/connectors", None, None),
    ("method unknown below", "PUT", "/connectors/one/status", {}, None),
    ("other type", "POST", "/connectors", "{}", {"Content-Type": "text/plain"}),
    ("other answer", "GET", "/connectors", None, {"Accept": "text/html"}),
    ("any answer", "GET", "/connectors", None, {"Accept": "text/html,*/*;q=0.1"}),
] + [(f"none: {method} {path}", method, "/connectors/none" + path, None, None)
     for method, path in [
         ("GET", ""), ("GET", "/config"), ("GET", "/status"), ("GET", "/tasks"),
         ("GET", "/tasks/0/status"), ("GET", "/topics"), ("GET", "/offsets"), ("DELETE", ""),
         ("DELETE", "/offsets"), ("PUT", "/pause"), ("PUT", "/resume"), ("PUT", "/stop"),
         ("PUT", "/topics/reset"), ("POST", "/restart"), ("POST", "/restart?includeTasks=true"),
         ("POST", "/tasks/0/restart")]]

