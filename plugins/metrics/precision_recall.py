"""Improved precision and recall: how many images of one side lie within the other side's manifold.

A manifold is the union of balls around its samples that reach to their k-th nearest neighbour.

Source: arXiv:1904.06991 section 2. Published on VGG16 features, which `precision` and `recall` therefore imply;
on others the names say on which, `precision[inception]`. Computed by torch-fidelity, in blocks.
"""

from collections.abc import Iterator

from pydantic import Field
from torch import Tensor

from gancore.contracts import Measurement, Metric, PluginConfig, Value
from gancore.evaluation.weights import package

BLOCK = 2000
"""Rows of distances at a time: 400 MB for 50,000 images."""


class PrecisionRecall(Metric):
    """Plugin `precision_recall`: precision (fakes among reals) and recall (reals among fakes), 0 to 1."""

    standard, values = "vgg16", ("precision", "recall")
    higher_is_better = True

    class Config(PluginConfig):
        neighbour: int = Field(3, ge=1, description="k: balls reach to the k-th nearest other sample")

    def check(self) -> None:
        package("torch_fidelity", "evaluation")

    def shortages(self, samples: int, reals: int | None) -> Iterator[str]:
        if min(samples, samples if reals is None else reals) <= self.cfg.neighbour:
            needed = f"precision_recall needs more than {self.cfg.neighbour} images on either side"
            yield f"{needed}, and there are {samples} generated and {reals} real ones"

    @property
    def protocol(self) -> str:
        return f"share within balls that reach to neighbour {self.cfg.neighbour}"

    def measure(self, images: Measurement) -> dict[str, Value]:
        fake, real = images.fake(), images.real()
        precision, recall = shares_within(fake, real, self.cfg.neighbour)
        return {"precision": Value(precision), "recall": Value(recall)}


def shares_within(fake: Tensor, real: Tensor, neighbour: int) -> tuple[float, float]:
    """Precision and recall of features [N, D] against [M, D]."""
    shares = package("torch_fidelity.metric_prc", "evaluation").calculate_precision_recall_part
    precision, recall = shares(fake, real, neighbour, BLOCK)
    return precision, recall
