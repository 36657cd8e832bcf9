"""Skeleton: what it examines, in one line.

Source: name the paper, section and equation. Differs: nothing yet.
"""

from pydantic import Field

from gancore.contracts import Analysis, Grid, Picture, PluginConfig, Result, Subject, Value


class Skeleton(Analysis):
    """Plugin `skeleton`: how much the samples differ, pixel by pixel."""

    count = 64

    class Config(PluginConfig):
        truncation_psi: float = Field(
            1.0, ge=0, le=1, description="pull of ws towards their mean: 1 none, 0 all the way"
        )

    cfg: Config

    @property
    def protocol(self) -> str:
        return f"standard deviation over samples, mean over pixels; truncation_psi {self.cfg.truncation_psi:g}"

    def analyze(self, subject: Subject) -> Result:
        z, label = subject.latents()
        images = subject.generator(z, label, truncation_psi=self.cfg.truncation_psi)  # [N, C, H, W]
        spread = images.std(dim=0, correction=0).mean()
        shown = Grid("samples", "Samples", [[Picture(image) for image in images[:8]]])
        return Result({"spread": Value(float(spread))}, [shown])
