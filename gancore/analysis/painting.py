"""From latents to images, as analyses do it."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional as F

from gancore.contracts import Draw, Generator, NoiseMode


def paint(
    generator: Generator, ws: Tensor, draw: Draw | None = None, noise_mode: NoiseMode = "const", batch: int = 16
) -> Tensor:
    """Images [N, C, R, R] of ws [N, num_ws, w_dim], a batch at a time where the noise does not come from a draw.

    Those of a generator that is still growing are enlarged.
    """
    pieces = (ws,) if draw is not None else ws.split(batch)
    images = [
        generator.synthesis(piece, noise_mode=noise_mode, stage=generator.stage, draw=draw)[-1] for piece in pieces
    ]
    return generator.enlarged(torch.cat(images))


def paint_with(
    generator: Generator,
    ws: Tensor,
    buffers: Mapping[str, Tensor],
    noise_mode: NoiseMode = "const",
    draw: Draw | None = None,
) -> Tensor:
    """Images [N, C, R, R] of ws with other buffers of the synthesis network, by name: noise maps, a moved input.

    The generator is left unchanged. Differentiable in ws and in the buffers.
    """
    how = {"noise_mode": noise_mode, "stage": generator.stage, "draw": draw}
    return generator.enlarged(functional_call(generator.synthesis, dict(buffers), (ws,), how)[-1])


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the sphere from a [N, D] to b [N, D] by t [N, 1], with the lengths between those of the ends.

    The middle of a straight line between two normal latents is too short to be one (arXiv:1609.04468).
    """
    la, lb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    cosine = (F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(dim=1, keepdim=True).clamp(-1, 1)
    angle = torch.acos(cosine)
    sine = angle.sin()
    mixed = (torch.sin((1 - t) * angle) * a / la + torch.sin(t * angle) * b / lb) / sine.clamp_min(1e-6)
    straight = torch.lerp(a / la, b / lb, t)
    return torch.where(sine > 1e-6, mixed, straight) * torch.lerp(la, lb, t)


def slots_by_scale(num_ws: int) -> dict[str, range]:
    """The ws of coarse, middle and fine layers: four, four, the rest (arXiv:1812.04948 figure 3); thirds below ten."""
    first, second = (4, 8) if num_ws >= 10 else (max(num_ws // 3, 1), max(2 * num_ws // 3, 1))
    named = {"coarse": range(first), "middle": range(first, second), "fine": range(second, num_ws)}
    return {name: slots for name, slots in named.items() if slots}


def mixed(ws: Tensor, source: Tensor, slots: range) -> Tensor:
    """ws [N, num_ws, w_dim] with some slots from a source [N or 1, num_ws, w_dim]."""
    taken = torch.zeros(ws.shape[1], 1, dtype=torch.bool, device=ws.device)
    taken[slots.start : slots.stop] = True
    return torch.where(taken, source, ws)
