"""Options of ADA: a set of transforms, the probability of each relative to the strength, and their magnitudes."""

from typing import Annotated, Literal

from pydantic import Field

from gancore.contracts import PluginConfig, Scheduled, within

BLIT = frozenset({"xflip", "rotate90", "integer_translation"})
GEOM = frozenset({"scale", "rotation", "anisotropic", "translation"})
COLOR = frozenset({"brightness", "contrast", "luma_flip", "hue", "saturation"})
FILTER, NOISE, CUTOUT = frozenset({"filter"}), frozenset({"noise"}), frozenset({"cutout"})

SETS = {
    "none": frozenset[str](),
    "blit": BLIT,
    "geom": GEOM,
    "color": COLOR,
    "filter": FILTER,
    "noise": NOISE,
    "cutout": CUTOUT,
    "b": BLIT,
    "bg": BLIT | GEOM,
    "bgc": BLIT | GEOM | COLOR,
    "bgcf": BLIT | GEOM | COLOR | FILTER,
    "bgcfn": BLIT | GEOM | COLOR | FILTER | NOISE,
    "bgcfnc": BLIT | GEOM | COLOR | FILTER | NOISE | CUTOUT,
}

SetName = Literal[
    "none", "blit", "geom", "color", "filter", "noise", "cutout", "b", "bg", "bgc", "bgcf", "bgcfn", "bgcfnc"
]
Relative = Annotated[float | None, Field(ge=0)]
Magnitude = Annotated[float, Field(ge=0)]


class Options(PluginConfig):
    """Every transform may be given a probability relative to p (0: off, 1: p); unset, it is what `set` says."""

    set: SetName = Field("bgc", description="which transforms are on; single ones are switched below")
    p: Annotated[Scheduled, within(ge=0, le=1)] | None = Field(
        None, description="fixed or scheduled strength; unset: it starts at 0 and adapts to `target`"
    )
    target: float = Field(0.6, ge=-1, le=1, description="mean sign of D's logits of reals that the strength aims at")
    interval: int = Field(4, ge=1, description="steps from one change of the strength to the next")
    kimg: float = Field(500, gt=0, description="thousand images in which the strength can go from 0 to 1")

    xflip: Relative = Field(None, description="mirror images left to right")
    rotate90: Relative = Field(None, description="rotate by multiples of 90 degrees")
    integer_translation: Relative = Field(None, description="shift by whole pixels")
    scale: Relative = Field(None, description="scale both axes alike")
    rotation: Relative = Field(None, description="rotate by any angle, before and after the anisotropic scaling")
    anisotropic: Relative = Field(None, description="scale one axis up, the other down")
    translation: Relative = Field(None, description="shift by fractions of pixels")
    brightness: Relative = Field(None, description="add a constant")
    contrast: Relative = Field(None, description="multiply by a constant")
    luma_flip: Relative = Field(None, description="invert the luma, keep the hue")
    hue: Relative = Field(None, description="rotate colours around the luma axis; colour images only")
    saturation: Relative = Field(None, description="scale the distance from the luma axis; colour images only")
    filter: Relative = Field(None, description="amplify or weaken four frequency bands")
    noise: Relative = Field(None, description="add white noise")
    cutout: Relative = Field(None, description="blank a rectangle")

    integer_translation_max: Magnitude = Field(0.125, description="greatest shift, relative to the image")
    scale_std: Magnitude = Field(0.2, description="standard deviation of log2 of the scale")
    rotation_max: Magnitude = Field(1.0, description="greatest rotation; 1 is half a turn")
    anisotropic_std: Magnitude = Field(0.2, description="standard deviation of log2 of the scale")
    translation_std: Magnitude = Field(0.125, description="standard deviation of the shift, relative to the image")
    brightness_std: Magnitude = Field(0.2, description="standard deviation of the brightness")
    contrast_std: Magnitude = Field(0.5, description="standard deviation of log2 of the contrast")
    hue_max: Magnitude = Field(1.0, description="greatest rotation of hues; 1 is half a turn")
    saturation_std: Magnitude = Field(1.0, description="standard deviation of log2 of the saturation")
    filter_bands: tuple[Magnitude, Magnitude, Magnitude, Magnitude] = Field(
        (1.0, 1.0, 1.0, 1.0), strict=False, description="relative probability of each band, from low to high"
    )
    filter_std: Magnitude = Field(1.0, description="standard deviation of log2 of a band's gain")
    noise_std: Magnitude = Field(0.1, description="standard deviation of the noise's standard deviation")
    cutout_size: Magnitude = Field(0.5, le=1, description="side of the rectangle, relative to the image")

    def relative(self, transform: str) -> float:
        """The probability of a transform relative to p; 0 when it is off."""
        own: float | None = getattr(self, transform)
        return float(transform in SETS[self.set]) if own is None else own
