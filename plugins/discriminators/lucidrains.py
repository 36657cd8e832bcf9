"""The discriminator of lucidrains/stylegan2-pytorch: residual blocks down to 2x2, without minibatch statistics.

Source: arXiv:1912.04958 section 4.1 and the project's code, version 1.9: two 3x3 convolutions, a blur with mirrored
edges and one of stride 2, beside a 1x1 one; then a block of the same kind at 2x2, a convolution and a linear layer.
Images enter on [0, 1]. Weights start at N(0, 2 / fan_in), and activations have no gain.
Differs: a normalization may follow the first two convolutions of a block; with labels there is a logit for each class,
and that of the label's counts. The feature quantization of the project is missing.
"""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from math import sqrt

from torch import Tensor, nn

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, PluginConfig, Stage
from gancore.nn import (
    ChannelsConfig,
    Conv2d,
    InheritedChannels,
    Linear,
    Sampling,
    Sites,
    activation_of,
    condition_of,
    gained,
    logit_of_class,
    resolutions,
)
from gancore.nn.families.lucidrains import AttentionBlock, AttentionSizes, Blur, problems, std_at_start

LEAKY = activation_of("lrelu", None)


class Lucidrains(Discriminator):
    """Plugin `lucidrains`: one image to logits [N]. Blocks are named after their input: b64, b32, ..., b2."""

    class Config(PluginConfig):
        channels: InheritedChannels = None
        attention: AttentionSizes = ()

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        channels = cfg.channels or ChannelsConfig(base=8192, max=512)
        self.sizes = [*resolutions(interface.resolution)[::-1], 2]
        widths = [interface.channels, *(channels.at(size // 2) for size in self.sizes)]
        sites = Sites("discriminator", 2 * len(self.sizes), styled=False, condition=interface.label_dim)
        for size, (c_in, c_out) in zip(self.sizes, pairwise(widths), strict=True):
            block = Block(sites, gained(normalize), size, c_in, c_out)
            block.attention = AttentionBlock(c_out) if size in cfg.attention else None
            setattr(self, f"b{size}", block)
        self.conv = Conv2d(widths[-1], widths[-1], init_std=std_at_start(9 * widths[-1]))
        self.out = Linear(4 * widths[-1], max(interface.label_dim, 1), init_std=std_at_start(4 * widths[-1]))

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x, condition = (images[-1] + 1) / 2, condition_of(label, self.interface.label_dim)
        for size in self.sizes:
            x = self.get_submodule(f"b{size}")(x, parts, condition)
        logits = self.out(self.conv(x).flatten(1))
        return (logit_of_class(logits, label, self.interface.label_dim),)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return problems(cfg.attention, context)


class Block(nn.Module):
    """[N, in, H, W] to [N, out, H / 2, W / 2], or to the same size where H is 2; perhaps attention behind it."""

    attention: AttentionBlock | None

    def __init__(self, sites: Sites, normalize: Normalize, size: int, c_in: int, c_out: int) -> None:
        super().__init__()
        before, after = (sites.next(f"b{size}.conv{i}", size, c, c_out) for i, c in enumerate((c_in, c_out)))
        down: Sampling | None = "down" if size > 2 else None
        conv = partial(Conv2d, resample_filter=None)
        layer = partial(conv, activation=LEAKY)
        self.skip = conv(c_in, c_out, 1, sampling=down, init_std=std_at_start(c_in))
        self.conv0 = layer(c_in, c_out, normalization=normalize(before), init_std=std_at_start(9 * c_in))
        self.conv1 = layer(c_out, c_out, normalization=normalize(after), init_std=std_at_start(9 * c_out))
        self.blur = self.conv2 = None
        if down:
            self.blur = Blur()
            self.conv2 = conv(c_out, c_out, sampling=down, init_std=std_at_start(9 * c_out))

    def forward(self, x: Tensor, parts: int, condition: Tensor | None) -> Tensor:
        y = self.conv0(x, parts=parts, condition=condition)
        y = self.conv1(y, parts=parts, condition=condition)
        y = y if self.conv2 is None or self.blur is None else self.conv2(self.blur(y))
        y = (y + self.skip(x)) * sqrt(0.5)
        return y if self.attention is None else self.attention(y)
