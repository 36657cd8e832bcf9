"""The plugin `projected`: backbone, random projection, and a head a level."""

import math
from collections.abc import Iterable
from typing import Any

from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, PluginConfig, Stage
from gancore.nn import LabelMappingConfig, MappingNetwork, Sites, condition_of

from .backbone import Backbone
from .head import Head, halvings
from .projection import RandomProjection

SMALLEST = 128
"""Below it a head's last map would be smaller than the kernel that it ends with."""


class Projected(Discriminator):
    """Plugin `projected`: one image to a map of logits [N, h, w] of each head, finest level first."""

    class Config(PluginConfig):
        backbone: str = Field("tf_efficientnet_lite0", description="model of timm for the features")
        weights: str = Field("pretrained", description="pretrained (timm's download), random, or a file of weights")
        levels: tuple[int, ...] = Field(
            (1, 2, 3, 4), strict=False, min_length=1, description="feature maps of the model, fine to coarse"
        )
        size: int | None = Field(224, ge=SMALLEST, description="smaller images are upsampled to it; null: never")
        width: int = Field(64, ge=1, le=4096, description="channels of the finest level; others are multiples of it")
        separable: bool = Field(False, description="separable convolutions in the heads (the code: with StyleGAN2)")
        mapping: LabelMappingConfig = LabelMappingConfig(layers=1)
        cmap_dim: int = Field(64, ge=1, le=4096, description="size of the mapped label")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.backbone = Backbone(cfg.backbone, cfg.weights, cfg.levels, cfg.size)
        self.projection = RandomProjection(self.backbone.channels, cfg.width)
        depths = [halvings(reduction) for reduction in self.backbone.reductions]
        sites = Sites("discriminator", sum(depths), styled=False, condition=interface.label_dim)
        features = cfg.cmap_dim if interface.label_dim else 1
        self.heads = nn.ModuleList(
            Head(f"heads.{i}", c_in, depth, cfg.width, features, cfg.separable, sites, normalize)
            for i, (c_in, depth) in enumerate(zip(self.projection.channels, depths, strict=True))
        )
        if interface.label_dim:
            self.mapping = MappingNetwork(0, interface.label_dim, cfg.cmap_dim, None, cfg.mapping)

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        projected = self.projection(self.backbone(images[-1]))
        condition = condition_of(label, self.interface.label_dim)
        maps = [head(x, parts, condition) for head, x in zip(self.heads, projected, strict=True)]
        if not self.interface.label_dim:
            return tuple(x[:, 0] for x in maps)
        cmap = self.mapping(None, label)[:, :, None, None] / math.sqrt(self.cfg.cmap_dim)
        return tuple((x * cmap).sum(dim=1) for x in maps)

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        interface = context.interface
        if max(interface.resolution, cfg.size or 0) < SMALLEST:
            yield f"resolution {interface.resolution} is below {SMALLEST}, the least that it accepts; set size"
        if interface.channels not in (1, 3):
            yield f"its backbone takes RGB or gray images, not {interface.channels} channels"
