"""Generators without styles: the latent itself enters the network, with the label beside it.

The one w is [z, label]: a conditional GAN by concatenation (arXiv:1411.1784). The mean latent is 0, so
truncation scales z; the label is left alone.
"""

from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from gancore.contracts import Draw, Generator, Interface, Mapping, Normalize
from gancore.nn.label import with_label
from gancore.options import PluginConfig


class LatentOptions(PluginConfig):
    """The latent of generators without styles."""

    z_dim: int = Field(100, ge=1, le=65536, description="size of the latent z")
    latent: Literal["normal", "uniform"] = Field("normal", description="N(0, 1), or uniform on [-1, 1]")


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
        """`truncation_psi` scales z, unless `truncation_cutoff` is 0. Raises ValueError where a label is missing."""
        z, label = self.inputs(z, label)
        z = z if truncation_cutoff == 0 else z * truncation_psi
        return with_label(z, label, self.label_dim)[:, None]

    def inputs(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What stands for z and label in ws; as they are by default."""
        return z, label


def label_in(ws: Tensor, label_dim: int) -> Tensor | None:
    """The label [N, label_dim], or its embedding, that stands in ws [N, 1, z_dim + label_dim]; None without labels."""
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
