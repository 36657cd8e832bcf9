"""What came out of a grid, as data: results.json, results.csv, report.md. At any moment; imports no torch.

No claim is made about cells that are too short (`grid.enough_kimg`), nor from one seed.
"""

import csv
import io
import itertools
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gancore.artifacts import RunFolder
from gancore.artifacts.atomic import write_json, write_text
from gancore.grid.folder import GridFolder
from gancore.grid.points import SEED, axes_of, short_names
from gancore.grid.scores import best, better, final, kimg_reached, speed

Cell = dict[str, Any]


def results_of(folder: GridFolder) -> dict[str, Any]:
    """Everything that is known of the grid, as JSON has it. Raises RunError where there is no grid.

    {"grid", "axes": {key: [labels]}, "seeds", "enough_kimg", "too_short_to_rank", "cells": [...]}; see `_cell`.
    """
    grid = folder.grid()
    cells = [_cell(folder, point.name, point.labels) for point in folder.points()]
    return {
        "grid": str(folder),
        "axes": {key: [v.label for v in values] for key, values in axes_of(grid).items() if key != SEED},
        "seeds": grid.seeds or sorted({cell["seed"] for cell in cells}),
        "enough_kimg": grid.enough_kimg,
        "too_short_to_rank": any(cell["too_short_to_rank"] for cell in cells),
        "cells": cells,
    }


def write_report(folder: GridFolder, out: Path) -> Path:
    """Writes results.json, results.csv and report.md into a folder, and gives it."""
    results = results_of(folder)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "results.json", results)
    write_text(out / "results.csv", as_csv(results))
    write_text(out / "report.md", as_markdown(results))
    return out


def _cell(folder: GridFolder, name: str, labels: Mapping[str, str]) -> Cell:
    """One cell: axes (labels), values, seed, state, final and best scores by name with the kimg they are of, kimg,
    images_per_s (median of all log lines), parameters, threads, device, versions, data, reason of a failure."""
    state, run = folder.state(name), folder.run(name)
    environment = _environment(run)
    grid = folder.grid()
    return {
        "name": name,
        "identity": state.identity,
        "axes": {key: label for key, label in labels.items() if key != SEED},
        "values": {key: value for key, value in state.values.items() if key != SEED},
        "seed": state.seed,
        "state": state.state,
        "reason": state.reason,
        "exit_code": state.exit_code,
        "attempts": state.attempts,
        "kimg": kimg_reached(run),
        "target_kimg": state.kimg,
        "too_short_to_rank": kimg_reached(run) < grid.enough_kimg,
        "images_per_s": speed(run, recent=None),
        "seconds": round(state.seconds, 1),
        "parameters": state.parameters,
        "threads": environment.pop("threads", state.threads),
        "gpu": state.gpu,
        "host": state.host,
        "data": environment.pop("data", state.data),
        "environment": environment,
        "final": final(run),
        "best": best(run),
        "run": str(run.path.relative_to(folder.path)),
        "samples": [str(path.relative_to(folder.path)) for path in sorted(run.samples.glob("*.png"))],
    }


