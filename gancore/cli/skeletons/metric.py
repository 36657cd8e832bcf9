"""Skeleton: what it measures, in one line.

Source: name the paper, section and equation. Differs: nothing yet.
"""

from pydantic import Field

from gancore.contracts import Measurement, Metric, PluginConfig, Value


class Skeleton(Metric):
    """Plugin `skeleton`: squared distance between the mean features of generated and real images."""

    needs = "features"
    standard = ""  # the features that the bare name implies; none: always in the name
    samples = 10_000

    class Config(PluginConfig):
        scale: float = Field(1.0, gt=0, description="factor of the distance")

    cfg: Config

    @property
    def protocol(self) -> str:
        return f"squared distance of mean features, times {self.cfg.scale:g}"

    def measure(self, images: Measurement) -> dict[str, Value]:
        difference = images.fake_moments().mean - images.real_moments().mean  # [D]
        return {"skeleton": Value(float(difference.square().sum()) * self.cfg.scale)}
