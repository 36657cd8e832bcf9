"""A short measurement of how fast this machine trains an experiment: each phase of a step a few times."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from gancore.composition import compose
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.cost.flops import blank_data
from gancore.device import wait_for
from gancore.errors import GancoreError
from gancore.evaluation import Evaluator, Generated
from gancore.evaluation.extractor import FeatureExtractor
from gancore.training.device import training_device
from gancore.training.samples import generate, grid_side
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer

ROUNDS = 5
LOOKED_AT = 16
"""Images for the measurement of an evaluation."""

PATIENCE = 5.0
"""Seconds after which the measurement of a phase stops."""


@dataclass(frozen=True)
class Speed:
    """images_per_s: of training steps, lazy phases by their share. sample_s: seconds of one grid of samples;
    evaluation_s: of one evaluation, None where it could not be measured. threads: of the CPU."""

    images_per_s: float
    sample_s: float
    evaluation_s: float | None
    device: str
    threads: int


def probe(experiment: Experiment, interface: Interface, threads: int | None = None, rounds: int = ROUNDS) -> Speed:
    """Trains on noise for a few steps, at the full resolution if the experiment grows. Writes nothing.

    Raises GancoreError if the device is unavailable.
    """
    training = experiment.training.grown(interface.resolution)
    device, before = training_device(training), torch.get_num_threads()
    torch.set_num_threads(training.threads or threads or before)
    try:
        gan = compose(experiment, interface)
        data = blank_data(interface, mirror=experiment.data.core.mirror)
        trainer = Trainer(gan, data, training, device)
        step = _step_seconds(trainer, rounds)
        sample = _seconds(lambda: generate(trainer.ema, grid_side(interface.resolution) ** 2, 0), 1, device)
        evaluation = _evaluation_seconds(experiment, trainer)
        return Speed(training.batch / step, sample, evaluation, str(device), torch.get_num_threads())
    finally:
        torch.set_num_threads(before)


def _step_seconds(trainer: Trainer, rounds: int) -> float:
    """Seconds of a step on average: main phases and moving averages together, each lazy phase by its share."""
    phases = trainer.phases
    end = _timed(trainer, [], rounds)
    main = _timed(trainer, [phase for phase in phases if phase.interval == 1], rounds)
    lazy = [(_timed(trainer, [phase], rounds) - end) / phase.interval for phase in phases if phase.interval > 1]
    return main + sum(max(seconds, 0.0) for seconds in lazy)


def _evaluation_seconds(experiment: Experiment, trainer: Trainer) -> float | None:
    """Seconds per image of computing features of generated images; the rest of a metric is fast."""
    if (evaluation := experiment.evaluation) is None:
        return 0.0
    images, device = Generated(trainer.averaged(), trainer.data.label_rows, LOOKED_AT), trainer.device
    try:
        evaluator = Evaluator(evaluation, None, device)
    except GancoreError:  # no weights here; a run would refuse to start
        return None
    seconds: dict[tuple[str, str], float] = {}
    for part, metric, extractor in evaluator.metrics:
        one = _seconds(partial(_look, extractor, images, metric.needs), 1, device) / LOOKED_AT
        samples = (part.core.samples or evaluation.core.samples or metric.samples) * part.core.repeat
        seconds[extractor.label, metric.needs] = max(seconds.get((extractor.label, metric.needs), 0.0), one * samples)
    return sum(seconds.values())


def _look(extractor: FeatureExtractor, images: Generated, needs: str) -> None:
    """Passes a few images through a feature plugin; pairs of them for a distance."""
    batches = images.images(0, 0, LOOKED_AT)
    if needs == "distance":
        for batch in batches:
            pair = batch.to(extractor.device).float()
            extractor.distance(pair, pair.flip(0))
        images.images(1, 0, LOOKED_AT)[0]
    else:
        extractor.extract(batches, (needs,), LOOKED_AT)


def _timed(trainer: Trainer, phases: list[Phase], rounds: int) -> float:
    """Seconds of a step of these phases only."""

    def step() -> None:
        trainer.counters.step = 0  # a multiple of every interval
        trainer.step()

    everything, trainer.phases = trainer.phases, phases
    try:
        return _seconds(step, rounds, trainer.device)
    finally:
        trainer.phases = everything


def _seconds(work: Callable[[], object], rounds: int, device: torch.device) -> float:
    """The median of a few rounds, after one to warm up."""
    times: list[float] = []
    while len(times) < 2 or (len(times) <= rounds and sum(times) < PATIENCE):
        start = time.perf_counter()
        work()
        wait_for(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
