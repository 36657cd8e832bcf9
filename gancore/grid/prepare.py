"""What is settled before a grid's first process starts: sizes, disk, which cells there is anything to do for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import torch

from gancore.config import Experiment
from gancore.config.sections.grid import GridConfig
from gancore.config.yaml.document import find
from gancore.config.yaml.scalars import inline
from gancore.contracts import Interface
from gancore.cost.sizes import size_of
from gancore.errors import ConfigError, GancoreError, RunError
from gancore.evaluation import Evaluator
from gancore.grid.cells import Cell
from gancore.grid.folder import GridFolder
from gancore.grid.state import CellState, settled
from gancore.training.disk import Size, free_bytes, shortage, still_to_write
from gancore.training.identity import check_same_experiment


def check_evaluations(cells: Iterable[Cell]) -> None:
    """Raises GancoreError if weights or packages that a cell's evaluation needs are unavailable."""
    evaluations = {inline(e.to_dict()): e for cell in cells if (e := cell.experiment.evaluation) is not None}
    wrong = []
    for evaluation in evaluations.values():
        try:
            Evaluator(evaluation, None, torch.device("cpu"))
        except GancoreError as error:
            wrong.append(str(error))
    if wrong:
        raise GancoreError("\n".join(dict.fromkeys(wrong)))


def sizes_of(cells: Iterable[Cell]) -> dict[str, Size]:
    """Sizes of the cells' networks by cell name; cells without data have none. Like networks are built once."""
    known: dict[str, Size] = {}
    sizes = {}
    for cell in cells:
        if cell.data is not None:
            interface = Interface(*(cell.data[key] for key in ("resolution", "channels", "label_dim")))
            sizes[cell.name] = _size(cell.experiment, interface, known)
    return sizes


def _size(experiment: Experiment, interface: Interface, known: dict[str, Size]) -> Size:
    alike = {**experiment.to_dict(), "name": None, "data": vars(interface)}
    alike["training"] = {key: value for key, value in alike["training"].items() if key.endswith("optimizer")}
    key = inline(alike)
    if key not in known:
        known[key] = size_of(experiment, interface)
    return known[key]


def as_trained(folder: GridFolder, cell: Cell, threads: int) -> Experiment:
    """A cell's experiment with its CPU threads in it, as they change bits: those its run has begun with; or those it
    asks for; or its share. Raises RunError if the run's configuration is damaged."""
    experiment, run = cell.experiment, folder.run(cell.name)
    begun = find(run.read_config(), ("training", "threads")) if run.exists() else None
    if begun is not None and (not isinstance(begun, int) or begun < 1):
        raise RunError(f"{run.config}: not the experiment of a run: training.threads is {inline(begun)}")
    threads = begun or experiment.training.threads or threads
    return replace(experiment, training=experiment.training.model_copy(update={"threads": threads}))


def check_cells(folder: GridFolder, cells: Iterable[Cell], threads: int) -> None:
    """Raises RunError when run folders hold other experiments than their cells; with all of them at once."""
    wrong = []
    for cell in cells:
        run = folder.run(cell.name)
        try:
            run.check_usable()
            if run.exists():
                check_same_experiment(run, as_trained(folder, cell, threads))
        except (RunError, ConfigError) as error:
            wrong.append(str(error))
    if wrong:
        raise RunError("\n".join(wrong))


def check_disk(folder: GridFolder, cells: Iterable[Cell], sizes: Mapping[str, Size]) -> None:
    """Raises GancoreError unless there is room for the files of all runs that are still to be written."""
    need = sum(
        still_to_write(folder.run(cell.name).path, cell.experiment.training, sizes[cell.name])
        for cell in cells
        if cell.name in sizes
    )
    if need > (free := free_bytes(folder.path)):
        raise GancoreError(f"{folder}: the runs of this grid need {shortage(need, free)}")


def adopt_renamed(folder: GridFolder, cells: Iterable[Cell]) -> None:
    """Takes over work that is there under another name: an axis was added or renamed, and the cell is the same."""
    there = {state.identity: folder.known(state.name) for state in folder.all_states() if state.identity}
    wanted = {cell.name: cell.identity for cell in cells}
    for name, identity in wanted.items():
        state = there.get(identity) if identity else None
        if state is None or wanted.get(state.name) == identity or folder.run(name).path.exists():
            continue
        folder.rename(state.name, name)
        folder.write(replace(state, name=name))


def prepared(folder: GridFolder, cell: Cell, size: Size | None, grid: GridConfig, retry_failed: bool) -> CellState:
    """The state of a cell as this run finds it, brought up to date; "waiting" where there is something to do."""
    before, training = folder.known(cell.name), cell.experiment.training
    state = replace(
        settled(before, folder.last_sign(cell.name)),
        identity=cell.identity,
        labels=dict(cell.combination.labels),
        values=cell.combination.changes,
        seed=training.seed,
        kimg=training.kimg,
        data=cell.data,
        parameters=size.parameters if size else None,
    )
    if cell.flaw is not None:
        return replace(state, state="failed", reason=cell.flaw)
    if before.identity != cell.identity or _goes_on(folder, state, grid, retry_failed):
        return replace(state, state="waiting")
    return state


def _goes_on(folder: GridFolder, state: CellState, grid: GridConfig, retry_failed: bool) -> bool:
    if state.state == "done":
        return not folder.run(state.name).model.is_file()
    if state.state == "failed":
        return retry_failed
    return state.state != "stopped" or state.rule not in grid.stop_early
