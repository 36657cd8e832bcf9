"""The generator of DCGAN: a projection to 4x4, then transposed convolutions of stride 2.

Source: arXiv:1511.06434 section 3: batch norm everywhere but at the output, ReLU, tanh. The authors' code has 5x5
kernels, its Torch port 4x4 ones. Weights start at N(0, 0.02), the normalization's gains at N(1, 0.02); normalized
layers have the normalization's bias and no other.
Differs: labels, where there are any, enter beside z (arXiv:1411.1784). The size of the images is any power of two.
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Images, Interface, Later, Normalize, Pass, Synthesis
from gancore.nn import (
    FIRST_RESOLUTION,
    ActivationName,
    ChannelsConfig,
    Conv2d,
    LatentGenerator,
    LatentOptions,
    Projection,
    Sites,
    StatisticLayer,
    activation_of,
    gained,
    label_in,
    resolution_problems,
    resolutions,
)


class DCGAN(LatentGenerator):
    """Plugin `dcgan`: latents [N, z_dim] to one image [N, C, R, R], R a power of two from 8."""

    class Config(LatentOptions):
        channels: ChannelsConfig = ChannelsConfig(base=4096, max=1024)
        kernel: Literal[4, 5] = Field(5, description="size of the kernels: 5 in the authors' code, 4 in the Torch port")
        init_std: float = Field(
            0.02, gt=0, description="standard deviation of the initial weights, and of the gains around 1"
        )
        bias: bool = Field(False, description="whether the output layer has a bias")
        activation: Later[ActivationName] = Field("relu", description="behind all layers but the last")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.synthesis = DCGANSynthesis(cfg, interface, normalize, self.w_dim)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution, least=2 * FIRST_RESOLUTION)


class DCGANSynthesis(Synthesis):
    """ws [N, 1, w_dim] to one image. Layers are named after their output: b4, b8, ..., b64."""

    def __init__(self, cfg: DCGAN.Config, interface: Interface, normalize: Normalize, w_dim: int) -> None:
        super().__init__()
        up = partial(Conv2d, sampling="up", resample_filter=None, init_std=cfg.init_std)
        first, *between, last = resolutions(interface.resolution)
        normalize = gained(normalize, cfg.init_std)
        activation = activation_of(cfg.activation, None)
        sites = Sites("generator", 1 + len(between), styled=False, condition=interface.label_dim)
        self.layers, self.label_dim = [f"b{resolution}" for resolution in (*between, last)], interface.label_dim
        channels = cfg.channels.at(first)
        tail = StatisticLayer(normalize(sites.next(f"b{first}", first, w_dim, channels)), activation)
        self.b4 = Projection(w_dim, channels, first, cfg.init_std, tail)
        for resolution in between:
            wider, channels = channels, cfg.channels.at(resolution)
            site = sites.next(f"b{resolution}", resolution, wider, channels)
            layer = up(wider, channels, cfg.kernel, True, activation=activation, normalization=normalize(site))
            self.add_module(site.name, layer)
        self.add_module(f"b{last}", up(channels, interface.channels, cfg.kernel, cfg.bias))

    def forward(self, ws: Tensor, how: Pass) -> Images:
        condition = label_in(ws, self.label_dim)
        x = self.b4(ws[:, 0], condition)
        for name in self.layers:
            x = getattr(self, name)(x, condition=condition)
        return (x.tanh(),)
