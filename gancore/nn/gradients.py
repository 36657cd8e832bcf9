"""Gradients with respect to inputs, themselves differentiable: the inner gradient of R1 and of path length.

In float16 they are computed from scaled outputs and divided afterwards (`inner_scale`), or they would vanish.
PyTorch asks a Python autograd function for the gradients of all its inputs, needed or not; `no_weight_gradients`
leaves out those of weights, which saves about a third of the inner backward pass.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from gancore.nn.precision import full_precision

_wanted = True
_scale: Tensor | None = None


def weight_gradients_wanted() -> bool:
    """Whether convolutions compute gradients of their weights in a backward pass."""
    return _wanted


@contextmanager
def no_weight_gradients() -> Iterator[None]:
    """Within this context backward passes leave weights and biases of convolutions without a gradient."""
    global _wanted
    before, _wanted = _wanted, False
    try:
        yield
    finally:
        _wanted = before


@contextmanager
def inner_scale(scale: Tensor | None) -> Iterator[None]:
    """Within this context `input_gradients` differentiates outputs times `scale` and divides by it afterwards."""
    global _scale
    before, _scale = _scale, scale
    try:
        yield
    finally:
        _scale = before


def input_gradients(outputs: Tensor, inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """d sum(outputs) / d inputs, of the shapes of the inputs, differentiable again; `inputs` must not be weights.

    Unused inputs (the coarse scales, for a discriminator of single images) have gradient 0.
    """
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    total = outputs.sum() if _scale is None else outputs.sum() * _scale
    with no_weight_gradients(), full_precision(total):  # as backward() does: autocast is of the forward pass
        gradients = torch.autograd.grad(total, inputs, create_graph=True, materialize_grads=True)
    return gradients if _scale is None else tuple(gradient / _scale for gradient in gradients)
