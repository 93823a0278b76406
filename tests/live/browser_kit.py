"""Chromium without a head, by the W3C's WebDriver protocol as chromedriver speaks it: a few requests
of JSON, so no library is needed. Skipped by name where Debian's chromium and chromium-driver are not."""
import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from worker_kit import wait_until

# Nothing of Chromium's own may look for the internet.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    def __init__(self, address, dark=False, size=(1400, 900)):
        self.address = address
        profile = tempfile.mkdtemp(prefix="fieldtrail-chromium-")
        self.profile = profile
        flags = FLAGS + [f"--user-data-dir={profile}", "--window-size=%d,%d" % size]
        options = {"args": flags, "binary": shutil.which("chromium")}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL"}}
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = "/session/" + answer["sessionId"]
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.resize(*size)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.address + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode(errors="replace")[:2000]) from None

    def cdp(self, command, **parameters):
        return self.ask("POST", self.session + "/goog/cdp/execute",
                        {"cmd": command, "params": parameters})

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)

    def open(self, url):
        self.ask("POST", self.session + "/url", {"url": url})

    def run(self, script, *arguments):
        """What the JavaScript returns."""
        return self.ask("POST", self.session + "/execute/sync",
                        {"script": script, "args": list(arguments)})

    def text(self):
        return self.run("return document.body.innerText")

    def sees(self, text, seconds=20.0):
        wait_until(lambda: text in self.text(), f"{text!r} on the page", seconds)

    def find(self, selector):
        """One element that the selector finds, as soon as it is shown."""
        return wait_until(lambda: self.run(
            "return [...document.querySelectorAll(arguments[0])].find((e) => e.checkVisibility())",
            selector), selector)

    def button(self, text):
        return wait_until(lambda: self.run(
            "return [...document.querySelectorAll('button, a')].find((e) => "
            "e.textContent.trim() === arguments[0] && e.checkVisibility() && !e.disabled)", text), text)

    def click(self, element):
        self.ask("POST", f"{self.session}/element/{element[ELEMENT]}/click", {})

    def press(self, text):
        self.click(self.button(text))

    def type(self, element, text):
        self.ask("POST", f"{self.session}/element/{element[ELEMENT]}/value", {"text": text})

    def key(self, key):
        """One key, to whatever has the focus."""
        self.ask("POST", self.session + "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]})

    def complaints(self):
        """What the browser's console has to say: broken scripts, what the policy forbade."""
        log = self.ask("POST", self.session + "/se/log", {"type": "browser"})
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def picture(self, name):
        """A screenshot, where FIELDTRAIL_PICTURES names a folder for them."""
        folder = os.environ.get("FIELDTRAIL_PICTURES")
        if folder:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name + ".png"), "wb") as out:
                out.write(base64.b64decode(self.ask("GET", self.session + "/screenshot")))

    def close(self):
        with contextlib.suppress(AssertionError, OSError):
            self.ask("DELETE", self.session)
        shutil.rmtree(self.profile, ignore_errors=True)


@contextlib.contextmanager
def driver():
    """The address of a chromedriver of this test's own."""
    for tool in ("chromium", "chromedriver"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not here (compose/packages browser installs it)")
    port = free_port()
    process = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        def ready():
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5) as answer:
                    return json.load(answer)["value"]["ready"]
        wait_until(ready, "chromedriver")
        yield f"http://127.0.0.1:{port}"
    finally:
        # Its own group: chromedriver, and what it started.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)
