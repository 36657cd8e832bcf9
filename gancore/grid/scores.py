"""Speed and scores of a run, read from its log.jsonl and metrics.jsonl while it trains."""

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gancore.artifacts import RunFolder

RECENT = 10
"""Log lines that a run's present speed is the median of."""


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON-lines file; one that a kill has damaged is left out, a file that is not there has none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return list(_parsed(text.splitlines()))


def speed(run: RunFolder, recent: int | None = RECENT) -> float | None:
    """Median images/s of the last log lines (None: of all); the first after a start includes warming up."""
    rates = [line["images_per_s"] for line in records(run.log) if line.get("images_per_s")]
    return statistics.median(rates[-recent:] if recent else rates) if rates else None


def kimg_reached(run: RunFolder) -> float:
    """Where a run stands, kimg: its last log line or newest checkpoint, whichever is further."""
    logged = [line["kimg"] for line in records(run.log)[-1:]]
    saved = [float(path.stem.removeprefix("checkpoint-")) for path in run.checkpoints()[:1]]
    return max([0.0, *logged, *saved])


def final(run: RunFolder) -> dict[str, dict[str, Any]]:
    """The scores of the last evaluation by name, each with the kimg it is of."""
    scores: dict[str, dict[str, Any]] = {}
    for score in _scores(records(run.metrics)):
        scores[score["name"]] = score
    return scores


def better(score: Mapping[str, Any], than: Mapping[str, Any]) -> bool:
    """Whether a score is better than another of the same name; less is better unless it says otherwise."""
    if score.get("higher_is_better"):
        return bool(score["value"] > than["value"])
    return bool(score["value"] < than["value"])


def hopeless(metrics: Path, rules: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], str] | None:
    """The first rule of `stop_early` that a run falls under, and the verdict in words."""
    scores = list(_scores(records(metrics)))
    names = list(dict.fromkeys(score["name"] for score in scores))
    for rule in rules:
        name = spoken_of(rule["metric"], names)
        for score in scores:
            judged = score["name"] == name and score["kimg"] >= rule["after_kimg"]
            if judged and better({**score, "value": rule["worse_than"]}, score):
                return rule, (
                    f"stopped early: {score['name']} {score['value']:.4g} at {score['kimg']:g} kimg is worse than "
                    f"{rule['worse_than']:g} (after {rule['after_kimg']:g} kimg)"
                )
    return None


def spoken_of(metric: str, names: Sequence[str]) -> str | None:
    """The score that a rule on `metric` looks at: the one of that name, or else the only one of that metric, whatever
    features it was seen through; None where there is none, or more than one."""
    if metric in names:
        return metric
    seen = [name for name in names if name.partition("[")[0] == metric]
    return seen[0] if len(seen) == 1 else None


def _scores(lines: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield from ({**score, "kimg": line["kimg"], "step": line["step"]} for score in line.get("scores", ()))


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record
