"""Generators without styles: the latent itself enters the network, with the label beside it.

The one w is [z, label]: a conditional GAN by concatenation (arXiv:1411.1784). The mean latent is 0, so
truncation scales z, not the label.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.contracts import Context, Draw, Generator, Interface, Mapping, Normalize
from gancore.nn.label import with_label
from gancore.nn.mapping import normalize_2nd_moment
from gancore.options import Later, PluginConfig


class LatentOptions(PluginConfig):
    """The latent of generators without styles."""

    z_dim: int = Field(100, ge=1, le=65536, description="size of the latent z")
    latent: Literal["normal", "uniform"] = Field("normal", description="N(0, 1), or uniform on [-1, 1]")


LabelEntry = Annotated[
    Later[Literal["input", "normalization"]],
    Field(
        description="where a label enters: beside z, or only by normalizations that depend on it (conditional_batch)"
    ),
]
"""How a generator without styles gets labels. The default is "input"."""


def inputs_of(labels: Literal["input", "normalization"], z_dim: int, label_dim: int) -> int:
    """How many of the first numbers in ws [N, 1, z_dim + label_dim] enter the first layer."""
    return z_dim + label_dim if labels == "input" else z_dim


def label_problems(labels: Literal["input", "normalization"], context: Context) -> Iterable[str]:
    """Why labels cannot enter by the normalization alone."""
    looks = "condition" in context.provided.get("normalization", {"condition"})
    if labels == "normalization" and context.interface.label_dim and not looks:
        yield "labels: normalization needs one that depends on the label; choose conditional_batch, or labels: input"


class Latent(Mapping):
    """z [N, z_dim] and labels [N, label_dim] to ws [N, 1, z_dim + label_dim]."""

    def __init__(self, label_dim: int) -> None:
        super().__init__()
        self.label_dim = label_dim

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """`truncation_psi` scales z, unless `truncation_cutoff` is 0. Raises ValueError if a label is missing."""
        z, label = self.inputs(z, label)
        z = z if truncation_cutoff == 0 else z * truncation_psi
        return with_label(z, label, self.label_dim)[:, None]

    def inputs(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """z and label as they enter ws; unchanged by default."""
        return z, label


class SharedEmbedding(Latent):
    """z beside an embedding of the label that all layers share (arXiv:1809.11096 section 3).

    ws are [N, 1, z_dim + features]. The embedding starts as a row of N(0, 1) numbers for each class; no weight
    normalization touches it.
    """

    def __init__(self, label_dim: int, features: int | None, normalize_z: bool = False) -> None:
        """`features` None: the label itself. With `normalize_z` z is scaled to a root mean square of 1."""
        super().__init__(label_dim)
        self.normalize_z = normalize_z
        self.embedding = nn.Parameter(torch.randn(label_dim, features)) if label_dim and features else None

    def inputs(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        z = normalize_2nd_moment(z) if self.normalize_z else z
        return z, label if label is None or self.embedding is None else label.to(self.embedding.dtype) @ self.embedding


def label_in(ws: Tensor, label_dim: int) -> Tensor | None:
    """The label [N, label_dim], or its embedding, in ws [N, 1, z_dim + label_dim]; None without labels."""
    return ws[:, 0, ws.shape[2] - label_dim :] if label_dim else None


class LatentGenerator(Generator):
    """The base of generators whose `synthesis` takes ws [N, 1, w_dim]; `latents` is the size of all of z."""

    def __init__(self, cfg: Any, interface: Interface, normalize: Normalize, latents: int | None = None) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim = cfg.z_dim if latents is None else latents
        self.w_dim = self.z_dim + interface.label_dim
        self.num_ws = 1
        self.mapping = Latent(interface.label_dim)

    def sample_z(self, draw: Draw) -> Tensor:
        if self.cfg.latent == "normal":
            return draw.normal("z", (self.z_dim,))
        return draw.uniform("z", (self.z_dim,)) * 2 - 1
