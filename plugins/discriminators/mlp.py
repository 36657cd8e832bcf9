"""The discriminator of the first GAN: fully connected maxout layers with dropout.

Source: arXiv:1406.2661 section 5. Widths, pieces and dropout probabilities are not in the paper; see
preset:gan-mlp. `max_norm` is the constraint that goes with dropout (arXiv:1207.0580).
Pixels are mapped to [0, 1], the range of the paper's sigmoid outputs, in which most of MNIST is 0.
Differs: labels, where there are any, enter beside the image (arXiv:1411.1784).
"""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Context, Discriminator, Images, Interface, Normalize, Stage
from gancore.nn import Linear, condition_of, with_label
from gancore.nn.families.dense import DenseActivation, DenseOptions, DenseStack, Width, dense_problems


class MLP(Discriminator):
    """Plugin `mlp`: images of any size to logits [N]."""

    class Config(DenseOptions):
        hidden: tuple[Width, ...] = Field((240, 240), strict=False, min_length=1, description="widths of the layers")
        activations: tuple[DenseActivation, ...] = Field(
            ("maxout",), strict=False, min_length=1, description="one for all hidden layers, or one each"
        )
        dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden values set to zero in training")
        max_norm: float | None = Field(
            None, gt=0, description="bound of the norm of the weights into each unit, of a maxout unit each piece"
        )
        input_dropout: float = Field(0.2, ge=0, lt=1, description="share of pixels set to zero in training")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        pixels = interface.channels * interface.resolution**2 + interface.label_dim
        dropout = [cfg.input_dropout, *[cfg.dropout] * (len(cfg.hidden) - 1)]
        self.hidden = DenseStack(
            pixels,
            cfg.hidden,
            cfg.activations,
            cfg.init_std,
            normalize,
            "discriminator",
            cfg.pieces,
            dropout,
            interface.label_dim,
        )
        self.out = Linear(cfg.hidden[-1], 1, init_std=cfg.init_std)

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        pixels = (images[-1].flatten(1) + 1) / 2
        x = with_label(pixels, label, self.interface.label_dim)
        condition = condition_of(label, self.interface.label_dim)
        x = F.dropout(self.hidden(x, parts, condition), self.cfg.dropout, self.training)
        return (self.out(x)[:, 0],)

    @torch.no_grad()
    def after_update(self) -> None:
        """Bounds the norms: with large steps and dropout, maxout's weights grow without end otherwise."""
        if self.cfg.max_norm is None:
            return
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.weight.copy_(torch.renorm(layer.weight, 2, 0, self.cfg.max_norm))

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return dense_problems(context)
