"""results.csv: one line for each cell; the values of both snapshots in columns of their own."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from gancore.grid.report.arms import SNAPSHOTS

PLAIN = ("state", "kimg", "target_kimg", "images_per_s", "seconds", "threads", "attempts", "reason")


def as_csv(results: Mapping[str, Any]) -> str:
    """Columns: cell, axes, seed, how it went, sizes, data, `SCORE (final)`, `SCORE (best)`, the kimg of the best."""
    rows = [_row(results, cell) for cell in results["cells"]]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _row(results: Mapping[str, Any], cell: Mapping[str, Any]) -> dict[str, Any]:
    published = (results["published"] or {"cells": {}})["cells"].get(cell["name"], {})
    return {
        "cell": cell["name"],
        **cell["axes"],
        "seed": cell["seed"],
        **{column: cell[column] for column in PLAIN},
        **{f"parameters.{network}": count for network, count in (cell["parameters"] or {}).items()},
        "data": (cell["data"] or {}).get("sha256"),
        **{f"{score} ({snapshot})": cell[snapshot].get(score, {}).get("value")
           for score in results["scores"] for snapshot in SNAPSHOTS},
        "kimg (best)": next((score["kimg"] for score in cell["best"].values()), None),
        **{f"{score} (published)": value for score, value in published.items()},
    }  # fmt: skip
