"""Whether to compile the networks of a run: by `training.compile`, or by a measurement if that is auto.

A compiled step has other bits than an eager one, so the choice of auto belongs to the run: environment.json records it,
and a continued run keeps it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import torch

from gancore.artifacts.atomic import write_json
from gancore.artifacts.run import RunFolder
from gancore.config import Experiment
from gancore.device import forked_rng, wait_for
from gancore.training.compile.compiler import described, is_compile_failure, why_not
from gancore.training.compile.networks import is_first_order
from gancore.training.trainer import Trainer

ROUNDS = 5
"""Measurements of eager and of compiled steps, in turns; the shortest counts, since other work only adds time."""

Twin = Callable[[Experiment], Trainer]
"""Makes a trainer of this process alone, for measurements."""


@dataclass(frozen=True)
class Choice:
    """The choice and its reason; milliseconds are of the first-order phases of a step."""

    compiled: bool
    why: str
    eager_ms: float | None = None
    compiled_ms: float | None = None
    cuda_graphs: bool = False

    def __str__(self) -> str:
        return f"training.compile: auto takes {'compiled' if self.compiled else 'eager'} networks: {self.why}"


def compile_as_asked(experiment: Experiment, run: RunFolder, trainer: Trainer, twin: Twin) -> list[str]:
    """Compiles the networks of a trainer if `training.compile` says so; returns notes for the log."""
    if experiment.training.compile == "on":
        trainer.compile()
    if experiment.training.compile != "auto" or trainer.kimg >= experiment.training.kimg:
        return []
    before, graphs = kept(run), experiment.training.cuda_graphs
    if before is not None and before.cuda_graphs != graphs:
        before = None  # measured without them, or with them
    own = _still_possible(before, trainer.device) if before else _measured(experiment, trainer, twin)
    choice = replace(_agreed(own, trainer), cuda_graphs=graphs)
    if choice.compiled:
        trainer.compile()
    if choice == before:
        return []
    with trainer.processes.first_alone() as first:
        if first:
            _keep(run, choice)
    return [str(choice)]


def kept(run: RunFolder) -> Choice | None:
    """The choice at the start of the run; None: not made yet."""
    found = json.loads(run.environment.read_text()).get("compile")
    return Choice(**found) if found else None


def _keep(run: RunFolder, choice: Choice) -> None:
    write_json(run.environment, json.loads(run.environment.read_text()) | {"compile": asdict(choice)})


def _still_possible(choice: Choice, device: torch.device) -> Choice:
    """The choice, or that of eager networks if the compiler is no longer available."""
    why = why_not(device) if choice.compiled else None
    return choice if why is None else Choice(False, f"{why}; it was compiled so far, so bits are others from here on")


def _agreed(choice: Choice, trainer: Trainer) -> Choice:
    """Makes all processes of a run choose the same: compiled if all of them choose it."""
    if trainer.processes.any(not choice.compiled) and choice.compiled:
        return replace(choice, compiled=False, why=f"{choice.why}; another process chose eager")
    return choice


def _measured(experiment: Experiment, trainer: Trainer, twin: Twin) -> Choice:
    """Measures both on another trainer, so that the run does not change: all layers, this process's images."""
    if not any(is_first_order(phase, trainer.gan.regularizers) for phase in trainer.phases):
        return Choice(False, "every phase is differentiated twice")
    if (why := why_not(trainer.device)) is not None:
        return Choice(False, why)
    training = experiment.training.grown(trainer.growth.resolution)
    share = training.model_copy(update={"batch": training.batch // trainer.processes.size})
    with forked_rng(trainer.device):
        return _raced(twin(replace(experiment, training=share)))


def _raced(trainer: Trainer) -> Choice:
    _seconds(trainer)  # warms up
    trainer.compile()
    networks = trainer.compiled
    try:
        compilation = _seconds(trainer)
    except Exception as error:
        if is_compile_failure(error):
            return Choice(False, described(error))
        raise
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS):
        for compiled, its in times.items():
            trainer.compiled = networks if compiled else None
            its.append(_seconds(trainer) * 1000)
    eager, fast = min(times[False]), min(times[True])
    why = f"{fast:.4g} ms compiled, {eager:.4g} ms eager in first-order phases; compiling took {compilation:.3g} s"
    return Choice(fast < eager, why, eager, fast)


def _seconds(trainer: Trainer) -> float:
    """The time that the gradients of all first-order phases take."""
    start = _now(trainer.device)
    for phase in trainer.phases:
        if is_first_order(phase, trainer.gan.regularizers):
            trainer.gradients(phase)
    return _now(trainer.device) - start


def _now(device: torch.device) -> float:
    wait_for(device)
    return time.perf_counter()
