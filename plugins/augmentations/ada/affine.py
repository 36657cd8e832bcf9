"""Homogeneous matrices, one per sample: [N, 3, 3] for places in the plane, [N, 4, 4] for colours."""

import torch
from torch import Tensor

Entry = Tensor | float


def matrix(like: Tensor, *rows: tuple[Entry, ...]) -> Tensor:
    """Stacks rows of entries, each [N] or a number, to [N, rows, columns]. `like` [N] sets device and type."""
    zero = torch.zeros_like(like)  # numbers are added to it, since a tensor made from them would be a transfer
    return torch.stack([torch.stack([zero + entry for entry in row], dim=-1) for row in rows], dim=-2)


def scaling(like: Tensor, x: Entry, y: Entry) -> Tensor:
    return matrix(like, (x, 0, 0), (0, y, 0), (0, 0, 1))


def rotation(angle: Tensor) -> Tensor:
    """Turns the x axis towards the y axis by an angle [N] in radians."""
    cos, sin = angle.cos(), angle.sin()
    return matrix(angle, (cos, -sin, 0), (sin, cos, 0), (0, 0, 1))


def translation(like: Tensor, x: Entry, y: Entry) -> Tensor:
    return matrix(like, (1, 0, x), (0, 1, y), (0, 0, 1))
