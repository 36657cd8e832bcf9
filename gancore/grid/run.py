"""Runs a grid: from its experiment to finished cells, or from the point at which an earlier run of it ended.

It skips finished cells; all others continue from their last checkpoint. The state of a cell is in its state file and
its run folder; nothing is in memory only.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gancore.artifacts import scores
from gancore.artifacts.atomic import write_text
from gancore.artifacts.tensors import description_of
from gancore.config import Experiment, ExperimentLike, as_experiment
from gancore.config.load import with_data_format
from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.document import find
from gancore.config.yaml.scalars import dump
from gancore.errors import GancoreError, Interrupted, RunError, RunFailed
from gancore.grid.cells import Cell, cells_of, identified
from gancore.grid.combinations import axes_of
from gancore.grid.folder import GridFolder
from gancore.grid.job import AT_ONCE, Job
from gancore.grid.local import here
from gancore.grid.prepare import (
    adopt_renamed,
    as_trained,
    check_cells,
    check_disk,
    check_evaluations,
    prepared,
    sizes_of,
)
from gancore.grid.state import Outcome, judged
from gancore.grid.ticker import Ticker
from gancore.local_plugins import copy_into
from gancore.messages import tell
from gancore.training.distribution import started_with
from gancore.training.interruption import stop_request
from gancore.training.observer import Observers, chosen_observers


class Executor(Protocol):
    """Runs jobs: gancore.grid.local.LocalExecutor, gancore.grid.cluster.RayExecutor."""

    @property
    def threads(self) -> int:
        """CPU threads of a job that does not set a number."""

    def outcomes(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Outcome] | None]:
        """Jobs with their outcomes as they end, and None from time to time. If closed early, it stops running jobs."""


@dataclass(frozen=True)
class Listener:
    """Shows progress: receives messages, and the folder every half second."""

    say: Callable[[str], None] = print
    look: Callable[[GridFolder], None] = lambda folder: None


def grid(
    experiment: ExperimentLike,
    out: str | Path | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    stop_after: float | None = None,
) -> GridFolder:
    """Runs a grid on this machine, or goes on with it: `run_grid` with `workers` processes at a time.

    experiment: a YAML file, a preset, or plain data with a `grid:` section.
    workers: default: one for each GPU, or 1. The other arguments and what it raises are those of `run_grid`.
    """
    experiment = as_experiment(experiment)
    listener = Listener(tell, Ticker().look)
    return run_grid(
        experiment, Path(out) if out else None, here(experiment, workers), retry_failed, stop_after, listener
    )


def run_grid(
    experiment: Experiment,
    out: Path | None,
    executor: Executor,
    retry_failed: bool = False,
    stop_after: float | None = None,
    listener: Listener | None = None,
) -> GridFolder:
    """Runs the cells of an experiment's grid in a folder (default `runs/<name>`), or goes on with those in there.

    retry_failed: whether to try failed cells again. stop_after: minutes after which all cells save and stop.

    Raises:
        ConfigError, RunError, GancoreError: the request was wrong; nothing was started.
        RunFailed: all cells ended, and some of them failed; their reasons are in the message.
        Interrupted: it was stopped; the cells are saved and the message says how to continue.
    """
    if started_with()[1] > 1:
        raise GancoreError("a grid starts the processes of its cells itself: run it without torchrun, with --workers")
    listener, folder = listener or Listener(), GridFolder(out or Path("runs") / experiment.name)
    if (there := folder.data_format()) is not None:
        experiment = with_data_format(experiment, there)
    cells = identified(cells_of(experiment), listener.say)
    if all(cell.flaw for cell in cells):
        raise GancoreError("\n".join(dict.fromkeys(str(cell.flaw) for cell in cells)))
    check_evaluations(cells)
    folder.check_usable()
    observers = Observers(chosen_observers(experiment.observers))
    with folder.locked():
        folder.stop.unlink(missing_ok=True)
        for name in (cell.name for cell in cells if folder.state(cell.name).state == "damaged"):
            listener.say(f"{name}: its state was damaged; it is restored from its run folder")
        jobs, names = _set_up(folder, experiment, cells, executor.threads, retry_failed)
        asked = _run(folder, jobs, len(names), executor, stop_after, listener, observers)
    _conclude(folder, names, asked)
    return folder


def _set_up(
    folder: GridFolder, experiment: Experiment, cells: Sequence[Cell], threads: int, retry_failed: bool
) -> tuple[list[Job], list[str]]:
    """Makes all checks, then writes the grid and the states; returns the open jobs, and the names of all cells."""
    grid, sizes = experiment.grid or GridConfig(), sizes_of(cells)
    adopt_renamed(folder, cells)
    check_cells(folder, cells, threads)
    check_disk(folder, cells, sizes)
    states = {cell.name: prepared(folder, cell, sizes.get(cell.name), grid, retry_failed) for cell in cells}
    for state in states.values():
        folder.write(state)
    write_text(folder.file, dump(_as_written(folder, experiment, cells)))
    waiting = [cell for cell in cells if states[cell.name].state == "waiting"]
    return [_job(folder, cell, grid, threads) for cell in waiting], list(states)


def _as_written(folder: GridFolder, experiment: Experiment, cells: Sequence[Cell]) -> dict[str, Any]:
    """The grid's file, which can be run where it is: with the local plugins of all cells.

    It is resolved, unless cells extend other files: a resolved experiment has a value for every key, so those files
    would change nothing.
    """
    written, grid = experiment.copied_into(folder.path).to_dict(), dict(find(experiment.document.data, ("grid",)))
    if (extended := axes_of(experiment.grid or GridConfig()).get("extends")) and not experiment.dropped:
        data = find(experiment.document.data, ("data",)) or {}
        data = {"use": data} if isinstance(data, str) else data
        written = {**experiment.document.data, "data": {**data, "base": written["data"]["base"]}}
        files = {value.label: str((experiment.home / value.value).resolve()) for value in extended}
        grid["axes"] = {**grid["axes"], "extends": files}
    specs = [part.spec for one in (experiment, *(cell.experiment for cell in cells)) for part in one.parts()]
    plugins = copy_into(specs, folder.path)
    return {**written, "name": experiment.name, **({"plugins": plugins} if plugins else {}), "grid": grid}


def _job(folder: GridFolder, cell: Cell, grid: GridConfig, threads: int) -> Job:
    """Writes the cell's experiment; returns the job that trains it."""
    experiment = as_trained(folder, cell, threads)
    file = folder.experiment(cell.name)
    write_text(file, experiment.copied_into(file.parent).to_yaml())
    return Job(
        name=cell.name,
        grid=str(folder.path.resolve()),
        threads=experiment.training.threads or threads,
        rules=tuple(grid.stop_early),
        trusted=experiment.plugin_files(),
    )


