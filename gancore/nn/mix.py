"""A learned share rho in [0, 1] per channel, by which a normalization mixes two statistics (PIN, BIN)."""

from typing import Literal

import torch
from torch import Tensor, nn

from gancore.contracts import ParamGroup, Part

Mode = Literal["clamp", "sigmoid", "fixed"]


class Mix(Part):
    """rho * a + (1 - rho) * b, with rho [C].

    clamp: learned, clamped to [0, 1] after each update (arXiv:1805.07925). sigmoid: learned as a logit.
    fixed: a constant.
    """

    rho: Tensor

    def __init__(self, channels: int, mode: Mode, start: float, lr_factor: float = 1.0) -> None:
        super().__init__()
        self.mode, self.lr_factor = mode, lr_factor
        value = torch.full([channels], start)
        if mode == "fixed":
            self.register_buffer("rho", value)
        else:
            self.rho = nn.Parameter(value.logit() if mode == "sigmoid" else value)

    def value(self) -> Tensor:
        """rho [C]."""
        return self.rho.sigmoid() if self.mode == "sigmoid" else self.rho

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """[N, C, H, W] each."""
        return torch.lerp(b, a, self.value().to(a.dtype)[:, None, None])

    def param_groups(self) -> list[ParamGroup]:
        if not isinstance(self.rho, nn.Parameter) or self.lr_factor == 1:
            return []
        return [ParamGroup([self.rho], self.lr_factor)]

    def after_update(self) -> None:
        if self.mode == "clamp":
            self.rho.data.clamp_(0, 1)

    def scalars(self) -> dict[str, Tensor]:
        return {"rho": self.value().detach().mean()}
