"""From measurements to a table: medians, spread, ratios to the reference, share of the machine's limit."""

import statistics
from typing import Any

from benchmarks.contest import Result


def summary(
    results: list[Result], references: dict[str, str], flops: dict[str, float], limit: float
) -> list[dict[str, Any]]:
    """One row a variant, beside its reference (the first variant where that is not there).

    `flops` are ours by phase, `limit` is in floating point operations a second.
    """
    rows = [_row(result) for result in results if result.error is None]
    by_name = {row["variant"]: row for row in rows}
    for row in rows:
        base = by_name.get(references.get(row["variant"], ""), rows[0])
        row["reference"] = base["variant"]
        total = sum(flops[phase] / interval for phase, interval in base["intervals"].items() if phase in flops)
        row["ratio"] = {p: base["ms"][p] / ms for p, ms in row["ms"].items() if p in base["ms"]}
        row["memory_ratio"] = row["peak_mb"] / base["peak_mb"]
        row["share_of_limit"] = total / (row["ms"]["total"] / 1000) / limit
    return rows


def _row(result: Result) -> dict[str, Any]:
    ms = {phase: statistics.median(times) for phase, times in result.times.items()}
    ms["total"] = sum(ms[phase] / interval for phase, interval in result.intervals.items())
    return {
        "variant": result.name,
        "ms": ms,
        "spread": {phase: _spread(times) for phase, times in result.times.items()},
        "intervals": result.intervals,
        "peak_mb": result.peak_mb,
    }


def _spread(times: list[float]) -> float:
    """Half the distance between the quartiles, as a share of the median."""
    if len(times) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(times, n=4)
    return (high - low) / 2 / middle


def table(rows: list[dict[str, Any]], flops: dict[str, float], limit: float) -> str:
    """Phases downwards, variants to the right: milliseconds, spread, and speed relative to the reference."""
    phases = list(dict.fromkeys(phase for row in rows for phase in row["ms"]))
    lines = [f"{'x, relative to':32}" + "".join(f"{row['reference']:>26}" for row in rows)]
    lines += [f"{'ms':24}{'GFLOP':>8}" + "".join(f"{row['variant']:>26}" for row in rows)]
    for phase in phases:
        count = f"{flops[phase] / 1e9:8.1f}" if phase in flops else " " * 8
        lines.append(f"{phase:24}{count}" + "".join(_cell(row, phase) for row in rows))
    lines.append(f"{'peak memory, MB':32}" + "".join(f"{r['peak_mb']:12.0f} {r['memory_ratio']:13.2f}" for r in rows))
    lines.append(f"{'share of the limit':32}" + "".join(f"{row['share_of_limit']:26.0%}" for row in rows))
    return "\n".join([*lines, f"limit: {limit / 1e9:.0f} GFLOP/s (best 3x3 convolution of these shapes, float32)"])


def _cell(row: dict[str, Any], phase: str) -> str:
    if phase not in row["ms"]:
        return " " * 26
    spread = f"±{row['spread'][phase]:.0%}" if phase in row["spread"] else ""
    ratio = f"{row['ratio'][phase]:.2f}x" if phase in row["ratio"] else ""
    return f"{row['ms'][phase]:12.1f} {spread:>6} {ratio:>6}"
