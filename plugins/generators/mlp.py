"""The generator of the first GAN: fully connected layers.

Source: arXiv:1406.2661 section 5: rectifiers and sigmoids. A sigmoid output on pixels in [0, 1] is 2 sigmoid(x) - 1
on the [-1, 1] of this package. Widths and initial weights are not in the paper; see preset:gan-mlp.
Differs: labels, where there are any, enter beside z (arXiv:1411.1784).
"""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Context, Images, Interface, Normalize, Pass, Synthesis
from gancore.nn import LatentGenerator, LatentOptions, Linear, label_in
from gancore.nn.families.dense import DenseOptions, DenseStack, dense_problems


class MLP(LatentGenerator):
    """Plugin `mlp`: latents [N, z_dim] to images of any size."""

    class Config(DenseOptions, LatentOptions):
        output: Literal["sigmoid", "tanh", "linear"] = Field("sigmoid", description="bound of the pixels")

    def __init__(self, cfg: Config, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.synthesis = MLPSynthesis(cfg, interface, normalize, self.w_dim)

    @classmethod
    def problems(cls, cfg: Config, context: Context) -> Iterable[str]:
        return dense_problems(context)


class MLPSynthesis(Synthesis):
    """ws [N, 1, w_dim] to one image."""

    def __init__(self, cfg: MLP.Config, interface: Interface, normalize: Normalize, w_dim: int) -> None:
        super().__init__()
        self.output, self.label_dim = cfg.output, interface.label_dim
        self.shape = (interface.channels, interface.resolution, interface.resolution)
        self.hidden = DenseStack(
            w_dim, cfg.hidden, cfg.activations, cfg.init_std, normalize, pieces=cfg.pieces, condition=self.label_dim
        )
        self.out = Linear(cfg.hidden[-1], math.prod(self.shape), init_std=cfg.init_std)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        hidden = self.hidden(ws[:, 0], condition=label_in(ws, self.label_dim))
        x = self.out(hidden).unflatten(1, self.shape)
        return (OUTPUTS[self.output](x),)


def _sigmoid(x: Tensor) -> Tensor:
    return torch.tanh(x / 2)  # 2 sigmoid(x) - 1


OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": _sigmoid, "tanh": torch.tanh, "linear": torch.clone}
