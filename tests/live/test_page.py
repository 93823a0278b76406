"""The page at /ui in a real browser, against a real Kafka and PostgreSQL: create, see rows, pause, see
a failure and its trace, by mouse and by keyboard."""
import json
import urllib.error
import urllib.request

import pytest

import worker_kit
from browser_kit import Browser, driver, free_port
from worker_kit import produce, wait_until

SECRET = "the-password-of-nobody"


@pytest.fixture(scope="module", name="chromedriver")
def start_driver():
    with driver() as address:
        yield address


@pytest.fixture(name="browse")
def make_browsers(chromedriver):
    """Browsers that are closed at the end, and had nothing to complain about."""
    made = []

    def browse(url, **keywords):
        made.append(Browser(chromedriver, **keywords))
        made[-1].open(url)
        return made[-1]
    try:
        yield browse
    finally:
        for browser in made:
            browser.close()


class Site(worker_kit.Bench):
    """A worker that has no connectors but those that it is given by REST."""

    def begin(self, *lines):
        self.url = f"http://127.0.0.1:{free_port()}"
        self.properties.write_text("\n".join(
            [f"bootstrap.servers={self.stack.bootstrap}", f"listeners={self.url}", *lines]) + "\n")
        worker = self.worker()
        wait_until(lambda: self.ask("GET", "/health/live"), "the worker's REST")
        return worker

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else True
        except (urllib.error.URLError, ConnectionError):
            return None

    def config(self, name=None, **settings):
        return json.loads(self.connector(name, **settings).read_text())["config"]


@pytest.fixture(name="site")
def make_site(stack, binary, tmp_path, request):
    made = Site(stack, binary, tmp_path, request.node.name.replace("[", "_").replace("]", ""))
    try:
        yield made
    finally:
        made.close()


def fill(browser, name, config):
    """Types a new connector as a person would who pastes JSON."""
    browser.press("New connector")
    browser.type(browser.find("#name"), name)
    browser.press("As JSON")
    browser.run("const box = document.querySelector('textarea'); box.value = arguments[0];"
                "box.dispatchEvent(new Event('input', {bubbles: true}))", json.dumps(config))


def test_create_and_watch(site, browse):
    site.begin()
    site.stack.create_topic(site.topic)
    site.make_table()
    browser = browse(site.url + "/ui")
    browser.sees("There are no connectors yet.")
    config = site.config("holding-pivot")
    fill(browser, "holding-pivot", {**config, "pivot.unknown": "perhaps"})
    browser.sees("must be one of")
    browser.picture("form-error")
    fill_again = json.dumps(config)
    browser.run("const box = document.querySelector('textarea'); box.value = arguments[0];"
                "box.dispatchEvent(new Event('input', {bubbles: true}))", fill_again)
    browser.sees("This configuration is valid.")
    browser.press("Create")
    browser.sees("RUNNING")
    produce(site.stack, site.topic, 3000)
    wait_until(lambda: browser.run("return document.querySelectorAll('#latest tbody tr').length") > 20,
               "rows on the page")
    browser.sees("holding_quantity")
    shown = browser.run("return [...document.querySelectorAll('#latest tbody tr')].map((row) => "
                        "[...row.children].map((cell) => cell.textContent))")
    stored = {tuple(line.split("|")) for line in site.sql(
        "select op, 'holding_id='||holding_id, change_field, "
        "case new_value when '' then '''''' else coalesce(new_value, 'NULL') end "
        "from holding_pivot where new_value !~ E'[|\\n\\t]' or new_value is null")}
    plain = [row for row in shown if not set(row[6]) & set("|\n\t")]
    assert len(plain) > 10
    for _, op, _, key, field, _, new in plain:
        assert (op, key.split()[0], field, new) in stored
    browser.picture("detail")
    browser.press("Pause")
    browser.sees("PAUSED")
    assert site.ask("GET", "/connectors/holding-pivot/status")["connector"]["state"] == "PAUSED"
    browser.press("Resume")
    browser.sees("RUNNING")
    browser.press("Delete…")
    browser.picture("delete")
    browser.press("Delete")
    browser.sees("There are no connectors yet.")
    assert site.ask("GET", "/connectors") == []
    assert browser.complaints() == []


def test_failure_and_trace(site, browse):
    site.begin()
    site.stack.create_topic(site.topic)
    site.make_table()
    site.ask("POST", "/connectors", {"name": "bad", "config": site.config(
        "bad", table="no_such_table", table__create="false")})
    produce(site.stack, site.topic, 10)
    browser = browse(site.url + "/ui#/c/bad", dark=True)
    browser.sees("FAILED", 60)
    trace = site.ask("GET", "/connectors/bad/status")["tasks"][0]["trace"]
    assert "no_such_table" in trace
    browser.sees(trace.splitlines()[0])
    browser.picture("failure-dark")
    browser.press("fieldtrail")
    browser.sees("Asks for attention")
    browser.sees("no_such_table")
    assert browser.complaints() == []


def test_secrets_stay(site, browse):
    """The page never has a literal secret, and saving a configuration keeps it."""
    site.begin()
    site.stack.create_topic(site.topic)
    uri = site.uri + ("&" if "?" in site.uri else "?") + "password=" + SECRET
    site.ask("POST", "/connectors", {"name": "kept", "config": site.config("kept", connection__uri=uri)})
    browser = browse(site.url + "/ui#/c/kept")
    browser.sees("[hidden]")
    assert SECRET not in browser.run("return document.documentElement.outerHTML")
    browser.press("Edit configuration")
    browser.sees("This configuration is valid.")
    assert SECRET not in browser.run(
        "return [...document.querySelectorAll('input')].map((i) => i.value).join()")
    browser.press("Save")
    browser.sees("kept was changed")
    assert SECRET in site.ask("GET", "/connectors/kept/config")["connection.uri"]


def test_keyboard_and_many(site, browse):
    """A hundred connectors, without a mouse."""
    site.begin()
    for i in range(100):
        site.ask("POST", "/connectors", {"name": f"connector-{i:03}", "initial_state": "STOPPED",
                                         "config": site.config(f"connector-{i:03}")})
    browser = browse(site.url + "/ui")
    wait_until(lambda: browser.run("return document.querySelectorAll('#rows .row').length") == 100,
               "100 lines")
    browser.picture("many-wide")
    browser.key("/")
    browser.key("7")
    browser.key("7")
    wait_until(lambda: browser.run("return document.querySelectorAll('#rows .row').length") == 1, "one")
    browser.key("\ue00c")  # Escape
    browser.key("j")
    browser.key("\ue007")  # Enter
    wait_until(lambda: browser.run("return location.hash") == "#/c/connector-077", "the connector")
    browser.sees("STOPPED")
    browser.resize(390, 800)
    browser.picture("detail-narrow")
    wide = browser.run("return document.documentElement.scrollWidth")
    assert wide <= 390, wide
    browser.key("\ue00c")
    browser.find("#filter")
    browser.picture("many-narrow")
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    assert browser.complaints() == []


def test_readers_only_look(site, browse):
    """Whoever may read sees everything and has no button that would be refused."""
    passwords = site.folder / "passwords"
    passwords.write_text("read basic reader:look\nwrite basic writer:change\n")
    passwords.chmod(0o600)
    site.begin(f"rest.auth.file={passwords}")
    browser = browse(site.url.replace("//", "//reader:look@") + "/ui")
    browser.sees("you may look, and not change anything")
    assert browser.run("return document.getElementById('create').hidden")
