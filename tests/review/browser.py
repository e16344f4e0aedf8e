"""A headless Chromium, driven by the DevTools protocol over a pair of pipes; no other package is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FOUND = next((path for name in _NAMES if (path := shutil.which(name))), None)

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
    *("--hide-scrollbars", "--remote-debugging-pipe", "about:blank"),
)
_PLACE_PIPES = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, pipe in enumerate(pipes, 3):
    os.dup2(pipe, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
_CODES = {"Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36}
_CODES |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Browser:
    """The process. It speaks messages that end with NUL on its descriptors 3 and 4."""

    def __init__(self, profile: Path) -> None:
        theirs, ours = os.pipe()
        answers, speech = os.pipe()
        place = [sys.executable, "-c", _PLACE_PIPES, str(theirs), str(speech)]
        self._process = subprocess.Popen(
            [*place, str(FOUND), f"--user-data-dir={profile}", *_FLAGS],
            pass_fds=(theirs, speech),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(speech)
        self._orders, self._answers = os.fdopen(ours, "wb", 0), os.fdopen(answers, "rb", 0)
        self._numbers, self._rest = count(1), b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **params: object) -> Any:
        """Has the browser do something; returns what it answers."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | (
            {"sessionId": session} if session else {}
        )
        self._orders.write(json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def receive(self) -> dict[str, Any]:
        """The next message."""
        while b"\0" not in self._rest:
            more = self._answers.read(1 << 16)
            assert more, "the browser is gone"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def close(self) -> None:
        """Ends it."""
        with suppress(AssertionError, OSError):
            self.call("Browser.close")
        self._process.wait(30)
        self._orders.close()
        self._answers.close()


class Tab:
    """A page in a window and with a memory of its own."""

    def __init__(self, browser: Browser, *, width: int = 1280, height: int = 900) -> None:
        self._browser = browser
        self._context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self._context)[
            "targetId"
        ]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def call(self, method: str, **params: object) -> Any:
        """Has the page do something."""
        return self._browser.call(method, self._session, **params)

    def open(self, path: Path) -> Tab:
        """Opens a file, and waits until it is loaded."""
        self._browser.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not self.events("Page.loadEventFired"):
            self._browser.events.append(self._browser.receive())
        return self

    def events(self, method: str) -> list[dict[str, Any]]:
        """What happened of a kind since the page was opened."""
        self.js("0")  # fetches what there is
        return [
            event["params"]
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression; of a promise, what it comes to."""
        done = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def press(self, *keys: str, shift: bool = False) -> Tab:
        """Presses keys, one after the other."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            self.call(
                "Input.dispatchKeyEvent",
                type="keyDown" if text else "rawKeyDown",
                key=key,
                text=text,
                modifiers=8 if shift else 0,
                windowsVirtualKeyCode=_CODES.get(key, 0),
            )
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        return self

    def type(self, text: str) -> Tab:
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)
        return self

    def close(self) -> None:
        """Closes the window and forgets what it remembered."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
