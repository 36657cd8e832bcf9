"""The contract of observers: what a run, or a grid, reports to them, as plain values and files. They change nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from gancore.contracts.part import Plugin

Ending = Literal["finished", "interrupted", "failed"]
"""How a session of a run ended. An interrupted run is saved, and can be continued."""


@dataclass(frozen=True)
class RunInfo:
    """The run that an observer sees, when a session of it starts.

    folder: the run folder. name: of the experiment. experiment: all of it, as plain data (gancore.Experiment.to_dict).
    step, kimg: where this session starts; 0 for a new run. total_kimg: where it will end.
    """

    folder: Path
    name: str
    experiment: Mapping[str, Any]
    step: int
    kimg: float
    total_kimg: float


class Observer(Plugin):
    """Receives what a training reports (`observers:` of an experiment), in its first process.

    Values are floats that the run has read anyway, so that no hook waits for the device. An exception in a hook is one
    line on the terminal; that observer then receives nothing more, and the training goes on, unless the experiment says
    `required: true`. Steps and kimg count from the beginning of the run, over all its sessions.
    """

    def __init__(self, cfg: Any) -> None:
        """Raises GancoreError if it cannot work here (a package that is not installed); nothing has started yet."""
        self.cfg = cfg

    def on_run_start(self, run: RunInfo) -> None:
        """A session starts. What was reported after `run.step` earlier was withdrawn, as by `on_rewind`."""

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        """A log tick, every `training.log_kimg`: losses, scalars of parts and "images_per_s", by name."""

    def on_samples(self, step: int, kimg: float, file: Path) -> None:
        """A grid of samples was written, a PNG."""

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        """Scores were computed, each as in metrics.jsonl: {"name": "fid[embedded]", "value": 26.3, ...}."""

    def on_checkpoint(self, step: int, kimg: float, file: Path) -> None:
        """A checkpoint was written, with the model beside it; older checkpoints may be deleted."""

    def on_rewind(self, step: int, kimg: float) -> None:
        """The run returned to an earlier step; what was reported after it is void."""

    def on_profile(self, file: Path) -> None:
        """A profile was written, as JSON (`gancore train --profile`)."""

    def on_run_end(self, ending: Ending, reason: str) -> None:
        """The session is over. `reason` is the message of an interruption or a failure, else empty."""

    def on_cell_end(self, grid: Path, cell: str, state: str, scores: Sequence[Mapping[str, Any]]) -> None:
        """A cell of a grid ended, with its last scores; called in the process of the grid, for the grid's own observer.

        state: "done", "stopped", "interrupted", "killed" or "failed".
        """
