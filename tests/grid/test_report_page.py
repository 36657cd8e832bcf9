"""report.html as a document: whole, self-contained, escaped, at any moment of a grid's life. Nothing here runs it."""

import base64
import html.parser
import io
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.made_up_grids import NINE, D, G, cell, made_up

from gancore.cli import main
from gancore.drawing import apart, linear_ticks, log_ticks
from gancore.grid.folder import GridFolder
from gancore.grid.report.pictures import LARGEST, Picture, picture
from gancore.grid.report.write import write_report

EVIL = "</script><img src=x onerror=alert(1)>\"'`|*_[a](javascript:b)&amp;"
VOID = {"meta", "input", "img", "br", "link", "hr"}


class Page(html.parser.HTMLParser):
    """Elements with attributes, in order; complains of a tag that is closed where another one is open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(folder: GridFolder) -> Page:
    out = write_report(folder, folder.path / "report")
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.md", "results.csv", "results.json"]
    json.loads((out / "results.json").read_text())
    return Page((out / "report.html").read_text(encoding="utf-8"))


def squares(path: Path, tile: int, side: int) -> None:
    """A grid of side x side tiles, each of its own grey."""
    image = Image.new("L", (tile * side, tile * side))
    for i in range(side * side):
        image.paste(20 + 2 * i, (i % side * tile, i // side * tile, (i % side + 1) * tile, (i // side + 1) * tile))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def finished(path: Path, seeds: int = 3) -> GridFolder:
    """Nine arms with all that a report can show."""
    cells = {
        cell(g, d, seed): {
            "state": "done",
            "at": 10,
            "scores": [{"fid": 90 - step * i - seed, "ppl2_wend": 100 + i} for step in range(3)],
            "config": {"name": cell(g, d, seed), "generator": {"use": g}, "discriminator": {"use": d}},
            "data": {"resolution": 8, "count": 5, "sha256": "f" * 64},
            "environment": {"torch": "2.13", "device": "cpu", "threads": 1 + seed},
        }
        for i, (g, d) in enumerate((g, d) for g in NINE["axes"][G] for d in NINE["axes"][D])
        for seed in range(seeds)
    }
    folder = made_up(path, {**NINE, "seeds": list(range(seeds))}, cells)
    for name in cells:
        squares(folder.run(name).samples / "fakes-000009.000.png", 8, 3)
        squares(folder.run(name).samples / "fakes-000010.000.png", 8, 3)
        squares(folder.run(name).samples / "reals.png", 8, 3)
    return folder


def test_the_page_holds_everything_and_needs_nothing(tmp_path: Path) -> None:
    page = page_of(finished(tmp_path))
    text = " ".join(page.text)
    assert len([a for a in page.all("details") if a.get("class") == "cell"]) == 27
    assert len(page.all("svg")) == 2 * 3  # two scores, a panel for each generator
    assert len([a for a in page.all("img") if "Samples" in (a["alt"] or "")]) == 27
    assert len([a for a in page.all("img") if a["alt"] == "Real images"]) == 3  # once for each seed
    assert "discriminator.use: original -> skip" in text
    assert "gancore train" in text
    sources = [
        a.get(key) for _, a in page.elements for key in ("src", "href", "srcset", "action", "data") if a.get(key)
    ]
    assert all(source and (source.startswith(("#", "data:image/"))) for source in sources)
    assert not re.search(r"@import|url\(|https?://", re.sub(r"data:[^\"]*", "", " ".join(page.text)))


def test_links_lead_to_places_on_the_page(tmp_path: Path) -> None:
    page = page_of(finished(tmp_path, seeds=1))
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(set(ids)) == len(ids)
    targets = {a["href"] for a in page.all("a")}
    assert targets <= {f"#{name}" for name in ids}
    assert {"#results", "#samples", "#cell-1", "#cell-9"} <= targets


def test_neighbours_differ_on_one_axis(tmp_path: Path) -> None:
    text = (write_report(finished(tmp_path, seeds=2), tmp_path / "out") / "report.html").read_text()
    first = text[text.index('id="cell-1"') : text.index('id="cell-2"')]
    assert re.findall(r'<li><a href="#cell-\d+">([^<]*)', first) == [
        "discriminator skip",
        "discriminator residual",
        "generator skip",
        "generator residual",
    ]


def test_whatever_a_name_says_is_text(tmp_path: Path) -> None:
    """Labels of axes are made safe before; keys of axes, and what comes from files, may say anything."""
    name = EVIL.replace("/", "")
    score = {"value": 1.0, "protocol": EVIL, "features": EVIL, "samples": 5, "data": {"reals": EVIL}}
    about = {
        "reason": EVIL, "stderr": EVIL, "exit_code": 1, "at": 3, "host": EVIL, "state": "failed",
        "scores": [{f"fid{EVIL}": score}] * 2, "config": {"name": EVIL, EVIL: EVIL}, "environment": {EVIL: EVIL},
        "data": {EVIL: EVIL}, "parameters": {EVIL: 3},
    }  # fmt: skip
    grid = {"axes": {f"generator.{name}": ["skip", "residual"]}, "enough_kimg": 0}
    folder = made_up(tmp_path / name, grid, {f"{name}={label}": about for label in ("skip", "residual")})
    assert EVIL in (folder.cells / f"{name}=skip.json").read_text().replace('\\"', '"')
    page = page_of(folder)
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    written = (folder.path / "report" / "report.md").read_text()
    outside_code = re.sub(r"^- `[^`]*`", "", written, flags=re.MULTILINE)
    assert "<" not in outside_code.replace("\\<", "")


def test_the_page_forbids_what_it_does_not_bring(tmp_path: Path) -> None:
    page = page_of(made_up(tmp_path, NINE, {}))
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'", policy)
    assert "unsafe-inline" not in policy[policy.index("script-src") :]


@pytest.mark.parametrize(
    "grid",
    [
        NINE,
        {"seeds": [0, 1]},
        {"axes": {G: ["skip"]}},
        {**NINE, "axes": {**NINE["axes"], "loss.use": ["hinge", "wasserstein"]}},
    ],
)
def test_a_grid_in_which_nothing_has_happened(tmp_path: Path, grid: dict[str, Any]) -> None:
    page = page_of(made_up(tmp_path, grid, {}))
    assert "No scores yet" in " ".join(page.text)
    assert not page.all("svg")


def test_a_grid_with_everything_damaged_is_reported(tmp_path: Path) -> None:
    folder = finished(tmp_path, seeds=1)
    first, second, third, fourth, fifth = [one.name for one in folder.combinations()][:5]
    (folder.cells / f"{first}.json").write_text("{")
    folder.run(second).metrics.write_bytes(
        b'\xff\xfe{"kimg"\n[1]\n{"step": 0}\n{"step": 1, "kimg": 1, "scores": [{"name": "fid", "value": NaN}]}'
    )
    folder.run(third).config.write_text("a: [")
    folder.run(third).environment.write_text("[]")
    (folder.run(fourth).samples / "fakes-000010.000.png").write_bytes(b"\x89PNG\r\n no picture")
    (folder.run(fourth).samples / "reals.png").write_bytes(b"")
    folder.run(fifth).log.write_bytes(b"\x00\xff\n5\n{}\n")
    folder.run(fifth).environment.write_text("{")
    text = " ".join(page_of(folder).text)
    for words in ("damaged", "metrics.jsonl:1 is no evaluation", "fid is not finite", "cannot be read", "config.yaml"):
        assert words in text
    cells = json.loads((tmp_path / "report" / "results.json").read_text())["cells"]
    assert [one["state"] for one in cells] == ["damaged", *["done"] * 8]
    assert all(one["final"] for one in cells if one["name"] != second)


def test_numbers_are_the_same_in_all_forms(tmp_path: Path) -> None:
    out = write_report(finished(tmp_path, seeds=1), tmp_path / "out")
    value = json.loads((out / "results.json").read_text())["cells"][8]["final"]["fid"]["value"]
    assert f"{value:.2f} / 108.0" in re.sub(r"\*", "", (out / "report.md").read_text())
    assert f",{value}," in (out / "results.csv").read_text().splitlines()[9]
    assert f'data-sort="{value!r}"' in (out / "report.html").read_text()


def test_too_short_is_said_and_nothing_is_bold(tmp_path: Path) -> None:
    cells = {cell("skip", d): {"state": "done", "at": 10, "fid": [3, 2]} for d in ("skip", "residual")}
    page = page_of(made_up(tmp_path, {**NINE, "enough_kimg": 1000}, cells))
    assert [a for a in page.all("p") if a.get("class") == "banner"]
    assert "number best" not in [a.get("class") for a in page.all("span")]


def test_the_report_imports_no_torch(tmp_path: Path) -> None:
    folder = finished(tmp_path, seeds=1)
    code = (
        "import sys; from gancore.cli import main; "
        "sys.exit(main(['grid', 'report', sys.argv[1]]) or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_page_is_opened_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or len(opened) == 1)
    folder = made_up(tmp_path / "a grid", NINE, {})
    assert main(["grid", "report", str(folder), "--open"]) == 0
    assert opened == [(tmp_path / "a grid" / "report" / "report.html").as_uri()]
    assert main(["grid", "report", str(folder), "--open"]) == 0
    assert "no browser could be started" in capsys.readouterr().err


# -- pictures and curves --------------------------------------------------------------------------------------------


def decoded(shown: Picture | str) -> Image.Image:
    assert isinstance(shown, Picture)
    return Image.open(io.BytesIO(base64.b64decode(shown.uri.partition(",")[2])))


def test_small_pictures_are_those_of_the_file(tmp_path: Path) -> None:
    squares(tmp_path / "fakes-000003.000.png", 32, 10)
    shown = picture(tmp_path / "fakes-000003.000.png", 32)
    image = decoded(shown)
    assert isinstance(shown, Picture)
    assert (shown.kimg, shown.tiles, shown.of, image.size) == (3.0, 8, 10, (256, 256))
    assert [image.getpixel((32 * x + 5, 32 * y + 5))[0] for x, y in ((0, 0), (7, 0), (7, 7))] == [20, 34, 20 + 2 * 77]


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    squares(tmp_path / "reals.png", 512, 2)
    shown = picture(tmp_path / "reals.png", 512)
    assert isinstance(shown, Picture)
    assert decoded(shown).size == (LARGEST, LARGEST)
    assert (shown.kimg, shown.tiles) == (None, 2)


def test_pictures_of_large_grids_are_shrunk_to_their_share_of_the_page(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "fakes-000003.000.png")
    for most in (2**18, 2**16, 2**14):
        shown = picture(tmp_path / "fakes-000003.000.png", 32, most)
        assert isinstance(shown, Picture)
        assert len(base64.b64decode(shown.uri.partition(",")[2])) <= most
        assert shown.width == 256  # as large on the page


def test_ticks_are_round_and_within() -> None:
    assert linear_ticks(0, 60) == [0, 20, 40, 60]
    assert linear_ticks(0.013, 0.021) == [0.014, 0.016, 0.018, 0.02]
    assert linear_ticks(-3, 3) == [-2, 0, 2]
    assert log_ticks(3.5, 80) == pytest.approx([5, 10, 20, 50])
    assert log_ticks(0.9, 1e4) == pytest.approx([1, 10, 100, 1000, 1e4])


def test_labels_keep_their_distance_and_order() -> None:
    found = apart({"a": 50, "b": 51, "c": 52, "d": 199}, top=10, bottom=200)
    places = list(found.values())
    assert list(found) == ["a", "b", "c", "d"]
    assert all(later - earlier >= 12 for earlier, later in itertools.pairwise(places))
    assert max(apart({"a": 198, "b": 199}, 10, 200).values()) <= 200
