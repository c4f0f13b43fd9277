"""The page in headless Chromium: a server on a free port, and calls that read and operate the page."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from urllib.parse import parse_qs, urlparse
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests import ROOT

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --force-color-profile=srgb"
).split()
WAIT_S = 30
needs_chromium = pytest.mark.skipif(which("chromedriver") is None, reason="apt-get install chromium chromium-driver")
AXE = Path(find_spec("selenium_axe_python").submodule_search_locations[0]) / "axe-core" / "axe.min.js"
# The console script, also in a checkout that is not installed; modules of the current directory are not imported.
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from cosmos_search.cli.main import main; main()"
DEEP = """
const found = [];
const look = (root) => {
  for (const node of root.querySelectorAll('*')) {
    if (node.matches(arguments[0])) found.push(node);
    if (node.shadowRoot) look(node.shadowRoot);
  }
};
look(document);
return found;
"""


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def page(index, home, token="", *, options=(), cwd=ROOT, variables=None):
    """Start a server for this index and yield its address; caches and models are below `home`."""
    port = free_port()
    environment = os.environ | {
        "COSMOS_SEARCH_INDEX": str(index),
        "XDG_CACHE_HOME": str(home / "cache"),
        "HOME": str(home),
        "COSMOS_SEARCH_TOKEN": token,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        **(variables or {}),
    }
    command = [sys.executable, "-c", PROGRAM, "ui", "--no-browser", "--port", str(port), *options]
    with (home / "page.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=cwd, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: is_up(address))
        yield address
    finally:
        server.terminate()
        server.wait(WAIT_S)


def is_up(address):
    try:
        return urlopen(address + "_stcore/health", timeout=1).status == 200
    except OSError:
        return False


def until(is_so, what="nothing came", seconds=WAIT_S):
    """Call until the result is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := unless_redrawn(is_so):
            return found
        time.sleep(0.05)
    raise AssertionError(what)


def unless_redrawn(action):
    """The result; None if an element was replaced or moved meanwhile, so that the call can be repeated."""
    try:
        return action()
    except (StaleElementReferenceException, ElementNotInteractableException, ElementClickInterceptedException):
        return None


@contextmanager
def chromium(profile, size=(1280, 900)):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    try:
        yield Looker(browser)
    finally:
        browser.quit()


