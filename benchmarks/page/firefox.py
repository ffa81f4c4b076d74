"""Firefox as a person would use it, driven by WebDriver BiDi: the standard that it speaks itself.

Flow      a program, a WebSocket to it -> Firefox, Tab -> looks, tests.studio.browser

Playwright drives a Firefox of its own, which is not to be had from Debian; this needs nothing but
the browser and `websockets`. Only what the studio's walk does is here.

Source: W3C, WebDriver BiDi.
"""

from __future__ import annotations

import base64
import itertools
import json
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("firefox-esr", "firefox")

NO_FIREFOX = "no Firefox: `make browser` installs one"

_PREFERENCES: Mapping[str, bool | int | str] = {
    "media.navigator.streams.fake": True,  # a tone for a microphone, a pattern for a camera
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.server": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
}

_START_S = 60.0
_COMMAND_S = 60.0

_KEYS = {"Space": " ", "ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Escape": "\ue00c"}


class CommandFailed(Exception):
    """The browser would not do what it was told."""


def find_firefox() -> str | None:
    """The program; None where there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Firefox:
    """A browser, and the one connection to it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        """What pages threw, or wrote to their consoles as errors."""

        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; what it gave. Raises CommandFailed."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv(_COMMAND_S))
            if told.get("method") == "log.entryAdded":
                self._note(told["params"])
            if told.get("id") != number:
                continue
            if told["type"] == "error":
                raise CommandFailed(f"{method}: {told['error']}: {told['message']}")
            given: dict[str, Any] = told["result"]
            return given

    def _note(self, entry: Mapping[str, Any]) -> None:
        if entry["level"] == "error":
            self.complaints.append(str(entry.get("text")))

    def tab(self, *, width: int, height: int, locale: str = "en-US") -> Tab:
        """A page that shares nothing with others."""
        user = self.call("browser.createUserContext")["userContext"]
        context = self.call("browsingContext.create", type="tab", userContext=user)["context"]
        self.call("emulation.setLocaleOverride", locale=locale, contexts=[context])
        tab = Tab(self, context, user)
        tab.resize(width, height)
        return tab


class Tab:
    """A page: what it shows, and what a person does to it."""

    def __init__(self, browser: Firefox, context: str, user: str) -> None:
        self._browser = browser
        self._context = context
        self._user = user

    def close(self) -> None:
        """Forget the page and all that it kept."""
        self._browser.call("browser.removeUserContext", userContext=self._user)

    def resize(self, width: int, height: int) -> None:
        """Pixels of the page."""
        self._browser.call(
            "browsingContext.setViewport",
            context=self._context,
            viewport={"width": width, "height": height},
        )

    def open(self, address: str) -> None:
        """Go there, and wait until the page has loaded."""
        self._browser.call(
            "browsingContext.navigate", context=self._context, url=address, wait="complete"
        )

    def reload(self) -> None:
        """Again, from the beginning."""
        self._browser.call("browsingContext.reload", context=self._context, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of an expression; promises are awaited. Raises CommandFailed."""
        return _value(self._evaluated(f"({expression})"))

    def _evaluated(self, expression: str) -> dict[str, Any]:
        given = self._browser.call(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
        )
        if given["type"] == "exception":
            raise CommandFailed(given["exceptionDetails"]["text"])
        result: dict[str, Any] = given["result"]
        return result

    def until(self, condition: str, *, timeout_s: float = 30.0) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + timeout_s
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"not in time: {condition}"
            time.sleep(0.05)

    def until_seen(self, selector: str, *, timeout_s: float = 30.0) -> None:
        """Wait until an element can be seen."""
        self.until(
            f"document.querySelector({json.dumps(selector)})?.checkVisibility()",
            timeout_s=timeout_s,
        )

    def text(self, selector: str) -> str:
        """What an element says."""
        said: str = self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")
        return said

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """left, top, width and height of an element, which is scrolled into view."""
        left, top, width, height = self.evaluate(
            f"""((element) => {{
              element.scrollIntoView({{ block: "nearest", behavior: "instant" }});
              const {{ left, top, width, height }} = element.getBoundingClientRect();
              return [left, top, width, height];
            }})(document.querySelector({json.dumps(selector)}))"""
        )
        return left, top, width, height

    def click(self, selector: str) -> None:
        """Press the middle of an element, once it can be seen."""
        self.until_seen(selector)
        left, top, width, height = self.box(selector)
        self.drag([(left + width / 2, top + height / 2)])

    def drag(self, places: list[tuple[float, float]]) -> None:
        """Press the pointer at the first place, let it go at the last."""
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in places
        ]
        button = {"button": 0}
        self._perform(
            {
                "type": "pointer",
                "id": "mouse",
                "actions": [
                    moves[0],
                    {"type": "pointerDown", **button},
                    *moves[1:],
                    {"type": "pointerUp", **button},
                ],
            }
        )

    def press(self, key: str) -> None:
        """A key, by its name or as its letter."""
        value = _KEYS.get(key, key)
        actions = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keys", "actions": actions})

    def _perform(self, source: Mapping[str, Any]) -> None:
        self._browser.call("input.performActions", context=self._context, actions=[source])

    def choose(self, selector: str, file: Path) -> None:
        """Put a file into an input for files."""
        element = self._evaluated(f"document.querySelector({json.dumps(selector)})")
        self._browser.call(
            "input.setFiles",
            context=self._context,
            element={"sharedId": element["sharedId"]},
            files=[str(file)],
        )

    def screenshot(self) -> bytes:
        """What is seen, as a PNG."""
        taken = self._browser.call("browsingContext.captureScreenshot", context=self._context)
        return base64.b64decode(taken["data"])


def _value(remote: Mapping[str, Any]) -> Any:
    """A value as the browser describes it, as one of ours."""
    match remote["type"]:
        case "undefined" | "null":
            return None
        case "array":
            return [_value(part) for part in remote["value"]]
        case "object":
            return {name: _value(part) for name, part in remote["value"]}
        case _:
            return remote.get("value")


@contextmanager
def firefox(program: str) -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own, ended when this is left."""
    with tempfile.TemporaryDirectory(prefix="portravox-firefox-") as profile:
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items())
        Path(profile, "user.js").write_text("\n".join(lines))
        command = [program, "--headless", "--no-remote", "--profile", profile]
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with connect(f"{_address(process)}/session", max_size=None) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    """Where it listens, as it says on its standard error, which is read on until its end."""
    assert process.stderr is not None
    said: queue.Queue[str] = queue.Queue()
    stderr = process.stderr

    def read() -> None:
        with stderr:
            for line in stderr:
                if (found := re.search(r"ws://[\w.:\[\]]+", line)) is not None:
                    said.put(found[0])

    threading.Thread(target=read, daemon=True).start()
    return said.get(timeout=_START_S)
