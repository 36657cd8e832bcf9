"""The mapping network: latents (and labels) to the styles of all layers.

Source: arXiv:1812.04948 section 2 and appendix B (truncation). Labels as in the code of arXiv:2006.06676: latent
and embedded label are normalized separately, then concatenated; or as in that of arXiv:1812.04948: concatenated with a
row of N(0, 1) numbers for each class, then normalized together.
"""

from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Mapping, Mean, Part
from gancore.errors import PluginError
from gancore.nn.activation import GainIn, leaky
from gancore.nn.label import required_label
from gancore.nn.layers import Linear
from gancore.nn.step_mean import StepMean
from gancore.options import Later, PluginConfig


class LabelMappingConfig(PluginConfig):
    """Layers that a label passes through."""

    layers: int = Field(8, ge=0, le=64, description="fully connected layers; 0: input and output are of one size")
    lr_multiplier: float = Field(0.01, gt=0, description="learning rate relative to the rest of the network")
    features: int | None = Field(
        None, ge=1, le=65536, description="width of the layers between; the output's when not given"
    )
    embed_features: int | None = Field(None, ge=1, le=65536, description="width of the embedded label; likewise")


class MappingConfig(LabelMappingConfig):
    """The mapping network."""

    labels: Later[Literal["apart", "together"]] = Field(
        "apart", description="whether latent and embedded label are normalized before or after they are concatenated"
    )
    normalize_z: Later[bool] = Field(True, description="latents and labels scaled to a root mean square of 1")
    w_avg_decay: float = Field(0.995, ge=0, lt=1, description="decay of the average w per step, for truncation")


class MappingNetwork(Mapping, Part):
    """z [N, z_dim] and labels [N, label_dim] to ws [N, num_ws, w_dim], or [N, w_dim] with `num_ws` None.

    `z_dim` 0 maps labels alone (conditional discriminators). `gain_in` is the place of sqrt(2).
    """

    w_avg: Tensor

    def __init__(
        self,
        z_dim: int,
        label_dim: int,
        w_dim: int,
        num_ws: int | None,
        cfg: LabelMappingConfig,
        gain_in: GainIn = "activation",
    ) -> None:
        super().__init__()
        self.z_dim, self.label_dim, self.num_ws = z_dim, label_dim, num_ws
        self.normalize = not isinstance(cfg, MappingConfig) or cfg.normalize_z
        self.together = isinstance(cfg, MappingConfig) and cfg.labels == "together"
        embedded = (cfg.embed_features or (z_dim if self.together else w_dim)) if label_dim else 0
        if label_dim:
            self.embed = _rows(label_dim, embedded) if self.together else Linear(label_dim, embedded)
        if not cfg.layers and z_dim + embedded != w_dim:
            raise PluginError(f"a mapping without layers takes {z_dim + embedded} numbers to as many, not to {w_dim}")
        widths = [z_dim + embedded, *[cfg.features or w_dim] * (cfg.layers - 1), w_dim]
        self.layers = [f"fc{i}" for i in range(cfg.layers)]
        for name, c_in, c_out in zip(self.layers, widths, widths[1:], strict=False):
            setattr(self, name, Linear(c_in, c_out, lr_multiplier=cfg.lr_multiplier, activation=leaky(gain_in)))
        self.w_avg_decay = cfg.w_avg_decay if isinstance(cfg, MappingConfig) else None
        if self.w_avg_decay is not None:
            self.register_buffer("w_avg", torch.zeros(w_dim))
            self.step_mean = StepMean(w_dim)

    def forward(
        self,
        z: Tensor | None,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """`truncation_psi` pulls towards the average w: the first `truncation_cutoff` ws, or all."""
        x = self._input(z, label)
        for name in self.layers:
            x = getattr(self, name)(x)
        if update_emas and self.w_avg_decay is not None:
            self.step_mean.add(x.detach().mean(dim=0))
        if self.num_ws is None:
            return x
        ws = x[:, None].expand(-1, self.num_ws, -1)
        return ws if truncation_psi == 1 else self._truncated(ws, truncation_psi, truncation_cutoff)

    if TYPE_CHECKING:
        __call__ = forward

    def end_step(self, mean: Mean) -> None:
        """Moves w_avg once, towards the mean of the step's batches."""
        if self.w_avg_decay is not None:
            self.step_mean.move(self.w_avg, 1 - self.w_avg_decay, mean)

    def _input(self, z: Tensor | None, label: Tensor | None) -> Tensor:
        parts = [] if z is None else [z]
        if self.label_dim:
            parts.append(self.embed(required_label(label, self.label_dim)))
        if not self.normalize:
            return torch.cat(parts, dim=1)
        if self.together:
            return normalize_2nd_moment(torch.cat(parts, dim=1))
        return torch.cat([normalize_2nd_moment(part) for part in parts], dim=1)

    def _truncated(self, ws: Tensor, psi: float, cutoff: int | None) -> Tensor:
        near = self.w_avg.lerp(ws, psi)
        return near if cutoff is None else torch.cat([near[:, :cutoff], ws[:, cutoff:]], dim=1)


def _rows(label_dim: int, features: int) -> Linear:
    """A row of N(0, 1) numbers for each class, not scaled."""
    return Linear(label_dim, features, bias_init=None, init_std=1.0)


def normalize_2nd_moment(x: Tensor, eps: float = 1e-8) -> Tensor:
    """[N, C] scaled to a root mean square of 1 over C."""
    return x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt()
