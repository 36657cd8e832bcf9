"""Whether a run folder is whole: every file read back, and each held against the others."""

import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from gancore.artifacts import RunFolder, environment, log, scores
from gancore.artifacts.atomic import TEMPORARY
from gancore.artifacts.lock import is_locked
from gancore.artifacts.model import load_with_experiment
from gancore.artifacts.pictures import tiled
from gancore.artifacts.run import check_checkpoint
from gancore.artifacts.tensors import description_of, load_tensors
from gancore.composition import compose
from gancore.config import Experiment, load_experiment
from gancore.config.identity import Identity, of_training
from gancore.contracts import Generator, Interface
from gancore.errors import GancoreError, RunError
from gancore.evaluation.pictures import to_uint8
from gancore.training.checkpoint import misfits_of, under
from gancore.training.device import describe_environment
from gancore.training.identity import versions_in
from gancore.training.samples import generate, grid_side

WITHIN = 2
"""Of 255: how far samples may be from the stored ones where versions, device or threads are others."""


@dataclass(frozen=True)
class Finding:
    """What one file was found to be. damaged: it cannot be used; note: worth knowing, nothing is lost."""

    file: str
    state: Literal["ok", "damaged", "note"]
    what: str

    def __str__(self) -> str:
        return f"{self.state:8} {self.file}: {self.what}"

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def verify_run(run: RunFolder, trust_local_plugins: bool = False) -> Iterator[Finding]:
    """Checks every file of a run, whole checkpoints one at a time; writes nothing.

    Raises RunError if there is no run, or a process is training it.
    """
    if not run.exists():
        raise RunError(f"{run}: no run here; expected config.yaml")
    if is_locked(run.path / ".lock"):
        raise RunError(f"{run}: a process is training here; wait until it has ended")
    return _Verification(run, trust_local_plugins).findings()


def repair_run(run: RunFolder, findings: Iterable[Finding]) -> Iterator[str]:
    """Sets damaged files aside and says so; the next `gancore train` goes on from what is whole. Nothing is deleted.

    A log keeps its sound lines. config.yaml and environment.json cannot be made anew, and an edited one must be undone.
    Raises RunError if a process is training there.
    """
    with run.locked():
        for name in dict.fromkeys(finding.file for finding in findings if finding.state == "damaged"):
            path = run.path / name
            if path in (run.log, run.metrics):
                shutil.copy2(path, run.set_aside_name(path))
                run.cut_logs(sys.maxsize)
                yield f"{name}: kept the sound lines, and the file as it was in {run.set_aside_name(path).name}"
            elif path in (run.config, run.environment):
                yield f"{name}: cannot be repaired; it is as it was"
            elif path.exists():
                yield f"{name}: set aside as {run.set_aside(path).name}"


