"""The discriminator of DCGAN: convolutions of stride 2 down to 4x4, then one linear layer.

Source: arXiv:1511.06434 section 3: batch norm everywhere but at the input, leaky ReLU 0.2, no hidden dense layer.
Kernels and initial weights are as in the generator `dcgan`; reals and fakes are normalized apart.
Differs: with labels there is a logit for each class, and that of the label's counts (code of arXiv:1801.04406).
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Discriminator, Images, Interface, Later, Normalize, PluginConfig, Stage
from gancore.nn import (
    FIRST_RESOLUTION,
    ActivationName,
    ChannelsConfig,
    Conv2d,
    InheritedChannels,
    Linear,
    Sites,
    activation_of,
    condition_of,
    gained,
    logit_of_class,
    resolution_problems,
    resolutions,
)


class DCGAN(Discriminator):
    """Plugin `dcgan`: one image to logits [N]. Layers are named after their input: b64, b32, ..., b8."""

    class Config(PluginConfig):
        channels: InheritedChannels = None
        kernel: Literal[4, 5] = Field(5, description="size of the kernels: 5 in the authors' code, 4 in the Torch port")
        init_std: float = Field(
            0.02, gt=0, description="standard deviation of the initial weights, and of the gains around 1"
        )
        bias: bool = Field(False, description="whether the first and the last layer have a bias")
        activation: Later[ActivationName] = Field("lrelu", description="behind all layers but the last")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        activation = activation_of(cfg.activation, None)
        down = partial(Conv2d, sampling="down", resample_filter=None, activation=activation, init_std=cfg.init_std)
        normalize = gained(normalize, cfg.init_std)
        at = (cfg.channels or ChannelsConfig(base=4096, max=1024)).at
        first, *others, last = resolutions(interface.resolution)[::-1]
        sites = Sites("discriminator", len(others), styled=False, condition=interface.label_dim)
        self.layers = [f"b{size}" for size in (first, *others)]
        self.add_module(f"b{first}", down(interface.channels, at(first // 2), cfg.kernel, cfg.bias))
        for size in others:
            c_in, c_out = at(size), at(size // 2)
            site = sites.next(f"b{size}", size // 2, c_in, c_out)
            self.add_module(site.name, down(c_in, c_out, cfg.kernel, normalization=normalize(site)))
        features, bias = at(last) * last**2, 0.0 if cfg.bias else None
        self.out = Linear(features, max(interface.label_dim, 1), bias, init_std=cfg.init_std)

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x, condition = images[-1], condition_of(label, self.interface.label_dim)
        for name in self.layers:
            x = getattr(self, name)(x, parts=parts, condition=condition)
        return (logit_of_class(self.out(x.flatten(1)), label, self.interface.label_dim),)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution, least=2 * FIRST_RESOLUTION)
