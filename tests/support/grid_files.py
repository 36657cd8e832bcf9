"""Grids of tiny experiments in files, and an executor that trains them in this process."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.tiny import tiny_mapping

from gancore.cli import main
from gancore.config import Experiment, load_experiment
from gancore.config.yaml.scalars import dump
from gancore.grid.folder import GridFolder
from gancore.grid.job import Job, begin
from gancore.grid.run import Listener, run_grid
from gancore.grid.state import Outcome

SHORT: dict[str, Any] = {
    "data__resolution": 8,
    "regularizers": {"r1": {"gamma": 1, "interval": 4}},
    "training__kimg": 0.016,
    "training__checkpoint_kimg": 0.008,
    "training__sample_kimg": 1,
}


def write_grid(file: Path, grid: dict[str, Any], **changes: Any) -> Path:
    """A tiny experiment (two steps, unless `changes` say otherwise) with a `grid:` section."""
    file.write_text(dump({**tiny_mapping(**{**SHORT, **changes}), "grid": grid}))
    return file


def load_grid(file: Path, grid: dict[str, Any], **changes: Any) -> Experiment:
    return load_experiment(write_grid(file, grid, **changes))


@dataclass
class InProcess:
    """Trains one job after the other here; `ends` are outcomes that stand for processes which are not started."""

    threads: int = 1
    ends: dict[str, Outcome] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def outcomes(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome] | None]:
        for job in jobs:
            self.ran.append(job.name)
            outcome = self.ends.get(job.name)
            if outcome is None or not outcome.not_started:
                begin(job)
            yield job, outcome or self._train(job)

    def _train(self, job: Job) -> Outcome:
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = main(["train", str(job.folder.experiment(job.name)), "--out", str(job.folder.run(job.name))])
        return Outcome(code, said.getvalue(), seconds=1.0)


def run_here(experiment: Experiment, out: Path, executor: InProcess | None = None, **options: Any) -> GridFolder:
    return run_grid(experiment, out, executor or InProcess(), listener=Listener(lambda line: None), **options)
