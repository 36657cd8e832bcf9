"""ADA itself: stages of transforms, and a strength that adapts to how much D overfits."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Augmentation, Context, Draw, Images, Interface, Mean, value_at
from gancore.nn import at_least_float32, full_precision, processes

from .chance import Chance
from .color import color
from .corruption import cutout, image_filter, noise
from .geometry import geometry
from .options import COLOR, Options

# Each draws once, and returns the change it makes to an image of any scale.
STAGES = (geometry, color, image_filter, noise, cutout)


class ADA(Augmentation):
    """Plugin `ada`: every transform is applied to a sample with probability p, the strength.

    p starts at 0. Every `interval` steps it moves by the share of `kimg` that has been shown since, up where the
    mean sign of D's logits of real images is above `target`, else down; it never falls below 0
    (arXiv:2006.06676, section 3.1). Above 1 every transform is certain.
    """

    Config = Options

    p: Tensor
    signs: Tensor
    seen: Tensor
    steps: Tensor

    def __init__(self, cfg: Options, interface: Interface) -> None:
        super().__init__(cfg, interface)
        self.register_buffer("p", torch.zeros([]))
        self.register_buffer("signs", torch.zeros(2))  # their sum and number since p last moved
        self.register_buffer("seen", torch.zeros(2), persistent=False)  # the same of this step and this process
        self.register_buffer("steps", torch.zeros([], dtype=torch.int64))

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        channels = context.interface.channels
        chosen = sorted(name for name in COLOR if cfg.relative(name) > 0)
        if chosen and channels not in (1, 3):
            yield f"{', '.join(chosen)} change gray or RGB images, these have {channels} channels; try set: bg"

    def forward(self, images: Images, draw: Draw, kimg: float) -> Images:
        if self.cfg.p is not None:
            self.p.fill_(value_at(self.cfg.p, kimg))
        images = tuple(at_least_float32(image) for image in images)
        with full_precision(images[-1]):  # half a pixel is lost in the products of bfloat16 coordinates
            chance = Chance(self.cfg, draw, self.p, images[-1].dtype)
            changes = [stage(chance, images[-1].shape) for stage in STAGES]
            return tuple(reduce(lambda x, change: change(x), changes, image) for image in images)

    def observe(self, real_logits: Tensor) -> None:
        self.seen[0] += real_logits.detach().sign().sum()
        self.seen[1] += real_logits.numel()

    def end_step(self, mean: Mean) -> None:
        if self.cfg.p is None:
            self.signs += processes.sum(self.seen)
            self.steps += 1
            self._move(self.steps % self.cfg.interval == 0)
        self.seen.zero_()

    def _move(self, due: Tensor) -> None:
        total, number = self.signs
        direction = (total / number.clamp(min=1) - self.cfg.target).sign()
        moved = self.p + direction * number / (1000 * self.cfg.kimg)
        self.p.copy_(torch.where(due, moved.clamp(min=0), self.p))
        self.signs.copy_(torch.where(due, 0, self.signs))

    def scalars(self) -> dict[str, Tensor]:
        return {"p": self.p}
