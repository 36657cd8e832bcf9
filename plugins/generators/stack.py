"""Stack topology: convolutions on top of a dense layer, without styles, and an image at every resolution.

Source: arXiv:1710.10196 (PGGAN) table 2 and section 4; the layers are those of its code: convolution, bias, leaky
ReLU, normalization. The dense layer is a transposed convolution of one pixel, whose gain is therefore sqrt(2) / 4.
It grows like the progressive topology; fully grown, the toRGB layers of the lower resolutions are idle.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Generator, Images, Interface, Later, Normalize, Pass, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    Conv2d,
    Convolve,
    ConvOptions,
    GainIn,
    LateNormConv2d,
    Latent,
    Resampling,
    Sampling,
    Sites,
    activation_of,
    dense_conv2d,
    faded_image,
    images_in_use,
    label_in,
    normalize_2nd_moment,
    register_filter,
    resolution_problems,
    resolutions,
    upsample2d,
    with_label,
)


class StackConfig(ConvOptions):
    """Options of the stack. The defaults are PGGAN's."""

    z_dim: int = Field(512, ge=1, le=65536, description="size of the latent z")
    channels: ChannelsConfig = ChannelsConfig()
    gain: GainIn = Field("weight", description="place of the sqrt(2) of a leaky ReLU")
    resampling: Resampling = Field("box", description="FIR filter, or a 2x2 box (nearest up) and a blur")
    resample_filter: tuple[float, ...] | None = Field(
        None, strict=False, min_length=1, description="FIR taps; null: none"
    )
    normalize_z: Later[bool] = Field(True, description="latents, with their labels, scaled to a root mean square of 1")
    output: Literal["linear", "tanh"] = Field("linear", description="last function of the images")


class NormalizedLatent(Latent):
    """z [N, z_dim] and labels [N, label_dim], together of root mean square 1: ws [N, 1, z_dim + label_dim]."""

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """Raises ValueError for a psi other than 1: a latent that is scaled again has no magnitude to reduce."""
        if truncation_psi != 1:
            raise ValueError(f"this generator has no truncation: truncation_psi should be 1, not {truncation_psi:g}")
        return normalize_2nd_moment(with_label(z, label, self.label_dim))[:, None]


class DenseLayer(LateNormConv2d):
    """[N, in, 1, 1] to [N, out, 4, 4], each output from all of the input."""

    @property
    def convolve(self) -> Convolve:
        return dense_conv2d


class StackBlock(nn.Module):
    """Two layers, the first of which brings the size, and a toRGB."""

    def __init__(self, conv0: Conv2d, conv1: Conv2d, torgb: Conv2d) -> None:
        super().__init__()
        self.conv0, self.conv1, self.torgb = conv0, conv1, torgb

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.conv1(self.conv0(x, condition=condition), condition=condition)


class StackSynthesis(Synthesis):
    """ws [N, 1, w_dim] to images."""

    resample_filter: Tensor

    def __init__(self, cfg: StackConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.output, self.resolutions = cfg.output, resolutions(interface.resolution)
        self.label_dim = interface.label_dim
        sites = Sites("generator", 2 * len(self.resolutions), styled=False, condition=interface.label_dim)

        def layer(
            kind: type[LateNormConv2d],
            name: str,
            resolution: int,
            channels: tuple[int, int],
            kernel_size: int = 3,
            sampling: Sampling | None = None,
        ) -> LateNormConv2d:
            site = sites.next(f"b{resolution}.{name}", resolution, *channels)
            return kind(
                *channels,
                kernel_size,
                sampling=sampling,
                resample_filter=cfg.resample_filter,
                resampling=cfg.resampling,
                activation=activation_of(cfg.activation, cfg.gain, cfg.conv_clamp),
                normalization=normalize(site),
            )

        c_in = cfg.z_dim + interface.label_dim
        for resolution in self.resolutions:
            c_out = cfg.channels.at(resolution)
            if resolution == FIRST_RESOLUTION:
                conv0 = layer(DenseLayer, "conv0", resolution, (c_in, c_out), FIRST_RESOLUTION)
            else:
                conv0 = layer(LateNormConv2d, "conv0", resolution, (c_in, c_out), sampling="up")
            conv1 = layer(LateNormConv2d, "conv1", resolution, (c_out, c_out))
            setattr(self, f"b{resolution}", StackBlock(conv0, conv1, Conv2d(c_out, interface.channels, 1)))
            c_in = c_out
        register_filter(self, cfg.image_filter)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        last = self.resolutions[-1] if how.stage is None else how.stage.resolution
        blocks = [getattr(self, f"b{resolution}") for resolution in self.resolutions if resolution <= last]
        with_image, rgbs = blocks[-images_in_use(how.stage) :], []
        x, condition = ws[:, 0, :, None, None], label_in(ws, self.label_dim)
        for block in blocks:
            x = block(x, condition)
            if block in with_image:
                rgbs.append(block.torgb(x))
        image = faded_image(rgbs, how.stage, self.upsample)
        return (image.tanh() if self.output == "tanh" else image,)

    def upsample(self, image: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C, 2 H, 2 W]."""
        return upsample2d(image, self.resample_filter)


class Stack(Generator):
    """Plugin `stack`: a latent that is normalized, a dense layer, and convolutions that are added two by two."""

    Config = StackConfig
    provides = frozenset({"growth"})

    def __init__(self, cfg: StackConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim, self.w_dim, self.num_ws = cfg.z_dim, cfg.z_dim + interface.label_dim, 1
        self.mapping = (NormalizedLatent if cfg.normalize_z else Latent)(interface.label_dim)
        self.synthesis = StackSynthesis(cfg, interface, normalize)

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