def _run(
    folder: GridFolder,
    jobs: Sequence[Job],
    cells: int,
    executor: Executor,
    stop_after: float | None,
    listener: Listener,
    observers: Observers,
) -> bool:
    """Runs jobs to their ends and records their outcomes; returns whether they were asked to stop."""
    listener.say(f"{folder}: {cells} cells, {len(jobs)} to run")
    ended, not_started = cells - len(jobs), 0
    with _stopping(folder, stop_after) as asked, closing(executor.outcomes(jobs)) as outcomes:
        try:
            for item in outcomes if jobs else ():
                if item is not None and item[1].not_started:
                    not_started += 1
                elif item is not None:
                    ended += 1
                    listener.say(f"{_judged(folder, *item, observers)} ({ended} of {cells})")
                asked()
                listener.look(folder)
        except Interrupted:  # a second signal; closing the outcomes waits for the cells
            folder.stop.write_text(AT_ONCE, encoding="utf-8")
            raise
        if not_started:
            listener.say(f"{not_started} cells were not started")
        return asked()


def _judged(folder: GridFolder, job: Job, outcome: Outcome, observers: Observers) -> str:
    """Records and reports the outcome of a cell; returns it in one line."""
    state = judged(folder.known(job.name), outcome, _trained_kimg(folder, job.name))
    folder.write(state)
    final = scores.read(folder.run(job.name).metrics).final
    observers.on_cell_end(folder.path, job.name, state.state, [score.to_dict() for score in final.values()])
    return f"{state.state}: {state.name}" + (f": {state.reason}" if state.reason else "")


def _trained_kimg(folder: GridFolder, name: str) -> float:
    """The kimg that both the model and the newest checkpoint of a cell have reached."""
    run = folder.run(name)
    try:
        model = description_of(run.model).get("kimg")
    except RunError:
        return 0.0
    return min(float(model), run.saved_kimg()) if isinstance(model, int | float) else 0.0


@contextmanager
def _stopping(folder: GridFolder, minutes: float | None) -> Iterator[Callable[[], bool]]:
    """Yields a function that passes a stop request to the cells, and returns whether there is one."""
    end = None if minutes is None else time.monotonic() + minutes * 60
    with stop_request() as request:

        def asked() -> bool:
            stop = bool(request) or (end is not None and time.monotonic() > end)
            if stop:
                folder.stop.touch()
            return stop

        try:
            yield asked
        finally:
            folder.stop.unlink(missing_ok=True)


def _conclude(folder: GridFolder, names: Sequence[str], asked: bool) -> None:
    """Raises RunFailed or Interrupted unless all cells are done."""
    states = [folder.state(name) for name in names]
    unfinished = [state for state in states if state.state not in ("done", "stopped")]
    failed = [state for state in unfinished if state.state == "failed"]
    going_on = len(unfinished) - len(failed)
    reasons = "".join(f"\n  {state.name}: {state.state}: {state.reason or 'not run'}" for state in unfinished)
    if asked and going_on:
        raise Interrupted(f"{folder}: stopped; run the same command again to go on with {going_on} cells")
    if unfinished:
        advice = ["run the same command again to go on"] * (going_on > 0)
        advice += ["--retry-failed tries failed cells again"] * bool(failed)
        raise RunFailed(
            f"{folder}: {len(unfinished)} of {len(states)} cells are not done; {'; '.join(advice)}{reasons}"
        )
