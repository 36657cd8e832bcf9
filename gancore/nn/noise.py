"""Noise images: stochastic detail that a layer adds to its activations (arXiv:1812.04948 section 3.2)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gancore.contracts import Draw, NoiseMode


@dataclass(frozen=True)
class NoiseSource:
    """Where the noise of one forward pass comes from: stored (const), new (random, from `draw` if given), none."""

    mode: NoiseMode = "random"
    draw: Draw | None = None

    def image(self, purpose: str, stored: Tensor, n: int) -> Tensor | None:
        """[n or 1, 1, H, W] for the layer whose stored noise is [H, W]; `purpose` names its stream."""
        if self.mode == "none":
            return None
        if self.mode == "const":
            return stored[None, None]
        if self.draw is not None:
            return self.draw.normal(purpose, (1, *stored.shape)).to(stored.dtype)
        return torch.randn(n, 1, *stored.shape, dtype=stored.dtype, device=stored.device)
