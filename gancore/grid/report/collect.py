"""All that is known of a grid, as plain data: what results.json holds, and what the other forms are made of."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gancore.artifacts import RunFolder
from gancore.grid.folder import GridFolder
from gancore.grid.points import SEED, Point, axes_of
from gancore.grid.report.arms import comparisons_of
from gancore.grid.report.history import History, history_of
from gancore.grid.report.neighbours import experiments_of
from gancore.grid.report.published import published_beside
from gancore.grid.scores import kimg_reached, speed
from gancore.version import __version__

Cell = dict[str, Any]
Results = dict[str, Any]

NOT_GOING_ON = ("failed", "stopped", "damaged")
"""States of cells that no later run would make longer."""


def results_of(folder: GridFolder) -> Results:
    """What `collected` gives, without the experiments."""
    return collected(folder)[0]


def collected(folder: GridFolder) -> tuple[Results, dict[str, Any]]:
    """Everything that is known of the grid, as JSON has it. Raises RunError where there is no grid.

    {"grid", "name", "written", "gancore", "axes": {key: [labels]}, "seeds", "enough_kimg", "too_short_to_rank",
    "scores": names in order, "cells": see `_cell`, "comparisons": see arms, "published": see published}

    Second, the resolved experiments of the cells by name, as plain data.
    """
    grid, points = folder.grid(), folder.points()
    cells = [_cell(folder, point, grid.enough_kimg) for point in points]
    results: Results = {
        "grid": str(folder),
        "name": folder.path.resolve().name,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "gancore": __version__,
        "axes": {key: [v.label for v in values] for key, values in axes_of(grid).items() if key != SEED},
        "seeds": grid.seeds or sorted({cell["seed"] for cell in cells}),
        "enough_kimg": grid.enough_kimg,
        "too_short_to_rank": any(_will_count(cell) and cell["too_short_to_rank"] for cell in cells),
        "scores": list(dict.fromkeys(name for cell in cells for at in cell["history"] for name in at["scores"])),
        "cells": cells,
    }
    experiments = experiments_of(folder, cells)
    results["comparisons"] = comparisons_of(results)
    results["published"] = published_beside(grid.published, cells, experiments)
    return results, experiments


def _cell(folder: GridFolder, point: Point, enough_kimg: float) -> Cell:
    """One cell: axes (labels), values, seed, state, scores of the final and of the best snapshot by name, all
    evaluations, kimg, images_per_s (median of all log lines), parameters, threads, device, versions, data, the reason
    of a failure, and in words what of its files is damaged."""
    run, state = folder.run(point.name), folder.state(point.name)
    damage: list[str] = []
    environment = _environment(run, damage)
    history = history_of(run.metrics)
    kimg = _kimg(run, damage)
    return {
        "name": point.name,
        "identity": state.identity,
        "axes": {key: label for key, label in point.labels.items() if key != SEED},
        "values": {key: value for key, value in (state.values or point.changes).items() if key != SEED},
        "seed": point.changes.get(SEED, state.seed),
        "state": state.state,
        "reason": state.reason,
        "stderr": state.stderr,
        "exit_code": state.exit_code,
        "attempts": state.attempts,
        "kimg": kimg,
        "target_kimg": state.kimg,
        "too_short_to_rank": kimg < enough_kimg,
        "images_per_s": _speed(run),
        "seconds": round(state.seconds, 1),
        "parameters": state.parameters,
        "threads": environment.pop("threads", state.threads),
        "gpu": state.gpu,
        "host": state.host,
        "data": environment.pop("data", state.data),
        "environment": environment,
        "final": history.final,
        "best": history.best,
        "history": _told(history),
        "run": str(run.path.relative_to(folder.path)),
        "samples": [str(path.relative_to(folder.path)) for path in sorted(run.samples.glob("*.png"))],
        "damage": damage + history.damage,
    }


def _will_count(cell: Cell) -> bool:
    return cell["state"] not in NOT_GOING_ON


def _told(history: History) -> list[dict[str, Any]]:
    """Evaluations as {"kimg", "scores": {name: value}}; all else of a score is told of the final and best ones."""
    return [
        {
            "kimg": next(iter(scores.values()))["kimg"],
            "scores": {name: score["value"] for name, score in scores.items()},
        }
        for scores in history.evaluations
    ]


def _environment(run: RunFolder, damage: list[str]) -> dict[str, Any]:
    try:
        found = json.loads(_text(run.environment))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        damage.append(f"{run.environment.name} cannot be read: {error}")
        return {}
    return found if isinstance(found, dict) else {}


def _kimg(run: RunFolder, damage: list[str]) -> float:
    try:
        return float(kimg_reached(run))
    except (OSError, ValueError, KeyError, TypeError):
        damage.append(f"{run.log.name} cannot be read")
        return 0.0


def _speed(run: RunFolder) -> float | None:
    try:
        return speed(run, recent=None)
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
