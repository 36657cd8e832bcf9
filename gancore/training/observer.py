"""The observers of a run, called one after another; and those that time the parts of its steps."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gancore.artifacts.run import RunFolder
from gancore.config.experiment import Chosen
from gancore.contracts import Ending, RunInfo
from gancore.contracts import Observer as Listener
from gancore.errors import GancoreError, RunFailed
from gancore.messages import tell
from gancore.training.step.phases import Phase

if TYPE_CHECKING:
    from gancore.training.trainer import Trainer

Context = AbstractContextManager[object]
Blamed = Callable[[str], Context]
"""`PluginSpec.blamed`: a context that turns exceptions into errors that name the plugin and the fault."""


class ObserverFailed(RunFailed):
    """An observer that the run requires has failed; the message names it, the hook and its line."""


class Observer(Listener):
    """An observer of a run from inside this process, which may also time the parts of its steps; all do nothing here.

    `gancore.train(experiment, observer=...)` takes one: an exception in it ends the run. Of several processes, only
    the first is observed.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.others = Listener(None)
        """The other observers of the run, to tell them of files. Set by the run."""

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

    def on_step(self, step: int, kimg: float) -> None:
        """Called after each step; reading a tensor's value here waits for the device."""


@dataclass
class Place:
    """One observer among those of a run.

    blamed: names its plugin and line in errors; None: exceptions of the engine's own, which pass as they are.
    required: whether its error ends the run. silent: whether it has failed, and receives nothing more.
    """

    observer: Listener
    blamed: Blamed | None = None
    required: bool = True
    silent: bool = False


class Observers(Observer):
    """All observers of a run, as one."""

    def __init__(self, places: Sequence[Place] = ()) -> None:
        super().__init__()
        self.places = list(places)
        self.inside = [place.observer for place in places if isinstance(place.observer, Observer)]
        for observer in self.inside:
            observer.others = self

    def on_run_start(self, run: RunInfo) -> None:
        self._each("on_run_start", lambda one: one.on_run_start(run))

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        self._each("on_log", lambda one: one.on_log(step, kimg, values))

    def on_samples(self, step: int, kimg: float, file: Path) -> None:
        self._each("on_samples", lambda one: one.on_samples(step, kimg, file))

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        self._each("on_evaluation", lambda one: one.on_evaluation(step, kimg, scores))

    def on_checkpoint(self, step: int, kimg: float, file: Path) -> None:
        self._each("on_checkpoint", lambda one: one.on_checkpoint(step, kimg, file))

    def on_rewind(self, step: int, kimg: float) -> None:
        self._each("on_rewind", lambda one: one.on_rewind(step, kimg))

    def on_profile(self, file: Path) -> None:
        self._each("on_profile", lambda one: one.on_profile(file))

    def on_run_end(self, ending: Ending, reason: str) -> None:
        self._each("on_run_end", lambda one: one.on_run_end(ending, reason))

    def on_cell_end(self, grid: Path, cell: str, state: str, scores: Sequence[Mapping[str, Any]]) -> None:
        self._each("on_cell_end", lambda one: one.on_cell_end(grid, cell, state, scores))

    def on_step(self, step: int, kimg: float) -> None:
        for observer in self.inside:
            observer.on_step(step, kimg)

    def run(self, folder: RunFolder) -> Context:
        return self._within(lambda one: one.run(folder))

    def step(self, trainer: "Trainer") -> Context:
        return self._within(lambda one: one.step(trainer))

    def phase(self, phase: Phase) -> Context:
        return self._within(lambda one: one.phase(phase))

    def gradients(self, phase: Phase) -> Context:
        return self._within(lambda one: one.gradients(phase))

    def end_of_step(self) -> Context:
        return self._within(lambda one: one.end_of_step())

    def _each(self, hook: str, call: Callable[[Listener], None]) -> None:
        """Calls a hook of each. Raises ObserverFailed for a required one; another one that fails falls silent."""
        for place in self.places:
            if place.silent:
                continue
            if place.blamed is None:
                call(place.observer)
                continue
            try:
                with place.blamed(f"failed in {hook}"):
                    call(place.observer)
            except GancoreError as error:
                place.silent = True
                if place.required:
                    raise ObserverFailed(str(error)) from error
                tell(f"{error}; it receives nothing more of this run")

    @contextmanager
    def _within(self, context: Callable[[Observer], Context]) -> Iterator[None]:
        with ExitStack() as stack:
            for observer in self.inside:
                stack.enter_context(context(observer))
            yield


def chosen_observers(chosen: Sequence[Chosen]) -> list[Place]:
    """The observers that an experiment lists. Raises GancoreError for one that cannot work here."""
    places = []
    for part in chosen:
        with part.spec.blamed("cannot be made"):
            observer = part.plugin(part.cfg)
        places.append(Place(observer, part.spec.blamed, getattr(part.core, "required", False)))
    return places
