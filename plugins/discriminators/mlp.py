"""The discriminator of the first GAN: fully connected maxout layers with dropout.

Source: arXiv:1406.2661 section 5. Widths, pieces and shares of dropout are not in the paper; see
experiments/presets/gan-mlp.yaml.
Differs: labels, where there are any, enter beside the image (arXiv:1411.1784).
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import (
    Context,
    Discriminator,
    Images,
    Interface,
    Normalize,
    PluginConfig,
    Stage,
)
from gancore.nn.dense import DenseActivation, DenseStack, dense_problems
from gancore.nn.latent import with_label
from gancore.nn.layers import Linear

Width = Annotated[int, Field(ge=1, le=65536)]


class MLP(Discriminator):
    """Plugin `mlp`: images of any size to logits [N]."""

    class Config(PluginConfig):
        hidden: tuple[Width, ...] = Field((240, 240), strict=False, min_length=1, description="widths of the layers")
        activations: tuple[DenseActivation, ...] = Field(
            ("maxout",), strict=False, min_length=1, description="one for all hidden layers, or one each"
        )
        pieces: int = Field(5, ge=2, description="linear pieces of a maxout unit")
        dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden values set to zero in training")
        input_dropout: float = Field(0.2, ge=0, lt=1, description="share of pixels set to zero in training")
        init_std: float = Field(0.03, gt=0, description="standard deviation of the first weights")

        @model_validator(mode="after")
        def _one_each(self) -> "MLP.Config":
            if len(self.activations) not in (1, len(self.hidden)):
                raise ValueError(f"activations: give one, or one for each of the {len(self.hidden)} hidden layers")
            return self

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        pixels = interface.channels * interface.resolution**2 + interface.label_dim
        dropout = [cfg.input_dropout, *[cfg.dropout] * (len(cfg.hidden) - 1)]
        self.hidden = DenseStack(
            pixels, cfg.hidden, cfg.activations, cfg.init_std, normalize, "discriminator", cfg.pieces, dropout
        )
        self.out = Linear(cfg.hidden[-1], 1, init_std=cfg.init_std)

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        x = with_label(images[-1].flatten(1), label, self.interface.label_dim)
        x = F.dropout(self.hidden(x, parts), self.cfg.dropout, self.training)
        return (self.out(x)[:, 0],)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return dense_problems(context)
