"""Progressive growing: the schedule of `training.growth`. Source: arXiv:1710.10196 (PGGAN).

In the terms of the published code: phase k = floor(kimg / (stable + fade)), and the level of detail that is missing,
lod = log2(R) - log2(start) - k, less a linear ramp from 0 to 1 over the fade, never below 0. Images are
R / 2^floor(lod) wide, and the newest block has weight alpha = 1 - frac(lod), or 1 where lod is whole. Here all of it
is counted in whole images, so that no phase begins early or late by rounding.
"""

from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Stage


class Growth:
    """Stage, batch and rate as functions of kimg; without `training.growth` constant, and the stage is None."""

    def __init__(self, training: TrainingConfig, resolution: int) -> None:
        """`resolution` is the final one, that of the data."""
        self.training, self.resolution = training, resolution
        self.config = training.growth

    def stage(self, kimg: float) -> Stage | None:
        """Resolution and fade-in weight of the step that begins after `kimg`."""
        if self.config is None:
            return None
        stable, fade = self.config.images()
        phase, shown = divmod(round(kimg * 1000), stable + fade)
        resolutions = self.config.resolutions(self.resolution)[phase:]
        if len(resolutions) < 2:
            return Stage(self.resolution)
        now, following = resolutions[:2]
        return Stage(now) if shown <= stable else Stage(following, (shown - stable) / fade)

    def batch(self, kimg: float) -> int:
        """Real images of that step."""
        return self.training.batch_at(self._resolution(kimg))

    def lr(self, kimg: float) -> float | None:
        """The learning rate of that step; None: those of the optimizers."""
        return self.config.lr.get(self._resolution(kimg)) if self.config else None

    def resets_optimizers(self, before: Stage | None, now: Stage | None) -> bool:
        """Whether to reset moments between two steps: a fade began or ended (floor or ceiling of lod changed)."""
        return self.config is not None and self.config.reset_optimizer and _half_phase(before) != _half_phase(now)

    def _resolution(self, kimg: float) -> int:
        stage = self.stage(kimg)
        return self.resolution if stage is None else stage.resolution


def _half_phase(stage: Stage | None) -> tuple[int, bool] | None:
    return None if stage is None else (stage.resolution, stage.alpha < 1)
