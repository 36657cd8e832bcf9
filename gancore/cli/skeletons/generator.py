"""Skeleton: what its topology is, in one line.

Source: a plain stack of convolutions, as in DCGAN (arXiv:1511.06434); name the paper and section of yours.
Differs: nearest-neighbour upsampling, equalized learning rate.
"""

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Generator, Images, Interface, Mapping, Normalize, Pass, PluginConfig, Site, Synthesis
from gancore.nn import Conv2d, Linear, leaky


class Skeleton(Generator):
    """Plugin `skeleton`: latents [N, z_dim] to one image [N, C, R, R], by way of ws [N, 1, z_dim]."""

    class Config(PluginConfig):
        z_dim: int = Field(64, ge=1, description="size of a latent")
        width: int = Field(64, ge=1, description="channels of every layer")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim = self.w_dim = cfg.z_dim
        self.num_ws = 1
        self.mapping = SkeletonMapping(cfg.z_dim, interface.label_dim)
        self.synthesis = SkeletonSynthesis(cfg.z_dim, cfg.width, interface, normalize)


class SkeletonMapping(Mapping):
    """The latent itself; a label is embedded and added."""

    def __init__(self, z_dim: int, label_dim: int) -> None:
        super().__init__()
        self.embed = Linear(label_dim, z_dim) if label_dim else None

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        if self.embed is not None and label is not None:
            z = z + self.embed(label)
        return (z * truncation_psi).unsqueeze(1)  # [N, 1, z_dim]; the mean latent is 0


class SkeletonSynthesis(Synthesis):
    """4x4, doubled until the resolution is reached; a normalized convolution at each size."""

    def __init__(self, z_dim: int, width: int, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.sizes = [size for i in range(16) if (size := 4 << i) < interface.resolution] + [interface.resolution]
        self.first = Linear(z_dim, width * self.sizes[0] ** 2)
        self.layers = nn.ModuleList()
        for index, size in enumerate(self.sizes):
            name, total = f"layers.{index}", len(self.sizes)
            site = Site(name, size, index, total, width, width, network="generator", styled=False)
            self.layers.append(Conv2d(width, width, 3, activation=leaky(), normalization=normalize(site)))
        self.to_rgb = Conv2d(width, interface.channels, 1)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        """ws [N, 1, z_dim] to a tuple of one image; there is no noise, and nothing grows."""
        x = self.first(ws[:, 0]).unflatten(1, (-1, self.sizes[0], self.sizes[0]))
        for size, layer in zip(self.sizes, self.layers, strict=True):
            x = layer(F.interpolate(x, size=(size, size)))  # [N, width, size, size]
        return (self.to_rgb(x),)
