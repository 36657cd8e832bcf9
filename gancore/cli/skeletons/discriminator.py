"""Skeleton: what its topology is, in one line.

Source: a plain stack of convolutions, as in DCGAN (arXiv:1511.06434); name the paper and section of yours.
Differs: averages in place of strides, equalized learning rate; labels enter by projection (arXiv:1802.05637).
"""

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Discriminator, Images, Interface, Normalize, PluginConfig, Site, Stage
from gancore.nn import Conv2d, Linear, leaky


class Skeleton(Discriminator):
    """Plugin `skeleton`: one image [N, C, R, R] to one head of logits [N]."""

    class Config(PluginConfig):
        width: int = Field(64, ge=1, description="channels of every layer")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        sizes = [size for i in range(16) if (size := interface.resolution >> i) >= 4]  # R, R/2, ... 4
        self.from_rgb = Conv2d(interface.channels, cfg.width, 1, activation=leaky())
        self.layers = nn.ModuleList()
        for index, size in enumerate(sizes[:-1]):
            name, total = f"layers.{index}", len(sizes) - 1
            site = Site(name, size, index, total, cfg.width, cfg.width, network="discriminator", styled=False)
            self.layers.append(Conv2d(cfg.width, cfg.width, 3, activation=leaky(), normalization=normalize(site)))
        self.features = Linear(cfg.width * sizes[-1] ** 2, cfg.width, activation=leaky())
        self.logit = Linear(cfg.width, 1)
        self.embed = Linear(interface.label_dim, cfg.width) if interface.label_dim else None

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x = self.from_rgb(images[-1])
        for layer in self.layers:
            x = F.avg_pool2d(layer(x, parts=parts), 2)  # [N, width, R / 2, R / 2], and so on
        features = self.features(x.flatten(1))  # [N, width]
        logits = self.logit(features).squeeze(1)
        if self.embed is not None and label is not None:
            logits = logits + (self.embed(label) * features).sum(1)
        return (logits,)
