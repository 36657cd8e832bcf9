"""What an analysis found, with everything one must know to compare it with another; as files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save_file

from gancore import display
from gancore.analysis.figures import write_figure
from gancore.artifacts.atomic import write_json, written
from gancore.config.experiment import Chosen, plain
from gancore.contracts import Figure, Result, Value
from gancore.errors import RunError
from gancore.version import __version__

FIGURE = 560
"""Side of a figure in a notebook, pixels."""


@dataclass(frozen=True, repr=False)
class Record:
    """One analysis of one model.

    name: the analysis, with the features where they are not its first choice: `nearest[embedded]`.
    numbers: mean and spread over seeds, or, of one seed, the analysis's own spread (over samples).
    subject: which model it is. better: names of numbers to "higher" or "lower".
    """

    name: str
    options: Mapping[str, Any]
    protocol: str
    count: int
    seeds: Sequence[int]
    features: str | None
    subject: Mapping[str, Any]
    numbers: Mapping[str, Value]
    better: Mapping[str, str]
    places: Mapping[str, str]
    result: Result
    """Of the first seed: its figures and tensors are written."""

    def __repr__(self) -> str:
        return f"<{'; '.join(self.lines()) or self.name}>"

    def _repr_html_(self) -> str:
        """Its numbers and figures."""
        with TemporaryDirectory() as folder:
            written = [write_figure(Path(folder), f"{n}", figure)[0] for n, figure in enumerate(self.figures)]
            pictures = "".join(display.picture(path, FIGURE) for path in written)
        numbers = {
            name: f"{value.value:.5g}" + ("" if value.spread is None else f" ± {value.spread:.3g}")
            for name, value in self.numbers.items()
            if "/" not in name
        }
        return display.facts(self.name, {**numbers, **self.places, "protocol": self.protocol}) + pictures

    @property
    def figures(self) -> Sequence[Figure]:
        return self.result.figures

    def to_dict(self, files: Sequence[str] = ()) -> dict[str, Any]:
        """What `gancore analyze --json` prints, and NAME.json holds."""
        return {
            "analysis": self.name,
            "options": dict(self.options),
            "protocol": self.protocol,
            "count": self.count,
            "seeds": list(self.seeds),
            "features": self.features,
            "subject": dict(self.subject),
            "versions": {"gancore": __version__, "torch": torch.__version__},
            "numbers": {name: {"value": v.value, "spread": v.spread} for name, v in self.numbers.items()},
            "better": dict(self.better),
            "places": dict(self.places),
            "files": list(files),
        }

    def write(self, folder: Path) -> list[Path]:
        """Writes NAME.json, NAME-FIGURE.png and so on; returns what was written, the JSON first."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = self.name.replace("[", "-").replace("]", "").replace(":", "-")
        paths = [path for figure in self.figures for path in write_figure(folder, f"{stem}-{figure.name}", figure)]
        if self.result.tensors:
            path = folder / f"{stem}.safetensors"
            plain_tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.result.tensors.items()}
            with written(path) as temporary:
                save_file(plain_tensors, temporary)
            paths.append(path)
        write_json(folder / f"{stem}.json", self.to_dict([path.name for path in paths]))
        return [folder / f"{stem}.json", *paths]

    def lines(self) -> list[str]:
        """The numbers whose names have no slash, for output."""
        found = []
        for name, value in self.numbers.items():
            if "/" not in name:
                spread = "" if value.spread is None else f" ± {value.spread:.3g}"
                found.append(f"{self.name}.{name} {value.value:.5g}{spread}")
        return found + [f"{self.name}: {what}: {where}" for what, where in self.places.items()]


def recorded(
    part: Chosen,
    name: str,
    features: str | None,
    subject: Mapping[str, Any],
    count: int,
    seeds: Sequence[int],
    results: Sequence[Result],
) -> Record:
    """The record of an analysis with each of its seeds. Raises RunError for a number that is not finite."""
    numbers = {
        key: _over_seeds([result.numbers[key] for result in results if key in result.numbers])
        for key in results[0].numbers
    }
    for key, value in numbers.items():
        if not math.isfinite(value.value):
            raise RunError(f"{name}: {key} is not finite ({value.value}): the model's weights may be damaged")
    first = results[0]
    protocol = part.plugin(part.cfg).protocol
    return Record(
        name, plain(part.cfg), protocol, count, seeds, features, subject, numbers,
        part.plugin.directions, first.places, first,
    )  # fmt: skip


def _over_seeds(values: Sequence[Value]) -> Value:
    """Mean and standard deviation (n - 1) over seeds; a single value is returned unchanged."""
    if len(values) == 1:
        return values[0]
    mean = math.fsum(v.value for v in values) / len(values)
    return Value(mean, math.sqrt(math.fsum((v.value - mean) ** 2 for v in values) / (len(values) - 1)))
