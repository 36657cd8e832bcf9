"""The discriminator of ACGAN: six 3x3 convolutions with dropout, every second of which keeps the size, and two heads.

Source: arXiv:1610.09585, appendix A, tables 1 and 2: strides 2, 1, 2, 1, 2, 1; maps 16 to 512; leaky ReLU 0.2; batch
norm everywhere but at the input; dropout 0.5 behind every layer; weights N(0, 0.02).
Differs: reals and fakes are normalized apart; no noise on activations; without labels there is one head.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import (
    Context,
    Discriminator,
    Images,
    Interface,
    Logits,
    Normalize,
    Outputs,
    PluginConfig,
    Stage,
)
from gancore.nn import Activation, Conv2d, Linear, Sites, condition_of, resolution_problems

LAYERS = 6
LEAKY = Activation(slope=0.2)


class ACGAN(Discriminator):
    """Plugin `acgan`: one image to logits [N], and class logits [N, label_dim]."""

    provides = frozenset({"features", "class_logits"})

    class Config(PluginConfig):
        width: int = Field(16, ge=1, le=4096, description="feature maps of the first layer; each layer doubles them")
        dropout: float = Field(0.5, ge=0, lt=1, description="share of values behind each layer set to zero in training")
        init_std: float = Field(0.02, gt=0, description="standard deviation of the initial weights")

    cfg: Config

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        sites = Sites("discriminator", LAYERS - 1, styled=False, condition=interface.label_dim)
        size, channels = interface.resolution, interface.channels
        for i in range(LAYERS):
            name, c_out, down = f"conv{i}", cfg.width << i, i % 2 == 0
            size = size // 2 if down else size
            normalization = normalize(sites.next(name, size, channels, c_out)) if i else None
            sampling: Literal["down"] | None = "down" if down else None
            layer = Conv2d(channels, c_out, 3, True, sampling, None, "fir", LEAKY, normalization, cfg.init_std)
            self.add_module(name, layer)
            channels = c_out
        self.out = Linear(channels * size**2, 1, init_std=cfg.init_std)
        self.classes = (
            Linear(channels * size**2, interface.label_dim, init_std=cfg.init_std) if interface.label_dim else None
        )

    def forward(
        self,
        images: Images,
        label: Tensor | None = None,
        stage: Stage | None = None,
        parts: int = 1,
        wanted: tuple[str, ...] = (),
    ) -> Logits | tuple[Logits, Outputs]:
        x, condition = images[-1], condition_of(label, self.interface.label_dim)
        features: list[Tensor] = []
        for i in range(LAYERS):
            x = F.dropout(
                getattr(self, f"conv{i}")(x, parts=parts, condition=condition), self.cfg.dropout, self.training
            )
            if "features" in wanted:
                features.append(x)
        x = x.flatten(1)
        logits = (self.out(x)[:, 0],)
        if not wanted:
            return logits
        return logits, {"features": tuple(features), "class_logits": () if self.classes is None else (self.classes(x),)}

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return resolution_problems(context.interface.resolution, least=8)
