"""Broken input of every kind: read, or refused with a message; anything else is a fault."""

import csv
import io
import itertools
import json
import random
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from support.made_up_grids import made_up
from support.outcomes import Row, row, within
from support.tiny import quick_experiment

from gancore.artifacts import load
from gancore.artifacts.model import save_model
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.config.sections.data import DataKeys
from gancore.contracts import Interface
from gancore.data import open_data
from gancore.data.decode import Form, decode_picture
from gancore.data.index import Index
from gancore.data.rejected import Rejected
from gancore.discovery import discover
from gancore.errors import GancoreError
from gancore.grid.folder import GridFolder
from gancore.grid.report.collect import results_of
from gancore.grid.report.html import as_html
from gancore.grid.report.markdown import as_markdown
from gancore.grid.report.spreadsheet import as_csv
from gancore.presets import preset_file, preset_names

Try = Callable[[random.Random], None]

TOKENS = [
    *(
        "null",
        "[]",
        "{}",
        "-1",
        "1e999",
        "0x10",
        ".nan",
        "true",
        "'",
        '"',
        ": ",
        "- ",
        "&a",
        "*a",
        "!!python",
        "{",
        "]",
    ),
    *("9" * 30, "\t", "\0", "é", "use: ada", "extends: preset:stylegan", "\n---\n", "<<: *a", "# ", "../..", "yes"),
]
VALUES: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**30, 65536, float("inf")),
    *("", "a" * 300, "\ud800", [], {}, [[]], {"a": 1}),
]
EVIL = [
    *("<script>alert(1)</script>", '" onerror="alert(1)', "</style><img src=x onerror=a>", "]]>", "javascript:a"),
    *("=cmd|'/c'!A1", "{{7*7}}", "&lt;", "a\nb", "\ud800", "|*_`"),
]


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Bytes flipped, cut, left out, repeated or replaced by others, once to four times."""
    data = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 4])):
        at, length = draw.randrange(len(data) + 1), draw.choice([1, 2, 8, 100])
        match draw.randrange(6):
            case 0:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                del data[at:]
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[draw.randrange(len(data) + 1) :][:length]
            case 4:
                data[at : at + length] = draw.randbytes(length)
            case _:
                data[at : at + draw.choice([0, 4])] = draw.choice(TOKENS).encode()
    return bytes(data)


def altered(value: Any, draw: random.Random) -> Any:
    """JSON data in which one value, at any depth, is another one, or is missing."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        inner = altered(value[key], draw)
        return {k: inner if k == key else v for k, v in value.items() if k != key or draw.random() < 0.9}
    if isinstance(value, list) and value and draw.random() < 0.8:
        at = draw.randrange(len(value))
        return [*value[:at], altered(value[at], draw), *value[at + 1 :]]
    return draw.choice(VALUES)


def outcomes(attempt: Try, name: str, numbers: Iterator[int]) -> Counter[str]:
    """read, refused, or the exception that should not have been, with the number that leads to it."""
    found: Counter[str] = Counter()
    for number in numbers:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, on small flaws
                attempt(random.Random(f"{name} {number}"))
            found["read"] += 1
        except (GancoreError, Rejected):
            found["refused"] += 1
        except Exception as error:  # that is what is looked for
            found[f"{type(error).__name__} ({number}: {str(error)[:80]})"] += 1
    return found


def inputs(folder: Path, seconds: float) -> Iterator[Row]:
    """A row for each kind of input. Each kind has the same time."""
    attempts = Fuzz(folder).all()
    for name, attempt in attempts.items():
        yield row(name, outcomes(attempt, name, within(seconds / len(attempts), itertools.count())))


