"""Normalization statistics of activations [N, C, H, W], in plain differentiable formulas of any order.

Low-precision activations are measured in float32. Variances are biased, and computed as the mean square of centred
activations: on channels_last tensors torch.var is several times slower.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from gancore.nn import processes
from gancore.nn.precision import at_least_float32


def instance_norm(y: Tensor, eps: float = 1e-8) -> Tensor:
    """Mean 0 and variance 1 over H and W (arXiv:1607.08022); `eps` is added to the variance."""
    x = at_least_float32(y)
    centred = x - x.mean((2, 3), keepdim=True)
    return (centred * (centred.square().mean((2, 3), keepdim=True) + eps).rsqrt()).to(y.dtype)


def pixel_norm(y: Tensor, eps: float = 1e-8) -> Tensor:
    """Root mean square 1 over C (arXiv:1710.10196 section 4.2)."""
    x = at_least_float32(y)
    return (x * (x.square().mean(dim=1, keepdim=True) + eps).rsqrt()).to(y.dtype)


def inverse_std(y: Tensor, eps: float = 1e-8) -> Tensor:
    """1 / standard deviation over H and W, [N, C]."""
    x = at_least_float32(y)
    return ((x - x.mean((2, 3), keepdim=True)).square().mean((2, 3)) + eps).rsqrt()


class RunningMoments(torch.nn.Module):
    """Batch statistics (arXiv:1502.03167): those of the batch in training, their moving averages otherwise."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.recomputed: int | None = None  # batches seen inside `recomputed_moments`
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, y: Tensor, parts: int = 1) -> Tensor:
        """Mean 0 and variance 1 over the batch, H and W, within each of `parts` equal parts of the batch (that of all
        processes of a run)."""
        x = at_least_float32(y)
        if not self.training:
            centred, variance = x - self.running_mean[:, None, None], self.running_var[:, None, None]
            return (centred * (variance + self.eps).rsqrt()).to(y.dtype)
        x = x.unflatten(0, (parts, -1))
        mean = processes.mean(x.mean((1, 3, 4), keepdim=True))  # [parts, 1, C, 1, 1]
        centred = x - mean
        variance = processes.mean(centred.square().mean((1, 3, 4), keepdim=True))
        self._follow(mean.detach(), variance.detach(), x[0, :, 0].numel() * processes.size())
        return (centred * (variance + self.eps).rsqrt()).flatten(0, 1).to(y.dtype)

    def _follow(self, mean: Tensor, variance: Tensor, values: int) -> None:
        """Moves the averages, of which that of the variance is unbiased."""
        unbiased = variance * (values / max(values - 1, 1))
        weight = self.momentum
        if self.recomputed is not None:
            self.recomputed += 1
            weight = 1 / self.recomputed  # a plain average
        self.running_mean.lerp_(mean.mean(dim=0).flatten().to(self.running_mean.dtype), weight)
        self.running_var.lerp_(unbiased.mean(dim=0).flatten().to(self.running_var.dtype), weight)


@contextmanager
def recomputed_moments(network: torch.nn.Module) -> Iterator[bool]:
    """Batch statistics of `network` become the plain averages over the batches that it sees in this context.

    Yields whether it has any. The averaged generator needs this: the moving averages that it copies were measured with
    the weights of training, not with the averaged ones.
    """
    moments = [module for module in network.modules() if isinstance(module, RunningMoments)]
    for module in moments:
        module.train()
        module.recomputed = 0
    try:
        yield bool(moments)
    finally:
        for module in moments:
            module.eval()
            module.recomputed = None