class Looker:
    """Finds elements also in shadow roots, and waits until they exist."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, address):
        self.browser.get(address)
        self.one('[data-testid="stApp"]')
        self.settle()
        return self

    def parameters(self):
        """The parameters of the address, each with its first value."""
        return {name: values[0] for name, values in parse_qs(urlparse(self.browser.current_url).query).items()}

    def all(self, selector):
        return self.browser.execute_script(DEEP, selector)

    def one(self, selector, text=None):
        return until(lambda: next(iter(self.with_text(selector, text)), None), f"no {selector} with {text!r}")

    def with_text(self, selector, text):
        found = unless_redrawn(lambda: [n for n in self.all(selector) if text is None or text in self.text(n)])
        return found or []

    def shown(self, selector, text=None):
        """The first visible element."""
        nodes = self.with_text(selector, text)
        return unless_redrawn(lambda: next((node for node in nodes if node.is_displayed()), None))

    def text(self, node):
        return self.browser.execute_script("return arguments[0].innerText ?? ''", node)

    def names(self):
        """The names of the pictures in the grid."""
        return unless_redrawn(lambda: [self.text(node) for node in self.all(".card .name")]) or []

    def open_picture(self, name=None):
        """Open the first picture of the grid, or that of a name, in the full window."""
        self.one(".card .name", name)
        cards = {self.text(card.find_element(By.CSS_SELECTOR, ".name")): card for card in self.all(".card")}
        link = (cards[name] if name else self.all(".card")[0]).find_element(By.CSS_SELECTOR, ".open")
        self.browser.execute_script("arguments[0].click()", link)
        self.one("dialog[open] .panel dd")

    def detail(self, text):
        """Wait until the details of the open picture have this text."""
        until(lambda: text in self.text(self.one("dialog[open]")), f"the details do not say {text!r}")

    def cards(self, is_so=bool):
        """The names in the grid, once `is_so` holds for them and the page is drawn."""
        self.settle()
        until(lambda: is_so(self.names()), f"the grid stayed at {self.names()}")
        return self.names()

    def settle(self):
        """Wait until the page is drawn."""
        self.one('[data-testid="stApp"][data-test-script-state="notRunning"]')
        until(lambda: not self.all('[data-stale="true"]'))

    def says(self, text):
        until(lambda: text in self.browser.find_element(By.TAG_NAME, "body").text, f"the page does not say {text!r}")

    def click(self, selector, text=None):
        def press():
            node = self.shown(selector, text)
            if node is None:
                return False
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", node)
            self.resting(node)
            node.click()
            return True

        until(press, f"no {selector} with {text!r} can be clicked")
        time.sleep(0.1)
        self.settle()

    def type(self, label, text, end=Keys.ENTER):
        def write():
            field = self.one(f'input[aria-label="{label}"]:not([disabled])')
            field.send_keys(Keys.CONTROL + "a")
            field.send_keys(text + end)
            return True

        until(write, f"nothing can be typed into {label}")
        time.sleep(0.1)
        self.settle()

    def resting(self, node):
        """The position of an element once it has stopped moving: left, top, width, height."""
        places = []

        def is_still():
            where = "const b = arguments[0].getBoundingClientRect(); return [b.left, b.top, b.width, b.height]"
            places.append(self.browser.execute_script(where, node))
            return len(places) > 3 and places[-1] == places[-4] and places[-1][3] > 0

        until(is_still, "it does not stop moving")
        return places[-1]

    def drag(self, selector, start, end):
        """Drag over an element; start and end are fractions of its width and height."""
        node = self.one(selector)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", node)
        box = self.resting(node)
        (x0, y0), (x1, y1) = ((int(box[0] + x * box[2]), int(box[1] + y * box[3])) for x, y in (start, end))
        actions = webdriver.ActionChains(self.browser)
        mouse = actions.w3c_actions.pointer_action
        mouse.move_to_location(x0, y0).pointer_down().move_to_location((x0 + x1) // 2, (y0 + y1) // 2)
        mouse.move_to_location(x1, y1).pointer_up()
        actions.perform()
        time.sleep(0.2)
        self.settle()

    def point(self, x, y, *, is_click=False):
        """Move the mouse to a place in the window, and click there."""
        actions = webdriver.ActionChains(self.browser)
        mouse = actions.w3c_actions.pointer_action.move_to_location(x, y)
        if is_click:
            mouse.pointer_down().pointer_up()
        actions.perform()
        self.settle()

    def size(self, width, height):
        """Set the size of the page, as on a phone or a screen of that size."""
        values = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", values)

    def dark(self, is_dark):
        feature = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def offline(self, is_on):
        """Let requests fail, as if the server was not reachable."""
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": is_on, **limits})

    def hold(self, pattern):
        """Keep requests waiting whose address matches the pattern, such as "*/heat*"; None: let them go on."""
        patterns = {"patterns": [{"urlPattern": pattern}]}
        self.browser.execute_cdp_cmd(*(("Fetch.enable", patterns) if pattern else ("Fetch.disable", {})))

    def touch(self, is_on):
        """Emulate a screen that is touched, and no mouse."""
        self.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": is_on, "maxTouchPoints": 5})

    def move_fingers(self, start, end):
        """Touch at some points, move each to another one in steps, and let go."""

        def send(kind, points):
            values = {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]}
            self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", values)

        send("touchStart", start)
        for step in range(1, 6):
            moved = zip(start, end, strict=True)
            send("touchMove", [(x + (u - x) * step / 5, y + (v - y) * step / 5) for (x, y), (u, v) in moved])
        send("touchEnd", [])

    def violations(self):
        """What axe-core finds against WCAG 2.1 A and AA, as rule and elements; in an open dialog only."""
        self.settle()
        self.browser.execute_script(AXE.read_text(encoding="utf-8"))
        dialogs = self.all("dialog[open]")
        found = self.browser.execute_async_script(
            "const [node, done] = arguments; const runOnly = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];"
            "const fail = (error) => done({ violations: [], error: String(error) });"
            "axe.run(node ?? document, { runOnly }).then(done, fail);",
            dialogs[0] if dialogs else None,
        )
        assert "error" not in found, found["error"]
        return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]

    def downloads_into(self, folder):
        values = {"behavior": "allow", "downloadPath": str(folder)}
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", values)

    def press(self, key):
        webdriver.ActionChains(self.browser).send_keys(key).perform()
        time.sleep(0.1)
        self.settle()

    def focused(self):
        """The focused element, also within shadow roots."""
        return self.browser.execute_script(
            "let at = document.activeElement; while (at.shadowRoot) at = at.shadowRoot.activeElement; return at;"
        )

    def choose(self, label, option):
        """Choose an option of a drop-down list, which may be behind a button that was pressed before."""
        self.one(f'input[aria-label*="{label}"]').click()
        self.click('[role="option"]', option)

    def requested(self):
        """All addresses requested since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def remove(self, selector):
        for node in self.all(selector):
            self.browser.execute_script("arguments[0].remove()", node)

    def photograph(self, path):
        self.settle()
        time.sleep(0.5)  # fonts and pictures
        self.browser.save_screenshot(str(path))
        return path
