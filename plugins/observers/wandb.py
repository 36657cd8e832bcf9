"""Weights & Biases: curves, scores and sample grids of a run; `mode: offline` writes them into the run folder only.

A continued run continues its W&B run, whose id is kept in the run folder. After a rollback the curves go back: they
are drawn over kimg.
"""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from gancore.contracts import Ending, Observer, PluginConfig, RunInfo
from gancore.errors import GancoreError


class WandB(Observer):
    """Plugin `wandb`: needs `pip install gancore[wandb]`."""

    class Config(PluginConfig):
        project: str = Field("gancore", min_length=1, max_length=128, description="project that the run belongs to")
        entity: str | None = Field(None, description="user or team; null: the account's own")
        group: str | None = Field(None, max_length=128, description="group of runs, such as the name of a grid")
        tags: tuple[str, ...] = Field((), strict=False, description="tags of the run")
        mode: Literal["online", "offline"] = Field(
            "online", description="offline: `wandb sync` can upload it later", json_schema_extra={"small": "offline"}
        )

    cfg: Config

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        try:
            import wandb
        except ImportError as error:
            raise GancoreError("observer wandb needs a package: pip install 'gancore[wandb]'") from error
        self.wandb: Any = wandb
        self.run: Any = None

    def on_run_start(self, run: RunInfo) -> None:
        self.run = self.wandb.init(
            project=self.cfg.project,
            entity=self.cfg.entity,
            group=self.cfg.group,
            tags=list(self.cfg.tags),
            name=run.folder.name,
            id=_kept_id(run.folder / "wandb-id"),
            resume="allow" if self.cfg.mode == "online" else None,
            mode=self.cfg.mode,
            dir=str(run.folder),
            config=dict(run.experiment),
            settings=self.wandb.Settings(silent=True, console="off", save_code=False),
        )
        self.run.define_metric("*", step_metric="kimg")

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        self.run.log({"step": step, "kimg": kimg, **values})

    def on_samples(self, step: int, kimg: float, file: Path) -> None:
        self.run.log({"kimg": kimg, "samples": self.wandb.Image(str(file))})

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        self.run.log({"kimg": kimg, **{f"score/{score['name']}": score["value"] for score in scores}})

    def on_run_end(self, ending: Ending, reason: str) -> None:
        if self.run is not None:
            self.run.finish(exit_code=0 if ending == "finished" else 1)


def _kept_id(file: Path) -> str:
    """The id of the run, the same in all its sessions."""
    if not file.exists():
        file.write_text(secrets.token_hex(8), encoding="utf-8")
    return file.read_text("utf-8").strip()
