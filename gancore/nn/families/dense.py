"""Fully connected layers of the first GANs: ordinary weights, ReLU, sigmoid or maxout.

Sources: arXiv:1406.2661 (their use in a GAN), arXiv:1302.4389 (maxout: the greatest of several linear pieces).
"""

import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.contracts import Context, Normalization, Normalize
from gancore.contracts.types import Network
from gancore.nn.layers import Linear
from gancore.nn.normalized import normalized, without_style
from gancore.nn.sites import Sites
from gancore.nn.unstyled import gained
from gancore.options import PluginConfig

DenseActivation = Literal["relu", "lrelu", "sigmoid", "maxout"]
Width = Annotated[int, Field(ge=1, le=65536)]


class DenseOptions(PluginConfig):
    """Options of fully connected networks."""

    hidden: tuple[Width, ...] = Field((1200, 1200), strict=False, min_length=1, description="widths of the layers")
    activations: tuple[DenseActivation, ...] = Field(
        ("relu",), strict=False, min_length=1, description="one for all hidden layers, or one each"
    )
    pieces: int = Field(5, ge=2, description="linear pieces of a maxout unit")
    init_std: float = Field(0.03, gt=0, description="standard deviation of the initial weights")

    @model_validator(mode="after")
    def _one_each(self) -> "DenseOptions":
        if len(self.activations) not in (1, len(self.hidden)):
            raise ValueError(f"activations: give one, or one for each of the {len(self.hidden)} hidden layers")
        return self


class Dense(nn.Module):
    """[N, in] to [N, width]: weight, statistic, bias, activation; `pieces` is for maxout."""

    def __init__(
        self,
        c_in: int,
        width: int,
        activation: DenseActivation,
        init_std: float,
        normalization: Normalization | None = None,
        pieces: int = 1,
    ) -> None:
        super().__init__()
        self.activation, self.pieces = activation, pieces
        self.normalization = None if normalization is None else without_style(normalization)
        self.linear = Linear(c_in, width * pieces, None, init_std=init_std)
        self.bias = nn.Parameter(torch.zeros(width * pieces))

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        y = self.linear(x, self.normalization)
        if self.normalization is not None:
            y = normalized(self.normalization, y[:, :, None, None], parts, condition).flatten(1)
        return self._activated(y + self.bias)

    def _activated(self, y: Tensor) -> Tensor:
        match self.activation:
            case "maxout":
                return y.unflatten(1, (-1, self.pieces)).amax(2)
            case "sigmoid":
                return y.sigmoid()
            case "relu":
                return F.relu(y)
            case "lrelu":
                return F.leaky_relu(y, 0.2)


def torch_std(fan_in: int) -> float:
    """Standard deviation of the weights that Torch's layers start with: uniform up to 1 / sqrt(fan_in)."""
    return 1 / math.sqrt(3 * fan_in)


class DenseStack(nn.Module):
    """Layers fc0, fc1, ...: [N, in] to [N, last width], with dropout of their inputs if it is set.

    Dropout draws from torch's own generator, which the trainer seeds for every phase; in evaluation it is off.
    """

    def __init__(
        self,
        c_in: int,
        widths: Sequence[int],
        activations: Sequence[DenseActivation] = ("relu",),
        init_std: float | None = None,
        normalize: Normalize | None = None,
        network: Network = "generator",
        pieces: int = 1,
        dropout: Sequence[float] = (),
        condition: int = 0,
    ) -> None:
        """`activations`: one for all layers or one each; `dropout`: one each; `init_std`: Torch's when not given.

        A normalization sees the values of a layer as maps of one pixel, [N, C, 1, 1]; None: no normalization.
        """
        super().__init__()
        self.dropout = dropout or [0.0] * len(widths)
        sites = Sites(network, len(widths), styled=False, condition=condition)
        each = activations if len(activations) > 1 else [*activations] * len(widths)
        for i, (width, activation) in enumerate(zip(widths, each, strict=True)):
            linear_pieces = pieces if activation == "maxout" else 1
            site = sites.next(f"fc{i}", 1, c_in, width * linear_pieces)
            normalization = gained(normalize)(site) if normalize else None
            dense = Dense(c_in, width, activation, init_std or torch_std(c_in), normalization, linear_pieces)
            self.add_module(site.name, dense)
            c_in = width

    def forward(self, x: Tensor, parts: int = 1, condition: Tensor | None = None) -> Tensor:
        for i, share in enumerate(self.dropout):
            x = getattr(self, f"fc{i}")(F.dropout(x, share, self.training), parts, condition)
        return x


def dense_problems(context: Context) -> Iterable[str]:
    """Why fully connected layers cannot have the chosen normalization."""
    if "pixels" in context.provided.get("normalization", frozenset()):
        yield (
            "its normalization needs the pixels of each map, and those of fully connected layers have one; "
            "choose normalization none, batch or pixel"
        )
