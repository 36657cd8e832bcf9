"""`training.growth`: progressive growing, declared as data for the training loop.

Source: arXiv:1710.10196 (PGGAN) section 3, with the phases of the published code: some time at the first resolution,
then a fade to its double and some time there, again and again up to the resolution of the data.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gancore.config.yaml.document import Keys
from gancore.options import PluginConfig


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("must be a power of two")
    return value


Resolution = Annotated[int, Field(ge=4, le=65536, strict=False), AfterValidator(_power_of_two)]
"""A resolution that images grow through. Not strict: as keys of a JSON file, numbers are text."""


Table = BeforeValidator(lambda value: {} if value is None else value)
"""null empties a table that an extended file has filled: mappings are merged."""


class GrowthConfig(PluginConfig):
    """Progressive growing. A phase is `stable_kimg` at one resolution, then `fade_kimg` in which the next fades in."""

    start: Resolution = Field(8, description="resolution at kimg 0: a power of two below that of the data")
    stable_kimg: float = Field(600, ge=0, le=1e9, description="kimg at a resolution before the next begins to fade in")
    fade_kimg: float = Field(600, ge=0, le=1e9, description="kimg in which a new resolution fades in; 0: at once")
    batch: Annotated[dict[Resolution, Annotated[int, Field(ge=1, le=65536)]], Table] = Field(
        {}, description="images per step, by resolution; training.batch at those not listed, null: at all"
    )
    lr: Annotated[dict[Resolution, Annotated[float, Field(ge=0)]], Table] = Field(
        {}, description="learning rate of both networks, by resolution; null, or not listed: the optimizer's own"
    )
    reset_optimizer: bool = Field(True, description="forget the moments of the optimizers where a fade begins or ends")

    @model_validator(mode="after")
    def _phases_last(self) -> "GrowthConfig":
        if self.images() == (0, 0):
            raise ValueError("stable_kimg and fade_kimg cannot both be 0; a phase lasts at least one image")
        return self

    def images(self) -> tuple[int, int]:
        """Length of the two parts of a phase in whole images, stable and fade."""
        return round(self.stable_kimg * 1000), round(self.fade_kimg * 1000)

    def resolutions(self, final: int) -> list[int]:
        """The resolutions that training passes through up to that of the data."""
        return [self.start << k for k in range(final.bit_length()) if self.start << k <= final]

    def misfits(self, final: int) -> Iterator[tuple[Keys, str]]:
        """Keys that do not fit the resolution of the data, each with the reason.

        Tables may continue beyond it, so that a preset can train on smaller images.
        """
        resolutions = self.resolutions(final)
        if len(resolutions) < 2 or resolutions[-1] != final:
            yield (
                ("start",),
                f"images grow by doubling from {self.start}, which must lead up to the {final} of the data",
            )
            return
        for key, table in (("batch", self.batch), ("lr", self.lr)):
            for resolution in table:
                if resolution < self.start:
                    passed = ", ".join(map(str, resolutions))
                    yield (key, resolution), f"training does not pass through {resolution}, but through {passed}"
