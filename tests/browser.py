"""A headless Chromium that tests speak to through two pipes, without a port."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here: 'apt-get install chromium' to try the page itself"
)
PATIENCE = 60.0
"""Seconds until a browser that says nothing is given up."""
_START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
"""Gives the browser its two pipes where it looks for them."""
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}


class Browser:
    """A headless Chromium that is spoken to through two pipes."""

    def __init__(self, folder: Path):
        assert CHROMIUM is not None
        ends = []
        for _ in range(2):
            for end in os.pipe():
                ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
                os.close(end)
        its_in, self._out, self._in, its_out = ends
        switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        switches += ["--no-first-run", "--disable-background-networking", "--remote-debugging-pipe"]
        start = [sys.executable, "-c", _START, str(its_in), str(its_out)]
        self._process = subprocess.Popen(
            [*start, CHROMIUM, *switches, f"--user-data-dir={folder}", "about:blank"],
            pass_fds=(its_in, its_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_in)
        os.close(its_out)
        self._rest = b""
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the browser."""
        try:
            self.call("Browser.close")
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._in)
            os.close(self._out)

    def call(self, method: str, session: str | None = None, **values: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": values}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._next()).get("id") != self._calls:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, method: str, session: str | None = None) -> dict[str, Any]:
        """The first event of this name, which is forgotten then."""
        while True:
            for event in self.events:
                if event["method"] == method and session in {None, event.get("sessionId")}:
                    self.events.remove(event)
                    params: dict[str, Any] = event["params"]
                    return params
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], PATIENCE)
            assert ready, "the browser says nothing"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser has ended"
            self._rest += data
        first, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message


class Tab:
    """One page in a profile of its own, as on a machine of its own, or beside another one."""

    def __init__(self, browser: Browser, downloads: Path, beside: Self | None = None):
        self._browser = browser
        self.downloads = downloads
        downloads.mkdir(exist_ok=True)
        context = (
            browser.call("Target.createBrowserContext")["browserContextId"]
            if beside is None
            else beside.context
        )
        self.context: str = context
        browser.call(
            "Browser.setDownloadBehavior",
            behavior="allow",
            browserContextId=context,
            downloadPath=str(downloads),
        )
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = browser.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.size(1280, 800)

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Ask something of this page."""
        return self._browser.call(method, self._session, **values)

    def size(self, width: int, height: int) -> None:
        """Let the window have this many CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        self.call("Page.navigate", url=path.as_uri())
        self._browser.wait("Page.loadEventFired", self._session)

    def see(self, expression: str) -> Any:
        """The value of an expression in the page."""
        seen = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in seen, seen
        return seen["result"].get("value")

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.see(f"document.querySelector({json.dumps(selector)}).innerText"))

    def press(self, *keys: str) -> None:
        """Press keys one after another; a key is a character or has a name of several letters."""
        for key in keys:
            event: dict[str, Any] = {"key": key, "code": key}
            if len(key) == 1:
                kind = "Digit" if key.isdigit() else "Key" if key.isalpha() else ""
                event = {"key": key, "code": kind + key.upper() if kind else "", "text": key}
            elif key in _KEYS:
                event["windowsVirtualKeyCode"] = _KEYS[key]
            if key == "Enter":
                event["text"] = "\r"
            self.call("Input.dispatchKeyEvent", type="keyDown", **event)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=event["code"])

    def write(self, text: str) -> None:
        """Write into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of an element."""
        x, y = self.see(
            f"(() => {{ const it = document.querySelector({json.dumps(selector)}); "
            "it.scrollIntoView({block: 'nearest'}); const box = it.getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """What has happened in this page."""
        return [
            event["params"]
            for event in self._browser.events
            if event["method"] in methods and event.get("sessionId") == self._session
        ]
