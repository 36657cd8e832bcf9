"""Grid folders as `gancore grid run` leaves them, in which nothing was trained: for reports and for looking. Light."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gancore.artifacts.atomic import write_json
from gancore.artifacts.run import append_line
from gancore.config.yaml.scalars import dump
from gancore.grid.folder import GridFolder
from gancore.grid.state import CellState

G, D = "generator.use", "discriminator.use"
NINE: dict[str, Any] = {
    "axes": {G: ["original", "skip", "residual"], D: ["original", "skip", "residual"]},
    "enough_kimg": 0,
}


def cell(g: str, d: str, seed: int | None = None) -> str:
    return f"generator={g}_discriminator={d}" + ("" if seed is None else f"_seed={seed}")


def made_up(path: Path, grid: dict[str, Any], cells: Mapping[str, Mapping[str, Any]]) -> GridFolder:
    """A grid folder whose cells have the given states.

    at: where the run stands, kimg. fid: its values at 0, 1, 2, ... kimg. scores: instead, whole evaluations, each
    {name: value or a mapping of a score's fields}. config, environment: what these files hold. All else is a field
    of the cell's state.
    """
    folder = GridFolder(path)
    folder.cells.mkdir(parents=True)
    folder.file.write_text(dump({"name": path.name, "grid": copy.deepcopy(grid)}))
    for combination in folder.combinations():
        about = dict(cells.get(combination.name, {}))
        run, at = folder.run(combination.name), about.pop("at", None)
        evaluations = about.pop("scores", [{"fid": value} for value in about.pop("fid", [])])
        config = about.pop("config", {"name": "cell"})
        environment = about.pop("environment", None)
        values = combination.changes
        state = {"labels": combination.labels, "values": values, "seed": values.get("training.seed", 0), "kimg": 10}
        folder.write(CellState(combination.name, **{**state, **about}))
        if at is not None:
            run.path.mkdir()
            run.config.write_text(dump(copy.deepcopy(config)))
            append_line(run.log, {"step": 1, "kimg": at, "images_per_s": 50.0})
        if environment is not None:
            write_json(run.environment, environment)
        for step, scores in enumerate(evaluations):
            append_line(run.metrics, {"step": step, "kimg": step, "scores": list(_scores(scores))})
    return folder


def _scores(scores: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    return [
        {"name": name, **(score if isinstance(score, Mapping) else {"value": score})} for name, score in scores.items()
    ]
