"""Bottleneck topology: residual blocks without normalization on top of a learned basis (R3GAN).

Source: arXiv:2501.05441 section 3.2 and its code: a 4x4 image of features, one learned pattern a feature map that the
latent scales; residual blocks at every resolution; the label, linearly embedded, joins the latent. There is
no mapping network, no noise and no minibatch statistic. Normalizations may follow the 3x3 convolutions.
"""

from collections.abc import Iterable, Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Generator, Images, Interface, Normalize, Pass, Synthesis
from gancore.nn import FIRST_RESOLUTION, ChannelsConfig, Latent, label_in, resolution_problems
from gancore.nn.families.bottleneck import (
    BottleneckLevel,
    BottleneckOptions,
    Builder,
    Level,
    Transition,
    conv1x1,
    levels_of,
    linear,
)


class BottleneckGeneratorConfig(BottleneckOptions):
    """Options of the generator. The defaults are R3GAN's."""

    z_dim: int = Field(64, ge=1, le=65536, description="size of the latent z")
    embed_features: int | None = Field(None, ge=1, le=65536, description="size of the embedded label; z_dim if unset")
    channels: ChannelsConfig = ChannelsConfig(base=24576, max=768)


class EmbeddedLatent(Latent):
    """z [N, z_dim] beside a linear embedding of the label, as they are: ws [N, 1, z_dim + features]."""

    def __init__(self, label_dim: int, features: int) -> None:
        super().__init__(label_dim)
        self.embed = linear(label_dim, features) if label_dim else None

    def inputs(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        return z, label if self.embed is None or label is None else self.embed(label)


class LearnedBasis(nn.Module):
    """[N, W] to [N, C, 4, 4]: each feature map is a learned pattern times a linear function of the latent."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(channels, FIRST_RESOLUTION, FIRST_RESOLUTION))
        self.linear = linear(w_dim, channels)

    def forward(self, w: Tensor) -> Tensor:
        return self.basis * self.linear(w)[:, :, None, None]


class BottleneckSynthesis(Synthesis):
    """ws [N, 1, w_dim] to one image."""

    def __init__(
        self,
        w_dim: int,
        label_dim: int,
        channels: int,
        levels: Sequence[Level],
        taps: Sequence[float],
        normalize: Normalize,
    ) -> None:
        """`label_dim` of the `w_dim` numbers are the embedded label."""
        super().__init__()
        build, self.label_dim = Builder("generator", levels, normalize, label_dim), label_dim
        enter: nn.Module = LearnedBasis(w_dim, levels[0].width)
        for level, finer in zip(levels, [*levels[1:], None], strict=True):
            made = BottleneckLevel(build.blocks(level), enter=enter)
            made.torgb = None if finer else conv1x1(level.width, channels)
            setattr(self, f"b{level.resolution}", made)
            if finer:
                enter = Transition(level.width, finer.width, "up", taps)
        self.resolutions = [level.resolution for level in levels]

    def forward(self, ws: Tensor, how: Pass) -> Images:
        x, condition = ws[:, 0], label_in(ws, self.label_dim)
        for resolution in self.resolutions:
            level = getattr(self, f"b{resolution}")
            x = level(level.enter(x), condition=condition)
        return (getattr(self, f"b{self.resolutions[-1]}").torgb(x),)


class Bottleneck(Generator):
    """Plugin `bottleneck`: residual blocks without normalization; one image, from the last."""

    Config = BottleneckGeneratorConfig
    cfg: BottleneckGeneratorConfig

    def __init__(self, cfg: BottleneckGeneratorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        embedded = (cfg.embed_features or cfg.z_dim) if interface.label_dim else 0
        self.z_dim, self.w_dim, self.num_ws = cfg.z_dim, cfg.z_dim + embedded, 1
        self.mapping = EmbeddedLatent(interface.label_dim, embedded)
        self.synthesis = BottleneckSynthesis(
            self.w_dim, embedded, interface.channels, self.levels(), cfg.resample_filter, normalize
        )

    def levels(self) -> list[Level]:
        """Widths, groups and numbers of the blocks, from 4x4 up."""
        return levels_of(self.cfg, self.cfg.channels, self.resolution)

    @classmethod
    def problems(cls, cfg: BottleneckGeneratorConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
