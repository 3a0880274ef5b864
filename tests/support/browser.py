"""Open pages in a headless Chromium over its debugging pipe: sizes, scripts, errors, requests, pictures."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_SWITCHES = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync
--disable-component-update --hide-scrollbars --remote-debugging-pipe""".split()


class Browser:
    """One browser with one tab; `messages` are errors of the console, `requests` the addresses asked for."""

    def __init__(self, profile: Path) -> None:
        """Start the browser with a new user profile."""
        assert CHROMIUM
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        high = [os.dup(fd) for fd in (to_browser, from_browser)]
        script = f'exec "$@" 3<&{high[0]} 4>&{high[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "browser", CHROMIUM, *_SWITCHES, f"--user-data-dir={profile}"],
            pass_fds=high,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (*high, to_browser, from_browser):
            os.close(fd)
        self._buffer, self._number, self.messages, self.requests = b"", 0, [], []
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)

    def open(self, page: Path | str, width: int, *, dark: bool = False, height: int = 900, fragment: str = "") -> None:
        """Open a file or an address at a width, light or dark, without messages and requests of the page before."""
        self.call("Page.navigate", url="about:blank")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.messages.clear()
        self.requests.clear()
        self._loaded = False
        self.call("Page.navigate", url=(page if isinstance(page, str) else page.as_uri()) + fragment)
        while not self._loaded:
            self._receive()

    def press(self, script: str) -> None:
        """Run a script that leads to another page, and wait until it is loaded."""
        self._loaded = False
        self.run(script)
        while not self._loaded:
            self._receive()

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of the window or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def call(self, method: str, **parameters: Any) -> Any:
        """Call one method of the DevTools protocol on the tab."""
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str = "", **parameters: Any) -> Any:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + 120
        while b"\0" not in self._buffer:
            assert time.monotonic() < end and self._process.poll() is None, "the browser does not answer"
            self._buffer += os.read(self._read, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.messages.append(str(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.messages.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.messages.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
