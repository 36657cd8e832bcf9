"""The `evaluation:` section: how much is measured, and when. Metrics and features are slots (gancore.config.slots)."""

from typing import Any, Literal

from pydantic import Field

from gancore.options import Later, PluginConfig


class EvaluationKeys(PluginConfig):
    """Keys of `evaluation` beside `features`."""

    metrics: list[Any] = Field(min_length=1, description="metrics; the first one decides which model is the best")
    every_kimg: float | None = Field(
        None, ge=0.001, le=1e9, description="kimg between evaluations; null: at the end only"
    )
    samples: int | None = Field(
        None, ge=2, description="generated images, for metrics that do not say it (default: the protocol's, 50,000)"
    )
    reals: int | None = Field(
        None, ge=2, description="real images compared with, always the same ones, mirrored ones apart (default: all)"
    )
    seed: int = Field(0, ge=0, description="of latents, labels and noise")
    draws: Later[Literal["host", "device"]] = Field(
        "host", description="where latents and noise are drawn; other numbers, as with another seed"
    )


class MetricKeys(PluginConfig):
    """Keys of a metric beside its own options and `features`."""

    samples: int | None = Field(None, ge=2, description="generated images (default: that of `evaluation.samples`)")
    repeat: int = Field(1, ge=1, description="evaluations with new seeds; more than one: mean and spread")
