"""MSG topology: a stack of convolutions without styles, with an image at every resolution (MSG-GAN).

Source: arXiv:1903.06048 section 2 and table 5, and its code. Each block's output, normalized, is painted by a
separate 1x1 convolution; all images go to the discriminator. The first layer, which makes 4x4 maps of the latent, is
the only one that is not normalized.
"""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Generator, Images, Interface, Normalize, Pass, Stage, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    Conv2d,
    Latent,
    Sites,
    bias_act,
    label_in,
    normalize_2nd_moment,
    pyramid,
    resolution_problems,
    resolutions,
)
from gancore.nn.families.msg import late_conv3x3, linear, rgb_conv
from gancore.options import PluginConfig


class MSGConfig(PluginConfig):
    """Options of the generator."""

    z_dim: int = Field(512, ge=1, le=65536, description="size of the latent z")
    normalize_z: bool = Field(True, description="latents scaled to a root mean square of 1")
    equalized: bool = Field(True, description="equalized learning rate; else ordinary weights")
    channels: ChannelsConfig = ChannelsConfig()


class NormalizedLatent(Latent):
    """z scaled to a root mean square of 1, with the label beside it."""

    def inputs(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return normalize_2nd_moment(z), label


class DenseLayer(nn.Module):
    """[N, W] to [N, C, 4, 4]: a transposed 4x4 convolution of one pixel, bias, leaky ReLU."""

    def __init__(self, w_dim: int, channels: int, equalized: bool) -> None:
        super().__init__()
        self.linear = linear(w_dim, channels * FIRST_RESOLUTION**2, equalized, bias=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, w: Tensor) -> Tensor:
        return bias_act(self.linear(w).unflatten(1, (-1, FIRST_RESOLUTION, FIRST_RESOLUTION)), self.bias)


class MSGBlock(nn.Module):
    """Two layers, of which the first brings the size, and a toRGB."""

    def __init__(self, conv0: nn.Module, conv1: nn.Module, torgb: Conv2d) -> None:
        super().__init__()
        self.conv0, self.conv1, self.torgb = conv0, conv1, torgb

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = self.conv0(x) if isinstance(self.conv0, DenseLayer) else self.conv0(x, condition=condition)
        return self.conv1(x, condition=condition)


class MSGSynthesis(Synthesis):
    """ws [N, 1, w_dim] to the images of all resolutions."""

    def __init__(self, w_dim: int, cfg: MSGConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.resolutions, self.label_dim = resolutions(interface.resolution), interface.label_dim
        sites = Sites("generator", 2 * len(self.resolutions) - 1, styled=False, condition=interface.label_dim)

        def layer(name: str, resolution: int, c_in: int, c_out: int, up: bool = False) -> Conv2d:
            site = sites.next(f"b{resolution}.{name}", resolution, c_in, c_out)
            return late_conv3x3(c_in, c_out, cfg.equalized, normalize(site), up)

        c_in = w_dim
        for resolution in self.resolutions:
            c_out = cfg.channels.at(resolution)
            first = resolution == FIRST_RESOLUTION
            conv0 = DenseLayer(c_in, c_out, cfg.equalized) if first else layer("conv0", resolution, c_in, c_out, True)
            conv1 = layer("conv1", resolution, c_out, c_out)
            torgb = rgb_conv(c_out, interface.channels, cfg.equalized)
            setattr(self, f"b{resolution}", MSGBlock(conv0, conv1, torgb))
            c_in = c_out

    def forward(self, ws: Tensor, how: Pass) -> Images:
        x, images, condition = ws[:, 0], [], label_in(ws, self.label_dim)
        for resolution in self.resolutions:
            block = getattr(self, f"b{resolution}")
            x = block(x, condition)
            images.append(block.torgb(x))
        return tuple(images)


class MSG(Generator):
    """Plugin `msg`: a latent, a dense layer and convolutions; images of all resolutions."""

    Config = MSGConfig
    provides = frozenset({"pyramid"})

    def __init__(self, cfg: MSGConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim, self.w_dim, self.num_ws = cfg.z_dim, cfg.z_dim + interface.label_dim, 1
        self.mapping = (NormalizedLatent if cfg.normalize_z else Latent)(interface.label_dim)
        self.synthesis = MSGSynthesis(self.w_dim, cfg, interface, normalize)

    def reals(self, image: Tensor, stage: Stage | None = None) -> Images:
        """The image and its 2x2 averages, down to 4x4."""
        return pyramid((image,), resolutions(self.resolution))

    @classmethod
    def problems(cls, cfg: MSGConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