class Fuzz:
    """What is tried, by name. All files are in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        data = b"\ndata: {use: emoji, resolution: 32}\n"
        texts = [preset_file(name).read_bytes() for name in preset_names()]
        self.texts = [text if re.search(rb"^data:", text, re.MULTILINE) else text + data for text in texts]
        self.images = list(_images())
        self.archive = _archive(self.images)
        self.model = folder / "model.safetensors"
        experiment = quick_experiment()
        save_model(self.model, compose(experiment, Interface(8, 3, 0)).generator, experiment, {"kimg": 0.0})
        self.tensors, self.about = load_tensors(self.model)
        self.content = self.model.read_bytes()
        self.grid = _grid(folder / "grid")
        self.files = [path for path in self.grid.path.rglob("*") if path.is_file()]
        self.keys = sorted(_keys(quick_experiment().to_dict()))

    def all(self) -> dict[str, Try]:
        return {
            "YAML files": self.yaml,
            "overrides (`-o`)": self.override,
            "images of 7 formats": self.image,
            "archives": self.zip,
            "`dataset.json`": self.index,
            "model files": self.safetensors,
            "descriptions of models, with right checksums": self.forged,
            "files of grid folders": self.state,
            "text in reports": self.report,
        }

    def yaml(self, draw: random.Random) -> None:
        file = self.folder / "file.yaml"
        file.write_bytes(mutated(draw.choice(self.texts), draw))
        load_experiment(file).to_yaml()

    def override(self, draw: random.Random) -> None:
        key, value = draw.choice(self.keys), draw.choice([draw.choice(TOKENS), str(draw.choice(VALUES))])
        text = f"{key}={value}"
        if draw.random() < 0.3:
            text = mutated(text.encode(errors="replace"), draw).decode(errors="surrogateescape")
        load_experiment(quick_experiment().to_dict(), [text])

    def image(self, draw: random.Random) -> None:
        decode_picture(mutated(draw.choice(self.images), draw), Form(16, 3, "crop", "lanczos"))

    def zip(self, draw: random.Random) -> None:
        file = self.folder / "data.zip"
        file.write_bytes(mutated(self.archive, draw))
        plugin = discover().get("dataset", "zip").load()
        dataset = plugin(plugin.Config(path=str(file)), Path())
        keys = DataKeys(resolution=16, fit="resize", labels=draw.random() < 0.5, invalid=draw.choice(["error", "skip"]))
        open_data(dataset, keys, cache_dir=self.folder / "cache")

    def index(self, draw: random.Random) -> None:
        about = {"labels": [["a.png", 0], ["b/c.png", 2], ["d.png", [0.5, 1]]], "classes": ["x", "y", "z"]}
        content = json.dumps(about if draw.random() < 0.5 else altered(about, draw)).encode()
        index = Index.parse(mutated(content, draw) if draw.random() < 0.6 else content)
        index.labels_of(["a.png", "b/c.png", "d.png"])

    def safetensors(self, draw: random.Random) -> None:
        file = self.folder / "mutated.safetensors"
        file.write_bytes(mutated(self.content, draw))
        load_tensors(file)

    def forged(self, draw: random.Random) -> None:
        file = self.folder / "forged.safetensors"
        tensors = {
            k: torch.zeros(2) if draw.random() < 0.05 else v for k, v in self.tensors.items() if draw.random() > 0.02
        }
        about = {**self.about}
        for key in draw.sample(sorted(about), draw.choice([1, 1, 2])):
            about[key] = altered(about[key], draw)
        save_tensors(file, tensors, about | {"kind": "model"})
        load(file)

    def state(self, draw: random.Random) -> None:
        file = draw.choice(self.files)
        before = file.read_bytes()
        try:
            data = before.decode()
            if file.suffix == ".json" and draw.random() < 0.6:
                data = json.dumps(altered(json.loads(data), draw))
            file.write_bytes(mutated(data.encode(), draw) if draw.random() < 0.7 else data.encode())
            for name in ("seed=0", "seed=1"):
                self.grid.state(name)
            as_markdown(results_of(self.grid))
        finally:
            file.write_bytes(before)

    def report(self, draw: random.Random) -> None:
        """No tag, and no attribute, that the page does not have without it."""
        results = results_of(self.grid)
        evil = draw.choice(EVIL) + draw.choice(EVIL)
        for cell in results.cells:
            for name in draw.sample(["reason", "stderr", "host", "gpu", "identity"], 2):
                object.__setattr__(cell, name, evil)
            cell.environment[draw.choice(["torch", "python", evil])] = evil
            cell.damage.append(evil)
        rows = csv.reader(io.StringIO(as_csv(results)))
        assert not [text for row in rows for text in row if text.startswith(("=", "+", "@", "\t"))]
        as_markdown(results).encode(errors="backslashreplace")
        page = _Tags(as_html(results, self.grid))
        assert page.handlers == 0, evil
        assert page.scripts == 1, evil


class _Tags(HTMLParser):
    """Counts scripts, and attributes that would run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts = self.handlers = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += sum(name.startswith("on") for name, _ in attrs)
        self.handlers += sum(name in ("href", "src") and "javascript:" in (value or "") for name, value in attrs)


def _images() -> Iterator[bytes]:
    image = Image.radial_gradient("L").resize((24, 20)).convert("RGB")
    for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"):
        out = io.BytesIO()
        image.save(out, form)
        yield out.getvalue()


def _archive(images: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", images[0])
        archive.writestr("dataset.json", json.dumps({"labels": [["0.png", 0], ["1.png", 1], ["2.png", 0]]}))
    return out.getvalue()


def _grid(path: Path) -> GridFolder:
    about = {
        "state": "done", "at": 3, "fid": [9.0, 8.0], "config": quick_experiment().to_dict(), "host": "here",
        "environment": {"torch": "2", "threads": 1, "plugins": {"loss.hinge": "gancore 1"}, "data": {"count": 5}},
    }  # fmt: skip
    return made_up(path, {"seeds": [0, 1], "enough_kimg": 0}, {"seed=0": about, "seed=1": about})


def _keys(mapping: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in mapping.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")
