"""Reads a grid folder: everything that is known of its cells, in any state."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gancore.artifacts import RunFolder, analyses, environment, log, scores
from gancore.artifacts.environment import Environment
from gancore.artifacts.log import LogLine
from gancore.artifacts.reading import Lines
from gancore.errors import RunError
from gancore.grid.combinations import SEED, Combination, axes_of
from gancore.grid.folder import GridFolder
from gancore.grid.report.arms import comparisons_of
from gancore.grid.report.logged import MOST_CELLS, Scalars, scalars_of
from gancore.grid.report.neighbours import experiment_of
from gancore.grid.report.published import published_beside
from gancore.grid.report.results import CellResult, HistoryEntry, Results
from gancore.names import some
from gancore.version import __version__

NOT_GOING_ON = ("failed", "stopped", "damaged")
"""States of cells that no later run would make longer."""


def results_of(folder: GridFolder) -> Results:
    """Everything that is known of the grid. Raises RunError if there is no grid."""
    grid = folder.grid()
    experiments, cells = {}, []
    scalars: dict[str, Scalars] = {}
    combinations = list(folder.combinations())
    for combination in combinations:
        experiment, damage = experiment_of(folder, combination.name)
        ticks = log.read(folder.run(combination.name))
        cells.append(_cell(folder, combination, grid.enough_kimg, damage, ticks))
        if len(combinations) <= MOST_CELLS:  # of more cells they are not drawn, and not kept in memory
            scalars[combination.name] = scalars_of(ticks.records)
        if experiment is not None:
            experiments[combination.name] = experiment
    axes = {key: [value.label for value in values] for key, values in axes_of(grid).items() if key != SEED}
    evaluated = (name for cell in cells for entry in cell.history for name in entry.scores)
    names = list(dict.fromkeys([*evaluated, *(name for cell in cells for name in cell.final)]))
    too_short = any(cell.state not in NOT_GOING_ON and cell.too_short_to_rank for cell in cells)
    return Results(
        grid=str(folder),
        name=folder.path.resolve().name,
        written=datetime.now(UTC).isoformat(timespec="seconds"),
        gancore=__version__,
        axes=axes,
        seeds=grid.seeds or sorted({cell.seed for cell in cells}),
        enough_kimg=grid.enough_kimg,
        too_short_to_rank=too_short,
        scores=names,
        cells=cells,
        comparisons=comparisons_of(axes, cells, names, ranked=not too_short),
        published=published_beside(grid.published, cells, experiments),
        experiments=experiments,
        scalars=scalars,
    )


def _cell(
    folder: GridFolder, combination: Combination, enough_kimg: float, damage: Sequence[str], ticks: Lines[LogLine]
) -> CellResult:
    """One cell; `damage`: why its experiment cannot be read."""
    run, state = folder.run(combination.name), folder.state(combination.name)
    about, about_damage = _environment(run)
    measured, inside = scores.read(run.metrics), analyses.read(run)
    kimg = log.kimg_reached(run, ticks.records)
    return CellResult(
        name=combination.name,
        identity=state.identity,
        axes={key: label for key, label in combination.labels.items() if key != SEED},
        values={key: value for key, value in (state.values or combination.changes).items() if key != SEED},
        seed=combination.changes.get(SEED, state.seed),
        state=state.state,
        reason=state.reason,
        stderr=state.stderr,
        exit_code=state.exit_code,
        attempts=state.attempts,
        kimg=kimg,
        target_kimg=state.kimg,
        too_short_to_rank=kimg < enough_kimg,
        images_per_s=log.speed(ticks.records, recent=None),
        seconds=round(state.seconds, 1),
        parameters=state.parameters,
        threads=state.threads if about.threads is None else about.threads,
        gpu=state.gpu,
        host=state.host,
        data=state.data if about.data is None else about.data,
        environment=_told(about),
        final=measured.final | inside.scores,
        best=measured.best,
        history=[
            HistoryEntry(at.kimg, {name: score.value for name, score in at.finite.items()})
            for at in measured.evaluations
            if at.finite
        ],
        run=str(run.path.relative_to(folder.path)),
        samples=[str(path.relative_to(folder.path)) for path in sorted(run.samples.glob("*.png"))],
        damage=[*about_damage, *ticks.damage, *measured.damage, *inside.damage, *damage],
    )


def _told(about: Environment) -> dict[str, Any]:
    """The environment for a report: lists of files and classes as text."""
    found = {key: value for key, value in about.to_dict().items() if key not in ("threads", "data")}
    words = {
        "classes": some(about.classes or []),
        "passed_over": ", ".join(f"{files.get('count')} {files.get('what')}" for files in about.passed_over or []),
        "skipped": str((about.skipped or {}).get("count") or ""),
    }
    return {key: words.get(key, value) for key, value in found.items() if words.get(key, value) != ""}


def _environment(run: RunFolder) -> tuple[Environment, list[str]]:
    """What the run was started with, as far as it can be read, and the damage of the file."""
    try:
        return environment.read(run), []
    except FileNotFoundError:
        return Environment(), []
    except RunError as error:
        return Environment(), [f"{run.environment.name} cannot be read: {str(error).partition(': ')[2]}"]
