"""Options of the alias-free generator. The defaults are configuration T of arXiv:2106.12423.

Configuration R is kernel_size 1, radial_filters, and twice the channels (base 65536, max 1024).
"""

from typing import Literal

from pydantic import Field, model_validator

from gancore.contracts import Later, PluginConfig
from gancore.nn import ChannelsConfig, MappingConfig, StyleOptions


class AliasFreeConfig(PluginConfig):
    """Frequencies are in cycles over the width of the image."""

    z_dim: int = Field(512, ge=1, le=65536, description="size of the latent z")
    w_dim: int = Field(512, ge=1, le=65536, description="size of the mapped latent w")
    mapping: MappingConfig = MappingConfig(layers=2, w_avg_decay=0.998)
    channels: ChannelsConfig = Field(
        ChannelsConfig(base=32768, max=512), description="feature maps of a layer: min(base / (2 * cutoff), max)"
    )
    layers: int = Field(14, ge=1, le=64, description="layers between the input and toRGB")
    critical_layers: int = Field(2, ge=0, description="layers at the end whose cutoff is half their sampling rate")
    margin: int = Field(10, ge=0, le=64, description="pixels beyond each edge of the image, in all but the last layers")
    first_cutoff: float = Field(2.0, gt=0, description="cutoff frequency of the input")
    first_stopband: float = Field(2**2.1, gt=0, description="stopband of the input: suppressed from here on")
    last_stopband_rel: float = Field(2**0.3, ge=1, description="stopband of the last layers relative to their cutoff")
    kernel_size: Literal[1, 3] = Field(3, description="of the convolutions; 1 for equivariance to rotation")
    radial_filters: bool = Field(False, description="downsampling filters alike in all directions")
    filter_size: Later[int] = Field(6, ge=1, le=64, description="filter taps for each factor of resampling")
    lrelu_upsampling: Later[int] = Field(
        2, ge=1, le=16, description="how much denser than its input and output a nonlinearity is sampled"
    )
    prenormalize: bool = Field(True, description="weights and styles to unit scale where a style scales the input")
    magnitude_decay: float = Field(0.999, ge=0, lt=1, description="decay of the mean square of inputs per step")
    conv_clamp: float | None = Field(256.0, gt=0, description="largest magnitude of an activation; null: no limit")
    output_scale: float = Field(0.25, gt=0, description="factor on the image that the layers make")

    @model_validator(mode="after")
    def _cutoffs_rise(self) -> "AliasFreeConfig":
        if self.critical_layers >= self.layers:
            raise ValueError(f"critical_layers {self.critical_layers} must be less than layers {self.layers}")
        if self.first_stopband <= self.first_cutoff:
            raise ValueError(f"first_stopband must be greater than first_cutoff ({self.first_cutoff:g})")
        return self

    @property
    def style(self) -> StyleOptions:
        """The options of the shared style block."""
        return StyleOptions(noise="none", conv_clamp=self.conv_clamp)
