"""Bottleneck topology: residual blocks without normalization, ended by a depthwise 4x4 convolution (R3GAN).

Source: arXiv:2501.05441 section 3.2 and its code. A label acts by projection (arXiv:1802.05637) on a linear embedding.
There is no minibatch statistic. Normalizations may follow the 3x3 convolutions.
"""

import math
from collections.abc import Iterable, Sequence

from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, Stage
from gancore.nn import (
    FIRST_RESOLUTION,
    ChannelsConfig,
    InheritedChannels,
    Weighted,
    condition_of,
    conv2d,
    required_label,
    resolution_problems,
)
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


class BottleneckDiscriminatorConfig(BottleneckOptions):
    """Options of the discriminator. The defaults are R3GAN's."""

    channels: InheritedChannels = None
    cmap_dim: int | None = Field(None, ge=1, description="size of the mapped label; feature maps at 4x4 when not given")


class Depthwise(Weighted):
    """[N, C, 4, 4] to [N, C]: each feature map against a learned pattern."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.add_weight([channels, 1, FIRST_RESOLUTION, FIRST_RESOLUTION], init_std=1 / FIRST_RESOLUTION)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.effective_weight(), groups=x.shape[1]).flatten(1)


class Bottleneck(Discriminator):
    """Plugin `bottleneck`: residual blocks without normalization; the image enters once, at full size."""

    Config = BottleneckDiscriminatorConfig
    cfg: BottleneckDiscriminatorConfig

    def __init__(self, cfg: BottleneckDiscriminatorConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        levels = self.levels()
        build = Builder("discriminator", levels, normalize, interface.label_dim)
        self.resolutions = [level.resolution for level in levels]
        for level, coarser in zip(levels, [*levels[1:], None], strict=True):
            leave = Transition(level.width, coarser.width, "down", cfg.resample_filter) if coarser else None
            made = BottleneckLevel(build.blocks(level), leave=leave or Depthwise(level.width))
            made.fromrgb = conv1x1(interface.channels, level.width) if level is levels[0] else None
            setattr(self, f"b{level.resolution}", made)
        width, label_dim = levels[-1].width, interface.label_dim
        features = (cfg.cmap_dim or width) if label_dim else 1
        self.out = linear(width, features)
        self.embed = linear(label_dim, features, 1 / math.sqrt(features)) if label_dim else None

    def levels(self) -> Sequence[Level]:
        """Widths, groups and numbers of the blocks, from the images' resolution down."""
        return levels_of(self.cfg, self.cfg.channels or ChannelsConfig(), self.interface.resolution)[::-1]

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        levels = [getattr(self, f"b{resolution}") for resolution in self.resolutions]
        x, condition = levels[0].fromrgb(images[-1]), condition_of(label, self.interface.label_dim)
        for level in levels:
            x = level.leave(level(x, parts, condition))
        features = self.out(x)
        if self.embed is None:
            return (features[:, 0],)
        return ((features * self.embed(required_label(label, self.interface.label_dim))).sum(dim=1),)

    @classmethod
    def problems(cls, cfg: BottleneckDiscriminatorConfig, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution)
