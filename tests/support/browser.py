"""A headless Chromium, driven through pipes by its DevTools protocol; counts what it asks other hosts for."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
         "--no-first-run", "--hide-scrollbars", "--remote-debugging-pipe")  # fmt: skip
PATIENCE = 30.0


class Browser:
    """One tab. requests: addresses that pages asked for, but for data: and blob:."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, of: int) -> None:
        self.process, self.to, self.of = process, to, of
        self.buffer, self.number, self.session = b"", 0, ""
        self.requests: list[str] = []
        self.failures: list[str] = []
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "DOM", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Calls a method of the protocol, and takes note of events until its answer comes."""
        self.number += 1
        number = self.number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._next(until)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._noted(answer)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.of], [], [], max(until - time.monotonic(), 0))
            assert ready, "the browser does not answer"
            piece = os.read(self.of, 1 << 20)
            assert piece, "the browser has ended"
            self.buffer += piece
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def _noted(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if urlsplit(url).scheme not in ("data", "blob"):
                self.requests.append(url)
        elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.failures.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event["method"] == "Runtime.exceptionThrown":
            self.failures.append(json.dumps(params["exceptionDetails"])[:500])

    def open(self, address: str, width: int = 1300, height: int = 900) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )  # fmt: skip
        self.send("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, which may be a promise."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str, patience: float = PATIENCE) -> Any:
        """The value of an expression as soon as it is true."""
        until = time.monotonic() + patience
        while not (value := self.evaluate(condition)):
            assert time.monotonic() < until, f"not so in {patience:g} s: {condition}; {self.failures}"
            self.evaluate("new Promise((resolve) => setTimeout(resolve, 50))")
        return value

    def click(self, element: str) -> None:
        """Clicks with the mouse in the middle of an element, a JavaScript expression."""
        self.wait(f"!!({element})")
        place = (
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); return e.getBoundingClientRect().toJSON() }})({element})"
        )
        box = self.evaluate(place)
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, **at)

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key of the focused element: ArrowLeft, Enter, ..."""
        codes = {"ArrowLeft": 37, "ArrowRight": 39, "Enter": 13, "Tab": 9, "Home": 36, "End": 35}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])

    def enter(self, element: str, text: str) -> None:
        """Replaces the text of a field, as by typing."""
        self.click(element)
        self.evaluate(f"({element}).select()")
        self.send("Input.insertText", text=text)
        self.press("Tab")

    def upload(self, selector: str, file: Path) -> None:
        """Chooses a file in an <input type=file>."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def screenshot(self) -> bytes:
        """PNG of what is in the window."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def elsewhere(self, host: str) -> list[str]:
        """Requests to other hosts."""
        return [url for url in self.requests if urlsplit(url).netloc != host]


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser with a profile in `folder`."""
    assert CHROMIUM is not None
    (its_in, to), (of, its_out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in (its_in, its_out)]

    def give_pipes() -> None:
        for descriptor, number in zip(high, (3, 4), strict=True):  # where the browser expects them
            os.dup2(descriptor, number)

    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        preexec_fn=give_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for descriptor in (its_in, its_out, *high):
        os.close(descriptor)
    try:
        yield Browser(process, to, of)
    finally:
        process.terminate()
        process.wait(30)
        os.close(to)
        os.close(of)
