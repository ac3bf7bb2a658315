"""browser - a headless Chromium, told what to do by its DevTools protocol through two pipes

No package is needed: messages are JSON with a NUL at the end, on descriptors 3 and 4 of the browser.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from lab import Failed, Skip, check, equal

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Everything that sticks out at the right, unless it can be scrolled inside of something.
TOO_WIDE = """
[...document.querySelectorAll("main *, dialog[open], dialog[open] *")]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 0.5)
  .map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))
"""
SMALL_BUTTONS = """
[...document.querySelectorAll("button, .button")].filter(e => e.checkVisibility())
  .map(e => e.getBoundingClientRect()).filter(r => r.width < 60 || r.height < 36).length
"""


class Browser:
    """In a lab.Host, with a profile of its own. Errors of the console, of scripts and of loading are collected."""

    def __init__(self, host, seconds=20, proxy="--no-proxy-server"):
        program = next((p for p in map(shutil.which, NAMES) if p), None)
        if not program:
            raise Skip("chromium is not installed")
        host.wait_addresses()  # at a new address it gives up what it is loading
        self.seconds = seconds
        self.errors = []
        self.events = []
        self.last_id = 0
        profile = tempfile.mkdtemp(prefix="chromium", dir=host.run_dir)
        theirs_in, self.out = os.pipe()
        self.input, theirs_out = os.pipe()
        self.rest = b""

        def enter():
            host.enter()
            # neither of the two is in the way of the other's number
            a, b = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(a, 3)
            os.dup2(b, 4)

        with open(host.lab.new_file(f"{host.name}.chromium.log"), "wb") as log:
            self.process = subprocess.Popen(
                [program, "--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={profile}",
                 "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", proxy, "--hide-scrollbars", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False, preexec_fn=enter,
                env=dict(host.environment(), HOME=profile))
        os.close(theirs_in)
        os.close(theirs_out)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def read_message(self, end):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.input], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.input, 1 << 20) if ready else b""
            if not piece:
                raise Failed("the browser " + ("has gone" if ready else f"doesn't answer within {self.seconds} s"))
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        self.events.append(event)
        what = event.get("params", {})
        if event["method"] == "Log.entryAdded" and what["entry"]["level"] in ("error", "warning"):
            self.errors.append(what["entry"]["text"] + " " + what["entry"].get("url", ""))
        elif event["method"] == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(what["exceptionDetails"].get("exception", what["exceptionDetails"])))
        elif event["method"] == "Runtime.consoleAPICalled" and what["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(what["args"]))

    def call(self, method, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.seconds
        while True:
            answer = self.read_message(end)
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self.note(answer)

    def size(self, width, height, scale=1, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile)

    def dark(self, dark):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def eval(self, expression):
        """What the JavaScript expression gives; waits for a promise."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def whereabouts(self):
        """For a failed test: what page it shows, and what it has asked for without an end."""
        begun = {}
        for event in self.events:
            what = event.get("params", {})
            if event["method"] == "Network.requestWillBeSent":
                begun[what["requestId"]] = what["request"]["url"]
            elif event["method"] == "Network.loadingFinished":
                begun.pop(what["requestId"], None)
            elif event["method"] == "Network.loadingFailed":
                begun[what["requestId"]] = f"{begun.get(what['requestId'])} ({what['errorText']})"
        page = self.eval("`${location.href} titled ${document.title}, ${document.readyState}`")
        return f"it shows {page}; not loaded: {list(begun.values())}"

    def screenshot(self, path, whole=False):
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.input)


def fits(browser, what):
    wide = browser.eval("document.documentElement.scrollWidth")
    check(wide <= browser.eval("innerWidth"), f"{what}: the page is {wide} wide")
    equal(browser.eval(TOO_WIDE), [], f"{what}: what sticks out")
    equal(browser.eval(SMALL_BUTTONS), 0, f"{what}: buttons too small for a finger")
