"""The `grid:` section: how to make experiments from one, and how to run, stop, keep and report them."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from gancore.options import PluginConfig

LARGEST = 10_000
"""Combinations of axes and seeds that a grid may have. Each cell takes 10 ms and 0.1 MB before it starts."""


class Resources(PluginConfig):
    """The resources of a cell on a Ray cluster. The local executor divides this machine's cores and GPUs."""

    cpus: float = Field(1, gt=0, description="CPU cores; also the threads of a cell, rounded down")
    gpus: float = Field(0, ge=0, description="GPUs; below 1 a share of one and of its memory")
    memory_gb: float | None = Field(None, gt=0, description="memory, GB; null: no request")
    retries: int = Field(3, ge=0, description="how often a cell goes on elsewhere after its node was lost")


class StopEarly(PluginConfig):
    """Stops a cell whose metric is worse than a bound at the first evaluation from a given kimg on."""

    metric: str = Field(description="a score, fid[embedded], or its metric, fid, where only one is of it")
    after_kimg: float = Field(ge=0, description="evaluations before this are ignored, kimg")
    worse_than: float = Field(description="bound: above it where less is better, below it otherwise")


class Retention(PluginConfig):
    """What `gancore grid clean` keeps of cells that are not running."""

    checkpoints: int = Field(1, ge=0, description="newest checkpoints of finished cells; the model always stays")
    failed: bool = Field(True, description="run folders of failed cells")
    dropped: bool = Field(True, description="cells that are no longer in the grid")


class GridConfig(PluginConfig):
    """Cells are all combinations of the axes' values and the seeds, except those that an `exclude` rule matches."""

    axes: dict[str, list[Any] | dict[str, Any]] = Field(
        {},
        description="dotted key to its values: a list, or a mapping of labels to values; the values of `extends` are "
        "experiments that cells extend",
    )
    seeds: list[int] = Field([], description="values of training.seed; empty: that of the experiment")
    exclude: list[dict[str, Any]] = Field(
        [], description="{axis: value or list of values, ...}: cells for which all of them hold are left out"
    )
    resources: Resources = Resources()
    stop_early: list[StopEarly] = Field([], description="rules that stop hopeless cells; none by default")
    retention: Retention = Retention()
    published: str | None = Field(
        None, description="published table that this grid repeats, shown beside its results if the protocol allows"
    )
    enough_kimg: float = Field(1000, ge=0, description="shorter cells are reported as too short to rank, kimg")

    @field_validator("axes")
    @classmethod
    def _have_values(cls, axes: Mapping[str, Any]) -> Mapping[str, Any]:
        for key, values in axes.items():
            if not values:
                raise ValueError(f"the axis {key} has no values")
            if key != "extends" and key.partition(".")[0] in ("extends", "name", "grid", "format", "plugins"):
                raise ValueError(f"{key} cannot be an axis; choose a key of the experiment, such as generator.use")
            if not key.isprintable() or {"/", "\\"} & set(key):
                raise ValueError(f"{key!r} cannot be an axis: it would be part of file names")
            if key == "training.seed":
                raise ValueError("training.seed is not an axis; write `seeds: [0, 1, 2]`")
        return axes

    @field_validator("seeds")
    @classmethod
    def _once(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds) or min(seeds, default=0) < 0:
            raise ValueError("seeds are different whole numbers from 0 on")
        return seeds

    @model_validator(mode="after")
    def _not_too_many(self) -> "GridConfig":
        count = math.prod(map(len, self.axes.values())) * max(len(self.seeds), 1)
        if count > LARGEST:
            raise ValueError(
                f"{count:,} combinations of axes and seeds (before `exclude`); at most {LARGEST:,} are allowed"
            )
        return self
