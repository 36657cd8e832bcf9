"""The generator of LAPGAN: a separate network for each level of a Laplacian pyramid.

Source: arXiv:1506.05751 section 3. The coarsest level is a plain GAN. Each finer level upsamples the image of the level
before and adds a residual, which it makes of that image and a plane of noise. In training that image is a real one, so
no gradient passes from level to level, and all levels train at once, independently; samples are chained from coarse to
fine. With `coarse: generated` the levels train as one network instead, for discriminators that judge the finest image
alone. z is the latent of the coarsest level followed by all planes of noise, so an image is a function of z.

The layers are those of the paper's CIFAR code: convolutions 7, 7, 5 with 64 maps and ReLU, and a dense network at the
coarsest level, whose widths could not be checked against that code.
Differs: labels are constant planes beside the image. Weights are initialized with the variance of Torch's default.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Draw, Images, Interface, Normalize, Pass, Stage, Synthesis
from gancore.nn import (
    Activation,
    Conv2d,
    LatentGenerator,
    LatentOptions,
    Linear,
    Sites,
    gained,
    pyramid,
    with_label_planes,
)
from gancore.nn.families.dense import DenseStack, Width, torch_std
from gancore.nn.families.laplacian import level_problems, levels_of, up

RELU = Activation(slope=0.0)
Kernel = Literal[1, 3, 5, 7, 9, 11]


class LAPGAN(LatentGenerator):
    """Plugin `lapgan`: images at every level, coarse to fine. Levels are named after their resolution: b8, b16, b32."""

    class Config(LatentOptions):
        coarsest: int = Field(8, ge=2, le=1024, description="resolution of the coarsest level")
        hidden: tuple[Width, ...] = Field(
            (1200, 1200), strict=False, min_length=1, description="widths of the dense layers of the coarsest level"
        )
        maps: int = Field(64, ge=1, le=65536, description="feature maps of the finer levels")
        kernels: tuple[Kernel, ...] = Field(
            (7, 7, 5),
            strict=False,
            min_length=2,
            description="sizes of their kernels; the last layer makes the residual",
        )
        coarse: Literal["real", "generated"] = Field(
            "real",
            description="input of a level in training: a real image as in the paper, or that of the level before",
        )

    provides = frozenset({"pyramid"})
    synthesis: "LAPGANSynthesis"

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        levels = levels_of(interface.resolution, cfg.coarsest)
        super().__init__(cfg, interface, normalize, cfg.z_dim + sum(r * r for r in levels[1:]))
        self.levels = levels
        self.synthesis = LAPGANSynthesis(cfg, interface, normalize, self.levels)

    def reals(self, image: Tensor, stage: Stage | None = None) -> Images:
        return pyramid((image,), self.levels)

    def fakes(
        self, ws: Tensor, reals: Callable[[], Images], stage: Stage | None, draw: Draw, update_emas: bool = False
    ) -> Images:
        """Each level's image from the real one of the level before, unless all levels train as one network."""
        if self.cfg.coarse == "generated":
            return super().fakes(ws, reals, stage, draw, update_emas)
        return self.synthesis.given(ws, reals())

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        yield from level_problems(context.interface.resolution, cfg.coarsest)
        if cfg.coarse == "real" and "pyramid" not in context.provided.get("discriminator", {"pyramid"}):
            yield (
                "its levels learn from real coarse images, each from its own discriminator, and the chosen one "
                "judges the finest only; choose coarse: generated, or discriminator lapgan"
            )


class LAPGANSynthesis(Synthesis):
    """ws [N, 1, w_dim] to the images of all levels."""

    def __init__(self, cfg: LAPGAN.Config, interface: Interface, normalize: Normalize, levels: Sequence[int]) -> None:
        super().__init__()
        coarsest, *finer = levels
        self.names = [f"b{resolution}" for resolution in levels]
        self.sizes = [cfg.z_dim, *(r * r for r in finer), interface.label_dim]
        self.add_module(self.names[0], Coarsest(cfg, interface, coarsest))
        sites = Sites("generator", len(finer) * (len(cfg.kernels) - 1), styled=False, condition=interface.label_dim)
        for resolution in finer:
            self.add_module(f"b{resolution}", Level(cfg, interface, normalize, sites, resolution))

    def forward(self, ws: Tensor, how: Pass) -> Images:
        """Each level from the image of the level before; noise is part of z."""
        (first, *planes), label = self._split(ws[:, 0])
        images = [self._level(0)(first, label)]
        for k, plane in enumerate(planes, 1):
            images.append(self._level(k)(images[-1], plane, label))
        return tuple(images)

    def given(self, ws: Tensor, images: Images) -> Images:
        """Each level from the image of the level before in `images`, coarse to fine; the finest is not used."""
        (first, *planes), label = self._split(ws[:, 0])
        finer = (self._level(k)(images[k - 1], plane, label) for k, plane in enumerate(planes, 1))
        return (self._level(0)(first, label), *finer)

    def _level(self, k: int) -> nn.Module:
        return self.get_submodule(self.names[k])

    def _split(self, w: Tensor) -> tuple[list[Tensor], Tensor]:
        """The latent of each level, and the label [N, label_dim]."""
        *latents, label = w.split(self.sizes, dim=1)
        return latents, label


class Coarsest(nn.Module):
    """A latent [N, z_dim] and a label to the image of the coarsest level: dense layers."""

    def __init__(self, cfg: LAPGAN.Config, interface: Interface, resolution: int) -> None:
        super().__init__()
        self.shape = (interface.channels, resolution, resolution)
        self.hidden = DenseStack(cfg.z_dim + interface.label_dim, cfg.hidden)
        self.out = Linear(cfg.hidden[-1], math.prod(self.shape), init_std=torch_std(cfg.hidden[-1]))

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        return self.out(self.hidden(torch.cat([latent, label], dim=1))).unflatten(1, self.shape)


class Level(nn.Module):
    """The image of the level before, [N, C, r / 2, r / 2], to that of this one: upsampled, plus a residual."""

    def __init__(
        self, cfg: LAPGAN.Config, interface: Interface, normalize: Normalize, sites: Sites, resolution: int
    ) -> None:
        super().__init__()
        self.layers = [f"conv{i}" for i in range(len(cfg.kernels))]
        c_in = interface.channels + 1 + interface.label_dim
        for name, kernel in zip(self.layers[:-1], cfg.kernels, strict=False):
            site = sites.next(f"b{resolution}.{name}", resolution, c_in, cfg.maps)
            std, normalization = torch_std(c_in * kernel**2), gained(normalize)(site)
            conv = Conv2d(c_in, cfg.maps, kernel, activation=RELU, normalization=normalization, init_std=std)
            self.add_module(name, conv)
            c_in = cfg.maps
        kernel = cfg.kernels[-1]
        self.add_module(self.layers[-1], Conv2d(c_in, interface.channels, kernel, init_std=torch_std(c_in * kernel**2)))

    def forward(self, coarse: Tensor, noise: Tensor, label: Tensor) -> Tensor:
        """`noise` [N, r * r]."""
        enlarged = up(coarse)
        plane = noise.unflatten(1, (1, *enlarged.shape[2:])).to(enlarged.dtype)
        x = with_label_planes(torch.cat([enlarged, plane], dim=1), label)
        for name in self.layers:
            x = self.get_submodule(name)(x, condition=label)
        return enlarged + x
