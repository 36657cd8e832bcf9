"""Inception score: exp of the mean divergence of p(y | x) from p(y), mean over splits.

Source: arXiv:1606.03498 equation 1, with ten splits as published. Computed by torch-fidelity (float64, shuffled, logits
without the bias). It uses generated images only.
"""

from collections.abc import Iterator

from pydantic import Field
from torch import Tensor

from gancore.contracts import Measurement, Metric, PluginConfig, Value
from gancore.evaluation.weights import package


class InceptionScore(Metric):
    """Plugin `inception_score`: mean and standard deviation over splits."""

    needs = "logits"
    higher_is_better = True

    class Config(PluginConfig):
        splits: int = Field(10, ge=1, description="parts the images are cut into")

    def check(self) -> None:
        package("torch_fidelity", "evaluation")

    def shortages(self, samples: int, reals: int | None) -> Iterator[str]:
        if samples < self.cfg.splits:
            yield f"inception_score needs an image for each of its {self.cfg.splits} splits, and there are {samples}"

    @property
    def protocol(self) -> str:
        return f"{self.cfg.splits} splits"

    def measure(self, images: Measurement) -> dict[str, Value]:
        logits = images.fake("logits")
        return {"inception_score": inception_score(logits, self.cfg.splits)}


def inception_score(logits: Tensor, splits: int, shuffle: bool = True) -> Value:
    """From logits [N, classes]; split i holds rows i N // splits to (i + 1) N // splits - 1 of the shuffled ones."""
    score = package("torch_fidelity.metric_isc", "evaluation").isc_features_to_metric(logits, splits, shuffle)
    return Value(score["inception_score_mean"], score["inception_score_std"])
