"""Forecasts the cost of experiments: parameters, operations, memory, hours, disk."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from gancore.composition import experiment_interface
from gancore.config import Experiment
from gancore.config.yaml.scalars import inline
from gancore.contracts import Interface
from gancore.cost.flops import StepCost, step_cost
from gancore.cost.probe import Speed, probe
from gancore.cost.sizes import size_of
from gancore.display import rewrites_lines
from gancore.errors import DataError, GancoreError
from gancore.training.disk import Size, files

PROBE_FLOPS = 4e12
"""Steps with more operations are not measured: about a minute and a half of one CPU core."""


@dataclass(frozen=True)
class Throughput:
    """An assumed speed: of every cell (images/s), or of the machine (operations/s)."""

    images_per_s: float | None = None
    flops_per_s: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Throughput":
        """`61` images/s, or `30TFLOP/s`. Raises GancoreError."""
        number, tera, rest = text.partition("TFLOP")
        try:
            value = float(number)
        except ValueError:
            value = 0.0
        if value <= 0 or rest not in ("", "/s", "S"):
            raise GancoreError(f"throughput {text!r}: expected images/s, as 61, or operations, as 30TFLOP/s")
        return cls(flops_per_s=value * 1e12) if tera else cls(images_per_s=value)

    def of(self, cost: StepCost) -> float:
        """images/s of steps with that cost."""
        return self.images_per_s or (self.flops_per_s or 0) / cost.flops


@dataclass(frozen=True)
class ExperimentForecast:
    """One experiment: parameters, GFLOP per image, memory and disk in bytes, images/s and hours; None: not measured."""

    name: str
    kimg: float
    generator: int
    discriminator: int
    gflops_per_image: float
    memory: int
    disk: int
    images_per_s: float | None
    hours: float | None


@dataclass(frozen=True)
class Forecast:
    """All experiments. `basis` is the source of images/s. hours: on all workers together."""

    cells: list[ExperimentForecast]
    workers: int
    basis: str

    @property
    def hours(self) -> float | None:
        hours = [cell.hours for cell in self.cells if cell.hours is not None]
        return max(sum(hours) / self.workers, *hours, 0.0) if len(hours) == len(self.cells) else None

    @property
    def disk(self) -> int:
        return sum(cell.disk for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "hours": self.hours, "disk": self.disk}


def forecast(
    experiments: Mapping[str, Experiment],
    workers: int = 1,
    threads: int | None = None,
    assumed: Throughput | None = None,
) -> Forecast:
    """The costs of training and evaluation, by name, without starting processes, decoding data and writing files.

    Experiments of equal cost are measured once, on noise instead of the data. A growing run counts as fully grown from
    the start, so it takes less than this.

    threads: of each worker. assumed: a speed instead of a measurement.

    Raises GancoreError if a measurement is not possible.
    """
    named = tqdm(experiments.items(), "measuring", unit=" cells", delay=1, disable=not rewrites_lines(), leave=False)
    known: dict[str, tuple[Size, StepCost, Speed | None]] = {}
    cells = []
    for name, cell in named:
        interface = _interface(cell)
        key = _costs_alike(cell, interface)
        if key not in known:
            cost = step_cost(cell, interface)
            small = cost.flops * cell.training.batch * cell.training.d_steps < PROBE_FLOPS
            measured = probe(cell, interface, threads) if assumed is None and small else None
            known[key] = size_of(cell, interface), cost, measured
        cells.append(_cell(name, cell, *known[key], assumed))
    return Forecast(cells, workers, _basis([speed for _, _, speed in known.values()], assumed))


def _interface(experiment: Experiment) -> Interface:
    """The interface of the data; if they do not exist yet, that of the `data:` section."""
    core = experiment.data.core
    try:
        return experiment_interface(experiment)
    except DataError:
        if core.labels or core.resolution is None:
            raise
        return Interface(core.resolution, core.channels)


def _costs_alike(experiment: Experiment, interface: Interface) -> str:
    """Two cells of the same key cost the same, with any seed, data and length."""
    alike = {**experiment.to_dict(), "name": None, "data": vars(interface)}
    alike["training"] = {**alike["training"], "seed": 0, "kimg": 0}
    return inline(alike)


def _cell(
    name: str, cell: Experiment, size: Size, cost: StepCost, measured: Speed | None, assumed: Throughput | None
) -> ExperimentForecast:
    rate = assumed.of(cost) if assumed else measured.images_per_s if measured else None
    hours = None if rate is None else cell.training.kimg * 1000 / rate / 3600
    if hours is not None and measured is not None:
        hours += _beside_seconds(cell, measured) / 3600
    parameters = (size.generator, size.discriminator)
    disk = files(cell.training, size)
    return ExperimentForecast(name, cell.training.kimg, *parameters, cost.flops / 1e9, cost.memory, disk, rate, hours)


def _beside_seconds(cell: Experiment, speed: Speed) -> float:
    """The work besides training steps: grids of samples, and evaluations if they were measured."""
    training, evaluation = cell.training, cell.evaluation
    seconds = (training.kimg // training.sample_kimg + 2) * speed.sample_s
    if evaluation is not None and speed.evaluation_s is not None:
        every = evaluation.core.every_kimg or training.kimg
        seconds += max(math.ceil(training.kimg / every), 1) * speed.evaluation_s
    return seconds


def _basis(speeds: Sequence[Speed | None], assumed: Throughput | None) -> str:
    if assumed is not None:
        return "assumed throughput of training; evaluation is not in the hours"
    measured = [speed for speed in speeds if speed]
    if not measured:
        return "not measured: too large for a short probe here; --assume-throughput estimates hours"
    notes = ["cells too large for a short probe have no hours"] * (len(measured) < len(speeds))
    notes += ["evaluation is not in the hours, as its weights are not here"] * any(
        speed.evaluation_s is None for speed in measured
    )
    return "; ".join([f"measured on {measured[0].device}, {measured[0].threads} threads a worker", *notes])
