"""The page in a real browser: controls are moved by mouse and keys, and pictures compared with `gancore sample`.

Needs gradio (`pip install 'gancore[explore]'`) and Chromium.
"""

import base64
import gc
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from PIL import Image
from support.browser import CHROMIUM, Browser, browsing
from support.small import experiment_of
from support.subjects import FIXTURE, style_generator
from torch import Tensor

from gancore.analysis.figures.grid import as_pixels
from gancore.analysis.figures.write import drawn
from gancore.cli import main
from gancore.composition import compose
from gancore.contracts import Interface
from gancore.explore import Explored, Look, StyleEdit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # gradio's and its libraries' own
    pytest.mark.skipif(find_spec("gradio") is None, reason="gradio is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def models() -> list[Explored]:
    return [Explored.of(FIXTURE, CPU), Explored(style_generator(16), "noisy", CPU)]


@pytest.fixture(scope="module")
def connections() -> Iterator[list[Any]]:
    """Addresses beyond this machine that this process connects to, or asks the names of."""
    asked: list[Any] = []
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def connecting(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
            asked.append(address)
        connect(self, address)

    def looking_up(host: Any, *rest: Any, **how: Any) -> Any:
        if host not in (None, "127.0.0.1", "localhost", "::1", b"127.0.0.1"):
            asked.append(host)
        return lookup(host, *rest, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connecting)
        patch.setattr(socket, "getaddrinfo", looking_up)
        yield asked


@pytest.fixture(scope="module")
def address(models: list[Explored], connections: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        with serving(models) as found:
            yield found
        gc.collect()  # what gradio left open is found here, where its warnings count for nothing


class serving:
    """A server on some models, in a thread. Gives its address."""

    def __init__(self, models: list[Explored]) -> None:
        import uvicorn

        from gancore.explore.serve import application, listening

        self.door = listening("127.0.0.1", 0)
        app = application(models, ["embedded"], "127.0.0.1")
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.door]}, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"127.0.0.1:{self.door.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        self.door.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Browser:
    browser.open(f"http://{address}/")
    browser.wait("document.querySelector('#picture-1 img')?.naturalWidth > 0")
    return browser


def tab(page: Browser, title: str) -> None:
    page.click(f"[...document.querySelectorAll('button[role=tab]')].find(x => x.textContent.trim() == '{title}')")


def field(name: str, kind: str = "range") -> str:
    return f"document.querySelector('#{name} input[type={kind}]')"


def move(page: Browser, name: str, key: str, times: int) -> float:
    """Moves a slider by the keyboard, and gives its value."""
    page.evaluate(f"{field(name)}.focus()")
    page.press(key, times)
    return float(page.evaluate(f"{field(name)}.value"))


def pixels(page: Browser, selector: str) -> np.ndarray | None:
    """What an image on the page shows, exactly."""
    text = page.evaluate(
        f"""(async () => {{
          const image = document.querySelector('{selector} img');
          if (!image) return '';
          const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
          return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));
        }})()"""
    )
    if not text:
        return None
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return np.asarray(image.convert("RGB"))


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def shows(page: Browser, selector: str, wanted: Tensor | np.ndarray) -> None:
    """Waits until an image on the page has exactly these pixels."""
    expected = as_pixels(wanted) if isinstance(wanted, Tensor) else wanted

    def same() -> bool:
        seen = pixels(page, selector)
        return seen is not None and seen.shape == expected.shape and bool((seen == expected).all())

    until(same, f"{selector} does not show what it should; the page says {message(page)!r}; {page.failures}")


def message(page: Browser) -> str:
    return str(page.evaluate("document.querySelector('#message')?.textContent.trim() ?? ''"))


def sampled(folder: Path, *options: object) -> np.ndarray:
    """The file of `gancore sample`."""
    assert main(["sample", str(FIXTURE), *map(str, options), "--out", str(folder / "one.png")]) == 0
    with Image.open(folder / "one.png") as image:
        return np.asarray(image.convert("RGB"))


def test_seed_and_truncation(page: Browser, models: list[Explored], tmp_path: Path) -> None:
    shows(page, "#picture-0", sampled(tmp_path, "--seeds", 0))
    page.enter(field("seed", "number"), "11")
    shows(page, "#picture-0", sampled(tmp_path, "--seeds", 11))
    shows(page, "#picture-1", models[1].picture(Look(seed=11)))
    psi = move(page, "truncation-psi", "ArrowLeft", 30)
    assert psi == pytest.approx(0.7)
    shows(page, "#picture-0", sampled(tmp_path, "--seeds", 11, "--truncation-psi", psi))
    shows(page, "#picture-1", models[1].picture(Look(seed=11, truncation_psi=psi)))
    assert "Label: not offered by run: it was trained without labels" in page.evaluate("document.body.innerText")
    assert "--seeds 11 --truncation-psi 0.7" in page.evaluate("document.querySelector('#command').textContent")


def test_crossover_and_blend(page: Browser, models: list[Explored], tmp_path: Path) -> None:
    page.enter(field("other", "number"), "5")
    assert move(page, "crossover", "ArrowLeft", 3) == 3
    shows(page, "#picture-0", models[0].picture(Look(other=5, blend=1.0, crossover=3)))
    move(page, "crossover", "Home", 1)
    shows(page, "#picture-0", sampled(tmp_path, "--seeds", 5))
    blend = move(page, "blend", "ArrowLeft", 40)
    shows(page, "#picture-1", models[1].picture(Look(other=5, blend=blend)))


def test_steps_along_directions(page: Browser, models: list[Explored]) -> None:
    tab(page, "Styles")
    amount = move(page, "amount", "ArrowRight", 30)
    last = models[0].generator.num_ws - 1
    first = StyleEdit(amount=amount, last=last)
    shows(page, "#picture-0", models[0].picture(Look(edits=(first,))))
    page.click("document.querySelector('#keep')")
    page.wait("document.body.innerText.includes('factorized 1: +1.5')")
    move(page, "number", "ArrowRight", 1)
    move(page, "first", "ArrowRight", 2)
    amount = move(page, "amount", "ArrowLeft", 20)
    second = StyleEdit(number=2, amount=amount, first=2, last=last)
    shows(page, "#picture-0", models[0].picture(Look(edits=(first, second))))
    page.click("document.querySelector('#forget')")
    shows(page, "#picture-0", models[0].picture(Look()))


def test_noise_of_all_and_of_single_layers(page: Browser, models: list[Explored]) -> None:
    tab(page, "Noise")
    page.click("[...document.querySelectorAll('#noise-mode input')].find(x => x.value == 'random')")
    shows(page, "#picture-1", models[1].picture(Look(noise_mode="random")))
    layer = models[1].noise_layers[-1]
    page.click(f"[...document.querySelectorAll('#noisy label')].find(x => x.innerText.trim() == '{layer}')")
    shows(page, "#picture-1", models[1].picture(Look(noise_mode="random", silent=frozenset({layer}))))
    page.click("[...document.querySelectorAll('#noise-mode input')].find(x => x.value == 'none')")
    shows(page, "#picture-1", models[1].picture(Look(noise_mode="none")))


def test_the_map_of_a_layer(page: Browser, models: list[Explored]) -> None:
    tab(page, "Layers")
    layer = models[0].layers[-2]
    page.click("document.querySelector('#layer input')")
    page.click(f"[...document.querySelectorAll('[role=option]')].find(x => x.innerText.includes('{layer}'))")
    found = models[0].layer_map(Look(), layer).figure(models[0].picture(Look()))
    shows(page, "#map-0", np.asarray(drawn(found).png().convert("RGB")))


def test_a_projection_with_its_progress(page: Browser, models: list[Explored], tmp_path: Path) -> None:
    Image.fromarray(as_pixels(models[0].picture(Look(seed=21)))).save(tmp_path / "given.png")
    tab(page, "Project")
    page.wait("!!document.querySelector('#upload input[type=file]')")
    page.upload("#upload input[type=file]", tmp_path / "given.png")
    shows(page, "#target", np.asarray(Image.open(tmp_path / "given.png")))
    move(page, "steps", "Home", 1)
    page.click("document.querySelector('#project')")
    page.wait("/step \\d+ of 10, distance [\\d.]+ .embedded/.test(document.querySelector('#progress').innerText)")
    page.wait("document.querySelector('#progress').innerText.includes('step 10 of 10')")
    page.wait(f"{field('from-image', 'checkbox')}.checked")
    before = as_pixels(models[0].picture(Look()))

    def changed() -> bool:
        seen = pixels(page, "#picture-0")
        return seen is not None and bool((seen != before).any())

    until(changed, "the projection does not take the place of the first seed")
    page.click(field("from-image", "checkbox"))
    shows(page, "#picture-0", before)


WRONG = {
    "no image": (b"not an image", "This file: not an image of a kind that is read here"),
    "damaged": (b"\x89PNG\r\n\x1a\n" + bytes(100), "This file: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_upload_that_cannot_be_read_says_so_and_the_page_goes_on(
    page: Browser, models: list[Explored], tmp_path: Path, name: str
) -> None:
    content, words = WRONG[name]
    (tmp_path / "wrong.png").write_bytes(content)
    tab(page, "Project")
    page.wait("!!document.querySelector('#upload input[type=file]')")
    page.upload("#upload input[type=file]", tmp_path / "wrong.png")
    page.wait(f"document.querySelector('#progress').innerText.includes('{words}')")
    page.click("document.querySelector('#project')")
    page.wait("document.querySelector('#progress').innerText.includes('Choose an image first')")
    tab(page, "Sample")
    page.enter(field("seed", "number"), "3")
    shows(page, "#picture-0", models[0].picture(Look(seed=3)))


def test_an_upload_that_is_too_large_is_refused(page: Browser, models: list[Explored], tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(33 * 2**20)
    tab(page, "Project")
    page.wait("!!document.querySelector('#upload input[type=file]')")
    page.upload("#upload input[type=file]", tmp_path / "large.png")
    page.wait("/exceed|too large|larger/i.test(document.body.innerText)")
    tab(page, "Sample")
    page.enter(field("seed", "number"), "4")
    shows(page, "#picture-0", models[0].picture(Look(seed=4)))


def test_a_value_that_is_none_is_told_and_the_picture_stays(page: Browser, models: list[Explored]) -> None:
    page.enter(field("seed", "number"), "99999999999999999999")
    until(lambda: "seed" in message(page), "no word on the seed")
    page.enter(field("seed", "number"), "2")
    shows(page, "#picture-0", models[0].picture(Look(seed=2)))
    until(lambda: not message(page), "the message stays")


def test_models_without_ws_truncation_and_noise_but_with_labels(browser: Browser, address: str) -> None:
    """A page of its own: what nobody offers is absent, with the reasons; classes have names; vectors are labels."""
    conditional = compose(experiment_of("dcgan", "residual"), Interface(16, 3, 3)).generator.eval()
    conditional.class_names = ("cat", "dog <b>bold</b>", "owl")
    plain = compose(experiment_of("stack", "residual"), Interface(16, 3)).generator.eval()
    models = [Explored(conditional, "dcgan", CPU), Explored(plain, "stack", CPU)]
    with serving(models) as other:
        browser.open(f"http://{other}/")
        browser.wait("document.querySelector('#picture-1 img')?.naturalWidth > 0")
        text = browser.evaluate("document.body.innerText")
        assert "Truncation: not offered by stack: this generator has no truncation" in text
        assert not browser.evaluate("!!document.querySelector('#crossover')")
        browser.click("document.querySelector('#label input')")
        browser.click("[...document.querySelectorAll('[role=option]')].find(x => x.innerText.includes('owl'))")
        shows(browser, "#picture-0", models[0].picture(Look(label=2)))
        vector = "document.querySelector('#label-vector textarea, #label-vector input')"
        browser.enter(vector, "0.5, 0.5")
        until(lambda: "2 numbers, and dcgan takes 3" in message(browser), "no word on the vector")
        browser.enter(vector, "0.5, 0.5, 0")
        shows(browser, "#picture-0", models[0].picture(Look(label_vector=(0.5, 0.5, 0.0))))
        blend = move(browser, "blend", "ArrowRight", 50)
        shows(browser, "#picture-1", models[1].picture(Look(blend=blend)))
        assert browser.elsewhere(other) == [url for url in browser.requests if address in url]


def test_no_other_host_was_asked_for_anything(page: Browser, address: str, connections: list[Any]) -> None:
    """Comes last: by the browser in all the tests above, and by the server."""
    assert len(page.requests) > 50
    assert {urlsplit(url).hostname for url in page.requests} == {"127.0.0.1"}
    assert connections == []
    assert [failure for failure in page.failures if "413" not in failure] == []


def test_other_names_of_this_machine_are_refused(address: str) -> None:
    """A web page elsewhere cannot reach the page by a name that it lets point here."""
    import http.client

    for host, status in ((address, 200), ("evil.example", 400)):
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        assert answer.status == status
        assert "default-src 'self'" in (answer.getheader("content-security-policy") or "")
        connection.close()
