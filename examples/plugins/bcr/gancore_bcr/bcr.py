"""Balanced consistency regularization: D says the same of an image and of the image flipped and shifted.

Source: arXiv:2002.04724, algorithm 1 and equations 2 and 3; weights of section 4.1.
"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Draw, Images, Judged, PluginConfig, Regularizer, Step
from gancore.contracts.types import Network


class BalancedConsistency(Regularizer):
    """Plugin `bcr`: real * (D(x) - D(T(x)))^2 + fake * (D(G(z)) - D(T(G(z))))^2, on the logits of every head.

    D(x) and D(G(z)) are those of the main loss. T flips with probability 1/2, then shifts by up to an eighth.
    """

    class Config(PluginConfig):
        real: float = Field(10.0, ge=0, description="weight for real images")
        fake: float = Field(10.0, ge=0, description="weight for generated images")

    cfg: Config
    side: ClassVar[Network] = "discriminator"
    second_order = False

    def penalty(self, step: Step) -> Tensor:
        main = step.main
        assert main.real is not None, "a phase of D"
        changed = (
            transformed(step.real, step.draw.scoped("bcr.real")),
            transformed(main.fakes.images, step.draw.scoped("bcr.fake")),
        )
        images = tuple(torch.cat(pair) for pair in zip(*changed, strict=True))
        labels = [side.label for side in (main.real, main.fake) if side.label is not None]
        halves = [
            logits.chunk(2) for logits in step.discriminate(images, torch.cat(labels) if labels else None, parts=2)
        ]
        real, fake = (_difference(side, [half[i] for half in halves]) for i, side in enumerate((main.real, main.fake)))
        return self.cfg.real * real + self.cfg.fake * fake


def transformed(images: Images, draw: Draw) -> Images:
    """Each sample [C, H, W] flipped or not and shifted, borders reflected, alike at every scale."""
    flip, shift = draw.uniform("flip") < 0.5, draw.uniform("shift", (2,))
    changed = []
    for image in images:
        n, _, height, width = image.shape
        flipped = torch.where(flip[:, None, None, None], image.flip(3), image)
        rows, columns = _shifted(shift[:, 0], height), _shifted(shift[:, 1], width)
        index = torch.arange(n, device=image.device)[:, None, None]
        changed.append(flipped[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2))
    return tuple(changed)


def _shifted(u: Tensor, size: int) -> Tensor:
    """Where each of `size` positions is read, [N, size], for shifts of up to an eighth that u in [0, 1) chooses."""
    most = size // 8
    by = (u * (2 * most + 1)).floor().long() - most
    at = (torch.arange(size, device=u.device) + by[:, None]).abs()
    return torch.where(at < size, at, 2 * (size - 1) - at)


def _difference(before: Judged, after: list[Tensor]) -> Tensor:
    """The mean squared difference of logits, summed over heads."""
    return torch.stack([(b - a).square().mean() for b, a in zip(before.logits, after, strict=True)]).sum()
