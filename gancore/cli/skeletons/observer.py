"""Skeleton: what it does with what a training reports, in one line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Observer, PluginConfig, RunInfo


class Skeleton(Observer):
    """Plugin `skeleton`: the last log tick and the best value of every score, in a text file of the run folder."""

    class Config(PluginConfig):
        file: str = Field("latest.txt", min_length=1, description="name of the file in the run folder")

    cfg: Config

    def on_run_start(self, run: RunInfo) -> None:
        self.out: Path = run.folder / self.cfg.file
        self.best: dict[str, float] = {}

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        lines = [f"{name} {value:.5g}" for name, value in {"kimg": kimg, **values, **self.best}.items()]
        self.out.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        for score in scores:
            name = f"best {score['name']}"
            self.best[name] = min(score["value"], self.best.get(name, score["value"]))
