"""Gradients with respect to inputs, for penalties on them (R1, WGAN-GP, path length)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def input_gradients(outputs: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Gradient of the sum of `outputs` with respect to each of `inputs`, itself differentiable."""
    return torch.autograd.grad(outputs.sum(), tuple(inputs), create_graph=True)
