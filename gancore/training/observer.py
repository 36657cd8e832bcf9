"""Observers of a training run: contexts in which the run and the parts of its steps run."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from gancore.artifacts.run import RunFolder
from gancore.training.step.phases import Phase

if TYPE_CHECKING:
    from gancore.training.trainer import Trainer

Context = AbstractContextManager[object]


class Observer:
    """Does nothing in any context; subclasses such as `gancore.training.profile.Profile` override some of them.

    Of several processes, only the first is observed. An exception raised in a context ends the run.
    """

    def run(self, folder: RunFolder) -> Context:
        """The work of a process for a run, from its first step to its last file."""
        return nullcontext()

    def step(self, trainer: "Trainer") -> Context:
        """A whole step. After a rollback, `trainer` is another one."""
        return nullcontext()

    def phase(self, phase: Phase) -> Context:
        """A phase of a step: its gradients and the update."""
        return nullcontext()

    def gradients(self, phase: Phase) -> Context:
        """The gradients of a phase: draws, forward and backward passes of all microbatches."""
        return nullcontext()

    def end_of_step(self) -> Context:
        """The end of a step, after its phases: the moving averages and counters."""
        return nullcontext()
