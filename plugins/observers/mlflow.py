"""MLflow: metrics, scores and sample grids of a run, by its client; a folder or a server holds them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Ending, Observer, PluginConfig, RunInfo
from gancore.errors import GancoreError

ENDINGS: Mapping[Ending, str] = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
LONGEST = 500
"""Characters of a parameter that MLflow takes."""


class MLflow(Observer):
    """Plugin `mlflow`: needs `pip install gancore[mlflow]`."""

    class Config(PluginConfig):
        tracking_uri: str = Field("mlruns", min_length=1, description="folder or server that holds the runs")
        experiment: str = Field("gancore", min_length=1, description="MLflow's experiment that the run belongs to")

    cfg: Config

    def __init__(self, cfg: Config) -> None:
        super().__init__(cfg)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise GancoreError("observer mlflow needs a package: pip install 'gancore[mlflow]'") from error
        self.client_of, self.run = MlflowClient, ""

    def on_run_start(self, run: RunInfo) -> None:
        if "://" not in self.cfg.tracking_uri:  # MLflow 3 wants to hear that folders are meant
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self.client = self.client_of(tracking_uri=self.cfg.tracking_uri)
        kept = run.folder / "mlflow-id"
        if kept.exists():
            self.run = kept.read_text("utf-8").strip()
            self.client.update_run(self.run, status="RUNNING")
            return
        found = self.client.get_experiment_by_name(self.cfg.experiment)
        experiment = found.experiment_id if found else self.client.create_experiment(self.cfg.experiment)
        self.run = self.client.create_run(experiment, run_name=run.folder.name).info.run_id
        kept.write_text(self.run, encoding="utf-8")
        for name, value in _flat(run.experiment):
            self.client.log_param(self.run, _allowed(name), str(value)[:LONGEST])

    def on_log(self, step: int, kimg: float, values: Mapping[str, float]) -> None:
        for name, value in {"kimg": kimg, **values}.items():
            self.client.log_metric(self.run, _allowed(name), value, step=step)

    def on_samples(self, step: int, kimg: float, file: Path) -> None:
        self.client.log_artifact(self.run, str(file), "samples")

    def on_evaluation(self, step: int, kimg: float, scores: Sequence[Mapping[str, Any]]) -> None:
        for score in scores:
            self.client.log_metric(self.run, _allowed(f"score/{score['name']}"), score["value"], step=step)

    def on_run_end(self, ending: Ending, reason: str) -> None:
        if self.run:
            self.client.set_terminated(self.run, ENDINGS[ending])


def _allowed(name: str) -> str:
    """A name in MLflow's characters: "fid[embedded]" becomes "fid.embedded"."""
    kept = name.replace("[", ".").replace("]", "")
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in kept)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
