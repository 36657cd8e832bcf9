"""The discriminator of LAPGAN: a head for each level of a Laplacian pyramid, each a separate network.

Source: arXiv:1506.05751 section 3, and its CIFAR code. Each head judges the image of its level, that is the residual
(real or generated) plus the upsampled coarser image: the sum contains the condition. Losses add up over heads, so each
level is a separate GAN. Missing levels are averaged from the finest image.

The layers are those of the CIFAR code: convolution 5, convolution 5 of stride 2, dropout, one linear layer. The
coarsest head is a dense network, whose widths could not be checked against that code.
Differs: labels are constant planes beside the image. Weights are initialized with the variance of Torch's default.
"""

from collections.abc import Iterable

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, PluginConfig, Site, Stage
from gancore.nn import (
    Activation,
    Conv2d,
    Linear,
    Sampling,
    Sites,
    condition_of,
    gained,
    pyramid,
    with_label,
    with_label_planes,
)
from gancore.nn.families.dense import DenseStack, Width, torch_std
from gancore.nn.families.laplacian import level_problems, levels_of

RELU = Activation(slope=0.0)


class LAPGAN(Discriminator):
    """Plugin `lapgan`: images to logits [N] of every level, coarse to fine."""

    class Config(PluginConfig):
        coarsest: int | None = Field(
            None,
            ge=2,
            le=1024,
            description="resolution of the coarsest level; default: the generator's, else 8",
            json_schema_extra={"inherits": "generator.coarsest"},
        )
        hidden: tuple[Width, ...] = Field(
            (600, 600), strict=False, min_length=1, description="widths of the dense layers of the coarsest level"
        )
        maps: int = Field(64, ge=1, le=65536, description="feature maps of the finer levels")
        dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden values set to zero in training")

    provides = frozenset({"pyramid"})

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.levels = levels_of(interface.resolution, cfg.coarsest or 8)
        coarsest, *finer = self.levels
        self.add_module(f"b{coarsest}", Coarsest(cfg, interface, coarsest))
        sites = Sites("discriminator", 2 * len(finer), styled=False, condition=interface.label_dim)
        for resolution in finer:
            self.add_module(f"b{resolution}", Level(cfg, interface, normalize, sites, resolution))

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        judged = zip(self.levels, pyramid(images, self.levels), strict=True)
        return tuple(self.get_submodule(f"b{r}")(image, label, parts) for r, image in judged)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return level_problems(context.interface.resolution, cfg.coarsest or 8)


class Coarsest(nn.Module):
    """[N, C, r, r] to logits [N]: dense layers with dropout."""

    def __init__(self, cfg: LAPGAN.Config, interface: Interface, resolution: int) -> None:
        super().__init__()
        self.label_dim, self.dropout = interface.label_dim, cfg.dropout
        features = interface.channels * resolution**2 + interface.label_dim
        dropout = [0.0, *[cfg.dropout] * (len(cfg.hidden) - 1)]
        self.hidden = DenseStack(features, cfg.hidden, dropout=dropout)
        self.out = Linear(cfg.hidden[-1], 1, init_std=torch_std(cfg.hidden[-1]))

    def forward(self, image: Tensor, label: Tensor | None, parts: int) -> Tensor:
        x = self.hidden(with_label(image.flatten(1), label, self.label_dim))
        return self.out(F.dropout(x, self.dropout, self.training))[:, 0]


class Level(nn.Module):
    """[N, C, r, r], the sum of residual and condition, to logits [N]."""

    def __init__(
        self, cfg: LAPGAN.Config, interface: Interface, normalize: Normalize, sites: Sites, resolution: int
    ) -> None:
        super().__init__()
        self.dropout, self.label_dim = cfg.dropout, interface.label_dim
        c_in, half = interface.channels + interface.label_dim, resolution // 2
        self.conv0 = _conv(sites.next(f"b{resolution}.conv0", resolution, c_in, cfg.maps), normalize, None)
        self.conv1 = _conv(sites.next(f"b{resolution}.conv1", half, cfg.maps, cfg.maps), normalize, "down")
        self.out = Linear(cfg.maps * half**2, 1, init_std=torch_std(cfg.maps * half**2))

    def forward(self, image: Tensor, label: Tensor | None, parts: int) -> Tensor:
        condition = condition_of(label, self.label_dim)
        x = self.conv0(with_label_planes(image, label), parts=parts, condition=condition)
        x = self.conv1(x, parts=parts, condition=condition).flatten(1)
        return self.out(F.dropout(x, self.dropout, self.training))[:, 0]


def _conv(site: Site, normalize: Normalize, sampling: Sampling | None) -> Conv2d:
    std, normalization = torch_std(25 * site.c_in), gained(normalize)(site)
    return Conv2d(site.c_in, site.c_out, 5, True, sampling, None, "fir", RELU, normalization, std)
