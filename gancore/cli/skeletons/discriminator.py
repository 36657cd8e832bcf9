"""Skeleton: what its topology is, in one line.

Source: a plain stack of strided convolutions, as in DCGAN (arXiv:1511.06434); name the paper and section of yours.
Differs: labels enter by projection (arXiv:1802.05637).
"""

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Discriminator, Images, Interface, Normalize, PluginConfig, Site, Stage


class Skeleton(Discriminator):
    """Plugin `skeleton`: one image [N, C, R, R] to one head of logits [N]."""

    class Config(PluginConfig):
        width: int = Field(64, ge=1, description="channels of every layer")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        sizes = [size for i in range(16) if (size := interface.resolution >> i) >= 4]  # R, R/2, ... 4
        self.from_rgb = nn.Conv2d(interface.channels, cfg.width, 1)
        self.layers = nn.ModuleList()
        for index, size in enumerate(sizes[1:]):
            name, total = f"layers.{index}", len(sizes) - 1
            site = Site(name, size, index, total, cfg.width, cfg.width, network="discriminator", styled=False)
            self.layers.append(Layer(site, normalize))
        self.features = nn.Linear(cfg.width * sizes[-1] ** 2, cfg.width)
        self.logit = nn.Linear(cfg.width, 1)
        self.embed = nn.Linear(interface.label_dim, cfg.width) if interface.label_dim else None

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x = F.leaky_relu(self.from_rgb(images[-1]), 0.2)
        for layer in self.layers:
            x = layer(x, parts)
        features = F.leaky_relu(self.features(x.flatten(1)), 0.2)  # [N, width]
        logits = self.logit(features).squeeze(1)
        if self.embed is not None and label is not None:
            logits = logits + (self.embed(label) * features).sum(1)
        return (logits,)


class Layer(nn.Module):
    """A convolution with stride 2 and its normalization."""

    def __init__(self, site: Site, normalize: Normalize) -> None:
        super().__init__()
        self.conv = nn.Conv2d(site.c_in, site.c_out, 4, stride=2, padding=1)
        self.norm = normalize(site)

    def forward(self, x: Tensor, parts: int) -> Tensor:
        return F.leaky_relu(self.norm.statistic(self.conv(x), parts), 0.2)