class _Verification:
    """One pass over a run. What an earlier file said is kept for the later ones that must agree with it."""

    def __init__(self, run: RunFolder, trust: bool) -> None:
        self.run, self.trust = run, trust
        self.experiment: Experiment | None = None
        self.environment: environment.Environment | None = None
        self.averaged: tuple[int, dict[str, Tensor]] | None = None
        """Step and averaged generator of the newest sound checkpoint."""
        self.measured: list[int] = []
        """Steps of the evaluations."""

    def findings(self) -> Iterator[Finding]:
        surroundings = self.surroundings()
        yield self.config()
        yield surroundings
        yield from self.logs()
        yield from self.checkpoints()
        if self.run.model.exists():
            yield from self.model()
        else:
            yield Finding(self.run.model.name, "note", "not written yet")
        if self.run.best.exists():
            yield self.best()
        for path in sorted(self.run.path.rglob(f"*{TEMPORARY}")):
            yield self.found(path, "note", "left by a process that was killed while writing; the next start removes it")
        for path in sorted(self.run.path.glob("set-aside-*")):
            yield self.found(path, "note", "damaged earlier, and kept; nothing reads it")

    def found(self, path: Path, state: Literal["ok", "damaged", "note"], what: str) -> Finding:
        return Finding(str(path.relative_to(self.run.path)), state, what)

    def failed(self, path: Path, error: Exception) -> Finding:
        return self.found(path, "damaged", str(error).splitlines()[0].removeprefix(f"{path}: "))

    def config(self) -> Finding:
        try:
            self.experiment = load_experiment(self.run.config, trusted=self.trust)
        except GancoreError as error:
            return self.failed(self.run.config, error)
        if edited := self.edited():
            self.experiment = None
            return self.found(self.run.config, "damaged", f"not the experiment of its checkpoints: {'; '.join(edited)}")
        return self.found(self.run.config, "ok", f"experiment {self.experiment.name}")

    def edited(self) -> list[str]:
        """The keys in which config.yaml differs from all checkpoints (there -> here); none if it belongs to one."""
        if (identity := self.identity()) is None:
            return []
        abouts = []
        for path in self.run.checkpoints():
            with suppress(RunError):
                check_checkpoint(path, about := description_of(path))
                abouts.append(about)
        wrong = [identity.differences(about) for about in abouts]
        return wrong[0] if wrong and all(wrong) else []

    def identity(self) -> Identity | None:
        """What checkpoints should be of; None where config.yaml or the data are not known."""
        data = (self.environment and self.environment.data) or {}
        if not (self.experiment and self.environment and data):
            return None
        return of_training(
            self.experiment, data, versions_in(self.run, self.experiment, self.environment.plugins or {})
        )

    def surroundings(self) -> Finding:
        try:
            self.environment = environment.read(self.run)
        except (RunError, FileNotFoundError) as error:
            return self.failed(self.run.environment, error)
        return self.found(self.run.environment, "ok", f"gancore {self.environment.gancore}")

    def logs(self) -> Iterator[Finding]:
        ticks, measured = log.read(self.run), scores.read(self.run.metrics)
        self.measured = [at.step for at in measured.evaluations]
        for path, damage, steps, what in (
            (self.run.log, ticks.damage, [line.step for line in ticks.records], "log ticks"),
            (self.run.metrics, measured.damage, self.measured, "evaluations"),
        ):
            yield from (self.found(path, "damaged", wrong.partition(": ")[2] or wrong) for wrong in damage)
            if steps != sorted(set(steps)):
                yield self.found(path, "damaged", "its steps do not increase")
            elif not damage and path.exists():
                yield self.found(path, "ok", f"{len(steps)} {what}")

    def checkpoints(self) -> Iterator[Finding]:
        sound = 0
        modules, identity = self.modules(), self.identity()
        for path in self.run.checkpoints():
            try:
                tensors, about = load_tensors(path)
                check_checkpoint(path, about)
                if wrong := list(misfits_of(identity, modules, tensors, about)):
                    raise RunError(f"{path}: a checkpoint of {'; '.join(wrong)}")
            except RunError as error:
                yield self.failed(path, error)
                continue
            counters = about["counters"]
            if self.averaged is None:
                self.averaged = counters["step"], under("ema/", tensors)
            sound += 1
            yield self.found(path, "ok", f"step {counters['step']}")
        if self.run.checkpoints() and not sound:
            yield Finding("checkpoints", "damaged", "none is left to continue from")

    def modules(self) -> dict[str, nn.Module]:
        """The networks that checkpoints should fit, without memory; none where their sizes are not known."""
        data = (self.environment and self.environment.data) or {}
        if self.experiment is None or not data:
            return {}
        with torch.device("meta"), suppress(GancoreError, KeyError, TypeError):
            gan = compose(self.experiment, Interface(data["resolution"], data["channels"], data["label_dim"]))
            return {**gan.modules(), "ema": gan.generator}
        return {}

    def model(self) -> Iterator[Finding]:
        path = self.run.model
        try:
            generator, _ = load_with_experiment(path, self.trust)
            _, about = load_tensors(path)
        except GancoreError as error:
            yield self.failed(path, error)
            return
        step, kimg = about.get("step"), about.get("kimg")
        if self.averaged and self.averaged[0] == step and (name := self.differs(generator, self.averaged[1])):
            yield self.found(path, "damaged", f"step {step}, but {name} is not that of the checkpoint of this step")
            return
        yield self.found(path, "ok", f"step {step}")
        if isinstance(kimg, float | int) and self.run.fakes(kimg).exists() and self.experiment:
            yield self.samples(self.run.fakes(kimg), generator, self.experiment.training.seed)

    def differs(self, generator: Generator, averaged: dict[str, Tensor]) -> str | None:
        """The first parameter that differs; batch statistics of a model are its own."""
        pairs = ((name, value, averaged.get(name)) for name, value in generator.named_parameters())
        return next((name for name, value, other in pairs if other is None or not torch.equal(value, other)), None)

    def samples(self, path: Path, generator: Generator, seed: int) -> Finding:
        """Whether the model still paints the grid that was stored when it was written."""
        try:
            with Image.open(path) as image:
                stored = np.asarray(image).astype(int).reshape(image.height, image.width, -1)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return self.failed(path, error)
        images = generate(generator, grid_side(generator.resolution) ** 2, seed)
        painted = tiled(to_uint8(images)).permute(1, 2, 0).numpy().astype(int)
        if painted.shape != stored.shape:
            return self.found(path, "damaged", f"{list(stored.shape)} pixels, not {list(painted.shape)}")
        difference = int(np.abs(painted - stored).max())
        if difference > (0 if self.same_place() else WITHIN):
            return self.found(path, "damaged", f"not what the model paints: up to {difference} of 255 away")
        return self.found(path, "ok", f"what the model paints{f', within {difference} of 255' if difference else ''}")

    def same_place(self) -> bool:
        """Whether pixels must be equal: the run's versions, device and number of threads are those of this process."""
        now: dict[str, Any] = {**describe_environment(torch.device("cpu")), "threads": torch.get_num_threads()}
        then = self.environment.to_dict() if self.environment else {}
        return all(then.get(key) == now.get(key) for key in ("gancore", "torch", "device", "device_name", "threads"))

    def best(self) -> Finding:
        path = self.run.best
        try:
            load_with_experiment(path, self.trust)
            step = load_tensors(path)[1].get("step")
        except GancoreError as error:
            return self.failed(path, error)
        if step not in self.measured:
            return self.found(path, "damaged", f"of step {step}, at which {self.run.metrics.name} has no evaluation")
        return self.found(path, "ok", f"step {step}")