def _environment(run: RunFolder) -> dict[str, Any]:
    try:
        return json.loads(run.environment.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


# -- tables ---------------------------------------------------------------------------------------------------------


def as_csv(results: Mapping[str, Any]) -> str:
    """One line for each cell; final and best value of each score in columns of their own."""
    names = score_names(results)
    rows = [_flat(cell, names) for cell in results["cells"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def score_names(results: Mapping[str, Any]) -> list[str]:
    """The names of all scores, in the order they first appear."""
    return list(dict.fromkeys(name for cell in results["cells"] for name in cell["final"]))


def _flat(cell: Cell, names: Sequence[str]) -> dict[str, Any]:
    columns = ("state", "kimg", "target_kimg", "images_per_s", "seconds", "threads", "attempts", "reason")
    scores = {
        f"{name} ({which})": cell[which].get(name, {}).get("value") for name in names for which in ("final", "best")
    }
    return {
        "cell": cell["name"],
        **cell["axes"],
        "seed": cell["seed"],
        **{column: cell[column] for column in columns},
        **{f"parameters.{network}": count for network, count in (cell["parameters"] or {}).items()},
        "data": (cell["data"] or {}).get("sha256"),
        **scores,
    }


def as_markdown(results: Mapping[str, Any]) -> str:
    """Tables with the first axis in rows and the second in columns, one for each score and value of the others."""
    parts = [f"# {Path(results['grid']).name}", *_remarks(results)]
    for name in score_names(results):
        parts += [f"## {name}, final", *_tables(results, name)]
    unfinished = [f"- {cell['name']}: {cell['state']}" + (f": {cell['reason']}" if cell["reason"] else "")
                  for cell in results["cells"] if cell["state"] != "done"]  # fmt: skip
    if unfinished:
        parts += ["## Cells that are not done", "\n".join(unfinished)]
    return "\n\n".join(parts) + "\n"


def _remarks(results: Mapping[str, Any]) -> Iterator[str]:
    cells = results["cells"]
    done = sum(cell["state"] == "done" for cell in cells)
    yield f"{len(cells)} cells, {done} done; seeds {', '.join(map(str, results['seeds']))}."
    if results["too_short_to_rank"]:
        yield (
            f"**Too short to rank.** A cell counts from {results['enough_kimg']:g} kimg on, and here some or all have "
            "fewer: the order of these numbers says nothing about the order of the architectures."
        )
    if len(results["seeds"]) < 3:
        yield "Fewer than three seeds: no claim is made about which differences would be seen again."
    if not score_names(results):
        yield "There are no scores yet: no cell has been evaluated."


def _tables(results: Mapping[str, Any], score: str) -> Iterator[str]:
    axes, names = {"": [""], **results["axes"]}, short_names(results["axes"])
    rows, columns, *others = [*results["axes"], "", ""][: max(len(results["axes"]), 2)]
    for labels in itertools.product(*(axes[axis] for axis in others)):
        fixed = dict(zip(others, labels, strict=True))
        if fixed:
            yield "### " + ", ".join(f"{names[axis]} {label}" for axis, label in fixed.items())
        yield _table(results, score, [(row, {**fixed, rows: row}) for row in axes[rows]], columns, names.get(rows, ""))


def _table(
    results: Mapping[str, Any], score: str, rows: Sequence[tuple[str, Mapping[str, str]]], columns: str, corner: str
) -> str:
    """Mean over seeds (± standard deviation), the best in bold where that may be said.

    rows: their labels, with the axes' labels that their cells have; columns: an axis, "" for a single column.
    """
    labels = results["axes"].get(columns, [""])
    groups = {
        (row, column): [
            cell["final"][score]
            for cell in results["cells"]
            if score in cell["final"] and _has(cell, {**fixed, columns: column})
        ]
        for row, fixed in rows
        for column in labels
    }
    means = {at: {**scores[0], "value": _mean(scores)} for at, scores in groups.items() if scores}
    winner = None if results["too_short_to_rank"] else _best(means)
    lines = [[corner, *(label or score for label in labels)], ["---"] * (len(labels) + 1)]
    for row, _ in rows:
        lines.append([row, *(_shown(groups[row, column], (row, column) == winner) for column in labels)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _has(cell: Cell, labels: Mapping[str, str]) -> bool:
    return all(axis == "" or cell["axes"][axis] == label for axis, label in labels.items())


def _best(means: Mapping[Any, Mapping[str, Any]]) -> Any:
    winner = None
    for at, score in means.items():
        if winner is None or better(score, means[winner]):
            winner = at
    return winner


def _mean(scores: Sequence[Mapping[str, Any]]) -> float:
    return statistics.fmean(score["value"] for score in scores)


def _shown(scores: Sequence[Mapping[str, Any]], bold: bool) -> str:
    if not scores:
        return "–"
    spread = f" ± {statistics.stdev(s['value'] for s in scores):.2g} (n={len(scores)})" if len(scores) > 1 else ""
    text = f"{_mean(scores):.4g}{spread}"
    return f"**{text}**" if bold else text
