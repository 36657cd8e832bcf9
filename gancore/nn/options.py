"""Options that several networks share."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gancore.nn.activation import ActivationName, GainIn
from gancore.nn.kernels.resampled_conv import Resampling
from gancore.nn.mapping import MappingConfig
from gancore.options import Later, PluginConfig


class ChannelsConfig(PluginConfig):
    """Feature maps of a layer: min(base / resolution, max), or as listed in `each`."""

    base: int = Field(16384, ge=1, description="feature maps times resolution")
    max: int = Field(512, ge=1, le=65536, description="most feature maps of a layer")
    each: Later[tuple[Annotated[int, Field(ge=1, le=65536)], ...] | None] = Field(
        None, strict=False, min_length=1, description="instead: feature maps at 4x4, 8x8, ..., one number a resolution"
    )

    def at(self, resolution: int) -> int:
        """Feature maps of layers whose output is `resolution` wide, at least one."""
        return of_level(self.each, resolution, max(min(self.base // resolution, self.max), 1))


def of_level(each: Sequence[int] | None, resolution: int, otherwise: int) -> int:
    """The number of a resolution, from a list for 4, 8, ...; beyond its end the last."""
    return otherwise if each is None else each[min(max(resolution.bit_length() - 3, 0), len(each) - 1)]


InheritedChannels = Annotated[
    ChannelsConfig | None,
    Field(
        description="feature maps; the generator's when not given",
        json_schema_extra={"inherits": "generator.channels"},
    ),
]
"""The channels of a discriminator; None, the default: those of the generator."""


def _can_be_normalized(taps: tuple[float, ...]) -> tuple[float, ...]:
    if abs(math.fsum(taps)) <= 1e-6 * max(map(abs, taps)):
        raise ValueError("taps must not add up to 0")
    return taps


FilterTaps = Annotated[tuple[float, ...], Field(strict=False, min_length=1), AfterValidator(_can_be_normalized)]
"""Of a FIR filter whose sum becomes 1."""


class ConvOptions(PluginConfig):
    """The differences between the papers' convolution layers. The defaults are StyleGAN2's."""

    gain: GainIn = Field("activation", description="place of the sqrt(2) of a leaky ReLU")
    resampling: Resampling = Field("fir", description="FIR filter, or a 2x2 box (nearest up, average down) and a blur")
    resample_filter: FilterTaps | None = Field((1.0, 3.0, 3.0, 1.0), description="FIR taps; null: none")
    activation: Later[ActivationName] = Field("lrelu", description="of the layers of blocks; lrelu has slope 0.2")
    conv_clamp: float | None = Field(None, gt=0, description="largest magnitude of an activation; null: no limit")
    image_resampling: Later[Literal["layers", "box"]] = Field(
        "layers", description="how images change their size: as the layers do, or by a 2x2 box"
    )

    @model_validator(mode="after")
    def _has_filter(self) -> "ConvOptions":
        if self.resampling == "fir" and self.resample_filter is None:
            raise ValueError("resampling fir needs a resample_filter, e.g. [1, 3, 3, 1]")
        return self

    @property
    def image_filter(self) -> tuple[float, ...]:
        """The filter by which images are resampled."""
        boxed = "box" in (self.resampling, self.image_resampling) or self.resample_filter is None
        return (1.0, 1.0) if boxed or self.resample_filter is None else self.resample_filter


class StyleOptions(ConvOptions):
    """The differences between style-based synthesis networks."""

    noise: Literal["layer", "channel", "none"] = Field("layer", description="one noise strength a layer or a channel")
    const: Literal["normal", "ones", "latent"] = Field(
        "normal", description="how the constant input starts; latent: it is made of the first style instead"
    )
    const_layer: bool = Field(False, description="noise, bias, activation and statistic on the constant input")
    style_bias: Later[Literal["whole", "around_start"]] = Field(
        "whole", description="whether biases of styles hold the 1 that scales start at, or are added to it"
    )
    activations: Later[Literal["once", "twice"]] = Field(
        "once", description="twice: where a layer upsamples, also before its blur, with the bias; noise comes behind it"
    )
    torgb_modulated: bool = Field(True, description="whether the toRGB layers take a style")


class StyleGeneratorConfig(StyleOptions):
    """Options of style-based generators."""

    z_dim: int = Field(512, ge=1, le=65536, description="size of the latent z")
    w_dim: int = Field(512, ge=1, le=65536, description="size of the mapped latent w")
    mapping: MappingConfig = MappingConfig()
    channels: ChannelsConfig = ChannelsConfig()
