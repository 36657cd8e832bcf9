"""The phases of a training iteration as anyone would write them, for the textbook path and for peers.

Names and intervals are those of our own trainer, so that each phase stands beside ours.
"""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from benchmarks.configuration import BATCH, WIDTH

Phases = dict[str, Callable[[], None]]

FORWARD, END = "G forward", "EMA"
INTERVALS = {"generator/main": 1, "generator/path_length": 4, "discriminator/main": 1, "discriminator/r1": 16, END: 1}
"""Steps from one run of a phase to the next; G forward is measured, but no phase of a step."""


class Iteration:
    """Reals and fakes apart, an optimizer that loops; subclasses say how the networks are called."""

    G: Any
    D: Any

    def __init__(
        self, G: nn.Module, D: nn.Module, resolution: int, batch: int = BATCH, width: int = WIDTH, mixes: bool = False
    ) -> None:
        """width: numbers of a latent. mixes: whether a second latent is mapped in training, for style mixing."""
        self.G, self.D, self.average = G, D, copy.deepcopy(G)
        self.batch, self.width, self.mixes = batch, width, mixes
        self.device = next(G.parameters()).device
        self.reals = torch.randn(batch, 3, resolution, resolution, device=self.device)
        adam = partial(torch.optim.Adam, lr=0.002, betas=(0.0, 0.99), foreach=False)
        self.optimizers: list[Any] = [adam(m.parameters()) for m in (G, D)]

    def images(self, ws: Tensor) -> Tensor:
        """[N, num_ws, w_dim] to [N, 3, H, W]."""
        raise NotImplementedError

    def mapped(self, z: Tensor) -> Tensor:
        """[N, z_dim] to [N, num_ws, w_dim]."""
        raise NotImplementedError

    def logits(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def phases(self) -> Phases:
        return {
            FORWARD: self.forward,
            "generator/main": self.g_main,
            "generator/path_length": self.path_length,
            "discriminator/main": self.d_main,
            "discriminator/r1": self.r1,
            END: self.ema,
        }

    def fakes(self, n: int | None = None) -> tuple[Tensor, Tensor]:
        n = n or self.batch
        ws = self.mapped(torch.randn(n, self.width, device=self.device))
        if self.mixes:
            half = ws.shape[1] // 2
            ws = torch.cat([ws[:, :half], self.mapped(torch.randn(n, self.width, device=self.device))[:, half:]], 1)
        return self.images(ws), ws

    @torch.no_grad()
    def forward(self) -> None:
        self.fakes()

    def g_main(self) -> None:
        self.D.requires_grad_(False)
        self._update(0, softplus(-self.logits(self.fakes()[0])).mean())
        self.D.requires_grad_(True)

    def d_main(self) -> None:
        with torch.no_grad():
            fakes = self.fakes()[0]
        self._update(1, softplus(self.logits(fakes)).mean() + softplus(-self.logits(self.reals)).mean())

    def r1(self) -> None:
        reals = self.reals.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.logits(reals).sum(), reals, create_graph=True)
        self._update(1, gradient.square().sum((1, 2, 3)).mean() * (10 / 2 * 16))

    def path_length(self) -> None:
        images, ws = self.fakes(self.batch // 2)
        noise = torch.randn_like(images) / math.sqrt(images[0, 0].numel())
        (gradient,) = torch.autograd.grad((images * noise).sum(), ws, create_graph=True)
        lengths = gradient.square().sum(2).mean(1).sqrt()
        self._update(0, (lengths - lengths.mean() * 0.01).square().mean() * (2 * 4))

    @torch.no_grad()
    def ema(self) -> None:
        for average, p in zip(self.average.parameters(), self.G.parameters(), strict=True):
            average.copy_(p.lerp(average, 0.998))

    def _update(self, side: int, loss: Tensor) -> None:
        loss.backward()
        self.optimizers[side].step()
        self.optimizers[side].zero_grad(set_to_none=True)
